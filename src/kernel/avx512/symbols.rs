//! The low symbols of 32 consecutive nonces, without formatting any of them.

use std::arch::x86_64::*;

use super::{
    context::{Context, Lanes},
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
pub(super) struct LowSymbols {
    source: Source,
    bytes: usize,
    /// From the beginning of the work's first block.
    offset: usize,
    span: u64,
}

impl LowSymbols {
    pub(super) fn of(work: &Work) -> Self {
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
    pub(super) fn span(&self) -> u64 {
        self.span
    }

    /// The first and the last of the changing bytes, from the beginning of the work's first block.
    pub(super) fn first_byte(&self) -> usize {
        self.offset
    }

    pub(super) fn last_byte(&self) -> usize {
        self.offset + self.bytes - 1
    }

    /// The symbols of sixteen nonces from `low` on, at the lower end of each lane, zeros above. Past the end of the
    /// stretch they have no meaning.
    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    fn vector(&self, low: u32) -> __m512i {
        match self.source {
            Source::Table(table) => {
                let entries = &table[low as usize..][..LANES];
                // SAFETY: sixteen words, as sliced.
                #[allow(unsafe_code)]
                let symbols = unsafe { _mm512_loadu_si512(entries.as_ptr().cast()) };
                _mm512_and_si512(
                    symbols,
                    _mm512_set1_epi32((u64::MAX >> (64 - 8 * self.bytes)) as i32),
                )
            }
            Source::Counter(order) => {
                let iota = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
                let value = _mm512_add_epi32(iota, _mm512_set1_epi32(low as i32));
                match order {
                    ByteOrder::Big => _mm512_and_si512(value, _mm512_set1_epi32(0xffff)),
                    ByteOrder::Little => _mm512_or_si512(
                        _mm512_slli_epi32::<8>(_mm512_and_si512(value, _mm512_set1_epi32(0xff))),
                        _mm512_and_si512(_mm512_srli_epi32::<8>(value), _mm512_set1_epi32(0xff)),
                    ),
                }
            }
        }
    }
}

impl Lanes {
    /// Writes the varying words of the batch that begins at `low`.
    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    pub(super) fn fill(&self, context: &mut Context, symbols: &LowSymbols, low: u32) {
        for stream in 0..STREAMS {
            let value = symbols.vector(low + (stream * LANES) as u32);
            let left = _mm_cvtsi32_si128(self.shift as i32);
            let last = _mm512_or_si512(
                _mm512_sll_epi32(value, left),
                _mm512_set1_epi32(self.last.uniform as i32),
            );
            context.store(self.last.at, stream, last);
            if let Some(before) = &self.before {
                let right = _mm_cvtsi32_si128(32 - self.shift as i32);
                let word = _mm512_or_si512(
                    _mm512_srl_epi32(value, right),
                    _mm512_set1_epi32(before.uniform as i32),
                );
                context.store(before.at, stream, word);
            }
        }
    }
}
