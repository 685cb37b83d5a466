//! The keys: made a month ahead, in a folder of their own, destroyed one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agreements::almaty;
use arc_swap::ArcSwap;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac, rand};
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD as BASE64;
use certs::keys::KeyError;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use tracing::warn;
use uuid::Uuid;

use super::{Opened, Personal};
use crate::background::Background;
use crate::clock;
use crate::exchange_log::replace;
use crate::key_file;
use crate::telemetry::chain;

/// The keys of personal parts, and for which classes new ones are made.
pub struct PersonalKeys {
    dir: PathBuf,
    classes: BTreeSet<String>,
    ring: ArcSwap<Ring>,
}

#[derive(Default)]
struct Ring {
    /// By class, oldest first.
    keys: BTreeMap<String, Vec<Key>>,
    erased: BTreeSet<String>,
}

struct Key {
    id: String,
    begins: Timestamp,
    seals: LessSafeKey,
    finds: hmac::Key,
}

/// What became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyState {
    /// It is here.
    Here,
    /// It was destroyed.
    Erased,
}

/// Why keys cannot be used or destroyed.
#[derive(Debug, thiserror::Error)]
pub enum PersonalError {
    /// The folder or a file.
    #[error("cannot use {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The machine has no randomness.
    #[error("the machine gives no random bytes")]
    NoRandomness,
    /// There is no such key.
    #[error("there is no key {0}")]
    Unknown(String),
    /// Its month is not over: the gateway still seals with it.
    #[error("the month of {0} is not over")]
    InUse(String),
}

/// A line of the list of destroyed keys.
#[derive(Debug, Serialize, Deserialize)]
struct Destroyed {
    id: String,
    at: Timestamp,
}

impl PersonalKeys {
    /// The keys in a folder, for a gateway that seals the parts of these classes: this month's and the next one's are
    /// made if they are not there.
    ///
    /// # Errors
    /// [`PersonalError`].
    pub fn open(dir: &Path, classes: BTreeSet<String>, now: Timestamp) -> Result<Self, PersonalError> {
        let keys = Self { dir: dir.to_owned(), classes, ring: ArcSwap::default() };
        keys.refresh(now)?;
        Ok(keys)
    }

    /// The keys in a folder, for whoever reads.
    ///
    /// # Errors
    /// [`PersonalError`].
    pub fn to_read(dir: &Path) -> Result<Self, PersonalError> {
        Self::open(dir, BTreeSet::new(), clock::now())
    }

    /// Whether personal parts of entries of a class are sealed.
    pub fn seals(&self, class: &str) -> bool {
        self.classes.contains(class)
    }

    /// Seals the personal parts of an entry received at `at`; `None`: they are not to be, or there are none.
    pub fn seal(
        &self,
        class: &str,
        at: Timestamp,
        exchange: Uuid,
        parts: [Option<&str>; 3],
    ) -> Option<String> {
        if !self.classes.contains(class) || parts.iter().all(Option::is_none) {
            return None;
        }
        let ring = self.ring.load();
        let keys = ring.keys.get(class)?;
        let key = keys.iter().rfind(|key| key.begins <= at).or(keys.first())?;
        let mut bytes = Personal::to_bytes(parts);
        let sealed = key.seals.seal_in_place_append_tag(key.nonce(exchange), aad(exchange), &mut bytes);
        sealed.ok()?;
        let mut text = String::with_capacity(key.id.len() + 1 + bytes.len() * 4 / 3 + 4);
        text.push_str(&key.id);
        text.push('.');
        BASE64.encode_string(bytes, &mut text);
        Some(text)
    }

    /// What a sealed text of an exchange says.
    pub(super) fn open_sealed(&self, sealed: &str, exchange: Uuid) -> Opened {
        let ring = self.ring.load();
        let Some((id, text)) = sealed.split_once('.') else { return Opened::NoKey };
        if ring.erased.contains(id) {
            return Opened::Erased;
        }
        let key = ring.keys.values().flatten().find(|key| key.id == id);
        let opened = key.zip(BASE64.decode(text).ok()).and_then(|(key, mut bytes)| {
            let plain = key.seals.open_in_place(key.nonce(exchange), aad(exchange), &mut bytes).ok()?;
            Personal::from_bytes(plain)
        });
        opened.map_or(Opened::NoKey, Opened::Sealed)
    }

