//! The rules of sections A, B and C2, written in the most obvious way: slow, without indexes, order or early returns.
//!
//! Written from the requirements, on the public registry only; it shares no line with `decide`.

use std::collections::BTreeSet;

use agreements::*;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::plan::Unproven;

/// Codes of the rules that something violates.
pub(crate) type Codes = BTreeSet<&'static str>;

/// Everything that is wrong with a call.
#[derive(Debug)]
pub(crate) struct Findings {
    /// With the two systems, whatever agreements exist.
    pub(crate) standing: Codes,
    /// With each agreement that the call could be made under.
    pub(crate) agreements: Vec<((AgreementNumber, u32), Codes)>,
}

impl Findings {
    pub(crate) fn permit(&self) -> bool {
        self.standing.is_empty() && self.agreements.iter().any(|(_, codes)| codes.is_empty())
    }

    pub(crate) fn codes(&self) -> Codes {
        let mut all = self.standing.clone();
        for (_, codes) in &self.agreements {
            all.extend(codes);
        }
        if self.agreements.is_empty() {
            all.insert("no-agreement");
        }
        all
    }
}

pub(crate) struct Model<'w> {
    pub(crate) registry: &'w Registry,
    pub(crate) environment: Phase,
    /// What this node could not verify.
    pub(crate) unproven: &'w Unproven,
}

