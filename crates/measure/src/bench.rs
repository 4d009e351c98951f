//! Hash rates, measured so that they can be believed.
//!
//! *In:* a [`BenchPlan`]: cases (puzzle × kernel × threads), how long a sample takes and how many there shall be. *Out:* a
//! [`BenchReport`]: every raw sample of every case, each with the hits of the very nonces it was measured over beside the
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
mod report;

pub use report::{Baseline, BenchReport, BenchRow, BenchStatus, Ceiling, Check, ProcessorCeiling};

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    Setup,
    ceiling::Bound,
    known_hits::KnownPuzzle,
    machine::{Machine, Meter},
    warnings::{self, Load, Spoils},
};
use executor::MinerExecutor;
use paydirt::{Cancel, Chosen, Kernel, MinerError, NonceRange};

/// What is measured: one row of the result.
#[derive(Clone, Debug)]
pub struct Case {
    /// The puzzle.
    pub puzzle: &'static KnownPuzzle,
    /// The kernel.
    pub kernel: Kernel,
    /// From which figures it was chosen; `None` where it was asked for.
    pub chosen: Option<Chosen>,
    /// Mining threads.
    pub threads: usize,
}

/// What is measured, and how long.
#[derive(Clone, Debug)]
pub struct BenchPlan {
    /// The cases, in the order in which they take turns.
    pub cases: Vec<Case>,
    /// How long each sample takes.
    pub sample_length: Duration,
    /// Samples of each case.
    pub samples: usize,
    /// How long each case runs beforehand, unmeasured.
    pub warm_up: Duration,
}

impl BenchPlan {
    /// How long it takes, ceilings and the coming and going of threads left out.
    pub fn duration(&self) -> Duration {
        let each = self.warm_up + self.sample_length * u32::try_from(self.samples).unwrap_or(u32::MAX);
        each * u32::try_from(self.cases.len()).unwrap_or(u32::MAX)
    }
}

/// One measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Nonces tested, exactly.
    pub hashes: u64,
    /// Wall time in seconds.
    pub elapsed_s: f64,
    /// `hashes / elapsed_s`; 0 when it was too short to measure.
    pub hashes_per_second: f64,
    /// Processor time of all its threads together, in seconds; `None` where the system does not tell.
    #[serde(default)] // earlier reports do not have it
    pub processor_s: Option<f64>,
    /// `hashes / processor_s`: what one thread does with a processor to itself. `None` likewise, and when it was too short.
    #[serde(default)]
    pub hashes_per_processor_second: Option<f64>,
    /// The nonces that were tested: one range, or more where a fast machine came to the end of the known nonces and
    /// began anew.
    pub ranges: Vec<NonceRange>,
    /// Solutions found in them.
    pub hits: u64,
    /// Solutions the oracle finds in them.
    pub expected_hits: u64,
}

/// What takes time: the tests put a mock in its place.
trait Executor {
    /// Measures the ceiling, then mines for about `length`, beginning at the known nonce that lies `place` (0 to 1) into
    /// the known range. A cancelled search may be cut short.
    fn sample(&mut self, case: &Case, place: f64, length: Duration) -> Result<Measured, MinerError>;
}

/// A sample and what was measured beside it.
struct Measured {
    sample: Sample,
    /// How many hashes a second the case's threads could do at most, all together, with each kernel that has a known bound.
    ceilings: Vec<Bound>,
    /// How many of the threads were bound to a processor.
    pinned_threads: usize,
}

/// All that was measured of a case.
struct Series {
    case: Case,
    measured: Vec<Measured>,
}

/// Measures, telling `on_step` how many of how many samples are done (warm-ups included).
///
/// # Errors
/// When the operating system does not give the threads.
pub fn run(
    plan: &BenchPlan,
    setup: Setup,
    on_step: &mut dyn FnMut(usize, usize),
) -> Result<BenchReport, MinerError> {
    let mut machine = Machine::here();
    let meter = Meter::start();
    let mut executor = MinerExecutor::new(&setup);
    let (rows, status) = measure(plan, &mut executor, &setup.cancel, on_step)?;
    let usage = meter.stop();
    let most = rows.iter().max_by_key(|row| row.threads);
    let sampled = || rows.iter().filter(|row| !row.samples.is_empty());
    machine.pinned = sampled().next().is_some() && sampled().all(|row| row.pinned_threads == row.threads);
    let refused = sampled().map(|row| row.threads - row.pinned_threads).max();
    let thread_time = |row: &BenchRow| {
        let measured_s: f64 = row.samples.iter().map(|sample| sample.elapsed_s).sum();
        (plan.warm_up.as_secs_f64() + measured_s) * row.threads as f64
    };
    let load = Load {
        threads: most.map_or(0, |row| row.threads),
        refused_pins: refused.filter(|_| setup.pins.is_some()).unwrap_or(0),
        usage: Some(usage),
        asked_s: rows.iter().map(thread_time).sum(),
        spoils: Spoils::Rates,
    };
    Ok(BenchReport {
        status,
        command: setup.command,
        seconds: plan.sample_length.as_secs_f64(),
        samples: plan.samples,
        elapsed_s: usage.elapsed_s,
        warnings: warnings::of_rows(&rows)
            .chain(warnings::of_machine(&machine, &load))
            .collect(),
        rows,
        machine,
        baseline: None,
    })
}

fn measure(
    plan: &BenchPlan,
    executor: &mut dyn Executor,
    cancel: &Cancel,
    on_step: &mut dyn FnMut(usize, usize),
) -> Result<(Vec<BenchRow>, BenchStatus), MinerError> {
    let series = |case: &Case| Series {
        case: case.clone(),
        measured: Vec::with_capacity(plan.samples),
    };
    let mut all: Vec<Series> = plan.cases.iter().map(series).collect();
    let status = take_turns(plan, &mut all, executor, cancel, on_step)?;
    Ok((all.into_iter().map(BenchRow::from).collect(), status))
}

fn take_turns(
    plan: &BenchPlan,
    all: &mut [Series],
    executor: &mut dyn Executor,
    cancel: &Cancel,
    on_step: &mut dyn FnMut(usize, usize),
) -> Result<BenchStatus, MinerError> {
    let steps = all.len() * (plan.samples + 1);
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
        let place = round as f64 / plan.samples as f64;
        for series in &mut *all {
            if cancel.is_cancelled() {
                return Ok(BenchStatus::Interrupted);
            }
            let measured = executor.sample(&series.case, place, plan.sample_length)?;
            if cancel.is_cancelled() {
                return Ok(BenchStatus::Interrupted); // it may have been cut short
            }
            let right = measured.sample.hits == measured.sample.expected_hits;
            series.measured.push(measured);
            if !right {
                return Ok(BenchStatus::WrongHits);
            }
            step();
        }
    }
    Ok(BenchStatus::Done)
}

#[cfg(test)]
mod tests;
