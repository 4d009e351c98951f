//! The program of the SHA instructions: messages side by side, each with a schedule of its own.
//!
//! *In:* a number of lanes. *Out:* a [`Program`] whose memory is laid out as below, with the pieces of
//! [`Entry`] that it needs, and how many SHA instructions each takes.
//!
//! `sha256rnds2` takes the two halves of the state, A B E F and C D G H, and the sums K + W of two rounds; its result is the
//! next A B E F, while the old one is the next C D G H: the halves swap roles from pair to pair of rounds. `sha256msg1` and
//! `sha256msg2` make four schedule words, a *quad*. What is spared:
//!
//! 1. Rounds before the varying word V are constant. Round V itself adds W to a and e only; when V is odd, one
//!    addition to the state stands for the pair of rounds V - 1 and V.
//! 2. Constant quads of the schedule, and constant halves of the sum that precedes `sha256msg2`, are loaded.
//! 3. Where word 3 alone varies, as in a header, W16 to W19 are a constant plus (0, 0, σ0(W3), W3), and the caller's table
//!    holds σ0.
//! 4. The second hash starts from a constant state, so its round 0, too, is an addition. From there on everything is
//!    shifted by one word: 30 pairs are rounds 1 to 60, whose e is the digest's last word. No round is in vain.
//! 5. The second message ends in W8 to W15 = 80000000, 0 …, 256: terms that are zero fall away.
//!
//! Where lanes are versions of one header (`roll`), the first hash takes loads and rounds only.
//!
//! A call hashes batch after batch, by itself: what a driver does between them would stand in the way of the next batch's
//! instructions, and cost 7 of 60 cycles a text.
//!
//! The two newest quads of a lane are in registers, older ones in memory, and the step for the next quad stands right after
//! the rounds of this one: with three lanes 53 cycles a compression on a Zen 3 core, where two lanes wait for their rounds
//! (64), and a step right before its rounds takes 55.

pub mod memory;
mod roll;
mod tuning;

pub use tuning::Tuning;

use crate::{
    block::varying_words,
    isa::{Lane, SUMS, ShaNi},
    layout::{Array, Entry},
    op::{Instruction, Lines, Op},
    operand::{Class, Label, Operand, R8, R9, R10, R11, RAX, RCX, RDI, RDX, RSI, Register, Slot},
    program::{Code, Piece, Pool, Program},
    shapes::{self, jump, piece},
};
use paydirt_sha256::{INITIAL, K, round};

/// Lanes 1 and 3: e and a in their half of the state, and the upper halves of two table entries.
const ODD_LANES: [u32; 4] = [0, u32::MAX, 0, u32::MAX];
const UPPER_LANES: [u32; 4] = [0, 0, u32::MAX, u32::MAX];
/// The last quads of a second message, one word on: the bit that ends it, and its length.
const END_BIT: [u32; 4] = [0x8000_0000, 0, 0, 0];
const LENGTH: [u32; 4] = [0, 0, 0, 256];
/// The last two quads are in registers; one more is made.
const QUAD_REGISTERS: usize = 3;

/// Bytes of an entry of the table of pairs.
const ENTRY_BYTES: usize = 8;

/// Where the next batch begins.
const AGAIN: Label = Label::Named("again");

/// What a quad of the schedule is.
#[derive(Clone, Copy)]
enum Quad {
    /// Constant, and here.
    Constant(Slot),
    /// A lane's own.
    Varying,
    /// A lane's own, but never in a register.
    Stored,
}

/// How a quad is made.
#[derive(Clone, Copy)]
enum Step {
    /// There is nothing to do.
    Constant,
    /// A constant and what the lane's pair has in some of the words.
    Sum { constant: Slot, mask: Slot },
    /// Of the quads before it: `W[t-16] + σ0(W[t-15])` or not, `W[t-7]` or not, a constant or none, and always σ1.
    Made {
        first: bool,
        second: bool,
        constant: Option<Slot>,
    },
}

