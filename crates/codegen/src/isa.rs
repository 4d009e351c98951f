//! What the rounds need of an instruction set.
//!
//! An [`Emitter`] is an instruction set bound to registers: it writes the instructions of one hash a lane, and any number
//! of streams with registers of their own can be merged. The SHA instructions hold a state in two registers, not in
//! eight, and so have an emitter of their own shape: [`ShaNi`].

mod avx2;
mod avx512;
mod sha_ni;

pub use avx2::Avx2;
pub use avx512::Avx512;
pub use sha_ni::{Lane, SUMS, ShaNi};

use crate::{
    op::{Lines, Op},
    operand::{Operand, Register},
    rounds::File,
    schedule::Step,
};

/// One stream of hashes, a lane each. `to` may be any register, unless said otherwise; other registers are not changed.
pub trait Emitter {
    /// Its registers.
    fn file(&self) -> &File;
    /// `temp` is where a scalar may be spread over the lanes; it may be `to` unless that is `x`.
    fn add(&self, out: &mut Lines, to: Register, x: Register, y: Operand, temp: Register);
    /// The exclusive or of three rotations of `x`; `to` and the temporaries are not `x`.
    fn big_sigma(&self, out: &mut Lines, to: Register, x: Register, by: [u32; 3], temps: [Register; 2]);
    /// `to` is none of the others.
    fn choose(&self, out: &mut Lines, to: Register, efg: [Register; 3]);
    /// `to` is none of the others.
    fn majority(&self, out: &mut Lines, to: Register, abc: [Register; 3], t: usize);
    /// What the majority of round `t` and the next need of its a and b.
    fn before_majority(&self, _out: &mut Lines, _ab: [Register; 2], _t: usize) {}
    /// The same for a round whose b and c did not come from a round.
    fn keep(&self, _t: usize) -> Lines {
        Lines::new()
    }
    /// The register that holds word `t` of the schedule when round `t` begins, where words are kept in registers.
    fn recent(&self, _t: usize) -> Option<Register> {
        None
    }
    /// A step of the schedule.
    fn step(&self, step: &Step) -> Lines;
    /// Remembers the lanes where `x <= span`, unsigned.
    fn at_most(&self, out: &mut Lines, x: Register, span: Operand, temp: Register);

    /// A vector, or a scalar in every lane, into a register.
    fn load(&self, out: &mut Lines, to: Register, from: Operand) {
        out.push(match from {
            Operand::Broadcast(slot) => Op::Broadcast.to(to, [slot.into()]),
            from => Op::Move.to(to, [from]),
        });
    }

    // For measuring.

    /// A single rotation.
    fn rotate(&self, out: &mut Lines, to: Register, x: Register, by: u32);
    /// The instruction of which bitwise functions are made.
    fn function(&self, out: &mut Lines, to: Register, others: [Register; 2]);
    /// The first argument into every lane.
    fn fill(&self, out: &mut Lines, to: Register);
}
