//! A stretch as the SHA instructions like it, and nonces as message words without formatting any.
//!
//! A row is the nonces that share all but the last one or two symbols: 10 or 100 in decimal, 16 or 256 in
//! hexadecimal, 256 in binary. What those symbols add to the message is the same in each row and stands in a table:
//! a nonce's words are the row's xor the table's entry.

use std::mem::offset_of;

use paydirt_sha256::{round, small_sigma_0};

use super::layout::*;
use crate::kernel::{
    stretch::{Start, Stretch, varying},
    symbols::LowSymbols,
};

/// Four words, the first in the lowest lane.
pub(super) type Quad = [u32; 4];

/// The hash value or state as the SHA instructions hold it: F E B A and H G D C, from the lowest lane up.
pub(super) const fn halves([a, b, c, d, e, f, g, h]: [u32; 8]) -> [Quad; 2] {
    [[f, e, b, a], [h, g, d, c]]
}

/// Nonces of a call at most: some microseconds, the time that a puzzle takes which the first nonce solves.
pub(super) const TOP_COUNT: usize = 32 * LANES;

/// The memory of the assembly. Quad j of the schedule is the words 4j to 4j + 3.
#[repr(C, align(64))]
pub(super) struct Frame {
    /// The state before the first round that varies; when that round is odd, the state after it with its word zero.
    start: [Quad; 2],
    /// The hash value before the block that varies.
    chaining: [Quad; 2],
    /// `K + W` of the constant words, two rounds an entry.
    rounds: [u64; 16],
    /// The quads of the schedule with the varying words zero.
    quads: [Quad; 5],
    /// The constant ones among the terms `W[t-16] + σ0(W[t-15])` and `W[t-7]`, summed, for quads 4 to 8.
    sums: [Quad; 5],
    /// What the row's nonces share, arranged like the table's entries. A nonce's pair is `shared ^ entry`.
    pub(super) shared: [u64; 2],
    pairs: [[u64; 2]; MOST_LANES],
    ring: [[Quad; 4]; MOST_LANES],
    states: [[Quad; 2]; MOST_LANES],
    /// How many batches a call shall hash.
    pub(super) batches: u64,
    _aligned: u64,
    /// Their top words.
    pub(super) tops: [u32; TOP_COUNT],
}

const _: () = {
    assert!(offset_of!(Frame, start) == START && offset_of!(Frame, chaining) == CHAINING);
    assert!(offset_of!(Frame, rounds) == ROUNDS && offset_of!(Frame, quads) == QUADS);
    assert!(offset_of!(Frame, sums) == SUMS && offset_of!(Frame, shared) == SHARED);
    assert!(offset_of!(Frame, pairs) == PAIRS && offset_of!(Frame, ring) == RING);
    assert!(offset_of!(Frame, states) == STATE && offset_of!(Frame, batches) == BATCHES);
    assert!(offset_of!(Frame, tops) == TOPS);
};

impl Frame {
    pub(super) fn new() -> Self {
        Self {
            start: [[0; 4]; _],
            chaining: [[0; 4]; _],
            rounds: [0; _],
            quads: [[0; 4]; _],
            sums: [[0; 4]; _],
            shared: [0; _],
            pairs: [[0; 2]; _],
            ring: [[[0; 4]; 4]; _],
            states: [[[0; 4]; 2]; _],
            batches: 0,
            _aligned: 0,
            tops: [0; _],
        }
    }

    /// Arranges a stretch with one midstate.
    pub(super) fn pack(&mut self, stretch: &Stretch<'_>) {
        let w = &stretch.schedule;
        let Start { chaining, mut state } = stretch.starts[0];
        if stretch.first % 2 == 1 {
            round(&mut state, stretch.k_plus_w(stretch.first));
        }
        let mask = varying(stretch.first, stretch.words);
        let varies = |at: usize, count: usize| mask >> at & ((1 << count) - 1) != 0;
        // The SHA instructions make four terms at a time: all of them are constant, or none is.
        let terms = |t: usize| {
            let quad = t / 4 * 4;
            let first = w[t - 16].wrapping_add(small_sigma_0(w[t - 15]));
            let of = |varies: bool, term: u32| if varies { 0 } else { term };
            of(varies(quad - 16, 5), first).wrapping_add(of(varies(quad - 7, 4), w[t - 7]))
        };
        let word = |t: usize| if t < 16 { w[t] } else { stretch.sums[t - 16] };
        let k_plus_w = |t| stretch.k_plus_w(t);
        self.chaining = halves(chaining);
        self.start = halves(state);
        self.rounds = std::array::from_fn(|i| pair_of(k_plus_w(2 * i), k_plus_w(2 * i + 1)));
        self.quads = std::array::from_fn(|j| std::array::from_fn(|lane| word(4 * j + lane)));
        self.sums = std::array::from_fn(|j| std::array::from_fn(|lane| terms(16 + 4 * j + lane)));
    }
}

/// Two words, the first in the lower half.
const fn pair_of(first: u32, second: u32) -> u64 {
    (second as u64) << 32 | first as u64
}

/// The varying words as the rounds want them: the (first) word in the upper half when its number is odd, in the lower when
/// it is even; and in the other half the second word, or σ0 of the only one. σ0 of a xor is the xor of the σ0s, so that
/// these pairs, too, are joined by xor.
pub(super) fn pair(stretch: &Stretch<'_>, varying: [u32; 2]) -> u64 {
    let other = match stretch.words {
        1 => small_sigma_0(varying[0]),
        _ => varying[1],
    };
    match stretch.first % 2 {
        1 => pair_of(other, varying[0]),
        _ => pair_of(varying[0], other),
    }
}

/// The pairs of all nonces of a row, and `more` entries that stand for nothing.
pub(super) fn table(stretch: &Stretch<'_>, low: &LowSymbols, more: usize) -> Vec<u64> {
    let pairs = (0..low.span() as u32).map(|nonce| {
        let [symbols] = low.vector(nonce);
        let last = symbols << low.shift();
        pair(
            stretch,
            match stretch.words {
                1 => [last, 0],
                _ => [symbols >> (32 - low.shift()), last],
            },
        )
    });
    pairs.chain(std::iter::repeat_n(0, more)).collect()
}
