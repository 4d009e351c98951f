//! `paydirt mine`: solve one puzzle.

use clap::Args;

use crate::{
    options::{Given, GoalArgs, MachineArgs, PuzzleArgs, SearchArgs, Spelling},
    terminal::{
        exit::Exit,
        interrupt::on_interrupt,
        output::{self, rate, rolled, seconds, thousands},
        progress::{self, SearchBar},
    },
};
use paydirt::{Cancel, Puzzle, Search, record::MineRecord};

const EXAMPLES: &str = "\
Examples:
  # The smallest number that, after 100, gives a hash with four zeros
  paydirt mine --text 100 --hex-zeros 4

  # A Bitcoin header at regtest difficulty, as JSON
  paydirt mine --header \"$HEADER\" --nbits 207fffff --json

  # The same over the version bits of BIP 320 too: 2^48 nonces, and faster where 128 versions share a schedule
  paydirt mine --header \"$HEADER\" --bits 36 --roll-version 1fffe000

  # The third of four machines, at most a minute
  paydirt mine --template 'job-{nonce}.' --nonce hex:12 --bits 40 --shard 2/4 --timeout 60";

/// Solve one puzzle
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MineArgs {
    #[command(flatten)]
    puzzle: PuzzleArgs,
    #[command(flatten)]
    goal: GoalArgs,
    #[command(flatten)]
    search: SearchArgs,
    #[command(flatten)]
    machine: MachineArgs,
    /// Print one JSON object (schema paydirt.mine/1)
    #[arg(long, help_heading = "Output")]
    json: bool,
}

impl MineArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let given = Given::new(
            Spelling::CommandLine,
            [self.puzzle.values(), self.goal.values(), self.search.values()],
        );
        let puzzle = given.puzzle()?;
        let place = given.place(puzzle.nonce_space())?;
        let find = given.find()?;
        let timeout = given.timeout()?;
        let miner = self.machine.miner()?;

        let cancel = Cancel::new();
        on_interrupt(&cancel)?;
        let bar = SearchBar::on_terminal(&puzzle);
        let mut search = Search::new(&puzzle).range(place.range).find(find).cancel(&cancel);
        if let Some(limit) = timeout {
            search = search.timeout(limit);
        }
        if let Some(bar) = &bar {
            search = search.on_progress(progress::EVERY, |progress| bar.show(progress));
        }
        let outcome = miner.mine(&search);
        drop(search);
        drop(bar);

        let record = place.report(MineRecord::new(&puzzle, find, &outcome));
        output::result(self.json, MineRecord::SCHEMA, &record, |record| {
            readable(&puzzle, record)
        })?;
        Ok(outcome.status.into())
    }
}

fn readable(puzzle: &Puzzle, record: &MineRecord) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        text.push_str(&format!("{label:<12}{value}\n"));
    };
    let status = record.status.name();
    match (record.nonce, &record.nonce_text) {
        (Some(nonce), Some(shown)) if *shown == nonce.to_string() => {
            line(status, &format!("nonce {nonce}"));
        }
        (Some(nonce), Some(shown)) => line(status, &format!("nonce {nonce} (as {shown})")),
        _ => line(status, "no solution"),
    }
    let header = record
        .rolled
        .and_then(|rolled| rolled.version.zip(rolled.header_nonce));
    if let Some((version, header_nonce)) = header {
        line("header", &rolled(version, header_nonce));
    }
    if let Some(all) = &record.solutions {
        for solution in all {
            let mut shown = format!("{} {}", solution.hash, solution.nonce);
            if let (Some(version), Some(header_nonce)) = (solution.version, solution.header_nonce) {
                shown.push_str(&format!(" ({})", rolled(version, header_nonce)));
            }
            line("", &shown);
        }
        line("solutions", &thousands(all.len()));
    } else if let (Some(hash), Some(nonce)) = (&record.hash, record.nonce) {
        let message = puzzle.message(nonce);
        match std::str::from_utf8(&message) {
            Ok(printable) if !printable.chars().any(char::is_control) => line("message", printable),
            _ => line("message", &format!("{} (hex)", hex::encode(&message))),
        }
        line("hash", hash);
    }
    line("target", &record.target);
    line("difficulty", &format!("{:.2} bits", record.difficulty_bits));
    let rate = record
        .hashes_per_second
        .map_or("too short to measure".to_owned(), rate);
    line(
        "work",
        &format!(
            "{} hashes in {}: {rate}, kernel {}, threads {}",
            thousands(record.hashes),
            seconds(record.elapsed_s),
            record.kernel,
            record.threads,
        ),
    );
    text
}
