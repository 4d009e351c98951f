//! The SHA emitter, with any number of lanes, alone and merged with another stream's schedule.

use super::{Numbers, counts::assert_file};
use crate::{
    block::Block,
    interpret::Machine,
    isa::{Avx512, ShaNi},
    layout::{self, Array, WORDS},
    merge::{Stream, merge},
    op::{Lines, Op},
    operand::{Class, Label, Operand, RCX, RDI, Register, Slot},
    program::{Code, Piece},
    render,
};
use paydirt_sha256::{self as sha256, K};

/// Memory of these tests: for each lane its two halves of a state, and the sums of constant and word.
const LANE_BYTES: usize = 512;
const STATE: Array = Array {
    offset: 0,
    stride: 16,
};
const PAIRS: Array = Array {
    offset: 32,
    stride: 8,
};
const MOST_LANES: usize = 7;
const BYTES: usize = MOST_LANES * LANE_BYTES;

fn of_lane(array: Array, lane: usize, i: usize) -> Slot {
    let offset = array.offset + lane * LANE_BYTES;
    Array { offset, ..array }.within(RDI, i)
}

/// Loads or stores the states; 64 rounds are an even number of pairs, so that each half is back in its register.
fn states(sha_ni: &ShaNi, load: bool) -> Lines {
    let mut out = Lines::new();
    for (i, lane) in sha_ni.lanes.iter().enumerate() {
        for (half, register) in lane.state.into_iter().enumerate() {
            let slot = of_lane(STATE, i, half);
            out.push(if load {
                Op::Move.to(register, [slot.into()])
            } else {
                Op::Move.to(slot, [register.into()])
            });
        }
    }
    out
}

fn put(memory: &mut [u8], slot: Slot, words: &[u32]) {
    let at = slot.bytes as usize;
    for (i, word) in words.iter().enumerate() {
        memory[at + 4 * i..][..4].copy_from_slice(&word.to_le_bytes());
    }
}

fn get<const N: usize>(memory: &[u8], slot: Slot) -> [u32; N] {
    let at = slot.bytes as usize;
    std::array::from_fn(|i| u32::from_le_bytes(memory[at + 4 * i..][..4].try_into().unwrap()))
}

fn sums(block: &[u32; 16]) -> [u32; 64] {
    let schedule = sha256::schedule(block);
    std::array::from_fn(|t| K[t].wrapping_add(schedule[t]))
}

/// Chaining values and blocks of some lanes, in memory.
struct Messages {
    chains: Vec<[u32; 8]>,
    blocks: Vec<[u32; 16]>,
    memory: Vec<u8>,
}

impl Messages {
    fn new(lanes: usize) -> Self {
        let mut numbers = Numbers::new(lanes as u64);
        let mut memory = vec![0xa5; BYTES];
        let (mut chains, mut blocks) = (Vec::new(), Vec::new());
        for lane in 0..lanes {
            let (chain, block): ([u32; 8], [u32; 16]) = (numbers.words(), numbers.words());
            let [a, b, c, d, e, f, g, h] = chain;
            put(&mut memory, of_lane(STATE, lane, 0), &[f, e, b, a, h, g, d, c]);
            put(&mut memory, of_lane(PAIRS, lane, 0), &sums(&block));
            chains.push(chain);
            blocks.push(block);
        }
        Self {
            chains,
            blocks,
            memory,
        }
    }

    /// The states after 64 rounds, without the chaining value.
    fn assert_rounds_done(&self) {
        for (lane, (chain, block)) in self.chains.iter().zip(&self.blocks).enumerate() {
            let mut state = *chain;
            sums(block).iter().for_each(|sum| sha256::round(&mut state, *sum));
            let [f, e, b, a, h, g, d, c] = get(&self.memory, of_lane(STATE, lane, 0));
            assert_eq!(
                [a, b, c, d, e, f, g, h],
                state,
                "lane {lane} of {}",
                self.chains.len()
            );
        }
    }
}

