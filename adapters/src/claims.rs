//! What a caller claims in headers: bounded, in an alphabet each, believed by nobody yet.

use std::borrow::Cow;
use std::net::IpAddr;

use http::HeaderMap;

use crate::canonical::{decode, encode_into};
use crate::{Flaw, Unreadable};

/// The claims of a call. What is absent was not claimed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims<'a> {
    /// Why data is asked for: a purpose that the agreement names (B7).
    pub purpose: Option<Cow<'a, str>>,
    /// The caller's file number or the like, decoded.
    pub case: Option<Cow<'a, str>>,
    /// The official in whose name the system asks (B6), decoded.
    pub user: Option<Cow<'a, str>>,
    /// The address of the official's computer (D1).
    pub user_address: Option<IpAddr>,
    /// The agreement to choose among several.
    pub agreement: Option<Cow<'a, str>>,
    /// The consent of the person whom the data is about, as its issuer signed it.
    pub consent: Option<Cow<'a, str>>,
    /// What makes a repetition of the call recognisable, without its quotes.
    pub idempotency_key: Option<Cow<'a, str>>,
    /// The W3C trace context.
    pub traceparent: Option<Cow<'a, str>>,
}

/// The rule for one claim.
#[derive(Debug)]
pub struct Claim {
    /// The header.
    pub name: &'static str,
    /// Most bytes of its value, decoded.
    pub most_bytes: usize,
    /// What the value may consist of.
    pub spelling: Spelling,
}

/// What a claim's value may consist of. None is ever empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// `a-z`, `0-9`, `.` and `-`, as the registry's codes.
    Code,
    /// Visible ASCII.
    Visible,
    /// ASCII in double quotes: a String of RFC 9651 §3.3.3, and nothing behind it.
    Quoted,
    /// Text in UTF-8, percent-encoded where it is not visible ASCII, and `%` itself always; decoded once. No control
    /// characters, no white space at either end.
    Escaped,
    /// `0-9`, `a-f` and `-`.
    Hexadecimal,
    /// An IPv4 or IPv6 address.
    Address,
}

/// Every claim that is read. Other `Kelisim-…` headers of a caller are neither read nor forwarded.
pub const CLAIMS: [Claim; 8] = [
    Claim { name: "kelisim-purpose", most_bytes: 64, spelling: Spelling::Code },
    Claim { name: "kelisim-case", most_bytes: 192, spelling: Spelling::Escaped },
    Claim { name: "kelisim-user", most_bytes: 192, spelling: Spelling::Escaped },
    Claim { name: "kelisim-user-address", most_bytes: 45, spelling: Spelling::Address },
    Claim { name: "kelisim-agreement", most_bytes: 64, spelling: Spelling::Code },
    Claim { name: "idempotency-key", most_bytes: 120, spelling: Spelling::Quoted },
    Claim { name: "traceparent", most_bytes: 128, spelling: Spelling::Hexadecimal },
    Claim { name: "kelisim-consent", most_bytes: 12 << 10, spelling: Spelling::Visible },
];

impl<'a> Claims<'a> {
    /// The claims that can be read, for records of calls that are refused anyway: one that is malformed or repeated
    /// is absent.
    pub fn legible(headers: &'a HeaderMap) -> Self {
        let one = |name: &str| {
            let claim = CLAIMS.iter().find(|claim| claim.name == name)?;
            let mut values = headers.get_all(name).iter();
            let (value, None) = (values.next()?, values.next()) else { return None };
            claim.read(value.as_bytes()).ok()
        };
        Self {
            purpose: one("kelisim-purpose"),
            case: one("kelisim-case"),
            user: one("kelisim-user"),
            user_address: one("kelisim-user-address").and_then(|text| text.parse().ok()),
            agreement: one("kelisim-agreement"),
            idempotency_key: one("idempotency-key"),
            traceparent: one("traceparent"),
            consent: one("kelisim-consent"),
        }
    }

