//! Every structure that is printed as JSON, in one place. `schemas/` holds the JSON Schema of each.
//!
//! *In:* outcomes of the engine. *Out:* one JSON object a line, each with its `schema`, a name and a version. A field
//! that has no value yet is `null`, never left out and never a made-up zero.

mod bench;
pub mod chain;
mod compare;
mod machine;
mod merge;
pub mod numbers;
pub mod plot;
pub mod summary;
pub mod table;
mod work;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

pub use bench::{BENCH_SCHEMA, BenchReport, BenchRow, WarningReport};
pub use compare::{AnswerReport, CompareReport, Frame, LevelReport, NamedRate, Questions};
pub use machine::MachineReport;
pub use merge::{MergeReport, ShardResult};
pub use work::{JobId, LimitsReport, WorkAnswer, WorkAnswerKind, WorkResult};

use paydirt::{Find, Goal, Kernel, KernelInfo, NonceRange, Outcome, Puzzle, Rejection, Solution};

/// A range of nonces: `start` up to, not including, `start + count`.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct RangeReport {
    /// The first nonce.
    pub start: u64,
    /// How many; 2^64 = 18446744073709551616 at most.
    pub count: u128,
}

impl From<NonceRange> for RangeReport {
    fn from(range: NonceRange) -> Self {
        Self {
            start: range.start(),
            count: range.count(),
        }
    }
}

/// Which part of a whole was searched, with `--shard`.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct ShardReport {
    /// Which part, from 0.
    pub index: u32,
    /// Of how many.
    pub of: u32,
    /// What the parts together are.
    pub whole: RangeReport,
}

/// A name for a puzzle and its goal: equal for equal ones, on every machine.
///
/// It is the SHA-256, in hex, of the six lines `paydirt.puzzle/1`, prefix in hex, nonce encoding, suffix in hex,
/// `DIGEST ORDER`, and `at-most TARGET` or `equals HASH`, each ending in a newline; where the version is rolled, a seventh
/// follows, `roll-version MASK`.
pub fn puzzle_id(puzzle: &Puzzle) -> String {
    let (template, order) = (puzzle.template(), puzzle.byte_order());
    let kind = match puzzle.goal() {
        Goal::AtMost(_) => "at-most",
        Goal::Equals(_) => "equals",
    };
    let mut lines = format!(
        "paydirt.puzzle/1\n{}\n{}\n{}\n{} {}\n{kind} {}\n",
        hex::encode(template.prefix()),
        puzzle.encoding(),
        hex::encode(template.suffix()),
        puzzle.digest().name(),
        order.name(),
        puzzle.goal().to_target_lossy(order).to_hex(),
    );
    if let Some(rolling) = puzzle.rolling() {
        lines.push_str(&format!("roll-version {:08x}\n", rolling.mask()));
    }
    hex::encode(sha2::Sha256::digest(lines))
}

/// One solution.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SolutionReport {
    /// The nonce.
    pub nonce: u64,
    /// The nonce as it stands in the message: its digits, or the hex of its bytes.
    pub nonce_text: String,
    /// Where the version is rolled: the version of the solved header, all 32 bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Where the version is rolled: the nonce of the solved header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_nonce: Option<u32>,
    /// The hash as the puzzle's readers print it.
    pub hash: String,
}

impl SolutionReport {
    fn new(puzzle: &Puzzle, solution: &Solution) -> Self {
        Self {
            nonce: solution.nonce(),
            nonce_text: puzzle.nonce_text(solution.nonce()),
            version: solution.version(),
            header_nonce: solution.header_nonce(),
            hash: solution.hash().display(puzzle.byte_order()),
        }
    }
}

/// `paydirt mine --json`.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct MineReport {
    /// `paydirt.mine/1`.
    pub schema: &'static str,
    /// `found`, `exhausted`, `timeout` or `interrupted`.
    pub status: &'static str,
    /// `lowest`, `first` or `all`: which solutions were asked for.
    pub find: &'static str,
    /// A name for the puzzle with its goal ([`puzzle_id`]): results of one puzzle have the same.
    pub puzzle_id: String,
    /// The solution's nonce; of several the lowest.
    pub nonce: Option<u64>,
    /// The nonce as it stands in the message: its digits, or the hex of its bytes.
    pub nonce_text: Option<String>,
    /// Where the version is rolled: the version of the solved header, all 32 bits; null without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Option<u32>>,
    /// Where the version is rolled: the nonce of the solved header; null without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_nonce: Option<Option<u32>>,
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
    /// `hashes / elapsed_s`; null when the search was too short to measure.
    pub hashes_per_second: Option<f64>,
    /// Mining threads.
    pub threads: usize,
    /// The kernel's name.
    pub kernel: &'static str,
    /// What was to be searched.
    pub range: RangeReport,
    /// With `--shard`: which part of a whole that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardReport>,
    /// With `--find all`: every solution, in ascending order of nonces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solutions: Option<Vec<SolutionReport>>,
}

