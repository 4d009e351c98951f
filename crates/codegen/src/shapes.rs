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
    block::{AHEAD, Block, SLACK, Word, follow, known_terms, streams, word_address},
    code::{Lines, Operations, Piece, spread},
    counts,
    layout::*,
    rounds::{Entry, Isa, Operand, Registers, Results, Round},
};
use paydirt_sha256::{self as sha256, INITIAL, K};

/// Everything the build writes.
pub struct Program {
    /// The kernel.
    pub assembly: String,
    /// A loop of the same operations without dependencies: how fast this processor could be at all.
    pub ceiling: String,
    /// The counts of operations, as Rust constants.
    pub tables: String,
}

/// 32-bit constants that the code addresses relative to `r9`.
pub struct Pool {
    values: Vec<u32>,
    /// One number each, or one for each lane.
    constant_bytes: usize,
}

/// Bytes before the constants: the pattern that swaps the bytes of each word.
pub const PATTERN_BYTES: usize = 64;

impl Pool {
    fn constant(&mut self, value: u32) -> Operand {
        let at = self.values.iter().position(|v| *v == value).unwrap_or_else(|| {
            self.values.push(value);
            self.values.len() - 1
        });
        self.operand(format!("r9 + {}", self.offset(at)))
    }

    /// A constant at this address.
    fn operand(&self, address: String) -> Operand {
        match self.constant_bytes {
            4 => Operand::Scalar(address),
            _ => Operand::Vector(address),
        }
    }

    /// Where constant number `at` is, from `r9`. The first 64 are those of the rounds.
    pub fn offset(&self, at: usize) -> usize {
        PATTERN_BYTES + self.constant_bytes * at
    }

    /// Constant number `t` as seen from a pointer at number `base`.
    pub fn constant_from_rdx(&self, t: usize, base: usize) -> Operand {
        let distance = self.constant_bytes as isize * (t as isize - base as isize);
        let sign = if distance < 0 { '-' } else { '+' };
        self.operand(format!("rdx {sign} {}", distance.abs()))
    }

    /// K of round `t`.
    pub fn round_constant(&mut self, t: usize) -> Operand {
        self.constant(K[t])
    }
}

/// A scalar that the driver provides.
pub fn slot(index: usize) -> Operand {
    Operand::Scalar(format!("r8 + {}", 4 * index))
}

pub struct Generator<'a> {
    pub isa: &'a dyn Isa,
    pub pool: Pool,
    pub assembly: String,
    operations: [Operations; LABELS],
    body: Operations,
}

pub fn label(isa: &dyn Isa, name: impl std::fmt::Display) -> String {
    format!(".Lpaydirt_{}_{name}", isa.name())
}

/// Where the scalars of the first rounds come from.
enum Before {
    /// The driver's, at run time.
    Driver,
    /// The state before round 0, known now.
    Known([u32; 8]),
}

const BODY: &str = "body";
const PLAIN_UNIFORM: &str = "uniform16";

