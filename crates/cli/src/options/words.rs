//! The command line's options as fields of a JSON object.
//!
//! *In:* JSON texts and numbers. *Out:* the text that stands on a command line for the same value, so that
//! `{"bits": 20.5}`, `{"bits": "20.5"}` and `--bits 20.5` meet one parser. `null` stands for an option not given.

use std::fmt;

use serde::{Deserializer, de};

/// What a field takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Text,
    TextOrWholeNumber,
    NumberOrText,
}

/// A field that takes text only.
pub(crate) fn text<'de, D: Deserializer<'de>>(json: D) -> Result<Option<String>, D::Error> {
    json.deserialize_any(Takes::Text)
}

/// A field that takes text, or a whole number that stands for its own digits.
pub(crate) fn text_or_whole_number<'de, D: Deserializer<'de>>(json: D) -> Result<Option<String>, D::Error> {
    json.deserialize_any(Takes::TextOrWholeNumber)
}

/// A field that takes a number, or its digits as text.
pub(crate) fn number_or_text<'de, D: Deserializer<'de>>(json: D) -> Result<Option<String>, D::Error> {
    json.deserialize_any(Takes::NumberOrText)
}

impl Takes {
    fn whole_number<E: de::Error>(
        self,
        number: impl fmt::Display,
        seen: de::Unexpected<'_>,
    ) -> Result<Option<String>, E> {
        match self {
            Self::Text => Err(E::invalid_type(seen, &self)),
            _ => Ok(Some(number.to_string())),
        }
    }
}

impl de::Visitor<'_> for Takes {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::TextOrWholeNumber => "text or a whole number",
            Self::NumberOrText => "a number, or its digits as text",
        })
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        self.whole_number(number, de::Unexpected::Unsigned(number))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        self.whole_number(number, de::Unexpected::Signed(number))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        if self != Self::NumberOrText {
            return Err(E::invalid_type(de::Unexpected::Float(number), &self));
        }
        // 2^64, a range's longest count, comes as a float: its digits must be exact.
        let whole = number >= 0.0 && number < 128f64.exp2() && number.fract() == 0.0;
        Ok(Some(match whole {
            true => (number as u128).to_string(),
            false => number.to_string(),
        }))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use crate::options::{puzzle::GoalArgs, search::SearchArgs};

    #[test]
    fn numbers_and_texts_are_the_same() {
        let bits = |json: &str| serde_json::from_str::<GoalArgs>(json).map(|goal| goal.bits);
        assert_eq!(bits(r#"{"bits": 20.5}"#).unwrap().as_deref(), Some("20.5"));
        assert_eq!(bits(r#"{"bits": "20.5"}"#).unwrap().as_deref(), Some("20.5"));
        assert_eq!(bits(r#"{"bits": -1}"#).unwrap().as_deref(), Some("-1"));
        assert_eq!(bits(r#"{"bits": null}"#).unwrap(), None);
        let problem = bits(r#"{"bits": [1]}"#).unwrap_err().to_string();
        assert!(problem.contains("a number, or its digits as text"), "{problem}");
        let problem = bits(r#"{"nbits": 20000000}"#).unwrap_err().to_string();
        assert!(
            problem.contains("expected text"),
            "hex digits are no number: {problem}"
        );
    }

    #[test]
    fn two_to_the_64_keeps_its_digits() {
        let search: SearchArgs = serde_json::from_str(r#"{"count": 18446744073709551616}"#).unwrap();
        assert_eq!(search.count.as_deref(), Some("18446744073709551616"));
    }
}
