//! `paydirt verify`: check a claimed nonce against a puzzle.

use clap::Args;

use crate::{
    options::{Given, GoalArgs, InputError, PuzzleArgs, Spelling, parse, whole_number},
    terminal::{
        exit::Exit,
        output::{self, rolled},
    },
};
use paydirt::record::VerifyRecord;

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
    /// The claimed nonce, in decimal [default with --header: the header's own]
    #[arg(value_name = "NONCE", allow_negative_numbers = true)]
    claim: Option<String>,
    #[command(flatten)]
    puzzle: PuzzleArgs,
    #[command(flatten)]
    goal: GoalArgs,
    /// Print one JSON object (schema paydirt.verify/1)
    #[arg(long, help_heading = "Output")]
    json: bool,
}

impl VerifyArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let given = Given::new(Spelling::CommandLine, [self.puzzle.values(), self.goal.values()]);
        let puzzle = given.puzzle()?;
        let nonce = match (&self.claim, given.header()?) {
            (Some(text), _) => parse("NONCE", text, whole_number)?,
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
