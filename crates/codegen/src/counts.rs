//! What the code costs: the loop that measures the processor's issue rate, and the counts of operations.

use std::{iter::Sum, ops::Add};

use crate::{
    layout::Entry,
    merge::{Stream, mix},
    op::{Instruction, Lines, Op, Unit},
    operand::{Label, Operand, RDI, Register},
    program::{Code, Piece, Program},
    target::Target,
};

/// Operations by unit, and instructions in all, of one piece of code for all its streams together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operations {
    pub rotates: u32,
    pub logic: u32,
    pub adds: u32,
    pub others: u32,
    pub instructions: u32,
}

impl Operations {
    pub fn of(instruction: &Instruction) -> Self {
        let unit = instruction.op.unit();
        let is = |other| u32::from(unit == other);
        Self {
            rotates: is(Unit::Rotate),
            logic: is(Unit::Logic),
            adds: is(Unit::Add),
            others: is(Unit::Other),
            instructions: 1,
        }
    }
}

impl Add for Operations {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            rotates: self.rotates + other.rotates,
            logic: self.logic + other.logic,
            adds: self.adds + other.adds,
            others: self.others + other.others,
            instructions: self.instructions + other.instructions,
        }
    }
}

impl Sum for Operations {
    fn sum<I: Iterator<Item = Self>>(operations: I) -> Self {
        operations.fold(Self::default(), Add::add)
    }
}

/// The operations of one run through a piece, with the pieces it calls that are not shared.
pub fn of_piece(code: &Code, piece: usize) -> Operations {
    let called = |instruction: &Instruction| match (instruction.op, instruction.from[0]) {
        (Op::Call, Some(Operand::Label(label))) => code.find(label).filter(|i| !code.pieces[*i].shared),
        _ => None,
    };
    let with_called = |instruction: &Instruction| {
        let inside = called(instruction).map_or(Operations::default(), |i| of_piece(code, i));
        Operations::of(instruction) + inside
    };
    code.pieces[piece].code().iter().map(with_called).sum()
}

/// The loop that is the ceiling.
const LOOP: Label = Label::Named("ceiling");

/// Sixteen rounds with their schedule, no operation waiting for another: `rdi` times.
///
/// Results go to three quarters of the registers in turn, sources are others that nothing writes. Units are spread
/// evenly.
pub fn ceiling(target: &Target) -> Code {
    let isa = &*target.streams[0];
    let class = isa.file().state[0].class;
    let ([rotates, functions, additions], registers) = target.mix;
    let sources = registers / 4;
    let targets = registers - sources;
    let mut next = 0;
    let mut to = || {
        next = (next + 1) % targets;
        Register::new(class, next)
    };
    let source = |i: usize| Register::new(class, targets + (i % usize::from(sources)) as u8);
    let [mut rotating, mut logic, mut adding] = [const { Lines::new() }; 3];
    for i in 0..16 {
        for j in 0..rotates {
            isa.rotate(&mut rotating, to(), source(i + j), 1 + j as u32);
        }
        for j in 0..functions {
            isa.function(&mut logic, to(), [source(i + j), source(i + j + 1)]);
        }
        for j in 0..additions {
            isa.add(
                &mut adding,
                to(),
                source(i + j),
                source(i + j + 3).into(),
                source(0),
            );
        }
    }
    // Defined registers, whatever ran before.
    let mut begin = Piece::new(None);
    let mut fill = Lines::new();
    (0..usize::from(sources)).for_each(|i| isa.fill(&mut fill, source(i)));
    begin.push(fill);
    begin.scalar([]);
    let mut piece = Piece::new(LOOP);
    let others = mix(&[adding, logic].map(Stream::paced));
    piece.push(mix(&[rotating, others].map(Stream::paced)));
    piece.scalar([
        Op::Decrement.to(RDI, []),
        Op::JumpIfNotZero.of([LOOP.into()]),
        Op::ZeroUpper.of([]),
        Op::Return.of([]),
    ]);
    Code {
        pieces: vec![begin, piece],
    }
}

/// The operation counts as Rust constants.
pub fn tables(program: &Program) -> String {
    let show = |o: Operations| {
        format!(
            "Operations {{ rotates: {}, logic: {}, adds: {}, others: {}, instructions: {} }}",
            o.rotates, o.logic, o.adds, o.others, o.instructions
        )
    };
    let body = program.operations(Program::BODY);
    let pieces: Vec<_> = (0..Entry::COUNT)
        .map(|index| show(program.operations(Label::Entry(index))))
        .collect();
    let ceiling = program.ceiling.pieces[1].code().iter();
    let ceiling = ceiling
        .filter(|line| line.width().is_some())
        .map(Operations::of)
        .sum();
    format!(
        "const BODY_OPERATIONS: Operations = {};\nconst CEILING_OPERATIONS: Operations = {};\nconst PIECE_OPERATIONS: [Operations; {}] = [{}];\n",
        show(body),
        show(ceiling),
        pieces.len(),
        pieces.join(", ")
    )
}
