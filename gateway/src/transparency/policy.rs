//! Whose word counts: logs, witnesses, and how many of them must have signed (C2SP `tlog-policy`).
//!
//! It is the one thing that a verifier must have from elsewhere than from whom it verifies.

use std::str::FromStr;

use super::checkpoint::Checkpoint;
use super::key::{KeyError, KeyName, Scheme, VerifierKey};
use super::note::{Note, NoteError};

/// Known logs and witnesses, and the quorum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<VerifierKey>,
    witnesses: Vec<VerifierKey>,
    /// What names stand for, in order: each refers to earlier ones only.
    named: Vec<(String, Party)>,
    /// Which of them must have signed; `None`: nobody but the log.
    quorum: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Party {
    Witness(usize),
    Group { least: usize, members: Vec<usize> },
}

/// A checkpoint that a policy accepts, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// Which witnesses cosigned, by their keys' names, and when, in seconds since 1970.
    pub cosigned: Vec<(KeyName, u64)>,
}

/// Why a checkpoint is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAccepted {
    /// No known log signed it, or a signature is forged, or the text is no checkpoint.
    #[error("no known log signed it")]
    Log(#[source] NoteError),
    /// The key that signed is of another log.
    #[error("it is a checkpoint of {origin}, signed by the key of another log")]
    OtherLog {
        /// The log that it speaks of.
        origin: String,
    },
    /// A cosignature is forged.
    #[error("a cosignature is not its witness's")]
    Witness(#[source] NoteError),
    /// Too few witnesses cosigned it.
    #[error("the witnesses that cosigned it, {found}, are not those that must")]
    Quorum {
        /// How many did.
        found: usize,
    },
}

impl Policy {
    /// A policy of one log, with witnesses that may have cosigned and need not.
    pub fn of(logs: Vec<VerifierKey>, witnesses: Vec<VerifierKey>) -> Self {
        Self { logs, witnesses, named: Vec::new(), quorum: None }
    }

    /// Whether a checkpoint needs cosignatures.
    pub fn asks_for_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// Keys of the logs.
    pub fn logs(&self) -> &[VerifierKey] {
        &self.logs
    }

    /// Keys of the witnesses.
    pub fn witnesses(&self) -> &[VerifierKey] {
        &self.witnesses
    }

    /// Whether known logs and witnesses signed `note`.
    ///
    /// # Errors
    /// [`NotAccepted`].
    pub fn accept(&self, note: &Note) -> Result<Accepted, NotAccepted> {
        let (checkpoint, signed) = Checkpoint::verified(note, &self.logs).map_err(NotAccepted::Log)?;
        if !signed.iter().any(|signed| signed.key.name().as_str() == checkpoint.origin) {
            return Err(NotAccepted::OtherLog { origin: checkpoint.origin });
        }
        let cosigned = match note.verify(&self.witnesses) {
            Ok(signed) => signed,
            Err(NoteError::Unsigned) => Vec::new(),
            Err(error) => return Err(NotAccepted::Witness(error)),
        };
        let signed = |witness: usize| cosigned.iter().any(|one| *one.key == self.witnesses[witness]);
        let mut stands: Vec<bool> = Vec::with_capacity(self.named.len());
        for (_, party) in &self.named {
            stands.push(match party {
                Party::Witness(witness) => signed(*witness),
                Party::Group { least, members } => {
                    members.iter().filter(|member| stands[**member]).count() >= *least
                }
            });
        }
        if self.quorum.is_some_and(|quorum| !stands[quorum]) {
            return Err(NotAccepted::Quorum { found: cosigned.len() });
        }
        let when =
            |one: &super::note::Signed<'_>| (one.key.name().clone(), one.posix_seconds.unwrap_or_default());
        Ok(Accepted { checkpoint, cosigned: cosigned.iter().map(when).collect() })
    }
}

/// Why text is no policy, and in which line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct NotAPolicy {
    /// The line, from 1; one behind the last if something is missing.
    pub line: usize,
    /// What is wrong.
    pub fault: PolicyFault,
}

