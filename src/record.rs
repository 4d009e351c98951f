//! Results as they are written down, for other programs and other machines to read.
//!
//! *In:* a puzzle and what became of a search, or a claimed nonce. *Out:* structures that need no puzzle beside them: the
//! very fields of the JSON objects whose schemas are in `schemas/`, less the `schema` that names each. [`merge`] reads
//! them back and makes one answer of many shards' answers.
//!
//! A field that has no value is `null`, never a made-up zero.

mod check;
mod merge;
mod puzzle;

use serde::{Deserialize, Serialize};

use check::Flaw;
pub use merge::{Difference, MergeError, Merged, Shard, merge};
use puzzle::target_hex;
pub use puzzle::{GoalRecord, PuzzleRecord, puzzle_id};

use crate::{
    miner::{Chosen, Find, KernelRate, Outcome, Status},
    puzzle::{Hash, NonceRange, Puzzle},
    solution::{Rejection, Solution},
};

/// A nonce and what it gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SolutionRecord {
    /// The nonce.
    pub nonce: u64,
    /// Its decimal digits, for languages whose numbers do not hold 64 bits; `None` in results of versions that did not
    /// say them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce_decimal: Option<String>,
    /// The nonce as it stands in the message: its digits, or the hex of its bytes.
    pub nonce_text: String,
    /// Where the version is rolled: the version of the header, all 32 bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Where the version is rolled: the nonce of the header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_nonce: Option<u32>,
    /// The hash as the puzzle's readers print it.
    pub hash: String,
}

impl SolutionRecord {
    /// Describes a solution of `puzzle`.
    pub fn new(puzzle: &Puzzle, solution: &Solution) -> Self {
        Self::claimed(puzzle, solution.nonce(), solution.hash())
    }

    /// Describes `nonce`, whose message hashes to `hash`, a solution or not.
    fn claimed(puzzle: &Puzzle, nonce: u64, hash: Hash) -> Self {
        let rolled = puzzle.rolling().map(|rolling| rolling.split(nonce));
        Self {
            nonce,
            nonce_decimal: Some(nonce.to_string()),
            nonce_text: puzzle.nonce_text(nonce),
            version: rolled.map(|(version, _)| version),
            header_nonce: rolled.map(|(_, header_nonce)| header_nonce),
            hash: hash.display(puzzle.byte_order()),
        }
    }
}

/// What a rolled nonce stands for; both are `None` while there is no nonce.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RolledRecord {
    /// The version of the solved header, all 32 bits.
    pub version: Option<u32>,
    /// The nonce of the solved header.
    pub header_nonce: Option<u32>,
}

/// Which part of a whole was searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which part, from 0.
    pub index: u32,
    /// Of how many.
    pub of: u32,
    /// What the parts together are.
    pub whole: NonceRange,
}

/// Which kernel was the fastest, and from which figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChosenRecord {
    /// The kernel's name.
    pub kernel: String,
    /// For which kind of puzzle, in words.
    pub shape: String,
    /// What each kernel did, that one first.
    pub rates: Vec<KernelRateRecord>,
}

/// What a kernel did before one was chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KernelRateRecord {
    /// The kernel's name.
    pub kernel: String,
    /// Hashes a second of processor time, of one thread while all threads mine.
    pub hashes_per_second: f64,
    /// How many chunks that is the median of; 0 where a glance was enough to see that it is far slower.
    pub samples: usize,
}

impl From<&Chosen> for ChosenRecord {
    fn from(chosen: &Chosen) -> Self {
        let rate = |rate: &KernelRate| KernelRateRecord {
            kernel: rate.kernel.name().to_owned(),
            hashes_per_second: rate.hashes_per_second,
            samples: rate.samples,
        };
        Self {
            kernel: chosen.kernel.name().to_owned(),
            shape: chosen.shape.clone(),
            rates: chosen.rates.iter().map(rate).collect(),
        }
    }
}

/// What became of a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MineRecord {
    /// How it ended.
    pub status: Status,
    /// Which solutions were wanted.
    pub find: Find,
    /// A name for the puzzle with its goal ([`puzzle_id`]): results of one puzzle have the same.
    pub puzzle_id: String,
    /// The puzzle itself, so that its solutions can be hashed again; `None` in results of versions that did not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub puzzle: Option<PuzzleRecord>,
    /// Its goal, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<GoalRecord>,
    /// The solution's nonce; of several the lowest.
    pub nonce: Option<u64>,
    /// Its decimal digits; `None` too in results of versions that did not say them.
    #[serde(default)]
    pub nonce_decimal: Option<String>,
    /// The nonce as it stands in the message: its digits, or the hex of its bytes.
    pub nonce_text: Option<String>,
    /// Where the version is rolled: what the nonce stands for.
    #[serde(flatten)]
    pub rolled: Option<RolledRecord>,
    /// The hash as the puzzle's readers print it.
    pub hash: Option<String>,
    /// The whole message, in hex.
    pub message_hex: Option<String>,
    /// The highest hash that meets the goal (or the very hash asked for), 64 hex digits.
    pub target: String,
    /// log2 of the expected number of hashes.
    pub difficulty_bits: f64,
    /// Nonces tested, exactly.
    pub hashes: u64,
    /// Wall time of the search in seconds.
    pub elapsed_s: f64,
    /// `hashes / elapsed_s`; `None` when the search was too short to measure.
    pub hashes_per_second: Option<f64>,
    /// Mining threads.
    #[serde(default)]
    pub threads: usize,
    /// The name of the kernel that tested the most nonces: any, also one that this machine does not have.
    #[serde(default)]
    pub kernel: String,
    /// What that choice was made from; `None` where a kernel was asked for, or the search ended before any was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<ChosenRecord>,
    /// What was to be searched.
    pub range: NonceRange,
    /// Which part of a whole that is, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<Part>,
    /// With [`Find::All`]: every solution, in ascending order of nonces; `None` where they were told one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solutions: Option<Vec<SolutionRecord>>,
    /// How many there are: a list, or a stream, that was cut short shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solution_count: Option<u64>,
}

