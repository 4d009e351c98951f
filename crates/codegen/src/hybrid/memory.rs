//! Where each value of the program lies in memory; [`constants`](super::constants()) writes it down for the driver.

use super::LANES;
use crate::layout::Array;

const fn array(offset: usize, stride: usize) -> Array {
    Array { offset, stride }
}

/// In a buffer: the sums of two words of the first block, 64 bits for each message; entry i is of words 2i and 2i + 1.
pub const FIRST_SUMS: Array = array(0, 8 * LANES);
/// In a buffer: 0 and the first varying word, where its number is odd.
pub const FIRST_WORD: Array = array(32 * 8 * LANES, 8 * LANES);
/// In a buffer: sums of the second block; entry i is of words 2i + 1 and 2i + 2.
pub const SECOND_SUMS: Array = array(FIRST_WORD.offset + 8 * LANES, 8 * LANES);
/// In a buffer: 0 and the second block's first word.
pub const SECOND_WORD: Array = array(SECOND_SUMS.offset + 32 * 8 * LANES, 8 * LANES);
/// In a buffer: two quads for each message, F E B A and H G D C.
pub const DIGEST: Array = array(SECOND_WORD.offset + 8 * LANES, 16);
/// From one buffer to the next, in bytes.
pub const BUFFER_BYTES: usize = DIGEST.offset + 32 * LANES;

/// The two buffers.
pub const BUFFERS: Array = array(0, BUFFER_BYTES);
/// Round constant and word of the words that do not vary, the constant of those that do.
pub const KW: Array = array(2 * BUFFER_BYTES, 4);
/// The constant terms of each word of the schedule.
pub const TERMS: Array = array(KW.offset + 256, 4);
/// The chaining value of the block that varies, a to h.
pub const CHAIN: Array = array(TERMS.offset + 256, 4);
/// The state before the first rounds that vary, two quads.
pub const START: Array = array(CHAIN.offset + 32, 16);
/// The chaining value as two quads.
pub const CHAINING: Array = array(START.offset + 32, 16);
/// The last sixteen words, where they are not in registers.
pub const RING: Array = array(CHAINING.offset + 32, 4 * LANES);
/// Sums of constant and word of a block that is the same for all messages.
pub const UNIFORM: Array = array(RING.offset + 16 * RING.stride, 8);
/// How many periods a call shall go through: two more than batches, four for a header.
pub const PERIODS: Array = array(UNIFORM.offset + 256, 16);
/// Batches of a call, at most.
pub const BATCHES: usize = 256;
/// Batches before and after those of a call that a header's periods reach.
pub const MARGIN: usize = 3;
/// For each batch the varying words, first of all messages, then the second words; the top words come back in the
/// place of the first.
pub const WORDS: Array = array(PERIODS.offset + 32, 8 * LANES);
/// Batches of a call, at most, where digests are kept.
pub const DIGEST_BATCHES: usize = 32;
/// Digests of all batches, two quads a message; one batch before them and one after.
pub const DIGESTS: Array = array(WORDS.offset + (BATCHES + 2 * MARGIN) * WORDS.stride, 32 * LANES);
/// Versions of a rolled header: the state of each after the nonce's round, without its sum, and its chaining value, four
/// quads. Each batch's entry of [`WORDS`] has the address of its nonce's sums, 0 and that of the varying word's
/// round in the place of the first, and that of its first version.
pub const VERSION: Array = array(0, 64);
/// Bytes of it all.
pub const BYTES: usize = DIGESTS.offset + (DIGEST_BATCHES + 2) * DIGESTS.stride;
