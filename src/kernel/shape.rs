//! What of a puzzle decides which kernel is the fastest for it.
//!
//! *In:* a [`Prepared`]. *Out:* a small key: puzzles of equal keys are as fast as each other beside the kernels' own
//! differences, so what was measured on one holds for all. What does not change the order of kernels is left out: the
//! bytes of the message, the goal, the exact word of the nonce.

use std::fmt;

use super::{
    Prepared,
    symbols::{LowSymbols, MOST_LOW, Symbols},
};
use crate::puzzle::{ByteOrder, HexCase};

/// So many blocks and more are alike: most of a hash is in blocks that are the same for all nonces.
const MANY_BLOCKS: usize = 4;

/// The kind of a puzzle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shape {
    /// Blocks from the one in which the nonce begins to the last, [`MANY_BLOCKS`] at most.
    blocks: usize,
    /// In which of those the symbols stand that run from nonce to nonce, and in which quarter of it: words 0 to 3, 4 to
    /// 7 … The rounds before them are left out.
    quarter: usize,
    /// They reach into the block after.
    straddles: bool,
    /// Whether nonces are decimal digits, hexadecimal ones or numbers, and of which order: from which table they come.
    symbols: u8,
    rehashes: usize,
    order: Order,
    /// How many versions share a header's second block: 1 where none is rolled.
    versions: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    Big,
    Little,
}

impl Shape {
    pub(crate) fn of(prepared: &Prepared) -> Self {
        let (first, words) = LowSymbols::of(prepared, MOST_LOW).words();
        Self {
            blocks: prepared.blocks.len().min(MANY_BLOCKS),
            quarter: first / 4,
            straddles: first % 16 + words > 16,
            symbols: match prepared.symbols {
                Symbols::Decimal => 0,
                Symbols::Hex(HexCase::Lower | HexCase::Upper) => 1,
                Symbols::Binary(ByteOrder::Big) => 2,
                Symbols::Binary(ByteOrder::Little) => 3,
            },
            rehashes: prepared.rehashes.len(),
            order: match prepared.test.order {
                ByteOrder::Big => Order::Big,
                ByteOrder::Little => Order::Little,
            },
            versions: (prepared.rolled.as_ref()).map_or(1, |rolled| rolled.versions()),
        }
    }
}

impl fmt::Display for Shape {
    /// For people: `1 block, sha256d, u32le or u64le in words 0 to 3, read little-endian, 128 versions together`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = self.quarter * 4;
        match self.blocks {
            1 => f.write_str("1 block")?,
            MANY_BLOCKS => write!(f, "{MANY_BLOCKS} or more blocks")?,
            blocks => write!(f, "{blocks} blocks")?,
        }
        match self.rehashes {
            0 => f.write_str(", sha256")?,
            1 => f.write_str(", sha256d")?,
            times => write!(f, ", hashed {times} times more")?,
        }
        f.write_str(match self.order {
            Order::Big => "",
            Order::Little => " read little-endian",
        })?;
        let symbols = [
            "decimal digits",
            "hex digits",
            "big-endian nonce",
            "little-endian nonce",
        ];
        write!(
            f,
            ", {} in words {from} to {}",
            symbols[usize::from(self.symbols)],
            from + 3
        )?;
        if self.straddles {
            f.write_str(" and the next block")?;
        }
        match self.versions {
            1 => Ok(()),
            versions => write!(f, ", {versions} versions together"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::puzzle::{Goal, Header, NonceRange, Puzzle, Target};

    fn shapes(puzzle: &Puzzle, start: u64, count: u128) -> Vec<Shape> {
        let parts = Prepared::split(puzzle, NonceRange::new(start, count).unwrap());
        parts.iter().map(Shape::of).collect()
    }

    fn text(prefix: &str) -> Puzzle {
        Puzzle::text(prefix, Goal::at_most(Target::ZERO))
    }

    #[test]
    fn neither_bytes_nor_goal_nor_a_digit_more_make_another_shape() {
        let shape = |prefix| shapes(&text(prefix), 1_000_000, 1)[0];
        assert_eq!(shape("abc"), shape("xyz"));
        let longer = shapes(&text("abc"), 1_000_000, 1_000_000_000);
        assert_eq!(longer.len(), 4);
        assert!(longer.iter().all(|other| *other == shape("abc")));
        let easy = text("abc").with_goal(Goal::at_most(Target::MAX));
        assert_eq!(shapes(&easy, 1_000_000, 1)[0], shape("abc"));
    }

    #[test]
    fn place_blocks_digest_and_rolling_do() {
        let header = Puzzle::header_with_goal(&Header::from_bytes([7; 80]), Goal::at_most(Target::ZERO));
        let of = |puzzle: &Puzzle| shapes(puzzle, 10_000_000, 1)[0];
        let rolled = |mask| header.clone().roll_version(mask).unwrap();
        let all = [
            of(&text("abc")),
            of(&text("0123456789".repeat(4).as_str())),
            of(&text("0123456789".repeat(5).as_str())),
            of(&header),
            of(&rolled(0x2000)),
            of(&rolled(0x1fff_e000)),
        ];
        for (i, shape) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|other| other != shape), "{shape}");
        }
        let told = all.map(|shape| shape.to_string());
        assert_eq!(told[0], "1 block, sha256, decimal digits in words 0 to 3");
        assert_eq!(told[2], "2 blocks, sha256, decimal digits in words 12 to 15");
        assert_eq!(
            told[3],
            "1 block, sha256d read little-endian, little-endian nonce in words 0 to 3"
        );
        assert!(told[5].ends_with(", 128 versions together"), "{}", told[5]);
    }
}
