//! `paydirt grind`: a drop-in for `bitcoin-util grind`, which Bitcoin Core's signet miner runs as its `--grind-cmd`.
//!
//! *In:* one argument, a block header in hex. *Out:* the header with the lowest nonce that meets its own nBits, in hex.
//! Messages, streams and exit codes are those of the original (Bitcoin Core, `src/bitcoin-util.cpp`), to the byte;
//! that is why nothing here goes through the words and codes of the other commands. Two things differ on purpose:
//! *all* 2^32 nonces are tried, and the lowest solution wins, so that the answer is the same on every machine.

use std::ffi::OsString;

use clap::Args;

use crate::{
    say,
    terminal::{exit::Exit, output},
};
use paydirt::{HEADER_BYTES, Header, Miner, Puzzle, Search};

const EXAMPLES: &str = "\
Prints the header with the lowest nonce that meets its nBits. A nonce that
stands in it is ignored, as are bytes after the 80th. Messages and exit codes
(0 and 1) are those of bitcoin-util.

Examples:
  paydirt grind \"$HEADER\"
  contrib/signet/miner --cli=bitcoin-cli generate \\
    --grind-cmd='paydirt grind' --address=\"$ADDRESS\" --min-nbits";

/// Grind a block header, as `bitcoin-util grind` does
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct GrindArgs {
    /// The block header, at least 160 hex digits
    #[arg(value_name = "HEADER", allow_hyphen_values = true, trailing_var_arg = true)]
    arguments: Vec<OsString>,
}

impl GrindArgs {
    /// Takes the arguments of a process as they are, if its command is `grind` and it does not ask for help: to the
    /// original, `--` is an argument like any other. It also saves setting up the parser of all other commands.
    pub(crate) fn from_arguments(arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        let mut arguments = arguments.skip(1);
        if arguments.next()? != "grind" {
            return None;
        }
        let arguments: Vec<_> = arguments.collect();
        let asks_for_help = arguments
            .iter()
            .any(|argument| argument == "--help" || argument == "-h");
        (!asks_for_help).then_some(Self { arguments })
    }

    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let grind = || -> Result<Header, &'static str> {
            let [text] = &self.arguments[..] else {
                return Err("Must specify block header to grind");
            };
            let header = text.to_str().and_then(decode);
            solve(&header.ok_or("Could not decode block header")?)
                .ok_or("Could not satisfy difficulty target")
        };
        match grind() {
            Ok(header) => {
                output::text(&format!("{}\n", hex::encode(header.to_bytes())))?;
                Ok(Exit::Done)
            }
            Err(message) => {
                say(message);
                Ok(Exit::NoSolution)
            }
        }
    }
}

/// Bitcoin Core's `DecodeHexBlockHeader`: an even number of hex digits, of which the first 160 count.
fn decode(text: &str) -> Option<Header> {
    let bytes = hex::decode(text).ok()?;
    let header: [u8; HEADER_BYTES] = *bytes.first_chunk()?;
    Some(Header::from_bytes(header))
}

/// The header with the lowest nonce that meets its nBits. `None` when there is none, or nBits is not a target.
fn solve(header: &Header) -> Option<Header> {
    let puzzle = Puzzle::header(header).ok()?;
    let outcome = Miner::new().mine(&Search::new(&puzzle));
    let solution = outcome.solutions.first()?;
    let nonce = u32::try_from(solution.nonce()).expect("a header's nonce has 32 bits");
    Some(header.with_nonce(nonce))
}
