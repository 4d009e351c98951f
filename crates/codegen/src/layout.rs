//! Where each value lies: one description for the generator, which writes addresses, and for the driver, which fills
//! them in.
//!
//! ```text
//! Context    words    64 × 2 × 64 bytes   the varying block's schedule: word t of stream s at [t][s]
//!            second   64 × 2 × 64 bytes   the second hash's; its first eight are the digest of the first
//!            general  64 × 2 × 64 bytes   a further block with varying words
//!            scalars  [4][128] × 4 bytes  what is the same in all lanes, for each midstate
//! ```

/// Lanes of a vector.
pub const LANES: usize = 16;
/// Hashes computed side by side: two interleaved streams.
pub const STREAMS: usize = 2;

/// Bytes of one word of the schedule, all streams together.
pub const WORD_BYTES: usize = STREAMS * LANES * 4;
/// Bytes of a schedule.
pub const SCHEDULE_BYTES: usize = 64 * WORD_BYTES;

/// Offsets in the context.
pub const WORDS: usize = 0;
pub const SECOND: usize = WORDS + SCHEDULE_BYTES;
pub const GENERAL: usize = SECOND + SCHEDULE_BYTES;
pub const SCALARS: usize = GENERAL + SCHEDULE_BYTES;
/// Scalars of one midstate; their addresses fit one byte of displacement.
pub const SCALAR_COUNT: usize = 128;
/// Midstates of a version-rolling scan, at most.
pub const MIDSTATES: usize = 4;
pub const SCALAR_BYTES: usize = SCALAR_COUNT * 4;

/// Indices of scalars. `KW + t` for t below 32: the round constant, with the word where that is uniform.
pub const KW: usize = 0;
/// `SUM + t - 16` for t from 16 to 31: the uniform terms of schedule word t.
pub const SUM: usize = 32;
/// The state words a to h before the first varying round.
pub const STATE: usize = 48;
/// What the varying word is added to, to give a and e after the first varying round.
pub const FIRST_A: usize = 56;
pub const FIRST_E: usize = 57;
/// `H_KW + i - 1`: for the i-th round after the first varying one (1 to 3), h with the round's [`KW`].
pub const H_KW: usize = 58;
/// The same with d.
pub const D_H_KW: usize = 61;
/// The chaining value of the varying block.
pub const CHAIN: usize = 64;
/// The test: what the top word's register is added to, what is subtracted after the byte swap, and the span.
pub const TOP_ADD: usize = 72;
pub const LOWEST: usize = 73;
pub const SPAN: usize = 74;

/// Entry points, as indices into the jump table: `BLOCK + 2 * first + (words - 1)` is the block whose words from
/// `first` on vary.
pub const BLOCK: usize = 0;
/// The block of an 80-byte header: word 3 varies, words 4 to 15 are its padding.
pub const HEADER: usize = 32;
/// A block of 16 varying words (in `general`) into the varying chaining value (in `second`).
pub const VARYING: usize = 33;
/// A block of uniform words into the varying chaining value; the round constants with the words at the pointer.
pub const UNIFORM: usize = 34;
/// Second hash, by the word that decides.
pub const SECOND_BIG: usize = 35;
pub const SECOND_LITTLE: usize = 36;
/// After a block: only the top word, tested; or all eight words, into `second`.
pub const TOP_BIG: usize = 37;
pub const TOP_LITTLE: usize = 38;
pub const DIGEST: usize = 39;
/// After a digest: return.
pub const RETURN: usize = 40;
/// The block of a header, one midstate a stream, the same nonces in both: midstates 0 and 1, then 2 and 3 with the
/// schedule that the first pass left.
pub const ROLL: usize = 41;
pub const ROLL_AGAIN: usize = 42;
/// How many there are.
pub const LABELS: usize = 43;

/// Which schedule words vary when words `first` to `first + words - 1` of a block do: bit t is word t, below 32.
pub const fn varying_words(first: usize, words: usize) -> u32 {
    let mut varying = ((1 << words) - 1) << first;
    let mut t = 16;
    while t < 32 {
        let sources = 1 << (t - 2) | 1 << (t - 7) | 1 << (t - 15) | 1 << (t - 16);
        if varying & sources != 0 {
            varying |= 1 << t;
        }
        t += 1;
    }
    varying
}
