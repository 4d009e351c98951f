//! The values of options as they are written, and the numbers that they stand for.
//!
//! *In:* text from a command line; text and numbers from JSON. *Out:* numbers, or what a number should look like.
//! `{"bits": 20.5}`, `{"bits": "20.5"}` and `--bits 20.5` are the same. `null` stands for an option not given.

use std::{fmt, time::Duration};

use serde::{
    Deserializer,
    de::{self, Unexpected},
};

/// A value as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Whole(i128),
    Fraction(f64),
}

/// Why something is not the number that was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NumberError {
    #[error("not a whole number; give decimal digits only, as in 1000")]
    NotWhole,
    #[error("not a whole number; give digits, as in 1000, 1_000, 0x3e8, 2^10 or 1e3")]
    NoCount,
    #[error("too large; the most is {0}")]
    TooLarge(u128),
    #[error("too small; give 1 or more")]
    Zero,
    #[error("not a number; give digits with at most one point, as in 20.5")]
    NotANumber,
}

impl From<NumberError> for String {
    fn from(error: NumberError) -> Self {
        error.to_string()
    }
}

/// Reads a whole number of an unsigned type, digits only.
pub(crate) fn whole_number<T: TryFrom<u128>>(text: &str) -> Result<T, NumberError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberError::NotWhole);
    }
    fit(text.parse().ok())
}

/// Reads a whole number of an unsigned type that may be large: digits, with `_` between them, hexadecimal after `0x`, as a
/// power `2^32`, or with an exponent, `1e6` or `1.5e6`.
pub(crate) fn count<T: TryFrom<u128>>(text: &str) -> Result<T, NumberError> {
    let digits = |text: &str, radix: u32| -> Result<u128, NumberError> {
        let apart = text.starts_with('_') || text.ends_with('_') || text.contains("__");
        let plain = text.replace('_', "");
        match !apart && !plain.is_empty() && plain.chars().all(|digit| digit.is_digit(radix)) {
            true => u128::from_str_radix(&plain, radix).map_err(|_| largest::<T>()),
            false => Err(NumberError::NoCount),
        }
    };
    let power = |base: u128, exponent: &str| {
        let exponent = digits(exponent, 10)?;
        let exponent = u32::try_from(exponent).map_err(|_| largest::<T>());
        base.checked_pow(exponent?).ok_or(largest::<T>())
    };
    let number = if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        digits(hex, 16)?
    } else if let Some((base, exponent)) = text.split_once('^') {
        power(digits(base, 10)?, exponent)?
    } else if let Some((figure, exponent)) = text.split_once(['e', 'E']) {
        let (whole, fraction) = figure.split_once('.').unwrap_or((figure, ""));
        digits(whole, 10)?;
        let fraction = fraction.trim_end_matches('0');
        let places = digits(exponent, 10)?.checked_sub(fraction.len() as u128);
        let figure = digits(&format!("{whole}{fraction}"), 10)?;
        match (figure, places) {
            (_, None) => return Err(NumberError::NoCount),
            (0, Some(_)) => 0,
            (_, Some(places)) => (power(10, &places.to_string())?)
                .checked_mul(figure)
                .ok_or(largest::<T>())?,
        }
    } else {
        digits(text, 10)?
    };
    fit(Some(number))
}

/// Reads a whole number from 1 on.
pub(crate) fn one_or_more<T: TryFrom<u128> + Default + PartialEq>(text: &str) -> Result<T, NumberError> {
    match whole_number(text)? {
        zero if zero == T::default() => Err(NumberError::Zero),
        number => Ok(number),
    }
}

/// Reads a number that may have a fraction.
pub(crate) fn number(text: &str) -> Result<f64, NumberError> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(NumberError::NotANumber),
    }
}

