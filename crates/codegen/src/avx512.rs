//! AVX-512: sixteen lanes, a rotate, any function of three bits in one instruction, and 32 registers, which are just
//! enough for two streams.

use crate::{
    code::{Class, Instruction, Lines},
    rounds::{Isa, Operand, Register, Registers},
};

pub struct Avx512;

/// Truth tables of `vpternlogd`: bit 4x + 2y + z is the function of the first (destination), second and third operand.
const XOR: u8 = 0x96;
const CHOOSE: u8 = 0xca;
const MAJORITY: u8 = 0xe8;

fn line(out: &mut Lines, class: Class, text: String) {
    out.push(Instruction { text, class });
}

fn z(register: Register) -> String {
    format!("zmm{}", register.0)
}

fn operand(operand: &Operand) -> String {
    match operand {
        Operand::Register(register) => z(*register),
        Operand::Vector(address) => format!("zmmword ptr [{address}]"),
        Operand::Scalar(address) => format!("dword ptr [{address}]{{1to16}}"),
    }
}

fn ternary(out: &mut Lines, to: Register, y: Register, third: Register, table: u8) {
    line(
        out,
        Class::Logic,
        format!("vpternlogd {}, {}, {}, {table:#04x}", z(to), z(y), z(third)),
    );
}

impl Isa for Avx512 {
    fn name(&self) -> &'static str {
        "avx512"
    }

    fn constant_bytes(&self) -> usize {
        4
    }

    fn mix(&self) -> ([usize; 3], u8) {
        ([12, 6, 10], 32)
    }

    fn streams(&self) -> usize {
        2
    }

    fn registers(&self, stream: usize) -> Registers {
        let at = |i: usize| Register((16 * stream + i) as u8);
        Registers {
            state: std::array::from_fn(at),
            temps: [at(8), at(9), at(10)],
            schedule: [at(11), at(12), at(13)],
            recent: Some([at(14), at(15)]),
            kept: None,
        }
    }

    fn big_sigma(&self, out: &mut Lines, to: Register, x: Register, by: [u32; 3], [s, t]: [Register; 2]) {
        for (register, by) in [to, s, t].into_iter().zip(by) {
            line(
                out,
                Class::Rotate,
                format!("vprord {}, {}, {by}", z(register), z(x)),
            );
        }
        ternary(out, to, s, t, XOR);
    }

    fn small_sigma(&self, out: &mut Lines, to: Register, x: Register, by: [u32; 3], [s, t]: [Register; 2]) {
        line(
            out,
            Class::Rotate,
            format!("vprord {}, {}, {}", z(s), z(x), by[0]),
        );
        line(
            out,
            Class::Rotate,
            format!("vprord {}, {}, {}", z(t), z(x), by[1]),
        );
        line(
            out,
            Class::Rotate,
            format!("vpsrld {}, {}, {}", z(to), z(x), by[2]),
        );
        ternary(out, to, s, t, XOR);
    }

    fn small_sigma_of(&self, out: &mut Lines, to: Register, x: &Operand, by: [u32; 3], temps: [Register; 2]) {
        self.load(out, to, x);
        self.small_sigma(out, to, to, by, temps);
    }

    fn rotate(&self, out: &mut Lines, to: Register, x: Register, by: u32) {
        line(out, Class::Rotate, format!("vprord {}, {}, {by}", z(to), z(x)));
    }

    fn fill(&self, out: &mut Lines, to: Register) {
        line(out, Class::Free, format!("vpbroadcastd {}, edi", z(to)));
    }

    fn xor(&self, out: &mut Lines, to: Register, [y, third]: [Register; 2]) {
        ternary(out, to, y, third, XOR);
    }

    fn choose(&self, out: &mut Lines, to: Register, [e, f, g]: [Register; 3]) {
        self.copy(out, to, e);
        ternary(out, to, f, g, CHOOSE);
    }

    fn majority(
        &self,
        out: &mut Lines,
        to: Register,
        [a, b, c]: [Register; 3],
        _kept: Option<[Register; 2]>,
    ) {
        self.copy(out, to, a);
        ternary(out, to, b, c, MAJORITY);
    }

    fn add(&self, out: &mut Lines, to: Register, x: Register, y: &Operand, _temp: Register) {
        line(
            out,
            Class::Add,
            format!("vpaddd {}, {}, {}", z(to), z(x), operand(y)),
        );
    }

    fn copy(&self, out: &mut Lines, to: Register, from: Register) {
        line(out, Class::Free, format!("vmovdqa64 {}, {}", z(to), z(from)));
    }

    fn load(&self, out: &mut Lines, to: Register, from: &Operand) {
        let instruction = match from {
            Operand::Scalar(address) => format!("vpbroadcastd {}, dword ptr [{address}]", z(to)),
            from => format!("vmovdqa64 {}, {}", z(to), operand(from)),
        };
        line(out, Class::Free, instruction);
    }

    fn store(&self, out: &mut Lines, to: &str, from: Register) {
        line(
            out,
            Class::Free,
            format!("vmovdqa64 zmmword ptr [{to}], {}", z(from)),
        );
    }

    fn swap_bytes(&self, out: &mut Lines, x: Register, pattern: &Operand) {
        line(
            out,
            Class::Other,
            format!("vpshufb {0}, {0}, {1}", z(x), operand(pattern)),
        );
    }

    fn subtract(&self, out: &mut Lines, x: Register, y: &Operand, temp: Register) {
        self.load(out, temp, y);
        line(out, Class::Add, format!("vpsubd {0}, {0}, {1}", z(x), z(temp)));
    }

    fn at_most(&self, out: &mut Lines, stream: usize, x: Register, span: &Operand, _temp: Register) {
        // Predicate 2: less than or equal, unsigned.
        line(
            out,
            Class::Other,
            format!("vpcmpud k{}, {}, {}, 2", stream + 1, z(x), operand(span)),
        );
    }

    fn return_lanes(&self) -> &'static str {
        "kunpckwd k1, k2, k1
        kmovd eax, k1
        vzeroupper
        ret"
    }
}
