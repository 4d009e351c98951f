//! `paydirt hashtopolis`: the contract of Hashtopolis's generic crackers, so that its server shares a search out.
//!
//! *In:* an attack: the options of `paydirt mine`, or a file of puzzles. *Out:* what the agent reads
//! (hashtopolis/agent-python, `generic_cracker.py` and `generic_status.py`), and nothing else, no blank line either,
//! since the agent trips over one:
//!
//! ```text
//! paydirt hashtopolis keyspace <attack>                              one integer
//! paydirt hashtopolis crack -s SKIP -l LENGTH [--timeout S] <attack>
//!     STATUS <0..10000> <hashes per second>                          every second, after each hit, and at the end
//!     <puzzle>:<nonce>                                               a hit
//! ```
//!
//! The agent puts the path of its hash list in the attack's `#HL#` for `crack`, and nothing for `keyspace`: a file of
//! puzzles is a positional argument that may be missing, and the keyspace depends on the options alone.

use std::{
    fs::File,
    io::BufReader,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use crate::{
    options::{
        Flag, Given, GoalArgs, InputError, MachineArgs, Name, PuzzleArgs, SearchArgs, Spelling, parse,
        table::{Group, any_of},
        whole_number,
    },
    terminal::{
        exit::Exit,
        interrupt::on_interrupt,
        lines::{Line, Lines},
        output,
    },
};
use paydirt::{ByteOrder, Cancel, NonceEncoding, NonceRange, Progress, Puzzle, Search, Status};

/// Hashtopolis counts in signed 64-bit integers.
const MOST_NONCES: u128 = i64::MAX as u128;
/// Bytes a line of the file may have.
const MOST_LINE_BYTES: usize = 1 << 20;
/// What stands for all of a chunk in a STATUS line.
const WHOLE_CHUNK: u128 = 10_000;

const EXAMPLES: &str = "\
An attack is the puzzle, goal and search options of `paydirt mine`, or a FILE
with a puzzle on each line (#HL# in Hashtopolis): a template if {nonce} stands
in it, else a text before the nonce; --lines says otherwise.

Hashtopolis runs the cracker's executable with keyspace or crack as its first
word: give it a script of two lines,
  #!/bin/sh
  exec \"$(dirname \"$0\")/paydirt\" hashtopolis \"$@\"

Examples:
  paydirt hashtopolis keyspace --text 100 --hex-zeros 4 --count 1e6
  paydirt hashtopolis crack -s 0 -l 100000 --text 100 --hex-zeros 4 --count 1e6
  paydirt hashtopolis crack -s 0 -l 100000 puzzles.txt --bits 20 --timeout=30";

/// Speak the contract of Hashtopolis's generic crackers
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct HashtopolisArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print how many nonces the attack has, at most 2^63-1
    #[command(after_help = EXAMPLES)]
    Keyspace(Attack),
    /// Search a chunk; print STATUS lines and hits as puzzle:nonce
    #[command(after_help = EXAMPLES)]
    Crack(CrackArgs),
}

#[derive(Debug, Args)]
struct CrackArgs {
    /// How many nonces of the attack's range to pass over [default: 0]
    #[arg(short = 's', long, value_name = "N", allow_hyphen_values = true)]
    skip: Option<String>,
    /// How many nonces to search [default: to the end of the attack's range]
    #[arg(short = 'l', long, value_name = "N", allow_hyphen_values = true)]
    length: Option<String>,
    #[command(flatten)]
    attack: Attack,
}

#[derive(Debug, Args)]
struct Attack {
    /// A file with a puzzle on each line, in place of a puzzle option
    #[arg(value_name = "FILE")]
    file: Option<String>,
    /// What the file's lines are: text, template, template-hex or header [default: template with {nonce}, else text]
    #[arg(long, value_name = "OPTION")]
    lines: Option<String>,
    #[command(flatten)]
    puzzle: PuzzleArgs,
    #[command(flatten)]
    goal: GoalArgs,
    #[command(flatten)]
    search: SearchArgs,
    #[command(flatten)]
    machine: MachineArgs,
}

/// A puzzle, and how it was written: that is what its hits begin with.
struct Named {
    name: String,
    puzzle: Puzzle,
}

impl HashtopolisArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self.action {
            Action::Keyspace(attack) => {
                attack.check()?;
                let nonces = attack.range()?.count().min(MOST_NONCES);
                output::text(&format!("{nonces}\n"))?;
                Ok(Exit::Done)
            }
            Action::Crack(args) => args.run(),
        }
    }
}

