//! The ledger as a source of jobs: its next blocks, one after another.
//!
//! *In:* a ledger, a miner, how many blocks. *Out:* the blocks, stored.
//!
//! ```text
//! job:     store what was mined, if it is time to; the next block is built on the tip, or on what was mined ahead
//! submit:  the block is mined; a second one for the same place is refused
//! ```
//!
//! At low difficulty a commit takes longer than a block, so blocks are mined ahead and stored together; whoever waits for
//! them hears only of stored ones. While transactions wait, each block is stored before the next begins.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use crate::{
    Ledger,
    block::{Block, Unchecked},
    outcome::{AddError, Added, StoreFailed},
    outside::FIRST_OUTSIDE,
    template::{AheadOfClock, BlockJob, BlockTemplate},
    tree::HeaderTree,
};
use paydirt::{Cancel, Miner};
use paydirt_jobs::{Effort, Event, JobSource, Share, drive};

/// The most blocks of one commit.
const BATCH: usize = 500;
/// How long a mined block may wait for its commit.
const BATCH_TIME: Duration = Duration::from_millis(200);

/// How many blocks are wanted, and when they shall have been mined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MiningPlan {
    /// How many blocks. When more than one is wanted, they may be mined ahead of the ledger: nobody else should write to it.
    pub count: u64,
    /// Give each block the time of its parent and so many seconds more, rather than the clock's: a made-up history.
    pub spacing_s: Option<u32>,
}

/// What mining did, however it ended.
#[derive(Debug)]
pub struct Mined {
    /// Blocks mined and stored in the active branch.
    pub blocks: u64,
    /// What they took, and one that was not finished.
    pub effort: Effort,
    /// How it ended.
    pub end: MiningEnd,
}

/// How mining ended.
#[derive(Debug)]
pub enum MiningEnd {
    /// With as many blocks as were wanted.
    Done,
    /// It was stopped.
    Stopped,
    /// It could not go on.
    Failed(MiningError),
}

/// Why mining ended early, with an error.
#[derive(Debug, thiserror::Error)]
pub enum MiningError {
    /// The chain is ahead of the clock.
    #[error(transparent)]
    Time(#[from] AheadOfClock),
    /// Made-up times have come to the end of what is allowed.
    #[error(
        "block {index} would be more than {max_ahead_s} s ahead of the clock; use a smaller spacing, or fewer blocks"
    )]
    Spacing {
        /// The index of the block that was not mined.
        index: u64,
        /// How far its time may be ahead.
        max_ahead_s: u32,
    },
    /// The file failed: what would be mined could not be stored.
    #[error(transparent)]
    Store(#[from] StoreFailed),
    /// A block was not stored.
    #[error("block {index} was not stored: {reason}")]
    Add {
        /// Its index.
        index: u64,
        /// Why.
        reason: AddError,
    },
}

/// Mines and stores blocks, and shows `stored` those of each commit. Whatever ends it, what was mined is stored. A block
/// from elsewhere that becomes the tip makes it begin again on top of that.
pub fn mine_blocks(
    ledger: &Ledger,
    miner: &Miner,
    cancel: &Cancel,
    plan: MiningPlan,
    tell: &(dyn Fn(Event<'_, Arc<BlockTemplate>>) + Sync),
    stored: &(dyn Fn(&[Block<Unchecked>]) + Sync),
) -> Mined {
    let state = State {
        blocks: 0,
        jobs: 0,
        ahead: Vec::new(),
        tree: ledger.tree(),
        stored_at: Instant::now(),
        failure: None,
    };
    let source = NextBlocks {
        ledger,
        plan,
        stored,
        state: Mutex::new(state),
    };
    let effort = drive(miner, &source, cancel, tell);
    let State { blocks, failure, .. } = source
        .state
        .into_inner()
        .expect("nothing panics while it is held");
    let end = match failure {
        Some(error) => MiningEnd::Failed(error),
        None if blocks < plan.count => MiningEnd::Stopped,
        None => MiningEnd::Done,
    };
    Mined { blocks, effort, end }
}

struct NextBlocks<'l> {
    ledger: &'l Ledger,
    plan: MiningPlan,
    stored: &'l (dyn Fn(&[Block<Unchecked>]) + Sync),
    state: Mutex<State>,
}

struct State {
    /// How many are stored.
    blocks: u64,
    /// How many jobs were given.
    jobs: u64,
    /// Mined and not stored yet, each on top of the one before.
    ahead: Vec<Block<Unchecked>>,
    /// The ledger's, when nothing was mined ahead, and what was since.
    tree: HeaderTree,
    /// When something was last stored.
    stored_at: Instant,
    failure: Option<MiningError>,
}

impl JobSource for NextBlocks<'_> {
    type Origin = Arc<BlockTemplate>;

    fn job(&self, _used_up: Option<u64>, cancel: &Cancel) -> Option<Arc<BlockJob>> {
        let mut state = self.state();
        let job = self.next(&mut state, cancel.is_cancelled());
        job.unwrap_or_else(|error| {
            let stored = self.store(&mut state);
            state.failure = Some(stored.err().unwrap_or(error));
            None
        })
    }

    fn submit(&self, job: &BlockJob, share: &Share) -> Result<(), String> {
        let mut state = self.state();
        let parent = job.origin.context().previous_hash;
        if state.ahead.last().is_some_and(|last| last.hash() != parent) {
            return Err("the block is mined already".to_owned());
        }
        let block = job.origin.block(share.extra_nonce, share.header);
        if state.tree.contains(&parent) {
            (state.tree).insert_and_choose(block.hash(), *block.header(), 0, u64::MAX);
        }
        state.ahead.push(block);
        Ok(())
    }
}

