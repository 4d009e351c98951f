//! Version rolling: several midstates, one message schedule.

use super::{Generator, advance_rcx, call, first::inputs, piece, point_rcx};
use crate::{
    block::Block,
    isa::Emitter,
    layout::{self, Entry, Scalar, WORDS},
    merge::spread,
    op::{Lines, Op},
    operand::{Label, Operand, R8, RCX, RDX},
    program::Piece,
    rounds::{Inputs, Results, Round},
    target::Rolling,
};

const START: Label = Label::Named("roll_start");
const BODY: Label = Label::Named("roll_body");
const AGAIN: Label = Label::Named("again_body");

/// Word `t`, and its sum with the constant where the second stream's would be; `rcx` points at word `base`.
fn shared_word(t: usize, base: usize) -> Operand {
    WORDS.near(RCX, base, t).into()
}
fn shared_sum(t: usize, base: usize) -> Operand {
    layout::part(WORDS.near(RCX, base, t), 1).into()
}

/// A round whose word is in its sum with the constant.
fn round(t: usize, inputs: Inputs, isa: &dyn Emitter) -> Lines {
    let round = Round {
        t,
        inputs,
        word: None,
        results: Results::Both,
    };
    round.emit(isa)
}

impl Generator {
    /// Version rolling: each stream has a midstate of its own, both have the same nonces, so that one schedule serves
    /// both. It is stored, with and without K, for a second pass with two more midstates.
    ///
    /// Only the rounds before the schedule begins are written out: with more, the loop would not fit the op cache.
    pub fn roll(&mut self, registers: Rolling) {
        self.roll_start();
        self.roll_body(registers);
        self.roll_first_pass(registers);
        self.roll_second_pass();
    }

    /// Rounds 3 to 14, the same for both passes.
    fn roll_start(&mut self) {
        let mut piece = Piece::new(START);
        piece.scalar([point_rcx(WORDS, 16)]);
        piece.push(self.target.streams(|isa| {
            let mut out = Lines::new();
            for role in [0, 1, 4, 5] {
                let state = Scalar::State(role).slot(isa.file().part);
                isa.load(&mut out, isa.file().role(role, 3), Operand::Broadcast(state));
            }
            let first = Round {
                t: 3,
                inputs: inputs(3, 0, isa.file().part),
                word: Some(shared_word(3, 16)),
                results: Results::Both,
            };
            out.extend(first.emit(isa));
            out
        }));
        for t in 4..15 {
            piece.push(
                self.target
                    .streams(|isa| round(t, inputs(t, t - 3, isa.file().part), isa)),
            );
        }
        piece.scalar([Op::Return.of([])]);
        self.pieces.push(piece);
    }

    /// The sum of word `t` and its constant, into a register and into memory.
    fn sum(&self, t: usize, base: usize, k: Operand, registers: Rolling) -> Lines {
        let isa = &*self.target.streams[0];
        let (sum, recent) = (registers.sums[t % 2], registers.recent[t % 2]);
        let mut out = Lines::new();
        isa.add(&mut out, sum, recent, k, sum);
        out.push(Op::Move.to(shared_sum(t, base), [sum.into()]));
        out
    }

    fn rounds(&self, t: usize, registers: Rolling) -> crate::program::Streams {
        let k = registers.sums[t % 2].into();
        self.target.streams(|isa| round(t, Inputs::Varying { k }, isa))
    }

    /// Sixteen rounds of both streams, and one schedule.
    fn roll_body(&mut self, registers: Rolling) {
        let mut piece = Piece::new(BODY);
        let block = Block::varying(16, 127, 1);
        let isa = &*self.target.streams[0];
        for t in 16 - 1..32 - 1 {
            let k = self.pool.round_from_rdx(t, 16);
            let [first, second] =
                <[Lines; 2]>::try_from(self.rounds(t, registers).lines).expect("two streams");
            let step = spread(first, block.step(t + 1, isa, None), 0.3);
            let mut lines = self.sum(t, 16, k, registers);
            lines.extend(spread(step, second, 0.3 / 4.0));
            piece.push(lines);
        }
        piece.scalar([
            advance_rcx(),
            Op::Advance.to(RDX, [self.pool.rounds(16).into()]),
            Op::Return.of([]),
        ]);
        self.pieces.push(piece);
    }

    /// The digest, each stream's after its own midstate.
    fn roll_digest(&self, piece: &mut Piece) {
        self.store_digest(piece, |word, isa| {
            Operand::Broadcast(Scalar::Chain(word).slot(isa.file().part))
        });
    }

    fn roll_first_pass(&mut self, registers: Rolling) {
        let mut piece = piece(Entry::Roll);
        piece.scalar([call(START), self.point_rdx(16)]);
        let isa = &*self.target.streams[0];
        for t in [14, 15] {
            let mut out = Lines::new();
            isa.load(&mut out, registers.recent[t % 2], shared_word(t, 16));
            piece.push(out);
        }
        piece.scalar([call(BODY); 3]);
        for t in 64 - 1..64 {
            piece.push(self.sum(t, 64, self.pool.round_constant(t), registers));
            piece.scalar([]);
            piece.push(self.rounds(t, registers));
        }
        self.roll_digest(&mut piece);
        self.pieces.push(piece);
    }

    /// The same rounds without a schedule: its sums lie where the first pass stored them.
    fn roll_second_pass(&mut self) {
        let mut body = Piece::new(AGAIN);
        for t in 16..32 {
            let k = shared_sum(t, 16);
            body.push(self.target.streams(|isa| round(t, Inputs::Varying { k }, isa)));
        }
        body.scalar([advance_rcx(), Op::Return.of([])]);
        self.pieces.push(body);

        let mut piece = piece(Entry::RollAgain);
        piece.scalar([Op::Advance.to(R8, [layout::midstates(2).into()]), call(START)]);
        piece.push(
            self.target
                .streams(|isa| round(15, inputs(15, 12, isa.file().part), isa)),
        );
        piece.scalar([call(AGAIN); 3]);
        self.roll_digest(&mut piece);
        self.pieces.push(piece);
    }
}
