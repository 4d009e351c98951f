//! `paydirt chain verify`: every rule, every block, every look-up table.

use std::time::Instant;

use clap::Args;
use serde::Serialize;

use crate::{
    options::ledger::DataArgs,
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
            Ok(ledger) => VerifyReport::valid(&ledger, elapsed_s),
            Err(error @ (StoreError::Damaged(_) | StoreError::DamagedBlock { .. })) => {
                VerifyReport::damaged(&error, elapsed_s)
            }
            Err(other) => return Err(self.data.explain(other)),
        };
        output::result(self.json, "paydirt.chain-verify/1", &report, readable)?;
        Ok(if report.valid {
            Exit::Done
        } else {
            Exit::NoSolution
        })
    }
}

#[derive(Debug, Default, Serialize)]
struct VerifyReport {
    /// Whether everything in the store is as it must be.
    valid: bool,
    /// Blocks of the active branch; null when damaged, like everything to the end of `transactions`.
    length: Option<u64>,
    /// The tip's hash.
    tip: Option<String>,
    /// Transactions in the active blocks, rewards among them.
    transactions: Option<u64>,
    /// Transactions that wait.
    pending: Option<usize>,
    /// The index of the first damaged block; null when none is, or the damage is elsewhere.
    damaged_index: Option<u64>,
    /// What is wrong; null when nothing is.
    reason: Option<String>,
    /// How long it took, in seconds.
    elapsed_s: f64,
}

impl VerifyReport {
    /// A ledger that could be opened is whole.
    fn valid(ledger: &Ledger, elapsed_s: f64) -> Self {
        let view = ledger.view();
        Self {
            valid: true,
            length: Some(view.tip.index),
            tip: Some(view.tip.hash.to_string()),
            transactions: Some(ledger.loaded_transactions()),
            pending: Some(view.pending.len()),
            elapsed_s,
            ..Self::default()
        }
    }

    /// One that could not.
    fn damaged(error: &StoreError, elapsed_s: f64) -> Self {
        Self {
            damaged_index: match error {
                StoreError::DamagedBlock { index, .. } => Some(*index),
                _ => None,
            },
            reason: Some(error.to_string()),
            elapsed_s,
            ..Self::default()
        }
    }
}

fn readable(report: &VerifyReport) -> String {
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
