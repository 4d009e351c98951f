//! Readers that take their time: the file does not grow because of them, and none of them gets two branches as one chain.

use std::{fs, io::Write, path::Path};

use tempfile::TempDir;

use super::{power_cuts::child, *};
use crate::{BlockLines, ExportError, SideLimits, export, import};

const COMMITS: u64 = 100;

fn length(folder: &Path) -> u64 {
    fs::metadata(folder.join(FILE_NAME)).unwrap().len()
}

/// How many times as long the file is as it would be if nothing of it were free.
fn times_its_data(ledger: &Ledger, folder: &Path) -> f64 {
    let length = length(folder);
    length as f64 / ledger.store.needed_bytes(length).unwrap() as f64
}

/// A ledger of about a megabyte in a few blocks.
fn large(folder: &Path) -> Ledger {
    let ledger = Ledger::open_or_create(folder, Some(&easy()), Options::default()).unwrap();
    for number in 0..20 {
        let transfers = (0..60).map(|n| {
            let name = format!("{number} {n} {}", "x".repeat(240));
            Transaction::transfer(name, "y".repeat(250), 1 + n).unwrap()
        });
        append(&ledger, transfers.collect());
    }
    ledger
}

/// A block on the tip.
fn append(ledger: &Ledger, transfers: Vec<Transaction>) -> Block<Unchecked> {
    let tip = ledger
        .snapshot()
        .unwrap()
        .block(ledger.tip().index)
        .unwrap()
        .unwrap();
    let block = child(&tip, 7, transfers);
    assert_eq!(ledger.add(block.clone()), Ok(Added::Tip { dropped: 0 }));
    block
}

/// So many small changes, each with a commit of its own.
fn commits(ledger: &Ledger) {
    for amount in 1..=COMMITS {
        ledger.submit(transfer(amount).tagged()).unwrap();
    }
}

/// Somebody who takes so long over what he is given that all the commits happen meanwhile; and what he got.
struct Slow<'l>(&'l Ledger, Vec<u8>);

impl Write for Slow<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.1.is_empty() {
            commits(self.0);
        }
        self.1.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_slow_reader_keeps_nothing() {
    let folder = TempDir::new().unwrap();
    let ledger = large(folder.path());
    let mut times = vec![times_its_data(&ledger, folder.path())];
    let mut out = Slow(&ledger, Vec::new());
    assert_eq!(export(&ledger, &mut out).unwrap(), 21);
    times.push(times_its_data(&ledger, folder.path()));
    let branch = ledger.active_branch();
    let page = ledger.page(&branch, 1, 1).unwrap();
    commits(&ledger);
    assert_eq!(page.len(), 1);
    times.push(times_its_data(&ledger, folder.path()));
    ledger
        .read(&branch, 1..2, |_| {
            commits(&ledger);
            true
        })
        .unwrap();
    times.push(times_its_data(&ledger, folder.path()));
    eprintln!("the file is {times:.2?} times its data: idle, export, page, read");
    assert!(times.iter().all(|times| *times <= 2.0), "{times:?}");

    // What a reader that holds the file does to it, and that opening it again mends that.
    let held = ledger.snapshot().unwrap();
    (0..3).for_each(|_| commits(&ledger));
    let grown = times_its_data(&ledger, folder.path());
    assert_eq!(held.length().unwrap(), 21);
    drop(held);
    let before = ledger.active_branch();
    drop(ledger);
    let was = length(folder.path());
    let ledger = Ledger::open(folder.path(), Options::default()).unwrap();
    let mended = times_its_data(&ledger, folder.path());
    eprintln!(
        "held open: {grown:.2} times, {was} bytes; opened again: {mended:.2} times, {} bytes",
        length(folder.path())
    );
    assert!(grown > 2.5, "{grown}: this would not show what it must");
    assert!(mended <= 2.0, "{mended}");
    assert_eq!(ledger.active_branch(), before);
    assert_eq!(ledger.view().pending.len() as u64, 6 * COMMITS);
}

#[test]
fn a_reader_goes_on_along_its_branch_or_is_told() {
    let limits = SideLimits {
        blocks: 15,
        ..SideLimits::default()
    };
    let options = Options {
        side_limits: limits,
        ..Options::default()
    };
    let ledger = Ledger::in_memory_with(&easy(), options).unwrap();
    let first: Vec<_> = (0..20).map(|_| append(&ledger, Vec::new())).collect();
    let reader = ledger.active_branch();
    let mut lines = Vec::new();
    let all = |ledger: &Ledger| {
        let mut hashes = Vec::new();
        ledger
            .read(&reader, 1..u64::MAX, |block| {
                hashes.push(block.hash());
                true
            })
            .map(|()| hashes)
    };
    let before = all(&ledger).unwrap();
    export(&ledger, &mut lines).unwrap();

    // Another branch from block 6 on takes over: each reader's page is still of the branch that it began with.
    let overtake = |from: &Block<Unchecked>, whom, count| {
        let mut parent = from.clone();
        for _ in 0..count {
            parent = child(&parent, whom, Vec::new());
            ledger.add(parent.clone()).unwrap();
        }
        assert_eq!(ledger.tip().hash, parent.hash());
    };
    overtake(&first[4], 8, 16);
    assert_ne!(ledger.active_branch(), reader);
    assert_eq!(all(&ledger).unwrap(), before);
    for from in 1..=21 {
        let page = ledger.page(&reader, from, 1).unwrap();
        assert_eq!(page[0].hash(), before[from as usize - 1]);
    }
    assert!(
        ledger.page(&reader, 22, 1).unwrap().is_empty(),
        "not beyond its end"
    );
    // A longer active branch is not a longer answer, and a page that begins on one branch ends on the same.
    let page = ledger.page(&reader, 1, usize::MAX).unwrap();
    assert_eq!(page.iter().map(Block::hash).collect::<Vec<_>>(), before);

    // Then its end is forgotten: a heavier one takes the room. What is left of it is not taken for a chain.
    let tip = ledger.snapshot().unwrap().block(21).unwrap().unwrap();
    assert_eq!(ledger.add(child(&tip, 9, Vec::new())), Ok(Added::Side));
    let error = all(&ledger).unwrap_err();
    assert!(matches!(error, StoreError::Superseded { .. }), "{error}");
    assert_eq!(ledger.failure(), None, "that is no damage");
    let copy = Ledger::in_memory(&easy()).unwrap();
    import(&copy, &mut BlockLines::new(&lines[..]), |_| {}).unwrap();
    assert_eq!(copy.active_branch(), reader);
}

/// An export whose reader has gone is an error of the writing, not of the store.
#[test]
fn nobody_reads_to_the_end() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let ledger = Ledger::in_memory(&easy()).unwrap();
    assert!(matches!(export(&ledger, Gone), Err(ExportError::Write(_))));
    assert_eq!(ledger.failure(), None);
}
