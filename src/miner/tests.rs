//! The rules of the engine, with a mock kernel that remembers what it was asked to test.

use std::{
    collections::HashSet,
    ops::ControlFlow,
    sync::{Arc, Mutex},
};

use proptest::prelude::*;

mod choosing;

use super::{trial::Trial, *};
use crate::{
    kernel::{Scan, Scanner},
    puzzle::{ByteOrder, Digest, Goal, NonceEncoding, NonceRange, Puzzle, Target, Template},
};

/// A kernel that hits chosen nonces (they need not be solutions) and remembers every scan.
#[derive(Clone)]
struct Mock {
    lanes: u64,
    hits: Arc<HashSet<u64>>,
    /// First nonce and length of each scan, and to which part of the range each thread bound it.
    chunks: Arc<Mutex<Vec<(u64, u64)>>>,
    bound: Arc<Mutex<Vec<NonceRange>>>,
    chunk_time: Duration,
}

impl Mock {
    fn new(lanes: u64, hits: impl IntoIterator<Item = u64>) -> Self {
        Self {
            lanes,
            hits: Arc::new(hits.into_iter().collect()),
            chunks: Arc::default(),
            bound: Arc::default(),
            chunk_time: Duration::from_micros(400),
        }
    }

    fn tested_in_order(&self) -> Vec<u64> {
        let mut scans = self.chunks.lock().unwrap().clone();
        scans.sort_unstable();
        let nonces = |(first, count)| (0..count).map(move |i| first + i);
        scans.into_iter().flat_map(nonces).collect()
    }
}

/// A team of one.
impl Team for Mock {
    fn bind<'p>(&self, _: usize, prepared: &'p Prepared) -> Option<Scanner<'p>> {
        self.bound.lock().unwrap().push(prepared.range());
        Some(Scanner::new(prepared, Box::new(self.clone()), self.lanes))
    }

    fn kernel(&self, _: usize) -> Kernel {
        Kernel::auto()
    }
}

impl Scan for Mock {
    fn scan(&mut self, _: &[[u32; 8]], first: u64, count: u64, hits: &mut Hits) -> u64 {
        // A batch at a time, as the wide kernels do, up to the batch that fills the hits.
        let mut done = 0;
        while done < count && !hits.is_full() {
            for nonce in (0..self.lanes.min(count - done)).map(|i| first + done + i) {
                if self.hits.contains(&nonce) {
                    hits.push(nonce);
                }
            }
            done += self.lanes.min(count - done);
        }
        self.chunks.lock().unwrap().push((first, done));
        done
    }

    fn chunk_time(&self) -> Duration {
        self.chunk_time
    }
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
}

/// Mines with every thread from the first nonce on: a mock is so fast that the calling thread alone would be done.
const AT_ONCE: Pace = Pace {
    alone: Duration::ZERO,
    ..Pace::REAL
};

fn mine_with(mock: &Mock, pool: &rayon::ThreadPool, search: &Search<'_>) -> Outcome {
    super::mine_with(mock, pool, search, &AT_ONCE)
}

/// Every hit is a solution.
fn anything_goes(encoding: NonceEncoding) -> Puzzle {
    Puzzle::new(
        Template::new(*b"mock", []),
        encoding,
        Digest::Sha256,
        ByteOrder::Big,
        Goal::at_most(Target::MAX),
    )
}

fn four_zeros(text: &str) -> Puzzle {
    Puzzle::text(text, Goal::at_most(Target::from_hex_zeros(4).unwrap()))
}

fn nonces(outcome: &Outcome) -> Vec<u64> {
    outcome.solutions.iter().map(Solution::nonce).collect()
}

