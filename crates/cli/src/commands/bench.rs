//! `paydirt bench`: how many hashes a second, and how far that is from the most there could be.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use crate::report::{BENCH_SCHEMA, BenchReport, MachineReport, plot::Format, summary};
use crate::{
    options::{
        input::{InputError, parse, whole_number},
        lists, quantity,
        search::kernel_names,
    },
    render::export::{Export, ExportArgs, command_line},
    say,
    terminal::{exit::Exit, interrupt::on_interrupt, output, progress::StepBar},
};
use paydirt::{Cancel, Kernel};
use paydirt_measure::{
    bench::{self, Case, Context, MinerExecutor, Plan},
    known_hits::{BENCH_PUZZLE_NAMES, KnownPuzzle},
    machine::{Meter, Pins},
};

const EXAMPLES: &str = "\
Examples:
  # Both puzzles, one thread and all of them, the fastest kernel: about 22 seconds
  paydirt bench

  # Every kernel this processor runs, on one to four threads, with a picture
  paydirt bench --kernel all --threads 1..4 --plot rates.svg

  # Is it faster than before?
  paydirt bench --puzzle header --json > before.json
  paydirt bench --puzzle header --baseline before.json

Every sample counts the solutions among the nonces it was measured over. When they are not
exactly those that the oracle finds there, the run stops with exit code 3.";

/// Measure hash rates: kernels × threads × puzzles, with their ceiling
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BenchArgs {
    /// header (sha256d of a Bitcoin header), text (sha256 of a short text), a list, or all [default: all]
    #[arg(long, value_name = "LIST")]
    puzzle: Option<String>,
    #[arg(long, value_name = "LIST", help = kernel_help())]
    kernel: Option<String>,
    /// Numbers of threads, as in 1,2,4 or 1..8 or 1..all [default: 1,all]
    #[arg(long, value_name = "LIST", allow_negative_numbers = true)]
    threads: Option<String>,
    /// How long each sample takes, in seconds [default: 0.5]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    seconds: Option<String>,
    /// How many samples to take of each kernel, thread count and puzzle, in turn [default: 10]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    samples: Option<String>,
    /// Bind each thread to a processor
    #[arg(long)]
    pin: bool,
    /// Compare with an earlier run's JSON, or the results folder that holds it
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    #[command(flatten)]
    export: ExportArgs,
}

impl BenchArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let plan = self.plan()?;
        let baseline = self
            .baseline
            .as_ref()
            .map(|file| read_baseline(file))
            .transpose()?;
        self.export.check()?;
        let pins = if self.pin { Some(pins()?) } else { None };
        let cancel = Cancel::new();
        on_interrupt(&cancel)?;

        let mut machine = MachineReport::here();
        let mut executor = MinerExecutor::new(&cancel, pins);
        let bar = StepBar::new();
        let meter = Meter::start();
        let run = bench::run(&plan, &mut executor, &cancel, &mut |done, steps| {
            let share = done as f64 / steps as f64;
            let left_s = plan.duration().as_secs_f64() * (1.0 - share);
            bar.show(share, &format!("sample {done} of {steps}"), Some(left_s));
        })?;
        let usage = meter.stop();
        drop(bar);
        machine.pinned = executor.pinned() > 0;

        let thread_time = |row: &bench::Row| {
            let measured_s: f64 = row.samples.iter().map(|sample| sample.elapsed_s).sum();
            (plan.warm_up.as_secs_f64() + measured_s) * row.case.threads as f64
        };
        let context = Context {
            processors: machine.logical_processors,
            quota_processors: machine.quota_processors,
            load_average: machine.load_average,
            usage: Some((usage, run.rows.iter().map(thread_time).sum())),
        };
        let mut report = BenchReport::new(command_line(), machine, &plan, &run, &context);
        if let Some((file, earlier)) = &baseline {
            report.compare_with(earlier, file);
        }
        let printed = if self.export.json {
            output::json_line(&report)
        } else {
            output::text(&report.to_text())
        };
        summary::warning_lines(&report.warnings)
            .iter()
            .for_each(|line| say(line));
        if let Some(miscount) = report.miscount() {
            say(&format!("error: {miscount}"));
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

    fn plan(&self) -> Result<Plan, InputError> {
        let puzzles = parse("puzzle", self.puzzle.as_deref().unwrap_or("all"), puzzles)?;
        let kernels = parse("kernel", self.kernel.as_deref().unwrap_or("auto"), kernels)?;
        let threads = parse("threads", self.threads.as_deref().unwrap_or("1,all"), |text| {
            lists::threads(text, num_cpus::get())
        })?;
        let sample_length = parse(
            "seconds",
            self.seconds.as_deref().unwrap_or("0.5"),
            quantity::sample_length,
        )?;
        let samples = parse(
            "samples",
            self.samples.as_deref().unwrap_or("10"),
            |text| match whole_number::<usize>(text)? {
                0 => Err("is none; give 1 or more".to_owned()),
                count if count > 1_000_000 => Err("is more than a million".to_owned()),
                count => Ok(count),
            },
        )?;
        let mut cases = Vec::new();
        for puzzle in puzzles {
            for kernel in &kernels {
                cases.extend(threads.iter().map(|threads| Case {
                    puzzle,
                    kernel: *kernel,
                    threads: *threads,
                }));
            }
        }
        Ok(Plan {
            cases,
            sample_length,
            samples,
            warm_up: sample_length.min(Duration::from_millis(250)),
        })
    }
}

