//! `paydirt compare` for people and spreadsheets.

mod tables;

use super::cell;
use crate::render::{
    export::Export,
    numbers::{rate, seconds, significant, thousands},
    plot::{self, Format},
    table::{Rows, Table},
};
use paydirt_measure::{
    compare::{AtRate, CompareReport, CompareStatus, LevelReport, MeasuredTries, Split, Times},
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
        tables::levels(self)
    }

    fn narrow_table(&self) -> Table {
        tables::narrow_levels(self)
    }

    fn more_tables(&self) -> Vec<(String, Table)> {
        tables::more(self)
    }

    fn figures(&self) -> Table {
        let tries = |of: fn(MeasuredTries) -> f64| move |level: &LevelReport| cell(level.tries.map(of));
        let expected = |of: fn(Times) -> Option<f64>| {
            move |level: &LevelReport| cell(level.expected_time_s.and_then(of))
        };
        let measured =
            |of: fn(Times) -> Option<f64>| move |level: &LevelReport| cell(level.time_s.and_then(of));
        let split = |of: fn(Split) -> Option<f64>| move |level: &LevelReport| cell(level.split.and_then(of));
        let mut columns = Rows::of(&self.levels)
            .right("bits", |level| level.bits.to_string())
            .right("hex_zeros", |level| {
                level.hex_zeros.map(|zeros| zeros.to_string()).unwrap_or_default()
            })
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
            .right("expected_p95_s", expected(|t| t.p95))
            .right("expected_p99_s", expected(|t| t.p99))
            .right("mean_s", measured(|t| Some(t.mean)))
            .right("p50_s", measured(|t| t.p50))
            .right("p90_s", measured(|t| t.p90))
            .right("p95_s", measured(|t| t.p95))
            .right("p99_s", measured(|t| t.p99))
            .right("hashes", |level| {
                level.hashes.map(|hashes| hashes.to_string()).unwrap_or_default()
            })
            .right("hashes_per_second", |level| cell(level.hashes_per_second))
            .right("hashes_per_processor_second", |level| {
                cell(level.hashes_per_processor_second)
            })
            .right("processor_share", |level| cell(level.processor_share))
            .right("solutions_per_hour", |level| cell(level.solutions_per_hour))
            .right("cost_of_1000", |level| cell(level.cost_of_1000))
            .right("split_bits", split(|s| Some(s.bits)))
            .right("split_p99_in_means", split(|s| Some(s.p99_in_means)))
            .right("split_p95_s", split(|s| s.time_s?.p95))
            .right("split_p99_s", split(|s| s.time_s?.p99));
        for (index, name) in self.rates.iter().map(|rate| &rate.name).enumerate() {
            let at =
                |of: fn(&AtRate) -> Option<f64>| move |level: &LevelReport| cell(of(&level.at_rates[index]));
            columns = columns
                .right(format!("{name} mean_s"), at(|at| Some(at.mean_s)))
                .right(format!("{name} p50_s"), at(|at| Some(at.p50_s)))
                .right(format!("{name} p95_s"), at(|at| Some(at.p95_s)))
                .right(format!("{name} p99_s"), at(|at| Some(at.p99_s)))
                .right(format!("{name} split_p99_s"), at(|at| at.split_p99_s))
                .right(
                    format!("{name} solutions_per_hour"),
                    at(|at| Some(at.solutions_per_hour)),
                )
                .right(format!("{name} cost_of_1000"), at(|at| at.cost_of_1000));
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
            let found = rate(rate_used.hashes_per_second);
            let how = match rate_used.hashes_per_processor_second {
                Some(_) => "by processor time, ",
                None => "",
            };
            notes.push(format!(
                "rate: {found}, {how}{}; expected times are computed with it",
                rate_used.basis
            ));
            notes.extend(tables::busy(self, rate_used));
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
        let named = self.rates.iter();
        notes.extend(named.filter_map(|rate| Some(format!("{}: {}", rate.name, rate.source.as_ref()?))));
        notes
    }

    fn picture(&self, format: Format) -> anyhow::Result<Vec<u8>> {
        plot::compare::picture(self, format)
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
