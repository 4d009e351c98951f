//! `paydirt chain stats`: block times and difficulty, in numbers and in a picture.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::{
    cli::{
        exit::Exit,
        ledger_args::DataArgs,
        output::{self, seconds, thousands},
    },
    report::chain::{ChainStatsReport, History, plot},
};

const EXAMPLES: &str = "\
Examples:
  paydirt chain stats                    # numbers, and a plot in the terminal
  paydirt chain stats --svg chain.svg    # the plot as a picture
  paydirt chain stats --json";

/// Block times and difficulty of a stored ledger
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct StatsArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Write the plot of block times and difficulty into this file, as SVG
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print one JSON object (schema paydirt.chain-stats/1)
    #[arg(long)]
    json: bool,
}

impl StatsArgs {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let ledger = self.data.open()?;
        let history = History::of(&ledger)?;
        let report = ChainStatsReport::new(&ledger, &history);
        if let Some(path) = &self.svg {
            let picture = plot::svg(&history)?;
            std::fs::write(path, picture).with_context(|| format!("cannot write {}", path.display()))?;
        }
        if self.json {
            output::json_line(&report)?;
        } else {
            output::text(&(readable(&report) + &plot::text(&history)))?;
        }
        Ok(Exit::Done)
    }
}

fn readable(report: &ChainStatsReport) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: String| text.push_str(&format!("{label:<12}{value}\n"));
    line("network", report.network.clone());
    line(
        "length",
        format!(
            "{} blocks, {} to {} UTC",
            thousands(report.length),
            report.first_time,
            report.last_time
        ),
    );
    line(
        "stored",
        format!(
            "{} transactions in blocks, {} waiting, {} moved",
            thousands(report.transactions),
            thousands(report.pending),
            thousands(report.amount_moved),
        ),
    );
    if let Some(times) = &report.block_time_s {
        line(
            "block time",
            format!(
                "median {}, mean {}, {} to {}",
                seconds(times.median),
                seconds(times.mean),
                seconds(times.least),
                seconds(times.most),
            ),
        );
    }
    let bits = &report.difficulty_bits;
    line(
        "difficulty",
        format!(
            "{:.2} bits now, {:.2} to {:.2}, next {:.2}",
            bits.last, bits.least, bits.most, bits.next
        ),
    );
    line("work", format!("{:.2} bits in all", report.work_bits));
    text
}
