//! Merging must not change what any instruction reads.

use std::collections::{HashMap, HashSet};

use crate::{
    merge::Stream,
    op::{Instruction, Op},
    operand::{Class, Operand, Register, Slot},
};

/// What an instruction may read or write: a register, whatever its width, or 4 bytes of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    General(u8),
    Mask(u8),
    Vector(u8),
    /// From where a register points; memory by way of another register is another's.
    Memory(u8, i32),
}

/// Which instruction: the number of its stream, and its own.
type Origin = (usize, usize);

fn register(register: Register) -> Place {
    match register.class {
        Class::General | Class::Word => Place::General(register.number),
        Class::Mask => Place::Mask(register.number),
        Class::Xmm | Class::Ymm | Class::Zmm => Place::Vector(register.number),
    }
}

fn memory(slot: Slot, bytes: usize) -> impl Iterator<Item = Place> {
    let first = slot.bytes.div_euclid(4);
    (0..bytes.div_ceil(4) as i32).map(move |i| Place::Memory(slot.base.number, first + i))
}

fn slot_bytes(line: &Instruction) -> usize {
    match line.op {
        Op::Broadcast | Op::LoadSigned | Op::ExtractWord => 4,
        Op::MoveQuad | Op::BroadcastQuad => 8,
        Op::InsertUpper => 16,
        Op::LoadMask => 2,
        Op::LoadAddress => 0,
        _ => line.width().map_or(8, Class::bytes),
    }
}

fn reads(line: &Instruction) -> Vec<Place> {
    let mut places = Vec::new();
    let destination = line.to.filter(|_| line.op.reads_destination());
    for operand in destination.into_iter().chain(line.from.into_iter().flatten()) {
        match operand {
            Operand::Register(from) => places.push(register(from)),
            Operand::Slot(slot) => places.extend(memory(slot, slot_bytes(line))),
            Operand::Broadcast(slot) => places.extend(memory(slot, 4)),
            Operand::Constant(_) | Operand::Label(_) => {}
        }
    }
    for operand in line.operands() {
        if let Operand::Slot(slot) | Operand::Broadcast(slot) = operand {
            places.extend([Some(slot.base), slot.index].into_iter().flatten().map(register));
        }
    }
    places
}

fn writes(line: &Instruction) -> Vec<Place> {
    match line.to {
        Some(Operand::Register(to)) => vec![register(to)],
        Some(Operand::Slot(slot)) => memory(slot, slot_bytes(line)).collect(),
        _ => Vec::new(),
    }
}

/// Follows instructions; for each, who wrote what it reads.
#[derive(Default)]
struct Follower(HashMap<Place, Origin>);

impl Follower {
    fn follow(&mut self, line: &Instruction, origin: Origin) -> Vec<Option<Origin>> {
        let sources = reads(line)
            .iter()
            .map(|place| self.0.get(place).copied())
            .collect();
        self.0
            .extend(writes(line).into_iter().map(|place| (place, origin)));
        sources
    }
}

/// What the merging changed, if it did: `origins` says from which stream each instruction is.
pub(super) fn hazard(streams: &[Stream], merged: &[Instruction], origins: &[usize]) -> Option<String> {
    let mut alone = Vec::new();
    // Results that nothing reads, such as those of a loop that only measures, may be lost.
    let lines = || streams.iter().flat_map(|stream| &stream.lines);
    let read: HashSet<_> = lines().flat_map(reads).collect();
    let mut last_writers = HashMap::new();
    for (i, stream) in streams.iter().enumerate() {
        let mut follower = Follower::default();
        let follow = |(at, line)| follower.follow(line, (i, at));
        alone.push(stream.lines.iter().enumerate().map(follow).collect::<Vec<_>>());
        for (place, origin) in follower.0 {
            let other = last_writers.insert(place, origin);
            if let Some((other, _)) = other.filter(|_| read.contains(&place)) {
                return Some(format!("streams {other} and {i} both write {place:?}"));
            }
        }
    }
    let mut taken = vec![0; streams.len()];
    let mut together = Follower::default();
    for (line, &i) in merged.iter().zip(origins) {
        let at = taken[i];
        taken[i] += 1;
        if streams[i].lines.get(at) != Some(line) {
            return Some(format!(
                "instruction {at} of stream {i} is not where it was: {line:?}"
            ));
        }
        let sources = together.follow(line, (i, at));
        if sources != alone[i][at] {
            return Some(format!(
                "instruction {at} of stream {i} reads another value: {line:?}"
            ));
        }
    }
    let complete = streams
        .iter()
        .zip(&taken)
        .all(|(stream, taken)| stream.lines.len() == *taken);
    (!complete).then(|| "instructions are missing".to_owned())
}

/// Every merging that the tests do, those of all programs among them, passes here.
pub(crate) fn assert_merged(streams: &[Stream], merged: &[Instruction], origins: &[usize]) {
    if let Some(hazard) = hazard(streams, merged, origins) {
        panic!("{hazard}");
    }
}
