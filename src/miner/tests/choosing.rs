//! The choice of a kernel, with mocks of different speeds whose clocks are made up.

use std::{cell::Cell, sync::atomic::AtomicUsize};

use super::*;

thread_local! {
    /// This thread's processor time.
    static TIME: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

const IN_TURN: Pace = Pace {
    alone: Duration::ZERO,
    settled_in: Duration::ZERO,
    busy_time: || TIME.get(),
};

/// A kernel that says how long it takes, and takes no time.
#[derive(Clone)]
struct Timed {
    mock: Mock,
    /// For each nonce, in nanoseconds; `None`: it does not do such puzzles.
    cost_ns: Option<u64>,
}

impl Scan for Timed {
    fn scan(&mut self, midstates: &[[u32; 8]], first: u64, count: u64, hits: &mut Hits) -> u64 {
        let tested = self.mock.scan(midstates, first, count, hits);
        let cost = Duration::from_nanos(tested * self.cost_ns.expect("it was bound"));
        TIME.set(TIME.get() + cost);
        tested
    }
}

/// Several of them.
struct Mocks {
    kernels: Vec<Timed>,
    guess: AtomicUsize,
    trial: Arc<Trial>,
}

impl Mocks {
    fn new(costs_ns: impl IntoIterator<Item = Option<u64>>, hits: &[u64]) -> Self {
        let timed = |(i, cost_ns)| Timed {
            mock: Mock::new([32, 1, 3][i % 3], hits.iter().copied()),
            cost_ns,
        };
        let kernels: Vec<_> = costs_ns.into_iter().enumerate().map(timed).collect();
        Self {
            guess: AtomicUsize::new(0),
            trial: Arc::new(Trial::new(kernels.len())),
            kernels,
        }
    }

    fn tested_in_order(&self) -> Vec<u64> {
        let mut all: Vec<_> = (self.kernels.iter())
            .flat_map(|timed| timed.mock.tested_in_order())
            .collect();
        all.sort_unstable();
        all
    }

    fn tested_by(&self, which: usize) -> usize {
        self.kernels[which].mock.tested_in_order().len()
    }

    /// What this kernel's work cost, all threads together.
    fn time_of(&self, which: usize) -> Duration {
        let cost = self.kernels[which].cost_ns.unwrap_or(0);
        Duration::from_nanos(cost * self.tested_by(which) as u64)
    }
}

impl Team for Mocks {
    fn size(&self) -> usize {
        self.kernels.len()
    }

    fn bind<'p>(&self, which: usize, prepared: &'p Prepared) -> Option<Scanner<'p>> {
        let timed = &self.kernels[which];
        timed.cost_ns?;
        Some(Scanner::new(prepared, Box::new(timed.clone()), timed.mock.lanes))
    }

    fn kernel(&self, which: usize) -> Kernel {
        let detected = Kernel::detected();
        detected[which % detected.len()]
    }

    fn guess(&self) -> usize {
        self.guess.load(Ordering::Relaxed)
    }

    fn won(&self, which: usize) {
        self.guess.store(which, Ordering::Relaxed);
    }

    fn trial(&self, _: &Prepared) -> Option<Arc<Trial>> {
        Some(Arc::clone(&self.trial))
    }
}

/// All of a range with those kernels, on one thread.
fn mine_all(mocks: &Mocks, count: u128) -> Outcome {
    let puzzle = anything_goes(NonceEncoding::U64(ByteOrder::Big));
    let range = NonceRange::new(1_000, count).unwrap();
    super::super::mine_with(mocks, &pool(1), &Search::new(&puzzle).range(range), &IN_TURN)
}

