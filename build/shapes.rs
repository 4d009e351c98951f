//! Which words vary, which rounds are written out, and how the pieces are joined.
//!
//! A word is *known* now, *uniform* (the same in all lanes, known to the driver) or *varying*. Only what varies becomes
//! vector code; what is uniform is a scalar that the driver computes once for thousands of nonces, already summed with
//! its neighbours.
//!
//! ```text
//! block   rounds from the first varying word to 31, written out for each place of the varying words
//!   body    rounds 32 to 47, called
//!     top     rounds 48 to 63 without what the top word does not need, then the test    ► mask of hits
//!     digest  body again, all eight words plus the chaining value, stored               ► return, or:
//!       second  the second hash's rounds 0 to 31, written out; body; top
//! ```
//! Rounds lag [`AHEAD`] behind their schedule, so that a word is ready when its round comes; each piece ends that much
//! early and the next begins there. The hot loop of a double hash is about 4,800 instructions: the body is shared
//! because a loop above about 5,300 no longer fits the op cache of a Zen 5.

use std::fmt::Write as _;

use crate::{
    code::{Class, Instruction, Lines, Operations, Piece, spread},
    layout::*,
    rounds::{Entry, Isa, Operand, Register, Registers, Results, Round, Step},
    sha256::{self, INITIAL, K},
};

/// How many rounds the schedule is ahead.
const AHEAD: usize = 1;

/// How far a schedule step may run ahead of its round, or behind: see [`spread`].
const SLACK: f64 = 0.3;

/// What is known of a word of the schedule.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Known(u32),
    Uniform,
    Varying,
}

/// Everything the build writes.
pub struct Program {
    pub assembly: String,
    /// A loop of the same operations without dependencies: how fast this processor could be at all.
    pub ceiling: String,
    pub tables: String,
}

/// 32-bit constants that the code addresses relative to `r9`.
struct Pool(Vec<u32>);

/// Bytes before the constants: the pattern that swaps the bytes of each word.
const PATTERN_BYTES: usize = 64;

impl Pool {
    fn scalar(&mut self, value: u32) -> Operand {
        let at = self.0.iter().position(|v| *v == value).unwrap_or_else(|| {
            self.0.push(value);
            self.0.len() - 1
        });
        Operand::Scalar(format!("r9 + {}", PATTERN_BYTES + 4 * at))
    }
}

impl Pool {
    /// K of round `t`.
    fn round_constant(&mut self, t: usize) -> Operand {
        self.scalar(K[t])
    }
}

/// A scalar that the driver provides.
fn slot(index: usize) -> Operand {
    Operand::Scalar(format!("r8 + {}", 4 * index))
}

/// Vector `t` of the schedule that `rcx` points into, at word `base`.
fn word_address(t: usize, base: usize, stream: usize) -> String {
    let bytes = (t as isize - base as isize) * WORD_BYTES as isize + (LANES * 4 * stream) as isize;
    format!("rcx {} {}", if bytes < 0 { '-' } else { '+' }, bytes.abs())
}

/// Rounds and steps of one block, as far as they are known.
struct Block<'a> {
    isa: &'a dyn Isa,
    words: [Word; 64],
    /// The word at which `rcx` points.
    base: usize,
    /// The last round.
    last: usize,
}