#[test]
fn every_nonce_is_tested_exactly_once() {
    let u32_nonces = NonceEncoding::U32(ByteOrder::Little);
    let u64_nonces = NonceEncoding::U64(ByteOrder::Big);
    for threads in 1..=17 {
        let pool = pool(threads);
        for (encoding, start, count) in [
            (NonceEncoding::Decimal, 0, 0),
            (NonceEncoding::Decimal, 0, 1),
            (NonceEncoding::Decimal, 7, 25_000),
            (NonceEncoding::Decimal, 99_999, 3),
            (NonceEncoding::Decimal, u64::MAX - 4_999, 5_000),
            (u32_nonces, u32::MAX.into(), 1),
            (u32_nonces, u64::from(u32::MAX) - 9_999, 10_000),
            (u64_nonces, u64::MAX, 1),
            (u64_nonces, u64::MAX - 9_999, 10_000),
        ] {
            for lanes in [1, 32] {
                let mock = Mock::new(lanes, []);
                let puzzle = anything_goes(encoding);
                let range = NonceRange::new(start, count).unwrap();
                let outcome = mine_with(&mock, &pool, &Search::new(&puzzle).range(range));
                let expected: Vec<u64> = (0..count as u64).map(|i| start + i).collect();
                assert!(
                    mock.tested_in_order() == expected,
                    "{threads} threads, {encoding}, {start} + {count}"
                );
                assert_eq!(u128::from(outcome.hashes), count);
                assert_eq!(outcome.status, Status::Exhausted);
            }
        }
    }
}

#[test]
fn the_lowest_is_found_whatever_the_threads() {
    for threads in 1..=17 {
        let pool = pool(threads);
        for lowest in [0, 5, 4_999, 50_000, 89_999] {
            let mock = Mock::new(32, [lowest, lowest + 1, lowest + 700, 90_000, 95_000]);
            let puzzle = anything_goes(NonceEncoding::Decimal);
            let range = NonceRange::new(0, 100_000).unwrap();
            let outcome = mine_with(&mock, &pool, &Search::new(&puzzle).range(range));
            assert_eq!(nonces(&outcome), [lowest], "{threads} threads");
            assert_eq!(outcome.status, Status::Found);
            assert_eq!(outcome.hashes, mock.tested_in_order().len() as u64);
            let tested = mock.tested_in_order();
            let below: Vec<u64> = (0..=lowest).collect();
            assert!(
                tested.starts_with(&below),
                "everything below the answer was tested, once"
            );
        }
    }
}

#[test]
fn all_means_every_one_in_order_and_each_is_told_once() {
    let hits: Vec<u64> = (0..100_000).step_by(997).collect();
    for threads in [1, 2, 5, 17] {
        let mock = Mock::new(32, hits.iter().copied());
        let puzzle = anything_goes(NonceEncoding::Decimal);
        let range = NonceRange::new(0, 100_000).unwrap();
        let mut told = Vec::new();
        let tell = |solution: &Solution| {
            let (first, count) = *mock.chunks.lock().unwrap().last().unwrap();
            let at_once = (first..first + count).contains(&solution.nonce());
            assert!(
                threads > 1 || at_once,
                "when its chunk has ended, before the next"
            );
            told.push(solution.nonce());
            ControlFlow::Continue(())
        };
        let search = Search::new(&puzzle)
            .range(range)
            .find(Find::All)
            .on_solution(tell);
        let outcome = mine_with(&mock, &pool(threads), &search);
        drop(search);
        told.sort_unstable();
        assert_eq!((&nonces(&outcome), &told), (&hits, &hits));
        assert_eq!((outcome.hashes, outcome.status), (100_000, Status::Found));
    }
}

