//! The results of shards, merged into the one answer.
//!
//! *In:* records of searches, of one puzzle. *Out:* one [`Merged`]: the lowest answer, after it is clear that the shards
//! tile the whole range, that is, that no nonce was left out and none was searched twice, and that what each of them says
//! can be true (`check`); or the [`MergeError`] that says what is missing, or which field of which result is wrong.

use std::fmt;

use serde::Serialize;

use super::{Flaw, MineRecord, RolledRecord, SolutionRecord, check::check, puzzle_id};
use crate::{
    miner::{Find, Status},
    puzzle::{NonceRange, Puzzle},
};

/// One shard's result.
#[derive(Clone, Debug)]
pub struct Shard {
    /// Where it was read, for error messages.
    pub source: String,
    /// The result.
    pub record: MineRecord,
}

/// Why results cannot be merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// There are none.
    #[error("there is no result to merge")]
    Nothing,
    /// Two results are not of the same puzzle, or not asked the same.
    #[error("{what} of {first} and {second} differ; merge the shards of one search only")]
    Differ {
        /// What differs.
        what: Difference,
        /// Where one was read.
        first: String,
        /// Where the other was read.
        second: String,
    },
    /// A result contradicts itself, or states a solution that is none.
    #[error("{source_name}: {field}: {problem}; run that shard again")]
    Broken {
        /// Where it was read.
        source_name: String,
        /// The path of the field that cannot be.
        field: String,
        /// Why it cannot.
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

/// What two results must have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// The puzzle with its goal.
    Puzzle,
    /// Which solutions were wanted.
    Find,
    /// The whole that the shards are parts of.
    Whole,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Puzzle => "the puzzles",
            Self::Find => "the kinds of search",
            Self::Whole => "the whole ranges",
        })
    }
}

/// The answer of all shards together.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Merged {
    /// How the search ended. [`Status::Timeout`] or [`Status::Interrupted`] when a shard that could change the answer did
    /// not finish; the answer is then the best known.
    pub status: Status,
    /// Which solutions were wanted.
    pub find: Find,
    /// The name of the puzzle with its goal.
    pub puzzle_id: String,
    /// The lowest of the shards' nonces.
    pub nonce: Option<u64>,
    /// Its decimal digits.
    pub nonce_decimal: Option<String>,
    /// That nonce as it stands in the message.
    pub nonce_text: Option<String>,
    /// Where the version is rolled and a solution was found: what the nonce stands for.
    #[serde(flatten)]
    pub rolled: Option<RolledRecord>,
    /// Its hash, as the puzzle's readers print it.
    pub hash: Option<String>,
    /// Its whole message, in hex.
    pub message_hex: Option<String>,
    /// The highest hash that meets the goal (or the very hash asked for), 64 hex digits.
    pub target: String,
    /// log2 of the expected number of hashes.
    pub difficulty_bits: f64,
    /// Nonces tested by all shards together; 2^64 counts as one less, as in a shard's result.
    pub hashes: u128,
    /// Seconds that the longest shard took.
    pub elapsed_s: f64,
    /// Seconds that all shards took, added up.
    pub total_elapsed_s: f64,
    /// What all shards together searched.
    pub range: NonceRange,
    /// How many shards there were.
    pub shards: usize,
    /// With [`Find::All`]: every solution, in ascending order of nonces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solutions: Option<Vec<SolutionRecord>>,
}

impl Merged {
    /// The name of its schema.
    pub const SCHEMA: &str = "paydirt.merge/1";
}

