//! Files with damage: bytes that flip, pages of zeros, a file cut short, pages that change places. The ledger opens as it
//! was, or it does not open; it never panics and never takes a wrong chain for a good one. And a ledger whose file is
//! damaged while it is open never gives a block that is not the one that was stored.

use std::{fs, path::Path};

use tempfile::TempDir;

use super::{power_cuts::child, random::*, *};

/// What a ledger holds, to be compared.
fn content(ledger: &Ledger) -> (Vec<Block<Unchecked>>, Vec<u64>, String) {
    let blocks = ledger.snapshot().unwrap().blocks(1, u64::MAX).unwrap();
    let view = ledger.view();
    let waiting = view
        .pending
        .iter()
        .map(|transfer| transfer.transaction().amount())
        .collect();
    (blocks, waiting, ledger.node_id().to_owned())
}

/// A ledger of so many blocks with transfers in them, some that wait, and a side branch; closed.
fn sample(folder: &Path, blocks: u64) {
    let ledger = Ledger::open_or_create(folder, Some(&easy()), Options::default()).unwrap();
    for amount in 1..=blocks {
        ledger.submit(transfer(amount)).unwrap();
        extend(&ledger, 1);
    }
    ledger.submit(transfer(1_000_001)).unwrap();
    ledger.submit(transfer(1_000_002)).unwrap();
}

/// Makes one to four kinds of damage.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let page = at / 4096 * 4096;
        let end = (page + 4096).min(bytes.len());
        let length = bytes.len();
        match random.below(8) {
            0..=2 => bytes[at] ^= 1 << random.below(8),
            3 => bytes[at] = random.next() as u8,
            4 => bytes[page..end].fill(0),
            5 => {
                let end = (at + random.below(64)).min(bytes.len());
                bytes[at..end]
                    .iter_mut()
                    .for_each(|byte| *byte = random.next() as u8);
            }
            6 => {
                let other = random.below(bytes.len()) / 4096 * 4096;
                let copied = bytes[other..(other + end - page).min(bytes.len())].to_vec();
                bytes[page..page + copied.len()].copy_from_slice(&copied);
            }
            _ if random.once_in(3) => bytes.truncate(at.max(1)),
            _ => bytes[random.below(320.min(length))] ^= 1 << random.below(8), // the header
        }
    }
}

#[test]
fn a_damaged_file_is_refused_or_as_it_was() {
    let folder = TempDir::new().unwrap();
    sample(folder.path(), 40);
    let file = folder.path().join(FILE_NAME);
    let before = content(&Ledger::open(folder.path(), Options::default()).unwrap());
    let whole = fs::read(&file).unwrap();
    let refused = std::cell::Cell::new(0);
    let runs = each_seed("damaged_file", 60, |seed| {
        let mut bytes = whole.clone();
        damage(&mut bytes, &mut Random::new(seed));
        fs::write(&file, &bytes).unwrap();
        match Ledger::open(folder.path(), Options::default()) {
            Ok(ledger) => assert!(content(&ledger) == before, "it opens as another"),
            Err(StoreError::Damaged(_) | StoreError::DamagedBlock { .. } | StoreError::Foreign) => {
                refused.set(refused.get() + 1);
            }
            // A header that names another page size, or another version of redb.
            Err(StoreError::File(error)) => {
                assert!(!error.to_string().is_empty());
                refused.set(refused.get() + 1);
            }
            Err(other) => panic!("{other}"),
        }
    });
    eprintln!("{runs} damaged files, {} refused, none wrong", refused.get());
    assert!(
        runs < 20 || refused.get() * 5 > runs,
        "{} of {runs} were seen",
        refused.get()
    );
}

/// Damage while it is open: with no cache each read comes from the file.
#[test]
fn damage_under_an_open_ledger_is_never_given_out() {
    let folder = TempDir::new().unwrap();
    sample(folder.path(), 40);
    let file = folder.path().join(FILE_NAME);
    let options = || Options {
        cache_bytes: 0,
        ..Options::default()
    };
    let before = content(&Ledger::open(folder.path(), options()).unwrap()).0;
    let whole = fs::read(&file).unwrap();
    let said = std::cell::Cell::new(0);
    let runs = each_seed("damage_under", 20, |seed| {
        // A folder of its own: a database that failed in the middle of a write may keep its file locked.
        let folder = TempDir::new().unwrap();
        let file = folder.path().join(FILE_NAME);
        fs::write(&file, &whole).unwrap();
        let random = &mut Random::new(seed);
        let ledger = Ledger::open(folder.path(), options()).unwrap();
        let mut bytes = fs::read(&file).unwrap();
        let length = bytes.len();
        for _ in 0..5 {
            damage(&mut bytes, random);
            bytes.resize(length, 0);
        }
        fs::write(&file, &bytes).unwrap();
        let branch = ledger.active_branch();
        for stored in &before {
            match ledger.page(&branch, stored.index(), 1) {
                Ok(read) => assert!(read[0] == *stored, "block {} is another", stored.index()),
                Err(_) => assert!(ledger.failure().is_some(), "it is not said"),
            }
        }
        let first = ledger.failure().map(ToString::to_string);
        said.set(said.get() + u64::from(first.is_some()));
        // Writing over such a file fails in order too, or does what it says.
        let submitted = ledger.submit(transfer(7).tagged());
        if first.is_some() {
            assert!(matches!(submitted, Err(SubmitError::Store(_))), "{submitted:?}");
        }
        for whom in 0..3 {
            let next = child(
                &before[random.below(before.len())],
                whom,
                vec![transfer(random.next() >> 12)],
            );
            match ledger.add(next) {
                Ok(_) => assert_eq!(ledger.failure(), None),
                Err(AddError::Store(_)) => assert!(ledger.failure().is_some()),
                Err(other) => panic!("{other}"),
            }
        }
    });
    eprintln!(
        "{runs} files damaged while open, {} seen by reading, nothing wrong given out",
        said.get()
    );
    assert!(runs < 20 || said.get() > 0);
}
