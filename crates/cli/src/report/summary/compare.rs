//! `paydirt compare` for people and spreadsheets.

use crate::report::summary::{cell, machine_text, opening, warnings_markdown};
use crate::report::{
    AnswerReport, CompareReport, LevelReport,
    numbers::{rate, seconds, significant, thousands},
    table::{Align, Table, csv},
};

impl CompareReport {
    /// For a terminal.
    pub fn to_text(&self) -> String {
        format!(
            "{}\n{}\n\n{}\n{}",
            machine_text(&self.machine),
            self.what(),
            self.table().to_text(),
            self.notes()
                .iter()
                .map(|note| format!("{note}\n"))
                .collect::<String>(),
        )
    }

    /// As a Markdown document, with a link to `picture`.
    pub fn to_markdown(&self, picture: Option<&str>) -> String {
        let mut text = opening("Difficulty levels", &self.command, &self.machine);
        text += &format!("\n{}.\n\n{}\n", self.what(), self.table().to_markdown());
        for note in self.notes() {
            text += &format!("- {note}\n");
        }
        text += &warnings_markdown(&self.warnings);
        if let Some(picture) = picture {
            text += &format!("\n![Time against difficulty]({picture})\n");
        }
        text
    }

    /// As comma-separated values: times in seconds, rates in hashes per second.
    pub fn to_csv(&self) -> Vec<u8> {
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
        if let Some(level) = self.levels.first() {
            for at in &level.at_rates {
                columns.push((format!("{} p50", at.name), Right));
                columns.push((format!("{} p99", at.name), Right));
            }
        }
        let mut table = Table::new(columns);
        for level in &self.levels {
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
            let why = match self.status.as_str() {
                "interrupted" => "were not completed when the comparison was interrupted".to_owned(),
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
                notes.push(self.answer(answer, within.seconds, within.quantile));
            }
        }
        notes
    }

    fn answer(&self, answer: &AnswerReport, within_s: f64, quantile: f64) -> String {
        let who = format!("{} ({})", answer.name, rate(answer.hashes_per_second));
        let when = format!(
            "within {} in {} % of cases",
            seconds(within_s),
            significant(quantile * 100.0)
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

    /// What is wrong, when the tries do not fit.
    pub fn misfit(&self) -> Option<String> {
        let fit = self.fit.as_ref().filter(|fit| !fit.fits)?;
        Some(format!(
            "the tries of these {} puzzles are not those of a right engine (p = {}, below {}): kernel {} seems to lose solutions; try another --seed, and please report this",
            fit.puzzles,
            p_value(fit.p_value),
            fit.lowest_p_value,
            self.kernel
        ))
    }
}

fn puzzles(count: usize) -> String {
    match count {
        1 => "1 puzzle".to_owned(),
        _ => format!("{} puzzles", thousands(count)),
    }
}

fn p_value(p: f64) -> String {
    use paydirt_measure::statistics::LOWEST_P_VALUE;
    if p <= LOWEST_P_VALUE {
        return "below 0.00001".to_owned();
    }
    significant(p)
}
