//! Whether a shard's result can be true.
//!
//! *In:* a [`MineRecord`] that somebody wrote down, and its puzzle. *Out:* nothing, or the first [`Flaw`]: which field, and
//! why it cannot be.
//!
//! A file cut short, edited, or made up should decide nothing. Each solution is hashed again with the oracle, so a false one
//! never passes. What was *not* found has no proof: that a range was searched, and that it holds nothing else, is taken
//! at its word, as far as its counts fit each other.

use std::time::Duration;

use super::{MineRecord, puzzle::target_hex};
use crate::{
    miner::{Find, Status},
    puzzle::{NonceRange, Puzzle},
    solution::Solution,
};

/// Numbers that were written as decimal digits and read again.
const ROUNDING: f64 = 1e-9;

/// A field that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    /// Its path.
    pub(super) field: String,
    /// Why not.
    pub(super) problem: String,
}

type Checked = Result<(), Flaw>;

impl Flaw {
    /// Of `field`, this.
    pub(super) fn of(field: &str, problem: impl ToString) -> Self {
        Self {
            field: field.to_owned(),
            problem: problem.to_string(),
        }
    }
}

fn require(holds: bool, field: &str, problem: &str) -> Checked {
    match holds {
        true => Ok(()),
        false => Err(Flaw::of(field, problem)),
    }
}

/// Checks everything that a result of `puzzle` says.
pub(super) fn check(record: &MineRecord, puzzle: &Puzzle) -> Checked {
    check_goal(record, puzzle)?;
    check_place(record, puzzle)?;
    check_status(record)?;
    check_counts(record)?;
    check_nonce(record, puzzle)?;
    check_solutions(record, puzzle)
}

fn check_goal(record: &MineRecord, puzzle: &Puzzle) -> Checked {
    let is_target = record.target == target_hex(puzzle);
    require(is_target, "target", "it is not the target of its puzzle and goal")?;
    let bits = puzzle.goal().difficulty_bits();
    let is_difficulty = (record.difficulty_bits - bits).abs() <= ROUNDING;
    require(
        is_difficulty,
        "difficulty_bits",
        "it is not the difficulty of its target",
    )
}

fn check_place(record: &MineRecord, puzzle: &Puzzle) -> Checked {
    let space = puzzle.nonce_space();
    let inside = |range: NonceRange| space.part(range.start().into(), range.count()).is_ok();
    let problem = "it reaches beyond the nonces that the puzzle has";
    require(inside(record.range), "range", problem)?;
    let Some(part) = record.shard else {
        return Ok(());
    };
    require(inside(part.whole), "shard.whole", problem)?;
    // Empty ranges at the end of the space are written with the last nonce as their start.
    let ends = |range: NonceRange| (range.start(), range.count());
    match part.whole.shard(part.index, part.of) {
        Ok(range) if ends(range) == ends(record.range) => Ok(()),
        Ok(_) => Err(Flaw::of("range", "it is not that shard of the whole")),
        Err(problem) => Err(Flaw::of("shard", problem)),
    }
}

/// How the search ended, and what it brought.
fn check_status(record: &MineRecord) -> Checked {
    let fields = [
        ("nonce", record.nonce.is_some()),
        ("nonce_text", record.nonce_text.is_some()),
        ("hash", record.hash.is_some()),
        ("message_hex", record.message_hex.is_some()),
    ];
    let found = fields.iter().filter(|(_, there)| *there).count() * 2 > fields.len();
    if let Some((odd, _)) = fields.iter().find(|(_, there)| *there != found) {
        let problem = "of nonce, nonce_text, hash and message_hex only some are there";
        return Err(Flaw::of(odd, problem));
    }
    let contradiction = "its status and its nonce contradict each other";
    let fits = match (record.find, record.status) {
        (_, Status::Found) => found,
        (Find::All, Status::Timeout | Status::Interrupted) => true,
        (_, Status::Exhausted | Status::Timeout | Status::Interrupted) => !found,
    };
    require(fits, "status", contradiction)?;
    let wants_all = record.find == Find::All;
    match (wants_all, &record.solutions) {
        (true, None) => Err(Flaw::of("solutions", "missing, though all were asked for")),
        (false, Some(_)) => Err(Flaw::of("solutions", "there, though only one was asked for")),
        (true, Some(all)) => require(
            all.is_empty() != found,
            "solutions",
            "they and its nonce contradict each other",
        ),
        (false, None) => Ok(()),
    }
}

