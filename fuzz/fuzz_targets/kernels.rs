//! Any puzzle, any range in any pieces: every kernel that runs here finds what the oracle finds, and says how many nonces it
//! tested.

#![no_main]

use libfuzzer_sys::{arbitrary, arbitrary::Arbitrary, fuzz_target};
use paydirt::{
    ByteOrder, Digest, Goal, HEADER_BYTES, Header, Hits, Kernel, NonceEncoding, NonceRange, Prepared, Puzzle,
    Target, Template,
};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    prefix: &'a [u8],
    suffix: &'a [u8],
    encoding: u8,
    width: u8,
    double: bool,
    little: bool,
    /// Of 256ths of a bit: up to 16 bits, for a hit now and then.
    difficulty: u16,
    /// The very hash of the nonce in the middle.
    equals: bool,
    /// A header, its version rolled over these bits.
    roll: Option<u32>,
    start: u64,
    /// Counted from the end of the space.
    at_the_end: bool,
    count: u16,
    /// Where the range is cut, as shares of what is left.
    cuts: [u8; 3],
}

impl Input<'_> {
    fn puzzle(&self) -> Option<Puzzle> {
        let bits = f64::from(self.difficulty) / 4096.0;
        let goal = Goal::at_most(Target::from_leading_zero_bits(bits).ok()?);
        if let Some(mask) = self.roll {
            let mut bytes = [0; HEADER_BYTES];
            for (byte, of_prefix) in bytes.iter_mut().zip(self.prefix) {
                *byte = *of_prefix;
            }
            return Puzzle::header_with_goal(&Header::from_bytes(bytes), goal)
                .roll_version(mask)
                .ok();
        }
        let width = self.width % 64 + 1;
        let encoding = match self.encoding % 8 {
            0 => "dec".to_owned(),
            1 => format!("dec:{width}"),
            2 => format!("hex:{width}"),
            3 => format!("HEX:{width}"),
            4 => "u32le".to_owned(),
            5 => "u32be".to_owned(),
            6 => "u64le".to_owned(),
            _ => "u64be".to_owned(),
        };
        let encoding: NonceEncoding = encoding.parse().expect("one of the names");
        let digest = if self.double {
            Digest::Sha256d
        } else {
            Digest::Sha256
        };
        let order = if self.little {
            ByteOrder::Little
        } else {
            ByteOrder::Big
        };
        Some(Puzzle::new(
            Template::new(self.prefix, self.suffix),
            encoding,
            digest,
            order,
            goal,
        ))
    }

    fn range(&self, space: NonceRange) -> NonceRange {
        let count = u128::from(self.count % 2048 + 1).min(space.count());
        let most = space.count() - count;
        let start = match self.at_the_end {
            true => most - u128::from(self.start % 64).min(most),
            false => u128::from(self.start) % (most + 1),
        };
        space.part(start, count).expect("inside the space")
    }
}

fuzz_target!(|input: Input<'_>| {
    if input.prefix.len() + input.suffix.len() > 1024 {
        return; // the oracle is slow, and there is nothing new beyond a few blocks
    }
    let Some(puzzle) = input.puzzle() else {
        return;
    };
    let range = input.range(puzzle.nonce_space());
    let puzzle = match input.equals {
        true => {
            let middle = range.start() + (range.count() / 2) as u64;
            let wanted = puzzle.hash(middle);
            puzzle.with_goal(Goal::Equals(wanted))
        }
        false => puzzle,
    };
    let first = range.start();
    let nonces = (0..range.count() as u64).map(|at| first + at);
    let expected: Vec<u64> = nonces.filter(|nonce| puzzle.is_solved_by(*nonce)).collect();
    for kernel in Kernel::detected() {
        let mut found = Vec::new();
        for prepared in &Prepared::split(&puzzle, range) {
            let Some(mut scanner) = kernel.bind(prepared) else {
                continue; // it leaves this shape to others
            };
            let (mut next, mut left) = (prepared.range().start(), prepared.range().count() as u64);
            for cut in input.cuts.into_iter().chain([255]) {
                let piece = match cut {
                    255 => left,
                    cut => left * u64::from(cut) / 256,
                };
                if piece == 0 {
                    continue;
                }
                let mut hits = Hits::all();
                assert_eq!(scanner.scan(next, piece, &mut hits), piece, "{kernel}");
                // Hits are candidates: all solutions are among them, in order.
                assert!(hits.nonces().is_sorted(), "{kernel}");
                found.extend(
                    hits.nonces()
                        .iter()
                        .copied()
                        .filter(|nonce| puzzle.is_solved_by(*nonce)),
                );
                next = next.wrapping_add(piece);
                left -= piece;
                if left == 0 {
                    break;
                }
            }
        }
        let parts = Prepared::split(&puzzle, range);
        let takes_all = parts.iter().all(|prepared| kernel.bind(prepared).is_some());
        assert!(
            !takes_all || found == expected,
            "{kernel}: {puzzle:?} {range:?}: {found:?}, not {expected:?}"
        );
    }
});