fn puzzles(text: &str) -> Result<Vec<&'static KnownPuzzle>, String> {
    if text == "all" {
        return Ok(KnownPuzzle::all().iter().collect());
    }
    let mut puzzles: Vec<&KnownPuzzle> = Vec::new();
    for name in text.split(',') {
        let known = KnownPuzzle::by_name(name).ok_or_else(|| {
            format!(
                "is no list of benchmark puzzles; use {} or all",
                BENCH_PUZZLE_NAMES.join(", ")
            )
        })?;
        if !puzzles.iter().any(|puzzle| puzzle.name() == name) {
            puzzles.push(known);
        }
    }
    Ok(puzzles)
}

fn kernels(text: &str) -> Result<Vec<Kernel>, String> {
    if text == "all" {
        return Ok(Kernel::detected());
    }
    let mut kernels = Vec::new();
    for name in text.split(',') {
        let kernel: Kernel = name
            .parse()
            .map_err(|problem: paydirt::KernelError| match text == name {
                true => problem.to_string(),
                false => format!("has {name:?}, which {problem}"),
            })?;
        if !kernels.contains(&kernel) {
            kernels.push(kernel);
        }
    }
    Ok(kernels)
}

fn kernel_help() -> String {
    let kernels = kernel_names("and");
    format!("all (that run here), auto, or a list of {kernels} [default: auto]")
}

/// The processors to bind threads to.
pub(crate) fn pins() -> Result<Pins, InputError> {
    Pins::allowed().ok_or_else(|| {
        InputError::option(
            "pin",
            "cannot be had: this system does not say which processors there are; leave it out",
        )
    })
}

/// An earlier report and the name of its file.
fn read_baseline(path: &std::path::Path) -> Result<(String, BenchReport), InputError> {
    let file = if path.is_dir() {
        path.join("bench.json")
    } else {
        path.to_owned()
    };
    let name = file.to_string_lossy().into_owned();
    let refuse = |problem: String| InputError::value("baseline", &name, problem);
    let text = std::fs::read_to_string(&file).map_err(|error| refuse(format!("cannot be read: {error}")))?;
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| {
        refuse(format!(
            "is no JSON of one bench run ({error}); take one with: paydirt bench --json"
        ))
    })?;
    match value["schema"].as_str() {
        Some(BENCH_SCHEMA) => {}
        found => {
            let found = found.map_or("no schema".to_owned(), |schema| format!("the schema {schema}"));
            return Err(refuse(format!(
                "has {found}, not {BENCH_SCHEMA}; take a baseline with: paydirt bench --json"
            )));
        }
    }
    let report = serde_json::from_value(value)
        .map_err(|error| refuse(format!("is not as {BENCH_SCHEMA} should be: {error}")))?;
    Ok((name, report))
}

impl Export for BenchReport {
    const NAME: &'static str = "bench";

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
