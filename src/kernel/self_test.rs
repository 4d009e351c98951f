//! A few small puzzles that together reach each path of a kernel: about two hundred hashes, before its first use.

use super::{Hits, Kernel, Prepared, table};
use crate::puzzle::{ByteOrder, Digest, Goal, HexCase, NonceEncoding, NonceRange, Puzzle, Target, Template};

/// Whether the kernel finds what the oracle finds. Shapes that it declines are no failure.
pub(super) fn passes(kernel: Kernel) -> bool {
    puzzles().iter().all(|(puzzle, range)| {
        Prepared::split(puzzle, *range).iter().all(|prepared| {
            let scan = |kernel: Kernel| {
                let mut hits = Hits::all();
                let range = prepared.range();
                let mut scanner = kernel.bind(prepared)?;
                let tested = scanner.scan(range.start(), range.count() as u64, &mut hits);
                Some((tested, hits.into_nonces()))
            };
            let found = scan(kernel);
            found.is_none() || found == scan(table::oracle())
        })
    })
}

fn puzzles() -> [(Puzzle, NonceRange); 4] {
    let half = Goal::at_most(Target::from_leading_zero_bits(1.0).expect("between 0 and 256"));
    let part = |puzzle: Puzzle, start, count| {
        let range = puzzle.nonce_space().part(start, count);
        (puzzle, range.expect("inside the nonce space"))
    };
    let header = Puzzle::new(
        Template::new([0x5a; 76], []),
        NonceEncoding::U32(ByteOrder::Little),
        Digest::Sha256d,
        ByteOrder::Little,
        half,
    );
    let rolled = (header.clone().roll_version(0x0003_e000)).expect("a header, and bits to roll");
    let long = Puzzle::new(
        Template::new([b'p'; 61], [b's'; 70]),
        NonceEncoding::Hex {
            width: 9,
            case: HexCase::Lower,
        },
        Digest::Sha256d,
        ByteOrder::Big,
        half,
    );
    [
        part(Puzzle::text("paydirt", half), 99_990, 45),
        part(header, 0xffff_ffd0, 0x30),
        part(rolled, (1 << 37) - 50, 50),
        part(long, 0xff8, 20),
    ]
}