/// One block's schedule: quads, and how they are made.
struct Schedule {
    quads: [Quad; 16],
    steps: [Step; 16],
}

impl Schedule {
    /// Whether quad `j` is read when it is no longer in a register: by the first terms of those three and four later.
    fn is_read_late(&self, j: usize) -> bool {
        let first = |later: usize| match self.steps.get(j + later) {
            Some(Step::Made { first, .. }) => *first,
            _ => false,
        };
        first(3) || first(4)
    }
}

/// Makes the pieces.
struct Generator {
    isa: ShaNi,
    pool: Pool,
}

/// The words of quad `j` that vary when `words` words from `first` on do.
fn mask(first: usize, words: usize, j: usize) -> [u32; 4] {
    std::array::from_fn(|lane| match 4 * j + lane {
        t if (first..first + words).contains(&t) => u32::MAX,
        _ => 0,
    })
}

/// Whether any of `count` words from `at` on is in `varying`.
fn any(varying: u64, at: usize, count: usize) -> bool {
    varying >> at & ((1 << count) - 1) != 0
}

impl Generator {
    fn lanes(&self) -> usize {
        self.isa.lanes.len()
    }

    /// Lines for each lane, one lane after the other.
    fn each(&self, lines: impl Fn(usize, &Lane) -> Lines) -> Lines {
        let lanes = self.isa.lanes.iter().enumerate();
        lanes.flat_map(|(i, lane)| lines(i, lane)).collect()
    }

    fn quad_register(&self, lane: usize, j: usize) -> Register {
        let first = 1 + 2 * self.lanes() + QUAD_REGISTERS * lane;
        Register::new(Class::Xmm, (first + j % QUAD_REGISTERS) as u8)
    }

    fn ring(&self, lane: usize, j: usize) -> Slot {
        memory::RING.within(RDI, 4 * lane + j % 4)
    }

    /// Quad `j` of a lane, while quad `at` is made or its rounds are done.
    fn quad(&self, schedule: &Schedule, lane: usize, j: usize, at: usize) -> Operand {
        match schedule.quads[j] {
            Quad::Constant(slot) => slot.into(),
            Quad::Varying if at - j < QUAD_REGISTERS => self.quad_register(lane, j).into(),
            _ => self.ring(lane, j).into(),
        }
    }

    /// Makes quad `j`.
    fn step(&self, schedule: &Schedule, lane: usize, j: usize) -> Lines {
        let mut out = Lines::new();
        let to = self.quad_register(lane, j);
        let quad = |back: usize| self.quad(schedule, lane, j - back, j);
        match schedule.steps[j] {
            Step::Constant => return out,
            Step::Sum { constant, mask } => {
                out.push(Op::Move.to(to, [memory::PAIRS.within(RDI, lane).into()]));
                out.push(Op::And.to(to, [to.into(), mask.into()]));
                out.push(Op::Add.to(to, [to.into(), constant.into()]));
            }
            Step::Made {
                first,
                second,
                constant,
            } => {
                // W[t-7] lies in two quads.
                let sevens = |out: &mut Lines, to: Register| {
                    out.push(Op::Move.to(to, [quad(1)]));
                    out.push(Op::AlignBytes.to(to, [to.into(), quad(2), 4.into()]));
                };
                if first {
                    out.push(Op::Move.to(to, [quad(4)]));
                    out.push(Op::Sha256Message1.to(to, [quad(3)]));
                    if second {
                        sevens(&mut out, SUMS);
                        out.push(Op::Add.to(to, [to.into(), SUMS.into()]));
                    }
                } else if second {
                    sevens(&mut out, to);
                }
                match constant {
                    Some(slot) if first || second => out.push(Op::Add.to(to, [to.into(), slot.into()])),
                    Some(slot) => out.push(Op::Move.to(to, [slot.into()])),
                    None => {}
                }
                out.push(Op::Sha256Message2.to(to, [quad(1)]));
            }
        }
        if schedule.is_read_late(j) {
            out.push(Op::Move.to(self.ring(lane, j), [to.into()]));
        }
        out
    }

