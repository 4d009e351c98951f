//! Measuring: hash rates, and what a difficulty level costs.
//!
//! *In:* kernels, thread counts, benchmark puzzles, difficulty levels. *Out:* a [`BenchReport`](bench::BenchReport) or a
//! [`CompareReport`](compare::CompareReport), raw samples included: serde structures, which the program prints as they
//! are. Nothing here prints, and whatever takes time stands behind a trait, so that the order of samples, the warnings and
//! the statistics are tested without a clock.
//!
//! ```text
//! bench    cases (puzzle × kernel × threads) ──► samples in turn, each with its hits counted ──► statistics, warnings
//! compare  levels ──► puzzles from a seed ──► the lowest nonce of each ──► luck (tries) and rate (time), apart
//! ```

pub mod bench;
mod ceiling;
pub mod compare;
pub mod geometric;
pub mod known_hits;
pub mod machine;
pub mod statistics;
pub mod warnings;

/// What is the same for every measurement: how it was asked for, where its threads run, and what stops it.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The command line that was given.
    pub command: Vec<String>,
    /// The processors to bind threads to.
    pub pins: Option<machine::Pins>,
    /// Ends the measurement early.
    pub cancel: paydirt::Cancel,
}