/// Reads a time limit in seconds, above 0, with or without a fraction.
pub(crate) fn time_limit(text: &str) -> Result<Duration, String> {
    let time = Duration::try_from_secs_f64(number(text)?).ok();
    let time = time.filter(|time| !time.is_zero() && time.as_secs() < 1 << 32);
    time.ok_or("not a time limit; give seconds above 0, as in 0.5 or 60".to_owned())
}

fn fit<T: TryFrom<u128>>(number: Option<u128>) -> Result<T, NumberError> {
    let number = number.and_then(|number| T::try_from(number).ok());
    number.ok_or(largest::<T>())
}

/// It is larger than the type holds.
fn largest<T>() -> NumberError {
    NumberError::TooLarge(u128::MAX >> (128 - 8 * size_of::<T>()))
}

impl Value {
    /// The whole number that it is, as [`whole_number`] reads one.
    pub(crate) fn whole<T: TryFrom<u128>>(&self) -> Result<T, NumberError> {
        match self {
            Self::Text(text) => whole_number(text),
            Self::Whole(number) => fit(Some(u128::try_from(*number).map_err(|_| NumberError::NotWhole)?)),
            Self::Fraction(number) if *number > i128::MAX as f64 => fit(None),
            Self::Fraction(_) => Err(NumberError::NotWhole),
        }
    }

    /// The whole number that it is, as [`count`] reads one.
    pub(crate) fn count<T: TryFrom<u128>>(&self) -> Result<T, NumberError> {
        match self {
            Self::Text(text) => count(text),
            other => other.whole().map_err(|problem| match problem {
                NumberError::NotWhole => NumberError::NoCount,
                other => other,
            }),
        }
    }

    /// The number that it is, as [`number`] reads one.
    pub(crate) fn number(&self) -> Result<f64, NumberError> {
        match self {
            Self::Text(text) => number(text),
            Self::Whole(number) => Ok(*number as f64),
            Self::Fraction(number) => Ok(*number),
        }
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Whole(number) => number.fmt(f),
            Self::Fraction(number) => number.fmt(f),
        }
    }
}

/// What a JSON field takes, `null` apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Text,
    TextOrWholeNumber,
    NumberOrText,
}

/// A field that takes text only.
pub(crate) fn text<'de, D: Deserializer<'de>>(json: D) -> Result<Option<Value>, D::Error> {
    json.deserialize_any(Takes::Text)
}

/// A field that takes text, or a whole number that stands for its own digits.
pub(crate) fn text_or_whole_number<'de, D: Deserializer<'de>>(json: D) -> Result<Option<Value>, D::Error> {
    json.deserialize_any(Takes::TextOrWholeNumber)
}

/// A field that takes a number, or its digits as text.
pub(crate) fn number_or_text<'de, D: Deserializer<'de>>(json: D) -> Result<Option<Value>, D::Error> {
    json.deserialize_any(Takes::NumberOrText)
}

impl Takes {
    fn whole<E: de::Error>(self, number: impl Into<i128>, seen: Unexpected<'_>) -> Result<Option<Value>, E> {
        let number = number.into();
        match self {
            Self::Text => Err(E::invalid_type(seen, &self)),
            Self::TextOrWholeNumber => Ok(Some(Value::Text(number.to_string()))),
            Self::NumberOrText => Ok(Some(Value::Whole(number))),
        }
    }
}

