//! `paydirt verify`: check a claimed nonce against a puzzle.

use clap::Args;

use crate::{
    options::{FileArgs, Given, GoalArgs, InputError, NumberError, PuzzleArgs, Spelling, count, parse},
    terminal::{
        exit::Exit,
        output::{self, rolled},
    },
};
use paydirt::{Puzzle, Solution, record::VerifyRecord};

const EXAMPLES: &str = "\
Examples:
  paydirt verify --text 100 --hex-zeros 4 35293
  paydirt verify --header \"$HEADER\"       # the nonce that stands in the header
  paydirt verify --header \"$HEADER\" --roll-version 1fffe000 --bits 20 746044

Exit code 0 when the nonce is a solution, 1 when it is not.";

/// Check a claimed nonce against a puzzle
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyArgs {
    /// The claimed nonce, as a number or as it stands in the message (nonce_text) [default with --header: the header's own]
    #[arg(value_name = "NONCE", allow_negative_numbers = true)]
    claim: Option<String>,
    #[command(flatten)]
    puzzle: PuzzleArgs,
    #[command(flatten)]
    files: FileArgs,
    #[command(flatten)]
    goal: GoalArgs,
    /// Print one JSON object (schema paydirt.verify/1)
    #[arg(long, help_heading = "Output")]
    json: bool,
}

impl VerifyArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let given = Given::new(Spelling::CommandLine, [self.puzzle.values(), self.goal.values()]);
        let given = self.files.add_to(given)?;
        let puzzle = given.puzzle()?;
        if let Some(question) = given.question() {
            crate::say(&format!("warning: {question}"));
        }
        let nonce = match (&self.claim, given.header()?) {
            (Some(text), _) => parse("NONCE", text, |text| claimed(&puzzle, text))?,
            (None, Some(header)) => match puzzle.rolling() {
                Some(rolling) => rolling.join(header.version(), header.nonce()),
                None => header.nonce().into(),
            },
            (None, None) => {
                let problem =
                    "a claimed nonce is needed, as in: paydirt verify --text 100 --hex-zeros 4 35293";
                return Err(InputError::option("NONCE", problem).into());
            }
        };
        let record = VerifyRecord::new(&puzzle, nonce)
            .map_err(|outside| InputError::value("NONCE", &nonce.to_string(), outside))?;
        output::result(self.json, VerifyRecord::SCHEMA, &record, readable)?;
        Ok(if record.valid {
            Exit::Done
        } else {
            Exit::NoSolution
        })
    }
}

/// The nonce that is meant: both forms that `paydirt mine` prints are taken. Where a text can be both, it is the number,
/// unless only the other solves the puzzle.
fn claimed(puzzle: &Puzzle, text: &str) -> Result<u64, NumberError> {
    let number = count(text);
    let stands = puzzle.nonce_from_text(text);
    let solves = |nonce: u64| Solution::check(puzzle, nonce).is_ok();
    let has = |nonce: u64| puzzle.nonce_space().contains(nonce);
    match (number, stands) {
        (Ok(number), Some(stands)) if !solves(number) && (solves(stands) || !has(number)) => Ok(stands),
        (Err(_), Some(stands)) => Ok(stands),
        (number, _) => number,
    }
}

fn readable(record: &VerifyRecord) -> String {
    let verdict = if record.valid { "valid" } else { "not valid" };
    let mut text = format!("{verdict:<12}nonce {}\n", record.claim.nonce);
    if let (Some(version), Some(header_nonce)) = (record.claim.version, record.claim.header_nonce) {
        text.push_str(&format!("header      {}\n", rolled(version, header_nonce)));
    }
    text.push_str(&format!(
        "hash        {}\ntarget      {}\ndifficulty  {:.2} bits\n",
        record.claim.hash, record.target, record.difficulty_bits
    ));
    if let Some(reason) = &record.reason {
        text.push_str(&format!("because     {reason}\n"));
    }
    text
}
