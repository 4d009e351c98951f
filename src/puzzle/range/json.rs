//! A range in JSON: `{"start": 5, "count": 10, "first": "5", "last": "14"}`.
//!
//! *In:* a range, or its fields. *Out:* the other. `first` and `last` are the ends, both in the range, as decimal digits, which
//! every language reads exactly; an empty range has none, they are `null`. `count` is `null` where it is 2^64, which no
//! 64-bit number holds. Older versions wrote `start` and `count` alone, 2^64 as a number: that is read too.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{NonceRange, RangeError};

/// A range as it is written, before anyone has checked it.
#[derive(Serialize, Deserialize)]
pub(super) struct Fields {
    start: u64,
    #[serde(default, deserialize_with = "up_to_2_64", serialize_with = "up_to_64_bits")]
    count: Option<u128>,
    #[serde(default)]
    first: Option<String>,
    #[serde(default)]
    last: Option<String>,
}

/// Why the fields are no range.
#[derive(Debug, thiserror::Error)]
pub(super) enum FieldsError {
    #[error(transparent)]
    Range(#[from] RangeError),
    #[error("neither a count nor a last nonce; one of them is needed")]
    NoEnd,
    #[error("start, count, first and last do not say the same")]
    Contradiction,
}

impl From<NonceRange> for Fields {
    fn from(range: NonceRange) -> Self {
        let (first, last) = range.ends().unzip();
        Self {
            start: range.start(),
            count: Some(range.count()),
            first: first.map(|first| first.to_string()),
            last: last.map(|last| last.to_string()),
        }
    }
}

impl TryFrom<Fields> for NonceRange {
    type Error = FieldsError;

    fn try_from(fields: Fields) -> Result<Self, FieldsError> {
        let last = || fields.last.as_ref()?.parse::<u64>().ok();
        let count = match (fields.count, last()) {
            (Some(count), _) => count,
            (None, None) => return Err(FieldsError::NoEnd),
            (None, Some(last)) => (u128::from(last) + 1).saturating_sub(fields.start.into()),
        };
        let range = Self::new(fields.start, count)?;
        let both_or_none = fields.first.is_some() == fields.last.is_some();
        let (first, last) = range.ends().unzip();
        let fits = |said: &Option<String>, is: Option<u64>| {
            said.is_none() || *said == is.map(|is: u64| is.to_string())
        };
        match both_or_none && fits(&fields.first, first) && fits(&fields.last, last) {
            true => Ok(range),
            false => Err(FieldsError::Contradiction),
        }
    }
}

/// Writes a count, where 64 bits hold it.
fn up_to_64_bits<S: serde::Serializer>(count: &Option<u128>, json: S) -> Result<S::Ok, S::Error> {
    count.and_then(|count| u64::try_from(count).ok()).serialize(json)
}

/// Reads a count. 2^64 itself, as a JSON number, comes as a float.
fn up_to_2_64<'de, D: Deserializer<'de>>(json: D) -> Result<Option<u128>, D::Error> {
    struct Visitor;

    impl de::Visitor<'_> for Visitor {
        type Value = Option<u128>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number of at most 2^64, or null")
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
            Ok(Some(number.into()))
        }

        fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
            match number == 64f64.exp2() {
                true => Ok(Some(1 << 64)),
                false => Err(E::invalid_value(de::Unexpected::Float(number), &self)),
            }
        }

        fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    }

    json.deserialize_any(Visitor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_survive_a_round_trip() {
        for (start, count, fields) in [
            (0, 0, r#""start":0,"count":0,"first":null,"last":null"#),
            (5, 10, r#""start":5,"count":10,"first":"5","last":"14""#),
            (
                0,
                1 << 64,
                r#""start":0,"count":null,"first":"0","last":"18446744073709551615""#,
            ),
            (
                1,
                u64::MAX.into(),
                r#""start":1,"count":18446744073709551615,"first":"1","last":"18446744073709551615""#,
            ),
        ] {
            let range = NonceRange::new(start, count).unwrap();
            let json = serde_json::to_string(&range).unwrap();
            assert_eq!(json, format!("{{{fields}}}"));
            assert_eq!(serde_json::from_str::<NonceRange>(&json).unwrap(), range);
        }
    }

    #[test]
    fn what_was_written_before_is_read() {
        for (old, start, count) in [
            (r#"{"start":5,"count":10}"#, 5, 10),
            (r#"{"start":0,"count":18446744073709551616}"#, 0, 1 << 64),
            (r#"{"start":9,"count":0}"#, 9, 0),
        ] {
            let range = serde_json::from_str::<NonceRange>(old).unwrap();
            assert_eq!(range, NonceRange::new(start, count).unwrap());
        }
    }

    #[test]
    fn a_range_that_cannot_be_is_refused() {
        for bad in [
            r#"{"start":1,"count":18446744073709551616}"#,
            r#"{"start":0,"count":1e30}"#,
            r#"{"start":0,"count":1.5}"#,
            r#"{"start":-1,"count":1}"#,
            r#"{"start":0}"#,
            r#"{"start":0,"count":null}"#,
            r#"{"start":0,"count":null,"first":"0"}"#,
            r#"{"start":0,"count":null,"last":"9"}"#,
            r#"{"start":0,"count":null,"first":"0","last":"x"}"#,
            r#"{"start":0,"count":5,"first":"0","last":"5"}"#,
            r#"{"start":0,"count":5,"first":"1","last":"4"}"#,
            r#"{"start":0,"count":5,"first":"00","last":"4"}"#,
            r#"{"start":0,"count":0,"first":"0","last":"0"}"#,
            r#"{"start":7,"count":null,"first":"7","last":"3"}"#,
        ] {
            assert!(serde_json::from_str::<NonceRange>(bad).is_err(), "{bad}");
        }
    }
}
