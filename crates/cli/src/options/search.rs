//! The search that the options ask for: which nonces, for how long, which solutions.

use std::time::Duration;

use crate::options::{
    error::InputError,
    given::Given,
    shard::{self, Shard},
    table::Flag,
};
use paydirt::{Find, NonceRange, record::MineRecord};

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

impl Given {
    /// The nonces to search in `space`.
    pub(crate) fn place(&self, space: NonceRange) -> Result<Place, InputError> {
        let from = self.parse(Flag::Start, |start| Ok(space.from(start.count()?)?))?;
        let range = from.unwrap_or(space);
        let part = self.parse(Flag::Count, |count| {
            Ok(range.part(range.start().into(), count.count()?)?)
        })?;
        let range = part.unwrap_or(range);
        let shard = self.parse(Flag::Shard, |text| {
            let shard = Shard::parse(&text.to_string(), shard::environment)?;
            Ok((range.shard(shard.index, shard.of)?, shard))
        })?;
        Ok(match shard {
            Some((part, shard)) => Place {
                range: part,
                shard: Some((shard, range)),
            },
            None => Place { range, shard: None },
        })
    }

    /// The time limit.
    pub(crate) fn timeout(&self) -> Result<Option<Duration>, InputError> {
        self.parse(Flag::Timeout, |limit| {
            Duration::try_from_secs_f64(limit.number()?)
                .map_err(|_| "not a time limit; give seconds, as in 0.5 or 60".into())
        })
    }

    /// Which solutions are wanted.
    pub(crate) fn find(&self) -> Result<Find, InputError> {
        let find = self.parse(Flag::Find, |name| match &*name.to_string() {
            "lowest" => Ok(Find::Lowest),
            "first" => Ok(Find::First),
            "all" => Ok(Find::All),
            _ => Err("not known; use lowest, first or all".into()),
        })?;
        Ok(find.unwrap_or_default())
    }
}
