use super::*;
use paydirt::{Kernel, Miner, NonceRange, Search};

fn levels(bits: &[f64]) -> Vec<Level> {
    bits.iter().map(|bits| Level::from_bits(*bits).unwrap()).collect()
}

fn settings(bits: &[f64], samples: usize) -> Settings {
    Settings {
        levels: levels(bits),
        samples,
        seed: 1,
        budget: Duration::from_secs(1_000_000),
        split: 1,
        ..Settings::default()
    }
}

/// Takes exactly the expected tries at a thousand hashes a second of processor time.
struct Clockwork {
    mined: usize,
    calibrations: usize,
    cancel_at: usize,
    /// The share of a processor that it gets.
    share: f64,
}

impl Clockwork {
    fn new() -> Self {
        Self {
            mined: 0,
            calibrations: 0,
            cancel_at: usize::MAX,
            share: 1.0,
        }
    }
}

impl Engine for Clockwork {
    fn lowest(&mut self, puzzle: &Puzzle, cancel: &Cancel) -> Option<Sample> {
        self.mined += 1;
        if self.mined == self.cancel_at {
            cancel.cancel();
            return None;
        }
        let hashes = puzzle.goal().expected_hashes() as u64;
        Some(Sample {
            nonce: hashes - 1,
            hashes,
            elapsed_s: hashes as f64 / 1000.0 / self.share,
            processor_s: Some(hashes as f64 / 1000.0),
        })
    }

    fn effort(&mut self, _: Duration, _: &Cancel) -> Option<Effort> {
        self.calibrations += 1;
        Some(Effort {
            hashes: 1000,
            elapsed_s: 1.0 / self.share,
            processor_s: Some(1.0),
        })
    }
}

fn run_quietly(settings: &Settings, engine: &mut dyn Engine) -> Measured {
    measure(settings, engine, 1.0, &Cancel::new(), &mut |_| {})
}

#[test]
fn levels_beyond_the_budget_are_not_begun() {
    // 10 puzzles of 2^16 hashes at 1,000 a second take 655 s, those of 2^17 take 1,311 s.
    let mut slow = settings(&[8.0, 16.0, 17.0, 18.0], 10);
    slow.budget = Duration::from_secs(1000);
    let mut engine = Clockwork::new();
    let outcome = run_quietly(&slow, &mut engine);
    let measured: Vec<bool> = outcome.levels.iter().map(MinedLevel::is_measured).collect();
    assert_eq!(measured, [true, true, false, false]);
    assert_eq!((engine.mined, engine.calibrations), (20, 0));
    let rate = outcome.rate.unwrap();
    assert_eq!(rate.basis, RateBasis::Level { bits: 16.0 });
    assert_eq!(rate.hashes_per_second.round(), 1000.0);
}

#[test]
fn a_hard_first_level_asks_for_the_rate_first() {
    let mut hard = settings(&[40.0], 10);
    hard.budget = Duration::from_secs(60);
    let mut engine = Clockwork::new();
    let outcome = run_quietly(&hard, &mut engine);
    assert_eq!((engine.mined, engine.calibrations), (0, 1));
    assert_eq!(
        outcome.rate,
        Some(Rate {
            hashes_per_second: 1000.0,
            hashes_per_processor_second: Some(1000.0),
            wall_hashes_per_second: 1000.0,
            basis: RateBasis::Calibration
        })
    );
    assert_eq!(outcome.fit, None);
}

#[test]
fn a_neighbour_slows_the_times_and_not_the_rate() {
    let mut engine = Clockwork::new();
    engine.share = 0.05;
    let mut some = settings(&[8.0, 12.0, 16.0, 17.0], 10);
    // 10 puzzles of 2^16 hashes take 655 s alone and 13,107 s beside the neighbour, those of 2^17 twice as long.
    some.budget = Duration::from_secs(20_000);
    let outcome = run_quietly(&some, &mut engine);
    let measured: Vec<bool> = outcome.levels.iter().map(MinedLevel::is_measured).collect();
    assert_eq!(measured, [true, true, true, false], "the budget is on the wall");
    let rate = outcome.rate.unwrap();
    assert_eq!(
        [rate.hashes_per_second, rate.wall_hashes_per_second].map(f64::round),
        [1000.0, 50.0]
    );
    let shares: Vec<_> = (outcome.levels.iter())
        .map(|level| level.processor_share(1.0).map(|share| (share * 1000.0).round()))
        .collect();
    assert_eq!(shares, [Some(50.0), Some(50.0), Some(50.0), None]);
    let alone = run_quietly(&settings(&[8.0], 10), &mut Clockwork::new());
    assert_eq!(alone.levels[0].processor_share(1.0), Some(1.0));
    assert_eq!(
        alone.levels[0].processor_share(4.0).map(|share| share < 0.26),
        Some(true),
        "three of four threads got nothing"
    );
}

