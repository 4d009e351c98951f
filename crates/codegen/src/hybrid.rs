//! The program that joins both: rounds by the SHA instructions, message schedules in vectors.
//!
//! *In:* a [`Tuning`]. *Out:* a [`Program`] for processors with AVX-512VL and the SHA instructions; its memory is laid
//! out as [`memory`] says, its pieces are those of [`Entry`].
//!
//! `sha256rnds2` does two rounds of one message and wants nothing but a state and 64 bits: the sums W + K of two words.
//! Its unit is busy while the vector units idle. So the schedules are computed in vectors, a message a lane, eight at a
//! time, a *batch*; the sums of two words, joined to 64 bits for each message, go to memory; and one load brings them to
//! the rounds. No `sha256msg1`, `sha256msg2`, no shuffle is left. What would wait for each other belongs to different
//! batches, and is merged into one stream that a loop repeats, a *period*:
//!
//! ```text
//! period p   rounds of block 1, batch p          reads sums 1    ║  schedule of block 1, batch p + 1    writes sums 1
//!   (header) rounds of block 2, batch p - 2      reads sums 2    ║  schedule of block 2, batch p - 1    reads digests, writes sums 2
//! ```
//!
//! All that one period writes and the next reads lies in a *buffer*. There are two; they change places after each period,
//! so that nothing within a period waits for anything else of it, and instructions may be merged in any way. How they are
//! decides (44 to 55 MH/s on a Zen 4 core): that is the [`Tuning`], to be searched for on the processor at hand.
//!
//! Where versions are rolled, messages are versions: their second blocks are equal, so that the driver gives the sums of
//! the first hash, once for each nonce, and the only schedule is that of the second.
//!
//! ```text
//! period p   rounds of block 1, batch p          reads the nonce's sums
//!            rounds of block 2, batch p - 2      reads sums 2    ║  schedule of block 2, batch p - 1    reads digests, writes sums 2
//! ```
//!
//! What is spared: rounds before the first varying word; the round of that word, where it has an odd number, is an
//! addition; constant words and sums; the second hash's first round (an addition), and for little-endian digests its last
//! three; sums that all messages share are loaded from one place.
//!
//! SHA instructions keep the upper halves of their registers, and where those are not zero some processors take 100 ns
//! for each (Intel; Zen 3). Only registers 0 to 15 count: with [`Tuning::words_in_registers`] below 16 the vectors stay
//! in 16 to 31.

mod constants;
mod entry;
pub mod memory;
mod rounds;
mod schedule;
mod tuning;

use crate::{
    block::{Word, follow},
    counts,
    isa::Avx512,
    merge::{Stream, merge},
    op::{Lines, Op},
    operand::{Class, Label, R8, R9, R10, R11, RAX, RCX, RDI, RDX, RSI, Register, Slot},
    program::{Code, Piece, Pool, Program},
    shapes::jump,
};
#[cfg(test)]
pub(crate) use constants::costs;
use paydirt_sha256::{INITIAL, K, round};
use rounds::{Chain, End, Sums};
pub use {
    constants::constants,
    entry::{Ending, Entry},
    tuning::Tuning,
};

/// Messages of a batch: lanes of a vector.
pub const LANES: usize = 8;

/// Rotates, functions of three bits and additions of a round and its step, and how many registers there are.
const MIX: ([usize; 3], u8) = ([12, 6, 10], 32);

/// Masks of the messages of even and of odd number.
const EVEN: Register = Register::new(Class::Mask, 1);
const ODD: Register = Register::new(Class::Mask, 2);

/// Where the next period begins.
const AGAIN: Label = Label::Named("again");

/// Makes the pieces.
struct Generator {
    tuning: Tuning,
    pool: Pool,
    pieces: Vec<Piece>,
}

/// What is known of a block in which this word and the next vary.
fn block(first: usize) -> [Word; 64] {
    let mut words = [Word::Uniform; 64];
    words[first..(first + 2).min(16)].fill(Word::Varying);
    follow(words)
}

/// What is known of a header's last block.
fn header() -> [Word; 64] {
    let mut words = [Word::Known(0); 64];
    words[..3].fill(Word::Uniform);
    words[3] = Word::Varying;
    words[4] = Word::Known(0x8000_0000);
    words[15] = Word::Known(640);
    follow(words)
}

/// What is known of the second hash's block.
fn second() -> [Word; 64] {
    let mut words = [Word::Known(0); 64];
    words[..8].fill(Word::Varying);
    words[8] = Word::Known(0x8000_0000);
    words[15] = Word::Known(256);
    follow(words)
}