    /// The word under which an index finds a sealed part: with each key another, and with a destroyed one none.
    pub fn words(&self, part: &str, text: &str) -> Vec<String> {
        self.ring.load().keys.values().flatten().map(|key| key.word(part, text)).collect()
    }

    /// The same under the one key that a sealed text is of.
    pub fn word(&self, sealed: &str, part: &str, text: &str) -> Option<String> {
        let (id, _) = sealed.split_once('.')?;
        let ring = self.ring.load();
        ring.keys.values().flatten().find(|key| key.id == id).map(|key| key.word(part, text))
    }

    /// All keys that there are or were.
    pub fn list(&self) -> Vec<(String, KeyState)> {
        let ring = self.ring.load();
        let here = ring.keys.values().flatten().map(|key| (key.id.clone(), KeyState::Here));
        let mut all: Vec<_> =
            here.chain(ring.erased.iter().map(|id| (id.clone(), KeyState::Erased))).collect();
        all.sort();
        all
    }

    /// Whether a key may be destroyed: it is here, and its month is over at `now`.
    ///
    /// # Errors
    /// [`PersonalError::Unknown`], [`PersonalError::InUse`].
    pub fn may_erase(&self, id: &str, now: Timestamp) -> Result<(), PersonalError> {
        let ring = self.ring.load();
        if !ring.keys.values().flatten().any(|key| key.id == id) {
            return Err(PersonalError::Unknown(id.to_owned()));
        }
        let month = month_of(id).and_then(|(_, first)| first.checked_add(1.months()).ok());
        match month {
            Some(next) if next <= now.to_zoned(almaty()).date() => Ok(()),
            _ => Err(PersonalError::InUse(id.to_owned())),
        }
    }

    /// When the month of a key begins: nothing that was received before is sealed with it.
    pub fn begins(&self, id: &str) -> Option<Timestamp> {
        self.ring.load().keys.values().flatten().find(|key| key.id == id).map(|key| key.begins)
    }

    /// Destroys a key: what it sealed is erased, in every copy of the log.
    ///
    /// # Errors
    /// [`PersonalError`]; unless it says otherwise, the key is here.
    pub fn erase(&self, id: &str, now: Timestamp) -> Result<(), PersonalError> {
        self.may_erase(id, now)?;
        let list = self.dir.join(ERASED);
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| PersonalError::Io { path, source }
        };
        let mut text = match fs::read_to_string(&list) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(at(&list)(error)),
        };
        let line = serde_json::to_string(&Destroyed { id: id.to_owned(), at: now });
        text.push_str(&line.map_err(|error| at(&list)(error.into()))?);
        text.push('\n');
        // Said first: a key that is gone without a word looks like one that was lost.
        replace(&list, text.as_bytes()).map_err(at(&list))?;
        let path = self.path(id);
        let scrubbed = OpenOptions::new().write(true).open(&path).and_then(|mut file| {
            file.write_all(&[0; 32])?;
            file.sync_all()
        });
        scrubbed.and_then(|()| fs::remove_file(&path)).map_err(at(&path))?;
        fs::File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(at(&self.dir))?;
        self.refresh(now)
    }

    /// Takes in what changed in the folder, and makes keys ahead, now and then.
    pub fn follow(self: &Arc<Self>, pause: Duration) -> Background {
        let keys = Arc::clone(self);
        let mut troubled = false;
        Background::every("personal-keys", pause, move || match keys.refresh(clock::now()) {
            Ok(()) => troubled = false,
            Err(error) => {
                if !std::mem::replace(&mut troubled, true) {
                    warn!(error = %chain(&error), "the keys of personal parts are as they were: {error}");
                }
            }
        })
    }

    fn refresh(&self, now: Timestamp) -> Result<(), PersonalError> {
        let at = |source| PersonalError::Io { path: self.dir.clone(), source };
        let mut ring = Ring::default();
        match fs::read_to_string(self.dir.join(ERASED)) {
            Ok(text) => {
                let lines = text.lines().filter_map(|line| serde_json::from_str::<Destroyed>(line).ok());
                ring.erased = lines.map(|one| one.id).collect();
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(at(error)),
        }
        self.make(&ring, now)?;
        let listed = match fs::read_dir(&self.dir) {
            Ok(listed) => listed.collect::<Result<Vec<_>, _>>().map_err(at)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(at(error)),
        };
        for entry in listed {
            let name = entry.file_name();
            let Some(id) = name.to_str().and_then(|name| name.strip_suffix(".key")) else { continue };
            if ring.erased.contains(id) {
                // As after a crash between the word and the deed.
                fs::remove_file(self.path(id)).map_err(at)?;
                continue;
            }
            let Some((class, first)) = month_of(id) else { continue };
            let Ok(begins) = first.to_zoned(almaty()) else { continue };
            let key = Key::new(id, begins.timestamp(), &certs::keys::read_key(&self.path(id))?);
            ring.keys.entry(class.to_owned()).or_default().push(key);
        }
        ring.keys.values_mut().for_each(|keys| keys.sort_by_key(|key| key.begins));
        self.ring.store(Arc::new(ring));
        Ok(())
    }

    /// Makes this month's keys and the next one's, so that no call ever waits for one.
    fn make(&self, ring: &Ring, now: Timestamp) -> Result<(), PersonalError> {
        let first = now.to_zoned(almaty()).date().first_of_month();
        for class in &self.classes {
            for month in [Some(first), first.checked_add(1.months()).ok()].into_iter().flatten() {
                let id = format!("{class}-{}", month.strftime("%Y-%m"));
                let path = self.path(&id);
                if path.exists() || ring.erased.contains(&id) {
                    continue;
                }
                let at = |source| PersonalError::Io { path: path.clone(), source };
                let mut secret = [0; 32];
                rand::fill(&mut secret).map_err(|_| PersonalError::NoRandomness)?;
                fs::create_dir_all(&self.dir).map_err(at)?;
                // Durable before anything is sealed with it: what was sealed must be readable after a crash.
                match key_file::write_new(&path, &secret) {
                    // Another process made it meanwhile: that one counts.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    made => made.map_err(at)?,
                }
            }
        }
        Ok(())
    }

    fn path(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}.key"))
    }
}