#[test]
fn puzzles_that_are_over_at_once_do_not_tell_whether_they_waited() {
    let quick = |elapsed_s: f64| MinedLevel {
        level: Level::from_bits(8.0).unwrap(),
        samples: vec![
            Sample {
                nonce: 0,
                hashes: 1,
                elapsed_s,
                processor_s: Some(elapsed_s / 2.0)
            };
            100
        ],
    };
    assert_eq!(
        quick(0.002).processor_share(2.0),
        None,
        "starting and stopping takes as long"
    );
    let share = quick(0.1).processor_share(2.0).unwrap();
    assert!((share - 0.25).abs() < 0.01, "{share}");
}

fn rate(name: &str, hashes_per_second: f64, price_per_hour: Option<f64>) -> NamedRate {
    NamedRate {
        name: name.to_owned(),
        hashes_per_second,
        source: None,
        price_per_hour,
    }
}

#[test]
fn the_chosen_level_is_the_hardest_that_the_weakest_solves() {
    let mut wanted = settings(&[8.0], 1);
    wanted.rates = vec![
        rate("server", 1e9, Some(0.5)),
        rate("phone", 2e6, None),
        rate("laptop", 5e7, None),
    ];
    let within = Within::new(0.5, 0.95, Some(1e8), &wanted);
    let chosen = within.chosen.as_ref().unwrap();
    assert_eq!(
        (
            chosen.bits,
            chosen.hex_zeros,
            &*chosen.weakest,
            &*chosen.strongest
        ),
        (18.0, None, "phone", "server")
    );
    let server = within.answers[0].at_chosen.unwrap();
    // 2^18 tries at a billion a second: 13.7 million an hour, a thousand of them for 0.5 / 13,733.
    assert!((server.solutions_per_hour - 3600.0 * 1e9 / 18f64.exp2()).abs() < 1e-3);
    assert!((server.cost_of_1000.unwrap() - 0.5e3 / (3600.0 * 1e9 / 18f64.exp2())).abs() < 1e-12);
    let phone = within.answers[1].at_chosen.unwrap();
    assert!(
        phone.quantile_s <= 0.5 && phone.cost_of_1000.is_none(),
        "{phone:?}"
    );
    wanted.step = Step::HexZero;
    let zeros = Within::new(0.5, 0.95, Some(1e8), &wanted).chosen.unwrap();
    assert_eq!((zeros.bits, zeros.hex_zeros), (16.0, Some(4)));
    wanted.step = Step::Bit;
    wanted.split = 16;
    let split = Within::new(0.5, 0.95, Some(1e8), &wanted);
    assert_eq!(split.chosen.unwrap().bits, 19.0, "luck evens out");
    let phone = split.answers[1].at_chosen.unwrap();
    assert!(phone.quantile_s <= 0.5, "{phone:?}");
    wanted.split = 4096;
    let too_many = Within::new(0.001, 0.95, Some(1e8), &wanted);
    assert_eq!(too_many.chosen, None, "2,000 hashes are fewer than the puzzles");
}

#[test]
fn a_cancelled_level_is_left_out() {
    let mut engine = Clockwork::new();
    engine.cancel_at = 15;
    let outcome = run_quietly(&settings(&[8.0, 9.0, 10.0], 10), &mut engine);
    assert!(outcome.interrupted);
    assert_eq!(
        outcome.levels.iter().map(|l| l.samples.len()).collect::<Vec<_>>(),
        [10, 0, 0]
    );
    assert_eq!(engine.mined, 15);
}

#[test]
fn progress_tells_share_and_time_left() {
    let mut seen = Vec::new();
    let both = settings(&[10.0, 11.0], 2);
    measure(
        &both,
        &mut Clockwork::new(),
        1.0,
        &Cancel::new(),
        &mut |progress| seen.push(*progress),
    );
    let shares: Vec<f64> = seen.iter().map(|p| (p.share * 6.0).round()).collect();
    assert_eq!(shares, [0.0, 1.0, 2.0, 4.0], "sixths");
    assert_eq!(seen[0].left_s, None);
    assert_eq!(seen[2].left_s, Some(4.096), "two puzzles of 2,048 hashes");
    assert_eq!(
        (seen[3].level.bits(), seen[3].sample, seen[3].samples),
        (11.0, 1, 2)
    );
}

