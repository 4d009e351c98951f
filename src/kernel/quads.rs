//! Which instructions a nonce takes where they make four schedule words at a time, as SHA extensions do: the rounds
//! compile by these rules, and the counts follow from them.
//!
//! *In:* which words of the first block vary. *Out:* for each quad (four words) of its schedule, what must be
//! computed for every nonce; and the sum of it all, [`counts`].

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
const fn second_hash_quads(order: ByteOrder) -> usize {
    match order {
        ByteOrder::Little => 15,
        ByteOrder::Big => 16,
    }
}

/// SHA instructions for one nonce, by their names on x86-64: `sha256rnds2` (two rounds each), `sha256msg1`, `sha256msg2`.
pub(super) type ShaCounts = [u32; 3];

/// For a nonce of these stretches; `None` when what is hashed after the message is not known here.
pub(super) fn counts(prepared: &Prepared, stretch: &Stretch<'_>) -> Option<ShaCounts> {
    let mut all = first_block(stretch.first, stretch.words);
    all[0] += 32 * stretch.suffix.len() as u32;
    if prepared.is_hashed_twice()? {
        all = sum(all, second_hash(prepared.test.order));
    }
    Some(all)
}

fn sum(left: ShaCounts, right: ShaCounts) -> ShaCounts {
    std::array::from_fn(|i| left[i] + right[i])
}

/// The block whose words vary from `word` on: all that a single-block text with sha256 takes.
fn first_block(word: usize, words: usize) -> ShaCounts {
    let varying = varying(word, words);
    (0..16).fold([0; 3], |all, j| {
        let rnds2 = u32::from(pair_varies(word, 2 * j)) + u32::from(pair_varies(word, 2 * j + 1));
        let made = j >= 4 && quad_varies(varying, j) && !quad_is_a_sum(word, words, j);
        let msg1 = made && first_term_varies(varying, j);
        sum(all, [rnds2, msg1.into(), made.into()])
    })
}

fn second_hash(order: ByteOrder) -> ShaCounts {
    // One sha256msg1 makes word 16.
    (0..second_hash_quads(order)).fold([0, 1, 0], |all, j| {
        let msg1 = j >= 4 && second_hash_first_term(j);
        sum(all, [2, msg1.into(), (j >= 4).into()])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_told_in_the_documentation() {
        let header = sum(first_block(3, 1), second_hash(ByteOrder::Little));
        assert_eq!(header, [60, 19, 22]);
        assert_eq!(first_block(0, 1), [32, 10, 12]);
        assert_eq!(first_block(2, 1), [31, 9, 12]);
        assert_eq!(first_block(5, 1), [29, 9, 11]);
        assert_eq!(first_block(11, 1), [26, 9, 12]);
        assert_eq!(first_block(12, 1), [26, 10, 12]);
    }
}