impl std::fmt::Debug for PersonalKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PersonalKeys").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Key {
    fn new(id: &str, begins: Timestamp, secret: &[u8]) -> Self {
        let both = hkdf::Salt::new(hkdf::HKDF_SHA256, b"kelisim/personal").extract(secret);
        let expand = |what: &[u8]| {
            let mut bytes = [0; 32];
            let info = [what];
            let filled = both.expand(&info, hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut bytes));
            filled.expect("SHA-256 gives 32 bytes");
            bytes
        };
        let seals = UnboundKey::new(&AES_256_GCM, &expand(b"seal")).expect("32 bytes are a key");
        let finds = hmac::Key::new(hmac::HMAC_SHA256, &expand(b"find"));
        Self { id: id.to_owned(), begins, seals: LessSafeKey::new(seals), finds }
    }

    /// An exchange has one entry with personal parts, so its number makes a nonce that is used once.
    fn nonce(&self, exchange: Uuid) -> Nonce {
        let tag = hmac::sign(&self.finds, &[b"nonce".as_slice(), exchange.as_bytes()].concat());
        Nonce::assume_unique_for_key(tag.as_ref()[..12].try_into().expect("a tag has 32 bytes"))
    }

    fn word(&self, part: &str, text: &str) -> String {
        let tag = hmac::sign(&self.finds, format!("{part}\0{text}").as_bytes());
        let tag: String = tag.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}:{tag}", self.id)
    }
}

/// The ciphertext belongs to its exchange: moved to another, it does not open.
fn aad(exchange: Uuid) -> Aad<[u8; 16]> {
    Aad::from(exchange.into_bytes())
}

/// The class and the first day of a key's month.
fn month_of(id: &str) -> Option<(&str, Date)> {
    let (rest, month) = id.rsplit_once('-')?;
    let (class, year) = rest.rsplit_once('-')?;
    Some((class, format!("{year}-{month}-01").parse().ok()?))
}

