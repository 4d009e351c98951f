//! `paydirt chain mine`: blocks without a server.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use clap::Args;
use serde::Serialize;

use crate::{
    options::{
        MachineArgs,
        ledger::{DataArgs, NetworkArgs},
        one_or_more, parse,
    },
    terminal::{
        exit::Exit,
        interrupt::on_interrupt,
        output::{self, rate, seconds, thousands},
        progress::StepBar,
    },
};
use paydirt::Cancel;
use paydirt_jobs::Event;
use paydirt_ledger::{Ledger, Mined, MiningEnd, MiningPlan, mine_blocks};

const EXAMPLES: &str = "\
Examples:
  paydirt chain mine            # one block, with what waits in the queue
  paydirt chain mine --count 100 --bits 20 --data /tmp/hard

  # A made-up history
  paydirt chain mine --count 100000 --bits 1 --spacing 60 --data /tmp/long";

/// Mine blocks into a stored ledger
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct MineArgs {
    /// How many blocks [default: 1]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    count: Option<String>,
    /// Make up the times: each block this many seconds after its parent [default: the clock's time]
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    spacing: Option<String>,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    network: NetworkArgs,
    #[command(flatten)]
    machine: MachineArgs,
    /// Print one JSON object (schema paydirt.chain-mine/1)
    #[arg(long, help_heading = "Output")]
    json: bool,
}

impl MineArgs {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let count = parse("count", self.count.as_deref().unwrap_or("1"), one_or_more::<u64>)?;
        let spacing_s = (self.spacing.as_deref())
            .map(|text| parse("spacing", text, one_or_more))
            .transpose()?;
        let network = self.network.resolve()?;
        let miner = self.machine.miner()?;
        let cancel = Cancel::new();
        on_interrupt(&cancel)?;
        let ledger = self.data.open_or_create(network.as_ref())?;

        let begun = Instant::now();
        let bar = StepBar::new();
        let blocks = AtomicU64::new(0);
        let show = |rate_now: Option<f64>| {
            let done = blocks.load(Ordering::Relaxed);
            let rate_now = rate_now.map_or(String::new(), |rate_now| format!(" · {}", rate(rate_now)));
            let place = format!("{} of {} blocks{rate_now}", thousands(done), thousands(count));
            bar.show(done as f64 / count as f64, &place, None);
        };
        let plan = MiningPlan { count, spacing_s };
        let mined = mine_blocks(
            &ledger,
            &miner,
            &cancel,
            plan,
            &|event| {
                if let Event::Progress(_, of_block) = event {
                    show(of_block.hashes_per_second());
                }
            },
            &|stored| {
                blocks.fetch_add(stored.len() as u64, Ordering::Relaxed);
                show(None);
            },
        );
        drop(bar);
        let report = MineReport::new(&ledger, &mined, begun.elapsed().as_secs_f64());
        output::result(self.json, "paydirt.chain-mine/1", &report, readable)?;
        match mined.end {
            MiningEnd::Done => Ok(Exit::Done),
            MiningEnd::Stopped => Ok(Exit::Interrupted),
            MiningEnd::Failed(error) => Err(error.into()),
        }
    }
}

#[derive(Debug, Serialize)]
struct MineReport {
    /// `done`, `interrupted`, or `failed`: what was mined before is stored.
    status: &'static str,
    /// Blocks mined and stored.
    blocks: u64,
    /// Blocks of the active branch now.
    length: u64,
    /// The tip's hash now.
    tip: String,
    /// Transactions that still wait.
    pending: usize,
    /// Hashes computed for the blocks.
    hashes: u64,
    /// Wall time, storing included, in seconds.
    elapsed_s: f64,
    /// Hashes over the time spent mining; null when that was too short to measure.
    hashes_per_second: Option<f64>,
}

impl MineReport {
    fn new(ledger: &Ledger, mined: &Mined, elapsed_s: f64) -> Self {
        let view = ledger.view();
        Self {
            status: match mined.end {
                MiningEnd::Done => "done",
                MiningEnd::Stopped => "interrupted",
                MiningEnd::Failed(_) => "failed",
            },
            blocks: mined.blocks,
            length: view.tip.index,
            tip: view.tip.hash.to_string(),
            pending: view.pending.len(),
            hashes: mined.effort.hashes,
            elapsed_s,
            hashes_per_second: mined.effort.hashes_per_second(),
        }
    }
}

fn readable(report: &MineReport) -> String {
    let rate = report
        .hashes_per_second
        .map_or("too short to measure".to_owned(), rate);
    format!(
        "{:<12}{} blocks in {}, {} hashes: {rate}\nlength      {}\ntip         {}\nwaiting     {} transactions\n",
        report.status,
        thousands(report.blocks),
        seconds(report.elapsed_s),
        thousands(report.hashes),
        thousands(report.length),
        report.tip,
        thousands(report.pending),
    )
}
