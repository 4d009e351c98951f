//! The bound of this kernel: the issue rate of its mix of operations.

use super::KERNEL;
use crate::kernel::{
    ceiling::Probe,
    lanes::{
        BATCH,
        ceiling::{Counts, Operations},
    },
};

include!(concat!(env!("OUT_DIR"), "/avx512.rs"));

static COUNTS: Counts = Counts {
    pieces: PIECE_OPERATIONS,
    body: BODY_OPERATIONS,
    hashes: BATCH as u32,
};

pub(in crate::kernel) static PROBE: Probe = Probe {
    kernel: "avx512",
    supported: KERNEL.supported,
    run,
    operations_per_hash: |work| COUNTS.operations_per_hash(work),
};

fn run(operations: u64) -> u64 {
    let each = u64::from(CEILING_OPERATIONS.total());
    let times = operations.div_ceil(each).max(1);
    // SAFETY: `Probe::of` hands out probes whose `supported` holds; the loop touches only registers.
    #[allow(unsafe_code)]
    unsafe {
        spin(times);
    }
    times * each
}

/// Runs the loop `times` times, at least once.
///
/// # Safety
/// The processor must have AVX-512 F.
#[allow(unsafe_code)]
#[unsafe(naked)]
unsafe extern "sysv64" fn spin(times: u64) {
    core::arch::naked_asm!(
        include_str!(concat!(env!("OUT_DIR"), "/avx512_ceiling.s")),
        options(raw)
    )
}
