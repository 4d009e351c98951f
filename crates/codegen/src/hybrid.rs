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
//! decides (44 to 54 MH/s on a Zen 4 core): that is the [`Tuning`], to be searched for on the processor at hand.
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

mod rounds;
mod schedule;

use std::{fmt, str::FromStr};

use crate::{
    block::{Word, follow},
    merge::{Stream, merge},
    op::{Lines, Op},
    operand::{Label, R8, R9, R10, R11, RAX, RCX, RDI, RDX, RSI, Slot},
    program::{Code, Piece, Pool, Program},
    shapes::jump,
    tuned::{Tuned, TunedError},
};
use paydirt_sha256::{INITIAL, K, round};
use rounds::{Chain, Sums};

/// Messages of a batch: lanes of a vector.
pub const LANES: usize = 8;

/// Where the next period begins.
const AGAIN: Label = Label::Named("again");

/// What differs from processor to processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Instructions of the rounds taken at a time when they are merged with a schedule.
    pub rounds_chunk: usize,
    /// Instructions of the schedule taken at a time.
    pub schedule_chunk: usize,
    /// Messages whose rounds go side by side, 1 to 7.
    pub messages: usize,
    /// How many of the latest words are kept in registers: 8 to 10, or 16. With 16, vectors also use registers 9 to 15, and
    /// at most four messages go side by side.
    pub words_in_registers: usize,
    /// Whether a sum of three bits is one operation of three sources, or two of two. Where operations of three
    /// sources hold `sha256rnds2` up, which has three itself, two are better.
    pub ternary: bool,
}

impl Tuning {
    /// For processors that nobody has tuned it for: right on each, quick where upper halves matter.
    pub fn general() -> Self {
        Self::shipped(include_str!("../tuned/hybrid.txt"))
    }

    /// For Zen 4, where upper halves do not matter and a `sha256rnds2` starts each cycle.
    pub fn zen_4() -> Self {
        Self::shipped(include_str!("../tuned/hybrid-zen4.txt"))
    }

    fn shipped(text: &str) -> Self {
        text.parse()
            .unwrap_or_else(|error| panic!("tuned/hybrid*.txt: {error}"))
    }

    /// Whether there are registers for it.
    pub fn is_possible(self) -> bool {
        let Self {
            rounds_chunk,
            schedule_chunk,
            messages,
            words_in_registers,
            ..
        } = self;
        let registers = match words_in_registers {
            16 => (1..=4).contains(&messages),
            8..=10 => (1..=7).contains(&messages),
            _ => false,
        };
        registers && rounds_chunk > 0 && schedule_chunk > 0
    }
}

impl FromStr for Tuning {
    type Err = TunedError;

    fn from_str(text: &str) -> Result<Self, TunedError> {
        let mut tuned: Tuned = text.parse()?;
        let tuning = Self {
            rounds_chunk: tuned.take("rounds_chunk")?,
            schedule_chunk: tuned.take("schedule_chunk")?,
            messages: tuned.take("messages")?,
            words_in_registers: tuned.take("words_in_registers")?,
            ternary: tuned.take("ternary")?,
        };
        tuned.end()?;
        Ok(tuning)
    }
}

impl fmt::Display for Tuning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rounds_chunk,
            schedule_chunk,
            messages,
            words_in_registers,
            ternary,
        } = self;
        writeln!(f, "rounds_chunk = {rounds_chunk}")?;
        writeln!(f, "schedule_chunk = {schedule_chunk}")?;
        writeln!(f, "messages = {messages}")?;
        writeln!(f, "words_in_registers = {words_in_registers}")?;
        writeln!(f, "ternary = {ternary}")
    }
}

/// The memory of the program; see [`constants`].
pub mod memory {
    use super::LANES;
    use crate::layout::Array;

    const fn array(offset: usize, stride: usize) -> Array {
        Array { offset, stride }
    }

