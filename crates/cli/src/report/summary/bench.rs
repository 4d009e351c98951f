//! `paydirt bench` for people and spreadsheets.

use crate::report::summary::{cell, machine_text, opening, warnings_markdown};
use crate::report::{
    BenchReport, BenchRow,
    numbers::{rate, rate_unit, significant, thousands},
    table::{Align, Table, csv},
};

impl BenchReport {
    /// For a terminal.
    pub fn to_text(&self) -> String {
        let (unit, table) = self.table();
        format!(
            "{}\nhash rates in {unit}, {}\n\n{}\n{}",
            machine_text(&self.machine),
            self.sampling(),
            table.to_text(),
            self.notes()
                .iter()
                .map(|note| format!("{note}\n"))
                .collect::<String>(),
        )
    }

    /// As a Markdown document, with a link to `picture`.
    pub fn to_markdown(&self, picture: Option<&str>) -> String {
        let (unit, table) = self.table();
        let mut text = opening("Hash rates", &self.command, &self.machine);
        text += &format!(
            "\nHash rates in {unit}, {}.\n\n{}\n",
            self.sampling(),
            table.to_markdown()
        );
        for note in self.notes() {
            text += &format!("- {note}\n");
        }
        text += &warnings_markdown(&self.warnings);
        if let Some(picture) = picture {
            text += &format!("\n![Hash rates by kernel and threads]({picture})\n");
        }
        text
    }

    /// As comma-separated values: rates in hashes per second, as they are.
    pub fn to_csv(&self) -> Vec<u8> {
        let names = [
            "puzzle",
            "kernel",
            "threads",
            "samples",
            "median",
            "mean",
            "standard_deviation",
            "min",
            "max",
            "mad",
            "median_per_thread",
            "ceiling",
            "ceiling_share",
            "hits",
            "expected_hits",
            "change_percent",
            "change_low_percent",
            "change_high_percent",
            "change_verdict",
        ];
        let row = |row: &BenchRow| {
            let stats = row.hashes_per_second;
            let change = row.change.as_ref();
            vec![
                row.puzzle.clone(),
                row.kernel.clone(),
                row.threads.to_string(),
                row.samples.len().to_string(),
                cell(stats.map(|s| s.median)),
                cell(stats.map(|s| s.mean)),
                cell(stats.and_then(|s| s.standard_deviation)),
                cell(stats.map(|s| s.min)),
                cell(stats.map(|s| s.max)),
                cell(stats.map(|s| s.mad)),
                cell(row.hashes_per_second_per_thread),
                cell(row.ceiling.hashes_per_second),
                cell(row.ceiling.share),
                row.hits().to_string(),
                row.samples
                    .iter()
                    .map(|s| s.expected_hits)
                    .sum::<u64>()
                    .to_string(),
                cell(change.map(|c| c.percent)),
                cell(change.and_then(|c| c.low_percent)),
                cell(change.and_then(|c| c.high_percent)),
                change.map(|c| c.verdict.clone()).unwrap_or_default(),
            ]
        };
        csv(&names, self.rows.iter().map(row))
    }

    fn sampling(&self) -> String {
        format!(
            "{} samples of {} s each, taken in turn",
            self.samples, self.seconds
        )
    }

    fn table(&self) -> (&'static str, Table) {
        use Align::{Left, Right};
        let mut columns = vec![
            ("puzzle", Left),
            ("kernel", Left),
            ("threads", Right),
            ("median", Right),
            ("mean", Right),
            ("σ", Right),
            ("min", Right),
            ("max", Right),
            ("MAD", Right),
            ("per thread", Right),
            ("ceiling", Right),
            ("share", Right),
            ("hits", Right),
        ];
        if self.baseline.is_some() {
            columns.push(("change", Left));
        }
        let rates = self
            .rows
            .iter()
            .filter_map(|row| row.hashes_per_second.map(|s| s.max));
        let (unit, scale) = rate_unit(rates.fold(0.0, f64::max));
        let shown = |rate: Option<f64>| rate.map_or("–".to_owned(), |rate| significant(rate / scale));
        let mut table = Table::new(columns);
        for row in &self.rows {
            let stats = row.hashes_per_second;
            let mut cells = vec![
                row.puzzle.clone(),
                row.kernel.clone(),
                row.threads.to_string(),
                shown(stats.map(|s| s.median)),
                shown(stats.map(|s| s.mean)),
                shown(stats.and_then(|s| s.standard_deviation)),
                shown(stats.map(|s| s.min)),
                shown(stats.map(|s| s.max)),
                shown(stats.map(|s| s.mad)),
                shown(row.hashes_per_second_per_thread),
                shown(row.ceiling.hashes_per_second),
                row.ceiling
                    .share
                    .map_or("–".to_owned(), |share| format!("{:.0} %", share * 100.0)),
                hits(row),
            ];
            if self.baseline.is_some() {
                cells.push(change(row));
            }
            table.row(cells);
        }
        (unit, table)
    }

    /// What the columns leave open.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let samples = self.rows.iter().flat_map(|row| &row.samples);
        let (hits, hashes) = samples.fold((0, 0), |(hits, hashes), s| (hits + s.hits, hashes + s.hashes));
        notes.push(if self.rows.iter().all(BenchRow::hits_are_right) {
            format!(
                "hits: all {} solutions that the oracle finds in these {} hashes were found",
                thousands(hits),
                thousands(hashes)
            )
        } else {
            "hits: NOT those of the oracle; the rates mean nothing".to_owned()
        });
        let mut kernels: Vec<&BenchRow> = Vec::new();
        for row in &self.rows {
            if !kernels.iter().any(|seen| seen.kernel == row.kernel) {
                kernels.push(row);
            }
        }
        for row in kernels {
            notes.push(format!("ceiling of {}: {}", row.kernel, row.ceiling.basis));
        }
        if let Some(baseline) = &self.baseline {
            notes.push(format!(
                "change: of the median since {} ({}), with its 95 % bootstrap interval; it speaks of the scatter within both runs",
                baseline.file, baseline.date
            ));
        }
        if self.status == "interrupted" {
            notes.push("interrupted: the samples completed until then".to_owned());
        }
        notes
    }

    /// The kernel that lost hits and where, when one did.
    pub fn miscount(&self) -> Option<String> {
        let row = self.rows.iter().find(|row| !row.hits_are_right())?;
        let sample = row
            .samples
            .iter()
            .find(|sample| sample.hits != sample.expected_hits)?;
        let range = sample.ranges.first()?;
        Some(format!(
            "kernel {} with {} threads found {} of the {} solutions among {} {} nonces from {}: its rate ({}) means nothing; please report this",
            row.kernel,
            row.threads,
            sample.hits,
            sample.expected_hits,
            thousands(sample.hashes),
            row.puzzle,
            range.start,
            rate(sample.hashes_per_second),
        ))
    }
}

fn hits(row: &BenchRow) -> String {
    let mark = if row.hits_are_right() { "✓" } else { "✗ WRONG" };
    format!("{} {mark}", thousands(row.hits()))
}

fn change(row: &BenchRow) -> String {
    match &row.change {
        None => "not in the baseline".to_owned(),
        Some(change) => match change.low_percent.zip(change.high_percent) {
            Some((low, high)) => format!(
                "{:+.1} % [{low:+.1}, {high:+.1}] {}",
                change.percent, change.verdict
            ),
            None => format!("{:+.1} % {}", change.percent, change.verdict),
        },
    }
}
