//! A block template, checked.
//!
//! *In:* the result of `getblocktemplate`. *Out:* a [`Template`] that can be assembled, or why it cannot: a field of the
//! wrong type or length, a rule that is not known, a block that others must sign.
//!
//! Times are the node's own: the header's begins with `curtime`, and the clock of this machine is never asked.

use std::collections::BTreeMap;

use bitcoin_primitives::{Transaction, encoding};
use paydirt::{NonceRange, Target};
use serde::{Deserialize, Serialize};

use crate::{merkle::Bytes32, rpc::excerpt};

/// The rules that have to be known before their blocks can be mined (BIP 9: those with a `!`).
const KNOWN_RULES: [&str; 2] = ["segwit", "signet"];
/// By how many seconds a header's time may be ahead of the node's clock, which was `curtime` (validation.h).
const MOST_AHEAD_S: u32 = 2 * 60 * 60;
/// `OP_TRUE`: the challenge of a signet whose blocks need no signature.
const TRIVIAL_CHALLENGE: &str = "51";

/// What is known of the node's network before there is a template.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Network {
    /// `main`, `test`, `testnet4`, `signet` or `regtest`.
    pub chain: String,
    /// On a signet: the script that its blocks must satisfy, in hex.
    #[serde(default)]
    pub signet_challenge: Option<String>,
}

/// What is asked of the node.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Request<'r> {
    rules: &'static [&'static str],
    capabilities: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    longpollid: Option<&'r str>,
}

impl<'r> Request<'r> {
    /// Of a node on this chain; `None` when it does not say which. With the id of the last template, the answer waits for
    /// a better one.
    pub(super) fn new(chain: Option<&str>, longpollid: Option<&'r str>) -> Self {
        let rules = match chain {
            Some("signet") | None => &KNOWN_RULES[..],
            Some(_) => &KNOWN_RULES[..1],
        };
        Self {
            rules,
            capabilities: &["longpoll", "workid"],
            longpollid,
        }
    }
}

/// Why a template cannot be mined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A field does not hold what it should.
    #[error("the template's {field} is not {expected}")]
    Field {
        /// Its name.
        field: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A rule that must be known, and is not.
    #[error("the node's blocks follow the rule '{0}', which paydirt does not know")]
    Rule(String),
    /// A signet with signers.
    #[error(
        "this signet's blocks must be signed (challenge {0}): paydirt solo mines signets with the challenge 51 (OP_TRUE) only; \
         for others there is Bitcoin Core's contrib/signet/miner with --grind-cmd 'paydirt grind'"
    )]
    Challenge(String),
}

impl TemplateError {
    /// Whether the next template will be no better.
    pub fn is_lasting(&self) -> bool {
        !matches!(self, Self::Field { .. })
    }
}

/// As the node says it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Said {
    version: i64,
    previousblockhash: String,
    transactions: Vec<SaidTransaction>,
    coinbasevalue: Option<u64>,
    #[serde(default)]
    coinbaseaux: Option<BTreeMap<String, serde_json::Value>>,
    bits: String,
    #[serde(default)]
    target: Option<String>,
    curtime: u32,
    #[serde(default)]
    mintime: Option<u32>,
    #[serde(default)]
    maxtime: Option<u32>,
    height: u32,
    #[serde(default)]
    rules: Option<Vec<String>>,
    #[serde(default)]
    mutable: Option<Vec<String>>,
    #[serde(default)]
    noncerange: Option<String>,
    #[serde(default)]
    vbavailable: Option<BTreeMap<String, u32>>,
    #[serde(default)]
    longpollid: Option<String>,
    #[serde(default)]
    workid: Option<String>,
    #[serde(default)]
    default_witness_commitment: Option<String>,
    #[serde(default)]
    signet_challenge: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct SaidTransaction {
    data: String,
    #[serde(default)]
    txid: Option<String>,
    #[serde(default)]
    hash: Option<String>,
}

