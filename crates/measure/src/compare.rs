//! Difficulty levels side by side, luck told apart from rate.
//!
//! *In:* [`Settings`]: levels, how many puzzles each, a seed, a time budget. *Out:* a [`CompareReport`]: for each level
//! that fits the budget the tries and the time of every puzzle, the rate they were mined at, whether the tries follow
//! the law they must follow, and what that means for others.
//!
//! ```text
//! for each level, the easiest first:
//!     samples × expected tries at the rate so far does not fit the time left  ──►  this and all harder ones: computed
//!     for each of its puzzles:  compare/SEED/BITS/INDEX/{nonce}               the same on every machine
//!         the lowest nonce  ──►  tries = nonce + 1 (luck), hashes and time (rate)
//! all tries, through their distribution functions  ──►  evenly from 0 to 1?   Anderson-Darling
//! ```
//!
//! Whether a level is measured is settled before its first puzzle and does not depend on its luck: levels that were cut
//! off when they took long would show too few tries.
//!
//! The rate is hashes per second of processor time, times the processors that the threads may have: what the machine does
//! when nothing else wants it. What it did on the wall stands beside it, and only the budget goes by that.

mod choice;
mod engine;
mod mined;
mod report;

pub use choice::{Answer, Chosen, Within};
pub use mined::{Rate, RateBasis, Sample};
pub use report::{AtRate, CompareReport, CompareStatus, Fit, LevelReport, MeasuredTries, Split, Times};

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha8Rng};
use serde::Serialize;

use crate::{
    Setup,
    geometric::Tries,
    machine::{Machine, Meter},
    statistics::{GoodnessOfFit, anderson_darling},
};
use engine::Engine;
use mined::{Effort, MinedLevel};
use paydirt::{Cancel, Goal, Miner, Puzzle, Target};

/// Tries fit the law when the p-value is at least this. A right engine falls below it by chance once in a thousand
/// seeds; one that loses a third of the solutions does so with a few hundred puzzles.
pub const LOWEST_FIT: f64 = 0.001;

/// For how long the rate is measured by itself when the levels are too easy to tell it.
const CALIBRATION: Duration = Duration::from_millis(100);

/// A first level of this many hashes is mined without asking how long it takes: a second on the slowest kernel.
const TRIFLE_HASHES: f64 = 1e6;

/// A difficulty level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    bits: f64,
    target: Target,
}

impl Level {
    /// The level of this many leading zero bits.
    ///
    /// # Errors
    /// [`TargetError`](paydirt::TargetError) outside 0 to 256.
    pub fn from_bits(bits: f64) -> Result<Self, paydirt::TargetError> {
        let target = Target::from_leading_zero_bits(bits)?;
        Ok(Self { bits, target })
    }

    /// Its difficulty in bits, as it was asked for.
    pub fn bits(self) -> f64 {
        self.bits
    }

    /// The highest hash that meets it.
    pub fn target(self) -> Target {
        self.target
    }

    /// The law of its tries.
    pub fn tries(self) -> Tries {
        Tries::until(self.target)
    }

    /// The text before the nonce of one of its puzzles.
    pub fn prefix(self, seed: u64, index: usize) -> String {
        format!("compare/{seed}/{}/{index}/", self.bits)
    }

    /// One of its puzzles.
    pub fn puzzle(self, seed: u64, index: usize) -> Puzzle {
        Puzzle::text(self.prefix(seed, index), Goal::at_most(self.target))
    }
}

/// A rate with a name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NamedRate {
    /// Whose it is.
    pub name: String,
    /// Hashes per second.
    pub hashes_per_second: f64,
    /// Where the figure comes from, when it was not given as a number.
    pub source: Option<String>,
    /// What an hour of it costs, in whatever money.
    pub price_per_hour: Option<f64>,
}

/// What levels are counted in where one is to be chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Step {
    /// Whole bits.
    #[default]
    Bit,
    /// Whole hex zeros, 4 bits each.
    HexZero,
}

/// What is to be compared, and what is asked of it.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The levels, the easiest first.
    pub levels: Vec<Level>,
    /// Puzzles of each level.
    pub samples: usize,
    /// Which puzzles.
    pub seed: u64,
    /// For how long to measure.
    pub budget: Duration,
    /// Attackers and users, whose times are computed.
    pub rates: Vec<NamedRate>,
    /// What an hour of this machine costs.
    pub own_price_per_hour: Option<f64>,
    /// Into how many puzzles of an equal share each level is split, for comparison; 1 leaves it whole.
    pub split: u32,
    /// A time in seconds and the share of puzzles that must be solved in it.
    pub within: Option<(f64, f64)>,
    /// What the levels are counted in.
    pub step: Step,
}

/// How far a comparison is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The level at work.
    pub level: Level,
    /// Which puzzle of it, from 0.
    pub sample: usize,
    /// Of how many.
    pub samples: usize,
    /// The share of the expected hashes that is done, 0 to 1.
    pub share: f64,
    /// How long the rest is expected to take in seconds, `None` before there is a rate.
    pub left_s: Option<f64>,
}

/// What was measured.
#[derive(Clone, Debug)]
struct Measured {
    /// Every level that was asked for, in the same order.
    levels: Vec<MinedLevel>,
    /// The machine's rate; `None` when it was cancelled before there was one.
    rate: Option<Rate>,
    /// How many processors the threads may have at a time.
    workers: f64,
    /// Whether the tries follow the geometric distribution; `None` when nothing was measured.
    fit: Option<GoodnessOfFit>,
    /// Whether it was cancelled before its end.
    interrupted: bool,
}

