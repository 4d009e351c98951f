//! A stretch as the SHA instructions like it, and nonces as message words without formatting any.
//!
//! A row is the nonces that share all but the last one or two symbols: 10 or 100 in decimal, 16 or 256 in
//! hexadecimal, 256 in binary. What those symbols add to the message is the same in each row and stands in a table:
//! a nonce's words are the row's xor the table's entry.

use std::arch::x86_64::__m128i;

use paydirt_sha256::{round, small_sigma_0};

use super::rounds::pair_of;
use crate::kernel::{
    quads::{first_term_varies, second_term_varies},
    stretch::{Start, Stretch, varying},
    symbols::LowSymbols,
};

/// Four words of a message or its schedule, the first in the lowest lane.
#[allow(unsafe_code)]
pub(super) const fn quad(words: [u32; 4]) -> __m128i {
    // SAFETY: both are 16 bytes, and any bits will do.
    unsafe { std::mem::transmute(words) }
}

/// The hash value or state as the SHA instructions hold it: F E B A and H G D C, from the lowest lane up.
pub(super) const fn halves([a, b, c, d, e, f, g, h]: [u32; 8]) -> [__m128i; 2] {
    [quad([f, e, b, a]), quad([h, g, d, c])]
}

/// What is arranged once a stretch. Quad j is the words 4j to 4j + 3.
pub(super) struct Packed {
    /// The hash value before the block that varies; its first word apart.
    pub(super) chaining: [__m128i; 2],
    pub(super) first_word: u32,
    /// The state before the first round that varies; when that round is odd, the state after it with its word zero.
    pub(super) start: [__m128i; 2],
    /// `K + W` of the constant words, two rounds an entry.
    pub(super) rounds: [u64; 16],
    /// The quads of the schedule with the varying words zero: meant for those that are constant.
    pub(super) quads: [__m128i; 5],
    /// The constant ones among the terms `W[t-16] + σ0(W[t-15])` and `W[t-7]`, summed, for quads 4 to 8.
    pub(super) sums: [__m128i; 5],
}

impl Packed {
    /// Of a stretch with one midstate.
    pub(super) fn of(stretch: &Stretch<'_>) -> Self {
        let w = &stretch.schedule;
        let Start { chaining, mut state } = stretch.starts[0];
        if stretch.first % 2 == 1 {
            round(&mut state, stretch.k_plus_w(stretch.first));
        }
        let mask = varying(stretch.first, stretch.words);
        let terms = |t: usize| {
            let first = w[t - 16].wrapping_add(small_sigma_0(w[t - 15]));
            let of = |varies: bool, term: u32| if varies { 0 } else { term };
            of(first_term_varies(mask, t / 4), first)
                .wrapping_add(of(second_term_varies(mask, t / 4), w[t - 7]))
        };
        let word = |t: usize| if t < 16 { w[t] } else { stretch.sums[t - 16] };
        let quad_at =
            |t: usize, word: &dyn Fn(usize) -> u32| quad(std::array::from_fn(|lane| word(t + lane)));
        let k_plus_w = |t| stretch.k_plus_w(t);
        Self {
            chaining: halves(chaining),
            first_word: chaining[0],
            start: halves(state),
            rounds: std::array::from_fn(|i| pair_of(k_plus_w(2 * i), k_plus_w(2 * i + 1))),
            quads: std::array::from_fn(|j| quad_at(4 * j, &word)),
            sums: std::array::from_fn(|j| quad_at(16 + 4 * j, &terms)),
        }
    }
}

/// The rest of a row, from some nonce on.
pub(super) struct Row<'a> {
    /// The nonce, and how many there are.
    pub(super) first: u64,
    pub(super) count: usize,
    /// What the row's nonces share, arranged like the table's entries. A nonce's pair is `shared ^ entry`.
    pub(super) shared: u64,
    /// One entry a nonce, and one fewer than there are lanes that stand for nothing.
    pub(super) entries: &'a [u64],
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