/// A transaction of the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Included {
    /// Its bytes in hex, as they come and go.
    pub(super) data: String,
    /// In the order in which it is hashed.
    pub(super) txid: Bytes32,
    /// The same with the witness.
    pub(super) wtxid: Bytes32,
}

/// A block but for its coinbase, nonce and what else may be rolled.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// Its height.
    pub height: u32,
    /// The hash of the block before it, in the order in which it stands in the header.
    pub previous: Bytes32,
    /// What its hash must meet.
    pub target: Target,
    pub(super) version: u32,
    pub(super) nbits: u32,
    /// The time to begin with.
    pub(super) time: u32,
    /// By how much it may be raised.
    pub(super) time_slack_s: u32,
    /// The bits of the version that mean something to the node.
    pub(super) version_taken: u32,
    pub(super) nonces: Option<NonceRange>,
    pub(super) transactions: Vec<Included>,
    /// What the coinbase may pay, in satoshi.
    pub(super) value: u64,
    /// What the node wants to see in the coinbase.
    pub(super) aux: Vec<u8>,
    /// The script of the output that commits to the witnesses, if the node says it.
    pub(super) commitment: Option<Vec<u8>>,
    /// Whether the block must have such an output.
    pub(super) is_segwit: bool,
    /// What the node knows the template by, when its blocks are submitted.
    pub(super) workid: Option<String>,
    /// What it knows the template by, when asked for a better one.
    pub(super) longpollid: Option<String>,
}

impl Template {
    /// Reads the result of `getblocktemplate`.
    ///
    /// # Errors
    /// In words: the JSON is not that of a template, or it cannot be mined.
    pub fn from_json(json: &[u8]) -> Result<Self, String> {
        let said: Said = serde_json::from_slice(json).map_err(|error| excerpt(&error.to_string()))?;
        Self::check(said).map_err(|error| error.to_string())
    }

    /// How many transactions it has, without the coinbase.
    pub fn transactions(&self) -> usize {
        self.transactions.len()
    }

    /// Checks what the node says.
    pub(super) fn check(said: Said) -> Result<Self, TemplateError> {
        let rules = said.rules.unwrap_or_default();
        let must = rules.iter().filter_map(|rule| rule.strip_prefix('!'));
        if let Some(unknown) = must.clone().find(|rule| !KNOWN_RULES.contains(rule)) {
            return Err(TemplateError::Rule(excerpt(unknown)));
        }
        check_challenge(said.signet_challenge.as_deref())?;
        let field = |field: &str, expected| TemplateError::Field {
            field: field.to_owned(),
            expected,
        };
        let bits: [u8; 4] = array(&said.bits).ok_or_else(|| field("bits", "8 hex digits"))?;
        let nbits = u32::from_be_bytes(bits);
        let target = match &said.target {
            // What the node asks for counts; nothing but a proxy would say another one than that of the bits.
            Some(target) => array(target)
                .map(Target::from_be_bytes)
                .ok_or_else(|| field("target", "64 hex digits"))?,
            None => Target::from_nbits(nbits).map_err(|_| field("bits", "a target above 0"))?,
        };
        let version = i32::try_from(said.version)
            .map(i32::cast_unsigned)
            .or_else(|_| u32::try_from(said.version));
        let time = said.curtime.max(said.mintime.unwrap_or(0));
        let latest = said
            .maxtime
            .unwrap_or(u32::MAX)
            .min(said.curtime.saturating_add(MOST_AHEAD_S));
        let mutable = said.mutable.unwrap_or_default();
        let may_roll_time = mutable
            .iter()
            .any(|what| what == "time" || what == "time/increment");
        let transactions: Result<Vec<_>, _> = (0..).zip(said.transactions).map(included).collect();
        let transactions = transactions?;
        let aux = match said.coinbaseaux {
            None => Vec::new(),
            Some(aux) => (aux.values())
                .map(|value| value.as_str().and_then(|text| hex::decode(text).ok()))
                .collect::<Option<Vec<_>>>()
                .ok_or_else(|| field("coinbaseaux", "hex digits under some names"))?
                .concat(),
        };
        let commitment = (said.default_witness_commitment).map(|text| {
            hex::decode(text).map_err(|_| field("default_witness_commitment", "a script in hex"))
        });
        let taken = said.vbavailable.unwrap_or_default();
        Ok(Self {
            height: said.height,
            previous: shown(&said.previousblockhash)
                .ok_or_else(|| field("previousblockhash", "64 hex digits"))?,
            target,
            version: version.map_err(|_| field("version", "a number of 32 bits"))?,
            nbits,
            time,
            time_slack_s: if may_roll_time {
                latest.saturating_sub(time)
            } else {
                0
            },
            version_taken: taken
                .values()
                .fold(0, |bits, bit| bits | 1u32.checked_shl(*bit).unwrap_or(0)),
            nonces: said.noncerange.as_deref().map(nonces).transpose()?,
            is_segwit: said.signet_challenge.is_some()
                || rules.iter().any(|rule| rule.trim_start_matches('!') == "segwit")
                || transactions
                    .iter()
                    .any(|transaction| transaction.txid != transaction.wtxid),
            transactions,
            value: said
                .coinbasevalue
                .ok_or_else(|| field("coinbasevalue", "there"))?,
            aux,
            commitment: commitment.transpose()?,
            workid: said.workid,
            longpollid: said.longpollid,
        })
    }
}

