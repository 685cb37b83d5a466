//! What an entry says as bytes: what serde makes of [`records`](super::records), without its detours.
//!
//! Every call writes an opening and a closing, so these two are written by hand. Serde stays the definition, and
//! reads: the tests hold the one against the other, byte for byte.

use std::net::IpAddr;

use uuid::Uuid;

use super::{
    records::{Closing, Opening, Withheld},
    text::{self, Claim, Sha256},
};

/// Appends the members of an opening, each after a comma.
pub(super) fn push_opening(out: &mut Vec<u8>, opening: &Opening<'_>) {
    // Named one by one: who adds a field is sent here by the compiler.
    let Opening {
        exchange,
        at,
        consumer,
        consumer_holder,
        provider,
        provider_holder,
        data_type,
        data_type_version,
        operation,
        environment,
        method,
        agreement,
        agreement_version,
        purpose,
        collection_purpose,
        basis,
        user,
        user_address,
        peer_address,
        certificate,
        case,
        logical_part,
        subject,
        subjects,
        consent,
        category,
        request_digest,
        request_bytes,
        registry_revision,
        traceparent,
        sealed,
        signatures,
        passed_digest,
        passed_bytes,
    } = opening;
    out.reserve(OPENING_BYTES);
    let mut members = Members(out);
    members.number_of("exchange", Some(exchange));
    members.plain("at", &text::time(*at));
    members.text("consumer", consumer);
    members.text("consumer_holder", consumer_holder);
    members.text("provider", provider);
    members.text("provider_holder", provider_holder);
    members.text("data_type", data_type);
    members.text("data_type_version", data_type_version);
    members.text("operation", operation);
    members.text("environment", environment);
    members.text_if("method", method.as_deref());
    members.text("agreement", agreement);
    members.number("agreement_version", (*agreement_version).into());
    members.text("purpose", purpose);
    members.text_if("collection_purpose", collection_purpose.as_deref());
    members.text("basis", basis);
    members.claim("user", user.as_ref());
    members.claim("user_address", user_address.as_ref());
    members.address("peer_address", *peer_address);
    members.plain("certificate", &text::hex(certificate.as_bytes()));
    members.claim("case", case.as_ref());
    members.claim("logical_part", logical_part.as_ref());
    members.text_if("subject", subject.as_deref());
    members.texts("subjects", subjects);
    members.number_of("consent", consent.as_ref());
    members.text("category", category);
    members.digest("request_digest", request_digest.as_ref());
    members.number("request_bytes", *request_bytes);
    members.number("registry_revision", *registry_revision);
    members.claim("traceparent", traceparent.as_ref());
    members.text_if("sealed", sealed.as_deref());
    members.text_if("signatures", signatures.as_deref());
    members.digest("passed_digest", passed_digest.as_ref());
    members.number_if("passed_bytes", *passed_bytes);
}

/// Appends the members of a closing, each after a comma.
pub(super) fn push_closing(out: &mut Vec<u8>, closing: &Closing<'_>) {
    let Closing {
        at,
        outcome,
        status,
        code,
        request_digest,
        request_bytes,
        response_digest,
        response_bytes,
        trimmed,
        withheld,
        request_trimmed,
        request_withheld,
        subjects,
        duration_us,
        signatures,
        first_exchange,
        scan,
    } = closing;
    let mut members = Members(out);
    members.plain("at", &text::time(*at));
    members.plain("outcome", outcome.as_str());
    members.number_if("status", status.map(u64::from));
    members.claim("code", code.as_ref());
    members.digest("request_digest", request_digest.as_ref());
    members.number_if("request_bytes", *request_bytes);
    members.digest("response_digest", response_digest.as_ref());
    members.number_if("response_bytes", *response_bytes);
    members.number_if("trimmed", (*trimmed != 0).then(|| u64::from(*trimmed)));
    members.fields("withheld", withheld);
    members.number_if("request_trimmed", (*request_trimmed != 0).then(|| u64::from(*request_trimmed)));
    members.fields("request_withheld", request_withheld);
    members.texts("subjects", subjects);
    members.number_if("duration_us", *duration_us);
    members.text_if("signatures", signatures.as_deref());
    if let Some(exchange) = first_exchange {
        members.plain("first_exchange", exchange.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    }
    members.text_if("scan", scan.as_deref());
}

/// Appends a number.
pub(super) fn push_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return out.extend_from_slice(&digits[start..]);
        }
    }
}

