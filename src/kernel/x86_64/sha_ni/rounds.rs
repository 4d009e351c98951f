//! The rounds, for any number of nonces side by side: the parameter `N`, below.
//!
//! *In:* a [`Packed`] stretch and a [`Row`]. *Out:* the row's hits.
//!
//! `sha256rnds2` takes the two halves of the state, A B E F and C D G H, and the sums K + W of two rounds; its result
//! is the next A B E F, while the old one is the next C D G H: the halves swap roles from pair to pair of rounds.
//! `sha256msg1` and `sha256msg2` make four schedule words. What is spared:
//!
//! 1. Rounds before the varying word V are constant. Round V itself adds W to a and e only; when V is odd, one
//!    addition to the state stands for the pair of rounds V - 1 and V.
//! 2. Constant quads of the schedule, and constant halves of the sum that precedes `sha256msg2`, are loaded.
//! 3. A header's W16 to W19 are a constant plus (0, 0, σ0(nonce), nonce), and the table holds σ0.
//! 4. The second hash starts from a constant state, so its round 0, too, is an addition. From there on everything is
//!    shifted by one word: 30 pairs are rounds 1 to 60, whose e is the digest's last word. No round is in vain.
//! 5. The second message ends in W8 to W15 = 80000000, 0 …, 256: terms that are zero fall away.

use std::arch::x86_64::*;

use paydirt_sha256::{INITIAL, K, round};

use super::packed::{Packed, Row, halves, quad};
use crate::{
    kernel::{
        Hits,
        quads::{
            first_term_varies, pair_varies, quad_is_a_sum, quad_varies, second_hash_first_term,
            second_hash_second_term, second_term_varies,
        },
        stretch::{Stretch, varying},
    },
    puzzle::ByteOrder,
};

/// One value a lane.
type Each<const N: usize> = [__m128i; N];

/// Scans a row and returns how many nonces it tested.
pub(super) type ScanRow =
    unsafe fn(stretch: &Stretch<'_>, packed: &Packed, row: &Row<'_>, hits: &mut Hits) -> usize;

/// The code for `N` lanes.
pub(super) struct Rounds<const N: usize>;

impl<const N: usize> Rounds<N> {
    /// By the number of varying words (1 or 2) and the first of them.
    pub(super) const ROWS: [[ScanRow; 16]; 2] = {
        macro_rules! rows {
            ($words:literal: $($word:literal)*) => { [$(any_row::<N, $word, $words>),*] };
        }
        [
            rows!(1: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15),
            // Two words of one block: 15 cannot be the first of them.
            rows!(2: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 14),
        ]
    };
}

/// `K`, four rounds an entry, from round `first` on. There is no round 64: zero.
const fn k_quads(first: usize) -> [__m128i; 16] {
    let mut quads = [quad([0; 4]); 16];
    let mut j = 0;
    while j < 16 {
        let t = first + 4 * j;
        let fourth = if t + 3 < 64 { K[t + 3] } else { 0 };
        quads[j] = quad([K[t], K[t + 1], K[t + 2], fourth]);
        j += 1;
    }
    quads
}
static K_QUADS: [__m128i; 16] = k_quads(0);
static K_QUADS_FROM_1: [__m128i; 16] = k_quads(1);

/// Which lanes of quad `j` hold varying words.
const fn lanes(word: usize, words: usize, j: usize) -> __m128i {
    let mut mask = [0; 4];
    let mut lane = 0;
    while lane < 4 {
        let t = 4 * j + lane;
        if t >= word && t < word + words {
            mask[lane] = u32::MAX;
        }
        lane += 1;
    }
    quad(mask)
}

/// Lanes 1 and 3: e and a in their half of the state, and the upper halves of two table entries.
const ODD_LANES: __m128i = quad([0, u32::MAX, 0, u32::MAX]);
const UPPER_LANES: __m128i = quad([0, 0, u32::MAX, u32::MAX]);

/// A function of one lane's values, for all lanes.
macro_rules! each {
    (|$lane:ident| $value:expr) => {{
        let mut values: Each<N> = [_mm_setzero_si128(); N];
        let mut $lane = 0;
        while $lane < N {
            values[$lane] = $value;
            $lane += 1;
        }
        values
    }};
}

/// A macro for each of these numbers.
macro_rules! in_turn {
    ($macro:ident: $($number:literal)*) => { $($macro!($number);)* };
}

/// Two rounds: `$new` was C D G H and becomes A B E F; `$old` was A B E F and becomes C D G H.
macro_rules! two_rounds {
    ($new:ident, $old:ident, |$lane:ident| $k_plus_w:expr) => {
        $new = each!(|$lane| _mm_sha256rnds2_epu32($new[$lane], $old[$lane], $k_plus_w));
    };
}

