//! How fast a kernel could be at all: the processor's issue rate for the operations that a hash takes.
//!
//! *In:* a work. *Out:* hashes a second that no arrangement of the same operations can exceed on this core, measured
//! here and now: clock speeds change, cores are shared. A [`Probe`] is a short loop of the same mix of operations
//! without dependencies; a hash costs a number of operations that the kernel's generator has counted.

#![allow(dead_code)] // the measure module is its only user

use std::time::{Duration, Instant};

use crate::work::Work;

/// A loop that does nothing but keep the units busy that a kernel lives by.
pub(crate) struct Probe {
    /// The kernel whose bound it measures.
    pub(crate) kernel: &'static str,
    /// Whether this processor can run it.
    pub(crate) supported: fn() -> bool,
    /// Runs about so many operations and returns exactly how many.
    pub(crate) run: fn(operations: u64) -> u64,
    /// Operations a hash takes; the kernel's own path for `work`. `None` for shapes nobody has counted.
    pub(crate) operations_per_hash: fn(work: &Work) -> Option<f64>,
}

/// The probes there are.
pub(crate) static PROBES: &[&Probe] = &[
    #[cfg(target_arch = "x86_64")]
    &super::avx512::ceiling::PROBE,
];

impl Probe {
    /// The probe for a kernel, if there is one and this processor can run it.
    pub(crate) fn of(kernel: &str) -> Option<&'static Self> {
        PROBES
            .iter()
            .copied()
            .find(|probe| probe.kernel == kernel && (probe.supported)())
    }

    /// Operations per second over about `time`.
    pub(crate) fn operations_per_second(&self, time: Duration) -> f64 {
        let start = Instant::now();
        let mut done = 0;
        loop {
            done += (self.run)(200_000);
            let elapsed = start.elapsed();
            if elapsed >= time {
                return done as f64 / elapsed.as_secs_f64();
            }
        }
    }

    /// The ceiling for `work`, in hashes per second, measured for about `time`.
    pub(crate) fn hashes_per_second(&self, work: &Work, time: Duration) -> Option<f64> {
        (self.operations_per_hash)(work).map(|operations| self.operations_per_second(time) / operations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Goal, Header, Hits, Kernel, Puzzle, Run, Target, kernel::KERNELS};

    fn median(mut values: Vec<f64>) -> f64 {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    }

    /// Rates of every kernel that has a probe, as shares of the ceiling, in turn. Run it with optimisation:
    /// `CARGO_PROFILE_DEV_OPT_LEVEL=3 taskset -c 1 cargo test --lib shares_of -- --ignored --nocapture`.
    #[test]
    #[ignore = "a measurement"]
    fn shares_of_the_ceiling() {
        let goal = Goal::at_most(Target::from_leading_zero_bits(60.0).unwrap());
        let header = Header::from_bytes([0x42; 80]);
        let puzzles = [
            ("header", Puzzle::header_with_goal(&header, goal)),
            ("text after 3 bytes", Puzzle::text("abc", goal)),
            ("text after 40 bytes", Puzzle::text("a".repeat(40), goal)),
        ];
        let first = 1_000_000_000;
        let rounds = std::env::var("ROUNDS")
            .ok()
            .and_then(|n| n.parse().ok())
            .unwrap_or(301);
        for implementation in KERNELS {
            let Some(probe) = Probe::of(implementation.name) else {
                continue;
            };
            let kernel = Kernel::by_name(implementation.name).unwrap();
            let mut shares = vec![(Vec::new(), Vec::new()); puzzles.len()];
            for _ in 0..rounds {
                for ((_, puzzle), (rates, shares)) in puzzles.iter().zip(&mut shares) {
                    let work = &Run::split(
                        puzzle,
                        puzzle.nonce_space().part(first.into(), 40_000_000).unwrap(),
                    )[0]
                    .work;
                    let before = probe.hashes_per_second(work, Duration::from_micros(400)).unwrap();
                    let mut hits = Hits::all();
                    let (start, mut tested) = (Instant::now(), 0);
                    while tested < 32_000 {
                        tested += kernel.scan(work, first + tested, 16_000, &mut hits);
                    }
                    let rate = tested as f64 / start.elapsed().as_secs_f64();
                    let after = probe.hashes_per_second(work, Duration::from_micros(400)).unwrap();
                    assert!(hits.nonces().is_empty());
                    rates.push(rate);
                    shares.push(2.0 * rate / (before + after));
                }
            }
            for ((name, _), (rates, shares)) in puzzles.iter().zip(shares) {
                eprintln!(
                    "{} {name}: {:.2} MH/s, {:.3} of the ceiling",
                    implementation.name,
                    median(rates) / 1e6,
                    median(shares)
                );
            }
        }
    }

    /// Compressions per second of awkward shapes, against single-block text in the same run.
    #[test]
    #[ignore = "a measurement"]
    fn other_shapes_keep_up() {
        use crate::{ByteOrder, Digest, HexCase, NonceEncoding, Template};
        let goal = Goal::at_most(Target::from_leading_zero_bits(60.0).unwrap());
        let hex = NonceEncoding::Hex {
            width: 16,
            case: HexCase::Lower,
        };
        let wide = NonceEncoding::DecimalPadded { width: 20 };
        let shapes = [
            ("text, one block", 3, 0, wide, Digest::Sha256),
            ("low digits in the second block", 55, 0, wide, Digest::Sha256),
            ("low digits across blocks", 46, 0, wide, Digest::Sha256),
            ("low digits across blocks, twice", 46, 0, wide, Digest::Sha256d),
            ("a block after the nonce", 30, 60, wide, Digest::Sha256),
            ("three blocks after it, twice", 30, 200, wide, Digest::Sha256d),
            ("hexadecimal", 10, 0, hex, Digest::Sha256),
            (
                "u64, little-endian, across blocks",
                61,
                5,
                NonceEncoding::U64(ByteOrder::Little),
                Digest::Sha256,
            ),
            (
                "u64, little-endian, unaligned",
                21,
                5,
                NonceEncoding::U64(ByteOrder::Little),
                Digest::Sha256,
            ),
        ];
        for implementation in KERNELS {
            if Probe::of(implementation.name).is_none() {
                continue;
            }
            let kernel = Kernel::by_name(implementation.name).unwrap();
            let rate = |(_, prefix, suffix, encoding, digest): (&str, usize, usize, _, _)| {
                let template = Template::new(vec![b'p'; prefix], vec![b's'; suffix]);
                let puzzle = Puzzle::new(template, encoding, digest, ByteOrder::Big, goal);
                let range = puzzle.nonce_space().part(1 << 40, 1 << 20).unwrap();
                let run = &Run::split(&puzzle, range)[0];
                let start = Instant::now();
                let tested = kernel.scan(&run.work, run.range.start(), 10_000, &mut Hits::all());
                (tested * run.work.compressions() as u64) as f64 / start.elapsed().as_secs_f64()
            };
            for shape in shapes {
                let ratios = (0..101).map(|_| rate(shape) / rate(shapes[0])).collect();
                eprintln!("{} {}: {:.2}", implementation.name, shape.0, median(ratios));
            }
        }
    }
}
