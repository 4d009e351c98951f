//! The kernel for processors with the SHA instructions (Intel since Goldmont and Ice Lake, AMD since Zen).
//!
//! *In:* a [`Prepared`] and a range of nonces. *Out:* the hits. `sha256rnds2` computes two rounds, but each pair waits for
//! the pair before it: one message at a time leaves the unit idle for a quarter (Intel) to three quarters (Zen 3) of the
//! time. This kernel hashes [`LANES`](layout::LANES) messages side by side, and spares the unit what it can:
//!
//! ```text
//! for each row (nonces whose last two symbols run from 00 to 99, to ff …):
//!     1. when another word of the message has changed: what all nonces share    stretch, frame.rs
//!     2. the part of the varying word (or two) that the row shares
//!     for some nonces at a time:                                                the assembly
//!         3. word = the row's part ^ table[last two symbols]
//!         4. the other rounds; for sha256d the second hash, without what does not reach its top word
//! ```
//!
//! A header whose version is rolled is hashed the other way round: a row is a nonce's versions ([`rolled`]).
//!
//! The rounds are assembly that `crates/codegen` writes (`sha_ni.rs` there holds the ideas that save instructions);
//! `docs/kernels-sha-ni.md` has what was measured.

use std::{
    arch::x86_64::{_mm_set1_epi32, _mm_sha256rnds2_epu32},
    ffi::c_void,
    hint::black_box,
    ptr,
};

use paydirt_sha256::INITIAL;

use super::lanes::layout::{
    BLOCK, DIGEST, RETURN, ROLL, SECOND_BIG, SECOND_LITTLE, TOP_BIG, TOP_LITTLE, UNIFORM,
};
use crate::{
    kernel::{
        Hits, Prepared, Scan,
        ceiling::{Ceiling, Demand, Unit},
        stretch::Stretch,
        symbols::LowSymbols,
    },
    puzzle::ByteOrder,
};

mod frame;
mod rolled;
pub(super) mod layout {
    //! Where each value lies, as the generator of the assembly lays it out.
    #![allow(dead_code)] // some of it is the generator's
    include!(concat!(env!("OUT_DIR"), "/sha_ni.rs"));
}

use frame::{Frame, TOP_COUNT, pair, table};
use layout::{LANES, PIECES};
use rolled::Version;

/// Nonces of a row, at least: enough for its own words to cost nothing, few enough for their table to stay in the cache.
const ROW: u64 = 256;

/// The pieces of assembly that test a nonce.
struct Pieces {
    block: usize,
    then: usize,
    /// After the block's digest.
    next: usize,
    /// What ends it: after the block, or after the last of those that follow it.
    last: usize,
    order: ByteOrder,
}

impl Pieces {
    /// `None` when what is hashed after the message is not what the assembly knows.
    fn of(prepared: &Prepared, stretch: &Stretch<'_>) -> Option<Self> {
        let order = prepared.test.order;
        let hashed_twice = prepared.is_hashed_twice()?;
        let last = match (hashed_twice, order) {
            (true, ByteOrder::Big) => SECOND_BIG,
            (true, ByteOrder::Little) => SECOND_LITTLE,
            (false, ByteOrder::Big) => TOP_BIG,
            (false, ByteOrder::Little) => TOP_LITTLE,
        };
        let one_block = stretch.suffix.is_empty();
        Some(Self {
            block: BLOCK + 2 * stretch.first + stretch.words - 1,
            // Of the last rounds only the top word is of interest.
            then: if one_block && !hashed_twice { last } else { DIGEST },
            next: if one_block { last } else { RETURN },
            last,
            order,
        })
    }

    /// Whether there is a piece for it under many midstates: for a header's last block, hashed twice.
    fn can_roll(&self) -> bool {
        self.block == BLOCK + 2 * 3 && self.next == self.last
    }

    /// What the top word lacks.
    fn top_add(&self, chaining: &[u32; 8]) -> u32 {
        let word = match self.order {
            ByteOrder::Big => 0,
            ByteOrder::Little => 7,
        };
        match self.last {
            SECOND_BIG | SECOND_LITTLE => INITIAL[word],
            last if last == self.then => chaining[word],
            _ => 0,
        }
    }
}

