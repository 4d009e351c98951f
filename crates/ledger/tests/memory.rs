//! What reading a block takes in memory, counted by the allocator: below three times its text beside the text itself, for any body.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use paydirt_ledger::{
    BlockRecord, ChainParameters, MAX_BLOCK_TRANSACTIONS, RecordError, Transaction, TransactionRecord,
};

/// The system's allocator, and how much of it is used.
struct Counting;

static USED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[allow(unsafe_code)] // an allocator is unsafe to implement; this one hands everything on
// SAFETY: every call goes to the system's allocator as it came; only numbers are kept.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let used = USED.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(used, Relaxed);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        USED.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How much more than before was in use at some moment.
fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = USED.load(Relaxed);
    PEAK.store(before, Relaxed);
    let done = work();
    (done, PEAK.load(Relaxed) - before)
}

fn repeated(before: &str, piece: &str, after: &str, bytes: usize) -> String {
    let mut text = before.to_owned();
    while text.len() + piece.len() + after.len() < bytes {
        text.push_str(piece);
    }
    text.truncate(text.trim_end_matches(',').len());
    text + after
}

/// One test: the count is everybody's.
#[test]
fn a_block_is_read_in_little_more_than_its_text() {
    const BYTES: usize = 16 << 20;
    let genesis = ChainParameters::default().genesis();
    let with = |transactions: Vec<Transaction>| {
        let block = paydirt_ledger::Block::new(2, *genesis.header(), transactions);
        serde_json::to_string(&BlockRecord::new(&block)).unwrap()
    };
    let of = |name: &str, count: usize| {
        let transfers = (1..=count as u64).map(|n| Transaction::transfer(name, name, n).unwrap());
        with(transfers.collect())
    };
    let valid = [
        ("the shortest names", of("a", MAX_BLOCK_TRANSACTIONS)),
        ("the longest names", of(&"\u{1f600}".repeat(256), 1000)),
        ("escaped names", of(&"\u{1}".repeat(256), 3000)),
        ("one transaction", of("a", 1)),
    ];
    for (what, text) in valid {
        let (read, more) = peak(|| BlockRecord::parse(text.as_bytes()));
        assert!(read.is_ok(), "{what}");
        println!("{what}: {} bytes of text, {more} more at most", text.len());
        assert!(more < 3 * text.len() + 4096, "{what}: {more} of {}", text.len());
    }
    let nested = |depth: usize| format!("{}0{}", "[".repeat(depth), "]".repeat(depth));
    let text = |quoted: String| format!("{{\"sender\":\"{quoted}\",\"index\":1}}");
    let others = [
        ("a list of small objects", repeated("[", "{\"\":0},", "]", BYTES)),
        (
            "transactions that are none",
            repeated("{\"transactions\":[", "{\"\":0},", "]}", BYTES),
        ),
        (
            "transactions that are numbers",
            repeated("{\"transactions\":[", "0,", "]}", BYTES),
        ),
        ("unknown lists", repeated("{\"x\":[", "[],", "]}", BYTES)),
        ("a number of lists", repeated("{\"index\":[", "[],", "]}", BYTES)),
        ("nesting", nested(BYTES / 2)),
        (
            "nesting in a field",
            format!("{{\"index\":{}}}", nested(BYTES / 2)),
        ),
        (
            "nesting in transactions",
            format!("{{\"transactions\":[{}]}}", nested(BYTES / 2)),
        ),
        ("a long string", text("a".repeat(BYTES))),
        ("a long string of escapes", text("\\n".repeat(BYTES / 2))),
        ("a long string of code points", text("\\u0041".repeat(BYTES / 6))),
        ("a long name", format!("{{\"{}\":1}}", "\\n".repeat(BYTES / 2))),
        ("a long number", format!("{{\"index\":1{}}}", "0".repeat(BYTES))),
        (
            "a long fraction",
            format!("{{\"index\":0.{}}}", "0".repeat(BYTES)),
        ),
        (
            "a long unknown number",
            format!("{{\"x\":1{}}}", "0".repeat(BYTES)),
        ),
        ("many unknown fields", {
            let fields: Vec<_> = (0..BYTES / 12).map(|n| format!("\"{n:07}\":0")).collect();
            format!("{{{}}}", fields.join(","))
        }),
        (
            "many unknown objects",
            repeated(
                "{\"x\":[",
                "{\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0},",
                "]}",
                BYTES,
            ),
        ),
        ("spaces", " ".repeat(BYTES)),
        ("not JSON", "x".repeat(BYTES)),
    ];
    for (what, text) in others {
        let (read, more) = peak(|| BlockRecord::parse(text.as_bytes()));
        println!("{what}: {} bytes of text, {more} more at most", text.len());
        assert!(
            matches!(read, Err(RecordError::Fields(_) | RecordError::Json(_))),
            "{what}"
        );
        assert!(more < 3 * text.len(), "{what}: {more} of {}", text.len());
        let (read, more) = peak(|| TransactionRecord::parse_transfer(text.as_bytes()));
        assert!(
            read.is_err() && more < 3 * text.len(),
            "{what}: {more} of {}",
            text.len()
        );
    }
}
