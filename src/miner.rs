//! Many cores on one puzzle.
//!
//! *In:* a [`Search`]: a puzzle, a range of nonces, and what is wanted of it. *Out:* an [`Outcome`]: verified solutions,
//! how the search ended, and exactly how many hashes it took.
//!
//! ```text
//! the calling thread mines alone for 50 µs: easy puzzles are solved before a second thread could wake up
//! then every thread of the pool:
//!     until the stop flag is set, the time is up, or the range is used up:
//!         claim the next chunk of nonces from the cursor          one atomic operation, in ascending order
//!         scan it with the kernel; re-hash each hit with the oracle
//!         lowest: remember the lowest solution; nobody claims chunks above it any more
//!         first:  set the stop flag
//!         resize the chunks so that one takes about 400 µs        whatever the kernel, the message, the machine
//! ```
//!
//! *Why the lowest nonce is the lowest:* chunks are claimed in ascending order and a claimed chunk is always scanned up
//! to its first solution, so when a solution is known, everything below it has been claimed, and is finished before the
//! search returns. Neither the number of threads nor the size of chunks can change the answer.

mod chunks;
mod search;

use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};
use std::time::{Duration, Instant};

pub use search::{Cancel, Find, Outcome, Progress, Search, Status};

use crate::{
    kernel::{Hits, Kernel},
    solution::Solution,
    work::{Run, Work},
};
use chunks::{ChunkSize, Cursor};

/// For how long the calling thread mines alone before it wakes the others.
const ALONE: Duration = Duration::from_micros(50);

/// The most threads a miner may have.
pub const MAX_THREADS: usize = 4096;

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
    kernel: Kernel,
}

/// Why there is no miner.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MinerError {
    /// No threads, or too many.
    #[error("{0} threads: give 1 to {MAX_THREADS}")]
    Threads(usize),
    /// The operating system did not give the threads.
    #[error("cannot start {threads} threads: {reason}")]
    Pool {
        /// How many were asked for.
        threads: usize,
        /// What the system said.
        reason: rayon::ThreadPoolBuildError,
    },
}

/// What the miner needs of a kernel: the tests put a mock in its place.
trait Scanner: Sync {
    fn lanes(&self) -> u64;
    fn scan(&self, work: &Work, first: u64, count: u64, hits: &mut Hits) -> u64;
}

impl Scanner for Kernel {
    fn lanes(&self) -> u64 {
        Kernel::lanes(*self)
    }

    fn scan(&self, work: &Work, first: u64, count: u64, hits: &mut Hits) -> u64 {
        Kernel::scan(*self, work, first, count, hits)
    }
}

impl Default for Miner {
    fn default() -> Self {
        Self::new()
    }
}

impl Miner {
    /// A thread for each logical processor this process may use, and the fastest kernel.
    ///
    /// # Panics
    /// When the operating system does not give the threads; [`Miner::with_threads`] returns that as an error.
    pub fn new() -> Self {
        Self::with_threads(num_cpus::get().min(MAX_THREADS), Kernel::auto())
            .expect("the operating system gives a thread for each processor")
    }

    /// A miner of this many threads.
    ///
    /// # Errors
    /// [`MinerError`] for no threads, more than [`MAX_THREADS`], or more than the operating system gives.
    pub fn with_threads(threads: usize, kernel: Kernel) -> Result<Self, MinerError> {
        if !(1..=MAX_THREADS).contains(&threads) {
            return Err(MinerError::Threads(threads));
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("miner-{index}"))
            .build()
            .map_err(|reason| MinerError::Pool { threads, reason })?;
        Ok(Self { pool, kernel })
    }

    /// How many threads it has.
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Its kernel.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Runs something once on each of its threads, which are numbered from 0: to set what an operating system keeps for
    /// a thread, such as its priority or the processors it may run on.
    pub fn on_each_thread(&self, run: impl Fn(usize) + Sync) {
        self.pool.broadcast(|thread| run(thread.index()));
    }

    /// Searches, and returns when every thread is idle again.
    ///
    /// A miner does one search at a time: one that is called meanwhile from another thread waits for the pool, and
    /// looks at its own deadline and cancel handle only then.
    ///
    /// # Panics
    /// When the search's range reaches beyond the puzzle's nonce space, or its progress callback panics.
    pub fn mine(&self, search: &Search<'_>) -> Outcome {
        mine_with(&self.kernel, &self.pool, search, ALONE)
    }
}

/// Mines on the calling thread for the time `alone`, then on every thread of the pool.
fn mine_with(
    scanner: &dyn Scanner,
    pool: &rayon::ThreadPool,
    search: &Search<'_>,
    alone: Duration,
) -> Outcome {
    let begun = Instant::now();
    let runs = Run::split(search.puzzle, search.range);
    // The first chunk is taken out beforehand: what is left fits the cursor's u64 even for all 2^64 nonces.
    let first_chunk = runs
        .first()
        .map_or(0, |run| run.range.count().min(scanner.lanes().into()) as u64);
    let shared = Shared {
        scanner,
        search,
        runs: &runs,
        begun,
        deadline: search.timeout.and_then(|limit| begun.checked_add(limit)),
        cursor: Cursor::after(search.range, first_chunk),
        stop: AtomicBool::new(false),
        timed_out: AtomicBool::new(false),
        cancelled: AtomicBool::new(false),
        enough: AtomicBool::new(false),
        lowest: AtomicU64::new(u64::MAX),
        hashes: AtomicU64::new(0),
        next_report_us: AtomicU64::new(match &search.progress {
            Some((every, _)) => whole_micros(*every),
            None => u64::MAX,
        }),
        found: Mutex::default(),
    };
    if first_chunk > 0 && shared.keep_going() {
        let mut size = ChunkSize::new(scanner.lanes());
        shared.scan_chunk(&runs[0], search.range.start(), first_chunk, &mut size);
        shared.work_until(&mut size, Some(begun + alone));
        if shared.is_unfinished() {
            pool.broadcast(|_| shared.work_until(&mut size.clone(), None));
        }
    }
    shared.into_outcome(pool.current_num_threads())
}

