//! Where each value lies, and what the pieces are called: one description for the generator, which makes slots of it,
//! and for the driver, for which [`constants`] writes it as Rust.
//!
//! ```text
//! Context    words    64 × 2 × 64 bytes   the varying block's schedule: word t of stream s at [t][s]
//!            second   64 × 2 × 64 bytes   the second hash's; its first eight are the digest of the first
//!            general  64 × 2 × 64 bytes   a further block with varying words
//!            scalars  128 × 4 bytes       what is the same in all lanes
//!            sums     64 × 64 bytes       rolled versions: K + w of a header's second block, of sixteen nonces
//!            versions 4 × 20 × 2 × 64 bytes  where 32 versions a batch begin: see Version
//! ```
//! A program whose vectors are shorter works on a part of each: eight of the sixteen lanes of one stream, say.

use crate::{
    block::varying_words,
    operand::{R8, Register, Slot},
};

/// Lanes of a word of a stream.
pub const LANES: usize = 16;
/// Vectors of a word: hashes computed side by side.
pub const STREAMS: usize = 2;
/// Scalars; their addresses fit one byte of displacement.
const SCALAR_COUNT: usize = 128;
/// Batches of versions that a header nonce is tested with, at most.
const VERSION_BATCHES: usize = 4;

/// Equal elements, one after another, somewhere in a larger structure.
#[derive(Clone, Copy, Debug)]
pub struct Array {
    /// Where the first is, in bytes from the structure's beginning.
    pub offset: usize,
    /// From one to the next, in bytes.
    pub stride: usize,
}

impl Array {
    /// Element `i`, where `base` points at the structure.
    pub const fn within(self, base: Register, i: usize) -> Slot {
        Slot::at(base, (self.offset + i * self.stride) as i32)
    }

    /// Element `i`, where `pointer` points at element `at`.
    pub const fn near(self, pointer: Register, at: usize, i: usize) -> Slot {
        Slot::at(pointer, (i as i32 - at as i32) * self.stride as i32)
    }

    /// How far a pointer must move to go on by `count` elements.
    pub const fn distance(self, count: usize) -> u32 {
        (self.stride * count) as u32
    }
}

const WORD_BYTES: usize = STREAMS * LANES * 4;
const SCHEDULE_BYTES: usize = 64 * WORD_BYTES;

const fn schedule(number: usize) -> Array {
    let offset = number * SCHEDULE_BYTES;
    let stride = WORD_BYTES;
    Array { offset, stride }
}

/// The words of the varying block.
pub const WORDS: Array = schedule(0);
/// Those of the second hash.
pub const SECOND: Array = schedule(1);
/// Those of a further block.
pub const GENERAL: Array = schedule(2);
/// The scalars.
pub const SCALARS: Array = Array {
    offset: 3 * SCHEDULE_BYTES,
    stride: 4,
};
/// Sums of round constant and word, at a pointer of their own.
pub const SUMS: Array = Array { offset: 0, stride: 4 };

/// Sums of round constant and word of [`LANES`] nonces of a header, side by side.
pub const NONCE_SUMS: Array = Array {
    offset: SCALARS.offset + SCALAR_COUNT * 4,
    stride: LANES * 4,
};
/// The values of [`Version`], one vector a stream, batch after batch of versions.
pub const VERSIONS: Array = Array {
    offset: NONCE_SUMS.offset + 64 * NONCE_SUMS.stride,
    stride: WORD_BYTES,
};

/// Bytes of a context.
pub const CONTEXT_BYTES: usize = VERSIONS.offset + VERSION_BATCHES * Version::COUNT * WORD_BYTES;

/// One stream's vector in a word of a schedule.
pub const fn part(word: Slot, stream: usize) -> Slot {
    Slot::at(word.base, word.bytes + (LANES * 4 * stream) as i32)
}