impl Model<'_> {
    pub(crate) fn judge(&self, call: &Call<'_>, now: Timestamp) -> Findings {
        let mut standing = Codes::new();
        let consumer = self
            .registry
            .systems()
            .find(|system| system.certificates.iter().any(|bound| bound.fingerprint == call.certificate));
        let provider = self.registry.systems().find(|system| system.card.id.as_str() == call.provider);
        match consumer {
            None => drop(standing.insert("certificate-not-registered")),
            Some(system) => {
                self.system(system, now, &mut standing);
                let peer = match call.peer {
                    std::net::IpAddr::V6(six) => six.to_ipv4_mapped().map_or(call.peer, Into::into),
                    four => four,
                };
                if !system.card.networks.iter().any(|network| network.contains(&peer)) {
                    standing.insert("network-not-registered");
                }
            }
        }
        match provider {
            None => drop(standing.insert("provider-unknown")),
            Some(system) => {
                self.system(system, now, &mut standing);
                if system.card.endpoint.is_none() {
                    standing.insert("provider-without-endpoint");
                }
            }
        }
        let mut agreements = Vec::new();
        if let (Some(consumer), Some(provider)) = (consumer, provider) {
            for agreement in self.registry.agreements() {
                let number = &agreement.header.number;
                let between_them = agreement.header.consumer == consumer.card.id
                    && agreement.header.provider == provider.card.id;
                let asked_for = call.claims.agreement.is_none_or(|asked| asked == number.as_str());
                let alive = match agreement.stage {
                    Stage::Submitted | Stage::Concurred | Stage::Suspended | Stage::Terminated => true,
                    Stage::Draft
                    | Stage::Refused
                    | Stage::Returned
                    | Stage::Withdrawn
                    | Stage::Superseded
                    | Stage::Expired => false,
                };
                if let Some(text) = &agreement.text
                    && between_them
                    && asked_for
                    && alive
                {
                    let key = (number.clone(), agreement.header.version);
                    agreements.push((key, self.agreement(agreement, text, call, now)));
                }
            }
        }
        Findings { standing, agreements }
    }

    fn system(&self, system: &System, now: Timestamp, found: &mut Codes) {
        match system.status {
            SystemStatus::Registered => {}
            SystemStatus::Suspended => drop(found.insert("system-suspended")),
            SystemStatus::Decommissioned => drop(found.insert("system-decommissioned")),
        }
        if system.card.phase != self.environment {
            found.insert("wrong-environment");
        }
        self.stopped(&Target::System(system.card.id.clone()), now, found);
        let today = astana(now).date();
        paper(
            system.attestation.as_ref(),
            today,
            ["attestation-missing", "attestation-ended", "attestation-suspended", "attestation-withdrawn"],
            found,
        );
        let codes = [
            "quality-certificate-missing",
            "quality-certificate-ended",
            "quality-certificate-suspended",
            "quality-certificate-withdrawn",
        ];
        paper(system.quality_certificate.as_ref(), today, codes, found);
    }

    /// Orders that were issued and not lifted; lifting is believed only where it is proven.
    fn orders(&self, against: &Target) -> Vec<&Order> {
        let in_force = |one: &&Prescription| one.lifted.is_none() || self.unproven.liftings;
        let all = self.registry.prescriptions().filter(in_force);
        all.filter(|one| one.text.against == *against).map(|one| &one.text.order).collect()
    }

    fn stopped(&self, against: &Target, now: Timestamp, found: &mut Codes) {
        for order in self.orders(against) {
            match order {
                Order::Suspend => drop(found.insert("prescription-suspends")),
                Order::CorrectBy(day) if *day < astana(now).date() => {
                    found.insert("prescription-overdue");
                }
                Order::CorrectBy(_) | Order::LimitTo(_) | Order::KeepRecord => {}
            }
        }
    }

    fn agreement(
        &self,
        agreement: &Agreement,
        text: &AgreementText,
        call: &Call<'_>,
        now: Timestamp,
    ) -> Codes {
        let mut found = Codes::new();
        match agreement.stage {
            Stage::Concurred => {
                let mut sides: BTreeSet<Side> = agreement.signatures.iter().map(|one| one.side).collect();
                if let Some(ruled) = &agreement.ruled
                    && ruled.text.ruling == Ruling::AgreedWithRemarks
                {
                    sides.insert(Side::Regulator);
                }
                if sides.len() < 3 || self.unproven.agreements.contains(&text.number) {
                    found.insert("agreement-unproven");
                }
            }
            Stage::Suspended => drop(found.insert("agreement-suspended")),
            Stage::Terminated => drop(found.insert("agreement-terminated")),
            Stage::Draft
            | Stage::Submitted
            | Stage::Refused
            | Stage::Returned
            | Stage::Withdrawn
            | Stage::Superseded
            | Stage::Expired => {
                found.insert("agreement-not-concurred");
            }
        }
        period(&text.access_period, astana(now), &mut found);
        self.stopped(&Target::Agreement(text.number.clone()), now, &mut found);
        self.readiness(agreement, text, now, &mut found);
        for basis in text.basis.iter() {
            let today = astana(now).date();
            let cited = |act: &&Act| act.id == basis.act && act.version == basis.version;
            match self.registry.acts().find(cited) {
                Some(act)
                    if act.in_force_from <= today && act.in_force_until.is_none_or(|last| today <= last) => {}
                // Its agreements were given more time.
                Some(Act {
                    in_force_until: Some(own), agreements_until: Some(last), in_force_from, ..
                }) if own < last => {
                    if today < *in_force_from || *last < today {
                        found.insert("basis-lapsed");
                    }
                }
                Some(_) | None => drop(found.insert("basis-not-in-force")),
            }
        }
        if text.accounting.case == Presence::Required && call.claims.case.is_none_or(str::is_empty) {
            found.insert("case-missing");
        }
        self.user(text, call, now, &mut found);
        let purpose = purpose(text, call, &mut found);
        self.data(text, purpose, call, &mut found);
        found
    }

    /// A check that passed, of both systems as they are now, and not too old.
    fn readiness(&self, agreement: &Agreement, text: &AgreementText, now: Timestamp, found: &mut Codes) {
        let Some(newest) = &agreement.readiness else {
            found.insert("readiness-missing");
            return;
        };
        let marked = [Category::Personal, Category::Special].contains(&text.protection.category);
        let personal = marked || text.personal_data.is_some();
        for one in &newest.checks {
            let on_the_line = matches!(one.check, CheckKind::Certificate | CheckKind::Reachability);
            let essential = on_the_line && one.party == Party::Provider;
            let known = match newest.means {
                Some(Means::ByHand) => one.accepted.is_some(),
                Some(Means::Measured) => one.accepted.is_some() || !personal,
                None => true,
            };
            let good = one.outcome == CheckOutcome::Passed
                || (one.outcome == CheckOutcome::Unmeasured && !essential && known);
            if !good {
                found.insert("readiness-failed");
            }
        }
        for system in [&text.consumer, &text.provider] {
            if self.registry.changed(system) > newest.revision {
                found.insert("readiness-outdated");
            }
        }
        if let Some(days) = text.protection.readiness_days {
            let age = now.as_second() - newest.at.as_second();
            if age >= i64::from(days) * 86_400 {
                found.insert("readiness-stale");
            }
        }
    }

    fn user(&self, text: &AgreementText, call: &Call<'_>, now: Timestamp, found: &mut Codes) {
        let (listed, trained) = match text.protection.users {
            Users::Any => (false, false),
            Users::Listed => (true, false),
            Users::ListedAndTrained => (true, true),
        };
        if !listed {
            return;
        }
        let Some(name) = call.claims.user else {
            found.insert("user-missing");
            return;
        };
        let signed = self.registry.user_list(&text.number).is_none_or(|list| list.signature.is_some());
        let known = self.registry.user_list(&text.number).is_some();
        if !signed || (known && self.unproven.users) {
            found.insert("users-unproven");
            return;
        }
        let official = self.registry.users(&text.number).iter().find(|official| official.id.as_str() == name);
        match official {
            None => drop(found.insert("user-not-listed")),
            Some(official) if trained => match &official.training_certificate {
                None => drop(found.insert("user-not-trained")),
                Some(TrainingCertificate::Number(_)) => {}
                Some(TrainingCertificate::Recorded(record)) => {
                    let today = astana(now).date();
                    if today < record.issued {
                        found.insert("user-not-trained");
                    } else if record.valid_until < today {
                        found.insert("user-training-ended");
                    }
                }
            },
            Some(_) => {}
        }
    }

    fn data(&self, text: &AgreementText, purpose: Option<&NamedPurpose>, call: &Call<'_>, found: &mut Codes) {
        // A grant of a version that was never published grants nothing.
        let published = text.data.iter().find_map(|grant| {
            let data_type = self.registry.data_type(&text.provider, &grant.data_type, grant.version)?;
            (grant.data_type.as_str() == call.data_type).then_some((grant, data_type))
        });
        let Some((grant, data_type)) = published else {
            found.insert("data-type-not-agreed");
            return;
        };
        let category = self.registry.category(&text.provider, &grant.data_type).unwrap();
        if category == Category::StateSecret {
            found.insert("state-secret");
        }
        if category > text.protection.category {
            found.insert("category-raised");
        }
        let lets_pass = |act: &Act| act.kind.is_none() || act.official_use == OfficialUse::Allowed;
        let mut cited = text.basis.iter().filter_map(|one| self.registry.act(&one.act, &one.version));
        if category == Category::OfficialUse && !cited.any(lets_pass) {
            found.insert("official-use-not-allowed");
        }
        let consent = text.personal_data.as_ref().is_some_and(|clause| clause.consent.is_some());
        if data_type.personal.is_some() || matches!(category, Category::Personal | Category::Special) {
            if text.protection.users == Users::Any && !consent {
                found.insert("users-not-limited");
            }
            if data_type.personal.is_none() {
                found.insert("collection-purpose-unknown");
            }
        }
        if let Some(personal) = &data_type.personal {
            let collected = Some(&personal.collection_purpose);
            let stated = text.personal_data.as_ref().map(|clause| &clause.collection_purpose);
            let served = purpose.is_none_or(|purpose| purpose.collection_purpose.as_ref() == collected);
            if stated != collected || !served {
                found.insert("collection-purpose-mismatch");
            }
        }
        // The one with the fewest places; none, if there are two of them.
        let mut all: Vec<_> = data_type.operations.iter().filter(|one| meant(one, call)).collect();
        let places = |one: &Operation| one.path.as_str().matches('{').count();
        all.sort_by_key(|one| places(one));
        let operation = match all[..] {
            [first, second, ..] if places(first) == places(second) => None,
            [first, ..] => Some(first),
            [] => None,
        };
        let Some(operation) = operation else {
            found.insert("operation-unknown");
            return;
        };
        for target in [
            Target::System(text.consumer.clone()),
            Target::System(text.provider.clone()),
            Target::Agreement(text.number.clone()),
        ] {
            for order in self.orders(&target) {
                let asked = |one: &NamedOperation| {
                    (&one.provider, &one.data_type, &one.operation)
                        == (&text.provider, &data_type.id, &operation.id)
                };
                if let Order::LimitTo(named) = order
                    && !named.iter().any(asked)
                {
                    found.insert("prescription-limits");
                }
            }
        }
        if !grant.operations.contains(&operation.id) {
            found.insert("operation-not-agreed");
        }
        for name in call.parameters {
            if operation.query.iter().all(|declared| declared.name != *name) {
                found.insert("parameter-not-declared");
            }
        }
        for declared in &operation.query {
            if declared.presence == Presence::Required && !call.parameters.contains(&&*declared.name) {
                found.insert("parameter-missing");
            }
        }
    }
}