#[test]
fn the_puzzles_are_those_of_the_seed() {
    let level = Level::from_bits(12.5).unwrap();
    assert_eq!(level.prefix(7, 3), "compare/7/12.5/3/");
    assert_eq!(level.puzzle(7, 3).message(42), b"compare/7/12.5/3/42");
    let miner = Miner::with_threads(3, Kernel::auto()).unwrap();
    let some = settings(&[4.0, 10.0], 20);
    let nonces = |outcome: Measured| -> Vec<u64> {
        outcome
            .levels
            .iter()
            .flat_map(|l| l.samples.iter().map(|s| s.nonce))
            .collect()
    };
    let first = nonces(run_quietly(&some, &mut &miner));
    let alone = Miner::with_threads(1, Kernel::by_name("reference").unwrap()).unwrap();
    assert_eq!(
        first,
        nonces(run_quietly(&some, &mut &alone)),
        "whatever the kernel"
    );
}

/// An engine with a fault: it passes over each solution that `loses` names.
struct Broken<'m> {
    miner: &'m Miner,
    loses: fn(solution: u64) -> bool,
}

impl Engine for Broken<'_> {
    fn lowest(&mut self, puzzle: &Puzzle, _: &Cancel) -> Option<Sample> {
        let mut from = 0;
        loop {
            let range = puzzle.nonce_space().from(from).unwrap();
            let outcome = self.miner.mine(&Search::new(puzzle).range(range));
            let nonce = outcome.solutions[0].nonce();
            if !(self.loses)(nonce) {
                let hashes = NonceRange::new(0, u128::from(nonce) + 1).unwrap().count() as u64;
                return Some(Sample {
                    nonce,
                    hashes,
                    elapsed_s: hashes as f64 / 1e6,
                    processor_s: None,
                });
            }
            from = nonce + 1;
        }
    }

    fn effort(&mut self, _: Duration, _: &Cancel) -> Option<Effort> {
        Some(Effort {
            hashes: 1_000_000,
            elapsed_s: 1.0,
            processor_s: None,
        })
    }
}

fn p_value(samples: usize, seed: u64, loses: fn(u64) -> bool) -> f64 {
    let miner = Miner::with_threads(1, Kernel::auto()).unwrap();
    let mut engine = Broken { miner: &miner, loses };
    let mut some = settings(&[0.0, 0.5, 1.0, 4.0, 6.0, 8.0, 9.0, 10.0], samples);
    some.seed = seed;
    run_quietly(&some, &mut engine).fit.unwrap().p_value
}

#[test]
fn the_right_engine_fits() {
    let p_values: Vec<f64> = (1..=20).map(|seed| p_value(100, seed, |_| false)).collect();
    assert!(p_values.iter().all(|p| *p >= LOWEST_FIT), "{p_values:?}");
    // Evenly spread themselves: 20 of them below 0.001^(1/20) or all above would be the sign of a test that never bites.
    let low = p_values.iter().filter(|p| **p < 0.5).count();
    assert!((4..=16).contains(&low), "{p_values:?}");
}

/// Takes the nonce's remainder after mixing, so that no digit pattern matters.
fn mixed(nonce: u64, modulus: u64) -> u64 {
    nonce.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32) % modulus
}

#[test]
fn an_engine_that_misses_every_third_solution_does_not_fit() {
    for seed in 1..=5 {
        let p = p_value(100, seed, |nonce| mixed(nonce, 3) == 0);
        assert!(p < LOWEST_FIT, "seed {seed}: {p}");
    }
}

#[test]
fn an_engine_that_skips_nonces_does_not_fit() {
    // A sixteenth of all nonces, as a lane that is never looked at would lose; and a block of low ones.
    for seed in 1..=3 {
        let p = p_value(2000, seed, |nonce| nonce % 16 == 5);
        assert!(p < LOWEST_FIT, "a lane lost, seed {seed}: {p}");
        let p = p_value(200, seed, |nonce| nonce < 4);
        assert!(p < LOWEST_FIT, "a late start, seed {seed}: {p}");
    }
}

#[test]
fn an_engine_that_stops_too_early_does_not_fit() {
    // It claims the nonce before the solution.
    struct Early<'m>(&'m Miner);
    impl Engine for Early<'_> {
        fn lowest(&mut self, puzzle: &Puzzle, cancel: &Cancel) -> Option<Sample> {
            let found = self.0.lowest(puzzle, cancel)?;
            Some(Sample {
                nonce: found.nonce / 2,
                ..found
            })
        }
        fn effort(&mut self, _: Duration, _: &Cancel) -> Option<Effort> {
            Some(Effort {
                hashes: 1_000_000,
                elapsed_s: 1.0,
                processor_s: None,
            })
        }
    }
    let miner = Miner::with_threads(1, Kernel::auto()).unwrap();
    let outcome = run_quietly(&settings(&[6.0, 8.0], 100), &mut Early(&miner));
    assert!(outcome.fit.unwrap().p_value < LOWEST_FIT);
}
