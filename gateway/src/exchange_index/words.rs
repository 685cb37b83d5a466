//! Which words of an entry are looked for.

use jiff::Timestamp;
use uuid::Uuid;

use crate::exchange_log::{Claim, Closing, Entry, Opening, Record, Refused};
use crate::personal::{Opened, PersonalKeys};

/// What a word says about an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Kind {
    /// The system that asks.
    Consumer = 1,
    /// The system that is asked.
    Provider = 2,
    /// A system on either side.
    System = 3,
    /// BIN of the holder of a system on either side.
    Holder = 4,
    /// What is exchanged.
    DataType = 5,
    /// The agreement.
    Agreement = 6,
    /// The purpose.
    Purpose = 7,
    /// The case.
    Case = 8,
    /// The official.
    User = 9,
    /// The keyed hash of the person whom the data is about.
    Subject = 10,
    /// `permit` or `refuse`.
    Decision = 11,
    /// The refusal's code.
    Code = 12,
    /// How it ended.
    Outcome = 13,
    /// The provider's status.
    Status = 14,
    /// A field that was withheld; empty: some was.
    Withheld = 15,
}

/// What an entry adds to the index.
#[derive(Debug)]
pub(super) enum Adds {
    /// An item.
    Item {
        at: Timestamp,
        exchange: Uuid,
        awaits_closing: bool,
        words: Vec<(Kind, String)>,
    },
    /// To the item of an opening.
    Closing {
        opening: u64,
        words: Vec<(Kind, String)>,
    },
    Nothing,
}

pub(super) fn of(entry: &Entry, personal: Option<&PersonalKeys>) -> Adds {
    let mut adds = plain(entry);
    if let (Adds::Item { words, .. }, Some(personal)) = (&mut adds, personal)
        && let Opened::Sealed(parts) = personal.of(entry)
    {
        let sealed = match &entry.record {
            Record::Opening(opening) => opening.sealed.as_deref(),
            Record::Refused(refused) => refused.sealed.as_deref(),
            Record::Closing { .. } | Record::Segment(_) => None,
        };
        // Never as they are: the index must not say what was erased from the log.
        for (kind, part, text) in [(Kind::User, USER, parts.user), (Kind::Case, CASE, parts.case)] {
            let word = sealed.zip(text).and_then(|(sealed, text)| personal.word(sealed, part, &text));
            words.extend(word.map(|word| (kind, word)));
        }
    }
    adds
}

impl Kind {
    /// Whether a word of this kind stands in few items as a rule.
    pub(super) fn is_rare(self) -> bool {
        matches!(self.nature(), Nature::Rare | Nature::Sealable(_))
    }

    /// Whether a word of this kind names a system or an organisation that took part.
    pub(super) fn is_party(self) -> bool {
        self.nature() == Nature::Party
    }

    /// Whether a word of this kind is said when an exchange begins, and goes by who took part.
    pub(super) fn goes_by_parties(self) -> bool {
        matches!(self.nature(), Nature::Party | Nature::Agreed)
    }

    /// The name of a part that may be sealed, as its words go by it.
    pub(super) fn part(self) -> Option<&'static str> {
        match self.nature() {
            Nature::Sealable(part) => Some(part),
            Nature::Party | Nature::Agreed | Nature::Common | Nature::Rare => None,
        }
    }

    fn nature(self) -> Nature {
        match self {
            Self::Case => Nature::Sealable(CASE),
            Self::User => Nature::Sealable(USER),
            Self::Subject => Nature::Rare,
            Self::System | Self::Holder => Nature::Party,
            Self::Consumer | Self::Provider | Self::DataType | Self::Agreement | Self::Purpose => {
                Nature::Agreed
            }
            Self::Decision | Self::Code | Self::Outcome | Self::Status | Self::Withheld => Nature::Common,
        }
    }
}

