//! How many threads a miner may have.
//!
//! *In:* the number of processors. *Out:* a limit, and the errors of a miner that cannot be made.

/// The most threads a miner may have on any machine; on this one, [`most_threads`].
pub const MAX_THREADS: usize = 4096;

/// Threads beyond a few for each processor test no nonce more. They only wait for each other: on two processors 256 end
/// a search of one second a tenth of a second late, 512 a whole second, 2,048 fifteen.
const THREADS_PER_PROCESSOR: usize = 8;

/// So many a miner may have on the smallest machine.
const ALWAYS_ALLOWED: usize = 64;

/// The most threads a miner may have on this machine: 8 for each logical processor that this process may use, and 64 in
/// any case. With so many a time limit still holds.
pub fn most_threads() -> usize {
    (num_cpus::get().saturating_mul(THREADS_PER_PROCESSOR)).clamp(ALWAYS_ALLOWED, MAX_THREADS)
}

/// Why a miner cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MinerError {
    /// No threads, or too many.
    #[error("{threads} is not a number of threads for this machine; give 1 to {most}", threads = .0, most = most_threads())]
    Threads(usize),
    /// The operating system did not give the threads.
    #[error("cannot start {threads} threads: {reason}")]
    Pool {
        /// How many were asked for.
        threads: usize,
        /// What the system said.
        #[source]
        reason: Box<dyn std::error::Error + Send + Sync>,
    },
}
