//! Each kernel's scan, one thread, in hashes per second (criterion's "elem/s"), beside the loops one would write over
//! the `sha2` crate. Every pass asserts how many hits it found: a rate counts only if the hashes were right.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use paydirt::{Goal, Header, Hits, Kernel, NonceRange, Prepared, Puzzle, Target};
use sha2::{Digest as _, Sha256};

/// Nonces a pass tests: about what the miner gives a thread at a time.
const COUNT: u64 = 50_000;

fn goal() -> Goal {
    Goal::at_most(Target::from_leading_zero_bits(12.0).expect("between 0 and 256"))
}

fn header() -> Header {
    Header::from_bytes(std::array::from_fn(|i| i as u8))
}

/// The puzzles people mine, and the first nonce of a pass.
fn puzzles() -> Vec<(&'static str, Puzzle, u64)> {
    vec![
        (
            "header",
            Puzzle::header_with_goal(&header(), goal()),
            1_000_000_000,
        ),
        (
            "header, version rolled",
            Puzzle::header_with_goal(&header(), goal())
                .roll_version(0x1fff_e000)
                .expect("a header, and bits to roll"),
            1_000_000_000,
        ),
        ("text, 3-byte prefix", Puzzle::text("abc", goal()), 1_000_000_000),
        (
            "text, 40-byte prefix",
            Puzzle::text("0123456789".repeat(4), goal()),
            1_000_000_000,
        ),
        (
            "text, 64-byte prefix",
            Puzzle::text("01234567".repeat(8), goal()),
            1_000_000_000,
        ),
    ]
}

fn kernels(c: &mut Criterion) {
    for (name, puzzle, first) in puzzles() {
        let range = NonceRange::new(first, COUNT.into()).expect("inside the nonce space");
        let prepared = &Prepared::split(&puzzle, range)[0];
        let expected = (first..first + COUNT)
            .filter(|nonce| puzzle.is_solved_by(*nonce))
            .count();
        assert!(expected > 0, "a benchmark without hits proves nothing");

        let mut group = c.benchmark_group(name);
        group
            .throughput(Throughput::Elements(COUNT))
            .measurement_time(Duration::from_secs(2));
        for kernel in Kernel::detected() {
            let Some(mut scanner) = kernel.bind(prepared) else {
                continue;
            };
            group.bench_function(kernel.name(), |b| {
                b.iter(|| {
                    let mut hits = Hits::all();
                    let tested = scanner.scan(black_box(first), COUNT, &mut hits);
                    assert_eq!((tested, hits.nonces().len()), (COUNT, expected));
                });
            });
        }
        if name == "header" {
            obvious_loops(&mut group, first, expected);
        }
        group.finish();
    }
}

type Group<'a> = criterion::BenchmarkGroup<'a, criterion::measurement::WallTime>;

/// What one writes first, and what one writes next.
fn obvious_loops(group: &mut Group<'_>, first: u64, expected: usize) {
    let header = header();
    let target = Target::from_leading_zero_bits(12.0)
        .expect("between 0 and 256")
        .to_be_bytes();
    let is_hit = |mut hash: [u8; 32]| {
        hash.reverse();
        hash <= target
    };
    let nonces = || (first..first + COUNT).map(|nonce| header.with_nonce(nonce as u32).to_bytes());
    group.bench_function("loop over sha2, naive", |b| {
        b.iter(|| {
            let hits = nonces().filter(|bytes| is_hit(Sha256::digest(Sha256::digest(bytes)).into()));
            assert_eq!(hits.count(), expected);
        });
    });
    group.bench_function("loop over sha2, midstate kept", |b| {
        b.iter(|| {
            let midstate = Sha256::new_with_prefix(&header.to_bytes()[..64]);
            let hits = nonces().filter(|bytes| {
                let first = midstate.clone().chain_update(&bytes[64..]).finalize();
                is_hit(Sha256::digest(first).into())
            });
            assert_eq!(hits.count(), expected);
        });
    });
}

criterion_group!(benches, kernels);
criterion_main!(benches);
