//! The bound of this kernel: the issue rate of its mix of operations.

use super::{BATCH, KERNEL, layout::*, plan::Plan, symbols::LowSymbols};
use crate::{kernel::ceiling::Probe, work::Work};

/// Vector operations by class. Moves, loads and stores take no slot of the vector units and are not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operations {
    pub(crate) rotates: u32,
    pub(crate) logic: u32,
    pub(crate) adds: u32,
    pub(crate) others: u32,
    /// All instructions, those not counted above among them.
    pub(crate) instructions: u32,
}

impl Operations {
    /// Those that take a slot.
    pub(crate) const fn total(self) -> u32 {
        self.rotates + self.logic + self.adds + self.others
    }
}

include!(concat!(env!("OUT_DIR"), "/avx512.rs"));

pub(in crate::kernel) static PROBE: Probe = Probe {
    kernel: "avx512",
    supported: KERNEL.supported,
    run,
    operations_per_hash,
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

/// The pieces of assembly that a batch runs through, and their operations; only for shapes done in one call.
fn operations_per_hash(work: &Work) -> Option<f64> {
    if work.rolled.is_some() {
        return None; // fewer than the plain header's: the schedule is shared
    }
    let pieces = Plan::new(work, &LowSymbols::of(work)).pieces()?;
    let operations: u32 = pieces.iter().map(|piece| PIECE_OPERATIONS[*piece].total()).sum();
    // Every block runs the body once between its rounds 32 and 47; a digest once more.
    let bodies: u32 = pieces
        .iter()
        .map(|piece| u32::from(!matches!(*piece, TOP_BIG | TOP_LITTLE)))
        .sum();
    Some(f64::from(operations + bodies * BODY_OPERATIONS.total()) / BATCH as f64)
}
