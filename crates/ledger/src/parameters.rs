//! What all nodes of a chain agree on, and the block it begins with.
//!
//! *In:* a difficulty and a rule for it. *Out:* [`ChainParameters`], and their genesis block, the same wherever it is made.
//!
//! Genesis states the parameters: its reward goes to their canonical JSON, its nonce is the lowest there is, and its
//! time is fixed. Two chains that differ in any parameter therefore differ from their first hash on, and a chain's
//! first block is enough to know its rules. Genesis is mined at the chain's first difficulty, but never above
//! [`GENESIS_BITS`] bits, so that anyone can make it in an instant.

use serde::{Deserialize, Serialize};

use crate::{
    block::{Block, Checked, VERSION},
    difficulty::{DifficultyRule, easiest_target},
    header::{BlockHash, Header, target_of},
    merkle,
    rules::ParentState,
    transaction::Transaction,
};
use paydirt::{Kernel, Miner, Puzzle, Search, Target};

/// The default difficulty in bits: the four hex zeros of the teaching chains.
pub const DEFAULT_BITS: f64 = 16.0;
/// The most bits of a genesis block.
pub const GENESIS_BITS: f64 = 16.0;
/// When every chain began: 2024-01-01 00:00:00 UTC, in seconds since 1970.
pub const GENESIS_TIME_S: u32 = 1_704_067_200;
/// The reward of a block.
pub const REWARD: u64 = 1;
/// ASERT's usual half-life, as a multiple of the block time: two days of ten-minute blocks.
pub const HALF_LIFE_BLOCKS: u32 = 288;
/// Which part of ASERT's half-life a block's time may be ahead of the clock: as two hours are of Bitcoin Cash's two days.
/// A stamp then moves the difficulty by a 24th of a bit at most.
pub const MAX_AHEAD_PART: u32 = 24;
/// How far a block's time may be ahead of the clock where it moves no difficulty, in seconds: clocks of machines that
/// nobody looks after differ by less.
pub const FIXED_MAX_AHEAD_S: u32 = 60;
/// How far it may be ahead on any chain, in seconds.
pub const MAX_AHEAD_S: u32 = 2 * 60 * 60;
/// The most difficulty bits a chain may begin with.
pub const MAX_BITS: f64 = 224.0;

/// The parameters of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainParameters {
    nbits: u32,
    rule: DifficultyRule,
    times: TimeRule,
}

/// Which times a block may have. So that no clock has to agree with another to the second, it is not the clock's alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeRule {
    /// At most so many seconds ahead of the clock, and at most as many before the latest time among its ancestors.
    ///
    /// No ancestor was further ahead when it was taken, so the clock's own time is always allowed: nobody's stamps keep
    /// others from mining, or push theirs ahead of the clock. And no stamp is further from the clock's time, ahead of it,
    /// than this, nor further before the latest stamp: that is all by which it can move the difficulty.
    Near {
        /// How far, in seconds.
        max_ahead_s: u32,
    },
    /// At most two hours ahead of the clock, and later than the median of the 11 blocks before: the rule of chains whose
    /// genesis states no other. Stamps can push others ahead of the clock there, and a short half-life to and fro.
    Median,
}

impl TimeRule {
    /// The rule of new chains.
    fn usual(rule: DifficultyRule) -> Self {
        let max_ahead_s = match rule {
            DifficultyRule::Fixed => FIXED_MAX_AHEAD_S,
            DifficultyRule::Asert { half_life_s, .. } => (half_life_s / MAX_AHEAD_PART).min(MAX_AHEAD_S),
        };
        Self::Near { max_ahead_s }
    }

    /// How far a block's time may be ahead of the clock, in seconds.
    pub fn max_ahead_s(self) -> u32 {
        match self {
            Self::Near { max_ahead_s } => max_ahead_s,
            Self::Median => MAX_AHEAD_S,
        }
    }
}

/// Why there are no such parameters.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParametersError {
    /// Too easy or too hard.
    #[error("{0} is not a difficulty in bits; give 1 to {MAX_BITS}")]
    Bits(f64),
    /// No time at all, or too long.
    #[error("{0} s is not a block time; give whole seconds from 1 to 4294967295")]
    Seconds(u64),
    /// A first block that states no parameters.
    #[error("the first block is not a genesis block of this program")]
    NotGenesis,
}

/// The form in which genesis states them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    #[serde(skip_serializing_if = "Option::is_none")]
    block_time_s: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    half_life_s: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_ahead_s: Option<u32>,
    nbits: String,
    network: String,
    reward: u64,
    rule: String,
}

impl ChainParameters {
    /// A chain whose every block is as hard as this many leading zero bits (1 to 224, fractions allowed), rounded to
    /// the nearest harder difficulty that nBits can say.
    ///
    /// # Errors
    /// [`ParametersError::Bits`] outside that range.
    pub fn fixed(bits: f64) -> Result<Self, ParametersError> {
        Self::new(bits, DifficultyRule::Fixed)
    }

