//! Blocks, judged by a second implementation: rust-bitcoin's decoder, Merkle root and witness commitment.

use bitcoin_primitives::{
    Amount, Block, BlockUnchecked, OutPoint, ScriptSigBuf, Sequence, Transaction, TransactionVersion, TxIn,
    TxOut, Txid, Witness, absolute, encoding,
};
use paydirt::{Goal, Puzzle};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::address::Address;

#[path = "../../../tests/node/mod.rs"]
mod node;

fn script() -> ScriptPubKeyBuf {
    node::ADDRESS.parse::<Address>().unwrap().script().clone()
}

fn assembler(height: u32, changes: &Value) -> Assembler {
    let template = Template::from_json(node::template(height, changes).to_string().as_bytes());
    Assembler::new(template.unwrap(), &script()).unwrap()
}

fn block(assembler: &Assembler, extra_nonce: u64) -> Block<BlockUnchecked> {
    let bytes = hex::decode(assembler.block(assembler.header(extra_nonce), extra_nonce)).unwrap();
    encoding::decode_from_slice(&bytes).unwrap()
}

fn transaction(lock_time: u32, witness: &[Vec<u8>]) -> Transaction {
    Transaction {
        version: TransactionVersion::TWO,
        lock_time: absolute::LockTime::from_consensus(lock_time),
        inputs: vec![TxIn {
            previous_output: OutPoint {
                txid: Txid::from_byte_array([7; 32]),
                vout: 1,
            },
            script_sig: ScriptSigBuf::new(),
            sequence: Sequence::MAX,
            witness: Witness::from_slice(witness),
        }],
        outputs: vec![TxOut {
            amount: Amount::ZERO,
            script_pubkey: script(),
        }],
    }
}

fn as_said(transaction: &Transaction) -> Value {
    let shown = |mut bytes: [u8; 32]| {
        bytes.reverse();
        hex::encode(bytes)
    };
    json!({
        "data": hex::encode(encoding::encode_to_vec(transaction)),
        "txid": shown(transaction.compute_txid().to_byte_array()),
        "hash": shown(transaction.compute_wtxid().to_byte_array()),
    })
}

#[test]
fn the_coinbase() {
    let assembler = assembler(500, &json!({ "coinbaseaux": { "flags": "0102" } }));
    let block = block(&assembler, 0x0807_0605_0403_0201);
    let coinbase = &block.as_parts().1[0];
    assert!(coinbase.is_coinbase());
    let input = &coinbase.inputs[0];
    assert_eq!(
        hex::encode(input.script_sig.as_bytes()),
        "02f401080102030405060708010209".to_owned() + &hex::encode("/paydirt/")
    );
    assert_eq!(input.witness.to_vec(), [vec![0; 32]]);
    let [reward, commitment] = &coinbase.outputs[..] else {
        panic!("two outputs");
    };
    assert_eq!(
        (reward.amount.to_sat(), &reward.script_pubkey),
        (5_000_000_000, &script())
    );
    assert_eq!(commitment.amount, Amount::ZERO);
    // With the witness, and its id without.
    assert_eq!(
        coinbase.compute_txid().to_byte_array(),
        assembler.coinbase.id(0x0807_0605_0403_0201)
    );
    assert_ne!(
        coinbase.compute_txid().to_byte_array(),
        coinbase.compute_wtxid().to_byte_array()
    );
}

/// What the node says is what is calculated, where it says nothing.
#[test]
fn the_witness_commitment_is_the_nodes_or_the_same() {
    let commitment = |changes: Value| {
        let coinbase = block(&assembler(500, &changes), 0).as_parts().1[0].clone();
        (
            coinbase.outputs.get(1).map(|output| output.script_pubkey.clone()),
            coinbase.inputs[0].witness.len(),
        )
    };
    let said = commitment(json!({}));
    assert_eq!(said.1, 1);
    assert_eq!(commitment(json!({ "default_witness_commitment": null })), said);
    // A chain without SegWit: neither commitment nor witness, and both where a transaction has one.
    let before = json!({ "default_witness_commitment": null, "rules": ["csv"] });
    assert_eq!(commitment(before.clone()), (None, 0));
    let mut with = before;
    with["transactions"] = json!([as_said(&transaction(0, &[vec![1]]))]);
    assert_eq!(commitment(with).1, 1);
}

#[test]
fn a_coinbase_has_100_bytes_of_script_at_most() {
    let length = |aux: usize| {
        let aux = json!({ "coinbaseaux": { "a": "ab".repeat(aux) } });
        let template = Template::from_json(node::template(500, &aux).to_string().as_bytes()).unwrap();
        let assembler = Assembler::new(template, &script()).map_err(|error| error.to_string())?;
        Ok(block(&assembler, 0).as_parts().1[0].inputs[0]
            .script_sig
            .as_bytes()
            .len())
    };
    assert_eq!(length(78), Ok(100));
    assert_eq!(length(79), Ok(91), "without the tag");
    assert_eq!(length(88), Ok(100));
    assert!(length(89).is_err_and(|problem: String| problem.contains("89 bytes")));
    let much = json!({ "coinbasevalue": 2_100_000_000_000_001u64 });
    let template = Template::from_json(node::template(500, &much).to_string().as_bytes()).unwrap();
    assert!(Assembler::new(template, &script()).is_err());
}

