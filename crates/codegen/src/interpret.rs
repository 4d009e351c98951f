//! Runs instructions as a processor would, on any machine.
//!
//! *In:* code, memory, registers. *Out:* memory and registers, or the [`Fault`] at the first instruction that a processor
//! would not take, or whose outcome would depend on what ran before: reading a register that nothing has written,
//! memory outside of what was given, a vector load or store off its alignment.

mod vectors;

use std::{collections::HashMap, fmt};

use crate::{
    layout::{LANES, SCALARS},
    op::{Instruction, Op},
    operand::{Class, EAX, Label, Operand, R8, R9, RCX, RDI, RDX, RSI, Register, Slot},
    program::{Code, Program},
};

/// Why code could not go on, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(String);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

fn fault<T>(what: impl Into<String>) -> Result<T, Fault> {
    Err(Fault(what.into()))
}

/// Every lane of the widest register; those above a narrower one are zero.
type Vector = [u32; 16];

/// Memory regions begin at multiples of this.
const REGION: u64 = 1 << 32;
/// The regions of a program.
const CONTEXT: usize = 0;
const POOL: usize = 1;
const TABLE: usize = 2;
const SUMS: usize = 3;
const TABLE_START: u64 = (TABLE as u64 + 1) * REGION;
/// Code is as far from the table as a signed 32-bit number reaches, the pieces this far apart.
const CODE: u64 = TABLE_START + (1 << 30);
const PIECE_BYTES: u64 = 64;
/// More than any code here runs through; a loop that never ends is a fault.
const MOST_INSTRUCTIONS: u64 = 100_000_000;

/// The address of a piece of code.
fn address_of(piece: usize) -> u64 {
    CODE + PIECE_BYTES * piece as u64
}

/// A processor: registers, and memory in up to a few regions.
#[derive(Debug)]
pub struct Machine<'a> {
    vectors: [Vector; 32],
    general: [u64; 16],
    masks: [u64; 8],
    zero: bool,
    /// The registers that have been written, a bit each.
    written: [u32; 3],
    memory: Vec<&'a mut [u8]>,
    labels: HashMap<Label, u64>,
    executed: u64,
}

impl<'a> Machine<'a> {
    /// A machine with this memory; no register is written yet.
    pub fn new(memory: Vec<&'a mut [u8]>) -> Self {
        Self {
            vectors: [[0; 16]; 32],
            general: [0; 16],
            masks: [0; 8],
            zero: false,
            written: [0; 3],
            memory,
            labels: HashMap::new(),
            executed: 0,
        }
    }

    /// The address of a byte of a region of memory.
    pub fn address(region: usize, byte: usize) -> u64 {
        (region as u64 + 1) * REGION + byte as u64
    }

    /// Writes a general register.
    pub fn set(&mut self, register: Register, value: u64) {
        self.mark(register);
        self.general[usize::from(register.number)] = value;
    }

    /// Runs instructions that do not jump.
    pub fn run(&mut self, lines: &[Instruction]) -> Result<(), Fault> {
        for (at, line) in lines.iter().enumerate() {
            self.step(line)
                .map_err(|error| Fault(format!("{error} at {at}: {line:?}")))?;
        }
        Ok(())
    }

    /// Runs code from its beginning to its last return.
    pub(crate) fn run_code(&mut self, code: &Code, mut visit: impl FnMut(usize, usize)) -> Result<(), Fault> {
        for (i, piece) in code.pieces.iter().enumerate() {
            self.labels
                .extend(piece.label.map(|label| (label, address_of(i))));
        }
        let (mut piece, mut at) = (0, 0);
        let mut calls = Vec::new();
        loop {
            let Some(line) = code.pieces.get(piece).map(|piece| piece.code().get(at)) else {
                return fault("the end of the code");
            };
            let Some(line) = line else {
                (piece, at) = (piece + 1, 0);
                continue;
            };
            let place = move |error| {
                Fault(format!(
                    "{error} in {:?} at {at}: {line:?}",
                    code.pieces[piece].label
                ))
            };
            visit(piece, at);
            at += 1;
            match line.op {
                Op::Call => {
                    calls.push((piece, at));
                    (piece, at) = (self.target(line).map_err(place)?, 0);
                }
                Op::JumpIfNotZero if self.zero => {}
                Op::Jump | Op::JumpIfNotZero => (piece, at) = (self.target(line).map_err(place)?, 0),
                Op::Return => match calls.pop() {
                    Some(back) => (piece, at) = back,
                    None => return Ok(()),
                },
                _ => self.step(line).map_err(place)?,
            }
            self.executed += 1;
            if self.executed > MOST_INSTRUCTIONS {
                return fault("no end");
            }
        }
    }

