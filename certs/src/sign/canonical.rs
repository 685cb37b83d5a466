//! The one form of a JSON value: RFC 8785.

use serde_json::{Number, Value};

/// Writes `value` as RFC 8785 says.
///
/// # Errors
/// [`NotCanonical`] for what the form cannot carry faithfully: another reader would see another value.
pub fn canonical(value: &Value) -> Result<Vec<u8>, NotCanonical> {
    check(value, 0)?;
    serde_jcs::to_vec(value).map_err(|_| NotCanonical::Unwritable)
}

/// Why a value has no canonical form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCanonical {
    /// RFC 8785 §3.2.2.3: numbers are doubles; this one would be rounded.
    #[error("the number {0} cannot be written exactly")]
    Inexact(String),
    /// Deeper than any document we accept.
    #[error("nested deeper than {DEEPEST}")]
    TooDeep,
    /// The writer refused it.
    #[error("not writable as canonical JSON")]
    Unwritable,
}

fn check(value: &Value, depth: usize) -> Result<(), NotCanonical> {
    if depth > DEEPEST {
        return Err(NotCanonical::TooDeep);
    }
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
        Value::Number(number) if exact(number) => Ok(()),
        Value::Number(number) => Err(NotCanonical::Inexact(number.to_string())),
        Value::Array(items) => items.iter().try_for_each(|item| check(item, depth + 1)),
        Value::Object(members) => members.values().try_for_each(|member| check(member, depth + 1)),
    }
}

fn exact(number: &Number) -> bool {
    match (number.as_u64(), number.as_i64(), number.as_f64()) {
        (Some(whole), ..) => whole <= LARGEST_EXACT,
        (_, Some(whole), _) => whole.unsigned_abs() <= LARGEST_EXACT,
        // Below 10²¹ it is written like a whole number (ECMA-262, Number::toString), and read back as one.
        (_, _, Some(double)) => {
            double.is_finite() && !(LARGEST_EXACT as f64 + 1.0..1e21).contains(&double.abs())
        }
        _ => false,
    }
}

/// 2⁵³ − 1: the largest whole number that no other one is rounded to (RFC 7493 §2.2).
const LARGEST_EXACT: u64 = (1 << 53) - 1;
const DEEPEST: usize = 128;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn example_of_rfc_8785_is_written_as_the_rfc_says() {
        let value: Value = serde_json::from_str(
            r#"{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
                "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"#,
        )
        .unwrap();
        let expected = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
             \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(String::from_utf8(canonical(&value).unwrap()).unwrap(), expected);
    }

    #[test]
    fn members_are_sorted_by_utf_16_units() {
        // RFC 8785 §3.2.3
        let value =
            json!({"\u{20ac}": 5, "\r": 1, "\u{fb33}": 7, "1": 2, "\u{1f600}": 6, "\u{80}": 3, "\u{f6}": 4});
        let text = String::from_utf8(canonical(&value).unwrap()).unwrap();
        let order: Vec<&str> = text.split(':').skip(1).map(|rest| &rest[..1]).collect();
        assert_eq!(order, ["1", "2", "3", "4", "5", "6", "7"]);
    }

    #[test]
    fn numbers_that_would_be_rounded_are_refused() {
        assert!(canonical(&json!(9_007_199_254_740_991_u64)).is_ok());
        assert!(canonical(&json!(-9_007_199_254_740_991_i64)).is_ok());
        for number in [
            json!(9_007_199_254_740_992_u64),
            json!(u64::MAX),
            json!(i64::MIN),
            json!(-2.2868322055863997e17),
        ] {
            assert!(matches!(canonical(&number), Err(NotCanonical::Inexact(_))), "{number}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            any::<f64>()
                .prop_map(Value::from)
                .prop_filter("others have no canonical form", |number| canonical(number).is_ok()),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::hash_map(any::<String>(), inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn canonical_form_of_the_canonical_form_is_itself(value in any_json()) {
            let once = canonical(&value).unwrap();
            let again: Value = serde_json::from_slice(&once).unwrap();
            prop_assert_eq!(canonical(&again).unwrap(), once);
        }
    }
}
