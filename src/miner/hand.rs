//! What one thread scans with.
//!
//! *In:* a [`Team`] of kernels, the part of the range that the thread is in. *Out:* who tests the next chunk, and how long
//! that chunk is. Kernels are bound when their turn comes, and anew in another part of the range.

use std::{sync::Arc, time::Duration};

use super::{choice::Team, chunks::ChunkSize, trial::Trial};
use crate::kernel::{Prepared, Scanner};

/// When searches for such puzzles have taken so long in all, each too short to compare kernels, they begin with that.
const LONG_ENOUGH: Duration = Duration::from_millis(100);

/// A thread's kernels.
pub(super) struct Hand<'s, 'p> {
    team: &'s dyn Team,
    part: &'p Prepared,
    bound: Vec<Option<Bound<'p>>>,
    /// Which of them tests the next chunk; that one is bound.
    at: usize,
    /// What is not decided yet about such puzzles.
    trial: Option<Arc<Trial>>,
    /// From whom on this thread looks for the next one in the trial.
    next: usize,
    /// Whether the next chunk is one of the trial's, for the candidate at `at`.
    on_trial: bool,
}

struct Bound<'p> {
    scanner: Scanner<'p>,
    size: ChunkSize,
}

impl<'s, 'p> Hand<'s, 'p> {
    /// With the best kernel for this part of the range, as far as that is known.
    pub(super) fn new(team: &'s dyn Team, part: &'p Prepared) -> Self {
        let mut hand = Self {
            team,
            part,
            bound: (0..team.size()).map(|_| None).collect(),
            at: 0,
            trial: None,
            next: 0,
            on_trial: false,
        };
        hand.enter(part);
        hand
    }

    /// The same, where another thread has learnt that this size of chunks is right for the one it began with.
    pub(super) fn sized(mut self, at: usize, size: &ChunkSize) -> Self {
        if self.at == at {
            self.bound_mut().size = size.clone();
        }
        self
    }

    /// The part of the range that it is bound to.
    pub(super) fn part(&self) -> &'p Prepared {
        self.part
    }

    /// Goes to another part of the range. What was learnt of the right size of chunks stays.
    pub(super) fn enter(&mut self, part: &'p Prepared) {
        let sizes: Vec<_> = self
            .bound
            .drain(..)
            .map(|bound| bound.map(|bound| bound.size))
            .collect();
        self.bound = sizes.iter().map(|_| None).collect();
        self.part = part;
        self.on_trial = false;
        let trial = self.team.trial(part);
        let best = trial.as_ref().and_then(|trial| trial.verdict());
        self.trial = trial.filter(|_| best.is_none());
        self.at = best.unwrap_or_else(|| self.team.guess());
        // Where there is a trial, it begins with whoever is at work.
        self.next = self.at;
        if !self.bind(self.at) {
            self.at = 0;
            assert!(self.bind(0), "the first of a team takes every shape");
        }
        for (bound, size) in self.bound.iter_mut().zip(sizes) {
            if let (Some(bound), Some(size)) = (bound, size) {
                bound.size = size;
            }
        }
    }

    /// Chooses who tests the next chunk of a search that has gone on for `elapsed`.
    pub(super) fn choose(&mut self, elapsed: impl FnOnce() -> Duration, settled_in: Duration) {
        let Some(trial) = self.trial.clone() else {
            return;
        };
        if !self.on_trial && elapsed() < settled_in && trial.spent() < LONG_ENOUGH {
            return;
        }
        while let Some(candidate) = trial.turn(self.next) {
            self.next = candidate;
            if self.bind(candidate) {
                self.at = candidate;
                self.on_trial = true;
                let nonces = trial.aim(candidate, self.bound().scanner.chunk_time());
                self.bound_mut().size.aim(nonces);
                return;
            }
            trial.exclude(candidate);
        }
        self.on_trial = false;
        self.trial = None;
        if let Some(best) = trial.verdict().filter(|best| self.bind(*best)) {
            self.at = best;
            self.team.won(best);
        }
    }

    /// Whether the next chunk is to be timed.
    pub(super) fn is_on_trial(&self) -> bool {
        self.on_trial
    }

    /// Learns from a chunk: `tested` nonces took `elapsed`, and where it was timed, so much time of a processor.
    pub(super) fn learn(&mut self, tested: u64, elapsed: Duration, timed: Option<Duration>) {
        self.bound_mut().size.adapt(tested, elapsed);
        let chunk = self.bound().scanner.chunk_time();
        if let (Some(trial), Some(time)) = (&self.trial, timed)
            && trial.note(self.at, tested, time, chunk)
        {
            self.next = (self.at + 1) % self.bound.len();
        }
    }

    /// Which of the team tests the next chunk.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// How long the next chunk is.
    pub(super) fn size(&self) -> &ChunkSize {
        &self.bound().size
    }

    /// Who tests it.
    pub(super) fn scanner(&mut self) -> &mut Scanner<'p> {
        &mut self.bound_mut().scanner
    }

    /// False when that kernel does not do such puzzles.
    fn bind(&mut self, which: usize) -> bool {
        if self.bound[which].is_none() {
            let scanner = self.team.bind(which, self.part);
            self.bound[which] = scanner.map(|scanner| Bound {
                size: ChunkSize::new(&scanner),
                scanner,
            });
        }
        self.bound[which].is_some()
    }

    fn bound(&self) -> &Bound<'p> {
        self.bound[self.at].as_ref().expect(BOUND)
    }

    fn bound_mut(&mut self) -> &mut Bound<'p> {
        self.bound[self.at].as_mut().expect(BOUND)
    }
}

const BOUND: &str = "the one whose turn it is was bound";