/// Block 100,000 of the main chain, but for its coinbase, whose place ours takes.
#[test]
fn the_header_of_a_real_block() {
    let others = [
        "fff2525b8931402dd09222c50775608f75787bd2b87e56995a7bdd30f79702c4",
        "6359f0868171b1d194cbee1af2f16ea598ae8fad666d9b012c8ed2b79a236ec4",
        "e9a66845e05d5abc0ad04ec80f774a7e585c6e8db975962d069a522137b80c1d",
    ];
    let mut assembler = assembler(
        100_000,
        &json!({
            "version": 1,
            "previousblockhash": "000000000002d01c1fccc21636b607dfd930d31d01c3a62104612a1719011250",
            "curtime": 1_293_623_863,
            "mintime": null,
            "bits": "1b04864c",
            "target": null,
            "transactions": others.map(|id| json!({ "data": "", "txid": id, "hash": id })),
        }),
    );
    let mut root: [u8; 32] = hex::decode("8c14f0db3df150123e6f3dbbf30f8b955a8249b62ac1d1ff16284aefa3d06d87")
        .unwrap()
        .try_into()
        .unwrap();
    root.reverse();
    let ours = assembler.coinbase.id(0);
    assert_eq!(
        root_of_first(ours, &assembler.branch),
        assembler.header(0).to_bytes()[36..68]
    );
    let mut bytes = assembler.header(0).to_bytes();
    bytes[36..68].copy_from_slice(&root_of_first(root, &assembler.branch));
    let header = Header::from_bytes(bytes).with_nonce(274_148_111);
    let goal = Goal::AtMost(assembler.template.target);
    let puzzle = Puzzle::header_with_goal(&header, goal);
    assert!(puzzle.is_solved_by(header.nonce().into()));
    assert_eq!(
        hex::encode(puzzle.hash(header.nonce().into()).to_bytes()),
        "06e533fd1ada86391f3f6c343204b0d278d4aaec1c0b20aa27ba030000000000"
    );
    // And from its bits alone comes the same target as from what the node says.
    assembler.template.nbits = 0;
    assert_ne!(assembler.header(0).nbits(), header.nbits());
}

#[test]
fn what_is_rolled_is_what_the_node_has_no_use_for() {
    let mask = |changes: Value| assembler(500, &changes).version_mask(0x1fff_e000);
    assert_eq!(mask(json!({})), 0x1fff_e000);
    assert_eq!(mask(json!({ "version": 0x2000_2004u32 })), 0x1fff_c000);
    assert_eq!(
        mask(json!({ "vbavailable": { "testdummy": 28, "odd": 99 } })),
        0x0fff_e000
    );
    assert_eq!(mask(json!({ "noncerange": "00000000fffffffe" })), 0);
    assert_eq!(assembler(500, &json!({})).version_mask(0), 0);
}

proptest! {
    #[test]
    fn blocks_are_blocks(
        height in prop_oneof![1u32..300, 1..u32::MAX],
        locks in proptest::collection::vec((any::<u32>(), proptest::option::of(any::<Vec<u8>>())), 0..12),
        extra_nonces in any::<[u64; 2]>(),
        said in any::<bool>(),
    ) {
        let transactions: Vec<_> = locks.iter().map(|(lock, witness)| {
            transaction(*lock, witness.as_slice())
        }).collect();
        let mut changes = json!({
            "transactions": transactions.iter().map(as_said).collect::<Vec<_>>(),
            "curtime": 1_700_000_000,
            "default_witness_commitment": null,
        });
        if said {
            // Any commitment would do for the format; the right one is the one that we calculate.
            let ours = block(&assembler(height, &changes), 0).as_parts().1[0].outputs[1].script_pubkey.clone();
            changes["default_witness_commitment"] = json!(hex::encode(ours.as_bytes()));
        }
        let assembler = assembler(height, &changes);
        let mut roots = Vec::new();
        for extra_nonce in extra_nonces {
            let block = block(&assembler, extra_nonce);
            prop_assert_eq!(block.as_parts().1[1..].to_vec(), transactions.clone());
            prop_assert!(block.check_merkle_root());
            prop_assert!(block.check_witness_commitment().0);
            roots.push(block.as_parts().0.merkle_root);
        }
        prop_assert_eq!(roots[0] == roots[1], extra_nonces[0] == extra_nonces[1]);
    }
}