    /// The piece to which a jump or call goes.
    fn target(&self, line: &Instruction) -> Result<usize, Fault> {
        let address = match line.from[0] {
            Some(Operand::Register(register)) => self.general(register)?,
            Some(Operand::Label(label)) => self.label(label)?,
            _ => return fault("nowhere to go"),
        };
        match address.checked_sub(CODE) {
            Some(distance) if distance % PIECE_BYTES == 0 => Ok((distance / PIECE_BYTES) as usize),
            _ => fault("no code there"),
        }
    }

    fn label(&self, label: Label) -> Result<u64, Fault> {
        match self.labels.get(&label) {
            Some(address) => Ok(*address),
            None => fault(format!("no label {label:?}")),
        }
    }

    fn mark(&mut self, register: Register) {
        self.written[file(register)] |= 1 << register.number;
    }

    fn check(&self, register: Register) -> Result<usize, Fault> {
        match self.written[file(register)] >> register.number & 1 {
            1 => Ok(usize::from(register.number)),
            _ => fault(format!("{register:?} is read, but not written")),
        }
    }

    fn general(&self, register: Register) -> Result<u64, Fault> {
        let value = self.general[self.check(register)?];
        Ok(if register.class == Class::Word {
            value & 0xffff_ffff
        } else {
            value
        })
    }

    fn locate(&self, slot: Slot) -> Result<u64, Fault> {
        let index = match slot.index {
            Some(index) => 4 * self.general(index)?,
            None => 0,
        };
        Ok(self
            .general(slot.base)?
            .wrapping_add_signed(slot.bytes.into())
            .wrapping_add(index))
    }

    /// The bytes at a slot, `align` saying of what their address must be a multiple.
    fn bytes(&mut self, slot: Slot, count: usize, align: u64) -> Result<&mut [u8], Fault> {
        let address = self.locate(slot)?;
        if address % align != 0 {
            return fault(format!("{slot:?} is not aligned"));
        }
        let start = (address % REGION) as usize;
        let region = (address / REGION)
            .checked_sub(1)
            .and_then(|region| self.memory.get_mut(region as usize));
        match region.and_then(|region| region.get_mut(start..start + count)) {
            Some(bytes) => Ok(bytes),
            None => fault(format!("{slot:?} is outside of memory, by address {address:#x}")),
        }
    }

    fn word(&mut self, slot: Slot) -> Result<u32, Fault> {
        let bytes = self.bytes(slot, 4, 1)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn load(&mut self, slot: Slot, class: Class, align: u64) -> Result<Vector, Fault> {
        let mut vector = [0; 16];
        let bytes = self.bytes(slot, class.bytes(), align)?;
        for (lane, bytes) in vector.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *lane = u32::from_le_bytes(*bytes);
        }
        Ok(vector)
    }

    /// The value of a vector operand.
    fn vector(&mut self, operand: Option<Operand>, class: Class) -> Result<Vector, Fault> {
        match operand {
            Some(Operand::Register(register)) => Ok(self.vectors[self.check(register)?]),
            Some(Operand::Slot(slot)) => self.load(slot, class, 1),
            Some(Operand::Broadcast(slot)) => Ok([self.word(slot)?; 16]),
            _ => fault("a vector is wanted"),
        }
    }

    fn write(&mut self, to: Register, mut value: Vector) {
        value[to.class.lanes()..].fill(0);
        self.vectors[usize::from(to.number)] = value;
        self.mark(to);
    }

