//! A driver written to be read: it prepares a context, as the engine's does, for messages that are all different.

use crate::{
    interpret::Call,
    layout::{
        Array, CONTEXT_BYTES, Entry, GENERAL, LANES, NONCE_SUMS, SCALARS, SECOND, STREAMS, Scalar, VERSIONS,
        Version, WORDS,
    },
    program::Program,
};
use paydirt_sha256::{self as sha256, K};

/// Messages of a batch.
pub const BATCH: usize = STREAMS * LANES;

/// The memory of a program. What is not prepared is garbage.
pub struct Context(pub Vec<u8>);

impl Context {
    pub fn new() -> Self {
        Self(vec![0xa5; CONTEXT_BYTES])
    }

    fn set(&mut self, at: usize, value: u32) {
        self.0[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    /// Message `lane`'s word `t` of a schedule.
    pub fn set_word(&mut self, schedule: Array, t: usize, lane: usize, value: u32) {
        self.set(schedule.offset + t * schedule.stride + 4 * lane, value);
    }

    pub fn word(&self, schedule: Array, t: usize, lane: usize) -> u32 {
        let at = schedule.offset + t * schedule.stride + 4 * lane;
        u32::from_le_bytes(self.0[at..at + 4].try_into().unwrap())
    }

    pub fn broadcast(&mut self, schedule: Array, t: usize, value: u32) {
        (0..BATCH).for_each(|lane| self.set_word(schedule, t, lane, value));
    }

    pub fn set_scalar(&mut self, scalar: Scalar, value: u32) {
        // Seen from the first scalar.
        let at = SCALARS.offset + scalar.slot().bytes as usize;
        self.set(at, value);
    }

    /// A value of version `lane` of a batch.
    pub fn set_version(&mut self, batch: usize, value: Version, lane: usize, to: u32) {
        let at = batch * Version::COUNT + value.index();
        self.set(VERSIONS.offset + at * VERSIONS.stride + 4 * lane, to);
    }

    /// Prepares a batch of versions of a header whose second block is this, but for its nonce.
    pub fn prepare_versions(&mut self, batch: usize, midstates: &[[u32; 8]; BATCH], block: &[u32; 16]) {
        for (lane, midstate) in midstates.iter().enumerate() {
            let mut state = *midstate;
            (0..3).for_each(|t| sha256::round(&mut state, K[t].wrapping_add(block[t])));
            for role in [0, 1, 4, 5] {
                self.set_version(batch, Version::State(role), lane, state[role]);
            }
            let mut after = state;
            sha256::round(&mut after, 0);
            self.set_version(batch, Version::FirstA, lane, after[0]);
            self.set_version(batch, Version::FirstE, lane, after[4]);
            for i in 1..=3 {
                let h_kw = state[7 - i].wrapping_add(K[3 + i]).wrapping_add(block[3 + i]);
                self.set_version(batch, Version::HKw(i), lane, h_kw);
                self.set_version(batch, Version::DHKw(i), lane, h_kw.wrapping_add(state[3 - i]));
            }
            for word in 0..8 {
                self.set_version(batch, Version::Chain(word), lane, midstate[word]);
            }
        }
    }

    /// Sets nonce `nonce` of sixteen: the sums of its block.
    pub fn set_sums(&mut self, nonce: usize, block: &[u32; 16]) {
        for (t, word) in sha256::schedule(block).into_iter().enumerate() {
            let at = NONCE_SUMS.offset + t * NONCE_SUMS.stride + 4 * nonce;
            self.set(at, K[t].wrapping_add(word));
        }
    }

    /// Points at a nonce and a batch of versions.
    pub fn point(&mut self, nonce: usize, batch: usize) {
        let sums = NONCE_SUMS.offset - SCALARS.offset + 4 * nonce;
        let versions = VERSIONS.offset + batch * Version::COUNT * VERSIONS.stride;
        self.set_scalar(Scalar::SumsAt, sums as u32);
        self.set_scalar(Scalar::VersionsAt, versions as u32);
    }

    /// The digest that a piece left.
    pub fn digest(&self, lane: usize) -> [u32; 8] {
        std::array::from_fn(|word| self.word(SECOND, word, lane))
    }

    pub fn set_digest(&mut self, lane: usize, words: &[u32]) {
        (0..8).for_each(|word| self.set_word(SECOND, word, lane, words[word]));
    }

    /// Prepares the scalars of the block whose `words` words from `first` on vary.
    pub fn prepare_block(&mut self, chain: &[u32; 8], block: &[u32; 16], first: usize, words: usize) {
        let varying = crate::block::varying_words(first, words);
        let varies = |t: usize| varying >> t & 1 == 1;
        let mut w = [0; 64];
        for t in 0..32 {
            if t < 16 {
                w[t] = if varies(t) { 0 } else { block[t] };
            } else {
                let sum = sha256::small_sigma_1(w[t - 2])
                    .wrapping_add(w[t - 7])
                    .wrapping_add(sha256::small_sigma_0(w[t - 15]))
                    .wrapping_add(w[t - 16]);
                self.set_scalar(Scalar::Sum(t), sum);
                w[t] = if varies(t) { 0 } else { sum };
                if !varies(t) {
                    self.broadcast(WORDS, t, sum);
                }
            }
            self.set_scalar(Scalar::Kw(t), K[t].wrapping_add(w[t]));
        }
        let kw = |t: usize| K[t].wrapping_add(w[t]);
        let mut state = *chain;
        (0..first).for_each(|t| sha256::round(&mut state, kw(t)));
        for role in 0..8 {
            self.set_scalar(Scalar::State(role), state[role]);
            self.set_scalar(Scalar::Chain(role), chain[role]);
        }
        let mut after = state;
        sha256::round(&mut after, kw(first));
        self.set_scalar(Scalar::FirstA, after[0]);
        self.set_scalar(Scalar::FirstE, after[4]);
        for i in 1..=3 {
            let h_kw = state[7 - i].wrapping_add(kw(first + i));
            self.set_scalar(Scalar::HKw(i), h_kw);
            self.set_scalar(Scalar::DHKw(i), h_kw.wrapping_add(state[3 - i]));
        }
    }

    /// Prepares the test of words that lie between `lowest` and `lowest + span`; `added` is what the word's register
    /// lacks.
    pub fn prepare_test(&mut self, little: bool, added: u32, lowest: u32, span: u32) {
        let added = if little { added } else { added.wrapping_sub(lowest) };
        self.set_scalar(Scalar::TopAdd, added);
        self.set_scalar(Scalar::Lowest, lowest);
        self.set_scalar(Scalar::Span, span);
    }

    /// Runs the parts of a batch; the first part's lanes lowest.
    pub fn run(
        &mut self,
        program: &Program,
        entry: Entry,
        then: Entry,
        next: Entry,
        sums: Option<&[u32; 64]>,
    ) -> u32 {
        let lanes = program.lanes * program.streams;
        let call = Call {
            entry: entry.index(),
            then: then.index(),
            next: next.index(),
            sums,
        };
        (0..BATCH / lanes).fold(0, |mask, part| {
            let passed = program.run(&mut self.0, part, call).unwrap();
            mask | passed.checked_shl((part * lanes) as u32).unwrap_or(0)
        })
    }

    /// A further block whose words all vary.
    pub fn set_general(&mut self, blocks: &[[u32; 16]]) {
        for (lane, block) in blocks.iter().enumerate() {
            (0..16).for_each(|t| self.set_word(GENERAL, t, lane, block[t]));
        }
    }
}
