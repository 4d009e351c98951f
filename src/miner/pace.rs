//! When things happen in a search.
//!
//! *In:* nothing. *Out:* times and a clock; the tests put their own in their place.

use std::time::Duration;

use crate::clock::busy_time;

/// For how long the calling thread mines alone before it wakes the others.
const ALONE: Duration = Duration::from_micros(50);

/// For so long a search goes on before the first chunk is given to another kernel than the likeliest: whoever is done by
/// then has waited for nothing.
const SETTLED_IN: Duration = Duration::from_millis(3);

/// When things happen, and by which clock kernels are compared.
pub(super) struct Pace {
    /// For how long the calling thread mines alone.
    pub(super) alone: Duration,
    /// When a search begins to compare kernels.
    pub(super) settled_in: Duration,
    /// The thread's processor time, or what comes nearest to it.
    pub(super) busy_time: fn() -> Duration,
}

impl Pace {
    pub(super) const REAL: Self = Self {
        alone: ALONE,
        settled_in: SETTLED_IN,
        busy_time,
    };
}
