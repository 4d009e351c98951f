//! The loop.
//!
//! ```text
//! until the source has no more, or the handle is pulled:
//!     ask for a job: the one in hand goes on where it was left
//!     until it is replaced, stale, solved or used up:
//!         the next header: extra nonces first, then a second is added to the time and the extra nonces begin again
//!         search all its nonces and versions for shares; each goes to the source at once
//!         or, where every share is a block, for the lowest nonce that makes one
//! ```
//!
//! *Why nothing is hashed twice:* a search for all solutions tests the beginning of its range, whatever ends it, and so does
//! one for the lowest that has found none: the next goes on behind that. After a block that the source refused, the search
//! goes on behind its nonce: only what other threads had begun there is hashed again.

use std::{
    ops::{AddAssign, ControlFlow, Range},
    sync::Arc,
    time::{Duration, Instant},
};

use paydirt::{
    ByteOrder, Cancel, Find, Goal, Header, Miner, NonceRange, Progress, Puzzle, Search, Solution, Status,
};

use crate::{Job, JobSource, Share};

/// How often mining tells how far it is.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);

/// Hashes and the time they took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Hashes computed, exactly.
    pub hashes: u64,
    /// Time from the first one to the last thread's being idle.
    pub elapsed: Duration,
}

impl Effort {
    /// Hashes per second; `None` when it was too short to measure.
    pub fn hashes_per_second(&self) -> Option<f64> {
        let seconds = self.elapsed.as_secs_f64();
        (seconds > 0.0).then(|| self.hashes as f64 / seconds)
    }
}

impl AddAssign for Effort {
    fn add_assign(&mut self, other: Self) {
        self.hashes += other.hashes;
        self.elapsed += other.elapsed;
    }
}

