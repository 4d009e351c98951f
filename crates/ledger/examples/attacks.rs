//! What a stranger's blocks cost a ledger on disk: two branches that overtake each other in turn, a flood of side blocks,
//! a queue of the longest names.
//!
//! `cargo run --release -p paydirt-ledger --example attacks [queue|flood|switches]`. The file is on the disk of the system's folder for temporary
//! files: set `TMPDIR` to measure another one. The figures stand in `docs/ledger.md`.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use paydirt_ledger::{
    Added, Block, BlockTemplate, ChainParameters, FILE_NAME, Header, HeaderTree, Identified, Ledger, Options,
    Tag, Transaction, Unchecked,
};

const BLOCKS: usize = 1_000;
const EACH: u64 = 400;

fn easy() -> ChainParameters {
    ChainParameters::fixed(1.0).expect("in range")
}

fn transfer(number: u64) -> Identified {
    let transfer = Transaction::transfer("alice", "bob", 1 + number % 1_000).expect("in range");
    let tag = Tag::new(number + 1).expect("not zero");
    transfer.with_tag(tag).expect("it is a transfer").into()
}

/// A branch in the making, by its headers alone.
struct Branch {
    tree: HeaderTree,
    name: &'static str,
    next: u64,
}

impl Branch {
    fn new(name: &'static str, next: u64) -> Self {
        let tree = HeaderTree::new(easy(), &easy().genesis());
        Self { tree, name, next }
    }

    fn block(&mut self, transfers: Vec<Identified>) -> Block<Unchecked> {
        let tip = self.tree.tip();
        let time = tip.header.time + 1;
        let template = Arc::new(BlockTemplate::new(&tip, self.name, transfers).expect("a name"));
        let header = (template.job(1, 0..1, move || time).header)(0);
        let is_solved = |header: &paydirt::Header| Header::from_bytes(&header.to_bytes()).meets_target();
        let solved = (0..).map(|nonce| header.with_nonce(nonce)).find(is_solved);
        let block = template.block(0, solved.expect("every second one"));
        self.tree
            .add_header(*block.header(), u64::MAX)
            .expect("it is good");
        block
    }

    fn filled(&mut self, count: usize) -> Vec<Block<Unchecked>> {
        let block = |_| {
            let numbers = self.next..self.next + EACH;
            self.next += EACH;
            self.block(numbers.map(transfer).collect())
        };
        (0..count).map(block).collect()
    }
}

fn open(folder: &Path, options: Options) -> Ledger {
    Ledger::open_or_create(folder, Some(&easy()), options).expect("it opens")
}

fn add(ledger: &Ledger, blocks: Vec<Block<Unchecked>>) {
    for some in blocks.chunks(20) {
        assert!(ledger.add_all(some.to_vec()).iter().all(Result::is_ok));
    }
}

fn file_bytes(folder: &Path) -> f64 {
    std::fs::metadata(folder.join(FILE_NAME))
        .expect("it is there")
        .len() as f64
        / f64::from(1 << 20)
}

/// Adds a block while another thread submits transfers one by one, until the reorganisation is done. Returns how long the
/// block took, how long all, the longest that a transfer waited for its answer before and since, and how many there were.
fn timed(ledger: &Ledger, block: Block<Unchecked>, numbers: u64) -> (Duration, Duration, [Duration; 2], u64) {
    let (begun, done) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let writes = scope.spawn(|| {
            // Before, and since it began.
            let (mut longest, mut count) = ([Duration::ZERO; 2], 0);
            while !done.load(Ordering::Relaxed) {
                let since = usize::from(begun.load(Ordering::Relaxed));
                let asked = Instant::now();
                let _ = ledger.submit(transfer(numbers + count)); // refused while the queue is full: an answer too
                longest[since] = longest[since].max(asked.elapsed());
                count += 1;
            }
            (longest, count)
        });
        std::thread::sleep(Duration::from_millis(500));
        begun.store(true, Ordering::Relaxed);
        let asked = Instant::now();
        let added = ledger.add(block).expect("it is good");
        let answered = asked.elapsed();
        assert!(matches!(added, Added::Tip { dropped } if dropped >= BLOCKS));
        let is_settled = || {
            let view = ledger.view();
            view.unsettled == 0 || (!view.pending.next_block().is_empty() && view.pending.len() >= 250_000)
        };
        while !is_settled() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let all = asked.elapsed();
        done.store(true, Ordering::Relaxed);
        let (longest, count) = writes.join().expect("it ends");
        (answered, all, longest, count)
    })
}

