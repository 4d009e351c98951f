//! A puzzle prepared once for nonces of equal length, for every kernel alike.
//!
//! *In:* a [`Puzzle`] and a range of nonces. *Out:* one [`Prepared`] for each nonce length in it (decimal nonces grow at
//! 9→10, 99→100, …; all other encodings have one length): everything a kernel needs, and nothing that changes from nonce
//! to nonce.
//!
//! ```text
//!  prefix ………………………………………… │ nonce │ suffix │ 80 00 … length     the padded message (FIPS 180-4 §5.1.1)
//!  ├─ whole blocks: midstate ─┤├─────────── blocks ──────────────┤  rehashes …  top-word test
//!                               ↑ nonce_offset, below 64
//! ```
//!
//! The blocks before the nonce are the same for every nonce, so they are compressed here, once; their chaining value
//! is the *midstate* (for a Bitcoin header: 64 of its 80 bytes). A digest is no name that kernels interpret, but what is
//! to be hashed: the blocks of the message, then for sha256d one [`Rehash`]. A kernel that does not know how to do a
//! list of them declines the shape.

use paydirt_sha256::{BLOCK_BYTES, INITIAL, compress, pad, words};

use super::{
    rolled::RolledHeader,
    symbols::{LowSymbols, MOST_LOW, Symbols},
};
use crate::puzzle::{ByteOrder, Digest, Goal, NonceEncoding, NonceRange, Puzzle};

/// Nonces that are equally long in the message, and all that a [`Kernel`](crate::Kernel) needs to test them.
#[derive(Clone, Debug)]
pub struct Prepared {
    range: NonceRange,
    /// The chaining value after every whole block before the nonce.
    pub(crate) midstate: [u32; 8],
    /// The rest of the padded message as big-endian words; the nonce's bytes are zero. At least one block.
    pub(crate) blocks: Vec<[u32; 16]>,
    /// Where the nonce stands: bytes from the beginning of the first block, 0 to 63.
    pub(crate) nonce_offset: usize,
    /// The nonce's length in bytes, 1 to 20. It may reach into the second block.
    pub(crate) nonce_bytes: usize,
    /// How the nonce's value becomes those bytes.
    pub(crate) symbols: Symbols,
    /// What is hashed after the message, one after the other.
    pub(crate) rehashes: &'static [Rehash],
    /// Which digests are worth a second look.
    pub(crate) test: TopWordTest,
    /// Where the version is rolled: what a nonce's version makes of the first block. The fields above are then those of
    /// the plain header, with its own version.
    pub(crate) rolled: Option<RolledHeader>,
}

/// One more hash: of a single block that is the hash value so far and eight words after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rehash {
    /// The chaining value before the block.
    pub(crate) chaining: [u32; 8],
    /// The words after the hash value.
    pub(crate) tail: [u32; 8],
}

impl Rehash {
    /// SHA-256 of the 32 bytes of a hash.
    pub(crate) const SHA256: Self = Self {
        chaining: INITIAL,
        tail: [0x8000_0000, 0, 0, 0, 0, 0, 0, 256],
    };

    /// The block that `hash` makes.
    pub(crate) fn block(&self, hash: &[u32; 8]) -> [u32; 16] {
        let mut block = [0; 16];
        block[..8].copy_from_slice(hash);
        block[8..].copy_from_slice(&self.tail);
        block
    }
}

/// The cheap test of a kernel: the digest's most significant 32 bits decide.
///
/// A hash passes when `top.wrapping_sub(lowest) <= span`. All that meet the goal pass. Beside them pass only those whose
/// top word is exactly the highest that may be (about one hash in 2^32); the oracle turns them away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TopWordTest {
    /// Which word is on top: the first of the eight as it is ([`ByteOrder::Big`]), or the last with its bytes swapped
    /// ([`ByteOrder::Little`]).
    pub(crate) order: ByteOrder,
    /// The lowest top word that passes.
    pub(crate) lowest: u32,
    /// How far above `lowest` a top word may be.
    pub(crate) span: u32,
}

