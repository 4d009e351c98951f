//! The program of the SHA instructions with schedules in vectors, run by the interpreter, against the oracle.

use super::{Numbers, counts::assert_file, digest, halves, second};
use crate::{
    block::Word,
    hybrid::{self, Ending, Entry, LANES, Tuning, generate, memory},
    interpret::Call,
    operand::{Class, Label, Operand, Register},
    program::Program,
};
use paydirt_sha256::{self as sha256, INITIAL, K, small_sigma_0, small_sigma_1};

const BATCHES: usize = 3;
const MESSAGES: usize = BATCHES * LANES;

/// The tunings that are shipped, and what else a search may try.
fn tunings() -> Vec<Tuning> {
    let mut tunings = vec![Tuning::general(), Tuning::zen_4()];
    for messages in [1, 2, 3, 5, 6, 7] {
        let words_in_registers = 8 + messages % 3;
        tunings.push(Tuning {
            rounds_chunk: messages,
            schedule_chunk: 8 - messages,
            roll_rounds_chunk: 8 - messages,
            roll_schedule_chunk: 2 * messages,
            messages,
            words_in_registers,
        });
    }
    for messages in [1, 4, 5] {
        tunings.push(Tuning {
            messages,
            ..Tuning::zen_4()
        });
    }
    tunings
}

/// Memory as a driver arranges it.
struct Memory(Vec<u8>);

impl Memory {
    fn new(periods: usize) -> Self {
        let mut memory = Self(vec![0xa5; memory::BYTES]);
        memory.put(memory::PERIODS.offset, &[periods as u32]);
        memory
    }

    fn put(&mut self, at: usize, words: &[u32]) {
        for (i, word) in words.iter().enumerate() {
            self.0[at + 4 * i..][..4].copy_from_slice(&word.to_le_bytes());
        }
    }

    fn get<const N: usize>(&self, at: usize) -> [u32; N] {
        std::array::from_fn(|i| u32::from_le_bytes(self.0[at + 4 * i..][..4].try_into().unwrap()))
    }

    /// Arranges the block in which `varying` words vary; `blocks` are the messages'.
    fn arrange(&mut self, chain: &[u32; 8], blocks: &[[u32; 16]], varying: std::ops::Range<usize>) {
        let first = varying.start;
        let mut words = [Word::Uniform; 64];
        words[varying.clone()].fill(Word::Varying);
        let words = crate::block::follow(words);
        let mut w = [0u32; 64];
        for t in 0..64 {
            let value = match t {
                0..16 => blocks[0][t],
                _ => small_sigma_1(w[t - 2])
                    .wrapping_add(w[t - 7])
                    .wrapping_add(small_sigma_0(w[t - 15]))
                    .wrapping_add(w[t - 16]),
            };
            self.put(memory::TERMS.offset + 4 * t, &[value]);
            w[t] = if words[t] == Word::Varying { 0 } else { value };
            self.put(memory::KW.offset + 4 * t, &[K[t].wrapping_add(w[t])]);
        }
        let mut state = *chain;
        for t in 0..first + first % 2 {
            sha256::round(&mut state, K[t].wrapping_add(w[t]));
        }
        self.put(memory::START.offset, &halves(state));
        self.put(memory::CHAINING.offset, &halves(*chain));
        self.put(memory::CHAIN.offset, chain);
        for (i, block) in blocks.iter().enumerate() {
            for (word, t) in varying.clone().enumerate() {
                let at = 4 * LANES * word + 4 * (i % LANES);
                self.put(
                    memory::WORDS.offset + (memory::MARGIN + i / LANES) * memory::WORDS.stride + at,
                    &[block[t]],
                );
            }
        }
    }

    fn put_digest(&mut self, message: usize, digest: [u32; 8]) {
        self.put(
            memory::DIGESTS.offset + memory::DIGESTS.stride + 32 * message,
            &halves(digest),
        );
    }

    fn digest(&self, message: usize) -> [u32; 8] {
        let [f, e, b, a, h, g, d, c] =
            self.get(memory::DIGESTS.offset + memory::DIGESTS.stride + 32 * message);
        [a, b, c, d, e, f, g, h]
    }

    fn tops(&self) -> Vec<u32> {
        let top = |i: usize| {
            let batch = memory::MARGIN + i / LANES;
            self.get::<1>(memory::WORDS.offset + batch * memory::WORDS.stride + 4 * (i % LANES))[0]
        };
        (0..MESSAGES).map(top).collect()
    }

    fn run(&mut self, program: &Program, entry: Entry) {
        let call = Call {
            entry: entry.index(),
            then: 0,
            next: 0,
            sums: None,
        };
        program.run(&mut self.0, 0, call).unwrap();
    }
}

fn less(word: usize, digests: &[[u32; 8]], chain: &[u32; 8]) -> Vec<u32> {
    digests
        .iter()
        .map(|digest| digest[word].wrapping_sub(chain[word]))
        .collect()
}

