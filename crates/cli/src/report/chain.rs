//! What `paydirt chain` prints.

pub mod bars;

use serde::Serialize;

use paydirt_ledger::{Ledger, Mined, MiningEnd, StoreError};

/// `paydirt chain verify --json`.
#[derive(Clone, Debug, Serialize)]
pub struct ChainVerifyReport {
    /// `paydirt.chain-verify/1`.
    pub schema: &'static str,
    /// Whether everything in the store is as it must be.
    pub valid: bool,
    /// Blocks of the active branch; null when damaged, like everything to the end of `transactions`.
    pub length: Option<u64>,
    /// The tip's hash.
    pub tip: Option<String>,
    /// Transactions in the active blocks, rewards among them.
    pub transactions: Option<u64>,
    /// Transactions that wait.
    pub pending: Option<usize>,
    /// The index of the first damaged block; null when none is, or the damage is elsewhere.
    pub damaged_index: Option<u64>,
    /// What is wrong; null when nothing is.
    pub reason: Option<String>,
    /// How long it took, in seconds.
    pub elapsed_s: f64,
}

impl ChainVerifyReport {
    /// A ledger that could be opened is whole.
    pub fn valid(ledger: &Ledger, elapsed_s: f64) -> Self {
        let view = ledger.view();
        Self {
            schema: "paydirt.chain-verify/1",
            valid: true,
            length: Some(view.tip.index),
            tip: Some(view.tip.hash.to_string()),
            transactions: Some(ledger.loaded_transactions()),
            pending: Some(view.queue.len()),
            damaged_index: None,
            reason: None,
            elapsed_s,
        }
    }

    /// One that could not.
    pub fn damaged(error: &StoreError, elapsed_s: f64) -> Self {
        Self {
            schema: "paydirt.chain-verify/1",
            valid: false,
            length: None,
            tip: None,
            transactions: None,
            pending: None,
            damaged_index: match error {
                StoreError::DamagedBlock { index, .. } => Some(*index),
                _ => None,
            },
            reason: Some(error.to_string()),
            elapsed_s,
        }
    }
}

/// `paydirt chain import --json`.
#[derive(Clone, Debug, Serialize)]
pub struct ChainImportReport {
    /// `paydirt.chain-import/1`.
    pub schema: &'static str,
    /// Blocks that are new.
    pub added: u64,
    /// Blocks that were there already.
    pub known: u64,
    /// Blocks of the active branch now.
    pub length: u64,
    /// The tip's hash now.
    pub tip: String,
}

/// `paydirt chain mine --json`.
#[derive(Clone, Debug, Serialize)]
pub struct ChainMineReport {
    /// `paydirt.chain-mine/1`.
    pub schema: &'static str,
    /// `done`, `interrupted`, or `failed`: what was mined before is stored.
    pub status: &'static str,
    /// Blocks mined and stored.
    pub blocks: u64,
    /// Blocks of the active branch now.
    pub length: u64,
    /// The tip's hash now.
    pub tip: String,
    /// Transactions that still wait.
    pub pending: usize,
    /// Hashes computed for the blocks.
    pub hashes: u64,
    /// Wall time, storing included, in seconds.
    pub elapsed_s: f64,
    /// Hashes over the time spent mining; null when that was too short to measure.
    pub hashes_per_second: Option<f64>,
}

impl ChainMineReport {
    /// Describes what was mined.
    pub fn new(ledger: &Ledger, mined: &Mined, elapsed_s: f64) -> Self {
        let view = ledger.view();
        Self {
            schema: "paydirt.chain-mine/1",
            status: match mined.end {
                MiningEnd::Done => "done",
                MiningEnd::Stopped => "interrupted",
                MiningEnd::Failed(_) => "failed",
            },
            blocks: mined.blocks,
            length: view.tip.index,
            tip: view.tip.hash.to_string(),
            pending: view.queue.len(),
            hashes: mined.effort.hashes,
            elapsed_s,
            hashes_per_second: mined.effort.hashes_per_second(),
        }
    }
}

/// `paydirt chain stats --json`.
#[derive(Clone, Debug, Serialize)]
pub struct ChainStatsReport {
    /// `paydirt.chain-stats/1`.
    pub schema: &'static str,
    /// The network's parameters, as its genesis block states them.
    pub network: String,
    /// Blocks of the active branch.
    pub length: u64,
    /// The tip's hash.
    pub tip: String,
    /// The time of the first block after genesis (of genesis, while there is no other), UTC.
    pub first_time: String,
    /// The time of the tip, UTC.
    pub last_time: String,
    /// Transactions in the active blocks, rewards among them.
    pub transactions: u64,
    /// Transactions that wait.
    pub pending: usize,
    /// The sum of all transfers in the active blocks, rewards not counted.
    pub amount_moved: u128,
    /// Seconds from a block's time to the next's, genesis left out; null while there are fewer than two others.
    pub block_time_s: Option<BlockTimes>,
    /// Difficulty of the blocks, genesis left out while there are others.
    pub difficulty_bits: DifficultyRange,
    /// log2 of the hashes the branch took on average.
    pub work_bits: f64,
}

