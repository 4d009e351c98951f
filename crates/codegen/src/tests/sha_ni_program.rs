//! The program of the SHA instructions, run by the interpreter, against the oracle.

use super::Numbers;
use crate::{
    block::varying_words,
    interpret::Call,
    layout::{CONTEXT_BYTES, Entry, SCALARS},
    op::Op,
    operand::Slot,
    program::Program,
    sha_ni::{Tuning, generate, memory},
};
use paydirt_sha256::{self as sha256, INITIAL, K, small_sigma_0};

const BATCHES: usize = 2;

/// Memory as a driver arranges it. The table of pairs is where the interpreter points a program of few lanes at.
struct Memory(Vec<u8>);

impl Memory {
    fn new() -> Self {
        let mut memory = Self(vec![0xa5; CONTEXT_BYTES]);
        memory.put(slot(memory::BATCHES.offset), &[BATCHES as u32, 0]);
        memory
    }

    fn put(&mut self, slot: Slot, words: &[u32]) {
        for (i, word) in words.iter().enumerate() {
            self.0[slot.bytes as usize + 4 * i..][..4].copy_from_slice(&word.to_le_bytes());
        }
    }

    fn get<const N: usize>(&self, slot: Slot) -> [u32; N] {
        let at = slot.bytes as usize;
        std::array::from_fn(|i| u32::from_le_bytes(self.0[at + 4 * i..][..4].try_into().unwrap()))
    }

    /// Arranges the block of which `words` words from `first` on vary; `blocks` are the nonces' messages.
    fn arrange(&mut self, chain: &[u32; 8], blocks: &[[u32; 16]], first: usize, words: usize) {
        let varies = |t: usize| varying_words(first, words) >> t & 1 == 1;
        let any = |at: usize, count: usize| (at..at + count).any(varies);
        let mut w = [0; 64];
        for t in 0..36 {
            if t < 16 {
                w[t] = if varies(t) { 0 } else { blocks[0][t] };
                continue;
            }
            let terms = [
                sha256::small_sigma_1(w[t - 2]),
                w[t - 7],
                small_sigma_0(w[t - 15]).wrapping_add(w[t - 16]),
            ];
            let all = terms.into_iter().fold(0u32, u32::wrapping_add);
            let quad = t / 4 * 4;
            let mut constant = 0u32;
            if !any(quad - 16, 5) {
                constant = constant.wrapping_add(terms[2]);
            }
            if !any(quad - 7, 4) {
                constant = constant.wrapping_add(terms[1]);
            }
            self.put(slot(memory::SUMS.offset + 4 * (t - 16)), &[constant]);
            if t < 20 {
                self.put(slot(memory::QUADS.offset + 4 * t), &[all]);
            }
            w[t] = if varies(t) { 0 } else { all };
        }
        self.put(slot(memory::QUADS.offset), &w[..16]);
        let sums: Vec<u32> = (0..32).map(|t| K[t].wrapping_add(w[t])).collect();
        self.put(slot(memory::ROUNDS.offset), &sums);
        let mut state = *chain;
        let constant_rounds = first + first % 2;
        sums[..constant_rounds]
            .iter()
            .for_each(|sum| sha256::round(&mut state, *sum));
        self.put(slot(memory::START.offset), &halves(state));
        self.put(slot(memory::CHAINING.offset), &halves(*chain));
        // The pair is what all share xor the table's: any split will do.
        let shared = [0x1234_5678, 0x9abc_def0];
        self.put(slot(memory::SHARED.offset), &[shared, shared].concat());
        for (i, block) in blocks.iter().enumerate() {
            let other = if words == 1 {
                small_sigma_0(block[first])
            } else {
                block[first + 1]
            };
            let pair = match first % 2 {
                1 => [other, block[first]],
                _ => [block[first], other],
            };
            let pair = [0, 1].map(|half| pair[half] ^ shared[half]);
            self.put(slot(SCALARS.offset + 8 * i), &pair);
        }
    }