#[test]
fn the_fastest_is_chosen_and_does_the_rest() {
    for (costs, fastest) in [
        ([100, 50, 70], 1),
        ([100, 101, 99], 2),
        ([100, 10_000, 300], 0),
        ([10_000, 40, 90], 1),
    ] {
        let mocks = Mocks::new(costs.map(Some), &[]);
        let outcome = mine_all(&mocks, 2_000_000);
        assert_eq!(mocks.trial.verdict(), Some(fastest), "{costs:?}");
        let all: Vec<_> = (1_000..2_001_000).collect();
        assert!(mocks.tested_in_order() == all, "{costs:?}");
        assert!(mocks.tested_by(fastest) > 1_000_000, "{costs:?}");
        let chosen = outcome.chosen.unwrap();
        assert_eq!(
            (outcome.kernel, chosen.kernel),
            (mocks.kernel(fastest), mocks.kernel(fastest))
        );
        assert!((chosen.rates[0].hashes_per_second * costs[fastest] as f64 / 1e9 - 1.0).abs() < 1e-6);
        // The next search begins with it, and asks no other.
        let slower: Vec<_> = (0..3).filter(|which| *which != fastest).collect();
        let before = slower
            .clone()
            .into_iter()
            .map(|which| mocks.tested_by(which))
            .collect::<Vec<_>>();
        mine_all(&mocks, 500_000);
        let after = slower
            .into_iter()
            .map(|which| mocks.tested_by(which))
            .collect::<Vec<_>>();
        assert_eq!(before, after, "{costs:?}");
    }
}

/// What a second's search may lose to the choice: less than half a percent.
#[test]
fn choosing_costs_little_however_slow_the_others() {
    for costs in [
        [20u64, 60, 60, 60],
        [20, 40, 45, 2_000],
        [20, 30, 30, 30],
        [20, 22, 24, 26],
        [20, 21, 21, 21],
        [27, 61, 60, 71], // headers on an Intel core of 2024: avx512, hybrid, sha-ni, avx2
    ] {
        for guess in 0..2 {
            let mocks = Mocks::new(costs.map(Some), &[]);
            mocks.won(guess);
            mine_all(&mocks, 10_000_000);
            assert_eq!(mocks.trial.verdict(), Some(0), "{costs:?}");
            let slower = |which: usize| 1.0 - costs[0] as f64 / costs[which] as f64;
            let lost = |which: usize| mocks.time_of(which).as_secs_f64() * slower(which);
            let lost_s: f64 = (1..4).map(lost).sum();
            eprintln!("{costs:?} ns a hash, {guess} first: {lost_s:.5} s lost");
            assert!(lost_s < 0.004, "{costs:?}, {guess} first: {lost_s}");
        }
    }
}

#[test]
fn what_does_not_do_such_puzzles_is_not_asked_again() {
    let mocks = Mocks::new([Some(80), None, Some(60), None], &[]);
    mocks.won(1);
    mine_all(&mocks, 1_000_000);
    assert_eq!(mocks.trial.verdict(), Some(2));
    assert_eq!((mocks.tested_by(1), mocks.tested_by(3)), (0, 0));
    let alone = Mocks::new([Some(80), None], &[]);
    mine_all(&alone, 100_000);
    assert_eq!(alone.trial.verdict(), Some(0));
}

#[test]
fn a_short_search_asks_nobody_and_many_of_them_do() {
    let puzzle = anything_goes(NonceEncoding::U64(ByteOrder::Big));
    let mocks = Mocks::new([Some(90), Some(50)], &[]);
    let an_hour = Pace {
        settled_in: Duration::from_secs(3600),
        ..IN_TURN
    };
    let short = |start| {
        let search = Search::new(&puzzle).range(NonceRange::new(start, 200_000).unwrap());
        super::super::mine_with(&mocks, &pool(1), &search, &an_hour)
    };
    assert!(short(0).chosen.is_none());
    assert_eq!((mocks.tested_by(0), mocks.tested_by(1)), (200_000, 0));
    mocks.trial.spend(Duration::from_secs(1));
    assert_eq!(short(200_000).chosen.unwrap().kernel, mocks.kernel(1));
    let all: Vec<_> = (0..400_000).collect();
    assert!(mocks.tested_in_order() == all);
}

