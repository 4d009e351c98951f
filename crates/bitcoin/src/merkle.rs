//! Merkle trees as Bitcoin builds them: pairs of hashes, hashed twice; an odd one is paired with itself.
//!
//! *In:* ids of transactions, as bytes in the order in which they are hashed (explorers show them reversed). *Out:* the
//! root, or the branch of the first one. *The idea:* only the coinbase changes while mining, and it is the first leaf:
//! its branch is all that is needed of the other transactions.

use bitcoin_hashes::sha256d;

/// A hash of 32 bytes, in the order in which it is hashed again.
pub type Bytes32 = [u8; 32];

/// SHA-256 twice: the id of a transaction, given its bytes without witness.
pub fn sha256d(bytes: &[u8]) -> Bytes32 {
    sha256d::Hash::hash(bytes).to_byte_array()
}

/// The hash of two nodes.
fn pair(left: &Bytes32, right: &Bytes32) -> Bytes32 {
    sha256d::Hash::hash_byte_chunks(&[left, right]).to_byte_array()
}

/// The root over the first leaf and its branch.
pub fn root_of_first(first: Bytes32, branch: &[Bytes32]) -> Bytes32 {
    branch.iter().fold(first, |left, right| pair(&left, right))
}

/// The branch of the first leaf, which is not among `others`: what it is hashed with, from the leaves to the root.
pub fn branch_of_first(others: &[Bytes32]) -> Vec<Bytes32> {
    let mut branch = Vec::new();
    let mut row = others.to_vec();
    while let Some((right, rest)) = row.split_first() {
        branch.push(*right);
        row = next_row(rest);
    }
    branch
}

/// The root over all leaves; `None` over none.
pub fn root(leaves: &[Bytes32]) -> Option<Bytes32> {
    let mut row = leaves.to_vec();
    while row.len() > 1 {
        row = next_row(&row);
    }
    row.first().copied()
}

fn next_row(row: &[Bytes32]) -> Vec<Bytes32> {
    row.chunks(2)
        .map(|two| pair(&two[0], two.last().expect("chunks are not empty")))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A hash as explorers show it.
    fn shown(text: &str) -> Bytes32 {
        let mut bytes: Bytes32 = hex::decode(text).unwrap().try_into().unwrap();
        bytes.reverse();
        bytes
    }

    /// Block 100,000.
    #[test]
    fn four_transactions_of_a_real_block() {
        let ids = [
            "8c14f0db3df150123e6f3dbbf30f8b955a8249b62ac1d1ff16284aefa3d06d87",
            "fff2525b8931402dd09222c50775608f75787bd2b87e56995a7bdd30f79702c4",
            "6359f0868171b1d194cbee1af2f16ea598ae8fad666d9b012c8ed2b79a236ec4",
            "e9a66845e05d5abc0ad04ec80f774a7e585c6e8db975962d069a522137b80c1d",
        ]
        .map(shown);
        let expected = shown("f3e94742aca4b5ef85488dc37c06c3282295ffec960994b2c0d5ac2a25a95766");
        assert_eq!(root(&ids), Some(expected));
        assert_eq!(root_of_first(ids[0], &branch_of_first(&ids[1..])), expected);
    }

    #[test]
    fn one_leaf_is_the_root_and_none_has_none() {
        assert_eq!(root(&[[7; 32]]), Some([7; 32]));
        assert_eq!(root_of_first([7; 32], &branch_of_first(&[])), [7; 32]);
        assert_eq!(root(&[]), None);
    }

    proptest! {
        #[test]
        fn a_branch_leads_to_the_root(leaves in proptest::collection::vec(any::<Bytes32>(), 1..40)) {
            let branch = branch_of_first(&leaves[1..]);
            prop_assert_eq!(Some(root_of_first(leaves[0], &branch)), root(&leaves));
        }
    }
}
