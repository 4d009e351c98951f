//! A block or a transaction from the text of its JSON.
//!
//! *In:* any bytes. *Out:* the block or the transaction, or what is wrong with the fields. What it takes in memory beside the text
//! is what comes out of it: a block's transactions are read one after the other, each from where it stands.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::{
    block::{Block, Unchecked},
    header::{BlockHash, Header},
    record::{
        BlockRecord,
        fields::{FieldErrors, Fields},
        json::{Kind, Name, Object, PassedOver, Slots, Wants},
    },
    rules::MAX_BLOCK_TRANSACTIONS,
    transaction::{MAX_AMOUNT, REWARD_SENDER, Transaction, TransactionError},
};

/// The least that a transaction takes in a block's JSON, and a comma.
const LEAST_BYTES: usize = r#"{"sender":"a","recipient":"b","amount":1},"#.len();
/// How many unknown fields are named in an error.
const NAMED: usize = 5;

/// Why JSON is not a block or a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It is no JSON.
    #[error("it is not JSON: {0}")]
    Json(String),
    /// Fields are missing or wrong.
    #[error(transparent)]
    Fields(#[from] FieldErrors),
    /// The hash it states is not its own.
    #[error("its hash is {actual}, not the stated {stated}")]
    Hash {
        /// What stands in it.
        stated: BlockHash,
        /// What its header hashes to.
        actual: BlockHash,
    },
}

/// Reads all of the text as one value.
fn read<'t, S: DeserializeSeed<'t>>(text: &'t [u8], seed: S) -> Result<S::Value, RecordError> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let read = seed.deserialize(&mut reader);
    let read = read.and_then(|read| reader.end().map(|()| read));
    read.map_err(|error| match error.classify() {
        // It is JSON, but two readers may take it for two things.
        serde_json::error::Category::Data => FieldErrors::invalid(error).into(),
        _ => RecordError::Json(error.to_string()),
    })
}

impl BlockRecord<'_> {
    /// Reads a block. What the block does not need (a schema, anything unknown) is passed over; a hash may be left
    /// out, but must be the block's own if it is there. Its transactions have no unknown fields.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn parse(text: &[u8]) -> Result<Block<Unchecked>, RecordError> {
        let mut wanted = BlockFields {
            slots: Slots::new([
                "index",
                "timestamp",
                "proof",
                "version",
                "previous_hash",
                "merkle_root",
                "bits",
                "hash",
            ]),
            text_bytes: text.len(),
            transactions: Listed::Missing,
        };
        if read(text, Object(&mut wanted))? != Kind::Object {
            return Err(FieldErrors::no_object().into());
        }
        let mut fields = Fields::new(wanted.slots);
        let index = fields.number("index", 1, MAX_AMOUNT);
        let time = fields.number("timestamp", 0, u32::MAX.into());
        let nonce = fields.number("proof", 0, u32::MAX.into());
        let version = fields.version();
        let previous_hash = fields.hex64("previous_hash");
        let merkle_root = fields.hex64("merkle_root");
        let bits = fields.bits();
        let mut transactions = None;
        match wanted.transactions {
            Listed::Missing => fields.errors.missing.push("transactions"),
            Listed::Wrong(problem) => fields.must(problem),
            Listed::Read(read) => transactions = Some(read),
        }
        let stated = match fields.has("hash") {
            true => fields.hex64::<BlockHash>("hash"),
            false => None,
        };
        let header = || {
            Some(Header {
                version: version?,
                previous_hash: previous_hash?,
                merkle_root: merkle_root?,
                time: u32::try_from(time?).ok()?,
                nbits: bits?,
                nonce: u32::try_from(nonce?).ok()?,
            })
        };
        let (Some(index), Some(header), Some(transactions), true) =
            (index, header(), transactions, fields.errors.is_empty())
        else {
            return Err(fields.errors.into());
        };
        let block = Block::new(index, header, transactions);
        match stated {
            Some(stated) if stated != block.hash() => Err(RecordError::Hash {
                stated,
                actual: block.hash(),
            }),
            _ => Ok(block),
        }
    }
}

/// Reading transactions.
pub struct TransactionRecord;

impl TransactionRecord {
    /// Reads what a user sends: a transfer, with a tag or without. Amounts may be written as whole numbers in any JSON form
    /// (`5`, `5.0`, `5e0`).
    ///
    /// # Errors
    /// [`RecordError`], each field that is missing, wrong or unknown in it.
    pub fn parse_transfer(text: &[u8]) -> Result<Transaction, RecordError> {
        let mut wanted = TransactionFields::new(["sender", "recipient", "amount", "tag"]);
        if read(text, Object(&mut wanted))? != Kind::Object {
            return Err(FieldErrors::no_object().into());
        }
        let mut fields = wanted.named("transfer");
        let sender = fields.name("sender");
        let recipient = fields.name("recipient");
        let amount = fields.number("amount", 1, MAX_AMOUNT);
        let tag = fields.tag();
        if sender.as_deref() == Some(REWARD_SENDER) {
            fields.must(TransactionError::ForgedReward.to_string());
        }
        Ok(fields.transaction(sender, recipient, amount, Some(0), tag)?)
    }