    fn run(&mut self, program: &Program, [entry, then, next]: [Entry; 3], sums: Option<&[u32; 64]>) {
        let call = Call {
            entry: entry.index(),
            then: then.index(),
            next: next.index(),
            sums,
        };
        program.run(&mut self.0, 0, call).unwrap();
    }

    fn tops(&self, count: usize) -> Vec<u32> {
        (0..count)
            .map(|i| self.get::<1>(slot(memory::TOPS.offset + 4 * i))[0])
            .collect()
    }

    fn state(&self, lane: usize) -> [u32; 8] {
        let [f, e, b, a, h, g, d, c] = self.get(slot(memory::STATE.offset + 32 * lane));
        [a, b, c, d, e, f, g, h]
    }
}

fn slot(bytes: usize) -> Slot {
    Slot::at(crate::operand::RDI, bytes as i32)
}

fn halves([a, b, c, d, e, f, g, h]: [u32; 8]) -> [u32; 8] {
    [f, e, b, a, h, g, d, c]
}

fn digest(chain: &[u32; 8], block: &[u32; 16]) -> [u32; 8] {
    let mut digest = *chain;
    sha256::compress(&mut digest, block);
    digest
}

fn second(digest: &[u32; 8]) -> [u32; 8] {
    let mut block = [0; 16];
    block[..8].copy_from_slice(digest);
    block[8] = 0x8000_0000;
    block[15] = 256;
    self::digest(&INITIAL, &block)
}

/// Blocks that differ in `words` words from `first` on.
fn blocks(numbers: &mut Numbers, count: usize, first: usize, words: usize) -> Vec<[u32; 16]> {
    let common: [u32; 16] = numbers.words();
    let mut block = || {
        let mut block = common;
        (first..first + words).for_each(|t| block[t] = numbers.next());
        block
    };
    (0..count).map(|_| block()).collect()
}

fn shapes() -> impl Iterator<Item = (usize, usize)> {
    (0..16).flat_map(|first| (1..=2.min(16 - first)).map(move |words| (first, words)))
}

#[test]
fn every_block_with_every_ending() {
    for lanes in 1..=3 {
        let program = generate(Tuning { lanes });
        let count = lanes * BATCHES;
        for (first, words) in shapes() {
            let mut numbers = Numbers::new((16 * first + words) as u64);
            let chain: [u32; 8] = numbers.words();
            let blocks = blocks(&mut numbers, count, first, words);
            let digests: Vec<_> = blocks.iter().map(|block| digest(&chain, block)).collect();
            let entry = Entry::Block { first, words };
            let case = format!("{words} words from {first} on, {lanes} lanes");
            let mut memory = Memory::new();
            memory.arrange(&chain, &blocks, first, words);
            for (ending, word) in [(Entry::TopBig, 0), (Entry::TopLittle, 7)] {
                memory.run(&program, [entry, ending, Entry::Return], None);
                let expected: Vec<_> = digests
                    .iter()
                    .map(|d| d[word].wrapping_sub(chain[word]))
                    .collect();
                assert_eq!(memory.tops(count), expected, "{case}, {ending:?}");
            }
            for (ending, word) in [(Entry::SecondBig, 0), (Entry::SecondLittle, 7)] {
                memory.run(&program, [entry, Entry::Digest, ending], None);
                let expected: Vec<_> = digests
                    .iter()
                    .map(|d| second(d)[word].wrapping_sub(INITIAL[word]))
                    .collect();
                assert_eq!(memory.tops(count), expected, "{case}, {ending:?}");
            }
            memory.run(&program, [entry, Entry::Digest, Entry::Return], None);
            (0..lanes).for_each(|lane| assert_eq!(memory.state(lane), digests[lane], "{case}"));
        }
    }
}