/// A scalar that the driver provides: in [`constants`], `KW + t`, `SUM + t - 16`, `STATE + role`, `H_KW + i - 1` and so on.
#[derive(Clone, Copy, Debug)]
pub enum Scalar {
    /// The constant of a round below 32, with the word where that is uniform.
    Kw(usize),
    /// The uniform terms of schedule word 16 to 31.
    Sum(usize),
    /// A state word, a to h, before the first varying round.
    State(usize),
    /// What the varying word is added to, to give a after the first varying round.
    FirstA,
    /// The same for e.
    FirstE,
    /// For the first to third round after the first varying one: h with the round's [`Scalar::Kw`].
    HKw(usize),
    /// The same with d.
    DHKw(usize),
    /// A word of the chaining value of the varying block.
    Chain(usize),
    /// The test: what the top word's register is added to.
    TopAdd,
    /// What is subtracted from it after the byte swap.
    Lowest,
    /// The greatest difference that passes.
    Span,
    /// Rolled versions: how far the nonce's first sum is from the first scalar, in bytes.
    SumsAt,
    /// How far the batch of versions is from the context's beginning, in bytes.
    VersionsAt,
}

impl Scalar {
    const fn index(self) -> usize {
        match self {
            Scalar::Kw(t) => t,
            Scalar::Sum(t) => 16 + t,
            Scalar::State(role) => 48 + role,
            Scalar::FirstA => 56,
            Scalar::FirstE => 57,
            Scalar::HKw(after) => 57 + after,
            Scalar::DHKw(after) => 60 + after,
            Scalar::Chain(word) => 64 + word,
            Scalar::TopAdd => 72,
            Scalar::Lowest => 73,
            Scalar::Span => 74,
            Scalar::SumsAt => 75,
            Scalar::VersionsAt => 76,
        }
    }

    /// Where it is.
    pub const fn slot(self) -> Slot {
        SCALARS.near(R8, 0, self.index())
    }
}

/// What differs from version to version of a header whose version is rolled, a lane each. All but the last are about
/// the state after the three rounds before the nonce.
#[derive(Clone, Copy, Debug)]
pub enum Version {
    /// A state word: a, b, e or f.
    State(usize),
    /// What the nonce's word is added to, to give a after its round.
    FirstA,
    /// The same for e.
    FirstE,
    /// For the first to third round after it: h with the round's constant and word.
    HKw(usize),
    /// The same with d.
    DHKw(usize),
    /// A word of the midstate.
    Chain(usize),
}

impl Version {
    /// How many there are.
    pub const COUNT: usize = 20;

    /// Its number among those of a batch: in [`constants`], `VERSION_H_KW + i - 1` and so on.
    pub const fn index(self) -> usize {
        match self {
            // 0, 1, 4 and 5.
            Version::State(role) => role / 4 * 2 + role % 4,
            Version::FirstA => 4,
            Version::FirstE => 5,
            Version::HKw(after) => 5 + after,
            Version::DHKw(after) => 8 + after,
            Version::Chain(word) => 12 + word,
        }
    }
}

/// A piece of code that the jump table names: in [`constants`], `BLOCK + 2 * first + words - 1`, `HEADER` and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The block in which so many words, from the first on, vary.
    Block {
        /// The first of them.
        first: usize,
        /// One or two.
        words: usize,
    },
    /// The block of an 80-byte header: word 3 varies, words 4 to 15 are its padding.
    Header,
    /// A block of 16 varying words into the varying chaining value.
    Varying,
    /// A block of uniform words into the varying chaining value.
    Uniform,
    /// The second hash, where the digest's first word decides.
    SecondBig,
    /// The second hash, where its last word decides.
    SecondLittle,
    /// After a block: only the first word, tested.
    TopBig,
    /// After a block: only the last word, tested.
    TopLittle,
    /// After a block: all eight words.
    Digest,
    /// After a digest: nothing more.
    Return,
    /// The block of a header: one nonce, a version a lane.
    Roll,
}

