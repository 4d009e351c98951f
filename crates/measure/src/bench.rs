//! Hash rates, measured so that they can be believed.
//!
//! *In:* a [`Plan`]: cases (puzzle × kernel × threads), how long a sample takes and how many there shall be. *Out:* a
//! [`Run`]: every raw sample of every case, each with the hits of the very nonces it was measured over beside the
//! oracle's count of them.
//!
//! ```text
//! warm up each case once
//! for each round:                         in turn, A B C A B C …, so that drift hits all cases alike
//!     for each case:
//!         measure the ceiling             right beside the sample: clock rates wander
//!         mine for a while over known nonces, from another place each round
//!         hits ≠ the oracle's count  ──►  stop: this rate is worth nothing
//! ```

mod executor;
mod warnings;

pub use executor::MinerExecutor;
pub use warnings::{Context, Warning, machine_warnings, warnings};

use std::time::Duration;

use crate::known_hits::KnownPuzzle;
use paydirt::{Cancel, Kernel, NonceRange};

/// What is measured: one row of the result.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The puzzle.
    pub puzzle: &'static KnownPuzzle,
    /// The kernel.
    pub kernel: Kernel,
    /// Mining threads.
    pub threads: usize,
}

/// What is measured, and how long.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The cases, in the order in which they take turns.
    pub cases: Vec<Case>,
    /// How long each sample takes.
    pub sample_length: Duration,
    /// Samples of each case.
    pub samples: usize,
    /// How long each case runs beforehand, unmeasured.
    pub warm_up: Duration,
}

impl Plan {
    /// How long it takes, ceilings and the coming and going of threads left out.
    pub fn duration(&self) -> Duration {
        let each = self.warm_up + self.sample_length * u32::try_from(self.samples).unwrap_or(u32::MAX);
        each * u32::try_from(self.cases.len()).unwrap_or(u32::MAX)
    }
}

/// One measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Nonces tested.
    pub hashes: u64,
    /// Wall time in seconds.
    pub elapsed_s: f64,
    /// The nonces that were tested: one range, or more where a fast machine came to the end of the known nonces and
    /// began anew.
    pub searched: Vec<NonceRange>,
    /// Solutions found in them.
    pub hits: u64,
    /// Solutions the oracle finds in them.
    pub expected_hits: u64,
}

impl Sample {
    /// Hashes per second; 0 when it was too short to measure.
    pub fn hashes_per_second(&self) -> f64 {
        if self.elapsed_s > 0.0 {
            self.hashes as f64 / self.elapsed_s
        } else {
            0.0
        }
    }
}

/// What takes time: the tests put a mock in its place.
pub trait Executor {
    /// Mines for about `length`, beginning at the known nonce that lies `place` (0 to 1) into the known range. A
    /// cancelled search may be cut short.
    ///
    /// # Errors
    /// When the operating system does not give the threads.
    fn sample(&mut self, case: &Case, place: f64, length: Duration) -> Result<Sample, paydirt::MinerError>;

    /// Measures how many hashes a second the case's threads could do at most, all together; `None` when its kernel has no known bound.
    fn ceiling(&mut self, case: &Case) -> Option<f64>;
}

/// What was measured of a case.
#[derive(Clone, Debug)]
pub struct Row {
    /// The case.
    pub case: Case,
    /// Its samples, in the order they were taken.
    pub samples: Vec<Sample>,
    /// Its ceilings in hashes per second of all threads together, one a sample; empty when its kernel has none.
    pub ceilings: Vec<f64>,
}

impl Row {
    /// The samples' rates in hashes per second, in the order they were taken.
    pub fn rates(&self) -> Vec<f64> {
        self.samples.iter().map(Sample::hashes_per_second).collect()
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// With all samples.
    Done,
    /// Cancelled; the samples that were complete are there.
    Interrupted,
    /// The last sample of this row has other hits than the oracle: nothing can be said of this kernel's rate.
    WrongHits {
        /// Which row.
        row: usize,
    },
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Run {
    /// A row for each case of the plan.
    pub rows: Vec<Row>,
    /// How it ended.
    pub ending: Ending,
}

/// Measures, telling `on_step` how many of how many samples are done (warm-ups included).
///
/// # Errors
/// When the operating system does not give the threads.
pub fn run(
    plan: &Plan,
    executor: &mut dyn Executor,
    cancel: &Cancel,
    on_step: &mut dyn FnMut(usize, usize),
) -> Result<Run, paydirt::MinerError> {
    let row = |case: &Case| Row {
        case: *case,
        samples: Vec::with_capacity(plan.samples),
        ceilings: Vec::new(),
    };
    let mut rows: Vec<Row> = plan.cases.iter().map(row).collect();
    let steps = rows.len() * (plan.samples + 1);
    let mut done = 0;
    let mut step = || {
        done += 1;
        on_step(done, steps);
    };
    for case in &plan.cases {
        if !cancel.is_cancelled() {
            executor.sample(case, 0.0, plan.warm_up)?;
            step();
        }
    }
    for round in 0..plan.samples {
        for (index, row) in rows.iter_mut().enumerate() {
            if cancel.is_cancelled() {
                break;
            }
            let ceiling = executor.ceiling(&row.case);
            let place = round as f64 / plan.samples as f64;
            let sample = executor.sample(&row.case, place, plan.sample_length)?;
            if cancel.is_cancelled() {
                break; // it may have been cut short
            }
            let right = sample.hits == sample.expected_hits;
            row.samples.push(sample);
            row.ceilings.extend(ceiling);
            if !right {
                let ending = Ending::WrongHits { row: index };
                return Ok(Run { rows, ending });
            }
            step();
        }
    }
    let complete = rows.iter().all(|row| row.samples.len() == plan.samples);
    let ending = if complete {
        Ending::Done
    } else {
        Ending::Interrupted
    };
    Ok(Run { rows, ending })
}

#[cfg(test)]
mod tests;
