//! `paydirt chain stats`: block times and difficulty, in numbers and in a picture.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::{
    options::ledger::DataArgs,
    render::{bars, export, numbers::utc, plot},
    terminal::{
        exit::Exit,
        output::{self, seconds, thousands},
    },
};
use paydirt_ledger::{BlockTimes, History, Ledger, Work};

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
        let report = StatsReport::new(&ledger, &history);
        if let Some(file) = &self.plot {
            let format = export::picture_format(file)?;
            export::write(file, &plot::chain::picture(&history, report.length, format)?)?;
        }
        output::result(self.json, "paydirt.chain-stats/1", &report, |report| {
            readable(report) + &bars::text(&history)
        })?;
        Ok(Exit::Done)
    }
}

#[derive(Debug, Serialize)]
struct StatsReport {
    /// The network's parameters, as its genesis block states them.
    network: String,
    /// Blocks of the active branch.
    length: u64,
    /// The tip's hash.
    tip: String,
    /// The time of the first block after genesis (of genesis, while there is no other), UTC.
    first_time: String,
    /// The time of the tip, UTC.
    last_time: String,
    /// Transactions in the active blocks, rewards among them.
    transactions: u64,
    /// Transactions that wait.
    pending: usize,
    /// The sum of all transfers in the active blocks, rewards not counted.
    amount_moved: u128,
    /// Seconds from a block's time to the next's, genesis left out; null while there are fewer than two others.
    block_time_s: Option<BlockTimes>,
    /// Difficulty of the blocks, genesis left out while there are others.
    difficulty_bits: DifficultyRange,
    /// log2 of the hashes the branch took on average.
    work_bits: f64,
}

/// Difficulties in bits.
#[derive(Debug, Serialize)]
struct DifficultyRange {
    least: f64,
    most: f64,
    last: f64,
    /// Of the next block.
    next: f64,
}

impl StatsReport {
    fn new(ledger: &Ledger, history: &History) -> Self {
        let tip = ledger.tip();
        let bits = || history.blocks.iter().map(|block| block.bits);
        Self {
            network: ledger.parameters().statement(),
            length: tip.index,
            tip: tip.hash.to_string(),
            first_time: utc(history.blocks.first().map_or(0, |block| block.time_s)),
            last_time: utc(tip.header.time),
            transactions: history.transactions,
            pending: ledger.view().pending.len(),
            amount_moved: history.amount_moved,
            block_time_s: history.block_time_s(),
            difficulty_bits: DifficultyRange {
                least: bits().fold(f64::INFINITY, f64::min),
                most: bits().fold(0.0, f64::max),
                last: bits().next_back().unwrap_or(0.0),
                next: Work::of(tip.next.target()).log2(),
            },
            work_bits: tip.work.log2(),
        }
    }
}

fn readable(report: &StatsReport) -> String {
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