/// What happens while mining, for whoever shows it.
pub enum Event<'e, T> {
    /// Mining of a job begins, or goes on.
    Started(&'e Job<T>),
    /// So much was done since, on one of the mining threads: four times a second.
    Progress(&'e Job<T>, Effort),
    /// A share was found, on one of the mining threads.
    Share(&'e Job<T>, &'e Share, &'e Fate),
    /// Mining of it ends, and was so much since it began.
    Ended(&'e Job<T>, Effort, End),
}

/// What became of a share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The source took it.
    Taken,
    /// The source did not, and says why.
    Refused(String),
    /// It was found too late to be submitted.
    Stale,
}

/// Why mining of a job ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The source took a block.
    Solved,
    /// It was replaced or stale, or the drive was cancelled.
    Stopped,
    /// Everything that may be rolled was.
    UsedUp,
}

/// Mines what `source` gives until it gives no more or `cancel` is pulled. Returns what it took, when every thread is
/// idle.
pub fn drive<S: JobSource>(
    miner: &Miner,
    source: &S,
    cancel: &Cancel,
    tell: &(dyn Fn(Event<'_, S::Origin>) + Sync),
) -> Effort {
    let mut total = Effort::default();
    let mut last: Option<Place<S::Origin>> = None;
    let mut used_up = None;
    while let Some(job) = source.job(used_up, cancel) {
        if cancel.is_cancelled() || used_up == Some(job.id) {
            break;
        }
        let mut place = match last {
            Some(place) if place.job.id == job.id => place,
            _ => Place::new(job),
        };
        tell(Event::Started(&place.job));
        let (effort, end) = place.mine(miner, source, cancel, tell);
        tell(Event::Ended(&place.job, effort, end));
        total += effort;
        used_up = (end == End::UsedUp).then_some(place.job.id);
        last = Some(place);
    }
    total
}

/// A job and what is left of it.
struct Place<T> {
    job: Arc<Job<T>>,
    /// Seconds added to the time.
    rolled_s: u32,
    /// Those not begun yet with this time.
    extra_nonces: Range<u64>,
    /// To try of each header; without any there is nothing to mine.
    nonces: Option<NonceRange>,
    header: Option<HeaderLeft>,
}

/// What is left of one header.
struct HeaderLeft {
    extra_nonce: u64,
    puzzle: Puzzle,
    nonces: NonceRange,
}

impl<T: Send + Sync> Place<T> {
    fn new(job: Arc<Job<T>>) -> Self {
        let space = NonceRange::new(0, 1 << (32 + job.version_mask.count_ones())).expect("at most 2^64");
        let wanted = job.nonces.unwrap_or(space);
        let (start, end) = (wanted.start().into(), wanted.end().min(space.end()));
        let nonces = space.part(start, end.saturating_sub(start)).ok();
        Self {
            rolled_s: 0,
            extra_nonces: job.extra_nonces.clone(),
            nonces: nonces.filter(|nonces| !nonces.is_empty()),
            header: None,
            job,
        }
    }

    fn mine<S: JobSource<Origin = T>>(
        &mut self,
        miner: &Miner,
        source: &S,
        cancel: &Cancel,
        tell: &(dyn Fn(Event<'_, T>) + Sync),
    ) -> (Effort, End) {
        let begun = Instant::now();
        let (mut hashes, solved) = (0, Cancel::new());
        let end = loop {
            let Some(header) = self.header.take().or_else(|| self.next_header()) else {
                break End::UsedUp;
            };
            let (job, extra_nonce, before) = (&*self.job, header.extra_nonce, hashes);
            let submit = |solution: &Solution| {
                let share = share(job, &header.puzzle, extra_nonce, solution);
                let fate = match job.stale.is_cancelled() {
                    true => Fate::Stale,
                    false => (source.submit(job, &share)).map_or_else(Fate::Refused, |()| Fate::Taken),
                };
                tell(Event::Share(job, &share, &fate));
                if share.is_block && fate == Fate::Taken {
                    solved.cancel();
                }
            };
            // Where every share is a block, one is wanted: the header's lowest, whatever the machine.
            let one_is_enough = job.share_target == job.block_target;
            let mut search = Search::new(&header.puzzle)
                .range(header.nonces)
                .cancel(cancel)
                .cancel(&job.replaced)
                .cancel(&job.stale)
                .on_progress(PROGRESS_EVERY, |of_search: &Progress| {
                    let hashes = before + of_search.hashes;
                    let elapsed = begun.elapsed();
                    tell(Event::Progress(job, Effort { hashes, elapsed }));
                });
            if !one_is_enough {
                let tell_each = |solution: &Solution| {
                    submit(solution);
                    ControlFlow::Continue(())
                };
                // A break instead of the handle would leave shares of the last chunks untold.
                search = search.find(Find::All).cancel(&solved).on_solution(tell_each);
            }
            let outcome = miner.mine(&search);
            drop(search);
            hashes += outcome.hashes;
            let found = outcome.solutions.first().filter(|_| one_is_enough);
            found.into_iter().for_each(submit);
            let next = match found {
                Some(lowest) => u128::from(lowest.nonce()) + 1,
                None => outcome.resume_at,
            };
            if let Some(nonces) = rest(header.nonces, next) {
                self.header = Some(HeaderLeft { nonces, ..header });
            }
            match (solved.is_cancelled(), outcome.status) {
                (true, _) => break End::Solved,
                (_, Status::Interrupted | Status::Timeout) => break End::Stopped,
                _ => {}
            }
        };
        let elapsed = begun.elapsed();
        (Effort { hashes, elapsed }, end)
    }

    /// The next header to search; `None` when everything was rolled.
    fn next_header(&mut self) -> Option<HeaderLeft> {
        let (job, nonces) = (&self.job, self.nonces?);
        let extra_nonce = match self.extra_nonces.next() {
            Some(extra_nonce) => extra_nonce,
            None if self.rolled_s < job.time_slack_s => {
                self.rolled_s += 1;
                self.extra_nonces = job.extra_nonces.clone();
                self.extra_nonces.next()?
            }
            None => return None,
        };
        let mut bytes = (job.header)(extra_nonce).to_bytes();
        let time = u32::from_le_bytes(bytes[TIME].try_into().expect("four bytes"));
        bytes[TIME].copy_from_slice(&time.checked_add(self.rolled_s)?.to_le_bytes()); // the year 2106
        let goal = Goal::AtMost(job.share_target);
        let plain = Puzzle::header_with_goal(&Header::from_bytes(bytes), goal);
        let puzzle = match job.version_mask {
            0 => plain,
            mask => plain.roll_version(mask).expect("a header, and bits to roll"),
        };
        Some(HeaderLeft {
            extra_nonce,
            puzzle,
            nonces,
        })
    }
}

/// What is left of `nonces` from `next` on.
fn rest(nonces: NonceRange, next: u128) -> Option<NonceRange> {
    let start = u64::try_from(next).ok()?;
    nonces.from(start).ok().filter(|nonces| !nonces.is_empty())
}

/// Where the time stands in a header.
const TIME: Range<usize> = 68..72;

fn share<T>(job: &Job<T>, puzzle: &Puzzle, extra_nonce: u64, solution: &Solution) -> Share {
    let message = puzzle.message(solution.nonce());
    let hash = solution.hash();
    Share {
        header: Header::from_bytes(message.try_into().expect("a header has 80 bytes")),
        extra_nonce,
        hash,
        is_block: Goal::AtMost(job.block_target).is_met_by(hash, ByteOrder::Little),
    }
}