/// Refuses a signet whose blocks somebody must sign.
pub(super) fn check_challenge(challenge: Option<&str>) -> Result<(), TemplateError> {
    match challenge {
        Some(challenge) if challenge != TRIVIAL_CHALLENGE => {
            Err(TemplateError::Challenge(excerpt(challenge)))
        }
        _ => Ok(()),
    }
}

fn array<const N: usize>(hex_digits: &str) -> Option<[u8; N]> {
    hex::decode(hex_digits).ok()?.try_into().ok()
}

/// A hash as it is shown, last byte first.
fn shown(hash: &str) -> Option<Bytes32> {
    let mut bytes: Bytes32 = array(hash)?;
    bytes.reverse();
    Some(bytes)
}

/// Two numbers of 8 hex digits: the lowest nonce and the highest.
fn nonces(range: &str) -> Result<NonceRange, TemplateError> {
    let read = || {
        let bytes: [u8; 8] = array(range)?;
        let [first, last] =
            [&bytes[..4], &bytes[4..]].map(|four| four.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)));
        let count = (last + 1).checked_sub(first)?;
        NonceRange::new(first, count.into()).ok()
    };
    let (field, expected) = ("noncerange".to_owned(), "16 hex digits, the lower number first");
    read().ok_or(TemplateError::Field { field, expected })
}

fn included((index, said): (usize, SaidTransaction)) -> Result<Included, TemplateError> {
    let field = |field: &str, expected| {
        let field = format!("transactions[{index}].{field}");
        TemplateError::Field { field, expected }
    };
    let bytes = hex::decode(&said.data).map_err(|_| field("data", "a transaction in hex"))?;
    let given = |name: &str, id: &Option<String>| {
        let id = id
            .as_deref()
            .map(|text| shown(text).ok_or_else(|| field(name, "64 hex digits")));
        id.transpose()
    };
    let (txid, wtxid) = match (given("txid", &said.txid)?, given("hash", &said.hash)?) {
        (Some(txid), Some(wtxid)) => (txid, wtxid),
        // A node from before BIP 145: what is missing is calculated.
        _ => {
            let transaction: Transaction =
                encoding::decode_from_slice(&bytes).map_err(|_| field("data", "a transaction"))?;
            (
                transaction.compute_txid().to_byte_array(),
                transaction.compute_wtxid().to_byte_array(),
            )
        }
    };
    Ok(Included {
        data: said.data,
        txid,
        wtxid,
    })
}

#[cfg(test)]
mod tests;