impl de::Visitor<'_> for Takes {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::TextOrWholeNumber => "text or a whole number",
            Self::NumberOrText => "a number, or its digits as text",
        })
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<Value>, E> {
        Ok(Some(Value::Text(text.to_owned())))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Option<Value>, E> {
        self.whole(number, Unexpected::Unsigned(number))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Option<Value>, E> {
        self.whole(number, Unexpected::Signed(number))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Option<Value>, E> {
        // 2^64, a range's longest count, comes as a float: its digits must be exact.
        let whole = number.fract() == 0.0 && (0.0..i128::MAX as f64).contains(&number);
        match self {
            Self::NumberOrText if whole => Ok(Some(Value::Whole(number as i128))),
            Self::NumberOrText => Ok(Some(Value::Fraction(number))),
            _ => Err(E::invalid_type(Unexpected::Float(number), &self)),
        }
    }

    fn visit_unit<E: de::Error>(self) -> Result<Option<Value>, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(json: &str) -> Result<Option<Value>, String> {
        let mut json = serde_json::Deserializer::from_str(json);
        number_or_text(&mut json).map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_and_texts_are_the_same() {
        let bits = |text| json(text).map(|value| value.unwrap().number());
        for text in ["20.5", r#""20.5""#, "2.05e1"] {
            assert_eq!(bits(text), Ok(Ok(20.5)));
        }
        assert_eq!(bits("-1"), Ok(Ok(-1.0)));
        assert_eq!(bits(r#""-1""#), Ok(Ok(-1.0)));
        assert_eq!(json("null"), Ok(None));
        let problem = bits("[1]").unwrap_err();
        assert!(problem.contains("a number, or its digits as text"), "{problem}");
        let problem = text(&mut serde_json::Deserializer::from_str("20000000"));
        let problem = problem.unwrap_err().to_string();
        assert!(
            problem.contains("expected text"),
            "hex digits are not a number: {problem}"
        );
    }

    #[test]
    fn two_to_the_64_keeps_its_digits() {
        let count = json("18446744073709551616").unwrap().unwrap();
        assert_eq!(count.whole::<u128>(), Ok(1 << 64));
        assert_eq!(count.whole::<u64>(), Err(NumberError::TooLarge(u64::MAX.into())));
        assert_eq!(count.to_string(), "18446744073709551616");
        let huge = json("1e300").unwrap().unwrap();
        assert_eq!(huge.whole::<u128>(), Err(NumberError::TooLarge(u128::MAX)));
        for bad in ["0.5", "-1", "-1e300"] {
            let bad = json(bad).unwrap().unwrap();
            assert_eq!(bad.whole::<u64>(), Err(NumberError::NotWhole), "{bad}");
        }
    }

    #[test]
    fn counts_are_written_in_several_ways() {
        for (text, number) in [
            ("0", 0),
            ("007", 7),
            ("1_000_000", 1_000_000),
            ("0xff", 255),
            ("0Xdead_BEEF", 0xdead_beef),
            ("2^32", 1 << 32),
            ("2^64", 1 << 64),
            ("10^0", 1),
            ("1e6", 1_000_000),
            ("1.5E6", 1_500_000),
            ("2.50e1", 25),
            ("3e0", 3),
            ("0e99", 0),
            ("0^5", 0),
        ] {
            assert_eq!(count::<u128>(text), Ok(number), "{text}");
        }
        for bad in [
            "", "_1", "1_", "1__0", "0x", "0x_1", "x10", "2^", "^2", "2^-1", "2^2^2", "1e", "e6", "1e-6",
            "-1", "+1", "1.5", "1.25e1", ".5e1", "1e1.0", "1 000", "1e6e6", "0x1e+2", "１",
        ] {
            assert_eq!(count::<u64>(bad), Err(NumberError::NoCount), "{bad}");
        }
        for large in [
            "2^65",
            "1e20",
            "0x10000000000000000",
            "2^4294967296",
            "1e4294967296",
            "7^99",
            "9e99",
            "1e38",
        ] {
            let most = NumberError::TooLarge(u64::MAX.into());
            assert_eq!(count::<u64>(large), Err(most), "{large}");
        }
        assert!(
            NumberError::NoCount
                .to_string()
                .starts_with("not a whole number; give digits")
        );
    }

    #[test]
    fn numbers_are_finite() {
        for bad in ["", "nan", "inf", "1.2.3", "0x10"] {
            assert!(number(bad).is_err(), "{bad}");
        }
        assert_eq!(number("20.5"), Ok(20.5));
        assert_eq!(one_or_more::<u64>("0"), Err(NumberError::Zero));
    }
}