/// Merges `shards`. They must tile `whole`, or, without one, the whole that they name themselves, or, if they do not (they
/// were cut by hand), the range from the lowest to the highest.
///
/// # Errors
/// [`MergeError`] when nonces are missing or there twice, or the results do not belong together.
///
/// # Examples
/// ```
/// use paydirt::{Find, Goal, Miner, Puzzle, Search, Target, record};
///
/// let puzzle = Puzzle::text("100", Goal::at_most(Target::from_hex_zeros(4)?));
/// let whole = puzzle.nonce_space().part(0, 60_000)?;
/// let miner = Miner::new();
/// let shard = |index| -> Result<record::Shard, paydirt::RangeError> {
///     let outcome = miner.mine(&Search::new(&puzzle).range(whole.shard(index, 3)?));
///     let record = record::MineRecord::new(&puzzle, Find::Lowest, &outcome);
///     Ok(record::Shard { source: format!("machine {index}"), record: record.with_shard(index, 3, whole) })
/// };
/// let merged = record::merge(vec![shard(2)?, shard(0)?, shard(1)?], None)?;
/// assert_eq!((merged.nonce, merged.range), (Some(35293), whole));
/// let missing = record::merge(vec![shard(2)?, shard(0)?], None).unwrap_err();
/// assert!(missing.to_string().starts_with("nonces 20000 to 39999 are missing (no result of shard 1/3)"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn merge(mut shards: Vec<Shard>, whole: Option<NonceRange>) -> Result<Merged, MergeError> {
    let Some(first) = shards.first() else {
        return Err(MergeError::Nothing);
    };
    let puzzle = common_puzzle(&shards)?;
    for other in &shards {
        belong_together(first, other)?;
    }
    for shard in &shards {
        check(&shard.record, &puzzle).map_err(|flaw| shard.broken(flaw))?;
    }
    shards.sort_by_key(|shard| (shard.range().start(), shard.range().count()));
    let range = tile(&shards, whole)?;
    let records = || shards.iter().map(|shard| &shard.record);
    let best = records().find(|record| record.nonce.is_some());
    let unfinished = records().find(|record| {
        let could_change_it = match (record.find, best.and_then(|best| best.nonce)) {
            (Find::All, _) | (_, None) => true,
            (Find::First, Some(_)) => false,
            (Find::Lowest, Some(nonce)) => record.range.start() < nonce,
        };
        could_change_it && matches!(record.status, Status::Timeout | Status::Interrupted)
    });
    let any = best.unwrap_or(&shards[0].record);
    Ok(Merged {
        status: match (unfinished, best) {
            (Some(record), _) => record.status,
            (None, Some(_)) => Status::Found,
            (None, None) => Status::Exhausted,
        },
        find: any.find,
        puzzle_id: any.puzzle_id.clone(),
        nonce: any.nonce,
        nonce_decimal: any.nonce.map(|nonce| nonce.to_string()),
        nonce_text: any.nonce_text.clone(),
        rolled: any.rolled.filter(|rolled| rolled.version.is_some()),
        hash: any.hash.clone(),
        message_hex: any.message_hex.clone(),
        target: any.target.clone(),
        difficulty_bits: any.difficulty_bits,
        hashes: (records().map(|record| u128::from(record.hashes)).sum::<u128>()).min(u64::MAX.into()),
        elapsed_s: records().map(|record| record.elapsed_s).fold(0.0, f64::max),
        total_elapsed_s: records().map(|record| record.elapsed_s).sum(),
        range,
        shards: shards.len(),
        solutions: (any.find == Find::All).then(|| {
            records()
                .flat_map(|record| record.solutions.iter().flatten().cloned())
                .map(|solution| SolutionRecord {
                    nonce_decimal: Some(solution.nonce.to_string()),
                    ..solution
                })
                .collect()
        }),
    })
}

fn belong_together(first: &Shard, other: &Shard) -> Result<(), MergeError> {
    let (a, b) = (&first.record, &other.record);
    let what = match () {
        () if a.puzzle_id != b.puzzle_id => Difference::Puzzle,
        () if a.find != b.find => Difference::Find,
        () if a.shard.zip(b.shard).is_some_and(|(a, b)| a.whole != b.whole) => Difference::Whole,
        () => return Ok(()),
    };
    Err(MergeError::Differ {
        what,
        first: first.source.clone(),
        second: other.source.clone(),
    })
}

impl Shard {
    fn range(&self) -> NonceRange {
        self.record.range
    }

