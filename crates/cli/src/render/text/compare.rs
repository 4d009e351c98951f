//! `paydirt compare` for people and spreadsheets.

use super::cell;
use crate::render::{
    export::Export,
    numbers::{rate, seconds, significant, thousands},
    plot::{self, Format},
    table::{Rows, Table},
};
use paydirt_measure::{
    compare::{Answer, CompareReport, CompareStatus, LevelReport, MeasuredTries, Times, Within},
    machine::Machine,
    statistics::LOWEST_P_VALUE,
    warnings::Warning,
};

impl Export for CompareReport {
    const SCHEMA: &'static str = "paydirt.compare/1";
    const NAME: &'static str = "compare";
    const TITLE: &'static str = "Difficulty levels";
    const PICTURE: &'static str = "Time against difficulty";

    fn command(&self) -> &[String] {
        &self.command
    }

    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    fn fault(&self) -> Option<String> {
        let fit = self.fit.as_ref().filter(|fit| !fit.fits)?;
        Some(format!(
            "the tries of these {} puzzles are not those of a right engine (p = {}, below {}): kernel {} seems to lose solutions; try another --seed, and please report this",
            fit.puzzles,
            p_value(fit.p_value),
            fit.lowest_p_value,
            self.kernel
        ))
    }

    fn what(&self) -> String {
        format!(
            "{} for each level (seed {}), each mined to its lowest nonce: kernel {}, threads {}",
            puzzles(self.samples),
            self.seed,
            self.kernel,
            self.threads
        )
    }

    fn table(&self) -> Table {
        let dash = || "–".to_owned();
        let time = move |time: Option<f64>| time.map_or_else(dash, seconds);
        // Of a level that was not run the computed quantiles are shown: the second column says which they are.
        let times = |level: &LevelReport| level.time_s.or(level.expected_time_s);
        let quantile =
            |of: fn(Times) -> Option<f64>| move |level: &LevelReport| time(times(level).and_then(of));
        let mut columns = Rows::of(&self.levels)
            .right("bits", |level| level.bits.to_string())
            .left("figures", |level| {
                if level.measured { "measured" } else { "computed" }.to_owned()
            })
            .right("expected tries", |level| significant(level.expected_tries))
            .right("mean tries", |level| {
                level.tries.map_or_else(dash, |t| significant(t.mean))
            })
            .right("95 % of means", |level| {
                let interval = level
                    .tries
                    .map(|t| [t.interval_low, t.interval_high].map(significant));
                interval.map_or_else(dash, |interval| interval.join(" to "))
            })
            .left("mean is", |level| {
                let inside = level.tries.map(|t| if t.inside { "inside" } else { "OUTSIDE" });
                inside.unwrap_or_default().to_owned()
            })
            .right("expected time", |level| {
                time(level.expected_time_s.map(|t| t.mean))
            })
            .right("mean time", |level| time(level.time_s.map(|t| t.mean)))
            .right("p50", quantile(|t| t.p50))
            .right("p90", quantile(|t| t.p90))
            .right("p99", quantile(|t| t.p99))
            .right("rate", |level| level.hashes_per_second.map_or_else(dash, rate));
        for (index, name) in rate_names(self) {
            columns = columns.right(format!("{name} p50"), |level| {
                seconds(level.at_rates[index].p50_s)
            });
            columns = columns.right(format!("{name} p99"), |level| {
                seconds(level.at_rates[index].p99_s)
            });
        }
        columns.table()
    }

