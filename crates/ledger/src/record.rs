//! The JSON form of blocks and transactions: what the node answers and takes, and a line of an export.
//!
//! *In:* JSON from anywhere. *Out:* a block or a transaction, or [`Problems`] that name each field that is missing or
//! wrong, all at once.
//!
//! ```text
//! {"index":2,"timestamp":1767225600,"transactions":[…],"proof":41,"previous_hash":"…","hash":"…","merkle_root":"…",
//!  "version":536870912,"bits":"1f00ffff"}
//! ```
//!
//! `hash`, `previous_hash` and `merkle_root` are written as Bitcoin writes them (bytes reversed), `bits` as 8 hex digits.

use std::fmt;

use bitcoin::{BlockHash, CompactTarget, TxMerkleNode, block, block::Header};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{
    block::{Block, Unchecked},
    rules::MAX_BLOCK_TRANSACTIONS,
    transaction::{MAX_AMOUNT, MAX_NAME_CHARS, Transaction, TransactionError},
};

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
    merkle_root: TxMerkleNode,
    version: i32,
    #[serde(serialize_with = "as_hex")]
    bits: CompactTarget,
}

fn as_text<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn as_hex<S: Serializer>(value: &CompactTarget, serializer: S) -> Result<S::Ok, S::Error> {
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
            previous_hash: header.prev_blockhash,
            hash: block.hash(),
            merkle_root: header.merkle_root,
            version: header.version.to_consensus(),
            bits: header.bits,
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
        let prev_blockhash = fields.hex64("previous_hash");
        let merkle_root = fields.hex64("merkle_root");
        let bits = fields.bits();
        let transactions = fields.transactions();
        let stated = match fields.map.contains_key("hash") {
            true => fields.hex64::<BlockHash>("hash"),
            false => None,
        };
        let header = || {
            Some(Header {
                version: block::Version::from_consensus(version?),
                prev_blockhash: prev_blockhash?,
                merkle_root: merkle_root?,
                time: u32::try_from(time?).ok()?,
                bits: bits?,
                nonce: u32::try_from(nonce?).ok()?,
            })
        };
        let (Some(index), Some(header), Some(transactions), true) =
            (index, header(), transactions, fields.problems.is_empty())
        else {
            return Err(fields.problems.into());
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
pub enum RecordError {
    /// Fields are missing or wrong.
    #[error(transparent)]
    Problems(#[from] Problems),
    /// The hash it states is not its own.
    #[error("its hash is {actual}, not the stated {stated}")]
    Hash {
        /// What stands in it.
        stated: BlockHash,
        /// What its header hashes to.
        actual: BlockHash,
    },
}

/// Everything that is wrong with an object's fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// Names of fields that are not there.
    pub missing: Vec<&'static str>,
    /// What is wrong with fields that are.
    pub invalid: Vec<String>,
}

impl Problems {
    fn invalid(problem: impl fmt::Display) -> Self {
        Self {
            missing: Vec::new(),
            invalid: vec![problem.to_string()],
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.invalid.is_empty()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.missing.is_empty() {
            write!(f, "Missing values: {}", self.missing.join(", "))?;
        }
        if !self.invalid.is_empty() {
            let between = if self.missing.is_empty() { "" } else { "; " };
            write!(f, "{between}Invalid values: {}", self.invalid.join(", "))?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Reading transactions.
pub struct TransactionRecord;

impl TransactionRecord {
    /// Reads what a user sends: a transfer. Amounts may be written as whole numbers in any JSON form (`5`, `5.0`, `5e0`).
    ///
    /// # Errors
    /// [`Problems`], each field that is missing or wrong among them.
    pub fn parse_transfer(value: &Value) -> Result<Transaction, Problems> {
        let mut fields = Fields::of(value)?;
        let sender = fields.name("sender");
        let recipient = fields.name("recipient");
        let amount = fields.number("amount", 1, MAX_AMOUNT);
        if sender.as_deref() == Some(super::REWARD_SENDER) {
            fields
                .problems
                .invalid
                .push(TransactionError::ForgedReward.to_string());
        }
        match (sender, recipient, amount, fields.problems.is_empty()) {
            (Some(sender), Some(recipient), Some(amount), true) => {
                Transaction::transfer(sender, recipient, amount).map_err(Problems::invalid)
            }
            _ => Err(fields.problems),
        }
    }

    /// Reads a transaction of a block: a transfer or a reward.
    ///
    /// # Errors
    /// [`Problems`].
    pub fn parse(value: &Value) -> Result<Transaction, Problems> {
        let mut fields = Fields::of(value)?;
        let sender = fields.name("sender");
        let recipient = fields.name("recipient");
        let amount = fields.number("amount", 1, MAX_AMOUNT);
        let extra_nonce = match fields.map.contains_key("extra_nonce") {
            true => fields.number("extra_nonce", 0, MAX_AMOUNT),
            false => Some(0),
        };
        match (sender, recipient, amount, extra_nonce) {
            (Some(sender), Some(recipient), Some(amount), Some(extra_nonce)) => {
                Transaction::from_parts(sender, recipient, amount, extra_nonce).map_err(Problems::invalid)
            }
            _ => Err(fields.problems),
        }
    }
}

/// An object being read, and what was wrong with it so far.
struct Fields<'v> {
    map: &'v Map<String, Value>,
    problems: Problems,
}

impl<'v> Fields<'v> {
    fn of(value: &'v Value) -> Result<Self, Problems> {
        match value {
            Value::Object(map) => Ok(Self {
                map,
                problems: Problems::default(),
            }),
            _ => Err(Problems::invalid("the body must be a JSON object")),
        }
    }

    /// A field; `null` is as good as none.
    fn get(&mut self, name: &'static str) -> Option<&'v Value> {
        let found = self.map.get(name).filter(|value| !value.is_null());
        if found.is_none() {
            self.problems.missing.push(name);
        }
        found
    }

    fn must(&mut self, problem: String) {
        self.problems.invalid.push(problem);
    }

    fn name(&mut self, name: &'static str) -> Option<String> {
        let text = self.get(name)?.as_str();
        let fits = text.filter(|text| (1..=MAX_NAME_CHARS).contains(&text.chars().count()));
        if fits.is_none() {
            self.must(format!(
                "{name} must be a string of 1 to {MAX_NAME_CHARS} characters"
            ));
        }
        fits.map(str::to_owned)
    }

    fn number(&mut self, name: &'static str, least: u64, most: u64) -> Option<u64> {
        let value = self.get(name)?;
        let number = value.as_u64().or_else(|| whole(value.as_f64()?));
        let fits = number.filter(|number| (least..=most).contains(number));
        if fits.is_none() {
            self.must(format!("{name} must be a whole number from {least} to {most}"));
        }
        fits
    }

    fn version(&mut self) -> Option<i32> {
        let fits = self.get("version")?.as_i64().and_then(|v| i32::try_from(v).ok());
        if fits.is_none() {
            self.must("version must be a whole number of 32 bits".to_owned());
        }
        fits
    }

    fn hex64<T: std::str::FromStr>(&mut self, name: &'static str) -> Option<T> {
        let fits = self.get(name)?.as_str().and_then(|text| text.parse().ok());
        if fits.is_none() {
            self.must(format!("{name} must be a string of 64 hex digits"));
        }
        fits
    }

    fn bits(&mut self) -> Option<CompactTarget> {
        let text = self.get("bits")?.as_str();
        let digits = text.filter(|text| text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit()));
        let fits = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        if fits.is_none() {
            self.must("bits must be a string of 8 hex digits".to_owned());
        }
        fits.map(CompactTarget::from_consensus)
    }

    fn transactions(&mut self) -> Option<Vec<Transaction>> {
        let Some(all) = self.get("transactions")?.as_array() else {
            self.must("transactions must be an array".to_owned());
            return None;
        };
        if all.len() > MAX_BLOCK_TRANSACTIONS {
            self.must(format!("transactions must be at most {MAX_BLOCK_TRANSACTIONS}"));
            return None;
        }
        let mut transactions = Vec::with_capacity(all.len());
        for (position, value) in all.iter().enumerate() {
            match TransactionRecord::parse(value) {
                Ok(transaction) => transactions.push(transaction),
                Err(problems) => {
                    self.must(format!("transaction {position}: {problems}"));
                    return None;
                }
            }
        }
        Some(transactions)
    }
}

/// A float that is a whole number of at most 53 bits.
fn whole(number: f64) -> Option<u64> {
    let fits = number.fract() == 0.0 && (0.0..=MAX_AMOUNT as f64).contains(&number);
    fits.then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::Network;

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
    fn whole_numbers_may_be_written_as_floats() {
        for amount in [json!(5), json!(5.0), json!(5e0)] {
            let value = json!({"sender": "a", "recipient": "b", "amount": amount, "memo": "ignored"});
            assert_eq!(TransactionRecord::parse_transfer(&value).unwrap().amount(), 5);
        }
    }

    #[test]
    fn a_block_comes_back() {
        let genesis = Network::default().genesis();
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
            let genesis = Network::default().genesis();
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
