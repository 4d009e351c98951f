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

mod engine;
mod report;

pub use report::{
    Answer, AtRate, CompareReport, CompareStatus, Fit, LevelReport, MeasuredTries, Times, Within,
};

use std::{fmt, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha8Rng};
use serde::{Serialize, Serializer};

use crate::{
    Setup,
    geometric::Tries,
    machine::{Machine, Meter},
    statistics::{GoodnessOfFit, anderson_darling},
};
use engine::Engine;
use paydirt::{Cancel, Goal, Miner, Puzzle, Target};

/// Tries fit the law when the p-value is at least this. A right engine falls below it by chance once in a thousand
/// seeds; one that loses a third of the solutions does so with a few hundred puzzles.
pub const LOWEST_FIT: f64 = 0.001;

/// For how long the rate is measured by itself when the levels are too easy to tell it.
const CALIBRATION: Duration = Duration::from_millis(100);

/// A level tells the rate when its puzzles take this long on average: starting and stopping is next to nothing then.
const TELLING_MEAN_S: f64 = 1e-3;
/// … and all of them together this long.
const TELLING_TOTAL_S: f64 = 0.02;

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
#[derive(Clone, Debug, PartialEq)]
pub struct NamedRate {
    /// Whose it is.
    pub name: String,
    /// Hashes per second.
    pub hashes_per_second: f64,
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
    /// A time in seconds and the share of puzzles that must be solved in it.
    pub within: Option<(f64, f64)>,
}

/// A solved puzzle.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// Its lowest nonce; the tries are one more.
    pub nonce: u64,
    /// Hashes computed: the tries, and what other threads were ahead of them.
    pub hashes: u64,
    /// Wall time in seconds.
    pub elapsed_s: f64,
}

impl Sample {
    /// Nonces up to and including the lowest that solves the puzzle.
    pub fn tries(&self) -> u64 {
        self.nonce.saturating_add(1)
    }
}

/// A level and what was measured of it.
#[derive(Clone, Debug)]
struct MinedLevel {
    level: Level,
    /// Its puzzles; empty when there was no time for them.
    samples: Vec<Sample>,
}

impl MinedLevel {
    fn is_measured(&self) -> bool {
        !self.samples.is_empty()
    }

    /// The time of all puzzles in seconds.
    fn elapsed_s(&self) -> f64 {
        self.samples.iter().map(|sample| sample.elapsed_s).sum()
    }

    /// The hashes of all puzzles.
    fn hashes(&self) -> u64 {
        self.samples.iter().map(|sample| sample.hashes).sum()
    }

    /// Hashes per second; `None` when it was not measured, or too short to measure.
    fn hashes_per_second(&self) -> Option<f64> {
        let elapsed_s = self.elapsed_s();
        (elapsed_s > 0.0).then(|| self.hashes() as f64 / elapsed_s)
    }

    fn tells_the_rate(&self) -> bool {
        let elapsed_s = self.elapsed_s();
        elapsed_s >= TELLING_TOTAL_S && elapsed_s >= TELLING_MEAN_S * self.samples.len() as f64
    }
}

/// The rate that expected times are computed with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rate {
    /// Hashes per second.
    pub hashes_per_second: f64,
    /// How it was measured.
    pub basis: RateBasis,
}

/// How a rate was measured. In JSON it is a sentence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RateBasis {
    /// At this level, the hardest one that tells it.
    Level {
        /// The level's bits.
        bits: f64,
    },
    /// By itself, the levels being too easy to tell.
    Calibration,
}

impl fmt::Display for RateBasis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Level { bits } => write!(f, "measured at {bits} bits, the hardest level that tells it"),
            Self::Calibration => f.write_str("measured by itself for a tenth of a second"),
        }
    }
}

impl Serialize for RateBasis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
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
    let meter = Meter::start();
    let measured = measure(settings, &mut &*miner, &setup.cancel, on_progress);
    let usage = meter.stop();
    CompareReport::new(settings, setup, machine, miner, pinned_threads, usage, measured)
}

fn measure(
    settings: &Settings,
    engine: &mut dyn Engine,
    cancel: &Cancel,
    on_progress: &mut dyn FnMut(&Progress),
) -> Measured {
    let mut comparison = Comparison {
        settings,
        engine,
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
        fit: fit(&comparison.done, settings.seed),
        interrupted: cancel.is_cancelled(),
        levels: comparison.done,
    }
}

/// A comparison under way.
struct Comparison<'a> {
    settings: &'a Settings,
    engine: &'a mut dyn Engine,
    cancel: &'a Cancel,
    calibrated: Option<f64>,
    done: Vec<MinedLevel>,
    /// What is left of the budget.
    left: Duration,
}

impl Comparison<'_> {
    fn level_rate(&self) -> Option<Rate> {
        let telling = self.done.iter().rev().find(|level| level.tells_the_rate())?;
        Some(Rate {
            hashes_per_second: telling.hashes_per_second()?,
            basis: RateBasis::Level {
                bits: telling.level.bits,
            },
        })
    }

    fn rate(&self) -> Option<Rate> {
        let calibrated = |hashes_per_second| Rate {
            hashes_per_second,
            basis: RateBasis::Calibration,
        };
        self.level_rate().or(self.calibrated.map(calibrated))
    }

    fn calibrate(&mut self) {
        if self.calibrated.is_none() && !self.cancel.is_cancelled() {
            self.calibrated = self.engine.rate(CALIBRATION, self.cancel);
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
        if self.rate().is_none() {
            self.calibrate();
        }
        self.rate()
            .is_some_and(|rate| hashes / rate.hashes_per_second <= self.left.as_secs_f64())
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
        let rate = self.rate().map(|rate| rate.hashes_per_second);
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