    /// Those of the two pairs of rounds of quad `j` that are `done`; the constants are four from `constants` on, or those
    /// of a constant quad two and two from `sums` on.
    fn rounds(
        &self,
        schedule: &Schedule,
        lane: usize,
        j: usize,
        constants: Slot,
        sums: [Slot; 2],
        done: [bool; 2],
    ) -> Lines {
        let mut out = Lines::new();
        let constant = matches!(schedule.quads[j], Quad::Constant(_));
        if !constant && done.contains(&true) {
            let quad = self.quad(schedule, lane, j, j);
            out.push(Op::Move.to(SUMS, [quad]));
            out.push(Op::Add.to(SUMS, [SUMS.into(), constants.into()]));
        }
        for half in [0, 1].into_iter().filter(|half| done[*half]) {
            if constant {
                out.push(Op::MoveQuad.to(SUMS, [sums[half].into()]));
            } else if half == 1 {
                out.push(Op::ShuffleWords.to(SUMS, [SUMS.into(), 0b1110.into()]));
            }
            self.isa.lanes[lane].rounds(&mut out, 2 * j + half);
        }
        out
    }

    /// Sixteen quads, or fewer: each lane's rounds of one, then its step for the next.
    fn quads(
        &self,
        schedule: &Schedule,
        quads: std::ops::Range<usize>,
        rounds: impl Fn(usize, usize) -> Lines,
    ) -> Lines {
        let mut out = self.each(|lane, _| self.step(schedule, lane, quads.start));
        for j in quads.clone() {
            out.extend(self.each(|lane, _| {
                let mut lines = rounds(lane, j);
                if j + 1 < quads.end {
                    lines.extend(self.step(schedule, lane, j + 1));
                }
                lines
            }));
        }
        out
    }

    /// The block in which `words` words from `first` on vary; `r8` points at the table's entry of the first lane.
    fn block(&mut self, first: usize, words: usize) -> Piece {
        let varying = varying_words(first, words);
        let quad_varies = |j: usize| any(varying, 4 * j, 4);
        let mut schedule = Schedule {
            quads: [Quad::Varying; 16],
            steps: [Step::Constant; 16],
        };
        for j in 0..16 {
            let constant = (j <= 4).then(|| memory::QUADS.within(RDI, j));
            let sum = (4..9)
                .contains(&j)
                .then(|| memory::SUMS.within(RDI, j.wrapping_sub(4)));
            schedule.steps[j] = match constant {
                Some(constant) if !quad_varies(j) => {
                    schedule.quads[j] = Quad::Constant(constant);
                    continue;
                }
                Some(constant) if j < 4 => {
                    let mask = self.pool.quad(mask(first, words, j));
                    Step::Sum { constant, mask }
                }
                // Word 3 adds σ0(W3) to W18, W3 to W19, and nothing to W16 and W17, on which these depend.
                Some(constant) if (first, words) == (3, 1) => {
                    let mask = self.pool.quad(UPPER_LANES);
                    Step::Sum { constant, mask }
                }
                _ => {
                    let (before, back) = (any(varying, 4 * j - 16, 5), any(varying, 4 * j - 7, 4));
                    Step::Made {
                        first: before,
                        second: back,
                        constant: sum.filter(|_| !(before && back)),
                    }
                }
            };
        }
        let mut piece = piece(Entry::Block { first, words });
        let mut out = self.each(|lane, _| {
            let pair = memory::PAIRS.within(RDI, lane);
            let shared = memory::SHARED.within(RDI, 0);
            vec![
                Op::BroadcastQuad.to(SUMS, [Slot::at(R8, (ENTRY_BYTES * lane) as i32).into()]),
                Op::Xor.to(SUMS, [SUMS.into(), shared.into()]),
                Op::Move.to(pair, [SUMS.into()]),
            ]
        });
        let first_pair = first.div_ceil(2);
        let odd_lanes = self.pool.quad(ODD_LANES);
        out.extend(self.each(|lane, registers| {
            let [abef, cdgh] = registers.halves(first_pair);
            let [start_abef, start_cdgh] = [0, 1].map(|half| memory::START.within(RDI, half));
            let mut lines = Lines::new();
            if first % 2 == 1 {
                lines.push(Op::Move.to(abef, [memory::PAIRS.within(RDI, lane).into()]));
                lines.push(Op::And.to(abef, [abef.into(), odd_lanes.into()]));
                lines.push(Op::Add.to(abef, [abef.into(), start_abef.into()]));
            } else {
                lines.push(Op::Move.to(abef, [start_abef.into()]));
            }
            lines.push(Op::Move.to(cdgh, [start_cdgh.into()]));
            lines
        }));
        out.extend(self.quads(&schedule, 0..16, |lane, j| {
            let sums = [0, 1].map(|half| memory::ROUNDS.within(RDI, 2 * j + half));
            let done = [0, 1].map(|half| first <= 2 * (2 * j + half));
            self.rounds(&schedule, lane, j, self.pool.slot(4 * j), sums, done)
        }));
        piece.end(&out);
        piece.scalar([jump(R10)]);
        piece
    }

