//! Many cores on one puzzle.
//!
//! *In:* a [`Search`]: a puzzle, a range of nonces, and what is wanted of it. *Out:* an [`Outcome`]: verified solutions,
//! how the search ended, and exactly how many hashes it took.
//!
//! ```text
//! the calling thread mines alone for 50 µs: easy puzzles are solved before a second thread could wake up
//! then every thread of the pool:
//!     until the stop flag is set, the time is up, or the range is used up:
//!         choose the kernel: the one asked for, or after 3 ms each of the fast ones in turn, then the best     hand, trial
//!         claim the next chunk of nonces from the cursor          one atomic operation, in ascending order
//!         scan it with the kernel, bound once a part; re-hash each hit with the oracle
//!         lowest: remember the lowest solution; nobody claims chunks above it any more
//!         first:  set the stop flag
//!         all:    chunks are put back in order, and their solutions told or kept
//!         resize the chunks so that one takes the time that the kernel likes: 400 µs, whatever message and machine
//! ```
//!
//! *Why the lowest nonce is the lowest:* chunks are claimed in ascending order and a claimed chunk is always scanned up
//! to its first solution, so when a solution is known, everything below it has been claimed, and is finished before the
//! search returns. Neither the number of threads nor the size of chunks can change the answer, nor which kernel scans a
//! chunk: every kernel finds the same in it.

mod choice;
mod chunks;
mod hand;
mod order;
mod pace;
mod search;
mod threads;
mod trial;

