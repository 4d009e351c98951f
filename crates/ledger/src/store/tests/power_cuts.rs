//! The power goes while a ledger is at work: whatever the disk made of the writes since the last sync, the ledger opens,
//! and everything that was acknowledged is there.
//!
//! ```text
//! work:   a [`Disk`] that notes every write, change of length and sync; and when each call was acknowledged
//! cut:    at any of these. What was synced before is there. Of what came after, for each write at random: there, not there,
//!         or torn: only some of its sectors; in any order; and the same for changes of length
//! then:   open it, hold it against what was acknowledged, go on with it, cut that too
//! ```
//!
//! Acknowledged is what the ledger's answer said: the transfer's id, the block's hash. A call under way at the cut may be there
//! or not, but whole: the loader, which checks every table, says so.

use std::{
    collections::HashSet,
    io,
    sync::{Arc, Mutex, MutexGuard},
};

use redb::StorageBackend;

use super::{random::*, *};
use crate::{BlockHash, TransactionId};

/// What disks write whole or not at all.
const SECTOR: usize = 512;

#[derive(Clone, Debug)]
enum Step {
    Write(u64, Vec<u8>),
    Length(u64),
    Sync,
}

#[derive(Debug, Default)]
struct Platter {
    /// As the program sees it.
    bytes: Vec<u8>,
    /// Everything that was asked of it.
    steps: Vec<Step>,
}

/// A disk that remembers how it came to be what it is. Clones are the same disk.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<Platter>>);

impl Disk {
    fn of(bytes: Vec<u8>) -> Self {
        let steps = vec![
            Step::Length(bytes.len() as u64),
            Step::Write(0, bytes.clone()),
            Step::Sync,
        ];
        Self(Arc::new(Mutex::new(Platter { bytes, steps })))
    }

    fn platter(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().expect("nothing panics while it is held")
    }