/// The first message block: rounds V (or V + 1) to 63 from the stretch's start. Returns the state, A B E F first.
macro_rules! first_block {
    ($packed:ident, $pairs:ident, $word:ident, $words:ident) => {{
        let (mut abef, mut cdgh) = ([$packed.start[0]; N], [$packed.start[1]; N]);
        if const { $word % 2 == 1 } {
            abef = each!(|i| _mm_add_epi32(abef[i], _mm_and_si128($pairs[i], ODD_LANES)));
        }
        // After an odd number of pairs the halves have swapped roles.
        if const { $word.div_ceil(2) % 2 == 1 } {
            (abef, cdgh) = (cdgh, abef);
        }
        let mut w: [Each<N>; 16] = [[_mm_setzero_si128(); N]; 16];
        macro_rules! four_rounds {
            ($j:literal) => {
                // The schedule.
                if $j < 4 {
                    w[$j] = [$packed.quads[$j % 4]; N];
                    if const { quad_varies(varying($word, $words), $j) } {
                        let mask = const { lanes($word, $words, $j) };
                        w[$j] = each!(|i| _mm_xor_si128(w[$j][i], _mm_and_si128($pairs[i], mask)));
                    }
                } else if const { !quad_varies(varying($word, $words), $j) } {
                    w[$j] = [$packed.quads[$j % 5]; N];
                } else if const { quad_is_a_sum($word, $words, $j) } {
                    w[$j] = each!(|i| _mm_add_epi32($packed.quads[4], _mm_and_si128($pairs[i], UPPER_LANES)));
                } else if $j >= 4 {
                    if const {
                        !first_term_varies(varying($word, $words), $j)
                            || !second_term_varies(varying($word, $words), $j)
                    } {
                        w[$j] = [$packed.sums[($j + 1) % 5]; N];
                    }
                    if const { first_term_varies(varying($word, $words), $j) } {
                        let term =
                            each!(|i| _mm_sha256msg1_epu32(w[($j + 12) % 16][i], w[($j + 13) % 16][i]));
                        w[$j] = if const { second_term_varies(varying($word, $words), $j) } {
                            term
                        } else {
                            each!(|i| _mm_add_epi32(w[$j][i], term[i]))
                        };
                    }
                    if const { second_term_varies(varying($word, $words), $j) } {
                        w[$j] = each!(|i| _mm_add_epi32(
                            w[$j][i],
                            _mm_alignr_epi8::<4>(w[($j + 15) % 16][i], w[($j + 14) % 16][i])
                        ));
                    }
                    w[$j] = each!(|i| _mm_sha256msg2_epu32(w[$j][i], w[($j + 15) % 16][i]));
                }
                // The rounds.
                if const { quad_varies(varying($word, $words), $j) } {
                    let k_plus_w = each!(|i| _mm_add_epi32(w[$j][i], K_QUADS[$j]));
                    if const { pair_varies($word, 2 * $j) } {
                        two_rounds!(cdgh, abef, |i| k_plus_w[i]);
                    }
                    if const { pair_varies($word, 2 * $j + 1) } {
                        two_rounds!(abef, cdgh, |i| _mm_shuffle_epi32::<0x0e>(k_plus_w[i]));
                    }
                } else if const { pair_varies($word, 2 * $j) } {
                    two_rounds!(cdgh, abef, |i| two_constants($packed.rounds[2 * $j % 16]));
                    two_rounds!(abef, cdgh, |i| two_constants(
                        $packed.rounds[(2 * $j + 1) % 16]
                    ));
                }
            };
        }
        in_turn!(four_rounds: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        (abef, cdgh)
    }};
}

/// Adds the hash value before the block.
macro_rules! finish_block {
    ($abef:ident, $cdgh:ident, $before:expr) => {
        $abef = each!(|i| _mm_add_epi32($abef[i], $before[0][i]));
        $cdgh = each!(|i| _mm_add_epi32($cdgh[i], $before[1][i]));
    };
}

/// The state of the second hash after its round 0, word 0 being zero.
const AFTER_ROUND_0: [__m128i; 2] = {
    let mut start = INITIAL;
    round(&mut start, K[0]);
    halves(start)
};

/// The second hash of sha256d, from the first's hash value. The words are numbered from 1: quad j is the words
/// 4j + 1 to 4j + 4. Returns the top word of the digest's number: its last word, or its first.
macro_rules! second_hash {
    ($abef:ident, $cdgh:ident, $order:expr) => {{
        // A B E F, C D G H, and so on: from the lowest lane up.
        let x = each!(|i| _mm_shuffle_epi32::<0x1b>($abef[i]));
        let y = each!(|i| _mm_shuffle_epi32::<0x1b>($cdgh[i]));
        let abcd = each!(|i| _mm_unpacklo_epi64(x[i], y[i]));
        let efgh = each!(|i| _mm_unpackhi_epi64(x[i], y[i]));
        let zero = [_mm_setzero_si128(); N];
        let mut w: [Each<N>; 16] = [zero; 16];
        // Words 5 to 8; the bit that ends the message. Words 9 to 12 are zero.
        let end_bit = const { quad([0x8000_0000, 0, 0, 0]) };
        w[0] = each!(|i| _mm_alignr_epi8::<4>(efgh[i], abcd[i]));
        w[1] = each!(|i| _mm_alignr_epi8::<4>(end_bit, efgh[i]));
        // Words 13 to 16; the length. Word 16 is word 0 + σ0(word 1).
        let length = const { quad([0, 0, 0, 256]) };
        w[3] = each!(|i| _mm_alignr_epi8::<4>(_mm_sha256msg1_epu32(abcd[i], efgh[i]), length));
        // Round 0.
        let mut abef = each!(|i| _mm_add_epi32(
            AFTER_ROUND_0[0],
            _mm_and_si128(_mm_shuffle_epi32::<0xff>($abef[i]), ODD_LANES)
        ));
        let mut cdgh = [AFTER_ROUND_0[1]; N];
        macro_rules! four_rounds {
            ($j:literal) => {
                // The schedule; quads 2 and 3, and what they make of each other, are mostly zero.
                if $j >= 4 {
                    if const { second_hash_first_term($j) } {
                        w[$j] = each!(|i| _mm_sha256msg1_epu32(w[($j + 12) % 16][i], w[($j + 13) % 16][i]));
                    }
                    if const { second_hash_second_term($j) } {
                        w[$j] = each!(|i| _mm_add_epi32(
                            w[$j][i],
                            _mm_alignr_epi8::<4>(w[($j + 15) % 16][i], w[($j + 14) % 16][i])
                        ));
                    }
                    w[$j] = each!(|i| _mm_sha256msg2_epu32(w[$j][i], w[($j + 15) % 16][i]));
                }
                // The rounds.
                if $j == 2 {
                    two_rounds!(cdgh, abef, |i| two_constants(
                        const { pair_of(K[9], K[10]) }
                    ));
                    two_rounds!(abef, cdgh, |i| two_constants(
                        const { pair_of(K[11], K[12]) }
                    ));
                } else {
                    let k_plus_w = each!(|i| _mm_add_epi32(w[$j][i], K_QUADS_FROM_1[$j]));
                    two_rounds!(cdgh, abef, |i| k_plus_w[i]);
                    two_rounds!(abef, cdgh, |i| _mm_shuffle_epi32::<0x0e>(k_plus_w[i]));
                }
            };
        }
        in_turn!(four_rounds: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14);
        match $order {
            // e of round 60 is h of round 63.
            ByteOrder::Little => {
                each_word!(|i| (_mm_extract_epi32::<1>(abef[i]) as u32)
                    .wrapping_add(INITIAL[7])
                    .swap_bytes())
            }
            // a of round 63 is b of the round after it, which is none and does no harm.
            ByteOrder::Big => {
                four_rounds!(15);
                let _ = cdgh;
                each_word!(|i| (_mm_extract_epi32::<2>(abef[i]) as u32).wrapping_add(INITIAL[0]))
            }
        }
    }};
}

/// A word a lane.
macro_rules! each_word {
    (|$lane:ident| $value:expr) => {{
        let mut values = [0u32; N];
        let mut $lane = 0;
        while $lane < N {
            values[$lane] = $value;
            $lane += 1;
        }
        values
    }};
}

/// What two rounds add, the first in the lower half.
pub(super) const fn pair_of(first: u32, second: u32) -> u64 {
    (second as u64) << 32 | first as u64
}

#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn two_constants(k_plus_w: u64) -> __m128i {
    _mm_cvtsi64_si128(k_plus_w as i64)
}