/// A batch's part of an array of quads by message: this half of it.
fn quad(base: Register, offset: usize, message: usize, half: usize) -> Slot {
    Slot::at(base, (offset + 32 * message + 16 * half) as i32)
}

impl Generator {
    /// Merges rounds and schedule.
    fn merged(&self, rounds: &[Chain], schedule: Lines) -> Lines {
        let chunks = [self.tuning.rounds_chunk, self.tuning.schedule_chunk];
        self.merged_by(chunks, rounds, schedule)
    }

    /// So many instructions of each at a time.
    fn merged_by(&self, chunks: [usize; 2], rounds: &[Chain], schedule: Lines) -> Lines {
        let rounds = rounds::emit(rounds, self.tuning.messages);
        let streams = [
            Stream::chunked(rounds, chunks[0]),
            Stream::chunked(schedule, chunks[1]),
        ];
        merge(&streams, None)
    }

    /// A period, and on to the next, or the end.
    fn period<const N: usize>(&mut self, entry: Entry, lines: &Lines, advance: [(Register, usize); N]) {
        let mut piece = Piece::new(Label::Entry(entry.index()));
        piece.end(lines);
        for (register, bytes) in advance {
            piece.scalar([Op::Advance.to(register, [(bytes as u32).into()])]);
        }
        piece.scalar([
            Op::Exchange.to(RCX, [RDX.into()]),
            Op::Decrement.to(RAX, []),
            Op::JumpIfNotZero.of([AGAIN.into()]),
            Op::ZeroUpper.of([]),
            Op::Return.of([]),
        ]);
        self.pieces.push(piece);
    }

    /// Where the sums of words `t` and the next are, for the rounds of a block: together, or each message's own.
    fn sums(words: &[Word; 64], own: crate::layout::Array, entry: usize, t: usize, together: Slot) -> Sums {
        let varies = |t: usize| words.get(t).is_some_and(|word| *word == Word::Varying);
        if varies(t) || varies(t + 1) {
            Sums::Own(own.within(RDX, entry))
        } else {
            Sums::Together(together)
        }
    }

    /// The rounds of the block that varies, of each message: from its first varying word to the last.
    fn first_rounds(&self, words: &[Word; 64], end: impl Fn(usize) -> End) -> Vec<Chain> {
        let first = words
            .iter()
            .position(|word| *word == Word::Varying)
            .expect("one varies");
        let sums: Vec<_> = (first.div_ceil(2)..32)
            .map(|pair| {
                let together = memory::KW.within(RDI, 2 * pair);
                Self::sums(words, memory::FIRST_SUMS, pair, 2 * pair, together)
            })
            .collect();
        let start = [0, 1].map(|half| memory::START.within(RDI, half));
        let chain = |message| Chain {
            message,
            start,
            add: (first % 2 == 1).then(|| Sums::Own(memory::FIRST_WORD.within(RDX, 0))),
            sums: sums.clone(),
            end: end(message),
        };
        (0..LANES).map(chain).collect()
    }

    /// Those of the second hash: from round 1 on, what `last` pairs there are.
    fn second_rounds(&mut self, pairs: usize, end: impl Fn(usize) -> End) -> Vec<Chain> {
        let words = second();
        let mut state = INITIAL;
        round(&mut state, K[0]);
        let [a, b, c, d, e, f, g, h] = state;
        let start = [[f, e, b, a], [h, g, d, c]].map(|half| self.pool.quad(half));
        let sums: Vec<_> = (0..pairs)
            .map(|pair| {
                let t = 2 * pair + 1;
                let known = |t: usize| match words.get(t) {
                    Some(Word::Known(word)) => word.wrapping_add(K[t]),
                    _ => 0,
                };
                let together = self.pool.quad([known(t), known(t + 1), 0, 0]);
                Self::sums(&words, memory::SECOND_SUMS, pair, t, together)
            })
            .collect();
        let chain = |message| Chain {
            message,
            start,
            add: Some(Sums::Own(memory::SECOND_WORD.within(RDX, 0))),
            sums: sums.clone(),
            end: end(message),
        };
        (0..LANES).map(chain).collect()
    }

