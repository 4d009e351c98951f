//! Bitcoin Core as the judge: blocks from solo's assembler, on regtest and on a signet of our own.
//!
//! The chain is built here as a node would: templates with what Core would put into them, each block assembled and mined as
//! `paydirt solo` does it, and handed to Core's validation, scripts included. Outputs are paid to `OP_TRUE`, bare or behind a
//! witness, so that spending needs no signature, and yet the witness counts.

use std::sync::{Arc, Mutex};

use bitcoin_primitives::{
    Amount, OutPoint, ScriptPubKeyBuf, ScriptSigBuf, Sequence, Transaction, TransactionVersion, TxIn, TxOut, Witness,
    absolute, encoding,
};
use bitcoinkernel::{
    BlockValidationStateRef, ChainType, ChainstateManager, Context, ContextBuilder, ProcessBlockResult,
    prelude::*,
};
use paydirt::{Header, Miner, Puzzle, Search};
use paydirt_bitcoin::{
    address::Address,
    solo::{Assembler, Template},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// `OP_TRUE`, behind a witness: whoever shows the script may spend it.
const ANYONE: &str = "bcrt1qft5p2uhsdcdc3l2ua4ap5qqfg4pjaqlp250x7us7a8qqhrxrxfsqseac85";
const OP_TRUE: u8 = 0x51;

/// Core's validation, and the chain it has accepted.
struct Judge {
    core: ChainstateManager,
    checked: Arc<Mutex<Vec<bool>>>,
    miner: Miner,
    /// What differs from chain to chain.
    bits: &'static str,
    address: Address,
    next_extra_nonce: u64,
    time: u32,
    _context: Context,
    _folder: TempDir,
}

impl Judge {
    fn new(builder: ContextBuilder, bits: &'static str, address: &str, time: u32) -> Self {
        let (checked, folder) = (Arc::<Mutex<Vec<bool>>>::default(), tempfile::tempdir().unwrap());
        let seen = Arc::clone(&checked);
        let context = builder
            .with_block_checked_validation(move |_block, state: BlockValidationStateRef<'_>| {
                seen.lock().unwrap().push(state.mode() == bitcoinkernel::ValidationMode::Valid);
            })
            .build()
            .unwrap();
        let (data, blocks) = (folder.path().join("data"), folder.path().join("blocks"));
        let core = ChainstateManager::builder(&context, data.to_str().unwrap(), blocks.to_str().unwrap())
            .unwrap()
            .block_tree_db_in_memory(true)
            .chainstate_db_in_memory(true)
            .build()
            .unwrap();
        Self {
            core,
            checked,
            miner: Miner::new(),
            bits,
            address: address.parse().unwrap(),
            next_extra_nonce: 0,
            time,
            _context: context,
            _folder: folder,
        }
    }

    fn regtest() -> Self {
        Self::new(ContextBuilder::new().chain_type(ChainType::Regtest), "207fffff", ANYONE, 1_700_000_000)
    }

    fn height(&self) -> u32 {
        self.core.active_chain().height().try_into().unwrap()
    }

    /// The template that Core would give now; fields of `changes` come instead.
    fn template(&mut self, changes: Value) -> Template {
        let (tip, height) = (self.core.active_chain().tip(), self.height() + 1);
        let mut previous = tip.block_hash().to_bytes();
        previous.reverse();
        self.time += 60;
        let mut template = json!({
            "version": 0x2000_0000,
            "rules": ["csv", "!segwit", "taproot"],
            "previousblockhash": hex::encode(previous),
            "transactions": [],
            "coinbasevalue": 5_000_000_000u64 >> (height / 150),
            "mutable": ["time", "transactions", "prevblock"],
            "curtime": self.time,
            "mintime": self.time,
            "bits": self.bits,
            "height": height,
        });
        for (field, value) in changes.as_object().unwrap() {
            template[field] = value.clone();
        }
        Template::from_json(template.to_string().as_bytes()).unwrap()
    }

    /// A block, assembled and mined.
    fn mine(&mut self, template: Template) -> String {
        let assembler = Assembler::new(template, self.address.script()).unwrap();
        self.next_extra_nonce += 1;
        let extra_nonce = self.next_extra_nonce << 40 | 0xabcd;
        let header = self.solve(assembler.header(extra_nonce));
        assembler.block(header, extra_nonce)
    }

    fn solve(&self, header: Header) -> Header {
        let outcome = self.miner.mine(&Search::new(&Puzzle::header(&header).unwrap()));
        header.with_nonce(outcome.solutions[0].nonce().try_into().unwrap())
    }

    /// Whether Core takes it as the next block of its chain.
    fn takes(&self, block: &str) -> bool {
        let height = self.height();
        let checked = self.checked.lock().unwrap().len();
        let Ok(block) = bitcoinkernel::Block::new(&hex::decode(block).unwrap()) else {
            return false;
        };
        let result = self.core.process_block(&block);
        let verdicts = self.checked.lock().unwrap()[checked..].to_vec();
        let hash = block.hash();
        let is_tip = self.height() == height + 1 && self.core.active_chain().tip().block_hash() == hash.as_ref();
        assert_eq!(is_tip, matches!(result, ProcessBlockResult::NewBlock) && verdicts == [true], "{verdicts:?}");
        is_tip
    }

    /// Mines a block with these, and returns its coinbase.
    fn extend(&mut self, transactions: &[Transaction]) -> Transaction {
        let template = self.template(json!({ "transactions": said(transactions) }));
        let height = template.height;
        let block = self.mine(template);
        assert!(self.takes(&block), "block {height} with {} transactions", transactions.len());
        coinbase(&block)
    }
}

