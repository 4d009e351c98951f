//! JSON read where it stands: no tree of values is made of it.
//!
//! *In:* the text of one object. *Out:* the values of the fields that are wanted, each as its piece of the text; everything
//! else is looked at once, as it passes.
//!
//! A tree of values takes up to a hundred times its text in memory (`[{"":0},…]`), and whoever sends the text chooses. Here the
//! text is all there is, and a byte for each level of its nesting.
//!
//! What is passed over is held to the same rules: no object may have a field twice (readers differ in which of the two they
//! take, so two nodes would read two blocks), none has more than [`MAX_FIELDS`], and nesting ends at serde_json's 128 levels.

use std::{
    borrow::Cow,
    fmt,
    hash::{BuildHasher as _, RandomState},
    sync::LazyLock,
};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The most fields of an object: their names are remembered while it is read.
const MAX_FIELDS: usize = 256;
/// How much of a name is kept, in bytes: more than any that is known has.
const KEPT_NAME_BYTES: usize = 80;

/// A value as it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written<'t>(&'t str);

impl<'t> Written<'t> {
    /// Whether it is `null`.
    pub(super) fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// What a string of at most so many characters says; `None` for anything else.
    pub(super) fn text(self, most_chars: usize) -> Option<Cow<'t, str>> {
        let quoted = self.0.strip_prefix('"')?.strip_suffix('"')?;
        // A character is written with at most twelve bytes: 😀
        if quoted.len() > 12 * most_chars {
            return None;
        }
        let text = match quoted.contains('\\') {
            false => Cow::Borrowed(quoted),
            true => Cow::Owned(serde_json::from_str(self.0).ok()?),
        };
        (text.chars().count() <= most_chars).then_some(text)
    }

    /// The whole number that it is exactly: [`whole_number`].
    pub(super) fn whole(self) -> Option<i128> {
        whole_number(self.0)
    }
}

/// The whole number that a JSON value is exactly, however it is written: `5`, `5.0`, `50e-1`. `None` for a fraction, however
/// small, for more than 128 bits, and for what is no number.
///
/// *In:* the text of one value, as JSON has it. *Out:* no rounding: `4.9999999999999999999` is no 5, as it would be by way of a
/// floating-point number.
pub fn whole_number(text: &str) -> Option<i128> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits
        .starts_with(|first: char| first.is_ascii_digit())
        .then_some(())?;
    let (digits, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let (before, after) = digits.split_once('.').unwrap_or((digits, ""));
    let all = || before.bytes().chain(after.bytes());
    let zeros = all().rev().take_while(|digit| *digit == b'0').count();
    let significant = before.len() + after.len() - zeros;
    if significant == 0 {
        return Some(0); // of any sign and any exponent
    }
    // An exponent that does not fit is far outside, either way.
    let zeros_to_add = exponent
        .parse::<i64>()
        .ok()?
        .checked_sub(after.len() as i64)?
        .checked_add(zeros as i64)?;
    let scale = 10i128.checked_pow(u32::try_from(zeros_to_add).ok()?)?;
    let number = all().take(significant).try_fold(0i128, |number, digit| {
        number.checked_mul(10)?.checked_add(i128::from(digit - b'0'))
    })?;
    let number = number.checked_mul(scale)?;
    Some(if text.starts_with('-') { -number } else { number })
}

/// The name of a field.
pub(super) struct Name<'t> {
    /// Its beginning, if it is very long.
    shown: Cow<'t, str>,
    whole: bool,
    hash: u64,
}

impl Name<'_> {
    /// Whether it is this one.
    pub(super) fn is(&self, name: &str) -> bool {
        self.whole && self.shown == name
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.whole { "" } else { "…" };
        match self.shown.is_empty() {
            true => f.write_str("\"\""),
            false => write!(f, "{}{more}", self.shown.escape_debug()),
        }
    }
}

impl<'t> Deserialize<'t> for Name<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        /// So many that two different names are not taken for one, not even by somebody who tries.
        static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

        fn name(text: &str) -> (&str, bool, u64) {
            let end = (0..=text.len().min(KEPT_NAME_BYTES))
                .rev()
                .find(|end| text.is_char_boundary(*end));
            let shown = &text[..end.unwrap_or(0)];
            (shown, shown.len() == text.len(), HASHER.hash_one(text))
        }

        impl<'t> Visitor<'t> for Reader {
            type Value = Name<'t>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field's name")
            }

            fn visit_borrowed_str<E>(self, text: &'t str) -> Result<Self::Value, E> {
                let (shown, whole, hash) = name(text);
                Ok(Name {
                    shown: shown.into(),
                    whole,
                    hash,
                })
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                let (shown, whole, hash) = name(text);
                Ok(Name {
                    shown: shown.to_owned().into(),
                    whole,
                    hash,
                })
            }
        }
        deserializer.deserialize_str(Reader)
    }
}

/// Whoever wants some of an object's fields.
pub(super) trait Wants<'t> {
    /// Takes the value of the field with this name, or leaves it where it is (false).
    fn take<A: MapAccess<'t>>(&mut self, name: &Name<'t>, values: &mut A) -> Result<bool, A::Error>;
}

