//! `paydirt compare`: what difficulty levels cost, here and elsewhere.

use std::time::Duration;

use clap::Args;

use crate::report::{CompareReport, Frame, MachineReport, NamedRate, Questions, plot::Format, summary};
use crate::{
    commands::bench::pins,
    options::{
        input::{InputError, number, parse, whole_number},
        lists, quantity,
        search::MachineArgs,
    },
    render::export::{Export, ExportArgs, command_line},
    say,
    terminal::{exit::Exit, interrupt::on_interrupt, output, progress::StepBar},
};
use paydirt::Cancel;
use paydirt_measure::{
    bench as measure_bench,
    compare::{self, Level, MinerEngine, Settings},
    machine::{Meter, Usage},
};

const EXAMPLES: &str = "\
Examples:
  # How long do 12 to 24 bits take here? Levels that do not fit a minute are computed
  paydirt compare --bits 12..24

  # Half-bit steps, 200 puzzles each, with a picture
  paydirt compare --bits 12..20:0.5 --samples 200 --plot times.svg

  # What do a phone and a server need for 3 to 6 hex zeros?
  paydirt compare --hex-zeros 3..6 --rate phone=2MH/s --rate server=1GH/s

  # The hardest level that a phone solves in half a second, 95 times of 100
  paydirt compare --bits 8..20 --rate phone=2MH/s --within 500ms --quantile 0.95

Puzzle INDEX of a level is the text compare/SEED/BITS/INDEX/ followed by the nonce, so any of
them can be mined again:
  paydirt mine --text compare/1/12/0/ --bits 12

Exit code 3 when the tries are not those of a right engine (p below 0.001).";

