//! `paydirt man`: the manual pages, written from the same words as `--help`.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::{Args, Command};
use clap_mangen::Man;

use crate::{
    options::InputError,
    terminal::{exit::Exit, output},
};

const EXAMPLES: &str = "\
Examples:
  paydirt man | man -l -                       # read the main page
  paydirt man mine | man -l -                  # the page of one command
  paydirt man chain mine | man -l -            # of one below another
  paydirt man --out ~/.local/share/man/man1    # write them all";

/// Print a manual page, or write them all into a folder
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ManArgs {
    /// The command whose page is wanted, as in chain mine [default: the main page]
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
    /// Write every page into this folder instead
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    out: Option<PathBuf>,
}

impl ManArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let mut root = crate::command().disable_help_subcommand(true);
        root.build();
        if let Some(folder) = &self.out {
            std::fs::create_dir_all(folder)
                .and_then(|()| write_all(&root, folder))
                .with_context(|| format!("cannot write the pages into {}", folder.display()))?;
            return Ok(Exit::Done);
        }
        let mut command = &root;
        for name in &self.command {
            command = command.find_subcommand(name).ok_or_else(|| {
                let known: Vec<_> = command.get_subcommands().map(Command::get_name).collect();
                let above = command.get_display_name().unwrap_or("paydirt");
                let problem = match known.is_empty() {
                    true => format!("{above} has no commands of its own"),
                    false => format!("not a command; {above} has {}", known.join(", ")),
                };
                InputError::value("COMMAND", name, problem)
            })?;
        }
        output::bytes(&page(command.clone())?)?;
        Ok(Exit::Done)
    }
}

/// Writes the pages of a command and those below it.
fn write_all(command: &Command, folder: &Path) -> io::Result<()> {
    for below in command.get_subcommands() {
        write_all(below, folder)?;
    }
    let file = Man::new(command.clone()).get_filename();
    std::fs::write(folder.join(file), page(command.clone())?)
}

/// A page. What stands below a command's options in `--help` is printed as it stands there, examples above all.
fn page(command: Command) -> io::Result<Vec<u8>> {
    let below = command.get_after_help().map(ToString::to_string);
    let full_name = command.get_display_name().unwrap_or("paydirt").to_owned();
    let version = concat!("paydirt ", env!("CARGO_PKG_VERSION"));
    let command = command.after_help(None::<&str>).after_long_help(None::<&str>);
    let mut page = Vec::new();
    Man::new(command)
        .title(full_name)
        .source(version)
        .manual("paydirt manual")
        .render(&mut page)?;
    if let Some(below) = below {
        let (heading, text) = match below.strip_prefix("Examples:\n") {
            Some(examples) => ("EXAMPLES", examples),
            None => ("NOTES", below.as_str()),
        };
        writeln!(page, ".SH {heading}\n.nf")?;
        for line in text.lines() {
            // A dot or an apostrophe at the beginning of a line would be a request of roff's.
            let line = line.replace('\\', "\\e").replace('-', "\\-");
            let guard = if line.starts_with(['.', '\'']) { "\\&" } else { "" };
            writeln!(page, "{guard}{line}")?;
        }
        writeln!(page, ".fi")?;
    }
    Ok(page)
}
