//! Which of several kernels is the fastest, from the chunks of work that each has done.
//!
//! *In:* how many nonces a candidate tested in how much processor time, again and again, from any thread. *Out:* who is to
//! test next, and in the end which is the best. Nothing here looks at a clock or runs a kernel.
//!
//! ```text
//! each thread, candidate by candidate, in turn (A B C A B C …):
//!     unknown yet:   chunks from one batch on, each longer than the last, until one takes 50 µs: a look
//!     hopeless after two looks (not a third of the leader's rate):              out
//!     else:          a chunk as long as it likes: a sample
//!     2 samples and not one within 25 % of the leader, 3 and 15 %, 4 and 8 %:   out
//! one is left, or all that are left have 7 samples: the highest median is the best
//! ```
//!
//! *Why every thread samples, in the same order:* where two threads share a core, or all of them its heat, a kernel beside
//! itself is slower than beside another: what counts is how fast it is when every thread runs it. It costs no more
//! than one thread's sampling: the same share of the search's time, and with many threads far less of it.
//!
//! *What it costs:* time in slower kernels, times the share by which they are slower; the leader's own samples are free.
//! One at a hundredth of the rate is left after 0.1 ms, one at half after 0.9 ms, and those that stay are nearly as
//! fast. A candidate is judged by its best sample, since whatever else happens on a machine only slows it, the leader by
//! its median: so a good one is put out only when it is disturbed each time.

use std::{
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// What is enough to see that something is hopeless.
pub(super) const LOOK: Duration = Duration::from_micros(50);
/// So many looks.
const LOOKS: usize = 2;
/// Below this share of the leader's rate a candidate is hopeless.
const HOPELESS: f64 = 1.0 / 3.0;
/// How many samples those have that stay to the end.
const SAMPLES: usize = 7;
/// With this many samples, a candidate must have come this near to the leader; with fewer it stays.
const NEAR: [(usize, f64); 3] = [(4, 0.92), (3, 0.85), (2, 0.75)];

const UNDECIDED: usize = usize::MAX;

/// A comparison that goes on, or has ended.
#[derive(Debug)]
pub(super) struct Trial {
    accounts: Mutex<Vec<Account>>,
    /// The best one's index, once it is known.
    best: AtomicUsize,
    /// How long searches have gone on so far without a verdict, in microseconds.
    spent_us: AtomicU64,
}

/// What is known of a candidate.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    /// Rates of short chunks, hashes a second of processor time.
    looks: Vec<f64>,
    /// Rates of whole ones.
    samples: Vec<f64>,
    out: bool,
}

impl Account {
    /// The median of its samples, before there are any its best look; 0 when nothing is known.
    pub(super) fn typical(&self) -> f64 {
        let mut samples = self.samples.clone();
        samples.sort_unstable_by(f64::total_cmp);
        match (samples.len(), samples.len() / 2) {
            (0, _) => self.best(),
            (count, middle) if count % 2 == 1 => samples[middle],
            (_, middle) => (samples[middle - 1] + samples[middle]) / 2.0,
        }
    }

    /// How many samples that is the median of; none where looks were enough.
    pub(super) fn samples(&self) -> usize {
        self.samples.len()
    }

    fn best(&self) -> f64 {
        self.looks
            .iter()
            .chain(&self.samples)
            .fold(0.0, |best, rate| rate.max(best))
    }

    fn is_hopeless(&self, lead: f64) -> bool {
        self.looks.len() >= LOOKS && self.best() < HOPELESS * lead
    }

    /// Whether it has had its chance.
    fn is_beaten(&self, lead: f64) -> bool {
        let near = NEAR.iter().find(|(samples, _)| self.samples.len() >= *samples);
        self.is_hopeless(lead) || near.is_some_and(|(_, share)| self.best() < share * lead)
    }
}

impl Trial {
    /// Of so many candidates, at least one.
    pub(super) fn new(candidates: usize) -> Self {
        Self {
            accounts: Mutex::new(vec![Account::default(); candidates]),
            best: AtomicUsize::new(UNDECIDED),
            spent_us: AtomicU64::new(0),
        }
    }

