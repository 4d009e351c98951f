//! What the assembly reads and writes, laid out as [`layout`](super::layout) says.

use std::mem::offset_of;

use paydirt_sha256::{INITIAL, round};

use super::layout::*;
use crate::{
    kernel::{
        prepared::TopWordTest,
        stretch::{Start, Stretch, varying},
    },
    puzzle::ByteOrder,
};

/// The memory of the assembly.
#[repr(C, align(64))]
pub(in crate::kernel) struct Frame {
    /// Three schedules of 64 words, each word as one vector a stream: the block whose varying words are made in the
    /// lanes, the second hash, and a further block.
    words: [[[u32; LANES]; STREAMS]; 3 * 64],
    /// What is the same in all lanes, for each midstate.
    scalars: [[u32; SCALAR_COUNT]; MIDSTATES],
}

/// Where the two further schedules begin, as [`Frame::word`] counts.
const SECOND_WORDS: usize = SECOND / WORD_BYTES;
pub(super) const GENERAL_WORDS: usize = GENERAL / WORD_BYTES;

const _: () = assert!(offset_of!(Frame, scalars) == SCALARS);

impl Frame {
    pub(super) fn new() -> Self {
        Self {
            words: [[[0; LANES]; STREAMS]; _],
            scalars: [[0; SCALAR_COUNT]; MIDSTATES],
        }
    }

    /// The lanes of a word, all streams'.
    #[inline(always)]
    pub(super) fn word(&mut self, word: usize) -> &mut [[u32; LANES]; STREAMS] {
        &mut self.words[word]
    }

    /// Everything, in the order of memory.
    #[cfg(test)]
    pub(super) fn as_words(&mut self) -> impl Iterator<Item = &mut u32> {
        let words = self.words.as_flattened_mut().as_flattened_mut();
        words.iter_mut().chain(self.scalars.as_flattened_mut())
    }

    /// Which lanes of the digest in the second schedule pass the test: for shapes whose last piece does not do it.
    pub(super) fn passing(&self, test: TopWordTest) -> u32 {
        let lanes = self.words[SECOND_WORDS + test.word()]
            .as_flattened()
            .iter()
            .enumerate();
        lanes.fold(0, |mask, (lane, word)| {
            mask | u32::from(test.passes(*word)) << lane
        })
    }

    /// Arranges a stretch: all its uniform words, and under each of its midstates every sum of scalars that rounds and
    /// schedule steps add, and what the test adds to the top word's register, which lacks its part of the chaining value.
    pub(super) fn pack(&mut self, stretch: &Stretch<'_>, hashed_twice: bool, test: TopWordTest) {
        let first = stretch.first;
        let mask = varying(first, stretch.words);
        let uniform = stretch.schedule.iter().enumerate();
        for (word, value) in uniform.filter(|(word, _)| mask >> word & 1 == 0) {
            self.words[word] = [[*value; LANES]; STREAMS];
        }
        if stretch.straddles {
            for (word, value) in stretch.block(1).iter().enumerate().skip(1) {
                self.words[GENERAL_WORDS + word] = [[*value; LANES]; STREAMS];
            }
        }
        for (scalars, Start { chaining, state }) in self.scalars.iter_mut().zip(&stretch.starts) {
            for t in 0..32 {
                scalars[KW + t] = stretch.k_plus_w(t);
            }
            scalars[SUM..SUM + 16].copy_from_slice(&stretch.sums);
            scalars[STATE..STATE + 8].copy_from_slice(state);
            scalars[CHAIN..CHAIN + 8].copy_from_slice(chaining);
            let mut after = *state;
            round(&mut after, scalars[KW + first]);
            (scalars[FIRST_A], scalars[FIRST_E]) = (after[0], after[4]);
            for i in 1..=3 {
                let h_kw = state[7 - i].wrapping_add(scalars[KW + first + i]);
                scalars[H_KW + i - 1] = h_kw;
                scalars[D_H_KW + i - 1] = h_kw.wrapping_add(state[3 - i]);
            }
            let added = if hashed_twice { &INITIAL } else { chaining };
            scalars[TOP_ADD] = match test.order {
                ByteOrder::Big => added[0].wrapping_sub(test.lowest),
                ByteOrder::Little => added[7],
            };
            (scalars[LOWEST], scalars[SPAN]) = (test.lowest, test.span);
        }
    }
}