    /// In a buffer: the sums of two words of the first block, 64 bits for each message; entry i is of words 2i and 2i + 1.
    pub const FIRST_SUMS: Array = array(0, 8 * LANES);
    /// In a buffer: 0 and the first varying word, where its number is odd.
    pub const FIRST_WORD: Array = array(32 * 8 * LANES, 8 * LANES);
    /// In a buffer: sums of the second block; entry i is of words 2i + 1 and 2i + 2.
    pub const SECOND_SUMS: Array = array(FIRST_WORD.offset + 8 * LANES, 8 * LANES);
    /// In a buffer: 0 and the second block's first word.
    pub const SECOND_WORD: Array = array(SECOND_SUMS.offset + 32 * 8 * LANES, 8 * LANES);
    /// In a buffer: two quads for each message, F E B A and H G D C.
    pub const DIGEST: Array = array(SECOND_WORD.offset + 8 * LANES, 16);
    /// From one buffer to the next, in bytes.
    pub const BUFFER_BYTES: usize = DIGEST.offset + 32 * LANES;

    /// The two buffers.
    pub const BUFFERS: Array = array(0, BUFFER_BYTES);
    /// Round constant and word of the words that do not vary, the constant of those that do.
    pub const KW: Array = array(2 * BUFFER_BYTES, 4);
    /// The constant terms of each word of the schedule.
    pub const TERMS: Array = array(KW.offset + 256, 4);
    /// The chaining value of the block that varies, a to h.
    pub const CHAIN: Array = array(TERMS.offset + 256, 4);
    /// The state before the first rounds that vary, two quads.
    pub const START: Array = array(CHAIN.offset + 32, 16);
    /// The chaining value as two quads.
    pub const CHAINING: Array = array(START.offset + 32, 16);
    /// The last sixteen words, where they are not in registers.
    pub const RING: Array = array(CHAINING.offset + 32, 4 * LANES);
    /// Sums of constant and word of a block that is the same for all messages.
    pub const UNIFORM: Array = array(RING.offset + 16 * RING.stride, 8);
    /// How many periods a call shall go through: two more than batches, four for a header.
    pub const PERIODS: Array = array(UNIFORM.offset + 256, 16);
    /// Batches of a call, at most.
    pub const BATCHES: usize = 256;
    /// Batches before and after those of a call that a header's periods reach.
    pub const MARGIN: usize = 3;
    /// For each batch the varying words, first of all messages, then the second words; the top words come back in the
    /// place of the first.
    pub const WORDS: Array = array(PERIODS.offset + 32, 8 * LANES);
    /// Batches of a call, at most, where digests are kept.
    pub const DIGEST_BATCHES: usize = 32;
    /// Digests of all batches, two quads a message; one batch before them and one after.
    pub const DIGESTS: Array = array(WORDS.offset + (BATCHES + 2 * MARGIN) * WORDS.stride, 32 * LANES);
    /// Versions of a rolled header: the state of each before its first rounds that vary and its chaining value, four
    /// quads. Each batch's entry of [`WORDS`] has the address of its nonce's sums, 0 and the varying word in the place
    /// of the first, and that of its first version.
    pub const VERSION: Array = array(0, 64);
    /// Bytes of it all.
    pub const BYTES: usize = DIGESTS.offset + (DIGEST_BATCHES + 2) * DIGESTS.stride;
}

/// What becomes of a block's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The first word, without the chaining value's.
    Big,
    /// The last word, without the chaining value's.
    Little,
    /// All of it, with the chaining value.
    Digest,
}

impl Ending {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Big, Self::Little, Self::Digest];
}

/// A piece of code that the jump table names: a loop over the batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The block in which word `first` and the next vary.
    Block {
        /// The first of them.
        first: usize,
        /// What is wanted of it.
        ending: Ending,
    },
    /// Both hashes of an 80-byte header: word 3 varies, words 4 to 15 are its padding. Little-endian.
    Header,
    /// The same where messages are versions of one nonce.
    Roll,
    /// A further block, the same for all messages, from digests to digests.
    Uniform,
    /// The second hash, of the digests; the first word is on top.
    SecondBig,
    /// The same; the last word is on top.
    SecondLittle,
    /// None: returns.
    Return,
}

impl Entry {
    /// How many there are.
    pub const COUNT: usize = 54;

    /// Its number in the jump table.
    pub const fn index(self) -> usize {
        match self {
            Self::Return => 0,
            Self::Header => 1,
            Self::Roll => 2,
            Self::Uniform => 3,
            Self::SecondBig => 4,
            Self::SecondLittle => 5,
            Self::Block { first, ending } => 6 + 3 * first + ending as usize,
        }
    }
}

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
fn quad(base: crate::operand::Register, offset: usize, message: usize, half: usize) -> Slot {
    Slot::at(base, (offset + 32 * message + 16 * half) as i32)
}

