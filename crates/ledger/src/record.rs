//! The JSON form of blocks and transactions: what the node answers and takes, and a line of an export.
//!
//! *In:* JSON from anywhere, as text. *Out:* a block or a transaction, or [`FieldErrors`] that name each field that is missing or
//! wrong, all at once.
//!
//! ```text
//! {"index":2,"timestamp":1767225600,"transactions":[…],"proof":41,"previous_hash":"…","hash":"…","merkle_root":"…",
//!  "version":536870912,"bits":"1f00ffff"}
//! ```
//!
//! `hash`, `previous_hash` and `merkle_root` are written as Bitcoin writes them (bytes reversed), `bits` as 8 hex digits. Numbers are
//! read exactly: `5`, `5.0` and `5e0` are 5, `4.9999999999999999999` is not.

mod fields;
mod json;
mod reading;

use std::fmt;

use serde::{Serialize, Serializer};

use crate::{
    block::Block,
    header::{BlockHash, MerkleRoot},
    transaction::Transaction,
};
pub use fields::FieldErrors;
pub use json::whole_number;
pub use reading::{RecordError, TransactionRecord};

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
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::{Block, ChainParameters, Tag, Unchecked};

    fn read_transfer(value: &Value) -> Result<Transaction, RecordError> {
        TransactionRecord::parse_transfer(value.to_string().as_bytes())
    }

    fn read_block(value: &Value) -> Result<Block<Unchecked>, RecordError> {
        BlockRecord::parse(value.to_string().as_bytes())
    }

    fn refused(value: Value) -> String {
        read_transfer(&value).unwrap_err().to_string()
    }

    fn refused_text(text: &str) -> String {
        TransactionRecord::parse_transfer(text.as_bytes())
            .unwrap_err()
            .to_string()
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
        let read = |tag| read_transfer(&with(tag)).map(|transfer| transfer.tag());
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
            TransactionRecord::parse(reward.to_string().as_bytes())
                .unwrap_err()
                .to_string()
                .contains("only a transfer has one")
        );
    }

    #[test]
    fn amounts_are_read_exactly() {
        let with = |amount: &str| format!(r#"{{"sender": "a", "recipient": "b", "amount": {amount}}}"#);
        for amount in ["5", "5.0", "5e0", "0.5E1"] {
            let transfer = TransactionRecord::parse_transfer(with(amount).as_bytes());
            assert_eq!(transfer.unwrap().amount(), 5, "{amount}");
        }
        for amount in [
            "4.9999999999999999999",
            "5.0000000000000000001",
            "9007199254740991.5",
            "9007199254740992",
            "18446744073709551621",
            "1e400",
            "-0",
            "0e9",
            "-5",
        ] {
            assert_eq!(
                refused_text(&with(amount)),
                "Invalid values: amount must be a whole number from 1 to 9007199254740991",
                "{amount}"
            );
        }
        for amount in ["05", "+5", "5.", ".5", "0x5", "NaN", "Infinity"] {
            assert!(
                refused_text(&with(amount)).starts_with("it is not JSON"),
                "{amount}"
            );
        }
    }

    #[test]
    fn unknown_fields_of_a_transaction_are_refused() {
        assert_eq!(
            refused(json!({"sender": "a", "recipient": "b", "amount": 1, "memo": "x", "fee\n": {"a": [1]}})),
            "Invalid values: fee\\n is no field of a transfer, memo is no field of a transfer"
        );
        assert_eq!(
            refused(json!({"sender": "a", "Amount": 1})),
            "Missing values: recipient, amount; Invalid values: Amount is no field of a transfer"
        );
        let many: serde_json::Map<_, _> = (0..200).map(|n| (format!("field {n}"), json!(n))).collect();
        assert!(refused(many.into()).len() < 1000, "a few are enough");
        let long = refused(json!({"x".repeat(100_000): 1}));
        assert!(long.len() < 300 && long.contains("xxx…"), "{long}");
        assert!(
            refused(json!({"sender": "a", "recipient": "b", "amount": 1, "extra_nonce": 0}))
                .contains("extra_nonce")
        );
        // In a block too; a block's own, such as a schema, are passed over.
        let mut value =
            serde_json::to_value(BlockRecord::new(&ChainParameters::default().genesis())).unwrap();
        value["message"] = json!({"any": ["thing"]});
        assert!(read_block(&value).is_ok());
        value["transactions"][0]["memo"] = json!(1);
        assert_eq!(
            read_block(&value).unwrap_err().to_string(),
            "Invalid values: transaction 0: Invalid values: memo is no field of a transaction"
        );
    }

    #[test]
    fn a_field_is_there_once() {
        for (text, name) in [
            (
                r#"{"sender":"a","recipient":"b","amount":1,"amount":1}"#,
                "amount",
            ),
            (
                r#"{"sender":"a","recipient":"b","amount":1,"\u0061mount":2}"#,
                "amount",
            ),
            (
                r#"{"sender":"a","recipient":"b","amount":1,"tag":null,"tag":null}"#,
                "tag",
            ),
            (r#"{"memo":1,"memo":2}"#, "memo"),
            (r#"{"memo":{"a":[{"b":1,"b":2}]}}"#, "b"),
            (r#"[{"c":1,"c":2}]"#, "c"),
        ] {
            let refused = refused_text(text);
            assert!(
                refused.starts_with(&format!(
                    "Invalid values: {name} is there twice at line 1 column "
                )),
                "{text}: {refused}"
            );
        }
        let genesis =
            serde_json::to_string(&BlockRecord::new(&ChainParameters::default().genesis())).unwrap();
        for (once, twice) in [
            ("\"proof\"", "\"proof\":1,\"proof\""),
            ("\"transactions\"", "\"transactions\":[],\"transactions\""),
            ("\"amount\"", "\"amount\":1,\"amount\""),
            ("\"bits\"", "\"x\":1,\"x\":1,\"bits\""),
        ] {
            let text = genesis.replacen(once, twice, 1);
            let refused = BlockRecord::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(refused.contains("is there twice"), "{text}: {refused}");
        }
        let many: Vec<_> = (0..300).map(|n| format!("\"{n}\":0")).collect();
        let refused = refused_text(&format!("{{{}}}", many.join(",")));
        assert!(refused.contains("more than 256 fields"), "{refused}");
    }

    #[test]
    fn what_is_not_json_is_said_to_be_none() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        for text in [
            "",
            "{",
            "{}x",
            r#"{"sender":"a","recipient":"b","amount":1}}"#,
            r#"{"memo":"\ud800"}"#,
            "{\"sender\":\"a\nb\"}",
            "{'sender':1}",
            &deep,
            &format!("{{\"memo\":{deep}}}"),
        ] {
            let refused = refused_text(text);
            assert!(refused.starts_with("it is not JSON: "), "{text:.40}: {refused}");
        }
        let half = refused_text(r#"{"sender":"\ud800","recipient":"b","amount":1}"#);
        assert!(
            half.contains("sender is not JSON (half a surrogate pair)"),
            "{half}"
        );
        assert!(TransactionRecord::parse_transfer(b"{\"sender\":\"\xff\"}").is_err());
        assert!(TransactionRecord::parse_transfer(b"\xff").is_err());
    }

    #[test]
    fn a_block_comes_back() {
        let genesis = ChainParameters::default().genesis();
        let value = serde_json::to_value(BlockRecord::new(&genesis)).unwrap();
        let block = read_block(&value).unwrap();
        assert_eq!(block, genesis.clone().into_unchecked());
        let mut other = value.clone();
        other["hash"] = json!("00".repeat(32));
        assert!(matches!(read_block(&other), Err(RecordError::Hash { .. })));
        other.as_object_mut().unwrap().remove("hash");
        assert_eq!(read_block(&other), Ok(block));
        let empty = read_block(&json!({})).unwrap_err().to_string();
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
            match read_block(&value) {
                Ok(block) => {
                    let again = serde_json::to_value(BlockRecord::new(&block)).unwrap();
                    prop_assert_eq!(read_block(&again), Ok(block));
                }
                Err(refused) => prop_assert!(!refused.to_string().is_empty()),
            }
        }

        #[test]
        fn any_transfer_is_read_or_refused(sender in any_value(), amount in any_value()) {
            let value = json!({"sender": sender, "recipient": "b", "amount": amount});
            if let Ok(transfer) = read_transfer(&value) {
                prop_assert_eq!(Some(transfer.sender()), value["sender"].as_str());
                prop_assert_eq!(Some(transfer.amount() as f64), value["amount"].as_f64());
            }
        }
    }
}
