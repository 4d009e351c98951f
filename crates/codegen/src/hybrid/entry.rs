//! What the pieces of the program are called.

/// What becomes of a block's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The first word, without the chaining value's.
    Big,
    /// The last word, without the chaining value's.
    Little,
    /// All of it, with the chaining value.
    Digest,
}

impl Ending {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Big, Self::Little, Self::Digest];
}

/// A piece of code that the jump table names: a loop over the batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The block in which word `first` and the next vary.
    Block {
        /// The first of them.
        first: usize,
        /// What is wanted of it.
        ending: Ending,
    },
    /// Both hashes of an 80-byte header: word 3 varies, words 4 to 15 are its padding. Little-endian.
    Header,
    /// The same where messages are versions of one nonce.
    Roll,
    /// A further block, the same for all messages, from digests to digests.
    Uniform,
    /// The second hash, of the digests; the first word is on top.
    SecondBig,
    /// The same; the last word is on top.
    SecondLittle,
    /// None: returns.
    Return,
}

impl Entry {
    /// How many there are.
    pub const COUNT: usize = 54;

    /// Its number in the jump table.
    pub const fn index(self) -> usize {
        match self {
            Self::Return => 0,
            Self::Header => 1,
            Self::Roll => 2,
            Self::Uniform => 3,
            Self::SecondBig => 4,
            Self::SecondLittle => 5,
            Self::Block { first, ending } => 6 + 3 * first + ending as usize,
        }
    }
}
