//! Headers for miners outside, and the nonces they bring back. So many machines mine for one ledger.
//!
//! *In:* whoever asks, whenever. *Out:* jobs of one header each, and the blocks that come of them. Each header has its own
//! extra nonce in its reward, so no two miners try the same hashes. It is good until another block becomes the tip.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use crate::{
    Ledger,
    block::{Block, Unchecked},
    store::StoreError,
    template::{AheadOfClock, BlockJob, BlockTemplate},
};

/// How many templates are remembered: each stands for any number of headers.
const KEPT: usize = 16_384;
/// How many transactions they may hold in all.
const KEPT_TRANSACTIONS: usize = 2_000_000;
/// How old the time in a header may be.
const FRESH: Duration = Duration::from_secs(30);
/// How many times as long as a template took to make it is used while new transactions arrive: a tenth of a processor
/// at most goes into making them.
const MAKING_SHARE: u32 = 10;
/// The ledger's own miner counts its extra nonces from 0, one for each 2^32 hashes: these are far away.
pub(super) const FIRST_OUTSIDE: u64 = 1 << 32;

/// What was handed out to miners outside, and may come back.
#[derive(Debug, Default)]
pub struct OutsideJobs(Mutex<Made>);

#[derive(Debug, Default)]
struct Made {
    handed_out: u64,
    /// In the order of their ids.
    templates: VecDeque<MadeTemplate>,
    /// How many transactions they hold.
    transactions: usize,
}

#[derive(Debug)]
struct MadeTemplate {
    template: Arc<BlockTemplate>,
    time: u32,
    /// The first job made from it; the next one's first id ends them.
    first_id: u64,
    /// The last pending transfer's place.
    pending_end: Option<u64>,
    at: Instant,
    took: Duration,
}

impl MadeTemplate {
    /// Whether another header may be made from it.
    fn is_good(&self, pending_end: Option<u64>) -> bool {
        let age = self.at.elapsed();
        let newest = self.pending_end == pending_end || age < self.took * MAKING_SHARE;
        !self.template.is_stale() && age < FRESH && newest
    }

    /// The job's id is its one extra nonce.
    fn job(&self, id: u64) -> BlockJob {
        let time = self.time;
        self.template.job(id, id..id + 1, move || time)
    }
}

/// Why nothing comes of what a miner brings back.
#[derive(Debug, thiserror::Error)]
pub enum OutsideError {
    /// It is of no job that is remembered.
    #[error("no work with id {0:x} is known")]
    Unknown(u64),
    /// Another block became the tip.
    #[error("the work is stale: another block came meanwhile")]
    Stale,
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OutsideJobs {
    /// A job of one header that nobody else has.
    ///
    /// # Errors
    /// [`AheadOfClock`] when blocks came too fast.
    pub fn hand_out(&self, ledger: &Ledger) -> Result<BlockJob, AheadOfClock> {
        let mut made = self.0.lock().expect("nothing panics while it is held");
        let pending_end = ledger.view().pending.last_place();
        let id = FIRST_OUTSIDE + made.handed_out;
        if !made
            .templates
            .back()
            .is_some_and(|last| last.is_good(pending_end))
        {
            let at = Instant::now();
            let template = Arc::new(ledger.block_template());
            let time = template.time_at(ledger.now_s())?;
            made.transactions += template.transaction_count();
            while made.templates.len() >= KEPT || made.transactions > KEPT_TRANSACTIONS {
                let Some(oldest) = made.templates.pop_front() else {
                    break;
                };
                made.transactions -= oldest.template.transaction_count();
            }
            made.templates.push_back(MadeTemplate {
                template,
                time,
                first_id: id,
                pending_end,
                at,
                took: at.elapsed(),
            });
        }
        made.handed_out += 1;
        Ok(made.templates.back().expect("just made").job(id))
    }

    /// The block that a nonce brought back for the job `id` makes; whether it is solved, the ledger will say.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub fn take_back(&self, ledger: &Ledger, id: u64, nonce: u32) -> Result<Block<Unchecked>, OutsideError> {
        let job = self.find(id).ok_or(OutsideError::Unknown(id))?;
        let block = job.origin.block(id, (job.header)(id).with_nonce(nonce));
        // A nonce that was sent before is known, not stale.
        match job.origin.is_stale() && ledger.snapshot()?.block_by_hash(&block.hash())?.is_none() {
            true => Err(OutsideError::Stale),
            false => Ok(block),
        }
    }

    fn find(&self, id: u64) -> Option<BlockJob> {
        let made = self.0.lock().expect("nothing panics while it is held");
        let known = id < FIRST_OUTSIDE + made.handed_out;
        let after = made.templates.partition_point(|made| made.first_id <= id);
        let template = made.templates.get(after.checked_sub(1)?)?;
        known.then(|| template.job(id))
    }
}
