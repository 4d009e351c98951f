//! Hex digits: the one place that reads them, and the one error.
//!
//! *In:* a text. *Out:* its bytes, or a [`HexError`] that says which character is wrong, or how many there should be.

/// Why a text is not the hex digits that were wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HexError {
    /// It holds something else.
    #[error("{found:?} at position {position} is not a hex digit (0-9, a-f)")]
    Digit {
        /// The first character that is not a hex digit.
        found: char,
        /// How many characters stand before it.
        position: usize,
    },
    /// It has too few or too many.
    #[error("{needs} hex digits, not {found}")]
    Length {
        /// What has how many, as in "a hash has 64".
        needs: &'static str,
        /// How many there are.
        found: usize,
    },
}

/// Checks that `text` holds nothing but hex digits, in either case.
pub(super) fn check_digits(text: &str) -> Result<(), HexError> {
    match text.chars().enumerate().find(|(_, c)| !c.is_ascii_hexdigit()) {
        Some((position, found)) => Err(HexError::Digit { found, position }),
        None => Ok(()),
    }
}

/// Reads any number of whole bytes; `needs` says of what, as in [`HexError::Length`].
pub(super) fn decode(text: &str, needs: &'static str) -> Result<Vec<u8>, HexError> {
    check_digits(text)?;
    let found = text.len();
    hex::decode(text).map_err(|_| HexError::Length { needs, found })
}

/// Reads exactly `N` bytes.
pub(super) fn decode_array<const N: usize>(text: &str, needs: &'static str) -> Result<[u8; N], HexError> {
    let found = text.len();
    let bytes = decode(text, needs)?;
    bytes.try_into().map_err(|_| HexError::Length { needs, found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong_and_where() {
        let read = |text| decode_array::<2>(text, "it has 4").map_err(|error| error.to_string());
        assert_eq!(read("aB01"), Ok([0xab, 0x01]));
        assert_eq!(
            read("ab0g"),
            Err("'g' at position 3 is not a hex digit (0-9, a-f)".to_owned())
        );
        assert_eq!(read("é").unwrap_err()[..4], *"'é'");
        for (text, found) in [("", 0), ("a", 1), ("ab", 2), ("abcde", 5), ("abcdef", 6)] {
            assert_eq!(read(text), Err(format!("it has 4 hex digits, not {found}")));
        }
    }
}
