//! The miner's latencies with two threads: from the call to the answer of a puzzle that nonce 0 solves (goal: below
//! 200 µs), and from a found nonce, or a pulled cancel handle, to the return of the call, when every thread is idle
//! (goal: below 1 ms).

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use paydirt::{Cancel, Goal, Kernel, Miner, Puzzle, Search, Status, Target};

const THREADS: usize = 2;

fn miner() -> Miner {
    Miner::with_threads(THREADS, Kernel::auto()).expect("two threads")
}

fn start(c: &mut Criterion) {
    let miner = miner();
    let puzzle = Puzzle::text("any", Goal::at_most(Target::MAX));
    c.bench_function("start: solved at nonce 0", |b| {
        b.iter(|| {
            let outcome = miner.mine(&Search::new(&puzzle));
            assert_eq!(outcome.solutions[0].nonce(), 0);
        });
    });
}

fn stop_when_found(c: &mut Criterion) {
    let miner = miner();
    // Different texts, so that the answer falls at different places in the threads' chunks.
    let texts: Vec<String> = (0..64).map(|i| format!("stop {i} ")).collect();
    let goal = Goal::at_most(Target::from_leading_zero_bits(18.0).expect("between 0 and 256"));
    c.bench_function("stop: from the verified answer to all threads idle", |b| {
        b.iter_custom(|iterations| {
            let latency = |i: u64| {
                let puzzle = Puzzle::text(&texts[i as usize % texts.len()], goal);
                let outcome = miner.mine(&Search::new(&puzzle));
                assert_eq!(outcome.status, Status::Found);
                outcome.elapsed - outcome.found_after.expect("it was found")
            };
            (0..iterations).map(latency).sum()
        });
    });
}

fn stop_when_cancelled(c: &mut Criterion) {
    let miner = miner();
    let endless = Puzzle::text("endless", Goal::at_most(Target::ZERO));
    c.bench_function("stop: from cancel to all threads idle", |b| {
        b.iter_custom(|iterations| {
            let latency = |_| {
                let cancel = Cancel::new();
                std::thread::scope(|scope| {
                    let search = Search::new(&endless).cancel(&cancel);
                    let mining = scope.spawn(|| {
                        let outcome = miner.mine(&{ search });
                        assert_eq!(outcome.status, Status::Interrupted);
                        Instant::now()
                    });
                    std::thread::sleep(Duration::from_millis(5));
                    let pulled = Instant::now();
                    cancel.cancel();
                    mining
                        .join()
                        .expect("the miner does not panic")
                        .saturating_duration_since(pulled)
                })
            };
            (0..iterations).map(latency).sum()
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30).measurement_time(Duration::from_secs(3));
    targets = start, stop_when_found, stop_when_cancelled
}
criterion_main!(benches);
