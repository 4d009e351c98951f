//! Message schedules in vectors, a message a lane, and the sums of constants and words that the rounds take.

use super::{LANES, Tuning, memory};
use crate::{
    block::{Word, known_terms},
    layout::Array,
    op::{Lines, Op},
    operand::{Class, Operand, R8, RCX, RDI, Register, Slot},
    program::Pool,
};
use paydirt_sha256::{K, SMALL_SIGMA};

/// The truth table of the exclusive or of three.
const XOR: u32 = 0x96;

/// Writes one block's schedule.
struct Writer<'a> {
    tuning: &'a Tuning,
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
    /// Registers for what does not last.
    fn temp(&self, i: usize) -> Register {
        match self.tuning.words_in_registers {
            16 => ymm(9 + i),
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

    /// The exclusive or of two rotations and a shift; `to` and the temporaries are not `x`.
    fn small_sigma(&mut self, to: Register, x: Register, by: [u32; 3], [y, z]: [Register; 2]) {
        self.out.push(Op::RotateRight.to(to, [x.into(), by[0].into()]));
        self.out.push(Op::RotateRight.to(y, [x.into(), by[1].into()]));
        self.out.push(Op::ShiftRight.to(z, [x.into(), by[2].into()]));
        if self.tuning.ternary {
            self.out
                .push(Op::Ternary.to(to, [y.into(), z.into(), XOR.into()]));
        } else {
            self.out.push(Op::Xor.to(to, [to.into(), y.into()]));
            self.out.push(Op::Xor.to(to, [to.into(), z.into()]));
        }
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

    /// Makes varying word `t`, 16 to 63.
    fn step(&mut self, t: usize) {
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
            let [x, sum, y, z] = [0, 1, 2, 3].map(|i| self.temp(i));
            let x = match self.word(t - 15, t) {
                Operand::Register(x) => x,
                word => {
                    self.out.push(Op::Move.to(x, [word]));
                    x
                }
            };
            let [sum, y] = if begun { [sum, y] } else { [to, y] };
            self.small_sigma(sum, x, SMALL_SIGMA[0], [y, z]);
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
        if self.varies(t - 2) {
            let [sum, y, z] = [1, 2, 3].map(|i| self.temp(i));
            let Operand::Register(x) = self.word(t - 2, t) else {
                unreachable!("the latest words are in registers");
            };
            if begun {
                self.small_sigma(sum, x, SMALL_SIGMA[1], [y, z]);
                self.add(to, to, sum.into());
            } else {
                self.small_sigma(to, x, SMALL_SIGMA[1], [y, z]);
            }
        }
        self.keep(t);
    }

    /// Word `t` and its constant in a register.
    fn sum(&mut self, t: usize, to: Register) {
        let constant = match self.words.get(t) {
            Some(Word::Varying) => {
                let k = self.pool.constant(K[t]);
                let word = self.register(t);
                return self.add(to, word, k);
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
    }

    /// Joins two vectors' words to 64 bits a message, in an entry.
    fn join(&mut self, low: Register, high: Register, entry: Slot) {
        let [x, y] = [4, 5].map(|i| self.temp(i));
        self.out.push(Op::UnpackWordsLow.to(x, [low.into(), high.into()]));
        self.out
            .push(Op::UnpackWordsHigh.to(y, [low.into(), high.into()]));
        let half = Slot::at(entry.base, entry.bytes + (4 * LANES) as i32);
        self.out.push(Op::Move.to(entry, [x.into()]));
        self.out.push(Op::Move.to(half, [y.into()]));
    }

    /// The sums of words `t` and the next, unless both are the same for all messages.
    fn store_sums(&mut self, t: usize) {
        if !self.varies(t) && !self.varies(t + 1) {
            return;
        }
        let [low, high] = [0, 1].map(|i| self.temp(i));
        self.sum(t, low);
        self.sum(t + 1, high);
        let entry = self.sums.within(RCX, (t - self.offset) / 2);
        self.join(low, high, entry);
    }

    /// Zero and the varying word `t`.
    fn store_word(&mut self, t: usize, entry: Slot) {
        let zero = self.temp(0);
        self.out.push(Op::Xor.to(zero, [zero.into(), zero.into()]));
        self.join(zero, self.register(t), entry);
    }

    /// Words 16 and on up to `last`, and all sums; words before 16 are there.
    fn steps(&mut self, begin: usize, last: usize) {
        for t in begin..=last {
            if t >= 16 && self.varies(t) {
                self.step(t);
            }
            if t > begin && (t - self.offset) % 2 == 1 {
                self.store_sums(t - 1);
            }
        }
    }
}

/// That of the block that varies, its varying words from where `r8` points.
pub fn first(tuning: &Tuning, pool: &mut Pool, words: &[Word; 64]) -> Lines {
    let mut writer = Writer {
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
        tuning,
        pool,
        words,
        sums: memory::SECOND_SUMS,
        offset: 1,
        out: Lines::new(),
    };
    // Names of the words in a half, from the lowest lane up: F E B A and H G D C.
    for (half, names) in [[5, 4, 1, 0], [7, 6, 3, 2]].into_iter().enumerate() {
        let rows: [Register; 4] = std::array::from_fn(|i| writer.temp(i));
        let [r0, r1, r2, r3] = rows;
        let spare = writer.temp(4);
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
    writer.steps(1, last.min(63));
    if last > 63 {
        writer.store_sums(63);
    }
    writer.out
}
