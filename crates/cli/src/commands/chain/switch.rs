//! `paydirt chain switch`: takes up a heavier branch that a node has left aside.

use clap::Args;
use serde::Serialize;

use crate::{
    options::{InputError, ledger::DataArgs, parse},
    terminal::{
        exit::Exit,
        output::{self, thousands},
    },
};
use paydirt_ledger::{BlockHash, SwitchError, Switched};

const EXAMPLES: &str = "\
Examples:
  paydirt chain switch                  # to the branch with the most work
  paydirt chain switch HASH --json      # to this block and what stands on it

A node leaves a heavier branch aside that would replace more blocks than its
--max-reorganisation. While it runs:
  curl localhost:5000/status | jq .reorganisation
  curl localhost:5000/switch -d '{\"tip\":\"HASH\"}'

Exit code 0 when the branch counts, 1 when there is no heavier one.";

/// Take up a heavier branch that a node has left aside
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct SwitchArgs {
    /// A block of the branch [default: the end of the branch with the most work]
    #[arg(value_name = "HASH")]
    hash: Option<String>,
    #[command(flatten)]
    data: DataArgs,
    /// Print one JSON object (schema paydirt.chain-switch/1)
    #[arg(long, help_heading = "Output")]
    json: bool,
}

#[derive(Debug, Serialize)]
struct SwitchReport {
    /// Whether another branch counts now.
    switched: bool,
    /// Blocks that no longer count.
    dropped: usize,
    /// Blocks of the active branch now.
    length: u64,
    /// The tip's hash now.
    tip: String,
}

impl SwitchArgs {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let hash = |text: &str| -> Result<BlockHash, &str> {
            text.parse().map_err(|_| "not a hash; a hash has 64 hex digits")
        };
        let wanted = self
            .hash
            .as_deref()
            .map(|text| parse("HASH", text, hash))
            .transpose()?;
        let ledger = self.data.open()?;
        let heaviest = ledger.tree().heavier().map(|node| node.hash);
        let dropped = match wanted.or(heaviest) {
            None => 0,
            Some(hash) => match ledger.switch(hash) {
                Ok(Switched { dropped, .. }) => dropped,
                Err(error @ (SwitchError::Unknown(_) | SwitchError::Lighter(_))) => {
                    return Err(InputError::value("HASH", &hash.to_string(), error).into());
                }
                Err(error) => return Err(error.into()),
            },
        };
        let tip = ledger.tip();
        let report = SwitchReport {
            switched: dropped > 0,
            dropped,
            length: tip.index,
            tip: tip.hash.to_string(),
        };
        output::result(self.json, "paydirt.chain-switch/1", &report, readable)?;
        Ok(match (report.switched, wanted) {
            (false, None) => Exit::NoSolution,
            _ => Exit::Done,
        })
    }
}

fn readable(report: &SwitchReport) -> String {
    let what = match report.switched {
        true => format!("{} blocks no longer count", thousands(report.dropped)),
        false => "no other branch has more work".to_owned(),
    };
    format!(
        "{:<12}{what}\nlength      {}\ntip         {}\n",
        if report.switched { "switched" } else { "stays" },
        thousands(report.length),
        report.tip,
    )
}
