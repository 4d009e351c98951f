//! Reading a whole store, and believing none of it.
//!
//! *In:* a snapshot. *Out:* the tree, the queue and the node's id; or the height and the reason of the first thing that
//! is wrong.
//!
//! ```text
//! in parallel, by index:  bytes → block · hash = key · every rule of its content · look-up tables agree
//! then in order:          every rule of its place · fork choice
//! last:                   active branch, tip and counts agree · the queue's ids are right
//! ```

use std::{ops::Range, path::Path, sync::Arc};

use rayon::prelude::*;
use redb::{ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _};

use crate::store::{
    ABOUT, ACTIVE, BLOCKS, FORMAT, HOLDERS, INDICES, OLD_FORMATS, PLACES, QUEUE, Snapshot, StoreError,
    UNSETTLED, caught, open::DEFAULT_CACHE_BYTES,
};
use crate::{
    block::Block,
    header::{BlockHash, Header},
    identity::{Identified, TransactionId},
    parameters::ChainParameters,
    pending::Pending,
    rules,
    settling::{Part, Unsettled},
    transaction::{Transaction, take},
    tree::HeaderTree,
};

/// How many heights one task takes.
const STRIDE: u64 = 512;

/// What a store holds, checked.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) tree: HeaderTree,
    pub(crate) pending: Pending,
    pub(crate) node_id: String,
    /// What the queue does not reflect yet.
    pub(crate) unsettled: Unsettled,
    /// Transactions of the active branch, rewards among them.
    pub(crate) transactions: u64,
    /// Whether the file is of a format before.
    pub(crate) is_old: bool,
}

/// What is left of a block after its content was checked.
struct Link {
    index: u64,
    hash: BlockHash,
    header: Header,
    reward: u64,
    bytes: u64,
    /// How many transactions it has.
    transactions: u64,
    /// Whether it is said to be on the active branch.
    is_active: bool,
}

pub(super) fn load(snapshot: &Snapshot) -> Result<Loaded, StoreError> {
    // Every ledger says what it is: a database without this table was never one.
    if let Err(
        redb::TableError::TableDoesNotExist(_)
        | redb::TableError::TableTypeMismatch { .. }
        | redb::TableError::TableIsMultimap(_),
    ) = snapshot.transaction.open_table(ABOUT)
    {
        return Err(StoreError::Foreign);
    }
    let is_old = match snapshot.about("format")? {
        Some(format) if format == FORMAT => false,
        Some(format) if OLD_FORMATS.contains(&format.as_str()) => true,
        Some(found) => return Err(StoreError::OtherFormat { found }),
        None => return Err(StoreError::Damaged("it does not say its format".to_owned())),
    };
    let node_id = snapshot.about("node_id")?;
    let node_id = node_id.ok_or_else(|| StoreError::Damaged("its node id is missing".to_owned()))?;
    let links = check_contents(snapshot, is_old)?;
    let of = |links: &[Link], all: bool| {
        let counted = links.iter().filter(|link| all || link.is_active);
        counted.map(|link| link.transactions).sum::<u64>()
    };
    let (transactions, held) = (of(&links, false), of(&links, true));
    let mut tree = link_up(snapshot, links)?;
    if tree.block_count() != snapshot.transaction.open_table(BLOCKS)?.len()? {
        let last = last_index(snapshot)?;
        return Err(StoreError::block(last, "blocks before it are not there"));
    }
    let places = match is_old {
        true => (
            "places",
            snapshot.transaction.open_table(PLACES)?.len()?,
            transactions,
        ),
        false => ("holders", snapshot.transaction.open_table(HOLDERS)?.len()?, held),
    };
    check_tables(snapshot, &mut tree, places)?;
    let unsettled = match is_old {
        true => Unsettled::default(),
        false => load_unsettled(snapshot, &tree)?,
    };
    let mut pending = load_pending(snapshot)?;
    pending.held = unsettled.has_joined();
    Ok(Loaded {
        pending,
        unsettled,
        tree,
        node_id,
        transactions,
        is_old,
    })
}