fn coinbase(block: &str) -> Transaction {
    let bytes = hex::decode(block).unwrap();
    let block: bitcoin_primitives::Block<bitcoin_primitives::BlockUnchecked> =
        encoding::decode_from_slice(&bytes).unwrap();
    block.as_parts().1[0].clone()
}

fn said(transactions: &[Transaction]) -> Value {
    let shown = |mut bytes: [u8; 32]| {
        bytes.reverse();
        hex::encode(bytes)
    };
    let said = |transaction: &Transaction| {
        json!({
            "data": hex::encode(encoding::encode_to_vec(transaction)),
            "txid": shown(transaction.compute_txid().to_byte_array()),
            "hash": shown(transaction.compute_wtxid().to_byte_array()),
        })
    };
    transactions.iter().map(said).collect()
}

/// Spends the first output of `from` to a bare `OP_TRUE`; with the witness that a hidden one asks for, or without.
fn spend(from: &Transaction, witness: bool) -> Transaction {
    let mut shown = Witness::new();
    if witness {
        shown.push([OP_TRUE]);
    }
    Transaction {
        version: TransactionVersion::TWO,
        lock_time: absolute::LockTime::ZERO,
        inputs: vec![TxIn {
            previous_output: OutPoint { txid: from.compute_txid(), vout: 0 },
            script_sig: ScriptSigBuf::new(),
            sequence: Sequence::MAX,
            witness: shown,
        }],
        outputs: vec![TxOut {
            amount: Amount::from_sat(from.outputs[0].amount.to_sat() - 1000).unwrap(),
            script_pubkey: ScriptPubKeyBuf::from_bytes(vec![OP_TRUE]),
        }],
    }
}