/// What can be wrong with a line of a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// Not one of the four kinds of lines.
    #[error("'log KEY', 'witness NAME KEY', 'group NAME all|any|COUNT NAME...' or 'quorum NAME' expected")]
    Form,
    /// A key is damaged.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A log's key where a witness's belongs, or the other way round.
    #[error("a key of this type does not belong here")]
    Scheme,
    /// A key or name stands there twice.
    #[error("{0} stands there twice")]
    Twice(String),
    /// A name that no line before defines.
    #[error("no line before defines {0}")]
    Unknown(String),
    /// More lines than a policy may have.
    #[error("too many")]
    TooMany,
    /// No quorum line.
    #[error("a quorum line is missing; 'quorum none' asks for no witness")]
    NoQuorum,
}

impl FromStr for Policy {
    type Err = NotAPolicy;

    fn from_str(text: &str) -> Result<Self, NotAPolicy> {
        let mut policy = Self { logs: Vec::new(), witnesses: Vec::new(), named: Vec::new(), quorum: None };
        let mut quorum = false;
        let mut last = 0;
        for (line, number) in text.lines().zip(1..) {
            last = number;
            let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
            if words.first().is_none_or(|word| word.starts_with('#')) {
                continue;
            }
            let added =
                if number > MOST_LINES { Err(PolicyFault::TooMany) } else { policy.add(&words, &mut quorum) };
            added.map_err(|fault| NotAPolicy { line: number, fault })?;
        }
        if quorum { Ok(policy) } else { Err(NotAPolicy { line: last + 1, fault: PolicyFault::NoQuorum }) }
    }
}

impl Policy {
    fn add(&mut self, words: &[&str], quorum: &mut bool) -> Result<(), PolicyFault> {
        match words {
            ["log", key] | ["log", key, _] => {
                let key: VerifierKey = key.parse()?;
                if key.scheme() == Scheme::Cosignature {
                    return Err(PolicyFault::Scheme);
                }
                push_once(&mut self.logs, key)
            }
            ["witness", name, key] | ["witness", name, key, _] => {
                let key: VerifierKey = key.parse()?;
                if key.scheme() == Scheme::Ed25519 {
                    return Err(PolicyFault::Scheme);
                }
                push_once(&mut self.witnesses, key)?;
                self.name(name, Party::Witness(self.witnesses.len() - 1))
            }
            ["group", name, least, members @ ..] if !members.is_empty() => {
                let found = members.iter().map(|member| self.find(member)).collect::<Result<Vec<_>, _>>()?;
                for (at, member) in found.iter().enumerate() {
                    let elsewhere = self.named.iter().any(
                        |(_, party)| matches!(party, Party::Group { members, .. } if members.contains(member)),
                    );
                    if elsewhere || found[..at].contains(member) {
                        return Err(PolicyFault::Twice(members[at].to_owned()));
                    }
                }
                let least = match *least {
                    "any" => 1,
                    "all" => found.len(),
                    count => count.parse().map_err(|_| PolicyFault::Form)?,
                };
                if !(1..=found.len()).contains(&least) {
                    return Err(PolicyFault::Form);
                }
                self.name(name, Party::Group { least, members: found })
            }
            ["quorum", name] if !*quorum => {
                *quorum = true;
                self.quorum = if *name == "none" { None } else { Some(self.find(name)?) };
                Ok(())
            }
            _ => Err(PolicyFault::Form),
        }
    }

    fn name(&mut self, name: &str, party: Party) -> Result<(), PolicyFault> {
        if name == "none" || self.find(name).is_ok() {
            return Err(PolicyFault::Twice(name.to_owned()));
        }
        self.named.push((name.to_owned(), party));
        Ok(())
    }

    fn find(&self, name: &str) -> Result<usize, PolicyFault> {
        let at = self.named.iter().position(|(known, _)| known == name);
        at.ok_or_else(|| PolicyFault::Unknown(name.to_owned()))
    }
}

fn push_once(keys: &mut Vec<VerifierKey>, key: VerifierKey) -> Result<(), PolicyFault> {
    if keys.contains(&key) {
        return Err(PolicyFault::Twice(key.name().to_string()));
    }
    keys.push(key);
    Ok(())
}

/// Room for 32 logs, witnesses and groups each, as the specification asks, and for comments.
const MOST_LINES: usize = 1000;

