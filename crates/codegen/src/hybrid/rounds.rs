//! Rounds by the SHA instructions: messages side by side, their sums from memory.

use super::LANES;
use crate::{
    isa::{SUMS, ShaNi},
    op::{Lines, Op},
    operand::{Register, Slot},
};

/// Where a message finds the sums of constant and word for two rounds, or what is added to a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sums {
    /// All messages in one place.
    Together(Slot),
    /// Each its own: in an entry of eight.
    Own(Slot),
}

/// The rounds of one message, one after another.
pub struct Chain<'a> {
    pub message: usize,
    /// A B E F and C D G H before them.
    pub start: [Slot; 2],
    /// What is added to A and E: 0 and the word.
    pub add: Option<Sums>,
    pub sums: &'a [Sums],
}

/// Where a message's 64 bits are in an entry. Joining words leaves messages 0, 1, 4 and 5 in the first half, 2, 3, 6 and 7
/// in the second.
pub fn place(entry: Slot, message: usize) -> Slot {
    const { assert!(LANES == 8) };
    let bytes = 32 * ((message & 3) >> 1) + 16 * (message >> 2) + 8 * (message & 1);
    Slot::at(entry.base, entry.bytes + bytes as i32)
}

impl Sums {
    /// Where this message's are.
    fn of(self, message: usize) -> Slot {
        match self {
            Self::Together(slot) => slot,
            Self::Own(entry) => place(entry, message),
        }
    }
}

/// All chains, so many at a time; `end` says what becomes of each state, A B E F and C D G H.
pub fn emit(
    chains: Vec<Chain<'_>>,
    at_a_time: usize,
    end: &mut dyn FnMut(&mut Lines, usize, [Register; 2]),
) -> Lines {
    let registers = ShaNi::new(at_a_time);
    let mut out = Lines::new();
    for group in chains.chunks(at_a_time) {
        let side_by_side = || group.iter().zip(&registers.lanes);
        for (chain, lane) in side_by_side() {
            let [abef, cdgh] = lane.halves(0);
            let [start_abef, start_cdgh] = chain.start;
            match chain.add {
                Some(word) => {
                    out.push(Op::BroadcastQuad.to(abef, [word.of(chain.message).into()]));
                    out.push(Op::Add.to(abef, [abef.into(), start_abef.into()]));
                }
                None => out.push(Op::Move.to(abef, [start_abef.into()])),
            }
            out.push(Op::Move.to(cdgh, [start_cdgh.into()]));
        }
        let most = group.iter().map(|chain| chain.sums.len()).max().unwrap_or(0);
        for pair in 0..most {
            let mut loaded = None;
            for (chain, lane) in side_by_side() {
                let Some(sums) = chain.sums.get(pair) else {
                    continue;
                };
                let slot = sums.of(chain.message);
                if loaded != Some(slot) {
                    out.push(Op::MoveQuad.to(SUMS, [slot.into()]));
                    loaded = Some(slot);
                }
                lane.rounds(&mut out, pair);
            }
        }
        for (chain, lane) in side_by_side() {
            end(&mut out, chain.message, lane.halves(chain.sums.len()));
        }
    }
    out
}
