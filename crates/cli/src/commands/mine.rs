//! `paydirt mine`: solve one puzzle.

mod stream;

use std::{
    ops::ControlFlow,
    path::PathBuf,
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use crate::{
    mining::work_done,
    options::{FileArgs, Given, GoalArgs, MachineArgs, PuzzleArgs, SearchArgs, Spelling, search::Place},
    resume::{Found, Point, ResumeFile, keeper::Keeper},
    terminal::{
        exit::Exit,
        interrupt::on_interrupt,
        output::{self, rolled, thousands},
        progress::{self, SearchBar},
    },
};
use paydirt::{Cancel, Find, Miner, Outcome, Progress, Puzzle, Search, Solution, Status, record::MineRecord};
use stream::Stream;

const EXAMPLES: &str = "\
Examples:
  # The smallest number that, after 100, gives a hash with four zeros
  paydirt mine --text 100 --hex-zeros 4

  # A Bitcoin header at regtest difficulty, as JSON
  paydirt mine --header \"$HEADER\" --nbits 207fffff --json

  # The same over the version bits of BIP 320 too: 2^48 nonces
  paydirt mine --header \"$HEADER\" --bits 36 --roll-version 1fffe000

  # Every solution of a billion nonces, in ascending order, as they are found
  paydirt mine --text x --bits 24 --count 1e9 --find all | grep '^solution '

  # A message of any length and any bytes; - reads it from stdin
  paydirt mine --text-file letter.txt --bits 24

  # Days: after a power cut the same line goes on where it was
  paydirt mine --text x --hex-zeros 13 --resume search.json

  # The third of four machines, at most a minute
  paydirt mine --template 'job-{nonce}.' --nonce hex:12 --bits 40 \\
    --shard 2/4 --timeout 60";

/// Solve one puzzle
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MineArgs {
    #[command(flatten)]
    puzzle: PuzzleArgs,
    #[command(flatten)]
    files: FileArgs,
    #[command(flatten)]
    goal: GoalArgs,
    #[command(flatten)]
    search: SearchArgs,
    /// Go on where FILE says that an earlier run of this search was left, and renew it every second; it is made if there
    /// is none
    #[arg(long, value_name = "FILE", help_heading = "Search")]
    resume: Option<PathBuf>,
    #[command(flatten)]
    machine: MachineArgs,
    /// Print one JSON object (schema paydirt.mine/1); with --find all, before it a line for each solution (schema
    /// paydirt.mine-stream/1)
    #[arg(long, help_heading = "Output")]
    json: bool,
}

impl MineArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let given = Given::new(
            Spelling::CommandLine,
            [self.puzzle.values(), self.goal.values(), self.search.values()],
        );
        let given = self.files.add_to(given)?;
        let puzzle = given.puzzle()?;
        if let Some(question) = given.question() {
            crate::say(&format!("warning: {question}"));
        }
        let place = given.place(puzzle.nonce_space())?;
        let find = given.find()?;
        let timeout = given.timeout()?;
        let report = Report {
            json: self.json,
            puzzle: &puzzle,
            place,
            find,
        };
        let cancel = Cancel::new();
        on_interrupt(&cancel)?;
        let miner = self.machine.miner()?;
        let (mut keeper, mut before) = (None, None);
        if self.resume.is_none() {
            output::check()?; // else the file holds the result
        }
        if let Some(path) = &self.resume {
            match ResumeFile::open(path, &puzzle, find, place.range)? {
                (_, Found::Over(result)) => return report.print(*result),
                (file, Found::At(point)) => {
                    before = point;
                    keeper = Some(Keeper::new(file));
                }
            }
        }
        let run = Run {
            miner,
            cancel,
            timeout,
            keeper,
            before,
            report,
        };
        match find {
            Find::All => run.all(),
            Find::Lowest | Find::First => run.one(),
        }
    }
}

/// A search, and what goes with it.
struct Run<'p> {
    miner: Miner,
    cancel: Cancel,
    timeout: Option<Duration>,
    keeper: Option<Keeper>,
    /// Where an earlier run left it.
    before: Option<Point>,
    report: Report<'p>,
}

