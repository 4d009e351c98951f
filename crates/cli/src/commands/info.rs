//! `paydirt info`: kernels compiled in and detected, threads, versions.

use clap::Args;

use serde::Serialize;

use crate::terminal::{exit::Exit, output};
use paydirt::{Kernel, KernelStatus};

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
    kernels: Vec<KernelStatus>,
}

impl Info {
    pub(crate) fn here() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            platform: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            logical_processors: num_cpus::get(),
            physical_cores: num_cpus::get_physical(),
            kernel: Kernel::auto().name(),
            kernels: Kernel::statuses(),
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

fn state(kernel: &KernelStatus) -> &'static str {
    match (kernel.compiled, kernel.detected, kernel.self_test) {
        (false, ..) => "not in this build",
        (true, false, _) => "not on this processor",
        (true, true, Some(false)) => "FAILED ITS SELF-TEST",
        (true, true, _) => "ready, self-test passed",
    }
}

/// What `--version` prints: the version, and the kernels compiled in and detected.
pub(crate) fn long_version() -> String {
    let names = |filter: fn(&KernelStatus) -> bool| {
        let statuses = Kernel::statuses();
        let names: Vec<_> = statuses.iter().filter(|s| filter(s)).map(|s| s.name).collect();
        names.join(" ")
    };
    format!(
        "{}\nkernels compiled: {}\nkernels detected: {}",
        env!("CARGO_PKG_VERSION"),
        names(|status| status.compiled),
        names(|status| status.detected),
    )
}
