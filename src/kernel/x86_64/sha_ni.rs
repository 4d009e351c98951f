//! The kernel for processors with the SHA instructions (Intel since Goldmont and Ice Lake, AMD since Zen).
//!
//! *In:* a [`Prepared`] and a range of nonces. *Out:* the hits. `sha256rnds2` computes two rounds, but each pair waits for
//! the pair before it: one message at a time leaves the unit idle for a quarter (Intel) to a half (AMD) of the time.
//! This kernel hashes `N` messages side by side, which fills it, and then spares the unit what it can:
//!
//! ```text
//! for each row (nonces whose last two symbols run from 00 to 99, to ff …):
//!     1. when another word of the message has changed: what all nonces share    stretch, packed.rs
//!     2. the part of the varying word (or two) that the row shares
//!     for N nonces at a time:                                                   rounds.rs
//!         3. word = the row's part ^ table[last two symbols]
//!         4. the other rounds; for sha256d the second hash, without what does not reach its top word
//! ```
//!
//! `rounds.rs` holds the ideas that save instructions; `docs/kernels-sha-ni.md` what was measured.

use std::{
    arch::x86_64::{_mm_set1_epi32, _mm_sha256rnds2_epu32},
    hint::black_box,
};

use crate::{
    kernel::{Hits, Prepared, Scan, ceiling::Ceiling, quads::counts, stretch::Stretch, symbols::LowSymbols},
    puzzle::ByteOrder,
};

mod packed;
mod rounds;

use packed::{Packed, Row};
use rounds::{Rounds, ScanRow};

/// Nonces of a row, about: enough for its own word to cost nothing, few enough for their table to stay in the cache.
const ROW: u64 = 100;

/// The kernel bound, with `N` lanes.
struct ShaNi<'p, const N: usize> {
    stretch: Stretch<'p>,
    packed: Option<Packed>,
    table: Vec<u64>,
    scan_row: ScanRow,
}

/// Binds the kernel with `N` nonces side by side.
///
/// # Safety
/// The processor must have SHA, SSE4.1 and SSSE3, as long as the result lives.
#[allow(unsafe_code)]
pub(in crate::kernel) unsafe fn bind<const N: usize>(prepared: &Prepared) -> Option<Box<dyn Scan + '_>> {
    let hashed_twice = prepared.is_hashed_twice()?;
    let stretch = stretch(prepared);
    let header = hashed_twice
        && prepared.blocks.len() == 1
        && prepared.test.order == ByteOrder::Little
        && (stretch.first, stretch.words) == (3, 1);
    Some(Box::new(ShaNi::<N> {
        packed: None,
        table: packed::table(&stretch, &stretch.low, N - 1),
        scan_row: if header {
            rounds::header_row::<N>
        } else {
            Rounds::<N>::ROWS[stretch.words - 1][stretch.first]
        },
        stretch,
    }))
}

/// Rows of two symbols, unless those stand in two blocks.
fn stretch(prepared: &Prepared) -> Stretch<'_> {
    let two = Stretch::new(prepared, LowSymbols::of(prepared, ROW));
    if two.straddles {
        Stretch::new(prepared, LowSymbols::of(prepared, 1))
    } else {
        two
    }
}

impl<const N: usize> Scan for ShaNi<'_, N> {
    fn scan(&mut self, midstates: &[[u32; 8]], first: u64, count: u64, hits: &mut Hits) -> u64 {
        let mut tested = 0;
        while tested < count {
            let nonce = first + tested;
            if self.stretch.enter(midstates, nonce) {
                self.packed = Some(Packed::of(&self.stretch));
            }
            let packed = self.packed.as_ref().expect("the first stretch is new");
            let at = nonce % self.stretch.low.span();
            let row = Row {
                first: nonce,
                count: (self.stretch.low.span() - at).min(count - tested) as usize,
                shared: packed::pair(&self.stretch, self.stretch.uniform),
                entries: &self.table[at as usize..],
            };
            // SAFETY: `bind`'s caller vouched for SHA, SSE4.1 and SSSE3.
            #[allow(unsafe_code)]
            let in_row = unsafe { (self.scan_row)(&self.stretch, packed, &row, hits) };
            tested += in_row as u64;
            if hits.is_full() {
                break;
            }
        }
        tested
    }
}

/// The bound of this kernel: the rate of the SHA unit.
///
/// `sha256rnds2` alone is what binds. On an Intel server core (2024; `sha256rnds2` one in 3.0 cycles, latency 4;
/// `sha256msg1` one in 4.0, `sha256msg2` one in 2.0) two `sha256rnds2` with one of each other take 6.1 cycles, so the
/// schedule's instructions do not compete with it, within 2 %.
pub(in crate::kernel) const CEILING: Ceiling = Ceiling {
    operations: CHAINS as u64,
    turns: independent_rounds,
    operations_per_hash: |prepared| Some(f64::from(counts(prepared, &stretch(prepared))?[0])),
};

/// Enough to hide the latency of four at one in two cycles, and to spare.
const CHAINS: usize = 8;

/// # Safety
/// The processor must have SHA.
#[allow(unsafe_code)]
#[target_feature(enable = "sha,sse2")]
unsafe fn independent_rounds(turns: u64) {
    let (constant, mut chains) = black_box((_mm_set1_epi32(7), [_mm_set1_epi32(1); CHAINS]));
    for _ in 0..turns {
        for chain in &mut chains {
            *chain = _mm_sha256rnds2_epu32(*chain, constant, constant);
        }
    }
    black_box(chains);
}
