//! The ledger on disk: it comes back as it was, or says what is wrong with it.

#[path = "common/any_bytes.rs"]
mod any_bytes;
#[path = "common/blocks.rs"]
mod blocks;

use std::{fs, io::Read as _, path::Path};

use blocks::{Maker, branch, easy, transfer};
use paydirt_ledger::{
    AddError, Added, Block, BlockLines, ChainParameters, FILE_NAME, ImportError, Ledger, Options, RuleError,
    StoreError, Tag, TimeRule, Transaction, Unchecked, export, import,
};
use tempfile::TempDir;

fn open(folder: &Path) -> Ledger {
    Ledger::open_or_create(folder, Some(&easy()), Options::default()).unwrap()
}

fn reopened(folder: &Path) -> Result<Ledger, StoreError> {
    Ledger::open(folder, Options::default())
}

/// A ledger with `count` blocks, a transfer in each, a side branch and two transactions that wait.
fn sample(folder: &Path, count: usize) -> Vec<Block<Unchecked>> {
    let ledger = open(folder);
    let mut all: Vec<Block<Unchecked>> = Vec::with_capacity(count);
    for amount in 1..=count as u64 {
        let next = match all.last() {
            Some(last) => Maker::easy(last),
            None => Maker::easy(&easy().genesis()),
        };
        all.push(next.with(transfer(amount)).mined());
    }
    for outcome in ledger.add_all(all.clone()) {
        outcome.unwrap();
    }
    for block in branch(&all[count / 2], "side", 2) {
        assert_eq!(ledger.add(block), Ok(Added::Side));
    }
    ledger.submit(transfer(1_000_001)).unwrap();
    ledger.submit(transfer(1_000_002)).unwrap();
    all
}

fn state(ledger: &Ledger) -> (String, String, Vec<u64>, Vec<Block<Unchecked>>) {
    let waiting = ledger
        .view()
        .pending
        .iter()
        .map(|transfer| transfer.transaction().amount())
        .collect();
    let blocks = ledger.snapshot().unwrap().blocks(1, u64::MAX).unwrap();
    (
        ledger.node_id().to_owned(),
        ledger.tip().hash.to_string(),
        waiting,
        blocks,
    )
}

#[test]
fn everything_comes_back() {
    let folder = TempDir::new().unwrap();
    let all = sample(folder.path(), 20);
    let first = reopened(folder.path()).unwrap();
    let before = state(&first);
    assert_eq!(before.0.len(), 32);
    assert_eq!(before.1, all[19].hash().to_string());
    assert_eq!(before.2, [1_000_001, 1_000_002]);
    assert_eq!(before.3[1..], all[..]);
    assert_eq!(first.loaded_transactions(), 41, "genesis has one, the others two");
    drop(first);
    let second = reopened(folder.path()).unwrap();
    assert_eq!(state(&second), before);
    // It goes on where it was: places and branches too.
    second.submit(transfer(1_000_003)).unwrap();
    let side = branch(&all[10], "side", 11);
    assert_eq!(second.add(side[0].clone()), Ok(Added::Known));
    for block in &side[2..9] {
        second.add(block.clone()).unwrap();
    }
    assert_eq!(second.add(side[9].clone()), Ok(Added::Tip { dropped: 9 }));
    let waiting = state(&second).2;
    assert_eq!(
        waiting,
        (12..=20).chain(1_000_001..=1_000_003).collect::<Vec<_>>()
    );
    let after = state(&second);
    drop(second);
    assert_eq!(state(&reopened(folder.path()).unwrap()), after);
}

#[test]
fn the_first_of_two_equal_branches_stays_first() {
    let folder = TempDir::new().unwrap();
    let genesis = easy().genesis();
    for (winner, other) in [("a", "b"), ("b", "a")] {
        let folder = folder.path().join(winner);
        let ledger = open(&folder);
        let (mine, theirs) = (branch(&genesis, winner, 2), branch(&genesis, other, 2));
        for block in mine.iter().chain(&theirs) {
            ledger.add(block.clone()).unwrap();
        }
        drop(ledger);
        assert_eq!(reopened(&folder).unwrap().tip().hash, mine[1].hash());
    }
}

