//! Handing out the range, in ascending order, in pieces of the right size.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::{
    puzzle::NonceRange,
    work::{Run, Work},
};

/// How long a chunk should take: long enough to make claiming it free, short enough to stop within a millisecond.
const CHUNK_TIME: Duration = Duration::from_micros(400);

/// The nonces nobody has claimed yet: always the end of the range.
pub(super) struct Cursor {
    end: u128,
    /// How many are left.
    left: AtomicU64,
}

impl Cursor {
    /// All of `range` but its first `skipped` nonces. At least one must be skipped when the range holds all 2^64.
    pub(super) fn after(range: NonceRange, skipped: u64) -> Self {
        let left = range.count() - u128::from(skipped);
        Self {
            end: range.end(),
            left: AtomicU64::new(left.try_into().expect("below 2^64 once the first is out")),
        }
    }

    /// The first nonce nobody has claimed.
    pub(super) fn first_unclaimed(&self) -> Option<u64> {
        let left = self.left.load(Ordering::Relaxed);
        (left > 0).then(|| (self.end - u128::from(left)) as u64)
    }

    /// Claims the next chunk: the run it is in, its first nonce and its length. `None` when nothing is left, or
    /// nothing below `lowest`.
    pub(super) fn claim<'r>(
        &self,
        size: &ChunkSize,
        runs: &'r [Run],
        lowest: &AtomicU64,
    ) -> Option<(&'r Run, u64, u64)> {
        let mut left = self.left.load(Ordering::Relaxed);
        loop {
            if left == 0 {
                return None;
            }
            let first = (self.end - u128::from(left)) as u64;
            if first > lowest.load(Ordering::Relaxed) {
                return None;
            }
            let run = &runs[runs.partition_point(|run| run.range.end() <= first.into())];
            let to_run_end = run.range.end() - u128::from(first);
            let count = size
                .from(first, &run.work)
                .min(u64::try_from(to_run_end).unwrap_or(u64::MAX));
            match self
                .left
                .compare_exchange_weak(left, left - count, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return Some((run, first, count)),
                Err(now) => left = now,
            }
        }
    }
}

/// How many nonces one thread claims at a time.
#[derive(Clone)]
pub(super) struct ChunkSize {
    nonces: u64,
    least: u64,
}

impl ChunkSize {
    /// Begins with one batch of a kernel with this many lanes: a message may be long, a machine slow.
    pub(super) fn new(lanes: u64) -> Self {
        Self {
            nonces: lanes,
            least: lanes,
        }
    }

    /// The length of a chunk that begins at `first`: cut back, where it is long enough, to end where a kernel begins
    /// a new stretch of nonces anyway.
    fn from(&self, first: u64, work: &Work) -> u64 {
        let past = first.saturating_add(self.nonces) % work.stretch();
        if past < self.nonces {
            self.nonces - past
        } else {
            self.nonces
        }
    }

    /// Learns from a chunk: `tested` nonces took `elapsed`.
    pub(super) fn adapt(&mut self, tested: u64, elapsed: Duration) {
        if elapsed > CHUNK_TIME * 2 {
            self.nonces = (self.nonces / 2).max(self.least);
        } else if elapsed < CHUNK_TIME / 2 && tested >= self.nonces / 2 {
            self.nonces = self.nonces.saturating_mul(2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_the_clock() {
        let mut size = ChunkSize::new(32);
        size.adapt(32, Duration::from_micros(1));
        assert_eq!(size.nonces, 64);
        size.adapt(10, Duration::from_micros(1));
        assert_eq!(size.nonces, 64, "a chunk cut short says nothing");
        size.adapt(64, CHUNK_TIME);
        assert_eq!(size.nonces, 64);
        for _ in 0..9 {
            size.adapt(64, CHUNK_TIME * 3);
        }
        assert_eq!(size.nonces, 32, "never below one batch");
    }
}
