//! Version rolling: lanes are versions.
//!
//! Headers that differ only in their version have the same second block, and so the same message schedule. A batch is one
//! nonce under 32 versions: what differs from lane to lane is the state after the three rounds before the nonce and what
//! is added to the last one. K + w of all rounds is computed by the driver, sixteen nonces at a time and once for all
//! versions; here it is a scalar in memory. No schedule, then, and one addition less a round.

use super::{Generator, call, piece};
use crate::{
    isa::Emitter,
    layout::{Entry, NONCE_SUMS, Scalar, VERSIONS, Version, part},
    op::{Lines, Op},
    operand::{Label, Operand, R8, RDI, RDX, RSI},
    program::Piece,
    rounds::{Inputs, Results, Round},
};

/// The round of the nonce's word.
const FIRST: usize = 3;
/// The word at which `rdx` points when rounds 0 to 15 are done: from there, addresses of sixteen words take one byte.
const MIDDLE: usize = 8;

const BODY: Label = Label::Named("roll_body");

/// A stream's vector of a value of the batch's versions; `rsi` points at the batch.
fn version(value: Version, isa: &dyn Emitter) -> Operand {
    part(VERSIONS.near(RSI, 0, value.index()), isa.file().part).into()
}

/// The sum of constant and word `t`, where `rdx` points at that of word `middle`.
fn sum(t: usize, middle: usize) -> Operand {
    Operand::Broadcast(NONCE_SUMS.near(RDX, middle, t))
}

fn round(t: usize, middle: usize, isa: &dyn Emitter) -> Lines {
    let version = |value| version(value, isa);
    let (inputs, word) = match t - FIRST {
        0 => {
            let (a, e) = (version(Version::FirstA), version(Version::FirstE));
            (Inputs::FirstWord { a, e }, Some(sum(t, middle)))
        }
        after @ 1..=3 => {
            let (h_k, d_h_k) = (version(Version::HKw(after)), version(Version::DHKw(after)));
            (Inputs::Uniform { h_k, d_h_k }, None)
        }
        _ => (Inputs::Varying { k: sum(t, middle) }, None),
    };
    let results = Results::Both;
    let round = Round {
        t,
        inputs,
        word,
        results,
    };
    round.emit(isa)
}

impl Generator {
    /// The rounds after the first sixteen are a shared body: written out, they make the loop too long to stay where
    /// instructions are fetched fast.
    pub fn roll(&mut self) {
        let mut piece = piece(Entry::Roll);
        piece.scalar([
            Op::LoadSigned.to(RSI, [Scalar::VersionsAt.slot().into()]),
            Op::LoadSigned.to(RDX, [Scalar::SumsAt.slot().into()]),
            Op::Advance.to(RSI, [RDI.into()]),
            Op::Advance.to(RDX, [R8.into()]),
            Op::Advance.to(RDX, [NONCE_SUMS.distance(MIDDLE).into()]),
        ]);
        for role in [0, 1, 4, 5] {
            piece.push(self.target.streams(|isa| {
                let mut out = Lines::new();
                let state = version(Version::State(role), isa);
                isa.load(&mut out, isa.file().role(role, FIRST), state);
                out
            }));
        }
        piece.push(self.target.streams(|isa| isa.keep(FIRST + 1)));
        for t in FIRST..16 {
            piece.push(self.target.streams(|isa| round(t, MIDDLE, isa)));
        }
        let next = Op::Advance.to(RDX, [NONCE_SUMS.distance(16).into()]);
        piece.scalar([next, call(BODY), call(BODY), call(BODY)]);
        self.store_digest(&mut piece, |word, isa| version(Version::Chain(word), isa));
        self.pieces.push(piece);

        let mut body = Piece::new(BODY);
        for t in 16..32 {
            body.push(self.target.streams(|isa| round(t, 16 + MIDDLE, isa)));
        }
        body.scalar([next, Op::Return.of([])]);
        self.pieces.push(body);
    }
}