    /// A chain that begins with this difficulty and aims at a block time, by ASERT.
    ///
    /// # Errors
    /// [`ParametersError`] for bits outside 1 to 224 and for times of 0.
    pub fn asert(bits: f64, block_time_s: u32, half_life_s: u32) -> Result<Self, ParametersError> {
        if block_time_s == 0 || half_life_s == 0 {
            return Err(ParametersError::Seconds(0));
        }
        let rule = DifficultyRule::Asert {
            block_time_s,
            half_life_s,
        };
        Self::new(bits, rule)
    }

    fn new(bits: f64, rule: DifficultyRule) -> Result<Self, ParametersError> {
        Ok(Self {
            nbits: nbits(bits)?,
            rule,
            times: TimeRule::usual(rule),
        })
    }

    /// The difficulty of the first block after genesis.
    pub fn nbits(&self) -> u32 {
        self.nbits
    }

    /// How the difficulty moves from there.
    pub fn rule(&self) -> DifficultyRule {
        self.rule
    }

    /// Which times a block may have.
    pub fn times(&self) -> TimeRule {
        self.times
    }

    /// Whether a ledger of these parameters is what somebody means who asks for `wanted`: the same difficulty, and the times
    /// of new chains or those of old ones, which nobody can ask for.
    pub(super) fn are_meant_by(&self, wanted: &Self) -> bool {
        let times = [wanted.times, TimeRule::Median];
        (self.nbits, self.rule) == (wanted.nbits, wanted.rule) && times.contains(&self.times)
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
            max_ahead_s: match self.times {
                TimeRule::Near { max_ahead_s } => Some(max_ahead_s),
                TimeRule::Median => None,
            },
            nbits: format!("{:08x}", self.nbits),
            network: "paydirt".to_owned(),
            reward: self.reward(),
            rule: rule.to_owned(),
        };
        // In the order of their names, of plain letters and small numbers: this is canonical.
        serde_json::to_string(&stated).expect("strings and numbers have a JSON form")
    }

    /// The parameters that a first block states.
    ///
    /// # Errors
    /// [`ParametersError::NotGenesis`] unless the block is exactly their genesis.
    pub fn of_genesis<State>(block: &Block<State>) -> Result<Self, ParametersError> {
        let stated = block
            .transactions()
            .first()
            .ok_or(ParametersError::NotGenesis)?
            .recipient();
        let parameters = Self::from_statement(stated).ok_or(ParametersError::NotGenesis)?;
        let genesis = parameters.genesis();
        let same = genesis.index() == block.index()
            && genesis.header() == block.header()
            && genesis.transactions() == block.transactions();
        same.then_some(parameters).ok_or(ParametersError::NotGenesis)
    }

    fn from_statement(text: &str) -> Option<Self> {
        let stated: Stated = serde_json::from_str(text).ok()?;
        let nbits = u32::from_str_radix(&stated.nbits, 16).ok()?;
        let rule = match (stated.rule.as_str(), stated.block_time_s, stated.half_life_s) {
            ("fixed", None, None) => DifficultyRule::Fixed,
            ("asert", Some(block_time_s @ 1..), Some(half_life_s @ 1..)) => DifficultyRule::Asert {
                block_time_s,
                half_life_s,
            },
            _ => return None,
        };
        // Only nBits that this program could have written: no second spelling of a target.
        let target = Target::from_nbits(nbits).ok()?;
        let usual = target <= easiest_target() && target.to_nbits_lossy() == nbits;
        let times = match stated.max_ahead_s {
            Some(_) => TimeRule::usual(rule),
            None => TimeRule::Median,
        };
        let parameters = Self { nbits, rule, times };
        (usual && parameters.statement() == text).then_some(parameters)
    }

    /// The first block: index 1, no parent, mined here and now at 16 bits or less.
    pub fn genesis(&self) -> Block<Checked> {
        let reward =
            Transaction::reward(self.statement(), self.reward(), 0).expect("a short name and amount 1");
        let easy = nbits(GENESIS_BITS).expect("in range");
        let nbits = match target_of(self.nbits) > target_of(easy) {
            true => self.nbits,
            false => easy,
        };
        let header = Header {
            version: VERSION,
            previous_hash: NO_PARENT,
            merkle_root: merkle::root(&[reward.id()]).expect("there is one"),
            time: GENESIS_TIME_S,
            nbits,
            nonce: 0,
        };
        let header = Header {
            nonce: lowest_nonce(&header),
            ..header
        };
        let context = ParentState {
            index: 1,
            previous_hash: NO_PARENT,
            nbits,
            earliest_time: GENESIS_TIME_S.into(),
            max_ahead_s: 0,
            reward: self.reward(),
        };
        Block::new(1, header, vec![reward])
            .validate(&context, GENESIS_TIME_S.into())
            .expect("made to fulfil the rules")
    }
}

impl Default for ChainParameters {
    fn default() -> Self {
        Self::fixed(DEFAULT_BITS).expect("in range")
    }
}

/// What genesis names as the block before it.
const NO_PARENT: BlockHash = BlockHash::from_bytes([0; 32]);

