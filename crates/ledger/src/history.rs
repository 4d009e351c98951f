//! What a ledger's active branch was like: when its blocks came, how hard they were, what they moved.
//!
//! *In:* a [`Ledger`]. *Out:* a [`History`]: a point for each block, and sums over all of them.

use serde::Serialize;

use crate::{Ledger, StoreError};

/// A block of the past.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PastBlock {
    /// Its place in the branch.
    pub index: u64,
    /// Its time in seconds since 1970.
    pub time_s: u32,
    /// Its difficulty in bits.
    pub bits: f64,
}

/// The blocks of the active branch.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The blocks in order: genesis left out while there are others.
    pub blocks: Vec<PastBlock>,
    /// Transactions in all blocks, rewards among them.
    pub transactions: u64,
    /// The sum of all transfers, rewards not counted.
    pub amount_moved: u128,
}

/// Seconds between blocks. A block's time may be before its parent's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct BlockTimes {
    pub least: f64,
    pub median: f64,
    pub mean: f64,
    pub most: f64,
}

impl History {
    /// Reads the active branch.
    ///
    /// # Errors
    /// [`StoreError`] when the file fails.
    pub fn of(ledger: &Ledger) -> Result<Self, StoreError> {
        let branch = ledger.active_branch();
        let first = if branch.length > 1 { 2 } else { 1 };
        let mut history = Self::default();
        ledger.read(&branch, 1..u64::MAX, |block| {
            let header = block.header();
            if block.index() >= first {
                history.blocks.push(PastBlock {
                    index: block.index(),
                    time_s: header.time,
                    bits: header.work().log2(),
                });
            }
            history.transactions += block.transactions().len() as u64;
            let transfers = block
                .transactions()
                .iter()
                .filter(|transaction| !transaction.is_reward());
            history.amount_moved += transfers
                .map(|transfer| u128::from(transfer.amount()))
                .sum::<u128>();
            true
        })?;
        Ok(history)
    }

    /// Index and seconds since the block before, for each block but the first.
    pub fn block_times(&self) -> Vec<(u64, f64)> {
        let since = |pair: &[PastBlock]| {
            (
                pair[1].index,
                f64::from(pair[1].time_s) - f64::from(pair[0].time_s),
            )
        };
        self.blocks.windows(2).map(since).collect()
    }

    /// Index and difficulty in bits of each block.
    pub fn difficulty_bits(&self) -> Vec<(u64, f64)> {
        self.blocks
            .iter()
            .map(|block| (block.index, block.bits))
            .collect()
    }

    /// The block times in four figures; `None` while there are fewer than two blocks after genesis.
    pub fn block_time_s(&self) -> Option<BlockTimes> {
        let mut times: Vec<_> = self.block_times().into_iter().map(|(_, time)| time).collect();
        times.sort_unstable_by(f64::total_cmp);
        Some(BlockTimes {
            least: *times.first()?,
            median: (times[(times.len() - 1) / 2] + times[times.len() / 2]) / 2.0,
            mean: times.iter().sum::<f64>() / times.len() as f64,
            most: *times.last()?,
        })
    }
}
