//! How a nonce stands in the message.
//!
//! *In:* a `u64`. *Out:* the bytes that the message carries for it: decimal or hexadecimal digits, or a binary number.

use std::{fmt, str::FromStr};

use super::{ByteOrder, NonceRange};

/// The most digits a padded encoding may have: the rest of the padding can stand in the template.
const MAX_WIDTH: u8 = 64;

/// The case of hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HexCase {
    /// 0-9, a-f.
    Lower,
    /// 0-9, A-F.
    Upper,
}

/// How a nonce stands in the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NonceEncoding {
    /// Decimal digits without leading zeros: 1 to 20 bytes.
    #[default]
    Decimal,
    /// Decimal digits, zero-padded to `width` bytes.
    DecimalPadded {
        /// Digits, 1 to 64.
        width: u8,
    },
    /// Hexadecimal digits, zero-padded to `width` bytes.
    Hex {
        /// Digits, 1 to 64.
        width: u8,
        /// Lower or upper.
        case: HexCase,
    },
    /// Four bytes in the given order.
    U32(ByteOrder),
    /// Eight bytes in the given order.
    U64(ByteOrder),
}

/// A text that names no encoding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodingError {
    /// Not one of the names.
    #[error(
        "there is no such nonce encoding; use dec, dec:W, hex:W, HEX:W, u32le, u32be, u64le or u64be (W is a width, as in hex:8)"
    )]
    Unknown,
    /// The width is missing, no number, or out of bounds.
    #[error("the width is not 1 to 64 digits; give one after the colon, as in dec:10 or hex:8")]
    Width,
}

impl NonceEncoding {
    /// Every nonce this encoding can write: 0 up to and including the last.
    pub fn space(self) -> NonceRange {
        let count = match self {
            Self::Decimal | Self::U64(_) => 1 << 64,
            Self::DecimalPadded { width } => power_up_to_2_64(10, width),
            Self::Hex { width, .. } => power_up_to_2_64(16, width),
            Self::U32(_) => 1 << 32,
        };
        NonceRange::new(0, count).expect("at most 2^64 nonces from 0")
    }

    /// How many bytes `nonce` takes in the message.
    pub fn len_of(self, nonce: u64) -> usize {
        match self {
            Self::Decimal => nonce.checked_ilog10().unwrap_or(0) as usize + 1,
            Self::DecimalPadded { width } | Self::Hex { width, .. } => width.into(),
            Self::U32(_) => 4,
            Self::U64(_) => 8,
        }
    }

    /// Whether the bytes are text (digits) rather than binary.
    pub fn is_text(self) -> bool {
        !matches!(self, Self::U32(_) | Self::U64(_))
    }

    /// Appends the bytes of `nonce` to `message`.
    ///
    /// # Panics
    /// When `nonce` is outside [`NonceEncoding::space`].
    pub fn write(self, nonce: u64, message: &mut Vec<u8>) {
        assert!(self.space().contains(nonce), "nonce {nonce} does not fit {self}");
        match self {
            Self::Decimal => message.extend_from_slice(nonce.to_string().as_bytes()),
            Self::DecimalPadded { width } => {
                let width = width.into();
                message.extend_from_slice(format!("{nonce:0width$}").as_bytes());
            }
            Self::Hex { width, case } => {
                let width = width.into();
                let digits = match case {
                    HexCase::Lower => format!("{nonce:0width$x}"),
                    HexCase::Upper => format!("{nonce:0width$X}"),
                };
                message.extend_from_slice(digits.as_bytes());
            }
            Self::U32(order) => {
                let nonce = u32::try_from(nonce).expect("checked above");
                message.extend_from_slice(&match order {
                    ByteOrder::Big => nonce.to_be_bytes(),
                    ByteOrder::Little => nonce.to_le_bytes(),
                });
            }
            Self::U64(order) => message.extend_from_slice(&match order {
                ByteOrder::Big => nonce.to_be_bytes(),
                ByteOrder::Little => nonce.to_le_bytes(),
            }),
        }
    }

    /// The nonce as it stands in the message: its digits, or the hex of its bytes when it is binary.
    ///
    /// # Panics
    /// When `nonce` is outside [`NonceEncoding::space`].
    pub fn display(self, nonce: u64) -> String {
        let mut bytes = Vec::with_capacity(20);
        self.write(nonce, &mut bytes);
        if self.is_text() {
            String::from_utf8(bytes).expect("digits are ASCII")
        } else {
            hex::encode(bytes)
        }
    }

    /// The nonce that [`NonceEncoding::display`] shows as `text`; `None` where that is not the text of any.
    pub fn read(self, text: &str) -> Option<u64> {
        let nonce = match self {
            Self::Decimal | Self::DecimalPadded { .. } => text.parse().ok()?,
            Self::Hex { .. } => u64::from_str_radix(text, 16).ok()?,
            Self::U32(order) => {
                let bytes: [u8; 4] = hex::decode(text).ok()?.try_into().ok()?;
                match order {
                    ByteOrder::Big => u32::from_be_bytes(bytes),
                    ByteOrder::Little => u32::from_le_bytes(bytes),
                }
                .into()
            }
            Self::U64(order) => {
                let bytes: [u8; 8] = hex::decode(text).ok()?.try_into().ok()?;
                match order {
                    ByteOrder::Big => u64::from_be_bytes(bytes),
                    ByteOrder::Little => u64::from_le_bytes(bytes),
                }
            }
        };
        // Signs, other widths and other cases of digits are not how it is written.
        (self.space().contains(nonce) && self.display(nonce) == text).then_some(nonce)
    }
}