impl Entry {
    /// How many there are.
    pub const COUNT: usize = 42;

    /// Its number in the jump table.
    pub const fn index(self) -> usize {
        match self {
            Entry::Block { first, words } => 2 * first + words - 1,
            Entry::Header => 32,
            Entry::Varying => 33,
            Entry::Uniform => 34,
            Entry::SecondBig => 35,
            Entry::SecondLittle => 36,
            Entry::TopBig => 37,
            Entry::TopLittle => 38,
            Entry::Digest => 39,
            Entry::Return => 40,
            Entry::Roll => 41,
        }
    }
}

/// The layout as Rust: the constants that a driver needs to fill the context in and to name the pieces. What they mean
/// is said at [`Scalar`] and [`Entry`].
pub fn constants() -> String {
    let mut text = String::new();
    for (name, value) in [
        ("LANES", LANES),
        ("STREAMS", STREAMS),
        ("WORD_BYTES", WORD_BYTES),
        ("SCHEDULE_BYTES", SCHEDULE_BYTES),
        ("WORDS", WORDS.offset),
        ("SECOND", SECOND.offset),
        ("GENERAL", GENERAL.offset),
        ("SCALARS", SCALARS.offset),
        ("SCALAR_COUNT", SCALAR_COUNT),
        ("NONCE_SUMS", NONCE_SUMS.offset),
        ("VERSIONS", VERSIONS.offset),
        ("VERSION_BATCHES", VERSION_BATCHES),
        ("VERSION_COUNT", Version::COUNT),
        ("KW", Scalar::Kw(0).index()),
        ("SUM", Scalar::Sum(16).index()),
        ("STATE", Scalar::State(0).index()),
        ("FIRST_A", Scalar::FirstA.index()),
        ("FIRST_E", Scalar::FirstE.index()),
        ("H_KW", Scalar::HKw(1).index()),
        ("D_H_KW", Scalar::DHKw(1).index()),
        ("CHAIN", Scalar::Chain(0).index()),
        ("TOP_ADD", Scalar::TopAdd.index()),
        ("LOWEST", Scalar::Lowest.index()),
        ("SPAN", Scalar::Span.index()),
        ("SUMS_AT", Scalar::SumsAt.index()),
        ("VERSIONS_AT", Scalar::VersionsAt.index()),
        ("VERSION_STATE", Version::State(0).index()),
        ("VERSION_FIRST_A", Version::FirstA.index()),
        ("VERSION_FIRST_E", Version::FirstE.index()),
        ("VERSION_H_KW", Version::HKw(1).index()),
        ("VERSION_D_H_KW", Version::DHKw(1).index()),
        ("VERSION_CHAIN", Version::Chain(0).index()),
        ("BLOCK", Entry::Block { first: 0, words: 1 }.index()),
        ("HEADER", Entry::Header.index()),
        ("VARYING", Entry::Varying.index()),
        ("UNIFORM", Entry::Uniform.index()),
        ("SECOND_BIG", Entry::SecondBig.index()),
        ("SECOND_LITTLE", Entry::SecondLittle.index()),
        ("TOP_BIG", Entry::TopBig.index()),
        ("TOP_LITTLE", Entry::TopLittle.index()),
        ("DIGEST", Entry::Digest.index()),
        ("RETURN", Entry::Return.index()),
        ("ROLL", Entry::Roll.index()),
        ("LABELS", Entry::COUNT),
    ] {
        text += &format!("pub const {name}: usize = {value};\n");
    }
    let varying = |first| [1, 2].map(|words| varying_words(first, words.min(16 - first)) as u32);
    let table: Vec<_> = (0..16).map(varying).collect();
    text + &format!(
        "/// Which schedule words vary when words `first` to `first + words - 1` of a block do: bit t is word t, below 32.\n\
         pub const fn varying_words(first: usize, words: usize) -> u32 {{\n\
         {table:?}[first][words - 1]\n\
         }}\n"
    )
}
