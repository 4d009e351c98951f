//! Code as the build script wants it: pieces, constants, jump table.

use crate::{
    counts::{self, Operations},
    layout::Array,
    merge::interleave,
    op::{Instruction, Lines},
    operand::{Label, Operand, R9, RDX, Slot},
    render,
};
use paydirt_sha256::K;

/// Code of streams that are to be merged.
pub struct Streams {
    /// Each one's.
    pub lines: Vec<Lines>,
    /// How far each is behind the one before, in instructions, so that one rotates while the other adds.
    pub lag: usize,
}

impl From<Lines> for Streams {
    /// One stream.
    fn from(lines: Lines) -> Self {
        let lines = vec![lines];
        Self { lines, lag: 0 }
    }
}

/// A piece of code, under a label unless it is what comes first.
#[derive(Clone, Debug)]
pub struct Piece {
    pub label: Option<Label>,
    /// Counted apart from the pieces that call it.
    pub shared: bool,
    code: Lines,
    /// Code of the streams that is not yet merged.
    streams: Vec<Lines>,
    lag: usize,
}

impl Piece {
    pub fn new(label: impl Into<Option<Label>>) -> Self {
        Self {
            label: label.into(),
            shared: false,
            code: Lines::new(),
            streams: Vec::new(),
            lag: 0,
        }
    }

    /// Adds code of each stream; the streams are merged up to the next scalar instruction.
    pub fn push(&mut self, streams: impl Into<Streams>) {
        let Streams { lines, lag } = streams.into();
        self.streams.resize(lines.len(), Lines::new());
        self.lag = lag;
        for (lines, more) in self.streams.iter_mut().zip(lines) {
            lines.extend(more);
        }
    }

    /// Adds scalar instructions.
    pub fn scalar<const N: usize>(&mut self, instructions: [Instruction; N]) {
        self.code
            .extend(interleave(std::mem::take(&mut self.streams), self.lag));
        self.code.extend(instructions);
    }

    /// Adds the instructions of an ending or the like, after what the streams have.
    pub fn end(&mut self, instructions: &[Instruction]) {
        self.scalar([]);
        self.code.extend(instructions);
    }

    /// Its instructions, once all are merged.
    pub fn code(&self) -> &[Instruction] {
        debug_assert!(self.streams.is_empty(), "a piece ends in a scalar instruction");
        &self.code
    }
}

/// Pieces in the order in which they are written; execution begins with the first.
#[derive(Clone, Debug)]
pub struct Code {
    pub pieces: Vec<Piece>,
}

impl Code {
    /// The number of the piece with this label.
    pub fn find(&self, label: Label) -> Option<usize> {
        self.pieces.iter().position(|piece| piece.label == Some(label))
    }
}

/// 32-bit constants that the code addresses relative to `r9`.
#[derive(Clone, Debug)]
pub struct Pool {
    values: Vec<u32>,
    /// One number each, or one for each lane.
    lanes: usize,
}

/// Bytes before the constants: the pattern that swaps the bytes of each word.
const PATTERN_BYTES: usize = 64;

impl Pool {
    /// The constants of all rounds. A constant is one number, or one for each of so many lanes.
    pub fn new(lanes: usize) -> Self {
        let values = K.to_vec();
        Self { values, lanes }
    }

    fn array(&self) -> Array {
        Array {
            offset: PATTERN_BYTES,
            stride: 4 * self.lanes,
        }
    }

    /// A constant at this place.
    fn operand(&self, slot: Slot) -> Operand {
        match self.lanes {
            1 => Operand::Broadcast(slot),
            _ => Operand::Slot(slot),
        }
    }

    /// This value.
    pub fn constant(&mut self, value: u32) -> Operand {
        let at = self.values.iter().position(|v| *v == value).unwrap_or_else(|| {
            self.values.push(value);
            self.values.len() - 1
        });
        self.operand(self.slot(at))
    }

    /// Four constants side by side, aligned.
    pub fn quad(&mut self, quad: [u32; 4]) -> Slot {
        let at = self.values.chunks(4).position(|values| values == quad);
        let at = at.map_or(self.values.len(), |at| 4 * at);
        if at == self.values.len() {
            self.values.extend(quad);
        }
        self.slot(at)
    }

    /// Where constant number `at` lies. The first 64 are those of the rounds.
    pub fn slot(&self, at: usize) -> Slot {
        self.array().within(R9, at)
    }

    /// The constant of round `t`.
    pub fn round_constant(&self, t: usize) -> Operand {
        self.operand(self.slot(t))
    }

    /// The constant of round `t` as seen from `rdx`, which points at that of round `base`.
    pub fn round_from_rdx(&self, t: usize, base: usize) -> Operand {
        self.operand(self.array().near(RDX, base, t))
    }

    /// How far `rdx` moves to go on by so many rounds.
    pub fn rounds(&self, count: usize) -> u32 {
        self.array().distance(count)
    }

    /// Where the pattern is that swaps the bytes of each word.
    pub fn swap_pattern(&self) -> Slot {
        Slot::at(R9, 0)
    }

    /// That pattern.
    pub fn pattern(&self) -> [u8; PATTERN_BYTES] {
        std::array::from_fn(|byte| (byte % 16 / 4 * 4 + 3 - byte % 4) as u8)
    }

    /// The constants as they lie in memory.
    pub fn words(&self) -> impl Iterator<Item = u32> {
        self.values
            .iter()
            .flat_map(|value| std::iter::repeat_n(*value, self.lanes))
    }
}

/// Everything the build writes for one kernel.
#[derive(Clone, Debug)]
pub struct Program {
    /// The kernel's name.
    pub name: &'static str,
    /// Lanes of one of its vectors: it works on that much of each word of a stream.
    pub lanes: usize,
    /// Vectors side by side.
    pub streams: usize,
    /// Whether it is written in SSE's forms, which a processor without AVX has.
    pub is_legacy: bool,
    /// Entries of the jump table, and the one that only returns.
    pub(crate) labels: usize,
    pub(crate) end: usize,
    pub(crate) code: Code,
    pub(crate) pool: Pool,
    pub(crate) ceiling: Code,
}

impl Program {
    pub(crate) const BODY: Label = Label::Named("body");
    pub(crate) const POOL: Label = Label::Named("pool");
    pub(crate) const TABLE: Label = Label::Named("table");

    /// The kernel's assembly. Labels begin with `local`, which keeps them out of the symbol table: `.L`, or `L` for
    /// Mach-O, which would otherwise cut the code into pieces there.
    pub fn assembly(&self, local: &str) -> String {
        render::program(self, local)
    }

    /// The assembly of a loop of the same operations without dependencies: how fast a processor could be at all.
    pub fn ceiling(&self, local: &str) -> String {
        render::code(&self.ceiling, self.name, local)
    }

    /// The counts of operations, as Rust constants.
    pub fn tables(&self) -> String {
        counts::tables(self)
    }

    /// The operations of one run through a piece, with the pieces that it alone calls.
    pub(crate) fn operations(&self, label: Label) -> Operations {
        self.code
            .find(label)
            .map_or(Operations::default(), |i| counts::of_piece(&self.code, i))
    }

    /// The jump table, by the index of the entries. What a program lacks is never asked for, and returns.
    pub(crate) fn table(&self) -> impl Iterator<Item = Label> {
        (0..self.labels).map(|index| match self.code.find(Label::Entry(index)) {
            Some(_) => Label::Entry(index),
            None => Label::Entry(self.end),
        })
    }
}
