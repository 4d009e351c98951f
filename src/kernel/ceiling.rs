//! How fast a kernel could be at all: the processor's issue rate for the operations that a hash takes.
//!
//! *In:* a [`Prepared`]. *Out:* hashes a second that no arrangement of the same operations can exceed on this core,
//! measured here and now: clock speeds change, cores are shared. A [`Ceiling`] is a short loop of the same mix of
//! operations without dependencies, and what the kernel's own path costs in them.

use std::time::{Duration, Instant};

use super::Prepared;

/// Operations between two looks at the clock.
const AT_A_TIME: u64 = 200_000;

/// The bound of one kernel.
#[derive(Debug)]
pub(super) struct Ceiling {
    /// Operations of one turn of its loop.
    pub(super) operations: u64,
    /// Runs the loop so many times, at least once. Safe to call where the kernel is.
    pub(super) turns: unsafe fn(u64),
    /// Operations a hash takes. `None` for shapes nobody has counted.
    pub(super) operations_per_hash: fn(&Prepared) -> Option<f64>,
}

impl Ceiling {
    /// Hashes a second, measured for about `time`.
    ///
    /// # Safety
    /// The processor must have the kernel's features.
    #[allow(unsafe_code)]
    pub(super) unsafe fn hashes_per_second(&self, prepared: &Prepared, time: Duration) -> Option<f64> {
        let per_hash = (self.operations_per_hash)(prepared)?;
        let turns = AT_A_TIME.div_ceil(self.operations);
        let (start, mut done) = (Instant::now(), 0);
        loop {
            // SAFETY: the caller vouches for the features.
            unsafe { (self.turns)(turns) };
            done += turns * self.operations;
            let elapsed = start.elapsed();
            if elapsed >= time {
                return Some(done as f64 / elapsed.as_secs_f64() / per_hash);
            }
        }
    }
}
