//! What a benchmark says (`paydirt.bench/1`), and how it compares with an earlier one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Sample, Series};
use crate::{
    ceiling::{BASIS, Bound, NO_CEILING},
    known_hits::{BENCH_BITS, KnownPuzzle},
    machine::Machine,
    statistics::{Change, Summary, change},
    warnings::{Warning, WarningKind},
};
use paydirt::record::ChosenRecord;

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchReport {
    /// How it ended.
    pub status: BenchStatus,
    /// The command line that was given.
    pub command: Vec<String>,
    /// Where it was measured.
    pub machine: Machine,
    /// Seconds each sample was to take.
    pub seconds: f64,
    /// Samples each row was to have.
    pub samples: usize,
    /// Wall time of the whole measurement in seconds.
    pub elapsed_s: f64,
    /// One for each puzzle, kernel and number of threads.
    pub rows: Vec<BenchRow>,
    /// Doubts about the numbers.
    pub warnings: Vec<Warning>,
    /// What was compared with; `None` until [`BenchReport::compare_with`].
    pub baseline: Option<Baseline>,
}

/// How a benchmark ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BenchStatus {
    /// With all samples.
    Done,
    /// Cancelled; the samples that were complete are there.
    Interrupted,
    /// The last sample of a row has other hits than the oracle: nothing can be said of this kernel's rate.
    WrongHits,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchRow {
    /// `header` or `text`.
    pub puzzle: String,
    /// The kernel's name.
    pub kernel: String,
    /// From which figures it was chosen; `None` where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<ChosenRecord>,
    /// Mining threads.
    pub threads: usize,
    /// How many of them were bound to a processor, in every sample; 0 where that was not asked for.
    #[serde(default)] // earlier reports do not have it
    pub pinned_threads: usize,
    /// The statistics, measured; `None` when no sample was completed.
    pub hashes_per_second: Option<Summary>,
    /// The median over the threads, computed; `None` without samples.
    pub hashes_per_second_per_thread: Option<f64>,
    /// The statistics of the rates per second of processor time; `None` without samples, or where the system does not tell.
    #[serde(default)]
    pub hashes_per_processor_second: Option<Summary>,
    /// The processor's limit, for this kernel and for any.
    pub ceiling: Ceiling,
    /// The puzzle whose solutions were counted.
    pub check: Check,
    /// Every sample, in the order they were taken.
    pub samples: Vec<Sample>,
    /// The change since the baseline; `None` without a baseline, or when it lacks this row.
    pub change: Option<Change>,
}

/// What the processor could do at most: with this kernel, and with any.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ceiling {
    /// The median of the ceilings measured beside the samples, all threads together, per second of processor time of each;
    /// `None` when none is known for this kernel.
    pub hashes_per_second: Option<f64>,
    /// The median rate over that, computed; `None` when no ceiling is known. By processor time, where the system tells it.
    pub share: Option<f64>,
    /// What was counted and what was measured, or why there is none.
    pub basis: String,
    /// The highest of all kernels' ceilings; `None` when none is known.
    #[serde(default)] // earlier reports do not have it
    pub processor: Option<ProcessorCeiling>,
}

/// The most that any known way to compute these hashes could reach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessorCeiling {
    /// The median of the ceilings measured beside the samples, all threads together.
    pub hashes_per_second: f64,
    /// The kernel whose ceiling it is.
    pub kernel: String,
    /// The median rate over that, computed; `None` without samples.
    pub share: Option<f64>,
}

impl Ceiling {
    /// Of a kernel that does `rate`, from the bounds of all kernels beside each sample.
    fn new(kernel: &str, rate: Option<f64>, measured: &[Vec<Bound>]) -> Self {
        let mut of_each = BTreeMap::<&str, Vec<f64>>::new();
        for (kernel, rate) in measured.iter().flatten() {
            of_each.entry(kernel).or_default().push(*rate);
        }
        let medians = of_each
            .into_iter()
            .filter_map(|(name, rates)| Some((name, Summary::of(&rates)?.median)));
        let medians: Vec<_> = medians.collect();
        let share = |ceiling: f64| rate.map(|rate| rate / ceiling);
        let own = medians
            .iter()
            .find(|(name, _)| *name == kernel)
            .map(|(_, median)| *median);
        let highest = medians.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        Self {
            hashes_per_second: own,
            share: own.and_then(share),
            basis: if own.is_some() { BASIS } else { NO_CEILING }.to_owned(),
            processor: highest.map(|(name, median)| ProcessorCeiling {
                hashes_per_second: *median,
                kernel: (*name).to_owned(),
                share: share(*median),
            }),
        }
    }
}