/// Compare difficulty levels: tries and times, luck told apart from rate
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
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
    /// Somebody's hash rate, named or not, as in 1.5GH/s or phone=2MH/s; may be given several times
    #[arg(long, value_name = "[NAME=]RATE", allow_negative_numbers = true)]
    rate: Vec<String>,
    /// Say which level is solved within this time at each rate, as in 500ms
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
        let questions = self.questions()?;
        self.export.check()?;
        let miner = self.machine.miner()?;
        let pinned = if self.pin { pins()?.pin_miner(&miner) } else { 0 };
        let cancel = Cancel::new();
        on_interrupt(&cancel)?;

        let machine = MachineReport {
            pinned: pinned > 0,
            ..MachineReport::here()
        };
        let bar = StepBar::new();
        let meter = Meter::start();
        let outcome = compare::run(
            &settings,
            &mut MinerEngine::new(&miner),
            &cancel,
            &mut |progress| {
                let at = format!(
                    "{} bits, puzzle {} of {}",
                    progress.level.bits(),
                    progress.sample + 1,
                    progress.samples
                );
                bar.show(progress.share, &at, progress.left_s);
            },
        );
        let usage = meter.stop();
        drop(bar);

        let frame = Frame {
            command: command_line(),
            warnings: doubts(&machine, miner.threads(), usage),
            machine,
            kernel: miner.kernel().name(),
            threads: miner.threads(),
            elapsed_s: usage.elapsed_s,
        };
        let report = CompareReport::new(frame, &settings, &questions, &outcome);
        let printed = if self.export.json {
            output::json_line(&report)
        } else {
            output::text(&report.to_text())
        };
        summary::warning_lines(&report.warnings)
            .iter()
            .for_each(|line| say(line));
        if let Some(misfit) = report.misfit() {
            say(&format!("error: {misfit}"));
            return Ok(Exit::Failure);
        }
        if cancel.is_cancelled() {
            return printed.map(|()| Exit::Interrupted);
        }
        // The files are written even if stdout could not be: a measurement takes its time.
        if let Some(folder) = self.export.write(&report)? {
            say(&format!("saved in {}", folder.display()));
        }
        printed.map(|()| Exit::Done)
    }

    fn settings(&self) -> Result<Settings, InputError> {
        let mut levels = match (&self.bits, &self.hex_zeros) {
            (Some(_), Some(zeros)) => {
                let problem = "is a second list of levels beside --bits; give one of the two";
                return Err(InputError::value("hex-zeros", zeros, problem));
            }
            (_, Some(zeros)) => parse("hex-zeros", zeros, |text| {
                let zeros = lists::levels(text)?;
                let whole = |zeros: &f64| zeros.fract() == 0.0 && (0.0..=64.0).contains(zeros);
                if !zeros.iter().all(whole) {
                    return Err("has a level that is no whole number from 0 to 64".to_owned());
                }
                self::levels(zeros.iter().map(|zeros| zeros * 4.0))
            })?,
            (bits, None) => parse("bits", bits.as_deref().unwrap_or("8..20"), |text| {
                self::levels(lists::levels(text)?.into_iter())
            })?,
        };
        levels.sort_by(|a, b| a.bits().total_cmp(&b.bits()));
        levels.dedup();
        let samples = parse(
            "samples",
            self.samples.as_deref().unwrap_or("100"),
            |text| match whole_number::<usize>(text)? {
                0 => Err("is none; give 1 or more".to_owned()),
                count if count > 1_000_000 => Err("is more than a million".to_owned()),
                count => Ok(count),
            },
        )?;
        Ok(Settings {
            levels,
            samples,
            seed: parse("seed", self.seed.as_deref().unwrap_or("1"), whole_number)?,
            budget: parse("budget", self.budget.as_deref().unwrap_or("60"), |text| {
                let budget = Duration::try_from_secs_f64(number(text)?);
                budget.map_err(|_| "is no time budget; give seconds, as in 60 (0 to compute all)".to_owned())
            })?,
        })
    }

    fn questions(&self) -> Result<Questions, InputError> {
        let mut rates: Vec<NamedRate> = Vec::new();
        for text in &self.rate {
            let rate = parse("rate", text, quantity::named_rate)?;
            if rates.iter().any(|known| known.name == rate.name) {
                return Err(InputError::value(
                    "rate",
                    text,
                    "has a name that is taken; give each rate its own",
                ));
            }
            rates.push(rate);
        }
        let within = self
            .within
            .as_ref()
            .map(|text| parse("within", text, quantity::time_s))
            .transpose()?;
        let quantile = self.quantile.as_ref().map(|text| {
            parse("quantile", text, |text| {
                let share = number(text)?;
                let between = share > 0.0 && share < 1.0;
                between
                    .then_some(share)
                    .ok_or_else(|| "must be between 0 and 1, as 0.95".to_owned())
            })
        });
        match (within, quantile.transpose()?) {
            (None, Some(_)) => Err(InputError::option(
                "quantile",
                "goes with --within; give that as well",
            )),
            (Some(within), quantile) => Ok(Questions {
                rates,
                within: Some((within, quantile.unwrap_or(0.95))),
            }),
            (None, None) => Ok(Questions { rates, within: None }),
        }
    }
}

fn levels(bits: impl Iterator<Item = f64>) -> Result<Vec<Level>, String> {
    bits.map(|bits| Level::from_bits(bits).map_err(|problem| problem.to_string()))
        .collect()
}

fn doubts(machine: &MachineReport, threads: usize, usage: Usage) -> Vec<crate::report::WarningReport> {
    let context = measure_bench::Context {
        processors: machine.logical_processors,
        quota_processors: machine.quota_processors,
        load_average: machine.load_average,
        // Easy puzzles are mined by one thread alone: what the others did not use was not kept from them.
        usage: Some((usage, 0.0)),
    };
    measure_bench::machine_warnings(threads, &context)
        .into_iter()
        .map(Into::into)
        .collect()
}

impl Export for CompareReport {
    const NAME: &'static str = "compare";

    fn machine(&self) -> &MachineReport {
        &self.machine
    }

    fn csv(&self) -> Vec<u8> {
        self.to_csv()
    }

    fn markdown(&self, picture: Option<&str>) -> String {
        self.to_markdown(picture)
    }

    fn plot(&self, format: Format) -> anyhow::Result<Vec<u8>> {
        self.picture(format)
    }
}
