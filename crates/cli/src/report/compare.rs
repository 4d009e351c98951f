//! `paydirt compare`.

use serde::{Deserialize, Serialize};

use crate::report::{MachineReport, WarningReport};
use paydirt_measure::{
    compare::{LOWEST_FIT, LevelOutcome, Outcome, Rate, Settings},
    geometric::hardest_bits,
    statistics::quantile,
};

/// The schema of [`CompareReport`].
pub const COMPARE_SCHEMA: &str = "paydirt.compare/1";

/// `paydirt compare --json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompareReport {
    /// `paydirt.compare/1`.
    pub schema: String,
    /// `done`, `interrupted`, or `does-not-fit`: the tries are not those of a right engine.
    pub status: String,
    /// The command line that was given.
    pub command: Vec<String>,
    /// Where it was measured.
    pub machine: MachineReport,
    /// The kernel's name.
    pub kernel: String,
    /// Mining threads.
    pub threads: usize,
    /// Puzzles of each level.
    pub samples: usize,
    /// Which puzzles.
    pub seed: u64,
    /// The message of puzzle number {index} of a level.
    pub template: String,
    /// Seconds that measuring was to take at most.
    pub budget_s: f64,
    /// Wall time of the whole comparison in seconds.
    pub elapsed_s: f64,
    /// The rate that `expected_time_s` is computed with; null when there is none.
    pub rate: Option<RateReport>,
    /// Whether the tries of all measured levels follow the geometric distribution; null when nothing was measured.
    pub fit: Option<FitReport>,
    /// The levels, the easiest first.
    pub levels: Vec<LevelReport>,
    /// The hardest levels solved in time; null without `--within`.
    pub within: Option<WithinReport>,
    /// Doubts about the numbers.
    pub warnings: Vec<WarningReport>,
}

/// A rate and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateReport {
    /// Hashes per second.
    pub hashes_per_second: f64,
    /// How it was measured.
    pub basis: String,
}

/// A goodness-of-fit test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitReport {
    /// Which test.
    pub test: String,
    /// Its statistic, A².
    pub statistic: f64,
    /// The probability of one at least as large when the engine is right; 0.00001 stands for anything below.
    pub p_value: f64,
    /// Below this p-value the engine is taken to be broken.
    pub lowest_p_value: f64,
    /// How many puzzles were tested.
    pub puzzles: usize,
    /// Whether the tries fit.
    pub fits: bool,
}

/// One level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelReport {
    /// Leading zero bits.
    pub bits: f64,
    /// The highest hash that meets it, 64 hex digits.
    pub target: String,
    /// Whether it was measured; if not, all there is was computed.
    pub measured: bool,
    /// The mean of the tries, computed from the target.
    pub expected_tries: f64,
    /// The tries that were measured; null when none were.
    pub tries: Option<TriesReport>,
    /// Time a puzzle, computed from the target and the rate; null without a rate.
    pub expected_time_s: Option<TimesReport>,
    /// Time a puzzle, measured; null when it was not.
    pub time_s: Option<TimesReport>,
    /// Hashes computed in all puzzles; null when it was not measured.
    pub hashes: Option<u64>,
    /// Hashes per second in these puzzles, starting and stopping included; null when it was not measured.
    pub hashes_per_second: Option<f64>,
    /// How long others need, computed.
    pub at_rates: Vec<AtRateReport>,
    /// Every puzzle: its lowest nonce, hashes and time.
    pub samples: Vec<PuzzleReport>,
}

/// Measured tries.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriesReport {
    /// The mean of the puzzles' tries.
    pub mean: f64,
    /// Of 100 such means, 95 lie above this …
    pub interval_low: f64,
    /// … and below this, as many missing on either side.
    pub interval_high: f64,
    /// Whether this one does.
    pub inside: bool,
}

/// Times in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimesReport {
    /// The mean.
    pub mean: f64,
    /// What half of the puzzles do not exceed; measured from 2 puzzles on, otherwise null.
    pub p50: Option<f64>,
    /// What 90 of 100 do not exceed; measured from 10 puzzles on.
    pub p90: Option<f64>,
    /// What 99 of 100 do not exceed; measured from 100 puzzles on.
    pub p99: Option<f64>,
}

/// How long somebody with a given rate needs, computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtRateReport {
    /// Who.
    pub name: String,
    /// Hashes per second, as given.
    pub hashes_per_second: f64,
    /// Half of the puzzles take no longer, in seconds.
    pub p50_s: f64,
    /// 99 of 100 take no longer.
    pub p99_s: f64,
}

/// A solved puzzle.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PuzzleReport {
    /// Its lowest nonce; the tries are one more.
    pub nonce: u64,
    /// Hashes computed.
    pub hashes: u64,
    /// Wall time in seconds.
    pub elapsed_s: f64,
}

/// Which levels are solved in time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithinReport {
    /// The time allowed in seconds.
    pub seconds: f64,
    /// The share of puzzles that must be solved in it.
    pub quantile: f64,
    /// One for each rate; for this machine's when none was given.
    pub answers: Vec<AnswerReport>,
}

/// The hardest level that a rate solves in time, computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerReport {
    /// Whose rate.
    pub name: String,
    /// Hashes per second.
    pub hashes_per_second: f64,
    /// The hardest level in bits; null when not even one hash fits into the time.
    pub bits: Option<f64>,
    /// The same in whole bits.
    pub whole_bits: Option<u32>,
    /// The same in hex zeros.
    pub hex_zeros: Option<u32>,
}

/// A rate with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedRate {
    /// Who.
    pub name: String,
    /// Hashes per second.
    pub hashes_per_second: f64,
}

