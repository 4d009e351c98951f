//! The operations that the assembly takes, as its generator counted them.

use super::{
    layout::{LABELS, ROLL, TOP_BIG, TOP_LITTLE},
    pieces::Pieces,
};
use crate::kernel::{
    Prepared,
    stretch::Stretch,
    symbols::{LowSymbols, MOST_LOW},
};

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
    pub(in crate::kernel) const fn total(self) -> u64 {
        (self.rotates + self.logic + self.adds + self.others) as u64
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
    /// The operations of the pieces that a batch runs through; only for shapes done in one call.
    pub(in crate::kernel) fn operations_per_hash(&self, prepared: &Prepared) -> Option<f64> {
        let stretch = Stretch::new(prepared, LowSymbols::of(prepared, MOST_LOW));
        let pieces = Pieces::of(prepared, &stretch)?;
        let pieces = match prepared.rolled.is_some_and(|rolled| rolled.fills_batches()) {
            true => pieces.of_rolled(),
            false => pieces.of_one_call(),
        }?;
        let operations: u64 = pieces.iter().map(|piece| self.pieces[*piece].total()).sum();
        // Every block runs the body once between its rounds 32 and 47, a digest once more; not the one without a schedule.
        let bodies = pieces
            .iter()
            .filter(|piece| ![TOP_BIG, TOP_LITTLE, ROLL].contains(piece));
        let operations = operations + bodies.count() as u64 * self.body.total();
        Some(operations as f64 / f64::from(self.hashes))
    }
}
