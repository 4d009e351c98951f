//! The memory of the assembly, and a stretch arranged in it.

use std::mem::offset_of;

use paydirt_sha256::{K, round, small_sigma_0, small_sigma_1};

use super::layout::*;
use crate::{
    kernel::stretch::{Start, Stretch, varying},
    puzzle::ByteOrder,
};

/// Four words, the first in the lowest lane.
pub(super) type Quad = [u32; 4];

/// The hash value or state as the SHA instructions hold it: F E B A and H G D C, from the lowest lane up.
pub(super) const fn halves([a, b, c, d, e, f, g, h]: [u32; 8]) -> [Quad; 2] {
    [[f, e, b, a], [h, g, d, c]]
}

/// Batches of [`LANES`] nonces; what each field is for is said in the generator's `hybrid::memory`.
#[repr(C, align(64))]
pub(super) struct Frame {
    /// Sums, first words and digests on their way from one period to the next.
    buffers: [[u8; BUFFER_BYTES]; 2],
    /// `K + W` of the words that do not vary, `K` of those that do.
    kw: [u32; 64],
    /// The constant terms of each word of the schedule.
    terms: [u32; 64],
    chain: [u32; 8],
    /// The state before the first pair of rounds that vary; when the first varying word's number is odd, that after its
    /// round with the word zero.
    start: [Quad; 2],
    chaining: [Quad; 2],
    ring: [[u32; LANES]; 16],
    /// `K + W` of a block that follows.
    pub(super) uniform: [u32; 64],
    /// How many periods a call shall go through.
    pub(super) periods: u64,
    _aligned: [u64; 3],
    /// The varying words, the first in the place of which the top word comes back.
    words: [[[u32; LANES]; 2]; BATCHES + 2 * MARGIN],
    digests: [[[Quad; 2]; LANES]; DIGEST_BATCHES + 2],
}

const _: () = {
    assert!(offset_of!(Frame, kw) == KW && offset_of!(Frame, terms) == TERMS);
    assert!(offset_of!(Frame, chain) == CHAIN && offset_of!(Frame, start) == START);
    assert!(offset_of!(Frame, chaining) == CHAINING && offset_of!(Frame, ring) == RING);
    assert!(offset_of!(Frame, uniform) == UNIFORM_SUMS && offset_of!(Frame, periods) == PERIODS);
    assert!(offset_of!(Frame, words) == WORDS && offset_of!(Frame, digests) == DIGESTS);
    assert!(size_of::<Frame>() == BYTES.next_multiple_of(64));
};

impl Frame {
    pub(super) fn new() -> Box<Self> {
        Box::new(Self {
            buffers: [[0; _]; _],
            kw: [0; _],
            terms: [0; _],
            chain: [0; _],
            start: [[0; 4]; _],
            chaining: [[0; 4]; _],
            ring: [[0; _]; _],
            uniform: [0; _],
            periods: 0,
            _aligned: [0; _],
            words: [[[0; _]; _]; _],
            digests: [[[[0; 4]; _]; _]; _],
        })
    }

    /// Arranges a stretch with one midstate; the assembly takes so many words to vary.
    pub(super) fn pack(&mut self, stretch: &Stretch<'_>, varying_words: usize) {
        let first = stretch.first;
        let mut w = [0; 64];
        w[..16].copy_from_slice(stretch.block(0));
        w[first..first + varying_words].fill(0);
        let mask = varying(first, varying_words);
        for t in 0..64 {
            let value = match t {
                0..16 => w[t],
                _ => small_sigma_1(w[t - 2])
                    .wrapping_add(w[t - 7])
                    .wrapping_add(small_sigma_0(w[t - 15]))
                    .wrapping_add(w[t - 16]),
            };
            self.terms[t] = value;
            w[t] = if mask >> t & 1 == 1 { 0 } else { value };
            self.kw[t] = K[t].wrapping_add(w[t]);
        }
        let Start { chaining, mut state } = stretch.starts[0];
        if first % 2 == 1 {
            round(&mut state, self.kw[first]);
        }
        self.chain = chaining;
        self.chaining = halves(chaining);
        self.start = halves(state);
    }

    /// The places of so many batches' words.
    pub(super) fn words(&mut self, batches: usize) -> &mut [[[u32; LANES]; 2]] {
        &mut self.words[MARGIN..][..batches]
    }

    /// The same, for what a batch of versions wants: the addresses of its nonce's sums and its first version.
    pub(super) fn point(&mut self, batch: usize, addresses: [u64; 2]) {
        let [sums, version] = addresses.map(|address| [address as u32, (address >> 32) as u32]);
        let words = &mut self.words[MARGIN + batch][0];
        words[..2].copy_from_slice(&sums);
        words[2..4].copy_from_slice(&version);
    }

    /// A batch's top words.
    pub(super) fn tops(&self, batch: usize) -> [u32; LANES] {
        self.words[MARGIN + batch][0]
    }

    /// The same of digests.
    pub(super) fn tops_of_digests(&self, batch: usize, order: ByteOrder) -> [u32; LANES] {
        self.digests[1 + batch].map(|[[.., a], [h, ..]]| match order {
            ByteOrder::Big => a,
            ByteOrder::Little => h,
        })
    }
}
