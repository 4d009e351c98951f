//! The SHA extension: two rounds in one instruction, on a state in two xmm registers; any number of lanes side by side.
//!
//! The sums of constants and words come from memory, 64 bits for two rounds, where another stream's schedule left them, or
//! from a schedule of the lane's own ([`sha_ni`](crate::sha_ni)). `sha256rnds2` takes them from xmm0 alone: the lanes
//! take turns with it, which register renaming makes free.

use crate::{
    op::{Lines, Op},
    operand::{Class, Register, Slot},
};

/// The registers of one message's state.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    /// A B E F and C D G H before an even pair of rounds, from the highest lane down; before an odd one the other way
    /// round.
    pub state: [Register; 2],
}

/// Messages side by side.
#[derive(Clone, Debug)]
pub struct ShaNi {
    /// Their registers.
    pub lanes: Vec<Lane>,
}

/// The sums of constants and words: `sha256rnds2` takes them from no other register.
pub const SUMS: Register = Register::new(Class::Xmm, 0);

impl ShaNi {
    /// So many lanes, with registers one after another, from 1 on.
    pub fn new(lanes: usize) -> Self {
        let lane = |i| Lane {
            state: [1 + 2 * i, 2 + 2 * i].map(|number| Register::new(Class::Xmm, number as u8)),
        };
        let lanes = (0..lanes).map(lane).collect();
        Self { lanes }
    }

    /// Rounds `2 * pair` and the next of each lane; `sums` is where the lane's two sums of constant and word are.
    pub fn two_rounds(&self, pair: usize, sums: impl Fn(usize) -> Slot) -> Lines {
        let mut out = Lines::new();
        for (i, lane) in self.lanes.iter().enumerate() {
            out.push(Op::MoveQuad.to(SUMS, [sums(i).into()]));
            lane.rounds(&mut out, pair);
        }
        out
    }
}

impl Lane {
    /// A B E F and C D G H before this pair of rounds.
    pub fn halves(&self, pair: usize) -> [Register; 2] {
        [self.state[pair % 2], self.state[(pair + 1) % 2]]
    }

    /// Rounds `2 * pair` and the next, their sums being in xmm0.
    pub fn rounds(&self, out: &mut Lines, pair: usize) {
        let [abef, cdgh] = self.halves(pair);
        out.push(Op::Sha256Rounds.to(cdgh, [abef.into(), SUMS.into()]));
    }
}