#[test]
fn a_folder_is_opened_once_and_for_its_own_network() {
    let folder = TempDir::new().unwrap();
    let missing = reopened(folder.path()).unwrap_err();
    assert!(matches!(missing, StoreError::Missing(_)), "{missing}");
    let ledger = open(folder.path());
    let twice = Ledger::open_or_create(folder.path(), None, Options::default()).unwrap_err();
    assert!(matches!(twice, StoreError::InUse(_)), "{twice}");
    drop(ledger);
    let other = ChainParameters::fixed(20.0).unwrap();
    let error = Ledger::open_or_create(folder.path(), Some(&other), Options::default()).unwrap_err();
    assert!(matches!(error, StoreError::OtherParameters { .. }), "{error}");
    let any = Ledger::open_or_create(folder.path(), None, Options::default()).unwrap();
    assert_eq!(*any.parameters(), easy());
}

#[test]
fn what_is_no_ledger_is_refused() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join(FILE_NAME);
    for content in [&b"hello"[..], &[0; 4096], &[0xff; 100_000]] {
        fs::write(&file, content).unwrap();
        assert!(reopened(folder.path()).is_err(), "{} bytes", content.len());
        assert_eq!(fs::read(&file).unwrap(), content, "it is left as it was");
    }
    // A file cut short.
    fs::remove_file(&file).unwrap();
    sample(folder.path(), 200);
    let whole = fs::read(&file).unwrap();
    for length in [whole.len() / 2, whole.len() - 4096, 100] {
        fs::write(&file, &whole[..length]).unwrap();
        assert!(
            reopened(folder.path()).is_err(),
            "{length} of {} bytes",
            whole.len()
        );
    }
}

/// A bit of a stored block flips: the error names the block.
#[test]
fn a_damaged_block_is_named() {
    let folder = TempDir::new().unwrap();
    let all = sample(folder.path(), 300);
    let file = folder.path().join(FILE_NAME);
    let whole = fs::read(&file).unwrap();
    let mut named = 0;
    for number in [0, 7, 150, 299] {
        let block = &all[number];
        let mut header = block.header().to_bytes();
        // redb may have old copies of a page in the file too: all are damaged alike.
        let places: Vec<_> = whole
            .windows(80)
            .enumerate()
            .filter(|(_, bytes)| *bytes == header)
            .map(|(at, _)| at)
            .collect();
        assert!(!places.is_empty());
        header[40] ^= 1;
        let mut damaged = whole.clone();
        for at in places {
            damaged[at..at + 80].copy_from_slice(&header);
        }
        fs::write(&file, &damaged).unwrap();
        let error = reopened(folder.path()).unwrap_err();
        match error {
            StoreError::DamagedBlock { index, reason } => {
                assert_eq!(index, block.index(), "{reason}");
                assert!(reason.contains("hash"), "{reason}");
                named += 1;
            }
            other => panic!("block {}: {other}", block.index()),
        }
    }
    assert_eq!(named, 4);
}