fn power_up_to_2_64(base: u128, exponent: u8) -> u128 {
    base.checked_pow(exponent.into())
        .map_or(1 << 64, |power| power.min(1 << 64))
}

impl FromStr for NonceEncoding {
    type Err = EncodingError;

    /// Reads the command line's words: `dec`, `dec:W`, `hex:W`, `HEX:W`, `u32le`, `u32be`, `u64le`, `u64be`.
    fn from_str(text: &str) -> Result<Self, EncodingError> {
        let (name, width) = match text.split_once(':') {
            Some((name, width)) => (name, Some(width)),
            None => (text, None),
        };
        let digits = || {
            width
                .filter(|w| w.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|w| w.parse::<u8>().ok())
                .filter(|w| (1..=MAX_WIDTH).contains(w))
                .ok_or(EncodingError::Width)
        };
        Ok(match (name, width) {
            ("dec", None) => Self::Decimal,
            ("dec", _) => Self::DecimalPadded { width: digits()? },
            ("hex", _) => Self::Hex {
                width: digits()?,
                case: HexCase::Lower,
            },
            ("HEX", _) => Self::Hex {
                width: digits()?,
                case: HexCase::Upper,
            },
            ("u32le", None) => Self::U32(ByteOrder::Little),
            ("u32be", None) => Self::U32(ByteOrder::Big),
            ("u64le", None) => Self::U64(ByteOrder::Little),
            ("u64be", None) => Self::U64(ByteOrder::Big),
            _ => return Err(EncodingError::Unknown),
        })
    }
}

impl fmt::Display for NonceEncoding {
    /// Writes the word that [`NonceEncoding::from_str`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decimal => f.write_str("dec"),
            Self::DecimalPadded { width } => write!(f, "dec:{width}"),
            Self::Hex {
                width,
                case: HexCase::Lower,
            } => write!(f, "hex:{width}"),
            Self::Hex {
                width,
                case: HexCase::Upper,
            } => write!(f, "HEX:{width}"),
            Self::U32(order) => write!(f, "u32{}", order.name()),
            Self::U64(order) => write!(f, "u64{}", order.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoding(name: &str) -> NonceEncoding {
        name.parse().unwrap()
    }

    #[test]
    fn writes_each_form() {
        for (name, nonce, expected) in [
            ("dec", 0, "0"),
            ("dec", u64::MAX, "18446744073709551615"),
            ("dec:5", 42, "00042"),
            ("dec:25", 42, "0000000000000000000000042"),
            ("hex:4", 0xbeef, "beef"),
            ("HEX:6", 0xbeef, "00BEEF"),
            ("u32le", 1, "01000000"),
            ("u32be", 1, "00000001"),
            ("u64le", u64::MAX - 1, "feffffffffffffff"),
            ("u64be", 1, "0000000000000001"),
        ] {
            let encoding = encoding(name);
            assert_eq!(encoding.display(nonce), expected, "{name}");
            assert_eq!(encoding.to_string(), name);
            let mut bytes = Vec::new();
            encoding.write(nonce, &mut bytes);
            assert_eq!(bytes.len(), encoding.len_of(nonce), "{name}");
            assert_eq!(encoding.read(expected), Some(nonce), "{name}");
        }
    }

    #[test]
    fn only_what_was_written_is_read() {
        for (name, text) in [
            ("dec", "042"),
            ("dec", "+42"),
            ("dec", ""),
            ("dec", "18446744073709551616"),
            ("dec:5", "42"),
            ("hex:4", "BEEF"),
            ("HEX:4", "beef"),
            ("hex:4", "0beef"),
            ("hex:17", "10000000000000000"),
            ("u32le", "0100000"),
            ("u32le", "0100000000"),
            ("u32be", "0000000X"),
            ("u64le", "FEFFFFFFFFFFFFFF"),
        ] {
            assert_eq!(encoding(name).read(text), None, "{name} {text}");
        }
    }

    #[test]
    fn spaces_end_where_the_width_does() {
        for (name, count) in [
            ("dec", 1u128 << 64),
            ("dec:1", 10),
            ("dec:19", 10u128.pow(19)),
            ("dec:20", 1 << 64),
            ("dec:64", 1 << 64),
            ("hex:2", 256),
            ("hex:16", 1 << 64),
            ("hex:17", 1 << 64),
            ("u32le", 1 << 32),
            ("u64be", 1 << 64),
        ] {
            assert_eq!(encoding(name).space().count(), count, "{name}");
        }
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for name in ["", "decimal", "u32", "u16le", "Hex:4", "u32le:4"] {
            assert_eq!(
                name.parse::<NonceEncoding>(),
                Err(EncodingError::Unknown),
                "{name}"
            );
        }
        for name in ["hex", "hex:", "hex:0", "dec:65", "dec:+5", "HEX:x", "dec:999"] {
            assert_eq!(name.parse::<NonceEncoding>(), Err(EncodingError::Width), "{name}");
        }
    }
}
