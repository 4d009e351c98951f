//! What the assembly reads and writes, laid out as [`layout`](super::layout) says.

use std::mem::offset_of;

use paydirt_sha256::{INITIAL, round};

use super::{BATCH, layout::*};
use crate::{
    kernel::{
        prepared::TopWordTest,
        stretch::{Start, Stretch, varying},
        sums::{self, Sums},
    },
    puzzle::ByteOrder,
};

/// The memory of the assembly.
#[repr(C, align(64))]
pub(in crate::kernel) struct Frame {
    /// Three schedules of 64 words, each word as one vector a stream: the block whose varying words are made in the
    /// lanes, the second hash, and a further block.
    words: [[[u32; LANES]; STREAMS]; 3 * 64],
    /// What is the same in all lanes.
    scalars: [u32; SCALAR_COUNT],
    /// Rolled versions: the sums of constant and word of some nonces.
    sums: Sums<LANES>,
    /// What differs from version to version, in batches.
    versions: [[[[u32; LANES]; STREAMS]; VERSION_COUNT]; VERSION_BATCHES],
}

/// Where the two further schedules begin, as [`Frame::word`] counts.
const SECOND_WORDS: usize = SECOND / WORD_BYTES;
pub(super) const GENERAL_WORDS: usize = GENERAL / WORD_BYTES;

const _: () = {
    assert!(offset_of!(Frame, scalars) == SCALARS && offset_of!(Frame, sums) == NONCE_SUMS);
    assert!(offset_of!(Frame, versions) == VERSIONS);
};

impl Frame {
    pub(super) fn new() -> Self {
        Self {
            words: [[[0; LANES]; STREAMS]; _],
            scalars: [0; _],
            sums: [[0; LANES]; _],
            versions: [[[[0; LANES]; STREAMS]; _]; _],
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
        let versions = self.versions.as_flattened_mut().as_flattened_mut();
        words
            .iter_mut()
            .chain(&mut self.scalars)
            .chain(self.sums.as_flattened_mut())
            .chain(versions.as_flattened_mut())
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

    /// Arranges a stretch under its first midstate: all its uniform words, every sum of scalars that rounds and schedule
    /// steps add, and what the test adds to the top word's register, which lacks its part of the chaining value.
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
        let (scalars, start) = (&mut self.scalars, &stretch.starts[0]);
        for t in 0..32 {
            scalars[KW + t] = stretch.k_plus_w(t);
        }
        scalars[SUM..SUM + 16].copy_from_slice(&stretch.sums);
        scalars[STATE..STATE + 8].copy_from_slice(&start.state);
        scalars[CHAIN..CHAIN + 8].copy_from_slice(&start.chaining);
        let after = FirstRounds::of(start, stretch, stretch.k_plus_w(first));
        (scalars[FIRST_A], scalars[FIRST_E]) = (after.a, after.e);
        scalars[H_KW..H_KW + 3].copy_from_slice(&after.h_kw);
        scalars[D_H_KW..D_H_KW + 3].copy_from_slice(&after.d_h_kw);
        let added = if hashed_twice { &INITIAL } else { &start.chaining };
        scalars[TOP_ADD] = match test.order {
            ByteOrder::Big => added[0].wrapping_sub(test.lowest),
            ByteOrder::Little => added[7],
        };
        (scalars[LOWEST], scalars[SPAN]) = (test.lowest, test.span);
    }

    /// Arranges what differs from midstate to midstate, for batches of versions; beside what [`Frame::pack`] does.
    pub(super) fn pack_versions(&mut self, stretch: &Stretch<'_>) {
        for (i, start) in stretch.starts.iter().enumerate() {
            let mut set = |value: usize, to: u32| {
                self.versions[i / BATCH][value][i % BATCH / LANES][i % LANES] = to;
            };
            let Start { chaining, state } = start;
            for (i, role) in [0, 1, 4, 5].into_iter().enumerate() {
                set(VERSION_STATE + i, state[role]);
            }
            // The constant of the nonce's round comes with its word.
            let after = FirstRounds::of(start, stretch, 0);
            set(VERSION_FIRST_A, after.a);
            set(VERSION_FIRST_E, after.e);
            for i in 0..3 {
                set(VERSION_H_KW + i, after.h_kw[i]);
                set(VERSION_D_H_KW + i, after.d_h_kw[i]);
            }
            for (word, value) in chaining.iter().enumerate() {
                set(VERSION_CHAIN + word, *value);
            }
        }
    }

    /// Makes the sums of the first stream's nonces, whose words are filled in.
    #[inline(always)]
    pub(super) fn sum(&mut self) {
        for (sum, word) in self.sums.iter_mut().zip(&self.words[..16]) {
            *sum = word[0];
        }
        sums::expand(&mut self.sums);
    }

    /// Points the assembly at these sums' `nonce` and at a batch of versions.
    #[inline(always)]
    pub(super) fn point(&mut self, nonce: usize, batch: usize) {
        self.scalars[SUMS_AT] = (NONCE_SUMS - SCALARS + 4 * nonce) as u32;
        self.scalars[VERSIONS_AT] = (VERSIONS + batch * VERSION_COUNT * WORD_BYTES) as u32;
    }
}

/// What the first varying round and the three after it add to, under one midstate.
struct FirstRounds {
    /// What the varying word is added to, to give a and e after its round.
    a: u32,
    e: u32,
    /// For each of the three rounds after it: h with the round's constant and word, and the same with d.
    h_kw: [u32; 3],
    d_h_kw: [u32; 3],
}

impl FirstRounds {
    /// `kw` is what the varying round adds beside the word.
    fn of(start: &Start, stretch: &Stretch<'_>, kw: u32) -> Self {
        let mut after = start.state;
        round(&mut after, kw);
        let h_kw = |i: usize| start.state[6 - i].wrapping_add(stretch.k_plus_w(stretch.first + 1 + i));
        let h_kw = std::array::from_fn(h_kw);
        Self {
            a: after[0],
            e: after[4],
            h_kw,
            d_h_kw: std::array::from_fn(|i| start.state[2 - i].wrapping_add(h_kw[i])),
        }
    }
}