impl Block<'_> {
    fn word(&self, t: usize, stream: usize) -> Operand {
        Operand::Vector(word_address(t, self.base, stream))
    }

    fn varying(&self, t: usize, stream: usize) -> Option<Operand> {
        (self.words[t] == Word::Varying).then(|| self.word(t, stream))
    }

    /// The step that makes word `t`; `sum` are its uniform terms.
    fn step(&self, t: usize, stream: usize, sum: Option<Operand>) -> Lines {
        let again = t + 7 <= self.last || AHEAD > 1;
        let step = Step {
            t,
            two_back: self.words[t - 2] == Word::Varying,
            seven_back: self.varying(t - 7, stream),
            fifteen_back: self.varying(t - 15, stream),
            sixteen_back: self.varying(t - 16, stream),
            sum,
            store: again.then(|| word_address(t, self.base, stream)),
        };
        step.emit(self.isa, &self.isa.registers(stream))
    }

    /// The operand with which round `t` adds its word.
    fn round_word(&self, t: usize, stream: usize) -> Option<Operand> {
        if t >= 16 && AHEAD <= 1 && self.words[t] == Word::Varying {
            return Some(Operand::Register(self.isa.registers(stream).recent[t % 2]));
        }
        self.varying(t, stream)
    }

    /// A round between varying state words.
    fn round(&self, t: usize, stream: usize, k: Operand, results: Results) -> Lines {
        let round = Round {
            t,
            entry: Entry::Varying { k },
            word: self.round_word(t, stream),
            results,
        };
        round.emit(self.isa, &self.isa.registers(stream))
    }
}

/// `lines` for each stream.
fn streams(isa: &dyn Isa, lines: impl FnMut(usize) -> Lines) -> Vec<Lines> {
    (0..isa.streams()).map(lines).collect()
}

/// Follows the words of a block through the schedule.
fn follow(mut words: [Word; 64]) -> [Word; 64] {
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
fn known_terms(words: &[Word; 64], t: usize) -> Option<u32> {
    let known = |source: usize, function: &dyn Fn(u32) -> u32| match words[source] {
        Word::Known(value) => Some(function(value)),
        Word::Varying => Some(0),
        Word::Uniform => None,
    };
    let sum = known(t - 2, &|x| sha256::small_sigma(1, x))?
        .wrapping_add(known(t - 7, &|x| x)?)
        .wrapping_add(known(t - 15, &|x| sha256::small_sigma(0, x))?)
        .wrapping_add(known(t - 16, &|x| x)?);
    Some(sum)
}

struct Generator<'a> {
    isa: &'a dyn Isa,
    pool: Pool,
    assembly: String,
    operations: [Operations; LABELS],
    body: Operations,
    ceiling: Operations,
}

/// Where the scalars of the first rounds come from.
enum Before {
    /// The driver's, at run time.
    Driver,
    /// The state before round 0, known now.
    Known([u32; 8]),
}

fn label(index: usize) -> String {
    format!(".Lpaydirt_avx512_{index}")
}

const BODY: &str = ".Lpaydirt_avx512_body";
const ROLL_START: &str = ".Lpaydirt_avx512_roll_start";
const ROLL_BODY: &str = ".Lpaydirt_avx512_roll_body";
const AGAIN_BODY: &str = ".Lpaydirt_avx512_again_body";
const PLAIN_UNIFORM: &str = ".Lpaydirt_avx512_uniform16";

