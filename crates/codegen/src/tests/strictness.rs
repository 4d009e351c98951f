//! The interpreter takes only what a processor would, and nothing whose outcome depends on what ran before.

use super::driver::Context;
use crate::{
    interpret::{Call, Machine},
    layout::Entry,
    op::{Instruction, Op},
    operand::{Class, Operand, RDI, Register, Slot},
    programs,
};

fn zmm(number: u8) -> Register {
    Register::new(Class::Zmm, number)
}

fn at(bytes: i32) -> Slot {
    Slot::at(RDI, bytes)
}

/// Why a machine with 128 bytes at `rdi` does not take these.
fn refusal(lines: &[Instruction]) -> String {
    let mut memory = [0; 128];
    let mut machine = Machine::new(vec![&mut memory]);
    machine.set(RDI, Machine::address(0, 0));
    machine
        .run(lines)
        .map_or_else(|fault| fault.to_string(), |()| String::new())
}

#[test]
fn what_a_processor_would_not_take_is_a_fault() {
    let load = Op::Move.to(zmm(1), [at(0).into()]);
    let add = |x: u8, y: Operand| Op::Add.to(zmm(3), [zmm(x).into(), y]);
    for (lines, expected) in [
        (vec![load, add(1, at(64).into())], ""),
        (vec![load, add(1, Operand::Broadcast(at(124)))], ""),
        (
            vec![add(1, at(64).into())],
            "number: 1 } is read, but not written",
        ),
        (
            vec![load, add(1, zmm(2).into())],
            "number: 2 } is read, but not written",
        ),
        (
            vec![Op::Ternary.to(zmm(1), [zmm(1).into(), zmm(1).into(), 0x96.into()])],
            "not written",
        ),
        (
            vec![Op::Move.to(zmm(1), [Slot::at(crate::operand::R9, 0).into()])],
            "not written",
        ),
        (vec![load, add(1, at(65).into())], "outside of memory"),
        (
            vec![load, add(1, Operand::Broadcast(at(125)))],
            "outside of memory",
        ),
        (vec![Op::Move.to(zmm(1), [at(-64).into()])], "outside of memory"),
        (vec![Op::Move.to(zmm(1), [at(32).into()])], "not aligned"),
        (vec![load, Op::Move.to(at(16), [zmm(1).into()])], "not aligned"),
        (
            vec![load, Op::Call.to(zmm(1), [zmm(1).into()])],
            "no such instruction",
        ),
    ] {
        let refusal = refusal(&lines);
        assert!(
            refusal.contains(expected) && refusal.is_empty() == expected.is_empty(),
            "{refusal}"
        );
    }
}

#[test]
fn calls_that_no_program_has_are_faults() {
    for program in programs() {
        let call = |entry: usize| Call {
            entry,
            then: Entry::Return.index(),
            next: Entry::Return.index(),
            sums: None,
        };
        let run = |part, entry| program.run(&mut Context::new().0, part, call(entry));
        assert!(run(0, Entry::Return.index()).is_ok());
        // Beyond the jump table; sums that are missing; a part that no word has.
        assert!(run(0, Entry::COUNT).is_err());
        assert!(run(0, Entry::Uniform.index()).is_err());
        assert!(run(1000, Entry::Varying.index()).is_err());
    }
}

/// It takes registers as it finds them, and so these are filled first.
#[test]
fn the_loop_that_measures_runs_as_often_as_told() {
    for program in programs() {
        let mut memory = [0; 64];
        let mut machine = Machine::new(vec![&mut memory]);
        machine.set(RDI, Machine::address(0, 0));
        let fill: Vec<_> = (0..32).map(|i| Op::Move.to(zmm(i), [at(0).into()])).collect();
        machine.run(&fill).unwrap();
        machine.set(RDI, 3);
        let mut turns = 0;
        let visit = |piece: usize, at: usize| turns += u32::from((piece, at) == (1, 0));
        machine.run_code(&program.ceiling, visit).unwrap();
        assert_eq!(turns, 3, "{}", program.name);
    }
}

/// A masked store leaves the other lanes' bytes as they are, and need not be aligned.
#[test]
fn a_masked_store_writes_its_lanes_alone() {
    let mut memory: [u8; 128] = std::array::from_fn(|i| i as u8);
    memory[64] = 0b1010_0101;
    let before = memory;
    let mut machine = Machine::new(vec![&mut memory]);
    machine.set(RDI, Machine::address(0, 0));
    let (vector, mask) = (Register::new(Class::Ymm, 3), Register::new(Class::Mask, 1));
    let load = Op::Move.to(vector, [at(96).into()]);
    let store = Op::MoveMasked.to(at(4), [vector.into(), mask.into()]);
    let read_before_written = machine.run(&[load, store]).unwrap_err().to_string();
    assert!(
        read_before_written.contains("not written"),
        "{read_before_written}"
    );
    machine
        .run(&[load, Op::LoadMask.to(mask, [at(64).into()]), store])
        .unwrap();
    for (at, (now, then)) in memory.iter().zip(before).enumerate() {
        let is_written = (4..36).contains(&at) && 0b1010_0101 >> ((at - 4) / 4) & 1 == 1;
        let expected = if is_written { before[96 + at - 4] } else { then };
        assert_eq!(*now, expected, "byte {at}");
    }
}