#[test]
fn a_kernel_that_was_asked_for_is_used_alone() {
    for kernel in Kernel::detected() {
        let miner = Miner::with_threads(2, kernel).unwrap();
        assert_eq!(miner.choice(), KernelChoice::Fixed(kernel));
        let endless = four_zeros("alone").with_goal(Goal::at_most(Target::ZERO));
        let outcome = miner.mine(&Search::new(&endless).timeout(Duration::from_millis(20)));
        assert_eq!(
            (outcome.kernel, outcome.chosen, miner.kernel()),
            (kernel, None, kernel)
        );
    }
}

/// With the real clock and the real kernels: whatever is chosen, it is one of those that could be, and stays chosen.
#[test]
fn a_miner_without_a_kernel_chooses_one() {
    let endless = Puzzle::text(vec![b'c'; 70], Goal::at_most(Target::ZERO));
    let miner = Miner::with_threads(3, KernelChoice::Auto).unwrap();
    assert_eq!(
        (miner.choice(), miner.kernel().lanes() > 0),
        (KernelChoice::Auto, true)
    );
    let candidates = Kernel::candidates();
    let mut chosen = None;
    for _ in 0..100 {
        chosen = miner
            .mine(&Search::new(&endless).timeout(Duration::from_millis(50)))
            .chosen;
        if chosen.is_some() {
            break;
        }
    }
    if candidates.len() == 1 {
        return assert_eq!(chosen, None, "there is nothing to choose");
    }
    let chosen = chosen.expect("5 s are enough for a choice");
    assert!(candidates.iter().any(|row| row.name == chosen.kernel.name()));
    assert_eq!(chosen.rates[0].kernel, chosen.kernel);
    assert!(
        chosen.rates.iter().all(|rate| rate.hashes_per_second > 1000.0),
        "{chosen:?}"
    );
    let other = Miner::with_threads(3, KernelChoice::Auto).unwrap();
    let again = other.mine(&Search::new(&endless).timeout(Duration::from_millis(5)));
    assert_eq!(again.chosen, Some(chosen));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every nonce once up to the answer, whoever is asked and however fast they are.
    #[test]
    fn each_nonce_is_tested_once_and_the_lowest_found(
        costs in proptest::collection::vec(proptest::option::weighted(0.9, 1..100_000u64), 1..5),
        first in 1..5_000u64,
        threads in 1..6usize,
        start in 0..100_000u64,
        count in 1..150_000u64,
        answer in 0..200_000u64,
    ) {
        let mut costs = costs;
        costs.insert(0, Some(first));
        let hits: Vec<u64> = [answer, answer + 1, answer + 7_000].iter().map(|hit| start + hit).collect();
        let mocks = Mocks::new(costs, &hits);
        let puzzle = anything_goes(NonceEncoding::Decimal); // of several parts
        let range = NonceRange::new(start, count.into()).unwrap();
        let pool = pool(threads);
        for find in [Find::Lowest, Find::All] {
            mocks.kernels.iter().for_each(|timed| timed.mock.chunks.lock().unwrap().clear());
            let search = Search::new(&puzzle).range(range).find(find);
            let outcome = super::super::mine_with(&mocks, &pool, &search, &IN_TURN);
            let tested = mocks.tested_in_order();
            let inside: Vec<u64> = hits.iter().copied().filter(|hit| *hit < start + count).collect();
            prop_assert_eq!(outcome.hashes, tested.len() as u64);
            match find {
                Find::All => {
                    prop_assert!(tested.iter().copied().eq(start..start + count));
                    prop_assert_eq!(nonces(&outcome), inside);
                }
                _ => {
                    prop_assert!(tested.windows(2).all(|pair| pair[0] < pair[1]), "twice");
                    let end = inside.first().map_or(start + count, |lowest| lowest + 1);
                    let below: Vec<u64> = (start..end).collect();
                    prop_assert!(tested.starts_with(&below));
                    prop_assert_eq!(nonces(&outcome).first().copied(), inside.first().copied());
                }
            }
        }
    }
}
