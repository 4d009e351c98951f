//! The command line: arguments in, engine in the middle, reports out.
//!
//! *In:* arguments. *Out:* results on stdout, everything for people on stderr, an `Exit` code.
//!
//! One file a subcommand; `options` holds what several share. Arguments are taken
//! as text by clap and given their meaning here, so that every bad one is refused in the same single line: which
//! option, which value, what to do instead.

mod commands;
mod mining;
mod options;
mod render;
mod resume;
mod terminal;
mod worker;

pub use commands::merge::check_results;
pub use worker::{check_job_line, job_fields};

use std::{io::Write as _, process::ExitCode};

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand, error::ErrorKind};

use options::InputError;
use terminal::exit::Exit;

const ABOUT: &str = "The SHA-256 proof-of-work engine for the machine you have";

const BEGINNING: &str = "\
Begin with:
  paydirt mine --text 100 --hex-zeros 4
  paydirt mine --help

Exit codes:
  0    found, or done
  1    the range holds no solution; the nonce is not a solution
  2    usage or bad input: one line on stderr says what, where and the way out
  3    a failure of the machine or of a peer (I/O, network)
  4    time limit reached
  130  interrupted";

#[derive(Debug, Parser)]
#[command(name = "paydirt", about = ABOUT, version, after_help = BEGINNING, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Mine(commands::mine::MineArgs),
    Verify(commands::verify::VerifyArgs),
    Bench(commands::bench::BenchArgs),
    Work(worker::WorkArgs),
    Merge(commands::merge::MergeArgs),
    Hashtopolis(commands::hashtopolis::HashtopolisArgs),
    Grind(commands::grind::GrindArgs),
    Compare(commands::compare::CompareArgs),
    Pool(commands::pool::PoolArgs),
    Solo(commands::solo::SoloArgs),
    Chain(commands::chain::ChainArgs),
    Serve(commands::serve::ServeArgs),
    Peers(commands::peers::PeersArgs),
    Info(commands::info::InfoArgs),
    Completions(commands::completions::CompletionsArgs),
    Man(commands::man::ManArgs),
}

impl Command {
    fn run(self) -> anyhow::Result<Exit> {
        match self {
            Self::Mine(args) => args.run(),
            Self::Verify(args) => args.run(),
            Self::Bench(args) => args.run(),
            Self::Work(args) => args.run(),
            Self::Merge(args) => args.run(),
            Self::Hashtopolis(args) => args.run(),
            Self::Grind(args) => args.run(),
            Self::Compare(args) => args.run(),
            Self::Pool(args) => args.run(),
            Self::Solo(args) => args.run(),
            Self::Chain(args) => args.run(),
            Self::Serve(args) => args.run(),
            Self::Peers(args) => args.run(),
            Self::Info(args) => args.run(),
            Self::Completions(args) => args.run(),
            Self::Man(args) => args.run(),
        }
    }
}

/// The program's arguments, as clap knows them.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    if let Some(grind) = commands::grind::GrindArgs::from_arguments(std::env::args_os()) {
        return grind.run().unwrap_or_else(|error| report(&error)).into();
    }
    let parsed = command()
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let exit = match parsed {
        Ok(cli) => cli.command.run().unwrap_or_else(|error| report(&error)),
        Err(error) => usage(&error),
    };
    exit.into()
}

/// Says in one line what went wrong, and how the process ends for it.
fn report(error: &anyhow::Error) -> Exit {
    let mut line = format!("error: {error}");
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Many errors say their cause themselves.
        if !line.contains(&cause) {
            line.push_str(": ");
            line.push_str(&cause);
        }
    }
    say(&line);
    match error.downcast_ref::<InputError>() {
        Some(_) => Exit::BadInput,
        None => Exit::Failure,
    }
}

/// Help and versions as clap prints them; its complaints in one line.
fn usage(error: &clap::Error) -> Exit {
    match error.kind() {
        // Made only when asked for: to say which kernels there are, each is tested.
        ErrorKind::DisplayVersion => {
            let text = format!("paydirt {}\n", commands::info::long_version());
            terminal::output::text(&text).map_or_else(|error| report(&error), |()| Exit::Done)
        }
        ErrorKind::DisplayHelp => {
            let text = error.render();
            let text = if terminal::colour::is_wanted(&std::io::stdout()) {
                text.ansi().to_string()
            } else {
                text.to_string()
            };
            terminal::output::text(&text).map_or_else(|error| report(&error), |()| Exit::Done)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            Exit::BadInput
        }
        ErrorKind::InvalidUtf8 => {
            let bad = |(_, argument): &(usize, std::ffi::OsString)| argument.to_str().is_none();
            let named = std::env::args_os().enumerate().skip(1).find(bad);
            let named = named.map_or(String::new(), |(at, argument)| {
                format!(" {at}, '{}'", as_bytes(&argument))
            });
            say(&format!(
                "error: argument{named}: not UTF-8; write it in UTF-8, or give a message's bytes with --template-hex or --text-file"
            ));
            Exit::BadInput
        }
        _ => {
            say(&one_line(&error.to_string()));
            Exit::BadInput
        }
    }
}

/// An argument with its bytes that are no UTF-8 written out, as in `caf\xe9`.
fn as_bytes(argument: &std::ffi::OsStr) -> String {
    let mut text = String::new();
    for chunk in argument.as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    options::shown(&text).replace("\\\\", "\\")
}

/// Clap's complaint without its usage block: the problem, and the tip if it has one.
fn one_line(rendered: &str) -> String {
    let end = ["\n\nUsage: ", "\n\nFor more information"]
        .iter()
        .filter_map(|tail| rendered.rfind(tail))
        .min()
        .unwrap_or(rendered.len());
    let lines = rendered[..end]
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let mut problem = String::new();
    for line in lines {
        problem.push_str(if line.starts_with("tip: ") { "; " } else { " " });
        problem.push_str(line.trim_start_matches("tip: "));
    }
    format!("{}; --help shows the options", problem.trim_start())
}

/// Prints a line on stderr. If that fails there is nobody left to tell. Names of files and answers of systems may hold
/// anything: what would move a cursor or colour a terminal is written out.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{}", options::printable(line));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn complaints_take_one_line() {
        for bad in [
            &["paydirt", "mine", "--txet", "x"][..],
            &["paydirt", "mien"],
            &["paydirt", "mine", "--text"],
            &["paydirt", "mine", "--fo\n\nbar"],
        ] {
            let error = command().try_get_matches_from(bad).unwrap_err();
            let line = one_line(&error.to_string());
            assert!(!line.contains('\n') && line.starts_with("error: "), "{line}");
        }
    }
}
