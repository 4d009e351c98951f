//! Blocks made by hand, hashed by the oracle: what the ledger's own code is held against.

#![allow(dead_code)] // each test binary uses a part

use paydirt_ledger::{Block, BlockHash, ChainParameters, Header, MerkleRoot, Transaction, Unchecked};
use paydirt_sha256::sha256;

/// One bit: two hashes a block.
pub fn easy() -> ChainParameters {
    ChainParameters::fixed(1.0).expect("in range")
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
    pub fn after<S>(parent: &Block<S>, nbits: u32) -> Self {
        Self {
            index: parent.index() + 1,
            header: Header {
                version: 1,
                previous_hash: parent.hash(),
                merkle_root: MerkleRoot::from_bytes([0; 32]),
                time: parent.header().time + 60,
                nbits,
                nonce: 0,
            },
            transactions: vec![Transaction::reward("somebody", 1, 0).unwrap()],
            commit: true,
        }
    }

    /// A child of `parent` of the easy chain.
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
        while self.header.meets_target() != met {
            self.header.nonce += 1;
        }
        Block::new(self.index, self.header, self.transactions)
    }
}

pub fn sha256d(bytes: &[u8]) -> [u8; 32] {
    sha256(&sha256(bytes))
}

/// The root as the rule is written: pairs, level by level, the last of an odd level with itself.
pub fn merkle_root(transactions: &[Transaction]) -> MerkleRoot {
    let id = |transaction: &Transaction| {
        let tag = transaction
            .tag()
            .map_or(String::new(), |tag| format!(r#","tag":"{tag}""#));
        let json = format!(
            r#"{{"amount":{},"recipient":{:?},"sender":{:?}{tag}}}"#,
            transaction.amount(),
            transaction.recipient(),
            transaction.sender()
        );
        sha256d(json.as_bytes())
    };
    let mut level: Vec<_> = transactions.iter().map(id).collect();
    while level.len() > 1 {
        let pair = |pair: &[[u8; 32]]| sha256d(&[pair[0], pair[pair.len() - 1]].concat());
        level = level.chunks(2).map(pair).collect();
    }
    MerkleRoot::from_bytes(level.first().copied().unwrap_or_default())
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
    BlockHash::from_bytes([0xab; 32])
}