impl Run<'_> {
    /// For one solution.
    fn one(self) -> anyhow::Result<Exit> {
        self.say_where();
        let bar = self.bar();
        let outcome = self.mine(bar.as_ref(), None, &OnceLock::new());
        drop(bar);
        let (record, stored) = self.end(&outcome, None);
        let exit = self.report.print(record)?;
        stored.map(|()| exit)
    }

    /// For every solution, told as they come.
    fn all(self) -> anyhow::Result<Exit> {
        let bar = self.bar().map(Arc::new);
        let stream = Stream::start(self.report.json, bar.clone(), &self.cancel)?;
        self.say_where();
        if let Some(point) = &self.before {
            stream.resume(point);
        }
        let lowest = OnceLock::new();
        if let Some(known) = self.before.and_then(|point| point.lowest) {
            _ = lowest.set(known);
        }
        let outcome = self.mine(bar.as_deref(), Some(&stream), &lowest);
        // What nobody took is still to be told: the file stays as it is.
        let is_told = stream.is_told();
        let is_closed = stream.is_closed();
        stream.end()?;
        drop(bar);
        if is_closed || !is_told {
            return Ok(Exit::Done);
        }
        let (mut record, stored) = self.end(&outcome, lowest.get().copied());
        record.solutions = None;
        let exit = self.report.print(record)?;
        stored.map(|()| exit)
    }

    fn bar(&self) -> Option<SearchBar> {
        let tested = self.before.map_or(0, |point| self.tested(point.next));
        SearchBar::on_terminal(self.report.puzzle, self.report.find, tested)
    }

    /// How many nonces lie below this one.
    fn tested(&self, next: u128) -> u64 {
        let start = u128::from(self.report.place.range.start());
        u64::try_from(next.saturating_sub(start)).unwrap_or(u64::MAX)
    }

    fn say_where(&self) {
        if let (Some(point), false) = (self.before, self.report.json) {
            let count = self.report.place.range.count();
            let (next, tested) = (point.next, self.tested(point.next));
            let percent = tested as f64 / count as f64 * 100.0;
            crate::say(&format!(
                "going on at nonce {next}: {percent:.1} % of {} were tested",
                thousands(count)
            ));
        }
    }

    /// Searches what is left.
    fn mine(&self, bar: Option<&SearchBar>, stream: Option<&Stream>, lowest: &OnceLock<Solution>) -> Outcome {
        let (puzzle, whole) = (self.report.puzzle, self.report.place.range);
        let rest = self.before.and_then(|point| {
            let left = whole.end().saturating_sub(point.next);
            whole.part(point.next, left).ok()
        });
        let mut search = Search::new(puzzle)
            .range(rest.unwrap_or(whole))
            .find(self.report.find)
            .cancel(&self.cancel);
        if let Some(limit) = self.timeout {
            search = search.timeout(limit);
        }
        if bar.is_some() || self.keeper.is_some() {
            search = search.on_progress(progress::EVERY, |progress| {
                bar.inspect(|bar| bar.show(progress));
                // The end is written down with its result.
                if let Some(keeper) = self.keeper.as_ref().filter(|_| progress.resume_at < whole.end()) {
                    keeper.note(self.point_of(progress, lowest.get().copied()));
                }
            });
        }
        if let Some(stream) = stream {
            search = search.on_solution(|solution| {
                _ = lowest.set(*solution);
                stream.tell(puzzle, solution);
                match stream.is_closed() {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            });
        }
        thread::scope(|threads| {
            if let Some(keeper) = &self.keeper {
                threads.spawn(|| keeper.run(|| stream.is_none_or(Stream::is_told)));
            }
            let outcome = self.miner.mine(&search);
            self.keeper.iter().for_each(Keeper::stop);
            outcome
        })
    }

    fn point_of(&self, progress: &Progress, lowest: Option<Solution>) -> Point {
        self.point(
            progress.resume_at,
            progress.elapsed,
            progress.solution_count,
            lowest,
        )
    }

    /// How far all runs together are.
    fn point(&self, next: u128, elapsed: Duration, solutions: u64, lowest: Option<Solution>) -> Point {
        let (elapsed_s, told) = self
            .before
            .map_or((0.0, 0), |point| (point.elapsed_s, point.solutions));
        let solutions = told + solutions;
        Point {
            next,
            elapsed_s: elapsed_s + elapsed.as_secs_f64(),
            solutions,
            lowest: lowest.filter(|_| solutions > 0),
        }
    }

    /// The result of all runs together; and, in the file, how far they are or what came of them.
    fn end(&self, outcome: &Outcome, lowest: Option<Solution>) -> (MineRecord, anyhow::Result<()>) {
        let puzzle = self.report.puzzle;
        let mut record = MineRecord::new(puzzle, self.report.find, outcome);
        if let Some(before) = &self.before {
            before.add_to(&mut record, puzzle, self.report.place.range);
        }
        let Some(keeper) = &self.keeper else {
            return (record, Ok(()));
        };
        let all = self.report.find == Find::All;
        let solutions = if all { outcome.solution_count } else { 0 };
        let point = self.point(outcome.resume_at, outcome.elapsed, solutions, lowest);
        let mut result = record.clone();
        result.solutions = None;
        let is_over = matches!(record.status, Status::Found | Status::Exhausted);
        let stored = keeper.store(&point, is_over.then_some(&result));
        (record, stored.context("cannot write the file of --resume"))
    }
}

/// What is told at the end.
#[derive(Clone, Copy)]
struct Report<'p> {
    json: bool,
    puzzle: &'p Puzzle,
    place: Place,
    find: Find,
}

/// The last of several lines.
#[derive(Serialize)]
struct Last<'r> {
    schema: &'static str,
    r#type: &'static str,
    #[serde(flatten)]
    result: &'r MineRecord,
}

impl Report<'_> {
    fn print(self, record: MineRecord) -> anyhow::Result<Exit> {
        let record = self.place.report(record);
        let schema = MineRecord::SCHEMA;
        match (self.json, self.find) {
            (true, Find::All) => output::json_line(&Last {
                schema,
                r#type: "result",
                result: &record,
            }),
            _ => output::result(self.json, schema, &record, |record| readable(self.puzzle, record)),
        }?;
        Ok(record.status.into())
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
    if let Some(count) = record.solution_count {
        line("solutions", &thousands(count));
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
    let (hashes, rate) = (record.hashes, record.hashes_per_second);
    let (kernel, threads) = (&record.kernel, record.threads);
    line(
        "work",
        &work_done(hashes, record.elapsed_s, rate, kernel, threads),
    );
    text
}
