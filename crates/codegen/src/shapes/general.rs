//! Further blocks, after one that varies: their chaining value is a vector.

use super::{Generator, call, piece, point_rcx};
use crate::{
    block::Block,
    isa::Emitter,
    layout::{Entry, GENERAL, SECOND, SUMS},
    op::{Lines, Op},
    operand::{Label, Operand, RCX, RDX},
    program::{Piece, Program},
    rounds::{self, Inputs, Results},
    target::Tuning,
};

const UNIFORM_ROUNDS: Label = Label::Named("uniform16");

/// The varying chaining value, where `rcx` points at it.
fn chain(word: usize, isa: &dyn Emitter) -> Operand {
    rounds::word(isa.file(), RCX, word, 0).into()
}

impl Generator {
    /// The varying chaining value into the state registers.
    fn load_state(&self, piece: &mut Piece) {
        piece.scalar([point_rcx(SECOND, 0)]);
        for word in 0..8 {
            piece.push(self.target.streams(|isa| {
                let mut out = Lines::new();
                isa.load(&mut out, isa.file().role(word, 0), chain(word, isa));
                out
            }));
        }
        piece.push(self.target.streams(|isa| isa.keep(0)));
    }

    /// Sixteen varying words into a varying chaining value.
    pub fn compress_varying(&mut self) {
        let Tuning { ahead, .. } = self.target.tuning;
        let mut piece = piece(Entry::Varying);
        self.load_state(&mut piece);
        piece.scalar([point_rcx(GENERAL, 16), self.point_rdx(16)]);
        let block = Block::varying(16, 63, ahead);
        for t in [14, 15] {
            piece.push(self.target.streams(|isa| block.load_recent(t, isa)));
        }
        for t in 0..16 - ahead {
            let k = self.pool.round_constant(t);
            piece.push(
                self.target
                    .streams(|isa| block.round(t, isa, Inputs::Varying { k }, Results::Both)),
            );
        }
        piece.scalar([call(Program::BODY), call(Program::BODY)]);
        self.last_rounds_and_digest(&mut piece, chain);
        self.pieces.push(piece);
    }

    /// A block of uniform words into a varying chaining value: no schedule; `rdx` points at the sums of K and w.
    pub fn compress_uniform(&mut self) {
        let mut outer = piece(Entry::Uniform);
        self.load_state(&mut outer);
        outer.scalar([call(UNIFORM_ROUNDS); 4]);
        self.store_digest(&mut outer, chain);
        self.pieces.push(outer);

        let mut piece = Piece::new(UNIFORM_ROUNDS);
        piece.shared = true;
        for t in 0..16 {
            let round = rounds::Round {
                t,
                inputs: Inputs::Varying {
                    k: Operand::Broadcast(SUMS.near(RDX, 0, t)),
                },
                word: None,
                results: Results::Both,
            };
            piece.push(self.target.streams(|isa| round.emit(isa)));
        }
        piece.scalar([Op::Advance.to(RDX, [SUMS.distance(16).into()]), Op::Return.of([])]);
        self.pieces.push(piece);
    }
}
