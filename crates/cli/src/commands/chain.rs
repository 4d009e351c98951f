//! `paydirt chain`: look at a stored ledger, verify it, carry it elsewhere, add to it. No server needed, and none may run
//! on the same folder.

mod export;
mod import;
mod mine;
mod show;
mod stats;
mod switch;
mod verify;

use clap::{Args, Subcommand};

use crate::terminal::exit::Exit;

const EXAMPLES: &str = "\
Examples:
  paydirt chain mine --count 10     # ten blocks, in a new ledger if there is none
  paydirt chain show                # the last blocks
  paydirt chain show 2 --json
  paydirt chain verify && paydirt chain export chain.jsonl
  paydirt chain import chain.jsonl --data /tmp/copy
  paydirt chain switch              # to the heaviest branch that was left aside
  paydirt chain stats --plot chain.svg";

/// Look at, verify, export, import and extend a stored ledger
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ChainArgs {
    #[command(subcommand)]
    command: ChainCommand,
}

#[derive(Debug, Subcommand)]
enum ChainCommand {
    Show(show::ShowArgs),
    Verify(verify::VerifyArgs),
    Export(export::ExportArgs),
    Import(import::ImportArgs),
    Mine(mine::MineArgs),
    Stats(stats::StatsArgs),
    Switch(switch::SwitchArgs),
}

impl ChainArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self.command {
            ChainCommand::Show(args) => args.run(),
            ChainCommand::Verify(args) => args.run(),
            ChainCommand::Export(args) => args.run(),
            ChainCommand::Import(args) => args.run(),
            ChainCommand::Mine(args) => args.run(),
            ChainCommand::Stats(args) => args.run(),
            ChainCommand::Switch(args) => args.run(),
        }
    }
}
