//! What tells transactions apart: the id that a transaction has, and the tag that makes a transfer's id its own.

use std::{fmt, num::NonZeroU64, str::FromStr, sync::Arc};

use serde::{Serialize, Serializer};

use crate::transaction::{Transaction, TransactionError};

/// The double SHA-256 of a transaction's canonical JSON. Printed in the order in which the digest puts its bytes out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransactionId([u8; 32]);

impl TransactionId {
    /// Takes the 32 bytes as the digest puts them out.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes as the digest puts them out.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransactionId({self})")
    }
}

impl FromStr for TransactionId {
    type Err = TransactionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| TransactionError::Id)?;
        Ok(Self(bytes))
    }
}

/// What tells a transfer from another one of the same names and amount: 64 bits, not all zero. Written as 16 hex digits,
/// in JSON too, where a number above 2^53 would lose its last digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(NonZeroU64);

impl Tag {
    /// The tag that is this number; `None` for 0.
    pub const fn new(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// One that nobody has: the system's randomness. Among four billion of them, two are alike with a chance of 1 in 2.
    ///
    /// # Panics
    /// When the system has no randomness.
    pub fn random() -> Self {
        loop {
            let number = getrandom::u64().expect("the system has randomness");
            if let Some(tag) = Self::new(number) {
                return tag;
            }
        }
    }

    /// The number.
    pub const fn to_u64(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({self})")
    }
}

impl FromStr for Tag {
    type Err = TransactionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 8];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| TransactionError::Tag)?;
        Self::new(u64::from_be_bytes(bytes)).ok_or(TransactionError::Tag)
    }
}

impl Serialize for Tag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A transaction and its id, which whoever brings it computes, once. Clones share the transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    id: TransactionId,
    transaction: Arc<Transaction>,
}

impl Identified {
    /// Its id.
    pub fn id(&self) -> TransactionId {
        self.id
    }

    /// The transaction.
    pub fn transaction(&self) -> &Transaction {
        &self.transaction
    }
}

impl From<Transaction> for Identified {
    fn from(transaction: Transaction) -> Self {
        Self {
            id: transaction.id(),
            transaction: Arc::new(transaction),
        }
    }
}
