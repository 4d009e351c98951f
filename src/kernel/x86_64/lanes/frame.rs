//! What the assembly reads and writes, laid out as [`layout`](super::layout) says.

use std::mem::offset_of;

use paydirt_sha256::round;

use super::layout::*;
use crate::{
    kernel::{
        prepared::TopWordTest,
        stretch::{Start, Stretch, varying},
    },
    puzzle::ByteOrder,
};

/// A schedule: each word as one vector a stream.
type Schedule = [[[u32; LANES]; STREAMS]; 64];

/// The memory of the assembly.
#[repr(C, align(64))]
pub(in crate::kernel) struct Frame {
    /// The block whose varying words are made in the lanes, and the two further schedules of [`layout`](super::layout).
    schedules: [Schedule; 3],
    scalars: [[u32; SCALAR_COUNT]; MIDSTATES],
}

const _: () = {
    assert!(SECOND == SCHEDULE_BYTES && GENERAL == 2 * SCHEDULE_BYTES);
    assert!(offset_of!(Frame, scalars) == SCALARS);
};

/// A word in one of the schedules.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// 0, 1 or 2: words, second, general.
    pub(super) schedule: usize,
    pub(super) word: usize,
}

impl Frame {
    pub(super) fn new() -> Self {
        Self {
            schedules: [[[[0; LANES]; STREAMS]; 64]; 3],
            scalars: [[0; SCALAR_COUNT]; MIDSTATES],
        }
    }

    /// The lanes of a word, all streams'.
    #[inline(always)]
    pub(super) fn word(&mut self, at: Place) -> &mut [[u32; LANES]; STREAMS] {
        &mut self.schedules[at.schedule][at.word]
    }

    /// The same value in every lane of every stream.
    pub(super) fn broadcast(&mut self, at: Place, value: u32) {
        *self.word(at) = [[value; LANES]; STREAMS];
    }

    /// What is the same in all lanes, for one midstate.
    #[cfg(test)]
    pub(super) fn scalars(&self, midstate: usize) -> &[u32; SCALAR_COUNT] {
        &self.scalars[midstate]
    }

    /// Which lanes of the digest in `second` pass the test: for shapes whose last piece does not do it.
    pub(super) fn passing(&self, test: TopWordTest) -> u32 {
        let lanes = self.schedules[1][test.word()].as_flattened().iter().enumerate();
        lanes.fold(0, |mask, (lane, word)| {
            mask | u32::from(test.passes(*word)) << lane
        })
    }

    /// Arranges the block that varies: all its uniform words, and every sum of scalars that its rounds and schedule steps
    /// add, under each of its midstates.
    pub(super) fn pack(&mut self, stretch: &Stretch<'_>) {
        let first = stretch.first;
        let mask = varying(first, stretch.words);
        for (word, value) in stretch.schedule.iter().enumerate() {
            if mask >> word & 1 == 0 {
                self.broadcast(Place { schedule: 0, word }, *value);
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
            scalars[FIRST_A] = after[0];
            scalars[FIRST_E] = after[4];
            for i in 1..=3 {
                let h_kw = state[7 - i].wrapping_add(scalars[KW + first + i]);
                scalars[H_KW + i - 1] = h_kw;
                scalars[D_H_KW + i - 1] = h_kw.wrapping_add(state[3 - i]);
            }
        }
    }

    /// Arranges the test of top words whose registers still lack what a block adds in the end: for each midstate, the
    /// chaining value.
    pub(super) fn pack_test(&mut self, test: TopWordTest, added: impl Iterator<Item = [u32; 8]>) {
        for (scalars, added) in self.scalars.iter_mut().zip(added) {
            scalars[TOP_ADD] = match test.order {
                ByteOrder::Big => added[0].wrapping_sub(test.lowest),
                ByteOrder::Little => added[7],
            };
            scalars[LOWEST] = test.lowest;
            scalars[SPAN] = test.span;
        }
    }
}