/// Any byte of the file changes: the ledger opens as it was, or not at all.
#[test]
fn no_damage_goes_unnoticed() {
    let folder = TempDir::new().unwrap();
    sample(folder.path(), 60);
    let file = folder.path().join(FILE_NAME);
    let before = state(&reopened(folder.path()).unwrap());
    let whole = fs::read(&file).unwrap();
    let mut refused = 0;
    let step = whole.len() / 251 + 1; // prime, so that the places within pages vary
    for at in (0..whole.len()).step_by(step) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x40;
        fs::write(&file, &damaged).unwrap();
        match reopened(folder.path()) {
            Ok(ledger) => assert_eq!(state(&ledger), before, "byte {at} changed what is read"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 20, "{refused} of about 250 bytes are in use");
}

#[test]
fn export_and_import() {
    let from = TempDir::new().unwrap();
    sample(from.path(), 30);
    let ledger = reopened(from.path()).unwrap();
    let mut lines = Vec::new();
    assert_eq!(export(&ledger, &mut lines).unwrap(), 31);
    let to = TempDir::new().unwrap();
    let copy = open(to.path());
    let done = import(&copy, &mut BlockLines::new(&lines[..]), |_| {}).unwrap();
    assert_eq!((done.added, done.known), (30, 1));
    assert_eq!(state(&copy).3, state(&ledger).3);
    let mut again = Vec::new();
    export(&copy, &mut again).unwrap();
    assert_eq!(again, lines);
    assert_eq!(
        import(&copy, &mut BlockLines::new(&lines[..]), |_| {})
            .unwrap()
            .known,
        31
    );
}

#[test]
fn an_import_stops_at_the_first_bad_line() {
    let from = TempDir::new().unwrap();
    sample(from.path(), 10);
    let mut lines = Vec::new();
    export(&reopened(from.path()).unwrap(), &mut lines).unwrap();
    let text = String::from_utf8(lines).unwrap();
    let rows: Vec<_> = text.lines().collect();
    for (bad, says) in [
        (rows[4].replace("\"amount\":4", "\"amount\":5"), "Merkle root"),
        ("{\"index\":5".to_owned(), "not JSON"),
        ("{}".to_owned(), "Missing values: index"),
        (rows[6].to_owned(), "parent"),
    ] {
        let mut changed: Vec<_> = rows.clone();
        changed[4] = &bad;
        let to = TempDir::new().unwrap();
        let copy = open(to.path());
        match import(&copy, &mut BlockLines::new(changed.join("\n").as_bytes()), |_| {}) {
            Err(ImportError::Line { line, reason }) => {
                assert_eq!(line, 5);
                assert!(reason.to_string().contains(says), "{reason}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(copy.tip().index, 4, "the lines before are taken");
    }
}

/// A ledger that the program before tags wrote: four blocks, a side branch of two, the same transfer in two blocks, and
/// another that waits twice.
#[test]
fn a_ledger_of_format_1_is_taken_over() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut old = Vec::new();
    let packed = fs::File::open(data.join("format-1.redb.gz")).unwrap();
    flate2::read::GzDecoder::new(packed)
        .read_to_end(&mut old)
        .unwrap();
    let exported = fs::read(data.join("format-1.jsonl")).unwrap();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join(FILE_NAME);
    fs::write(&file, &old).unwrap();

    for _ in 0..2 {
        let ledger = reopened(folder.path()).unwrap();
        let mut lines = Vec::new();
        assert_eq!(export(&ledger, &mut lines).unwrap(), 4);
        assert_eq!(lines, exported, "to the byte");
        assert_eq!(ledger.node_id(), "3f68307d789c40b58b5c82403b5e109a");
        assert_eq!(ledger.loaded_transactions(), 7);
        assert_eq!(ledger.view().tree.block_count(), 6, "the side branch too");
        let view = ledger.view();
        let waiting: Vec<_> = view
            .pending
            .iter()
            .map(|transfer| transfer.transaction())
            .collect();
        let seven = Transaction::transfer("carol", "dave", 7).unwrap();
        assert_eq!(waiting, [&seven, &seven]);
        assert_eq!(seven.tag(), None);
        let five = Transaction::transfer("alice", "bob", 5).unwrap();
        assert_eq!(
            five.id().to_string(),
            "26a96ff18b2abba4d9df7cc4174d80ff1894716f601b45928b25adb545e1e919"
        );
        assert_eq!(
            ledger.snapshot().unwrap().places_of(&five.id()).unwrap(),
            Some((2, 3))
        );
    }
    // It goes on with tags, and is no file of format 1 any more.
    let ledger = reopened(folder.path()).unwrap();
    let tagged = transfer(1).tagged();
    ledger.submit(tagged.clone()).unwrap();
    let tip = ledger.snapshot().unwrap().block(4).unwrap().unwrap();
    let mut next = Maker::easy(&tip).with(tagged.clone());
    next.header.time = tip.header().time + 1;
    assert_eq!(ledger.add(next.mined()), Ok(Added::Tip { dropped: 0 }));
    drop(ledger);
    let ledger = reopened(folder.path()).unwrap();
    assert_eq!(
        ledger.snapshot().unwrap().places_of(&tagged.id()).unwrap(),
        Some((1, 5))
    );
    let bytes = fs::read(&file).unwrap();
    let says = |bytes: &[u8], format: &[u8]| bytes.windows(format.len()).any(|window| window == format);
    assert!(says(&old, b"paydirt ledger 1") && says(&bytes, b"paydirt ledger 3"));

    // Its export is read as ever.
    let to = TempDir::new().unwrap();
    let mut lines = BlockLines::new(&exported[..]);
    let parameters = ChainParameters::of_genesis(lines.peek().unwrap().unwrap()).unwrap();
    let copy = Ledger::open_or_create(to.path(), Some(&parameters), Options::default()).unwrap();
    let done = import(&copy, &mut lines, |_| {}).unwrap();
    assert_eq!((done.added, done.known), (3, 1));
}

/// What its genesis does not state is as it was: times by the median, two hours ahead of the clock. And whoever names the
/// difficulty that it has means this ledger.
#[test]
fn an_old_chain_keeps_its_rule_about_times() {
    let folder = TempDir::new().unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut old = Vec::new();
    let packed = fs::File::open(data.join("format-1.redb.gz")).unwrap();
    flate2::read::GzDecoder::new(packed)
        .read_to_end(&mut old)
        .unwrap();
    fs::write(folder.path().join(FILE_NAME), old).unwrap();
    let named = Ledger::open_or_create(folder.path(), Some(&easy()), Options::default()).unwrap();
    assert_eq!(named.parameters().times(), TimeRule::Median);
    drop(named);
    let other = ChainParameters::fixed(2.0).unwrap();
    let refused = Ledger::open_or_create(folder.path(), Some(&other), Options::default());
    assert!(matches!(refused, Err(StoreError::OtherParameters { .. })));

    let tip = reopened(folder.path()).unwrap().tip();
    let now = u64::from(tip.header.time) + 1_000;
    let options = Options {
        clock: std::sync::Arc::new(move || now),
        ..Options::default()
    };
    let ledger = Ledger::open(folder.path(), options).unwrap();
    let block = ledger.snapshot().unwrap().block(tip.index).unwrap().unwrap();
    let at = |time: u64| {
        let mut next = Maker::easy(&block);
        next.header.time = u32::try_from(time).unwrap();
        ledger.add(next.mined())
    };
    let median = tip.next.earliest_time - 1;
    assert!(matches!(
        at(median),
        Err(AddError::Rule(RuleError::TimeTooOld { .. }))
    ));
    assert!(matches!(
        at(now + 7_201),
        Err(AddError::Rule(RuleError::TimeTooNew { .. }))
    ));
    assert_eq!(at(now + 7_200), Ok(Added::Tip { dropped: 0 }));
    let median = ledger.tip().next.earliest_time - 1;
    assert!(median < now, "one block moves no median");
}

/// A byte that format 1 has no use for is not read as a tag: the id that was stored with it says what it is.
#[test]
fn nothing_old_is_misread() {
    let folder = TempDir::new().unwrap();
    let untagged = transfer(9);
    let ledger = open(folder.path());
    ledger.submit(untagged.clone()).unwrap();
    ledger
        .add(Maker::easy(&easy().genesis()).with(untagged).mined())
        .unwrap();
    drop(ledger);
    let ledger = reopened(folder.path()).unwrap();
    let block = ledger.snapshot().unwrap().block(2).unwrap().unwrap();
    assert_eq!(block.transactions()[1].tag(), None);
    let tagged = block.transactions()[1]
        .clone()
        .with_tag(Tag::new(1).unwrap())
        .unwrap();
    let forged = Block::new(2, *block.header(), vec![block.transactions()[0].clone(), tagged]);
    let refused = ledger.add(forged).unwrap_err();
    assert!(refused.to_string().contains("Merkle root"), "{refused}");
}

/// The fuzz targets `open_store` and `import_lines`, over bytes that are made up as they would be.
#[test]
fn any_bytes_are_a_chain_or_refused() {
    let folder = TempDir::new().unwrap();
    for bytes in [&b""[..], b"c", b"redb", &[0; 5000], b"{}", b"\n\n", b"[1]\nnull"] {
        any_bytes::open(folder.path(), bytes);
        any_bytes::import_lines(folder.path(), bytes);
    }
    let mut state = 1u64;
    let mut byte = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    for _ in 0..60 {
        let mut bytes = vec![b'c'];
        bytes.extend((0..byte() % 16).map(|_| byte()));
        any_bytes::open(folder.path(), &bytes);
        any_bytes::import_lines(folder.path(), &bytes);
    }
}

/// A database of another program is said to be one; and it is no damage.
#[test]
fn a_database_of_another_program_is_named() {
    let folder = TempDir::new().unwrap();
    for table in ["other", "about"] {
        let path = folder.path().join(FILE_NAME);
        let _ = fs::remove_file(&path);
        let database = redb::Database::create(&path).unwrap();
        let write = database.begin_write().unwrap();
        let table = redb::TableDefinition::<u64, u64>::new(table);
        write.open_table(table).unwrap().insert(1, 2).unwrap();
        write.commit().unwrap();
        drop(database);
        let error = reopened(folder.path()).unwrap_err();
        assert!(matches!(error, StoreError::Foreign), "{error}");
    }
}