/// The puzzle behind a sample's hits, so that anyone can count them again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The message in hex, with `{nonce}` where the nonce stands.
    pub template_hex: String,
    /// How the nonce stands in it.
    pub nonce: String,
    /// The hash function.
    pub digest: String,
    /// The order in which the hash is read.
    pub hash_order: String,
    /// Leading zero bits of a hit.
    pub bits: f64,
}

/// An earlier run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// The file.
    pub file: String,
    /// When it was measured.
    pub date: String,
    /// The processor it was measured on.
    pub cpu_model: Option<String>,
}

impl BenchReport {
    /// Compares each row with the one of the same puzzle, kernel and threads in `earlier`, which was read from `file`.
    pub fn compare_with(&mut self, earlier: &Self, file: &str) {
        for row in &mut self.rows {
            let same = |old: &&BenchRow| {
                old.puzzle == row.puzzle && old.kernel == row.kernel && old.threads == row.threads
            };
            let old = earlier.rows.iter().find(same);
            row.change = old.and_then(|old| change(&old.rates(), &row.rates()));
        }
        let (before, now) = (&earlier.machine.cpu_model, &self.machine.cpu_model);
        if before != now {
            let name = |model: &Option<String>| model.clone().unwrap_or("an unknown processor".to_owned());
            self.warnings.push(Warning::new(
                WarningKind::OtherMachine,
                format!(
                    "the baseline was measured on {}, this on {}",
                    name(before),
                    name(now)
                ),
                "take a baseline on the same machine to see what the program's own change did",
            ));
        }
        self.baseline = Some(Baseline {
            file: file.to_owned(),
            date: earlier.machine.date.clone(),
            cpu_model: before.clone(),
        });
    }
}

impl From<Series> for BenchRow {
    fn from(series: Series) -> Self {
        let Series { case, measured } = series;
        let ceilings: Vec<_> = measured.iter().map(|at| at.ceilings.clone()).collect();
        let pinned_threads = measured.iter().map(|at| at.pinned_threads).min().unwrap_or(0);
        let samples: Vec<Sample> = measured.into_iter().map(|at| at.sample).collect();
        let summary = Summary::of(&rates(&samples));
        let busy_rates: Vec<_> = samples
            .iter()
            .filter_map(|sample| sample.hashes_per_processor_second)
            .collect();
        let by_processor_time = Summary::of(&busy_rates);
        // A busy neighbour takes from the rate on the wall, not from this one, nor from the ceiling.
        let all_threads = by_processor_time.map(|summary| summary.median * case.threads as f64);
        let rate = all_threads.or(summary.map(|summary| summary.median));
        Self {
            puzzle: case.puzzle.name().to_owned(),
            kernel: case.kernel.name().to_owned(),
            chosen: case.chosen.as_ref().map(ChosenRecord::from),
            threads: case.threads,
            pinned_threads,
            hashes_per_second: summary,
            hashes_per_processor_second: by_processor_time,
            hashes_per_second_per_thread: summary.map(|s| s.median / case.threads as f64),
            ceiling: Ceiling::new(case.kernel.name(), rate, &ceilings),
            check: Check::of(case.puzzle),
            samples,
            change: None,
        }
    }
}

fn rates(samples: &[Sample]) -> Vec<f64> {
    samples.iter().map(|sample| sample.hashes_per_second).collect()
}

impl BenchRow {
    /// What it is a row of, for people.
    pub fn name(&self) -> String {
        format!("{} {} ×{}", self.puzzle, self.kernel, self.threads)
    }

    /// The samples' rates in hashes per second, in the order they were taken.
    pub fn rates(&self) -> Vec<f64> {
        rates(&self.samples)
    }

    /// Whether every sample found what the oracle finds.
    pub fn hits_are_right(&self) -> bool {
        let right = |sample: &Sample| sample.hits == sample.expected_hits;
        self.samples.iter().all(right)
    }

    /// Solutions found in all samples.
    pub fn hits(&self) -> u64 {
        self.samples.iter().map(|sample| sample.hits).sum()
    }
}

impl Check {
    fn of(known: &KnownPuzzle) -> Self {
        let puzzle = known.puzzle();
        let (before, after) = (puzzle.template().prefix(), puzzle.template().suffix());
        Self {
            template_hex: format!("{}{{nonce}}{}", hex::encode(before), hex::encode(after)),
            nonce: puzzle.encoding().to_string(),
            digest: puzzle.digest().name().to_owned(),
            hash_order: puzzle.byte_order().name().to_owned(),
            bits: BENCH_BITS,
        }
    }
}
