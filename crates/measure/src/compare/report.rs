//! What a comparison says (`paydirt.compare/1`): what was measured, and what follows from it.

use serde::Serialize;

use super::{
    LOWEST_FIT, Measured, MinedLevel, NamedRate, Rate, Sample, Settings, Step, Within,
    choice::{cost_of_1000, part, solutions_per_hour},
};
use crate::{
    Setup,
    geometric::Tries,
    machine::{Machine, Usage},
    statistics::{GoodnessOfFit, quantile},
    warnings::{self, Load, Spoils, Warning},
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
    /// The rates of others, as they were given.
    pub rates: Vec<NamedRate>,
    /// What an hour of this machine costs; `None` when that was not said.
    pub price_per_hour: Option<f64>,
    /// Whether the tries of all measured levels follow the geometric distribution; `None` when nothing was measured.
    pub fit: Option<Fit>,
    /// The levels, the easiest first.
    pub levels: Vec<LevelReport>,
    /// Into how many puzzles each level is split beside; 1 for none.
    pub split: u32,
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
    /// Leading hex zeros, where levels are counted in those.
    pub hex_zeros: Option<u32>,
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
    /// The same per second of processor time, of one thread; `None` also where the system does not tell that.
    pub hashes_per_processor_second: Option<f64>,
    /// The share of the processor time they asked for that the threads got, 1 at most: below 0.95 other programs made the
    /// measured times longer. `None` where the puzzles are too short to tell.
    pub processor_share: Option<f64>,
    /// Solutions an hour, computed from the target and the rate; `None` without a rate.
    pub solutions_per_hour: Option<f64>,
    /// What a thousand solutions cost on this machine; `None` without its price.
    pub cost_of_1000: Option<f64>,
    /// The level as several puzzles; `None` when that was not asked for, or it has too few bits for so many.
    pub split: Option<Split>,
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
    /// What 95 of 100 do not exceed; measured from 20 puzzles on.
    pub p95: Option<f64>,
    /// What 99 of 100 do not exceed; measured from 100 puzzles on.
    pub p99: Option<f64>,
}

/// A level as several puzzles of an equal share of its difficulty, one after the other. All of it is computed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Split {
    /// How many puzzles.
    pub puzzles: u32,
    /// The difficulty of each in bits.
    pub bits: f64,
    /// What 99 of 100 rows of them do not exceed, in means of the whole: 4.6 for one puzzle, nearer to 1 the more there are.
    pub p99_in_means: f64,
    /// The time of all of them at this machine's rate; `None` without a rate.
    pub time_s: Option<Times>,
}

/// How long somebody with a given rate needs, computed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AtRate {
    /// Who.
    pub name: String,
    /// Hashes per second, as given.
    pub hashes_per_second: f64,
    /// The mean in seconds.
    pub mean_s: f64,
    /// Half of the puzzles take no longer, in seconds.
    pub p50_s: f64,
    /// 95 of 100 take no longer.
    pub p95_s: f64,
    /// 99 of 100 take no longer.
    pub p99_s: f64,
    /// The same for the level as several puzzles.
    pub split_p99_s: Option<f64>,
    /// Solutions an hour.
    pub solutions_per_hour: f64,
    /// What a thousand solutions cost; `None` without a price.
    pub cost_of_1000: Option<f64>,
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
        // Easy puzzles are mined by one thread alone: what the others did not use was not kept from them.
        let telling = measured.levels.iter();
        let (asked_s, got_s) = telling
            .filter_map(|level| level.asked_and_got_s(measured.workers))
            .fold((0.0, 0.0), |sum, level| (sum.0 + level.0, sum.1 + level.1));
        let load = Load {
            threads,
            refused_pins: setup.pins.map_or(0, |_| threads - pinned_threads),
            usage: Some(Usage {
                cpu_s: Some(got_s),
                ..usage
            }),
            asked_s,
            spoils: Spoils::Times,
        };
        let fit = measured.fit.map(Fit::from);
        let own_rate = measured.rate.map(|rate| rate.hashes_per_second);
        let level = |level| LevelReport::new(level, own_rate, measured.workers, settings);
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
            rates: settings.rates.clone(),
            price_per_hour: settings.own_price_per_hour,
            fit,
            levels: measured.levels.into_iter().map(level).collect(),
            split: settings.split.max(1),
            within: settings
                .within
                .map(|(seconds, quantile)| Within::new(seconds, quantile, own_rate, settings)),
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

