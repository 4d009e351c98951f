//! All solutions: told or kept in order, at the listener's pace, and gone on with later.

use std::sync::Barrier;

use super::*;

const CONTINUE: ControlFlow<()> = ControlFlow::Continue(());

fn decimals(start: u64, count: u128) -> NonceRange {
    NonceRange::new(start, count).unwrap()
}

#[test]
fn each_is_told_once_in_ascending_order_and_none_is_kept_but_the_lowest() {
    let hits: Vec<u64> = (3..100_000).step_by(97).collect();
    let puzzle = anything_goes(NonceEncoding::Decimal);
    for threads in [1, 2, 5, 17] {
        let mock = Mock::new(32, hits.iter().copied());
        let mut told = Vec::new();
        let tell = |solution: &Solution| {
            let (first, count) = *mock.chunks.lock().unwrap().last().unwrap();
            let at_once = (first..first + count).contains(&solution.nonce());
            assert!(
                threads > 1 || at_once,
                "when its chunk has ended, before the next"
            );
            told.push(solution.nonce());
            CONTINUE
        };
        let search = Search::new(&puzzle)
            .range(decimals(0, 100_000))
            .find(Find::All)
            .on_solution(tell);
        let outcome = mine_with(&mock, &pool(threads), &search);
        drop(search);
        assert!(told == hits, "{threads} threads");
        assert_eq!(nonces(&outcome), hits[..1]);
        assert_eq!(outcome.solution_count, hits.len() as u64);
        assert_eq!((outcome.hashes, outcome.status), (100_000, Status::Found));
        assert_eq!(outcome.resume_at, 100_000);

        let search = Search::new(&puzzle).range(decimals(0, 100_000)).find(Find::All);
        let kept = mine_with(&mock, &pool(threads), &search);
        assert!(nonces(&kept) == hits, "{threads} threads");
        assert_eq!(kept.solution_count, hits.len() as u64);
    }
}

/// A callback that has enough ends the search behind what it was told, and a search from there tells the rest.
#[test]
fn the_one_who_is_told_may_say_stop() {
    let puzzle = anything_goes(NonceEncoding::Decimal);
    let hits: Vec<u64> = (5_000..).step_by(100).take(10_000).collect();
    for threads in [1, 4] {
        let mock = Mock::new(32, hits.iter().copied());
        let mut told = Vec::new();
        let mut range = decimals(0, 2_000_000);
        for rounds in 1.. {
            let before = told.len();
            mock.chunks.lock().unwrap().clear();
            let search = Search::new(&puzzle)
                .range(range)
                .find(Find::All)
                .on_solution(|solution| {
                    told.push(solution.nonce());
                    match told.len() - before {
                        3_000 => ControlFlow::Break(()),
                        _ => CONTINUE,
                    }
                });
            let outcome = mine_with(&mock, &pool(threads), &search);
            drop(search);
            assert_eq!(outcome.solution_count, (told.len() - before) as u64);
            assert_eq!(nonces(&outcome), told[before..=before]);
            let tested = mock.tested_in_order();
            let all_so_far = range.start()..range.start() + outcome.hashes;
            assert!(tested.into_iter().eq(all_so_far), "once, and without a gap");
            if outcome.status == Status::Found {
                assert_eq!((rounds, outcome.resume_at), (4, range.end()));
                break;
            }
            assert_eq!(outcome.status, Status::Interrupted);
            assert_eq!(outcome.resume_at, u128::from(told[told.len() - 1]) + 1);
            range = range.from(u64::try_from(outcome.resume_at).unwrap()).unwrap();
        }
        assert!(told == hits, "{threads} threads");
    }
}

