//! A puzzle as results carry it: whoever reads one can hash its solutions again.
//!
//! *In:* a puzzle. *Out:* its parts in words and hex, the spelling of a job line's `puzzle` and `goal`, and its name. The name
//! is a hash over all the parts, so that a part which was changed afterwards no longer fits it.

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use super::Flaw;
use crate::puzzle::{ByteOrder, Digest, Goal, Hash, NonceEncoding, PLACEHOLDER, Puzzle, Target, Template};

/// A name for a puzzle and its goal: equal for equal ones, on every machine.
///
/// It is the SHA-256, in hex, of the six lines `paydirt.puzzle/1`, prefix in hex, nonce encoding, suffix in hex,
/// `DIGEST ORDER`, and `at-most TARGET` or `equals HASH`, each ending in a newline; where the version is rolled, a seventh
/// follows, `roll-version MASK BITS`: so many low bits of a nonce say the version.
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
        target_hex(puzzle),
    );
    if let Some(rolling) = puzzle.rolling() {
        let (mask, bits) = (rolling.mask(), rolling.group_bits());
        lines.push_str(&format!("roll-version {mask:08x} {bits}\n"));
    }
    hex::encode(sha2::Sha256::digest(lines))
}

/// The goal's number in 64 hex digits.
pub(super) fn target_hex(puzzle: &Puzzle) -> String {
    puzzle.goal().to_target_lossy(puzzle.byte_order()).to_hex()
}

/// What is hashed, and how: a job line's `puzzle`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PuzzleRecord {
    /// The message in hex with `{nonce}` where the nonce stands.
    pub template_hex: String,
    /// How the nonce stands there: `dec`, `hex:8`, `u32le` …
    pub nonce: String,
    /// `sha256` or `sha256d`.
    pub digest: String,
    /// The order in which the hash is read as a number and printed: `be` or `le`.
    pub hash_order: String,
    /// Where the version is rolled: which of its bits, 8 hex digits. The template is then a header's first 76 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roll_version: Option<String>,
}

/// What the hash must be: a job line's `goal`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum GoalRecord {
    /// As a number at most this, in hex.
    Target(String),
    /// Exactly this, as the puzzle's readers print it.
    Equals(String),
}

impl PuzzleRecord {
    /// Describes `puzzle`, its goal left out.
    pub fn new(puzzle: &Puzzle) -> Self {
        let [prefix, suffix] = [puzzle.template().prefix(), puzzle.template().suffix()].map(hex::encode);
        Self {
            template_hex: format!("{prefix}{PLACEHOLDER}{suffix}"),
            nonce: puzzle.encoding().to_string(),
            digest: puzzle.digest().name().to_owned(),
            hash_order: puzzle.byte_order().name().to_owned(),
            roll_version: puzzle.rolling().map(|rolling| format!("{:08x}", rolling.mask())),
        }
    }

    /// The puzzle that this and `goal` describe.
    pub(super) fn puzzle(&self, goal: &GoalRecord) -> Result<Puzzle, Flaw> {
        let template = Template::from_hex(&self.template_hex)
            .map_err(|problem| Flaw::of("puzzle.template_hex", problem))?;
        let encoding: NonceEncoding = self
            .nonce
            .parse()
            .map_err(|problem| Flaw::of("puzzle.nonce", problem))?;
        let digest = [Digest::Sha256, Digest::Sha256d]
            .into_iter()
            .find(|digest| digest.name() == self.digest);
        let digest =
            digest.ok_or_else(|| Flaw::of("puzzle.digest", "not a digest; it is sha256 or sha256d"))?;
        let order = [ByteOrder::Big, ByteOrder::Little]
            .into_iter()
            .find(|order| order.name() == self.hash_order);
        let order = order.ok_or_else(|| Flaw::of("puzzle.hash_order", "not a byte order; it is be or le"))?;
        let puzzle = Puzzle::new(template, encoding, digest, order, goal.goal(order)?);
        let Some(mask) = &self.roll_version else {
            return Ok(puzzle);
        };
        let digits = mask.len() == 8 && mask.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mask = digits.then(|| u32::from_str_radix(mask, 16).ok()).flatten();
        let mask = mask.ok_or_else(|| Flaw::of("puzzle.roll_version", "not 8 hex digits, as in 1fffe000"))?;
        puzzle
            .roll_version(mask)
            .map_err(|problem| Flaw::of("puzzle.roll_version", problem))
    }
}

impl GoalRecord {
    /// Describes the goal of `puzzle`.
    pub fn new(puzzle: &Puzzle) -> Self {
        match puzzle.goal() {
            Goal::AtMost(target) => Self::Target(target.to_hex()),
            Goal::Equals(hash) => Self::Equals(hash.display(puzzle.byte_order())),
        }
    }

    fn goal(&self, order: ByteOrder) -> Result<Goal, Flaw> {
        match self {
            Self::Target(target) => (Target::from_hex(target).map(Goal::at_most))
                .map_err(|problem| Flaw::of("goal.target", problem)),
            Self::Equals(hash) => (Hash::from_display(hash, order).map(Goal::Equals))
                .map_err(|problem| Flaw::of("goal.equals", problem)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::puzzle::Header;

    #[test]
    fn a_puzzle_survives_its_record() {
        let target = Goal::at_most(Target::from_leading_zero_bits(20.5).unwrap());
        let header = Puzzle::header_with_goal(&Header::from_bytes([0x20; 80]), target);
        let equals = Goal::Equals(Hash::from_bytes(std::array::from_fn(|at| at as u8)));
        let mut puzzles = vec![
            Puzzle::text("100", target),
            header.clone().with_goal(equals),
            header.clone(),
            header.roll_version(0x1fff_e000).unwrap(),
        ];
        for encoding in ["dec:5", "hex:3", "HEX:16", "u32be", "u64le", "u64be"] {
            let template = Template::new([0, 255], *b"}{");
            puzzles.push(Puzzle::new(
                template,
                encoding.parse().unwrap(),
                Digest::Sha256d,
                ByteOrder::Big,
                equals,
            ));
        }
        for puzzle in puzzles {
            let (record, goal) = (PuzzleRecord::new(&puzzle), GoalRecord::new(&puzzle));
            let again = record.puzzle(&goal).unwrap();
            assert_eq!(again, puzzle);
            assert_eq!(puzzle_id(&again), puzzle_id(&puzzle));
        }
    }
}
