//! What mines the puzzles of a comparison.

use std::time::Duration;

use super::{Effort, Sample};
use paydirt::{Cancel, Find, Goal, Miner, Puzzle, Search, Target};

/// What takes time: the tests put mocks and broken engines in its place.
pub(super) trait Engine {
    /// The lowest nonce that solves `puzzle`; `None` when it was cancelled before.
    fn lowest(&mut self, puzzle: &Puzzle, cancel: &Cancel) -> Option<Sample>;

    /// What it does in about `length`; `None` when it was cancelled before.
    fn effort(&mut self, length: Duration, cancel: &Cancel) -> Option<Effort>;
}

impl Engine for &Miner {
    fn lowest(&mut self, puzzle: &Puzzle, cancel: &Cancel) -> Option<Sample> {
        let outcome = self.mine(&Search::new(puzzle).cancel(cancel));
        let solution = outcome.solutions.first()?;
        Some(Sample {
            nonce: solution.nonce(),
            hashes: outcome.hashes,
            elapsed_s: outcome.elapsed.as_secs_f64(),
            processor_s: outcome.processor_time.map(|time| time.as_secs_f64()),
        })
    }

    fn effort(&mut self, length: Duration, cancel: &Cancel) -> Option<Effort> {
        let puzzle = Puzzle::text("compare/rate/", Goal::at_most(Target::ZERO));
        let range = puzzle
            .nonce_space()
            .from(1_000_000_000)
            .expect("inside the space");
        let search = Search::new(&puzzle)
            .range(range)
            .find(Find::All)
            .timeout(length)
            .cancel(cancel);
        let outcome = self.mine(&search);
        let effort = Effort {
            hashes: outcome.hashes,
            elapsed_s: outcome.elapsed.as_secs_f64(),
            processor_s: outcome.processor_time.map(|time| time.as_secs_f64()),
        };
        (effort.hashes > 0 && !cancel.is_cancelled()).then_some(effort)
    }
}
