//! `paydirt merge`: the results of shards, merged into the one answer.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use anyhow::Context as _;
use clap::Args;
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::Value;

use crate::{
    options::{Flag, Given, InputError, Spelling, shown},
    terminal::{
        exit::Exit,
        lines::{Line, Lines},
        output::{self, seconds, thousands},
    },
};
use paydirt::{
    Find, NonceRange, Status,
    record::{Difference, MergeError, Merged, MineRecord, Shard, SolutionRecord, merge},
};

/// Bytes a result may have: with `--find all` it may be long.
const MOST_LINE_BYTES: usize = 1 << 30;

const EXAMPLES: &str = "\
Results are read a line at a time, with --find all after the lines of their
solutions; what else `paydirt work` prints is passed over. Shards cut with
--shard know the whole they are a part of; of ranges cut by hand with --start
and --count, say the whole with --start and --count here. Every solution is
hashed again; a result that cannot be true is refused, with its file, line and
field.

Examples:
  paydirt merge shard-*.json
  seq 0 7 |
    parallel paydirt mine --text 100 --hex-zeros 7 --count 1e9 --shard {}/8 \\
      --json | paydirt merge
  paydirt merge --start 0 --count 1000000 a.json b.json --json

Exit code 0 when a solution was found, 1 when the whole range holds none, 2 when
a shard is missing, there twice or untrue, 4 or 130 when a shard that could
change the answer did not finish.";

/// Merge the results of shards into the one answer
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MergeArgs {
    /// Files of JSON lines from `paydirt mine --json` or `paydirt work` [default: stdin]
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// The first nonce of the whole range, where the results do not say [default: the lowest there is]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    start: Option<String>,
    /// How many nonces the whole range has [default: up to the highest there is]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    count: Option<String>,
    /// Print one JSON object (schema paydirt.merge/1)
    #[arg(long)]
    json: bool,
}

impl MergeArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let whole = self.whole()?;
        let mut shards = Vec::new();
        if self.files.is_empty() {
            read("stdin", io::stdin().lock(), &mut shards)?;
        }
        for file in &self.files {
            if file == "-" {
                read("stdin", io::stdin().lock(), &mut shards)?;
                continue;
            }
            let opened = File::open(Path::new(file)).and_then(|opened| match opened.metadata()?.is_dir() {
                true => Err(io::ErrorKind::IsADirectory.into()),
                false => Ok(opened),
            });
            let opened = opened
                .map_err(|error| InputError::value("FILE", file, format!("cannot be read: {error}")))?;
            read(file, BufReader::new(opened), &mut shards)?;
        }
        let merged = merge(shards, whole).map_err(|problem| refused(&problem))?;
        output::result(self.json, Merged::SCHEMA, &merged, readable)?;
        Ok(merged.status.into())
    }

    fn whole(&self) -> Result<Option<NonceRange>, InputError> {
        if self.start.is_none() && self.count.is_none() {
            return Ok(None);
        }
        let Some(count) = &self.count else {
            let problem = "this is needed beside --start, to say how many nonces the whole range has";
            return Err(InputError::option("count", problem));
        };
        let every_nonce = NonceRange::new(0, 1 << 64).expect("2^64 nonces from 0");
        let mut whole = Given::new(Spelling::CommandLine, []).with(Flag::Count, count);
        if let Some(start) = &self.start {
            whole = whole.with(Flag::Start, start);
        }
        whole.place(every_nonce).map(|place| Some(place.range))
    }
}

/// The problem, and what that means for a command line.
fn explained(problem: &MergeError) -> String {
    let way_out = match problem {
        MergeError::Nothing => "; give the JSON lines of paydirt mine --json",
        MergeError::Differ {
            what: Difference::Find,
            ..
        } => " (with the same --find)",
        _ => "",
    };
    format!("{problem}{way_out}")
}

/// Reads the results in one input.
fn read(name: &str, input: impl BufRead, shards: &mut Vec<Shard>) -> anyhow::Result<()> {
    let mut lines = Lines::new(input, MOST_LINE_BYTES);
    let mut told = Told::default();
    while let Some((number, line)) = lines.next().with_context(|| format!("cannot read {name}"))? {
        let source = format!("{}:{number}", shown(name));
        let refuse = |problem: String| InputError::value("FILE", &source, problem);
        let line = match line {
            Line::TooLong => {
                let problem = format!("longer than {MOST_LINE_BYTES} bytes, which no result is");
                return Err(refuse(problem).into());
            }
            Line::Whole(line) if line.trim_ascii().is_empty() => continue,
            Line::Whole(line) => line,
        };
        match said(line).map_err(refuse)? {
            Said::Result(mut record) => {
                told.belongs_to(&mut record).map_err(refuse)?;
                let record = *record;
                shards.push(Shard { source, record });
            }
            Said::Solution(solution) => {
                told.first.get_or_insert(source);
                told.solutions.push(solution);
            }
            Said::Resumed { next } => told.resume(next, shards),
            Said::Other => {}
        }
    }
    match told.first {
        None => Ok(()),
        Some(source) => {
            let problem = "its result is missing: the lines of `paydirt mine --find all` end with it";
            Err(InputError::value("FILE", &source, problem).into())
        }
    }
}

/// Solutions that were told, whose result comes after them.
#[derive(Default)]
struct Told {
    solutions: Vec<SolutionRecord>,
    /// Where the first was read.
    first: Option<String>,
}