impl Generator {
    /// Merges rounds and schedule.
    fn merged(&self, rounds: Lines, schedule: Lines) -> Lines {
        merge(
            &[
                Stream::chunked(rounds, self.tuning.rounds_chunk),
                Stream::chunked(schedule, self.tuning.schedule_chunk),
            ],
            None,
        )
    }

    /// A period, and on to the next, or the end.
    fn period<const N: usize>(
        &mut self,
        entry: Entry,
        lines: &Lines,
        advance: [(crate::operand::Register, usize); N],
    ) {
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

    /// The rounds of the block that varies, of each message: from its first varying word to the last pair wanted.
    fn first_rounds(
        &self,
        words: &[Word; 64],
        pairs: usize,
        mut end: impl FnMut(&mut Lines, usize, [crate::operand::Register; 2]),
    ) -> Lines {
        let first = words
            .iter()
            .position(|word| *word == Word::Varying)
            .expect("one varies");
        let sums: Vec<_> = (first.div_ceil(2)..pairs)
            .map(|pair| {
                let together = memory::KW.within(RDI, 2 * pair);
                Self::sums(words, memory::FIRST_SUMS, pair, 2 * pair, together)
            })
            .collect();
        let start = [0, 1].map(|half| memory::START.within(RDI, half));
        let chains = (0..LANES).map(|message| Chain {
            message,
            start,
            add: (first % 2 == 1).then(|| Sums::Own(memory::FIRST_WORD.within(RDX, 0))),
            sums: &sums,
        });
        rounds::emit(chains.collect(), self.tuning.messages, &mut end)
    }

    /// Those of the second hash: from round 1 on, what `last` pairs there are.
    fn second_rounds(
        &mut self,
        pairs: usize,
        mut end: impl FnMut(&mut Lines, usize, [crate::operand::Register; 2]),
    ) -> Lines {
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
        let chains = (0..LANES).map(|message| Chain {
            message,
            start,
            add: Some(Sums::Own(memory::SECOND_WORD.within(RDX, 0))),
            sums: &sums,
        });
        rounds::emit(chains.collect(), self.tuning.messages, &mut end)
    }

    /// One block, and what is wanted of it.
    fn block(&mut self, first: usize, ending: Ending) {
        let words = block(first);
        let rounds = self.first_rounds(&words, 32, |out, message, [abef, cdgh]| match ending {
            Ending::Big | Ending::Little => {
                // F E B A and H G D C, from the lowest lane up; the batch's words are the ones before r8.
                let (half, lane) = if ending == Ending::Big {
                    (abef, 3)
                } else {
                    (cdgh, 0)
                };
                out.push(Op::ExtractWord.to(top(1, message), [half.into(), lane.into()]));
            }
            Ending::Digest => {
                for (half, register) in [abef, cdgh].into_iter().enumerate() {
                    let chaining = memory::CHAINING.within(RDI, half);
                    out.push(Op::Add.to(register, [register.into(), chaining.into()]));
                    out.push(Op::Move.to(quad(RSI, 0, message, half), [register.into()]));
                }
            }
        });
        let schedule = schedule::first(&self.tuning, &mut self.pool, &words);
        let lines = self.merged(rounds, schedule);
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
        let mut rounds = self.first_rounds(&words, 32, |out, message, state| {
            for (half, register) in state.into_iter().enumerate() {
                out.push(Op::Move.to(quad(RCX, memory::DIGEST.offset, message, half), [register.into()]));
            }
        });
        rounds.extend(self.header_tops(3));
        let chain = std::array::from_fn(|word| memory::CHAIN.within(RDI, word));
        let mut schedule = self.header_schedule(Some(chain));
        schedule.extend(schedule::first(&self.tuning, &mut self.pool, &words));
        let lines = self.merged(rounds, schedule);
        self.period(Entry::Header, &lines, [(R8, memory::WORDS.stride)]);
    }

    /// Rounds of a header's second hash, three batches after its words are read, or two.
    fn header_tops(&mut self, batches: usize) -> Lines {
        // e of round 60 is the last word.
        self.second_rounds(30, |out, message, [abef, _]| {
            out.push(Op::ExtractWord.to(top(batches, message), [abef.into(), 1.into()]));
        })
    }

    /// The schedule of a header's second hash, from a buffer.
    fn header_schedule(&mut self, chain: Option<[Slot; 8]>) -> Lines {
        let digest = |message, half| quad(RDX, memory::DIGEST.offset, message, half);
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
        let chains = (0..LANES).map(|message| Chain {
            message,
            start: [0, 1].map(|half| version(message, half)),
            add: Some(Sums::Together(Slot::at(R10, 0))),
            sums: &sums,
        });
        let mut rounds = rounds::emit(
            chains.collect(),
            self.tuning.messages,
            &mut |out, message, state| {
                for (half, register) in state.into_iter().enumerate() {
                    let chaining = version(message, 2 + half);
                    out.push(Op::Add.to(register, [register.into(), chaining.into()]));
                    let digest = quad(RCX, memory::DIGEST.offset, message, half);
                    out.push(Op::Move.to(digest, [register.into()]));
                }
            },
        );
        rounds.extend(self.header_tops(2));
        let schedule = self.header_schedule(None);
        let mut lines = vec![
            Op::Move.to(R10, [Slot::at(R8, 0).into()]),
            Op::Move.to(RSI, [Slot::at(R8, 8).into()]),
        ];
        lines.extend(self.merged(rounds, schedule));
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
        let rounds = self.second_rounds(pairs, |out, message, [abef, _]| {
            out.push(Op::ExtractWord.to(top(1, message), [abef.into(), lane.into()]));
        });
        let schedule = schedule::second(
            &self.tuning,
            &mut self.pool,
            &second(),
            2 * pairs,
            |message, half| quad(RSI, memory::DIGESTS.stride, message, half),
            None,
        );
        let lines = self.merged(rounds, schedule);
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
        let kept = |message: usize| [0, 1].map(|half| quad(RSI, 0, message, half));
        let chains = (0..LANES).map(|message| Chain {
            message,
            start: kept(message),
            add: None,
            sums: &sums,
        });
        let lines = rounds::emit(
            chains.collect(),
            self.tuning.messages,
            &mut |out, message, state| {
                for (register, kept) in state.into_iter().zip(kept(message)) {
                    out.push(Op::Add.to(register, [register.into(), kept.into()]));
                    out.push(Op::Move.to(kept, [register.into()]));
                }
            },
        );
        self.period(Entry::Uniform, &lines, [(RSI, memory::DIGESTS.stride)]);
    }
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
fn entry() -> Piece {
    let mut piece = Piece::new(None);
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
    let mut generator = Generator {
        tuning,
        pool: Pool::new(1),
        pieces: vec![entry(), again],
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
        ceiling: Code { pieces: Vec::new() },
    }
}

/// Where each value lies in memory, for the driver, as Rust. What they mean is said in [`memory`] and at [`Entry`].
pub fn constants() -> String {
    let mut text = String::new();
    for (name, value) in [
        ("LANES", LANES),
        ("BUFFER_BYTES", memory::BUFFER_BYTES),
        ("KW", memory::KW.offset),
        ("TERMS", memory::TERMS.offset),
        ("CHAIN", memory::CHAIN.offset),
        ("START", memory::START.offset),
        ("CHAINING", memory::CHAINING.offset),
        ("RING", memory::RING.offset),
        ("UNIFORM_SUMS", memory::UNIFORM.offset),
        ("PERIODS", memory::PERIODS.offset),
        ("WORDS", memory::WORDS.offset),
        ("BATCHES", memory::BATCHES),
        ("MARGIN", memory::MARGIN),
        ("DIGESTS", memory::DIGESTS.offset),
        ("DIGEST_BATCHES", memory::DIGEST_BATCHES),
        ("BYTES", memory::BYTES),
        ("HEADER", Entry::Header.index()),
        ("ROLL", Entry::Roll.index()),
        ("UNIFORM", Entry::Uniform.index()),
        ("SECOND_BIG", Entry::SecondBig.index()),
        ("SECOND_LITTLE", Entry::SecondLittle.index()),
    ] {
        text += &format!("pub const {name}: usize = {value};\n");
    }
    for (name, ending) in [
        ("block_big", Ending::Big),
        ("block_little", Ending::Little),
        ("block_digest", Ending::Digest),
    ] {
        let [zero, one] = [0, 1].map(|first| Entry::Block { first, ending }.index());
        text += &format!(
            "/// The piece of the block in which word `first` and the next vary.\n\
             pub const fn {name}(first: usize) -> usize {{ {zero} + {} * first }}\n",
            one - zero
        );
    }
    text
}