    /// One block, and what is wanted of it.
    fn block(&mut self, first: usize, ending: Ending) {
        let words = block(first);
        let rounds = self.first_rounds(&words, |message| match ending {
            // F E B A and H G D C, from the lowest lane up; the batch's words are the ones before r8.
            Ending::Big => word(0, 3, top(1, message)),
            Ending::Little => word(1, 0, top(1, message)),
            Ending::Digest => End::State {
                add: Some([0, 1].map(|half| memory::CHAINING.within(RDI, half))),
                to: [0, 1].map(|half| quad(RSI, 0, message, half)),
            },
        });
        let schedule = schedule::first(&self.tuning, &mut self.pool, &words);
        let lines = self.merged(&rounds, schedule);
        let entry = Entry::Block { first, ending };
        self.period(
            entry,
            &lines,
            [(R8, memory::WORDS.stride), (RSI, memory::DIGESTS.stride)],
        );
    }

    /// Both hashes of a header.
    fn header(&mut self) {
        let words = header();
        let mut rounds = self.first_rounds(&words, |message| End::State {
            add: None,
            to: digest(RCX, message),
        });
        rounds.extend(self.header_tops(3));
        let chain = std::array::from_fn(|word| memory::CHAIN.within(RDI, word));
        let mut schedule = self.header_schedule(Some(chain));
        schedule.extend(schedule::first(&self.tuning, &mut self.pool, &words));
        let lines = self.merged(&rounds, schedule);
        self.period(Entry::Header, &lines, [(R8, memory::WORDS.stride)]);
    }

    /// Rounds of a header's second hash, three batches after its words are read, or two.
    fn header_tops(&mut self, batches: usize) -> Vec<Chain> {
        // e of round 60 is the last word.
        self.second_rounds(30, |message| word(0, 1, top(batches, message)))
    }

    /// The schedule of a header's second hash, from a buffer.
    fn header_schedule(&mut self, chain: Option<[Slot; 8]>) -> Lines {
        let digest = |message, half| digest(RDX, message)[half];
        schedule::second(&self.tuning, &mut self.pool, &second(), 60, digest, chain)
    }

    /// Both hashes of a header in many versions.
    fn roll(&mut self) {
        let sums: Vec<_> = (2..32)
            .map(|pair| Sums::Together(Slot::at(R10, 8 * pair)))
            .collect();
        let version = |message: usize, quad: usize| {
            let slot = memory::VERSION.within(RSI, message);
            Slot::at(slot.base, slot.bytes + 16 * quad as i32)
        };
        let chain = |message| Chain {
            message,
            start: [0, 1].map(|half| version(message, half)),
            add: Some(Sums::Together(Slot::at(R10, 0))),
            sums: sums.clone(),
            end: End::State {
                add: Some([2, 3].map(|quad| version(message, quad))),
                to: digest(RCX, message),
            },
        };
        let mut rounds: Vec<_> = (0..LANES).map(chain).collect();
        rounds.extend(self.header_tops(2));
        let schedule = self.header_schedule(None);
        let mut lines = vec![
            Op::Move.to(R10, [Slot::at(R8, 0).into()]),
            Op::Move.to(RSI, [Slot::at(R8, 8).into()]),
        ];
        let chunks = [self.tuning.roll_rounds_chunk, self.tuning.roll_schedule_chunk];
        lines.extend(self.merged_by(chunks, &rounds, schedule));
        self.period(Entry::Roll, &lines, [(R8, memory::WORDS.stride)]);
    }

    /// The second hash of digests.
    fn second(&mut self, entry: Entry) {
        // The top word is the last, e of round 60; or the first, b of the round after the last, which is none and
        // does no harm.
        let (pairs, lane) = if entry == Entry::SecondLittle {
            (30, 1)
        } else {
            (32, 2)
        };
        let rounds = self.second_rounds(pairs, |message| word(0, lane, top(1, message)));
        let schedule = schedule::second(
            &self.tuning,
            &mut self.pool,
            &second(),
            2 * pairs,
            |message, half| quad(RSI, memory::DIGESTS.stride, message, half),
            None,
        );
        let lines = self.merged(&rounds, schedule);
        self.period(
            entry,
            &lines,
            [(R8, memory::WORDS.stride), (RSI, memory::DIGESTS.stride)],
        );
    }

    /// A further block, its sums the same for all messages.
    fn uniform(&mut self) {
        let sums: Vec<_> = (0..32)
            .map(|pair| Sums::Together(memory::UNIFORM.within(RDI, pair)))
            .collect();
        let chain = |message| {
            let kept = [0, 1].map(|half| quad(RSI, 0, message, half));
            Chain {
                message,
                start: kept,
                add: None,
                sums: sums.clone(),
                end: End::State {
                    add: Some(kept),
                    to: kept,
                },
            }
        };
        let chains: Vec<_> = (0..LANES).map(chain).collect();
        let lines = rounds::emit(&chains, self.tuning.messages);
        self.period(Entry::Uniform, &lines, [(RSI, memory::DIGESTS.stride)]);
    }
}