/// A callback that has enough ends the search; no nonce is tested twice or left out below the last one tested.
#[test]
fn the_one_who_is_told_may_say_stop() {
    let puzzle = anything_goes(NonceEncoding::Decimal);
    for (threads, find, enough) in [(1, Find::All, 3), (4, Find::All, 3), (4, Find::Lowest, 1)] {
        let mock = Mock::new(32, (5_000..).step_by(100).take(10_000));
        let mut told = Vec::new();
        let search = Search::new(&puzzle).find(find).on_solution(|solution| {
            told.push(solution.nonce());
            if told.len() < enough {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        let outcome = mine_with(&mock, &pool(threads), &search);
        drop(search);
        let tested = mock.tested_in_order();
        assert!(
            tested.iter().copied().eq(0..outcome.hashes) || find != Find::All,
            "without a gap"
        );
        assert_eq!((told.len(), tested.len() as u64), (enough, outcome.hashes));
        let hits: Vec<_> = tested
            .into_iter()
            .filter(|nonce| mock.hits.contains(nonce))
            .collect();
        let (returned, status) = match find {
            Find::All => (&hits[..], Status::Interrupted),
            _ => (&hits[..1], Status::Found), // the lowest, which need not be the one that was told first
        };
        assert_eq!((&nonces(&outcome)[..], outcome.status), (returned, status));
    }
}

/// Bound once by each thread for each part of the range it comes to, however many chunks it scans there.
#[test]
fn a_thread_binds_once_for_each_part() {
    let mut mock = Mock::new(32, []);
    mock.chunk_time = Duration::ZERO;
    let puzzle = anything_goes(NonceEncoding::Decimal);
    let range = NonceRange::new(0, 100_000).unwrap();
    let threads = 3;
    let outcome = mine_with(&mock, &pool(threads), &Search::new(&puzzle).range(range));
    assert_eq!(outcome.status, Status::Exhausted);
    let (bound, chunks) = (mock.bound.lock().unwrap(), mock.chunks.lock().unwrap());
    for part in Prepared::split(&puzzle, range) {
        let times = bound.iter().filter(|bound| **bound == part.range()).count();
        assert!((1..=threads + 1).contains(&times), "{times} times {part:?}");
    }
    assert!(chunks.len() > 2 * bound.len());
}

/// What likes milliseconds of nonces at a time is given them.
#[test]
fn chunks_are_as_long_as_the_scanner_likes() {
    let longest = |chunk_time| {
        let mut mock = Mock::new(32, []);
        mock.chunk_time = chunk_time;
        let puzzle = anything_goes(NonceEncoding::U32(ByteOrder::Little));
        let range = NonceRange::new(0, 3_000_000).unwrap();
        mine_with(&mock, &pool(1), &Search::new(&puzzle).range(range));
        let chunks = mock.chunks.lock().unwrap();
        chunks.iter().map(|(_, count)| *count).max().unwrap()
    };
    assert_eq!(longest(Duration::ZERO), 32);
    assert!(longest(Duration::from_secs(60)) > 500_000);
}

#[test]
fn something_runs_once_on_each_thread() {
    let miner = Miner::with_threads(5, Kernel::auto()).unwrap();
    let ran = miner.on_each_thread(|index| (index, std::thread::current().id()));
    assert!(ran.iter().map(|(index, _)| *index).eq(0..5));
    let different: HashSet<_> = ran.iter().map(|(_, thread)| *thread).collect();
    assert_eq!(different.len(), 5);
}

#[test]
fn first_is_one_that_is_right() {
    let mock = Mock::new(32, [40_000, 60_000]);
    let puzzle = anything_goes(NonceEncoding::Decimal);
    let search = Search::new(&puzzle).find(Find::First);
    let outcome = mine_with(&mock, &pool(4), &search);
    assert_eq!(outcome.solutions.len(), 1);
    assert!([40_000, 60_000].contains(&outcome.solutions[0].nonce()));
    assert!(outcome.found_after.unwrap() <= outcome.elapsed);
}

#[test]
fn hits_that_the_oracle_denies_are_no_solutions_and_hide_none() {
    // 35293 is the true answer; the mock reports many false hits before and after it, some in the same batch.
    let mock = Mock::new(32, [0, 1, 64, 35_290, 35_292, 35_293, 35_294, 40_000]);
    for find in [Find::Lowest, Find::First] {
        let puzzle = four_zeros("100");
        let outcome = mine_with(&mock, &pool(3), &Search::new(&puzzle).find(find));
        assert_eq!(nonces(&outcome), [35_293]);
    }
}

#[test]
fn every_kernel_and_thread_count_agree() {
    for kernel in Kernel::detected() {
        for threads in 1..=8 {
            let miner = Miner::with_threads(threads, kernel).unwrap();
            let outcome = miner.mine(&Search::new(&four_zeros("35089")));
            assert_eq!(nonces(&outcome), [119_678], "{kernel}, {threads} threads");
        }
    }
}

#[test]
fn a_pulled_handle_stops_before_the_first_hash() {
    let cancel = Cancel::new();
    cancel.cancel();
    let mock = Mock::new(32, []);
    let outcome = mine_with(&mock, &pool(2), &Search::new(&four_zeros("x")).cancel(&cancel));
    assert_eq!((outcome.status, outcome.hashes), (Status::Interrupted, 0));
}

#[test]
fn a_handle_pulled_on_the_way_stops_all_threads() {
    let cancel = Cancel::new();
    let endless = four_zeros("x").with_goal(Goal::at_most(Target::ZERO));
    let search = Search::new(&endless)
        .cancel(&cancel)
        .on_progress(Duration::from_millis(1), |_| cancel.cancel());
    let outcome = Miner::with_threads(4, Kernel::auto()).unwrap().mine(&search);
    assert_eq!(outcome.status, Status::Interrupted);
    assert!(outcome.hashes > 0 && outcome.solutions.is_empty());
}

#[test]
fn any_of_several_handles_stops_a_search() {
    let cancels = [Cancel::new(), Cancel::new()];
    cancels[1].cancel();
    let (mock, puzzle) = (Mock::new(32, []), four_zeros("x"));
    let search = Search::new(&puzzle).cancel(&cancels[0]).cancel(&cancels[1]);
    assert_eq!(mine_with(&mock, &pool(2), &search).status, Status::Interrupted);
}

#[test]
fn no_time_is_a_time_limit_too() {
    let mock = Mock::new(32, []);
    let puzzle = four_zeros("x");
    let outcome = mine_with(&mock, &pool(2), &Search::new(&puzzle).timeout(Duration::ZERO));
    assert_eq!((outcome.status, outcome.hashes), (Status::Timeout, 0));
    let outcome = mine_with(
        &mock,
        &pool(2),
        &Search::new(&puzzle).timeout(Duration::from_millis(5)),
    );
    assert_eq!(outcome.status, Status::Timeout);
    assert!(outcome.elapsed >= Duration::from_millis(5));
}

#[test]
fn progress_counts_up_to_no_more_than_the_work_done() {
    let seen = Mutex::new(Vec::new());
    let endless = four_zeros("x").with_goal(Goal::at_most(Target::ZERO));
    let search = Search::new(&endless)
        .timeout(Duration::from_millis(50))
        .on_progress(Duration::from_millis(1), |progress| {
            seen.lock().unwrap().push(progress.hashes)
        });
    let outcome = Miner::with_threads(2, Kernel::auto()).unwrap().mine(&search);
    drop(search);
    let seen = seen.into_inner().unwrap();
    assert!(!seen.is_empty() && seen.iter().all(|hashes| (1..=outcome.hashes).contains(hashes)));
}

#[test]
fn threads_are_between_one_and_many() {
    let most = most_threads();
    assert!((64..=MAX_THREADS).contains(&most) && most >= num_cpus::get().min(MAX_THREADS));
    for threads in [0, most + 1, MAX_THREADS + 1, usize::MAX] {
        let refused = Miner::with_threads(threads, Kernel::auto()).unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!("{threads} is not a number of threads for this machine; give 1 to {most}")
        );
    }
}

/// As many threads as there may be do not keep a search from ending when its time is up.
#[test]
fn a_time_limit_holds_with_the_most_threads() {
    let puzzle = Puzzle::text("x", Goal::at_most(Target::ZERO));
    let miner = Miner::with_threads(most_threads(), Kernel::auto()).unwrap();
    let limit = Duration::from_millis(300);
    let outcome = miner.mine(&Search::new(&puzzle).timeout(limit));
    assert_eq!(
        (outcome.status, outcome.threads),
        (Status::Timeout, most_threads())
    );
    assert!(
        outcome.elapsed >= limit && outcome.elapsed < Duration::from_secs(20),
        "{:?}",
        outcome.elapsed
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The engine's whole promise: mined with threads and the fast kernel, it is what the oracle finds one by one.
    #[test]
    fn mining_is_the_oracles_search(prefix in "[ -~]{0,80}", start in 0..200_000u64, bits in 3.0..11.0f64, threads in 1..5usize) {
        let goal = Goal::at_most(Target::from_leading_zero_bits(bits).unwrap());
        let puzzle = Puzzle::text(prefix, goal);
        let range = NonceRange::new(start, 3_000).unwrap();
        let expected: Vec<u64> = (start..start + 3_000).filter(|nonce| puzzle.is_solved_by(*nonce)).collect();
        let miner = Miner::with_threads(threads, Kernel::auto()).unwrap();
        let lowest = miner.mine(&Search::new(&puzzle).range(range));
        prop_assert_eq!(nonces(&lowest).first().copied(), expected.first().copied());
        let all = miner.mine(&Search::new(&puzzle).range(range).find(Find::All));
        prop_assert_eq!(nonces(&all), expected);
        prop_assert_eq!(all.hashes, 3_000);
    }

    /// Shards tile the range, and the lowest of their answers is the answer.
    #[test]
    fn shards_merge_to_the_answer(text in "[a-z]{1,12}", shards in 1..9u32) {
        let puzzle = Puzzle::text(text, Goal::at_most(Target::from_leading_zero_bits(10.0).unwrap()));
        let range = NonceRange::new(0, 10_000).unwrap();
        let miner = Miner::with_threads(2, Kernel::auto()).unwrap();
        let answer = |range| nonces(&miner.mine(&Search::new(&puzzle).range(range))).first().copied();
        let of_shards = (0..shards).filter_map(|i| answer(range.shard(i, shards).unwrap())).min();
        prop_assert_eq!(of_shards, answer(range));
    }
}

/// The last chunk may outlast the deadline, or the handle be pulled while it is scanned: the range was searched all the
/// same, and the status says so.
#[test]
fn a_range_searched_to_its_end_is_never_a_timeout() {
    struct Slow(Cancel);
    impl Scan for Slow {
        fn scan(&mut self, _: &[[u32; 8]], _: u64, count: u64, _: &mut Hits) -> u64 {
            std::thread::sleep(Duration::from_millis(20));
            self.0.cancel();
            count
        }
    }
    impl Team for Slow {
        fn bind<'p>(&self, _: usize, prepared: &'p Prepared) -> Option<Scanner<'p>> {
            Some(Scanner::new(prepared, Box::new(Slow(self.0.clone())), 64))
        }
        fn kernel(&self, _: usize) -> Kernel {
            Kernel::auto()
        }
    }
    let puzzle = four_zeros("x");
    let range = NonceRange::new(10, 64).unwrap();
    for find in [Find::Lowest, Find::All] {
        let cancel = Cancel::new();
        let search = Search::new(&puzzle)
            .range(range)
            .find(find)
            .cancel(&cancel)
            .timeout(Duration::from_millis(5));
        let outcome = super::mine_with(&Slow(cancel.clone()), &pool(2), &search, &AT_ONCE);
        assert_eq!((outcome.status, outcome.hashes), (Status::Exhausted, 64));
    }
}

/// Over the end of a group of versions, where the next header nonce is 0 again.
#[test]
fn rolled_versions_are_searched_like_any_other_range() {
    let header = crate::Header::from_bytes([0x33; 80]);
    let goal = Goal::at_most(Target::from_leading_zero_bits(8.5).unwrap());
    let puzzle = Puzzle::header_with_goal(&header, goal)
        .roll_version(0x1fff_e000)
        .unwrap();
    let (start, count) = ((1u64 << 39) - 3_501, 7_003);
    let range = NonceRange::new(start, count.into()).unwrap();
    let expected: Vec<u64> = (start..start + count)
        .filter(|nonce| puzzle.is_solved_by(*nonce))
        .collect();
    assert!(expected.len() > 5 && expected.iter().any(|nonce| *nonce >= 1 << 39));
    for kernel in Kernel::detected() {
        for threads in 1..5 {
            let miner = Miner::with_threads(threads, kernel).unwrap();
            let all = miner.mine(&Search::new(&puzzle).range(range).find(Find::All));
            assert_eq!(
                (nonces(&all), all.hashes),
                (expected.clone(), count),
                "{kernel}, {threads} threads"
            );
            let rest = range.from(1 << 39).unwrap();
            let lowest = miner.mine(&Search::new(&puzzle).range(rest));
            let after = expected.iter().copied().find(|nonce| *nonce >= 1 << 39);
            assert_eq!(nonces(&lowest).first().copied(), after);
            // The next group: the eighth bit of the index; the lower seven are the nonce's.
            let version = lowest.solutions[0].version().unwrap();
            assert_eq!(version & !0x000f_e000, 0x3333_3333 & !0x1fff_e000 | 0x0010_0000);
        }
    }
}
