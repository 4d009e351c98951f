//! Nonces as message words, without formatting any.
//!
//! *In:* a [`Work`]. *Out:* for each nonce the [`Row`] it stands in, and the [`Stretch`] that the row belongs to.
//!
//! A row is the nonces that share all but the last one or two symbols: 10 or 100 in decimal, 16 or 256 in
//! hexadecimal, 256 in binary. What those symbols add to the message is the same in each row and stands in a table:
//! a nonce's word is the row's word xor the table's entry.

use super::{
    LANES,
    stretch::{Stretch, small_sigma_0},
};
use crate::{
    kernel::increment,
    puzzle::ByteOrder,
    work::{Symbols, Work},
};

/// The longest row.
const MOST_IN_ROW: usize = 256;

/// The rest of a row, from some nonce on.
pub(super) struct Row<'a> {
    /// What the row's nonces share, arranged like the table's entries. A nonce's pair is `shared ^ entry`.
    pub(super) shared: u64,
    /// One entry a nonce, and [`LANES`] − 1 more that stand for nothing.
    pub(super) entries: &'a [u64],
    /// How many nonces those are.
    pub(super) left: usize,
}

/// The iteration over rows.
pub(super) struct Rows<'w> {
    work: &'w Work,
    /// The symbols of the nonce, those of the row's own zero.
    symbols: [u8; 20],
    /// Where the symbols that a row shares stand in there.
    upper: std::ops::Range<usize>,
    /// The row that `symbols` tells.
    row: Option<u64>,
    /// Nonces in a row.
    radix: u64,
    stretch: Stretch,
    shared: u64,
    table: [u64; MOST_IN_ROW + LANES - 1],
}

impl<'w> Rows<'w> {
    pub(super) fn new(work: &'w Work) -> Self {
        let (start, end) = (work.nonce_offset, work.nonce_offset + work.nonce_bytes);
        // The symbols that run within a row: two where there are two, unless they stand in two blocks.
        let of_two = |radix: u64| match end {
            65 => (end - 1..end, radix),
            _ if work.nonce_bytes == 1 => (end - 1..end, radix),
            _ => (end - 2..end, radix * radix),
        };
        let (lower, radix) = match work.symbols {
            Symbols::Decimal => of_two(10),
            Symbols::Hex(_) => of_two(16),
            Symbols::Binary(ByteOrder::Little) => (start..start + 1, 256),
            Symbols::Binary(ByteOrder::Big) => (end - 1..end, 256),
        };
        let upper = match work.symbols {
            Symbols::Binary(ByteOrder::Little) => 1..work.nonce_bytes,
            _ => 0..lower.start - start,
        };
        let word = lower.start / 4;
        let words = (lower.end - 1) / 4 - word + 1;
        let mut rows = Self {
            work,
            symbols: [0; 20],
            upper,
            row: None,
            radix,
            stretch: Stretch::new(work, word / 16, word % 16, words),
            shared: 0,
            table: [0; _],
        };
        let mut nonce = [0; 20];
        let nonce = &mut nonce[..work.nonce_bytes];
        for entry in 0..radix {
            work.write_nonce(entry, nonce);
            let mut varying = [0; 2];
            for at in lower.clone() {
                varying[at / 4 - word] |= u32::from(nonce[at - start]) << (24 - at % 4 * 8);
            }
            rows.table[entry as usize] = rows.pair(varying);
        }
        rows
    }

    /// The word of its block that varies within a row, or the first of the two.
    pub(super) fn word(&self) -> usize {
        self.stretch.word
    }

    /// How many words vary within a row: 1 or 2.
    pub(super) fn words(&self) -> usize {
        self.stretch.words
    }

    /// Blocks after the one that varies.
    pub(super) fn blocks_after(&self) -> usize {
        self.stretch.suffix.len()
    }

    /// The varying words as the rounds want them: the (first) word in the upper half when its number is odd, in the
    /// lower when it is even; and in the other half the second word, or σ0 of the only one. σ0 of a xor is the xor
    /// of the σ0s, so that these pairs, too, are joined by xor.
    fn pair(&self, varying: [u32; 2]) -> u64 {
        let other = match self.stretch.words {
            1 => small_sigma_0(varying[0]),
            _ => varying[1],
        };
        match self.stretch.word % 2 {
            1 => u64::from(varying[0]) << 32 | u64::from(other),
            _ => u64::from(other) << 32 | u64::from(varying[0]),
        }
    }

    /// The row from `nonce` on.
    pub(super) fn enter(&mut self, nonce: u64) -> (&Stretch, Row<'_>) {
        let (row, at) = (nonce / self.radix, (nonce % self.radix) as usize);
        let symbols = &mut self.symbols[..self.work.nonce_bytes];
        if self.row.is_some_and(|previous| row == previous + 1) {
            increment(self.work.symbols, &mut symbols[self.upper.clone()]);
        } else {
            self.work.write_nonce(nonce, symbols);
            // What runs within a row is the table's.
            symbols[..self.upper.start].fill(0);
            symbols[self.upper.end..].fill(0);
        }
        self.row = Some(row);
        let varying = self.stretch.enter(self.work, symbols);
        self.shared = self.pair(varying);
        let left = self.radix as usize - at;
        let row = Row {
            shared: self.shared,
            entries: &self.table[at..at + left + LANES - 1],
            left,
        };
        (&self.stretch, row)
    }
}
