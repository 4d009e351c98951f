//! Which instructions a nonce takes where they make four schedule words at a time, as SHA extensions do: the rounds
//! compile by these rules, and the counts follow from them.
//!
//! *In:* which words of the first block vary. *Out:* for each quad (four words) of its schedule, what must be
//! computed for every nonce; and the sum of it all, [`ShaCounts`].

use super::{
    Prepared,
    stretch::{Stretch, varying},
};
use crate::puzzle::ByteOrder;

/// Whether any of `count` words from `at` on is in `mask`.
const fn any(mask: u64, at: usize, count: usize) -> bool {
    mask >> at & ((1 << count) - 1) != 0
}

/// Whether quad `j` of the schedule varies.
pub(super) const fn quad_varies(varying: u64, j: usize) -> bool {
    any(varying, 4 * j, 4)
}

/// Whether the terms `W[t-16] + σ0(W[t-15])` of quad `j` vary: `sha256msg1`.
pub(super) const fn first_term_varies(varying: u64, j: usize) -> bool {
    j >= 4 && any(varying, 4 * j - 16, 5)
}

/// Whether the terms `W[t-7]` of quad `j` vary.
pub(super) const fn second_term_varies(varying: u64, j: usize) -> bool {
    j >= 4 && any(varying, 4 * j - 7, 4)
}

/// Whether quad `j` is a constant plus a table's entry. So it is for a header: word 3 adds σ0(W3) to W18, W3 to W19,
/// and nothing to W16 and W17, on which these depend.
pub(super) const fn quad_is_a_sum(word: usize, words: usize, j: usize) -> bool {
    j == 4 && word == 3 && words == 1
}

/// Whether the pair of rounds `2 * pair` and the next is computed for every nonce: not before the varying word, and
/// not when this is the second of the two, which one addition stands for.
pub(super) const fn pair_varies(word: usize, pair: usize) -> bool {
    word <= 2 * pair
}

/// The terms that the second hash has not: where all words are the zeros between message and length. Quads start at
/// word 1 there.
pub(super) const fn second_hash_first_term(j: usize) -> bool {
    j >= 4 && j != 6
}
/// See [`second_hash_first_term`].
pub(super) const fn second_hash_second_term(j: usize) -> bool {
    j > 4
}
/// Quads of rounds in the second hash, the first round aside.
pub(super) const fn second_hash_quads(order: ByteOrder) -> usize {
    match order {
        ByteOrder::Little => 15,
        ByteOrder::Big => 16,
    }
}

/// SHA instructions for one nonce, by their names on x86-64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShaCounts {
    /// `sha256rnds2`: two rounds each.
    pub(super) rnds2: u32,
    /// `sha256msg1`.
    pub(super) msg1: u32,
    /// `sha256msg2`.
    pub(super) msg2: u32,
}

impl ShaCounts {
    /// For a nonce of these stretches; `None` when what is hashed after the message is not known here.
    pub(super) fn of(prepared: &Prepared, stretch: &Stretch<'_>) -> Option<Self> {
        let mut all = Self::first_block(stretch.first, stretch.words);
        all.rnds2 += 32 * stretch.suffix.len() as u32;
        Some(match prepared.is_hashed_twice()? {
            false => all,
            true => all.and(Self::second_hash(prepared.test.order)),
        })
    }

    /// The block whose words vary from `word` on: all that a single-block text with sha256 takes.
    const fn first_block(word: usize, words: usize) -> Self {
        let varying = varying(word, words);
        let (mut all, mut j) = (Self::NONE, 0);
        while j < 16 {
            all.rnds2 += pair_varies(word, 2 * j) as u32 + pair_varies(word, 2 * j + 1) as u32;
            if j >= 4 && quad_varies(varying, j) && !quad_is_a_sum(word, words, j) {
                all.msg1 += first_term_varies(varying, j) as u32;
                all.msg2 += 1;
            }
            j += 1;
        }
        all
    }

    const fn second_hash(order: ByteOrder) -> Self {
        // One sha256msg1 makes word 16.
        let (mut all, mut j) = (
            Self {
                msg1: 1,
                ..Self::NONE
            },
            0,
        );
        while j < second_hash_quads(order) {
            all.rnds2 += 2;
            if j >= 4 {
                all.msg1 += second_hash_first_term(j) as u32;
                all.msg2 += 1;
            }
            j += 1;
        }
        all
    }

    const NONE: Self = Self {
        rnds2: 0,
        msg1: 0,
        msg2: 0,
    };

    const fn and(self, other: Self) -> Self {
        Self {
            rnds2: self.rnds2 + other.rnds2,
            msg1: self.msg1 + other.msg1,
            msg2: self.msg2 + other.msg2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_told_in_the_documentation() {
        let counts = |of: ShaCounts| (of.rnds2, of.msg1, of.msg2);
        let header = ShaCounts::first_block(3, 1).and(ShaCounts::second_hash(ByteOrder::Little));
        assert_eq!(counts(header), (60, 19, 22));
        assert_eq!(counts(ShaCounts::first_block(0, 1)), (32, 10, 12));
        assert_eq!(counts(ShaCounts::first_block(2, 1)), (31, 9, 12));
        assert_eq!(counts(ShaCounts::first_block(5, 1)), (29, 9, 11));
        assert_eq!(counts(ShaCounts::first_block(11, 1)), (26, 9, 12));
        assert_eq!(counts(ShaCounts::first_block(12, 1)), (26, 10, 12));
    }
}
