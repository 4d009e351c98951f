//! The next block, before it has its proof of work.
//!
//! *In:* a tip and the transactions that wait. *Out:* headers to mine, as many as wanted, each with another extra nonce in
//! its reward; and the finished block once a nonce is found.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bitcoin::{Target, block, block::Header};

use crate::{
    block::{Block, Unchecked, VERSION, engine_header},
    chain::Tip,
    merkle::Branch,
    queue::Queued,
    rules::{Context, MAX_FUTURE_S},
    transaction::{MAX_AMOUNT, Transaction, TransactionError},
};
use paydirt::{Cancel, Miner, NonceRange, Progress, Puzzle, Search, Status};

/// A block that lacks only time, extra nonce and nonce. Clones share the transactions.
#[derive(Clone, Debug)]
pub struct Candidate {
    context: Context,
    recipient: String,
    transactions: Arc<[Arc<Queued>]>,
    branch: Branch,
}

/// Why there is no block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForgeError {
    /// The handle was pulled, or there were no nonces left.
    #[error("mining was stopped after {hashes} hashes")]
    Stopped {
        /// Hashes computed, exactly.
        hashes: u64,
    },
    /// Blocks came faster than their times may rise.
    #[error(
        "the next block's time is {0} s since 1970, two hours ahead of the clock: blocks came faster than six a second \
         for long, or the clock is wrong; wait, or set it right"
    )]
    AheadOfClock(u64),
}

/// A mined block and what it took.
#[derive(Clone, Debug)]
pub struct Forged {
    /// The block.
    pub block: Block<Unchecked>,
    /// Hashes computed, exactly.
    pub hashes: u64,
    /// How long that took.
    pub elapsed: Duration,
}

impl Forged {
    /// Hashes per second; `None` when it was too short to measure.
    pub fn hashes_per_second(&self) -> Option<f64> {
        let seconds = self.elapsed.as_secs_f64();
        (seconds > 0.0).then(|| self.hashes as f64 / seconds)
    }
}

impl Candidate {
    /// The block after `tip` that pays `recipient` and holds `transactions`.
    ///
    /// # Errors
    /// [`TransactionError`] when the recipient is no name.
    pub fn new(
        tip: &Tip,
        recipient: impl Into<String>,
        transactions: Vec<Arc<Queued>>,
    ) -> Result<Self, TransactionError> {
        let recipient = recipient.into();
        Transaction::reward(recipient.clone(), tip.next.reward, 0)?;
        let ids: Vec<_> = transactions.iter().map(|queued| queued.id).collect();
        Ok(Self {
            context: tip.next,
            recipient,
            transactions: transactions.into(),
            branch: Branch::beside(&ids),
        })
    }

    /// What the block must fulfil.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// How many transactions the block will have, its reward among them.
    pub fn transaction_count(&self) -> usize {
        self.transactions.len() + 1
    }

    /// Its target.
    pub fn target(&self) -> Target {
        Target::from_compact(self.context.nbits)
    }

    /// The time its header should carry at `now_s`: the clock's, or one second above the median if that is later.
    ///
    /// # Errors
    /// [`ForgeError::AheadOfClock`] when that is more than two hours ahead.
    pub fn time_at(&self, now_s: u64) -> Result<u32, ForgeError> {
        let earliest = u64::from(self.context.median_time) + 1;
        let time = earliest.max(now_s);
        if time > now_s.saturating_add(MAX_FUTURE_S) {
            return Err(ForgeError::AheadOfClock(time));
        }
        u32::try_from(time).map_err(|_| ForgeError::AheadOfClock(time)) // the year 2106
    }

    fn reward(&self, extra_nonce: u64) -> Transaction {
        Transaction::reward(self.recipient.clone(), self.context.reward, extra_nonce)
            .expect("the recipient was tried, and extra nonces end at their maximum")
    }

    /// The header to mine, with nonce 0.
    ///
    /// # Panics
    /// When `extra_nonce` is above 2^53 − 1.
    pub fn header(&self, extra_nonce: u64, time: u32) -> Header {
        Header {
            version: block::Version::from_consensus(VERSION),
            prev_blockhash: self.context.previous_hash,
            merkle_root: self.branch.root(self.reward(extra_nonce).id()),
            time,
            bits: self.context.nbits,
            nonce: 0,
        }
    }

    /// The block with this header.
    ///
    /// # Panics
    /// When `extra_nonce` is above 2^53 − 1.
    pub fn block(&self, extra_nonce: u64, header: Header) -> Block<Unchecked> {
        let others = self.transactions.iter().map(|queued| queued.transaction.clone());
        let transactions = std::iter::once(self.reward(extra_nonce)).chain(others).collect();
        Block::new(self.context.index, header, transactions)
    }

    /// Mines it: all 2^32 nonces, then with the next extra nonce and the time of day again, until it is found.
    ///
    /// `nonces` narrows the nonces tried with each extra nonce; `None` is all of them.
    ///
    /// # Errors
    /// [`ForgeError::Stopped`] when `cancel` is pulled, [`ForgeError::AheadOfClock`].
    pub fn mine(
        &self,
        miner: &Miner,
        cancel: &Cancel,
        clock: &(dyn Fn() -> u64 + Sync),
        nonces: Option<NonceRange>,
        progress: &(dyn Fn(&Progress) + Sync),
    ) -> Result<Forged, ForgeError> {
        let begun = Instant::now();
        let mut hashes = 0;
        for extra_nonce in 0..=MAX_AMOUNT {
            let header = self.header(extra_nonce, self.time_at(clock())?);
            let puzzle = Puzzle::header(&engine_header(&header)).expect("the rules give a target");
            let before = hashes;
            let mut search =
                Search::new(&puzzle)
                    .cancel(cancel)
                    .on_progress(PROGRESS_EVERY, move |of_search| {
                        progress(&Progress {
                            hashes: before + of_search.hashes,
                            elapsed: begun.elapsed(),
                            range: of_search.range,
                        });
                    });
            if let Some(nonces) = nonces {
                search = search.range(nonces);
            }
            let outcome = miner.mine(&search);
            hashes += outcome.hashes;
            if let Some(solution) = outcome.solutions.first() {
                let nonce = u32::try_from(solution.nonce()).expect("the nonce of a header has 32 bits");
                return Ok(Forged {
                    block: self.block(extra_nonce, Header { nonce, ..header }),
                    hashes,
                    elapsed: begun.elapsed(),
                });
            }
            if outcome.status != Status::Exhausted {
                break;
            }
        }
        Err(ForgeError::Stopped { hashes })
    }
}

/// How often mining tells how far it is.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);