impl NextBlocks<'_> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it is held")
    }

    fn next(&self, state: &mut State, stopped: bool) -> Result<Option<Arc<BlockJob>>, MiningError> {
        let ledger = self.ledger;
        if let Some(block) = state.ahead.last() {
            let enough = state.blocks + state.ahead.len() as u64 >= self.plan.count;
            let due = state.ahead.len() >= BATCH || state.stored_at.elapsed() >= BATCH_TIME;
            let waits = !ledger.view().pending.is_empty();
            // Somebody else may write to the ledger: nothing is mined ahead on a side branch.
            let aside = state.tree.tip_node().hash != block.hash();
            if stopped || enough || due || waits || aside {
                self.store(state)?;
            }
        }
        if stopped || state.blocks >= self.plan.count {
            return Ok(None);
        }
        if let Some(failure) = ledger.failure() {
            return Err(failure.clone().into());
        }
        let (template, parent) = match state.ahead.last() {
            None => {
                state.tree = ledger.tree();
                (ledger.block_template(), ledger.tip().header)
            }
            Some(last) => {
                let template = BlockTemplate::new(&state.tree.tip(), ledger.node_id(), Vec::new());
                (template.expect("the node's id is a name"), *last.header())
            }
        };
        let (template, clock) = (Arc::new(template), Arc::clone(&ledger.clock));
        let time = match self.plan.spacing_s {
            None => template.time_at(clock())?,
            Some(spacing_s) => {
                let context = template.context();
                let (index, max_ahead_s) = (context.index, context.max_ahead_s);
                let latest = clock().saturating_add(max_ahead_s.into());
                let time = parent.time.checked_add(spacing_s);
                let time = time.filter(|time| u64::from(*time) <= latest);
                time.ok_or(MiningError::Spacing { index, max_ahead_s })?
            }
        };
        let made_up = self.plan.spacing_s.is_some();
        let timed = Arc::clone(&template);
        let time = move || match made_up {
            true => time,
            false => timed.time_at(clock()).unwrap_or(time), // a clock that is set back meanwhile does not count
        };
        state.jobs += 1;
        Ok(Some(Arc::new(template.job(state.jobs, 0..FIRST_OUTSIDE, time))))
    }

    fn store(&self, state: &mut State) -> Result<(), MiningError> {
        let blocks = std::mem::take(&mut state.ahead);
        if blocks.is_empty() {
            return Ok(());
        }
        let outcomes = self.ledger.add_all(blocks.clone());
        let mut stored = Vec::with_capacity(blocks.len());
        for (block, outcome) in blocks.into_iter().zip(outcomes) {
            let index = block.index();
            let added = outcome.map_err(|reason| MiningError::Add { index, reason })?;
            // On a side branch another block was quicker: this one does not count.
            if matches!(added, Added::Tip { .. }) {
                state.blocks += 1;
                stored.push(block);
            }
        }
        (self.stored)(&stored);
        state.stored_at = Instant::now();
        Ok(())
    }
}
