//! Rolled versions: the lanes of a batch are versions of one nonce, and their messages' schedule is the caller's.

use super::{ENTRY_BYTES, Generator, ODD_LANES, memory};
use crate::{
    isa::SUMS,
    layout::Entry,
    op::Op,
    operand::{R8, R11, RDX, Slot},
    program::Piece,
    shapes::{jump, piece},
};

impl Generator {
    /// The block of a header whose lanes are versions: one nonce, all its schedule summed with the constants where `rdx`
    /// points. `r8` points at the first lane's version. No schedule here, and one load of sums for all lanes.
    pub(super) fn roll(&mut self) -> Piece {
        const FIRST_PAIR: usize = 2;
        let odd_lanes = self.pool.quad(ODD_LANES);
        let version = |lane: usize, quad: usize| {
            let bytes = lane * memory::VERSION_BYTES + quad * memory::VERSION.stride;
            Slot::at(R8, bytes as i32)
        };
        let sums = |pair: usize| Slot::at(RDX, 8 * pair as i32);
        let mut piece = piece(Entry::Roll);
        // The nonce's round, which is odd: its sum is added to a and e.
        let mut out = vec![
            Op::BroadcastQuad.to(SUMS, [sums(FIRST_PAIR - 1).into()]),
            Op::And.to(SUMS, [SUMS.into(), odd_lanes.into()]),
        ];
        out.extend(self.each(|i, lane| {
            let [abef, cdgh] = lane.halves(FIRST_PAIR);
            vec![
                Op::Move.to(abef, [SUMS.into()]),
                Op::Add.to(abef, [abef.into(), version(i, 0).into()]),
                Op::Move.to(cdgh, [version(i, 1).into()]),
            ]
        }));
        for pair in FIRST_PAIR..32 {
            out.push(Op::MoveQuad.to(SUMS, [sums(pair).into()]));
            for lane in &self.isa.lanes {
                lane.rounds(&mut out, pair);
            }
        }
        out.extend(self.each(|i, lane| {
            let add = |half: usize| {
                let register = lane.state[half];
                Op::Add.to(register, [register.into(), version(i, 2 + half).into()])
            };
            [0, 1].map(add).into()
        }));
        piece.end(&out);
        // What ends a batch moves on by a table's entries, not by versions.
        let rest = (memory::VERSION_BYTES - ENTRY_BYTES) * self.lanes();
        piece.scalar([Op::Advance.to(R8, [(rest as u32).into()]), jump(R11)]);
        piece
    }
}
