//! How fast a kernel could be at most on this processor.
//!
//! *In:* a kernel, a benchmark puzzle, how many threads. *Out:* hashes per second that no arrangement of the kernel's
//! operations could exceed, or nothing where no honest bound is known: the `portable` kernel leaves the choice of
//! instructions to the `sha2` crate and the `reference` kernel to the compiler, so neither has a count of operations to
//! go by.

use std::{sync::Barrier, thread, time::Duration};

use paydirt::{Kernel, Prepared};

use crate::{known_hits::KnownPuzzle, machine::Pins};

/// What a ceiling is made of.
pub const BASIS: &str = "the rate at which the processor issues the kernel's own operations when none waits for another, measured beside each sample, over the operations that a hash takes, counted in the kernel's code";

/// Why a kernel has no ceiling.
pub const NO_CEILING: &str =
    "none known: no operation count to go by, the compiler or the sha2 crate chooses the instructions";

/// How often a ceiling is measured: whatever else goes on makes one too low, never too high, so the highest counts.
const PROBES: usize = 5;
/// For how long each time.
const PROBE_TIME: Duration = Duration::from_millis(1);

/// Hashes per second that `threads` threads could compute at most, measured at the same moments and summed: threads
/// that share a core share its ceiling. It takes a few milliseconds. `None` when the kernel has no ceiling.
pub fn of_threads(kernel: Kernel, puzzle: &KnownPuzzle, threads: usize, pins: Option<&Pins>) -> Option<f64> {
    let parts = Prepared::split(puzzle.puzzle(), puzzle.range());
    let prepared = parts.first()?;
    kernel.ceiling_hashes_per_second(prepared, Duration::ZERO)?;
    let together = Barrier::new(threads);
    let probe = |index: usize| -> [f64; PROBES] {
        if let Some(pins) = pins {
            pins.pin_current(index); // where the system refuses, the threads of the samples have said so
        }
        std::array::from_fn(|_| {
            together.wait();
            kernel
                .ceiling_hashes_per_second(prepared, PROBE_TIME)
                .unwrap_or(0.0)
        })
    };
    let mut sums = [0.0; PROBES];
    thread::scope(|scope| {
        let probe = &probe;
        let threads: Vec<_> = (0..threads)
            .map(|index| scope.spawn(move || probe(index)))
            .collect();
        for thread in threads {
            let rates = thread.join().expect("a probe does not panic");
            sums.iter_mut().zip(rates).for_each(|(sum, rate)| *sum += rate);
        }
    });
    Some(sums.into_iter().fold(0.0, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_kernels_with_published_counts_have_one() {
        for puzzle in KnownPuzzle::all() {
            for kernel in Kernel::detected() {
                let ceiling = of_threads(kernel, puzzle, 2, Pins::allowed().as_ref());
                let known = !["portable", "reference"].contains(&kernel.name());
                assert_eq!(ceiling.is_some(), known, "{kernel}");
                assert!(
                    ceiling.is_none_or(|rate| (1e4..1e11).contains(&rate)),
                    "{ceiling:?}"
                );
            }
        }
    }
}
