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

/// What becomes of a state after its rounds, A B E F and C D G H.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// One word of a half is kept.
    Word { half: usize, lane: u32, to: Slot },
    /// Both halves are, after what is added to them.
    State { add: Option<[Slot; 2]>, to: [Slot; 2] },
}

/// The rounds of one message, one after another.
pub struct Chain {
    pub message: usize,
    /// A B E F and C D G H before them.
    pub start: [Slot; 2],
    /// What is added to A and E: 0 and the word.
    pub add: Option<Sums>,
    pub sums: Vec<Sums>,
    pub end: End,
}

/// Where a message's 64 bits are in an entry: first those of even number, then the odd ones.
pub fn place(entry: Slot, message: usize) -> Slot {
    let bytes = 4 * LANES * (message % 2) + 8 * (message / 2);
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

impl End {
    fn emit(self, out: &mut Lines, state: [Register; 2]) {
        match self {
            Self::Word { half, lane, to } => {
                out.push(Op::ExtractWord.to(to, [state[half].into(), lane.into()]));
            }
            Self::State { add, to } => {
                for (half, register) in state.into_iter().enumerate() {
                    if let Some(add) = add {
                        out.push(Op::Add.to(register, [register.into(), add[half].into()]));
                    }
                    out.push(Op::Move.to(to[half], [register.into()]));
                }
            }
        }
    }
}

/// All chains, at most so many at a time.
///
/// In groups as equal as can be: sixteen chains, six at most, are 6, 5 and 5. A small group would leave the unit waiting
/// for its own results (a `sha256rnds2` takes 4 cycles).
pub fn emit(chains: &[Chain], at_most: usize) -> Lines {
    let registers = ShaNi::new(at_most);
    let mut out = Lines::new();
    let mut left = chains;
    for groups in (1..=chains.len().div_ceil(at_most)).rev() {
        let (group, rest) = left.split_at(left.len().div_ceil(groups));
        left = rest;
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
            chain.end.emit(&mut out, lane.halves(chain.sums.len()));
        }
    }
    out
}