fn switches() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let options = Options {
        max_reorganisation: 2_000,
        ..Options::default()
    };
    let ledger = open(folder.path(), options.clone());
    let (mut ours, mut theirs) = (Branch::new("ours", 0), Branch::new("theirs", 1 << 32));
    let begun = Instant::now();
    add(&ledger, ours.filled(BLOCKS));
    add(&ledger, theirs.filled(BLOCKS));
    println!(
        "{BLOCKS} blocks of {EACH} transfers, twice: made and added in {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    for turn in 0..6u64 {
        let branch = if turn % 2 == 0 { &mut theirs } else { &mut ours };
        // Equal work first, then one block more.
        let count = if turn == 0 { 1 } else { 2 };
        let mut blocks = branch.filled(count);
        let last = blocks.pop().expect("one at least");
        add(&ledger, blocks);
        let (answered, all, longest, writes) = timed(&ledger, last, (turn + 3) << 40);
        println!(
            "switch {}: answered in {:.1} ms; the queue had followed after {:.2} s ({} wait, {} blocks are left); \
             the longest of {writes} other writes took {:.1} ms, before the switch {:.1} ms",
            turn + 1,
            answered.as_secs_f64() * 1e3,
            all.as_secs_f64(),
            ledger.view().pending.len(),
            ledger.view().unsettled,
            longest[1].as_secs_f64() * 1e3,
            longest[0].as_secs_f64() * 1e3,
        );
    }
    drop(ledger);
    println!("the file has {:.0} MiB", file_bytes(folder.path()));
    let begun = Instant::now();
    let ledger = open(folder.path(), options);
    println!(
        "opened and verified in {:.2} s, {} wait",
        begun.elapsed().as_secs_f64(),
        ledger.view().pending.len()
    );
}

/// One block after another for `seconds`, from ever another parent below the tip: as fast as they are taken.
fn flood() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let ledger = open(folder.path(), Options::default());
    let mut trunk = Branch::new("trunk", 0);
    let mut stems = Vec::new();
    let blocks: Vec<_> = (0..60)
        .map(|_| {
            stems.push(trunk.tree.clone());
            trunk.block(Vec::new())
        })
        .collect();
    add(&ledger, blocks);
    let long = |n: u64| -> Identified {
        let name = "\u{1f600}".repeat(256);
        Transaction::transfer(name, format!("{n:0>256}"), 1)
            .expect("in range")
            .into()
    };
    // 1.5 MiB each.
    let filling: Vec<_> = (0..1_200).map(long).collect();
    let (mut sent, mut taken, begun) = (0, 0, Instant::now());
    let mut longest = Duration::ZERO;
    while sent < 600 {
        let mut branch = Branch::new("flood", 0);
        branch.tree = stems[sent % 60].clone();
        let mut some = filling.clone();
        some.push(transfer(sent as u64));
        let block = branch.block(some);
        let adding = Instant::now();
        taken += usize::from(ledger.add(block).is_ok());
        longest = longest.max(adding.elapsed());
        sent += 1;
    }
    let tree = ledger.tree();
    println!(
        "flood: of {sent} side blocks of 1.5 MiB {taken} were taken in {:.1} s (the longest {:.1} ms), {} are kept; the file has {:.0} MiB",
        begun.elapsed().as_secs_f64(),
        longest.as_secs_f64() * 1e3,
        tree.block_count() - tree.length(),
        file_bytes(folder.path()),
    );
    // Small ones, each the end of its own branch.
    let (begun, mut longest) = (Instant::now(), Duration::ZERO);
    for n in 0..12_000u64 {
        let mut branch = Branch::new("small", 0);
        branch.tree = stems[n as usize % 60].clone();
        let block = branch.block(vec![transfer((1 << 50) + n)]);
        let adding = Instant::now();
        let _ = ledger.add(block); // the last are refused
        longest = longest.max(adding.elapsed());
    }
    let tree = ledger.tree();
    println!(
        "flood: of 12,000 small ones as well, {} side blocks are kept after {:.1} s; the longest took {:.1} ms",
        tree.block_count() - tree.length(),
        begun.elapsed().as_secs_f64(),
        longest.as_secs_f64() * 1e3,
    );
}

/// What the process has in memory, in MiB; none where nobody says.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

fn queue() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let ledger = open(folder.path(), Options::default());
    let before = resident();
    let name = "\u{1f600}".repeat(250);
    let (sender, receiver) = std::sync::mpsc::channel();
    for n in 0..250_000u64 {
        let sender = sender.clone();
        let transfer = Transaction::transfer(&*name, format!("{n:0>250}"), 1).expect("in range");
        ledger.submit_then(transfer, move |outcome| {
            let _ = sender.send(outcome.is_ok()); // the receiver waits below
        });
    }
    drop(sender);
    let taken = receiver.iter().filter(|taken| *taken).count();
    let more = resident()
        .zip(before)
        .map_or(f64::NAN, |(now, before)| now - before);
    println!(
        "queue: of 250,000 transfers of the longest names {taken} wait, {:.0} MiB; {more:.0} MiB more in memory, the file has {:.0} MiB",
        ledger.view().pending.bytes() as f64 / f64::from(1 << 20),
        file_bytes(folder.path()),
    );
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("queue") => queue(),
        Some("flood") => flood(),
        Some("switches") => switches(),
        _ => {
            queue();
            flood();
            switches();
        }
    }
}
