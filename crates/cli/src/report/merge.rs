//! The results of shards, merged into the one answer.
//!
//! *In:* results of `paydirt mine --json` (or of `paydirt work`), of one puzzle. *Out:* one [`MergeReport`]: the lowest
//! answer, after it is clear that the shards tile the whole range, that is, that no nonce was left out and none was
//! searched twice; or the [`MergeError`] that says what is missing.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::report::{RangeReport, SolutionReport};
use paydirt::{ByteOrder, Digest, NonceRange};

/// One shard's result, as it is read back. Fields that merging has no use for are ignored.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct ShardResult {
    /// Where it was read, for error messages.
    #[serde(skip)]
    pub source: String,
    status: Ended,
    find: Wanted,
    puzzle_id: String,
    nonce: Option<u64>,
    nonce_text: Option<String>,
    version: Option<u32>,
    header_nonce: Option<u32>,
    hash: Option<String>,
    message_hex: Option<String>,
    target: String,
    difficulty_bits: f64,
    hashes: u64,
    elapsed_s: f64,
    range: Stretch,
    shard: Option<Part>,
    solutions: Option<Vec<SolutionReport>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Ended {
    Found,
    Exhausted,
    Timeout,
    Interrupted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Wanted {
    Lowest,
    First,
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
struct Part {
    index: u32,
    of: u32,
    whole: Stretch,
}

/// A range as it is written, before anyone has checked it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
struct Stretch {
    start: u64,
    #[serde(deserialize_with = "up_to_2_64")]
    count: u128,
}

impl Stretch {
    fn range(self) -> Option<NonceRange> {
        NonceRange::new(self.start, self.count).ok()
    }
}

/// Reads a count. 2^64 itself, as a JSON number, comes as a float.
fn up_to_2_64<'de, D: Deserializer<'de>>(json: D) -> Result<u128, D::Error> {
    struct Visitor;

    impl de::Visitor<'_> for Visitor {
        type Value = u128;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number of at most 2^64")
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<u128, E> {
            Ok(number.into())
        }

        fn visit_f64<E: de::Error>(self, number: f64) -> Result<u128, E> {
            match number == 64f64.exp2() {
                true => Ok(1 << 64),
                false => Err(E::invalid_value(de::Unexpected::Float(number), &self)),
            }
        }
    }

    json.deserialize_any(Visitor)
}

/// Why results cannot be merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// There are none.
    #[error("there is no result to merge; give the JSON lines of paydirt mine --json")]
    Nothing,
    /// Two results are not of the same puzzle, or not asked the same.
    #[error("{what} of {first} and {second} differ; merge the shards of one search only")]
    Differ {
        /// What differs.
        what: &'static str,
        /// Where one was read.
        first: String,
        /// Where the other was read.
        second: String,
    },
    /// A result contradicts itself.
    #[error("{source_name}: {problem}; run that shard again")]
    Broken {
        /// Where it was read.
        source_name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Nonces that nobody searched.
    #[error("nonces {first} to {last} are missing{hint}; add the result of the shard that searched them")]
    Gap {
        /// The first that is missing.
        first: u128,
        /// The last of that gap.
        last: u128,
        /// Which shards those might be.
        hint: String,
    },
    /// Nonces that two shards searched.
    #[error("nonces {first} to {last} are in both {one} and {other}; leave one of the two out")]
    Overlap {
        /// The first that is there twice.
        first: u128,
        /// The last of that overlap.
        last: u128,
        /// Where one was read.
        one: String,
        /// Where the other was read.
        other: String,
    },
    /// Nonces beyond the range that was to be searched.
    #[error("{source_name} searched nonces outside the whole range, {first} to {last}; leave it out")]
    Outside {
        /// Where it was read.
        source_name: String,
        /// The first nonce of the whole.
        first: u128,
        /// The last nonce of the whole.
        last: u128,
    },
}

/// `paydirt merge --json`.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct MergeReport {
    /// `paydirt.merge/1`.
    pub schema: &'static str,
    /// `found`, `exhausted`, `timeout` or `interrupted`. The last two when a shard that could change the answer did not
    /// finish; the answer is then the best known.
    pub status: &'static str,
    /// `lowest`, `first` or `all`: which solutions were asked for.
    pub find: &'static str,
    /// The name of the puzzle with its goal.
    pub puzzle_id: String,
    /// The lowest of the shards' nonces.
    pub nonce: Option<u64>,
    /// That nonce as it stands in the message.
    pub nonce_text: Option<String>,
    /// Where the version is rolled: the version of the solved header, all 32 bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Where the version is rolled: the nonce of the solved header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_nonce: Option<u32>,
    /// Its hash, as the puzzle's readers print it.
    pub hash: Option<String>,
    /// Its whole message, in hex.
    pub message_hex: Option<String>,
    /// The highest hash that meets the goal (or the very hash asked for), 64 hex digits.
    pub target: String,
    /// log2 of the expected number of hashes.
    pub difficulty_bits: f64,
    /// Nonces tested by all shards together.
    pub hashes: u128,
    /// Seconds that the longest shard took.
    pub elapsed_s: f64,
    /// Seconds that all shards took, added up.
    pub total_elapsed_s: f64,
    /// What all shards together searched.
    pub range: RangeReport,
    /// How many shards there were.
    pub shards: usize,
    /// With `--find all`: every solution, in ascending order of nonces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solutions: Option<Vec<SolutionReport>>,
}

