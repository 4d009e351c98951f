//! The tree of hashes by which a header commits to its transactions.
//!
//! *In:* transaction ids in the order of the block. *Out:* the root, as Bitcoin computes it: neighbours are hashed in
//! pairs (sha256d), level by level, and the last of an odd level is paired with itself.
//!
//! That last rule lets two different lists have one root: `[a, b, c]` and `[a, b, c, c]` (CVE-2012-2459). The rules
//! therefore refuse a list that repeats an id before they look at its root.

use crate::{
    header::{Header, MerkleRoot, sha256d},
    identity::TransactionId,
};

/// The Merkle root of `ids`; `None` for no ids.
pub(super) fn root(ids: &[TransactionId]) -> Option<MerkleRoot> {
    let (first, others) = ids.split_first()?;
    Some(Branch::beside(others).root(*first))
}

impl Header {
    /// Whether a block with this header has the transactions with these ids, in this order, none of them twice.
    pub fn commits_to(&self, ids: &[TransactionId]) -> bool {
        let mut sorted = ids.to_vec();
        sorted.sort_unstable();
        root(ids) == Some(self.merkle_root) && sorted.windows(2).all(|pair| pair[0] != pair[1])
    }
}

/// What the first leaf is hashed with, level by level, on its way to the root: everything but the reward.
#[derive(Clone, Debug)]
pub(super) struct Branch(Vec<[u8; 32]>);

impl Branch {
    /// The branch beside a first leaf that is followed by `others`.
    pub(super) fn beside(others: &[TransactionId]) -> Self {
        let mut branch = Vec::new();
        // A level without its first node, which is not known yet.
        let mut level: Vec<[u8; 32]> = others.iter().map(|id| id.to_bytes()).collect();
        while !level.is_empty() {
            if level.len().is_multiple_of(2) {
                level.push(level[level.len() - 1]);
            }
            branch.push(level[0]);
            level = level[1..]
                .chunks_exact(2)
                .map(|pair| parent(&pair[0], &pair[1]))
                .collect();
        }
        Self(branch)
    }

    /// The root with `first` as the first leaf.
    pub(super) fn root(&self, first: TransactionId) -> MerkleRoot {
        let fold = |node, beside: &[u8; 32]| parent(&node, beside);
        MerkleRoot::from_bytes(self.0.iter().fold(first.to_bytes(), fold))
    }
}

fn parent(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let mut both = [0; 64];
    both[..32].copy_from_slice(left);
    both[32..].copy_from_slice(right);
    sha256d(&both)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Level by level, as the rule is written.
    fn plainly(ids: &[TransactionId]) -> [u8; 32] {
        let mut level: Vec<_> = ids.iter().map(|id| id.to_bytes()).collect();
        while level.len() > 1 {
            let pair = |pair: &[[u8; 32]]| [pair[0], pair[pair.len() - 1]].concat();
            let sha256d = |pair: Vec<u8>| paydirt_sha256::sha256(&paydirt_sha256::sha256(&pair));
            level = level.chunks(2).map(pair).map(sha256d).collect();
        }
        level[0]
    }

    #[test]
    fn roots_are_what_the_oracle_computes() {
        let ids: Vec<_> = (0..40u8).map(|i| TransactionId::from_bytes([i; 32])).collect();
        for length in 1..=ids.len() {
            let root = root(&ids[..length]).unwrap();
            assert_eq!(root.to_bytes(), plainly(&ids[..length]), "{length} leaves");
        }
        assert_eq!(root(&[]), None);
    }

    #[test]
    fn a_repeated_tail_has_the_same_root() {
        let ids: Vec<_> = (0..3u8).map(|i| TransactionId::from_bytes([i; 32])).collect();
        let repeated = [ids[0], ids[1], ids[2], ids[2]];
        assert_eq!(
            root(&ids),
            root(&repeated),
            "CVE-2012-2459: why the rules refuse repeats"
        );
    }
}
