//! `paydirt chain mine`: blocks without a server.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::Instant,
};

use clap::Args;

use crate::{
    cli::{
        exit::Exit,
        input::{InputError, parse, whole_number},
        interrupt::on_interrupt,
        ledger_args::{DataArgs, NetworkArgs},
        output::{self, rate, seconds, thousands},
        search_args::MachineArgs,
    },
    ledger::{Plan, mine_blocks},
    miner::Cancel,
    report::chain::ChainMineReport,
};

const EXAMPLES: &str = "\
Examples:
  paydirt chain mine                                  # one block, with what waits in the queue
  paydirt chain mine --count 100 --bits 20 --data /tmp/hard
  paydirt chain mine --count 100000 --bits 1 --spacing 60 --data /tmp/long    # a made-up history";

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
    #[arg(long)]
    json: bool,
}

impl MineArgs {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let count = parse("count", self.count.as_deref().unwrap_or("1"), whole_number::<u64>)?;
        if count == 0 {
            return Err(InputError::value("count", "0", "is none; give 1 or more").into());
        }
        let spacing = |text: &str| match whole_number(text)? {
            0 => Err("is none; give 1 or more".to_owned()),
            seconds => Ok(seconds),
        };
        let spacing_s = (self.spacing.as_deref())
            .map(|text| parse("spacing", text, spacing))
            .transpose()?;
        let network = self.network.resolve()?;
        let miner = self.machine.miner()?;
        let cancel = Cancel::new();
        on_interrupt(&cancel)?;
        let ledger = self.data.open_or_create(network.as_ref())?;

        let begun = Instant::now();
        let on_terminal = io::stderr().is_terminal();
        let plan = Plan { count, spacing_s };
        let run = mine_blocks(&ledger, &miner, &cancel, plan, &|_| {}, |stored| {
            if let (true, Some(last)) = (on_terminal, stored.last()) {
                let _ = write!(
                    io::stderr(),
                    "\rblock {} {}",
                    thousands(last.index()),
                    last.hash()
                );
            }
        });
        if on_terminal {
            let _ = writeln!(io::stderr());
        }
        let run = run?;
        let report = ChainMineReport::new(&ledger, &run, begun.elapsed().as_secs_f64());
        if self.json {
            output::json_line(&report)?;
        } else {
            output::text(&readable(&report))?;
        }
        Ok(if run.stopped {
            Exit::Interrupted
        } else {
            Exit::Done
        })
    }
}

fn readable(report: &ChainMineReport) -> String {
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