/// Checks each block for itself, many at a time. In ascending order of indices.
fn check_contents(snapshot: &Snapshot, is_old: bool) -> Result<Vec<Link>, StoreError> {
    // Every height up to the last has a block: a key that says otherwise must not make work without end.
    let stored = snapshot.transaction.open_table(BLOCKS)?.len()?;
    let last = last_index(snapshot)?.min(stored);
    let strides: Vec<_> = (0..=last / STRIDE).map(|i| i * STRIDE).collect();
    let mut parts: Vec<_> = strides
        .into_par_iter()
        .map(|from| caught(|| check_heights(snapshot, is_old, from..from + STRIDE)))
        .collect();
    if let Some(damaged) = parts.iter().position(Result::is_err) {
        return parts.swap_remove(damaged);
    }
    Ok(parts.into_iter().flatten().flatten().collect())
}

fn check_heights(snapshot: &Snapshot, is_old: bool, heights: Range<u64>) -> Result<Vec<Link>, StoreError> {
    let transaction = &snapshot.transaction;
    let blocks = transaction.open_table(BLOCKS)?;
    let active = transaction.open_table(ACTIVE)?;
    let indices = transaction.open_table(INDICES)?;
    let (places, holders) = match is_old {
        true => (Some(transaction.open_table(PLACES)?), None),
        false => (None, Some(transaction.open_table(HOLDERS)?)),
    };
    let mut links = Vec::new();
    for row in blocks.range((heights.start, [0; 32])..(heights.end, [0; 32]))? {
        let (key, value) = row?;
        let (index, key_hash) = key.value();
        let damaged = |reason: String| StoreError::block(index, reason);
        let block = Block::from_bytes(value.value()).map_err(|reason| damaged(reason.to_string()))?;
        let hash = block.hash();
        if hash.to_bytes() != key_hash {
            let kept = BlockHash::from_bytes(key_hash);
            return Err(damaged(format!(
                "its hash is {hash}, but it was stored as {kept}"
            )));
        }
        if block.index() != index {
            return Err(damaged(format!("it says its index is {}", block.index())));
        }
        let ids = block
            .check_content()
            .map_err(|broken| damaged(broken.to_string()))?;
        if indices.get(key_hash)?.map(|found| found.value()) != Some(index) {
            return Err(damaged("it is not found by its hash".to_owned()));
        }
        let is_active = active.get(index)?.is_some_and(|hash| hash.value() == key_hash);
        for id in &ids {
            let is_found = match (&places, &holders) {
                (Some(places), _) => !is_active || places.get((id.to_bytes(), index))?.is_some(),
                (_, Some(holders)) => holders.get((id.to_bytes(), index, key_hash))?.is_some(),
                (None, None) => false,
            };
            if !is_found {
                return Err(damaged(format!("its transaction {id} is not found by its id")));
            }
        }
        links.push(Link {
            index,
            hash,
            header: *block.header(),
            reward: block.transactions()[0].amount(),
            bytes: value.value().len() as u64,
            transactions: ids.len() as u64,
            is_active,
        });
    }
    Ok(links)
}

/// Checks each block against its ancestors.
fn link_up(snapshot: &Snapshot, links: Vec<Link>) -> Result<HeaderTree, StoreError> {
    let genesis = snapshot
        .block(1)?
        .ok_or_else(|| StoreError::block(1, "it is not there"))?;
    let parameters = ChainParameters::of_genesis(&genesis)?;
    let mut tree = HeaderTree::new(parameters, &parameters.genesis());
    for link in links {
        let damaged = |reason: String| StoreError::block(link.index, reason);
        if link.index <= 1 {
            if link.hash != tree.active_hash(1).expect("genesis") {
                return Err(damaged(format!("{} is a second first block", link.hash)));
            }
            continue;
        }
        let parent = link.header.previous_hash;
        let state = tree.parent_state(&parent);
        let state = state.ok_or_else(|| damaged(format!("its parent {parent} is not there")))?;
        rules::check_place(link.index, &link.header, &state)
            .and_then(|()| rules::check_reward(link.reward, &state))
            .map_err(|broken| damaged(broken.to_string()))?;
        tree.insert_node(link.hash, link.header, link.bytes);
    }
    Ok(tree)
}

