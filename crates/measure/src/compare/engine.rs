//! What mines the puzzles of a comparison.

use std::time::Duration;

use paydirt::{Cancel, Find, Goal, Miner, Puzzle, Search, Target};

/// A solved puzzle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Its lowest nonce.
    pub nonce: u64,
    /// Hashes computed.
    pub hashes: u64,
    /// Wall time in seconds.
    pub elapsed_s: f64,
}

/// What takes time: the tests put mocks and broken engines in its place.
pub trait Engine {
    /// The lowest nonce that solves `puzzle`; `None` when it was cancelled before.
    fn lowest(&mut self, puzzle: &Puzzle, cancel: &Cancel) -> Option<Found>;

    /// Hashes per second, measured for about `length`; `None` when it was cancelled before.
    fn rate(&mut self, length: Duration, cancel: &Cancel) -> Option<f64>;
}

/// The real miner.
#[derive(Debug)]
pub struct MinerEngine<'m>(&'m Miner);

impl<'m> MinerEngine<'m> {
    /// Mines with `miner`.
    pub fn new(miner: &'m Miner) -> Self {
        Self(miner)
    }
}

impl Engine for MinerEngine<'_> {
    fn lowest(&mut self, puzzle: &Puzzle, cancel: &Cancel) -> Option<Found> {
        let outcome = self.0.mine(&Search::new(puzzle).cancel(cancel));
        let solution = outcome.solutions.first()?;
        Some(Found {
            nonce: solution.nonce(),
            hashes: outcome.hashes,
            elapsed_s: outcome.elapsed.as_secs_f64(),
        })
    }

    fn rate(&mut self, length: Duration, cancel: &Cancel) -> Option<f64> {
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
        let outcome = self.0.mine(&search);
        Some(outcome.hashes_per_second()).filter(|rate| *rate > 0.0 && !cancel.is_cancelled())
    }
}
