//! The next block, before it has its proof of work.
//!
//! *In:* a tip and the transactions that wait. *Out:* a job whose headers have another extra nonce in their reward each;
//! and the finished block once one of them is solved.

use std::{ops::Range, sync::Arc};

use crate::{
    block::{Block, Unchecked, VERSION},
    header::Header,
    identity::Identified,
    merkle::Branch,
    rules::ParentState,
    transaction::{Transaction, TransactionError},
    tree::Tip,
};
use paydirt::{Cancel, Target};
use paydirt_jobs::Job;

/// A header to mine for the ledger, and the block it belongs to.
pub type BlockJob = Job<Arc<BlockTemplate>>;

/// A block that lacks only time, extra nonce and nonce.
#[derive(Clone, Debug)]
pub struct BlockTemplate {
    context: ParentState,
    recipient: String,
    transactions: Vec<Identified>,
    branch: Branch,
    /// Pulled when another block becomes the tip.
    pub(super) stale: Cancel,
}

/// Why there is no header: the chain's times are ahead of the clock. It was set back, or, where times are bound by their
/// median ([`TimeRule::Median`](crate::TimeRule::Median)), blocks came too fast, or others stamped theirs far ahead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the next block's time would be {time} s since 1970, more than {max_ahead_s} s ahead of the clock: the clock was set \
     back, or blocks before it are stamped ahead; wait, or set the clock right"
)]
pub struct AheadOfClock {
    /// The earliest time the next block may have, in seconds since 1970.
    pub time: u64,
    /// How far it may be ahead of the clock.
    pub max_ahead_s: u32,
}

impl BlockTemplate {
    /// The block after `tip` that pays `recipient` and holds `transactions`.
    ///
    /// # Errors
    /// [`TransactionError`] when the recipient is no name.
    pub fn new(
        tip: &Tip,
        recipient: impl Into<String>,
        transactions: Vec<Identified>,
    ) -> Result<Self, TransactionError> {
        let recipient = recipient.into();
        Transaction::reward(recipient.clone(), tip.next.reward, 0)?;
        let ids: Vec<_> = transactions.iter().map(Identified::id).collect();
        Ok(Self {
            context: tip.next,
            recipient,
            transactions,
            branch: Branch::beside(&ids),
            stale: Cancel::new(),
        })
    }

    /// What the block must fulfil.
    pub fn context(&self) -> &ParentState {
        &self.context
    }

    /// How many transactions the block will have, its reward among them.
    pub fn transaction_count(&self) -> usize {
        self.transactions.len() + 1
    }

    /// What it takes in memory beside what it shares with those that wait: while it is of the tip, they wait. Not 0.
    pub(super) fn transaction_bytes(&self) -> usize {
        size_of::<Self>() + self.transactions.len() * size_of::<Identified>()
    }

    /// The same for its headers: no block can be made of it.
    pub(super) fn without_transactions(&self) -> Self {
        Self {
            transactions: Vec::new(),
            recipient: self.recipient.clone(),
            branch: self.branch.clone(),
            stale: self.stale.clone(),
            ..*self
        }
    }

    /// Its target.
    pub fn target(&self) -> Target {
        self.context.target()
    }

    /// Whether another block has become the tip.
    pub fn is_stale(&self) -> bool {
        self.stale.is_cancelled()
    }

    /// The time its header should carry at `now_s`: the clock's, or the earliest it may have if that is later.
    ///
    /// # Errors
    /// [`AheadOfClock`] when that is further ahead than the chain allows.
    pub fn time_at(&self, now_s: u64) -> Result<u32, AheadOfClock> {
        let ParentState {
            earliest_time,
            max_ahead_s,
            ..
        } = self.context;
        let time = earliest_time.max(now_s);
        let ahead = AheadOfClock { time, max_ahead_s };
        if time > now_s.saturating_add(max_ahead_s.into()) {
            return Err(ahead);
        }
        u32::try_from(time).map_err(|_| ahead) // the year 2106
    }

    fn reward(&self, extra_nonce: u64) -> Transaction {
        Transaction::reward(self.recipient.clone(), self.context.reward, extra_nonce)
            .expect("the recipient was tried, and extra nonces end at their maximum")
    }

    /// The headers with these extra nonces, which end at 2^53 at most, each with the time that `time` gives for it.
    pub fn job(
        self: &Arc<Self>,
        id: u64,
        extra_nonces: Range<u64>,
        time: impl Fn() -> u32 + Send + Sync + 'static,
    ) -> BlockJob {
        let template = Arc::clone(self);
        let header = move |extra_nonce| {
            let header = Header {
                version: VERSION,
                previous_hash: template.context.previous_hash,
                merkle_root: template.branch.root(template.reward(extra_nonce).id()),
                time: time(),
                nbits: template.context.nbits,
                nonce: 0,
            };
            header.to_engine()
        };
        Job {
            stale: self.stale.clone(),
            ..Job::new(id, Arc::clone(self), self.target(), extra_nonces, header)
        }
    }

    /// The block with this header, one of its jobs' but for the nonce.
    ///
    /// # Panics
    /// When `extra_nonce` is above 2^53 − 1.
    pub fn block(&self, extra_nonce: u64, header: paydirt::Header) -> Block<Unchecked> {
        let others = self
            .transactions
            .iter()
            .map(|transfer| transfer.transaction().clone());
        let transactions = std::iter::once(self.reward(extra_nonce)).chain(others).collect();
        Block::new(
            self.context.index,
            Header::from_bytes(&header.to_bytes()),
            transactions,
        )
    }
}
