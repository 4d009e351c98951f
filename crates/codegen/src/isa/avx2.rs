//! AVX2: eight lanes, no rotate, no function of three, 16 registers.
//!
//! A rotation is two shifts and an exclusive or. What the missing instructions allow to save, this saves: the exclusive
//! or of a and b that the majority needs is that of b and c a round later, and is kept; halves of rotations are summed
//! before they are shifted further, so that a schedule function needs two registers; words come from memory, where
//! loading is free. One stream fills the units: its longest chain is 9 operations a round, its work 19 cycles' worth.

use super::Emitter;
use crate::{
    op::{Lines, Op},
    operand::{Class, EAX, EDI, Operand, Register},
    rounds::File,
    schedule::{InMemory, Step},
};

/// A stream of AVX2 instructions.
pub struct Avx2 {
    file: File,
    /// a ^ b of the last round: that of round t is in `kept[t % 2]`. A round later it is b ^ c.
    kept: [Register; 2],
}

impl Avx2 {
    /// A stream in all sixteen registers.
    pub fn new() -> Self {
        Self {
            file: File::new(Class::Ymm, 0, 0),
            kept: [14, 15].map(|i| Register::new(Class::Ymm, i)),
        }
    }

    /// The operand, spread over `temp` if it is a scalar.
    fn spread(&self, out: &mut Lines, y: Operand, temp: Register) -> Operand {
        if matches!(y, Operand::Broadcast(_)) {
            self.load(out, temp, y);
            return temp.into();
        }
        y
    }
}

fn right(out: &mut Lines, to: Register, x: Register, by: u32) {
    out.push(Op::ShiftRight.to(to, [x.into(), by.into()]));
}

fn left(out: &mut Lines, to: Register, x: Register, by: u32) {
    out.push(Op::ShiftLeft.to(to, [x.into(), by.into()]));
}

fn xor(out: &mut Lines, to: Register, x: Register, y: impl Into<Operand>) {
    out.push(Op::Xor.to(to, [x.into(), y.into()]));
}

fn and(out: &mut Lines, to: Register, x: Register, y: Register) {
    out.push(Op::And.to(to, [x.into(), y.into()]));
}

impl Emitter for Avx2 {
    fn file(&self) -> &File {
        &self.file
    }

    fn add(&self, out: &mut Lines, to: Register, x: Register, y: Operand, temp: Register) {
        let y = self.spread(out, y, temp);
        out.push(Op::Add.to(to, [x.into(), y]));
    }

    fn big_sigma(&self, out: &mut Lines, to: Register, x: Register, by: [u32; 3], [s, t]: [Register; 2]) {
        right(out, to, x, by[0]);
        left(out, s, x, 32 - by[0]);
        right(out, t, x, by[1]);
        xor(out, to, to, s);
        left(out, s, x, 32 - by[1]);
        xor(out, t, t, s);
        right(out, s, x, by[2]);
        xor(out, to, to, t);
        left(out, t, x, 32 - by[2]);
        xor(out, s, s, t);
        xor(out, to, to, s);
    }

    fn choose(&self, out: &mut Lines, to: Register, [e, f, g]: [Register; 3]) {
        xor(out, to, f, g);
        and(out, to, to, e);
        xor(out, to, to, g);
    }

    fn majority(&self, out: &mut Lines, to: Register, [_, b, _]: [Register; 3], t: usize) {
        let [now, before] = [self.kept[t % 2], self.kept[(t + 1) % 2]];
        and(out, before, before, now);
        xor(out, to, before, b);
    }

    fn before_majority(&self, out: &mut Lines, [a, b]: [Register; 2], t: usize) {
        xor(out, self.kept[t % 2], a, b);
    }

    fn keep(&self, t: usize) -> Lines {
        let mut out = Lines::new();
        let [b, c] = [1, 2].map(|role| self.file.role(role, t));
        xor(&mut out, self.kept[(t + 1) % 2], b, c);
        out
    }

    fn step(&self, step: &Step) -> Lines {
        step.in_memory(self)
    }

    fn at_most(&self, out: &mut Lines, x: Register, span: Operand, temp: Register) {
        // There is only a signed comparison: x is at most the span if it is the lesser of the two.
        let span = self.spread(out, span, temp);
        out.push(Op::Minimum.to(temp, [x.into(), span]));
        out.push(Op::Equal.to(x, [x.into(), temp.into()]));
        out.push(Op::SignMask.to(EAX, [x.into()]));
    }

    fn rotate(&self, out: &mut Lines, to: Register, x: Register, by: u32) {
        right(out, to, x, by);
    }

    fn function(&self, out: &mut Lines, to: Register, [x, y]: [Register; 2]) {
        xor(out, to, x, y);
    }

    fn fill(&self, out: &mut Lines, to: Register) {
        let lowest = Register::new(Class::Xmm, to.number);
        out.push(Op::MoveWord.to(lowest, [EDI.into()]));
        out.push(Op::Broadcast.to(to, [lowest.into()]));
    }
}

impl InMemory for Avx2 {
    fn small_sigma(&self, out: &mut Lines, to: Register, x: Operand, by: [u32; 3], temp: Register) {
        // ((x >> c ^ x) >> b ^ x) >> a, and the same to the left for the two rotations.
        let mut rights = by;
        rights.sort_unstable();
        let mut lefts = [32 - by[0], 32 - by[1]];
        lefts.sort_unstable();
        self.load(out, temp, x);
        right(out, to, temp, rights[2] - rights[1]);
        xor(out, to, to, temp);
        right(out, to, to, rights[1] - rights[0]);
        xor(out, to, to, temp);
        right(out, to, to, rights[0]);
        left(out, temp, temp, lefts[1] - lefts[0]);
        xor(out, temp, temp, x);
        left(out, temp, temp, lefts[0]);
        xor(out, to, to, temp);
    }
}