    /// Adds the chaining value: from here on the state is a hash value.
    fn digest(&self) -> Piece {
        let mut piece = piece(Entry::Digest);
        piece.end(&self.each(|_, lane| {
            let add = |half: usize| {
                let register = lane.state[half];
                let chaining = memory::CHAINING.within(RDI, half);
                Op::Add.to(register, [register.into(), chaining.into()])
            };
            [0, 1].map(add).into()
        }));
        piece.scalar([jump(R11)]);
        piece
    }

    /// Where a lane's halves of the state are kept.
    fn kept(&self, lane: usize, half: usize) -> Slot {
        memory::STATE.within(RDI, 2 * lane + half)
    }

    /// A further block that is the same for all lanes, into the hash value that a call has left; `rdx` points at its
    /// sums of constant and word.
    fn uniform(&self) -> Piece {
        let mut piece = piece(Entry::Uniform);
        let mut out = self.each(|i, lane| {
            let load = |half: usize| Op::Move.to(lane.state[half], [self.kept(i, half).into()]);
            [0, 1].map(load).into()
        });
        for pair in 0..32 {
            out.extend(self.isa.two_rounds(pair, |_| Slot::at(RDX, 8 * pair as i32)));
        }
        out.extend(self.each(|i, lane| {
            let add = |half: usize| {
                let register = lane.state[half];
                Op::Add.to(register, [register.into(), self.kept(i, half).into()])
            };
            [0, 1].map(add).into()
        }));
        piece.end(&out);
        piece.scalar([jump(R11)]);
        piece
    }

