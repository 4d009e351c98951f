//! Where a long search goes on: `--resume FILE`.
//!
//! *In:* a search, and the file that an earlier run of it left, if there is one. *Out:* how far that was, or its result; on
//! the way the file, renewed every second and at the end ([`keeper`]), whole at any moment ([`disk`]).
//!
//! One number says how far a search is: the lowest nonce not yet tested. All below it was tested, and of a search for all every
//! solution below it was written to stdout. Nonces above it that other threads had tested are tested again.

mod disk;
pub(crate) mod keeper;

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

use crate::{options::InputError, terminal::output::Named};
use disk::{Disk, Trouble};
use paydirt::{
    Find, NonceRange, Puzzle, Solution, Status,
    record::{GoalRecord, MineRecord, PuzzleRecord, puzzle_id},
};

const SCHEMA: &str = "paydirt.resume/1";

/// How far a search is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    /// The lowest nonce not yet tested; the range's end when there is none.
    pub(crate) next: u128,
    /// Time that was spent on it.
    pub(crate) elapsed_s: f64,
    /// Of a search for all: solutions below `next`, and the lowest of them.
    pub(crate) solutions: u64,
    pub(crate) lowest: Option<Solution>,
}

/// What the file holds, in this order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content<R> {
    schema: String,
    find: Find,
    puzzle_id: String,
    puzzle: PuzzleRecord,
    goal: GoalRecord,
    range: NonceRange,
    next: Option<u64>,
    /// Older versions did not write it, nor the other.
    #[serde(default)]
    next_decimal: Option<String>,
    elapsed_s: f64,
    solution_count: u64,
    nonce: Option<u64>,
    #[serde(default)]
    nonce_decimal: Option<String>,
    result: Option<R>,
}

/// A search and its file.
pub(crate) struct ResumeFile {
    disk: Disk,
    puzzle: Puzzle,
    find: Find,
    range: NonceRange,
}

/// What the file said when the search began.
pub(crate) enum Found {
    /// There was none, or the search was not over.
    At(Option<Point>),
    /// It is over.
    Over(Box<MineRecord>),
}

impl ResumeFile {
    /// Opens the file of this search, and makes it if there is none.
    ///
    /// # Errors
    /// When it is another search's, damaged, of a newer version, in use, or cannot be read or written.
    pub(crate) fn open(
        path: &Path,
        puzzle: &Puzzle,
        find: Find,
        range: NonceRange,
    ) -> Result<(Self, Found), InputError> {
        let refuse = |problem: String| InputError::value("resume", &path.display().to_string(), problem);
        let (disk, text) = Disk::open(path).map_err(|trouble| refuse(trouble.to_string()))?;
        let mut file = Self {
            disk,
            puzzle: puzzle.clone(),
            find,
            range,
        };
        let found = match text {
            Some(text) => file.read(&text).map_err(refuse)?,
            None => Found::At(None),
        };
        // At once, so that a folder that cannot be written to is known before hours have passed.
        if let Found::At(point) = &found {
            let point = point.unwrap_or(file.beginning());
            let stored = file.store(&point, None);
            stored.map_err(|error| refuse(format!("cannot be written: {error}")))?;
        }
        Ok((file, found))
    }

    /// Nothing is tested.
    pub(crate) fn beginning(&self) -> Point {
        Point {
            next: self.range.start().into(),
            elapsed_s: 0.0,
            solutions: 0,
            lowest: None,
        }
    }

    /// Writes down how far the search is, and its result when it is over.
    pub(crate) fn store(&mut self, point: &Point, result: Option<&MineRecord>) -> io::Result<()> {
        let schema = MineRecord::SCHEMA;
        let next = u64::try_from(point.next).ok().filter(|_| result.is_none());
        let nonce = point.lowest.map(|lowest| lowest.nonce());
        self.disk.store(&Content {
            schema: SCHEMA.to_owned(),
            find: self.find,
            puzzle_id: puzzle_id(&self.puzzle),
            puzzle: PuzzleRecord::new(&self.puzzle),
            goal: GoalRecord::new(&self.puzzle),
            range: self.range,
            next,
            next_decimal: decimal(next),
            elapsed_s: point.elapsed_s,
            solution_count: point.solutions,
            nonce,
            nonce_decimal: decimal(nonce),
            result: result.map(|result| Named { schema, result }),
        })
    }