/// Measures with the threads of `miner`, which are bound to processors if `setup` says so.
pub fn run(
    settings: &Settings,
    setup: Setup,
    miner: &Miner,
    on_progress: &mut dyn FnMut(&Progress),
) -> CompareReport {
    let mut machine = Machine::here();
    let pinned_threads = setup.pins.as_ref().map_or(0, |pins| pins.bind(miner));
    machine.pinned = pinned_threads == miner.threads();
    let workers = machine.processors_for(miner.threads());
    let meter = Meter::start();
    let measured = measure(settings, &mut &*miner, workers, &setup.cancel, on_progress);
    let usage = meter.stop();
    CompareReport::new(settings, setup, machine, miner, pinned_threads, usage, measured)
}

/// `workers`: how many processors the engine's threads may have at a time.
fn measure(
    settings: &Settings,
    engine: &mut dyn Engine,
    workers: f64,
    cancel: &Cancel,
    on_progress: &mut dyn FnMut(&Progress),
) -> Measured {
    let mut comparison = Comparison {
        settings,
        engine,
        workers,
        cancel,
        calibrated: None,
        done: Vec::new(),
        left: settings.budget,
    };
    for level in &settings.levels {
        let samples = if comparison.fits_the_budget(*level) {
            comparison.mine(*level, on_progress)
        } else {
            Vec::new()
        };
        comparison.done.push(MinedLevel {
            level: *level,
            samples,
        });
    }
    if comparison.level_rate().is_none() {
        comparison.calibrate();
    }
    Measured {
        rate: comparison.rate(),
        workers,
        fit: fit(&comparison.done, settings.seed),
        interrupted: cancel.is_cancelled(),
        levels: comparison.done,
    }
}

/// A comparison under way.
struct Comparison<'a> {
    settings: &'a Settings,
    engine: &'a mut dyn Engine,
    workers: f64,
    cancel: &'a Cancel,
    calibrated: Option<Effort>,
    done: Vec<MinedLevel>,
    /// What is left of the budget.
    left: Duration,
}

impl Comparison<'_> {
    fn level_rate(&self) -> Option<Rate> {
        let telling = self
            .done
            .iter()
            .rev()
            .find(|level| level.tells_the_rate(self.workers))?;
        let bits = telling.level.bits;
        telling.effort().rate(self.workers, RateBasis::Level { bits })
    }

    fn rate(&self) -> Option<Rate> {
        let calibrated = || self.calibrated?.rate(self.workers, RateBasis::Calibration);
        self.level_rate().or_else(calibrated)
    }

    /// How fast it goes with whatever else runs: what the budget must be held against.
    fn wall_rate(&self) -> Option<f64> {
        self.rate().map(|rate| rate.wall_hashes_per_second)
    }

    fn calibrate(&mut self) {
        if self.calibrated.is_none() && !self.cancel.is_cancelled() {
            self.calibrated = self.engine.effort(CALIBRATION, self.cancel);
        }
    }

    fn fits_the_budget(&mut self, level: Level) -> bool {
        if self.cancel.is_cancelled() || self.done.last().is_some_and(|easier| !easier.is_measured()) {
            return false;
        }
        let hashes = level.tries().expected() * self.settings.samples as f64;
        if hashes <= TRIFLE_HASHES && self.left > Duration::ZERO {
            return true;
        }
        if self.wall_rate().is_none() {
            self.calibrate();
        }
        self.wall_rate()
            .is_some_and(|rate| hashes / rate <= self.left.as_secs_f64())
    }

    /// Mines all puzzles of a level; none when it is cancelled in between.
    fn mine(&mut self, level: Level, on_progress: &mut dyn FnMut(&Progress)) -> Vec<Sample> {
        let count = self.settings.samples;
        let mut samples = Vec::with_capacity(count);
        for index in 0..count {
            on_progress(&self.progress(level, index, &samples));
            let puzzle = level.puzzle(self.settings.seed, index);
            let Some(found) = self.engine.lowest(&puzzle, self.cancel) else {
                return Vec::new();
            };
            self.left = self
                .left
                .saturating_sub(Duration::from_secs_f64(found.elapsed_s.max(0.0)));
            samples.push(found);
        }
        samples
    }

    fn progress(&self, level: Level, sample: usize, samples: &[Sample]) -> Progress {
        let count = self.settings.samples as f64;
        let expected = |level: &Level| level.tries().expected() * count;
        let here: f64 = samples.iter().map(|sample| sample.hashes as f64).sum();
        let rate = self.wall_rate();
        // Levels that will not fit are not waited for.
        let budget = rate.map_or(f64::INFINITY, |rate| rate * self.left.as_secs_f64());
        let this = level.tries().expected() * (count - sample as f64);
        let later = self
            .settings
            .levels
            .iter()
            .skip(self.done.len() + 1)
            .map(expected);
        let mut ahead = this;
        for hashes in later {
            if ahead + hashes > budget {
                break;
            }
            ahead += hashes;
        }
        let behind: f64 = self.done.iter().map(|level| level.hashes() as f64).sum::<f64>() + here;
        Progress {
            level,
            sample,
            samples: self.settings.samples,
            share: behind / (behind + ahead),
            left_s: rate.map(|rate| ahead / rate),
        }
    }
}

/// Whether the tries of all levels follow their laws. The randomness inside a step comes from the seed as well, so the
/// same puzzles give the same p-value on every machine.
fn fit(levels: &[MinedLevel], seed: u64) -> Option<GoodnessOfFit> {
    let mut numbers = Vec::new();
    for outcome in levels {
        let law = outcome.level.tries();
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ outcome.level.bits.to_bits());
        let uniform = outcome
            .samples
            .iter()
            .map(|sample| law.to_uniform(sample.tries(), rng.random()));
        numbers.extend(uniform);
    }
    anderson_darling(&numbers)
}

#[cfg(test)]
mod tests;
