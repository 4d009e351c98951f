//! The ledger's figures: a block appended durably, 100,000 stored blocks verified, transactions queued in one commit.
//!
//! `cargo bench --bench ledger`. The file is on the disk of the system's folder for temporary files: set `TMPDIR` to
//! measure another one.

use std::{hint::black_box, path::Path, sync::Arc, time::Duration};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use paydirt::{Cancel, Kernel, Miner};
use paydirt_ledger::{
    Added, Block, ChainParameters, Ledger, MiningPlan, Options, Transaction, Unchecked, export, mine_blocks,
};
use tempfile::TempDir;

const BLOCKS: u64 = 100_000;

fn easy() -> ChainParameters {
    ChainParameters::fixed(1.0).expect("in range")
}

fn open(folder: &Path) -> Ledger {
    Ledger::open_or_create(folder, Some(&easy()), Options::default()).expect("it opens")
}

/// A ledger of so many blocks after genesis.
fn filled(folder: &Path, count: u64) {
    let miner = Miner::with_threads(1, Kernel::auto()).expect("a thread");
    let plan = MiningPlan {
        count,
        spacing_s: Some(60),
    };
    let run = mine_blocks(&open(folder), &miner, &Cancel::new(), plan, &|_| {}, &|_| {});
    assert_eq!(run.blocks, count);
}

fn verify(criterion: &mut Criterion) {
    let folder = TempDir::new().expect("a folder");
    filled(folder.path(), BLOCKS);
    let mut group = criterion.benchmark_group("ledger");
    group.sample_size(10).throughput(Throughput::Elements(BLOCKS));
    group.bench_function("open and verify 100,000 blocks", |bencher| {
        bencher.iter(|| {
            let ledger = Ledger::open(folder.path(), Options::default()).expect("it is whole");
            assert_eq!(ledger.tip().index, BLOCKS + 1);
        });
    });
    let ledger = open(folder.path());
    group.bench_function("export 100,000 blocks", |bencher| {
        bencher.iter(|| {
            assert_eq!(export(&ledger, std::io::sink()).expect("it writes"), BLOCKS + 1);
        });
    });
}

/// The next block, a minute after its parent: every second nonce solves it.
fn next_block(ledger: &Ledger) -> Block<Unchecked> {
    let time = ledger.tip().header.time + 60;
    let template = Arc::new(ledger.block_template());
    let header = (template.job(1, 0..1, move || time).header)(0);
    (0..)
        .map(|nonce| template.block(0, header.with_nonce(nonce)))
        .find(|block| block.header().meets_target())
        .expect("half of them do")
}

fn append(criterion: &mut Criterion) {
    let folder = TempDir::new().expect("a folder");
    let ledger = open(folder.path());
    let mut group = criterion.benchmark_group("ledger");
    group.sample_size(100).measurement_time(Duration::from_secs(5));
    group.bench_function("append a block, durably", |bencher| {
        bencher.iter_batched(
            || next_block(&ledger),
            |block| assert_eq!(ledger.add(block), Ok(Added::Tip { dropped: 0 })),
            BatchSize::PerIteration,
        );
    });
}

fn queue(criterion: &mut Criterion) {
    const AT_ONCE: u64 = 64;
    let folder = TempDir::new().expect("a folder");
    let options = Options {
        max_pending: usize::MAX,
        ..Options::default()
    };
    let ledger = Ledger::open_or_create(folder.path(), Some(&easy()), options).expect("it opens");
    let mut group = criterion.benchmark_group("ledger");
    group
        .throughput(Throughput::Elements(AT_ONCE))
        .measurement_time(Duration::from_secs(5));
    let mut amount = 0;
    group.bench_function("queue 64 transactions at once, durably", |bencher| {
        bencher.iter(|| {
            let (sender, receiver) = std::sync::mpsc::channel();
            for _ in 0..AT_ONCE {
                amount += 1;
                let sender = sender.clone();
                let transfer = Transaction::transfer("alice", "bob", amount).expect("in range");
                ledger.submit_then(transfer, move |outcome| {
                    let _ = sender.send(outcome); // the receiver waits below
                });
            }
            drop(sender);
            assert_eq!(
                receiver.iter().filter(|outcome| outcome.is_ok()).count() as u64,
                AT_ONCE
            );
        });
    });
}

fn identify(criterion: &mut Criterion) {
    let transfer = Transaction::transfer("alice", "bob", 5).expect("in range");
    criterion.bench_function("id of a transaction", |bencher| {
        bencher.iter(|| black_box(&transfer).id())
    });
}

criterion_group!(benches, verify, append, queue, identify);
criterion_main!(benches);