    /// How much was asked of it so far.
    fn steps(&self) -> usize {
        self.platter().steps.len()
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.platter().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let platter = self.platter();
        let from = platter.bytes.get(offset as usize..offset as usize + out.len());
        out.copy_from_slice(from.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut platter = self.platter();
        platter.bytes.resize(length as usize, 0);
        platter.steps.push(Step::Length(length));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.platter().steps.push(Step::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut platter = self.platter();
        let at = offset as usize;
        let bytes = platter.bytes.get_mut(at..at + data.len());
        bytes.ok_or(ErrorKind::UnexpectedEof)?.copy_from_slice(data);
        platter.steps.push(Step::Write(offset, data.to_vec()));
        Ok(())
    }
}

/// What is on the disk when the power goes after so many steps.
fn cut(steps: &[Step], random: &mut Random) -> Vec<u8> {
    let synced = steps
        .iter()
        .rposition(|step| matches!(step, Step::Sync))
        .map_or(0, |at| at + 1);
    let mut bytes = Vec::new();
    steps[..synced]
        .iter()
        .for_each(|step| apply(step, &mut bytes, None));
    // How much of the rest arrived: nothing, all, or each with the same chance; in their order or not.
    let mut rest: Vec<_> = steps[synced..].to_vec();
    let chance = random.below(5);
    rest.retain(|_| random.below(4) < chance);
    if random.once_in(2) {
        for i in (1..rest.len()).rev() {
            rest.swap(i, random.below(i + 1));
        }
    }
    for step in &rest {
        let torn = random.once_in(3).then_some(&mut *random);
        apply(step, &mut bytes, torn);
    }
    bytes
}

/// Does what was asked; if it is `torn`, only for some of the sectors.
fn apply(step: &Step, bytes: &mut Vec<u8>, mut torn: Option<&mut Random>) {
    match step {
        Step::Sync => {}
        Step::Length(length) => bytes.resize(*length as usize, 0),
        Step::Write(offset, data) => {
            let end = *offset as usize + data.len();
            if bytes.len() < end {
                bytes.resize(end, 0); // written before the length that makes room for it
            }
            for (i, sector) in data.chunks(SECTOR).enumerate() {
                if torn.as_mut().is_some_and(|random| random.once_in(2)) {
                    continue;
                }
                let at = *offset as usize + i * SECTOR;
                bytes[at..at + sector.len()].copy_from_slice(sector);
            }
        }
    }
}

/// What the ledger has said is stored, and after how many steps of the disk.
#[derive(Default)]
struct Told {
    transfers: Vec<(usize, TransactionId)>,
    blocks: Vec<(usize, BlockHash)>,
}

fn opened(disk: &Disk) -> Result<Ledger, StoreError> {
    let mut builder = Database::builder();
    builder.set_cache_size(1 << 20).set_check_integrity_on_open(true);
    let database = caught(|| Ok(builder.create_with_backend(disk.clone())?))?;
    Ledger::from_store(Store::new(database), Options::default())
}

/// A child of `parent` that differs from its other children by `whom`.
pub(super) fn child(parent: &Block<Unchecked>, whom: u64, transfers: Vec<Transaction>) -> Block<Unchecked> {
    let reward = Transaction::reward(format!("miner {whom}"), 1, 0).unwrap();
    let transactions: Vec<_> = std::iter::once(reward).chain(transfers).collect();
    let ids: Vec<_> = transactions.iter().map(Transaction::id).collect();
    let mut header = *parent.header();
    header.previous_hash = parent.hash();
    header.merkle_root = crate::merkle::root(&ids).unwrap();
    header.time += 60;
    header.nonce = 0;
    while !header.meets_target() {
        header.nonce += 1;
    }
    Block::new(parent.index() + 1, header, transactions)
}

/// Transfers, blocks on the tip, blocks on side branches, reorganisations; each is acknowledged before the next.
fn work(ledger: &Ledger, disk: &Disk, told: &mut Told, random: &mut Random) {
    let block = |hash| ledger.snapshot().unwrap().block_by_hash(&hash).unwrap().unwrap();
    for _ in 0..5 + random.below(20) {
        let amount = 1 + random.next() % 1_000_000;
        match random.below(6) {
            0..=2 => {
                let transfer = Transaction::transfer("alice", "x".repeat(1 + random.below(200)), amount);
                let submitted = ledger.submit(transfer.unwrap().tagged()).unwrap();
                told.transfers.push((disk.steps(), submitted.id));
            }
            3..=4 => {
                let waiting: Vec<_> = {
                    let view = ledger.view();
                    view.pending
                        .iter()
                        .map(|waiting| waiting.transaction().clone())
                        .collect()
                };
                let next = child(&block(ledger.tip().hash), random.next(), waiting);
                assert!(matches!(ledger.add(next.clone()), Ok(Added::Tip { dropped: 0 })));
                told.blocks.push((disk.steps(), next.hash()));
            }
            _ => {
                // A branch from up to three blocks below the tip that overtakes it, with one commit or with several.
                let tree = ledger.tree();
                let below = random.below(4).min(tree.length() as usize - 1) as u64;
                let mut parent = block(tree.active_hash(tree.length() - below).unwrap());
                let branch: Vec<_> = (0..=below)
                    .map(|_| {
                        parent = child(&parent, random.next(), Vec::new());
                        parent.clone()
                    })
                    .collect();
                let hashes: Vec<_> = branch.iter().map(Block::hash).collect();
                match random.once_in(2) {
                    true => ledger.add_all(branch).into_iter().for_each(|added| {
                        added.unwrap();
                    }),
                    false => branch.into_iter().for_each(|block| {
                        ledger.add(block).unwrap();
                    }),
                }
                told.blocks
                    .extend(hashes.into_iter().map(|hash| (disk.steps(), hash)));
            }
        }
    }
}

/// Holds a ledger against what it said before the power went, after so many steps.
fn nothing_is_lost(ledger: &Ledger, told: &Told, steps: usize) {
    let snapshot = ledger.snapshot().unwrap();
    for (_, hash) in told.blocks.iter().filter(|(at, _)| *at <= steps) {
        assert!(
            snapshot.block_by_hash(hash).unwrap().is_some(),
            "block {hash} is gone"
        );
    }
    let waiting: HashSet<_> = ledger
        .view()
        .pending
        .iter()
        .map(|transfer| transfer.id())
        .collect();
    for (_, id) in told.transfers.iter().filter(|(at, _)| *at <= steps) {
        let there = waiting.contains(id) || snapshot.places_of(id).unwrap().is_some();
        assert!(there, "transfer {id} is gone");
    }
}

fn one_cut(seed: u64) {
    let random = &mut Random::new(seed);
    let mut disk = Disk::default();
    Store::new(Database::builder().create_with_backend(disk.clone()).unwrap())
        .begin(&easy())
        .unwrap();
    let mut told = Told::default();
    let mut begun = disk.steps();
    for _ in 0..2 {
        {
            let ledger = opened(&disk).expect("it opens after the cut");
            nothing_is_lost(&ledger, &told, usize::MAX);
            work(&ledger, &disk, &mut told, random);
            // Closed in order or not: the last steps are the database's own.
        }
        if random.once_in(3) {
            // Made small, as when a file that is mostly free is opened.
            let mut database = Database::builder().create_with_backend(disk.clone()).unwrap();
            database.compact().unwrap();
        }
        let steps = disk.platter().steps.clone();
        let at = begun + random.below(steps.len() - begun + 1);
        let after = Disk::of(cut(&steps[..at], random));
        {
            let ledger =
                opened(&after).unwrap_or_else(|error| panic!("cut at {at} of {}: {error}", steps.len()));
            nothing_is_lost(&ledger, &told, at);
            // What the cut took was never said to be there; from now on what is there is what counts.
            told.transfers.retain(|(told, _)| *told <= at);
            told.blocks.retain(|(told, _)| *told <= at);
        }
        for (told, _) in &mut told.transfers {
            *told = 0;
        }
        for (told, _) in &mut told.blocks {
            *told = 0;
        }
        begun = after.steps();
        disk = after;
    }
}

#[test]
fn a_power_cut_loses_nothing_acknowledged() {
    let runs = each_seed("power_cut", 20, one_cut);
    eprintln!("{runs} runs, two cuts each");
}

/// The disk of these tests can lose what was acknowledged: a store that does not sync is caught.
#[test]
fn a_store_that_does_not_sync_would_be_caught() {
    let caught = (0..20).filter(|seed| {
        let random = &mut Random::new(*seed);
        let disk = Disk::default();
        Store::new(Database::builder().create_with_backend(disk.clone()).unwrap())
            .begin(&easy())
            .unwrap();
        let mut told = Told::default();
        work(&opened(&disk).unwrap(), &disk, &mut told, random);
        let begun = disk
            .platter()
            .steps
            .iter()
            .position(|step| matches!(step, Step::Sync))
            .unwrap();
        let steps: Vec<_> = disk.platter().steps.clone();
        let (first, rest) = steps.split_at(begun + 1);
        let unsynced = rest.iter().filter(|step| !matches!(step, Step::Sync));
        let steps: Vec<_> = first.iter().chain(unsynced).cloned().collect();
        let after = Disk::of(cut(&steps, random));
        let whole = opened(&after).is_ok_and(|ledger| {
            let snapshot = ledger.snapshot().unwrap();
            told.blocks
                .iter()
                .all(|(_, hash)| snapshot.block_by_hash(hash).unwrap().is_some())
        });
        !whole
    });
    assert!(caught.count() >= 10);
}