impl Attack {
    fn given(&self) -> Given {
        let (puzzle, goal, search) = (self.puzzle.clone(), self.goal.clone(), self.search.clone());
        Given::new(
            Spelling::CommandLine,
            [puzzle.values(), goal.values(), search.values()],
        )
    }

    /// Refuses what `crack` would refuse of the options that the number of nonces does not depend on: an attack with a slip
    /// in it should fail where it is set up, not on every machine.
    fn check(&self) -> Result<(), InputError> {
        let given = self.given();
        given.timeout()?;
        given.find()?;
        self.machine.kernel()?;
        self.machine.threads()?;
        Ok(())
    }

    /// The nonces of the attack.
    fn range(&self) -> Result<NonceRange, InputError> {
        let given = self.given();
        let space = if given.of(Group::Message).next().is_some() {
            given.puzzle()?.nonce_space()
        } else if self.lines.as_deref() == Some(Flag::Header.name) {
            NonceEncoding::U32(ByteOrder::Little).space()
        } else {
            // The puzzles come with the file; the nonces are the same for all.
            given.goal(ByteOrder::Big)?;
            given.encoding()?.space()
        };
        Ok(given.place(space)?.range)
    }

    fn puzzles(&self) -> anyhow::Result<Vec<Named>> {
        let given = self.given();
        let Some(file) = &self.file else {
            let puzzle = given.puzzle()?;
            let name = given.of(Group::Message).find_map(|flag| given.written(flag));
            let name = name.expect("a puzzle was resolved");
            if name.contains(['\n', '\r']) {
                let problem = "it has a line break, which a hit cannot; use --template-hex";
                return Err(InputError::value("text", &name, problem).into());
            }
            return Ok(vec![Named { name, puzzle }]);
        };
        let opened = File::open(file)
            .map_err(|error| InputError::value("FILE", file, format!("cannot be read: {error}")))?;
        let mut lines = Lines::new(BufReader::new(opened), MOST_LINE_BYTES);
        let mut puzzles = Vec::new();
        while let Some((number, line)) = lines.next().with_context(|| format!("cannot read {file}"))? {
            let at = |problem: String| InputError::value("FILE", &format!("{file}:{number}"), problem);
            let line = match line {
                Line::TooLong => return Err(at(format!("longer than {MOST_LINE_BYTES} bytes")).into()),
                Line::Whole(line) => line.strip_suffix(b"\r").unwrap_or(line),
            };
            if line.is_empty() {
                continue;
            }
            let name = std::str::from_utf8(line).map_err(|_| {
                at("not UTF-8 text; write such bytes as hex, with --lines template-hex".to_owned())
            })?;
            let puzzle = self
                .puzzle_of(given.clone(), name)
                .map_err(|error| match error.name {
                    Name::Flag(flag, _) if flag.group == Group::Message => at(error.problem),
                    _ => error,
                })?;
            let name = name.to_owned();
            puzzles.push(Named { name, puzzle });
        }
        if puzzles.is_empty() {
            return Err(InputError::value("FILE", file, "there is no puzzle in it; give one a line").into());
        }
        Ok(puzzles)
    }

    fn puzzle_of(&self, given: Given, line: &str) -> Result<Puzzle, InputError> {
        if let Some(flag) = given.of(Group::Message).next() {
            let given = format!(
                "{} {}",
                given.spell(flag),
                given.written(flag).unwrap_or_default()
            );
            let problem = "a second puzzle beside FILE; leave one of the two out";
            return Err(InputError::value("FILE", &given, problem));
        }
        let of_line = match line.contains(paydirt::PLACEHOLDER) {
            true => Flag::Template,
            false => Flag::Text,
        };
        let flag = match self.lines.as_deref() {
            None => of_line,
            Some(name) => (Group::Message.flags().find(|flag| flag.name == name)).ok_or_else(|| {
                let names = any_of(Group::Message, |flag| flag.name.to_owned());
                InputError::value("lines", name, format!("not known; use {names}"))
            })?,
        };
        given.with(flag, line).puzzle()
    }
}

