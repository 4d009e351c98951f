//! Message schedules in vectors, a message a lane, and the sums of constants and words that the rounds take.

use super::{EVEN, LANES, ODD, Tuning, memory};
use crate::{
    block::{Word, known_terms},
    layout::Array,
    merge::{Stream, merge},
    op::{Lines, Op},
    operand::{Class, Operand, R8, RCX, RDI, Register, Slot},
    program::Pool,
};
use paydirt_sha256::{K, SMALL_SIGMA};

/// Writes one block's schedule.
struct Writer<'a> {
    tuning: &'a Tuning,
    temps: Temps,
    pool: &'a mut Pool,
    words: &'a [Word; 64],
    /// Where the sums go, and the number of the first word of an entry: 0, or 1.
    sums: Array,
    offset: usize,
    out: Lines,
}

fn ymm(number: usize) -> Register {
    Register::new(Class::Ymm, number as u8)
}

impl Writer<'_> {
    /// Registers for five rows, before word 24 is made.
    fn row(&self, i: usize) -> Register {
        match self.tuning.words_in_registers {
            16 => self.register(8 + i), // these words are known numbers
            kept => ymm(16 + kept + i),
        }
    }

    fn varies(&self, t: usize) -> bool {
        self.words.get(t).is_some_and(|word| *word == Word::Varying)
    }

    fn register(&self, t: usize) -> Register {
        ymm(16 + t % self.tuning.words_in_registers)
    }

    fn ring(t: usize) -> Slot {
        memory::RING.within(RDI, t % 16)
    }

    /// Varying word `t` when word `now` is made: where it is.
    fn word(&self, t: usize, now: usize) -> Operand {
        if self.tuning.words_in_registers == 16 || now - t < self.tuning.words_in_registers {
            self.register(t).into()
        } else {
            Self::ring(t).into()
        }
    }

    /// Word `t` has been made: keeps it where a later step looks for it.
    fn keep(&mut self, t: usize) {
        let is_read = |later: usize| (t + later >= 16) && self.varies(t + later);
        if self.tuning.words_in_registers < 16 && [15, 16].into_iter().any(is_read) {
            self.out
                .push(Op::Move.to(Self::ring(t), [self.register(t).into()]));
        }
    }

    fn add(&mut self, to: Register, x: Register, y: Operand) {
        self.out.push(Op::Add.to(to, [x.into(), y]));
    }

    /// The exclusive or of two rotations and a shift; `to` and `y` are not `x`. Two operations of two sources: those of three
    /// hold `sha256rnds2` up, which has three itself.
    fn small_sigma(&mut self, [to, y]: [Register; 2], x: Register, by: [u32; 3]) {
        self.out.push(Op::RotateRight.to(to, [x.into(), by[0].into()]));
        self.out.push(Op::RotateRight.to(y, [x.into(), by[1].into()]));
        self.out.push(Op::Xor.to(to, [to.into(), y.into()]));
        self.out.push(Op::ShiftRight.to(y, [x.into(), by[2].into()]));
        self.out.push(Op::Xor.to(to, [to.into(), y.into()]));
    }

    /// The terms of word `t` that do not vary, unless their sum is known to be zero.
    fn constant_terms(&mut self, t: usize) -> Option<Operand> {
        let any = [2, 7, 15, 16].into_iter().any(|back| !self.varies(t - back));
        if !any {
            return None;
        }
        match known_terms(self.words, t) {
            Some(0) => None,
            Some(value) => Some(self.pool.constant(value)),
            None => Some(Operand::Broadcast(memory::TERMS.within(RDI, t))),
        }
    }

    /// Word `t`, 16 to 63, but for the term of word `t - 2`: what a step can do before the one before it has ended. Whether
    /// there is any.
    fn early(&mut self, t: usize) -> bool {
        let to = self.register(t);
        // Whether `to` holds a sum so far.
        let mut begun = false;
        let mut plain = Vec::new();
        if self.varies(t - 16) {
            match self.word(t - 16, t) {
                Operand::Register(_) => begun = true, // it is `to`
                word => plain.push(word),
            }
        }
        if self.varies(t - 7) {
            plain.push(self.word(t - 7, t));
        }
        plain.extend(self.constant_terms(t));
        if self.varies(t - 15) {
            let [sum, y] = self.temps.early;
            let x = match self.word(t - 15, t) {
                Operand::Register(x) => x,
                word => {
                    self.out.push(Op::Move.to(self.temps.word, [word]));
                    self.temps.word
                }
            };
            let sum = if begun { sum } else { to };
            self.small_sigma([sum, y], x, SMALL_SIGMA[0]);
            if begun {
                self.add(to, to, sum.into());
            }
            begun = true;
        }
        for term in plain {
            match (begun, term) {
                (true, term) => self.add(to, to, term),
                (false, Operand::Broadcast(slot)) => self.out.push(Op::Broadcast.to(to, [slot.into()])),
                (false, term) => self.out.push(Op::Move.to(to, [term])),
            }
            begun = true;
        }
        begun
    }

    /// The rest of word `t`.
    fn late(&mut self, t: usize, begun: bool) {
        let to = self.register(t);
        if self.varies(t - 2) {
            let [sum, y] = self.temps.late;
            let Operand::Register(x) = self.word(t - 2, t) else {
                unreachable!("the latest words are in registers");
            };
            if begun {
                self.small_sigma([sum, y], x, SMALL_SIGMA[1]);
                self.add(to, to, sum.into());
            } else {
                self.small_sigma([to, y], x, SMALL_SIGMA[1]);
            }
        }
        self.keep(t);
    }

    /// The sum of word `t` and its constant, into its place of the entry of two; unless both are the same for all messages.
    fn store_sum(&mut self, t: usize) {
        let (entry, half) = ((t - self.offset) / 2, (t - self.offset) % 2);
        let other = t + 1 - 2 * half;
        if !self.varies(t) && !self.varies(other) {
            return;
        }
        let to = self.temps.sum;
        let constant = match self.words.get(t) {
            Some(Word::Varying) => {
                let k = self.pool.constant(K[t]);
                self.add(to, self.register(t), k);
                return self.scatter(to, self.sums.within(RCX, entry), half);
            }
            Some(Word::Uniform) => Operand::Broadcast(memory::KW.within(RDI, t)),
            Some(Word::Known(word)) => self.pool.constant(word.wrapping_add(K[t])),
            // The word after the last: any will do.
            None => Operand::Broadcast(memory::KW.within(RDI, 0)),
        };
        let Operand::Broadcast(slot) = constant else {
            unreachable!("constants are single numbers");
        };
        self.out.push(Op::Broadcast.to(to, [slot.into()]));
        self.scatter(to, self.sums.within(RCX, entry), half);
    }

    /// One half of the messages' 64 bits in an entry, as [`place`](super::rounds::place) has them: the even lanes first, 8 bytes
    /// apart, so that lane i of a vector falls on every other half; the odd ones behind, the vector 4 bytes further down.
    ///
    /// Stores are free, where joining two vectors' words by shuffles would take a unit of the rounds'.
    fn scatter(&mut self, from: Register, entry: Slot, half: usize) {
        for (mask, bytes) in [(EVEN, 0), (ODD, 28)] {
            let to = Slot::at(entry.base, entry.bytes + bytes + 4 * half as i32);
            self.out.push(Op::MoveMasked.to(to, [from.into(), mask.into()]));
        }
    }

    /// Zero and the varying word `t`.
    fn store_word(&mut self, t: usize, entry: Slot) {
        let zero = self.temps.sum;
        self.out.push(Op::Xor.to(zero, [zero.into(), zero.into()]));
        self.scatter(zero, entry, 0);
        self.scatter(self.register(t), entry, 1);
    }

    /// What `write` writes, by itself.
    fn aside<T>(&mut self, write: impl FnOnce(&mut Self) -> T) -> (Lines, T) {
        let before = std::mem::take(&mut self.out);
        let result = write(self);
        (std::mem::replace(&mut self.out, before), result)
    }

    /// Words 16 and on up to `last`, and all sums; words before 16 are there.
    ///
    /// The end of a step, the beginning of the next and the sum of the one before do not wait for each other, and are merged.
    fn steps(&mut self, begin: usize, last: usize) {
        let is_made = |this: &Self, t: usize| (16..=last).contains(&t) && this.varies(t);
        let mut begun = false;
        for t in begin..=last + 1 {
            let (late, ()) = self.aside(|this| {
                if is_made(this, t) {
                    this.late(t, begun);
                }
            });
            let (early, next) = self.aside(|this| is_made(this, t + 1) && this.early(t + 1));
            let (sum, ()) = self.aside(|this| {
                if t > begin {
                    this.store_sum(t - 1);
                }
            });
            begun = next;
            let streams = if self.temps.early == self.temps.late {
                vec![[late, early].concat(), sum]
            } else {
                vec![late, early, sum]
            };
            let streams: Vec<_> = streams.into_iter().map(Stream::paced).collect();
            self.out.extend(merge(&streams, None));
        }
    }
}

