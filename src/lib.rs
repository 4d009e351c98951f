//! The SHA-256 proof-of-work engine for the machine you have.
//!
//! A [`Puzzle`] asks for a nonce that makes a message's hash small enough. A [`Miner`] finds the lowest such nonce,
//! with every core and the widest instructions there are, and an oracle confirms it before anyone is told.
//!
//! ```
//! use paydirt::{Goal, Miner, Puzzle, Search, Target};
//!
//! // The smallest proof for which sha256("100" followed by the proof) begins with four hex zeros.
//! let puzzle = Puzzle::text("100", Goal::at_most(Target::from_hex_zeros(4)?));
//! let outcome = Miner::new().mine(&Search::new(&puzzle));
//! let solution = &outcome.solutions[0];
//! assert_eq!(solution.nonce(), 35293);
//! assert_eq!(puzzle.message(35293), b"10035293");
//! # Ok::<(), paydirt::TargetError>(())
//! ```
//!
//! Data flows one way, and each step is a module that knows only the ones before it:
//!
//! ```text
//! puzzle ──► work ──► kernel ──► miner ──► solution
//! (what to    (midstate,  (scan a      (split over   (checked by
//!  solve)      template)   range)       threads)      the oracle)
//! ```

#[cfg(feature = "cli")]
pub mod cli;
pub mod kernel;
#[cfg(feature = "ledger")]
pub mod ledger;
pub mod miner;
#[cfg(feature = "node")]
pub mod node;
pub mod puzzle;
#[cfg(feature = "cli")]
pub mod report;
pub mod solution;
pub mod work;

#[doc(inline)]
pub use kernel::{Hits, KERNEL_NAMES, Kernel, KernelError, KernelStatus};
#[doc(inline)]
pub use miner::{Cancel, Find, MAX_THREADS, Miner, MinerError, Outcome, Progress, Search, Status};
#[doc(inline)]
pub use puzzle::{
    ByteOrder, Digest, EncodingError, Goal, Hash, HashParseError, Header, HeaderError, HexCase,
    NonceEncoding, NonceRange, Puzzle, RangeError, Target, TargetError, Template, TemplateError,
};
#[doc(inline)]
pub use solution::{Rejection, Solution};
#[doc(inline)]
pub use work::{Run, Work};

/// The examples of the README, so that they stay true.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