fn check_counts(record: &MineRecord) -> Checked {
    let (hashes, range) = (u128::from(record.hashes), record.range);
    // 2^64 nonces are more than the field can say.
    let whole = range.count().min(u64::MAX.into());
    let all_tested = match (record.find, record.status) {
        (_, Status::Exhausted) | (Find::All, Status::Found) => true,
        (_, Status::Timeout | Status::Interrupted) => {
            let problem = "all nonces of its range were tested, though its status says otherwise";
            require(hashes < whole, "hashes", problem)?;
            false
        }
        (Find::Lowest | Find::First, Status::Found) => false,
    };
    let problem = "it tested fewer or more nonces than its range holds";
    require(
        hashes <= whole && (hashes == whole || !all_tested),
        "hashes",
        problem,
    )?;
    let least = match (record.find, record.nonce) {
        // Outside the range: told of where the nonce is looked at.
        (Find::Lowest, Some(nonce)) => u128::from(nonce.saturating_sub(range.start())) + 1,
        (Find::First, Some(_)) => 1,
        (Find::All, _) => record.solutions.iter().flatten().count() as u128,
        (_, None) => 0,
    };
    let problem = match record.find {
        Find::Lowest => "it tested too few nonces to know that its nonce is the lowest",
        Find::First | Find::All => "it tested fewer nonces than it found solutions",
    };
    let is_inside = record.nonce.is_none_or(|nonce| range.contains(nonce));
    require(hashes >= least || !is_inside, "hashes", problem)?;
    let seconds = record.elapsed_s;
    let is_time = Duration::try_from_secs_f64(seconds).is_ok();
    require(is_time, "elapsed_s", "it is not a time in seconds")?;
    let rate = record.hashes as f64 / seconds;
    let fits = |said: f64| rate.is_finite() && (said - rate).abs() <= ROUNDING * rate;
    let problem = "it is not hashes / elapsed_s";
    require(
        record.hashes_per_second.is_none_or(fits),
        "hashes_per_second",
        problem,
    )
}

fn check_nonce(record: &MineRecord, puzzle: &Puzzle) -> Checked {
    let rolled = record.rolled.unwrap_or_default();
    let (Some(nonce), Some(text), Some(hash)) = (record.nonce, &record.nonce_text, &record.hash) else {
        require(
            record.nonce_decimal.is_none(),
            "nonce_decimal",
            "there, without a nonce",
        )?;
        let nothing = rolled.version.is_none() && rolled.header_nonce.is_none();
        return require(
            nothing,
            "version",
            "there is a version, or a header_nonce, but no nonce",
        );
    };
    let said = Said {
        nonce,
        decimal: record.nonce_decimal.as_deref(),
        text,
        version: rolled.version,
        header_nonce: rolled.header_nonce,
        hash,
    };
    said.check(record.range, puzzle, "")?;
    let is_message = record.message_hex == Some(hex::encode(puzzle.message(nonce)));
    require(is_message, "message_hex", "it is not the message of its nonce")
}

fn check_solutions(record: &MineRecord, puzzle: &Puzzle) -> Checked {
    let Some(all) = &record.solutions else {
        return require(
            record.solution_count.is_none(),
            "solution_count",
            "there, without solutions",
        );
    };
    let mut before = None;
    for (at, solution) in all.iter().enumerate() {
        let path = format!("solutions[{at}].");
        let said = Said {
            nonce: solution.nonce,
            decimal: solution.nonce_decimal.as_deref(),
            text: &solution.nonce_text,
            version: solution.version,
            header_nonce: solution.header_nonce,
            hash: &solution.hash,
        };
        said.check(record.range, puzzle, &path)?;
        let ascends = before < Some(solution.nonce);
        require(
            ascends,
            &format!("{path}nonce"),
            "it is not above the one before it",
        )?;
        before = Some(solution.nonce);
    }
    let lowest = all.first().map(|solution| solution.nonce);
    require(
        record.nonce == lowest,
        "nonce",
        "it is not the lowest of its solutions",
    )?;
    match (record.solution_count, &record.puzzle) {
        (None, Some(_)) => Err(Flaw::of("solution_count", "missing beside its solutions")),
        (Some(count), _) => {
            let is_count = usize::try_from(count) == Ok(all.len());
            require(
                is_count,
                "solution_count",
                "it is not the number of its solutions",
            )
        }
        // Written before results said it.
        (None, None) => Ok(()),
    }
}

/// What a result says of one nonce.
struct Said<'r> {
    nonce: u64,
    decimal: Option<&'r str>,
    text: &'r str,
    version: Option<u32>,
    header_nonce: Option<u32>,
    hash: &'r str,
}

impl Said<'_> {
    /// Hashes it again; `path` stands before the fields' names.
    fn check(&self, range: NonceRange, puzzle: &Puzzle, path: &str) -> Checked {
        let flaw = |field: &str, problem: String| Err(Flaw::of(&format!("{path}{field}"), problem));
        if !range.contains(self.nonce) {
            return flaw("nonce", "it is outside its range".to_owned());
        }
        let is_hash = self.hash.len() == 64 && self.hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hash {
            return flaw("hash", "not a hash; a hash has 64 hex digits".to_owned());
        }
        let solution = match Solution::check(puzzle, self.nonce) {
            Ok(solution) => solution,
            Err(rejection) => return flaw("nonce", rejection.to_string()),
        };
        let hash = solution.hash().display(puzzle.byte_order());
        if hash != self.hash {
            return flaw("hash", format!("nonce {} hashes to {hash}", self.nonce));
        }
        let digits = self.nonce.to_string();
        if self.decimal.is_some_and(|decimal| decimal != digits) {
            return flaw(
                "nonce_decimal",
                format!("the digits of nonce {digits} are others"),
            );
        }
        let text = puzzle.nonce_text(self.nonce);
        if text != self.text {
            return flaw(
                "nonce_text",
                format!("nonce {} stands in its message as {text}", self.nonce),
            );
        }
        let parts = [
            ("version", self.version, solution.version()),
            ("header_nonce", self.header_nonce, solution.header_nonce()),
        ];
        for (field, said, is) in parts {
            if said != is {
                let is = is.map_or("none".to_owned(), |is| is.to_string());
                return flaw(field, format!("nonce {} stands for {is}", self.nonce));
            }
        }
        Ok(())
    }
}
