//! Measuring: hash rates, and what a difficulty level costs.
//!
//! *In:* kernels, thread counts, benchmark puzzles, difficulty levels. *Out:* plain figures, raw samples first, for
//! `report` to print. Nothing here prints, and whatever takes time stands behind a trait ([`bench::Executor`],
//! [`compare::Engine`]) so that the order of samples, the warnings and the statistics are tested without a clock.
//!
//! ```text
//! bench    cases (puzzle × kernel × threads) ──► samples in turn, each with its hits counted ──► statistics, warnings
//! compare  levels ──► puzzles from a seed ──► the lowest nonce of each ──► luck (tries) and rate (time), apart
//! ```

pub mod bench;
pub mod ceiling;
pub mod compare;
pub mod geometric;
pub mod known_hits;
pub mod machine;
pub mod statistics;