const ERASED: &str = "erased.jsonl";

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: &str) -> Timestamp {
        format!("{day}T12:00:00+05:00").parse().unwrap()
    }

    fn keys(dir: &Path, now: &str) -> PersonalKeys {
        PersonalKeys::open(dir, BTreeSet::from(["confidential".to_owned()]), at(now)).unwrap()
    }

    const PARTS: [Option<&str>; 3] = [Some("a.serik"), None, Some("")];

    fn said() -> Personal {
        Personal { user: Some("a.serik".into()), user_address: None, case: Some(String::new()) }
    }

    /// D1, D4
    #[test]
    fn sealed_parts_say_what_they_said_until_their_key_is_destroyed() {
        let dir = tempfile::tempdir().unwrap();
        let gateway = keys(dir.path(), "2026-11-22");
        let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
        let sealed = gateway.seal("confidential", at("2026-11-22"), one, PARTS).unwrap();
        assert!(sealed.starts_with("confidential-2026-11.") && !sealed.contains("serik"), "{sealed}");
        assert_eq!(gateway.open_sealed(&sealed, one), Opened::Sealed(said()));
        assert_eq!(gateway.open_sealed(&sealed, other), Opened::NoKey, "it belongs to its exchange");
        assert_ne!(gateway.seal("confidential", at("2026-11-22"), other, PARTS).unwrap(), sealed);
        let december = gateway.seal("confidential", at("2026-12-01"), other, PARTS).unwrap();
        assert!(december.starts_with("confidential-2026-12."));
        assert_eq!(gateway.seal("restricted", at("2026-11-22"), one, PARTS), None, "not to be sealed");
        assert_eq!(gateway.seal("confidential", at("2026-11-22"), one, [None; 3]), None, "nothing is said");

        let word = gateway.word(&sealed, "user", "a.serik").unwrap();
        assert!(gateway.words("user", "a.serik").contains(&word));
        let reader = PersonalKeys::to_read(dir.path()).unwrap();
        let erase = |now: &str| reader.erase("confidential-2026-11", at(now));
        assert!(matches!(erase("2026-11-30"), Err(PersonalError::InUse(_))));
        erase("2026-12-01").unwrap();
        assert!(matches!(erase("2026-12-01"), Err(PersonalError::Unknown(_))));
        gateway.refresh(at("2026-12-01")).unwrap();
        for keys in [&gateway, &reader] {
            assert_eq!(keys.open_sealed(&sealed, one), Opened::Erased);
            assert_eq!(keys.open_sealed(&december, other), Opened::Sealed(said()), "others stay");
            assert!(!keys.words("user", "a.serik").contains(&word), "nor is it found any more");
            assert_eq!(keys.list()[0], ("confidential-2026-11".to_owned(), KeyState::Erased));
        }
        assert!(!dir.path().join("confidential-2026-11.key").exists(), "and it is not made again");
        let late = gateway.seal("confidential", at("2026-11-30"), one, PARTS).unwrap();
        assert!(late.starts_with("confidential-2026-12."), "what comes late takes a key that is there");
    }

    /// D4
    #[test]
    fn nothing_is_sealed_with_a_key_that_was_half_written() {
        let dir = tempfile::tempdir().unwrap();
        let gateway = keys(dir.path(), "2026-11-22");
        fs::write(dir.path().join("confidential-2026-12.key"), []).unwrap();
        let error = gateway.refresh(at("2026-11-23")).unwrap_err().to_string();
        assert!(error.contains("confidential-2026-12.key has 0 bytes"), "{error}");
        assert!(PersonalKeys::to_read(dir.path()).is_err(), "nor does a gateway begin with it");
        let sealed = gateway.seal("confidential", at("2026-11-23"), Uuid::now_v7(), PARTS).unwrap();
        assert!(sealed.starts_with("confidential-2026-11."), "those that it has remain");
    }

    #[test]
    fn bytes_that_were_not_sealed_so_are_no_personal_parts() {
        let bytes = Personal::to_bytes(PARTS);
        assert_eq!(Personal::from_bytes(&bytes), Some(said()));
        for bad in [&bytes[..bytes.len() - 1], &[&bytes[..], &[0]].concat(), &[], &[0, 9, 1]] {
            assert_eq!(Personal::from_bytes(bad), None);
        }
        let dir = tempfile::tempdir().unwrap();
        let gateway = keys(dir.path(), "2026-11-22");
        for bad in
            ["", ".", "confidential-2026-11.", "confidential-2026-11.AAAA", "x.~", "confidential-2026-11"]
        {
            assert_eq!(gateway.open_sealed(bad, Uuid::nil()), Opened::NoKey, "{bad}");
        }
    }
}