    fn broken(&self, Flaw { field, problem }: Flaw) -> MergeError {
        MergeError::Broken {
            source_name: self.source.clone(),
            field,
            problem,
        }
    }

    /// The puzzle that the result carries, if its name fits.
    fn puzzle(&self) -> Result<Option<Puzzle>, Flaw> {
        let (record, goal) = match (&self.record.puzzle, &self.record.goal) {
            (None, None) => return Ok(None),
            (Some(record), Some(goal)) => (record, goal),
            (None, Some(_)) => return Err(Flaw::of("puzzle", "missing beside its goal")),
            (Some(_), None) => return Err(Flaw::of("goal", "missing beside its puzzle")),
        };
        let puzzle = record.puzzle(goal)?;
        match puzzle_id(&puzzle) == self.record.puzzle_id {
            true => Ok(Some(puzzle)),
            false => Err(Flaw::of(
                "puzzle_id",
                "it is not the name of the puzzle and goal beside it",
            )),
        }
    }
}

/// The puzzle of all, which at least one carries.
fn common_puzzle(shards: &[Shard]) -> Result<Puzzle, MergeError> {
    let mut known = None;
    for shard in shards {
        let puzzle = shard.puzzle().map_err(|flaw| shard.broken(flaw))?;
        known = known.or(puzzle);
    }
    known.ok_or_else(|| {
        let problem = "missing, here and in all others, so that nothing can be hashed again";
        shards[0].broken(Flaw::of("puzzle", problem))
    })
}

/// What the shards, in ascending order, search together, if they leave nothing out and overlap nowhere.
fn tile(shards: &[Shard], whole: Option<NonceRange>) -> Result<NonceRange, MergeError> {
    let named = shards.iter().find_map(|shard| Some(shard.record.shard?.whole));
    let whole = whole.or(named);
    let searched: Vec<_> = shards.iter().filter(|shard| !shard.range().is_empty()).collect();
    let (Some(lowest), Some(highest)) = (searched.first(), searched.last()) else {
        return match whole {
            Some(whole) if !whole.is_empty() => Err(gap(shards, whole.start().into(), whole.end())),
            _ => Ok(shards[0].range()),
        };
    };
    let whole = whole.unwrap_or_else(|| {
        let start = lowest.range().start();
        NonceRange::new(start, highest.range().end() - u128::from(start)).expect("both are ends of ranges")
    });
    let mut next = u128::from(whole.start());
    let mut before: Option<&Shard> = None;
    for shard in searched {
        let start = u128::from(shard.range().start());
        if start < next {
            return Err(match before {
                Some(before) => MergeError::Overlap {
                    first: start,
                    last: next.min(shard.range().end()) - 1,
                    one: before.source.clone(),
                    other: shard.source.clone(),
                },
                None => outside(shard, whole),
            });
        }
        if shard.range().end() > whole.end() {
            return Err(outside(shard, whole));
        }
        if start > next {
            return Err(gap(shards, next, start));
        }
        next = shard.range().end();
        before = Some(shard);
    }
    match next < whole.end() {
        true => Err(gap(shards, next, whole.end())),
        false => Ok(whole),
    }
}

fn outside(shard: &Shard, whole: NonceRange) -> MergeError {
    MergeError::Outside {
        source_name: shard.source.clone(),
        first: whole.start().into(),
        last: whole.end().saturating_sub(1),
    }
}

fn gap(shards: &[Shard], first: u128, end: u128) -> MergeError {
    MergeError::Gap {
        first,
        last: end - 1,
        hint: missing_shards(shards).unwrap_or_default(),
    }
}

/// Which numbers are not there, if all shards are numbered alike.
fn missing_shards(shards: &[Shard]) -> Option<String> {
    const SHOWN: usize = 8;
    let of = shards.first()?.record.shard?.of;
    let mut there = Vec::with_capacity(shards.len());
    for shard in shards {
        let part = shard.record.shard.filter(|part| part.of == of)?;
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