/// The kernel bound.
struct ShaNi<'p> {
    stretch: Stretch<'p>,
    pieces: Pieces,
    table: Vec<u64>,
    frame: Box<Frame>,
    top_add: u32,
    /// Of a header's versions, what differs.
    versions: Vec<Version>,
}

/// Binds the kernel.
///
/// # Safety
/// The processor must have SHA, SSE4.1 and SSSE3, as long as the result lives.
#[allow(unsafe_code)]
pub(in crate::kernel) unsafe fn bind(prepared: &Prepared) -> Option<Box<dyn Scan + '_>> {
    let stretch = stretch(prepared);
    Some(Box::new(ShaNi {
        pieces: Pieces::of(prepared, &stretch)?,
        table: table(&stretch, &stretch.low, LANES - 1),
        frame: Box::new(Frame::new()),
        top_add: 0,
        versions: Vec::new(),
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

impl Scan for ShaNi<'_> {
    fn takes(&self, midstates: usize) -> bool {
        midstates == 1 || self.pieces.can_roll() && midstates.is_multiple_of(rolled::FEWEST)
    }

    fn scan(&mut self, midstates: &[[u32; 8]], first: u64, count: u64, hits: &mut Hits) -> u64 {
        if midstates.len() > 1 {
            return self.scan_rolled(midstates, first, count, hits);
        }
        let mut tested = 0;
        while tested < count {
            let nonce = first + tested;
            if self.stretch.enter(midstates, nonce) {
                self.frame.pack(&self.stretch);
                self.top_add = self.pieces.top_add(&self.stretch.starts[0].chaining);
            }
            self.frame.shared = [pair(&self.stretch, self.stretch.uniform); 2];
            let at = nonce % self.stretch.low.span();
            let here = (self.stretch.low.span() - at).min(count - tested) as usize;
            let in_row = self.scan_row(nonce, at as usize, here, hits);
            tested += in_row as u64;
            if hits.is_full() {
                break;
            }
        }
        tested
    }
}

impl ShaNi<'_> {
    /// Tests `count` nonces from `first` on, whose pairs are the table's from `at` on. Returns how many it tested.
    fn scan_row(&mut self, first: u64, at: usize, count: usize, hits: &mut Hits) -> usize {
        // Blocks that follow the varying one are hashed batch by batch.
        let at_a_time = if self.stretch.suffix.is_empty() {
            TOP_COUNT
        } else {
            LANES
        };
        for done in (0..count).step_by(at_a_time) {
            let here = at_a_time.min(count - done);
            self.hash(at + done, here.div_ceil(LANES));
            self.test(first + done as u64, here, hits);
            if hits.is_full() {
                return done + here;
            }
        }
        count
    }

    /// Tests so many top words in the frame; the first is that of `first`.
    #[inline]
    fn test(&self, first: u64, count: usize, hits: &mut Hits) {
        let test = self.stretch.prepared.test;
        let (order, add) = (self.pieces.order, self.top_add);
        let passes = |top: u32| {
            let word = top.wrapping_add(add);
            let word = match order {
                ByteOrder::Big => word,
                ByteOrder::Little => word.swap_bytes(),
            };
            word.wrapping_sub(test.lowest) <= test.span
        };
        let tops = &self.frame.tops[..count];
        if tops.iter().fold(false, |any, top| any | passes(*top)) {
            let passing = tops.iter().enumerate().filter(|(_, top)| passes(**top));
            passing.for_each(|(i, _)| hits.push(first + i as u64));
        }
    }

    /// Hashes so many batches of nonces, whose pairs are the table's from `at` on, and leaves their top words in the frame.
    fn hash(&mut self, at: usize, batches: usize) {
        let (pieces, frame) = (&self.pieces, &mut *self.frame);
        frame.batches = batches as u64;
        assert!(batches * LANES <= TOP_COUNT && at + batches * LANES <= self.table.len());
        let pairs = self.table[at..].as_ptr();
        // SAFETY: `bind`'s caller vouched for SHA, SSE4.1 and SSSE3; the frame is arranged and these pieces may follow each
        // other; there are as many pairs and places for top words as nonces, and as many sums as rounds.
        #[allow(unsafe_code)]
        unsafe {
            run(
                frame,
                pieces.block,
                pieces.then,
                pieces.next,
                ptr::null(),
                pairs.cast(),
            );
            for (i, sums) in self.stretch.suffix.iter().enumerate() {
                let is_last = i + 1 == self.stretch.suffix.len();
                let next = if is_last { pieces.last } else { RETURN };
                run(frame, UNIFORM, RETURN, next, sums.as_ptr(), pairs.cast());
            }
        }
    }
}

/// Runs one piece of the assembly, and those it goes on to: `entry`, `then` and `next` are indices of
/// [`layout`](super::lanes::layout). `sums` points at the 64 sums of constant and word of a uniform block, `pairs` at the
/// lanes' entries of the table; for [`ROLL`], at its sums, and at the lanes' versions.
///
/// # Safety
/// * The processor must have SHA, SSE4.1 and SSSE3.
/// * The frame must hold what the pieces read, and the pointers be valid for them.
/// * The indices must be those of pieces that may follow each other.
#[allow(unsafe_code)]
#[unsafe(naked)]
unsafe extern "sysv64" fn run(
    frame: *mut Frame,
    entry: usize,
    then: usize,
    next: usize,
    sums: *const u32,
    pairs: *const c_void,
) {
    core::arch::naked_asm!(include_str!(concat!(env!("OUT_DIR"), "/sha_ni.s")), options(raw))
}

/// The bound of this kernel: the rate of the SHA unit.
///
/// `sha256rnds2` alone is what binds on Intel's server cores (2024; `sha256rnds2` one in 3.0 cycles, latency 4;
/// `sha256msg1` one in 4.0, `sha256msg2` one in 2.0), where two of it with one of each other take 6.1 cycles. On Zen 3
/// (one a cycle) the schedule's instructions and additions share its units: 53 cycles a compression is the most that was
/// reached, of 32.
pub(in crate::kernel) const CEILING: Ceiling = Ceiling(&[Demand {
    unit: &ROUNDS,
    operations_per_hash: |prepared| Some(f64::from(sha256rnds2_per_hash(prepared)?)),
}]);

/// The SHA unit.
pub(in crate::kernel) static ROUNDS: Unit = Unit {
    name: "sha256rnds2",
    operations: CHAINS as u64,
    turns: independent_rounds,
};

pub(in crate::kernel) fn sha256rnds2_per_hash(prepared: &Prepared) -> Option<u32> {
    let stretch = stretch(prepared);
    let pieces = Pieces::of(prepared, &stretch)?;
    let pairs = |piece: usize| PIECES[piece][0];
    if pieces.can_roll() && prepared.rolled.is_some_and(|rolled| rolled.fills_batches()) {
        return Some(pairs(ROLL) + pairs(pieces.last));
    }
    let further = pairs(UNIFORM) * stretch.suffix.len() as u32;
    Some(pairs(pieces.block) + further + pairs(pieces.last))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_told_in_the_documentation() {
        let of = |pieces: &[usize]| {
            let counts = pieces.iter().map(|piece| PIECES[*piece]);
            counts.fold([0; 3], |sum, count| std::array::from_fn(|i| sum[i] + count[i]))
        };
        let block = |first: usize| BLOCK + 2 * first;
        assert_eq!(of(&[block(3), SECOND_LITTLE]), [60, 19, 22]);
        assert_eq!(of(&[SECOND_LITTLE]), [30, 11, 11]);
        assert_eq!(of(&[block(0)]), [32, 10, 12]);
        assert_eq!(of(&[block(2)]), [31, 9, 12]);
        assert_eq!(of(&[block(5)]), [29, 9, 11]);
        assert_eq!(of(&[block(11)]), [26, 9, 12]);
        assert_eq!(of(&[block(12)]), [26, 10, 12]);
        assert_eq!(of(&[UNIFORM]), [32, 0, 0]);
        assert_eq!(of(&[ROLL, SECOND_LITTLE]), [60, 11, 11]);
    }
}
