//! Writes the table of a benchmark puzzle's solutions: see `src/known_hits.rs`.
//!
//! ```sh
//! cargo run --release --example known-hits -- header reference > crates/measure/src/known_hits/header.bin
//! cargo run --release --example known-hits -- text reference > crates/measure/src/known_hits/text.bin
//! ```
//! The oracle takes a quarter of an hour for each; another kernel must give the same file.

use std::io::Write as _;

use anyhow::Context as _;
use paydirt::{Find, KernelChoice, Miner, Search};
use paydirt_measure::known_hits::{KnownPuzzle, encode};

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let usage = "usage: known-hits header|text KERNEL > TABLE";
    let (name, kernel) = args.next().zip(args.next()).context(usage)?;
    let known = KnownPuzzle::by_name(&name).context(usage)?;
    let miner = Miner::with_threads(num_cpus::get(), kernel.parse::<KernelChoice>().context(usage)?)?;
    let search = Search::new(known.puzzle()).range(known.range()).find(Find::All);
    let outcome = miner.mine(&search);
    let hits: Vec<u64> = outcome
        .solutions
        .iter()
        .map(|solution| solution.nonce())
        .collect();
    eprintln!("{} solutions in {} nonces", hits.len(), outcome.hashes);
    std::io::stdout().write_all(&encode(known.range().start(), &hits))?;
    Ok(())
}
