//! Blocks, asked of several peers at once, in bounded memory.
//!
//! *In:* the branch with the most work among those whose headers are known, blocks as they come. *Out:* requests; blocks to be
//! judged, in order.
//!
//! ```text
//! way:   [judging][judging][here][asked of A][asked of A][here][asked of B][wanted][wanted] … target
//!         └─ the ledger has them    └── taken out of order, given to the ledger in order ──┘
//! ```
//!
//! A request that takes too long is asked of another peer as well; whichever answers first is taken. Near the tip a block is
//! asked for in its compact form, which leaves out what waits here already.

mod choose;
mod judged;
mod received;

use std::collections::VecDeque;

use paydirt_ledger::{Block, BlockHash, Unchecked};

use super::{Errand, Peer};
use crate::message::TipSummary;

/// The most blocks, and bytes of them, that the ledger is given at a time.
const BATCH_BLOCKS: usize = 512;
const BATCH_BYTES: usize = 8 << 20;
/// Nothing further along the way than this is ever asked for: see [`Limits::blocks_ahead`](super::Limits).
const NEAR: usize = 1 << 14;
/// So near the target, blocks are asked for in their compact form.
const COMPACT_WITHIN: usize = 2;

/// What a request for blocks asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// These, whole.
    Whole(Vec<BlockHash>),
    /// This one, in its compact form.
    Compact(BlockHash),
    /// Transactions of one that is being put together.
    Missing(BlockHash, Errand, usize),
}

impl Wanted {
    /// Whether a block is among what is asked for.
    pub(super) fn holds(&self, hash: &BlockHash) -> bool {
        match self {
            Self::Whole(hashes) => hashes.contains(hash),
            Self::Compact(one) | Self::Missing(one, ..) => one == hash,
        }
    }
}

/// What is known of a block that is wanted.
#[derive(Clone, Debug)]
enum State {
    Wanted,
    /// A peer was asked.
    Asked(Peer),
    /// It is put together from what waits here and what its peer sends.
    Rebuilding(Peer, Errand),
    Here(Box<Block<Unchecked>>, Source),
    /// The ledger has it.
    Judging,
}

/// Who gave a block, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Source {
    peer: Peer,
    /// Put together here, so that it may be wrong by nobody's fault.
    rebuilt: bool,
}

#[derive(Clone, Debug)]
struct Step {
    hash: BlockHash,
    state: State,
    /// Its compact form did not do.
    whole: bool,
    /// Who was asked last and was too slow, or had it not.
    failed: Option<Peer>,
}

impl Step {
    fn new(hash: BlockHash) -> Self {
        Self {
            hash,
            state: State::Wanted,
            whole: false,
            failed: None,
        }
    }
}

/// The way from what is stored to the target.
#[derive(Debug, Default)]
pub(super) struct Bodies {
    /// Ascending.
    way: VecDeque<Step>,
    /// The index of the first.
    first_index: u64,
    target: Option<TipSummary>,
    /// Which way this is: another number when it is another one.
    number: u64,
    buffered_bytes: usize,
    judging: Option<(Errand, Vec<(BlockHash, Source)>)>,
    /// What blocks took lately, in bytes.
    usual_bytes: usize,
}

impl Bodies {
    /// The end of the branch that is being fetched.
    pub(super) fn target(&self) -> Option<BlockHash> {
        self.target.map(|target| target.hash)
    }

    /// Whether only few blocks are missing, and none of them is still to be asked for.
    pub(super) fn all_asked(&self) -> bool {
        let few = self.way.len() <= 4;
        few && self.way.iter().all(|step| !matches!(step.state, State::Wanted))
    }

    /// Whether the ledger has blocks that it has not judged yet.
    pub(super) fn is_judging(&self) -> bool {
        self.judging.is_some()
    }

    pub(super) fn target_tip(&self) -> Option<TipSummary> {
        self.target
    }

    /// How many blocks are missing.
    pub(super) fn missing(&self) -> usize {
        self.way.len()
    }

    /// A block that was asked for, which stands near the beginning.
    fn step(&mut self, hash: &BlockHash) -> Option<&mut Step> {
        let near = self.way.iter_mut().take(NEAR);
        near.into_iter().find(|step| step.hash == *hash)
    }

    fn forget_front(&mut self) {
        if let Some(step) = self.way.pop_front() {
            self.first_index += 1;
            self.account(&step.state);
        }
    }

    /// A state is left: what was buffered for it is not any more.
    fn account(&mut self, state: &State) {
        if let State::Here(block, _) = state {
            self.buffered_bytes -= block.stored_len();
        }
    }

    fn put(&mut self, hash: &BlockHash, block: Block<Unchecked>, source: Source) {
        let bytes = block.stored_len();
        let Some(step) = self.step(hash) else {
            return;
        };
        if matches!(step.state, State::Here(..) | State::Judging) {
            return;
        }
        step.state = State::Here(Box::new(block), source);
        self.buffered_bytes += bytes;
        self.usual_bytes = (self.usual_bytes * 7 + bytes) / 8;
    }

    /// A block is wanted once more.
    fn want(&mut self, hash: &BlockHash, failed: Option<Peer>) {
        let Some(step) = self.step(hash) else {
            return;
        };
        let state = std::mem::replace(&mut step.state, State::Wanted);
        step.failed = failed.or(step.failed);
        self.account(&state);
    }
}
