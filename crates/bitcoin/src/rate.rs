//! Hashes per second over the last while.
//!
//! *In:* how many hashes there were by when. *Out:* the rate over the last 10 seconds, minute and quarter of an hour, each
//! `None` until mining has gone on for that long: a rate over less than its window is made up. Time without a job
//! counts as it passes: what the machine did is what is wanted, not what it could do.

use std::{collections::VecDeque, time::Duration};

use serde::Serialize;

/// Counts that come closer together than this are not kept: the longest window then has at most 4,500.
const SPACING: Duration = Duration::from_millis(200);
/// A count that is at most so old is taken as of now: mining threads tell of theirs four times a second.
const RECENT: Duration = Duration::from_secs(1);
const WINDOWS: [Duration; 3] = [
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(15 * 60),
];

/// Hashes per second; `None` until it is real.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Rates {
    /// Over the last 10 seconds.
    #[serde(rename = "hashes_per_second")]
    pub ten_seconds: Option<f64>,
    /// Over the last minute.
    #[serde(rename = "hashes_per_second_1min")]
    pub one_minute: Option<f64>,
    /// Over the last 15 minutes.
    #[serde(rename = "hashes_per_second_15min")]
    pub fifteen_minutes: Option<f64>,
}

/// Counts hashes. Times are those since any one moment.
#[derive(Debug, Default)]
pub struct RateMeter {
    /// When, and how many by then; the first is from before all windows, or the beginning.
    counts: VecDeque<(Duration, u64)>,
}

impl RateMeter {
    /// There were `hashes` in all by `now`. The first call says when mining began. One that says less than the last is
    /// late, and says nothing.
    pub fn record(&mut self, now: Duration, hashes: u64) {
        if let Some((last, most)) = self.counts.back().copied() {
            if now < last || hashes < most {
                return;
            }
            // The newest moves along until it is far enough from the one before.
            let before = self.counts.len().checked_sub(2).map(|at| self.counts[at].0);
            if before.is_some_and(|before| now - before < SPACING) {
                self.counts.pop_back();
            }
        }
        self.counts.push_back((now, hashes));
        let longest = WINDOWS[WINDOWS.len() - 1] + RECENT;
        while self.counts.len() > 2 && now.saturating_sub(self.counts[1].0) > longest {
            self.counts.pop_front();
        }
    }

    /// How many hashes there were in all.
    pub fn hashes(&self) -> u64 {
        self.counts.back().map_or(0, |(_, hashes)| *hashes)
    }

    /// The rates now.
    pub fn rates(&self, now: Duration) -> Rates {
        let [ten_seconds, one_minute, fifteen_minutes] = WINDOWS.map(|window| self.rate(now, window));
        Rates {
            ten_seconds,
            one_minute,
            fifteen_minutes,
        }
    }

    fn rate(&self, now: Duration, window: Duration) -> Option<f64> {
        let ((begun, _), (last, hashes)) = (*self.counts.front()?, *self.counts.back()?);
        if now.checked_sub(window)? < begun {
            return None;
        }
        let end = match now.saturating_sub(last) <= RECENT {
            true => last,
            false => now,
        };
        let start = end.saturating_sub(window).max(begun);
        Some((hashes as f64 - self.at(start)?) / (end - start).as_secs_f64())
    }

    /// How many there were by then, between two counts in proportion; `None` before mining began.
    fn at(&self, time: Duration) -> Option<f64> {
        let after = self.counts.partition_point(|(when, _)| *when <= time);
        let (from, least) = self.counts[after.checked_sub(1)?];
        let Some((to, most)) = self.counts.get(after) else {
            return Some(least as f64);
        };
        let share = (time - from).as_secs_f64() / (*to - from).as_secs_f64();
        Some(least as f64 + (most - least) as f64 * share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_rate_is_none_until_its_window_is_full() {
        let mut meter = RateMeter::default();
        assert_eq!(meter.rates(at(100.0)), Rates::default());
        for quarter in 0..=4000u32 {
            // Mining began after 3 seconds.
            meter.record(at(3.0 + f64::from(quarter) / 4.0), u64::from(quarter) * 25);
            let rates = meter.rates(at(3.1 + f64::from(quarter) / 4.0));
            let real = |window: u32| (quarter >= window * 4).then_some(100.0);
            assert_eq!(rates.ten_seconds, real(10), "{quarter}");
            assert_eq!(rates.one_minute, real(60), "{quarter}");
            assert_eq!(rates.fifteen_minutes, real(900), "{quarter}");
        }
        assert_eq!(meter.hashes(), 100_000);
        assert!(meter.counts.len() < 4_600);
    }

    #[test]
    fn a_pause_counts() {
        let mut meter = RateMeter::default();
        meter.record(at(0.0), 0);
        meter.record(at(10.0), 1_000);
        assert_eq!(meter.rates(at(10.0)).ten_seconds, Some(100.0));
        assert_eq!(meter.rates(at(15.0)).ten_seconds, Some(50.0));
        assert_eq!(meter.rates(at(25.0)).ten_seconds, Some(0.0));
        meter.record(at(25.0), 1_000);
        meter.record(at(30.0), 2_000);
        assert_eq!(meter.rates(at(30.0)).ten_seconds, Some(100.0));
    }

    #[test]
    fn counts_that_come_late_say_nothing() {
        let mut meter = RateMeter::default();
        meter.record(at(0.0), 0);
        meter.record(at(10.0), 1_000);
        meter.record(at(9.9), 2_000);
        meter.record(at(10.1), 999);
        assert_eq!(meter.rates(at(10.1)).ten_seconds, Some(100.0));
        // Ten seconds have passed, of which the last quarter is not told yet.
        let mut meter = RateMeter::default();
        meter.record(at(0.5), 0);
        meter.record(at(10.25), 975);
        assert_eq!(meter.rates(at(10.5)).ten_seconds, Some(100.0));
        meter.record(at(10.5), 1_000);
        // Many in a short time are not all kept.
        for count in 0..10_000 {
            meter.record(
                at(10.0 + f64::from(count) * 1e-4),
                1_000 + u64::from(count as u32),
            );
        }
        assert!(meter.counts.len() < 20, "{}", meter.counts.len());
    }
}
