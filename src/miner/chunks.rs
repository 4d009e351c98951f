//! Handing out the range, in ascending order, in pieces of the right size.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::{
    kernel::{Prepared, Scanner},
    puzzle::NonceRange,
};

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

    /// Claims the next chunk: the part of the range it is in, its first nonce and its length. `None` when nothing is
    /// left, or nothing below `lowest`.
    pub(super) fn claim<'p>(
        &self,
        size: &ChunkSize,
        parts: &'p [Prepared],
        lowest: &AtomicU64,
    ) -> Option<(&'p Prepared, u64, u64)> {
        let mut left = self.left.load(Ordering::Relaxed);
        loop {
            if left == 0 {
                return None;
            }
            let first = (self.end - u128::from(left)) as u64;
            if first > lowest.load(Ordering::Relaxed) {
                return None;
            }
            let part = &parts[parts.partition_point(|part| part.range().end() <= first.into())];
            let to_its_end = part.range().end() - u128::from(first);
            let count = size
                .from(first, part)
                .min(u64::try_from(to_its_end).unwrap_or(u64::MAX));
            match self
                .left
                .compare_exchange_weak(left, left - count, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return Some((part, first, count)),
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
    /// How long one should take.
    time: Duration,
}

impl ChunkSize {
    /// Begins with one batch of the kernel's lanes: a message may be long, a machine slow.
    pub(super) fn new(scanner: &Scanner<'_>) -> Self {
        Self {
            nonces: scanner.lanes(),
            least: scanner.lanes(),
            time: scanner.chunk_time(),
        }
    }

    /// The length of a chunk that begins at `first`: cut back, where it is long enough, to end where a kernel begins
    /// a new stretch of nonces anyway.
    fn from(&self, first: u64, part: &Prepared) -> u64 {
        let past = first.saturating_add(self.nonces) % part.stretch();
        if past < self.nonces {
            self.nonces - past
        } else {
            self.nonces
        }
    }

    /// Makes chunks about so long from now on; leaves them as they are where nobody knows. They stay a power of two of
    /// batches: so their ends stay multiples of whatever nonces are grouped by.
    pub(super) fn aim(&mut self, nonces: Option<u64>) {
        if let Some(nonces) = nonces {
            let batches = (nonces / self.least).clamp(1, 1 << 40);
            self.nonces = self.least.saturating_mul(1 << (batches + batches / 2).ilog2());
        }
    }

    /// Learns from a chunk: `tested` nonces took `elapsed`.
    pub(super) fn adapt(&mut self, tested: u64, elapsed: Duration) {
        if elapsed > self.time * 2 {
            self.nonces = (self.nonces / 2).max(self.least);
        } else if elapsed < self.time / 2 && tested >= self.nonces / 2 {
            self.nonces = self.nonces.saturating_mul(2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_the_clock() {
        let time = Duration::from_millis(1);
        let mut size = ChunkSize {
            nonces: 32,
            least: 32,
            time,
        };
        size.adapt(32, Duration::from_micros(1));
        assert_eq!(size.nonces, 64);
        size.adapt(10, Duration::from_micros(1));
        assert_eq!(size.nonces, 64, "a chunk cut short says nothing");
        size.adapt(64, time);
        assert_eq!(size.nonces, 64);
        for _ in 0..9 {
            size.adapt(64, time * 3);
        }
        assert_eq!(size.nonces, 32, "never below one batch");
    }

    #[test]
    fn an_aim_is_met_in_batches_by_a_power_of_two() {
        let mut size = ChunkSize {
            nonces: 96,
            least: 3,
            time: Duration::from_millis(1),
        };
        for (aim, nonces) in [
            (None, 96),
            (Some(0), 3),
            (Some(9), 12),
            (Some(100), 96),
            (Some(150), 192),
            (Some(u64::MAX), 3 << 40),
        ] {
            size.aim(aim);
            assert_eq!(size.nonces, nonces, "{aim:?}");
        }
    }
}
