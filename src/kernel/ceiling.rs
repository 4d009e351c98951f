//! How fast a kernel could be at all: the processor's issue rate for the operations that a hash takes.
//!
//! *In:* a work. *Out:* hashes a second that no arrangement of the same operations can exceed on this core, measured
//! here and now: clock speeds change, cores are shared. A [`Probe`] is a short loop of the same mix of operations
//! without dependencies; a hash costs a number of operations that the kernel's generator has counted.

use std::time::{Duration, Instant};

use crate::work::Work;

/// A loop that does nothing but keep the units busy that a kernel lives by.
pub(crate) struct Probe {
    /// The kernel whose bound it measures.
    pub(crate) kernel: &'static str,
    /// Whether this processor can run it.
    pub(crate) supported: fn() -> bool,
    /// Runs about so many operations and returns exactly how many.
    pub(crate) run: fn(operations: u64) -> u64,
    /// Operations a hash takes; the kernel's own path for `work`. `None` for shapes nobody has counted.
    pub(crate) operations_per_hash: fn(work: &Work) -> Option<f64>,
}

/// The probes there are.
pub(crate) static PROBES: &[&Probe] = &[
    #[cfg(target_arch = "x86_64")]
    &super::avx512::ceiling::PROBE,
    #[cfg(target_arch = "x86_64")]
    &super::sha_ni::ceiling::PROBE,
    #[cfg(target_arch = "x86_64")]
    &super::avx2::ceiling::PROBE,
];

impl Probe {
    /// The probe for a kernel, if there is one and this processor can run it.
    pub(crate) fn of(kernel: &str) -> Option<&'static Self> {
        PROBES
            .iter()
            .copied()
            .find(|probe| probe.kernel == kernel && (probe.supported)())
    }

    /// Operations per second over about `time`.
    pub(crate) fn operations_per_second(&self, time: Duration) -> f64 {
        let start = Instant::now();
        let mut done = 0;
        loop {
            done += (self.run)(200_000);
            let elapsed = start.elapsed();
            if elapsed >= time {
                return done as f64 / elapsed.as_secs_f64();
            }
        }
    }

    /// The ceiling for `work`, in hashes per second, measured for about `time`.
    pub(crate) fn hashes_per_second(&self, work: &Work, time: Duration) -> Option<f64> {
        (self.operations_per_hash)(work).map(|operations| self.operations_per_second(time) / operations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Goal, Header, Kernel, NonceRange, Puzzle, Run, Target};

    #[test]
    fn every_probe_gives_a_ceiling_for_the_header() {
        let header = Header::from_bytes([0x42; 80]);
        let puzzle = Puzzle::header_with_goal(&header, Goal::at_most(Target::ZERO));
        let run = &Run::split(&puzzle, NonceRange::new(0, 1).unwrap())[0];
        for kernel in Kernel::detected() {
            let Some(probe) = Probe::of(kernel.name()) else {
                continue;
            };
            let ceiling = probe.hashes_per_second(&run.work, Duration::from_micros(200));
            // From a slow emulator to ten times the fastest core there is.
            assert!((1e4..1e10).contains(&ceiling.unwrap()), "{kernel}: {ceiling:?}");
        }
    }
}
