//! How close the kernels come to what the processor can issue, shape by shape, on one thread.
//!
//! For each shape: the ceiling, a scan, the ceiling again, some hundred times in turn with all other shapes, so that
//! clock and neighbours hit all alike. A share is the scan's rate over the *higher* of the two ceilings around it; the
//! table shows the median share and, for orientation, the median rate. Every shape is also compared in the same round
//! with a plain one, by compressions a second: the single-block text, or for headers whose version is rolled the header.
//!
//! `cargo bench --bench ceiling` on an idle machine, pinned to one processor; `-- --rounds 50` for a quick look.

use std::time::{Duration, Instant};

use paydirt::{
    ByteOrder, Digest, Goal, Header, HexCase, Hits, Kernel, NonceEncoding, Prepared, Puzzle, Scanner, Target,
    Template,
};

/// Nonces of a scan: about what the miner gives a thread at a time.
const COUNT: u64 = 32_000;
const PROBE: Duration = Duration::from_micros(400);

fn goal() -> Goal {
    Goal::at_most(Target::from_leading_zero_bits(12.0).expect("between 0 and 256"))
}

struct Shape {
    name: &'static str,
    puzzle: Puzzle,
    prepared: Prepared,
    hits: usize,
    /// The index of the shape that it is compared with.
    baseline: usize,
}

impl Shape {
    fn new(name: &'static str, puzzle: Puzzle) -> Self {
        Self::against(TEXT, name, puzzle)
    }

    fn against(baseline: usize, name: &'static str, puzzle: Puzzle) -> Self {
        let first = puzzle.nonce_space().end().min(1 << 41) / 2;
        let range = puzzle
            .nonce_space()
            .part(first, COUNT.into())
            .expect("in the middle of the space");
        let prepared = Prepared::split(&puzzle, range).swap_remove(0);
        let nonces = (prepared.range().start()..).take(COUNT as usize);
        let hits = nonces.filter(|nonce| puzzle.is_solved_by(*nonce)).count();
        Self {
            name,
            puzzle,
            prepared,
            hits,
            baseline,
        }
    }

    /// Hashes per second of one scan, whose hits are counted.
    fn rate(&self, scanner: &mut Scanner<'_>) -> f64 {
        let mut hits = Hits::all();
        let begun = Instant::now();
        let tested = scanner.scan(self.prepared.range().start(), COUNT, &mut hits);
        let elapsed_s = begun.elapsed().as_secs_f64();
        let solved = hits
            .nonces()
            .iter()
            .filter(|nonce| self.puzzle.is_solved_by(**nonce))
            .count();
        assert_eq!((tested, solved), (COUNT, self.hits), "{}", self.name);
        tested as f64 / elapsed_s
    }
}

fn text(prefix_bytes: usize) -> Puzzle {
    Puzzle::text(vec![b'p'; prefix_bytes], goal())
}

fn any(prefix: usize, suffix: usize, encoding: NonceEncoding, digest: Digest) -> Puzzle {
    let template = Template::new(vec![b'p'; prefix], vec![b's'; suffix]);
    Puzzle::new(template, encoding, digest, ByteOrder::Big, goal())
}

/// Indices of the shapes that others are compared with.
const TEXT: usize = 0;
const HEADER: usize = 1;

fn shapes() -> Vec<Shape> {
    let header = Header::from_bytes(std::array::from_fn(|i| i as u8));
    let header = Puzzle::header_with_goal(&header, goal());
    let rolled = |mask| {
        header
            .clone()
            .roll_version(mask)
            .expect("a header, and bits to roll")
    };
    let wide = NonceEncoding::DecimalPadded { width: 20 };
    let hex = NonceEncoding::Hex {
        width: 16,
        case: HexCase::Lower,
    };
    let u64le = NonceEncoding::U64(ByteOrder::Little);
    vec![
        Shape::new("text, 3-byte prefix", text(3)),
        Shape::new("header", header.clone()),
        Shape::against(HEADER, "header, 4 versions rolled", rolled(0x6000)),
        Shape::against(HEADER, "header, 32 versions rolled", rolled(0x0003_e000)),
        Shape::against(
            HEADER,
            "header, 128 and more versions rolled",
            rolled(0x1fff_e000),
        ),
        Shape::new("text, 40-byte prefix", text(40)),
        Shape::new("text, 64-byte prefix", text(64)),
        Shape::new(
            "text, low digits in a second block",
            any(55, 0, wide, Digest::Sha256),
        ),
        Shape::new(
            "text, low digits across two blocks",
            any(46, 0, wide, Digest::Sha256),
        ),
        Shape::new("the same, sha256d", any(46, 0, wide, Digest::Sha256d)),
        Shape::new("a block after the nonce", any(30, 60, wide, Digest::Sha256)),
        Shape::new(
            "three blocks after it, sha256d",
            any(30, 200, wide, Digest::Sha256d),
        ),
        Shape::new("hex digits", any(10, 0, hex, Digest::Sha256)),
        Shape::new("u64le across two blocks", any(61, 5, u64le, Digest::Sha256)),
        Shape::new("u64le, unaligned", any(21, 5, u64le, Digest::Sha256)),
    ]
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let mut args = std::env::args().skip_while(|arg| arg != "--rounds").skip(1);
    let rounds: usize = args.next().and_then(|rounds| rounds.parse().ok()).unwrap_or(301);
    let shapes = shapes();
    println!("| kernel | shape | MH/s | share of ceiling | compressions a second against |");
    println!("|---|---|---|---|---|");
    for kernel in Kernel::detected() {
        // (rate, share of the ceiling, compressions against the baseline's) of each round
        let mut samples = vec![(Vec::new(), Vec::new(), Vec::new()); shapes.len()];
        let bound = shapes.iter().map(|shape| kernel.bind(&shape.prepared));
        let mut scanners: Vec<_> = bound
            .map(|scanner| scanner.expect("it takes every shape"))
            .collect();
        let rounds = if kernel.name() == "reference" {
            rounds.min(11)
        } else {
            rounds
        };
        for _ in 0..rounds {
            let mut compressions = Vec::with_capacity(shapes.len());
            for ((shape, scanner), (rates, shares, relative)) in
                shapes.iter().zip(&mut scanners).zip(&mut samples)
            {
                let ceiling = || kernel.ceiling_hashes_per_second(&shape.prepared, PROBE);
                let before = ceiling();
                let rate = shape.rate(scanner);
                rates.push(rate);
                if let (Some(before), Some(after)) = (before, ceiling()) {
                    shares.push(rate / before.max(after));
                }
                compressions.push(rate * shape.prepared.compressions() as f64);
                relative.push(compressions[compressions.len() - 1] / compressions[shape.baseline]);
            }
        }
        for (shape, (rates, shares, relative)) in shapes.iter().zip(samples) {
            let share = if shares.is_empty() {
                "–".to_owned()
            } else {
                format!("{:.3}", median(shares))
            };
            println!(
                "| {kernel} | {} | {:.2} | {share} | {:.3} × {} |",
                shape.name,
                median(rates) / 1e6,
                median(relative),
                shapes[shape.baseline].name,
            );
        }
    }
}
