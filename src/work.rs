//! A puzzle prepared for one run of nonces of equal length.
//!
//! *In:* a [`Puzzle`] and a range of nonces. *Out:* one [`Run`] for each nonce length in it (decimal nonces grow at
//! 9→10, 99→100, …; all other encodings have one length), each with its [`Work`]: everything a kernel needs, and
//! nothing that changes from nonce to nonce.
//!
//! ```text
//!  prefix ………………………………………… │ nonce │ suffix │ 80 00 … length     the padded message (FIPS 180-4 §5.1.1)
//!  ├─ whole blocks: midstate ─┤├─────────── blocks ──────────────┤
//!                               ↑ nonce_offset, below 64
//! ```
//!
//! The blocks before the nonce are the same for every nonce, so they are compressed here, once; their chaining value
//! is the *midstate* (for a Bitcoin header: 64 of its 80 bytes).

use std::fmt;

use crate::{
    kernel::reference::{self, BLOCK_BYTES},
    puzzle::{ByteOrder, Digest, Goal, HexCase, NonceEncoding, NonceRange, Puzzle, VersionRolling},
};

/// A range of nonces that are equally long in the message, and the work that tests them.
#[derive(Clone, Debug)]
pub struct Run {
    /// The nonces.
    pub range: NonceRange,
    /// How to test them.
    pub work: Work,
}

impl Run {
    /// Splits `range` where the nonce's length in the message changes. Empty ranges make no runs.
    ///
    /// # Panics
    /// When `range` reaches beyond the puzzle's nonce space.
    pub fn split(puzzle: &Puzzle, range: NonceRange) -> Vec<Self> {
        assert!(
            range.end() <= puzzle.nonce_space().end(),
            "the range ends past the nonce space"
        );
        let mut runs = Vec::new();
        let mut lead: Option<Lead> = None;
        let mut start = range.start();
        while u128::from(start) < range.end() {
            let length = puzzle.encoding().len_of(start);
            let end = match puzzle.encoding() {
                NonceEncoding::Decimal => range.end().min(10u128.pow(length as u32)),
                _ => range.end(),
            };
            let count = end - u128::from(start);
            let lead = lead.get_or_insert_with(|| Lead::new(puzzle, length));
            runs.push(Self {
                range: NonceRange::new(start, count).expect("a part of the range"),
                work: Work::new(puzzle, lead, length),
            });
            match u64::try_from(end) {
                Ok(next) => start = next,
                Err(_) => break, // that was u64::MAX
            }
        }
        runs
    }
}

/// How the value of a nonce becomes the bytes at [`Work::nonce_offset`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Symbols {
    /// ASCII decimal digits, zero-padded to the nonce's length.
    Decimal,
    /// ASCII hexadecimal digits, zero-padded to the nonce's length.
    Hex(HexCase),
    /// The bytes of the number itself.
    Binary(ByteOrder),
}

/// The cheap test of a kernel: the digest's most significant 32 bits decide.
///
/// A hash passes when `top.wrapping_sub(lowest) <= span`. All that meet the goal pass. Beside
/// them pass only those whose top word is exactly the highest that may be (about one hash in 2^32); the oracle turns
/// them away.
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

    /// Whether a digest of these eight words passes.
    #[inline]
    pub(crate) fn passes(self, digest: &[u32; 8]) -> bool {
        let top = match self.order {
            ByteOrder::Big => digest[0],
            ByteOrder::Little => digest[7].swap_bytes(),
        };
        top.wrapping_sub(self.lowest) <= self.span
    }
}

/// A header whose version is rolled: what of a nonce becomes its first block, and so its midstate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RolledHeader {
    /// How a nonce says version and header nonce.
    pub(crate) rolling: VersionRolling,
    /// The header's first 64 bytes as big-endian words; the first word is the version.
    pub(crate) first_block: [u32; 16],
}

impl RolledHeader {
    fn of(puzzle: &Puzzle) -> Option<Self> {
        let rolling = puzzle.rolling()?;
        let (blocks, _) = puzzle.template().prefix().as_chunks::<BLOCK_BYTES>();
        Some(Self {
            rolling,
            first_block: reference::words(&blocks[0]),
        })
    }
}

/// A puzzle prepared for nonces of one length: what a [`Kernel`](crate::Kernel) scans with.
#[derive(Clone)]
pub struct Work {
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
    /// The hash function.
    pub(crate) digest: Digest,
    /// Which digests are worth a second look.
    pub(crate) test: TopWordTest,
    /// Where the version is rolled: what a nonce's version makes of the first block. The fields above are then those of
    /// the plain header, with its own version.
    pub(crate) rolled: Option<RolledHeader>,
}

/// Digits of the longest `u64` in decimal; wider padding is part of the prefix.
const MOST_DECIMAL_DIGITS: usize = 20;
/// Digits of the longest `u64` in hexadecimal.
const MOST_HEX_DIGITS: usize = 16;