/// The field values that are only kept as they are written.
pub(super) struct Slots<'t, const N: usize> {
    names: [&'static str; N],
    values: [Option<Written<'t>>; N],
}

impl<'t, const N: usize> Slots<'t, N> {
    pub(super) fn new(names: [&'static str; N]) -> Self {
        Self {
            names,
            values: [None; N],
        }
    }

    /// A field that is there; `null` is as good as none.
    pub(super) fn get(&self, name: &str) -> Option<Written<'t>> {
        let at = self.names.iter().position(|known| *known == name)?;
        self.values[at].filter(|value| !value.is_null())
    }

    /// Whether the field is there, be it `null`.
    pub(super) fn has(&self, name: &str) -> bool {
        let at = self.names.iter().position(|known| *known == name);
        at.is_some_and(|at| self.values[at].is_some())
    }
}

impl<'t, const N: usize> Wants<'t> for Slots<'t, N> {
    fn take<A: MapAccess<'t>>(&mut self, name: &Name<'t>, values: &mut A) -> Result<bool, A::Error> {
        let Some(at) = self.names.iter().position(|known| name.is(known)) else {
            return Ok(false);
        };
        let text = values.next_value::<&'t RawValue>()?.get();
        // What a string's escapes stand for is not looked at before somebody needs it: this is.
        if text.starts_with('"') && text.contains("\\u") {
            serde_json::from_str::<PassedOver>(text)
                .map_err(|_| A::Error::custom(format!("{name} is not JSON (half a surrogate pair)")))?;
        }
        self.values[at] = Some(Written(text));
        Ok(true)
    }
}

/// What a value is, once it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Null,
    Other,
}

/// Reads an object for somebody; and anything else, which it says.
pub(super) struct Object<'w, W>(pub(super) &'w mut W);

impl<'t, W: Wants<'t>> DeserializeSeed<'t> for Object<'_, W> {
    type Value = Kind;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Kind, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'t, W: Wants<'t>> Visitor<'t> for Object<'_, W> {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut fields: A) -> Result<Kind, A::Error> {
        let mut seen: Vec<u64> = Vec::new();
        while let Some(name) = fields.next_key::<Name<'t>>()? {
            if seen.contains(&name.hash) {
                return Err(A::Error::custom(format!("{name} is there twice")));
            }
            if seen.len() >= MAX_FIELDS {
                return Err(A::Error::custom(format!(
                    "an object has more than {MAX_FIELDS} fields"
                )));
            }
            seen.push(name.hash);
            if !self.0.take(&name, &mut fields)? {
                fields.next_value::<PassedOver>()?;
            }
        }
        Ok(Kind::Object)
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut values: A) -> Result<Kind, A::Error> {
        while values.next_element::<PassedOver>()?.is_some() {}
        Ok(Kind::Other)
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Kind, E> {
        Ok(Kind::Other)
    }
}

/// A value that nobody wants.
pub(super) struct PassedOver;

impl<'t> Wants<'t> for PassedOver {
    fn take<A: MapAccess<'t>>(&mut self, _: &Name<'t>, _: &mut A) -> Result<bool, A::Error> {
        Ok(false)
    }
}

impl<'t> Deserialize<'t> for PassedOver {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        Object(&mut Self).deserialize(deserializer)?;
        Ok(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Option<i128> {
        Written(text).whole()
    }

    #[test]
    fn whole_numbers_are_read_exactly() {
        for (text, number) in [
            ("5", 5),
            ("5.0", 5),
            ("5e0", 5),
            ("50e-1", 5),
            ("0.005E+3", 5),
            (
                "5.000000000000000000000000000000000000000000000000000000000000",
                5,
            ),
            ("-5", -5),
            ("-0", 0),
            ("-0.0e999999999999999999999", 0),
            ("9007199254740991", 9_007_199_254_740_991),
            ("9007199254740993.0", 9_007_199_254_740_993),
            ("100e2", 10_000),
            ("100.100e3", 100_100),
        ] {
            assert_eq!(whole(text), Some(number), "{text}");
        }
        for text in [
            "4.9999999999999999999",
            "5.0000000000000000000001",
            "5e-1",
            "1e400",
            "1e-400",
            "1e99999999999999999999999",
            "10e9223372036854775807",
            "1e-99999999999999999999999",
            "340282366920938463463374607431768211456",
            "\"5\"",
            "null",
            "[5]",
            "true",
        ] {
            assert_eq!(whole(text), None, "{text}");
        }
    }

    #[test]
    fn strings_are_read_up_to_their_length() {
        let text = |text: &str| Written(text).text(2).map(Cow::into_owned);
        assert_eq!(text(r#""ab""#).as_deref(), Some("ab"));
        assert_eq!(text(r#""\ud83d\ude00\u0061""#).as_deref(), Some("\u{1f600}a"));
        assert_eq!(text(r#""""#).as_deref(), Some(""));
        assert_eq!(text(r#""abc""#), None);
        assert_eq!(text(&format!("\"{}\"", "\\u0061".repeat(1000))), None);
        assert_eq!(text("7"), None);
    }
}