impl Times {
    /// Those of `puzzles` puzzles of this law, one after the other, at a rate.
    fn computed(law: Tries, puzzles: u32, rate: f64) -> Self {
        let quantile = |q: f64| Some(law.quantile_of_all(puzzles, q) / rate);
        Self {
            mean: law.expected() * f64::from(puzzles) / rate,
            p50: quantile(0.5),
            p90: quantile(0.9),
            p95: quantile(0.95),
            p99: quantile(0.99),
        }
    }

    fn measured(mined: &MinedLevel) -> Self {
        let elapsed: Vec<f64> = mined.samples.iter().map(|sample| sample.elapsed_s).collect();
        Self {
            mean: mined.elapsed_s() / elapsed.len() as f64,
            p50: quantile(&elapsed, 0.5),
            p90: quantile(&elapsed, 0.9),
            p95: quantile(&elapsed, 0.95),
            p99: quantile(&elapsed, 0.99),
        }
    }
}

impl Split {
    fn of(bits: f64, puzzles: u32, rate: Option<f64>) -> Option<Self> {
        let law = part(bits, puzzles)?;
        let mean = law.expected() * f64::from(puzzles);
        Some(Self {
            puzzles,
            bits: bits - f64::from(puzzles).log2(),
            p99_in_means: law.quantile_of_all(puzzles, 0.99) / mean,
            time_s: rate.map(|rate| Times::computed(law, puzzles, rate)),
        })
    }
}

impl AtRate {
    fn new(law: Tries, split: Option<&Split>, rate: &NamedRate) -> Self {
        let tries_s = |q: f64| law.quantile(q) / rate.hashes_per_second;
        let mean_s = law.expected() / rate.hashes_per_second;
        let solutions_per_hour = solutions_per_hour(law.expected(), rate.hashes_per_second);
        Self {
            name: rate.name.clone(),
            hashes_per_second: rate.hashes_per_second,
            mean_s,
            p50_s: tries_s(0.5),
            p95_s: tries_s(0.95),
            p99_s: tries_s(0.99),
            split_p99_s: split.map(|split| split.p99_in_means * mean_s),
            solutions_per_hour,
            cost_of_1000: (rate.price_per_hour).map(|price| cost_of_1000(price, solutions_per_hour)),
        }
    }
}

impl LevelReport {
    fn new(mined: MinedLevel, rate: Option<f64>, workers: f64, settings: &Settings) -> Self {
        let law = mined.level.tries();
        let bits = mined.level.bits();
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
        let measured = mined.is_measured();
        let an_hour = rate.map(|rate| solutions_per_hour(law.expected(), rate));
        let split = (settings.split > 1)
            .then(|| Split::of(bits, settings.split, rate))
            .flatten();
        let rates = settings.rates.iter();
        Self {
            bits,
            hex_zeros: (settings.step == Step::HexZero).then_some(bits as u32 / 4),
            target: mined.level.target().to_hex(),
            measured,
            expected_tries: law.expected(),
            tries,
            expected_time_s: rate.map(|rate| Times::computed(law, 1, rate)),
            time_s: measured.then(|| Times::measured(&mined)),
            hashes: measured.then(|| mined.hashes()),
            hashes_per_second: mined.hashes_per_second(),
            hashes_per_processor_second: mined.hashes_per_processor_second(),
            processor_share: mined.processor_share(workers),
            solutions_per_hour: an_hour,
            cost_of_1000: (settings.own_price_per_hour.zip(an_hour))
                .map(|(price, an_hour)| cost_of_1000(price, an_hour)),
            split,
            at_rates: rates.map(|rate| AtRate::new(law, split.as_ref(), rate)).collect(),
            samples: mined.samples,
        }
    }
}
