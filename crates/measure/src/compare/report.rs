//! What a comparison says (`paydirt.compare/1`): what was measured, and what follows from it.

use serde::Serialize;

use super::{LOWEST_FIT, Measured, MinedLevel, NamedRate, Rate, Sample, Settings};
use crate::{
    Setup,
    geometric::hardest_bits,
    machine::{Machine, Usage},
    statistics::{GoodnessOfFit, quantile},
    warnings::{self, Load, Warning},
};
use paydirt::Miner;

/// What was measured and computed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CompareReport {
    /// How it ended.
    pub status: CompareStatus,
    /// The command line that was given.
    pub command: Vec<String>,
    /// Where it was measured.
    pub machine: Machine,
    /// The kernel's name.
    pub kernel: String,
    /// Mining threads.
    pub threads: usize,
    /// How many of them were bound to a processor; 0 where that was not asked for.
    pub pinned_threads: usize,
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
    /// The rate that `expected_time_s` is computed with; `None` when there is none.
    pub rate: Option<Rate>,
    /// Whether the tries of all measured levels follow the geometric distribution; `None` when nothing was measured.
    pub fit: Option<Fit>,
    /// The levels, the easiest first.
    pub levels: Vec<LevelReport>,
    /// The hardest levels solved in time; `None` unless that was asked.
    pub within: Option<Within>,
    /// Doubts about the numbers.
    pub warnings: Vec<Warning>,
}

/// How a comparison ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CompareStatus {
    /// With all that fits the budget.
    Done,
    /// Cancelled; the levels that were complete are there.
    Interrupted,
    /// The tries are not those of a right engine.
    DoesNotFit,
}

/// A goodness-of-fit test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fit {
    /// Which test.
    pub test: &'static str,
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
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LevelReport {
    /// Leading zero bits.
    pub bits: f64,
    /// The highest hash that meets it, 64 hex digits.
    pub target: String,
    /// Whether it was measured; if not, all there is was computed.
    pub measured: bool,
    /// The mean of the tries, computed from the target.
    pub expected_tries: f64,
    /// The tries that were measured; `None` when none were.
    pub tries: Option<MeasuredTries>,
    /// Time a puzzle, computed from the target and the rate; `None` without a rate.
    pub expected_time_s: Option<Times>,
    /// Time a puzzle, measured; `None` when it was not.
    pub time_s: Option<Times>,
    /// Hashes computed in all puzzles; `None` when it was not measured.
    pub hashes: Option<u64>,
    /// Hashes per second in these puzzles, starting and stopping included; `None` when it was not measured.
    pub hashes_per_second: Option<f64>,
    /// How long others need, computed.
    pub at_rates: Vec<AtRate>,
    /// Every puzzle: its lowest nonce, hashes and time.
    pub samples: Vec<Sample>,
}

/// Measured tries.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MeasuredTries {
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
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Times {
    /// The mean.
    pub mean: f64,
    /// What half of the puzzles do not exceed; measured from 2 puzzles on, otherwise `None`.
    pub p50: Option<f64>,
    /// What 90 of 100 do not exceed; measured from 10 puzzles on.
    pub p90: Option<f64>,
    /// What 99 of 100 do not exceed; measured from 100 puzzles on.
    pub p99: Option<f64>,
}

/// How long somebody with a given rate needs, computed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AtRate {
    /// Who.
    pub name: String,
    /// Hashes per second, as given.
    pub hashes_per_second: f64,
    /// Half of the puzzles take no longer, in seconds.
    pub p50_s: f64,
    /// 99 of 100 take no longer.
    pub p99_s: f64,
}

/// Which levels are solved in time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Within {
    /// The time allowed in seconds.
    pub seconds: f64,
    /// The share of puzzles that must be solved in it.
    pub quantile: f64,
    /// One for each rate; for this machine's when none was given.
    pub answers: Vec<Answer>,
}

/// The hardest level that a rate solves in time, computed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// Whose rate.
    pub name: String,
    /// Hashes per second.
    pub hashes_per_second: f64,
    /// The hardest level in bits; `None` when not even one hash fits into the time.
    pub bits: Option<f64>,
    /// The same in whole bits.
    pub whole_bits: Option<u32>,
    /// The same in hex zeros.
    pub hex_zeros: Option<u32>,
}