use std::{
    ops::ControlFlow,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

pub use choice::{Chosen, KernelChoice, KernelRate};
pub use search::{Cancel, Find, Outcome, Progress, Search, Status};
pub use threads::{MAX_THREADS, MinerError, most_threads};

use crate::{
    clock,
    kernel::{Hits, Kernel, Prepared},
    solution::Solution,
};
use choice::{Kernels, Team};
use chunks::Cursor;
use hand::Hand;
use order::{Order, Point};
use pace::Pace;

/// Threads and a kernel, ready for any number of searches.
///
/// # Examples
/// ```
/// use paydirt::{Goal, Miner, Puzzle, Search, Status, Target};
///
/// let puzzle = Puzzle::text("100", Goal::at_most(Target::from_hex_zeros(4)?));
/// let outcome = Miner::new().mine(&Search::new(&puzzle));
/// assert_eq!(outcome.status, Status::Found);
/// assert_eq!(outcome.solutions[0].nonce(), 35293);
/// # Ok::<(), paydirt::TargetError>(())
/// ```
#[derive(Debug)]
pub struct Miner {
    pool: rayon::ThreadPool,
    kernels: Kernels,
    /// Of the latest search, or what the first begins with; and why.
    latest: Mutex<(Kernel, Option<Chosen>)>,
}

impl Default for Miner {
    fn default() -> Self {
        Self::new()
    }
}

impl Miner {
    /// A thread for each logical processor this process may use, and the kernel that is the fastest for each puzzle.
    ///
    /// # Panics
    /// When the operating system does not give the threads; [`Miner::with_threads`] returns that as an error.
    pub fn new() -> Self {
        Self::with_threads(num_cpus::get().min(MAX_THREADS), KernelChoice::Auto)
            .expect("the operating system gives a thread for each processor")
    }

    /// A miner of this many threads, and this kernel or the fastest.
    ///
    /// # Errors
    /// [`MinerError`] for no threads, more than [`most_threads`], or more than the operating system gives.
    pub fn with_threads(threads: usize, kernel: impl Into<KernelChoice>) -> Result<Self, MinerError> {
        if !(1..=most_threads()).contains(&threads) {
            return Err(MinerError::Threads(threads));
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("miner-{index}"))
            .build()
            .map_err(|reason| MinerError::Pool {
                threads,
                reason: reason.into(),
            })?;
        let kernels = Kernels::new(kernel.into(), threads);
        Ok(Self {
            pool,
            latest: Mutex::new((kernels.kernel(kernels.guess()), None)),
            kernels,
        })
    }

    /// How many threads it has.
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// The kernel that did most of its latest search; before the first, the one that it will begin with.
    pub fn kernel(&self) -> Kernel {
        self.latest.lock().expect("nothing panics while it is held").0
    }

    /// Why that one: [`Outcome::chosen`] of its latest search.
    pub fn chosen(&self) -> Option<Chosen> {
        (self.latest.lock().expect("nothing panics while it is held").1).clone()
    }

    /// Whether it has one kernel for all, or takes the fastest.
    pub fn choice(&self) -> KernelChoice {
        self.kernels.choice()
    }

    /// Runs something once on each of its threads, which are numbered from 0, and returns what it gave on each: to set
    /// what an operating system keeps for a thread, its priority or its processor.
    pub fn on_each_thread<R: Send>(&self, run: impl Fn(usize) -> R + Sync) -> Vec<R> {
        self.pool.broadcast(|thread| run(thread.index()))
    }

    /// Searches, and returns when every thread is idle again.
    ///
    /// A miner does one search at a time: one that is called meanwhile from another thread waits for the pool, and
    /// looks at its own deadline and cancel handle only then.
    ///
    /// # Panics
    /// When the search's range reaches beyond the puzzle's nonce space, or one of its callbacks panics.
    pub fn mine(&self, search: &Search<'_>) -> Outcome {
        let outcome = mine_with(&self.kernels, &self.pool, search, &Pace::REAL);
        let latest = (outcome.kernel, outcome.chosen.clone());
        *self.latest.lock().expect("nothing panics while it is held") = latest;
        outcome
    }
}

/// Mines on the calling thread for a time, then on every thread of the pool.
fn mine_with(team: &dyn Team, pool: &rayon::ThreadPool, search: &Search<'_>, pace: &Pace) -> Outcome {
    let (begun, account) = (Instant::now(), clock::Account::open());
    let parts = Prepared::split(search.puzzle, search.range);
    let mut hand = parts.first().map(|part| Hand::new(team, part));
    // The first chunk is taken out beforehand: what is left fits the cursor's u64 even for all 2^64 nonces.
    let first_chunk = hand.as_mut().map_or(0, |hand| {
        let lanes = hand.scanner().lanes();
        hand.part().range().count().min(lanes.into()) as u64
    });
    let shared = Shared {
        team,
        pace,
        search,
        parts: &parts,
        begun,
        deadline: search.timeout.and_then(|limit| begun.checked_add(limit)),
        cursor: Cursor::after(search.range, first_chunk),
        stop: AtomicBool::new(false),
        timed_out: AtomicBool::new(false),
        cancelled: AtomicBool::new(false),
        lowest: AtomicU64::new(u64::MAX),
        hashes: (0..team.size()).map(|_| AtomicU64::new(0)).collect(),
        next_report_us: AtomicU64::new(match &search.progress {
            Some((every, _)) => whole_micros(*every),
            None => u64::MAX,
        }),
        order: Order::from(search.range.end() - search.range.count()),
        answers: Mutex::default(),
        busy_ns: AtomicU64::new(0),
    };
    if let (Some(hand), true) = (&mut hand, shared.keep_going()) {
        shared.scan_chunk(hand, search.range.start(), first_chunk);
        shared.work_until(hand, Some(begun + pace.alone));
        if shared.is_unfinished() {
            let (part, at, size) = (hand.part(), hand.at(), hand.size());
            pool.broadcast(|_| {
                let account = clock::Account::open();
                shared.work_until(&mut Hand::new(team, part).sized(at, size), None);
                shared.was_busy(account);
            });
        }
    }
    shared.was_busy(account);
    shared.into_outcome(pool.current_num_threads())
}

fn whole_micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// What the threads of one search share.
struct Shared<'s, 'a> {
    team: &'s dyn Team,
    pace: &'s Pace,
    search: &'s Search<'a>,
    parts: &'s [Prepared],
    begun: Instant,
    deadline: Option<Instant>,
    cursor: Cursor,
    /// Set once: nobody claims another chunk.
    stop: AtomicBool,
    timed_out: AtomicBool,
    cancelled: AtomicBool,
    /// The lowest solution's nonce so far when the lowest is sought; `u64::MAX` closes nothing off.
    lowest: AtomicU64,
    /// Nonces tested, by each of the team.
    hashes: Vec<AtomicU64>,
    /// When the next progress report is due, in microseconds since the beginning.
    next_report_us: AtomicU64,
    order: Order,
    answers: Mutex<Answers>,
    /// Processor time of the threads that are done, where the system tells.
    busy_ns: AtomicU64,
}

#[derive(Default)]
struct Answers {
    /// The best so far; of all solutions the lowest, or each where nobody is told of them.
    solutions: Vec<Solution>,
    found_after: Option<Duration>,
}

/// Stops the search when its thread panics, in a callback: no other waits for what it will never tell.
struct StopOnPanic<'s>(&'s AtomicBool);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

