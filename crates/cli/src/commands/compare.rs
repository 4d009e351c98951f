//! `paydirt compare`: what difficulty levels cost, here and elsewhere.

use std::time::Duration;

use clap::Args;

use crate::{
    commands::bench::setup,
    options::{
        InputError, MachineArgs, classes::Class, measurement, number, one_or_more, parse, whole_number,
    },
    render::{export::ExportArgs, numbers::rate},
    terminal::{exit::Exit, progress::StepBar},
};
use paydirt_measure::compare::{self, Level, NamedRate, Settings, Step};

/// The most puzzles that a level is split into.
const MOST_PUZZLES: u32 = 65_536;

const EXAMPLES: &str = "\
Examples:
  # How long do 12 to 24 bits take here? What takes too long is computed
  paydirt compare --bits 12..24

  # Half-bit steps, 200 puzzles each, with a picture
  paydirt compare --bits 12..20:0.5 --samples 200 --plot times.svg

  # What do a phone and a server need for 3 to 6 hex zeros?
  paydirt compare --hex-zeros 3..6 --rate phone=2MH/s --rate server=1GH/s

  # The hardest level that a visitor's browser solves in 2 seconds, 95 times of
  # 100, and what it costs who rents a graphics card for 0.40 an hour
  paydirt compare --bits 12..24 --rate browser-js --rate gpu --within 2s \\
      --price gpu=0.40/h

  # How much less luck is there in 16 puzzles of a sixteenth each?
  paydirt compare --bits 16..20 --split 16

Puzzle INDEX of a level is the text compare/SEED/BITS/INDEX/ followed by the
nonce, so any of them can be mined again:
  paydirt mine --text compare/1/12/0/ --bits 12

Exit code 3 when the tries are not those of a right engine (p below 0.001).";

/// The examples, and the classes that --rate knows.
fn after_help() -> String {
    let classes = Class::all().iter().map(|class| {
        let rate = rate(class.hashes_per_second);
        format!("\n  {:<18} {rate:>9}  {}", class.name, class.what)
    });
    let classes: String = classes.collect();
    format!(
        "{EXAMPLES}\n\nRates by name, per text of one block (docs/difficulty.md has the sources):{classes}"
    )
}

/// Compare difficulty levels: tries and times, luck apart from rate
#[derive(Debug, Args)]
#[command(after_help = after_help())]
pub(crate) struct CompareArgs {
    /// Levels in leading zero bits: numbers and ranges, as in 8,12 or 12..24 or 12..24:0.5 [default: 8..20]
    #[arg(long, value_name = "LIST", allow_negative_numbers = true)]
    bits: Option<String>,
    /// Levels in leading hex zeros (4 bits each), as in 3..6
    #[arg(long, value_name = "LIST", allow_negative_numbers = true)]
    hex_zeros: Option<String>,
    /// Puzzles of each level [default: 100]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    samples: Option<String>,
    /// Which puzzles: the same seed gives the same ones on every machine [default: 1]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<String>,
    /// Seconds to measure for; levels that do not fit are computed [default: 60]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    budget: Option<String>,
    /// Somebody's hash rate, named or not: as in 1.5GH/s, phone=2MH/s, a class below as in python, or
    /// farm=100*gpu; may be given several times
    #[arg(long, value_name = "[NAME=]RATE", allow_negative_numbers = true)]
    rate: Vec<String>,
    /// What a machine costs, as in 0.10/h: adds solutions an hour and the cost of a thousand. Without a name it is the
    /// strongest rate's, or this machine's when there is none; may be given several times
    #[arg(long, value_name = "[NAME=]AMOUNT/h", allow_negative_numbers = true)]
    price: Vec<String>,
    /// Beside each level, show K puzzles of a K-th of its work each, one after the other: as much work, less luck
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    split: Option<String>,
    /// Say which level each rate solves within this time, as in 500ms, and what the hardest that all of them solve costs
    #[arg(long, value_name = "TIME", allow_negative_numbers = true)]
    within: Option<String>,
    /// The share of puzzles that --within must hold for, between 0 and 1 [default: 0.95]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    quantile: Option<String>,
    #[command(flatten)]
    machine: MachineArgs,
    /// Bind each thread to a processor
    #[arg(long)]
    pin: bool,
    #[command(flatten)]
    export: ExportArgs,
}