    /// Reads the claims among `headers`.
    ///
    /// # Errors
    /// [`Unreadable::ClaimMalformed`] or [`Unreadable::ClaimRepeated`], of the first claim at fault.
    pub fn read(headers: &'a HeaderMap) -> Result<Self, Unreadable> {
        let mut found: [Option<Cow<'a, str>>; CLAIMS.len()] = Default::default();
        for (name, value) in headers {
            let Some(index) = CLAIMS.iter().position(|claim| claim.name == name.as_str()) else { continue };
            let claim = &CLAIMS[index];
            let text = claim.read(value.as_bytes()).map_err(|flaw| malformed(claim, flaw))?;
            if found[index].replace(text).is_some() {
                return Err(Unreadable::ClaimRepeated { name: claim.name });
            }
        }
        let [purpose, case, user, user_address, agreement, idempotency_key, traceparent, consent] = found;
        let user_address = match user_address {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| malformed(&CLAIMS[3], Flaw::Character))?),
        };
        Ok(Self { purpose, case, user, user_address, agreement, consent, idempotency_key, traceparent })
    }
}

impl Claim {
    fn read<'a>(&self, value: &'a [u8]) -> Result<Cow<'a, str>, Flaw> {
        if value.is_empty() {
            return Err(Flaw::Empty);
        }
        if value.len() > 3 * self.most_bytes {
            return Err(Flaw::TooLong);
        }
        if !value.iter().all(|byte| self.spelling.has(*byte)) {
            return Err(Flaw::Character);
        }
        let text = std::str::from_utf8(value).map_err(|_| Flaw::Character)?;
        let text = match self.spelling {
            Spelling::Escaped => decode(text)?,
            Spelling::Quoted => unquote(text)?,
            Spelling::Code | Spelling::Visible | Spelling::Hexadecimal | Spelling::Address => {
                Cow::Borrowed(text)
            }
        };
        if text.len() > self.most_bytes {
            return Err(Flaw::TooLong);
        }
        // Also what only decoding brings to light: white space around, which no reader of a log would see.
        if text.trim() != text { Err(Flaw::Character) } else { Ok(text) }
    }
}

impl Spelling {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::Code => matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'),
            Self::Visible => byte.is_ascii_graphic(),
            Self::Quoted | Self::Escaped => byte.is_ascii_graphic() || byte == b' ',
            Self::Hexadecimal => matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'),
            Self::Address => byte.is_ascii_hexdigit() || byte == b'.' || byte == b':',
        }
    }
}

/// Writes a decoded claim for a header again, as [`Spelling::Escaped`] reads it.
pub fn encode_claim(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'%';
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut encoded = String::with_capacity(text.len() * 3);
    encode_into(&mut encoded, text, is_plain);
    Cow::Owned(encoded)
}

/// What stands between the quotes. Parameters behind them are refused: the header has none.
fn unquote(text: &str) -> Result<Cow<'_, str>, Flaw> {
    let inside = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or(Flaw::Unquoted)?;
    if inside.is_empty() {
        return Err(Flaw::Empty);
    }
    let mut plain = String::with_capacity(inside.len());
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '"' => return Err(Flaw::Character),
            '\\' => characters.next().filter(|next| matches!(next, '"' | '\\')).ok_or(Flaw::Escape)?,
            plain => plain,
        });
    }
    Ok(if plain.len() == inside.len() { Cow::Borrowed(inside) } else { Cow::Owned(plain) })
}

