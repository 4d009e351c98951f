//! What the nodes of one network agree on, and the block they begin with.
//!
//! *In:* a difficulty and a rule for it. *Out:* a [`Network`], and its genesis block, the same wherever it is made.
//!
//! Genesis states the network: its reward goes to the network's canonical JSON, its nonce is the lowest there is, and its
//! time is fixed. Two networks that differ in any parameter therefore differ from their first hash on, and a chain's
//! first block is enough to know its rules. Genesis is mined at the network's first difficulty, but never above
//! [`GENESIS_BITS`] bits, so that anyone can make it in an instant.

use bitcoin::{BlockHash, CompactTarget, Target, block, block::Header, hashes::Hash as _};
use serde::{Deserialize, Serialize};

use crate::{
    block::{Block, Checked, VERSION, engine_header},
    difficulty::{DifficultyRule, EASIEST_NBITS, easiest_target},
    merkle,
    rules::Context,
    transaction::Transaction,
};
use paydirt::{Kernel, Miner, Puzzle, Search};

/// The default difficulty in bits: the four hex zeros of the teaching chains.
pub const DEFAULT_BITS: f64 = 16.0;
/// The most bits of a genesis block.
pub const GENESIS_BITS: f64 = 16.0;
/// When every network began: 2024-01-01 00:00:00 UTC, in seconds since 1970.
pub const GENESIS_TIME_S: u32 = 1_704_067_200;
/// The reward of a block.
pub const REWARD: u64 = 1;
/// ASERT's usual half-life, as a multiple of the block time: two days of ten-minute blocks.
pub const HALF_LIFE_BLOCKS: u32 = 288;
/// The most difficulty bits a network may begin with.
pub const MAX_BITS: f64 = 224.0;

/// The parameters of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    nbits: CompactTarget,
    rule: DifficultyRule,
}

/// Why there is no such network.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NetworkError {
    /// Too easy or too hard.
    #[error("{0} bits: give 1 to {MAX_BITS}")]
    Bits(f64),
    /// No time at all, or too long.
    #[error("{0} s: give whole seconds from 1 to 4294967295")]
    Seconds(u64),
    /// A first block that states no network.
    #[error("the first block is no genesis block of this program")]
    NotGenesis,
}

/// The form in which genesis states it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    #[serde(skip_serializing_if = "Option::is_none")]
    block_time_s: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    half_life_s: Option<u32>,
    nbits: String,
    network: String,
    reward: u64,
    rule: String,
}

impl Network {
    /// A network whose every block is as hard as this many leading zero bits (1 to 224, fractions allowed), rounded to
    /// the nearest harder difficulty that nBits can say.
    ///
    /// # Errors
    /// [`NetworkError::Bits`] outside that range.
    pub fn fixed(bits: f64) -> Result<Self, NetworkError> {
        Ok(Self {
            nbits: nbits(bits)?,
            rule: DifficultyRule::Fixed,
        })
    }

    /// A network that begins with this difficulty and aims at a block time, by ASERT.
    ///
    /// # Errors
    /// [`NetworkError`] for bits outside 1 to 224 and for times of 0.
    pub fn asert(bits: f64, block_time_s: u32, half_life_s: u32) -> Result<Self, NetworkError> {
        if block_time_s == 0 || half_life_s == 0 {
            return Err(NetworkError::Seconds(0));
        }
        let rule = DifficultyRule::Asert {
            block_time_s,
            half_life_s,
        };
        Ok(Self {
            nbits: nbits(bits)?,
            rule,
        })
    }

    /// The difficulty of the first block after genesis.
    pub fn nbits(&self) -> CompactTarget {
        self.nbits
    }

    /// How the difficulty moves from there.
    pub fn rule(&self) -> DifficultyRule {
        self.rule
    }

    /// The reward of each block.
    pub fn reward(&self) -> u64 {
        REWARD
    }

    /// The parameters as canonical JSON: whom genesis rewards.
    pub fn statement(&self) -> String {
        let (rule, block_time_s, half_life_s) = match self.rule {
            DifficultyRule::Fixed => ("fixed", None, None),
            DifficultyRule::Asert {
                block_time_s,
                half_life_s,
            } => ("asert", Some(block_time_s), Some(half_life_s)),
        };
        let stated = Stated {
            block_time_s,
            half_life_s,
            nbits: format!("{:08x}", self.nbits),
            network: "paydirt".to_owned(),
            reward: self.reward(),
            rule: rule.to_owned(),
        };
        serde_json_canonicalizer::to_string(&stated).expect("strings and small numbers have a canonical form")
    }

    /// The network that a first block states.
    ///
    /// # Errors
    /// [`NetworkError::NotGenesis`] unless the block is exactly that network's genesis.
    pub fn of_genesis<State>(block: &Block<State>) -> Result<Self, NetworkError> {
        let stated = block
            .transactions()
            .first()
            .ok_or(NetworkError::NotGenesis)?
            .recipient();
        let network = Self::from_statement(stated).ok_or(NetworkError::NotGenesis)?;
        let genesis = network.genesis();
        let same = genesis.index() == block.index()
            && genesis.header() == block.header()
            && genesis.transactions() == block.transactions();
        same.then_some(network).ok_or(NetworkError::NotGenesis)
    }

