//! Which kernel a miner uses: the one it was given, or the one that does most on this machine for the puzzle at hand.
//!
//! *In:* a [`KernelChoice`]. *Out:* a [`Team`] of kernels, of which one tests the next chunk; and what was measured
//! ([`Chosen`]), remembered as long as the process lives, for each shape of puzzle and each number of threads.
//!
//! A miner that is to choose begins with the kernel that won last, or where nothing was measured yet, with the first of the
//! table. A search that lasts gives chunks of its own work to the others (see [`trial`](super::trial)). Every kernel gives
//! the same answers, so nothing of that is lost, and no answer depends on it.

use std::{
    collections::BTreeMap,
    str::FromStr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{
    Miner, Search, mine_with,
    pace::Pace,
    trial::{Account, Trial},
};
use crate::{
    kernel::{Kernel, KernelError, KernelInfo, Prepared, Scanner, Shape},
    puzzle::{Goal, NonceRange, Puzzle, Target},
};

/// What a [`Miner`](crate::Miner) is to test nonces with.
///
/// # Examples
/// ```
/// use paydirt::{Kernel, KernelChoice, Miner};
///
/// assert_eq!("auto".parse(), Ok(KernelChoice::Auto));
/// let portable = Kernel::by_name("portable")?;
/// assert_eq!("portable".parse(), Ok(KernelChoice::Fixed(portable)));
/// assert_eq!(Miner::with_threads(1, portable)?.kernel(), portable);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KernelChoice {
    /// What does most here for the puzzle at hand: measured by the searches themselves, in their first milliseconds.
    #[default]
    Auto,
    /// This one; where it does not do a shape of messages, `portable`.
    Fixed(Kernel),
}

impl From<Kernel> for KernelChoice {
    fn from(kernel: Kernel) -> Self {
        Self::Fixed(kernel)
    }
}

impl FromStr for KernelChoice {
    type Err = KernelError;

    /// `auto`, or the name of a kernel.
    fn from_str(name: &str) -> Result<Self, KernelError> {
        match name {
            "auto" => Ok(Self::Auto),
            name => Kernel::by_name(name).map(Self::Fixed),
        }
    }
}

/// What a choice was made from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Chosen {
    /// The kernel that was the fastest.
    pub kernel: Kernel,
    /// For which kind of puzzle, in words for people.
    pub shape: String,
    /// What each kernel did, that one first, then the fastest first.
    pub rates: Vec<KernelRate>,
}

/// What a kernel did before one was chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct KernelRate {
    /// The kernel.
    pub kernel: Kernel,
    /// Hashes a second of processor time, of one thread while all threads mine.
    pub hashes_per_second: f64,
    /// How many chunks that is the median of; 0 where a glance was enough to see that it is far slower.
    pub samples: usize,
}

/// What may test nonces in one search, the likeliest first; the tests put mocks in its place. Where there is more than
/// one, `size`, `guess`, `won` and `trial` are its own.
pub(super) trait Team: Sync {
    /// One of them, bound to a part of the range. `None` when it must not be used here, or does not do such messages; the
    /// first always does.
    fn bind<'p>(&self, which: usize, prepared: &'p Prepared) -> Option<Scanner<'p>>;

    /// One of them; `portable` where that must not be used.
    fn kernel(&self, which: usize) -> Kernel;

    /// How many there are, at least one.
    fn size(&self) -> usize {
        1
    }

    /// Which of them to begin with while nothing is known of such puzzles.
    fn guess(&self) -> usize {
        0
    }

    /// This one was chosen for some puzzle.
    fn won(&self, _which: usize) {}

    /// What is known of such puzzles; `None` where there is nothing to choose.
    fn trial(&self, _prepared: &Prepared) -> Option<Arc<Trial>> {
        None
    }
}

/// What a team has found out about such puzzles; `None` before that, and where there is nothing to choose.
pub(super) fn chosen(team: &dyn Team, prepared: &Prepared) -> Option<Chosen> {
    let trial = team.trial(prepared)?;
    let kernel = team.kernel(trial.verdict()?);
    let rate = |(which, account): (usize, &Account)| KernelRate {
        kernel: team.kernel(which),
        hashes_per_second: account.typical(),
        samples: account.samples(),
    };
    let accounts = trial.accounts();
    let mut rates: Vec<_> = accounts.iter().enumerate().map(rate).collect();
    // Those that do not do such puzzles, or must not be used, did nothing.
    rates.retain(|rate| rate.hashes_per_second > 0.0);
    rates.sort_by(|a, b| b.hashes_per_second.total_cmp(&a.hashes_per_second));
    rates.sort_by_key(|rate| rate.kernel != kernel);
    Some(Chosen {
        kernel,
        shape: Shape::of(prepared).to_string(),
        rates,
    })
}

