//! A range in JSON: `{"start": 5, "count": 10}`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{NonceRange, RangeError};

/// A range as it is written, before anyone has checked it.
#[derive(Serialize, Deserialize)]
pub(super) struct Fields {
    start: u64,
    #[serde(deserialize_with = "up_to_2_64")]
    count: u128,
}

impl From<NonceRange> for Fields {
    fn from(range: NonceRange) -> Self {
        Self {
            start: range.start(),
            count: range.count(),
        }
    }
}

impl TryFrom<Fields> for NonceRange {
    type Error = RangeError;

    fn try_from(fields: Fields) -> Result<Self, RangeError> {
        Self::new(fields.start, fields.count)
    }
}

/// Reads a count. 2^64 itself, as a JSON number, comes as a float.
fn up_to_2_64<'de, D: Deserializer<'de>>(json: D) -> Result<u128, D::Error> {
    struct Visitor;

    impl de::Visitor<'_> for Visitor {
        type Value = u128;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number of at most 2^64")
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<u128, E> {
            Ok(number.into())
        }

        fn visit_f64<E: de::Error>(self, number: f64) -> Result<u128, E> {
            match number == 64f64.exp2() {
                true => Ok(1 << 64),
                false => Err(E::invalid_value(de::Unexpected::Float(number), &self)),
            }
        }
    }

    json.deserialize_any(Visitor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_survive_a_round_trip() {
        for (start, count) in [(0, 0), (5, 10), (0, 1 << 64), (u64::MAX, 1)] {
            let range = NonceRange::new(start, count).unwrap();
            let json = serde_json::to_string(&range).unwrap();
            assert_eq!(json, format!(r#"{{"start":{start},"count":{count}}}"#));
            assert_eq!(serde_json::from_str::<NonceRange>(&json).unwrap(), range);
        }
    }

    #[test]
    fn a_range_past_the_last_nonce_is_refused() {
        for bad in [
            r#"{"start":1,"count":18446744073709551616}"#,
            r#"{"start":0,"count":1e30}"#,
            r#"{"start":0,"count":1.5}"#,
            r#"{"start":-1,"count":1}"#,
        ] {
            assert!(serde_json::from_str::<NonceRange>(bad).is_err(), "{bad}");
        }
    }
}
