//! Mining many blocks in a row.
//!
//! *In:* a ledger nobody else writes to meanwhile, a miner, how many blocks. *Out:* the blocks, stored.
//!
//! At low difficulty a commit takes longer than a block, so blocks are mined ahead and stored together; whoever waits for
//! them hears only of stored ones. While transactions wait, each block is stored before the next begins.

use std::time::{Duration, Instant};

use crate::{
    Ledger,
    block::{Block, Unchecked},
    candidate::{Candidate, ForgeError},
    chain::Chain,
    rules::MAX_FUTURE_S,
    store::StoreError,
    transaction::TransactionError,
    writer::AddError,
};
use paydirt::{Cancel, Miner, Progress};

/// The most blocks of one commit.
const BATCH: usize = 500;
/// How long a mined block may wait for its commit.
const BATCH_TIME: Duration = Duration::from_millis(200);

/// What is wanted of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many blocks.
    pub count: u64,
    /// Give each block the time of its parent and so many seconds more, rather than the clock's: a made-up history.
    pub spacing_s: Option<u32>,
}

/// What a run did, however it ended.
#[derive(Debug, Default)]
pub struct Run {
    /// Blocks mined and stored.
    pub blocks: u64,
    /// Hashes computed, those for a block that was not finished among them.
    pub hashes: u64,
    /// Time spent on them.
    pub mining: Duration,
    /// How it ended.
    pub end: RunEnd,
}

/// How a run ended.
#[derive(Debug, Default)]
pub enum RunEnd {
    /// With as many blocks as were wanted.
    #[default]
    Done,
    /// It was stopped.
    Stopped,
    /// It could not go on.
    Failed(RunError),
}

/// Why a run ended early, with an error.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The chain is ahead of the clock.
    #[error(transparent)]
    Time(ForgeError),
    /// Made-up times have come to the end of what is allowed.
    #[error(
        "block {index} would be more than two hours ahead of the clock; use a smaller spacing, or fewer blocks"
    )]
    Spacing {
        /// The index of the block that was not mined.
        index: u64,
    },
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A block was not stored.
    #[error("block {index} was not stored: {reason}")]
    Add {
        /// Its index.
        index: u64,
        /// Why.
        reason: AddError,
    },
    /// The node's id is no name.
    #[error(transparent)]
    Recipient(#[from] TransactionError),
}

/// Mines and stores blocks, and shows `stored` each batch that is on disk. Whatever ends it, what was mined is stored.
pub fn mine_blocks(
    ledger: &Ledger,
    miner: &Miner,
    cancel: &Cancel,
    plan: Plan,
    progress: &(dyn Fn(&Progress) + Sync),
    mut stored: impl FnMut(&[Block<Unchecked>]),
) -> Run {
    let mut run = Run::default();
    match mine_into(&mut run, ledger, miner, cancel, plan, progress, &mut stored) {
        Ok(()) => {}
        Err(Stop::Stopped) => run.end = RunEnd::Stopped,
        Err(Stop::Failed(error)) => run.end = RunEnd::Failed(error),
    }
    run
}

/// Why a run ends before it is done.
enum Stop {
    Stopped,
    Failed(RunError),
}

impl<E: Into<RunError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

fn mine_into(
    run: &mut Run,
    ledger: &Ledger,
    miner: &Miner,
    cancel: &Cancel,
    plan: Plan,
    progress: &(dyn Fn(&Progress) + Sync),
    stored: &mut dyn FnMut(&[Block<Unchecked>]),
) -> Result<(), Stop> {
    let mut chain = active_chain(ledger)?;
    let mut batch = Vec::new();
    let mut begun = Instant::now();
    for number in 1..=plan.count {
        let waiting = !ledger.view().queue.is_empty();
        let candidate = match waiting {
            true => ledger.candidate()?, // the batch is empty, see below
            false => Candidate::new(&chain.tip(), ledger.node_id(), Vec::new())?,
        };
        let now_s = ledger.now_s();
        let time_s = match plan.spacing_s {
            Some(spacing_s) => u64::from(chain.tip().header.time) + u64::from(spacing_s),
            None => now_s,
        };
        let clock = || {
            if plan.spacing_s.is_some() {
                time_s
            } else {
                ledger.now_s()
            }
        };
        let mining_since = Instant::now();
        let mined = match time_s > now_s + MAX_FUTURE_S {
            true => Err(ForgeError::AheadOfClock(time_s)),
            false => candidate.mine(miner, cancel, &clock, None, progress),
        };
        let index = candidate.context().index;
        run.mining += mining_since.elapsed();
        let mined = mined.map(|forged| {
            run.hashes += forged.hashes;
            let block = forged.block;
            chain.insert_header(block.index(), block.hash(), *block.header());
            batch.push(block);
        });
        let last = mined.is_err() || number == plan.count;
        if waiting || last || batch.len() >= BATCH || begun.elapsed() >= BATCH_TIME {
            store(ledger, &mut batch, run, stored)?;
            begun = Instant::now();
        }
        mined.map_err(|error| match error {
            ForgeError::Stopped { hashes } => {
                run.hashes += hashes;
                Stop::Stopped
            }
            ForgeError::AheadOfClock(_) if plan.spacing_s.is_some() => {
                Stop::Failed(RunError::Spacing { index })
            }
            error => Stop::Failed(RunError::Time(error)),
        })?;
    }
    Ok(())
}

fn store(
    ledger: &Ledger,
    batch: &mut Vec<Block<Unchecked>>,
    run: &mut Run,
    stored: &mut dyn FnMut(&[Block<Unchecked>]),
) -> Result<(), RunError> {
    for (block, outcome) in batch.iter().zip(ledger.add_all(batch.clone())) {
        let index = block.index();
        outcome.map_err(|reason| RunError::Add { index, reason })?;
        run.blocks += 1;
    }
    stored(batch);
    batch.clear();
    Ok(())
}

/// The active branch as a tree of its own: what is mined ahead goes on top of it.
fn active_chain(ledger: &Ledger) -> Result<Chain, StoreError> {
    let network = *ledger.network();
    let mut chain = Chain::new(network, &network.genesis());
    ledger.snapshot()?.scan(2..u64::MAX, |block| {
        chain.insert_header(block.index(), block.hash(), *block.header());
        true
    })?;
    Ok(chain)
}
