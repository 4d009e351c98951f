//! Headers for miners outside, and the nonces they bring back. So many machines mine for one ledger.
//!
//! *In:* whoever asks, whenever. *Out:* jobs of one header each, and the blocks that come of them. Each header has its own
//! extra nonce in its reward, so no two miners try the same hashes. It is good until another block becomes the tip: then its
//! template lets its transactions go, and keeps what its headers are made of, to tell stale work from unknown.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use crate::{
    Ledger,
    block::{Block, Unchecked},
    header::Header,
    rules::{self, RuleError},
    store::StoreError,
    template::{AheadOfClock, BlockJob, BlockTemplate},
};

/// How many templates are remembered: each stands for any number of headers.
const KEPT: usize = 16_384;
/// How many bytes those of the tip may take for their transactions.
const KEPT_BYTES: usize = 64 << 20;
/// For how long one may be mined at least before others of the same tip have pushed it out.
const KEPT_FOR: Duration = Duration::from_secs(120);
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
    /// In the order of their ids. Those of old tips, which come first, have let their transactions go.
    templates: VecDeque<MadeTemplate>,
    /// What the others' transactions take.
    bytes: usize,
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
    /// What its transactions take; 0 once they are gone.
    bytes: usize,
}

impl MadeTemplate {
    /// Whether another header may be made from it.
    fn is_good(&self, pending_end: Option<u64>) -> bool {
        let age = self.at.elapsed();
        // The larger it is, the longer it is used: so many fit into what is kept as KEPT_FOR needs.
        let share = KEPT_FOR.mul_f64(self.bytes as f64 / KEPT_BYTES as f64);
        let newest = self.pending_end == pending_end || age < share.max(self.took * MAKING_SHARE);
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
    /// The nonce does not solve it.
    #[error(transparent)]
    Rule(#[from] RuleError),
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
        let mut made = self.made();
        let pending_end = ledger.view().pending.last_place();
        let id = FIRST_OUTSIDE + made.handed_out;
        if !made
            .templates
            .back()
            .is_some_and(|last| last.is_good(pending_end))
        {
            made.let_go();
            let at = Instant::now();
            let template = Arc::new(ledger.block_template());
            let time = template.time_at(ledger.now_s())?;
            made.push(MadeTemplate {
                bytes: template.transaction_bytes(),
                template,
                time,
                first_id: id,
                pending_end,
                at,
                took: at.elapsed(),
            });
            made.let_go(); // a block may have come meanwhile
        }
        made.handed_out += 1;
        Ok(made.templates.back().expect("just made").job(id))
    }

    /// The block that a nonce brought back for the job `id` makes. None is made of a nonce that solves nothing.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub fn take_back(&self, ledger: &Ledger, id: u64, nonce: u32) -> Result<Block<Unchecked>, OutsideError> {
        let job = self.find(id).ok_or(OutsideError::Unknown(id))?;
        let solved = (job.header)(id).with_nonce(nonce);
        let header = Header::from_bytes(&solved.to_bytes());
        if job.origin.is_stale() {
            // A nonce that was sent before is known, not stale.
            let known = ledger.snapshot()?.block_by_hash(&header.hash())?;
            return known.ok_or(OutsideError::Stale);
        }
        rules::check_proof_of_work(&header)?;
        Ok(job.origin.block(id, solved))
    }

    /// Lets the transactions of stale work go. To be called when another block has become the tip; else the next call of those
    /// above does it. Returns at once: if one of them is at work, it sees to it.
    pub fn let_go(&self) {
        if let Ok(mut made) = self.0.try_lock() {
            made.let_go();
        }
    }

    /// How many bytes the transactions take that are kept for work handed out.
    pub fn kept_bytes(&self) -> usize {
        self.made().bytes
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.0.lock().expect("nothing panics while it is held")
    }

    fn find(&self, id: u64) -> Option<BlockJob> {
        let mut made = self.made();
        made.let_go();
        let known = id < FIRST_OUTSIDE + made.handed_out;
        let after = made.templates.partition_point(|made| made.first_id <= id);
        let template = made.templates.get(after.checked_sub(1)?)?;
        known.then(|| template.job(id))
    }
}

impl Made {
    /// Remembers a template, and forgets the oldest where there are too many, or too large ones.
    fn push(&mut self, template: MadeTemplate) {
        self.bytes += template.bytes;
        self.templates.push_back(template);
        while self.templates.len() > KEPT || (self.bytes > KEPT_BYTES && self.templates.len() > 1) {
            let oldest = self.templates.pop_front();
            self.bytes -= oldest.map_or(0, |oldest| oldest.bytes);
        }
    }

