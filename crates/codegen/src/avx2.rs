//! AVX2: eight lanes, no rotate, no function of three, 16 registers.
//!
//! A rotation is two shifts and an exclusive or. What the missing instructions allow to save, this saves: the exclusive
//! or of a and b that the majority needs is that of b and c a round later, and is kept; halves of rotations are summed
//! before they are shifted further, so that a schedule function needs two registers; words come from memory, where
//! loading is free. One stream fills the units: its longest chain is 9 operations a round, its work 19 cycles' worth.

use crate::{
    code::{Class, Instruction, Lines},
    rounds::{Isa, Operand, Register, Registers},
};

pub struct Avx2;

fn line(out: &mut Lines, class: Class, text: String) {
    out.push(Instruction { text, class });
}

fn y(register: Register) -> String {
    format!("ymm{}", register.0)
}

fn right(out: &mut Lines, to: Register, x: Register, by: u32) {
    line(out, Class::Rotate, format!("vpsrld {}, {}, {by}", y(to), y(x)));
}

fn left(out: &mut Lines, to: Register, x: Register, by: u32) {
    line(out, Class::Rotate, format!("vpslld {}, {}, {by}", y(to), y(x)));
}

fn logic(out: &mut Lines, name: &str, to: Register, x: Register, operand: String) {
    line(
        out,
        Class::Logic,
        format!("{name} {}, {}, {operand}", y(to), y(x)),
    );
}

/// A vector or register as an operand; scalars have to be spread over a register first.
fn operand(operand: &Operand) -> String {
    match operand {
        Operand::Register(register) => y(*register),
        Operand::Vector(address) => format!("ymmword ptr [{address}]"),
        Operand::Scalar(address) => unreachable!("[{address}] is a scalar"),
    }
}

impl Avx2 {
    /// The operand, spread over `temp` if it is a scalar.
    fn spread(&self, out: &mut Lines, y: &Operand, temp: Register) -> String {
        match y {
            Operand::Scalar(_) => {
                self.load(out, temp, y);
                operand(&Operand::Register(temp))
            }
            y => operand(y),
        }
    }
}

impl Isa for Avx2 {
    fn name(&self) -> &'static str {
        "avx2"
    }

    fn constant_bytes(&self) -> usize {
        32
    }

    fn mix(&self) -> ([usize; 3], u8) {
        ([22, 24, 10], 16)
    }

    fn streams(&self) -> usize {
        1
    }

    fn registers(&self, _stream: usize) -> Registers {
        let at = |i: usize| Register(i as u8);
        Registers {
            state: std::array::from_fn(at),
            temps: [at(8), at(9), at(10)],
            schedule: [at(11), at(12), at(13)],
            recent: None,
            kept: Some([at(14), at(15)]),
        }
    }

    fn big_sigma(&self, out: &mut Lines, to: Register, x: Register, by: [u32; 3], [s, t]: [Register; 2]) {
        right(out, to, x, by[0]);
        left(out, s, x, 32 - by[0]);
        right(out, t, x, by[1]);
        self.xor(out, to, [to, s]);
        left(out, s, x, 32 - by[1]);
        self.xor(out, t, [t, s]);
        right(out, s, x, by[2]);
        self.xor(out, to, [to, t]);
        left(out, t, x, 32 - by[2]);
        self.xor(out, s, [s, t]);
        self.xor(out, to, [to, s]);
    }

    fn small_sigma(&self, _: &mut Lines, _: Register, _: Register, _: [u32; 3], _: [Register; 2]) {
        unreachable!("words are in memory");
    }

    fn small_sigma_of(
        &self,
        out: &mut Lines,
        to: Register,
        x: &Operand,
        by: [u32; 3],
        [s, _]: [Register; 2],
    ) {
        // ((x >> c ^ x) >> b ^ x) >> a, and the same to the left for the two rotations.
        let mut rights = by;
        rights.sort_unstable();
        let mut lefts = [32 - by[0], 32 - by[1]];
        lefts.sort_unstable();
        self.load(out, s, x);
        right(out, to, s, rights[2] - rights[1]);
        self.xor(out, to, [to, s]);
        right(out, to, to, rights[1] - rights[0]);
        self.xor(out, to, [to, s]);
        right(out, to, to, rights[0]);
        left(out, s, s, lefts[1] - lefts[0]);
        logic(out, "vpxor", s, s, operand(x));
        left(out, s, s, lefts[0]);
        self.xor(out, to, [to, s]);
    }

    fn rotate(&self, out: &mut Lines, to: Register, x: Register, by: u32) {
        right(out, to, x, by);
    }

    fn fill(&self, out: &mut Lines, to: Register) {
        line(out, Class::Free, format!("vmovd xmm{}, edi", to.0));
        line(out, Class::Free, format!("vpbroadcastd {}, xmm{}", y(to), to.0));
    }

    fn xor(&self, out: &mut Lines, to: Register, [x, other]: [Register; 2]) {
        logic(out, "vpxor", to, x, y(other));
    }

    fn choose(&self, out: &mut Lines, to: Register, [e, f, g]: [Register; 3]) {
        self.xor(out, to, [f, g]);
        logic(out, "vpand", to, to, y(e));
        self.xor(out, to, [to, g]);
    }

    fn majority(&self, out: &mut Lines, to: Register, [_, b, _]: [Register; 3], kept: Option<[Register; 2]>) {
        let [now, before] = kept.expect("this one keeps them");
        logic(out, "vpand", before, before, y(now));
        self.xor(out, to, [before, b]);
    }

    fn add(&self, out: &mut Lines, to: Register, x: Register, y: &Operand, temp: Register) {
        let y = self.spread(out, y, temp);
        line(out, Class::Add, format!("vpaddd ymm{}, ymm{}, {y}", to.0, x.0));
    }

    fn copy(&self, out: &mut Lines, to: Register, from: Register) {
        line(out, Class::Free, format!("vmovdqa {}, {}", y(to), y(from)));
    }

    fn load(&self, out: &mut Lines, to: Register, from: &Operand) {
        let instruction = match from {
            Operand::Scalar(address) => format!("vpbroadcastd {}, dword ptr [{address}]", y(to)),
            from => format!("vmovdqa {}, {}", y(to), operand(from)),
        };
        line(out, Class::Free, instruction);
    }

    fn store(&self, out: &mut Lines, to: &str, from: Register) {
        line(
            out,
            Class::Free,
            format!("vmovdqa ymmword ptr [{to}], {}", y(from)),
        );
    }

    fn swap_bytes(&self, out: &mut Lines, x: Register, pattern: &Operand) {
        line(
            out,
            Class::Other,
            format!("vpshufb {0}, {0}, {1}", y(x), operand(pattern)),
        );
    }

    fn subtract(&self, out: &mut Lines, x: Register, scalar: &Operand, temp: Register) {
        let scalar = self.spread(out, scalar, temp);
        line(out, Class::Add, format!("vpsubd {0}, {0}, {scalar}", y(x)));
    }

    fn at_most(&self, out: &mut Lines, _stream: usize, x: Register, span: &Operand, temp: Register) {
        // There is only a signed comparison: x is at most the span if it is the lesser of the two.
        let span = self.spread(out, span, temp);
        line(
            out,
            Class::Other,
            format!("vpminud {}, {}, {span}", y(temp), y(x)),
        );
        line(
            out,
            Class::Other,
            format!("vpcmpeqd {0}, {0}, {1}", y(x), y(temp)),
        );
        line(out, Class::Other, format!("vmovmskps eax, {}", y(x)));
    }

    fn return_lanes(&self) -> &'static str {
        "vzeroupper
        ret"
    }
}
