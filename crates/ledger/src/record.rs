//! The JSON form of blocks and transactions: what the node answers and takes, and a line of an export.
//!
//! *In:* JSON from anywhere. *Out:* a block or a transaction, or [`FieldErrors`] that name each field that is missing or
//! wrong, all at once.
//!
//! ```text
//! {"index":2,"timestamp":1767225600,"transactions":[…],"proof":41,"previous_hash":"…","hash":"…","merkle_root":"…",
//!  "version":536870912,"bits":"1f00ffff"}
//! ```
//!
//! `hash`, `previous_hash` and `merkle_root` are written as Bitcoin writes them (bytes reversed), `bits` as 8 hex digits.

mod fields;

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::{
    block::{Block, Unchecked},
    header::{BlockHash, Header, MerkleRoot},
    transaction::{MAX_AMOUNT, Transaction, TransactionError},
};
pub use fields::FieldErrors;
use fields::Fields;

/// A block as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct BlockRecord<'b> {
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<&'static str>,
    index: u64,
    timestamp: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    transactions: Option<&'b [Transaction]>,
    proof: u32,
    #[serde(serialize_with = "as_text")]
    previous_hash: BlockHash,
    #[serde(serialize_with = "as_text")]
    hash: BlockHash,
    #[serde(serialize_with = "as_text")]
    merkle_root: MerkleRoot,
    version: i32,
    #[serde(serialize_with = "as_hex")]
    bits: u32,
}

fn as_text<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

#[allow(clippy::trivially_copy_pass_by_ref)] // what serde calls
fn as_hex<S: Serializer>(value: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{value:08x}"))
}

impl<'b> BlockRecord<'b> {
    /// Describes a block.
    pub fn new<State>(block: &'b Block<State>) -> Self {
        let header = block.header();
        Self {
            schema: None,
            index: block.index(),
            timestamp: header.time,
            transactions: Some(block.transactions()),
            proof: header.nonce,
            previous_hash: header.previous_hash,
            hash: block.hash(),
            merkle_root: header.merkle_root,
            version: header.version,
            bits: header.nbits,
        }
    }

    /// Names the schema too, `paydirt.block/1`: for a line that stands alone.
    pub fn with_schema(self) -> Self {
        Self {
            schema: Some("paydirt.block/1"),
            ..self
        }
    }

    /// Leaves the transactions out.
    pub fn without_transactions(self) -> Self {
        Self {
            transactions: None,
            ..self
        }
    }

    /// A block's JSON before and after its transactions: for those who write a large block piece by piece.
    pub fn around_transactions<State>(block: &Block<State>) -> (String, String) {
        const EMPTY: &str = "\"transactions\":[]";
        let without = BlockRecord {
            transactions: Some(&[]),
            ..BlockRecord::new(block)
        };
        let text = serde_json::to_string(&without).expect("plain structures have a JSON form");
        let at = text.find(EMPTY).expect("it has transactions") + EMPTY.len() - 1;
        (text[..at].to_owned(), text[at..].to_owned())
    }

