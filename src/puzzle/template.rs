//! The bytes around the nonce.
//!
//! *In:* a text or hex digits with one `{nonce}` in it. *Out:* a [`Template`]: prefix and suffix bytes, of any length.

use super::{HexError, hex::decode};

/// What stands for the nonce in a written template.
pub const PLACEHOLDER: &str = "{nonce}";

/// The bytes before and after the nonce.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Template {
    prefix: Vec<u8>,
    suffix: Vec<u8>,
}

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// `{nonce}` does not occur.
    #[error("there is no {{nonce}} in it; put it where the nonce shall stand, as in 'a{{nonce}}b'")]
    NoPlaceholder,
    /// `{nonce}` occurs more than once.
    #[error("{{nonce}} is in it {0} times; exactly one is needed")]
    ManyPlaceholders(usize),
    /// What stands before or after the placeholder is not whole bytes of hex. Positions count from the beginning.
    #[error(transparent)]
    Hex(#[from] HexError),
}

impl Template {
    /// Takes the bytes before and after the nonce.
    pub fn new(prefix: impl Into<Vec<u8>>, suffix: impl Into<Vec<u8>>) -> Self {
        Self {
            prefix: prefix.into(),
            suffix: suffix.into(),
        }
    }

    /// Reads a text such as `a{nonce}b`; its bytes are the text's UTF-8.
    ///
    /// # Errors
    /// [`TemplateError`] unless `{nonce}` occurs exactly once.
    pub fn from_text(text: &str) -> Result<Self, TemplateError> {
        let (prefix, suffix) = split(text)?;
        Ok(Self::new(prefix, suffix))
    }

    /// Reads hex digits such as `aabb{nonce}cc`, in either case.
    ///
    /// # Errors
    /// [`TemplateError`] unless `{nonce}` occurs exactly once, between whole bytes of hex.
    pub fn from_hex(text: &str) -> Result<Self, TemplateError> {
        let (before, after) = split(text)?;
        let prefix = decode(before, "the bytes before {nonce} need an even number of")?;
        let suffix = decode(after, "the bytes after {nonce} need an even number of");
        Ok(Self::new(
            prefix,
            suffix.map_err(|mut error| {
                if let HexError::Digit { position, .. } = &mut error {
                    *position += before.len() + PLACEHOLDER.len();
                }
                error
            })?,
        ))
    }

    /// The bytes before the nonce.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// The bytes after the nonce.
    pub fn suffix(&self) -> &[u8] {
        &self.suffix
    }
}

fn split(text: &str) -> Result<(&str, &str), TemplateError> {
    let (prefix, suffix) = text.split_once(PLACEHOLDER).ok_or(TemplateError::NoPlaceholder)?;
    match suffix.matches(PLACEHOLDER).count() {
        0 => Ok((prefix, suffix)),
        more => Err(TemplateError::ManyPlaceholders(more + 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_text_and_hex() {
        assert_eq!(Template::from_text("a{nonce}b"), Ok(Template::new(*b"a", *b"b")));
        assert_eq!(
            Template::from_text("{nonce}"),
            Ok(Template::new([], [])),
            "both sides may be empty"
        );
        assert_eq!(
            Template::from_hex("aaBB{nonce}0c"),
            Ok(Template::new([0xaa, 0xbb], [0x0c]))
        );
    }

    #[test]
    fn says_what_is_wrong() {
        let text = |t| Template::from_text(t).unwrap_err().to_string();
        assert!(text("ab").contains("no {nonce}"), "{}", text("ab"));
        assert!(text("{nonce}{nonce}{nonce}").contains("3 times"));
        let hex = |t| Template::from_hex(t).unwrap_err().to_string();
        assert_eq!(
            hex("abc{nonce}"),
            "the bytes before {nonce} need an even number of hex digits, not 3"
        );
        assert_eq!(
            hex("{nonce}0"),
            "the bytes after {nonce} need an even number of hex digits, not 1"
        );
        assert_eq!(
            Template::from_hex("ab{nonce}0x"),
            Err(TemplateError::Hex(HexError::Digit {
                found: 'x',
                position: 10
            }))
        );
        assert!(hex("ax{nonce}").starts_with("'x' at position 1 "));
    }
}