impl TopWordTest {
    fn new(puzzle: &Puzzle) -> Self {
        let order = puzzle.byte_order();
        let top = |number: [u8; 32]| u32::from_be_bytes(number[..4].try_into().expect("four of 32 bytes"));
        let (lowest, span) = match puzzle.goal() {
            Goal::AtMost(target) => (0, top(target.to_be_bytes())),
            Goal::Equals(hash) => (top(hash.number(order)), 0),
        };
        Self { order, lowest, span }
    }

    /// Which of the digest's words is the one that decides.
    #[inline]
    pub(crate) fn word(self) -> usize {
        match self.order {
            ByteOrder::Big => 0,
            ByteOrder::Little => 7,
        }
    }

    /// Whether a digest with this deciding word passes.
    #[inline]
    pub(crate) fn passes(self, word: u32) -> bool {
        let top = match self.order {
            ByteOrder::Big => word,
            ByteOrder::Little => word.swap_bytes(),
        };
        top.wrapping_sub(self.lowest) <= self.span
    }
}

/// Digits of the longest `u64` in decimal; wider padding is part of the prefix.
const MOST_DECIMAL_DIGITS: usize = 20;
/// Digits of the longest `u64` in hexadecimal.
const MOST_HEX_DIGITS: usize = 16;

/// What stands before the nonce, the same for all parts: only unpadded decimal nonces come in several
/// lengths, and they have no padding digits.
struct Lead {
    symbols: Symbols,
    padding_digits: usize,
    midstate: [u32; 8],
    whole_blocks: usize,
    rest: Vec<u8>,
}

impl Lead {
    fn new(puzzle: &Puzzle, length: usize) -> Self {
        let (symbols, most) = match puzzle.encoding() {
            NonceEncoding::Decimal | NonceEncoding::DecimalPadded { .. } => {
                (Symbols::Decimal, MOST_DECIMAL_DIGITS)
            }
            NonceEncoding::Hex { case, .. } => (Symbols::Hex(case), MOST_HEX_DIGITS),
            NonceEncoding::U32(order) | NonceEncoding::U64(order) => (Symbols::Binary(order), 8),
        };
        let padding_digits = length.saturating_sub(most);
        let (blocks, rest) = puzzle.template().prefix().as_chunks::<BLOCK_BYTES>();
        let mut rest = rest.to_vec();
        rest.resize(rest.len() + padding_digits, b'0');
        let tail = rest.split_off(rest.len() / BLOCK_BYTES * BLOCK_BYTES);
        let blocks = blocks.iter().chain(rest.as_chunks().0);
        let mut midstate = INITIAL;
        let mut whole_blocks = 0;
        for block in blocks {
            compress(&mut midstate, &words(block));
            whole_blocks += 1;
        }
        Self {
            symbols,
            padding_digits,
            midstate,
            whole_blocks,
            rest: tail,
        }
    }
}

impl Prepared {
    /// Splits `range` where the nonce's length in the message changes, and prepares each part. An empty range has none.
    ///
    /// # Panics
    /// When `range` reaches beyond the puzzle's nonce space.
    pub fn split(puzzle: &Puzzle, range: NonceRange) -> Vec<Self> {
        assert!(
            range.end() <= puzzle.nonce_space().end(),
            "the range ends past the nonce space"
        );
        let mut parts = Vec::new();
        let mut lead: Option<Lead> = None;
        let mut start = range.start();
        while u128::from(start) < range.end() {
            let length = puzzle.encoding().len_of(start);
            let end = match puzzle.encoding() {
                NonceEncoding::Decimal => range.end().min(10u128.pow(length as u32)),
                _ => range.end(),
            };
            let part = NonceRange::new(start, end - u128::from(start)).expect("a part of the range");
            let lead = lead.get_or_insert_with(|| Lead::new(puzzle, length));
            parts.push(Self::new(puzzle, part, lead, length));
            match u64::try_from(end) {
                Ok(next) => start = next,
                Err(_) => break, // that was u64::MAX
            }
        }
        parts
    }

