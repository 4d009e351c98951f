//! The bound of this kernel: the rate of the SHA unit.
//!
//! `sha256rnds2` alone is what binds. On an Intel server core (2024; `sha256rnds2` one in 3.0 cycles, latency 4;
//! `sha256msg1` one in 4.0, `sha256msg2` one in 2.0) two `sha256rnds2` with one of each other take 6.1 cycles, so the
//! schedule's instructions do not compete with it, within 2 %.

use std::{
    arch::x86_64::{_mm_set1_epi32, _mm_sha256rnds2_epu32},
    hint::black_box,
};

use super::{KERNEL, plan::Operations};
use crate::kernel::ceiling::Probe;

pub(in crate::kernel) static PROBE: Probe = Probe {
    kernel: "sha-ni",
    supported: KERNEL.supported,
    run,
    operations_per_hash: |work| Some(f64::from(Operations::of(work).rnds2)),
};

/// Enough to hide the latency of four at one in two cycles, and to spare.
const CHAINS: usize = 8;

fn run(operations: u64) -> u64 {
    let loops = operations.div_ceil(CHAINS as u64);
    // SAFETY: `Probe::of` hands out probes whose `supported` holds, and that includes SHA.
    #[allow(unsafe_code)]
    unsafe {
        independent_rounds(loops);
    }
    loops * CHAINS as u64
}

/// # Safety
/// The processor must have SHA.
#[allow(unsafe_code)]
#[target_feature(enable = "sha,sse2")]
unsafe fn independent_rounds(loops: u64) {
    let (constant, mut chains) = black_box((_mm_set1_epi32(7), [_mm_set1_epi32(1); CHAINS]));
    for _ in 0..loops {
        for chain in &mut chains {
            *chain = _mm_sha256rnds2_epu32(*chain, constant, constant);
        }
    }
    black_box(chains);
}
