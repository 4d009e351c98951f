//! Real headers: Bitcoin's software as sources of jobs.
//!
//! *In:* what a pool says (Stratum v1). *Out:* [`Job`](paydirt_jobs::Job)s for the one mining loop, and the shares that it
//! found, said in the peer's words.
//!
//! ```text
//! stratum     lines of a pool ──► client (no sockets, no clock) ──► jobs, lines, events; around it the connection
//! merkle      coinbase and branch ──► root
//! difficulty  a pool's difficulty ◄──► target
//! rate        hashes counted ──► hashes per second over 10 s, 1 min, 15 min
//! backoff     failures ──► how long to wait
//! ```

pub mod backoff;
pub mod difficulty;
pub mod merkle;
pub mod rate;