impl Told {
    /// They are those of this result.
    fn belongs_to(&mut self, record: &mut MineRecord) -> Result<(), String> {
        let first = self.first.take();
        if record.find != Find::All || record.solutions.is_some() {
            return match first {
                None => Ok(()),
                Some(_) => {
                    Err("it follows the lines of solutions, but is no result of --find all".to_owned())
                }
            };
        }
        if first.is_some() || record.solution_count == Some(0) {
            record.solutions = Some(std::mem::take(&mut self.solutions));
        }
        Ok(())
    }

    /// What follows goes on with the search before it at this nonce: a result there was only so far, and solutions
    /// from there on are told again.
    fn resume(&mut self, next: u64, shards: &mut Vec<Shard>) {
        let so_far = shards.pop_if(|shard| {
            let unfinished = matches!(shard.record.status, Status::Timeout | Status::Interrupted);
            self.first.is_none() && unfinished && shard.record.find == Find::All
        });
        if let Some(Shard { source, record }) = so_far {
            self.solutions = record.solutions.unwrap_or_default();
            self.first = Some(source);
        }
        self.solutions.retain(|solution| solution.nonce < next);
    }
}

/// What says what a line is.
#[derive(Deserialize)]
struct Named {
    schema: Option<Value>,
    r#type: Option<Value>,
    next: Option<Value>,
}

/// What a line says.
enum Said {
    Result(Box<MineRecord>),
    Solution(SolutionRecord),
    Resumed {
        next: u64,
    },
    /// What else `paydirt work` prints.
    Other,
}

fn said(line: &[u8]) -> Result<Said, String> {
    serde_json::from_slice::<IgnoredAny>(line).map_err(|error| format!("not JSON: {}", shortened(&error)))?;
    let named: Named = serde_json::from_slice(line).map_err(|_| NO_RESULT.to_owned())?;
    let text = |value: &Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
    match (text(&named.schema).as_deref(), text(&named.r#type).as_deref()) {
        (Some(MineRecord::SCHEMA), _) => whole(line).map(Said::Result),
        (Some("paydirt.work/1"), _) => Ok(Said::Other), // accepted, progress …
        (Some("paydirt.mine-stream/1"), Some("solution")) => whole(line).map(Said::Solution),
        (Some("paydirt.mine-stream/1"), Some("resumed")) => {
            let next = named.next.as_ref().and_then(Value::as_u64);
            let next = next.ok_or("not a whole line: next: it is no nonce")?;
            Ok(Said::Resumed { next })
        }
        _ => Err(NO_RESULT.to_owned()),
    }
}

/// From the text and not from a tree of values: a field that is there twice is noticed, and a long list stays small.
fn whole<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    let mut json = serde_json::Deserializer::from_slice(line);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = one_line(&error.path().to_string());
        format!("not a whole result: {path}: {}", shortened(error.inner()))
    })
}

fn shortened(error: &serde_json::Error) -> String {
    one_line(&error.to_string().replace(" at line 1 column", " at column"))
}

const NO_RESULT: &str = "not a result of paydirt mine --json (schema paydirt.mine/1)";

/// What serde says, which may repeat what it read.
fn one_line(text: &str) -> String {
    const SHOWN_CHARS: usize = 200;
    let mut line = String::new();
    for letter in text.chars().take(SHOWN_CHARS) {
        match letter.is_control() {
            true => line.extend(letter.escape_debug()),
            false => line.push(letter),
        }
    }
    line
}

/// Whether `lines`, results of `paydirt mine --json`, can be merged into one answer.
///
/// # Errors
/// What `paydirt merge` would say on stderr, without `error:` before it.
///
/// # Examples
/// ```
/// let problem = paydirt_cli::check_results(b"{}").unwrap_err();
/// assert!(problem.starts_with("FILE 'stdin:1': not a result"));
/// ```
pub fn check_results(lines: &[u8]) -> Result<(), String> {
    let mut shards = Vec::new();
    read("stdin", lines, &mut shards).map_err(|error| error.to_string())?;
    let merged = merge(shards, None);
    merged
        .map(|_| ())
        .map_err(|problem| refused(&problem).to_string())
}

/// The problem as bad input.
fn refused(problem: &MergeError) -> InputError {
    InputError::option("FILE", explained(problem))
}

fn readable(merged: &Merged) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: &str| text.push_str(&format!("{label:<12}{value}\n"));
    let status = merged.status.name();
    match (merged.nonce, &merged.nonce_text) {
        (Some(nonce), Some(shown)) if *shown != nonce.to_string() => {
            line(status, &format!("nonce {nonce} (as {shown})"));
        }
        (Some(nonce), _) => line(status, &format!("nonce {nonce}")),
        (None, _) => line(status, "no solution"),
    }
    if let Some(all) = &merged.solutions {
        for solution in all {
            line("", &format!("{} {}", solution.hash, solution.nonce));
        }
        line("solutions", &thousands(all.len()));
    } else if let Some(hash) = &merged.hash {
        line("hash", hash);
    }
    line("target", &merged.target);
    line(
        "shards",
        &format!(
            "{}, nonces {} in all",
            merged.shards,
            thousands(merged.range.count())
        ),
    );
    line(
        "work",
        &format!(
            "{} hashes; the longest shard took {}, all together {}",
            thousands(merged.hashes),
            seconds(merged.elapsed_s),
            seconds(merged.total_elapsed_s)
        ),
    );
    text
}