/// What a batch's nonces add to the message: the table's pairs, twice in each quad.
macro_rules! pairs {
    ($row:ident, $at:expr, $shared:ident) => {
        each!(|i| _mm_xor_si128(_mm_set1_epi64x($row.entries[$at + i] as i64), $shared))
    };
}

/// Runs `batch` over the row: from the index in the row to the top words.
macro_rules! batches {
    ($stretch:ident, $row:ident, $hits:ident, |$at:ident| $top_words:expr) => {{
        let (lowest, span) = ($stretch.prepared.test.lowest, $stretch.prepared.test.span);
        let (first, count) = ($row.first, $row.count);
        let mut $at = 0;
        while $at < count {
            let top: [u32; N] = $top_words;
            let mut passes = false;
            for top in top {
                passes |= top.wrapping_sub(lowest) <= span;
            }
            if passes {
                for (lane, top) in top.into_iter().enumerate().take(count - $at) {
                    if top.wrapping_sub(lowest) <= span {
                        $hits.push(first + ($at + lane) as u64);
                    }
                }
                if $hits.is_full() {
                    return count.min($at + N);
                }
            }
            $at += N;
        }
        count
    }};
}

/// A header's row: one block whose word 3 varies, sha256d, the digest read little-endian.
///
/// # Safety
/// The processor must have SHA, SSE4.1 and SSSE3.
#[allow(unsafe_code)]
#[target_feature(enable = "sha,sse4.1,ssse3")]
pub(super) unsafe fn header_row<const N: usize>(
    stretch: &Stretch<'_>,
    packed: &Packed,
    row: &Row<'_>,
    hits: &mut Hits,
) -> usize {
    const WORD: usize = 3;
    const WORDS: usize = 1;
    let shared = _mm_set1_epi64x(row.shared as i64);
    let before = packed.chaining.map(|half| [half; N]);
    batches!(stretch, row, hits, |at| {
        let pairs = pairs!(row, at, shared);
        let (mut abef, mut cdgh) = first_block!(packed, pairs, WORD, WORDS);
        finish_block!(abef, cdgh, before);
        second_hash!(abef, cdgh, ByteOrder::Little)
    })
}

