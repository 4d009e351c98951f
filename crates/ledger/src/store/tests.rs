//! Stores that fail, and stores whose database is in order while what it says is not.

mod damaged;
mod power_cuts;
mod random;
mod readers;

use std::{
    io::{self, ErrorKind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use redb::{Database, StorageBackend, backends::InMemoryBackend};

use super::*;
use crate::{
    AddError, Added, ChainParameters, Ledger, Mined, MiningEnd, MiningError, MiningPlan, Options,
    SubmitError, Transaction, Unchecked, mine_blocks,
};
use paydirt::{Cancel, Kernel, Miner};

/// Memory that refuses to be written when it is told to.
#[derive(Debug)]
struct FullDisk {
    memory: InMemoryBackend,
    full: Arc<AtomicBool>,
}

impl FullDisk {
    fn room(&self) -> io::Result<()> {
        match self.full.load(Ordering::Relaxed) {
            true => Err(io::Error::from(ErrorKind::StorageFull)),
            false => Ok(()),
        }
    }
}

impl StorageBackend for FullDisk {
    fn len(&self) -> io::Result<u64> {
        self.memory.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.memory.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.room()?;
        self.memory.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.room()?;
        self.memory.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.room()?;
        self.memory.write(offset, data)
    }
}

fn easy() -> ChainParameters {
    ChainParameters::fixed(1.0).unwrap()
}

fn transfer(amount: u64) -> Transaction {
    Transaction::transfer("alice", "bob", amount).unwrap()
}

/// Mines so many blocks, a minute apart.
fn extend(ledger: &Ledger, count: u64) {
    assert_eq!(mine(ledger, count).blocks, count);
}

fn mine(ledger: &Ledger, count: u64) -> Mined {
    let miner = Miner::with_threads(1, Kernel::auto()).unwrap();
    let plan = MiningPlan {
        count,
        spacing_s: Some(60),
    };
    mine_blocks(ledger, &miner, &Cancel::new(), plan, &|_| {}, &|_| {})
}

#[test]
fn a_full_disk_is_said_and_nothing_is_believed_stored() {
    let full = Arc::new(AtomicBool::new(false));
    let disk = FullDisk {
        memory: InMemoryBackend::new(),
        full: Arc::clone(&full),
    };
    let store = Store::new(Database::builder().create_with_backend(disk).unwrap());
    store.begin(&easy()).unwrap();
    let ledger = Ledger::from_store(store, Options::default()).unwrap();
    ledger.submit(transfer(1)).unwrap();
    extend(&ledger, 3);
    let tip = ledger.tip();
    let time = tip.header.time + 60;
    let next = Arc::new(ledger.block_template());
    let header = (next.job(1, 0..1, move || time).header)(0);
    let of_nonce = |nonce| next.block(0, header.with_nonce(nonce));
    let solved = |block: &Block<Unchecked>| block.header().meets_target();
    let block = (0..).map(of_nonce).find(solved).unwrap();

    full.store(true, Ordering::Relaxed);
    assert_eq!(ledger.failure(), None);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ears = Arc::clone(&heard);
    ledger.listen(move |event| ears.lock().unwrap().push(format!("{event:?}")));
    let refused = ledger.add(block.clone()).unwrap_err();
    assert!(
        matches!(&refused, AddError::Store(reason) if reason.to_string().contains("file failed")),
        "{refused}"
    );
    assert!(
        refused.to_string().contains("opened again"),
        "the way out: {refused}"
    );
    let causes = std::iter::successors(std::error::Error::source(&refused), |error| error.source());
    let mut causes = causes.map(ToString::to_string);
    assert!(
        causes.any(|cause| cause.contains("no storage space")),
        "the cause is kept"
    );
    let refused = ledger.submit(transfer(2)).unwrap_err();
    assert!(matches!(refused, SubmitError::Store(_)), "{refused}");

    // With room again it still refuses: memory may be ahead of the disk. What is published is what is stored.
    full.store(false, Ordering::Relaxed);
    assert!(matches!(ledger.add(block), Err(AddError::Store(_))));
    assert_eq!((ledger.tip(), ledger.view().pending.len()), (tip.clone(), 0));
    assert_eq!(ledger.snapshot().unwrap().length().unwrap(), tip.index);
    assert!(
        ledger
            .failure()
            .is_some_and(|failure| failure.to_string().contains("file failed"))
    );
    assert!(next.is_stale(), "what is mined on the tip could not be stored");
    let mined = mine(&ledger, 1);
    assert_eq!(
        (mined.blocks, mined.effort.hashes),
        (0, 0),
        "it refuses before it mines"
    );
    assert!(
        matches!(mined.end, MiningEnd::Failed(MiningError::Store(_))),
        "{:?}",
        mined.end
    );
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 1, "nobody was told of anything stored: {heard:?}");
    assert!(heard[0].starts_with("Failed("), "{heard:?}");
}

/// What opening says of a store of six blocks and a queued transaction, after `change` went over its tables.
fn after(change: impl FnOnce(&mut WriteBatch<'_>)) -> Result<u64, StoreError> {
    let ledger = Ledger::from_store(
        Store::in_memory(&easy(), DEFAULT_CACHE_BYTES).unwrap(),
        Options::default(),
    )
    .unwrap();
    extend(&ledger, 5);
    ledger.submit(transfer(7)).unwrap();
    let transaction = ledger.store.begin_write().unwrap();
    change(&mut WriteBatch::open(&transaction).unwrap());
    transaction.commit().unwrap();
    load::load(&ledger.store.snapshot()?).map(|loaded| loaded.tree.length())
}

fn key(batch: &WriteBatch<'_>, index: u64) -> BlockKey {
    (index, batch.active.get(index).unwrap().unwrap().value())
}

fn stored(batch: &WriteBatch<'_>, index: u64) -> Vec<u8> {
    let block = batch.blocks.get(key(batch, index)).unwrap().unwrap();
    block.value().to_vec()
}

#[test]
fn what_is_whole_is_taken() {
    assert_eq!(after(|_| {}).unwrap(), 6);
}

#[test]
fn a_damaged_block_is_named() {
    let damaged_at = |change: fn(&mut WriteBatch<'_>)| match after(change) {
        Err(StoreError::DamagedBlock { index, reason }) => (index, reason),
        other => panic!("{other:?}"),
    };
    type Case = (fn(&mut WriteBatch<'_>), u64, &'static str);
    let cases: [Case; 7] = [
        // A key that claims an index beyond all others must not make work without end.
        (
            |batch| {
                let block = stored(batch, 6);
                batch.blocks.insert((1 << 60, [7; 32]), block.as_slice()).unwrap();
            },
            1 << 60,
            "not there",
        ),
        (
            |batch| {
                let mut block = stored(batch, 4);
                block[20] ^= 1; // its previous hash
                batch.blocks.insert(key(batch, 4), block.as_slice()).unwrap();
            },
            4,
            "its hash is",
        ),
        (
            |batch| {
                let block = stored(batch, 3);
                batch
                    .blocks
                    .insert(key(batch, 3), &block[..block.len() - 1])
                    .unwrap();
            },
            3,
            "end early",
        ),
        (
            |batch| {
                let mut block = stored(batch, 3);
                *block.last_mut().unwrap() ^= 1; // its reward's extra nonce
                batch.blocks.insert(key(batch, 3), block.as_slice()).unwrap();
            },
            3,
            "",
        ),
        (
            |batch| {
                let gone = key(batch, 2);
                batch.blocks.remove(gone).unwrap();
            },
            3,
            "its parent",
        ),
        (
            |batch| {
                let hash = key(batch, 5).1;
                batch.indices.remove(hash).unwrap();
            },
            5,
            "not found by its hash",
        ),
        (
            |batch| {
                let other = key(batch, 4).1;
                batch.active.insert(5, other).unwrap();
            },
            5,
            "not on the branch of the tip",
        ),
    ];
    for (change, index, words) in cases {
        let (found, reason) = damaged_at(change);
        assert_eq!(found, index, "{reason}");
        assert!(reason.contains(words), "{words:?} in {reason}");
    }
}

#[test]
fn other_damage_is_described() {
    let refused = |change: fn(&mut WriteBatch<'_>)| after(change).unwrap_err().to_string();
    assert!(refused(|batch| drop(batch.active.remove(6).unwrap())).contains("its table active has 5 rows"));
    let places = refused(|batch| drop(batch.holders.insert(([9; 32], 3, [9; 32]), ()).unwrap()));
    assert!(places.contains("its table holders"), "{places}");
    let tip = refused(|batch| {
        let fourth = BlockHash::from_bytes(key(batch, 4).1);
        batch.set_tip(fourth).unwrap();
    });
    assert!(
        tip.contains("block 5") && tip.contains("not on the branch of the tip"),
        "{tip}"
    );
    let tip = refused(|batch| batch.set_tip(BlockHash::from_bytes([9; 32])).unwrap());
    assert!(tip.contains("which is none of its blocks"), "{tip}");
    let unsettled = refused(|batch| {
        let part = Some(Part {
            at: 0,
            outside: 0,
            place: 1,
        });
        let nowhere = BlockHash::from_bytes([9; 32]);
        batch.set_unsettled((3, nowhere), part).unwrap();
    });
    assert!(
        unsettled.contains("its table unsettled names block 3"),
        "{unsettled}"
    );
    let queue = refused(|batch| {
        let place = batch.queue.first().unwrap().unwrap().0.value();
        let mut bytes = batch.queue.get(place).unwrap().unwrap().value().to_vec();
        bytes[0] ^= 1;
        batch.queue.insert(place, bytes.as_slice()).unwrap();
    });
    assert!(queue.contains("queued transaction"), "{queue}");
    let format = refused(|batch| drop(batch.about.insert("format", "paydirt ledger 9").unwrap()));
    assert!(
        format.contains("paydirt ledger 9") && !format.contains("damaged"),
        "{format}"
    );
    let node_id = refused(|batch| drop(batch.about.remove("node_id").unwrap()));
    assert!(node_id.contains("node id is missing"), "{node_id}");
}

/// A file of format 2 is one whose look-up table has the active blocks alone, and whose queue begins elsewhere.
#[test]
fn a_ledger_of_format_2_is_taken_over() {
    let make = |change: fn(&WriteTransaction)| {
        let ledger = Ledger::from_store(
            Store::in_memory(&easy(), DEFAULT_CACHE_BYTES).unwrap(),
            Options::default(),
        )
        .unwrap();
        extend(&ledger, 5);
        ledger.submit(transfer(7)).unwrap();
        ledger.submit(transfer(8)).unwrap();
        let transaction = ledger.store.begin_write().unwrap();
        {
            let mut batch = WriteBatch::open(&transaction).unwrap();
            let mut places = transaction.open_table(PLACES).unwrap();
            for row in batch.holders.iter().unwrap() {
                let (id, index, _) = row.unwrap().0.value();
                places.insert((id, index), ()).unwrap();
            }
            for old in 0..2 {
                let new = batch.queue.pop_first().unwrap().unwrap();
                let value = new.1.value().to_vec();
                drop(new);
                batch.queue.insert((1 << 32) + old, value.as_slice()).unwrap();
            }
            batch.about.insert("format", OLD_FORMATS[1]).unwrap();
        }
        transaction.delete_table(HOLDERS).unwrap();
        transaction.delete_table(UNSETTLED).unwrap();
        change(&transaction);
        transaction.commit().unwrap();
        ledger
    };
    let ledger = make(|_| {});
    for is_old in [true, false] {
        let before = load::load(&ledger.store.snapshot().unwrap()).unwrap();
        assert_eq!(before.is_old, is_old);
        let loaded = ledger.store.verified().unwrap();
        assert_eq!(
            (loaded.is_old, loaded.tree.length(), loaded.transactions),
            (false, 6, 6)
        );
        let amounts: Vec<_> = loaded
            .pending
            .iter()
            .map(|one| one.transaction().amount())
            .collect();
        assert_eq!(amounts, [7, 8]);
        assert!(loaded.pending.last_place().unwrap() >= crate::pending::FIRST_PLACE);
    }
    // One whose old table is damaged is refused, and stays as it was.
    let ledger = make(|transaction| {
        let mut places = transaction.open_table(PLACES).unwrap();
        drop(places.pop_last().unwrap());
    });
    let damaged = ledger.store.verified().unwrap_err().to_string();
    assert!(damaged.contains("not found by its id"), "{damaged}");
    let format = ledger.store.snapshot().unwrap().about("format").unwrap();
    assert_eq!(format.as_deref(), Some(OLD_FORMATS[1]));
}

#[test]
fn a_block_that_is_added_twice_counts_once() {
    let ledger = Ledger::in_memory(&easy()).unwrap();
    extend(&ledger, 1);
    let block = ledger.snapshot().unwrap().block(2).unwrap().unwrap();
    assert_eq!(
        ledger.add_all(vec![block.clone(), block]),
        [Ok(Added::Known), Ok(Added::Known)]
    );
    assert_eq!(ledger.snapshot().unwrap().length().unwrap(), 2);
}