/// What stands before the nonce, the same for every run of a puzzle: only unpadded decimal nonces come in several
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
        let mut midstate = reference::INITIAL;
        let mut whole_blocks = 0;
        for block in blocks {
            reference::compress(&mut midstate, &reference::words(block));
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

impl Work {
    /// Prepares `puzzle` for nonces that take `length` bytes in the message, padding digits included.
    fn new(puzzle: &Puzzle, lead: &Lead, length: usize) -> Self {
        let nonce_bytes = length - lead.padding_digits;
        let mut end = lead.rest.clone();
        let nonce_offset = end.len();
        end.resize(nonce_offset + nonce_bytes, 0);
        end.extend_from_slice(puzzle.template().suffix());
        let message_bytes = lead.whole_blocks * BLOCK_BYTES + end.len();
        reference::pad(&mut end, message_bytes as u64);
        Self {
            midstate: lead.midstate,
            blocks: end.as_chunks().0.iter().map(reference::words).collect(),
            nonce_offset,
            nonce_bytes,
            symbols: lead.symbols,
            digest: puzzle.digest(),
            test: TopWordTest::new(puzzle),
            rolled: RolledHeader::of(puzzle),
        }
    }

    /// Compressions of 64 bytes that one nonce takes, the midstate's not counted.
    pub fn compressions(&self) -> usize {
        self.blocks.len() + usize::from(self.digest == Digest::Sha256d)
    }

    /// How many consecutive nonces differ only in their last few symbols, as 120000 to 129999 do in the last four
    /// digits. Kernels prepare everything else once a stretch, so chunks had better not cut one. Four decimal digits,
    /// three hex digits (or about as many binary values) make stretches of tens of microseconds.
    pub(crate) fn stretch(&self) -> u64 {
        match self.symbols {
            Symbols::Decimal => 10_000,
            Symbols::Hex(_) | Symbols::Binary(_) => 4096,
        }
    }

    /// Writes the nonce's symbols into `bytes`, which is as long as the nonce.
    pub(crate) fn write_nonce(&self, nonce: u64, bytes: &mut [u8]) {
        debug_assert_eq!(bytes.len(), self.nonce_bytes);
        let mut rest = nonce;
        match self.symbols {
            Symbols::Decimal => {
                for byte in bytes.iter_mut().rev() {
                    *byte = b'0' + (rest % 10) as u8;
                    rest /= 10;
                }
            }
            Symbols::Hex(case) => {
                let digits = match case {
                    HexCase::Lower => b"0123456789abcdef",
                    HexCase::Upper => b"0123456789ABCDEF",
                };
                for byte in bytes.iter_mut().rev() {
                    *byte = digits[(rest % 16) as usize];
                    rest /= 16;
                }
            }
            Symbols::Binary(ByteOrder::Little) => {
                bytes.copy_from_slice(&nonce.to_le_bytes()[..bytes.len()]);
            }
            Symbols::Binary(ByteOrder::Big) => {
                bytes.copy_from_slice(&nonce.to_be_bytes()[8 - bytes.len()..]);
            }
        }
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work")
            .field("blocks", &self.blocks.len())
            .field("nonce_offset", &self.nonce_offset)
            .field("nonce_bytes", &self.nonce_bytes)
            .field("symbols", &self.symbols)
            .field("digest", &self.digest)
            .field("test", &self.test)
            .field("rolled", &self.rolled)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::puzzle::{Target, Template};

    fn text(prefix: &str) -> Puzzle {
        Puzzle::text(prefix, Goal::at_most(Target::MAX))
    }

    #[test]
    fn decimal_lengths_are_runs_of_their_own() {
        let runs = |start, count| -> Vec<(u64, u128)> {
            Run::split(&text("x"), NonceRange::new(start, count).unwrap())
                .iter()
                .map(|run| (run.range.start(), run.range.count()))
                .collect()
        };
        assert_eq!(runs(0, 10), [(0, 10)]);
        assert_eq!(runs(9, 2), [(9, 1), (10, 1)]);
        assert_eq!(runs(8, 1000), [(8, 2), (10, 90), (100, 900), (1000, 8)]);
        assert_eq!(runs(5, 0), []);
        assert_eq!(runs(u64::MAX, 1), [(u64::MAX, 1)]);
        let all = runs(0, 1 << 64);
        assert_eq!(all.len(), 20);
        assert_eq!(all.iter().map(|run| run.1).sum::<u128>(), 1 << 64);
    }

    #[test]
    fn the_nonce_may_straddle_blocks() {
        let puzzle = Puzzle::new(
            Template::new(vec![b'p'; 62], vec![b's'; 3]),
            NonceEncoding::DecimalPadded { width: 5 },
            Digest::Sha256,
            ByteOrder::Big,
            Goal::at_most(Target::MAX),
        );
        let run = &Run::split(&puzzle, puzzle.nonce_space())[0];
        assert_eq!(run.work.midstate, reference::INITIAL);
        assert_eq!(run.work.blocks.len(), 2);
        assert_eq!((run.work.nonce_offset, run.work.nonce_bytes), (62, 5));
    }

    #[test]
    fn wide_padding_joins_the_prefix() {
        let puzzle = Puzzle::new(
            Template::new(vec![], vec![]),
            NonceEncoding::Hex {
                width: 64,
                case: HexCase::Lower,
            },
            Digest::Sha256,
            ByteOrder::Big,
            Goal::at_most(Target::MAX),
        );
        let work = &Run::split(&puzzle, puzzle.nonce_space())[0].work;
        assert_eq!((work.nonce_offset, work.nonce_bytes), (48, 16));
        assert_eq!(work.blocks.len(), 2, "the padding needs a block of its own");
    }
}