fn malformed(claim: &Claim, flaw: Flaw) -> Unreadable {
    Unreadable::ClaimMalformed { name: claim.name, flaw }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn claims_are_read_and_escaped_ones_decoded_once() {
        let headers = headers(&[
            ("kelisim-purpose", "pension.calculation"),
            ("kelisim-case", "12-34%2F2026 %E2%84%96 7"),
            ("kelisim-user", "%D0%90.%20%D0%A1%D0%B5%D1%80%D1%96%D0%BA %2541"),
            ("kelisim-user-address", "2001:db8::7"),
            ("kelisim-agreement", "ar-2026-7"),
            ("idempotency-key", "\"8e03978e-40d5\""),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            ("kelisim-consumer", "somebody else"),
        ]);
        let claims = Claims::read(&headers).unwrap();
        assert_eq!(claims.purpose.as_deref(), Some("pension.calculation"));
        assert_eq!(claims.case.as_deref(), Some("12-34/2026 № 7"));
        assert_eq!(claims.user.as_deref(), Some("А. Серік %41"));
        assert_eq!(claims.user_address, Some("2001:db8::7".parse().unwrap()));
        assert_eq!(claims.agreement.as_deref(), Some("ar-2026-7"));
        assert_eq!(claims.idempotency_key.as_deref(), Some("8e03978e-40d5"));
        assert!(claims.traceparent.is_some());
        assert_eq!(Claims::read(&HeaderMap::new()), Ok(Claims::default()));
    }

    #[test]
    fn claim_outside_its_alphabet_or_bounds_is_refused() {
        let long = "a".repeat(257);
        for (name, value, flaw) in [
            ("kelisim-purpose", "", Flaw::Empty),
            ("kelisim-purpose", "Pension", Flaw::Character),
            ("kelisim-purpose", "a b", Flaw::Character),
            ("kelisim-purpose", &long[..65], Flaw::TooLong),
            ("kelisim-purpose", &long, Flaw::TooLong),
            ("kelisim-case", "%4", Flaw::Escape),
            ("kelisim-case", "100%", Flaw::Escape),
            ("kelisim-case", "%FF", Flaw::Utf8),
            ("kelisim-case", "a%0Ab", Flaw::Control),
            ("kelisim-case", "%20a", Flaw::Character),
            ("kelisim-user", "Серік", Flaw::Character),
            ("kelisim-user", &long, Flaw::TooLong),
            ("kelisim-user-address", "10.0.0", Flaw::Character),
            ("kelisim-user-address", "localhost", Flaw::Character),
            ("kelisim-agreement", "../x", Flaw::Character),
            ("idempotency-key", "8e03978e", Flaw::Unquoted),
            ("idempotency-key", "\"", Flaw::Unquoted),
            ("idempotency-key", "\"\"", Flaw::Empty),
            ("idempotency-key", "\"a\";b=1", Flaw::Unquoted),
            ("idempotency-key", "\"a\"b\"", Flaw::Character),
            ("idempotency-key", "\"a\\\"", Flaw::Escape),
            ("idempotency-key", "\"a\\b\"", Flaw::Escape),
            ("idempotency-key", "\" a\"", Flaw::Character),
            ("idempotency-key", &["\"", &long[..121], "\""].concat(), Flaw::TooLong),
            ("traceparent", "00-0AF7", Flaw::Character),
        ] {
            assert_eq!(
                Claims::read(&headers(&[(name, value)])),
                Err(Unreadable::ClaimMalformed { name, flaw })
            );
        }
    }

    #[test]
    fn quotes_and_backslashes_in_a_quoted_claim_are_escaped_and_nothing_else_is() {
        for (value, key) in [
            (r#""8e03978e-40d5 7""#, "8e03978e-40d5 7"),
            (r#""a\\b""#, r"a\b"),
            (r#""a\"b""#, "a\"b"),
            (r#""%41""#, "%41"),
        ] {
            let headers = headers(&[("idempotency-key", value)]);
            assert_eq!(Claims::read(&headers).unwrap().idempotency_key.as_deref(), Some(key), "{value}");
        }
    }

    #[test]
    fn claim_made_twice_is_refused_even_if_alike() {
        for claim in &CLAIMS {
            let value = match claim.spelling {
                Spelling::Address => "10.0.0.1",
                Spelling::Quoted => "\"a\"",
                Spelling::Code | Spelling::Visible | Spelling::Escaped | Spelling::Hexadecimal => "a",
            };
            let twice = headers(&[(claim.name, value), (claim.name, value)]);
            assert_eq!(Claims::read(&twice), Err(Unreadable::ClaimRepeated { name: claim.name }));
        }
    }

    #[test]
    fn what_is_legible_is_read_beside_what_is_not() {
        let headers = headers(&[
            ("kelisim-user", "%D0%90"),
            ("kelisim-case", "%FF"),
            ("kelisim-purpose", "one"),
            ("kelisim-purpose", "two"),
            ("kelisim-user-address", "10.0.0.1"),
        ]);
        let expected = Claims {
            user: Some("А".into()),
            user_address: Some("10.0.0.1".parse().unwrap()),
            ..Claims::default()
        };
        assert_eq!(Claims::legible(&headers), expected);
    }

    proptest! {
        #[test]
        fn encoded_claim_decodes_to_itself(text in "\\PC{0,40}") {
            prop_assume!(!text.chars().any(char::is_control));
            let encoded = encode_claim(&text);
            prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert_eq!(decode(&encoded).unwrap(), text.as_str());
        }
    }
}
