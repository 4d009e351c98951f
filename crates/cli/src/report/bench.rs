//! `paydirt bench`.

use serde::{Deserialize, Serialize};

use crate::report::MachineReport;
use paydirt_measure::{
    bench::{Context, Ending, Plan, Row, Run, Sample, Warning, warnings},
    ceiling::{BASIS, NO_CEILING},
    known_hits::BENCH_BITS,
    statistics::{Summary, change},
};

/// The schema of [`BenchReport`].
pub const BENCH_SCHEMA: &str = "paydirt.bench/1";

/// `paydirt bench --json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchReport {
    /// `paydirt.bench/1`.
    pub schema: String,
    /// `done`, `interrupted`, or `wrong-hits`: a kernel lost or made up solutions, and its rate means nothing.
    pub status: String,
    /// The command line that was given.
    pub command: Vec<String>,
    /// Where it was measured.
    pub machine: MachineReport,
    /// Seconds each sample was to take.
    pub seconds: f64,
    /// Samples each row was to have.
    pub samples: usize,
    /// Wall time of the whole measurement in seconds.
    pub elapsed_s: f64,
    /// One for each puzzle, kernel and number of threads.
    pub rows: Vec<BenchRow>,
    /// Doubts about the numbers.
    pub warnings: Vec<WarningReport>,
    /// What was compared with; null without `--baseline`.
    pub baseline: Option<BaselineReport>,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchRow {
    /// `header` or `text`.
    pub puzzle: String,
    /// The kernel's name.
    pub kernel: String,
    /// Mining threads.
    pub threads: usize,
    /// The statistics, measured; null when no sample was completed.
    pub hashes_per_second: Option<SummaryReport>,
    /// The median over the threads, computed; null without samples.
    pub hashes_per_second_per_thread: Option<f64>,
    /// The processor's limit for this kernel.
    pub ceiling: CeilingReport,
    /// The puzzle whose solutions were counted.
    pub check: CheckReport,
    /// Every sample, in the order they were taken.
    pub samples: Vec<SampleReport>,
    /// The change since the baseline; null without a baseline, or when it lacks this row.
    pub change: Option<ChangeReport>,
}

/// Statistics of hashes per second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SummaryReport {
    /// The middle one, or halfway between the middle two.
    pub median: f64,
    /// The arithmetic mean.
    pub mean: f64,
    /// The sample standard deviation σ; null for a single sample.
    pub standard_deviation: Option<f64>,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
    /// The median absolute deviation from the median.
    pub mad: f64,
}

impl From<Summary> for SummaryReport {
    fn from(summary: Summary) -> Self {
        Self {
            median: summary.median,
            mean: summary.mean,
            standard_deviation: summary.standard_deviation,
            min: summary.min,
            max: summary.max,
            mad: summary.mad,
        }
    }
}

/// What the processor could do with this kernel at most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CeilingReport {
    /// The median of the ceilings measured beside the samples, all threads together; null when none is known.
    pub hashes_per_second: Option<f64>,
    /// The median rate over that, computed; null when no ceiling is known.
    pub share: Option<f64>,
    /// What was counted and what was measured, or why there is none.
    pub basis: String,
}

/// The puzzle behind a sample's hits, so that anyone can count them again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckReport {
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

/// One measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleReport {
    /// Nonces tested, exactly.
    pub hashes: u64,
    /// Wall time in seconds.
    pub elapsed_s: f64,
    /// `hashes / elapsed_s`.
    pub hashes_per_second: f64,
    /// The nonces tested.
    pub ranges: Vec<SearchedRange>,
    /// Solutions found among them.
    pub hits: u64,
    /// Solutions the oracle finds among them.
    pub expected_hits: u64,
}

/// `count` nonces from `start`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchedRange {
    /// The first nonce.
    pub start: u64,
    /// How many.
    pub count: u64,
}

/// A doubt about the numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarningReport {
    /// Which kind, for programs.
    pub kind: String,
    /// What was seen.
    pub message: String,
    /// What to do about it.
    pub advice: String,
}

impl From<Warning> for WarningReport {
    fn from(warning: Warning) -> Self {
        Self {
            kind: warning.kind.to_owned(),
            message: warning.message,
            advice: warning.advice.to_owned(),
        }
    }
}

/// An earlier run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineReport {
    /// The file.
    pub file: String,
    /// When it was measured.
    pub date: String,
    /// The processor it was measured on.
    pub cpu_model: Option<String>,
}

/// The change of a row's median since the baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeReport {
    /// New median over old, less one, in percent.
    pub percent: f64,
    /// Low end of the 95 % bootstrap interval in percent; null with too few samples.
    pub low_percent: Option<f64>,
    /// Its high end.
    pub high_percent: Option<f64>,
    /// `faster`, `slower`, `no difference seen` or `too few samples to say`.
    pub verdict: String,
}