    /// The best one, once it is known.
    pub(super) fn verdict(&self) -> Option<usize> {
        let best = self.best.load(Ordering::Acquire);
        (best != UNDECIDED).then_some(best)
    }

    /// What every candidate has done.
    pub(super) fn accounts(&self) -> Vec<Account> {
        self.lock().clone()
    }

    /// How long searches went on without a verdict.
    pub(super) fn spent(&self) -> Duration {
        Duration::from_micros(self.spent_us.load(Ordering::Relaxed))
    }

    /// One more search ended without a verdict.
    pub(super) fn spend(&self, elapsed: Duration) {
        let us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        self.spent_us.fetch_add(us, Ordering::Relaxed);
    }

    /// Whose turn it is: `from`'s, or if that is out the next one's, in a circle. `None` when there is a verdict, or nobody
    /// is left.
    pub(super) fn turn(&self, from: usize) -> Option<usize> {
        if self.verdict().is_some() {
            return None;
        }
        let accounts = self.lock();
        let circle = from..from + accounts.len();
        (circle.map(|at| at % accounts.len())).find(|at| !accounts[*at].out)
    }

    /// How many nonces a candidate should test next, where its chunks should take `chunk`; `None` while nobody knows.
    pub(super) fn aim(&self, candidate: usize, chunk: Duration) -> Option<u64> {
        let accounts = self.lock();
        let rate = accounts[candidate].best();
        let is_doubtful = rate < HOPELESS * lead(&accounts);
        // Half more than a look, so that it is one even if it is quicker than the last.
        let time = if is_doubtful {
            chunk.min(LOOK * 3 / 2)
        } else {
            chunk
        };
        (rate > 0.0).then_some((rate * time.as_secs_f64()) as u64)
    }

    /// Takes a candidate out: it must not be used, or does not do such puzzles.
    pub(super) fn exclude(&self, candidate: usize) {
        let mut accounts = self.lock();
        accounts[candidate].out = true;
        self.settle(&mut accounts);
    }

    /// A candidate tested `nonces` in `time` on a processor, in a chunk that should take `chunk`. True when that counts
    /// as a sample, or it is out: then it is the next one's turn.
    pub(super) fn note(&self, candidate: usize, nonces: u64, time: Duration, chunk: Duration) -> bool {
        if time < LOOK.min(chunk / 2) || time.is_zero() {
            return false;
        }
        let rate = nonces as f64 / time.as_secs_f64();
        let is_sample = time >= chunk / 2;
        let mut accounts = self.lock();
        if self.verdict().is_some() {
            return true; // what it was made from stays as it is
        }
        let account = &mut accounts[candidate];
        match is_sample {
            true => account.samples.push(rate),
            false => account.looks.push(rate),
        }
        self.settle(&mut accounts);
        is_sample || accounts[candidate].out
    }

    /// Takes out who is beaten, and decides when that can be done.
    fn settle(&self, accounts: &mut [Account]) {
        if self.verdict().is_some() {
            return;
        }
        let lead = lead(accounts);
        for account in &mut *accounts {
            account.out |= account.is_beaten(lead);
        }
        let left = || accounts.iter().enumerate().filter(|(_, account)| !account.out);
        let alone = left().count() == 1;
        let enough = if alone { 1 } else { SAMPLES };
        if left().all(|(_, account)| account.samples.len() >= enough) {
            // Of equals the first.
            let faster = |best: (usize, f64), (at, account): (usize, &Account)| match account.typical() {
                rate if rate > best.1 => (at, rate),
                _ => best,
            };
            let (best, _) = left().fold((0, 0.0), faster);
            self.best.store(best, Ordering::Release);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Account>> {
        self.accounts.lock().expect("nothing panics while it is held")
    }
}

/// The highest typical rate of those that are left.
fn lead(accounts: &[Account]) -> f64 {
    let left = accounts.iter().filter(|account| !account.out);
    left.map(Account::typical).fold(0.0, f64::max)
}
