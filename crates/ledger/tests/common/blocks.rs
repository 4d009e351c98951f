//! Blocks made by hand, with the `bitcoin` crate alone: what the ledger's own code is held against.

#![allow(dead_code)] // each test binary uses a part

use bitcoin::{
    BlockHash, CompactTarget, TxMerkleNode,
    block::{Header, Version},
    hashes::{Hash as _, sha256d},
    merkle_tree,
};
use paydirt_ledger::{Block, Network, Transaction, Unchecked};

/// One bit: two hashes a block.
pub fn easy() -> Network {
    Network::fixed(1.0).expect("in range")
}

/// A block in the making: a child of `parent` with one reward, a minute later.
#[derive(Clone)]
pub struct Maker {
    pub index: u64,
    pub header: Header,
    pub transactions: Vec<Transaction>,
    /// Whether the header is to commit to the transactions.
    pub commit: bool,
}

impl Maker {
    pub fn after<S>(parent: &Block<S>, nbits: CompactTarget) -> Self {
        Self {
            index: parent.index() + 1,
            header: Header {
                version: Version::from_consensus(1),
                prev_blockhash: parent.hash(),
                merkle_root: TxMerkleNode::all_zeros(),
                time: parent.header().time + 60,
                bits: nbits,
                nonce: 0,
            },
            transactions: vec![Transaction::reward("somebody", 1, 0).unwrap()],
            commit: true,
        }
    }

    /// A child of `parent` under the easy network's rules.
    pub fn easy<S>(parent: &Block<S>) -> Self {
        Self::after(parent, easy().nbits())
    }

    /// Another reward, so that two children of one parent differ.
    pub fn rewarding(mut self, whom: &str) -> Self {
        self.transactions[0] = Transaction::reward(whom, 1, 0).unwrap();
        self
    }

    pub fn with(mut self, transaction: Transaction) -> Self {
        self.transactions.push(transaction);
        self
    }

    /// Counts the nonce up until the hash meets the header's own target.
    pub fn mined(self) -> Block<Unchecked> {
        self.found(true)
    }

    /// Counts the nonce up until the hash misses the header's own target.
    pub fn not_mined(self) -> Block<Unchecked> {
        self.found(false)
    }

    fn found(mut self, met: bool) -> Block<Unchecked> {
        if self.commit {
            self.header.merkle_root = merkle_root(&self.transactions);
        }
        while self.header.target().is_met_by(self.header.block_hash()) != met {
            self.header.nonce += 1;
        }
        Block::new(self.index, self.header, self.transactions)
    }
}

pub fn merkle_root(transactions: &[Transaction]) -> TxMerkleNode {
    let id = |transaction: &Transaction| {
        let json = format!(
            r#"{{"amount":{},"recipient":{:?},"sender":{:?}}}"#,
            transaction.amount(),
            transaction.recipient(),
            transaction.sender()
        );
        TxMerkleNode::from_raw_hash(sha256d::Hash::hash(json.as_bytes()))
    };
    merkle_tree::calculate_root(transactions.iter().map(id)).unwrap_or(TxMerkleNode::all_zeros())
}

/// `count` blocks after `parent`, each with a reward for `whom`.
pub fn branch<S: Clone>(parent: &Block<S>, whom: &str, count: usize) -> Vec<Block<Unchecked>> {
    let mut blocks: Vec<Block<Unchecked>> = Vec::with_capacity(count);
    for _ in 0..count {
        let next = match blocks.last() {
            Some(last) => Maker::easy(last),
            None => Maker::easy(parent),
        };
        blocks.push(next.rewarding(whom).mined());
    }
    blocks
}

pub fn transfer(amount: u64) -> Transaction {
    Transaction::transfer("alice", "bob", amount).unwrap()
}

/// Hash of nothing known.
pub fn nowhere() -> BlockHash {
    BlockHash::from_byte_array([0xab; 32])
}
