//! What the assembly reads and writes, laid out as [`layout`](super::layout) says.

use std::mem::offset_of;

use super::layout::*;
use crate::{
    kernel::reference::{self, K},
    puzzle::ByteOrder,
    work::TopWordTest,
};

/// A schedule: each word as one vector a stream.
type Schedule = [[[u32; LANES]; STREAMS]; 64];

/// The memory of the assembly.
#[repr(C, align(64))]
pub(in crate::kernel) struct Context {
    /// The block whose varying words are made in the lanes, and the two further schedules of [`layout`](super::layout).
    schedules: [Schedule; 3],
    scalars: [[u32; SCALAR_COUNT]; MIDSTATES],
}

const _: () = {
    assert!(SECOND == SCHEDULE_BYTES && GENERAL == 2 * SCHEDULE_BYTES);
    assert!(offset_of!(Context, scalars) == SCALARS);
};

/// A word in one of the schedules.
#[derive(Clone, Copy)]
pub(in crate::kernel) struct At {
    /// 0, 1 or 2: words, second, general.
    pub(in crate::kernel) schedule: usize,
    pub(in crate::kernel) word: usize,
}

/// A varying word: where it lies, and the bits that all lanes share.
#[derive(Clone, Copy)]
pub(in crate::kernel) struct VaryingWord {
    pub(in crate::kernel) at: At,
    pub(in crate::kernel) uniform: u32,
}

/// How the low symbols become words: shifted left by `shift` bits into the last, the rest into the one before.
#[derive(Clone, Copy)]
pub(in crate::kernel) struct Lanes {
    pub(in crate::kernel) shift: u32,
    pub(in crate::kernel) last: VaryingWord,
    pub(in crate::kernel) before: Option<VaryingWord>,
}

impl Context {
    pub(in crate::kernel) fn new() -> Self {
        Self {
            schedules: [[[[0; LANES]; STREAMS]; 64]; 3],
            scalars: [[0; SCALAR_COUNT]; MIDSTATES],
        }
    }

    /// The lanes of a word, all streams'.
    #[inline(always)]
    pub(in crate::kernel) fn word(&mut self, at: At) -> &mut [[u32; LANES]; STREAMS] {
        &mut self.schedules[at.schedule][at.word]
    }

    /// The scalars of the first midstate.
    pub(in crate::kernel) fn scalars(&self) -> *const u32 {
        self.scalars[0].as_ptr()
    }

    /// The same value in every lane of every stream.
    pub(in crate::kernel) fn broadcast(&mut self, at: At, value: u32) {
        self.schedules[at.schedule][at.word] = [[value; LANES]; STREAMS];
    }

    /// Which lanes of the digest in `second` pass the test: for shapes whose last piece does not do it.
    pub(in crate::kernel) fn passing(&self, test: &TopWordTest) -> u32 {
        let top = match test.order {
            ByteOrder::Big => 0,
            ByteOrder::Little => 7,
        };
        let lanes = self.schedules[1][top].as_flattened();
        let passes = |word: u32| {
            let top = match test.order {
                ByteOrder::Big => word,
                ByteOrder::Little => word.swap_bytes(),
            };
            top.wrapping_sub(test.lowest) <= test.span
        };
        lanes
            .iter()
            .enumerate()
            .fold(0, |mask, (lane, word)| mask | u32::from(passes(*word)) << lane)
    }

    /// Prepares the test of top words whose registers still lack their word of `added`.
    pub(in crate::kernel) fn prepare_test(&mut self, midstate: usize, test: &TopWordTest, added: &[u32; 8]) {
        let scalars = &mut self.scalars[midstate];
        scalars[TOP_ADD] = match test.order {
            ByteOrder::Big => added[0].wrapping_sub(test.lowest),
            ByteOrder::Little => added[7],
        };
        scalars[LOWEST] = test.lowest;
        scalars[SPAN] = test.span;
    }

    /// Prepares the block whose words `first` to `first + words - 1` vary (their values are ignored), after the chaining
    /// value `chain`, which is midstate number `midstate`: every sum of scalars that its rounds and schedule steps add.
    pub(in crate::kernel) fn prepare_block(
        &mut self,
        midstate: usize,
        chain: &[u32; 8],
        block: &[u32; 16],
        first: usize,
        words: usize,
    ) {
        let varying = varying_words(first, words);
        let varies = |t: usize| varying >> t & 1 == 1;
        let scalars = &mut self.scalars[midstate];
        let mut w = [0u32; 32];
        w[..16].copy_from_slice(block);
        w[first..first + words].fill(0);
        for t in 16..32 {
            // Varying words are zero here, and both functions of zero are zero: only the uniform terms remain.
            let sum = reference::small_sigma_1(w[t - 2])
                .wrapping_add(w[t - 7])
                .wrapping_add(reference::small_sigma_0(w[t - 15]))
                .wrapping_add(w[t - 16]);
            scalars[SUM + t - 16] = sum;
            w[t] = if varies(t) { 0 } else { sum };
        }
        for t in 0..32 {
            scalars[KW + t] = K[t].wrapping_add(w[t]);
        }
        let mut state = *chain;
        for t in 0..first {
            reference::round(&mut state, scalars[KW + t]);
        }
        scalars[STATE..STATE + 8].copy_from_slice(&state);
        scalars[CHAIN..CHAIN + 8].copy_from_slice(chain);
        let mut after = state;
        reference::round(&mut after, scalars[KW + first]);
        scalars[FIRST_A] = after[0];
        scalars[FIRST_E] = after[4];
        for i in 1..=3 {
            let h_kw = state[7 - i].wrapping_add(scalars[KW + first + i]);
            scalars[H_KW + i - 1] = h_kw;
            scalars[D_H_KW + i - 1] = h_kw.wrapping_add(state[3 - i]);
        }
        for (t, w) in w.iter().enumerate().skip(16) {
            if !varies(t) {
                self.broadcast(At { schedule: 0, word: t }, *w);
            }
        }
    }
}