fn purpose<'t>(text: &'t AgreementText, call: &Call<'_>, found: &mut Codes) -> Option<&'t NamedPurpose> {
    match call.claims.purpose {
        Some(asked) => {
            let named = text.purposes.iter().find(|purpose| purpose.code.as_str() == asked);
            if named.is_none() {
                found.insert("purpose-not-agreed");
            }
            named
        }
        None if text.purposes.len() == 1 => text.purposes.first(),
        None => {
            found.insert("purpose-missing");
            None
        }
    }
}

/// A template compared with a path as texts, piece by piece.
fn meant(operation: &Operation, call: &Call<'_>) -> bool {
    let template: Vec<&str> =
        operation.path.as_str().split('/').skip(1).filter(|piece| !piece.is_empty()).collect();
    operation.method == call.method
        && template.len() == call.path.len()
        && template
            .iter()
            .zip(call.path)
            .all(|(piece, given)| if piece.starts_with('{') { !given.is_empty() } else { piece == given })
}

fn paper(held: Option<&Conformity>, today: Date, codes: [&'static str; 4], found: &mut Codes) {
    let [missing, ended, suspended, withdrawn] = codes;
    let Some(held) = held else {
        found.insert(missing);
        return;
    };
    if held.withdrawn.is_some() {
        found.insert(withdrawn);
    } else if held.suspended.is_some() {
        found.insert(suspended);
    }
    if today > held.valid_until {
        found.insert(ended);
    }
    if today < held.valid_from {
        found.insert(missing);
    }
}

fn period(period: &AccessPeriod, local: DateTime, found: &mut Codes) {
    if local.date() < period.from {
        found.insert("agreement-not-yet-in-force");
    }
    if local.date() > period.until {
        found.insert("agreement-expired");
    }
    let midnight = jiff::civil::time(0, 0, 0, 0);
    let (from, until) = period.hours.as_ref().map_or((midnight, midnight), |hours| (hours.from, hours.until));
    // Each day named opens at its first hour; where the hours run over midnight it closes on the day after.
    let open = [local.date().yesterday().unwrap(), local.date()].into_iter().any(|day| {
        let closing_day = if from < until { day } else { day.tomorrow().unwrap() };
        let named = period.days.is_empty()
            || period
                .days
                .iter()
                .any(|named| *named as u8 == day.weekday().to_monday_zero_offset().unsigned_abs());
        named && day.to_datetime(from) <= local && local < closing_day.to_datetime(until)
    });
    if !open {
        found.insert("outside-access-hours");
    }
}

/// Astana's clock on the wall.
fn astana(now: Timestamp) -> DateTime {
    now.to_zoned(TimeZone::get("Asia/Almaty").unwrap()).datetime()
}