/// Registers for what does not last.
#[derive(Clone, Copy)]
struct Temps {
    early: [Register; 2],
    late: [Register; 2],
    sum: Register,
    /// A word that comes from memory.
    word: Register,
}

impl Temps {
    fn new(tuning: &Tuning) -> Self {
        let first = match tuning.words_in_registers {
            16 => tuning.registers_of_rounds(),
            kept => 16 + kept,
        };
        let [a, b, c, d, e, f] = [0, 1, 2, 3, 4, 5].map(|i| ymm(first + i));
        match (tuning.words_in_registers, tuning.messages) {
            (16, 6) => Self {
                early: [a, b],
                late: [a, b],
                sum: c,
                word: c,
            },
            _ => Self {
                early: [a, b],
                late: [c, d],
                sum: e,
                word: f,
            },
        }
    }
}

/// That of the block that varies, its varying words from where `r8` points.
pub fn first(tuning: &Tuning, pool: &mut Pool, words: &[Word; 64]) -> Lines {
    let mut writer = Writer {
        temps: Temps::new(tuning),
        tuning,
        pool,
        words,
        sums: memory::FIRST_SUMS,
        offset: 0,
        out: Lines::new(),
    };
    let varying = (0..16).filter(|t| writer.varies(*t));
    let varying: Vec<_> = varying.collect();
    for (i, t) in varying.iter().enumerate() {
        let from = Slot::at(R8, (4 * LANES * i) as i32);
        let to = writer.register(*t);
        writer.out.push(Op::Move.to(to, [from.into()]));
        writer.keep(*t);
    }
    let first = varying[0];
    let begin = if first % 2 == 1 {
        writer.store_word(first, memory::FIRST_WORD.within(RCX, 0));
        first + 1
    } else {
        first
    };
    writer.steps(begin, 63);
    writer.out
}

