//! The benchmark's puzzles, and how many solutions there are in any part of them.
//!
//! *In:* a name, `header` or `text`. *Out:* a puzzle with an easy target, and for every range inside its 2^30 nonces
//! the number of solutions the oracle finds there. A rate is believed only when the hits of the very nonces it was
//! measured over are all there: an engine that skips some, or loses hits in one lane of sixteen, is fast and wrong.
//!
//! The oracle takes minutes for 2^30 nonces, so its answers stand in `known_hits/*.bin`: the distances from each
//! solution to the next, the first one's from the range's start, in LEB128 (seven bits a byte, lowest first, the top
//! bit set when more follow). `cargo run --release --example known-hits -- header reference` writes them anew, with any
//! other kernel's name to compare.

use std::sync::LazyLock;

use paydirt::{Goal, Header, NonceRange, Puzzle, Target};

/// Difficulty of the benchmark's puzzles in bits: a solution every millisecond or so at 60 MH/s, so that counting them
/// costs next to nothing.
pub const BENCH_BITS: f64 = 16.0;

/// How many nonces of each puzzle are known.
const KNOWN_NONCES: u128 = 1 << 30;

/// The header of Bitcoin's first block.
const GENESIS: &str = concat!(
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3",
    "888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c"
);

/// The prefix of the text puzzle.
const TEXT: &str = "paydirt";

/// Its nonces all have ten digits.
const TEXT_START: u64 = 1_000_000_000;

/// A benchmark puzzle whose solutions are known.
#[derive(Debug)]
pub struct KnownPuzzle {
    name: &'static str,
    about: &'static str,
    puzzle: Puzzle,
    range: NonceRange,
    /// The solutions, ascending.
    hits: Vec<u64>,
}

/// The names of the benchmark's puzzles.
pub const BENCH_PUZZLE_NAMES: [&str; 2] = ["header", "text"];

static KNOWN: LazyLock<[KnownPuzzle; 2]> = LazyLock::new(|| {
    let goal = Goal::at_most(Target::from_leading_zero_bits(BENCH_BITS).expect("between 0 and 256"));
    let header = Header::from_hex(GENESIS).expect("80 bytes of hex");
    let [header_name, text_name] = BENCH_PUZZLE_NAMES;
    [
        KnownPuzzle::new(
            header_name,
            "sha256d of an 80-byte Bitcoin header, 4-byte nonce at its end",
            Puzzle::header_with_goal(&header, goal),
            0,
            include_bytes!("known_hits/header.bin"),
        ),
        KnownPuzzle::new(
            text_name,
            "sha256 of 'paydirt' and a ten-digit decimal nonce, 17 bytes in all",
            Puzzle::text(TEXT, goal),
            TEXT_START,
            include_bytes!("known_hits/text.bin"),
        ),
    ]
});

impl KnownPuzzle {
    fn new(name: &'static str, about: &'static str, puzzle: Puzzle, start: u64, table: &[u8]) -> Self {
        let range = puzzle.nonce_space().part(start.into(), KNOWN_NONCES);
        Self {
            name,
            about,
            puzzle,
            range: range.expect("inside both spaces"),
            hits: decode(start, table),
        }
    }

    /// All of them.
    pub fn all() -> &'static [Self] {
        &*KNOWN
    }

    /// The puzzle of this name, one of [`BENCH_PUZZLE_NAMES`].
    pub fn by_name(name: &str) -> Option<&'static Self> {
        KNOWN.iter().find(|known| known.name == name)
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// One line for people.
    pub fn about(&self) -> &'static str {
        self.about
    }

    /// The puzzle, with its easy target.
    pub fn puzzle(&self) -> &Puzzle {
        &self.puzzle
    }

    /// The nonces whose solutions are known.
    pub fn range(&self) -> NonceRange {
        self.range
    }

    /// How many solutions the oracle finds in `part`.
    ///
    /// # Panics
    /// When `part` reaches outside [`KnownPuzzle::range`].
    pub fn hits_in(&self, part: NonceRange) -> u64 {
        let inside = part.start() >= self.range.start() && part.end() <= self.range.end();
        assert!(inside || part.is_empty(), "only the known range has known hits");
        let before = |end: u128| self.hits.partition_point(|nonce| u128::from(*nonce) < end);
        (before(part.end()) - before(part.start().into())) as u64
    }
}

/// Writes solutions the way the tables hold them.
pub fn encode(start: u64, hits: &[u64]) -> Vec<u8> {
    let mut table = Vec::new();
    let mut last = start;
    for hit in hits {
        let mut distance = hit - last;
        while distance >= 0x80 {
            table.push(distance as u8 | 0x80);
            distance >>= 7;
        }
        table.push(distance as u8);
        last = *hit;
    }
    table
}

fn decode(start: u64, table: &[u8]) -> Vec<u64> {
    let mut nonce = start;
    let (mut distance, mut shift) = (0, 0);
    let mut hits = Vec::with_capacity(table.len() / 3);
    for byte in table {
        distance |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            nonce += distance;
            hits.push(nonce);
            (distance, shift) = (0, 0);
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha8Rng};

    use super::*;

    /// A part of the range, hashed one nonce at a time by the oracle itself.
    fn oracle_count(known: &KnownPuzzle, part: NonceRange) -> u64 {
        let nonces = part.start()..part.start() + part.count() as u64;
        nonces.filter(|nonce| known.puzzle.is_solved_by(*nonce)).count() as u64
    }

    #[test]
    fn the_tables_say_what_the_oracle_says() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        for known in KnownPuzzle::all() {
            let range = known.range();
            let last = range.count() - 50_000;
            let offsets = [0, last]
                .into_iter()
                .chain((0..4).map(|_| rng.random_range(0..last)));
            for offset in offsets {
                let start = u128::from(range.start()) + offset;
                let part = range.part(start, 50_000).unwrap();
                assert_eq!(
                    known.hits_in(part),
                    oracle_count(known, part),
                    "{} {part:?}",
                    known.name
                );
            }
        }
    }

    #[test]
    fn every_listed_nonce_is_a_solution_and_their_number_is_likely() {
        for known in KnownPuzzle::all() {
            assert!(known.hits.iter().all(|nonce| known.puzzle.is_solved_by(*nonce)));
            assert!(known.hits.is_sorted_by(|a, b| a < b));
            // 2^30 / 2^16 = 16,384 are to be expected, σ = 128.
            assert!(
                known.hits.len().abs_diff(16_384) < 4 * 128,
                "{}",
                known.hits.len()
            );
            assert_eq!(known.hits_in(known.range), known.hits.len() as u64);
        }
    }

    #[test]
    fn tables_survive_a_round_trip() {
        let hits = [5, 6, 133, 134 + 0x3fff, 1 << 40, u64::MAX];
        assert_eq!(decode(5, &encode(5, &hits)), hits);
        assert_eq!(decode(0, &[]), [0; 0]);
    }
}