/// Seconds between blocks. A block's time may be before its parent's.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct BlockTimes {
    pub least: f64,
    pub median: f64,
    pub mean: f64,
    pub most: f64,
}

/// Difficulties in bits.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct DifficultyRange {
    pub least: f64,
    pub most: f64,
    pub last: f64,
    /// Of the next block.
    pub next: f64,
}

/// What the plots show of each block.
#[derive(Clone, Debug)]
pub struct History {
    /// Index, time and difficulty in bits: genesis left out while there are others.
    pub blocks: Vec<(u64, u32, f64)>,
    transactions: u64,
    amount_moved: u128,
}

impl History {
    /// Reads the active branch.
    ///
    /// # Errors
    /// [`StoreError`] when the file fails.
    pub fn of(ledger: &Ledger) -> Result<Self, StoreError> {
        let snapshot = ledger.snapshot()?;
        let first = if snapshot.length()? > 1 { 2 } else { 1 };
        let mut history = Self {
            blocks: Vec::new(),
            transactions: 0,
            amount_moved: 0,
        };
        snapshot.scan(1..u64::MAX, |block| {
            let header = block.header();
            if block.index() >= first {
                let bits = header.target().to_work().log2();
                history.blocks.push((block.index(), header.time, bits));
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
        let since = |pair: &[(u64, u32, f64)]| (pair[1].0, f64::from(pair[1].1) - f64::from(pair[0].1));
        self.blocks.windows(2).map(since).collect()
    }

    /// Index and difficulty in bits of each block.
    pub fn difficulty_bits(&self) -> Vec<(u64, f64)> {
        self.blocks
            .iter()
            .map(|(index, _, bits)| (*index, *bits))
            .collect()
    }
}

impl ChainStatsReport {
    /// Describes a ledger.
    pub fn new(ledger: &Ledger, history: &History) -> Self {
        let tip = ledger.tip();
        let mut times: Vec<_> = history.block_times().into_iter().map(|(_, time)| time).collect();
        times.sort_unstable_by(f64::total_cmp);
        let block_time_s = (!times.is_empty()).then(|| BlockTimes {
            least: times[0],
            median: (times[(times.len() - 1) / 2] + times[times.len() / 2]) / 2.0,
            mean: times.iter().sum::<f64>() / times.len() as f64,
            most: times[times.len() - 1],
        });
        let bits = || history.blocks.iter().map(|(_, _, bits)| *bits);
        let target = bitcoin::Target::from_compact(tip.next.nbits);
        Self {
            schema: "paydirt.chain-stats/1",
            network: ledger.network().statement(),
            length: tip.index,
            tip: tip.hash.to_string(),
            first_time: utc(history.blocks.first().map_or(0, |block| block.1)),
            last_time: utc(tip.header.time),
            transactions: history.transactions,
            pending: ledger.view().queue.len(),
            amount_moved: history.amount_moved,
            block_time_s,
            difficulty_bits: DifficultyRange {
                least: bits().fold(f64::INFINITY, f64::min),
                most: bits().fold(0.0, f64::max),
                last: bits().next_back().unwrap_or(0.0),
                next: target.to_work().log2(),
            },
            work_bits: tip.work.log2(),
        }
    }
}

/// A block's time as `2024-01-01 00:00:00`, UTC.
pub fn utc(time_s: u32) -> String {
    let time = jiff::Timestamp::from_second(time_s.into()).expect("any 32 bits are a time before 2107");
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Means of neighbours, so many in all: the middle index and the mean value of each group.
pub(super) fn means(points: &[(u64, f64)], groups: usize) -> Vec<(u64, f64)> {
    let edge = |group: usize| group * points.len() / groups;
    let group = |group: usize| {
        let members = &points[edge(group)..edge(group + 1)];
        let sum: f64 = members.iter().map(|(_, value)| value).sum();
        (members[members.len() / 2].0, sum / members.len() as f64)
    };
    (0..groups).map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_cover_every_point_once() {
        let points: Vec<_> = (0..103u64).map(|i| (i, i as f64)).collect();
        for groups in 1..=points.len() {
            let means = means(&points, groups);
            assert_eq!(means.len(), groups);
            assert!(means.is_sorted_by(|a, b| a.0 < b.0));
        }
        assert_eq!(means(&points, 1), [(51, 51.0)]);
    }

    #[test]
    fn dates() {
        // date -u -d @SECONDS
        for (seconds, date) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (1_231_006_505, "2009-01-03 18:15:05"),
            (1_704_067_200, "2024-01-01 00:00:00"),
            (u32::MAX, "2106-02-07 06:28:15"),
        ] {
            assert_eq!(utc(seconds), date);
        }
    }
}
