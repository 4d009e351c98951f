//! Each piece, and each way from entry to end, computes what the oracle does.

use super::{
    Numbers,
    driver::{BATCH, Context},
    tried,
};
use crate::{
    layout::{Entry, WORDS},
    program::Program,
};
use paydirt_sha256::{self as sha256, INITIAL, K};

/// A block of which some words differ from lane to lane, after any chaining value.
struct Case {
    chain: [u32; 8],
    block: [u32; 16],
    first: usize,
    words: usize,
    values: [[u32; 2]; BATCH],
}

impl Case {
    fn new(first: usize, words: usize, numbers: &mut Numbers) -> Self {
        Self {
            chain: numbers.words(),
            block: numbers.words(),
            first,
            words,
            values: std::array::from_fn(|_| numbers.words()),
        }
    }

    fn header(numbers: &mut Numbers) -> Self {
        let mut case = Self::new(3, 1, numbers);
        case.block[4..].copy_from_slice(&[0x8000_0000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 640]);
        case
    }

    fn prepare(&self, context: &mut Context) {
        context.prepare_block(&self.chain, &self.block, self.first, self.words);
        for (lane, values) in self.values.iter().enumerate() {
            (0..self.words).for_each(|i| context.set_word(WORDS, self.first + i, lane, values[i]));
        }
    }

    fn digest(&self, lane: usize) -> [u32; 8] {
        let mut block = self.block;
        block[self.first..self.first + self.words].copy_from_slice(&self.values[lane][..self.words]);
        let mut hash = self.chain;
        sha256::compress(&mut hash, &block);
        hash
    }
}

fn hashed_again(digest: &[u32; 8]) -> [u32; 8] {
    let mut hash = INITIAL;
    sha256::compress(&mut hash, &sha256::second_block(digest));
    hash
}

/// The word that decides, and how it is read.
fn top(digest: &[u32; 8], little: bool) -> u32 {
    if little { digest[7].swap_bytes() } else { digest[0] }
}

/// Runs to a test of the top words, with several bounds, some of them touching one lane's word exactly.
fn assert_tested(
    program: &Program,
    context: &mut Context,
    [entry, then, next]: [Entry; 3],
    added: [u32; 8],
    digests: [[u32; 8]; BATCH],
    numbers: &mut Numbers,
) {
    let little = [then, next]
        .iter()
        .any(|entry| matches!(entry, Entry::TopLittle | Entry::SecondLittle));
    let tops = digests.map(|digest| top(&digest, little));
    let one = tops[numbers.next() as usize % BATCH];
    for (lowest, span) in [
        (0, u32::MAX),
        (one, 0),
        (one, 1 << 31),
        (one.wrapping_add(1), u32::MAX - 1),
        (one.wrapping_sub(1 << 30), 1 << 30),
        (0, one),
        (numbers.next(), numbers.next()),
    ] {
        context.prepare_test(little, added[if little { 7 } else { 0 }], lowest, span);
        let passes = |lane: usize| u32::from(tops[lane].wrapping_sub(lowest) <= span) << lane;
        let expected = (0..BATCH).fold(0, |mask, lane| mask | passes(lane));
        let passed = context.run(program, entry, then, next, None);
        assert_eq!(
            passed, expected,
            "{}: {entry:?}, {then:?}, {next:?}",
            program.name
        );
    }
}

fn assert_digests(program: &Program, context: &Context, what: Entry, digests: [[u32; 8]; BATCH]) {
    for (lane, digest) in digests.iter().enumerate() {
        assert_eq!(
            context.digest(lane),
            *digest,
            "{}: lane {lane} of {what:?}",
            program.name
        );
    }
}

/// All that can follow a block whose varying words may stand anywhere.
#[test]
fn blocks_with_one_or_two_varying_words_at_each_place() {
    let mut numbers = Numbers::new(1);
    for program in tried() {
        for first in 0..16 {
            for words in 1..=2.min(16 - first) {
                let case = Case::new(first, words, &mut numbers);
                let mut context = Context::new();
                case.prepare(&mut context);
                let digests = std::array::from_fn(|lane| case.digest(lane));
                let entry = Entry::Block { first, words };
                context.run(&program, entry, Entry::Digest, Entry::Return, None);
                assert_digests(&program, &context, entry, digests);
                for then in [Entry::TopBig, Entry::TopLittle] {
                    let path = [entry, then, Entry::Return];
                    assert_tested(&program, &mut context, path, case.chain, digests, &mut numbers);
                }
            }
        }
    }
}

