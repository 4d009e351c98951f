//! Which rounds are written out, and how the pieces are joined.
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
//! Rounds lag behind their schedule, so that a word is ready when its round comes; each piece ends that much
//! early and the next begins there. The hot loop of a double hash is about 4,800 instructions: the body is shared
//! because a loop above about 5,300 no longer fits the op cache of a Zen 5.

mod ends;
mod first;
mod general;
mod roll;

use crate::{
    block::{Block, Word},
    counts,
    layout::{Array, Entry, SECOND, WORDS},
    merge::spread,
    op::{Instruction, Op},
    operand::{Label, Operand, R8, R10, R11, RAX, RCX, RDI, RDX, RSI, Slot},
    program::{Code, Piece, Pool, Program},
    rounds::{Inputs, Results},
    target::{Target, Tuning},
};
use first::Before;
use paydirt_sha256::INITIAL;

/// Makes the pieces of one program.
struct Generator {
    target: Target,
    pool: Pool,
    pieces: Vec<Piece>,
}

/// A piece that the jump table names.
pub fn piece(entry: Entry) -> Piece {
    Piece::new(label(entry))
}

pub fn label(entry: Entry) -> Label {
    Label::Entry(entry.index())
}

/// `rcx` at word `t` of this schedule.
fn point_rcx(schedule: Array, t: usize) -> Instruction {
    Op::LoadAddress.to(RCX, [schedule.within(RDI, t).into()])
}

/// `rcx` on by sixteen words.
fn advance_rcx() -> Instruction {
    Op::Advance.to(RCX, [WORDS.distance(16).into()])
}

fn call(label: Label) -> Instruction {
    Op::Call.of([label.into()])
}

pub fn jump(to: impl Into<Operand>) -> Instruction {
    Op::Jump.of([to.into()])
}

/// What every call begins with.
///
/// In: `rdi` the context, `rsi`, `rdx` and `rcx` the indices of the piece to begin with and of those to go on with,
/// `r8` the sums for a uniform block. Out: `eax`. `r9` points at the constants, `r10` and `r11` at the pieces to go
/// on with. `point` says how `r8` and `r9` come to their places.
pub fn entry(point: &[Instruction]) -> Piece {
    let find = |to, index| {
        let slot = Slot {
            base: RAX,
            index: Some(index),
            bytes: 0,
        };
        Op::LoadSigned.to(to, [slot.into()])
    };
    let mut piece = Piece::new(None);
    piece.scalar([
        Op::LoadAddress.to(RAX, [Program::TABLE.into()]),
        find(R10, RDX),
        find(R11, RCX),
        find(RSI, RSI),
        Op::Advance.to(R10, [RAX.into()]),
        Op::Advance.to(R11, [RAX.into()]),
        Op::Advance.to(RAX, [RSI.into()]),
        Op::Move.to(RDX, [R8.into()]),
    ]);
    piece.end(point);
    piece.scalar([jump(RAX)]);
    piece
}

impl Generator {
    /// `rdx` at the constant of round `t`.
    fn point_rdx(&self, t: usize) -> Instruction {
        Op::LoadAddress.to(RDX, [self.pool.slot(t).into()])
    }

    /// A block in which `words` say what varies, in this schedule; then wherever `then` says.
    fn block(
        &mut self,
        entry: Entry,
        schedule: Array,
        words: [Word; 64],
        before: Before,
        then: impl Into<Operand>,
    ) {
        let mut piece = piece(entry);
        piece.scalar([point_rcx(schedule, 16)]);
        self.written_out(&mut piece, words, before);
        piece.scalar([advance_rcx(), self.point_rdx(32), call(Program::BODY), jump(then)]);
        self.pieces.push(piece);
    }

    /// Sixteen rounds and their schedule, everything varying, as a function: `rcx` points at word t, `rdx` at K[t];
    /// both move on by 16.
    fn body(&mut self) {
        let Tuning { ahead, slack, .. } = self.target.tuning;
        let mut piece = Piece::new(Program::BODY);
        piece.shared = true;
        // Any multiple of 16 would do for the names of registers and the distances of words; more words follow.
        let block = Block::varying(32, 127, ahead);
        for t in 32 - ahead..48 - ahead {
            let k = self.pool.round_from_rdx(t, 32);
            piece.push(self.target.streams(|isa| {
                let round = block.round(t, isa, Inputs::Varying { k }, Results::Both);
                spread(round, block.step(t + ahead, isa, None), slack)
            }));
        }
        piece.scalar([
            advance_rcx(),
            Op::Advance.to(RDX, [self.pool.rounds(16).into()]),
            Op::Return.of([]),
        ]);
        self.pieces.push(piece);
    }
}

/// The program of this target.
pub fn generate(target: Target) -> Program {
    let ceiling = counts::ceiling(&target);
    let mut generator = Generator {
        pool: Pool::new(target.constant_lanes),
        pieces: vec![entry(&target.point)],
        target,
    };
    for first in 0..16 {
        for words in 1..=2.min(16 - first) {
            let mut varying = [Word::Uniform; 64];
            varying[first..first + words].fill(Word::Varying);
            generator.block(Entry::Block { first, words }, WORDS, varying, Before::Driver, R10);
        }
    }
    let mut header = [Word::Known(0); 64];
    header[..3].fill(Word::Uniform);
    header[3] = Word::Varying;
    header[4] = Word::Known(0x8000_0000);
    header[15] = Word::Known(640);
    generator.block(Entry::Header, WORDS, header, Before::Driver, R10);
    generator.body();
    generator.top(Entry::TopBig);
    generator.top(Entry::TopLittle);
    generator.digest();
    // The second hash: its first eight words are the digest of the first.
    let mut second = [Word::Known(0); 64];
    second[..8].fill(Word::Varying);
    second[8] = Word::Known(0x8000_0000);
    second[15] = Word::Known(256);
    for (entry, top) in [
        (Entry::SecondBig, Entry::TopBig),
        (Entry::SecondLittle, Entry::TopLittle),
    ] {
        generator.block(entry, SECOND, second, Before::Known(INITIAL), label(top));
    }
    generator.compress_varying();
    generator.compress_uniform();
    generator.roll();
    let mut end = piece(Entry::Return);
    end.scalar([Op::ZeroUpper.of([]), Op::Return.of([])]);
    generator.pieces.push(end);
    Program {
        name: generator.target.name,
        lanes: generator.target.lanes(),
        streams: generator.target.streams.len(),
        is_legacy: false,
        labels: Entry::COUNT,
        end: Entry::Return.index(),
        code: Code {
            pieces: generator.pieces,
        },
        pool: generator.pool,
        ceiling,
    }
}