impl<'s> Shared<'s, '_> {
    /// Looks at the stop flag, the cancel handle and the clock; false when it is time to stop.
    fn keep_going(&self) -> bool {
        if self.stop.load(Ordering::Relaxed) {
            return false;
        }
        if self.search.cancels.iter().any(Cancel::is_cancelled) {
            self.cancelled.store(true, Ordering::Relaxed);
        } else if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            self.timed_out.store(true, Ordering::Relaxed);
        } else {
            return true;
        }
        self.stop.store(true, Ordering::Relaxed);
        false
    }

    /// Whether there may be something left to do.
    fn is_unfinished(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
            && self
                .cursor
                .first_unclaimed()
                .is_some_and(|next| next <= self.lowest.load(Ordering::Relaxed))
    }

    /// Nonces tested so far.
    fn tested(&self) -> u64 {
        self.hashes
            .iter()
            .map(|hashes| hashes.load(Ordering::Relaxed))
            .sum()
    }

    /// One thread's loop.
    fn work_until(&self, hand: &mut Hand<'_, 's>, until: Option<Instant>) {
        while until.is_none_or(|until| Instant::now() < until) && self.keep_going() {
            hand.choose(|| self.begun.elapsed(), self.pace.settled_in);
            let claimed = self.cursor.claim(hand.size(), self.parts, &self.lowest);
            let Some((part, first, count)) = claimed else {
                return;
            };
            if !std::ptr::eq(part, hand.part()) {
                hand.enter(part);
            }
            self.scan_chunk(hand, first, count);
            self.report_progress();
        }
    }

    /// Scans one claimed chunk: all of it, or up to its first solution where one is enough.
    fn scan_chunk(&self, hand: &mut Hand<'_, 's>, first: u64, count: u64) {
        let begun = Instant::now();
        let mut timed = hand.is_on_trial().then_some(Duration::ZERO);
        let mut hits = match self.search.find {
            Find::All => Hits::all(),
            Find::Lowest | Find::First => Hits::up_to(1),
        };
        let (mut tested, mut solutions) = (0, Vec::new());
        while tested < count && (self.search.find == Find::All || solutions.is_empty()) {
            hits.clear();
            let before = timed.map(|_| (self.pace.busy_time)());
            tested += hand.scanner().scan(first + tested, count - tested, &mut hits);
            if let (Some(timed), Some(before)) = (&mut timed, before) {
                *timed += (self.pace.busy_time)().saturating_sub(before); // the oracle's time is not the kernel's
            }
            let check = |nonce: &u64| Solution::check(self.search.puzzle, *nonce).ok();
            solutions.extend(hits.nonces().iter().filter_map(check));
        }
        self.hashes[hand.at()].fetch_add(tested, Ordering::Relaxed);
        hand.learn(tested, begun.elapsed(), timed);
        self.finish_chunk(first, tested, solutions);
    }

    /// Keeps the solutions of a finished chunk, or tells of them.
    fn finish_chunk(&self, first: u64, tested: u64, solutions: Vec<Solution>) {
        let _guard = StopOnPanic(&self.stop);
        let end = u128::from(first) + u128::from(tested);
        let best = solutions
            .first()
            .copied()
            .filter(|_| self.search.find != Find::All);
        let (end, each) = match best {
            // Not beyond it: whoever goes on later must not miss it.
            Some(best) => (best.nonce().into(), Vec::new()),
            None => (end, solutions),
        };
        let keep = |solution: &Solution| self.keep_each(solution);
        let mut said = self.order.finish(first, end, each, keep, || self.keep_going());
        if let Some(best) = best {
            said = self.keep_best(best);
        }
        if said.is_break() {
            self.cancelled.store(true, Ordering::Relaxed);
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    /// One of all, which come here in ascending order.
    fn keep_each(&self, solution: &Solution) -> ControlFlow<()> {
        let mut answers = self.answers();
        if !self.search.is_told() || answers.solutions.is_empty() {
            answers.solutions.push(*solution);
        }
        drop(answers);
        self.search.tell(solution)
    }

    /// The only one wanted, unless another is lower.
    fn keep_best(&self, found: Solution) -> ControlFlow<()> {
        let mut answers = self.answers();
        if answers
            .solutions
            .first()
            .is_none_or(|best| found.nonce() < best.nonce())
        {
            answers.solutions = vec![found];
            answers.found_after = Some(self.begun.elapsed());
        }
        drop(answers);
        match self.search.find {
            Find::First => self.stop.store(true, Ordering::Relaxed),
            _ => _ = self.lowest.fetch_min(found.nonce(), Ordering::Relaxed),
        }
        self.search.tell(&found)
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().expect("nothing panics while it is held")
    }

    /// Calls the progress callback if it is due, on whichever thread comes by first.
    fn report_progress(&self) {
        let Some((every, callback)) = &self.search.progress else {
            return;
        };
        let due = self.next_report_us.load(Ordering::Relaxed);
        let elapsed = self.begun.elapsed();
        let now_us = whole_micros(elapsed);
        if now_us < due {
            return;
        }
        let next = now_us.saturating_add(whole_micros(*every));
        let claim = self
            .next_report_us
            .compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed);
        if claim.is_ok() {
            let Point { resume_at, solutions } = self.order.point();
            callback(&Progress {
                hashes: self.tested(),
                elapsed,
                range: self.search.range,
                resume_at,
                solution_count: solutions,
            });
        }
    }

    /// A thread is done.
    fn was_busy(&self, account: clock::Account) {
        let busy = account.close().unwrap_or_default();
        let ns = u64::try_from(busy.as_nanos()).unwrap_or(u64::MAX);
        self.busy_ns.fetch_add(ns, Ordering::Relaxed);
    }

    fn into_outcome(self, threads: usize) -> Outcome {
        let hashes = self.tested();
        let (kernel, chosen) = self.kernel_and_choice();
        let answers = self.answers.into_inner();
        let Answers {
            solutions,
            found_after,
        } = answers.expect("nothing panics while it is held");
        let Point {
            resume_at,
            solutions: in_order,
        } = self.order.point();
        let all = self.search.find == Find::All;
        let is_over = match all {
            // Solutions that nobody was told of, since the listener had enough, are still to be found.
            true => resume_at == self.search.range.end(),
            false => u128::from(hashes) == self.search.range.count(),
        };
        let status = if !solutions.is_empty() && (!all || is_over) {
            Status::Found
        } else if is_over {
            Status::Exhausted // even if the time ran out, or someone cancelled, while the last chunk was scanned
        } else if self.cancelled.into_inner() {
            Status::Interrupted
        } else {
            debug_assert!(self.timed_out.into_inner(), "a search ends for a reason");
            Status::Timeout
        };
        Outcome {
            status,
            solution_count: match all {
                true => in_order,
                false => solutions.len() as u64,
            },
            solutions,
            hashes,
            resume_at,
            elapsed: self.begun.elapsed(),
            processor_time: clock::thread_time().map(|_| Duration::from_nanos(self.busy_ns.into_inner())),
            found_after,
            threads,
            range: self.search.range,
            kernel,
            chosen,
        }
    }

    /// The kernel that did the most, and what is known of such puzzles as were mined last.
    fn kernel_and_choice(&self) -> (Kernel, Option<Chosen>) {
        let mut most = (0, 0);
        for (which, hashes) in self.hashes.iter().enumerate() {
            let hashes = hashes.load(Ordering::Relaxed);
            if hashes > most.1 {
                most = (which, hashes);
            }
        }
        let next = self.cursor.first_unclaimed();
        let reached = |part: &&Prepared| next.is_none_or(|next| part.range().start() < next);
        let part = self.parts.iter().rev().find(reached);
        let chosen = part.and_then(|part| {
            let chosen = choice::chosen(self.team, part);
            if let (None, Some(trial)) = (&chosen, self.team.trial(part)) {
                trial.spend(self.begun.elapsed());
            }
            chosen
        });
        (self.team.kernel(most.0), chosen)
    }
}

#[cfg(test)]
mod tests;
