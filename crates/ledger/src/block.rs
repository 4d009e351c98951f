//! A block: its place, the 80 bytes of a Bitcoin header, and its transactions.
//!
//! *In:* parts from anywhere. *Out:* a `Block<Unchecked>`, which says nothing about itself, and which only
//! [`Block::validate`] turns into a `Block<Checked>`, the one kind the chain takes.

use crate::{
    header::{BlockHash, Header},
    identity::TransactionId,
    rules::{self, ParentState, RuleError},
    transaction::{Transaction, TransactionError, take},
};

/// The `version` that blocks made here carry: BIP 9's bits, none set.
pub const VERSION: i32 = 0x2000_0000;

/// A block about which nothing is known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unchecked;

/// A block that passed every rule at its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    ids: Vec<TransactionId>,
}

/// A block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block<State = Checked> {
    index: u64,
    header: Header,
    transactions: Vec<Transaction>,
    state: State,
}

impl<State> Block<State> {
    /// Its number: 1 for genesis.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Its header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Its transactions, the reward first.
    pub fn transactions(&self) -> &[Transaction] {
        &self.transactions
    }

    /// Its transactions alone.
    pub(super) fn into_transactions(self) -> Vec<Transaction> {
        self.transactions
    }

    /// The double SHA-256 of its header. Printed with the bytes reversed, as Bitcoin does, so that it begins with zeros.
    pub fn hash(&self) -> BlockHash {
        self.header.hash()
    }

    /// The same block with its checks forgotten.
    pub fn into_unchecked(self) -> Block<Unchecked> {
        Block::new(self.index, self.header, self.transactions)
    }

    /// How many bytes the stored form has.
    pub fn stored_len(&self) -> usize {
        92 + self
            .transactions
            .iter()
            .map(Transaction::stored_len)
            .sum::<usize>()
    }

    /// The stored form: index (u64), header (80 bytes), number of transactions (u32), transactions; little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.stored_len());
        bytes.extend_from_slice(&self.index.to_le_bytes());
        bytes.extend_from_slice(&self.header.to_bytes());
        let count = u32::try_from(self.transactions.len()).expect("the rules allow far fewer");
        bytes.extend_from_slice(&count.to_le_bytes());
        for transaction in &self.transactions {
            transaction.write(&mut bytes);
        }
        bytes
    }
}

impl Block<Unchecked> {
    /// Puts the parts together.
    pub fn new(index: u64, header: Header, transactions: Vec<Transaction>) -> Self {
        Self {
            index,
            header,
            transactions,
            state: Unchecked,
        }
    }

    /// Checks every rule that needs no other block.
    ///
    /// # Errors
    /// The first [`RuleError`] it breaks.
    pub(super) fn check_content(&self) -> Result<Vec<TransactionId>, RuleError> {
        rules::check_content(&self.header, &self.transactions)
    }

    /// Checks the block at its place: after the parent whose state is given, at `now` seconds since 1970.
    ///
    /// # Errors
    /// The first [`RuleError`] it breaks.
    pub fn validate(self, parent: &ParentState, now_s: u64) -> Result<Block<Checked>, RuleError> {
        let ids = self.check_content()?;
        self.validate_rest(ids, parent, Some(now_s))
    }

    /// What [`Block::validate`] does after [`Block::check_content`] gave `ids`. Without a clock, the rule about times
    /// in the future is left out: a block that was accepted once stays accepted when a clock is set back.
    pub(super) fn validate_rest(
        self,
        ids: Vec<TransactionId>,
        parent: &ParentState,
        now_s: Option<u64>,
    ) -> Result<Block<Checked>, RuleError> {
        rules::check_place(self.index, &self.header, parent)?;
        rules::check_reward(self.transactions[0].amount(), parent)?;
        if let Some(now_s) = now_s {
            rules::check_clock(&self.header, parent, now_s)?;
        }
        Ok(Block {
            index: self.index,
            header: self.header,
            transactions: self.transactions,
            state: Checked { ids },
        })
    }

    /// Whether its transactions are those that its header commits to, none of them twice: whoever changes the transactions of
    /// a good block makes one of which this is false (CVE-2012-2459 among them).
    pub fn is_whole(&self) -> bool {
        let ids: Vec<_> = self.transactions.iter().map(Transaction::id).collect();
        self.header.commits_to(&ids)
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`TransactionError`] when the bytes are no block, or more than one.
    pub fn from_bytes(mut bytes: &[u8]) -> Result<Self, TransactionError> {
        let bytes = &mut bytes;
        let index = u64::from_le_bytes(take(bytes)?);
        let header = Header::from_bytes(&take::<80>(bytes)?);
        let count = u32::from_le_bytes(take(bytes)?);
        let transactions = (0..count)
            .map(|_| Transaction::read(bytes))
            .collect::<Result<_, _>>()?;
        if !bytes.is_empty() {
            return Err(TransactionError::Bytes);
        }
        Ok(Self::new(index, header, transactions))
    }
}

impl Block<Checked> {
    /// The ids of its transactions, in order.
    pub fn ids(&self) -> &[TransactionId] {
        &self.state.ids
    }
}
