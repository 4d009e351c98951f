//! `paydirt info`: kernels compiled in and detected, threads, versions.

use clap::Args;

use crate::report::{InfoReport, KernelReport};
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
        let report = InfoReport::new();
        if self.json {
            output::json_line(&report)?;
        } else {
            output::text(&readable(&report))?;
        }
        Ok(Exit::Done)
    }
}

fn readable(report: &InfoReport) -> String {
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

fn state(kernel: &KernelReport) -> &'static str {
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
