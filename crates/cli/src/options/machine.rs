//! The options that say with what: threads and kernel.

use clap::Args;

use crate::options::{InputError, given_or, parse, whole_number};
use paydirt::{Kernel, KernelChoice, MAX_THREADS, Miner, MinerError, most_threads};

/// With what.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Machine")]
pub(crate) struct MachineArgs {
    /// Mining threads, at most 8 for each processor (64 always) [default: the environment's PAYDIRT_THREADS, or the
    /// processors this process may use]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) threads: Option<String>,
    #[arg(long, value_name = "KERNEL", help = kernel_help())]
    pub(crate) kernel: Option<String>,
}

fn kernel_help() -> String {
    format!(
        "auto, {} [default: the environment's PAYDIRT_KERNEL, or auto: the fastest for the puzzle, measured while it mines]",
        kernel_names("or")
    )
}

/// The kernels there are, as a sentence lists them: `avx512, sha-ni, avx2, portable and reference`.
pub(crate) fn kernel_names(joint: &str) -> String {
    let names: Vec<_> = Kernel::all().iter().map(|kernel| kernel.name).collect();
    let (last, others) = names.split_last().expect("the oracle is always there");
    format!("{} {joint} {last}", others.join(", "))
}

impl MachineArgs {
    /// The kernel, or that the fastest is wanted.
    pub(crate) fn kernel(&self) -> Result<KernelChoice, InputError> {
        match given_or("kernel", self.kernel.as_deref(), "PAYDIRT_KERNEL") {
            Some((given, name)) => parse(given, &name, str::parse),
            None => Ok(KernelChoice::Auto),
        }
    }

    /// How many threads.
    pub(crate) fn threads(&self) -> Result<usize, InputError> {
        let Some((given, text)) = given_or("threads", self.threads.as_deref(), "PAYDIRT_THREADS") else {
            return Ok(num_cpus::get().min(MAX_THREADS));
        };
        parse(given, &text, |text| match whole_number(text) {
            Ok(threads) if (1..=most_threads()).contains(&threads) => Ok(threads),
            Ok(threads) => Err(MinerError::Threads(threads).to_string()),
            Err(problem) => Err(problem.to_string()),
        })
    }

    /// The threads, started.
    pub(crate) fn miner(&self) -> anyhow::Result<Miner> {
        let kernel = self.kernel()?;
        Ok(Miner::with_threads(self.threads()?, kernel)?)
    }
}