impl MineRecord {
    /// The name of its schema.
    pub const SCHEMA: &str = "paydirt.mine/1";

    /// Describes `outcome`, the answer of a search for `find`.
    pub fn new(puzzle: &Puzzle, find: Find, outcome: &Outcome) -> Self {
        let record = |solution: &Solution| SolutionRecord::new(puzzle, solution);
        let all = find == Find::All;
        let has_each = all && outcome.solutions.len() as u64 == outcome.solution_count;
        let mut new = Self {
            status: outcome.status,
            find,
            puzzle_id: puzzle_id(puzzle),
            puzzle: Some(PuzzleRecord::new(puzzle)),
            goal: Some(GoalRecord::new(puzzle)),
            nonce: None,
            nonce_decimal: None,
            nonce_text: None,
            rolled: puzzle.rolling().map(|_| RolledRecord::default()),
            hash: None,
            message_hex: None,
            target: target_hex(puzzle),
            difficulty_bits: puzzle.goal().difficulty_bits(),
            hashes: outcome.hashes,
            elapsed_s: outcome.elapsed.as_secs_f64(),
            hashes_per_second: Some(outcome.hashes_per_second()).filter(|rate| *rate > 0.0),
            threads: outcome.threads,
            kernel: outcome.kernel.name().to_owned(),
            chosen: outcome.chosen.as_ref().map(ChosenRecord::from),
            range: outcome.range,
            shard: None,
            solutions: has_each.then(|| outcome.solutions.iter().map(record).collect()),
            solution_count: all.then_some(outcome.solution_count),
        };
        if let Some(lowest) = outcome.solutions.first() {
            new.set_solution(puzzle, lowest);
        }
        new
    }

    /// Names this as the solution, of several the lowest.
    pub fn set_solution(&mut self, puzzle: &Puzzle, solution: &Solution) {
        let found = SolutionRecord::new(puzzle, solution);
        self.rolled = puzzle.rolling().map(|_| RolledRecord {
            version: found.version,
            header_nonce: found.header_nonce,
        });
        self.nonce = Some(found.nonce);
        self.nonce_decimal = found.nonce_decimal;
        self.nonce_text = Some(found.nonce_text);
        self.hash = Some(found.hash);
        self.message_hex = Some(hex::encode(puzzle.message(found.nonce)));
    }

    /// The same, of shard `index` of the `of` parts of `whole`.
    pub fn with_shard(mut self, index: u32, of: u32, whole: NonceRange) -> Self {
        self.shard = Some(Part { index, of, whole });
        self
    }
}

/// What the oracle says of a claimed nonce.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VerifyRecord {
    /// Whether the nonce is a solution.
    pub valid: bool,
    /// The claimed nonce and its hash.
    #[serde(flatten)]
    pub claim: SolutionRecord,
    /// The whole message, in hex.
    pub message_hex: String,
    /// The highest hash that meets the goal (or the very hash asked for), 64 hex digits.
    pub target: String,
    /// log2 of the expected number of hashes.
    pub difficulty_bits: f64,
    /// Why the nonce is not a solution; `None` when it is one.
    pub reason: Option<String>,
}

impl VerifyRecord {
    /// The name of its schema.
    pub const SCHEMA: &str = "paydirt.verify/1";

    /// Describes what the oracle says of `nonce`.
    ///
    /// # Errors
    /// [`Rejection::OutsideSpace`] when the encoding cannot write the nonce: there is no message to speak of.
    pub fn new(puzzle: &Puzzle, nonce: u64) -> Result<Self, Rejection> {
        let reason = match Solution::check(puzzle, nonce) {
            Ok(_) => None,
            Err(outside @ Rejection::OutsideSpace { .. }) => return Err(outside),
            Err(miss) => Some(miss.to_string()),
        };
        Ok(Self {
            valid: reason.is_none(),
            claim: SolutionRecord::claimed(puzzle, nonce, puzzle.hash(nonce)),
            message_hex: hex::encode(puzzle.message(nonce)),
            target: target_hex(puzzle),
            difficulty_bits: puzzle.goal().difficulty_bits(),
            reason,
        })
    }
}