    /// The second hash, from the first's hash value. Words are numbered from 1: quad j is the words 4j + 1 to 4j + 4.
    fn second(&mut self, entry: Entry) -> Piece {
        // The top word is the digest's last, e of round 60; or its first, b of the round after the last, which is none
        // and does no harm.
        let last = if entry == Entry::SecondLittle { 15 } else { 16 };
        let zero = self.pool.quad([0; 4]);
        let mut schedule = Schedule {
            quads: [Quad::Varying; 16],
            steps: std::array::from_fn(|j| match j {
                0..4 => Step::Constant,
                // Where the words between message and length are all that a term has, it is zero.
                _ => Step::Made {
                    first: j != 6,
                    second: j != 4,
                    constant: None,
                },
            }),
        };
        schedule.quads[2] = Quad::Constant(zero);
        schedule.quads[3] = Quad::Stored;
        let mut after_0 = INITIAL;
        round(&mut after_0, K[0]);
        let [a, b, c, d, e, f, g, h] = after_0;
        let start = [[f, e, b, a], [h, g, d, c]].map(|half| self.pool.quad(half));
        let odd_lanes = self.pool.quad(ODD_LANES);
        let (end_bit, length) = (self.pool.quad(END_BIT), self.pool.quad(LENGTH));
        let constants: [Slot; 16] = std::array::from_fn(|j| {
            let k = |i: usize| K.get(4 * j + 1 + i).copied().unwrap_or(0);
            self.pool.quad(std::array::from_fn(k))
        });
        let mut piece = piece(entry);
        let mut out = self.each(|lane, Lane { state: [x, y] }| {
            let (x, y) = (*x, *y);
            let [abcd, cdef, efgh] = [0, 1, 2].map(|j| self.quad_register(lane, j));
            let [w0, w1] = [0, 1].map(|j| self.quad_register(lane, j));
            vec![
                // Halves become A B C D and E F G H, from the lowest lane up.
                Op::ShuffleWords.to(efgh, [x.into(), 0b00_01_10_11.into()]),
                Op::ShuffleWords.to(cdef, [y.into(), 0b00_01_10_11.into()]),
                Op::UnpackLow.to(abcd, [efgh.into(), cdef.into()]),
                Op::UnpackHigh.to(efgh, [efgh.into(), cdef.into()]),
                // Round 0, and the state before round 1.
                Op::ShuffleWords.to(x, [x.into(), 0b11_11_11_11.into()]),
                Op::And.to(x, [x.into(), odd_lanes.into()]),
                Op::Add.to(x, [x.into(), start[0].into()]),
                Op::Move.to(y, [start[1].into()]),
                // Words 13 to 16: the length, and word 0 + σ0(word 1).
                Op::Move.to(SUMS, [abcd.into()]),
                Op::Sha256Message1.to(SUMS, [efgh.into()]),
                Op::AlignBytes.to(SUMS, [SUMS.into(), length.into(), 4.into()]),
                Op::Move.to(self.ring(lane, 3), [SUMS.into()]),
                // Words 1 to 4, and 5 to 8.
                Op::AlignBytes.to(SUMS, [efgh.into(), abcd.into(), 4.into()]),
                Op::Move.to(w0, [SUMS.into()]),
                Op::Move.to(self.ring(lane, 0), [SUMS.into()]),
                Op::Move.to(w1, [end_bit.into()]),
                Op::AlignBytes.to(w1, [w1.into(), efgh.into(), 4.into()]),
                Op::Move.to(self.ring(lane, 1), [w1.into()]),
            ]
        });
        out.extend(self.quads(&schedule, 0..last, |lane, j| {
            let sums = [0, 8].map(|bytes| Slot::at(constants[j].base, constants[j].bytes + bytes));
            self.rounds(&schedule, lane, j, constants[j], sums, [true; 2])
        }));
        piece.end(&out);
        let lane = if entry == Entry::SecondLittle { 1 } else { 2 };
        self.end_batch(&mut piece, 0, lane);
        piece
    }

    /// After a block whose hash value needs no more than this, or whose chaining value the driver adds to its top word.
    fn top(&self, entry: Entry) -> Piece {
        // A hash value is F E B A and H G D C, from the lowest lane up.
        let (half, lane) = if entry == Entry::TopBig { (0, 3) } else { (1, 0) };
        let mut piece = piece(entry);
        self.end_batch(&mut piece, half, lane);
        piece
    }

    /// Writes the top words, this lane of this half of the states, and goes on to the next batch, if there is one.
    fn end_batch(&self, piece: &mut Piece, half: usize, lane: u32) {
        piece.end(&self.each(|i, registers| {
            let slot = Slot::at(RSI, 4 * i as i32);
            vec![Op::ExtractWord.to(slot, [registers.state[half].into(), lane.into()])]
        }));
        let lanes = self.lanes() as u32;
        piece.scalar([
            Op::Advance.to(RSI, [(4 * lanes).into()]),
            Op::Advance.to(R8, [(ENTRY_BYTES as u32 * lanes).into()]),
            Op::Decrement.to(RCX, []),
            Op::JumpIfNotZero.of([AGAIN.into()]),
            Op::Return.of([]),
        ]);
    }

