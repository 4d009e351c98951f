//! What vector instructions compute.

use super::{Fault, Machine, Vector, fault};
use crate::{
    op::{Instruction, Op},
    operand::{Class, Operand, Register},
};

impl Machine<'_> {
    /// What goes into a vector register.
    pub(super) fn vector_result(&mut self, line: &Instruction, to: Register) -> Result<Vector, Fault> {
        let [first, second, third] = line.from;
        let class = to.class;
        // Those with sources of another kind.
        match (line.op, first) {
            // Zero, whatever the register holds.
            (Op::Xor, Some(Operand::Register(_))) if first == second => return Ok([0; 16]),
            (Op::Move, Some(Operand::Slot(slot))) => return self.load(slot, class, class.bytes() as u64),
            (Op::MoveQuad, Some(Operand::Slot(slot))) => {
                let bytes = self.bytes(slot, 8, 1)?;
                let [low, high] = [0, 4].map(|at| u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i])));
                return Ok(lanes(|lane| [low, high].get(lane).copied().unwrap_or(0)));
            }
            (Op::BroadcastQuad, Some(Operand::Slot(slot))) => {
                let bytes = self.bytes(slot, 8, 1)?;
                let halves = [0, 4].map(|at| u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i])));
                return Ok(lanes(|lane| if lane < 4 { halves[lane % 2] } else { 0 }));
            }
            (Op::InsertUpper, Some(Operand::Register(from))) => {
                let lower = self.vectors[self.check(from)?];
                let Some(Operand::Slot(slot)) = second else {
                    return fault("16 bytes of memory are wanted");
                };
                let upper = self.load(slot, Class::Xmm, 1)?;
                return Ok(lanes(|lane| if lane < 4 { lower[lane] } else { upper[lane % 4] }));
            }
            (Op::MoveWord, Some(Operand::Register(from))) => {
                let value = self.general(from)? as u32;
                return Ok(lanes(|lane| if lane == 0 { value } else { 0 }));
            }
            (Op::Broadcast, Some(Operand::Slot(slot))) => return Ok([self.word(slot)?; 16]),
            (Op::Broadcast, Some(Operand::Register(from))) => {
                return Ok(match from.class {
                    Class::Word => [self.general(from)? as u32; 16],
                    _ => [self.vectors[self.check(from)?][0]; 16],
                });
            }
            _ => {}
        }
        let x = self.vector(first, class)?;
        let by = match (second, third) {
            (Some(Operand::Constant(by)), _) | (_, Some(Operand::Constant(by))) => by,
            _ => 0,
        };
        let y = match second {
            None | Some(Operand::Constant(_)) => [0; 16],
            second => self.vector(second, class)?,
        };
        let old = if line.op.reads_destination() {
            self.vectors[self.check(to)?]
        } else {
            [0; 16]
        };
        Ok(match line.op {
            Op::Move => x,
            Op::RotateRight => lanes(|i| x[i].rotate_right(by)),
            Op::ShiftRight => lanes(|i| x[i].checked_shr(by).unwrap_or(0)),
            Op::ShiftLeft => lanes(|i| x[i].checked_shl(by).unwrap_or(0)),
            Op::Xor => lanes(|i| x[i] ^ y[i]),
            Op::And => lanes(|i| x[i] & y[i]),
            Op::Add => lanes(|i| x[i].wrapping_add(y[i])),
            Op::Subtract => lanes(|i| x[i].wrapping_sub(y[i])),
            Op::Minimum => lanes(|i| x[i].min(y[i])),
            Op::Equal => lanes(|i| if x[i] == y[i] { u32::MAX } else { 0 }),
            Op::Ternary => lanes(|i| ternary(by, old[i], x[i], y[i])),
            Op::ShuffleWords => lanes(|i| x[i / 4 * 4 + (by >> (2 * (i % 4)) & 3) as usize]),
            Op::UnpackWordsLow => lanes(|i| [x, y][i % 2][i / 4 * 4 + i % 4 / 2]),
            Op::UnpackWordsHigh => lanes(|i| [x, y][i % 2][i / 4 * 4 + i % 4 / 2 + 2]),
            Op::UnpackLow => lanes(|i| if i % 4 < 2 { x[i] } else { y[i - 2] }),
            Op::UnpackHigh => lanes(|i| if i % 4 < 2 { x[i + 2] } else { y[i] }),
            Op::ShuffleBytes => from_bytes(|i| match byte(&y, i) {
                pattern if pattern >= 0x80 => 0,
                pattern => byte(&x, i / 16 * 16 + usize::from(pattern % 16)),
            }),
            Op::AlignBytes => from_bytes(|i| match i % 16 + by as usize {
                at if at < 16 => byte(&y, i / 16 * 16 + at),
                at if at < 32 => byte(&x, i / 16 * 16 + at - 16),
                _ => 0,
            }),
            Op::Sha256Rounds => sha256_rounds(&old, &x, [y[0], y[1]]),
            Op::Sha256Message1 => {
                let next = [old[1], old[2], old[3], x[0]].map(paydirt_sha256::small_sigma_0);
                lanes(|i| if i < 4 { old[i].wrapping_add(next[i]) } else { 0 })
            }
            Op::Sha256Message2 => {
                let mut w = [x[2], x[3], 0, 0, 0, 0];
                for i in 0..4 {
                    w[i + 2] = old[i].wrapping_add(paydirt_sha256::small_sigma_1(w[i]));
                }
                lanes(|i| if i < 4 { w[i + 2] } else { 0 })
            }
            _ => return fault("no such instruction"),
        })
    }
}

fn lanes(value: impl FnMut(usize) -> u32) -> Vector {
    std::array::from_fn(value)
}

fn byte(vector: &Vector, i: usize) -> u8 {
    vector[i / 4].to_le_bytes()[i % 4]
}

fn from_bytes(byte: impl Fn(usize) -> u8) -> Vector {
    lanes(|lane| u32::from_le_bytes(std::array::from_fn(|i| byte(4 * lane + i))))
}

/// The function that the truth table `table` gives of each bit.
fn ternary(table: u32, x: u32, y: u32, z: u32) -> u32 {
    (0..8)
        .filter(|case| table >> case & 1 == 1)
        .fold(0, |result, case| {
            let same = |value: u32, bit: u32| if case >> bit & 1 == 1 { value } else { !value };
            result | same(x, 2) & same(y, 1) & same(z, 0)
        })
}

/// A B E F after two rounds; a quad's highest lane comes first in its name.
fn sha256_rounds(cdgh: &Vector, abef: &Vector, sums: [u32; 2]) -> Vector {
    let [[f, e, b, a], [h, g, d, c]] = [abef, cdgh].map(|quad| [quad[0], quad[1], quad[2], quad[3]]);
    let mut state = [a, b, c, d, e, f, g, h];
    sums.iter()
        .for_each(|sum| paydirt_sha256::round(&mut state, *sum));
    let [a, b, _, _, e, f, _, _] = state;
    lanes(|lane| [f, e, b, a].get(lane).copied().unwrap_or(0))
}
