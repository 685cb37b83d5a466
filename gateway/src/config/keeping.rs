//! How long the record is kept, and where it goes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use agreements::Category;
use http::Uri;
use serde::Deserialize;

use super::{Config, within};
use crate::exchange_log::keeping::{Bucket, PATIENCE, Place};
use crate::trusted::TrustFiles;

/// How long the exchange log is kept, and its archive.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeepingSettings {
    /// The archive: a folder, best on another machine's disk, or `s3://BUCKET` or `s3://BUCKET/PREFIX`. Default: `archive`.
    pub archive: ArchivePlace,
    /// The store whose bucket `archive` names.
    pub s3: S3Settings,
    /// How often complete parts of the log go there, in hours; 0: only by `kelisim log archive`. Default: 24.
    pub archive_hours: u64,
    /// How many years each entry is kept at least, also refused calls, which no agreement speaks of. Default: 5.
    pub years: u16,
    /// More years for categories of data, such as `{ confidential = 10 }`; the longest counts of these, `years` and the agreement's own. Default: none.
    pub categories: BTreeMap<Category, u16>,
    /// Categories of data whose entries have official, address and case sealed under keys that can be destroyed (`kelisim log erase`); if any, refused calls too. Default: none.
    pub erasable: BTreeSet<Category>,
    /// The folder of those keys; in no backup that outlives them. Default: `keys/personal`.
    pub personal_keys: PathBuf,
    /// Where it is written down who archived, pruned, restored or erased what. Default: `keeping.jsonl`.
    pub journal: PathBuf,
}

/// Where an archive is, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum ArchivePlace {
    /// A folder.
    Folder(PathBuf),
    /// A bucket, and what stands before the names in it.
    Bucket {
        /// Its name.
        name: String,
        /// Empty, or without a slash at its ends.
        prefix: String,
    },
}

/// A store that speaks S3.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3Settings {
    /// Where it answers: `https://HOST`, whose certificate is one that the gateway trusts (`[trust]`); `http://` on this machine alone. Default: none.
    pub endpoint: Option<String>,
    /// The region that requests are signed for. Default: `us-east-1`.
    pub region: String,
    /// A file that only its owner may read, of two lines: the key's id and its secret. Default: none, and `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` are read from the environment.
    pub credentials: Option<PathBuf>,
}

impl Default for S3Settings {
    fn default() -> Self {
        Self { endpoint: None, region: "us-east-1".into(), credentials: None }
    }
}

impl TryFrom<String> for ArchivePlace {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once("://") else { return Ok(Self::Folder(text.into())) };
        if scheme != "s3" {
            return Err(format!("'{text}' is neither a folder nor s3://BUCKET/PREFIX"));
        }
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        if !(3..=63).contains(&name.len()) || !name.bytes().all(fits) {
            return Err(format!("'{name}' is no name of a bucket"));
        }
        let prefix = prefix.trim_end_matches('/');
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let fits = |part: &str| part.bytes().all(plain) && ![".", "..", ""].contains(&part);
        if !prefix.is_empty() && !prefix.split('/').all(fits) {
            return Err(format!("'{prefix}' is no prefix: letters, digits, and . - _ / only"));
        }
        Ok(Self::Bucket { name: name.to_owned(), prefix: prefix.to_owned() })
    }
}

impl S3Settings {
    /// Where the store answers, if that is said as it should be.
    fn endpoint(&self) -> Result<Uri, String> {
        let text = self.endpoint.as_deref().ok_or("an archive in s3:// needs it: https://HOST")?;
        let uri: Uri = text.parse().map_err(|_| format!("'{text}' is no address"))?;
        let here = uri.host().is_some_and(|host| {
            let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
            ip.is_ok_and(|ip| ip.is_loopback())
        });
        let plain = uri.path() == "/" && uri.query().is_none() && !text.contains('@');
        match uri.scheme_str() {
            Some("https") if plain => Ok(uri),
            // The record is personal data, whoever else reads the line.
            Some("http") if plain && here => Ok(uri),
            _ => Err(format!("'{text}' is no https:// address of a server")),
        }
    }
}