    /// Reads a block. What the block does not need (a schema, anything unknown) is passed over; a hash may be left
    /// out, but must be the block's own if it is there.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn parse(value: &Value) -> Result<Block<Unchecked>, RecordError> {
        let mut fields = Fields::of(value)?;
        let index = fields.number("index", 1, MAX_AMOUNT);
        let time = fields.number("timestamp", 0, u32::MAX.into());
        let nonce = fields.number("proof", 0, u32::MAX.into());
        let version = fields.version();
        let previous_hash = fields.hex64("previous_hash");
        let merkle_root = fields.hex64("merkle_root");
        let bits = fields.bits();
        let transactions = fields.transactions();
        let stated = match fields.map.contains_key("hash") {
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

/// Why JSON is no block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
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

/// Reading transactions.
pub struct TransactionRecord;

impl TransactionRecord {
    /// Reads what a user sends: a transfer, with a tag or without. Amounts may be written as whole numbers in any JSON form
    /// (`5`, `5.0`, `5e0`).
    ///
    /// # Errors
    /// [`FieldErrors`], each field that is missing or wrong among them.
    pub fn parse_transfer(value: &Value) -> Result<Transaction, FieldErrors> {
        let mut fields = Fields::of(value)?;
        let sender = fields.name("sender");
        let recipient = fields.name("recipient");
        let amount = fields.number("amount", 1, MAX_AMOUNT);
        let tag = fields.tag();
        if sender.as_deref() == Some(super::REWARD_SENDER) {
            fields.must(TransactionError::ForgedReward.to_string());
        }
        fields.transaction(sender, recipient, amount, Some(0), tag)
    }

    /// Reads a transaction of a block: a transfer or a reward.
    ///
    /// # Errors
    /// [`FieldErrors`].
    pub fn parse(value: &Value) -> Result<Transaction, FieldErrors> {
        let mut fields = Fields::of(value)?;
        let sender = fields.name("sender");
        let recipient = fields.name("recipient");
        let amount = fields.number("amount", 1, MAX_AMOUNT);
        let extra_nonce = match fields.map.contains_key("extra_nonce") {
            true => fields.number("extra_nonce", 0, MAX_AMOUNT),
            false => Some(0),
        };
        let tag = fields.tag();
        fields.transaction(sender, recipient, amount, extra_nonce, tag)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{ChainParameters, Tag};

    fn refused(value: Value) -> String {
        TransactionRecord::parse_transfer(&value).unwrap_err().to_string()
    }

    #[test]
    fn every_problem_is_named() {
        assert_eq!(
            refused(json!({"sender": "a", "recipient": "b"})),
            "Missing values: amount"
        );
        assert_eq!(refused(json!({})), "Missing values: sender, recipient, amount");
        assert_eq!(
            refused(json!([])),
            "Invalid values: the body must be a JSON object"
        );
        assert_eq!(
            refused(json!({"sender": 7, "amount": -1})),
            "Missing values: recipient; Invalid values: sender must be a string of 1 to 256 characters, \
             amount must be a whole number from 1 to 9007199254740991"
        );
        assert!(refused(json!({"sender": "0", "recipient": "b", "amount": 1})).contains("reward"));
        assert!(refused(json!({"sender": "a", "recipient": "b", "amount": 0})).contains("amount"));
        assert!(refused(json!({"sender": "a", "recipient": "b", "amount": "5"})).contains("amount"));
        assert!(refused(json!({"sender": "a", "recipient": "b", "amount": 1.5})).contains("amount"));
        assert!(
            refused(json!({"sender": "a", "recipient": "b", "amount": 9_007_199_254_740_992_u64}))
                .contains("amount")
        );
        assert!(refused(json!({"sender": "a", "recipient": "b", "amount": null})).starts_with("Missing"));
    }

    #[test]
    fn a_tag_is_a_text_of_sixteen_digits() {
        let with = |tag| json!({"sender": "a", "recipient": "b", "amount": 5, "tag": tag});
        let read = |tag| TransactionRecord::parse_transfer(&with(tag)).map(|transfer| transfer.tag());
        assert_eq!(read(json!("00000000000000ff")), Ok(Tag::new(255)));
        assert_eq!(read(json!(null)), Ok(None));
        for tag in [
            json!(255),
            json!("ff"),
            json!("0000000000000000"),
            json!(["00000000000000ff"]),
        ] {
            assert!(refused(with(tag)).contains("tag must be a string of 16 hex digits"));
        }
        let reward = json!({"sender": "0", "recipient": "b", "amount": 1, "tag": "00000000000000ff"});
        assert!(
            TransactionRecord::parse(&reward)
                .unwrap_err()
                .to_string()
                .contains("only a transfer has one")
        );
    }

    #[test]
    fn whole_numbers_may_be_written_as_floats() {
        for amount in [json!(5), json!(5.0), json!(5e0)] {
            let value = json!({"sender": "a", "recipient": "b", "amount": amount, "memo": "ignored"});
            assert_eq!(TransactionRecord::parse_transfer(&value).unwrap().amount(), 5);
        }
    }

    #[test]
    fn a_block_comes_back() {
        let genesis = ChainParameters::default().genesis();
        let value = serde_json::to_value(BlockRecord::new(&genesis)).unwrap();
        let block = BlockRecord::parse(&value).unwrap();
        assert_eq!(block, genesis.clone().into_unchecked());
        let mut other = value.clone();
        other["hash"] = json!("00".repeat(32));
        assert!(matches!(
            BlockRecord::parse(&other),
            Err(RecordError::Hash { .. })
        ));
        other.as_object_mut().unwrap().remove("hash");
        assert_eq!(BlockRecord::parse(&other), Ok(block));
        let empty = BlockRecord::parse(&json!({})).unwrap_err().to_string();
        assert_eq!(
            empty,
            "Missing values: index, timestamp, proof, version, previous_hash, merkle_root, bits, transactions"
        );
    }

    /// A value that may stand where a block has a number, a hash or a list.
    fn any_value() -> impl Strategy<Value = Value> {
        let numbers = prop_oneof![
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            (0u64..5).prop_map(Value::from),
        ];
        let texts = prop_oneof![".{0,8}", "[0-9a-fA-F]{8}", "[0-9a-f]{64}"].prop_map(Value::from);
        let simple = prop_oneof![
            numbers,
            texts,
            Just(Value::Null),
            Just(json!([])),
            Just(json!({}))
        ];
        let transaction = |name, amount| json!({"sender": name, "recipient": "b", "amount": amount});
        let transactions = prop::collection::vec(("0|a|", simple.clone()), 0..3).prop_map(move |all| {
            all.into_iter()
                .map(|(name, amount)| transaction(name, amount))
                .collect()
        });
        prop_oneof![simple, transactions]
    }

    proptest! {
        /// A good block with one field replaced: read, and then it comes back from its own JSON; or refused.
        #[test]
        fn a_changed_field_is_read_or_refused(field in 0..9usize, to in any_value()) {
            let genesis = ChainParameters::default().genesis();
            let mut value = serde_json::to_value(BlockRecord::new(&genesis)).unwrap();
            let name = value.as_object().unwrap().keys().nth(field).unwrap().clone();
            value[&name] = to;
            match BlockRecord::parse(&value) {
                Ok(block) => {
                    let again = serde_json::to_value(BlockRecord::new(&block)).unwrap();
                    prop_assert_eq!(BlockRecord::parse(&again), Ok(block));
                }
                Err(refused) => prop_assert!(!refused.to_string().is_empty()),
            }
        }

        #[test]
        fn any_transfer_is_read_or_refused(sender in any_value(), amount in any_value()) {
            let value = json!({"sender": sender, "recipient": "b", "amount": amount});
            if let Ok(transfer) = TransactionRecord::parse_transfer(&value) {
                prop_assert_eq!(Some(transfer.sender()), value["sender"].as_str());
                prop_assert_eq!(Some(transfer.amount() as f64), value["amount"].as_f64());
            }
        }
    }
}