/// Any other row, of which `WORDS` words vary, from `WORD` on.
///
/// # Safety
/// The processor must have SHA, SSE4.1 and SSSE3.
#[allow(unsafe_code)]
#[target_feature(enable = "sha,sse4.1,ssse3")]
unsafe fn any_row<const N: usize, const WORD: usize, const WORDS: usize>(
    stretch: &Stretch<'_>,
    packed: &Packed,
    row: &Row<'_>,
    hits: &mut Hits,
) -> usize {
    let shared = _mm_set1_epi64x(row.shared as i64);
    let before = packed.chaining.map(|half| [half; N]);
    let one_block = stretch.suffix.is_empty() && stretch.prepared.rehashes.is_empty();
    let order = stretch.prepared.test.order;
    batches!(stretch, row, hits, |at| {
        let pairs = pairs!(row, at, shared);
        let (mut abef, mut cdgh) = first_block!(packed, pairs, WORD, WORDS);
        if one_block && order == ByteOrder::Big {
            let add = packed.first_word;
            each_word!(|i| (_mm_extract_epi32::<3>(abef[i]) as u32).wrapping_add(add))
        } else {
            finish_block!(abef, cdgh, before);
            rest(stretch, abef, cdgh)
        }
    })
}

/// All that follows the first block: the constant blocks after it, and the second hash. Returns the top words.
#[inline(never)]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn rest<const N: usize>(stretch: &Stretch<'_>, mut abef: Each<N>, mut cdgh: Each<N>) -> [u32; N] {
    for rounds in &stretch.suffix {
        let before = [abef, cdgh];
        constant_block(rounds, &mut abef, &mut cdgh);
        finish_block!(abef, cdgh, before);
    }
    match (!stretch.prepared.rehashes.is_empty(), stretch.prepared.test.order) {
        (false, ByteOrder::Big) => each_word!(|i| _mm_extract_epi32::<3>(abef[i]) as u32),
        (false, ByteOrder::Little) => {
            each_word!(|i| (_mm_extract_epi32::<0>(cdgh[i]) as u32).swap_bytes())
        }
        (true, ByteOrder::Big) => second_hash!(abef, cdgh, ByteOrder::Big),
        (true, ByteOrder::Little) => second_hash!(abef, cdgh, ByteOrder::Little),
    }
}

/// The rounds of a block that is the same for every nonce.
#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn constant_block<const N: usize>(rounds: &[u32; 64], first: &mut Each<N>, second: &mut Each<N>) {
    let (mut abef, mut cdgh) = (*first, *second);
    for pairs in rounds.as_chunks::<4>().0 {
        two_rounds!(cdgh, abef, |i| two_constants(pair_of(pairs[0], pairs[1])));
        two_rounds!(abef, cdgh, |i| two_constants(pair_of(pairs[2], pairs[3])));
    }
    (*first, *second) = (abef, cdgh);
}