impl Generator<'_> {
    fn finish(&mut self, index: usize, piece: Piece) {
        self.operations[index] = piece.operations;
        self.assembly.push_str(&piece.text);
    }

    /// Rounds from the first varying word up to 31, less [`AHEAD`]; ends in the body and then wherever `end` says.
    fn written_out(&mut self, piece: &mut Piece, words: [Word; 64], before: &Before) {
        let isa = self.isa;
        let block = Block {
            isa,
            words: follow(words),
            base: 16,
            last: 63,
        };
        let first = words[..16]
            .iter()
            .position(|w| *w == Word::Varying)
            .expect("a word varies");
        // State words that stay uniform for some rounds after the first: they are in registers, a, b, e and f.
        for role in [0, 1, 4, 5] {
            let operand = match before {
                Before::Driver => slot(STATE + role),
                Before::Known(state) => self.pool.scalar(state[role]),
            };
            piece.push(streams(isa, |stream| {
                let mut out = Lines::new();
                isa.load(&mut out, isa.registers(stream).role(role, first), &operand);
                out
            }));
        }
        for t in [14, 15] {
            if block.words[t] == Word::Varying {
                piece.push(streams(isa, |stream| {
                    let mut out = Lines::new();
                    isa.load(
                        &mut out,
                        isa.registers(stream).recent[t % 2],
                        &block.word(t, stream),
                    );
                    out
                }));
            }
        }
        let mut next_step = 16;
        for t in first..32 - AHEAD {
            let mut steps = vec![Lines::new(); isa.streams()];
            while next_step <= t + AHEAD {
                if block.words[next_step] == Word::Varying {
                    let sum = self.sum(&block.words, next_step);
                    for (stream, lines) in steps.iter_mut().enumerate() {
                        lines.extend(block.step(next_step, stream, sum.clone()));
                    }
                }
                next_step += 1;
            }
            let scalars = self.scalars(t, first, &block.words, before);
            piece.push(streams(isa, |stream| {
                let r = isa.registers(stream);
                let lines = match &scalars {
                    Scalars::First { a, e } => first_round(isa, &r, t, &block.word(t, stream), a, e),
                    Scalars::After(entry) => {
                        let word = block.round_word(t, stream);
                        let entry = entry.clone();
                        Round {
                            t,
                            entry,
                            word,
                            results: Results::Both,
                        }
                        .emit(isa, &r)
                    }
                };
                spread(lines, std::mem::take(&mut steps[stream]), SLACK)
            }));
        }
    }

    /// The uniform terms of word `t`; none where they are known to be zero, or where nothing is uniform.
    fn sum(&mut self, words: &[Word; 64], t: usize) -> Option<Operand> {
        match known_terms(words, t) {
            Some(0) => None,
            Some(value) => Some(self.pool.scalar(value)),
            None => Some(slot(SUM + t - 16)),
        }
    }

    fn scalars(&mut self, t: usize, first: usize, words: &[Word; 64], before: &Before) -> Scalars {
        let after = t - first;
        match before {
            Before::Driver => match after {
                0 => Scalars::First {
                    a: slot(FIRST_A),
                    e: slot(FIRST_E),
                },
                1..=3 => Scalars::After(Entry::Uniform {
                    h_k: slot(H_KW + after - 1),
                    d_h_k: slot(D_H_KW + after - 1),
                }),
                _ => Scalars::After(Entry::Varying { k: slot(KW + t) }),
            },
            Before::Known(state) => {
                let word = match words[t] {
                    Word::Known(value) => value,
                    Word::Uniform => unreachable!("a block after a known state has no uniform words"),
                    Word::Varying => 0,
                };
                let kw = K[t].wrapping_add(word);
                let [a, b, c, d, e, f, g, h] = *state;
                match after {
                    0 => {
                        let sigma = sha256::big_sigma(1, e);
                        let t1 = [sigma, sha256::choose(e, f, g), kw]
                            .iter()
                            .fold(h, |sum, x| sum.wrapping_add(*x));
                        let t2 = sha256::big_sigma(0, a).wrapping_add(sha256::majority(a, b, c));
                        Scalars::First {
                            a: self.pool.scalar(t1.wrapping_add(t2)),
                            e: self.pool.scalar(d.wrapping_add(t1)),
                        }
                    }
                    1..=3 => {
                        let h_k = state[7 - after].wrapping_add(kw);
                        Scalars::After(Entry::Uniform {
                            h_k: self.pool.scalar(h_k),
                            d_h_k: self.pool.scalar(h_k.wrapping_add(state[3 - after])),
                        })
                    }
                    _ => Scalars::After(Entry::Varying {
                        k: self.pool.scalar(kw),
                    }),
                }
            }
        }
    }

    /// A block in which `words` say what varies, from a state that the driver knows.
    fn block(&mut self, index: usize, words: [Word; 64]) {
        let mut piece = Piece::new(&label(index));
        piece.scalar(&format!("lea rcx, [rdi + {}]", WORDS + 16 * WORD_BYTES));
        self.written_out(&mut piece, words, &Before::Driver);
        piece.scalar(&format!(
            "add rcx, {}
            lea rdx, [r9 + {}]
            call {BODY}
            jmp r10",
            16 * WORD_BYTES,
            PATTERN_BYTES + 4 * 32
        ));
        self.finish(index, piece);
    }

    /// The second hash: its first eight words are the digest of the first.
    fn second(&mut self, index: usize, end: usize) {
        let mut words = [Word::Known(0); 64];
        words[..8].fill(Word::Varying);
        words[8] = Word::Known(0x8000_0000);
        words[15] = Word::Known(256);
        let mut piece = Piece::new(&label(index));
        piece.scalar(&format!("lea rcx, [rdi + {}]", SECOND + 16 * WORD_BYTES));
        self.written_out(&mut piece, words, &Before::Known(INITIAL));
        piece.scalar(&format!(
            "add rcx, {}
            lea rdx, [r9 + {}]
            call {BODY}
            jmp {}",
            16 * WORD_BYTES,
            PATTERN_BYTES + 4 * 32,
            label(end)
        ));
        self.finish(index, piece);
    }

    /// Sixteen rounds and their schedule, everything varying, as a function: `rcx` points at word t, `rdx` at K[t];
    /// both move on by 16.
    fn body(&mut self) {
        let mut piece = Piece::new(BODY);
        let isa = self.isa;
        // Any multiple of 16 would do for the names of registers and the distances of words; more words follow.
        let block = Block {
            isa,
            words: [Word::Varying; 64],
            base: 32,
            last: 127,
        };
        for t in 32 - AHEAD..48 - AHEAD {
            let distance = 4 * (t as isize - 32);
            let k = Operand::Scalar(format!(
                "rdx {} {}",
                if distance < 0 { '-' } else { '+' },
                distance.abs()
            ));
            piece.push(streams(isa, |stream| {
                let round = block.round(t, stream, k.clone(), Results::Both);
                spread(round, block.step(t + AHEAD, stream, None), SLACK)
            }));
        }
        piece.scalar(&format!("add rcx, {}\nadd rdx, 64\nret", 16 * WORD_BYTES));
        self.body = piece.operations;
        self.assembly.push_str(&piece.text);
    }

    /// Rounds from 48, less [`AHEAD`], to the one that gives the top word, and its test.
    fn top(&mut self, index: usize) {
        let isa = self.isa;
        let little = index == TOP_LITTLE;
        let last = if little { 60 } else { 63 };
        let block = Block {
            isa,
            words: [Word::Varying; 64],
            base: 48,
            last,
        };
        let mut piece = Piece::new(&label(index));
        for t in 48 - AHEAD..=last {
            let k = self.pool.round_constant(t);
            let results = match (little, t) {
                // h of round 63 is e of round 60; what d is there was a of round 56.
                (true, 57..) => Results::OnlyE,
                (false, 63) => Results::OnlyA,
                _ => Results::Both,
            };
            piece.push(streams(isa, |stream| {
                let round = block.round(t, stream, k.clone(), results);
                let step = t + AHEAD;
                let step = if step <= last {
                    block.step(step, stream, None)
                } else {
                    Lines::new()
                };
                spread(round, step, SLACK)
            }));
        }
        piece.push(streams(isa, |stream| {
            let r = isa.registers(stream);
            let top = r.role(if little { 4 } else { 0 }, last + 1);
            let mut out = Lines::new();
            isa.add(&mut out, top, top, &slot(TOP_ADD));
            if little {
                isa.swap_bytes(&mut out, top, &Operand::Vector("r9".into()));
                let [lowest, ..] = r.temps;
                isa.load(&mut out, lowest, &slot(LOWEST));
                out.push(Instruction {
                    text: format!("vpsubd zmm{0}, zmm{0}, zmm{1}", top.0, lowest.0),
                    class: Class::Add,
                });
            }
            isa.at_most(&mut out, stream + 1, top, &slot(SPAN));
            out
        }));
        piece.scalar(
            "kunpckwd k1, k2, k1
            kmovd eax, k1
            vzeroupper
            ret",
        );
        self.finish(index, piece);
    }

    /// The rounds that a body leaves over, then the digest: state plus chaining value, stored.
    fn last_rounds_and_digest(
        &mut self,
        piece: &mut Piece,
        chain: impl Fn(usize, usize) -> Operand,
        body: &str,
    ) {
        let isa = self.isa;
        piece.scalar(&format!("call {body}"));
        let block = Block {
            isa,
            words: [Word::Varying; 64],
            base: 64,
            last: 63,
        };
        for t in 64 - AHEAD..64 {
            let k = self.pool.round_constant(t);
            piece.push(streams(isa, |stream| {
                block.round(t, stream, k.clone(), Results::Both)
            }));
        }
        self.digest(piece, chain);
    }

    fn digest(&mut self, piece: &mut Piece, chain: impl Fn(usize, usize) -> Operand) {
        let isa = self.isa;
        piece.scalar(&format!("lea rcx, [rdi + {SECOND}]"));
        for word in 0..8 {
            piece.push(streams(isa, |stream| {
                let register = isa.registers(stream).role(word, 64);
                let mut out = Lines::new();
                isa.add(&mut out, register, register, &chain(word, stream));
                isa.store(&mut out, &word_address(word, 0, stream), register);
                out
            }));
        }
        piece.scalar("jmp r11");
    }

    /// The varying chaining value into the state registers.
    fn load_state(&self, piece: &mut Piece) {
        let isa = self.isa;
        piece.scalar(&format!("lea rcx, [rdi + {SECOND}]"));
        for word in 0..8 {
            piece.push(streams(isa, |stream| {
                let mut out = Lines::new();
                let from = Operand::Vector(word_address(word, 0, stream));
                isa.load(&mut out, isa.registers(stream).role(word, 0), &from);
                out
            }));
        }
    }

    /// Sixteen varying words into a varying chaining value.
    fn compress_varying(&mut self) {
        let isa = self.isa;
        let mut piece = Piece::new(&label(VARYING));
        self.load_state(&mut piece);
        piece.scalar(&format!(
            "lea rcx, [rdi + {}]\nlea rdx, [r9 + {}]",
            GENERAL + 16 * WORD_BYTES,
            PATTERN_BYTES + 4 * 16
        ));
        let block = Block {
            isa,
            words: [Word::Varying; 64],
            base: 16,
            last: 63,
        };
        for t in [14, 15] {
            piece.push(streams(isa, |stream| {
                let mut out = Lines::new();
                isa.load(
                    &mut out,
                    isa.registers(stream).recent[t % 2],
                    &block.word(t, stream),
                );
                out
            }));
        }
        for t in 0..16 - AHEAD {
            let k = self.pool.round_constant(t);
            piece.push(streams(isa, |stream| {
                block.round(t, stream, k.clone(), Results::Both)
            }));
        }
        piece.scalar(&format!("call {BODY}\ncall {BODY}"));
        let chain = |word, stream| Operand::Vector(word_address(word, 0, stream));
        self.last_rounds_and_digest(&mut piece, chain, BODY);
        self.finish(VARYING, piece);
    }

    /// A block of uniform words into a varying chaining value: no schedule; `rdx` points at the sums of K and w.
    fn compress_uniform(&mut self) {
        let isa = self.isa;
        let mut piece = Piece::new(&label(UNIFORM));
        self.load_state(&mut piece);
        piece.scalar(&format!("call {PLAIN_UNIFORM}\n").repeat(4));
        self.digest(&mut piece, |word, stream| {
            Operand::Vector(word_address(word, 0, stream))
        });
        self.finish(UNIFORM, piece);

        let mut piece = Piece::new(PLAIN_UNIFORM);
        for t in 0..16 {
            piece.push(streams(isa, |stream| {
                let entry = Entry::Varying {
                    k: Operand::Scalar(format!("rdx + {}", 4 * t)),
                };
                Round {
                    t,
                    entry,
                    word: None,
                    results: Results::Both,
                }
                .emit(isa, &isa.registers(stream))
            }));
        }
        piece.scalar("add rdx, 64\nret");
        self.assembly.push_str(&piece.text);
    }

    /// Version rolling: each stream has a midstate of its own, both have the same nonces, so that one schedule serves
    /// both. It is stored, with and without K, for a second pass with two more midstates.
    ///
    /// Only the rounds before the schedule begins are written out: with more, the loop would not fit the op cache.
    fn roll(&mut self) {
        let isa = self.isa;
        let entry = |t: usize, stream: usize| {
            let slot = |index| slot(index + stream * SCALAR_COUNT);
            match t - 3 {
                after @ 1..=3 => Entry::Uniform {
                    h_k: slot(H_KW + after - 1),
                    d_h_k: slot(D_H_KW + after - 1),
                },
                _ => Entry::Varying { k: slot(KW + t) },
            }
        };
        let plain = |t: usize, stream: usize, entry: Entry| {
            let word = None;
            let results = Results::Both;
            Round {
                t,
                entry,
                word,
                results,
            }
            .emit(isa, &isa.registers(stream))
        };

        // Rounds 3 to 14, the same for both passes.
        let mut piece = Piece::new(ROLL_START);
        piece.scalar(&format!("lea rcx, [rdi + {}]", WORDS + 16 * WORD_BYTES));
        piece.push(streams(isa, |stream| {
            let r = isa.registers(stream);
            let slot = |index| slot(index + stream * SCALAR_COUNT);
            let mut out = Lines::new();
            for role in [0, 1, 4, 5] {
                isa.load(&mut out, r.role(role, 3), &slot(STATE + role));
            }
            let word = Operand::Vector(word_address(3, 16, 0));
            out.extend(first_round(isa, &r, 3, &word, &slot(FIRST_A), &slot(FIRST_E)));
            out
        }));
        for t in 4..15 {
            piece.push(streams(isa, |stream| plain(t, stream, entry(t, stream))));
        }
        piece.scalar("ret");
        self.assembly.push_str(&piece.text);
        let start = piece.operations;

        // The schedule's registers are those of the first stream; the second's hold the sums of K and word.
        let sums = isa.registers(1).schedule;
        let shared = |t: usize, base: usize, k: Operand| {
            let recent = isa.registers(0).recent[t % 2];
            let mut out = Lines::new();
            isa.add(&mut out, sums[t % 2], recent, &k);
            isa.store(&mut out, &word_address(t, base, 1), sums[t % 2]);
            out
        };
        let rounds = |t: usize| {
            streams(isa, |stream| {
                plain(
                    t,
                    stream,
                    Entry::Varying {
                        k: Operand::Register(sums[t % 2]),
                    },
                )
            })
        };
        let mut piece = Piece::new(ROLL_BODY);
        let block = Block {
            isa,
            words: [Word::Varying; 64],
            base: 16,
            last: 127,
        };
        for t in 16 - AHEAD..32 - AHEAD {
            let distance = 4 * (t as isize - 16);
            let sign = if distance < 0 { '-' } else { '+' };
            let k = Operand::Scalar(format!("rdx {sign} {}", distance.abs()));
            let [first, second] = <[Lines; 2]>::try_from(rounds(t)).ok().expect("two streams");
            let step = spread(first, block.step(t + AHEAD, 0, None), SLACK);
            let mut lines = shared(t, 16, k);
            lines.extend(spread(step, second, SLACK / 4.0));
            piece.push(vec![lines]);
        }
        piece.scalar(&format!("add rcx, {}\nadd rdx, 64\nret", 16 * WORD_BYTES));
        self.assembly.push_str(&piece.text);
        let body = piece.operations;

        let mut piece = Piece::new(&label(ROLL));
        piece.scalar(&format!(
            "call {ROLL_START}\nlea rdx, [r9 + {}]",
            PATTERN_BYTES + 4 * 16
        ));
        for t in [14, 15] {
            let mut out = Lines::new();
            isa.load(&mut out, isa.registers(0).recent[t % 2], &block.word(t, 0));
            piece.push(vec![out]);
        }
        piece.scalar(&format!("call {ROLL_BODY}\n").repeat(3));
        for t in 64 - AHEAD..64 {
            let k = self.pool.round_constant(t);
            piece.push(vec![shared(t, 64, k)]);
            piece.scalar("");
            piece.push(rounds(t));
        }
        let chain = |word, stream| slot(CHAIN + word + stream * SCALAR_COUNT);
        self.digest(&mut piece, chain);
        piece.operations += start + body * 3;
        self.finish(ROLL, piece);

        let mut piece = Piece::new(AGAIN_BODY);
        for t in 16..32 {
            let sum = Operand::Vector(word_address(t, 16, 1));
            piece.push(streams(isa, |stream| {
                plain(t, stream, Entry::Varying { k: sum.clone() })
            }));
        }
        piece.scalar(&format!("add rcx, {}\nret", 16 * WORD_BYTES));
        self.assembly.push_str(&piece.text);
        let body = piece.operations;

        let mut piece = Piece::new(&label(ROLL_AGAIN));
        piece.scalar(&format!("add r8, {}\ncall {ROLL_START}", STREAMS * SCALAR_BYTES));
        piece.push(streams(isa, |stream| plain(15, stream, entry(15, stream))));
        piece.scalar(&format!("call {AGAIN_BODY}\n").repeat(3));
        self.digest(&mut piece, chain);
        piece.operations += start + body * 3;
        self.finish(ROLL_AGAIN, piece);
    }

    fn entry(&mut self) -> String {
        // In: rdi the context, rsi, rdx and rcx the indices of the piece to begin with and of those to go on with, r8
        // the sums for a uniform block. Out: eax. r9 points at the constants, r10 and r11 at the pieces to go on with.
        let mut text = String::from(
            "lea rax, [rip + .Lpaydirt_avx512_table]
            movsxd r10, dword ptr [rax + 4 * rdx]
            movsxd r11, dword ptr [rax + 4 * rcx]
            movsxd rsi, dword ptr [rax + 4 * rsi]
            add r10, rax
            add r11, rax
            add rax, rsi
            mov rdx, r8
            lea r9, [rip + .Lpaydirt_avx512_pool]
            ",
        );
        writeln!(text, "lea r8, [rdi + {SCALARS}]\njmp rax").expect("a String");
        text
    }

    fn data(&self) -> String {
        let mut text = String::from(".p2align 6\n.Lpaydirt_avx512_pool:\n");
        for byte in 0..PATTERN_BYTES {
            writeln!(text, ".byte {}", byte % 16 / 4 * 4 + 3 - byte % 4).expect("a String");
        }
        for value in &self.pool.0 {
            writeln!(text, ".long {value:#010x}").expect("a String");
        }
        text.push_str(".Lpaydirt_avx512_table:\n");
        for index in 0..LABELS {
            // Word 15 and a word after it are no block: never asked for.
            let target = if index == BLOCK + 31 {
                label(RETURN)
            } else {
                label(index)
            };
            writeln!(text, ".long {target} - .Lpaydirt_avx512_table").expect("a String");
        }
        text
    }
}

