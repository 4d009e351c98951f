//! Where each value of the program lies in memory; [`constants`](super::constants) writes it down for the driver.

use super::Array;

const fn quads(offset: usize) -> Array {
    let stride = 16;
    Array { offset, stride }
}

/// The state before the first pair of rounds that varies.
pub const START: Array = quads(0);
/// The chaining value of the varying block.
pub const CHAINING: Array = quads(32);
/// Constant and word of constant rounds, two an entry.
pub const ROUNDS: Array = Array {
    offset: 64,
    stride: 8,
};
/// Quads 0 to 4 of the schedule with the varying words zero.
pub const QUADS: Array = quads(192);
/// The constant terms of quads 4 to 8.
pub const SUMS: Array = quads(272);
/// What the nonces of a row add to the message, twice.
pub const SHARED: Array = quads(352);
/// The same of each lane.
pub const PAIRS: Array = quads(368);
/// Lanes at most: PAIRS, RING and STATE are of this length.
pub const LANES: usize = 4;
/// The last four quads of each lane.
pub const RING: Array = quads(PAIRS.offset + 16 * LANES);
/// Each lane's state, where a call ends without a top word.
pub const STATE: Array = quads(RING.offset + 64 * LANES);
/// How many batches of nonces a call shall hash.
pub const BATCHES: Array = quads(STATE.offset + 32 * LANES);
/// What they came to: a word a nonce.
pub const TOPS: Array = quads(BATCHES.offset + 16);
/// What a version is, at a pointer of its own: the state after the nonce's round but for what that adds to a and e,
/// and the midstate.
pub const VERSION: Array = quads(0);
/// Bytes of a version.
pub const VERSION_BYTES: usize = 4 * VERSION.stride;