#[test]
fn headers_and_other_blocks_hashed_twice() {
    let mut numbers = Numbers::new(2);
    for program in tried() {
        for (entry, case) in [
            (Entry::Header, Case::header(&mut numbers)),
            (Entry::Block { first: 9, words: 2 }, Case::new(9, 2, &mut numbers)),
        ] {
            let mut context = Context::new();
            case.prepare(&mut context);
            let digests = std::array::from_fn(|lane| hashed_again(&case.digest(lane)));
            for next in [Entry::SecondBig, Entry::SecondLittle] {
                let path = [entry, Entry::Digest, next];
                assert_tested(&program, &mut context, path, INITIAL, digests, &mut numbers);
            }
        }
    }
}

/// Blocks that follow one whose words vary.
#[test]
fn further_blocks_of_varying_and_of_uniform_words() {
    let mut numbers = Numbers::new(3);
    for program in tried() {
        let chains: [[u32; 8]; BATCH] = std::array::from_fn(|_| numbers.words());
        let mut varying: [[u32; 16]; BATCH] = [numbers.words(); BATCH];
        varying.iter_mut().for_each(|block| block[0] = numbers.next());
        let uniform = numbers.words();
        let schedule = sha256::schedule(&uniform);
        let sums: [u32; 64] = std::array::from_fn(|t| K[t].wrapping_add(schedule[t]));
        for (entry, blocks, sums) in [
            (Entry::Varying, varying, None),
            (Entry::Uniform, [uniform; BATCH], Some(&sums)),
        ] {
            let digests: [[u32; 8]; BATCH] = std::array::from_fn(|lane| {
                let mut hash = chains[lane];
                sha256::compress(&mut hash, &blocks[lane]);
                hash
            });
            let mut context = Context::new();
            context.set_general(&blocks);
            let set_chains = |context: &mut Context| {
                (0..BATCH).for_each(|lane| context.set_digest(lane, &chains[lane]));
            };
            set_chains(&mut context);
            context.run(&program, entry, Entry::Return, Entry::Return, sums);
            assert_digests(&program, &context, entry, digests);

            set_chains(&mut context);
            context.prepare_test(true, INITIAL[7], 0, u32::MAX >> 3);
            let passed = context.run(&program, entry, Entry::Return, Entry::SecondLittle, sums);
            let passes = |lane: usize| top(&hashed_again(&digests[lane]), true) <= u32::MAX >> 3;
            let expected = (0..BATCH).fold(0, |mask, lane| mask | u32::from(passes(lane)) << lane);
            assert_eq!(passed, expected, "{}: {entry:?}, then hashed again", program.name);
        }
    }
}

/// Each lane has a midstate of its own, all have the same nonce: any nonce of sixteen with any batch of versions.
#[test]
fn versions_share_a_schedule() {
    let mut numbers = Numbers::new(4);
    for program in tried() {
        let mut block = Case::header(&mut numbers).block;
        let versions: [[[u32; 8]; BATCH]; 4] = [(); 4].map(|()| [(); BATCH].map(|()| numbers.words()));
        let nonces: [u32; 16] = numbers.words();
        let mut context = Context::new();
        for (batch, midstates) in versions.iter().enumerate() {
            context.prepare_versions(batch, midstates, &block);
        }
        for (i, nonce) in nonces.into_iter().enumerate() {
            block[3] = nonce;
            context.set_sums(i, &block);
        }
        for (i, nonce) in nonces.into_iter().enumerate() {
            block[3] = nonce;
            let batch = (5 * i + 3) % 4;
            let digests = versions[batch].map(|midstate| {
                let mut hash = midstate;
                sha256::compress(&mut hash, &block);
                hash
            });
            context.point(i, batch);
            let path = [Entry::Roll, Entry::Return, Entry::SecondLittle];
            let tested = digests.map(|digest| hashed_again(&digest));
            assert_tested(&program, &mut context, path, INITIAL, tested, &mut numbers);
            assert_digests(&program, &context, Entry::Roll, digests);
        }
    }
}