#[test]
fn who_hears_of_a_lowest_one_may_say_stop_too() {
    let puzzle = anything_goes(NonceEncoding::Decimal);
    let mock = Mock::new(32, (5_000..).step_by(100).take(10_000));
    let mut told = 0;
    let search = Search::new(&puzzle).on_solution(|_| {
        told += 1;
        ControlFlow::Break(())
    });
    let outcome = mine_with(&mock, &pool(4), &search);
    drop(search);
    // It need not be the one that was told.
    assert_eq!((nonces(&outcome), told), (vec![5_000], 1));
    assert_eq!((outcome.status, outcome.solution_count), (Status::Found, 1));
    assert_eq!(
        outcome.resume_at, 5_000,
        "where a search that goes on finds it again"
    );
    assert_eq!(mock.tested_in_order().len() as u64, outcome.hashes);
}

/// While nobody takes what was found, so much is found and no more; and a pulled handle ends it all the same.
#[test]
fn a_slow_listener_holds_the_search() {
    let puzzle = anything_goes(NonceEncoding::U64(ByteOrder::Big));
    let range = decimals(0, 1 << 40);
    let mut mock = Mock::new(32, []);
    mock.hits_all = true;
    mock.chunk_time = Duration::from_micros(1);
    let (cancel, threads) = (Cancel::new(), 4);
    // Met twice: when the listener is told of one of the first, all threads being at work, and when it may return.
    let listener = Barrier::new(2);
    let mut told = Vec::new();
    let outcome = std::thread::scope(|scope| {
        let (mock, cancel, told, listener) = (&mock, &cancel, &mut told, &listener);
        let mining = scope.spawn(move || {
            let search = Search::new(&puzzle)
                .range(range)
                .find(Find::All)
                .cancel(cancel)
                .on_solution(|solution| {
                    told.push(solution.nonce());
                    if told.len() == 1_000 {
                        listener.wait();
                        listener.wait();
                    }
                    CONTINUE
                });
            mine_with(mock, &pool(threads), &search)
        });
        listener.wait();
        // However long this takes, the others find so much while one is held up.
        let tested = || {
            mock.chunks
                .lock()
                .unwrap()
                .iter()
                .map(|(_, count)| *count)
                .sum::<u64>()
        };
        while tested() <= order::MOST_WAITING as u64 {
            std::thread::sleep(Duration::from_millis(1));
        }
        // And then no more: all the time that they have would not help.
        std::thread::sleep(Duration::from_millis(200));
        cancel.cancel();
        listener.wait();
        mining.join().unwrap()
    });
    assert_eq!(outcome.status, Status::Interrupted);
    assert!(
        told.iter().copied().eq(0..outcome.hashes),
        "all that was tested is told"
    );
    assert_eq!(outcome.resume_at, outcome.hashes.into());
    let longest = mock
        .chunks
        .lock()
        .unwrap()
        .iter()
        .map(|(_, count)| *count)
        .max()
        .unwrap();
    let most = 1_000 + order::MOST_WAITING as u64 + (threads as u64 + 1) * longest;
    assert!(outcome.hashes <= most, "{} of {most}", outcome.hashes);
}

/// Others do not wait for what a listener that panicked will never tell.
#[test]
fn a_listener_that_panics_ends_the_search() {
    let puzzle = anything_goes(NonceEncoding::U64(ByteOrder::Big));
    let mut mock = Mock::new(32, []);
    mock.hits_all = true;
    let pool = pool(4);
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let search = Search::new(&puzzle)
            .find(Find::All)
            .on_solution(|solution| match solution.nonce() {
                0..5_000 => CONTINUE,
                _ => panic!("enough"),
            });
        mine_with(&mock, &pool, &search)
    }));
    assert!(ended.is_err());
}