/// What was measured since the process began.
#[derive(Debug)]
struct Memory {
    /// Of so many threads, for such puzzles.
    trials: Mutex<BTreeMap<(usize, Shape), Arc<Trial>>>,
    /// Which candidate won last.
    latest: AtomicUsize,
}

static MEMORY: Memory = Memory {
    trials: Mutex::new(BTreeMap::new()),
    latest: AtomicUsize::new(0),
};

/// The kernels of a miner.
#[derive(Debug)]
pub(super) enum Kernels {
    /// One, that was asked for.
    Fixed(Kernel),
    /// Those that could be the fastest; none was tested before its first use, which costs more than a short search.
    Auto {
        candidates: Vec<&'static KernelInfo>,
        threads: usize,
    },
}

impl Kernels {
    pub(super) fn new(choice: KernelChoice, threads: usize) -> Self {
        match choice {
            KernelChoice::Fixed(kernel) => Self::Fixed(kernel),
            KernelChoice::Auto => {
                let mut candidates = Kernel::candidates();
                // What computes wrong hashes here is none; the first one is used without a further question.
                while candidates.len() > 1 && candidates[0].passed().is_none() {
                    candidates.remove(0);
                }
                Self::Auto { candidates, threads }
            }
        }
    }

    pub(super) fn choice(&self) -> KernelChoice {
        match self {
            Self::Fixed(kernel) => KernelChoice::Fixed(*kernel),
            Self::Auto { .. } => KernelChoice::Auto,
        }
    }
}

fn portable() -> Kernel {
    Kernel::by_name("portable").expect("every processor runs it")
}

impl Team for Kernels {
    fn size(&self) -> usize {
        match self {
            Self::Fixed(_) => 1,
            Self::Auto { candidates, .. } => candidates.len(),
        }
    }

    fn bind<'p>(&self, which: usize, prepared: &'p Prepared) -> Option<Scanner<'p>> {
        let kernel = match self {
            Self::Fixed(kernel) => Some(*kernel),
            Self::Auto { candidates, .. } => candidates[which].passed(),
        };
        let bound = kernel.and_then(|kernel| kernel.bind(prepared));
        match which {
            0 => bound.or_else(|| portable().bind(prepared)),
            _ => bound,
        }
    }

    fn guess(&self) -> usize {
        match self {
            Self::Fixed(_) => 0,
            Self::Auto { .. } => MEMORY.latest.load(Ordering::Relaxed),
        }
    }

    fn trial(&self, prepared: &Prepared) -> Option<Arc<Trial>> {
        match self {
            Self::Auto { candidates, threads } if candidates.len() > 1 => {
                let mut trials = MEMORY.trials.lock().expect("nothing panics while it is held");
                let trial = trials
                    .entry((*threads, Shape::of(prepared)))
                    .or_insert_with(|| Arc::new(Trial::new(candidates.len())));
                Some(Arc::clone(trial))
            }
            _ => None,
        }
    }

    fn kernel(&self, which: usize) -> Kernel {
        match self {
            Self::Fixed(kernel) => *kernel,
            Self::Auto { candidates, .. } => candidates[which].passed().unwrap_or_else(portable),
        }
    }

    fn won(&self, which: usize) {
        if let Self::Auto { .. } = self {
            MEMORY.latest.store(which, Ordering::Relaxed);
        }
    }
}

/// How long [`Miner::choose`] mines at a time, and how often.
const CHOOSING: Duration = Duration::from_millis(5);
const CHOOSING_TIMES: usize = 100;

impl Miner {
    /// Finds out which kernel is the fastest for such puzzles as this one is in the beginning of `range`, and remembers it
    /// for later searches: a few milliseconds of mining, or what an earlier search has found out. `None` where there is
    /// nothing to choose.
    ///
    /// # Panics
    /// When the range reaches beyond the puzzle's nonce space.
    pub fn choose(&self, puzzle: &Puzzle, range: NonceRange) -> Option<Chosen> {
        let endless = puzzle.clone().with_goal(Goal::at_most(Target::ZERO));
        let part = Prepared::split(&endless, range).into_iter().next()?;
        let search = Search::new(&endless).range(part.range()).timeout(CHOOSING);
        let pace = Pace {
            settled_in: Duration::ZERO,
            ..Pace::REAL
        };
        self.kernels.trial(&part)?;
        (0..CHOOSING_TIMES).find_map(|_| {
            let known = chosen(&self.kernels, &part);
            known.or_else(|| mine_with(&self.kernels, &self.pool, &search, &pace).chosen)
        })
    }
}
