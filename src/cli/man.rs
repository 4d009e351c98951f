//! `paydirt man`: the manual pages, written from the same words as `--help`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use clap_mangen::Man;

use super::{exit::Exit, input::InputError, output};

const EXAMPLES: &str = "\
Examples:
  paydirt man | man -l -                       # read the main page
  paydirt man mine | man -l -                  # the page of one command
  paydirt man --out ~/.local/share/man/man1    # write them all";

/// Print a manual page, or write them all into a folder
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ManArgs {
    /// The command whose page is wanted [default: the main page]
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
    /// Write every page into this folder instead
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    out: Option<PathBuf>,
}

impl ManArgs {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let mut root = super::command();
        root.build();
        if let Some(folder) = &self.out {
            std::fs::create_dir_all(folder)
                .and_then(|()| clap_mangen::generate_to(root, folder))
                .with_context(|| format!("cannot write the pages into {}", folder.display()))?;
            return Ok(Exit::Done);
        }
        let command = match &self.command {
            None => root,
            Some(name) => root.find_subcommand(name).cloned().ok_or_else(|| {
                let known: Vec<_> = root.get_subcommands().map(|c| c.get_name()).collect();
                let problem = format!("is no command; there are {}", known.join(", "));
                InputError::value("COMMAND", name, problem)
            })?,
        };
        let mut page = Vec::new();
        Man::new(command).render(&mut page)?;
        output::bytes(&page)?;
        Ok(Exit::Done)
    }
}