/// What was asked beside the levels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Questions {
    /// Attackers and users.
    pub rates: Vec<NamedRate>,
    /// A time in seconds and the share of puzzles that must be solved in it.
    pub within: Option<(f64, f64)>,
}

/// What stands around a comparison.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The command line.
    pub command: Vec<String>,
    /// The machine.
    pub machine: MachineReport,
    /// The kernel's name.
    pub kernel: &'static str,
    /// Mining threads.
    pub threads: usize,
    /// Wall time in seconds.
    pub elapsed_s: f64,
    /// Doubts about the numbers.
    pub warnings: Vec<WarningReport>,
}

impl CompareReport {
    /// Describes a comparison.
    pub fn new(frame: Frame, settings: &Settings, questions: &Questions, outcome: &Outcome) -> Self {
        let rate = outcome.rate.map(|rate| RateReport {
            hashes_per_second: rate.hashes_per_second(),
            basis: match rate {
                Rate::Level { bits, .. } => {
                    format!("measured at {bits} bits, the hardest level that tells it")
                }
                Rate::Calibration { .. } => "measured by itself for a tenth of a second".to_owned(),
            },
        });
        let fit = outcome.fit.map(|fit| FitReport {
            test: "Anderson-Darling on the tries' randomised probability integral transforms".to_owned(),
            statistic: fit.statistic,
            p_value: fit.p_value,
            lowest_p_value: LOWEST_FIT,
            puzzles: fit.count,
            fits: fit.p_value >= LOWEST_FIT,
        });
        let status = match &fit {
            Some(fit) if !fit.fits => "does-not-fit",
            _ if outcome.interrupted => "interrupted",
            _ => "done",
        };
        let own_rate = rate.as_ref().map(|rate| rate.hashes_per_second);
        Self {
            schema: COMPARE_SCHEMA.to_owned(),
            status: status.to_owned(),
            command: frame.command,
            machine: frame.machine,
            kernel: frame.kernel.to_owned(),
            threads: frame.threads,
            samples: settings.samples,
            seed: settings.seed,
            template: format!("compare/{}/{{bits}}/{{index}}/{{nonce}}", settings.seed),
            budget_s: settings.budget.as_secs_f64(),
            elapsed_s: frame.elapsed_s,
            rate,
            fit,
            levels: outcome
                .levels
                .iter()
                .map(|level| LevelReport::new(level, own_rate, &questions.rates))
                .collect(),
            within: questions
                .within
                .map(|(seconds, quantile)| WithinReport::new(seconds, quantile, own_rate, &questions.rates)),
            warnings: frame.warnings,
        }
    }
}

impl LevelReport {
    fn new(outcome: &LevelOutcome, rate: Option<f64>, rates: &[NamedRate]) -> Self {
        let law = outcome.level.tries();
        let times = |rate: f64| TimesReport {
            mean: law.expected() / rate,
            p50: Some(law.quantile(0.5) / rate),
            p90: Some(law.quantile(0.9) / rate),
            p99: Some(law.quantile(0.99) / rate),
        };
        let count = outcome.samples.len();
        let tries = law.mean_interval(count).map(|(interval_low, interval_high)| {
            let mean = outcome.samples.iter().map(|s| s.tries() as f64).sum::<f64>() / count as f64;
            TriesReport {
                mean,
                interval_low,
                interval_high,
                inside: (interval_low..=interval_high).contains(&mean),
            }
        });
        let elapsed: Vec<f64> = outcome.samples.iter().map(|sample| sample.elapsed_s).collect();
        let measured = outcome.is_measured();
        Self {
            bits: outcome.level.bits(),
            target: outcome.level.target().to_hex(),
            measured,
            expected_tries: law.expected(),
            tries,
            expected_time_s: rate.map(times),
            time_s: measured.then(|| TimesReport {
                mean: outcome.elapsed_s() / count as f64,
                p50: quantile(&elapsed, 0.5),
                p90: quantile(&elapsed, 0.9),
                p99: quantile(&elapsed, 0.99),
            }),
            hashes: measured.then(|| outcome.hashes()),
            hashes_per_second: outcome.hashes_per_second(),
            at_rates: rates
                .iter()
                .map(|rate| AtRateReport {
                    name: rate.name.clone(),
                    hashes_per_second: rate.hashes_per_second,
                    p50_s: law.quantile(0.5) / rate.hashes_per_second,
                    p99_s: law.quantile(0.99) / rate.hashes_per_second,
                })
                .collect(),
            samples: outcome
                .samples
                .iter()
                .map(|sample| PuzzleReport {
                    nonce: sample.nonce,
                    hashes: sample.hashes,
                    elapsed_s: sample.elapsed_s,
                })
                .collect(),
        }
    }
}

impl WithinReport {
    fn new(seconds: f64, quantile: f64, own_rate: Option<f64>, rates: &[NamedRate]) -> Self {
        let own = own_rate
            .filter(|_| rates.is_empty())
            .map(|hashes_per_second| NamedRate {
                name: "this machine".to_owned(),
                hashes_per_second,
            });
        let answer = |rate: &NamedRate| {
            let bits = hardest_bits(rate.hashes_per_second * seconds, quantile);
            AnswerReport {
                name: rate.name.clone(),
                hashes_per_second: rate.hashes_per_second,
                bits,
                whole_bits: bits.map(|bits| bits as u32),
                hex_zeros: bits.map(|bits| bits as u32 / 4),
            }
        };
        Self {
            seconds,
            quantile,
            answers: own.iter().chain(rates).map(answer).collect(),
        }
    }
}