fn nbits(bits: f64) -> Result<u32, ParametersError> {
    if !(1.0..=MAX_BITS).contains(&bits) {
        return Err(ParametersError::Bits(bits));
    }
    let target = Target::from_leading_zero_bits(bits).map_err(|_| ParametersError::Bits(bits))?;
    Ok(target.to_nbits_lossy())
}

/// The lowest nonce that solves a header of 16 bits or less.
fn lowest_nonce(header: &Header) -> u32 {
    let puzzle = Puzzle::header(&header.to_engine()).expect("the parameters' nBits are a target");
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
    use crate::difficulty::EASIEST_NBITS;

    #[test]
    fn genesis_is_the_same_everywhere_and_states_its_parameters() {
        let usual = ChainParameters::default();
        let genesis = usual.genesis();
        assert_eq!(genesis, usual.genesis());
        assert_eq!(
            genesis.hash().to_string(),
            "0000e0aed400fc4275a062ffc61e5f247d03cdec9aa93fe59037f3df00d04072"
        );
        assert_eq!(
            genesis.transactions()[0].recipient(),
            r#"{"max_ahead_s":60,"nbits":"1f00ffff","network":"paydirt","reward":1,"rule":"fixed"}"#
        );
        assert_eq!(ChainParameters::of_genesis(&genesis), Ok(usual));
        // A chain from before the rule about times: its genesis is what it was.
        let old = ChainParameters {
            times: TimeRule::Median,
            ..usual
        };
        assert_eq!(
            old.genesis().hash().to_string(),
            "0000478c9b6a039579910b9ccd261c14e6f706d76ae4831ab2e31e9c5ad5df4c"
        );
        assert_eq!(ChainParameters::of_genesis(&old.genesis()), Ok(old));
        assert!(old.are_meant_by(&usual) && !usual.are_meant_by(&old));
        for other in [
            ChainParameters::fixed(1.0).unwrap(),
            ChainParameters::fixed(20.5).unwrap(),
            ChainParameters::fixed(MAX_BITS).unwrap(),
            ChainParameters::asert(12.0, 10, 2880).unwrap(),
            ChainParameters::asert(12.0, 11, 2880).unwrap(),
            ChainParameters::asert(12.0, 10, 2881).unwrap(),
        ] {
            let first = other.genesis();
            assert_ne!(first.hash(), genesis.hash());
            let stated: serde_json::Value = serde_json::from_str(&other.statement()).unwrap();
            let canonical = serde_json_canonicalizer::to_string(&stated).unwrap();
            assert_eq!(other.statement(), canonical);
            assert_eq!(ChainParameters::of_genesis(&first), Ok(other));
            assert!(first.header().meets_target());
        }
    }

    #[test]
    fn a_forged_genesis_is_none() {
        let genesis = ChainParameters::default().genesis();
        let mut header = *genesis.header();
        header.time += 1;
        let forged = Block::new(1, header, genesis.transactions().to_vec());
        assert_eq!(
            ChainParameters::of_genesis(&forged),
            Err(ParametersError::NotGenesis)
        );
        for statement in [
            "",
            "{}",
            r#"{"nbits":"1f00ffff","network":"paydirt","reward":2,"rule":"fixed"}"#,
            r#"{"nbits":"1F00FFFF","network":"paydirt","reward":1,"rule":"fixed"}"#,
            r#"{"nbits":"ff00ffff","network":"paydirt","reward":1,"rule":"fixed"}"#,
            r#"{"nbits":"00000000","network":"paydirt","reward":1,"rule":"fixed"}"#,
            r#"{"max_ahead_s":61,"nbits":"1f00ffff","network":"paydirt","reward":1,"rule":"fixed"}"#,
            r#"{"block_time_s":0,"half_life_s":1,"nbits":"1f00ffff","network":"paydirt","reward":1,"rule":"asert"}"#,
        ] {
            assert_eq!(ChainParameters::from_statement(statement), None, "{statement}");
        }
    }

    #[test]
    fn times_follow_the_half_life() {
        let max_ahead_s = |parameters: ChainParameters| parameters.times().max_ahead_s();
        assert_eq!(max_ahead_s(ChainParameters::default()), 60);
        for (half_life_s, expected) in [
            (1, 0),
            (23, 0),
            (24, 1),
            (288, 12),
            (172_800, 7_200),
            (u32::MAX, 7_200),
        ] {
            let parameters = ChainParameters::asert(20.0, 1, half_life_s).unwrap();
            assert_eq!(max_ahead_s(parameters), expected, "{half_life_s}");
        }
    }

    #[test]
    fn levels_out_of_range_are_refused() {
        for bits in [0.0, 0.99, 224.1, -1.0, f64::NAN, f64::INFINITY] {
            assert!(ChainParameters::fixed(bits).is_err(), "{bits}");
        }
        assert!(ChainParameters::asert(16.0, 0, 1).is_err() && ChainParameters::asert(16.0, 1, 0).is_err());
        assert_eq!(ChainParameters::fixed(1.0).unwrap().nbits(), EASIEST_NBITS);
    }
}