impl MergeReport {
    /// Merges `shards`. They must tile `whole`, or, without one, the whole that they name themselves, or, if they do
    /// not (they were cut with `--start` and `--count`), the range from the lowest to the highest.
    ///
    /// # Errors
    /// [`MergeError`] when nonces are missing or there twice, or the results do not belong together.
    pub fn new(mut shards: Vec<ShardResult>, whole: Option<NonceRange>) -> Result<Self, MergeError> {
        let Some(first) = shards.first() else {
            return Err(MergeError::Nothing);
        };
        for other in &shards {
            belong_together(first, other)?;
            other.check()?;
        }
        shards.sort_by_key(|shard| (shard.range.start, shard.range.count));
        let range = tile(&shards, whole)?;
        let best = shards.iter().find(|shard| shard.nonce.is_some());
        let unfinished = shards.iter().find(|shard| {
            let could_change_it = match (shard.find, best.and_then(|best| best.nonce)) {
                (Wanted::All, _) | (_, None) => true,
                (Wanted::First, Some(_)) => false,
                (Wanted::Lowest, Some(nonce)) => shard.range.start < nonce,
            };
            could_change_it && matches!(shard.status, Ended::Timeout | Ended::Interrupted)
        });
        let status = match (unfinished, best) {
            (Some(shard), _) => shard.status,
            (None, Some(_)) => Ended::Found,
            (None, None) => Ended::Exhausted,
        };
        let any = &shards[0];
        let all = || {
            shards
                .iter()
                .flat_map(|shard| shard.solutions.iter().flatten().cloned())
        };
        Ok(Self {
            schema: "paydirt.merge/1",
            status: match status {
                Ended::Found => "found",
                Ended::Exhausted => "exhausted",
                Ended::Timeout => "timeout",
                Ended::Interrupted => "interrupted",
            },
            find: match any.find {
                Wanted::Lowest => "lowest",
                Wanted::First => "first",
                Wanted::All => "all",
            },
            puzzle_id: any.puzzle_id.clone(),
            nonce: best.and_then(|best| best.nonce),
            nonce_text: best.and_then(|best| best.nonce_text.clone()),
            version: best.and_then(|best| best.version),
            header_nonce: best.and_then(|best| best.header_nonce),
            hash: best.and_then(|best| best.hash.clone()),
            message_hex: best.and_then(|best| best.message_hex.clone()),
            target: any.target.clone(),
            difficulty_bits: any.difficulty_bits,
            hashes: shards.iter().map(|shard| u128::from(shard.hashes)).sum(),
            elapsed_s: shards.iter().map(|shard| shard.elapsed_s).fold(0.0, f64::max),
            total_elapsed_s: shards.iter().map(|shard| shard.elapsed_s).sum(),
            range: range.into(),
            shards: shards.len(),
            solutions: (any.find == Wanted::All).then(|| all().collect()),
        })
    }
}

fn belong_together(first: &ShardResult, other: &ShardResult) -> Result<(), MergeError> {
    let whole = |shard: &ShardResult| shard.shard.map(|part| part.whole);
    let checks = [
        ("the puzzles", first.puzzle_id == other.puzzle_id),
        ("the kinds of search (--find)", first.find == other.find),
        (
            "the whole ranges",
            whole(first).is_none() || whole(other).is_none() || whole(first) == whole(other),
        ),
    ];
    match checks.into_iter().find(|(_, agree)| !agree) {
        None => Ok(()),
        Some((what, _)) => Err(MergeError::Differ {
            what,
            first: first.source.clone(),
            second: other.source.clone(),
        }),
    }
}

