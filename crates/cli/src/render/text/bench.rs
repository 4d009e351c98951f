//! `paydirt bench` for people and spreadsheets.

use super::cell;
use crate::render::{
    export::Export,
    numbers::{rate, rate_unit, significant, thousands},
    plot::{self, Format},
    table::{Rows, Table},
};
use paydirt_measure::{
    bench::{BenchReport, BenchRow, BenchStatus},
    machine::Machine,
    statistics::{Change, Summary},
    warnings::Warning,
};

impl Export for BenchReport {
    const SCHEMA: &'static str = "paydirt.bench/1";
    const NAME: &'static str = "bench";
    const TITLE: &'static str = "Hash rates";
    const PICTURE: &'static str = "Hash rates by kernel and threads";

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
            range.start(),
            rate(sample.hashes_per_second),
        ))
    }

    fn what(&self) -> String {
        let (unit, _) = unit(self);
        let (samples, seconds) = (self.samples, self.seconds);
        format!("hash rates in {unit}, {samples} samples of {seconds} s each, taken in turn")
    }

    fn table(&self) -> Table {
        let (_, scale) = unit(self);
        let shown = |rate: Option<f64>| rate.map_or("–".to_owned(), |rate| significant(rate / scale));
        let percent =
            |share: Option<f64>| share.map_or("–".to_owned(), |share| format!("{:.0} %", share * 100.0));
        let of = |figure: fn(Summary) -> f64| move |row: &BenchRow| shown(row.hashes_per_second.map(figure));
        let mut columns = Rows::of(&self.rows)
            .left("puzzle", |row| row.puzzle.clone())
            .left("kernel", |row| row.kernel.clone())
            .right("threads", |row| row.threads.to_string())
            .right("median", of(|s| s.median))
            .right("mean", of(|s| s.mean))
            .right("σ", |row| {
                shown(row.hashes_per_second.and_then(|s| s.standard_deviation))
            })
            .right("min", of(|s| s.min))
            .right("max", of(|s| s.max))
            .right("MAD", of(|s| s.mad))
            .right("per thread", |row| shown(row.hashes_per_second_per_thread))
            .right("ceiling", |row| shown(row.ceiling.hashes_per_second))
            .right("share", |row| percent(row.ceiling.share))
            .right("hits", hits);
        if self.baseline.is_some() {
            columns = columns.left("change", change);
        }
        columns.table()
    }

    fn figures(&self) -> Table {
        let of = |figure: fn(Summary) -> f64| move |row: &BenchRow| cell(row.hashes_per_second.map(figure));
        let changed = |figure: fn(&Change) -> Option<f64>| {
            move |row: &BenchRow| cell(row.change.as_ref().and_then(figure))
        };
        let expected_hits = |row: &BenchRow| row.samples.iter().map(|s| s.expected_hits).sum::<u64>();
        let verdict = |row: &BenchRow| row.change.map(|change| change.verdict.name());
        Rows::of(&self.rows)
            .left("puzzle", |row| row.puzzle.clone())
            .left("kernel", |row| row.kernel.clone())
            .right("threads", |row| row.threads.to_string())
            .right("samples", |row| row.samples.len().to_string())
            .right("median", of(|s| s.median))
            .right("mean", of(|s| s.mean))
            .right("standard_deviation", |row| {
                cell(row.hashes_per_second.and_then(|s| s.standard_deviation))
            })
            .right("min", of(|s| s.min))
            .right("max", of(|s| s.max))
            .right("mad", of(|s| s.mad))
            .right("median_per_thread", |row| cell(row.hashes_per_second_per_thread))
            .right("ceiling", |row| cell(row.ceiling.hashes_per_second))
            .right("ceiling_share", |row| cell(row.ceiling.share))
            .right("hits", |row| row.hits().to_string())
            .right("expected_hits", |row| expected_hits(row).to_string())
            .right("change_percent", changed(|c| Some(c.percent)))
            .right("change_low_percent", changed(|c| c.low_percent))
            .right("change_high_percent", changed(|c| c.high_percent))
            .left("change_verdict", |row| {
                verdict(row).unwrap_or_default().to_owned()
            })
            .table()
    }

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
        if self.status == BenchStatus::Interrupted {
            notes.push("interrupted: the samples completed until then".to_owned());
        }
        notes
    }

    fn picture(&self, format: Format) -> anyhow::Result<Vec<u8>> {
        plot::bench::picture(self, format)
    }
}

/// The unit that suits the rates, and its size in H/s.
fn unit(report: &BenchReport) -> (&'static str, f64) {
    let rates = report
        .rows
        .iter()
        .filter_map(|row| Some(row.hashes_per_second?.max));
    rate_unit(rates.fold(0.0, f64::max))
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
                change.percent,
                change.verdict.name()
            ),
            None => format!("{:+.1} % {}", change.percent, change.verdict.name()),
        },
    }
}