/// The inside of an object that is being written.
struct Members<'a>(&'a mut Vec<u8>);

impl Members<'_> {
    #[inline]
    fn name(&mut self, name: &'static str) {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    /// Text in which nothing needs escaping.
    #[inline]
    fn plain(&mut self, name: &'static str, text: &(impl AsRef<str> + ?Sized)) {
        self.name(name);
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_ref().as_bytes());
        self.0.push(b'"');
    }

    #[inline]
    fn text(&mut self, name: &'static str, text: &str) {
        if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
            self.name(name);
            return push_escaped(self.0, text);
        }
        self.plain(name, text);
    }

    fn number_of(&mut self, name: &'static str, number: Option<&Uuid>) {
        if let Some(number) = number {
            self.plain(name, number.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        }
    }

    fn text_if(&mut self, name: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// A list, unless it is empty.
    fn texts(&mut self, name: &'static str, texts: &[String]) {
        if texts.is_empty() {
            return;
        }
        self.name(name);
        for (at, text) in texts.iter().enumerate() {
            self.0.push(if at == 0 { b'[' } else { b',' });
            push_escaped(self.0, text);
        }
        self.0.push(b']');
    }

    /// What was withheld, unless nothing was.
    fn fields(&mut self, name: &'static str, withheld: &[Withheld]) {
        if withheld.is_empty() {
            return;
        }
        self.name(name);
        for (at, Withheld { field, count }) in withheld.iter().enumerate() {
            self.0.extend_from_slice(if at == 0 { b"[{\"field\":" } else { b",{\"field\":" });
            push_escaped(self.0, field);
            self.0.extend_from_slice(b",\"count\":");
            push_number(self.0, *count);
            self.0.push(b'}');
        }
        self.0.push(b']');
    }

    fn claim(&mut self, name: &'static str, claim: Option<&Claim<'_>>) {
        self.text_if(name, claim.map(Claim::as_str));
    }

    fn digest(&mut self, name: &'static str, digest: Option<&Sha256>) {
        if let Some(digest) = digest {
            self.plain(name, &text::hex(&digest.0));
        }
    }

    fn address(&mut self, name: &'static str, address: IpAddr) {
        let IpAddr::V4(four) = address else { return self.plain(name, &address.to_string()) };
        self.name(name);
        for (byte, before) in four.octets().into_iter().zip(*b"\"...") {
            self.0.push(before);
            push_number(self.0, byte.into());
        }
        self.0.push(b'"');
    }

    fn number(&mut self, name: &'static str, number: u64) {
        self.name(name);
        push_number(self.0, number);
    }

    fn number_if(&mut self, name: &'static str, number: Option<u64>) {
        if let Some(number) = number {
            self.number(name, number);
        }
    }
}

#[cold]
fn push_escaped(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("text is JSON, and memory does not fail");
}

/// What an opening usually takes at most.
const OPENING_BYTES: usize = 1 << 10;

#[cfg(test)]
mod tests {
    use agreements::Fingerprint;
    use jiff::Timestamp;
    use proptest::prelude::*;
    use serde::Serialize;

    use super::super::records::Outcome;
    use super::*;

    /// What serde makes of the members, with a comma for the brace.
    fn by_serde(record: &impl Serialize) -> String {
        let text = serde_json::to_string(record).unwrap();
        format!(",{}", text[1..].strip_suffix('}').unwrap())
    }

    fn written<T>(push: impl FnOnce(&mut Vec<u8>, &T), record: &T) -> String {
        let mut out = Vec::new();
        push(&mut out, record);
        String::from_utf8(out).unwrap()
    }

    /// Text with whatever JSON escapes, and with what it does not.
    fn words() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z.-]{0,12}",
            "[\\x00-\\x7f]{0,12}",
            Just("\u{2028}\u{7f}/\u{1f}\"\\ қазақ".to_owned())
        ]
    }

    fn moments() -> impl Strategy<Value = Timestamp> {
        prop_oneof![
            (0_i64..4_102_444_800_000_000).prop_map(|micros| Timestamp::from_microsecond(micros).unwrap()),
            any::<i32>().prop_map(|second| Timestamp::new(second.into(), 0).unwrap()),
            Just(Timestamp::MAX),
            Just(Timestamp::MIN),
        ]
    }

    proptest! {
        #[test]
        fn an_opening_is_written_as_serde_writes_it(
            at in moments(),
            some in prop::collection::vec(words(), 12),
            maybe in prop::collection::vec(prop::option::of(words()), 8),
            subjects in prop::collection::vec(words(), 0..3),
            address in any::<IpAddr>(),
            bytes in any::<[u8; 32]>(),
            digested in any::<bool>(),
            numbers in any::<(u128, u32, u64, u64)>(),
        ) {
            let text = |at: usize| some[at].as_str().into();
            let claim = |at: usize| maybe[at].as_deref().map(Claim::new);
            let opening = Opening {
                exchange: Uuid::from_u128(numbers.0),
                at,
                consumer: text(0),
                consumer_holder: text(1),
                provider: text(2),
                provider_holder: text(3),
                data_type: text(4),
                data_type_version: text(5),
                operation: text(6),
                environment: text(7),
                method: maybe[0].as_deref().map(Into::into),
                agreement: text(8),
                agreement_version: numbers.1,
                purpose: text(9),
                collection_purpose: maybe[1].as_deref().map(Into::into),
                basis: text(10),
                user: claim(2),
                user_address: claim(3),
                peer_address: address,
                certificate: Fingerprint::new(bytes),
                case: claim(4),
                logical_part: claim(5),
                subject: maybe[6].as_deref().map(Into::into),
                subjects,
                consent: digested.then(|| Uuid::from_u128(numbers.0 ^ 7)),
                category: text(11),
                request_digest: digested.then_some(Sha256(bytes)),
                request_bytes: numbers.2,
                registry_revision: numbers.3,
                traceparent: claim(7),
                sealed: maybe[6].as_deref().map(Into::into),
                signatures: maybe[0].as_deref().map(Into::into),
                passed_digest: digested.then_some(Sha256(bytes)),
                passed_bytes: digested.then_some(numbers.3),
            };
            prop_assert_eq!(written(push_opening, &opening), by_serde(&opening));
        }

        #[test]
        fn a_closing_is_written_as_serde_writes_it(
            at in moments(),
            outcome in prop::sample::select(&Outcome::ALL[..]),
            code in prop::option::of(words()),
            digests in any::<(Option<[u8; 32]>, Option<[u8; 32]>)>(),
            numbers in any::<(Option<u16>, Option<u64>, Option<u64>, Option<u64>)>(),
            trimmed in prop_oneof![Just(0), any::<u32>()],
            first in prop::option::of(any::<u128>()),
            scan in prop::option::of(words()),
            withheld in prop::collection::vec((words(), any::<u64>()), 0..3),
            subjects in prop::collection::vec(words(), 0..3),
        ) {
            let fields = |withheld: Vec<(String, u64)>| -> Vec<Withheld> {
                withheld.into_iter().map(|(field, count)| Withheld { field, count }).collect()
            };
            let closing = Closing {
                at,
                outcome,
                status: numbers.0,
                code: code.as_deref().map(Claim::new),
                request_digest: digests.0.map(Sha256),
                request_bytes: numbers.1,
                response_digest: digests.1.map(Sha256),
                response_bytes: numbers.2,
                trimmed,
                withheld: fields(withheld.clone()),
                request_trimmed: trimmed,
                request_withheld: fields(withheld),
                subjects,
                duration_us: numbers.3,
                signatures: code.as_deref().map(Into::into),
                first_exchange: first.map(Uuid::from_u128),
                scan: scan.as_deref().map(Into::into),
            };
            prop_assert_eq!(written(push_closing, &closing), by_serde(&closing));
        }
    }
}