impl BenchReport {
    /// Describes a run of `plan`.
    pub fn new(
        command: Vec<String>,
        machine: MachineReport,
        plan: &Plan,
        run: &Run,
        context: &Context,
    ) -> Self {
        let doubts = warnings(&run.rows, context).into_iter().map(WarningReport::from);
        Self {
            schema: BENCH_SCHEMA.to_owned(),
            status: match run.ending {
                Ending::Done => "done",
                Ending::Interrupted => "interrupted",
                Ending::WrongHits { .. } => "wrong-hits",
            }
            .to_owned(),
            command,
            machine,
            seconds: plan.sample_length.as_secs_f64(),
            samples: plan.samples,
            elapsed_s: context.usage.map_or(0.0, |(usage, _)| usage.elapsed_s),
            rows: run.rows.iter().map(BenchRow::new).collect(),
            warnings: doubts.collect(),
            baseline: None,
        }
    }

    /// Compares each row with the one of the same puzzle, kernel and threads in `earlier`, which was read from `file`.
    pub fn compare_with(&mut self, earlier: &Self, file: &str) {
        for row in &mut self.rows {
            let same = |old: &&BenchRow| {
                old.puzzle == row.puzzle && old.kernel == row.kernel && old.threads == row.threads
            };
            row.change = earlier
                .rows
                .iter()
                .find(same)
                .and_then(|old| change(&old.rates(), &row.rates()))
                .map(|change| ChangeReport {
                    percent: change.relative * 100.0,
                    low_percent: change.interval.map(|(low, _)| low * 100.0),
                    high_percent: change.interval.map(|(_, high)| high * 100.0),
                    verdict: change.verdict.name().to_owned(),
                });
        }
        if earlier.machine.cpu_model != self.machine.cpu_model {
            let name =
                |model: &Option<String>| model.clone().unwrap_or_else(|| "an unknown processor".to_owned());
            self.warnings.push(WarningReport {
                kind: "other-machine".to_owned(),
                message: format!(
                    "the baseline was measured on {}, this on {}",
                    name(&earlier.machine.cpu_model),
                    name(&self.machine.cpu_model)
                ),
                advice: "take a baseline on the same machine to see what the program's own change did"
                    .to_owned(),
            });
        }
        self.baseline = Some(BaselineReport {
            file: file.to_owned(),
            date: earlier.machine.date.clone(),
            cpu_model: earlier.machine.cpu_model.clone(),
        });
    }
}

impl BenchRow {
    fn new(row: &Row) -> Self {
        let summary = Summary::of(&row.rates());
        let ceiling = Summary::of(&row.ceilings).map(|summary| summary.median);
        let puzzle = row.case.puzzle.puzzle();
        let (before, after) = (puzzle.template().prefix(), puzzle.template().suffix());
        Self {
            puzzle: row.case.puzzle.name().to_owned(),
            kernel: row.case.kernel.name().to_owned(),
            threads: row.case.threads,
            hashes_per_second: summary.map(SummaryReport::from),
            hashes_per_second_per_thread: summary.map(|s| s.median / row.case.threads as f64),
            ceiling: CeilingReport {
                hashes_per_second: ceiling,
                share: ceiling.zip(summary).map(|(ceiling, rate)| rate.median / ceiling),
                basis: if ceiling.is_some() { BASIS } else { NO_CEILING }.to_owned(),
            },
            check: CheckReport {
                template_hex: format!("{}{{nonce}}{}", hex::encode(before), hex::encode(after)),
                nonce: puzzle.encoding().to_string(),
                digest: puzzle.digest().name().to_owned(),
                hash_order: puzzle.byte_order().name().to_owned(),
                bits: BENCH_BITS,
            },
            samples: row.samples.iter().map(SampleReport::new).collect(),
            change: None,
        }
    }

    /// The samples' rates in hashes per second.
    pub fn rates(&self) -> Vec<f64> {
        self.samples
            .iter()
            .map(|sample| sample.hashes_per_second)
            .collect()
    }

    /// Whether every sample found what the oracle finds.
    pub fn hits_are_right(&self) -> bool {
        self.samples
            .iter()
            .all(|sample| sample.hits == sample.expected_hits)
    }

    /// Solutions found in all samples.
    pub fn hits(&self) -> u64 {
        self.samples.iter().map(|sample| sample.hits).sum()
    }
}

impl SampleReport {
    fn new(sample: &Sample) -> Self {
        Self {
            hashes: sample.hashes,
            elapsed_s: sample.elapsed_s,
            hashes_per_second: sample.hashes_per_second(),
            ranges: sample
                .searched
                .iter()
                .map(|range| SearchedRange {
                    start: range.start(),
                    count: u64::try_from(range.count()).unwrap_or(u64::MAX),
                })
                .collect(),
            hits: sample.hits,
            expected_hits: sample.expected_hits,
        }
    }
}
