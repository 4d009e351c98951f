//! Samples of the real miner.

use std::time::Duration;

use crate::bench::{Case, Executor, Sample};
use crate::{ceiling, machine::Pins};
use paydirt::{Cancel, Find, Miner, MinerError, NonceRange, Search, Status};

/// Samples begin on a multiple of this many nonces, where kernels begin a new stretch of nonces anyway: a common
/// multiple of ten thousand and 4,096.
const ALIGNMENT: u64 = 2_560_000;

/// Mines on real threads.
#[derive(Debug)]
pub struct MinerExecutor {
    cancel: Cancel,
    pins: Option<Pins>,
    pinned: usize,
}

impl MinerExecutor {
    /// Threads bound to processors when there are `pins`; samples stop when `cancel` is pulled.
    pub fn new(cancel: &Cancel, pins: Option<Pins>) -> Self {
        Self {
            cancel: cancel.clone(),
            pins,
            pinned: 0,
        }
    }

    /// How many threads the system has bound to processors, in the sample that had the most.
    pub fn pinned(&self) -> usize {
        self.pinned
    }
}

impl Executor for MinerExecutor {
    fn sample(&mut self, case: &Case, place: f64, length: Duration) -> Result<Sample, MinerError> {
        let miner = Miner::with_threads(case.threads, case.kernel)?;
        let pinned = self.pins.as_ref().map_or(0, |pins| pins.pin_miner(&miner));
        self.pinned = self.pinned.max(pinned);
        let known = case.puzzle.range();
        let offset = (place * known.count() as f64) as u64 / ALIGNMENT * ALIGNMENT;
        let mut start = known.start() + offset;
        let mut sample = Sample {
            hashes: 0,
            elapsed_s: 0.0,
            searched: Vec::new(),
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
            sample.hits += outcome.solutions.len() as u64;
            sample.expected_hits += case.puzzle.hits_in(tested);
            sample.searched.push(tested);
            let used_up = matches!(outcome.status, Status::Found | Status::Exhausted);
            if !used_up || sample.elapsed_s >= length.as_secs_f64() {
                return Ok(sample);
            }
            start = known.start();
        }
    }

    fn ceiling(&mut self, case: &Case) -> Option<f64> {
        ceiling::of_threads(case.kernel, case.puzzle, case.threads, self.pins.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known_hits::KnownPuzzle;
    use paydirt::Kernel;

    #[test]
    fn every_kernel_finds_all_hits_of_the_nonces_it_was_timed_over() {
        let mut executor = MinerExecutor::new(&Cancel::new(), None);
        for kernel in Kernel::detected() {
            for (puzzle, threads) in KnownPuzzle::all().iter().zip([1, 3]) {
                let case = Case {
                    puzzle,
                    kernel,
                    threads,
                };
                let sample = executor.sample(&case, 0.3, Duration::from_millis(150)).unwrap();
                assert_eq!(sample.hits, sample.expected_hits, "{case:?}");
                assert_eq!(
                    sample.searched.iter().map(|part| part.count()).sum::<u128>(),
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
            threads: 2,
        };
        let mut executor = MinerExecutor::new(&Cancel::new(), Pins::allowed());
        assert_eq!(executor.pinned(), 0, "no thread yet");
        let sample = executor.sample(&case, 0.999_999, Duration::from_secs(2)).unwrap();
        // Where the system binds a thread of this test's, it binds those.
        let bind = || Pins::allowed().is_some_and(|pins| pins.pin_current(0));
        let binds = std::thread::spawn(bind).join().unwrap();
        assert_eq!(executor.pinned(), if binds { 2 } else { 0 });
        assert!(sample.searched.len() > 1, "{sample:?}");
        assert_eq!(sample.hits, sample.expected_hits);
    }
}