/// What progress says of a search is true at any moment: all below its point was tested, and so many solutions lie there.
#[test]
fn progress_says_where_to_go_on() {
    let hits: Vec<u64> = (11..300_000).step_by(41).collect();
    let puzzle = anything_goes(NonceEncoding::Decimal);
    for (find, threads) in [(Find::All, 1), (Find::All, 5), (Find::Lowest, 5)] {
        let hits = match find {
            Find::All => &hits[..],
            _ => &[200_000],
        };
        let mut mock = Mock::new(32, hits.iter().copied());
        mock.chunk_time = Duration::from_micros(1);
        let seen = Mutex::new(0);
        let search = Search::new(&puzzle)
            .range(decimals(10, 300_000))
            .find(find)
            .on_progress(Duration::ZERO, |progress| {
                let tested = mock.tested_in_order();
                let point = progress.resume_at;
                let without_gap = tested
                    .iter()
                    .copied()
                    .zip(10..)
                    .take_while(|(nonce, next)| nonce == next);
                assert!(10 + without_gap.count() as u128 >= point);
                let below = hits.iter().filter(|hit| u128::from(**hit) < point).count();
                assert_eq!(below as u64, progress.solution_count);
                *seen.lock().unwrap() += 1;
            });
        // Few enough that looking through all of them each time ends soon.
        let search = search.timeout(Duration::from_millis(300));
        let outcome = mine_with(&mock, &pool(threads), &search);
        drop(search);
        assert!(*seen.lock().unwrap() > 2);
        match outcome.status {
            Status::Timeout => assert_eq!(outcome.resume_at, u128::from(outcome.hashes) + 10),
            _ if find == Find::All => assert_eq!(outcome.resume_at, 300_010),
            _ => assert_eq!(outcome.resume_at, 200_000),
        }
    }
}

#[test]
fn all_nonces_there_are_have_an_end_to_go_on_at() {
    let puzzle = anything_goes(NonceEncoding::U64(ByteOrder::Big));
    let range = decimals(u64::MAX - 999, 1000);
    let mock = Mock::new(32, [u64::MAX - 999, u64::MAX]);
    let search = Search::new(&puzzle).range(range).find(Find::All);
    let outcome = mine_with(&mock, &pool(3), &search);
    assert_eq!(nonces(&outcome), [u64::MAX - 999, u64::MAX]);
    assert_eq!(outcome.resume_at, 1 << 64);

    let cancel = Cancel::new();
    cancel.cancel();
    let whole = Search::new(&puzzle).find(Find::All).cancel(&cancel);
    let outcome = mine_with(&mock, &pool(3), &whole);
    assert_eq!((outcome.resume_at, outcome.status), (0, Status::Interrupted));

    let empty = Search::new(&puzzle).range(range.part(1 << 64, 0).unwrap());
    let outcome = mine_with(&mock, &pool(3), &empty);
    assert_eq!((outcome.resume_at, outcome.status), (1 << 64, Status::Exhausted));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Interrupted again and again, at any place, and gone on with: the same solutions as without.
    #[test]
    fn what_is_interrupted_goes_on(text in "[a-z]{1,12}", bits in 2.0..8.0f64, threads in 1..6usize, pauses in prop::collection::vec(1..40usize, 1..6)) {
        let puzzle = Puzzle::text(text, Goal::at_most(Target::from_leading_zero_bits(bits).unwrap()));
        let whole = decimals(0, 5_000);
        let expected: Vec<u64> = (0..5_000).filter(|nonce| puzzle.is_solved_by(*nonce)).collect();
        let miner = Miner::with_threads(threads, Kernel::auto()).unwrap();
        let (mut told, mut next, mut count) = (Vec::new(), 0, 0);
        for pause in pauses.into_iter().map(Some).chain([None]) {
            let cancel = Cancel::new();
            let before = told.len();
            let rest = whole.part(next, whole.end() - next).unwrap();
            let search = Search::new(&puzzle).range(rest).find(Find::All).cancel(&cancel).on_solution(|solution| {
                told.push(solution.nonce());
                if pause == Some(told.len() - before) {
                    cancel.cancel(); // what was begun is still told
                }
                CONTINUE
            });
            let outcome = miner.mine(&search);
            drop(search);
            prop_assert_eq!(outcome.resume_at, next + u128::from(outcome.hashes));
            next = outcome.resume_at;
            count += outcome.solution_count;
        }
        prop_assert_eq!(next, whole.end());
        prop_assert_eq!(count, told.len() as u64);
        prop_assert_eq!(told, expected);
    }
}