#[test]
fn every_block_with_every_ending() {
    for tuning in tunings() {
        let program = generate("hybrid", tuning);
        for first in 0..16 {
            let varying = first..(first + 2).min(16);
            let mut numbers = Numbers::new(first as u64);
            let (chain, common): ([u32; 8], [u32; 16]) = (numbers.words(), numbers.words());
            let mut block = || {
                let mut block = common;
                varying.clone().for_each(|t| block[t] = numbers.next());
                block
            };
            let blocks: Vec<_> = (0..MESSAGES).map(|_| block()).collect();
            let digests: Vec<_> = blocks.iter().map(|block| digest(&chain, block)).collect();
            for (ending, word) in [(Ending::Big, 0), (Ending::Little, 7)] {
                let mut memory = Memory::new(BATCHES + 1);
                memory.arrange(&chain, &blocks, varying.clone());
                memory.run(&program, Entry::Block { first, ending });
                assert_eq!(
                    memory.tops(),
                    less(word, &digests, &chain),
                    "{first} {ending:?} {tuning:?}"
                );
            }
            let mut memory = Memory::new(BATCHES + 1);
            memory.arrange(&chain, &blocks, varying.clone());
            let ending = Ending::Digest;
            memory.run(&program, Entry::Block { first, ending });
            for (i, digest) in digests.iter().enumerate() {
                assert_eq!(memory.digest(i), *digest, "message {i}, {first} {tuning:?}");
            }
        }
    }
}

#[test]
fn blocks_that_follow_and_second_hashes() {
    for tuning in tunings() {
        let program = generate("hybrid", tuning);
        let mut numbers = Numbers::new(3);
        let further: [u32; 16] = numbers.words();
        let schedule = sha256::schedule(&further);
        let sums: [u32; 64] = std::array::from_fn(|t| K[t].wrapping_add(schedule[t]));
        let before: Vec<[u32; 8]> = (0..MESSAGES).map(|_| numbers.words()).collect();
        let mut memory = Memory::new(BATCHES + 1);
        memory.put(memory::UNIFORM.offset, &sums);
        (before.iter().enumerate()).for_each(|(i, digest)| memory.put_digest(i, *digest));
        memory.run(&program, Entry::Uniform);
        let digests: Vec<_> = before.iter().map(|chain| digest(chain, &further)).collect();
        for (i, digest) in digests.iter().enumerate() {
            assert_eq!(memory.digest(i), *digest, "message {i}, {tuning:?}");
        }
        let seconds: Vec<_> = digests.iter().map(second).collect();
        for (entry, word) in [(Entry::SecondBig, 0), (Entry::SecondLittle, 7)] {
            memory.run(&program, entry);
            assert_eq!(
                memory.tops(),
                less(word, &seconds, &INITIAL),
                "{entry:?} {tuning:?}"
            );
        }
    }
}

#[test]
fn headers() {
    for tuning in tunings() {
        let program = generate("hybrid", tuning);
        let mut numbers = Numbers::new(5);
        let chain: [u32; 8] = numbers.words();
        let mut common: [u32; 16] = numbers.words();
        common[4..].fill(0);
        (common[4], common[15]) = (0x8000_0000, 640);
        let mut block = || {
            let mut block = common;
            block[3] = numbers.next();
            block
        };
        let blocks: Vec<_> = (0..MESSAGES).map(|_| block()).collect();
        let mut memory = Memory::new(BATCHES + 3);
        memory.arrange(&chain, &blocks, 3..4);
        memory.run(&program, Entry::Header);
        let seconds: Vec<_> = blocks
            .iter()
            .map(|block| second(&digest(&chain, block)))
            .collect();
        assert_eq!(memory.tops(), less(7, &seconds, &INITIAL), "{tuning:?}");
    }
}