    /// Reads a transaction of a block: a transfer or a reward.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn parse(text: &[u8]) -> Result<Transaction, RecordError> {
        Ok(read(text, OfBlock)??)
    }
}

/// The fields of a transaction, and the names of those that it does not have.
struct TransactionFields<'t, const N: usize> {
    slots: Slots<'t, N>,
    unknown: Vec<String>,
}

impl<'t, const N: usize> TransactionFields<'t, N> {
    fn new(names: [&'static str; N]) -> Self {
        Self {
            slots: Slots::new(names),
            unknown: Vec::new(),
        }
    }

    /// To be looked at, as what it is meant to be.
    fn named(self, what: &str) -> Fields<'t, N> {
        let mut fields = Fields::new(self.slots);
        for name in self.unknown {
            fields.must(format!("{name} is no field of a {what}"));
        }
        fields
    }
}

impl<'t, const N: usize> Wants<'t> for TransactionFields<'t, N> {
    fn take<A: MapAccess<'t>>(&mut self, name: &Name<'t>, values: &mut A) -> Result<bool, A::Error> {
        let known = self.slots.take(name, values)?;
        if !known && self.unknown.len() < NAMED {
            self.unknown.push(name.to_string());
        }
        Ok(known)
    }
}

/// A transaction where it stands in a block.
struct OfBlock;

impl<'t> DeserializeSeed<'t> for OfBlock {
    type Value = Result<Transaction, FieldErrors>;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let names = ["sender", "recipient", "amount", "extra_nonce", "tag"];
        let mut wanted = TransactionFields::new(names);
        if Object(&mut wanted).deserialize(deserializer)? != Kind::Object {
            return Ok(Err(FieldErrors::no_object()));
        }
        let mut fields = wanted.named("transaction");
        let sender = fields.name("sender");
        let recipient = fields.name("recipient");
        let amount = fields.number("amount", 1, MAX_AMOUNT);
        let extra_nonce = match fields.has("extra_nonce") {
            true => fields.number("extra_nonce", 0, MAX_AMOUNT),
            false => Some(0),
        };
        let tag = fields.tag();
        Ok(fields.transaction(sender, recipient, amount, extra_nonce, tag))
    }
}

/// The fields of a block.
struct BlockFields<'t> {
    slots: Slots<'t, 8>,
    text_bytes: usize,
    transactions: Listed,
}

/// A block's transactions, read or not.
enum Listed {
    Missing,
    /// With the reason.
    Wrong(String),
    Read(Vec<Transaction>),
}

impl<'t> Wants<'t> for BlockFields<'t> {
    fn take<A: MapAccess<'t>>(&mut self, name: &Name<'t>, values: &mut A) -> Result<bool, A::Error> {
        if !name.is("transactions") {
            return self.slots.take(name, values);
        }
        let most = self.text_bytes / LEAST_BYTES + 1;
        self.transactions = values.next_value_seed(List { most })?;
        Ok(true)
    }
}

/// Reads a list of transactions, of which the text has room for so many.
struct List {
    most: usize,
}

impl<'t> DeserializeSeed<'t> for List {
    type Value = Listed;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Listed, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl List {
    fn no_list<E>() -> Result<Listed, E> {
        Ok(Listed::Wrong("transactions must be an array".to_owned()))
    }
}

impl<'t> Visitor<'t> for List {
    type Value = Listed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut list: A) -> Result<Listed, A::Error> {
        let mut transactions = Vec::with_capacity(self.most.min(MAX_BLOCK_TRANSACTIONS));
        let wrong = loop {
            if transactions.len() == MAX_BLOCK_TRANSACTIONS {
                match list.next_element::<PassedOver>()? {
                    Some(_) => break format!("transactions must be at most {MAX_BLOCK_TRANSACTIONS}"),
                    None => return Ok(Listed::Read(transactions)),
                }
            }
            match list.next_element_seed(OfBlock)? {
                None => return Ok(Listed::Read(transactions)),
                Some(Ok(transaction)) => transactions.push(transaction),
                Some(Err(errors)) => break format!("transaction {}: {errors}", transactions.len()),
            }
        };
        drop(transactions);
        while list.next_element::<PassedOver>()?.is_some() {}
        Ok(Listed::Wrong(wrong))
    }

    fn visit_map<A: MapAccess<'t>>(self, fields: A) -> Result<Listed, A::Error> {
        Object(&mut PassedOver).visit_map(fields)?;
        Self::no_list()
    }

    fn visit_unit<E>(self) -> Result<Listed, E> {
        Ok(Listed::Missing)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Listed, E> {
        Self::no_list()
    }

    fn visit_i64<E>(self, _: i64) -> Result<Listed, E> {
        Self::no_list()
    }

    fn visit_u64<E>(self, _: u64) -> Result<Listed, E> {
        Self::no_list()
    }

    fn visit_f64<E>(self, _: f64) -> Result<Listed, E> {
        Self::no_list()
    }

    fn visit_str<E>(self, _: &str) -> Result<Listed, E> {
        Self::no_list()
    }
}