impl CrackArgs {
    fn run(self) -> anyhow::Result<Exit> {
        let number = |option, text: &Option<String>| match text {
            Some(text) => parse(option, text, whole_number::<u128>).map(Some),
            None => Ok(None),
        };
        let puzzles = self.attack.puzzles()?;
        let given = self.attack.given();
        let skip = number("skip", &self.skip)?.unwrap_or(0);
        let length = number("length", &self.length)?;
        let timeout = given.timeout()?;
        let find = given.find()?;
        let mut ranges = Vec::with_capacity(puzzles.len());
        for named in &puzzles {
            let whole = given.place(named.puzzle.nonce_space())?.range;
            let start = u128::from(whole.start()).saturating_add(skip);
            let length = length.unwrap_or(whole.count().saturating_sub(skip));
            let range = whole.part(start, length).map_err(|problem| {
                let (skip, length) = (skip.to_string(), length.to_string());
                match &problem {
                    paydirt::RangeError::StartPastEnd { .. } => InputError::value("skip", &skip, problem),
                    _ => InputError::value("length", &length, problem),
                }
            })?;
            ranges.push(range);
        }
        let miner = self.attack.machine.miner()?;
        let cancel = Cancel::new();
        on_interrupt(&cancel)?;

        let mut chunk = Chunk {
            nonces: ranges.iter().map(|range| range.count()).sum(),
            past: 0,
            hashes: 0,
            begun: Instant::now(),
        };
        let deadline = timeout.and_then(|limit| chunk.begun.checked_add(limit));
        for (Named { name, puzzle }, range) in puzzles.iter().zip(ranges) {
            let mut search = Search::new(puzzle)
                .range(range)
                .find(find)
                .cancel(&cancel)
                .on_progress(Duration::from_secs(1), |progress| {
                    // A closed pipe stops the search; there is nobody to tell.
                    if output::text(&chunk.status_during(progress)).is_err() {
                        cancel.cancel();
                    }
                });
            if let Some(deadline) = deadline {
                search = search.timeout(deadline.saturating_duration_since(Instant::now()));
            }
            let outcome = miner.mine(&search);
            drop(search);
            chunk.hashes += u128::from(outcome.hashes);
            for solution in &outcome.solutions {
                let past = u128::from(solution.nonce() - range.start()) + 1;
                output::text(&format!("{name}:{}\n{}", solution.nonce(), chunk.status(past)))?;
            }
            match outcome.status {
                Status::Found | Status::Exhausted => chunk.past += range.count(),
                Status::Timeout => {
                    output::text(&chunk.status(outcome.hashes.into()))?;
                    return Ok(Exit::Done);
                }
                Status::Interrupted => {
                    output::text(&chunk.status(outcome.hashes.into()))?;
                    return Ok(Exit::Interrupted);
                }
            }
        }
        output::text(&chunk.line(WHOLE_CHUNK))?;
        Ok(Exit::Done)
    }
}

/// How far a chunk is, over all its puzzles.
struct Chunk {
    /// Nonces to test, all puzzles together.
    nonces: u128,
    /// Nonces that need no more testing.
    past: u128,
    hashes: u128,
    begun: Instant,
}

impl Chunk {
    /// The line while the chunk is being searched, `past` nonces into the present puzzle. It does not say that all is
    /// done, even when it is: the agent closes the chunk at that, and hits may follow.
    fn status(&self, past: u128) -> String {
        let share = (self.past + past) * WHOLE_CHUNK / self.nonces.max(1);
        self.line(share.min(WHOLE_CHUNK - 1))
    }

    fn line(&self, share: u128) -> String {
        let elapsed_s = self.begun.elapsed().as_secs_f64().max(1e-6);
        format!("STATUS {share} {:.0}\n", self.hashes as f64 / elapsed_s)
    }

    fn status_during(&self, progress: &Progress) -> String {
        let now = Self {
            hashes: self.hashes + u128::from(progress.hashes),
            ..*self
        };
        now.status(progress.hashes.into())
    }
}
