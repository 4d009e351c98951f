//! AVX-512: 32 nonces at a time, as two interleaved streams of sixteen lanes.
//!
//! *In:* a [`Work`]. *Out:* the nonces whose top word passes.
//!
//! The driver is that of [`lanes`](super::lanes).

use std::sync::OnceLock;

use super::{
    Hits, Implementation,
    lanes::{self, BATCH},
};
use crate::work::Work;

pub(super) mod ceiling;
mod code;
mod roll;

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
    lanes::scan(work, first, count, hits, |context, call| {
        let sums = call.sums.map_or(std::ptr::null(), |sums| sums.as_ptr());
        // SAFETY: the caller vouches for the features; the driver has prepared the context for its calls.
        unsafe { code::run(context, call.entry, call.then, call.next, sums) }
    })
}