    fn from_statement(text: &str) -> Option<Self> {
        let stated: Stated = serde_json::from_str(text).ok()?;
        let nbits = CompactTarget::from_consensus(u32::from_str_radix(&stated.nbits, 16).ok()?);
        let rule = match (stated.rule.as_str(), stated.block_time_s, stated.half_life_s) {
            ("fixed", None, None) => DifficultyRule::Fixed,
            ("asert", Some(block_time_s @ 1..), Some(half_life_s @ 1..)) => DifficultyRule::Asert {
                block_time_s,
                half_life_s,
            },
            _ => return None,
        };
        // Only nBits that this program could have written: no second spelling of a target.
        let target = Target::from_compact(nbits);
        let usual = target <= easiest_target() && target > Target::ZERO && target.to_compact_lossy() == nbits;
        let network = Self { nbits, rule };
        (usual && network.statement() == text).then_some(network)
    }

    /// The first block: index 1, no parent, mined here and now at 16 bits or less.
    pub fn genesis(&self) -> Block<Checked> {
        let reward =
            Transaction::reward(self.statement(), self.reward(), 0).expect("a short name and amount 1");
        let easy = nbits(GENESIS_BITS).expect("in range");
        let bits = if Target::from_compact(self.nbits) > Target::from_compact(easy) {
            self.nbits
        } else {
            easy
        };
        let header = Header {
            version: block::Version::from_consensus(VERSION),
            prev_blockhash: BlockHash::all_zeros(),
            merkle_root: merkle::root(&[reward.id()]).expect("there is one"),
            time: GENESIS_TIME_S,
            bits,
            nonce: 0,
        };
        let header = Header {
            nonce: lowest_nonce(&header),
            ..header
        };
        let context = Context {
            index: 1,
            previous_hash: BlockHash::all_zeros(),
            nbits: bits,
            median_time: GENESIS_TIME_S - 1,
            reward: self.reward(),
        };
        Block::new(1, header, vec![reward])
            .validate(&context, GENESIS_TIME_S.into())
            .expect("made to fulfil the rules")
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::fixed(DEFAULT_BITS).expect("in range")
    }
}

fn nbits(bits: f64) -> Result<CompactTarget, NetworkError> {
    if !(1.0..=MAX_BITS).contains(&bits) {
        return Err(NetworkError::Bits(bits));
    }
    let target = paydirt::Target::from_leading_zero_bits(bits).map_err(|_| NetworkError::Bits(bits))?;
    let nbits = Target::from_be_bytes(target.to_be_bytes()).to_compact_lossy();
    debug_assert!(
        Target::from_compact(nbits) <= Target::from_compact(CompactTarget::from_consensus(EASIEST_NBITS))
    );
    Ok(nbits)
}

/// The lowest nonce that solves a header of 16 bits or less.
fn lowest_nonce(header: &Header) -> u32 {
    let puzzle = Puzzle::header(&engine_header(header)).expect("the network's nBits are a target");
    let miner = Miner::with_threads(1, Kernel::auto()).expect("the system gives one more thread");
    let outcome = miner.mine(&Search::new(&puzzle));
    // 2^32 nonces at one in 2^16: the chance of none is e^(−65536).
    let nonce = outcome
        .solutions
        .first()
        .expect("65,536 solutions are expected")
        .nonce();
    u32::try_from(nonce).expect("the nonce of a header has 32 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn genesis_is_the_same_everywhere_and_states_its_network() {
        let network = Network::default();
        let genesis = network.genesis();
        assert_eq!(genesis, network.genesis());
        assert_eq!(
            genesis.hash().to_string(),
            "0000478c9b6a039579910b9ccd261c14e6f706d76ae4831ab2e31e9c5ad5df4c"
        );
        assert_eq!(
            genesis.transactions()[0].recipient(),
            r#"{"nbits":"1f00ffff","network":"paydirt","reward":1,"rule":"fixed"}"#
        );
        assert_eq!(Network::of_genesis(&genesis), Ok(network));
        for other in [
            Network::fixed(1.0).unwrap(),
            Network::fixed(20.5).unwrap(),
            Network::fixed(MAX_BITS).unwrap(),
            Network::asert(12.0, 10, 2880).unwrap(),
            Network::asert(12.0, 11, 2880).unwrap(),
            Network::asert(12.0, 10, 2881).unwrap(),
        ] {
            let first = other.genesis();
            assert_ne!(first.hash(), genesis.hash());
            assert_eq!(Network::of_genesis(&first), Ok(other));
            assert!(first.header().validate_pow(first.header().target()).is_ok());
        }
    }

    #[test]
    fn a_forged_genesis_is_none() {
        let genesis = Network::default().genesis();
        let mut header = *genesis.header();
        header.time += 1;
        let forged = Block::new(1, header, genesis.transactions().to_vec());
        assert_eq!(Network::of_genesis(&forged), Err(NetworkError::NotGenesis));
        for statement in [
            "",
            "{}",
            r#"{"nbits":"1f00ffff","network":"paydirt","reward":2,"rule":"fixed"}"#,
            r#"{"nbits":"1F00FFFF","network":"paydirt","reward":1,"rule":"fixed"}"#,
            r#"{"nbits":"ff00ffff","network":"paydirt","reward":1,"rule":"fixed"}"#,
            r#"{"nbits":"00000000","network":"paydirt","reward":1,"rule":"fixed"}"#,
            r#"{"block_time_s":0,"half_life_s":1,"nbits":"1f00ffff","network":"paydirt","reward":1,"rule":"asert"}"#,
        ] {
            assert_eq!(Network::from_statement(statement), None, "{statement}");
        }
    }

    #[test]
    fn levels_out_of_range_are_refused() {
        for bits in [0.0, 0.99, 224.1, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Network::fixed(bits).is_err(), "{bits}");
        }
        assert!(Network::asert(16.0, 0, 1).is_err() && Network::asert(16.0, 1, 0).is_err());
        assert_eq!(Network::fixed(1.0).unwrap().nbits().to_consensus(), EASIEST_NBITS);
    }
}
