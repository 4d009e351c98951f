//! AVX-512: sixteen lanes (or fewer, of shorter registers), a rotate, any function of three bits in one instruction, and
//! 32 registers, which are just enough for two streams.

use super::Emitter;
use crate::{
    op::{Lines, Op},
    operand::{Class, EDI, Operand, Register},
    rounds::File,
    schedule::{InRegisters, Step},
};

/// A stream of AVX-512 instructions.
pub struct Avx512 {
    file: File,
    /// The last two words of the schedule: w[t] is in `recent[t % 2]`.
    recent: [Register; 2],
    /// The lanes that passed.
    mask: Register,
}

impl Avx512 {
    /// Stream `part` in the sixteen registers from `first` on, its result in mask `part + 1`.
    pub fn new(class: Class, first: u8, part: usize) -> Self {
        Self {
            file: File::new(class, first, part),
            recent: [14, 15].map(|i| Register::new(class, first + i)),
            mask: Register::new(Class::Mask, part as u8 + 1),
        }
    }
}

/// Truth tables: bit 4x + 2y + z is the function of the first (destination), second and third operand.
const XOR: u32 = 0x96;
const CHOOSE: u32 = 0xca;
const MAJORITY: u32 = 0xe8;

fn ternary(out: &mut Lines, to: Register, [y, z]: [Register; 2], table: u32) {
    out.push(Op::Ternary.to(to, [y.into(), z.into(), table.into()]));
}

impl Emitter for Avx512 {
    fn file(&self) -> &File {
        &self.file
    }

    fn add(&self, out: &mut Lines, to: Register, x: Register, y: Operand, _temp: Register) {
        out.push(Op::Add.to(to, [x.into(), y]));
    }

    fn big_sigma(&self, out: &mut Lines, to: Register, x: Register, by: [u32; 3], [s, t]: [Register; 2]) {
        for (register, by) in [to, s, t].into_iter().zip(by) {
            self.rotate(out, register, x, by);
        }
        ternary(out, to, [s, t], XOR);
    }

    fn choose(&self, out: &mut Lines, to: Register, [e, f, g]: [Register; 3]) {
        self.load(out, to, e.into());
        ternary(out, to, [f, g], CHOOSE);
    }

    fn majority(&self, out: &mut Lines, to: Register, [a, b, c]: [Register; 3], _t: usize) {
        self.load(out, to, a.into());
        ternary(out, to, [b, c], MAJORITY);
    }

    fn recent(&self, t: usize) -> Option<Register> {
        Some(self.recent[t % 2])
    }

    fn step(&self, step: &Step) -> Lines {
        step.in_registers(self, self.recent[step.t % 2])
    }

    fn at_most(&self, out: &mut Lines, x: Register, span: Operand, _temp: Register) {
        out.push(Op::Compare.to(self.mask, [x.into(), span, 2.into()]));
    }

    fn rotate(&self, out: &mut Lines, to: Register, x: Register, by: u32) {
        out.push(Op::RotateRight.to(to, [x.into(), by.into()]));
    }

    fn function(&self, out: &mut Lines, to: Register, others: [Register; 2]) {
        ternary(out, to, others, XOR);
    }

    fn fill(&self, out: &mut Lines, to: Register) {
        out.push(Op::Broadcast.to(to, [EDI.into()]));
    }
}

impl InRegisters for Avx512 {
    fn small_sigma(&self, out: &mut Lines, to: Register, x: Register, by: [u32; 3], [s, t]: [Register; 2]) {
        self.rotate(out, s, x, by[0]);
        self.rotate(out, t, x, by[1]);
        out.push(Op::ShiftRight.to(to, [x.into(), by[2].into()]));
        ternary(out, to, [s, t], XOR);
    }
}