impl MineReport {
    /// Describes `outcome`, the answer of a search for `find` by `kernel`.
    pub fn new(puzzle: &Puzzle, find: Find, kernel: Kernel, outcome: &Outcome) -> Self {
        let lowest = outcome.solutions.first().map(|s| SolutionReport::new(puzzle, s));
        let rolled = puzzle.rolling().is_some();
        let version = rolled.then(|| lowest.as_ref().and_then(|found| found.version));
        let header_nonce = rolled.then(|| lowest.as_ref().and_then(|found| found.header_nonce));
        let (nonce, nonce_text, hash) = match lowest {
            Some(found) => (Some(found.nonce), Some(found.nonce_text), Some(found.hash)),
            None => (None, None, None),
        };
        let all = || {
            outcome
                .solutions
                .iter()
                .map(|s| SolutionReport::new(puzzle, s))
                .collect()
        };
        Self {
            schema: "paydirt.mine/1",
            status: outcome.status.name(),
            find: find.name(),
            puzzle_id: puzzle_id(puzzle),
            nonce,
            nonce_text,
            version,
            header_nonce,
            hash,
            message_hex: nonce.map(|nonce| hex::encode(puzzle.message(nonce))),
            target: puzzle.goal().to_target_lossy(puzzle.byte_order()).to_hex(),
            difficulty_bits: puzzle.goal().difficulty_bits(),
            hashes: outcome.hashes,
            elapsed_s: outcome.elapsed.as_secs_f64(),
            hashes_per_second: Some(outcome.hashes_per_second()).filter(|rate| *rate > 0.0),
            threads: outcome.threads,
            kernel: kernel.name(),
            range: outcome.range.into(),
            shard: None,
            solutions: (find == Find::All).then(all),
        }
    }

    /// The same, of shard `index` of the `of` parts of `whole`.
    pub fn with_shard(mut self, index: u32, of: u32, whole: NonceRange) -> Self {
        let whole = whole.into();
        self.shard = Some(ShardReport { index, of, whole });
        self
    }
}

/// `paydirt verify --json`.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct VerifyReport {
    /// `paydirt.verify/1`.
    pub schema: &'static str,
    /// Whether the nonce is a solution.
    pub valid: bool,
    /// The claimed nonce.
    pub nonce: u64,
    /// The nonce as it stands in the message: its digits, or the hex of its bytes.
    pub nonce_text: String,
    /// Where the version is rolled: the version of the claimed header, all 32 bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Where the version is rolled: the nonce of the claimed header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_nonce: Option<u32>,
    /// What the message hashes to, as the puzzle's readers print it.
    pub hash: String,
    /// The whole message, in hex.
    pub message_hex: String,
    /// The highest hash that meets the goal (or the very hash asked for), 64 hex digits.
    pub target: String,
    /// log2 of the expected number of hashes.
    pub difficulty_bits: f64,
    /// Why the nonce is no solution; null when it is one.
    pub reason: Option<String>,
}

impl VerifyReport {
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
        let rolled = puzzle.rolling().map(|rolling| rolling.split(nonce));
        Ok(Self {
            schema: "paydirt.verify/1",
            valid: reason.is_none(),
            nonce,
            nonce_text: puzzle.nonce_text(nonce),
            version: rolled.map(|(version, _)| version),
            header_nonce: rolled.map(|(_, header_nonce)| header_nonce),
            hash: puzzle.hash(nonce).display(puzzle.byte_order()),
            message_hex: hex::encode(puzzle.message(nonce)),
            target: puzzle.goal().to_target_lossy(puzzle.byte_order()).to_hex(),
            difficulty_bits: puzzle.goal().difficulty_bits(),
            reason,
        })
    }
}

/// `paydirt info --json`.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct InfoReport {
    /// `paydirt.info/1`.
    pub schema: &'static str,
    /// The program's version.
    pub version: &'static str,
    /// The processor architecture and operating system this build is for.
    pub platform: String,
    /// Logical processors this process may use: the default number of threads.
    pub logical_processors: usize,
    /// Physical cores of the machine.
    pub physical_cores: usize,
    /// The kernel that `auto` takes here.
    pub kernel: &'static str,
    /// All kernels, the fastest first.
    pub kernels: Vec<KernelReport>,
}

/// What this build and this processor make of a kernel.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct KernelReport {
    /// Its name.
    pub name: &'static str,
    /// Whether this build holds it.
    pub compiled: bool,
    /// Whether this processor can run it.
    pub detected: bool,
    /// Whether it just reproduced the oracle's answers; null when it cannot run.
    pub self_test: Option<bool>,
    /// Nonces taken at a time; null when it is not compiled in.
    pub lanes: Option<u64>,
    /// One line for people; null when it is not compiled in.
    pub about: Option<&'static str>,
}

impl InfoReport {
    /// Describes this build on this machine.
    pub fn new() -> Self {
        let report = |kernel: &'static KernelInfo| KernelReport {
            name: kernel.name,
            compiled: kernel.is_compiled(),
            detected: kernel.is_detected(),
            self_test: kernel.self_test(),
            lanes: kernel.is_compiled().then_some(kernel.lanes),
            about: kernel.is_compiled().then_some(kernel.about),
        };
        Self {
            schema: "paydirt.info/1",
            version: env!("CARGO_PKG_VERSION"),
            platform: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            logical_processors: num_cpus::get(),
            physical_cores: num_cpus::get_physical(),
            kernel: Kernel::auto().name(),
            kernels: Kernel::all().iter().map(report).collect(),
        }
    }
}

impl Default for InfoReport {
    fn default() -> Self {
        Self::new()
    }
}
