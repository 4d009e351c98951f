//! AVX-512: 32 nonces at a time, as two interleaved streams of sixteen lanes.
//!
//! *In:* a [`Work`]. *Out:* the nonces whose top word passes.
//!
//! The hashing itself is assembly that `build/` writes (its modules explain the shape; `docs/kernels.md` has the figures
//! and what lost); this file and its modules prepare what the assembly finds in memory:
//!
//! ```text
//! once a scan      which bytes vary, the pieces of assembly to run         plan
//! once a stretch   the high symbols, the blocks and rounds before the
//!                  first varying word, sums of uniform schedule terms      context
//! once a batch     the varying words, from a table of low symbols          symbols
//!                  the call                                                code
//! ```
//!
//! A stretch is the nonces that differ only in their last few symbols: 10,000 for decimal, 4,096 for hexadecimal and
//! 65,536 for binary nonces. Everything that they share is computed once, in scalar code.

use std::sync::OnceLock;

use super::{Hits, Implementation};
use crate::work::Work;

pub(super) mod ceiling;
mod code;
mod context;
#[allow(dead_code)] // some of it is the generator's
mod layout;
mod plan;
mod roll;
mod symbols;

use context::Context;
use layout::{LANES, STREAMS};
use plan::Plan;
use symbols::LowSymbols;

/// Nonces of a batch.
const BATCH: usize = STREAMS * LANES;

pub(super) static KERNEL: Implementation = Implementation {
    name: "avx512",
    about: "AVX-512, two interleaved streams of 16 lanes",
    lanes: BATCH as u64,
    supported: || is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw"),
    scan,
    scan_midstates: Some(roll::scan_midstates),
    self_test: OnceLock::new(),
};

/// Tests nonces 32 at a time. See [`Kernel::scan`](super::Kernel::scan).
///
/// # Safety
/// The processor must have AVX-512 F and BW.
#[allow(unsafe_code)]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn scan(work: &Work, first: u64, count: u64, hits: &mut Hits) -> u64 {
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
            // SAFETY: the caller vouches for the features; the plan's pieces find what they need in the context, which
            // was prepared for them.
            let mut mask = unsafe { plan.run(&mut context) };
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