impl CompareReport {
    pub(super) fn new(
        settings: &Settings,
        setup: Setup,
        machine: Machine,
        miner: &Miner,
        pinned_threads: usize,
        usage: Usage,
        measured: Measured,
    ) -> Self {
        let threads = miner.threads();
        let load = Load {
            threads,
            refused_pins: setup.pins.map_or(0, |_| threads - pinned_threads),
            usage: Some(usage),
            // Easy puzzles are mined by one thread alone: what the others did not use was not kept from them.
            asked_s: 0.0,
        };
        let fit = measured.fit.map(Fit::from);
        let own_rate = measured.rate.map(|rate| rate.hashes_per_second);
        let level = |level| LevelReport::new(level, own_rate, &settings.rates);
        Self {
            status: match &fit {
                Some(fit) if !fit.fits => CompareStatus::DoesNotFit,
                _ if measured.interrupted => CompareStatus::Interrupted,
                _ => CompareStatus::Done,
            },
            command: setup.command,
            kernel: miner.kernel().name().to_owned(),
            threads,
            pinned_threads,
            samples: settings.samples,
            seed: settings.seed,
            template: format!("compare/{}/{{bits}}/{{index}}/{{nonce}}", settings.seed),
            budget_s: settings.budget.as_secs_f64(),
            elapsed_s: usage.elapsed_s,
            rate: measured.rate,
            fit,
            levels: measured.levels.into_iter().map(level).collect(),
            within: settings
                .within
                .map(|(seconds, quantile)| Within::new(seconds, quantile, own_rate, &settings.rates)),
            warnings: warnings::of_machine(&machine, &load).collect(),
            machine,
        }
    }
}

impl From<GoodnessOfFit> for Fit {
    fn from(fit: GoodnessOfFit) -> Self {
        Self {
            test: "Anderson-Darling on the tries' randomised probability integral transforms",
            statistic: fit.statistic,
            p_value: fit.p_value,
            lowest_p_value: LOWEST_FIT,
            puzzles: fit.count,
            fits: fit.p_value >= LOWEST_FIT,
        }
    }
}

impl LevelReport {
    fn new(mined: MinedLevel, rate: Option<f64>, rates: &[NamedRate]) -> Self {
        let law = mined.level.tries();
        let times = |rate: f64| Times {
            mean: law.expected() / rate,
            p50: Some(law.quantile(0.5) / rate),
            p90: Some(law.quantile(0.9) / rate),
            p99: Some(law.quantile(0.99) / rate),
        };
        let count = mined.samples.len();
        let tries = law.mean_interval(count).map(|(interval_low, interval_high)| {
            let mean = mined.samples.iter().map(|s| s.tries() as f64).sum::<f64>() / count as f64;
            MeasuredTries {
                mean,
                interval_low,
                interval_high,
                inside: (interval_low..=interval_high).contains(&mean),
            }
        });
        let elapsed: Vec<f64> = mined.samples.iter().map(|sample| sample.elapsed_s).collect();
        let measured = mined.is_measured();
        let at_rate = |rate: &NamedRate| AtRate {
            name: rate.name.clone(),
            hashes_per_second: rate.hashes_per_second,
            p50_s: law.quantile(0.5) / rate.hashes_per_second,
            p99_s: law.quantile(0.99) / rate.hashes_per_second,
        };
        Self {
            bits: mined.level.bits(),
            target: mined.level.target().to_hex(),
            measured,
            expected_tries: law.expected(),
            tries,
            expected_time_s: rate.map(times),
            time_s: measured.then(|| Times {
                mean: mined.elapsed_s() / count as f64,
                p50: quantile(&elapsed, 0.5),
                p90: quantile(&elapsed, 0.9),
                p99: quantile(&elapsed, 0.99),
            }),
            hashes: measured.then(|| mined.hashes()),
            hashes_per_second: mined.hashes_per_second(),
            at_rates: rates.iter().map(at_rate).collect(),
            samples: mined.samples,
        }
    }
}

impl Within {
    fn new(seconds: f64, quantile: f64, own_rate: Option<f64>, rates: &[NamedRate]) -> Self {
        let own = own_rate
            .filter(|_| rates.is_empty())
            .map(|hashes_per_second| NamedRate {
                name: "this machine".to_owned(),
                hashes_per_second,
            });
        let answer = |rate: &NamedRate| {
            let bits = hardest_bits(rate.hashes_per_second * seconds, quantile);
            Answer {
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
