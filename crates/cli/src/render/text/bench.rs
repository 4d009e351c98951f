//! `paydirt bench` for people and spreadsheets.

use super::cell;
use crate::render::{
    export::Export,
    numbers::{rate, rate_unit, significant, thousands},
    plot::{self, Format},
    table::{Rows, Table},
};
use paydirt::record::KernelRateRecord;
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
        let shown = shown_in(self);
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
            .right("per CPU s", |row| shown(per_processor_second(row)))
            .right("ceiling", |row| shown(row.ceiling.hashes_per_second))
            .right("share", |row| percent(row.ceiling.share))
            .right("processor's ceiling", |row| {
                shown(row.ceiling.processor.as_ref().map(|all| all.hashes_per_second))
            })
            .right("share", |row| percent(share_of_processor(row)))
            .right("hits", hits);
        if self.baseline.is_some() {
            columns = columns.left("change", change);
        }
        columns.table()
    }

    fn narrow_table(&self) -> Table {
        let shown = shown_in(self);
        let columns = Rows::of(&self.rows)
            .left("puzzle", |row| row.puzzle.clone())
            .left("kernel", |row| row.kernel.clone())
            .right("threads", |row| row.threads.to_string())
            .right("median", |row| shown(row.hashes_per_second.map(|s| s.median)));
        if self.baseline.is_some() {
            return columns.left("change", change).table();
        }
        columns
            .right("MAD", |row| shown(row.hashes_per_second.map(|s| s.mad)))
            .spare()
            .right("per CPU s", |row| shown(per_processor_second(row)))
            .right("own", |row| percent(row.ceiling.share))
            .spare()
            .right("machine", |row| percent(share_of_processor(row)))
            .right("hits", hits)
            .spare()
            .table()
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
            .right("median_per_processor_second", |row| {
                cell(per_processor_second(row))
            })
            .right("ceiling", |row| cell(row.ceiling.hashes_per_second))
            .right("ceiling_share", |row| cell(row.ceiling.share))
            .right("processor_ceiling", |row| {
                cell(row.ceiling.processor.as_ref().map(|all| all.hashes_per_second))
            })
            .right("processor_ceiling_share", |row| cell(share_of_processor(row)))
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
        let mut puzzles: Vec<&BenchRow> = Vec::new();
        let mut without: Vec<&BenchRow> = Vec::new();
        for row in &self.rows {
            if !puzzles.iter().any(|seen| seen.puzzle == row.puzzle) {
                puzzles.push(row);
            }
            if row.ceiling.hashes_per_second.is_none()
                && !without.iter().any(|seen| seen.kernel == row.kernel)
            {
                without.push(row);
            }
        }
        if let Some(row) = self
            .rows
            .iter()
            .find(|row| row.ceiling.hashes_per_second.is_some())
        {
            notes.push(format!("a kernel's own ceiling: {}", row.ceiling.basis));
        }
        if let Some(row) = without.first() {
            let kernels: Vec<_> = without.iter().map(|row| &*row.kernel).collect();
            notes.push(format!(
                "ceiling of {}: {}",
                kernels.join(", "),
                row.ceiling.basis
            ));
        }
        for row in puzzles {
            if let Some(all) = &row.ceiling.processor {
                notes.push(format!(
                    "the machine's ceiling, {}: the highest of these, that of {}",
                    row.puzzle, all.kernel
                ));
            }
        }
        let chosen = self
            .rows
            .iter()
            .filter_map(|row| Some((row, row.chosen.as_ref()?)));
        for (row, chosen) in chosen {
            let shown = |of: &KernelRateRecord| format!("{} {}", of.kernel, rate(of.hashes_per_second));
            let rates: Vec<_> = chosen.rates.iter().map(shown).collect();
            notes.push(format!(
                "auto, {} ×{}: the first of {}",
                row.puzzle,
                row.threads,
                rates.join(", ")
            ));
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

/// Rates in the unit that suits a report.
fn shown_in(report: &BenchReport) -> impl Fn(Option<f64>) -> String + Copy {
    let (_, scale) = unit(report);
    move |rate| rate.map_or("–".to_owned(), |rate| significant(rate / scale))
}

fn percent(share: Option<f64>) -> String {
    share.map_or("–".to_owned(), |share| format!("{:.0} %", share * 100.0))
}

/// The median of the rates per second of processor time.
fn per_processor_second(row: &BenchRow) -> Option<f64> {
    row.hashes_per_processor_second.map(|summary| summary.median)
}

fn share_of_processor(row: &BenchRow) -> Option<f64> {
    row.ceiling.processor.as_ref()?.share
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
