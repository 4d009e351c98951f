//! The SHA extension: two rounds in one instruction, on a state in two xmm registers; any number of lanes side by side.
//!
//! All but the SHA instructions themselves are in the three-operand forms of AVX, so that they can be merged with a
//! stream in wider registers. The sums of constants and words come from memory, 64 bits for two rounds, where another
//! stream's schedule left them; or this one makes its own schedule, four words at a time. `sha256rnds2` takes the sums
//! from xmm0 alone: the lanes take turns with it, which register renaming makes free.

use crate::{
    op::{Lines, Op},
    operand::{Class, Register, Slot},
};

/// The registers of one message.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    /// A B E F and C D G H before an even pair of rounds, from the highest lane down; before an odd one the other way
    /// round.
    pub state: [Register; 2],
    /// The last sixteen words of the schedule, four each; read only by [`ShaNi::four_rounds`].
    pub words: [Register; 4],
}

/// Messages side by side.
#[derive(Clone, Debug)]
pub struct ShaNi {
    /// Their registers.
    pub lanes: Vec<Lane>,
}

/// The sums of constants and words: `sha256rnds2` takes them from no other register.
const SUMS: Register = Register::new(Class::Xmm, 0);

impl ShaNi {
    /// Rounds `2 * pair` and the next of each lane; `sums` is where the lane's two sums of constant and word are.
    pub fn two_rounds(&self, pair: usize, sums: impl Fn(usize) -> Slot) -> Lines {
        let mut out = Lines::new();
        for (i, lane) in self.lanes.iter().enumerate() {
            out.push(Op::MoveQuad.to(SUMS, [sums(i).into()]));
            lane.rounds(&mut out, pair);
        }
        out
    }

    /// Rounds `4 * quad` to the one three later of each lane, and, from 16 on, their schedule before them; `constants`
    /// is where the four round constants are, aligned.
    pub fn four_rounds(&self, quad: usize, constants: Slot) -> Lines {
        let mut out = Lines::new();
        if quad >= 4 {
            self.lanes.iter().for_each(|lane| lane.step(&mut out, quad));
        }
        for lane in &self.lanes {
            let words = lane.words[quad % 4];
            out.push(Op::Add.to(SUMS, [words.into(), constants.into()]));
            lane.rounds(&mut out, 2 * quad);
            out.push(Op::ShuffleWords.to(SUMS, [SUMS.into(), 0b1110.into()]));
            lane.rounds(&mut out, 2 * quad + 1);
        }
        out
    }
}

impl Lane {
    fn rounds(&self, out: &mut Lines, pair: usize) {
        let [abef, cdgh] = [self.state[pair % 2], self.state[(pair + 1) % 2]];
        out.push(Op::Sha256Rounds.to(cdgh, [abef.into(), SUMS.into()]));
    }

    /// The four words of `quad`, over those sixteen before.
    fn step(&self, out: &mut Lines, quad: usize) {
        let [w, w4, w8, w12] = std::array::from_fn(|i| self.words[(quad + i) % 4]);
        out.push(Op::Sha256Message1.to(w, [w4.into()]));
        out.push(Op::AlignBytes.to(SUMS, [w12.into(), w8.into(), 4.into()]));
        out.push(Op::Add.to(w, [w.into(), SUMS.into()]));
        out.push(Op::Sha256Message2.to(w, [w12.into()]));
    }
}