/// That of the second hash up to word `last`, from the digests: where `half` of each message's is, and what is to be added
/// to its words.
pub fn second(
    tuning: &Tuning,
    pool: &mut Pool,
    words: &[Word; 64],
    last: usize,
    digest: impl Fn(usize, usize) -> Slot,
    chain: Option<[Slot; 8]>,
) -> Lines {
    let mut writer = Writer {
        temps: Temps::new(tuning),
        tuning,
        pool,
        words,
        sums: memory::SECOND_SUMS,
        offset: 1,
        out: Lines::new(),
    };
    // Names of the words in a half, from the lowest lane up: F E B A and H G D C.
    for (half, names) in [[5, 4, 1, 0], [7, 6, 3, 2]].into_iter().enumerate() {
        let rows: [Register; 4] = std::array::from_fn(|i| writer.row(i));
        let [r0, r1, r2, r3] = rows;
        let spare = writer.row(4);
        for (i, row) in rows.into_iter().enumerate() {
            let lower = Register::new(Class::Xmm, row.number);
            writer.out.push(Op::Move.to(lower, [digest(i, half).into()]));
            writer
                .out
                .push(Op::InsertUpper.to(row, [row.into(), digest(i + 4, half).into(), 1.into()]));
        }
        let to = names.map(|t| writer.register(t));
        let mut unpack = |op: Op, to: Register, x: Register, y: Register| {
            writer.out.push(op.to(to, [x.into(), y.into()]));
        };
        unpack(Op::UnpackWordsLow, spare, r0, r1);
        unpack(Op::UnpackWordsHigh, r0, r0, r1);
        unpack(Op::UnpackWordsLow, r1, r2, r3);
        unpack(Op::UnpackWordsHigh, r2, r2, r3);
        unpack(Op::UnpackLow, to[0], spare, r1);
        unpack(Op::UnpackHigh, to[1], spare, r1);
        unpack(Op::UnpackLow, to[2], r0, r2);
        unpack(Op::UnpackHigh, to[3], r0, r2);
        for (t, to) in names.into_iter().zip(to) {
            if let Some(chain) = chain {
                writer.add(to, to, Operand::Broadcast(chain[t]));
            }
            writer.keep(t);
        }
    }
    writer.store_word(0, memory::SECOND_WORD.within(RCX, 0));
    writer.steps(1, last);
    writer.out
}
