//! `paydirt bench`: how many hashes a second, and how far that is from the most there could be.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use crate::{
    options::{InputError, kernel_names, measurement, one_or_more, parse},
    render::export::{Export as _, ExportArgs},
    terminal::{command_line, exit::Exit, interrupt::on_interrupt, progress::StepBar},
};
use paydirt::{Cancel, Chosen, Kernel, KernelChoice, Miner};
use paydirt_measure::{
    Setup,
    bench::{self, BenchPlan, BenchReport, Case},
    known_hits::{BENCH_PUZZLE_NAMES, KnownPuzzle},
    machine::Pins,
};

const EXAMPLES: &str = "\
Examples:
  # Both puzzles, one thread and all of them, the fastest kernel: 22 seconds
  paydirt bench

  # Every kernel this processor runs, on one to four threads, with a picture
  paydirt bench --kernel all --threads 1..4 --plot rates.svg

  # Is it faster than before?
  paydirt bench --puzzle header --json > before.json
  paydirt bench --puzzle header --baseline before.json

Every sample counts the solutions among the nonces it was measured over. When
they are not exactly those that the oracle finds there, the run stops with exit
code 3.";

/// Measure hash rates: kernels × threads × puzzles
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
        let setup = setup(self.pin)?;
        let cancel = setup.cancel.clone();
        let bar = StepBar::new();
        let mut report = bench::run(&plan, setup, &mut |done, steps| {
            let share = done as f64 / steps as f64;
            let left_s = plan.duration().as_secs_f64() * (1.0 - share);
            bar.show(share, &format!("sample {done} of {steps}"), Some(left_s));
        })?;
        drop(bar);
        if let Some((file, earlier)) = &baseline {
            report.compare_with(earlier, file);
        }
        self.export.deliver(&report, &cancel)
    }

    fn plan(&self) -> Result<BenchPlan, InputError> {
        let puzzles = parse("puzzle", self.puzzle.as_deref().unwrap_or("all"), puzzles)?;
        let kernels = parse("kernel", self.kernel.as_deref().unwrap_or("auto"), kernels)?;
        let threads = parse("threads", self.threads.as_deref().unwrap_or("1,all"), |text| {
            measurement::threads(text, num_cpus::get())
        })?;
        let sample_length = parse(
            "seconds",
            self.seconds.as_deref().unwrap_or("0.5"),
            measurement::sample_length,
        )?;
        let samples = parse(
            "samples",
            self.samples.as_deref().unwrap_or("10"),
            |text| match one_or_more::<usize>(text)? {
                count if count > 1_000_000 => Err("too many; give a million at most".to_owned()),
                count => Ok(count),
            },
        )?;
        let mut cases = Vec::new();
        for puzzle in puzzles {
            for kernel in &kernels {
                for threads in &threads {
                    let (kernel, chosen) = take(*kernel, puzzle, *threads);
                    cases.push(Case {
                        puzzle,
                        kernel,
                        chosen,
                        threads: *threads,
                    });
                }
            }
        }
        Ok(BenchPlan {
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
                "not a list of benchmark puzzles; use {} or all",
                BENCH_PUZZLE_NAMES.join(", ")
            )
        })?;
        if !puzzles.iter().any(|puzzle| puzzle.name() == name) {
            puzzles.push(known);
        }
    }
    Ok(puzzles)
}

/// The kernel for a case, and why that one: what searches of that many threads take for such puzzles.
fn take(choice: KernelChoice, known: &KnownPuzzle, threads: usize) -> (Kernel, Option<Chosen>) {
    match choice {
        KernelChoice::Fixed(kernel) => (kernel, None),
        KernelChoice::Auto => {
            // A number of threads that cannot be is refused when it comes to measuring.
            let miner = Miner::with_threads(threads, KernelChoice::Auto).ok();
            let chosen = miner.and_then(|miner| miner.choose(known.puzzle(), known.range()));
            let kernel = chosen.as_ref().map_or_else(Kernel::auto, |chosen| chosen.kernel);
            (kernel, chosen)
        }
    }
}

fn kernels(text: &str) -> Result<Vec<KernelChoice>, String> {
    if text == "all" {
        return Ok(Kernel::detected().into_iter().map(KernelChoice::from).collect());
    }
    let mut kernels = Vec::new();
    for name in text.split(',') {
        let kernel: KernelChoice =
            name.parse()
                .map_err(|problem: paydirt::KernelError| match text == name {
                    true => problem.to_string(),
                    false => format!("{name:?}: {problem}"),
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

/// What is the same for every measurement. Ctrl-C cancels it from now on.
pub(crate) fn setup(pin: bool) -> anyhow::Result<Setup> {
    let no_processors = || {
        InputError::option(
            "pin",
            "this system does not say which processors there are; leave it out",
        )
    };
    let pins = pin
        .then(|| Pins::allowed().ok_or_else(no_processors))
        .transpose()?;
    let cancel = Cancel::new();
    on_interrupt(&cancel)?;
    Ok(Setup {
        command: command_line::given(),
        pins,
        cancel,
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
    let mut value: serde_json::Value = serde_json::from_str(&text).map_err(|error| {
        refuse(format!(
            "not the JSON of one bench run ({error}); take one with: paydirt bench --json"
        ))
    })?;
    let schema = value.as_object_mut().and_then(|report| report.remove("schema"));
    match schema.as_ref().and_then(|schema| schema.as_str()) {
        Some(BenchReport::SCHEMA) => {}
        found => {
            let found = found.map_or("no schema".to_owned(), |schema| format!("the schema {schema}"));
            return Err(refuse(format!(
                "it has {found}, not {}; take a baseline with: paydirt bench --json",
                BenchReport::SCHEMA
            )));
        }
    }
    let report = serde_json::from_value(value)
        .map_err(|error| refuse(format!("not as {} should be: {error}", BenchReport::SCHEMA)))?;
    Ok((name, report))
}