impl Config {
    /// Where the log's archive is.
    pub fn archive(&self) -> Place {
        let keeping = &self.log.keeping;
        match &keeping.archive {
            ArchivePlace::Folder(folder) => Place::Folder(self.path(folder)),
            ArchivePlace::Bucket { name, prefix } => Place::Bucket(Box::new(Bucket {
                endpoint: keeping.s3.endpoint().expect("checked when the configuration was read"),
                region: keeping.s3.region.clone(),
                name: name.clone(),
                prefix: prefix.clone(),
                credentials: keeping.s3.credentials.as_ref().map(|path| self.path(path)),
                trust: TrustFiles::of(self),
                patience: PATIENCE,
            })),
        }
    }
}

impl Default for KeepingSettings {
    fn default() -> Self {
        Self {
            archive: ArchivePlace::Folder("archive".into()),
            s3: S3Settings::default(),
            archive_hours: 24,
            years: 5,
            categories: BTreeMap::new(),
            erasable: BTreeSet::new(),
            personal_keys: "keys/personal".into(),
            journal: "keeping.jsonl".into(),
        }
    }
}

impl KeepingSettings {
    /// The classes of entries whose personal parts are sealed.
    pub fn classes(&self) -> BTreeSet<String> {
        let word = |category: &Category| serde_json::to_value(category).ok()?.as_str().map(str::to_owned);
        let named: BTreeSet<String> = self.erasable.iter().filter_map(word).collect();
        let refused = (!named.is_empty()).then(|| crate::exchange::REFUSED.to_owned());
        named.into_iter().chain(refused).collect()
    }

    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if let ArchivePlace::Bucket { .. } = self.archive {
            self.s3.endpoint().map_err(|why| ("keeping.s3.endpoint", why))?;
        }
        within("keeping.archive_hours", self.archive_hours, 0..=8_760)?;
        within("keeping.years", self.years.into(), 1..=200)?;
        self.categories.values().try_for_each(|years| within("keeping.categories", (*years).into(), 0..=200))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Result<ArchivePlace, String> {
        ArchivePlace::try_from(text.to_owned())
    }

    #[test]
    fn an_archive_is_a_folder_or_a_bucket_and_nothing_else() {
        assert_eq!(place("/srv/archive"), Ok(ArchivePlace::Folder("/srv/archive".into())));
        assert_eq!(place("archive"), Ok(ArchivePlace::Folder("archive".into())));
        let bucket = |name: &str, prefix: &str| {
            Ok(ArchivePlace::Bucket { name: name.to_owned(), prefix: prefix.to_owned() })
        };
        assert_eq!(place("s3://records"), bucket("records", ""));
        assert_eq!(place("s3://records/"), bucket("records", ""));
        assert_eq!(place("s3://records/kelisim/node-1/"), bucket("records", "kelisim/node-1"));
        for text in [
            "gs://records",
            "https://store/records",
            "s3://",
            "s3://Records",
            "s3://records/../else",
            "s3://records//a",
            "s3://records/a?b",
        ] {
            assert!(place(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_store_elsewhere_is_spoken_to_over_tls_alone() {
        let at = |endpoint: &str| {
            S3Settings { endpoint: Some(endpoint.to_owned()), ..S3Settings::default() }.endpoint()
        };
        for good in [
            "https://s3.gov.example",
            "https://s3.gov.example:9000/",
            "http://127.0.0.1:9000",
            "http://[::1]:9000",
        ] {
            assert!(at(good).is_ok(), "{good}");
        }
        for bad in [
            "http://s3.gov.example",
            "http://localhost:9000",
            "s3.gov.example",
            "https://u:p@s3.gov.example",
            "https://s3.gov.example/records",
        ] {
            assert!(at(bad).is_err(), "{bad}");
        }
        assert!(S3Settings::default().endpoint().is_err());
    }
}
