//! What can be asked of a miner, and what it answers.

use std::{
    fmt,
    ops::ControlFlow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::Chosen;
use crate::{
    kernel::Kernel,
    puzzle::{NonceRange, Puzzle},
    solution::Solution,
};

/// Which solutions of a range are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Find {
    /// The one with the lowest nonce: the same on every machine, whatever its threads and kernels.
    #[default]
    Lowest,
    /// Whichever comes up first.
    First,
    /// Every one, in ascending order of nonces. With [`Search::on_solution`] each is told and none but the lowest is kept;
    /// without it they are kept in memory, 56 bytes each.
    All,
}

impl Find {
    /// Its name on the command line and in JSON: `lowest`, `first` or `all`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lowest => "lowest",
            Self::First => "first",
            Self::All => "all",
        }
    }
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Status {
    /// With what was asked for. For [`Find::All`]: the whole range was searched and holds at least one solution.
    Found,
    /// The whole range was searched and holds no solution.
    Exhausted,
    /// The time limit was reached before.
    Timeout,
    /// It was cancelled before.
    Interrupted,
}

impl Status {
    /// Its name in JSON: `found`, `exhausted`, `timeout` or `interrupted`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Exhausted => "exhausted",
            Self::Timeout => "timeout",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A handle that stops a search from another thread (or a signal handler). Clones share one switch.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A handle that has not been used yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops every search that holds this handle, within about a millisecond, and any that begins later at once.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// The switch itself, for a signal handler to set to true.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// Whether [`Cancel::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How far a search is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Nonces tested so far.
    pub hashes: u64,
    /// Time since the search began.
    pub elapsed: Duration,
    /// What is being searched.
    pub range: NonceRange,
    /// Where the search would have to go on if it ended here: see [`Outcome::resume_at`].
    pub resume_at: u128,
    /// With [`Find::All`]: how many solutions were told, or kept. They are those below `resume_at`.
    pub solution_count: u64,
}

type ProgressCallback<'a> = Box<dyn Fn(&Progress) + Send + Sync + 'a>;
type SolutionCallback<'a> = Box<dyn FnMut(&Solution) -> ControlFlow<()> + Send + 'a>;

/// One question for a [`Miner`](crate::Miner): a puzzle, the nonces to try, and when to stop.
///
/// # Examples
/// Every solution among the first 200,000 nonces, with progress and a time limit:
/// ```
/// use std::time::Duration;
/// use paydirt::{Find, Goal, Miner, NonceRange, Puzzle, Search, Target};
///
/// let puzzle = Puzzle::text("100", Goal::at_most(Target::from_hex_zeros(4)?));
/// let search = Search::new(&puzzle)
///     .range(NonceRange::new(0, 200_000)?)
///     .find(Find::All)
///     .timeout(Duration::from_secs(60))
///     .on_progress(Duration::from_millis(100), |progress| eprintln!("{} hashes", progress.hashes));
/// let outcome = Miner::new().mine(&search);
/// assert_eq!(outcome.hashes, 200_000);
/// assert!(outcome.solutions.is_sorted_by_key(|solution| solution.nonce()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Search<'a> {
    pub(super) puzzle: &'a Puzzle,
    pub(super) range: NonceRange,
    pub(super) find: Find,
    pub(super) timeout: Option<Duration>,
    pub(super) cancels: Vec<Cancel>,
    pub(super) progress: Option<(Duration, ProgressCallback<'a>)>,
    is_told: bool,
    /// `None` without one, and after it has said stop.
    on_solution: Mutex<Option<SolutionCallback<'a>>>,
}

impl<'a> Search<'a> {
    /// The lowest solution in the puzzle's whole nonce space, however long it takes.
    pub fn new(puzzle: &'a Puzzle) -> Self {
        Self {
            puzzle,
            range: puzzle.nonce_space(),
            find: Find::default(),
            timeout: None,
            cancels: Vec::new(),
            progress: None,
            is_told: false,
            on_solution: Mutex::new(None),
        }
    }

    /// Only these nonces. They must be in the puzzle's nonce space ([`NonceRange::part`] makes sure).
    pub fn range(self, range: NonceRange) -> Self {
        Self { range, ..self }
    }

    /// Which solutions are wanted.
    pub fn find(self, find: Find) -> Self {
        Self { find, ..self }
    }

    /// Stops after this time.
    pub fn timeout(self, limit: Duration) -> Self {
        Self {
            timeout: Some(limit),
            ..self
        }
    }

    /// Stops when this handle is pulled. A search may have several: it stops when any is.
    pub fn cancel(mut self, cancel: &Cancel) -> Self {
        self.cancels.push(cancel.clone());
        self
    }

    /// Calls `callback` about this often while mining goes on, and not at the end.
    ///
    /// It runs on whichever mining thread, or the calling one, comes by first after the time is up, between two of
    /// its chunks: it should return quickly. If it takes longer than `every`, calls overlap, and a later one may
    /// report fewer hashes than an earlier one. An interval of zero means after every chunk.
    pub fn on_progress(self, every: Duration, callback: impl Fn(&Progress) + Send + Sync + 'a) -> Self {
        Self {
            progress: Some((every, Box::new(callback))),
            ..self
        }
    }

