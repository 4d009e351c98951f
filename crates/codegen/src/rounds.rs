//! One round of one stream whose words lie in lanes.
//!
//! The eight state words stay in eight registers; instead of moving them down by one after each round, their *names*
//! move: see [`File::role`].

use crate::{
    isa::Emitter,
    op::Lines,
    operand::{Class, Operand, Register, Slot},
};
use paydirt_sha256::BIG_SIGMA;

/// The registers of one stream, and which part of each word in memory is its own.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// The state.
    pub state: [Register; 8],
    /// For rounds.
    pub temps: [Register; 3],
    /// For the schedule, so that it can be merged with rounds.
    pub schedule: [Register; 3],
    /// The stream's vector in each word.
    pub part: usize,
}

impl File {
    /// Fourteen registers of this class, from `first` on.
    pub fn new(class: Class, first: u8, part: usize) -> Self {
        let from = |start: usize| move |i: usize| Register::new(class, first + (start + i) as u8);
        Self {
            state: std::array::from_fn(from(0)),
            temps: std::array::from_fn(from(8)),
            schedule: std::array::from_fn(from(11)),
            part,
        }
    }

    /// The register that holds state word `role` (0 is a, 7 is h) when round `t` begins. What was a is b a round later,
    /// and so on; the new a is made in h's register and the new e in d's.
    pub fn role(&self, role: usize, t: usize) -> Register {
        self.state[(role + 64 - t) % 8]
    }
}

/// What becomes of h and d before a round.
#[derive(Clone, Copy, Debug)]
pub enum Inputs {
    /// Both vary: they are in their registers, and K (with the word, where that is uniform) is added to h.
    Varying { k: Operand },
    /// Both are uniform: only the sums h + K and d + h + K (with the word, where that is uniform) are needed.
    Uniform { h_k: Operand, d_h_k: Operand },
    /// All is uniform but the word: a and e are these sums plus the word.
    FirstWord { a: Operand, e: Operand },
}

/// Which of its two results a round must deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Results {
    Both,
    OnlyA,
    OnlyE,
}

/// A round: FIPS 180-4 §6.2.2, step 3.
pub struct Round {
    pub t: usize,
    pub inputs: Inputs,
    /// The word, where it varies.
    pub word: Option<Operand>,
    pub results: Results,
}

impl Round {
    /// ```text
    /// h' = h + K + w + Σ1(e) + Ch(e, f, g)      e = d + h'      a = h' + Σ0(a) + Maj(a, b, c)
    /// ```
    /// K, w and Ch are added first: the path from one e to the next is a rotation, an exclusive or and two additions.
    pub fn emit(&self, isa: &dyn Emitter) -> Lines {
        let file = isa.file();
        let [a, b, c, d, e, f, g, h] = std::array::from_fn(|role| file.role(role, self.t));
        let [t0, t1, t2] = file.temps;
        let mut out = Lines::new();
        match self.inputs {
            Inputs::FirstWord { a, e } => {
                isa.load(&mut out, t0, self.word.expect("the first varying word"));
                isa.add(&mut out, d, t0, e, d);
                isa.add(&mut out, h, t0, a, h);
                return out;
            }
            Inputs::Varying { k } => {
                isa.add(&mut out, h, h, k, t0);
                isa.big_sigma(&mut out, t0, e, BIG_SIGMA[1], [t1, t2]);
                isa.choose(&mut out, t1, [e, f, g]);
                if let Some(word) = self.word {
                    isa.add(&mut out, h, h, word, t2);
                }
                isa.add(&mut out, h, h, t1.into(), t2);
                isa.add(&mut out, h, h, t0.into(), t2);
                if self.results != Results::OnlyA {
                    isa.add(&mut out, d, d, h.into(), t2);
                }
            }
            Inputs::Uniform { h_k, d_h_k } => {
                isa.big_sigma(&mut out, t0, e, BIG_SIGMA[1], [t1, t2]);
                isa.choose(&mut out, t1, [e, f, g]);
                if let Some(word) = self.word {
                    isa.add(&mut out, t1, t1, word, t2);
                }
                isa.add(&mut out, t0, t0, t1.into(), t2);
                isa.add(&mut out, d, t0, d_h_k, d);
                isa.add(&mut out, h, t0, h_k, h);
            }
        }
        if self.results != Results::OnlyE {
            isa.before_majority(&mut out, [a, b], self.t);
            isa.big_sigma(&mut out, t0, a, BIG_SIGMA[0], [t1, t2]);
            isa.majority(&mut out, t1, [a, b, c], self.t);
            isa.add(&mut out, h, h, t1.into(), t2);
            isa.add(&mut out, h, h, t0.into(), t2);
        }
        out
    }
}

/// The stream's vector of word `t`, where `pointer` points at word `base` of a schedule.
pub fn word(file: &File, pointer: Register, t: usize, base: usize) -> Slot {
    crate::layout::part(crate::layout::WORDS.near(pointer, base, t), file.part)
}
