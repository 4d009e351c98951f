//! How fast a puzzle could be hashed at most on this processor.
//!
//! *In:* a miner, a benchmark puzzle. *Out:* for each kernel that runs here, hashes per second that no arrangement of its
//! operations could exceed, or nothing where no honest bound is known: the `portable` kernel leaves the choice of
//! instructions to the `sha2` crate and the `reference` kernel to the compiler, so neither has a count of operations to go
//! by. The highest of these bounds is the processor's: the most that any known way could reach.

use std::{
    collections::BTreeMap,
    sync::{Barrier, Mutex},
    time::Duration,
};

use paydirt::{Kernel, Miner, Prepared};

use crate::known_hits::KnownPuzzle;

/// What a ceiling is made of.
pub const BASIS: &str = "the rate at which the processor issues the kernel's own operations when none waits for another, measured beside each sample, over the operations that a hash takes, counted in the kernel's code";

/// Why a kernel has no ceiling.
pub const NO_CEILING: &str =
    "none known: no operation count to go by, the compiler or the sha2 crate chooses the instructions";

/// How often a ceiling is measured: whatever else goes on makes one too low, never too high, so the highest counts.
const PROBES: usize = 5;
/// For how long each time.
const PROBE_TIME: Duration = Duration::from_millis(1);

/// A kernel's name, and the hashes a second of processor time that the threads of a miner could compute at most with it, all
/// together.
pub type Bound = (&'static str, f64);

/// The bounds of all kernels that have one, measured on all threads of `miner` at the same moments and summed: threads
/// that share a core share its ceiling. It takes some ten milliseconds.
pub fn of_miner(miner: &Miner, puzzle: &KnownPuzzle) -> Vec<Bound> {
    let parts = Prepared::split(puzzle.puzzle(), puzzle.range());
    let Some(prepared) = parts.first() else {
        return Vec::new();
    };
    let together = Barrier::new(miner.threads());
    let sums = Mutex::new(BTreeMap::<&str, [f64; PROBES]>::new());
    miner.on_each_thread(|_| {
        for probe in 0..PROBES {
            together.wait();
            let ceilings = Kernel::ceilings(prepared, PROBE_TIME);
            let mut sums = sums.lock().expect("nothing panics while it is held");
            for ceiling in ceilings {
                sums.entry(ceiling.kernel.name()).or_default()[probe] += ceiling.hashes_per_second;
            }
        }
    });
    let sums = sums.into_inner().expect("nothing panics while it is held");
    let highest = |rates: [f64; PROBES]| rates.into_iter().fold(0.0, f64::max);
    sums.into_iter()
        .map(|(kernel, rates)| (kernel, highest(rates)))
        .collect()
}

#[cfg(test)]
mod tests {
    use paydirt::{Find, Kernel, Search};

    use super::*;

    #[test]
    fn no_kernel_is_faster_than_its_ceiling() {
        for puzzle in KnownPuzzle::all() {
            for kernel in Kernel::detected() {
                let miner = Miner::with_threads(2, kernel).unwrap();
                // The better of a few tries on either side: the machine may be busy.
                let tries = (0..5).map(|_| {
                    let search = Search::new(puzzle.puzzle())
                        .range(puzzle.range())
                        .find(Find::All)
                        .timeout(Duration::from_millis(20));
                    let bounds = of_miner(&miner, puzzle);
                    let own = bounds.iter().find(|(name, _)| *name == kernel.name());
                    (
                        own.map(|(_, rate)| *rate),
                        miner.mine(&search).hashes_per_second(),
                    )
                });
                let (ceilings, rates): (Vec<_>, Vec<_>) = tries.unzip();
                // Those written for a processor have one; what a compiler made for any has no counts.
                let row = Kernel::all().iter().find(|row| row.name == kernel.name());
                let known = row.is_some_and(|row| row.architecture != "any");
                assert!(
                    ceilings.iter().all(|ceiling| ceiling.is_some() == known),
                    "{kernel}"
                );
                let highest = |rates: &mut dyn Iterator<Item = f64>| rates.fold(0.0, f64::max);
                let (ceiling, rate) = (
                    highest(&mut ceilings.into_iter().flatten()),
                    highest(&mut rates.into_iter()),
                );
                // A wrong unit or a wrong count, not a clock: whatever the machine does beside, these are far apart.
                assert!(
                    !known || (ceiling / 1000.0..2.0 * ceiling).contains(&rate),
                    "{kernel}: {rate} beside a ceiling of {ceiling}"
                );
            }
        }
    }
}
