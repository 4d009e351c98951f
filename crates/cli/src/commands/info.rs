//! `paydirt info`: kernels compiled in and detected, threads, versions.

use clap::Args;

use serde::Serialize;

use crate::terminal::{exit::Exit, output};
use paydirt::{Kernel, KernelInfo};

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
        output::result(self.json, SCHEMA, &Info::here(), readable)?;
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
    /// The kernel that `auto` takes here.
    kernel: &'static str,
    /// All kernels, the fastest first.
    kernels: Vec<KernelState>,
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
            kernels: Kernel::all().iter().map(KernelState::of).collect(),
        }
    }
}

fn readable(report: &Info) -> String {
    let mut text = format!(
        "paydirt {} for {}\nthreads     {} by default (logical processors; {} physical cores)\nkernel      {} (what auto takes here)\n\n",
        report.version, report.platform, report.logical_processors, report.physical_cores, report.kernel
    );
    for kernel in &report.kernels {
        let about = kernel.about.unwrap_or("");
        let line = format!("{:<12}{:<28}{about}", kernel.name, state(kernel));
        text.push_str(line.trim_end());
        text.push('\n');
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
