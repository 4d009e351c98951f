//! `paydirt compare` for people and spreadsheets.

use super::{cell, machine_text, opening, warnings_markdown};
use crate::render::{
    export::Export,
    numbers::{rate, seconds, significant, thousands},
    plot::{self, Format},
    table::{Align, Table, csv},
};
use paydirt_measure::{
    compare::{Answer, CompareReport, CompareStatus, LevelReport, Within},
    machine::Machine,
    statistics::LOWEST_P_VALUE,
    warnings::Warning,
};

impl Export for CompareReport {
    const SCHEMA: &'static str = "paydirt.compare/1";
    const NAME: &'static str = "compare";

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

    fn text(&self) -> String {
        format!(
            "{}\n{}\n\n{}\n{}",
            machine_text(&self.machine),
            what(self),
            table(self).to_text(),
            notes(self)
                .iter()
                .map(|note| format!("{note}\n"))
                .collect::<String>(),
        )
    }

    fn markdown(&self, picture: Option<&str>) -> String {
        let mut text = opening("Difficulty levels", &self.command, &self.machine);
        text += &format!("\n{}.\n\n{}\n", what(self), table(self).to_markdown());
        for note in notes(self) {
            text += &format!("- {note}\n");
        }
        text += &warnings_markdown(&self.warnings);
        if let Some(picture) = picture {
            text += &format!("\n![Time against difficulty]({picture})\n");
        }
        text
    }

    fn csv(&self) -> Vec<u8> {
        let mut names: Vec<String> = [
            "bits",
            "target",
            "measured",
            "puzzles",
            "expected_tries",
            "mean_tries",
            "tries_interval_low",
            "tries_interval_high",
            "tries_inside",
            "expected_s",
            "expected_p50_s",
            "expected_p90_s",
            "expected_p99_s",
            "mean_s",
            "p50_s",
            "p90_s",
            "p99_s",
            "hashes",
            "hashes_per_second",
        ]
        .map(str::to_owned)
        .to_vec();
        if let Some(level) = self.levels.first() {
            names.extend(
                level
                    .at_rates
                    .iter()
                    .flat_map(|at| [format!("{} p50_s", at.name), format!("{} p99_s", at.name)]),
            );
        }
        let row = |level: &LevelReport| {
            let (tries, expected, measured) = (level.tries, level.expected_time_s, level.time_s);
            let mut cells = vec![
                level.bits.to_string(),
                level.target.clone(),
                level.measured.to_string(),
                level.samples.len().to_string(),
                level.expected_tries.to_string(),
                cell(tries.map(|t| t.mean)),
                cell(tries.map(|t| t.interval_low)),
                cell(tries.map(|t| t.interval_high)),
                tries.map(|t| t.inside.to_string()).unwrap_or_default(),
            ];
            for times in [expected, measured] {
                cells.push(cell(times.map(|t| t.mean)));
                cells.push(cell(times.and_then(|t| t.p50)));
                cells.push(cell(times.and_then(|t| t.p90)));
                cells.push(cell(times.and_then(|t| t.p99)));
            }
            cells.push(level.hashes.map(|hashes| hashes.to_string()).unwrap_or_default());
            cells.push(cell(level.hashes_per_second));
            cells.extend(
                level
                    .at_rates
                    .iter()
                    .flat_map(|at| [at.p50_s.to_string(), at.p99_s.to_string()]),
            );
            cells
        };
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        csv(&names, self.levels.iter().map(row))
    }

    fn plot(&self, format: Format) -> anyhow::Result<Vec<u8>> {
        plot::compare::picture(self, format)
    }
}

fn what(report: &CompareReport) -> String {
    format!(
        "{} for each level (seed {}), each mined to its lowest nonce: kernel {}, threads {}",
        puzzles(report.samples),
        report.seed,
        report.kernel,
        report.threads
    )
}

fn table(report: &CompareReport) -> Table {
    use Align::{Left, Right};
    let mut columns: Vec<(String, Align)> = [
        ("bits", Right),
        ("figures", Left),
        ("expected tries", Right),
        ("mean tries", Right),
        ("95 % of means", Right),
        ("mean is", Left),
        ("expected time", Right),
        ("mean time", Right),
        ("p50", Right),
        ("p90", Right),
        ("p99", Right),
        ("rate", Right),
    ]
    .map(|(name, align)| (name.to_owned(), align))
    .to_vec();
    if let Some(level) = report.levels.first() {
        for at in &level.at_rates {
            columns.push((format!("{} p50", at.name), Right));
            columns.push((format!("{} p99", at.name), Right));
        }
    }
    let mut table = Table::new(columns);
    for level in &report.levels {
        // Of a level that was not run the computed quantiles are shown: the second column says which they are.
        let times = level.time_s.or(level.expected_time_s);
        let time = |time: Option<f64>| time.map_or("–".to_owned(), seconds);
        let mut cells = vec![
            level.bits.to_string(),
            if level.measured { "measured" } else { "computed" }.to_owned(),
            significant(level.expected_tries),
            level.tries.map_or("–".to_owned(), |t| significant(t.mean)),
            level.tries.map_or("–".to_owned(), |t| {
                format!(
                    "{} to {}",
                    significant(t.interval_low),
                    significant(t.interval_high)
                )
            }),
            level
                .tries
                .map_or("", |t| if t.inside { "inside" } else { "OUTSIDE" })
                .to_owned(),
            time(level.expected_time_s.map(|t| t.mean)),
            time(level.time_s.map(|t| t.mean)),
            time(times.and_then(|t| t.p50)),
            time(times.and_then(|t| t.p90)),
            time(times.and_then(|t| t.p99)),
            level.hashes_per_second.map_or("–".to_owned(), rate),
        ];
        cells.extend(
            level
                .at_rates
                .iter()
                .flat_map(|at| [seconds(at.p50_s), seconds(at.p99_s)]),
        );
        table.row(cells);
    }
    table
}

/// The verdict, and where the figures come from.
fn notes(report: &CompareReport) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(fit) = &report.fit {
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
        let outside = report
            .levels
            .iter()
            .filter(|l| l.tries.is_some_and(|t| !t.inside))
            .count();
        let measured = report.levels.iter().filter(|l| l.measured).count();
        notes.push(format!(
            "luck by level: {outside} of {measured} levels have a mean outside its interval, where 1 in 20 is to be expected"
        ));
    }
    if let Some(rate_used) = &report.rate {
        notes.push(format!(
            "rate: {}, {}; expected times are computed with it",
            rate(rate_used.hashes_per_second),
            rate_used.basis
        ));
    }
    let computed = report.levels.iter().filter(|l| !l.measured).count();
    if computed > 0 {
        let why = match report.status {
            CompareStatus::Interrupted => "were not completed when the comparison was interrupted".to_owned(),
            _ => format!(
                "did not fit the budget of {} and were not run",
                seconds(report.budget_s)
            ),
        };
        notes.push(format!(
            "computed: {computed} of {} levels {why}; their times follow from the target and the rate",
            report.levels.len(),
        ));
    }
    if let Some(within) = &report.within {
        for answer in &within.answers {
            notes.push(self::answer(answer, within));
        }
    }
    notes
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
