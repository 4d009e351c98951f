//! What the nonces of a stretch share, computed once in scalar code.
//!
//! *In:* the message of a row's nonces, the varying words zero. *Out:* the rounds before those words, the schedule
//! words and sums that do not depend on them, the schedules of the blocks after.
//!
//! Which words depend on the varying ones is told by `plan.rs`, for this code and for the rounds.

use std::arch::x86_64::__m128i;

use super::plan::{first_term_varies, second_term_varies, varying};
use crate::{
    kernel::reference::{K, compress, round, schedule, small_sigma_1},
    work::Work,
};

pub(super) use crate::kernel::reference::small_sigma_0;

/// Four words of a message or its schedule, the first in the lowest lane.
pub(super) const fn quad(words: [u32; 4]) -> __m128i {
    // SAFETY: both are 16 bytes, and any bits will do.
    unsafe { std::mem::transmute(words) }
}

/// The hash value or state as the SHA instructions hold it: F E B A and H G D C, from the lowest lane up.
pub(super) const fn state([a, b, c, d, e, f, g, h]: [u32; 8]) -> [__m128i; 2] {
    [quad([f, e, b, a]), quad([h, g, d, c])]
}

/// Rounds whose words are constant: `K + W`, two rounds an entry.
pub(super) type ConstantRounds = [u64; 32];

/// What is computed once a stretch. Quad j is the words 4j to 4j + 3.
pub(super) struct Stretch {
    /// Which block of the work varies.
    block: usize,
    /// The varying word of that block, or the first of the two.
    pub(super) word: usize,
    /// How many words vary, 1 or 2.
    pub(super) words: usize,
    /// The message, the symbols of the row zero.
    message: Vec<[u32; 16]>,
    /// The hash value before that block.
    pub(super) chaining: [u32; 8],
    /// The same as the instructions hold it.
    pub(super) chaining_quads: [__m128i; 2],
    /// The state before the first round that varies; when that round is odd, the state after it with its word zero.
    pub(super) start: [__m128i; 2],
    /// `K + W` of the constant words.
    pub(super) rounds: ConstantRounds,
    /// The quads of the schedule with the varying words zero: meant for those that are constant.
    pub(super) quads: [__m128i; 5],
    /// The constant ones among the terms `W[t-16] + σ0(W[t-15])` and `W[t-7]`, summed, for quads 4 to 8.
    pub(super) sums: [__m128i; 5],
    /// The blocks after.
    pub(super) suffix: Vec<ConstantRounds>,
    pub(super) digest: crate::puzzle::Digest,
    pub(super) test: crate::work::TopWordTest,
    fresh: bool,
}

impl Stretch {
    pub(super) fn new(work: &Work, block: usize, word: usize, words: usize) -> Self {
        let zero = quad([0; 4]);
        Self {
            block,
            word,
            words,
            message: work.blocks.clone(),
            chaining: work.midstate,
            chaining_quads: state(work.midstate),
            start: [zero; 2],
            rounds: [0; _],
            quads: [zero; _],
            sums: [zero; _],
            suffix: work.blocks[block + 1..].iter().map(constant_rounds).collect(),
            digest: work.digest,
            test: work.test,
            fresh: true,
        }
    }

    /// Goes to the row whose nonces have these symbols in common. Returns what they add to the varying words.
    #[inline]
    pub(super) fn enter(&mut self, work: &Work, symbols: &[u8]) -> [u32; 2] {
        let first = work.nonce_offset / 4;
        let mut fresh = [0u32; 6];
        for (at, &symbol) in (work.nonce_offset..).zip(symbols) {
            fresh[at / 4 - first] |= u32::from(symbol) << (24 - at % 4 * 8);
        }
        let varies = self.block * 16 + self.word;
        let mut varying = [0; 2];
        let mut changed = std::mem::take(&mut self.fresh);
        for at in first..first + (work.nonce_offset % 4 + symbols.len()).div_ceil(4) {
            let word = work.blocks[at / 16][at % 16] | fresh[at - first];
            if at >= varies && at < varies + self.words {
                varying[at - varies] = word;
            } else {
                changed |= self.message[at / 16][at % 16] != word;
                self.message[at / 16][at % 16] = word;
            }
        }
        if changed {
            self.message[self.block][self.word..self.word + self.words].fill(0);
            self.prepare(work);
        }
        varying
    }

    /// Computes what depends on the message.
    #[cold]
    fn prepare(&mut self, work: &Work) {
        self.chaining = work.midstate;
        for block in &self.message[..self.block] {
            compress(&mut self.chaining, block);
        }
        self.chaining_quads = state(self.chaining);
        // Only the two blocks into which the nonce may reach can have changed.
        if let (Some(rounds), Some(block)) = (self.suffix.first_mut(), self.message.get(self.block + 1)) {
            *rounds = constant_rounds(block);
        }

        let mut w = [0u32; 36];
        w[..16].copy_from_slice(&self.message[self.block]);
        let mut sums = [0u32; 36];
        let mask = varying(self.word, self.words);
        for t in 16..36 {
            let first_term = w[t - 16].wrapping_add(small_sigma_0(w[t - 15]));
            let second_term = w[t - 7];
            if !first_term_varies(mask, t / 4) {
                sums[t] = first_term;
            }
            if !second_term_varies(mask, t / 4) {
                sums[t] = second_term.wrapping_add(sums[t]);
            }
            w[t] = first_term
                .wrapping_add(second_term)
                .wrapping_add(small_sigma_1(w[t - 2]));
        }
        let quad_of = |words: &[u32; 36], j: usize| quad(std::array::from_fn(|lane| words[4 * j + lane]));
        self.quads = std::array::from_fn(|j| quad_of(&w, j));
        self.sums = std::array::from_fn(|j| quad_of(&sums, j + 4));
        for pair in 0..16 {
            self.rounds[pair] = round_pair(&w, pair);
        }
        let mut start = self.chaining;
        for t in 0..self.word.next_multiple_of(2) {
            round(&mut start, K[t].wrapping_add(w[t]));
        }
        self.start = state(start);
    }
}

fn round_pair(w: &[u32], pair: usize) -> u64 {
    let of = |t: usize| u64::from(K[t].wrapping_add(w[t]));
    of(2 * pair + 1) << 32 | of(2 * pair)
}

fn constant_rounds(block: &[u32; 16]) -> ConstantRounds {
    let w = schedule(block);
    std::array::from_fn(|pair| round_pair(&w, pair))
}