/// The scalars of a round written out.
enum Scalars {
    First { a: Operand, e: Operand },
    After(Entry),
}

/// The first round whose word varies: all else is uniform, so a and e are the word plus a scalar.
fn first_round(isa: &dyn Isa, r: &Registers, t: usize, word: &Operand, a: &Operand, e: &Operand) -> Lines {
    let mut out = Lines::new();
    let [temp, ..] = r.temps;
    isa.load(&mut out, temp, word);
    isa.add(&mut out, r.role(3, t), temp, e);
    isa.add(&mut out, r.role(7, t), temp, a);
    out
}

pub fn generate(isa: &dyn Isa) -> Program {
    let mut generator = Generator {
        isa,
        pool: Pool(K.to_vec()),
        assembly: String::new(),
        operations: [Operations::default(); LABELS],
        body: Operations::default(),
        ceiling: Operations::default(),
    };
    let mut text = generator.entry();
    for first in 0..16 {
        for count in 1..=2.min(16 - first) {
            let mut words = [Word::Uniform; 64];
            words[first..first + count].fill(Word::Varying);
            generator.block(BLOCK + 2 * first + count - 1, words);
        }
    }
    let mut header = [Word::Known(0); 64];
    header[..3].fill(Word::Uniform);
    header[3] = Word::Varying;
    header[4] = Word::Known(0x8000_0000);
    header[15] = Word::Known(640);
    generator.block(HEADER, header);
    generator.body();
    generator.top(TOP_BIG);
    generator.top(TOP_LITTLE);
    let mut digest = Piece::new(&label(DIGEST));
    generator.last_rounds_and_digest(&mut digest, |word, _| slot(CHAIN + word), BODY);
    generator.finish(DIGEST, digest);
    generator.second(SECOND_BIG, TOP_BIG);
    generator.second(SECOND_LITTLE, TOP_LITTLE);
    generator.compress_varying();
    generator.compress_uniform();
    generator.roll();
    let mut end = Piece::new(&label(RETURN));
    end.scalar("vzeroupper\nret");
    generator.finish(RETURN, end);
    text.push_str(&generator.assembly);
    text.push_str(&generator.data());
    let ceiling = ceiling(isa, &mut generator.ceiling);
    Program {
        assembly: text,
        ceiling,
        tables: tables(&generator),
    }
}

