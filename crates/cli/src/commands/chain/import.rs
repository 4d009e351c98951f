//! `paydirt chain import`: JSON lines into a ledger, each block checked.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::PathBuf,
};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use crate::{
    options::{InputError, ledger::DataArgs},
    terminal::{
        exit::Exit,
        output::{self, thousands},
        progress::ReadBar,
    },
};
use paydirt_ledger::{BlockLines, ChainParameters, FILE_NAME, ImportError, Imported, Ledger, import};

const EXAMPLES: &str = "\
Examples:
  paydirt chain import chain.jsonl --data /tmp/copy
  zstd -dc chain.jsonl.zst | paydirt chain import -

A new ledger gets the network that the first line, the genesis block, states.";

/// Add the blocks of an export, each one checked
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ImportArgs {
    /// The file of an export; - is stdin
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    /// Print one JSON object (schema paydirt.chain-import/1)
    #[arg(long, help_heading = "Output")]
    json: bool,
}

#[derive(Debug, Serialize)]
struct ImportReport {
    /// Blocks that are new.
    added: u64,
    /// Blocks that were there already.
    known: u64,
    /// Blocks of the active branch now.
    length: u64,
    /// The tip's hash now.
    tip: String,
}

fn readable(report: &ImportReport) -> String {
    format!(
        "imported    {} blocks, {} known already\nlength      {}\ntip         {}\n",
        thousands(report.added),
        thousands(report.known),
        thousands(report.length),
        report.tip,
    )
}

impl ImportArgs {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let Some(path) = &self.file else {
            return Err(
                InputError::option("FILE", "an export is needed; give its file, or - for stdin").into(),
            );
        };
        let (file, bytes): (Box<dyn Read>, Option<u64>) = if path.as_os_str() == "-" {
            (Box::new(io::stdin()), None)
        } else {
            let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
            let bytes = file.metadata().ok().map(|about| about.len());
            (Box::new(file), bytes)
        };
        let bar = ReadBar::new(bytes);
        let mut lines = BlockLines::new(BufReader::new(bar.watch(file)));
        let ledger = self.ledger(&mut lines)?;
        let done = import(&ledger, &mut lines, |done| {
            bar.say(format!("{} blocks", thousands(done.added + done.known)));
        });
        drop(bar);
        let Imported { added, known } = match done {
            Err(error @ ImportError::Line { .. }) => return Err(self.refused(&error)),
            other => other?,
        };
        let report = ImportReport {
            added,
            known,
            length: ledger.tip().index,
            tip: ledger.tip().hash.to_string(),
        };
        output::result(self.json, "paydirt.chain-import/1", &report, readable)?;
        Ok(Exit::Done)
    }

    fn refused(&self, error: &ImportError) -> anyhow::Error {
        let path = self
            .file
            .as_deref()
            .map(|path| path.display().to_string())
            .unwrap_or_default();
        let before = match error {
            ImportError::Line { line: 2.., .. } => "; the lines before it are in the ledger",
            _ => "",
        };
        InputError::value("FILE", &path, format!("{error}{before}")).into()
    }

    /// The ledger to add to. A new one gets the network of the first line.
    fn ledger(&self, lines: &mut BlockLines<impl BufRead>) -> anyhow::Result<Ledger> {
        let folder = self.data.folder()?;
        // What may not be looked at is there, or nobody knows: opening it says why.
        if folder.join(FILE_NAME).try_exists().unwrap_or(true) {
            return self.data.open();
        }
        let block = lines.peek().map_err(|error| self.refused(&error))?;
        let network = block.and_then(|block| ChainParameters::of_genesis(block).ok());
        let network = network.ok_or_else(|| {
            let problem = "it does not begin with a genesis block, and there is no ledger yet to add to; export from block 1";
            let path = self.file.as_deref().map(|path| path.display().to_string()).unwrap_or_default();
            InputError::value("FILE", &path, problem)
        })?;
        self.data.open_or_create(Some(&network))
    }
}
