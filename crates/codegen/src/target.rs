//! The programs' targets: which instruction set, in how many streams, and what is said once a program.

use std::{fmt, str::FromStr};

use crate::{
    isa::{Avx2, Avx512, Emitter},
    layout::SCALARS,
    op::{Lines, Op},
    operand::{Class, EAX, R8, R9, RDI, Register},
    program::{Program, Streams},
    tuned::{Tuned, TunedError},
};

/// What differs from processor to processor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    /// How many rounds the schedule is ahead: 1, its word then comes from a register; or 2.
    pub ahead: usize,
    /// How far a schedule step may run ahead of its round, or behind: see [`spread`](crate::merge::spread).
    pub slack: f64,
    /// How far the second stream is behind the first, in instructions.
    pub lag: usize,
}

impl Tuning {
    /// As `avx512` is shipped.
    pub fn avx512() -> Self {
        Self::shipped(include_str!("../tuned/avx512.txt"))
    }

    /// As `avx2` is shipped.
    pub fn avx2() -> Self {
        Self::shipped(include_str!("../tuned/avx2.txt"))
    }

    fn shipped(text: &str) -> Self {
        text.parse()
            .unwrap_or_else(|error| panic!("tuned/avx*.txt: {error}"))
    }

    /// Whether code can be made of it.
    pub fn is_possible(self) -> bool {
        matches!(self.ahead, 1 | 2) && self.slack >= 0.0
    }
}

impl FromStr for Tuning {
    type Err = TunedError;

    fn from_str(text: &str) -> Result<Self, TunedError> {
        let mut tuned: Tuned = text.parse()?;
        let tuning = Self {
            ahead: tuned.take("ahead")?,
            slack: tuned.take("slack")?,
            lag: tuned.take("lag")?,
        };
        tuned.end()?;
        Ok(tuning)
    }
}

impl fmt::Display for Tuning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ahead, slack, lag } = self;
        writeln!(f, "ahead = {ahead}")?;
        writeln!(f, "slack = {slack}")?;
        writeln!(f, "lag = {lag}")
    }
}

/// What a program is made for.
pub struct Target {
    pub name: &'static str,
    pub streams: Vec<Box<dyn Emitter>>,
    /// A constant is one number, or one for each of so many lanes.
    pub constant_lanes: usize,
    /// How `r8` comes to point at the scalars, and `r9` at the pool.
    pub point: Lines,
    /// What returns the lanes that passed, in `eax`.
    pub return_lanes: Lines,
    /// Operations of a full round and its schedule step: rotates, functions, additions. And how many registers there
    /// are.
    pub mix: ([usize; 3], u8),
    pub tuning: Tuning,
}

impl Target {
    /// Two streams of sixteen lanes.
    pub fn avx512(tuning: Tuning) -> Self {
        let streams = [0, 1].map(|part| Avx512::new(Class::Zmm, 16 * part as u8, part));
        let [low, high] = [1, 2].map(|number| Register::new(Class::Mask, number));
        Self {
            name: "avx512",
            constant_lanes: 1,
            point: vec![
                Op::LoadAddress.to(R9, [Program::POOL.into()]),
                Op::LoadAddress.to(R8, [SCALARS.within(RDI, 0).into()]),
            ],
            return_lanes: vec![
                Op::JoinMasks.to(low, [high.into(), low.into()]),
                Op::MaskToWord.to(EAX, [low.into()]),
                Op::ZeroUpper.of([]),
                Op::Return.of([]),
            ],
            streams: streams.map(|stream| Box::new(stream) as Box<dyn Emitter>).into(),
            mix: ([12, 6, 10], 32),
            tuning,
        }
    }

    /// One stream of eight lanes. Its caller points `rdi` at the part of the context's first vector that it shall work
    /// on, and `r9` at the scalars.
    pub fn avx2(tuning: Tuning) -> Self {
        Self {
            name: "avx2",
            streams: vec![Box::new(Avx2::new())],
            constant_lanes: 8,
            point: vec![
                Op::Move.to(R8, [R9.into()]),
                Op::LoadAddress.to(R9, [Program::POOL.into()]),
            ],
            return_lanes: vec![Op::ZeroUpper.of([]), Op::Return.of([])],
            mix: ([22, 24, 10], 16),
            tuning,
        }
    }

    /// Lanes of a vector.
    pub fn lanes(&self) -> usize {
        self.streams[0].file().state[0].class.lanes()
    }

    /// `lines` for each stream.
    pub fn streams(&self, mut lines: impl FnMut(&dyn Emitter) -> Lines) -> Streams {
        Streams {
            lines: self.streams.iter().map(|stream| lines(&**stream)).collect(),
            lag: self.tuning.lag,
        }
    }
}