/// Sixteen rounds with their schedule, no operation waiting for another: `rdi` times.
///
/// Results go to 24 registers in turn, sources are eight that nothing writes. Classes are spread evenly.
fn ceiling(isa: &dyn Isa, operations: &mut Operations) -> String {
    let mut mix: Vec<Lines> = vec![Lines::new(), Lines::new(), Lines::new()];
    let mut next = 0;
    let mut to = || {
        next = (next + 1) % 24;
        Register(next)
    };
    let source = |i: usize| Register(24 + (i % 8) as u8);
    for i in 0..16 {
        for j in 0..12 {
            isa.rotate(&mut mix[0], to(), source(i + j), 1 + j as u32);
        }
        for j in 0..6 {
            isa.xor(&mut mix[1], to(), [source(i + j), source(i + j + 1)]);
        }
        for j in 0..10 {
            isa.add(
                &mut mix[2],
                to(),
                source(i + j),
                &Operand::Register(source(i + j + 3)),
            );
        }
    }
    let [rotates, logic, adds] = <[Lines; 3]>::try_from(mix).ok().expect("three");
    let mut piece = Piece::new(".Lpaydirt_avx512_ceiling");
    piece.push(vec![spread(rotates, spread(adds, logic, 0.0), 0.0)]);
    piece.scalar("");
    *operations = piece.operations;
    piece.scalar("dec rdi\njnz .Lpaydirt_avx512_ceiling\nvzeroupper\nret");
    piece.text
}

/// The operation counts as Rust constants.
fn tables(generator: &Generator<'_>) -> String {
    let show = |o: &Operations| {
        format!(
            "Operations {{ rotates: {}, logic: {}, adds: {}, others: {}, instructions: {} }}",
            o.rotates, o.logic, o.adds, o.others, o.instructions
        )
    };
    let pieces: Vec<_> = generator.operations.iter().map(show).collect();
    format!(
        "const BODY_OPERATIONS: Operations = {};\nconst CEILING_OPERATIONS: Operations = {};\nconst PIECE_OPERATIONS: [Operations; {LABELS}] = [{}];\n",
        show(&generator.body),
        show(&generator.ceiling),
        pieces.join(", ")
    )
}