    /// Lets the transactions of stale templates go.
    fn let_go(&mut self) {
        let held = self.templates.iter_mut().rev().take_while(|made| made.bytes > 0);
        for made in held.filter(|made| made.template.is_stale()) {
            made.template = Arc::new(made.template.without_transactions());
            self.bytes -= std::mem::take(&mut made.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChainParameters, MiningPlan, Transaction, mine_blocks};
    use paydirt::{Cancel, Miner};

    fn solve(ledger: &Ledger, jobs: &OutsideJobs, id: u64) -> u32 {
        (0..)
            .find(|nonce| jobs.take_back(ledger, id, *nonce).is_ok())
            .expect("at one bit every second one does")
    }

    #[test]
    fn a_new_tip_lets_the_transactions_go() {
        let ledger = Ledger::in_memory(&ChainParameters::fixed(1.0).unwrap()).unwrap();
        let jobs = OutsideJobs::default();
        let mut ids = Vec::new();
        for block in 0..20_u64 {
            for n in 1..=50 {
                ledger
                    .submit(Transaction::transfer("alice", format!("bob {block}"), n).unwrap())
                    .unwrap();
            }
            let job = jobs.hand_out(&ledger).unwrap();
            assert_eq!(job.origin.transaction_count(), 51);
            let first = jobs.kept_bytes();
            assert!((2000..20_000).contains(&first), "those of one tip: {first}");
            ids.push(job.id);
            let nonce = solve(&ledger, &jobs, job.id);
            let solved = jobs.take_back(&ledger, job.id, nonce).unwrap();
            ledger.add(solved.clone()).unwrap();
            assert_eq!(
                jobs.kept_bytes(),
                first,
                "nobody has said that there is a new tip"
            );
            jobs.let_go();
            assert_eq!(jobs.kept_bytes(), 0);
            // What was sent before is known all the same, with its transactions.
            assert_eq!(jobs.take_back(&ledger, job.id, nonce).unwrap(), solved);
            assert!(matches!(
                jobs.take_back(&ledger, job.id, nonce + 1000),
                Err(OutsideError::Stale)
            ));
        }
        for id in &ids {
            assert!(matches!(
                jobs.take_back(&ledger, *id, 9999),
                Err(OutsideError::Stale)
            ));
        }
        assert!(matches!(
            jobs.take_back(&ledger, ids[0] - 1, 0),
            Err(OutsideError::Unknown(_))
        ));
        // Without being told, the next who asks sees to it.
        ledger
            .submit(Transaction::transfer("a", "b", 1).unwrap())
            .unwrap();
        jobs.hand_out(&ledger).unwrap();
        let plan = MiningPlan {
            count: 1,
            spacing_s: None,
        };
        mine_blocks(&ledger, &Miner::new(), &Cancel::new(), plan, &|_| {}, &|_| {});
        assert!(jobs.kept_bytes() > 0);
        jobs.hand_out(&ledger).unwrap();
        let made = jobs.made();
        assert_eq!(
            made.templates.iter().map(|made| made.bytes).sum::<usize>(),
            made.bytes
        );
        assert_eq!(made.templates.back().unwrap().template.transaction_count(), 1);
    }

    #[test]
    fn those_of_one_tip_are_bounded_in_bytes() {
        let ledger = Ledger::in_memory(&ChainParameters::fixed(1.0).unwrap()).unwrap();
        let template = Arc::new(ledger.block_template());
        let mut made = Made::default();
        for number in 0..1000 {
            made.push(MadeTemplate {
                template: Arc::clone(&template),
                time: 0,
                first_id: FIRST_OUTSIDE + number,
                pending_end: None,
                at: Instant::now(),
                took: Duration::ZERO,
                bytes: 1 << 20,
            });
            assert!(made.bytes <= KEPT_BYTES);
        }
        assert_eq!(made.templates.len(), KEPT_BYTES >> 20);
        assert_eq!(made.templates.back().unwrap().first_id, FIRST_OUTSIDE + 999);
    }

    #[test]
    fn a_nonce_that_solves_nothing_makes_no_block() {
        let ledger = Ledger::in_memory(&ChainParameters::fixed(200.0).unwrap()).unwrap();
        let jobs = OutsideJobs::default();
        let job = jobs.hand_out(&ledger).unwrap();
        let refused = jobs.take_back(&ledger, job.id, 7);
        assert!(matches!(
            refused,
            Err(OutsideError::Rule(RuleError::ProofOfWork { .. }))
        ));
    }
}
