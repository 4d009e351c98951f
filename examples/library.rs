//! The library in four short steps: mine a text, mine a Bitcoin header, stop a search from outside while it reports
//! how far it is, and collect every solution in a range.
//!
//! `cargo run --release --example library`

use std::{error::Error, time::Duration};

use paydirt::{Cancel, Find, Goal, Header, Miner, NonceRange, Puzzle, Search, Status, Target};

fn main() -> Result<(), Box<dyn Error>> {
    // Threads start once; a miner takes any number of searches.
    let miner = Miner::new();
    println!("kernel {}, {} threads", miner.kernel(), miner.threads());

    // The teaching chains' puzzle: the smallest number that, after "100", gives a hash with four zeros.
    let puzzle = Puzzle::text("100", Goal::at_most(Target::from_hex_zeros(4)?));
    let outcome = miner.mine(&Search::new(&puzzle));
    let solution = outcome.solutions.first().ok_or("there is one below 2^64")?;
    println!(
        "text:   nonce {} after {} hashes",
        solution.nonce(),
        outcome.hashes
    );
    assert_eq!(solution.nonce(), 35293);

    // The first block of Bitcoin, from a little before its nonce. The target is the header's own.
    let header = Header::from_hex(concat!(
        "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f61",
        "7fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d00000000"
    ))?;
    let puzzle = Puzzle::header(&header)?;
    let range = puzzle.nonce_space().from(2_083_000_000)?;
    let outcome = miner.mine(&Search::new(&puzzle).range(range));
    let solution = outcome.solutions.first().ok_or("there is one in this header")?;
    println!("header: {}", solution.hash().display(puzzle.byte_order()));
    assert_eq!(solution.nonce(), 2_083_236_893);

    // A puzzle that nobody will solve, cancelled when it has tested its first few nonces.
    let puzzle = Puzzle::text("never", Goal::at_most(Target::ZERO));
    let cancel = Cancel::new();
    let search = Search::new(&puzzle)
        .cancel(&cancel)
        .on_progress(Duration::from_millis(10), |progress| {
            println!(
                "cancel: {} hashes in {:?}, enough",
                progress.hashes, progress.elapsed
            );
            cancel.cancel();
        });
    assert_eq!(miner.mine(&search).status, Status::Interrupted);

    // Every nonce below 100,000 whose hash has twelve leading zero bits.
    let puzzle = Puzzle::text("all", Goal::at_most(Target::from_leading_zero_bits(12.0)?));
    let search = Search::new(&puzzle)
        .range(NonceRange::new(0, 100_000)?)
        .find(Find::All);
    let outcome = miner.mine(&search);
    let nonces: Vec<_> = outcome
        .solutions
        .iter()
        .map(|solution| solution.nonce())
        .collect();
    println!(
        "all:    {} solutions, the first {:?}",
        nonces.len(),
        nonces.first()
    );
    assert_eq!(outcome.hashes, 100_000);
    assert!(nonces.iter().all(|nonce| puzzle.is_solved_by(*nonce)));
    Ok(())
}
