//! `paydirt chain export`: the active blocks as JSON lines.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
};

use anyhow::Context as _;
use clap::Args;

use crate::{
    options::{ledger::DataArgs, printable},
    terminal::{exit::Exit, stdout},
};
use paydirt_ledger::{ExportError, export};

const EXAMPLES: &str = "\
Examples:
  paydirt chain export chain.jsonl
  paydirt chain export | zstd > chain.jsonl.zst
  paydirt chain export | jq -r .hash";

/// Write the blocks as JSON lines (schema paydirt.block/1)
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ExportArgs {
    /// Where to write them [default: stdout]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
}

impl ExportArgs {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let ledger = self.data.open()?;
        let Some(path) = self.file.filter(|path| path.as_os_str() != "-") else {
            let written = export(&ledger, BufWriter::new(stdout::lock()));
            return match written {
                // A reader that has seen enough is not an error.
                Err(ExportError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Done),
                Err(ExportError::Write(error)) => Err(error).context("cannot write to stdout"),
                other => Ok(other.map(|_| Exit::Done)?),
            };
        };
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut file = BufWriter::new(file);
        let blocks = export(&ledger, &mut file).with_context(|| path.display().to_string())?;
        file.get_ref()
            .sync_all()
            .with_context(|| format!("cannot write {}", path.display()))?;
        let _ = writeln!(
            io::stderr(),
            "{blocks} blocks written to {}",
            printable(&path.display().to_string())
        );
        Ok(Exit::Done)
    }
}
