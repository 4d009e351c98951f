//! The rounds from the first varying word to 31: written out, because most of what they add is uniform or known.

use super::Generator;
use crate::{
    block::{Block, Word, follow, known_terms},
    layout::Scalar,
    merge::spread,
    op::Lines,
    operand::Operand,
    program::Piece,
    rounds::{Inputs, Results},
    target::Tuning,
};
use paydirt_sha256::{self as sha256, K};

/// Where the scalars of the first rounds come from.
#[derive(Clone, Copy)]
pub enum Before {
    /// The driver's, at run time.
    Driver,
    /// The state before round 0, known now.
    Known([u32; 8]),
}

/// A scalar, in every lane.
pub fn scalar(scalar: Scalar) -> Operand {
    Operand::Broadcast(scalar.slot())
}

/// What the driver provides for the round `after` rounds after the first varying one, which is number `t`.
fn inputs(t: usize, after: usize) -> Inputs {
    match after {
        0 => Inputs::FirstWord {
            a: scalar(Scalar::FirstA),
            e: scalar(Scalar::FirstE),
        },
        1..=3 => Inputs::Uniform {
            h_k: scalar(Scalar::HKw(after)),
            d_h_k: scalar(Scalar::DHKw(after)),
        },
        _ => Inputs::Varying {
            k: scalar(Scalar::Kw(t)),
        },
    }
}

impl Generator {
    /// Rounds from the first varying word up to 31, less how far the schedule is ahead.
    pub fn written_out(&mut self, piece: &mut Piece, words: [Word; 64], before: Before) {
        let Tuning { ahead, slack, .. } = self.target.tuning;
        let block = Block {
            words: follow(words),
            base: 16,
            last: 63,
            ahead,
        };
        let first = words
            .iter()
            .position(|w| *w == Word::Varying)
            .expect("a word varies");
        // State words that stay uniform for some rounds after the first: they are in registers, a, b, e and f.
        for role in [0, 1, 4, 5] {
            let operand = match before {
                Before::Driver => scalar(Scalar::State(role)),
                Before::Known(state) => self.pool.constant(state[role]),
            };
            piece.push(self.target.streams(|isa| {
                let mut out = Lines::new();
                isa.load(&mut out, isa.file().role(role, first), operand);
                out
            }));
        }
        piece.push(self.target.streams(|isa| isa.keep(first + 1)));
        for t in [14, 15] {
            piece.push(self.target.streams(|isa| block.load_recent(t, isa)));
        }
        let mut next_step = 16;
        for t in first..32 - ahead {
            let mut steps = Vec::new();
            while next_step <= t + ahead {
                if block.words[next_step] == Word::Varying {
                    steps.push((next_step, self.uniform_terms(&block.words, next_step)));
                }
                next_step += 1;
            }
            let inputs = match before {
                Before::Driver => inputs(t, t - first),
                Before::Known(state) => self.known_inputs(t, t - first, block.words[t], &state),
            };
            piece.push(self.target.streams(|isa| {
                let steps = steps
                    .iter()
                    .flat_map(|(t, sum)| block.step(*t, isa, *sum))
                    .collect();
                spread(block.round(t, isa, inputs, Results::Both), steps, slack)
            }));
        }
    }

    /// The uniform terms of word `t`; none where they are known to be zero, or where nothing is uniform.
    fn uniform_terms(&mut self, words: &[Word; 64], t: usize) -> Option<Operand> {
        match known_terms(words, t) {
            Some(0) => None,
            Some(value) => Some(self.pool.constant(value)),
            None => Some(scalar(Scalar::Sum(t))),
        }
    }

    /// The same as [`inputs`], computed now: a block after a known state has no uniform words.
    fn known_inputs(&mut self, t: usize, after: usize, word: Word, state: &[u32; 8]) -> Inputs {
        let kw = match word {
            Word::Known(value) => K[t].wrapping_add(value),
            Word::Uniform | Word::Varying => K[t],
        };
        match after {
            0 => {
                let mut next = *state;
                sha256::round(&mut next, kw);
                Inputs::FirstWord {
                    a: self.pool.constant(next[0]),
                    e: self.pool.constant(next[4]),
                }
            }
            1..=3 => {
                let h_k = state[7 - after].wrapping_add(kw);
                Inputs::Uniform {
                    h_k: self.pool.constant(h_k),
                    d_h_k: self.pool.constant(h_k.wrapping_add(state[3 - after])),
                }
            }
            _ => Inputs::Varying {
                k: self.pool.constant(kw),
            },
        }
    }
}
