//! Rolled versions: one nonce at a time, lanes are versions.
//!
//! Headers that differ only in their version have the same second block: its schedule is computed once for all versions
//! of a nonce, and the first hash is loads and `sha256rnds2`.

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_set_epi32, _mm_set1_epi32, _mm_sha256msg1_epu32,
    _mm_sha256msg2_epu32,
};

use paydirt_sha256::{K, round};

use super::{
    RETURN, ROLL, ShaNi,
    frame::{Quad, TOP_COUNT, halves},
    layout::{LANES, VERSION_BYTES},
    run,
};
use crate::kernel::{Hits, stretch::Start};

/// Midstates that are worth it, at least; with so many or a multiple, few lanes of the last batch are in vain.
pub(super) const FEWEST: usize = 32;

/// What differs from version to version, as the assembly finds it.
#[derive(Clone, Copy, Default)]
#[repr(C, align(16))]
pub(super) struct Version {
    /// The state after the nonce's round, but for what that adds to a and e.
    start: [Quad; 2],
    midstate: [Quad; 2],
}

const _: () = assert!(size_of::<Version>() == VERSION_BYTES);

impl Version {
    fn of(start: &Start) -> Self {
        let mut state = start.state;
        round(&mut state, 0);
        Self {
            start: halves(state),
            midstate: halves(start.chaining),
        }
    }
}

/// Constant and word of each round, four together.
type Sums = [__m128i; 16];

/// The sums of a block.
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn sums(block: &[u32; 16]) -> Sums {
    let quad = |words: &[u32], j: usize| {
        let [a, b, c, d] = std::array::from_fn(|i| words[4 * j + i].cast_signed());
        _mm_set_epi32(d, c, b, a)
    };
    let mut words = [_mm_set1_epi32(0); 16];
    for j in 0..16 {
        words[j] = match j {
            0..4 => quad(block, j),
            _ => {
                let sixteen = _mm_sha256msg1_epu32(words[j - 4], words[j - 3]);
                let seven = _mm_alignr_epi8::<4>(words[j - 1], words[j - 2]);
                _mm_sha256msg2_epu32(_mm_add_epi32(sixteen, seven), words[j - 1])
            }
        };
    }
    std::array::from_fn(|j| _mm_add_epi32(words[j], quad(&K, j)))
}

impl ShaNi<'_> {
    /// [`Scan::scan`](crate::kernel::Scan::scan) under many midstates.
    pub(super) fn scan_rolled(
        &mut self,
        midstates: &[[u32; 8]],
        first: u64,
        count: u64,
        hits: &mut Hits,
    ) -> u64 {
        let under = midstates.len();
        let mut tested = 0;
        while tested < count {
            let nonce = first + tested;
            if self.stretch.enter(midstates, nonce) {
                self.versions.clear();
                self.versions.extend(self.stretch.starts.iter().map(Version::of));
                // Lanes of the last batch that stand for nothing.
                self.versions.resize(under + LANES - 1, Version::default());
                self.top_add = self.pieces.top_add(&[0; 8]);
            }
            let low = self.stretch.low;
            let at = nonce % low.span();
            let here = (low.span() - at).min(count - tested);
            for i in 0..here {
                let [symbols] = low.vector((at + i) as u32);
                let mut block = *self.stretch.block(0);
                block[self.stretch.first] = symbols << low.shift() | self.stretch.uniform[0];
                // SAFETY: `bind`'s caller vouched for the features.
                #[allow(unsafe_code)]
                let sums = unsafe { sums(&block) };
                for version in (0..under).step_by(TOP_COUNT) {
                    let versions = TOP_COUNT.min(under - version);
                    self.hash_versions(&sums, version, versions.div_ceil(LANES));
                    let numbered = (nonce + i) * under as u64 + version as u64;
                    self.test(numbered, versions, hits);
                }
                if hits.is_full() {
                    return tested + i + 1;
                }
            }
            tested += here;
        }
        count
    }

    /// Hashes so many batches of versions, from the `at`-th on, and leaves their top words in the frame.
    fn hash_versions(&mut self, sums: &Sums, at: usize, batches: usize) {
        let frame = &mut *self.frame;
        frame.batches = batches as u64;
        assert!(batches * LANES <= TOP_COUNT && at + batches * LANES <= self.versions.len());
        let versions = self.versions[at..].as_ptr();
        // SAFETY: `bind`'s caller vouched for SHA, SSE4.1 and SSSE3; these pieces may follow each other, and read of the frame
        // only how many batches there are; there are as many versions and places for top words.
        #[allow(unsafe_code)]
        unsafe {
            run(
                frame,
                ROLL,
                RETURN,
                self.pieces.last,
                sums.as_ptr().cast(),
                versions.cast(),
            );
        }
    }
}