    /// Runs one instruction that does not jump.
    fn step(&mut self, line: &Instruction) -> Result<(), Fault> {
        match line.to {
            Some(Operand::Register(to)) if to.class.bytes() >= Class::Xmm.bytes() => {
                let value = self.vector_result(line, to)?;
                if matches!(
                    line.op,
                    Op::Sha256Rounds | Op::Sha256Message1 | Op::Sha256Message2
                ) {
                    self.vectors[usize::from(to.number)][..4].copy_from_slice(&value[..4]);
                } else {
                    self.write(to, value);
                }
                Ok(())
            }
            Some(Operand::Register(to)) if line.op == Op::Exchange => {
                let Some(Operand::Register(other)) = line.from[0] else {
                    return fault("two registers are wanted");
                };
                let (to, other) = (self.check(to)?, self.check(other)?);
                self.general.swap(to, other);
                Ok(())
            }
            Some(Operand::Register(to)) => {
                let value = self.scalar_result(line, to)?;
                match to.class {
                    Class::Mask => self.masks[usize::from(to.number)] = value,
                    _ => self.general[usize::from(to.number)] = value,
                }
                self.mark(to);
                Ok(())
            }
            Some(Operand::Slot(slot)) => self.store(line, slot),
            None if line.op == Op::ZeroUpper => {
                self.vectors[..16]
                    .iter_mut()
                    .for_each(|vector| vector[4..].fill(0));
                Ok(())
            }
            _ => fault("no such instruction"),
        }
    }

    fn store(&mut self, line: &Instruction, slot: Slot) -> Result<(), Fault> {
        if let (Op::ExtractWord, [Some(Operand::Register(from)), Some(Operand::Constant(lane)), _]) =
            (line.op, line.from)
        {
            let word = self.vectors[self.check(from)?][lane as usize % 4];
            self.bytes(slot, 4, 1)?.copy_from_slice(&word.to_le_bytes());
            return Ok(());
        }
        if let (Op::MoveMasked, [Some(Operand::Register(from)), Some(Operand::Register(mask)), _]) =
            (line.op, line.from)
        {
            let value = self.vectors[self.check(from)?];
            let lanes = self.masks[self.check(mask)?];
            let bytes = self.bytes(slot, from.class.bytes(), 1)?;
            for (i, bytes) in bytes.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                if lanes >> i & 1 == 1 {
                    *bytes = value[i].to_le_bytes();
                }
            }
            return Ok(());
        }
        let (Op::Move, Some(Operand::Register(from))) = (line.op, line.from[0]) else {
            return fault("no such store");
        };
        let value = self.vectors[self.check(from)?];
        let size = from.class.bytes();
        let bytes = self.bytes(slot, size, size as u64)?;
        for (bytes, lane) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(value) {
            *bytes = lane.to_le_bytes();
        }
        Ok(())
    }

    /// What goes into a general register or a mask.
    fn scalar_result(&mut self, line: &Instruction, to: Register) -> Result<u64, Fault> {
        let [first, second, _] = line.from;
        Ok(match (line.op, first) {
            (Op::LoadAddress, Some(Operand::Label(label))) => self.label(label)?,
            (Op::LoadAddress, Some(Operand::Slot(slot))) => self.locate(slot)?,
            (Op::LoadSigned, Some(Operand::Slot(slot))) => i64::from(self.word(slot)? as i32) as u64,
            (Op::LoadMask, Some(Operand::Slot(slot))) => u64::from(self.word(slot)? & 0xffff),
            (Op::Move, Some(Operand::Register(from))) => self.general(from)?,
            (Op::Move, Some(Operand::Slot(slot))) => {
                let bytes = self.bytes(slot, 8, 1)?;
                u64::from_le_bytes(std::array::from_fn(|i| bytes[i]))
            }
            (Op::Advance, Some(Operand::Register(by))) => self.general(to)?.wrapping_add(self.general(by)?),
            (Op::Advance, Some(Operand::Constant(by))) => self.general(to)?.wrapping_add(by.into()),
            (Op::Decrement, None) => {
                let value = self.general(to)?.wrapping_sub(1);
                self.zero = value == 0;
                value
            }
            (Op::MaskToWord, Some(Operand::Register(mask))) => self.masks[self.check(mask)?] & 0xffff_ffff,
            (Op::JoinMasks, Some(Operand::Register(high))) => {
                let Some(Operand::Register(low)) = second else {
                    return fault("two masks are wanted");
                };
                (self.masks[self.check(high)?] & 0xffff) << 16 | self.masks[self.check(low)?] & 0xffff
            }
            (Op::SignMask, Some(Operand::Register(from))) => {
                let value = self.vectors[self.check(from)?];
                mask(from.class, |lane| value[lane] >> 31 == 1)
            }
            (Op::Compare, Some(Operand::Register(from))) if line.from[2] == Some(Operand::Constant(2)) => {
                let (x, y) = (self.vector(first, from.class)?, self.vector(second, from.class)?);
                mask(from.class, |lane| x[lane] <= y[lane])
            }
            _ => return fault("no such instruction"),
        })
    }
}

