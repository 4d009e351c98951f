//! A nonce that the oracle has confirmed.
//!
//! *In:* a puzzle and a claimed nonce. *Out:* a [`Solution`], which can be made in no other way than by hashing the
//! message again with the oracle; or a [`Rejection`] that says what the nonce gives instead.

use crate::puzzle::{Goal, Hash, Puzzle, VersionRolling};

/// A verified solution of a puzzle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Solution {
    nonce: u64,
    hash: Hash,
    rolling: Option<VersionRolling>,
}

/// Why a nonce is not a solution.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The encoding cannot write it.
    #[error("nonce {nonce} is outside the nonce space; the last nonce is {last}")]
    OutsideSpace {
        /// The nonce.
        nonce: u64,
        /// The last nonce there is.
        last: u64,
    },
    /// Its hash does not meet the goal.
    #[error("{}", describe_miss(*.nonce, .hash, .goal))]
    GoalMissed {
        /// The nonce.
        nonce: u64,
        /// What it hashes to, as the puzzle's readers write it.
        hash: String,
        /// What was asked for, likewise.
        goal: Goal,
    },
}

fn describe_miss(nonce: u64, hash: &str, goal: &Goal) -> String {
    match goal {
        Goal::AtMost(target) => format!(
            "nonce {nonce} hashes to {hash}, above the target {}",
            target.to_hex()
        ),
        Goal::Equals(_) => format!("nonce {nonce} hashes to {hash}, which is not the hash asked for"),
    }
}

impl Solution {
    /// Hashes the message of `nonce` with the oracle.
    ///
    /// # Errors
    /// [`Rejection`] when the nonce cannot stand in the message or its hash does not meet the goal.
    pub fn check(puzzle: &Puzzle, nonce: u64) -> Result<Self, Rejection> {
        let space = puzzle.nonce_space();
        if !space.contains(nonce) {
            let last = u64::try_from(space.end() - 1).expect("spaces end at 2^64 at most");
            return Err(Rejection::OutsideSpace { nonce, last });
        }
        let hash = puzzle.hash(nonce);
        if puzzle.goal().is_met_by(hash, puzzle.byte_order()) {
            Ok(Self {
                nonce,
                hash,
                rolling: puzzle.rolling(),
            })
        } else {
            Err(Rejection::GoalMissed {
                nonce,
                hash: hash.display(puzzle.byte_order()),
                goal: *puzzle.goal(),
            })
        }
    }

    /// The nonce. Where the version is rolled, it stands for both [`Solution::version`] and
    /// [`Solution::header_nonce`].
    pub fn nonce(&self) -> u64 {
        self.nonce
    }

    /// The version of the solved header, all 32 bits; `None` unless the puzzle rolls it.
    pub fn version(&self) -> Option<u32> {
        self.rolling.map(|rolling| rolling.split(self.nonce).0)
    }

    /// The nonce of the solved header; `None` unless the puzzle rolls the version.
    pub fn header_nonce(&self) -> Option<u32> {
        self.rolling.map(|rolling| rolling.split(self.nonce).1)
    }

    /// The hash of its message.
    pub fn hash(&self) -> Hash {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::puzzle::{Header, NonceEncoding, Target};

    #[test]
    fn only_what_the_oracle_confirms() {
        let puzzle = Puzzle::text("100", Goal::at_most(Target::from_hex_zeros(4).unwrap()));
        let solution = Solution::check(&puzzle, 35293).unwrap();
        assert!(solution.hash().display(puzzle.byte_order()).starts_with("0000"));
        let miss = Solution::check(&puzzle, 35294).unwrap_err();
        assert!(miss.to_string().contains("above the target 0000ff"), "{miss}");
    }

    #[test]
    fn the_first_block_of_bitcoin() {
        let header = Header::from_hex(concat!(
            "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b2",
            "7ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c"
        ))
        .unwrap();
        let puzzle = Puzzle::header(&header).unwrap();
        assert_eq!(header.nonce(), 2_083_236_893);
        let solution = Solution::check(&puzzle, header.nonce().into()).unwrap();
        assert_eq!(
            solution.hash().display(puzzle.byte_order()),
            "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
        );
    }

    #[test]
    fn a_nonce_that_does_not_fit_is_no_panic() {
        let puzzle = Puzzle::new(
            crate::Template::new([], []),
            NonceEncoding::DecimalPadded { width: 2 },
            crate::Digest::Sha256,
            crate::ByteOrder::Big,
            Goal::at_most(Target::MAX),
        );
        assert_eq!(
            Solution::check(&puzzle, 100),
            Err(Rejection::OutsideSpace { nonce: 100, last: 99 })
        );
    }

    #[test]
    fn a_rolled_solution_carries_its_version() {
        let header = Header::from_bytes([0x11; 80]);
        let puzzle = Puzzle::header_with_goal(&header, Goal::at_most(Target::MAX));
        let plain = Solution::check(&puzzle, 3).unwrap();
        assert_eq!((plain.version(), plain.header_nonce()), (None, None));
        let puzzle = puzzle.roll_version(0x8000_0000).unwrap();
        let solution = Solution::check(&puzzle, 2 * 77 + 1).unwrap();
        assert_eq!(solution.version(), Some(0x9111_1111));
        assert_eq!(solution.header_nonce(), Some(77));
        assert!(matches!(
            Solution::check(&puzzle, 1 << 33),
            Err(Rejection::OutsideSpace {
                last: 0x1_ffff_ffff,
                ..
            })
        ));
    }
}