impl CompareArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let settings = self.settings()?;
        self.export.check()?;
        let miner = self.machine.miner()?;
        let setup = setup(self.pin)?;
        let cancel = setup.cancel.clone();
        let bar = StepBar::new();
        let report = compare::run(&settings, setup, &miner, &mut |progress| {
            let at = format!(
                "{} bits, puzzle {} of {}",
                progress.level.bits(),
                progress.sample + 1,
                progress.samples
            );
            bar.show(progress.share, &at, progress.left_s);
        });
        drop(bar);
        self.export.deliver(&report, &cancel)
    }

    fn settings(&self) -> Result<Settings, InputError> {
        let mut levels = match (&self.bits, &self.hex_zeros) {
            (Some(_), Some(zeros)) => {
                let problem = "a second list of levels beside --bits; give one of the two";
                return Err(InputError::value("hex-zeros", zeros, problem));
            }
            (_, Some(zeros)) => parse("hex-zeros", zeros, |text| {
                let zeros = measurement::levels(text)?;
                let whole = |zeros: &f64| zeros.fract() == 0.0 && (0.0..=64.0).contains(zeros);
                if !zeros.iter().all(whole) {
                    return Err("not a list of whole numbers from 0 to 64".to_owned());
                }
                self::levels(zeros.iter().map(|zeros| zeros * 4.0))
            })?,
            (bits, None) => parse("bits", bits.as_deref().unwrap_or("8..20"), |text| {
                self::levels(measurement::levels(text)?.into_iter())
            })?,
        };
        levels.sort_by(|a, b| a.bits().total_cmp(&b.bits()));
        levels.dedup();
        let samples = parse(
            "samples",
            self.samples.as_deref().unwrap_or("100"),
            |text| match one_or_more::<usize>(text)? {
                count if count > 1_000_000 => Err("too many; give a million at most".to_owned()),
                count => Ok(count),
            },
        )?;
        let mut rates = self.rates()?;
        let own_price_per_hour = self.prices(&mut rates)?;
        Ok(Settings {
            levels,
            samples,
            seed: parse("seed", self.seed.as_deref().unwrap_or("1"), whole_number)?,
            budget: parse("budget", self.budget.as_deref().unwrap_or("60"), |text| {
                let budget = Duration::try_from_secs_f64(number(text)?);
                budget.map_err(|_| "not a time budget; give seconds, as in 60 (0 to compute all)".to_owned())
            })?,
            rates,
            own_price_per_hour,
            split: parse(
                "split",
                self.split.as_deref().unwrap_or("1"),
                |text| match one_or_more::<u32>(text)? {
                    puzzles if puzzles > MOST_PUZZLES => {
                        Err(format!("too many; give {MOST_PUZZLES} at most"))
                    }
                    puzzles => Ok(puzzles),
                },
            )?,
            within: self.within()?,
            step: match self.hex_zeros {
                Some(_) => Step::HexZero,
                None => Step::Bit,
            },
        })
    }

    /// Gives the rates their prices; returns this machine's.
    fn prices(&self, rates: &mut [NamedRate]) -> Result<Option<f64>, InputError> {
        let mut own = None;
        for text in &self.price {
            let refuse = |problem: String| InputError::value("price", text, problem);
            let (name, an_hour) = measurement::price(text).map_err(refuse)?;
            let of = match name {
                None if rates.is_empty() => &mut own,
                None => {
                    let strongest = rates.iter_mut();
                    let strongest =
                        strongest.max_by(|a, b| a.hashes_per_second.total_cmp(&b.hashes_per_second));
                    &mut strongest.expect("there is one").price_per_hour
                }
                Some(name) => {
                    let known: Vec<_> = rates.iter().map(|rate| rate.name.clone()).collect();
                    let rate = rates.iter_mut().find(|rate| rate.name == name);
                    let rate = rate.ok_or_else(|| match known.is_empty() {
                        true => refuse("no --rate is called so; give that rate as well".to_owned()),
                        false => refuse(format!("no --rate is called so; use one of {}", known.join(", "))),
                    })?;
                    &mut rate.price_per_hour
                }
            };
            if of.replace(an_hour).is_some() {
                return Err(refuse("a second price of the same rate; give one".to_owned()));
            }
        }
        Ok(own)
    }

    fn rates(&self) -> Result<Vec<NamedRate>, InputError> {
        let mut rates: Vec<NamedRate> = Vec::new();
        for text in &self.rate {
            let rate = parse("rate", text, measurement::named_rate)?;
            if rates.iter().any(|known| known.name == rate.name) {
                return Err(InputError::value(
                    "rate",
                    text,
                    "this name is taken; give each rate its own",
                ));
            }
            rates.push(rate);
        }
        Ok(rates)
    }

    /// The time allowed in seconds, and the share of puzzles that must be solved in it.
    fn within(&self) -> Result<Option<(f64, f64)>, InputError> {
        let within = self
            .within
            .as_ref()
            .map(|text| parse("within", text, measurement::time_s))
            .transpose()?;
        let quantile = self.quantile.as_ref().map(|text| {
            parse("quantile", text, |text| {
                let share = number(text)?;
                let between = share > 0.0 && share < 1.0;
                between
                    .then_some(share)
                    .ok_or_else(|| "not between 0 and 1; give a share such as 0.95".to_owned())
            })
        });
        match (within, quantile.transpose()?) {
            (None, Some(_)) => Err(InputError::option(
                "quantile",
                "this goes with --within; give that as well",
            )),
            (within, quantile) => Ok(within.map(|within| (within, quantile.unwrap_or(0.95)))),
        }
    }
}

fn levels(bits: impl Iterator<Item = f64>) -> Result<Vec<Level>, String> {
    bits.map(|bits| Level::from_bits(bits).map_err(|problem| problem.to_string()))
        .collect()
}