    /// Leaves the states, and the code.
    fn end(&self) -> Piece {
        let mut piece = piece(Entry::Return);
        piece.end(&self.each(|i, lane| {
            let store = |half: usize| Op::Move.to(self.kept(i, half), [lane.state[half].into()]);
            [0, 1].map(store).into()
        }));
        piece.scalar([Op::Return.of([])]);
        piece
    }
}

/// The program of this tuning.
///
/// # Panics
/// When it has no lanes, or more than three.
pub fn generate(Tuning { lanes }: Tuning) -> Program {
    assert!((1..=3).contains(&lanes), "no registers for {lanes} lanes");
    let mut generator = Generator {
        isa: ShaNi::new(lanes),
        pool: Pool::new(1),
    };
    let point: [Instruction; 4] = [
        Op::Move.to(R8, [R9.into()]),
        Op::LoadAddress.to(R9, [Program::POOL.into()]),
        Op::LoadAddress.to(RSI, [memory::TOPS.within(RDI, 0).into()]),
        Op::LoadSigned.to(RCX, [memory::BATCHES.within(RDI, 0).into()]),
    ];
    let mut again = Piece::new(AGAIN);
    again.scalar([jump(RAX)]);
    let mut pieces = vec![shapes::entry(&point), again];
    for first in 0..16 {
        for words in 1..=2.min(16 - first) {
            pieces.push(generator.block(first, words));
        }
    }
    pieces.push(generator.digest());
    pieces.push(generator.uniform());
    pieces.push(generator.roll());
    pieces.extend([Entry::TopBig, Entry::TopLittle].map(|entry| generator.top(entry)));
    pieces.extend([Entry::SecondBig, Entry::SecondLittle].map(|entry| generator.second(entry)));
    pieces.push(generator.end());
    Program {
        name: "sha_ni",
        lanes,
        streams: 1,
        is_legacy: true,
        labels: Entry::COUNT,
        end: Entry::Return.index(),
        code: Code { pieces },
        pool: generator.pool,
        ceiling: Code { pieces: Vec::new() },
    }
}

/// SHA instructions for one nonce: `sha256rnds2` (two rounds each), `sha256msg1`, `sha256msg2`.
type ShaCounts = [usize; 3];

fn count(piece: &Piece, lanes: usize) -> ShaCounts {
    [Op::Sha256Rounds, Op::Sha256Message1, Op::Sha256Message2]
        .map(|op| piece.code().iter().filter(|line| line.op == op).count() / lanes)
}

/// What a driver must know, as Rust: the lanes, where each value lies in memory, and what each piece takes.
pub fn constants(program: &Program) -> String {
    let mut text = format!("pub const LANES: usize = {};\n", program.lanes);
    for (name, array) in [
        ("START", memory::START),
        ("CHAINING", memory::CHAINING),
        ("ROUNDS", memory::ROUNDS),
        ("QUADS", memory::QUADS),
        ("SUMS", memory::SUMS),
        ("SHARED", memory::SHARED),
        ("PAIRS", memory::PAIRS),
        ("RING", memory::RING),
        ("STATE", memory::STATE),
        ("BATCHES", memory::BATCHES),
        ("TOPS", memory::TOPS),
    ] {
        text += &format!("pub const {name}: usize = {};\n", array.offset);
    }
    text += &format!("pub const MOST_LANES: usize = {};\n", memory::LANES);
    text += &format!("pub const VERSION_BYTES: usize = {};\n", memory::VERSION_BYTES);
    let counts: Vec<ShaCounts> = (0..Entry::COUNT)
        .map(|index| {
            let piece = program.code.find(Label::Entry(index));
            piece.map_or([0; 3], |i| count(&program.code.pieces[i], program.lanes))
        })
        .collect();
    text + &format!(
        "/// SHA instructions of each piece for one nonce: `sha256rnds2`, `sha256msg1`, `sha256msg2`.\n\
         pub const PIECES: [[u32; 3]; {}] = {counts:?};\n",
        counts.len()
    )
}