/// Two nonces, some batches of versions each, in any order.
#[test]
fn rolled_headers() {
    // The memory's address in the interpreter, with sums and versions after what the program knows of.
    let (sums_at, versions_at) = (memory::BYTES, memory::BYTES + 2 * 256);
    for tuning in tunings() {
        let program = generate("hybrid", tuning);
        let mut numbers = Numbers::new(11);
        let mut common: [u32; 16] = numbers.words();
        common[4..].fill(0);
        (common[4], common[15]) = (0x8000_0000, 640);
        let chains: Vec<[u32; 8]> = (0..2 * LANES).map(|_| numbers.words()).collect();
        let mut memory = Memory::new(BATCHES + 2);
        memory
            .0
            .resize(versions_at + chains.len() * memory::VERSION.stride, 0);
        let nonces: [u32; 2] = numbers.words();
        let blocks = nonces.map(|nonce| {
            let mut block = common;
            block[3] = nonce;
            block
        });
        for (i, block) in blocks.iter().enumerate() {
            let schedule = sha256::schedule(block);
            let mut sums: [u32; 64] = std::array::from_fn(|t| K[t].wrapping_add(schedule[t]));
            (sums[0], sums[1]) = (0, sums[3]);
            memory.put(sums_at + 256 * i, &sums);
        }
        for (i, chain) in chains.iter().enumerate() {
            let mut state = *chain;
            for t in 0..4 {
                let sum = if t == 3 { 0 } else { K[t].wrapping_add(common[t]) };
                sha256::round(&mut state, sum);
            }
            let at = versions_at + i * memory::VERSION.stride;
            memory.put(at, &[halves(state), halves(*chain)].concat());
        }
        let batches = [(0, 0), (1, 1), (1, 0)];
        for (i, (nonce, versions)) in batches.into_iter().enumerate() {
            let address = |at: usize| crate::interpret::Machine::address(0, at);
            let pointers = [
                address(sums_at + 256 * nonce),
                address(versions_at + LANES * versions * memory::VERSION.stride),
            ];
            let words = pointers.map(|pointer| [pointer as u32, (pointer >> 32) as u32]);
            memory.put(
                memory::WORDS.offset + (memory::MARGIN + i) * memory::WORDS.stride,
                words.as_flattened(),
            );
        }
        // What is read past the last batch goes nowhere, but must be there.
        for i in BATCHES..BATCHES + 2 {
            let words: [u32; 4] =
                memory.get(memory::WORDS.offset + (memory::MARGIN + 1) * memory::WORDS.stride);
            memory.put(
                memory::WORDS.offset + (memory::MARGIN + i) * memory::WORDS.stride,
                &words,
            );
        }
        memory.run(&program, Entry::Roll);
        let expected = batches.into_iter().flat_map(|(nonce, versions)| {
            let block = blocks[nonce];
            let chains = chains[LANES * versions..][..LANES].iter();
            chains.map(move |chain| second(&digest(chain, &block))[7].wrapping_sub(INITIAL[7]))
        });
        assert_eq!(memory.tops(), expected.collect::<Vec<_>>(), "{tuning:?}");
    }
}

/// The upper halves of registers 0 to 15 stay zero unless the tuning says otherwise.
#[test]
fn vectors_keep_to_the_upper_registers() {
    let touches = |tuning: Tuning| {
        let program = generate("hybrid", tuning);
        let wide = |register: &Register| register.class == Class::Ymm && register.number < 16;
        let lines = program.code.pieces.iter().flat_map(|piece| piece.code());
        lines
            .flat_map(|line| line.to)
            .any(|to| matches!(to, Operand::Register(register) if wide(&register)))
    };
    assert!(touches(Tuning::zen_4()));
    tunings()
        .into_iter()
        .filter(|tuning| tuning.words_in_registers < 16)
        .for_each(|tuning| assert!(!touches(tuning), "{tuning:?}"));
}

/// Operations of one hash: `sha256rnds2`, others of vectors, and instructions in all.
fn costs(program: &Program, entry: Entry) -> [f64; 3] {
    let piece = program.code.find(Label::Entry(entry.index())).unwrap();
    let [rounds, vectors] = hybrid::costs(program, entry.index());
    let all = program.code.pieces[piece].code().len();
    [rounds, vectors, all as u32].map(|count| f64::from(count) / LANES as f64)
}

/// A change that alters the code shows here; and the documentation's table.
#[test]
fn counts_and_code_are_as_pinned() {
    let mut table = String::new();
    for (name, tuning) in [("hybrid", Tuning::general()), ("hybrid_zen4", Tuning::zen_4())] {
        let program = generate(name, tuning);
        let assembly = program.assembly(".L");
        let digest = sha256::sha256(assembly.as_bytes()).map(|byte| format!("{byte:02x}"));
        table += &format!("{name}\n{tuning}sha256 of the assembly: {}\n", digest.concat());
        table += &format!(
            "{:<34}{:>14}{:>10}{:>14}\n",
            "a hash", "sha256rnds2", "vectors", "instructions"
        );
        let ending = Ending::Big;
        for entry in [
            Entry::Header,
            Entry::Roll,
            Entry::Block { first: 0, ending },
            Entry::Block { first: 2, ending },
            Entry::Block { first: 11, ending },
            Entry::Uniform,
            Entry::SecondBig,
            Entry::SecondLittle,
        ] {
            let [rounds, vectors, all] = costs(&program, entry);
            let entry = format!("{entry:?}");
            table += &format!("{entry:<34}{rounds:>14}{vectors:>10.1}{all:>14.1}\n");
        }
    }
    assert_file("crates/codegen/tests/golden/hybrid.txt", &table);
}

#[test]
fn a_tuning_is_what_its_text_says() {
    for tuning in tunings() {
        assert!(tuning.is_possible());
        assert_eq!(tuning.to_string().parse(), Ok(tuning));
    }
    for (words_in_registers, messages) in [(16, 7), (7, 4), (11, 4), (8, 8), (8, 0)] {
        let tuning = Tuning {
            words_in_registers,
            messages,
            ..Tuning::general()
        };
        assert!(!tuning.is_possible());
    }
    let none_at_a_time = Tuning {
        roll_schedule_chunk: 0,
        ..Tuning::general()
    };
    assert!(!none_at_a_time.is_possible());
}
