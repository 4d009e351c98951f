//! The low symbols of 32 consecutive nonces, without formatting any of them.

use super::{
    context::{Context, Lanes, VaryingWord},
    layout::{LANES, STREAMS},
};
use crate::{
    puzzle::{ByteOrder, HexCase},
    work::{Symbols, Work},
};

/// A batch may begin at the last entry and read this far past it.
const MARGIN: usize = STREAMS * LANES;

const DECIMAL_COUNT: usize = 10_000;
const HEX_COUNT: usize = 4096;

/// `0000` to `9999`, and on from `0000`, as big-endian words.
static DECIMAL: [u32; DECIMAL_COUNT + MARGIN] = table(b"0123456789", 4);
/// `000` to `fff`.
static HEX_LOWER: [u32; HEX_COUNT + MARGIN] = table(b"0123456789abcdef", 3);
/// `000` to `FFF`.
static HEX_UPPER: [u32; HEX_COUNT + MARGIN] = table(b"0123456789ABCDEF", 3);

const fn table<const N: usize>(digits: &[u8], width: usize) -> [u32; N] {
    let mut table = [0; N];
    let mut i = 0;
    while i < N {
        let (mut word, mut rest, mut place) = (0, i, 0);
        while place < width {
            word |= (digits[rest % digits.len()] as u32) << (8 * place);
            rest /= digits.len();
            place += 1;
        }
        table[i] = word;
        i += 1;
    }
    table
}

/// Where the low symbols come from.
#[derive(Clone, Copy)]
enum Source {
    Table(&'static [u32]),
    /// The number itself; its two bytes swapped or not.
    Counter(ByteOrder),
}

/// The symbols that change from nonce to nonce within a stretch: at most four bytes of text, or two of a number.
pub(in crate::kernel) struct LowSymbols {
    source: Source,
    bytes: usize,
    /// From the beginning of the work's first block.
    offset: usize,
    span: u64,
}

impl LowSymbols {
    pub(in crate::kernel) fn of(work: &Work) -> Self {
        let at_most = |bytes: usize| bytes.min(work.nonce_bytes);
        let (source, bytes, radix) = match work.symbols {
            Symbols::Decimal => (Source::Table(&DECIMAL), at_most(4), 10u64),
            Symbols::Hex(HexCase::Lower) => (Source::Table(&HEX_LOWER), at_most(3), 16),
            Symbols::Hex(HexCase::Upper) => (Source::Table(&HEX_UPPER), at_most(3), 16),
            Symbols::Binary(order) => (Source::Counter(order), at_most(2), 256),
        };
        let offset = match work.symbols {
            Symbols::Binary(ByteOrder::Little) => work.nonce_offset,
            _ => work.nonce_offset + work.nonce_bytes - bytes,
        };
        Self {
            source,
            bytes,
            offset,
            span: radix.pow(bytes as u32),
        }
    }

    /// How many nonces share all other symbols.
    pub(in crate::kernel) fn span(&self) -> u64 {
        self.span
    }

    /// The first and the last of the changing bytes, from the beginning of the work's first block.
    pub(in crate::kernel) fn first_byte(&self) -> usize {
        self.offset
    }

    pub(in crate::kernel) fn last_byte(&self) -> usize {
        self.offset + self.bytes - 1
    }

    /// The symbols of a stream's nonces from `low` on, at the lower end of each lane, zeros above. Past the end of the
    /// stretch they have no meaning.
    ///
    /// Plain loops, inlined into each kernel's scan: there they become its vector instructions.
    #[inline(always)]
    fn vector(&self, low: u32) -> [u32; LANES] {
        match self.source {
            Source::Table(table) => {
                let entries: &[u32; LANES] = table[low as usize..][..LANES].try_into().expect("so many");
                let mask = (u64::MAX >> (64 - 8 * self.bytes)) as u32;
                entries.map(|symbols| symbols & mask)
            }
            Source::Counter(order) => {
                let values: [u32; LANES] = std::array::from_fn(|lane| low.wrapping_add(lane as u32));
                match order {
                    ByteOrder::Big => values.map(|value| value & 0xffff),
                    ByteOrder::Little => values.map(|value| (value & 0xff) << 8 | value >> 8 & 0xff),
                }
            }
        }
    }
}

impl Lanes {
    /// Writes the varying words of the batch that begins at `low`.
    #[inline(always)]
    pub(in crate::kernel) fn fill(&self, context: &mut Context, symbols: &LowSymbols, low: u32) {
        for stream in 0..STREAMS {
            let symbols = symbols.vector(low + (stream * LANES) as u32);
            let VaryingWord { at, uniform } = self.last;
            context.word(at)[stream] = symbols.map(|symbol| symbol << self.shift | uniform);
            if let Some(VaryingWord { at, uniform }) = self.before {
                // Two varying words: the shift is not zero.
                context.word(at)[stream] = symbols.map(|symbol| symbol >> (32 - self.shift) | uniform);
            }
        }
    }
}
