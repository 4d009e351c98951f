//! Candidates in turn, by the processor time of this thread; the better half goes on.

use std::{hint::black_box, time::Duration};

use rustix::time::{ClockId, clock_gettime};

/// A candidate and how fast it was.
pub struct Runner<T> {
    /// What it is.
    pub what: T,
    /// Hashes a second of processor time; the best of its runs: whatever disturbs makes it slower, nothing makes it faster.
    pub hashes_per_second: f64,
    /// Runs it once; how many hashes that is.
    pub run: Box<dyn FnMut() -> u64>,
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// How long each run is at least.
const RUN: Duration = Duration::from_millis(4);
/// Rounds of all runners before the slower half is left behind.
const ROUNDS: usize = 3;
/// So many are not halved any more, and run for more rounds.
const FINALISTS: usize = 4;
const LAST_ROUNDS: usize = 25;

/// Runs them, and sorts them: the fastest first.
pub fn race<T>(mut runners: Vec<Runner<T>>, mut done: impl FnMut(usize)) -> Vec<Runner<T>> {
    let mut running = runners.len();
    loop {
        let is_last = running <= FINALISTS;
        for _ in 0..if is_last { LAST_ROUNDS } else { ROUNDS } {
            for runner in &mut runners[..running] {
                black_box((runner.run)());
                let begun = processor_time();
                let mut hashes = 0;
                let taken = loop {
                    hashes += (runner.run)();
                    let taken = processor_time() - begun;
                    if taken >= RUN {
                        break taken;
                    }
                };
                runner.hashes_per_second = runner.hashes_per_second.max(hashes as f64 / taken.as_secs_f64());
            }
        }
        runners[..running].sort_by(|a, b| b.hashes_per_second.total_cmp(&a.hashes_per_second));
        if is_last {
            return runners;
        }
        running = running.div_ceil(2);
        done(running);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By work done, not by the clock: one of many does a hundred times less than it says.
    #[test]
    fn the_fastest_is_first() {
        let runner = |what: u64| Runner {
            what,
            hashes_per_second: 0.0,
            run: Box::new(move || {
                let work = if what == 7 { 1_000 } else { 100_000 };
                black_box((0..work).fold(0u64, |sum, i| black_box(sum ^ i)));
                1
            }),
        };
        let ranking = race((0..20).map(runner).collect(), |_| ());
        assert_eq!(ranking[0].what, 7);
    }
}
