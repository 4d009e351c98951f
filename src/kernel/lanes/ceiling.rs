//! The operations that the vector kernels' assembly takes, as its generator counted them.

use super::{
    layout::{LABELS, TOP_BIG, TOP_LITTLE},
    plan::Plan,
    symbols::LowSymbols,
};
use crate::work::Work;

/// Vector operations by class. Moves, loads and stores take no slot of the vector units and are not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kernel) struct Operations {
    pub(in crate::kernel) rotates: u32,
    pub(in crate::kernel) logic: u32,
    pub(in crate::kernel) adds: u32,
    pub(in crate::kernel) others: u32,
    /// All instructions, those not counted above among them.
    pub(in crate::kernel) instructions: u32,
}

impl Operations {
    /// Those that take a slot.
    pub(in crate::kernel) const fn total(self) -> u32 {
        self.rotates + self.logic + self.adds + self.others
    }
}

/// What one run through each piece takes, and through the body that the pieces share.
pub(in crate::kernel) struct Counts {
    pub(in crate::kernel) pieces: [Operations; LABELS],
    pub(in crate::kernel) body: Operations,
    /// Nonces that one run tests.
    pub(in crate::kernel) hashes: u32,
}

impl Counts {
    /// The pieces of assembly that a batch runs through, and their operations; only for shapes done in one call.
    pub(in crate::kernel) fn operations_per_hash(&self, work: &Work) -> Option<f64> {
        if work.rolled.is_some() {
            return None; // fewer than the plain header's: the schedule is shared
        }
        let pieces = Plan::new(work, &LowSymbols::of(work)).pieces()?;
        let operations: u32 = pieces.iter().map(|piece| self.pieces[*piece].total()).sum();
        // Every block runs the body once between its rounds 32 and 47; a digest once more.
        let bodies: u32 = pieces
            .iter()
            .map(|piece| u32::from(!matches!(*piece, TOP_BIG | TOP_LITTLE)))
            .sum();
        Some(f64::from(operations + bodies * self.body.total()) / f64::from(self.hashes))
    }
}

/// The probe of a vector kernel: its counts, and the loop that issues its mix of operations, both as its generator wrote
/// them into the files that begin with the kernel's name. `$hashes` is how many nonces one run through a piece tests.
macro_rules! vector_probe {
    ($name:literal, $kernel:expr, $hashes:expr) => {
        include!(concat!(env!("OUT_DIR"), "/", $name, ".rs"));

        static COUNTS: Counts = Counts {
            pieces: PIECE_OPERATIONS,
            body: BODY_OPERATIONS,
            hashes: $hashes as u32,
        };

        pub(in crate::kernel) static PROBE: Probe = Probe {
            kernel: $name,
            supported: $kernel.supported,
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
        /// The processor must have the kernel's instructions.
        #[allow(unsafe_code)]
        #[unsafe(naked)]
        unsafe extern "sysv64" fn spin(times: u64) {
            core::arch::naked_asm!(
                include_str!(concat!(env!("OUT_DIR"), "/", $name, "_ceiling.s")),
                options(raw)
            )
        }
    };
}

pub(in crate::kernel) use vector_probe;
