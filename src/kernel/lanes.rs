//! What the vector kernels share: all but the instructions.
//!
//! *In:* a [`Work`]. *Out:* the nonces whose top word passes.
//!
//! The hashing itself is assembly that `build/` writes for each set of instructions (its modules explain the shape;
//! `docs/kernels.md` has the figures and what lost); these modules prepare what the assembly finds in memory:
//!
//! ```text
//! once a scan      which bytes vary, the pieces of assembly to run         plan
//! once a stretch   the high symbols, the blocks and rounds before the
//!                  first varying word, sums of uniform schedule terms      context
//! once a batch     the varying words, from a table of low symbols          symbols
//!                  the call                                                the kernel's own file
//! ```
//!
//! A stretch is the nonces that differ only in their last few symbols: 10,000 for decimal, 4,096 for hexadecimal and
//! 65,536 for binary nonces. Everything that they share is computed once, in scalar code. A batch is always
//! [`BATCH`] nonces; a kernel with shorter vectors takes its parts one after the other.

use super::Hits;
use crate::work::Work;

pub(super) mod ceiling;
pub(super) mod context;
pub(super) mod layout {
    //! Where each value lies, as the generator of the assembly lays it out.
    #![allow(dead_code)] // some of it is the generator's
    include!(concat!(env!("OUT_DIR"), "/layout.rs"));
}
pub(super) mod plan;
pub(super) mod symbols;

use context::Context;
use layout::{LANES, STREAMS};
use plan::{Call, Plan};
use symbols::LowSymbols;

/// Nonces of a batch.
pub(super) const BATCH: usize = STREAMS * LANES;

/// Tests nonces [`BATCH`] at a time. See [`Kernel::scan`](super::Kernel::scan). `run` makes one call of the assembly
/// and returns the mask of the batch's nonces that passed, if its last piece was a test.
///
/// Inlined into each kernel's scan, so that its loops become that kernel's vector instructions.
#[inline(always)]
pub(super) fn scan(
    work: &Work,
    first: u64,
    count: u64,
    hits: &mut Hits,
    run: impl Fn(&mut Context, Call<'_>) -> u32,
) -> u64 {
    let symbols = LowSymbols::of(work);
    let mut plan = Plan::new(work, &symbols);
    let mut context = Context::new();
    let mut tested = 0;
    while tested < count {
        let nonce = first + tested;
        let low = nonce % symbols.span();
        let here = (symbols.span() - low).min(count - tested);
        let lanes = plan.prepare(&mut context, work, nonce - low);
        let mut at = 0;
        while at < here {
            lanes.fill(&mut context, &symbols, (low + at) as u32);
            let mut mask = plan.run(&mut context, &run);
            if mask != 0 {
                if here - at < BATCH as u64 {
                    mask &= (1 << (here - at)) - 1;
                }
                while mask != 0 {
                    hits.push(nonce + at + u64::from(mask.trailing_zeros()));
                    mask &= mask - 1;
                }
                if hits.is_full() {
                    return tested + here.min(at + BATCH as u64);
                }
            }
            at += BATCH as u64;
        }
        tested += here;
    }
    count
}
