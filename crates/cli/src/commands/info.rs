//! `paydirt info`: kernels compiled in and detected, threads, versions.

use clap::Args;

use serde::Serialize;

use crate::{
    render::wrap::wrapped_under,
    terminal::{
        exit::Exit,
        output::{self, rate},
        width,
    },
};
use paydirt::{
    Goal, Header, Kernel, KernelInfo, Miner, Puzzle, Target,
    record::{ChosenRecord, KernelRateRecord},
};

const EXAMPLES: &str = "\
Examples:
  paydirt info
  paydirt info --json | jq -r .kernel     # the kernel that auto takes here";

/// Show the kernels compiled in and detected, threads, versions
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InfoArgs {
    /// Print one JSON object (schema paydirt.info/1)
    #[arg(long, help_heading = "Output")]
    json: bool,
}

impl InfoArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let info = Info::here().measured()?;
        output::result(self.json, SCHEMA, &info, readable)?;
        Ok(Exit::Done)
    }
}

/// The schema of [`Info`].
pub(crate) const SCHEMA: &str = "paydirt.info/1";

/// This build on this machine.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Info {
    /// The program's version.
    version: &'static str,
    /// The processor architecture and operating system this build is for.
    platform: String,
    /// Logical processors this process may use: the default number of threads.
    logical_processors: usize,
    /// Physical cores of the machine.
    physical_cores: usize,
    /// The kernel that `auto` takes here for headers; before that was measured, the one that it begins with.
    kernel: &'static str,
    /// What `auto` takes for some kinds of puzzles, from which figures; `None` where nothing was measured: while a worker
    /// mines, or where there is nothing to choose.
    #[serde(skip_serializing_if = "Option::is_none")]
    chosen: Option<Vec<ChosenFor>>,
    /// All kernels, in the order in which `auto` begins with them.
    kernels: Vec<KernelState>,
}

/// What `auto` takes for a kind of puzzle.
#[derive(Clone, Debug, Serialize)]
struct ChosenFor {
    /// The kind.
    puzzle: &'static str,
    #[serde(flatten)]
    chosen: ChosenRecord,
}

/// What this build and this processor make of a kernel.
#[derive(Clone, Debug, Serialize)]
struct KernelState {
    name: &'static str,
    /// Whether this build holds it.
    compiled: bool,
    /// Whether this processor can run it.
    detected: bool,
    /// Whether it reproduced the oracle's answers; null when it cannot run.
    self_test: Option<bool>,
    /// Nonces it takes at a time; null when it is not compiled in.
    lanes: Option<u64>,
    /// One line for people; null when it is not compiled in.
    about: Option<&'static str>,
}

impl KernelState {
    fn of(kernel: &'static KernelInfo) -> Self {
        let compiled = kernel.is_compiled();
        Self {
            name: kernel.name,
            compiled,
            detected: kernel.is_detected(),
            self_test: kernel.self_test(),
            lanes: compiled.then_some(kernel.lanes),
            about: compiled.then_some(kernel.about),
        }
    }
}

impl Info {
    pub(crate) fn here() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            platform: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            logical_processors: num_cpus::get(),
            physical_cores: num_cpus::get_physical(),
            kernel: Kernel::auto().name(),
            chosen: None,
            kernels: Kernel::all().iter().map(KernelState::of).collect(),
        }
    }

    /// The same, with what `auto` takes: a few milliseconds of mining with as many threads as there are by default.
    fn measured(mut self) -> anyhow::Result<Self> {
        let goal = Goal::at_most(Target::ZERO);
        let header = Puzzle::header_with_goal(&Header::from_bytes([0; 80]), goal);
        let rolled = header.clone().roll_version(BIP_320)?;
        let text = Puzzle::text("text", goal);
        let miner = Miner::new();
        let mut all = Vec::new();
        for (name, puzzle) in [
            ("header", header),
            ("header, versions rolled", rolled),
            ("text", text),
        ] {
            let range = puzzle.nonce_space().from(1_000_000_000)?;
            let Some(chosen) = miner.choose(&puzzle, range) else {
                return Ok(self);
            };
            if all.is_empty() {
                self.kernel = chosen.kernel.name();
            }
            all.push(ChosenFor {
                puzzle: name,
                chosen: ChosenRecord::from(&chosen),
            });
        }
        self.chosen = Some(all);
        Ok(self)
    }
}

/// The bits of a version that may be rolled.
const BIP_320: u32 = 0x1fff_e000;

fn readable(report: &Info) -> String {
    let most = width::columns();
    let mut text = format!(
        "paydirt {} for {}\nthreads     {} by default (logical processors; {} physical cores)\nkernel      {} (what auto takes for headers)\n\n",
        report.version, report.platform, report.logical_processors, report.physical_cores, report.kernel
    );
    let mut line = |indent: usize, line: &str| {
        text.push_str(&wrapped_under(line.trim_end(), indent, most));
        text.push('\n');
    };
    for chosen in report.chosen.iter().flatten() {
        let shown = |of: &KernelRateRecord| format!("{} {}", of.kernel, rate(of.hashes_per_second));
        let rates: Vec<_> = chosen.chosen.rates.iter().map(shown).collect();
        line(24, &format!("{:<24}{}", chosen.puzzle, rates.join(", ")));
    }
    if report.chosen.is_some() {
        let how = "measured just now, one thread's rates while all mine; auto takes the first";
        line(0, how);
        line(0, "");
    }
    for kernel in &report.kernels {
        let about = kernel.about.unwrap_or("");
        line(36, &format!("{:<12}{:<24}{about}", kernel.name, state(kernel)));
    }
    text
}

fn state(kernel: &KernelState) -> &'static str {
    match (kernel.compiled, kernel.detected, kernel.self_test) {
        (false, ..) => "not in this build",
        (true, false, _) => "not on this processor",
        (true, true, Some(false)) => "FAILED ITS SELF-TEST",
        (true, true, _) => "ready, self-test passed",
    }
}

/// What `--version` prints: the version, and the kernels compiled in and detected.
pub(crate) fn long_version() -> String {
    let names = |filter: fn(&&KernelInfo) -> bool| {
        let kernels = Kernel::all().iter().filter(filter);
        kernels.map(|kernel| kernel.name).collect::<Vec<_>>().join(" ")
    };
    format!(
        "{}\nkernels compiled: {}\nkernels detected: {}",
        env!("CARGO_PKG_VERSION"),
        names(|kernel| kernel.is_compiled()),
        names(|kernel| kernel.is_detected()),
    )
}