#[test]
fn blocks_of_regtest() {
    let mut judge = Judge::regtest();
    // Empty blocks, over every way of writing a height: OP_1 to OP_16, one byte, and two from 128 on.
    let coinbases: Vec<_> = (0..130).map(|_| judge.extend(&[])).collect();
    assert_eq!(judge.height(), 130);

    // With a witness; with one whose transactions have none; with both, one spending what the other makes.
    let first = spend(&coinbases[0], true);
    judge.extend(std::slice::from_ref(&first));
    judge.extend(&[spend(&first, false)]);
    let pairs: Vec<_> = (1..10)
        .flat_map(|at| {
            let with = spend(&coinbases[at], true);
            let without = spend(&with, false);
            [with, without]
        })
        .collect();
    // Even and odd numbers of leaves on every level.
    for count in [3, 4, 5, 6] {
        let at = [0, 3, 7, 12][count - 3];
        judge.extend(&pairs[at..at + count]);
    }
    // More transactions than one byte counts.
    let mut last = spend(&pairs[17], false);
    let mut many = vec![last.clone()];
    for _ in 0..299 {
        last = spend(&last, false);
        many.push(last.clone());
    }
    judge.extend(&many);

    // What the node itself says of the commitment, and what it wants in the coinbase.
    let commitment = "6a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf9";
    let template = judge.template(json!({ "default_witness_commitment": commitment, "coinbaseaux": { "flags": "062f503253482f" } }));
    let block = judge.mine(template);
    assert!(judge.takes(&block));
    // Past the halving at height 150.
    while judge.height() < 152 {
        judge.extend(&[]);
    }
}

/// A judge that takes everything would prove nothing.
#[test]
fn what_is_wrong_is_refused() {
    let mut judge = Judge::regtest();
    let coinbases: Vec<_> = (0..101).map(|_| judge.extend(&[])).collect();
    let with = spend(&coinbases[0], true);
    for (what, changes) in [
        ("a satoshi too much", json!({ "coinbasevalue": 5_000_000_001u64 })),
        ("another height", json!({ "height": 101 })),
        ("no commitment", json!({ "transactions": said(std::slice::from_ref(&with)), "default_witness_commitment": "6a" })),
        ("no witness", json!({ "transactions": said(&[spend(&coinbases[0], false)]) })),
        ("not mature", json!({ "transactions": said(&[spend(&coinbases[90], true)]) })),
        ("bits of another chain", json!({ "bits": "1f7fffff" })),
        ("a time before its parents'", json!({ "curtime": 1_700_000_100, "mintime": 1_700_000_100 })),
        ("an old version", json!({ "version": 1 })),
    ] {
        let template = judge.template(changes);
        let block = judge.mine(template);
        assert!(!judge.takes(&block), "{what}");
    }
    let template = judge.template(json!({}));
    let good = judge.mine(template);
    // The last digit of the Merkle root, in byte 67: almost always above the target too, and never the right root.
    let mut other = good.clone().into_bytes();
    other[135] = if other[135] == b'0' { b'1' } else { b'0' };
    assert!(!judge.takes(std::str::from_utf8(&other).unwrap()));
    assert!(judge.takes(&good));
    assert!(!judge.takes(&good), "a second time");
}

/// BIP 325: where the challenge is `OP_TRUE`, a block needs no signature; the commitment it must have.
#[test]
fn blocks_of_a_signet_with_the_trivial_challenge() {
    // The same program under the prefix of the test networks.
    let script = ANYONE.parse::<Address>().unwrap().script().clone();
    let program = &bech32::segwit::encode_v0(bech32::hrp::TB, &script.as_bytes()[2..]).unwrap();
    let signet = || ContextBuilder::new().signet(&[OP_TRUE]);
    let mut judge = Judge::new(signet(), "1e0377ae", program, 1_700_000_000);
    for _ in 0..3 {
        judge.extend(&[]);
    }
    let template = judge.template(json!({ "signet_challenge": "51", "rules": ["csv", "!segwit", "!signet", "taproot"] }));
    let block = judge.mine(template);
    assert!(judge.takes(&block));
    // On Bitcoin's own signet, whose blocks are signed, the same would be refused.
    let mut own = Judge::new(ContextBuilder::new().chain_type(ChainType::Signet), "1e0377ae", program, 1_700_000_000);
    let template = own.template(json!({}));
    let block = own.mine(template);
    assert!(!own.takes(&block));
}
