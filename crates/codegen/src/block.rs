//! What varies in a block, and its rounds and schedule steps as far as they are known.

use crate::{
    code::{Lines, Piece},
    layout::*,
    rounds::{Entry, Isa, Operand, Results, Round, Step},
};
use paydirt_sha256 as sha256;

/// How many rounds the schedule is ahead.
pub const AHEAD: usize = 1;

/// How far a schedule step may run ahead of its round, or behind: see [`spread`].
pub const SLACK: f64 = 0.3;

/// What is known of a word of the schedule.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Word {
    Known(u32),
    Uniform,
    Varying,
}

/// Vector `t` of the schedule that `rcx` points into, at word `base`.
pub fn word_address(t: usize, base: usize, stream: usize) -> String {
    let bytes = (t as isize - base as isize) * WORD_BYTES as isize + (LANES * 4 * stream) as isize;
    format!("rcx {} {}", if bytes < 0 { '-' } else { '+' }, bytes.abs())
}

/// Rounds and steps of one block, as far as they are known.
pub struct Block<'a> {
    pub isa: &'a dyn Isa,
    pub words: [Word; 64],
    /// The word at which `rcx` points.
    pub base: usize,
    /// The last round.
    pub last: usize,
}

impl Block<'_> {
    pub fn word(&self, t: usize, stream: usize) -> Operand {
        Operand::Vector(word_address(t, self.base, stream))
    }

    pub fn varying(&self, t: usize, stream: usize) -> Option<Operand> {
        (self.words[t] == Word::Varying).then(|| self.word(t, stream))
    }

    /// The step that makes word `t`; `sum` are its uniform terms.
    pub fn step(&self, t: usize, stream: usize, sum: Option<Operand>) -> Lines {
        let again = t + 7 <= self.last || AHEAD > 1 || self.isa.registers(stream).recent.is_none();
        let step = Step {
            t,
            two_back: self.varying(t - 2, stream),
            seven_back: self.varying(t - 7, stream),
            fifteen_back: self.varying(t - 15, stream),
            sixteen_back: self.varying(t - 16, stream),
            sum,
            store: again.then(|| word_address(t, self.base, stream)),
        };
        step.emit(self.isa, &self.isa.registers(stream))
    }

    /// The operand with which round `t` adds its word.
    pub fn round_word(&self, t: usize, stream: usize) -> Option<Operand> {
        match self.isa.registers(stream).recent {
            Some(recent) if t >= 16 && AHEAD <= 1 && self.words[t] == Word::Varying => {
                Some(Operand::Register(recent[t % 2]))
            }
            _ => self.varying(t, stream),
        }
    }

    /// A round between varying state words.
    pub fn round(&self, t: usize, stream: usize, k: Operand, results: Results) -> Lines {
        let round = Round {
            t,
            entry: Entry::Varying { k },
            word: self.round_word(t, stream),
            results,
        };
        round.emit(self.isa, &self.isa.registers(stream))
    }
}

impl Block<'_> {
    /// Words 14 and 15 to where the first step of the schedule looks for them.
    pub fn load_recent(&self, piece: &mut Piece) {
        for t in [14, 15] {
            if self.words[t] == Word::Varying {
                piece.push(streams(self.isa, |stream| {
                    let mut out = Lines::new();
                    if let Some(recent) = self.isa.registers(stream).recent {
                        self.isa.load(&mut out, recent[t % 2], &self.word(t, stream));
                    }
                    out
                }));
            }
        }
    }
}

/// `lines` for each stream.
pub fn streams(isa: &dyn Isa, lines: impl FnMut(usize) -> Lines) -> Vec<Lines> {
    (0..isa.streams()).map(lines).collect()
}

/// Follows the words of a block through the schedule.
pub fn follow(mut words: [Word; 64]) -> [Word; 64] {
    for t in 16..64 {
        let sources = [words[t - 2], words[t - 7], words[t - 15], words[t - 16]];
        words[t] = if sources.contains(&Word::Varying) {
            Word::Varying
        } else if sources.contains(&Word::Uniform) {
            Word::Uniform
        } else {
            Word::Known(known_terms(&words, t).expect("all are known"))
        };
    }
    words
}

/// The sum of the terms of word `t` that do not vary, if all of them are known.
pub fn known_terms(words: &[Word; 64], t: usize) -> Option<u32> {
    let known = |source: usize, function: &dyn Fn(u32) -> u32| match words[source] {
        Word::Known(value) => Some(function(value)),
        Word::Varying => Some(0),
        Word::Uniform => None,
    };
    let sum = known(t - 2, &|x| sha256::small_sigma_1(x))?
        .wrapping_add(known(t - 7, &|x| x)?)
        .wrapping_add(known(t - 15, &|x| sha256::small_sigma_0(x))?)
        .wrapping_add(known(t - 16, &|x| x)?);
    Some(sum)
}