/// In how many items words of a kind stand, beside which others, and whether the log may have them sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nature {
    /// Who took part, on either side.
    Party,
    /// What some of them have to do with each other: it stands beside few parties as a rule.
    Agreed,
    /// What any exchange may come to.
    Common,
    Rare,
    /// Rare, and under this name one of the personal parts.
    Sealable(&'static str),
}

const USER: &str = "user";
const CASE: &str = "case";

fn plain(entry: &Entry) -> Adds {
    match &entry.record {
        Record::Segment(_) => Adds::Nothing,
        Record::Opening(opening) => Adds::Item {
            at: opening.at,
            exchange: opening.exchange,
            awaits_closing: true,
            words: of_opening(opening),
        },
        Record::Refused(refused) => Adds::Item {
            at: refused.at,
            exchange: refused.exchange,
            awaits_closing: false,
            words: of_refused(refused),
        },
        Record::Closing { opening, closing, .. } => {
            Adds::Closing { opening: *opening, words: of_closing(closing) }
        }
    }
}

fn of_opening(opening: &Opening<'_>) -> Vec<(Kind, String)> {
    let mut words = some([
        (Kind::Decision, Some("permit".to_owned())),
        (Kind::Consumer, Some(opening.consumer.to_string())),
        (Kind::Provider, Some(opening.provider.to_string())),
        (Kind::System, Some(opening.consumer.to_string())),
        (Kind::System, Some(opening.provider.to_string())),
        (Kind::Holder, Some(opening.consumer_holder.to_string())),
        (Kind::Holder, Some(opening.provider_holder.to_string())),
        (Kind::DataType, Some(opening.data_type.to_string())),
        (Kind::Agreement, Some(opening.agreement.to_string())),
        (Kind::Purpose, Some(opening.purpose.to_string())),
        (Kind::Case, claimed(&opening.case)),
        (Kind::User, claimed(&opening.user)),
        (Kind::Subject, opening.subject.as_ref().map(ToString::to_string)),
    ]);
    words.extend(opening.subjects.iter().map(|subject| (Kind::Subject, subject.clone())));
    words
}

fn of_refused(refused: &Refused<'_>) -> Vec<(Kind, String)> {
    some([
        (Kind::Decision, Some("refuse".to_owned())),
        (Kind::Code, Some(refused.code.to_string())),
        (Kind::Consumer, refused.consumer.as_ref().map(ToString::to_string)),
        (Kind::Provider, claimed(&refused.provider)),
        (Kind::System, refused.consumer.as_ref().map(ToString::to_string)),
        (Kind::System, claimed(&refused.provider)),
        (Kind::DataType, claimed(&refused.data_type)),
        (Kind::Agreement, claimed(&refused.agreement)),
        (Kind::Purpose, claimed(&refused.purpose)),
        (Kind::Case, claimed(&refused.case)),
        (Kind::User, claimed(&refused.user)),
    ])
}

fn of_closing(closing: &Closing<'_>) -> Vec<(Kind, String)> {
    let withheld = || closing.withheld.iter().chain(&closing.request_withheld);
    let mut words = some([
        (Kind::Outcome, Some(closing.outcome.as_str().to_owned())),
        (Kind::Status, closing.status.map(|status| status.to_string())),
        (Kind::Code, closing.code.as_ref().map(|code| code.as_str().to_owned())),
        (Kind::Withheld, withheld().next().map(|_| String::new())),
    ]);
    words.extend(closing.subjects.iter().map(|subject| (Kind::Subject, subject.clone())));
    words.extend(withheld().map(|one| (Kind::Withheld, one.field.clone())));
    words
}

fn claimed(claim: &Option<Claim<'_>>) -> Option<String> {
    claim.as_ref().map(|claim| claim.as_str().to_owned())
}

fn some<const N: usize>(words: [(Kind, Option<String>); N]) -> Vec<(Kind, String)> {
    words.into_iter().filter_map(|(kind, word)| Some((kind, word?))).collect()
}