/// Checks that the look-up tables say what the blocks say, and nothing more.
fn check_tables(
    snapshot: &Snapshot,
    tree: &mut HeaderTree,
    places: (&'static str, u64, u64),
) -> Result<(), StoreError> {
    let tip = snapshot.about("tip")?.unwrap_or_default();
    if !tip.parse().is_ok_and(|tip| tree.settle(&tip)) {
        let reason = format!("its tip is {tip:?}, which is none of its blocks");
        return Err(StoreError::Damaged(reason));
    }
    let active = snapshot.transaction.open_table(ACTIVE)?;
    for row in active.iter()? {
        let (index, hash) = row?;
        let (index, hash) = (index.value(), BlockHash::from_bytes(hash.value()));
        if tree.active_hash(index) != Some(hash) {
            return Err(StoreError::block(
                index,
                format!("{hash} is not on the branch of the tip"),
            ));
        }
    }
    let counts = [
        ("active", active.len()?, tree.length()),
        (
            "indices",
            snapshot.transaction.open_table(INDICES)?.len()?,
            tree.block_count(),
        ),
        places,
    ];
    match counts.iter().find(|(_, found, expected)| found != expected) {
        Some((table, found, expected)) => Err(StoreError::Damaged(format!(
            "its table {table} has {found} rows; the blocks make {expected}"
        ))),
        None => Ok(()),
    }
}

fn load_unsettled(snapshot: &Snapshot, tree: &HeaderTree) -> Result<Unsettled, StoreError> {
    let mut unsettled = Unsettled::default();
    for row in snapshot.transaction.open_table(UNSETTLED)?.iter()? {
        let (key, value) = row?;
        let ((index, hash), (at, outside, place)) = (key.value(), value.value());
        let hash = BlockHash::from_bytes(hash);
        let node = tree.get(&hash).filter(|node| node.index == index);
        let node = node.ok_or_else(|| {
            StoreError::Damaged(format!(
                "its table unsettled names block {index}, {hash}, which is not there"
            ))
        })?;
        unsettled.restore((index, hash), tree.is_active(node), Part { at, outside, place });
    }
    Ok(unsettled)
}

fn load_pending(snapshot: &Snapshot) -> Result<Pending, StoreError> {
    let queue = snapshot.transaction.open_table(QUEUE)?;
    let pending = |row: Result<(redb::AccessGuard<'_, u64>, redb::AccessGuard<'_, &'static [u8]>), _>| {
        let (place, value) = row?;
        let place = place.value();
        let mut bytes = value.value();
        let read = |bytes: &mut &[u8]| {
            let id = TransactionId::from_bytes(take(bytes)?);
            Ok((id, Transaction::read(bytes)?))
        };
        let damaged = |reason: String| StoreError::Damaged(format!("queued transaction {place}: {reason}"));
        let (id, transaction) =
            read(&mut bytes).map_err(|reason: crate::TransactionError| damaged(reason.to_string()))?;
        let transfer = Identified::from(transaction);
        if transfer.id() != id {
            let actual = transfer.id();
            return Err(damaged(format!("its id is {actual}, but it was stored as {id}")));
        }
        Ok((place, transfer))
    };
    queue.iter()?.map(pending).collect()
}

/// Where a file is damaged that redb refuses, as far as its blocks can still be read.
pub(super) fn locate_damage(path: &Path) -> Option<StoreError> {
    caught(|| Ok(first_damaged(path))).ok().flatten()
}

/// Reads one height after the other, until one cannot be read or does not hold what it must.
fn first_damaged(path: &Path) -> Option<StoreError> {
    let database = redb::Database::builder()
        .set_cache_size(DEFAULT_CACHE_BYTES)
        .open_read_only(path)
        .ok()?;
    let snapshot = Snapshot::new(database.begin_read().ok()?, Arc::default());
    let format = snapshot.about("format").ok().flatten().unwrap_or_default();
    let is_old = OLD_FORMATS.contains(&format.as_str());
    let stored = snapshot.transaction.open_table(BLOCKS).ok()?.len().ok()?;
    for index in 1..=stored {
        match caught(|| check_heights(&snapshot, is_old, index..index + 1)) {
            Ok(links) if links.is_empty() => {
                return match caught(|| last_index(&snapshot)) {
                    Ok(last) if index > last => None, // side branches: more blocks than heights
                    _ => Some(StoreError::block(index, "it is not there")),
                };
            }
            Ok(_) => {}
            Err(damaged @ StoreError::DamagedBlock { .. }) => return Some(damaged),
            Err(_) => return Some(StoreError::block(index, "it cannot be read")),
        }
    }
    None
}

/// The highest index of any block.
fn last_index(snapshot: &Snapshot) -> Result<u64, StoreError> {
    let blocks = snapshot.transaction.open_table(BLOCKS)?;
    Ok(blocks.last()?.map_or(0, |(key, _)| key.value().0))
}
