//! The driver with several midstates, on any machine: a model of the assembly's rolling pieces stands in for it.

use paydirt_sha256::compress;

use super::{layout::*, *};
use crate::{
    kernel::{Kernel, prepared::Rehash},
    puzzle::{Goal, Header, Puzzle, Target},
};

/// Hashes what the driver has laid into the frame, lane by lane, with the oracle's compression.
struct Model;

impl Assembly for Model {
    const ROLLS: bool = true;

    fn call(&mut self, frame: &mut Frame, call: Call<'_>) -> u32 {
        assert_eq!((call.then, call.next), (RETURN, SECOND_LITTLE));
        let first_midstate = [ROLL, ROLL_AGAIN]
            .iter()
            .position(|entry| *entry == call.entry)
            .unwrap()
            * STREAMS;
        (0..BATCH)
            .filter(|i| {
                let (stream, lane) = (i / LANES, i % LANES);
                // Both streams have the nonces of the first.
                let block = std::array::from_fn(|word| frame.word(word)[0][lane]);
                let scalars = &frame.scalars[first_midstate + stream];
                let mut hash: [u32; 8] = scalars[CHAIN..CHAIN + 8].try_into().unwrap();
                compress(&mut hash, &block);
                let second = Rehash::SHA256.block(&hash);
                let mut digest = Rehash::SHA256.chaining;
                assert_eq!(digest[7], scalars[TOP_ADD]);
                compress(&mut digest, &second);
                digest[7].swap_bytes().wrapping_sub(scalars[LOWEST]) <= scalars[SPAN]
            })
            .fold(0, |mask, i| mask | 1 << i)
    }
}

#[test]
fn agrees_with_the_oracle_under_each_midstate() {
    let oracle: Kernel = "reference".parse().unwrap();
    for (bits, first, count) in [
        (0.0, 5, 40),
        (1.0, 0, 300),
        (3.0, 65_500, 100),
        (5.5, u64::from(u32::MAX) - 700, 701),
        (8.0, 1_234_567, 5_000),
    ] {
        let goal = Goal::at_most(Target::from_leading_zero_bits(bits).unwrap());
        let works: Vec<_> = (0..4u8)
            .map(|version| {
                let mut bytes: [u8; 80] = std::array::from_fn(|i| (i as u8).wrapping_mul(37));
                bytes[2] = version;
                let puzzle = Puzzle::header_with_goal(&Header::from_bytes(bytes), goal);
                Prepared::split(&puzzle, puzzle.nonce_space()).swap_remove(0)
            })
            .collect();
        let mut kernel = Batches::bind(&works[0], Model).unwrap();
        for midstates in [2, 4] {
            assert!(kernel.takes(midstates));
            let mut expected = Vec::new();
            for (index, prepared) in works[..midstates].iter().enumerate() {
                let mut hits = Hits::all();
                oracle.bind(prepared).unwrap().scan(first, count, &mut hits);
                expected.extend(
                    hits.nonces()
                        .iter()
                        .map(|nonce| nonce * midstates as u64 + index as u64),
                );
            }
            expected.sort_unstable();
            let midstates: Vec<_> = works[..midstates]
                .iter()
                .map(|prepared| prepared.midstate)
                .collect();
            let mut hits = Hits::all();
            assert_eq!(kernel.scan(&midstates, first, count, &mut hits), count);
            assert_eq!(
                hits.nonces(),
                expected,
                "{bits} bits, {} midstates",
                midstates.len()
            );
        }
    }
}

#[test]
fn only_headers_roll() {
    let goal = Goal::at_most(Target::MAX);
    let text = Puzzle::text("abc", goal);
    let prepared = &Prepared::split(&text, text.nonce_space())[0];
    let kernel = Batches::bind(prepared, Model).unwrap();
    assert!(kernel.takes(1) && !kernel.takes(2));
}
