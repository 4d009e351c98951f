//! Assembly text, counted by class of operation.

use std::ops::{Add, AddAssign, Mul};

/// What an instruction asks of the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A vector rotate or shift.
    Rotate,
    /// A bitwise function.
    Logic,
    /// A 32-bit addition.
    Add,
    /// Any other vector operation that takes an execution slot: shuffle, compare.
    Other,
    /// Loads, stores, register moves, scalar code: they take no slot of the vector units.
    Free,
}

/// One instruction.
#[derive(Clone, Debug)]
pub struct Instruction {
    pub text: String,
    pub class: Class,
}

/// Operations by class, and instructions in all, of one piece of code for all its streams together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operations {
    pub rotates: u32,
    pub logic: u32,
    pub adds: u32,
    pub others: u32,
    pub instructions: u32,
}

impl Operations {
    pub fn count(&mut self, class: Class) {
        self.instructions += 1;
        match class {
            Class::Rotate => self.rotates += 1,
            Class::Logic => self.logic += 1,
            Class::Add => self.adds += 1,
            Class::Other => self.others += 1,
            Class::Free => {}
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

impl AddAssign for Operations {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Mul<u32> for Operations {
    type Output = Self;

    fn mul(self, times: u32) -> Self {
        (0..times).fold(Self::default(), |sum, _| sum + self)
    }
}

/// How far the second stream is behind the first, in instructions, so that one rotates while the
/// other adds.
const LAG: usize = 7;

/// Instructions of one stream, in order.
pub type Lines = Vec<Instruction>;

/// Merges two lists that share no registers, keeping the order within each, so that both make progress evenly (one may
/// be ahead of the other by `slack` of its length) and rotates, which some processors can start only one of a cycle,
/// come as evenly as they can.
pub fn spread(host: Lines, guest: Lines, slack: f64) -> Lines {
    let total = (host.len() + guest.len()) as f64;
    let is_rotate = |line: &Instruction| line.class == Class::Rotate;
    let share = host.iter().chain(&guest).filter(|line| is_rotate(line)).count() as f64 / total;
    let mut out = Lines::with_capacity(host.len() + guest.len());
    let (mut h, mut g, mut debt) = (0, 0, 0.0);
    while h < host.len() || g < guest.len() {
        let ahead = h as f64 / host.len() as f64 - g as f64 / guest.len().max(1) as f64;
        let take_host = match (host.get(h), guest.get(g)) {
            (Some(_), None) => true,
            (None, _) => false,
            (Some(_), Some(_)) if ahead.abs() > slack => ahead < 0.0,
            (Some(x), Some(y)) if is_rotate(x) != is_rotate(y) => is_rotate(x) == (debt <= 0.0),
            _ => ahead <= 0.0,
        };
        let line = if take_host { &host[h] } else { &guest[g] };
        debt += f64::from(u8::from(is_rotate(line))) - share;
        out.push(line.clone());
        *(if take_host { &mut h } else { &mut g }) += 1;
    }
    out
}

/// Alternates streams instruction by instruction, each `lag` instructions behind the one before.
pub fn interleave(streams: &[Lines], lag: usize) -> Lines {
    let longest = streams.iter().map(Vec::len).max().unwrap_or(0) + lag * streams.len();
    let at = |i: usize| {
        let line = move |(stream, lines): (usize, &Lines)| lines.get(i.checked_sub(lag * stream)?).cloned();
        streams.iter().enumerate().filter_map(line).collect::<Vec<_>>()
    };
    (0..longest).flat_map(at).collect()
}

/// A piece of code under one label.
#[derive(Default)]
pub struct Piece {
    pub text: String,
    /// Code of the streams that is not yet interleaved.
    streams: Vec<Lines>,
    pub operations: Operations,
}

impl Piece {
    pub fn new(label: &str) -> Self {
        Self {
            text: format!(".p2align 6\n{label}:\n"),
            streams: Vec::new(),
            operations: Operations::default(),
        }
    }

    /// Adds code of each stream; the streams are interleaved up to the next scalar instruction.
    pub fn push(&mut self, streams: Vec<Lines>) {
        self.streams.resize(streams.len(), Lines::new());
        for (lines, more) in self.streams.iter_mut().zip(streams) {
            lines.extend(more);
        }
    }

    fn append(&mut self, lines: Lines) {
        for line in lines {
            self.operations.count(line.class);
            self.text.push_str(&line.text);
            self.text.push('\n');
        }
    }

    /// Adds scalar instructions, one a line.
    pub fn scalar(&mut self, text: &str) {
        let streams = std::mem::take(&mut self.streams);
        self.append(interleave(&streams, LAG));
        let scalar = |line: &str| Instruction {
            text: line.trim().into(),
            class: Class::Free,
        };
        self.append(text.lines().map(scalar).collect());
    }
}
