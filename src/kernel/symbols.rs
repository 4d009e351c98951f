//! How nonces become the bytes of a message, and which of those bytes run from one nonce to the next.
//!
//! *In:* an encoding's [`Symbols`] and a nonce. *Out:* its bytes; and without formatting any nonce, the [`LowSymbols`] of
//! many consecutive ones, as the message words they are part of.

use super::Prepared;
use crate::puzzle::{ByteOrder, HexCase};

/// How the value of a nonce becomes its bytes in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Symbols {
    /// ASCII decimal digits, zero-padded to the nonce's length.
    Decimal,
    /// ASCII hexadecimal digits, zero-padded to the nonce's length.
    Hex(HexCase),
    /// The bytes of the number itself.
    Binary(ByteOrder),
}

impl Symbols {
    /// Writes a nonce into `bytes`, which is as long as the nonce.
    pub(crate) fn write(self, nonce: u64, bytes: &mut [u8]) {
        let mut rest = nonce;
        match self {
            Self::Decimal => {
                for byte in bytes.iter_mut().rev() {
                    *byte = b'0' + (rest % 10) as u8;
                    rest /= 10;
                }
            }
            Self::Hex(case) => {
                let digits = hex_digits(case);
                for byte in bytes.iter_mut().rev() {
                    *byte = digits[(rest % 16) as usize];
                    rest /= 16;
                }
            }
            Self::Binary(ByteOrder::Little) => bytes.copy_from_slice(&nonce.to_le_bytes()[..bytes.len()]),
            Self::Binary(ByteOrder::Big) => bytes.copy_from_slice(&nonce.to_be_bytes()[8 - bytes.len()..]),
        }
    }

    /// Adds one to a nonce in place: cheaper than writing it anew.
    pub(crate) fn increment(self, nonce: &mut [u8]) {
        /// Steps one symbol; true when it wrapped around to the first.
        fn step(byte: &mut u8, last: u8, jump: Option<u8>) -> bool {
            let wrapped = *byte == last;
            *byte = match (*byte, jump) {
                _ if wrapped => b'0',
                (b'9', Some(letter)) => letter,
                (digit, _) => digit + 1,
            };
            wrapped
        }
        let mut carry = |byte: &mut u8| match self {
            Self::Decimal => step(byte, b'9', None),
            Self::Hex(HexCase::Lower) => step(byte, b'f', Some(b'a')),
            Self::Hex(HexCase::Upper) => step(byte, b'F', Some(b'A')),
            Self::Binary(_) => {
                *byte = byte.wrapping_add(1);
                *byte == 0
            }
        };
        match self {
            Self::Binary(ByteOrder::Little) => nonce.iter_mut().all(&mut carry),
            _ => nonce.iter_mut().rev().all(&mut carry),
        };
    }
}

const fn hex_digits(case: HexCase) -> &'static [u8; 16] {
    match case {
        HexCase::Lower => b"0123456789abcdef",
        HexCase::Upper => b"0123456789ABCDEF",
    }
}

/// Low symbols may run through about so many values: stretches of tens of microseconds.
pub(crate) const MOST_LOW: u64 = 4096;

/// The most nonces that a kernel takes at a time: it may begin at the last entry of a table and read this far past it.
const MARGIN: usize = 32;

const DECIMAL_COUNT: usize = 10_000;
const HEX_COUNT: usize = 4096;

/// `0000` to `9999`, and on from `0000`, as big-endian words.
static DECIMAL: [u32; DECIMAL_COUNT + MARGIN] = table(b"0123456789", 4);
/// `000` to `fff`.
static HEX_LOWER: [u32; HEX_COUNT + MARGIN] = table(hex_digits(HexCase::Lower), 3);
/// `000` to `FFF`.
static HEX_UPPER: [u32; HEX_COUNT + MARGIN] = table(hex_digits(HexCase::Upper), 3);

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
#[derive(Clone, Copy, Debug)]
enum Source {
    Table(&'static [u32]),
    /// The number itself; its bytes swapped or not.
    Counter(ByteOrder),
}

/// The symbols that run from nonce to nonce while all others stand still: at most four bytes of text, or two of a
/// number. They are part of one word of the message or of two, which may belong to two blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LowSymbols {
    source: Source,
    bytes: usize,
    /// From the beginning of the first block.
    offset: usize,
    span: u64,
}

impl LowSymbols {
    /// The fewest symbols that tell `at_least` nonces apart, of which no more than [`MOST_LOW`] count (and the nonce may have fewer): four
    /// decimal digits for 4,096, two for 100. A kernel prepares all else once for these nonces.
    pub(crate) fn of(prepared: &Prepared, at_least: u64) -> Self {
        let (source, radix) = match prepared.symbols {
            Symbols::Decimal => (Source::Table(&DECIMAL), 10u64),
            Symbols::Hex(HexCase::Lower) => (Source::Table(&HEX_LOWER), 16),
            Symbols::Hex(HexCase::Upper) => (Source::Table(&HEX_UPPER), 16),
            Symbols::Binary(order) => (Source::Counter(order), 256),
        };
        let mut bytes = 1;
        while radix.pow(bytes as u32) < at_least.min(MOST_LOW) && bytes < prepared.nonce_bytes {
            bytes += 1;
        }
        let offset = match prepared.symbols {
            Symbols::Binary(ByteOrder::Little) => prepared.nonce_offset,
            _ => prepared.nonce_offset + prepared.nonce_bytes - bytes,
        };
        Self {
            source,
            bytes,
            offset,
            span: radix.pow(bytes as u32),
        }
    }

    /// How many nonces share all other symbols.
    pub(crate) fn span(&self) -> u64 {
        self.span
    }

    /// Their bytes, from the beginning of the first block.
    pub(crate) fn place(&self) -> std::ops::Range<usize> {
        self.offset..self.offset + self.bytes
    }

    /// The first message word with such a symbol, and how many there are: one or two.
    pub(crate) fn words(&self) -> (usize, usize) {
        let (first, last) = (self.offset / 4, (self.offset + self.bytes - 1) / 4);
        (first, last - first + 1)
    }

    /// By how many bits [`LowSymbols::vector`]'s are shifted to the left in the last of their words; with two words, the
    /// first has what this shift drops.
    pub(crate) fn shift(&self) -> u32 {
        8 * (3 - (self.offset + self.bytes - 1) as u32 % 4)
    }

    /// The symbols of the nonces from `low` on, each at the lower end of a word, zeros above. Past the end of the span
    /// they have no meaning. At most [`MARGIN`] of them.
    ///
    /// Plain loops, inlined into each kernel's scan: there they become its vector instructions.
    #[inline(always)]
    pub(crate) fn vector<const N: usize>(&self, low: u32) -> [u32; N] {
        let mask = u32::MAX >> (32 - 8 * self.bytes);
        match self.source {
            Source::Table(table) => {
                let entries: &[u32; N] = table[low as usize..][..N].try_into().expect("so many");
                entries.map(|symbols| symbols & mask)
            }
            Source::Counter(order) => {
                let values: [u32; N] = std::array::from_fn(|i| low.wrapping_add(i as u32));
                match order {
                    ByteOrder::Big => values.map(|value| value & mask),
                    ByteOrder::Little => values.map(|value| value.swap_bytes() >> (32 - 8 * self.bytes)),
                }
            }
        }
    }
}
