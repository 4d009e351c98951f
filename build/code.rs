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

/// Instructions of one stream, in order.
pub type Lines = Vec<Instruction>;

/// Spreads `guest` evenly through `host`, keeping the order within each: they share no registers.
pub fn spread(host: Lines, guest: Lines) -> Lines {
    let (hosts, guests) = (host.len(), guest.len());
    let mut out = Lines::with_capacity(hosts + guests);
    let (mut host, mut guest) = (host.into_iter(), guest.into_iter());
    let (mut placed, mut done) = (0, 0);
    while done < hosts || placed < guests {
        // Whichever is further behind its share goes next; the guest where both are level.
        if placed < guests && (done == hosts || placed * hosts <= done * guests) {
            out.extend(guest.next());
            placed += 1;
        } else {
            out.extend(host.next());
            done += 1;
        }
    }
    out
}

/// Alternates streams instruction by instruction.
pub fn interleave(streams: Vec<Lines>) -> Lines {
    let longest = streams.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest)
        .flat_map(|i| streams.iter().filter_map(move |lines| lines.get(i).cloned()))
        .collect()
}

/// A piece of code under one label.
#[derive(Default)]
pub struct Piece {
    pub text: String,
    pub operations: Operations,
}

impl Piece {
    pub fn new(label: &str) -> Self {
        Self {
            text: format!(".p2align 6\n{label}:\n"),
            operations: Operations::default(),
        }
    }

    pub fn push(&mut self, lines: Lines) {
        for line in lines {
            self.operations.count(line.class);
            self.text.push_str(&line.text);
            self.text.push('\n');
        }
    }

    /// Adds scalar instructions, one a line.
    pub fn scalar(&mut self, text: &str) {
        self.push(
            text.lines()
                .map(|line| Instruction {
                    text: line.trim().into(),
                    class: Class::Free,
                })
                .collect(),
        );
    }
}
