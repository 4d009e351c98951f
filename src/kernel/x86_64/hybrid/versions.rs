//! A header in many versions: what the assembly wants of each version, and of each nonce.
//!
//! *In:* a stretch with a midstate for each version, header nonces. *Out:* the versions' states, the nonces' sums, and for
//! each batch where its own are.

use super::{super::halves::Version, layout::LANES};
use crate::kernel::{stretch::Stretch, sums::expand};

/// Versions of a nonce at most.
pub(super) const MOST: usize = 128;
/// Nonces whose schedules are computed side by side.
const NONCES: usize = 16;

/// Constant and word of each round of a nonce's block; in the place of the first two, which versions have behind
/// them, are zero and the sum of the nonce's round.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Sums([u32; 64]);

/// The word that the nonce is.
const NONCE: usize = 3;

pub(super) struct Versions {
    versions: Vec<Version>,
    sums: Vec<Sums>,
}

impl Versions {
    pub(super) fn new() -> Self {
        Self {
            versions: Vec::new(),
            sums: Vec::new(),
        }
    }

    /// Arranges the versions of a stretch.
    pub(super) fn pack(&mut self, stretch: &Stretch<'_>) {
        self.versions.clear();
        self.versions.extend(stretch.starts.iter().map(Version::of));
    }

    /// Computes the sums of nonces: these are their words.
    #[inline(always)]
    pub(super) fn sum(&mut self, block: &[u32; 16], nonces: &[u32]) {
        self.sums.clear();
        for nonces in nonces.chunks(NONCES) {
            let mut words = [[0; NONCES]; 64];
            (words.iter_mut().zip(block)).for_each(|(words, word)| *words = [*word; NONCES]);
            words[NONCE][..nonces.len()].copy_from_slice(nonces);
            expand(&mut words);
            self.sums.extend((0..nonces.len()).map(|i| {
                // Word by word: `words.map` copies all 4 KiB for each nonce.
                let mut sums = std::array::from_fn(|t| words[t][i]);
                (sums[0], sums[1]) = (0, sums[NONCE]);
                Sums(sums)
            }));
        }
    }

    /// The addresses of the sums and the first version of each batch: nonce after nonce, version after version.
    pub(super) fn addresses(&self) -> impl Iterator<Item = [u64; 2]> {
        let versions = self.versions.chunks_exact(LANES);
        self.sums.iter().flat_map(move |sums| {
            let address = |versions: &[Version]| [&raw const *sums as u64, versions.as_ptr() as u64];
            versions.clone().map(address)
        })
    }
}

#[cfg(test)]
mod tests {
    use paydirt_sha256::{K, schedule};

    use super::*;

    #[test]
    fn sums_are_those_of_each_nonces_block() {
        let block = std::array::from_fn(|t| (t as u32).wrapping_mul(0x1234_5677));
        let nonces: Vec<u32> = (0..37u32).map(|i| i.wrapping_mul(0x7101_0103)).collect();
        let mut versions = Versions::new();
        versions.sum(&block, &nonces);
        assert_eq!(versions.sums.len(), nonces.len());
        for (sums, nonce) in versions.sums.iter().zip(nonces) {
            let mut block = block;
            block[NONCE] = nonce;
            let schedule = schedule(&block);
            assert!((2..64).all(|t| sums.0[t] == K[t].wrapping_add(schedule[t])));
            assert_eq!(sums.0[..2], [0, K[NONCE].wrapping_add(nonce)]);
        }
    }
}