impl Generator<'_> {
    /// The label of this name or index in this program.
    pub fn label(&self, name: impl std::fmt::Display) -> String {
        label(self.isa, name)
    }

    pub fn finish(&mut self, index: usize, piece: Piece) {
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
                Before::Known(state) => self.pool.constant(state[role]),
            };
            piece.push(streams(isa, |stream| {
                let mut out = Lines::new();
                isa.load(&mut out, isa.registers(stream).role(role, first), &operand);
                out
            }));
        }
        piece.push(streams(isa, |stream| isa.registers(stream).keep(isa, first + 1)));
        block.load_recent(piece);
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
            Some(value) => Some(self.pool.constant(value)),
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
                        let sigma = sha256::big_sigma_1(e);
                        let t1 = [sigma, sha256::choose(e, f, g), kw]
                            .iter()
                            .fold(h, |sum, x| sum.wrapping_add(*x));
                        let t2 = sha256::big_sigma_0(a).wrapping_add(sha256::majority(a, b, c));
                        Scalars::First {
                            a: self.pool.constant(t1.wrapping_add(t2)),
                            e: self.pool.constant(d.wrapping_add(t1)),
                        }
                    }
                    1..=3 => {
                        let h_k = state[7 - after].wrapping_add(kw);
                        Scalars::After(Entry::Uniform {
                            h_k: self.pool.constant(h_k),
                            d_h_k: self.pool.constant(h_k.wrapping_add(state[3 - after])),
                        })
                    }
                    _ => Scalars::After(Entry::Varying {
                        k: self.pool.constant(kw),
                    }),
                }
            }
        }
    }

    /// A block in which `words` say what varies, from a state that the driver knows.
    fn block(&mut self, index: usize, words: [Word; 64]) {
        let body = self.label(BODY);
        let mut piece = Piece::new(&self.label(index));
        piece.scalar(&format!("lea rcx, [rdi + {}]", WORDS + 16 * WORD_BYTES));
        self.written_out(&mut piece, words, &Before::Driver);
        piece.scalar(&format!(
            "add rcx, {}
            lea rdx, [r9 + {}]
            call {body}
            jmp r10",
            16 * WORD_BYTES,
            self.pool.offset(32)
        ));
        self.finish(index, piece);
    }

    /// The second hash: its first eight words are the digest of the first.
    fn second(&mut self, index: usize, end: usize) {
        let body = self.label(BODY);
        let mut words = [Word::Known(0); 64];
        words[..8].fill(Word::Varying);
        words[8] = Word::Known(0x8000_0000);
        words[15] = Word::Known(256);
        let mut piece = Piece::new(&self.label(index));
        piece.scalar(&format!("lea rcx, [rdi + {}]", SECOND + 16 * WORD_BYTES));
        self.written_out(&mut piece, words, &Before::Known(INITIAL));
        piece.scalar(&format!(
            "add rcx, {}
            lea rdx, [r9 + {}]
            call {body}
            jmp {}",
            16 * WORD_BYTES,
            self.pool.offset(32),
            self.label(end)
        ));
        self.finish(index, piece);
    }

    /// Sixteen rounds and their schedule, everything varying, as a function: `rcx` points at word t, `rdx` at K[t];
    /// both move on by 16.
    fn body(&mut self) {
        let mut piece = Piece::new(&self.label(BODY));
        let isa = self.isa;
        // Any multiple of 16 would do for the names of registers and the distances of words; more words follow.
        let block = Block {
            isa,
            words: [Word::Varying; 64],
            base: 32,
            last: 127,
        };
        for t in 32 - AHEAD..48 - AHEAD {
            let k = self.pool.constant_from_rdx(t, 32);
            piece.push(streams(isa, |stream| {
                let round = block.round(t, stream, k.clone(), Results::Both);
                spread(round, block.step(t + AHEAD, stream, None), SLACK)
            }));
        }
        piece.scalar(&format!(
            "add rcx, {}\nadd rdx, {}\nret",
            16 * WORD_BYTES,
            16 * isa.constant_bytes()
        ));
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
        let mut piece = Piece::new(&self.label(index));
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
            let [temp, ..] = r.temps;
            isa.add(&mut out, top, top, &slot(TOP_ADD), temp);
            if little {
                isa.swap_bytes(&mut out, top, &Operand::Vector("r9".into()));
                isa.subtract(&mut out, top, &slot(LOWEST), temp);
            }
            isa.at_most(&mut out, stream, top, &slot(SPAN), temp);
            out
        }));
        piece.scalar(isa.return_lanes());
        self.finish(index, piece);
    }

    /// The rounds that a body leaves over, then the digest: state plus chaining value, stored.
    fn last_rounds_and_digest(&mut self, piece: &mut Piece, chain: impl Fn(usize, usize) -> Operand) {
        let isa = self.isa;
        let body = self.label(BODY);
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

    pub fn digest(&mut self, piece: &mut Piece, chain: impl Fn(usize, usize) -> Operand) {
        let isa = self.isa;
        piece.scalar(&format!("lea rcx, [rdi + {SECOND}]"));
        for word in 0..8 {
            piece.push(streams(isa, |stream| {
                let r = isa.registers(stream);
                let register = r.role(word, 64);
                let mut out = Lines::new();
                let [temp, ..] = r.temps;
                isa.add(&mut out, register, register, &chain(word, stream), temp);
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
        piece.push(streams(isa, |stream| isa.registers(stream).keep(isa, 0)));
    }

    /// Sixteen varying words into a varying chaining value.
    fn compress_varying(&mut self) {
        let body = self.label(BODY);
        let isa = self.isa;
        let mut piece = Piece::new(&self.label(VARYING));
        self.load_state(&mut piece);
        piece.scalar(&format!(
            "lea rcx, [rdi + {}]\nlea rdx, [r9 + {}]",
            GENERAL + 16 * WORD_BYTES,
            self.pool.offset(16)
        ));
        let block = Block {
            isa,
            words: [Word::Varying; 64],
            base: 16,
            last: 63,
        };
        block.load_recent(&mut piece);
        for t in 0..16 - AHEAD {
            let k = self.pool.round_constant(t);
            piece.push(streams(isa, |stream| {
                block.round(t, stream, k.clone(), Results::Both)
            }));
        }
        piece.scalar(&format!("call {body}\ncall {body}"));
        let chain = |word, stream| Operand::Vector(word_address(word, 0, stream));
        self.last_rounds_and_digest(&mut piece, chain);
        self.finish(VARYING, piece);
    }

    /// A block of uniform words into a varying chaining value: no schedule; `rdx` points at the sums of K and w.
    fn compress_uniform(&mut self) {
        let body = self.label(PLAIN_UNIFORM);
        let isa = self.isa;
        let mut piece = Piece::new(&self.label(UNIFORM));
        self.load_state(&mut piece);
        piece.scalar(&format!("call {body}\n").repeat(4));
        self.digest(&mut piece, |word, stream| {
            Operand::Vector(word_address(word, 0, stream))
        });
        self.finish(UNIFORM, piece);

        let mut piece = Piece::new(&body);
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

    fn entry(&mut self) -> String {
        // In: rdi the context, rsi, rdx and rcx the indices of the piece to begin with and of those to go on with, r8
        // the sums for a uniform block. Out: eax. r9 points at the constants, r10 and r11 at the pieces to go on with.
        // A single stream also gets the scalars in r9, because rdi points at its part of the context's first vector.
        let mut text = format!(
            "lea rax, [rip + {}]
            movsxd r10, dword ptr [rax + 4 * rdx]
            movsxd r11, dword ptr [rax + 4 * rcx]
            movsxd rsi, dword ptr [rax + 4 * rsi]
            add r10, rax
            add r11, rax
            add rax, rsi
            mov rdx, r8
            ",
            self.label("table")
        );
        let pool = self.label("pool");
        match self.isa.streams() {
            1 => write!(text, "mov r8, r9\nlea r9, [rip + {pool}]\njmp rax\n"),
            _ => write!(
                text,
                "lea r9, [rip + {pool}]\n            lea r8, [rdi + {SCALARS}]\njmp rax\n"
            ),
        }
        .expect("a String");
        text
    }

    fn data(&self) -> String {
        let mut text = format!(".p2align 6\n{}:\n", self.label("pool"));
        for byte in 0..PATTERN_BYTES {
            writeln!(text, ".byte {}", byte % 16 / 4 * 4 + 3 - byte % 4).expect("a String");
        }
        for value in &self.pool.values {
            for _ in 0..self.pool.constant_bytes / 4 {
                writeln!(text, ".long {value:#010x}").expect("a String");
            }
        }
        let table = self.label("table");
        writeln!(text, "{table}:").expect("a String");
        for index in 0..LABELS {
            // Word 15 and a word after it are no block, and a single stream has no midstates to roll: never asked for.
            let rolls = matches!(index, ROLL | ROLL_AGAIN) && self.isa.streams() == 1;
            let target = if index == BLOCK + 31 || rolls {
                self.label(RETURN)
            } else {
                self.label(index)
            };
            writeln!(text, ".long {target} - {table}").expect("a String");
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
pub fn first_round(
    isa: &dyn Isa,
    r: &Registers,
    t: usize,
    word: &Operand,
    a: &Operand,
    e: &Operand,
) -> Lines {
    let mut out = Lines::new();
    let [temp, ..] = r.temps;
    isa.load(&mut out, temp, word);
    let [new_e, new_a] = [r.role(3, t), r.role(7, t)];
    isa.add(&mut out, new_e, temp, e, new_e);
    isa.add(&mut out, new_a, temp, a, new_a);
    out
}

pub fn generate(isa: &dyn Isa) -> Program {
    let mut generator = Generator {
        isa,
        pool: Pool {
            values: K.to_vec(),
            constant_bytes: isa.constant_bytes(),
        },
        assembly: String::new(),
        operations: [Operations::default(); LABELS],
        body: Operations::default(),
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
    let mut digest = Piece::new(&label(isa, DIGEST));
    generator.last_rounds_and_digest(&mut digest, |word, _| slot(CHAIN + word));
    generator.finish(DIGEST, digest);
    generator.second(SECOND_BIG, TOP_BIG);
    generator.second(SECOND_LITTLE, TOP_LITTLE);
    generator.compress_varying();
    generator.compress_uniform();
    if isa.streams() > 1 {
        generator.roll();
    }
    let mut end = Piece::new(&label(isa, RETURN));
    end.scalar("vzeroupper\nret");
    generator.finish(RETURN, end);
    text.push_str(&generator.assembly);
    text.push_str(&generator.data());
    let mut ceiling_operations = Operations::default();
    let ceiling = counts::ceiling(isa, &mut ceiling_operations);
    Program {
        assembly: text,
        ceiling,
        tables: counts::tables(&generator.body, &ceiling_operations, &generator.operations),
    }
}
