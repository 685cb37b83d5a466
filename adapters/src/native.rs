//! The native exchange surface: `/{provider}/{data-type}/{operation path}?{query}` and claims in headers.

use http::request;

use crate::canonical::{CanonicalPath, CanonicalQuery};
use crate::{Claims, Flaw, Unreadable};

/// What a request asks for, in its one canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked<'a> {
    /// The providing system's code, well-formed but perhaps unknown.
    pub provider: &'a str,
    /// The data type's code, well-formed but perhaps unknown.
    pub data_type: &'a str,
    /// The operation's path at the provider.
    pub path: CanonicalPath<'a>,
    /// The operation's parameters.
    pub query: CanonicalQuery<'a>,
    /// What the caller claims.
    pub claims: Claims<'a>,
}

/// Reads a request of the native surface.
///
/// # Errors
/// [`Unreadable`]: the request says nothing, or more than one thing.
pub fn read(parts: &request::Parts) -> Result<Asked<'_>, Unreadable> {
    let incomplete = Unreadable::TargetMalformed(Flaw::Incomplete);
    let Some(rest) = parts.uri.path().strip_prefix('/') else { return Err(incomplete) };
    let Some((provider, rest)) = rest.split_once('/') else { return Err(incomplete) };
    let (data_type, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, "/"),
    };
    for code in [provider, data_type] {
        check_code(code)?;
    }
    Ok(Asked {
        provider,
        data_type,
        path: CanonicalPath::read(path)?,
        query: CanonicalQuery::read(parts.uri.query().unwrap_or_default())?,
        claims: Claims::read(&parts.headers)?,
    })
}

impl Asked<'_> {
    /// The path and query that the provider is asked for: what was read, and nothing else.
    pub fn target(&self) -> String {
        match (self.path.as_str(), self.query.as_str()) {
            (path, "") => path.to_owned(),
            (path, query) => [path, query].join("?"),
        }
    }
}

/// The registry's codes, as they stand: an escape in one would be a second spelling.
fn check_code(code: &str) -> Result<(), Unreadable> {
    if code.is_empty() {
        return Err(Unreadable::TargetMalformed(Flaw::Incomplete));
    }
    if code.len() > 64 {
        return Err(Unreadable::TargetMalformed(Flaw::TooLong));
    }
    let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-');
    if code.starts_with(['.', '-']) || !code.bytes().all(fits) {
        return Err(Unreadable::TargetMalformed(Flaw::Character));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn parts(target: &str) -> request::Parts {
        Request::get(target).body(()).unwrap().into_parts().0
    }

    #[test]
    fn target_is_provider_data_type_path_and_query() {
        for (target, provider, data_type, forwarded) in [
            ("/address-register/address", "address-register", "address", "/"),
            ("/address-register/address/", "address-register", "address", "/"),
            ("/esedo.pmo/tasks/of/%D1%8F?day=1", "esedo.pmo", "tasks", "/of/%D1%8F?day=1"),
            ("/a/b/c?", "a", "b", "/c"),
            ("https://gateway.example/a/b/c?x=1+1", "a", "b", "/c?x=1%2B1"),
        ] {
            let parts = parts(target);
            let asked = read(&parts).unwrap();
            assert_eq!((asked.provider, asked.data_type, &*asked.target()), (provider, data_type, forwarded));
        }
    }

    #[test]
    fn target_without_codes_as_they_stand_is_refused() {
        let long = format!("/{}/b", "a".repeat(65));
        for (target, flaw) in [
            ("/", Flaw::Incomplete),
            ("/a", Flaw::Incomplete),
            ("/a/", Flaw::Incomplete),
            ("//a/b", Flaw::Incomplete),
            ("/a//b", Flaw::Incomplete),
            ("/A/b/c", Flaw::Character),
            ("/%61/b/c", Flaw::Character),
            ("/a/../b", Flaw::Character),
            ("/a/./b", Flaw::Character),
            ("/a/b;c/d", Flaw::Character),
            (&long, Flaw::TooLong),
        ] {
            assert_eq!(read(&parts(target)), Err(Unreadable::TargetMalformed(flaw)), "{target}");
        }
    }

    #[test]
    fn faults_of_path_query_and_claims_keep_their_codes() {
        let code = |target: &str| read(&parts(target)).unwrap_err().code();
        assert_eq!(code("/a/b/%2e%2e/c"), "target-ambiguous");
        assert_eq!(code("/a/b/%zz"), "target-malformed");
        assert_eq!(code("/a/b?x=1&x=2"), "query-ambiguous");
        assert_eq!(code("/a/b?x=%00"), "query-malformed");
        let mut claimed = parts("/a/b");
        claimed.headers.append("kelisim-purpose", "one".parse().unwrap());
        claimed.headers.append("kelisim-purpose", "two".parse().unwrap());
        assert_eq!(read(&claimed).unwrap_err().code(), "claim-repeated");
    }
}
