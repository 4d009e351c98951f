//! Samples of the real miner.

use std::time::Duration;

use super::{Case, Executor, Measured, Sample};
use crate::{Setup, ceiling, machine::Pins};
use paydirt::{Cancel, Find, Miner, MinerError, NonceRange, Search, Status};

/// Samples begin on a multiple of this many nonces, where kernels begin a new stretch of nonces anyway: a common
/// multiple of ten thousand and 4,096.
const ALIGNMENT: u64 = 2_560_000;

/// Mines on real threads.
pub(super) struct MinerExecutor {
    cancel: Cancel,
    pins: Option<Pins>,
}

impl MinerExecutor {
    /// Threads bound to processors, and samples cut short, as `setup` says.
    pub(super) fn new(setup: &Setup) -> Self {
        Self {
            cancel: setup.cancel.clone(),
            pins: setup.pins.clone(),
        }
    }
}

impl Executor for MinerExecutor {
    fn sample(&mut self, case: &Case, place: f64, length: Duration) -> Result<Measured, MinerError> {
        let miner = Miner::with_threads(case.threads, case.kernel)?;
        let pinned_threads = self.pins.as_ref().map_or(0, |pins| pins.bind(&miner));
        Ok(Measured {
            ceilings: ceiling::of_miner(&miner, case.puzzle),
            sample: self.mine(&miner, case, place, length),
            pinned_threads,
        })
    }
}

impl MinerExecutor {
    fn mine(&self, miner: &Miner, case: &Case, place: f64, length: Duration) -> Sample {
        let known = case.puzzle.range();
        let offset = (place * known.count() as f64) as u64 / ALIGNMENT * ALIGNMENT;
        let mut start = known.start() + offset;
        let mut sample = Sample {
            hashes: 0,
            elapsed_s: 0.0,
            hashes_per_second: 0.0,
            processor_s: Some(0.0),
            hashes_per_processor_second: None,
            ranges: Vec::new(),
            hits: 0,
            expected_hits: 0,
        };
        loop {
            let range = known.from(start).expect("inside the known range");
            let left = length.saturating_sub(Duration::from_secs_f64(sample.elapsed_s));
            let search = Search::new(case.puzzle.puzzle())
                .range(range)
                .find(Find::All)
                .timeout(left)
                .cancel(&self.cancel);
            let outcome = miner.mine(&search);
            // Chunks are claimed in ascending order and each claimed chunk is finished, so whenever it stopped, the
            // nonces that were tested are the first ones of the range.
            let tested = NonceRange::new(start, outcome.hashes.into()).expect("a part of the range");
            sample.hashes += outcome.hashes;
            sample.elapsed_s += outcome.elapsed.as_secs_f64();
            let busy = sample.processor_s.zip(outcome.processor_time);
            sample.processor_s = busy.map(|(before, more)| before + more.as_secs_f64());
            sample.hits += outcome.solutions.len() as u64;
            sample.expected_hits += case.puzzle.hits_in(tested);
            sample.ranges.push(tested);
            let used_up = matches!(outcome.status, Status::Found | Status::Exhausted);
            if !used_up || sample.elapsed_s >= length.as_secs_f64() {
                if sample.elapsed_s > 0.0 {
                    sample.hashes_per_second = sample.hashes as f64 / sample.elapsed_s;
                }
                let busy_s = sample.processor_s.filter(|busy_s| *busy_s > 0.0);
                sample.hashes_per_processor_second = busy_s.map(|busy_s| sample.hashes as f64 / busy_s);
                return sample;
            }
            start = known.start();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known_hits::KnownPuzzle;
    use paydirt::Kernel;

    #[test]
    fn every_kernel_finds_all_hits_of_the_nonces_it_was_timed_over() {
        let mut executor = MinerExecutor::new(&Setup::default());
        for kernel in Kernel::detected() {
            for (puzzle, threads) in KnownPuzzle::all().iter().zip([1, 3]) {
                let case = Case {
                    puzzle,
                    kernel,
                    chosen: None,
                    threads,
                };
                let sample = executor
                    .sample(&case, 0.3, Duration::from_millis(150))
                    .unwrap()
                    .sample;
                assert_eq!(sample.hits, sample.expected_hits, "{case:?}");
                assert_eq!(
                    sample.ranges.iter().map(|part| part.count()).sum::<u128>(),
                    sample.hashes.into()
                );
            }
        }
    }

    #[test]
    fn the_end_of_the_known_nonces_is_not_the_end_of_a_sample() {
        // Beyond the last aligned place there are less than 2.56 million nonces: a fast kernel uses them up.
        let kernel = Kernel::auto();
        let puzzle = &KnownPuzzle::all()[1];
        let case = Case {
            puzzle,
            kernel,
            chosen: None,
            threads: 2,
        };
        let setup = Setup {
            pins: Pins::allowed(),
            ..Setup::default()
        };
        let mut executor = MinerExecutor::new(&setup);
        let sample = executor
            .sample(&case, 0.999_999, Duration::from_secs(2))
            .unwrap()
            .sample;
        assert!(sample.ranges.len() > 1, "{sample:?}");
        assert_eq!(sample.hits, sample.expected_hits);
    }

    #[test]
    fn threads_that_were_not_bound_are_not_said_to_be() {
        let case = Case {
            puzzle: &KnownPuzzle::all()[0],
            kernel: Kernel::auto(),
            chosen: None,
            threads: 2,
        };
        for (pins, pinned) in [(None, 0), (Pins::allowed(), 2), (Some(Pins::impossible()), 0)] {
            let setup = Setup {
                pins,
                ..Setup::default()
            };
            let measured = MinerExecutor::new(&setup).sample(&case, 0.0, Duration::from_millis(1));
            assert_eq!(measured.unwrap().pinned_threads, pinned);
        }
    }

    #[test]
    fn no_threads_are_an_error() {
        let case = Case {
            puzzle: &KnownPuzzle::all()[0],
            kernel: Kernel::auto(),
            chosen: None,
            threads: 0,
        };
        let refused = MinerExecutor::new(&Setup::default()).sample(&case, 0.0, Duration::from_millis(1));
        assert!(refused.is_err());
    }
}