#[cfg(test)]
mod tests {
    use super::super::Hash;
    use super::super::cosignature::cosign;
    use super::super::key::SigningKey;
    use super::*;

    fn key(name: &str, scheme: Scheme) -> SigningKey {
        SigningKey::generate(&name.parse().unwrap(), scheme).unwrap().0
    }

    #[test]
    fn quorum_of_the_specifications_example_is_counted_through_its_groups() {
        let log = key("log.example", Scheme::Ed25519);
        let witnesses = ["x1", "x2", "x3", "y1", "y2"].map(|name| key(name, Scheme::Cosignature));
        let mut text = format!("# example\nlog {}\n\n", log.verifier());
        for witness in &witnesses {
            text.push_str(&format!(
                "witness\t{} {} https://w.example\n",
                witness.verifier().name(),
                witness.verifier()
            ));
        }
        text.push_str("group xs 2 x1 x2 x3\ngroup ys any y1 y2\n group both all xs ys \nquorum both\n");
        let policy: Policy = text.parse().unwrap();
        let mut note = Checkpoint::new("log.example", 3, Hash([1; 32])).note().unwrap();
        assert!(matches!(policy.accept(&note), Err(NotAccepted::Log(_))));
        note.sign(&log).unwrap();
        for (witness, found) in [(0, 1), (3, 2), (4, 3)] {
            note.add(cosign(&note, &witnesses[witness], 7).unwrap()).unwrap();
            assert_eq!(policy.accept(&note), Err(NotAccepted::Quorum { found }));
        }
        note.add(cosign(&note, &witnesses[2], 8).unwrap()).unwrap();
        let accepted = policy.accept(&note).unwrap();
        assert_eq!(accepted.cosigned.last().unwrap(), &("x3".parse().unwrap(), 8));
        assert_eq!(accepted.checkpoint.size, 3);
    }

    #[test]
    fn checkpoint_that_another_logs_key_signed_is_not_accepted() {
        let (ours, other) = (key("log.example", Scheme::Ed25519), key("other.example", Scheme::Ed25519));
        let policy: Policy =
            format!("log {}\nlog {}\nquorum none", ours.verifier(), other.verifier()).parse().unwrap();
        let mut note = Checkpoint::new("log.example", 3, Hash([1; 32])).note().unwrap();
        note.sign(&other).unwrap();
        assert_eq!(policy.accept(&note), Err(NotAccepted::OtherLog { origin: "log.example".into() }));
        note.sign(&ours).unwrap();
        policy.accept(&note).unwrap();
    }

    #[test]
    fn what_is_wrong_with_a_policy_is_told_with_its_line() {
        let log = key("log.example", Scheme::Ed25519).verifier().to_string();
        let witness = key("w.example", Scheme::Cosignature).verifier().to_string();
        let fault = |text: String| text.parse::<Policy>().unwrap_err().to_string();
        let told = [
            fault(format!("log {log}")),
            fault("log nonsense".into()),
            fault(format!("log {witness}")),
            fault(format!("witness w {log}")),
            fault(format!("log {log}\nlog {log}")),
            fault(format!("witness w {witness}\ngroup g 2 w")),
            fault(format!("witness w {witness}\ngroup g any w\ngroup h any w")),
            fault("quorum w".into()),
            fault("quorum none\nquorum none".into()),
            fault("group g any".into()),
        ];
        let wanted = [
            "line 2: a quorum line is missing; 'quorum none' asks for no witness",
            "line 1: a key is written name+id+key, a signing key PRIVATE+KEY+name+id+key",
            "line 1: a key of this type does not belong here",
            "line 1: a key of this type does not belong here",
            "line 2: log.example stands there twice",
            "line 2: 'log KEY', 'witness NAME KEY', 'group NAME all|any|COUNT NAME...' or 'quorum NAME' expected",
            "line 3: w stands there twice",
            "line 1: no line before defines w",
            "line 2: 'log KEY', 'witness NAME KEY', 'group NAME all|any|COUNT NAME...' or 'quorum NAME' expected",
            "line 1: 'log KEY', 'witness NAME KEY', 'group NAME all|any|COUNT NAME...' or 'quorum NAME' expected",
        ];
        assert_eq!(told, wanted);
    }
}
