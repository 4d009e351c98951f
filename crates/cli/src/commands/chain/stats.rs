//! `paydirt chain stats`: block times and difficulty, in numbers and in a picture.

use std::path::PathBuf;

use clap::Args;

use crate::{
    options::ledger::DataArgs,
    render::export,
    report::chain::{ChainStatsReport, History, bars},
    terminal::{
        exit::Exit,
        output::{self, seconds, thousands},
    },
};

const EXAMPLES: &str = "\
Examples:
  paydirt chain stats                     # numbers, and a plot in the terminal
  paydirt chain stats --plot chain.svg    # the plot as a picture
  paydirt chain stats --json";

/// Block times and difficulty of a stored ledger
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct StatsArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Draw a picture of block times and difficulty: FILE.svg or FILE.png
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Print one JSON object (schema paydirt.chain-stats/1)
    #[arg(long, help_heading = "Output")]
    json: bool,
}

impl StatsArgs {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        if let Some(file) = &self.plot {
            export::check_file("plot", file)?;
            export::picture_format(file)?;
        }
        let ledger = self.data.open()?;
        let history = History::of(&ledger)?;
        let report = ChainStatsReport::new(&ledger, &history);
        if let Some(file) = &self.plot {
            export::write(file, &report.picture(&history, export::picture_format(file)?)?)?;
        }
        if self.json {
            output::json_line(&report)?;
        } else {
            output::text(&(readable(&report) + &bars::text(&history)))?;
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
            "{} transactions in blocks, {} waiting, an amount of {} moved",
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
