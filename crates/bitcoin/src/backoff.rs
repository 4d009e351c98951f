//! How long to wait before a peer is tried again.
//!
//! *In:* how often it failed. *Out:* 1 second, then twice as long each time, up to half a minute; a quarter more or less,
//! by chance, so that many machines behind one peer do not come back at the same moment.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// Failures in a row.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// It failed once more: how long to wait.
    pub fn next_wait(&mut self) -> Duration {
        let doubled = FIRST.saturating_mul(2u32.saturating_pow(self.failures));
        self.failures = self.failures.saturating_add(1);
        // Each such state hashes differently.
        let chance = RandomState::new().hash_one(0) as f64 / u64::MAX as f64;
        doubled.min(LONGEST).mul_f64(0.75 + chance / 2.0)
    }

    /// It works again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit() {
        let mut backoff = Backoff::default();
        for expected in [1.0, 2.0, 4.0, 8.0, 16.0].into_iter().chain([30.0; 100]) {
            let wait = backoff.next_wait().as_secs_f64();
            assert!(
                (0.75 * expected..=1.25 * expected).contains(&wait),
                "{wait} s, not about {expected} s"
            );
        }
        backoff.reset();
        assert!(backoff.next_wait() <= FIRST.mul_f64(1.25));
    }

    #[test]
    fn two_machines_wait_differently() {
        let waits = [(); 8].map(|()| Backoff::default().next_wait());
        assert!(waits[1..].iter().any(|wait| *wait != waits[0]));
    }
}
