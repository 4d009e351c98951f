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
//! A Bitcoin header brings its own target, the one that its `nBits` states:
//!
//! ```
//! use paydirt::{Header, Miner, Puzzle, Search};
//!
//! let header = Header::from_hex(concat!(
//!     "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f61",
//!     "7fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d00000000"
//! ))?;
//! let puzzle = Puzzle::header(&header)?;
//! let range = puzzle.nonce_space().from(2_083_200_000)?;
//! let outcome = Miner::new().mine(&Search::new(&puzzle).range(range));
//! let solution = &outcome.solutions[0];
//! assert_eq!(
//!     solution.hash().display(puzzle.byte_order()),
//!     "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
//! );
//! let solved = header.with_nonce(u32::try_from(solution.nonce())?);
//! assert_eq!(solved.nonce(), 2_083_236_893);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A search reports how far it is, and stops when its [`Cancel`] handle is pulled, here or on any other thread:
//!
//! ```
//! use std::time::Duration;
//! use paydirt::{Cancel, Goal, Miner, Puzzle, Search, Status, Target};
//!
//! let puzzle = Puzzle::text("nobody will solve this", Goal::at_most(Target::ZERO));
//! let cancel = Cancel::new();
//! let search = Search::new(&puzzle)
//!     .cancel(&cancel)
//!     .on_progress(Duration::from_millis(5), |progress| {
//!         eprintln!("{} hashes in {:?}", progress.hashes, progress.elapsed);
//!         cancel.cancel();
//!     });
//! assert_eq!(Miner::new().mine(&search).status, Status::Interrupted);
//! ```
//!
//! And [`Find::All`] collects every solution in a range:
//!
//! ```
//! use paydirt::{Find, Goal, Miner, NonceRange, Puzzle, Search, Target};
//!
//! let puzzle = Puzzle::text("x", Goal::at_most(Target::from_leading_zero_bits(8.0)?));
//! let search = Search::new(&puzzle).range(NonceRange::new(0, 1000)?).find(Find::All);
//! let outcome = Miner::new().mine(&search);
//! assert_eq!(outcome.hashes, 1000);
//! for solution in &outcome.solutions {
//!     assert_eq!(solution.hash().to_bytes()[0], 0);
//! }
//! let nonces: Vec<u64> = outcome.solutions.iter().map(|solution| solution.nonce()).collect();
//! let by_the_oracle: Vec<u64> = (0..1000).filter(|nonce| puzzle.is_solved_by(*nonce)).collect();
//! assert_eq!(nonces, by_the_oracle);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Search::on_solution`] is told of each as it is found, while the search goes on.
//!
//! Data flows one way:
//!
//! ```text
//! puzzle ──► prepared ──► kernel ──► miner ──► solution
//! (what to    (midstate,   (scan      (split     (checked by
//!  solve)      blocks)      chunks)    over       the oracle)
//!                                      threads)
//! ```
//!
//! A program that wants threads of its own does without the [`Miner`]: [`Prepared::split`] prepares a range,
//! [`Kernel::bind`] binds a kernel to it, and [`Scanner::scan`] tests nonces.

mod clock;
mod kernel;
mod miner;
mod puzzle;
#[cfg(feature = "serde")]
pub mod record;
mod solution;

pub use kernel::{Hits, Kernel, KernelCeiling, KernelError, KernelInfo, Prepared, Scanner, UnitLoad};
pub use miner::{
    Cancel, Chosen, Find, KernelChoice, KernelRate, MAX_THREADS, Miner, MinerError, Outcome, Progress,
    Search, Status, most_threads,
};
pub use puzzle::{
    ByteOrder, Digest, EncodingError, Goal, HEADER_BYTES, HEADER_NONCE_OFFSET, Hash, Header, HexCase,
    HexError, NonceEncoding, NonceRange, PLACEHOLDER, Puzzle, RangeError, RollError, Target, TargetError,
    Template, TemplateError, VersionRolling,
};
pub use solution::{Rejection, Solution};

/// The examples of the README, so that they stay true.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
