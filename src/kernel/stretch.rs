//! What the nonces of a stretch share, computed once in scalar code, in plain words, for every kernel alike.
//!
//! *In:* a [`Prepared`], which of its symbols run from nonce to nonce, midstates. *Out:* the rounds before the first word
//! that varies, the schedule words and sums that do not depend on it, the schedules of the blocks after. A kernel only
//! arranges them as its instructions like them.
//!
//! ```text
//!  block 0 …     │ W0 … │ first … │ … W15 │ block …        suffix, block by block
//!  └ chaining ───┴ state ┘ varying ────────────────         K + W of constant blocks
//! ```
//!
//! The stretch lasts as long as no word changes but the one or two that vary, so it may well outlast the low symbols:
//! what the nonce's other symbols add to the varying words themselves is told apart, as `uniform`.

use paydirt_sha256::{K, compress, round, schedule, small_sigma_0, small_sigma_1};

use super::{Prepared, symbols::LowSymbols};

/// The schedule words that depend on `words` message words from `first` on, a bit each.
pub(crate) const fn varying(first: usize, words: usize) -> u64 {
    let mut mask = ((1 << words) - 1) << first;
    let mut t = 16;
    while t < 64 {
        if mask >> (t - 16) & 0b11 != 0 || mask >> (t - 7) & 1 != 0 || mask >> (t - 2) & 1 != 0 {
            mask |= 1 << t;
        }
        t += 1;
    }
    mask
}

/// Where a block begins under one midstate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// The chaining value before the block that varies.
    pub(crate) chaining: [u32; 8],
    /// The state before its first round that varies.
    pub(crate) state: [u32; 8],
}

/// Follows a scan from stretch to stretch.
pub(crate) struct Stretch<'p> {
    pub(crate) prepared: &'p Prepared,
    /// What runs from nonce to nonce.
    pub(crate) low: LowSymbols,
    /// The block with the first word that varies.
    block: usize,
    /// That word in its block.
    pub(crate) first: usize,
    /// How many words of that block vary, one or two.
    pub(crate) words: usize,
    /// One more varies, the first of the next block.
    pub(crate) straddles: bool,
    /// The message; words that vary are zero.
    message: Vec<[u32; 16]>,
    /// What all nonces have in the varying words, two blocks' or not.
    pub(crate) uniform: [u32; 2],
    /// Its midstates, each with where it begins.
    midstates: Vec<[u32; 8]>,
    pub(crate) starts: Vec<Start>,
    /// The first half of the schedule: words that are the same for all nonces; zero for those that vary.
    pub(crate) schedule: [u32; 32],
    /// Words 16 to 31 as their uniform terms make them: the whole word where it does not vary.
    pub(crate) sums: [u32; 16],
    /// Round constants and words, for each block after those that vary.
    pub(crate) suffix: Vec<[u32; 64]>,
}

impl<'p> Stretch<'p> {
    /// Of nonces that differ in the symbols `low`. Nothing is known of it before [`Stretch::enter`].
    pub(crate) fn new(prepared: &'p Prepared, low: LowSymbols) -> Self {
        let (at, words) = low.words();
        let straddles = at % 16 + words > 16;
        let mut message = prepared.blocks.clone();
        message.as_flattened_mut()[at..at + words].fill(0);
        let after = at / 16 + 1 + usize::from(straddles);
        Self {
            prepared,
            low,
            block: at / 16,
            first: at % 16,
            words: words - usize::from(straddles),
            straddles,
            suffix: message[after..].iter().map(k_plus_w).collect(),
            message,
            uniform: [0; 2],
            midstates: Vec::new(),
            starts: Vec::new(),
            schedule: [0; _],
            sums: [0; _],
        }
    }

    /// Goes to the stretch of `nonce` under these midstates. True when anything is new but `uniform`.
    #[inline]
    pub(crate) fn enter(&mut self, midstates: &[[u32; 8]], nonce: u64) -> bool {
        let prepared = self.prepared;
        let mut symbols = [0; 20];
        let symbols = &mut symbols[..prepared.nonce_bytes];
        prepared.symbols.write(nonce, symbols);
        let first = prepared.nonce_offset / 4;
        let mut added = [0u32; 6];
        for (at, &symbol) in (prepared.nonce_offset..).zip(&*symbols) {
            if !self.low.place().contains(&at) {
                added[at / 4 - first] |= u32::from(symbol) << (24 - at % 4 * 8);
            }
        }
        let (varying, words) = self.low.words();
        let mut changed = self.midstates != midstates;
        for at in first..=(prepared.nonce_offset + prepared.nonce_bytes - 1) / 4 {
            let word = prepared.blocks[at / 16][at % 16] | added[at - first];
            if (varying..varying + words).contains(&at) {
                self.uniform[at - varying] = word;
            } else {
                changed |= self.message[at / 16][at % 16] != word;
                self.message[at / 16][at % 16] = word;
            }
        }
        if changed {
            self.prepare(midstates);
        }
        changed
    }

    #[cold]
    fn prepare(&mut self, midstates: &[[u32; 8]]) {
        let message = &self.message;
        let mask = varying(self.first, self.words);
        let w = &mut self.schedule;
        w[..16].copy_from_slice(&message[self.block]);
        for t in 16..32 {
            // Varying words are zero here, and both functions of zero are zero: only the uniform terms remain.
            let sum = small_sigma_1(w[t - 2])
                .wrapping_add(w[t - 7])
                .wrapping_add(small_sigma_0(w[t - 15]))
                .wrapping_add(w[t - 16]);
            self.sums[t - 16] = sum;
            w[t] = if mask >> t & 1 == 1 { 0 } else { sum };
        }
        // Only the two blocks into which the nonce may reach can have changed.
        let after = self.block + 1 + usize::from(self.straddles);
        if let (Some(suffix), true) = (self.suffix.first_mut(), after < 2) {
            *suffix = k_plus_w(&message[after]);
        }
        self.midstates = midstates.to_vec();
        self.starts.clear();
        for midstate in midstates {
            let mut chaining = *midstate;
            for block in &message[..self.block] {
                compress(&mut chaining, block);
            }
            let mut state = chaining;
            for t in 0..self.first {
                round(&mut state, self.k_plus_w(t));
            }
            self.starts.push(Start { chaining, state });
        }
    }

    /// Round constant and word; the constant alone where the word varies.
    pub(crate) fn k_plus_w(&self, t: usize) -> u32 {
        K[t].wrapping_add(self.schedule[t])
    }

    /// The words of the block that varies, or of one after it.
    pub(crate) fn block(&self, after: usize) -> &[u32; 16] {
        &self.message[self.block + after]
    }
}

fn k_plus_w(block: &[u32; 16]) -> [u32; 64] {
    let schedule = schedule(block);
    std::array::from_fn(|t| K[t].wrapping_add(schedule[t]))
}