    /// Calls `callback` with each solution as soon as it is verified and its turn has come, while the threads mine on.
    ///
    /// It runs on a mining thread, or the calling one, one call at a time. [`Find::All`] tells of every solution once, in
    /// ascending order: when the chunks of nonces below it are finished, less than a millisecond after its own. So it need not
    /// return quickly: some thousand solutions may wait to be told, then the threads that find more wait for it. Nor
    /// does anything else ask it whether to go on: when a [`Cancel`] handle is pulled or the time is up, what was
    /// found is told before the search returns. [`Find::Lowest`] and [`Find::First`] tell at once of every solution that a
    /// thread came to, the one that they return among them.
    ///
    /// On [`ControlFlow::Break`] there are no more calls, and the search ends as if its [`Cancel`] handle were pulled:
    /// chunks that were begun are finished. Of all solutions those that were told are counted, and
    /// [`Outcome::resume_at`] lies behind the last of them.
    ///
    /// # Examples
    /// The first three shares:
    /// ```
    /// use std::ops::ControlFlow;
    /// use paydirt::{Find, Goal, Miner, Puzzle, Search, Status, Target};
    ///
    /// let puzzle = Puzzle::text("share ", Goal::at_most(Target::from_leading_zero_bits(12.0)?));
    /// let mut shares = Vec::new();
    /// let search = Search::new(&puzzle).find(Find::All).on_solution(|solution| {
    ///     shares.push(*solution);
    ///     if shares.len() < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    /// });
    /// assert_eq!(Miner::new().mine(&search).status, Status::Interrupted);
    /// drop(search);
    /// assert_eq!(shares.len(), 3);
    /// # Ok::<(), paydirt::TargetError>(())
    /// ```
    pub fn on_solution(self, callback: impl FnMut(&Solution) -> ControlFlow<()> + Send + 'a) -> Self {
        Self {
            is_told: true,
            on_solution: Mutex::new(Some(Box::new(callback))),
            ..self
        }
    }

    /// Whether somebody is told of solutions.
    pub(super) fn is_told(&self) -> bool {
        self.is_told
    }

    /// Tells of a solution, until the callback says stop.
    pub(super) fn tell(&self, solution: &Solution) -> ControlFlow<()> {
        let mut callback = self.on_solution.lock().expect("the callback does not panic");
        let Some(tell) = &mut *callback else {
            return ControlFlow::Continue(());
        };
        let told = tell(solution);
        if told.is_break() {
            *callback = None;
        }
        told
    }
}

impl fmt::Debug for Search<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Search")
            .field("puzzle", self.puzzle)
            .field("range", &self.range)
            .field("find", &self.find)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// What became of a search.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// How it ended.
    pub status: Status,
    /// The solutions, in ascending order of nonces; at most one, the lowest, unless [`Find::All`] was asked for without
    /// [`Search::on_solution`].
    pub solutions: Vec<Solution>,
    /// How many there are: with [`Find::All`] those that were told or kept.
    pub solution_count: u64,
    /// Nonces tested: exactly as many hashes were computed (re-hashed hits not counted twice). When the search ran
    /// through, this is the range's count; when it stopped at a solution, threads may have been ahead of it.
    pub hashes: u64,
    /// Where a search that is to go on later begins: every nonce of the range below it was tested, and of
    /// [`Find::All`] every solution below it was told or kept. It is the range's end when nothing is left, and never beyond
    /// a solution that ended the search. Nonces above it may have been tested too.
    pub resume_at: u128,
    /// Time from the call to the last thread's being idle.
    pub elapsed: Duration,
    /// Processor time of all its threads together; `None` where the system does not tell. Beside a busy neighbour it is
    /// less than `elapsed` times the threads.
    pub processor_time: Option<Duration>,
    /// Time from the call to the moment the solution was verified. `None` without one, and for [`Find::All`].
    pub found_after: Option<Duration>,
    /// Threads of the miner.
    pub threads: usize,
    /// What was searched.
    pub range: NonceRange,
    /// The kernel that tested the most of these nonces.
    pub kernel: Kernel,
    /// Why that one, where the miner had a choice: what was measured, in this search or an earlier one, on such puzzles as
    /// it came to last. `None` before that, and for a kernel that was asked for.
    pub chosen: Option<Chosen>,
}

impl Outcome {
    /// Hashes per second over the whole search; 0 when it was too short to measure.
    pub fn hashes_per_second(&self) -> f64 {
        match self.elapsed.as_secs_f64() {
            0.0 => 0.0,
            seconds => self.hashes as f64 / seconds,
        }
    }

    /// Hashes per second of processor time, as many as one thread does that has a processor to itself; `None` when it was
    /// too short to measure, or the system does not tell.
    pub fn hashes_per_processor_second(&self) -> Option<f64> {
        let seconds = self.processor_time?.as_secs_f64();
        (seconds > 0.0).then(|| self.hashes as f64 / seconds)
    }
}