/// Which set of registers.
fn file(register: Register) -> usize {
    match register.class {
        Class::General | Class::Word => 0,
        Class::Mask => 1,
        Class::Xmm | Class::Ymm | Class::Zmm => 2,
    }
}

fn mask(class: Class, passes: impl Fn(usize) -> bool) -> u64 {
    (0..class.lanes()).fold(0, |mask, lane| mask | u64::from(passes(lane)) << lane)
}

/// One call of a program. Its memory is laid out as [`layout`](crate::layout) says, and must hold what the pieces read.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The piece to begin with, an index of [`layout::Entry`](crate::layout::Entry).
    pub entry: usize,
    /// The piece after a block.
    pub then: usize,
    /// The piece after a digest.
    pub next: usize,
    /// Sums of round constant and word, for a block of uniform words.
    pub sums: Option<&'a [u32; 64]>,
}

impl Program {
    /// Makes one call of the kernel's assembly on the context in `memory`, as a processor with its instructions would.
    /// Returns the mask of lanes that passed, if its last piece was a test.
    ///
    /// A program whose vectors are shorter than the context's words works on the `part`-th of each, from 0 on.
    pub fn run(&self, memory: &mut [u8], part: usize, call: Call<'_>) -> Result<u32, Fault> {
        self.trace(memory, part, call, |_, _| {})
    }

    /// The same, telling of each instruction: the number of its piece, and its own.
    pub(crate) fn trace(
        &self,
        memory: &mut [u8],
        part: usize,
        call: Call<'_>,
        visit: impl FnMut(usize, usize),
    ) -> Result<u32, Fault> {
        let mut pool = self.pool.pattern().to_vec();
        pool.extend(self.pool.words().flat_map(u32::to_le_bytes));
        let from_table = |label| {
            self.code
                .find(label)
                .map_or(0, |piece| (address_of(piece) - TABLE_START) as u32)
        };
        let mut table: Vec<u8> = self
            .table()
            .flat_map(|label| from_table(label).to_le_bytes())
            .collect();
        let mut sums: Vec<u8> = call
            .sums
            .into_iter()
            .flatten()
            .flat_map(|sum| sum.to_le_bytes())
            .collect();
        let mut machine = Machine::new(vec![memory, &mut pool, &mut table, &mut sums]);
        machine.labels.insert(Self::POOL, Machine::address(POOL, 0));
        machine.labels.insert(Self::TABLE, TABLE_START);
        machine.set(RDI, Machine::address(CONTEXT, part * 4 * self.lanes));
        machine.set(RSI, call.entry as u64);
        machine.set(RDX, call.then as u64);
        machine.set(RCX, call.next as u64);
        machine.set(R8, call.sums.map_or(0, |_| Machine::address(SUMS, 0)));
        if self.lanes < LANES {
            machine.set(R9, Machine::address(CONTEXT, SCALARS.offset));
        }
        machine.run_code(&self.code, visit)?;
        Ok(machine.general(EAX)? as u32)
    }
}
