//! Searches for the order of instructions that the processor at hand likes best.
//!
//! *In:* which kernel's code, and what it shall hash. *Out:* a ranking on stderr, and on stdout the best as a file that the
//! generator reads (`crates/codegen/tuned`).
//!
//! ```text
//! space      what may be tried: all values of two parameters, then of the others, then of the first two again
//!   kernels      the generator's code with these, and the calls that hash a shape
//!   candidate    assembled by the system's compiler, loaded, called                               (the only unsafe code)
//!     race           every candidate in turn, by the thread's processor time; the better half goes on
//! ```
//!
//! What the code computes is none of its business: the generator's tests run each kind of tuning against the oracle, and
//! the time of SHA-256 does not depend on what is hashed. Candidates are measured on memory full of zeros.

#[cfg(all(target_arch = "x86_64", unix))]
mod candidate;
#[cfg(all(target_arch = "x86_64", unix))]
mod kernels;
#[cfg(all(target_arch = "x86_64", unix))]
mod race;
#[cfg(all(target_arch = "x86_64", unix))]
mod space;

use clap::{Parser, ValueEnum};

/// Searches for the order of instructions that this processor likes best, and prints it as a file for
/// `crates/codegen/tuned`.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example, on an otherwise idle machine:\n  cargo run --release -p paydirt-tune -- hybrid --shape header > crates/codegen/tuned/hybrid-zen4.txt"
)]
struct Arguments {
    /// The kernel.
    kernel: Kernel,
    /// What it hashes while it is timed.
    #[arg(long, default_value = "header")]
    shape: Shape,
    /// How many of the ranking's first lines to show.
    #[arg(long, default_value_t = 12)]
    show: usize,
    /// Stop the search of each stage at so many candidates, chosen evenly: a first look.
    #[arg(long)]
    at_most: Option<usize>,
}

/// A kernel whose code has something to be tuned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kernel {
    /// Rounds by the SHA instructions, schedules in vectors.
    Hybrid,
    /// Two streams of 16 lanes.
    Avx512,
    /// One stream of 8 lanes.
    Avx2,
    /// The SHA instructions alone.
    ShaNi,
}

/// What is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// Both hashes of a Bitcoin header.
    Header,
    /// The same in many versions.
    Roll,
    /// A text of one block, the nonce after three bytes.
    Text,
    /// The same after forty.
    LateText,
}

#[cfg(all(target_arch = "x86_64", unix))]
fn main() -> std::process::ExitCode {
    let arguments = Arguments::parse();
    match space::search(&arguments) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("paydirt-tune: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(not(all(target_arch = "x86_64", unix)))]
fn main() -> std::process::ExitCode {
    let Arguments { .. } = Arguments::parse();
    eprintln!(
        "paydirt-tune: what can be tuned is code for x86-64 processors, and loading it needs a Unix system"
    );
    std::process::ExitCode::FAILURE
}