    fn figures(&self) -> Table {
        let tries = |of: fn(MeasuredTries) -> f64| move |level: &LevelReport| cell(level.tries.map(of));
        let expected = |of: fn(Times) -> Option<f64>| {
            move |level: &LevelReport| cell(level.expected_time_s.and_then(of))
        };
        let measured =
            |of: fn(Times) -> Option<f64>| move |level: &LevelReport| cell(level.time_s.and_then(of));
        let mut columns = Rows::of(&self.levels)
            .right("bits", |level| level.bits.to_string())
            .left("target", |level| level.target.clone())
            .left("measured", |level| level.measured.to_string())
            .right("puzzles", |level| level.samples.len().to_string())
            .right("expected_tries", |level| level.expected_tries.to_string())
            .right("mean_tries", tries(|t| t.mean))
            .right("tries_interval_low", tries(|t| t.interval_low))
            .right("tries_interval_high", tries(|t| t.interval_high))
            .left("tries_inside", |level| {
                level.tries.map(|t| t.inside.to_string()).unwrap_or_default()
            })
            .right("expected_s", expected(|t| Some(t.mean)))
            .right("expected_p50_s", expected(|t| t.p50))
            .right("expected_p90_s", expected(|t| t.p90))
            .right("expected_p99_s", expected(|t| t.p99))
            .right("mean_s", measured(|t| Some(t.mean)))
            .right("p50_s", measured(|t| t.p50))
            .right("p90_s", measured(|t| t.p90))
            .right("p99_s", measured(|t| t.p99))
            .right("hashes", |level| {
                level.hashes.map(|hashes| hashes.to_string()).unwrap_or_default()
            })
            .right("hashes_per_second", |level| cell(level.hashes_per_second));
        for (index, name) in rate_names(self) {
            columns = columns.right(format!("{name} p50_s"), |level| {
                level.at_rates[index].p50_s.to_string()
            });
            columns = columns.right(format!("{name} p99_s"), |level| {
                level.at_rates[index].p99_s.to_string()
            });
        }
        columns.table()
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(fit) = &self.fit {
            notes.push(format!(
                "luck: {} (Anderson-Darling over the tries of all puzzles, {} in number: A² = {:.3}, p = {})",
                if fit.fits {
                    "the tries fit the geometric distribution"
                } else {
                    "THE TRIES DO NOT FIT THE GEOMETRIC DISTRIBUTION"
                },
                fit.puzzles,
                fit.statistic,
                p_value(fit.p_value),
            ));
            let outside = self
                .levels
                .iter()
                .filter(|l| l.tries.is_some_and(|t| !t.inside))
                .count();
            let measured = self.levels.iter().filter(|l| l.measured).count();
            notes.push(format!(
                "luck by level: {outside} of {measured} levels have a mean outside its interval, where 1 in 20 is to be expected"
            ));
        }
        if let Some(rate_used) = &self.rate {
            notes.push(format!(
                "rate: {}, {}; expected times are computed with it",
                rate(rate_used.hashes_per_second),
                rate_used.basis
            ));
        }
        let computed = self.levels.iter().filter(|l| !l.measured).count();
        if computed > 0 {
            let why = match self.status {
                CompareStatus::Interrupted => {
                    "were not completed when the comparison was interrupted".to_owned()
                }
                _ => format!(
                    "did not fit the budget of {} and were not run",
                    seconds(self.budget_s)
                ),
            };
            notes.push(format!(
                "computed: {computed} of {} levels {why}; their times follow from the target and the rate",
                self.levels.len(),
            ));
        }
        if let Some(within) = &self.within {
            for answer in &within.answers {
                notes.push(self::answer(answer, within));
            }
        }
        notes
    }

    fn picture(&self, format: Format) -> anyhow::Result<Vec<u8>> {
        plot::compare::picture(self, format)
    }
}

/// The names of others' rates, which are the same at each level.
fn rate_names(report: &CompareReport) -> impl Iterator<Item = (usize, &str)> {
    let rates = report
        .levels
        .first()
        .into_iter()
        .flat_map(|level| &level.at_rates);
    rates.map(|at| at.name.as_str()).enumerate()
}

fn answer(answer: &Answer, within: &Within) -> String {
    let who = format!("{} ({})", answer.name, rate(answer.hashes_per_second));
    let when = format!(
        "within {} in {} % of cases",
        seconds(within.seconds),
        significant(within.quantile * 100.0)
    );
    match (answer.bits, answer.whole_bits, answer.hex_zeros) {
        (Some(bits), Some(whole), Some(zeros)) => format!(
            // Rounded down: the answer must still be solved in time.
            "within: {who} solves {:.2} bits at most {when}; in whole bits {whole}, in hex zeros {zeros} (computed)",
            (bits * 100.0).floor() / 100.0,
        ),
        _ => format!("within: {who} cannot compute a single hash {when}"),
    }
}

fn puzzles(count: usize) -> String {
    match count {
        1 => "1 puzzle".to_owned(),
        _ => format!("{} puzzles", thousands(count)),
    }
}

fn p_value(p: f64) -> String {
    if p <= LOWEST_P_VALUE {
        return "below 0.00001".to_owned();
    }
    significant(p)
}
