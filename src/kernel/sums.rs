//! The whole schedule of a block for nonces side by side, summed with the round constants.
//!
//! *In:* the block's words, of each nonce. *Out:* K + W of all rounds. It is for blocks that many midstates share: there it
//! is computed once for all of them.

use paydirt_sha256::{K, small_sigma_0, small_sigma_1};

/// Sums of round constant and word: that of round `t` and nonce `i` at `[t][i]`.
pub(crate) type Sums<const NONCES: usize> = [[u32; NONCES]; 64];

/// Makes sums of the blocks whose words are the first sixteen.
///
/// Plain loops, inlined into each kernel's scan: there they become its vector instructions. A word's constant is added
/// when no later word needs it any more, which also keeps the compiler from taking the wrong loop for the one to
/// vectorise.
#[inline(always)]
pub(crate) fn expand<const NONCES: usize>(words: &mut Sums<NONCES>) {
    for t in 16..80 {
        let (before, after) = words.split_at_mut(t.min(64));
        if let Some(word) = after.first_mut() {
            let [two, seven, fifteen, sixteen] = [2, 7, 15, 16].map(|back| &before[t - back]);
            for i in 0..NONCES {
                word[i] = small_sigma_1(two[i])
                    .wrapping_add(seven[i])
                    .wrapping_add(small_sigma_0(fifteen[i]))
                    .wrapping_add(sixteen[i]);
            }
        }
        for sum in &mut before[t - 16] {
            *sum = sum.wrapping_add(K[t - 16]);
        }
    }
}
