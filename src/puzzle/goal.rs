//! Hashes, the order in which they are read as numbers, and what a hash must be.

use std::fmt;

use super::Target;

/// The order of bytes in a binary nonce, or in a hash that is read as a 256-bit number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// Most significant byte first: how text puzzles read a hash.
    #[default]
    Big,
    /// Least significant byte first: how Bitcoin reads a block's hash.
    Little,
}

impl ByteOrder {
    /// Its name on the command line and in JSON: `be` or `le`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Big => "be",
            Self::Little => "le",
        }
    }
}

/// The 32 bytes a digest puts out, in the order it puts them out (FIPS 180-4 §6.2.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

/// Why a text is not a 256-bit hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashParseError {
    /// It is not 64 digits long.
    #[error("has {0} digits; a hash has exactly 64 hex digits")]
    Length(usize),
    /// It holds something that is no hex digit.
    #[error("has {0:?} at position {1}, which is no hex digit (0-9, a-f)")]
    Digit(char, usize),
}

impl Hash {
    /// Takes the 32 bytes as the digest puts them out.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes as the digest puts them out.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// The hash as a number: 32 bytes, most significant first.
    pub fn number(self, order: ByteOrder) -> [u8; 32] {
        let mut bytes = self.0;
        if order == ByteOrder::Little {
            bytes.reverse();
        }
        bytes
    }

    /// The 64 lower-case hex digits in which readers of such puzzles write a hash: the number's most significant
    /// digit first, so that a solved puzzle's hash begins with its zeros.
    pub fn display(self, order: ByteOrder) -> String {
        hex::encode(self.number(order))
    }

    /// The reverse of [`Hash::display`].
    ///
    /// # Errors
    /// [`HashParseError`] unless `text` is 64 hex digits, in either case.
    pub fn from_display(text: &str, order: ByteOrder) -> Result<Self, HashParseError> {
        if let Some((at, digit)) = text.chars().enumerate().find(|(_, c)| !c.is_ascii_hexdigit()) {
            return Err(HashParseError::Digit(digit, at));
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| HashParseError::Length(text.len()))?;
        if order == ByteOrder::Little {
            bytes.reverse();
        }
        Ok(Self(bytes))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({})", hex::encode(self.0))
    }
}

/// What a hash must be for its nonce to be a solution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Read as a number it is at most this target.
    AtMost(Target),
    /// It is exactly this hash.
    Equals(Hash),
}

impl Goal {
    /// A goal met by every hash whose number is at most `target`.
    pub const fn at_most(target: Target) -> Self {
        Self::AtMost(target)
    }

    /// Whether `hash`, read in `order`, meets the goal.
    pub fn is_met_by(&self, hash: Hash, order: ByteOrder) -> bool {
        match self {
            Self::AtMost(target) => hash.number(order) <= target.to_be_bytes(),
            Self::Equals(wanted) => hash == *wanted,
        }
    }

    /// The goal as a target: the highest number that meets it. For [`Goal::Equals`] this names the wanted hash but
    /// loses that nothing below it will do.
    pub fn to_target_lossy(&self, order: ByteOrder) -> Target {
        match self {
            Self::AtMost(target) => *target,
            Self::Equals(hash) => Target::from_be_bytes(hash.number(order)),
        }
    }

    /// How many hashes a solution takes on average: 2^256 over the count of hashes that meet the goal.
    pub fn expected_hashes(&self) -> f64 {
        match self {
            Self::AtMost(target) => target.expected_hashes(),
            Self::Equals(_) => 256f64.exp2(),
        }
    }

    /// The difficulty in bits: log2 of [`Goal::expected_hashes`]. N leading zero bits are exactly N.
    pub fn difficulty_bits(&self) -> f64 {
        match self {
            Self::AtMost(target) => target.difficulty_bits(),
            Self::Equals(_) => 256.0,
        }
    }
}
