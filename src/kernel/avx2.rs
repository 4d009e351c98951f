//! AVX2: eight lanes, for processors with neither AVX-512 nor the SHA instructions (Intel from Haswell to Comet Lake).
//!
//! *In:* a [`Work`]. *Out:* the nonces whose top word passes.
//!
//! The driver is that of [`lanes`](super::lanes), batch and memory included: the assembly takes a batch's vectors as
//! [`PARTS`] parts of eight lanes, one after the other.

use std::sync::OnceLock;

use super::{
    Hits, Implementation,
    lanes::{self, BATCH},
};
use crate::work::Work;

pub(super) mod ceiling;
mod code;

/// Lanes of a vector.
const LANES: usize = 8;
/// Parts of a batch.
const PARTS: usize = BATCH / LANES;

pub(super) static KERNEL: Implementation = Implementation {
    name: "avx2",
    about: "AVX2, batches of 32 nonces, 8 lanes at a time",
    lanes: BATCH as u64,
    supported: || is_x86_feature_detected!("avx2"),
    scan,
    scan_midstates: None,
    self_test: OnceLock::new(),
};

/// See [`Scan`](super::Scan).
///
/// # Safety
/// The processor must have AVX2.
#[allow(unsafe_code)]
#[target_feature(enable = "avx2")]
unsafe fn scan(work: &Work, first: u64, count: u64, hits: &mut Hits) -> u64 {
    lanes::scan(work, first, count, hits, |context, call| {
        // SAFETY: the caller vouches for the features; the driver has prepared the context for its calls.
        unsafe { code::run_parts(context, call) }
    })
}