    fn read(&self, text: &str) -> Result<Found, String> {
        let content: Content<MineRecord> = disk::read(text, SCHEMA).map_err(|trouble| trouble.to_string())?;
        self.is_of_this_search(&content)?;
        let damaged = || Trouble::Damaged.to_string();
        for (number, digits) in [
            (content.next, &content.next_decimal),
            (content.nonce, &content.nonce_decimal),
        ] {
            if digits.is_some() && *digits != decimal(number) {
                return Err(damaged());
            }
        }
        match (content.next, content.result) {
            (None, Some(mut result)) => {
                // Where there is none it is read as one without values.
                result.rolled = result.rolled.filter(|_| self.puzzle.rolling().is_some());
                // Older versions did not write it.
                let digits = decimal(result.nonce);
                let decimal = std::mem::replace(&mut result.nonce_decimal, digits);
                let fits = (decimal.is_none() || decimal == result.nonce_decimal)
                    && result.find == self.find
                    && result.puzzle_id == content.puzzle_id
                    && result.range == self.range
                    && matches!(result.status, Status::Found | Status::Exhausted)
                    && (result.status == Status::Found) == result.nonce.is_some();
                let nonce_is_one = result.nonce.is_none_or(|nonce| self.solution(nonce).is_some());
                (fits && nonce_is_one)
                    .then(|| Found::Over(Box::new(result)))
                    .ok_or_else(damaged)
            }
            (Some(next), None) => {
                let lowest = content.nonce.and_then(|nonce| self.solution(nonce));
                let done = u128::from(next).checked_sub(self.range.start().into());
                let fits = (self.range.contains(next) || self.range.is_empty())
                    && done.is_some_and(|done| u128::from(content.solution_count) <= done)
                    && content.elapsed_s >= 0.0
                    && lowest.map(|lowest| lowest.nonce()) == content.nonce
                    && (content.solution_count > 0) == lowest.is_some()
                    && lowest.is_none_or(|lowest| lowest.nonce() < next);
                let point = Point {
                    next: next.into(),
                    elapsed_s: content.elapsed_s,
                    solutions: content.solution_count,
                    lowest,
                };
                fits.then_some(Found::At(Some(point))).ok_or_else(damaged)
            }
            _ => Err(damaged()),
        }
    }

    fn solution(&self, nonce: u64) -> Option<Solution> {
        let solution = Solution::check(&self.puzzle, nonce).ok();
        solution.filter(|_| self.range.contains(nonce))
    }

    fn is_of_this_search<R>(&self, content: &Content<R>) -> Result<(), String> {
        let range = |range: NonceRange| format!("{} nonces from {}", range.count(), range.start());
        let difference = if content.puzzle != PuzzleRecord::new(&self.puzzle) {
            "its puzzle is another".to_owned()
        } else if content.goal != GoalRecord::new(&self.puzzle) {
            "its goal is another".to_owned()
        } else if content.range != self.range {
            format!("it searches {}, not {}", range(content.range), range(self.range))
        } else if content.find != self.find {
            format!("it is to find {}, not {}", content.find.name(), self.find.name())
        } else if content.puzzle_id != puzzle_id(&self.puzzle) {
            return Err(Trouble::Damaged.to_string());
        } else {
            return Ok(());
        };
        Err(format!(
            "is of another search: {difference}; give the options it was begun with, or another file"
        ))
    }
}

/// A number's decimal digits.
fn decimal(number: Option<u64>) -> Option<String> {
    number.map(|number| number.to_string())
}

impl Point {
    /// Adds what was done before the search went on here to the result of its rest.
    pub(crate) fn add_to(&self, record: &mut MineRecord, puzzle: &Puzzle, whole: NonceRange) {
        let tested = self.next - u128::from(whole.start());
        record.range = whole;
        record.hashes = u64::try_from(tested + u128::from(record.hashes)).unwrap_or(u64::MAX);
        record.elapsed_s += self.elapsed_s;
        let rate = record.hashes as f64 / record.elapsed_s;
        record.hashes_per_second = Some(rate).filter(|rate| rate.is_finite() && *rate > 0.0);
        if let Some(count) = &mut record.solution_count {
            *count += self.solutions;
        }
        if let Some(lowest) = &self.lowest {
            record.set_solution(puzzle, lowest);
            if record.status == Status::Exhausted {
                record.status = Status::Found;
            }
        }
    }
}
