//! Any bytes as a ledger's file, and as the lines of an import: what the fuzz targets `open_store` and `import_lines` do, and
//! in short `cargo test`.

#![allow(dead_code)] // each user takes a part

use std::{fs, path::Path, sync::OnceLock};

use paydirt_ledger::{
    BlockLines, ChainParameters, FILE_NAME, ImportError, Ledger, MiningPlan, Options, StoreError,
    Transaction, export, import, mine_blocks,
};

fn easy() -> ChainParameters {
    ChainParameters::fixed(1.0).expect("in range")
}

/// A small ledger: its file, and its export.
fn sample(folder: &Path) -> &'static (Vec<u8>, Vec<u8>) {
    static SAMPLE: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let folder = folder.join("sample");
        let ledger = Ledger::open_or_create(&folder, Some(&easy()), Options::default()).expect("it is made");
        let miner = paydirt::Miner::with_threads(1, paydirt::Kernel::auto()).expect("a thread");
        for amount in 1..=4 {
            let transfer = Transaction::transfer("alice", "bob", amount).expect("it is one");
            ledger.submit(transfer.tagged()).expect("there is room");
            let plan = MiningPlan {
                count: 1,
                spacing_s: Some(60),
            };
            mine_blocks(&ledger, &miner, &paydirt::Cancel::new(), plan, &|_| {}, &|_| {});
        }
        let mut lines = Vec::new();
        export(&ledger, &mut lines).expect("it is whole");
        drop(ledger);
        (fs::read(folder.join(FILE_NAME)).expect("it is there"), lines)
    })
}

/// Opens a ledger's file in `folder` (the same for all calls): `bytes` themselves, or a whole file changed as they say. A file is
/// refused, or what is in it is a chain by every rule.
pub fn open(folder: &Path, bytes: &[u8]) {
    let whole = &sample(folder).0;
    let mut file = bytes.to_vec();
    if let Some((b'c', changes)) = bytes.split_first().map(|(first, rest)| (*first, rest)) {
        file = whole.clone();
        for change in changes.chunks_exact(4) {
            let at = usize::from(change[0]) << 16 | usize::from(change[1]) << 8 | usize::from(change[2]);
            let at = at % file.len();
            file[at] ^= change[3];
        }
        // What is left over says where the file ends.
        if let [end] = changes.chunks_exact(4).remainder() {
            file.truncate(whole.len() * usize::from(*end) / 256);
        }
    }
    let folder = folder.join("opened");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("there is room");
    fs::write(folder.join(FILE_NAME), file).expect("there is room");
    match Ledger::open(&folder, Options::default()) {
        Ok(ledger) => is_a_chain(&ledger),
        Err(StoreError::Missing(_) | StoreError::InUse(_)) => panic!("it is there, and nobody else has it"),
        Err(refused) => assert!(!refused.to_string().is_empty()),
    }
}

/// Imports `bytes` into a new ledger: as they are, or as changes of an export. What comes in before the first bad line is a chain
/// by every rule.
pub fn import_lines(folder: &Path, bytes: &[u8]) {
    let mut lines = bytes.to_vec();
    if let Some((b'c', changes)) = bytes.split_first().map(|(first, rest)| (*first, rest)) {
        lines = sample(folder).1.clone();
        for change in changes.chunks_exact(3) {
            let at = (usize::from(change[0]) << 8 | usize::from(change[1])) % lines.len();
            lines[at] = change[2];
        }
    }
    let ledger = Ledger::in_memory(&easy()).expect("a thread");
    match import(&ledger, &mut BlockLines::new(&lines[..]), |_| {}) {
        Ok(done) => assert_eq!(done.added, ledger.tip().index - 1),
        Err(ImportError::Line { line, reason }) => assert!(line >= 1 && !reason.to_string().is_empty()),
        Err(other) => panic!("{other}"),
    }
    is_a_chain(&ledger);
}

/// Every block is taken once more by a ledger that knows none of them.
fn is_a_chain(ledger: &Ledger) {
    let mut lines = Vec::new();
    export(ledger, &mut lines).expect("it can be read");
    let again = Ledger::in_memory(ledger.parameters()).expect("a thread");
    import(&again, &mut BlockLines::new(&lines[..]), |_| {}).expect("it is a chain");
    assert_eq!(again.tip().hash, ledger.tip().hash);
}
