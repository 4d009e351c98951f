//! What follows a block's rounds: only its top word, tested; or all of the digest.

use super::{Generator, call, first::scalar, jump, piece, point_rcx};
use crate::{
    block::Block,
    isa::Emitter,
    layout::{Entry, SECOND, Scalar},
    merge::spread,
    op::{Lines, Op},
    operand::{Operand, R11, RCX},
    program::{Piece, Program},
    rounds::{self, Inputs, Results},
    target::Tuning,
};

impl Generator {
    /// Rounds from 48, less how far the schedule is ahead, to the one that gives the top word, and its test.
    pub fn top(&mut self, entry: Entry) {
        let Tuning { ahead, slack, .. } = self.target.tuning;
        let little = entry == Entry::TopLittle;
        let last = if little { 60 } else { 63 };
        let block = Block::varying(48, last, ahead);
        let mut piece = piece(entry);
        for t in 48 - ahead..=last {
            let k = self.pool.round_constant(t);
            let results = match (little, t) {
                // h of round 63 is e of round 60; what d is there was a of round 56.
                (true, 57..) => Results::OnlyE,
                (false, 63) => Results::OnlyA,
                _ => Results::Both,
            };
            piece.push(self.target.streams(|isa| {
                let round = block.round(t, isa, Inputs::Varying { k }, results);
                let step = (t + ahead <= last).then(|| block.step(t + ahead, isa, None));
                spread(round, step.unwrap_or_default(), slack)
            }));
        }
        let pattern = self.pool.swap_pattern();
        piece.push(self.target.streams(|isa| {
            let top = isa.file().role(if little { 4 } else { 0 }, last + 1);
            let [temp, ..] = isa.file().temps;
            let mut out = Lines::new();
            isa.add(&mut out, top, top, scalar(Scalar::TopAdd), temp);
            if little {
                out.push(Op::ShuffleBytes.to(top, [top.into(), pattern.into()]));
                isa.load(&mut out, temp, scalar(Scalar::Lowest));
                out.push(Op::Subtract.to(top, [top.into(), temp.into()]));
            }
            isa.at_most(&mut out, top, scalar(Scalar::Span), temp);
            out
        }));
        piece.end(&self.target.return_lanes);
        self.pieces.push(piece);
    }

    /// The digest of a block.
    pub fn digest(&mut self) {
        let mut piece = piece(Entry::Digest);
        self.last_rounds_and_digest(&mut piece, |word, _| scalar(Scalar::Chain(word)));
        self.pieces.push(piece);
    }

    /// The rounds that a body leaves over, then the digest.
    pub fn last_rounds_and_digest(
        &mut self,
        piece: &mut Piece,
        chain: impl Fn(usize, &dyn Emitter) -> Operand,
    ) {
        let Tuning { ahead, .. } = self.target.tuning;
        piece.scalar([call(Program::BODY)]);
        let block = Block::varying(64, 63, ahead);
        for t in 64 - ahead..64 {
            let k = self.pool.round_constant(t);
            piece.push(
                self.target
                    .streams(|isa| block.round(t, isa, Inputs::Varying { k }, Results::Both)),
            );
        }
        self.store_digest(piece, chain);
    }

    /// State plus chaining value, stored.
    pub fn store_digest(&self, piece: &mut Piece, chain: impl Fn(usize, &dyn Emitter) -> Operand) {
        piece.scalar([point_rcx(SECOND, 0)]);
        for word in 0..8 {
            piece.push(self.target.streams(|isa| {
                let register = isa.file().role(word, 64);
                let [temp, ..] = isa.file().temps;
                let mut out = Lines::new();
                isa.add(&mut out, register, register, chain(word, isa), temp);
                let slot = rounds::word(isa.file(), RCX, word, 0);
                out.push(Op::Move.to(slot, [register.into()]));
                out
            }));
        }
        piece.scalar([jump(R11)]);
    }
}