/// This word of a state's half is all that is wanted.
fn word(half: usize, lane: u32, to: Slot) -> End {
    End::Word { half, lane, to }
}

/// Where a buffer has a message's digest.
fn digest(buffer: Register, message: usize) -> [Slot; 2] {
    [0, 1].map(|half| quad(buffer, memory::DIGEST.offset, message, half))
}

/// The place of a message's top word, so many batches before the one that `r8` points at.
fn top(batches: usize, message: usize) -> Slot {
    let bytes = 4 * message as i32 - (batches * memory::WORDS.stride) as i32;
    Slot::at(R8, bytes)
}

/// What a call begins with.
///
/// In: `rdi` the memory, `rsi` the index of the piece. `r8` points at the words of the first batch, `rsi` at the digests of
/// the one before it, `rcx` and `rdx` at the buffers to be written and read.
fn entry(pool: &mut Pool) -> Piece {
    let mut piece = Piece::new(None);
    let masks = [(EVEN, 0x55), (ODD, 0xaa)].map(|(mask, lanes)| (mask, pool.quad([lanes, 0, 0, 0])));
    piece.scalar([
        Op::LoadAddress.to(RAX, [Program::TABLE.into()]),
        Op::LoadSigned.to(
            R11,
            [Slot {
                base: RAX,
                index: Some(RSI),
                bytes: 0,
            }
            .into()],
        ),
        Op::Advance.to(R11, [RAX.into()]),
        Op::LoadAddress.to(R9, [Program::POOL.into()]),
        Op::LoadMask.to(masks[0].0, [masks[0].1.into()]),
        Op::LoadMask.to(masks[1].0, [masks[1].1.into()]),
        Op::LoadAddress.to(RCX, [memory::BUFFERS.within(RDI, 0).into()]),
        Op::LoadAddress.to(RDX, [memory::BUFFERS.within(RDI, 1).into()]),
        Op::LoadAddress.to(R8, [memory::WORDS.within(RDI, memory::MARGIN).into()]),
        Op::LoadAddress.to(RSI, [memory::DIGESTS.within(RDI, 0).into()]),
        Op::LoadSigned.to(RAX, [memory::PERIODS.within(RDI, 0).into()]),
        Op::ZeroUpper.of([]),
        jump(R11),
    ]);
    piece
}

/// The program of this tuning.
///
/// # Panics
/// When there are no registers for it: [`Tuning::is_possible`].
pub fn generate(name: &'static str, tuning: Tuning) -> Program {
    let mut entries = vec![
        Entry::Header,
        Entry::Roll,
        Entry::Uniform,
        Entry::SecondBig,
        Entry::SecondLittle,
    ];
    entries.extend((0..16).flat_map(|first| Ending::ALL.map(|ending| Entry::Block { first, ending })));
    generate_some(name, tuning, &entries)
}

/// The program with these pieces alone, to measure them.
///
/// # Panics
/// As [`generate`].
pub fn generate_some(name: &'static str, tuning: Tuning, entries: &[Entry]) -> Program {
    assert!(tuning.is_possible(), "no registers for {tuning:?}");
    let mut again = Piece::new(AGAIN);
    again.scalar([jump(R11)]);
    let mut pool = Pool::new(1);
    let mut generator = Generator {
        tuning,
        pieces: vec![entry(&mut pool), again],
        pool,
    };
    for entry in entries {
        match *entry {
            Entry::Block { first, ending } => generator.block(first, ending),
            Entry::Header => generator.header(),
            Entry::Roll => generator.roll(),
            Entry::Uniform => generator.uniform(),
            Entry::SecondBig | Entry::SecondLittle => generator.second(*entry),
            Entry::Return => {}
        }
    }
    let mut end = Piece::new(Label::Entry(Entry::Return.index()));
    end.scalar([Op::Return.of([])]);
    generator.pieces.push(end);
    Program {
        name,
        lanes: LANES,
        streams: 1,
        is_legacy: false,
        labels: Entry::COUNT,
        end: Entry::Return.index(),
        code: Code {
            pieces: generator.pieces,
        },
        pool: generator.pool,
        ceiling: counts::independent(&Avx512::new(Class::Ymm, 0, 0), MIX),
    }
}