fn run(memory: &mut [u8], lines: &Lines) {
    let mut machine = Machine::new(vec![memory]);
    machine.set(RDI, Machine::address(0, 0));
    machine.run(lines).unwrap();
}

fn rounds_from_memory(sha_ni: &ShaNi) -> Lines {
    let mut lines = states(sha_ni, true);
    for pair in 0..32 {
        lines.extend(sha_ni.two_rounds(pair, |lane| of_lane(PAIRS, lane, pair)));
    }
    lines.extend(states(sha_ni, false));
    lines
}

#[test]
fn rounds_with_sums_from_memory() {
    for lanes in 1..=MOST_LANES {
        let mut messages = Messages::new(lanes);
        run(&mut messages.memory, &rounds_from_memory(&ShaNi::new(lanes)));
        messages.assert_rounds_done();
    }
}

/// Rounds of one batch, and the schedule of another in wider registers: neither changes what the other computes, however
/// they are merged.
#[test]
fn rounds_beside_a_schedule_in_vectors() {
    const LANES: usize = 4;
    let sha_ni = ShaNi::new(LANES);
    let rounds = rounds_from_memory(&sha_ni);
    for class in [Class::Ymm, Class::Zmm] {
        let vectors = Avx512::new(class, 16, 0);
        let block = Block::varying(0, 127, 1);
        let mut schedule = Lines::new();
        [14, 15]
            .iter()
            .for_each(|t| schedule.extend(block.load_recent(*t, &vectors)));
        (16..64).for_each(|t| schedule.extend(block.step(t, &vectors, None)));
        for (a, b) in [(1, 1), (4, 5), (6, 5), (rounds.len(), schedule.len())] {
            let mut messages = Messages::new(LANES);
            let mut numbers = Numbers::new(99);
            let blocks: [[u32; 16]; 16] = std::array::from_fn(|_| numbers.words());
            let mut words = vec![0xa5; layout::CONTEXT_BYTES];
            for (lane, block) in blocks.iter().enumerate() {
                for (t, word) in block.iter().enumerate() {
                    put(&mut words[4 * lane..], WORDS.within(RCX, t), &[*word]);
                }
            }
            let streams = [
                Stream::chunked(rounds.clone(), a),
                Stream::chunked(schedule.clone(), b),
            ];
            let merged = merge(&streams, None);
            let mut machine = Machine::new(vec![&mut messages.memory, &mut words]);
            machine.set(RDI, Machine::address(0, 0));
            machine.set(RCX, Machine::address(1, 0));
            machine.run(&merged).unwrap();
            messages.assert_rounds_done();
            for (lane, block) in blocks[..class.lanes()].iter().enumerate() {
                let expected = sha256::schedule(block);
                for (t, expected) in expected.iter().enumerate().skip(16) {
                    let [word] = get(&words[4 * lane..], WORDS.within(RCX, t));
                    assert_eq!(word, *expected, "word {t} of lane {lane}, chunks of {a} and {b}");
                }
            }
        }
    }
}

/// What the emitter writes, to be read; and the forms that vectors in higher registers take.
#[test]
fn code_is_as_pinned() {
    let sha_ni = ShaNi::new(2);
    let mut piece = Piece::new(Label::Named("sha_ni"));
    piece.end(&sha_ni.two_rounds(31, |lane| of_lane(PAIRS, lane, 31)));
    let [low, high] = [3, 16].map(|number| Register::new(Class::Ymm, number));
    piece.scalar([
        Op::Move.to(high, [low.into()]),
        Op::Move.to(low, [low.into()]),
        Op::Xor.to(high, [low.into(), low.into()]),
        Op::And.to(low, [low.into(), low.into()]),
        Op::Add.to(low, [low.into(), Operand::Broadcast(Slot::at(RDI, -8))]),
        Op::Broadcast.to(high, [Slot::at(RDI, 4).into()]),
    ]);
    let code = Code { pieces: vec![piece] };
    assert_file(
        "crates/codegen/tests/golden/sha_ni.s",
        &render::code(&code, "forms", ".L"),
    );
}