impl ShardResult {
    /// Whether the result agrees with itself: a file cut short or edited should not decide anything.
    fn check(&self) -> Result<(), MergeError> {
        let broken = |problem: &str| {
            Err(MergeError::Broken {
                source_name: self.source.clone(),
                problem: problem.to_owned(),
            })
        };
        let Some(range) = self.range.range() else {
            return broken("its range goes past the last nonce there is");
        };
        if self.shard.is_some_and(|part| {
            let whole = part.whole.range();
            whole.and_then(|whole| whole.shard(part.index, part.of).ok()) != Some(range) && !range.is_empty()
        }) {
            return broken("its range is not that shard of the whole");
        }
        let finished = matches!(self.status, Ended::Found | Ended::Exhausted);
        let all_tested = self.status == Ended::Exhausted || (self.find == Wanted::All && finished);
        if all_tested && u128::from(self.hashes) != range.count().min(u64::MAX.into()) {
            return broken("it tested fewer or more nonces than its range holds");
        }
        let found = match (self.nonce, &self.hash, &self.message_hex) {
            (None, None, None) => None,
            (Some(nonce), Some(hash), Some(message)) => Some((nonce, hash, message)),
            _ => return broken("of nonce, hash and message only some are there"),
        };
        if (self.status == Ended::Found) != found.is_some() && (finished || self.find != Wanted::All) {
            return broken("its status and its nonce contradict each other");
        }
        let Some((nonce, hash, message)) = found else {
            return Ok(());
        };
        if !range.contains(nonce) {
            return broken("its nonce is outside its range");
        }
        let Ok(message) = hex::decode(message) else {
            return broken("its message is no hex");
        };
        let hashes_to = |digest: Digest, order| digest.hash(&message).display(order) == *hash;
        let digests = [Digest::Sha256, Digest::Sha256d];
        if !(digests.iter()).any(|d| hashes_to(*d, ByteOrder::Big) || hashes_to(*d, ByteOrder::Little)) {
            return broken("its message does not have that hash");
        }
        // Both are 64 lower-case hex digits, the highest first: their order as texts is that of the numbers.
        if hash.len() != self.target.len() || *hash > self.target {
            return broken("its hash does not meet the target");
        }
        Ok(())
    }

    fn end(&self) -> u128 {
        u128::from(self.range.start) + self.range.count
    }
}

/// What the shards, in ascending order, search together, if they leave nothing out and overlap nowhere.
fn tile(shards: &[ShardResult], whole: Option<NonceRange>) -> Result<NonceRange, MergeError> {
    let named = shards.iter().find_map(|shard| shard.shard?.whole.range());
    let whole = whole.or(named);
    let searched: Vec<_> = shards.iter().filter(|shard| shard.range.count > 0).collect();
    let (Some(lowest), Some(highest)) = (searched.first(), searched.last()) else {
        return match whole {
            Some(whole) if !whole.is_empty() => Err(gap(shards, whole.start().into(), whole.end())),
            _ => Ok(shards[0].range.range().expect("checked")),
        };
    };
    let whole = whole.unwrap_or_else(|| {
        let count = highest.end() - u128::from(lowest.range.start);
        NonceRange::new(lowest.range.start, count).expect("both ends were checked")
    });
    let mut next = u128::from(whole.start());
    let mut before: Option<&ShardResult> = None;
    for shard in searched {
        let start = u128::from(shard.range.start);
        if start < next {
            return Err(match before {
                Some(before) => MergeError::Overlap {
                    first: start,
                    last: next.min(shard.end()) - 1,
                    one: before.source.clone(),
                    other: shard.source.clone(),
                },
                None => outside(shard, whole),
            });
        }
        if shard.end() > whole.end() {
            return Err(outside(shard, whole));
        }
        if start > next {
            return Err(gap(shards, next, start));
        }
        next = shard.end();
        before = Some(shard);
    }
    match next < whole.end() {
        true => Err(gap(shards, next, whole.end())),
        false => Ok(whole),
    }
}

fn outside(shard: &ShardResult, whole: NonceRange) -> MergeError {
    MergeError::Outside {
        source_name: shard.source.clone(),
        first: whole.start().into(),
        last: whole.end().saturating_sub(1),
    }
}

fn gap(shards: &[ShardResult], first: u128, end: u128) -> MergeError {
    MergeError::Gap {
        first,
        last: end - 1,
        hint: missing_shards(shards).unwrap_or_default(),
    }
}

/// Which numbers are not there, if all shards are numbered alike.
fn missing_shards(shards: &[ShardResult]) -> Option<String> {
    const SHOWN: usize = 8;
    let of = shards.first()?.shard?.of;
    let mut there = Vec::with_capacity(shards.len());
    for shard in shards {
        let part = shard.shard.filter(|part| part.of == of)?;
        there.push(part.index);
    }
    there.sort_unstable();
    let missing = (0..of).filter(|index| there.binary_search(index).is_err());
    let mut missing: Vec<_> = missing
        .take(SHOWN + 1)
        .map(|index| format!("{index}/{of}"))
        .collect();
    if missing.len() > SHOWN {
        missing[SHOWN] = "…".to_owned();
    }
    (!missing.is_empty()).then(|| format!(" (no result of shard {})", missing.join(", ")))
}