fn whole_micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// What the threads of one search share.
struct Shared<'s> {
    scanner: &'s dyn Scanner,
    search: &'s Search<'s>,
    runs: &'s [Run],
    begun: Instant,
    deadline: Option<Instant>,
    cursor: Cursor,
    /// Set once: nobody claims another chunk.
    stop: AtomicBool,
    timed_out: AtomicBool,
    cancelled: AtomicBool,
    /// The callback for solutions said so.
    enough: AtomicBool,
    /// The lowest solution's nonce so far when the lowest is sought; `u64::MAX` closes nothing off.
    lowest: AtomicU64,
    hashes: AtomicU64,
    /// When the next progress report is due, in microseconds since the beginning.
    next_report_us: AtomicU64,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    solutions: Vec<Solution>,
    after: Option<Duration>,
}

impl Shared<'_> {
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

    /// One thread's loop.
    fn work_until(&self, size: &mut ChunkSize, until: Option<Instant>) {
        while until.is_none_or(|until| Instant::now() < until) && self.keep_going() {
            let claimed = self.cursor.claim(size, self.runs, &self.lowest);
            let Some((run, first, count)) = claimed else {
                return;
            };
            self.scan_chunk(run, first, count, size);
            self.report_progress();
        }
    }

    /// Scans one claimed chunk: all of it, or up to its first solution where one is enough.
    fn scan_chunk(&self, run: &Run, first: u64, count: u64, size: &mut ChunkSize) {
        let begun = Instant::now();
        let mut hits = match self.search.find {
            Find::All => Hits::all(),
            Find::Lowest | Find::First => Hits::up_to(1),
        };
        let mut tested = 0;
        while tested < count {
            hits.clear();
            tested += self
                .scanner
                .scan(&run.work, first + tested, count - tested, &mut hits);
            if self.keep_solutions(&hits) {
                break;
            }
        }
        self.hashes.fetch_add(tested, Ordering::Relaxed);
        size.adapt(tested, begun.elapsed());
    }

    /// Re-hashes hits with the oracle and keeps the solutions; true when one was enough.
    fn keep_solutions(&self, hits: &Hits) -> bool {
        let mut solutions = hits
            .nonces()
            .iter()
            .filter_map(|nonce| Solution::check(self.search.puzzle, *nonce).ok())
            .inspect(|solution| self.tell(solution));
        if self.search.find == Find::All {
            let solutions: Vec<_> = solutions.collect();
            if !solutions.is_empty() {
                self.found_mutex().solutions.extend(solutions);
            }
            return false;
        }
        let Some(solution) = solutions.next() else {
            return false;
        };
        let mut found = self.found_mutex();
        let better = |best: &Solution| solution.nonce() < best.nonce();
        if found.solutions.first().is_none_or(better) {
            found.solutions = vec![solution];
            found.after = Some(self.begun.elapsed());
        }
        match self.search.find {
            Find::First => self.stop.store(true, Ordering::Relaxed),
            _ => {
                self.lowest.fetch_min(solution.nonce(), Ordering::Relaxed);
            }
        }
        true
    }

    /// Tells of a solution, and stops when that was enough.
    fn tell(&self, solution: &Solution) {
        if let Some(callback) = &self.search.on_solution
            && callback(solution).is_break()
        {
            self.enough.store(true, Ordering::Relaxed);
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn found_mutex(&self) -> std::sync::MutexGuard<'_, Found> {
        self.found.lock().expect("nothing panics while it is held")
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
            callback(&Progress {
                hashes: self.hashes.load(Ordering::Relaxed),
                elapsed,
                range: self.search.range,
            });
        }
    }

    fn into_outcome(self, threads: usize) -> Outcome {
        let Found { mut solutions, after } =
            self.found.into_inner().expect("nothing panics while it is held");
        solutions.sort_unstable_by_key(Solution::nonce);
        let enough = self.search.find != Find::All || self.enough.into_inner();
        let hashes = self.hashes.into_inner();
        let whole_range = u128::from(hashes) == self.search.range.count();
        let status = if !solutions.is_empty() && (enough || whole_range) {
            Status::Found
        } else if whole_range {
            Status::Exhausted // even if the time ran out, or someone cancelled, while the last chunk was scanned
        } else if self.cancelled.into_inner() {
            Status::Interrupted
        } else {
            debug_assert!(self.timed_out.into_inner(), "a search ends for a reason");
            Status::Timeout
        };
        Outcome {
            status,
            solutions,
            hashes,
            elapsed: self.begun.elapsed(),
            found_after: after,
            threads,
            range: self.search.range,
        }
    }
}

#[cfg(test)]
mod tests;