    /// Prepares `puzzle` for nonces that take `length` bytes in the message, padding digits included.
    fn new(puzzle: &Puzzle, range: NonceRange, lead: &Lead, length: usize) -> Self {
        let nonce_bytes = length - lead.padding_digits;
        let mut end = lead.rest.clone();
        let nonce_offset = end.len();
        end.resize(nonce_offset + nonce_bytes, 0);
        end.extend_from_slice(puzzle.template().suffix());
        let message_bytes = lead.whole_blocks * BLOCK_BYTES + end.len();
        pad(&mut end, message_bytes as u64);
        Self {
            range,
            midstate: lead.midstate,
            blocks: end.as_chunks().0.iter().map(words).collect(),
            nonce_offset,
            nonce_bytes,
            symbols: lead.symbols,
            rehashes: match puzzle.digest() {
                Digest::Sha256 => &[],
                Digest::Sha256d => &[Rehash::SHA256],
            },
            test: TopWordTest::new(puzzle),
            rolled: RolledHeader::of(puzzle),
        }
    }

    /// The nonces.
    pub fn range(&self) -> NonceRange {
        self.range
    }

    /// Compressions of 64 bytes that one nonce takes, the midstate's not counted.
    pub fn compressions(&self) -> usize {
        self.blocks.len() + self.rehashes.len()
    }

    /// How many consecutive nonces kernels prepare for at a time, at most, or test at once: chunks had better not cut such
    /// a stretch.
    pub(crate) fn stretch(&self) -> u64 {
        match self.rolled {
            Some(rolled) if rolled.fills_batches() => rolled.versions() as u64,
            Some(rolled) => LowSymbols::of(self, MOST_LOW).span() * rolled.versions() as u64,
            None => LowSymbols::of(self, MOST_LOW).span(),
        }
    }

    /// Whether the message's hash is hashed once more, as sha256d does. `None`: something else is done to it.
    pub(crate) fn is_hashed_twice(&self) -> Option<bool> {
        match self.rehashes {
            [] => Some(false),
            [rehash] => (*rehash == Rehash::SHA256).then_some(true),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::puzzle::{HexCase, Target, Template};

    fn puzzle(template: Template, encoding: NonceEncoding) -> Puzzle {
        let goal = Goal::at_most(Target::MAX);
        Puzzle::new(template, encoding, Digest::Sha256, ByteOrder::Big, goal)
    }

    #[test]
    fn decimal_lengths_are_prepared_apart() {
        let puzzle = puzzle(Template::new(*b"x", []), NonceEncoding::Decimal);
        let parts = |start, count| -> Vec<(u64, u128)> {
            Prepared::split(&puzzle, NonceRange::new(start, count).unwrap())
                .iter()
                .map(|part| (part.range.start(), part.range.count()))
                .collect()
        };
        assert_eq!(parts(0, 10), [(0, 10)]);
        assert_eq!(parts(9, 2), [(9, 1), (10, 1)]);
        assert_eq!(parts(8, 1000), [(8, 2), (10, 90), (100, 900), (1000, 8)]);
        assert_eq!(parts(5, 0), []);
        assert_eq!(parts(u64::MAX, 1), [(u64::MAX, 1)]);
        let all = parts(0, 1 << 64);
        assert_eq!(all.len(), 20);
        assert_eq!(all.iter().map(|part| part.1).sum::<u128>(), 1 << 64);
    }

    #[test]
    fn the_nonce_may_straddle_blocks() {
        let template = Template::new(vec![b'p'; 62], vec![b's'; 3]);
        let puzzle = puzzle(template, NonceEncoding::DecimalPadded { width: 5 });
        let prepared = &Prepared::split(&puzzle, puzzle.nonce_space())[0];
        assert_eq!(prepared.midstate, INITIAL);
        assert_eq!(prepared.blocks.len(), 2);
        assert_eq!((prepared.nonce_offset, prepared.nonce_bytes), (62, 5));
    }

    #[test]
    fn wide_padding_joins_the_prefix() {
        let (width, case) = (64, HexCase::Lower);
        let puzzle = puzzle(Template::new([], []), NonceEncoding::Hex { width, case });
        let prepared = &Prepared::split(&puzzle, puzzle.nonce_space())[0];
        assert_eq!((prepared.nonce_offset, prepared.nonce_bytes), (48, 16));
        assert_eq!(prepared.blocks.len(), 2, "the padding needs a block of its own");
    }
}
