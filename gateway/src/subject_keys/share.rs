//! Shares: each party makes its own, and the key of a period is made of both.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use aws_lc_rs::{hkdf, hmac, rand};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use certs::keys::KeyError;
use jiff::civil::Date;

use crate::exchange::subject::SubjectKey;
use crate::key_file;

/// Whose share it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// Who runs the gateway.
    Operator,
    /// Who supervises it.
    Regulator,
}

/// One party's half of a period's key. Alone it tells nothing.
pub struct Share {
    /// The first day of the period.
    pub from: Date,
    /// Whose it is.
    pub party: Party,
    secret: [u8; 32],
}

/// Both shares of one period.
pub struct Shares {
    operator: Share,
    regulator: Share,
}

/// Why a share is none.
#[derive(Debug, thiserror::Error)]
pub enum ShareError {
    /// The file cannot be read, or others may read it.
    #[error(transparent)]
    File(#[from] KeyError),
    /// It holds no share.
    #[error("{0} holds no share of a key of subjects' hashes")]
    NotAShare(PathBuf),
    /// It cannot be written.
    #[error("cannot write {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The machine has no randomness.
    #[error("the machine gives no random bytes")]
    NoRandomness,
    /// Two shares of one party, or of two periods.
    #[error("the shares of {0} are not one of each party")]
    NotBoth(Date),
    /// They lead to another key than the one that was made then.
    #[error("these are not the shares of the period that began on {0}")]
    Other(Date),
}

impl Share {
    /// A new share.
    ///
    /// # Errors
    /// [`ShareError::NoRandomness`].
    pub fn fresh(from: Date, party: Party) -> Result<Self, ShareError> {
        let mut secret = [0; 32];
        rand::fill(&mut secret).map_err(|_| ShareError::NoRandomness)?;
        Ok(Self { from, party, secret })
    }

    /// Reads a share from a file that only its owner may read.
    ///
    /// # Errors
    /// [`ShareError`].
    pub fn read(path: &Path) -> Result<Self, ShareError> {
        let bytes = certs::keys::read_secret(path)?;
        let read = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok());
        read.ok_or_else(|| ShareError::NotAShare(path.to_owned()))
    }

    /// Writes it into a new file that only its owner may read.
    ///
    /// # Errors
    /// [`ShareError::Io`]: the file is there already, or cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ShareError> {
        key_file::write_new(path, self.text().as_bytes())
            .map_err(|source| ShareError::Io { path: path.to_owned(), source })
    }

    fn text(&self) -> String {
        let secret = BASE64_STANDARD.encode(self.secret);
        format!("{HEAD}\nfrom {}\nparty {}\nshare {secret}\n", self.from, self.party)
    }
}

impl FromStr for Share {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or(())?.split('\n').collect();
        let [HEAD, from, party, secret] = lines[..] else { return Err(()) };
        let party = match party.strip_prefix("party ") {
            Some("operator") => Party::Operator,
            Some("regulator") => Party::Regulator,
            _ => return Err(()),
        };
        let from = from.strip_prefix("from ").and_then(|from| from.parse().ok()).ok_or(())?;
        let secret = secret.strip_prefix("share ").and_then(|text| BASE64_STANDARD.decode(text).ok());
        Ok(Self { from, party, secret: secret.and_then(|secret| secret.try_into().ok()).ok_or(())? })
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share").field("from", &self.from).field("party", &self.party).finish_non_exhaustive()
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Operator => "operator",
            Self::Regulator => "regulator",
        })
    }
}

impl Shares {
    /// Puts shares of any number of periods together, oldest first.
    ///
    /// # Errors
    /// [`ShareError::NotBoth`].
    pub fn pair(mut shares: Vec<Share>) -> Result<Vec<Self>, ShareError> {
        shares.sort_by_key(|share| (share.from, share.party == Party::Regulator));
        let mut pairs = Vec::new();
        let mut shares = shares.into_iter();
        while let Some(operator) = shares.next() {
            let from = operator.from;
            let regulator =
                shares.next().filter(|other| other.from == from && other.party == Party::Regulator);
            match regulator {
                Some(regulator) if operator.party == Party::Operator => {
                    pairs.push(Self { operator, regulator })
                }
                _ => return Err(ShareError::NotBoth(from)),
            }
        }
        Ok(pairs)
    }

    /// The first day of the period.
    pub fn from(&self) -> Date {
        self.operator.from
    }

    /// The period's key.
    pub fn key(&self) -> SubjectKey {
        SubjectKey::new(&self.secret())
    }

    /// By what the key is known again; it tells nothing of the key.
    pub fn check(&self) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.secret());
        let tag = hmac::sign(&key, b"kelisim/subject-key/check");
        tag.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// HKDF over both secrets: with either unknown, all of it is.
    pub(super) fn secret(&self) -> [u8; 32] {
        let both = [self.operator.secret, self.regulator.secret].concat();
        let from = self.operator.from.to_string();
        let info = [b"kelisim/subject-key/v1 ", from.as_bytes()];
        let mut secret = [0; 32];
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"kelisim/subject-key")
            .extract(&both)
            .expand(&info, hkdf::HKDF_SHA256)
            .and_then(|expanded| expanded.fill(&mut secret))
            .expect("SHA-256 gives 32 bytes");
        secret
    }
}

const HEAD: &str = "kelisim-subject-share/v1";

#[cfg(test)]
mod tests {
    use super::*;

    fn share(party: Party, from: &str) -> Share {
        Share::fresh(from.parse().unwrap(), party).unwrap()
    }

    fn again(share: &Share) -> Share {
        share.text().parse().unwrap()
    }

    /// D4
    #[test]
    fn both_shares_make_the_key_and_either_with_another_makes_another() {
        let (operator, regulator) =
            (share(Party::Operator, "2026-12-01"), share(Party::Regulator, "2026-12-01"));
        let pair = |operator: &Share, regulator: &Share| {
            Shares::pair(vec![again(regulator), again(operator)]).unwrap().remove(0)
        };
        let both = pair(&operator, &regulator);
        let hash = both.key().hash("860101300126");
        assert_eq!(pair(&operator, &regulator).key().hash("860101300126"), hash);
        let other = share(Party::Regulator, "2026-12-01");
        assert_ne!(pair(&operator, &other).key().hash("860101300126"), hash);
        assert_ne!(pair(&operator, &other).check(), both.check());
        assert!(!format!("{operator:?}").contains(&BASE64_STANDARD.encode(operator.secret)));
    }

    #[test]
    fn shares_of_one_party_or_of_two_periods_are_no_pair() {
        let both = |first, second| Shares::pair(vec![first, second]);
        let operator = || share(Party::Operator, "2026-12-01");
        assert!(matches!(both(operator(), operator()), Err(ShareError::NotBoth(_))));
        assert!(matches!(
            both(operator(), share(Party::Regulator, "2027-01-01")),
            Err(ShareError::NotBoth(_))
        ));
        assert!(matches!(Shares::pair(vec![operator()]), Err(ShareError::NotBoth(_))));
        let text = operator().text();
        for bad in [&text[..text.len() - 1], &text.replace("v1", "v2"), &text.replace("operator", "both"), ""]
        {
            assert!(bad.parse::<Share>().is_err(), "{bad}");
        }
    }
}