#[test]
fn blocks_that_follow() {
    for lanes in 1..=3 {
        let program = generate(Tuning { lanes });
        let mut numbers = Numbers::new(7);
        let chain: [u32; 8] = numbers.words();
        let blocks = blocks(&mut numbers, lanes, 5, 1);
        let further: [u32; 16] = numbers.words();
        let schedule = sha256::schedule(&further);
        let sums: [u32; 64] = std::array::from_fn(|t| K[t].wrapping_add(schedule[t]));
        let digests: Vec<_> = blocks
            .iter()
            .map(|block| digest(&digest(&chain, block), &further))
            .collect();
        let entry = Entry::Block { first: 5, words: 1 };
        for (ending, expected) in [
            (Entry::TopBig, digests.iter().map(|d| d[0]).collect::<Vec<_>>()),
            (
                Entry::SecondLittle,
                digests
                    .iter()
                    .map(|d| second(d)[7].wrapping_sub(INITIAL[7]))
                    .collect(),
            ),
        ] {
            let mut memory = Memory::new();
            memory.put(slot(memory::BATCHES.offset), &[1, 0]);
            memory.arrange(&chain, &blocks, 5, 1);
            memory.run(&program, [entry, Entry::Digest, Entry::Return], None);
            memory.run(&program, [Entry::Uniform, Entry::Return, ending], Some(&sums));
            assert_eq!(memory.tops(lanes), expected, "{lanes} lanes");
        }
    }
}

#[test]
fn versions_share_a_schedule() {
    for lanes in 1..=3 {
        let program = generate(Tuning { lanes });
        let count = lanes * BATCHES;
        let mut numbers = Numbers::new(8);
        let block: [u32; 16] = numbers.words();
        let schedule = sha256::schedule(&block);
        let sums: [u32; 64] = std::array::from_fn(|t| K[t].wrapping_add(schedule[t]));
        let midstates: Vec<[u32; 8]> = (0..count).map(|_| numbers.words()).collect();
        let mut memory = Memory::new();
        for (i, midstate) in midstates.iter().enumerate() {
            let mut state = *midstate;
            sums[..3].iter().for_each(|sum| sha256::round(&mut state, *sum));
            sha256::round(&mut state, 0);
            let version = [halves(state), halves(*midstate)].concat();
            memory.put(slot(SCALARS.offset + memory::VERSION_BYTES * i), &version);
        }
        for (ending, word) in [(Entry::SecondBig, 0), (Entry::SecondLittle, 7)] {
            memory.run(&program, [Entry::Roll, Entry::Return, ending], Some(&sums));
            let expected: Vec<_> = midstates
                .iter()
                .map(|midstate| second(&digest(midstate, &block))[word].wrapping_sub(INITIAL[word]))
                .collect();
            assert_eq!(memory.tops(count), expected, "{lanes} lanes, {ending:?}");
        }
    }
}

/// SSE has two operands where the kernels' other instructions have three.
#[test]
fn it_asks_for_no_more_than_sse() {
    let text = generate(Tuning::shipped()).assembly(".L");
    let mnemonics = text.lines().filter_map(|line| line.split(' ').next());
    assert!(
        mnemonics.clone().all(|mnemonic| !mnemonic.starts_with('v')),
        "{text}"
    );
    let two = |line: &str| line.starts_with("padd") || line.starts_with("pand") || line.starts_with("pxor");
    let operands = |line: &str| line.matches(',').count() + 1;
    assert!(
        text.lines()
            .filter(|line| two(line))
            .all(|line| operands(line) == 2)
    );
    assert!(mnemonics.filter(|mnemonic| *mnemonic == "sha256rnds2").count() > 1000);
}

/// As the documentation says of two whole compressions: the first words' varying costs all of them.
#[test]
fn instructions_of_a_block() {
    let program = generate(Tuning { lanes: 1 });
    let piece = program.code.find(crate::operand::Label::Entry(0)).unwrap();
    let count = |op| {
        let code = program.code.pieces[piece].code();
        code.iter().filter(|line| line.op == op).count()
    };
    assert_eq!(
        [Op::Sha256Rounds, Op::Sha256Message1, Op::Sha256Message2].map(count),
        [32, 10, 12]
    );
}
