//! `paydirt bench`: how many hashes a second.

use std::time::Duration;

use clap::Args;

use super::{
    exit::Exit,
    input::{InputError, number, parse, whole_number},
    interrupt::on_interrupt,
    output::{self, rate},
    search_args::MachineArgs,
};
use crate::{
    miner::{Cancel, Find, Miner, Search},
    puzzle::{Goal, Header, Puzzle, Target},
    report::BenchReport,
};

const EXAMPLES: &str = "\
Examples:
  paydirt bench
  paydirt bench --puzzle text --threads 1 --kernel portable --seconds 0.5 --json";

/// Measure the hash rate
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct BenchArgs {
    /// header (sha256d of a Bitcoin header) or text (sha256 of a short text) [default: header]
    #[arg(long, value_name = "PUZZLE")]
    puzzle: Option<String>,
    /// How long each sample takes, in seconds [default: 1]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    seconds: Option<String>,
    /// How many samples to take [default: 5]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    samples: Option<String>,
    #[command(flatten)]
    machine: MachineArgs,
    /// Print one JSON object (schema paydirt.bench/1)
    #[arg(long, help_heading = "Output")]
    json: bool,
}

impl BenchArgs {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let name = self.puzzle.as_deref().unwrap_or("header");
        let (name, puzzle) = parse("puzzle", name, puzzle_named)?;
        let seconds = parse("seconds", self.seconds.as_deref().unwrap_or("1"), |text| {
            let sample = Duration::try_from_secs_f64(number(text)?).ok();
            sample
                .filter(|sample| !sample.is_zero())
                .ok_or("is no length of time; give seconds above 0, as in 0.5".to_owned())
        })?;
        let samples = self.samples.as_deref().unwrap_or("5");
        let samples = match parse("samples", samples, whole_number::<usize>)? {
            0 => return Err(InputError::value("samples", "0", "is none; give 1 or more").into()),
            count => count,
        };
        let miner = self.machine.miner()?;
        let cancel = Cancel::new();
        on_interrupt(&cancel)?;

        let mut rates = Vec::with_capacity(samples);
        sample(&miner, &puzzle, seconds / 4, &cancel); // the first touch of code, tables and clock rate
        while rates.len() < samples && !cancel.is_cancelled() {
            rates.push(sample(&miner, &puzzle, seconds, &cancel));
        }
        if cancel.is_cancelled() {
            return Ok(Exit::Interrupted);
        }
        let report = BenchReport {
            schema: "paydirt.bench/1",
            puzzle: name,
            kernel: miner.kernel().name(),
            threads: miner.threads(),
            seconds: seconds.as_secs_f64(),
            median_hashes_per_second: median(&rates),
            samples: rates,
        };
        if self.json {
            output::json_line(&report)?;
        } else {
            output::text(&format!(
                "{}  {}, kernel {}, threads {} (median of {samples} samples)\n",
                rate(report.median_hashes_per_second),
                report.puzzle,
                report.kernel,
                report.threads,
            ))?;
        }
        Ok(Exit::Done)
    }
}

fn puzzle_named(name: &str) -> Result<(&'static str, Puzzle), &'static str> {
    let never = Goal::at_most(Target::ZERO);
    match name {
        "header" => {
            let header = Header::from_bytes([0x5a; 80]);
            Ok(("header", Puzzle::header_with_goal(&header, never)))
        }
        "text" => Ok(("text", Puzzle::text("paydirt", never))),
        _ => Err("is no benchmark puzzle; use header or text"),
    }
}

/// Hashes per second over about `length`.
fn sample(miner: &Miner, puzzle: &Puzzle, length: Duration, cancel: &Cancel) -> f64 {
    let space = puzzle.nonce_space();
    let range = space.from(1_000_000_000).expect("inside both spaces");
    let search = Search::new(puzzle)
        .range(range)
        .find(Find::All)
        .timeout(length)
        .cancel(cancel);
    miner.mine(&search).hashes_per_second()
}

fn median(rates: &[f64]) -> f64 {
    let mut sorted = rates.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        (sorted[middle - 1] + sorted[middle]) / 2.0
    }
}
