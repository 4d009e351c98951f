//! What varies in a block, and its rounds and schedule steps as far as they are known.

use crate::{
    isa::Emitter,
    op::Lines,
    operand::{Operand, RCX, Slot},
    rounds::{self, Inputs, Results, Round},
    schedule::Step,
};
use paydirt_sha256 as sha256;

/// What is known of a word of the schedule.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Word {
    Known(u32),
    Uniform,
    Varying,
}

/// Rounds and steps of one block, as far as they are known.
pub struct Block {
    pub words: [Word; 64],
    /// The word at which `rcx` points.
    pub base: usize,
    /// The last round.
    pub last: usize,
    /// How many rounds the schedule is ahead: 1 or 2.
    pub ahead: usize,
}

impl Block {
    /// A block whose words all vary.
    pub fn varying(base: usize, last: usize, ahead: usize) -> Self {
        let words = [Word::Varying; 64];
        Self {
            words,
            base,
            last,
            ahead,
        }
    }

    fn slot(&self, t: usize, isa: &dyn Emitter) -> Slot {
        rounds::word(isa.file(), RCX, t, self.base)
    }

    /// Word `t` in memory, if it varies. Any multiple of 16 may be added to t and the base.
    pub fn word(&self, t: usize, isa: &dyn Emitter) -> Option<Operand> {
        (self.words[t] == Word::Varying).then(|| self.slot(t, isa).into())
    }

    /// The step that makes word `t`; `sum` are its uniform terms.
    pub fn step(&self, t: usize, isa: &dyn Emitter, sum: Option<Operand>) -> Lines {
        isa.step(&Step {
            t,
            two_back: self.word(t - 2, isa),
            seven_back: self.word(t - 7, isa),
            fifteen_back: self.word(t - 15, isa),
            sixteen_back: self.word(t - 16, isa),
            sum,
            store: self.slot(t, isa),
            needed_again: t + 7 <= self.last || self.ahead > 1,
        })
    }

    /// A round; its word, if that varies, comes from a register if it can.
    pub fn round(&self, t: usize, isa: &dyn Emitter, inputs: Inputs, results: Results) -> Lines {
        let word = self.word(t, isa).map(|word| match isa.recent(t) {
            Some(recent) if t >= 16 && self.ahead <= 1 => recent.into(),
            _ => word,
        });
        let round = Round {
            t,
            inputs,
            word,
            results,
        };
        round.emit(isa)
    }

    /// Word 14 or 15 to where the first step of the schedule looks for it.
    pub fn load_recent(&self, t: usize, isa: &dyn Emitter) -> Lines {
        let mut out = Lines::new();
        if let (Some(recent), Some(word)) = (isa.recent(t), self.word(t, isa)) {
            isa.load(&mut out, recent, word);
        }
        out
    }
}

/// Follows the words of a block through the schedule.
pub fn follow(mut words: [Word; 64]) -> [Word; 64] {
    for t in 16..64 {
        let sources = [words[t - 2], words[t - 7], words[t - 15], words[t - 16]];
        words[t] = if sources.contains(&Word::Varying) {
            Word::Varying
        } else {
            known_terms(&words, t).map_or(Word::Uniform, Word::Known)
        };
    }
    words
}

/// Which words of the schedule vary when words `first` to `first + count - 1` of a block do, a bit each.
pub fn varying_words(first: usize, count: usize) -> u64 {
    let mut words = [Word::Uniform; 64];
    words[first..first + count].fill(Word::Varying);
    let varies = follow(words).map(|word| u64::from(word == Word::Varying));
    (0..64).fold(0, |mask, t| mask | varies[t] << t)
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
