//! The options that say where to search, with what, and for how long.

use std::time::Duration;

use clap::Args;

use super::input::{InputError, number, parse, whole_number};
use crate::{
    kernel::Kernel,
    miner::{Find, Miner},
    puzzle::{NonceRange, Puzzle},
};

/// Which nonces, and when to stop.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Search")]
pub(super) struct SearchArgs {
    /// The first nonce [default: 0]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(super) start: Option<String>,
    /// How many nonces [default: to the end of the encoding's space]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(super) count: Option<String>,
    /// Only part I of N equal parts of the range, I from 0: the parts tile it exactly
    #[arg(long, value_name = "I/N")]
    pub(super) shard: Option<String>,
    /// Stop after this time, in seconds (fractions allowed)
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub(super) timeout: Option<String>,
    /// lowest (the same nonce on every machine), first (whichever comes up), or all (40 bytes each are
    /// kept in memory) [default: lowest]
    #[arg(long, value_name = "WHICH")]
    pub(super) find: Option<String>,
}

/// With what.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Machine")]
pub(super) struct MachineArgs {
    /// Mining threads [default: the processors this process may use]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(super) threads: Option<String>,
    /// auto, avx512, sha-ni, avx2, portable or reference [default: auto, the fastest here]
    #[arg(long, value_name = "KERNEL")]
    pub(super) kernel: Option<String>,
}

impl SearchArgs {
    /// The nonces to search.
    pub(super) fn range(&self, puzzle: &Puzzle) -> Result<NonceRange, InputError> {
        let mut range = puzzle.nonce_space();
        if let Some(text) = &self.start {
            let from = |text: &str| range.from(whole_number(text)?).map_err(|e| e.to_string());
            range = parse("start", text, from)?;
        }
        if let Some(text) = &self.count {
            let first = |text: &str| {
                let count = whole_number(text)?;
                range.part(range.start().into(), count).map_err(|e| e.to_string())
            };
            range = parse("count", text, first)?;
        }
        if let Some(text) = &self.shard {
            range = parse("shard", text, |text| {
                let form = "is not of the form I/N, as in 0/3, 1/3 and 2/3";
                let (index, shards) = text.split_once('/').ok_or(form)?;
                let (index, shards) = (whole_number(index)?, whole_number(shards)?);
                range.shard(index, shards).map_err(|problem| problem.to_string())
            })?;
        }
        Ok(range)
    }

    /// The time limit.
    pub(super) fn timeout(&self) -> Result<Option<Duration>, InputError> {
        let limit = |text: &str| {
            Duration::try_from_secs_f64(number(text)?)
                .map_err(|_| "is no time limit; give seconds, as in 0.5 or 60".to_owned())
        };
        (self.timeout.as_deref())
            .map(|text| parse("timeout", text, limit))
            .transpose()
    }

    /// Which solutions are wanted.
    pub(super) fn find(&self) -> Result<Find, InputError> {
        let Some(name) = &self.find else {
            return Ok(Find::default());
        };
        parse("find", name, |name| match name {
            "lowest" => Ok(Find::Lowest),
            "first" => Ok(Find::First),
            "all" => Ok(Find::All),
            _ => Err("is not known; use lowest, first or all"),
        })
    }
}

impl MachineArgs {
    /// The kernel.
    pub(super) fn kernel(&self) -> Result<Kernel, InputError> {
        match &self.kernel {
            Some(name) => parse("kernel", name, str::parse),
            None => Ok(Kernel::auto()),
        }
    }

    /// The threads, started.
    pub(super) fn miner(&self) -> anyhow::Result<Miner> {
        let kernel = self.kernel()?;
        let Some(text) = &self.threads else {
            return Ok(Miner::with_threads(num_cpus::get(), kernel)?);
        };
        let threads = parse("threads", text, whole_number)?;
        Miner::with_threads(threads, kernel).map_err(|problem| match problem {
            crate::MinerError::Threads(_) => InputError::value("threads", text, problem).into(),
            other => other.into(),
        })
    }
}
