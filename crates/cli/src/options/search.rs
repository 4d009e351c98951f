//! The options that say where to search, with what, and for how long.

use std::time::Duration;

use clap::Args;
use serde::Deserialize;

use crate::options::{
    input::{InputError, number, parse, whole_number},
    shard::{self, Shard},
    words::{number_or_text, text},
};
use paydirt::{Find, Kernel, Miner, NonceRange, record::MineRecord};

/// Which nonces, and when to stop.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[command(next_help_heading = "Search")]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SearchArgs {
    /// The first nonce [default: 0]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[serde(deserialize_with = "number_or_text")]
    pub(crate) start: Option<String>,
    /// How many nonces [default: to the end of the encoding's space]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[serde(deserialize_with = "number_or_text")]
    pub(crate) count: Option<String>,
    /// Only part I of N equal parts of the range, I from 0: the parts tile it exactly; `auto` and `auto/N` take the
    /// place from a Slurm array or a Kubernetes indexed job
    #[arg(long, value_name = "I/N|auto")]
    #[serde(deserialize_with = "text")]
    pub(crate) shard: Option<String>,
    /// Stop after this time, in seconds (fractions allowed)
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    #[serde(deserialize_with = "number_or_text")]
    pub(crate) timeout: Option<String>,
    /// lowest (the same nonce on every machine), first (whichever comes up), or all (56 bytes each are
    /// kept in memory) [default: lowest]
    #[arg(long, value_name = "WHICH")]
    #[serde(deserialize_with = "text")]
    pub(crate) find: Option<String>,
}

/// With what.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Machine")]
pub(crate) struct MachineArgs {
    /// Mining threads [default: the processors this process may use]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) threads: Option<String>,
    /// auto, avx512, sha-ni, avx2, portable or reference [default: auto, the fastest here]
    #[arg(long, value_name = "KERNEL")]
    pub(crate) kernel: Option<String>,
}

/// The nonces to search, and what they are a part of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The nonces.
    pub(crate) range: NonceRange,
    /// Which shard that is, of which whole.
    pub(crate) shard: Option<(Shard, NonceRange)>,
}

impl Place {
    /// Adds to a report which shard it is of.
    pub(crate) fn report(&self, report: MineRecord) -> MineRecord {
        match self.shard {
            Some((shard, whole)) => report.with_shard(shard.index, shard.of, whole),
            None => report,
        }
    }
}

impl SearchArgs {
    /// The nonces to search in `space`.
    pub(crate) fn place(&self, space: NonceRange) -> Result<Place, InputError> {
        let mut range = space;
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
        let Some(text) = &self.shard else {
            return Ok(Place { range, shard: None });
        };
        let shard = parse("shard", text, |text| Shard::parse(text, shard::environment))?;
        let part = range.shard(shard.index, shard.of);
        let part = part.map_err(|problem| InputError::value("shard", text, problem))?;
        Ok(Place {
            range: part,
            shard: Some((shard, range)),
        })
    }

    /// The time limit.
    pub(crate) fn timeout(&self) -> Result<Option<Duration>, InputError> {
        let limit = |text: &str| {
            Duration::try_from_secs_f64(number(text)?)
                .map_err(|_| "is no time limit; give seconds, as in 0.5 or 60".to_owned())
        };
        (self.timeout.as_deref())
            .map(|text| parse("timeout", text, limit))
            .transpose()
    }

    /// Which solutions are wanted.
    pub(crate) fn find(&self) -> Result<Find, InputError> {
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
    pub(crate) fn kernel(&self) -> Result<Kernel, InputError> {
        match &self.kernel {
            Some(name) => parse("kernel", name, str::parse),
            None => Ok(Kernel::auto()),
        }
    }

    /// The threads, started.
    pub(crate) fn miner(&self) -> anyhow::Result<Miner> {
        let kernel = self.kernel()?;
        let Some(text) = &self.threads else {
            return Ok(Miner::with_threads(num_cpus::get(), kernel)?);
        };
        let threads = parse("threads", text, whole_number)?;
        Miner::with_threads(threads, kernel).map_err(|problem| match problem {
            paydirt::MinerError::Threads(_) => InputError::value("threads", text, problem).into(),
            other => other.into(),
        })
    }
}
