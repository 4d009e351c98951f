//! `paydirt chain verify`: every rule, every block, every look-up table.

use std::time::Instant;

use clap::Args;

use crate::{
    options::ledger::DataArgs,
    report::chain::ChainVerifyReport,
    terminal::{
        exit::Exit,
        output::{self, seconds, thousands},
    },
};
use paydirt_ledger::{Ledger, Options, StoreError};

const EXAMPLES: &str = "\
Examples:
  paydirt chain verify
  paydirt chain verify --data /tmp/copy --json

Exit code 0 when the ledger is whole, 1 when it is damaged.";

/// Verify a stored ledger, all of it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Print one JSON object (schema paydirt.chain-verify/1)
    #[arg(long, help_heading = "Output")]
    json: bool,
}

impl VerifyArgs {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let folder = self.data.folder()?;
        let begun = Instant::now();
        let opened = Ledger::open(&folder, Options::default());
        let elapsed_s = begun.elapsed().as_secs_f64();
        let report = match opened {
            Ok(ledger) => ChainVerifyReport::valid(&ledger, elapsed_s),
            Err(error @ (StoreError::Damaged(_) | StoreError::DamagedBlock { .. })) => {
                ChainVerifyReport::damaged(&error, elapsed_s)
            }
            Err(other) => return Err(self.data.explain(other)),
        };
        if self.json {
            output::json_line(&report)?;
        } else {
            output::text(&readable(&report))?;
        }
        Ok(if report.valid {
            Exit::Done
        } else {
            Exit::NoSolution
        })
    }
}

fn readable(report: &ChainVerifyReport) -> String {
    match (&report.reason, &report.tip) {
        (Some(reason), _) => format!("damaged     {reason}\n"),
        (None, tip) => format!(
            "valid       {} blocks, {} transactions, {} waiting, in {}\ntip         {}\n",
            thousands(report.length.unwrap_or(0)),
            thousands(report.transactions.unwrap_or(0)),
            thousands(report.pending.unwrap_or(0)),
            seconds(report.elapsed_s),
            tip.as_deref().unwrap_or(""),
        ),
    }
}
