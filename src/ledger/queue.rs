//! Transactions that wait for a block.
//!
//! *In:* transactions, in the order of their arrival; blocks, which take some of them. *Out:* the ones a next block
//! should hold.
//!
//! The same transfer may wait several times: nothing but its content tells two payments of 5 from alice to bob apart,
//! and both count. A block holds an id only once, so the second waits for the block after.
//!
//! The queue that others see changes only after the store has committed, all at once: a [`Draft`] collects the changes.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    ops::Bound,
    sync::Arc,
};

use super::{
    rules::MAX_BLOCK_TRANSACTIONS,
    transaction::{Transaction, TransactionId},
};

/// A waiting transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Its place: lower ones go first. Places have gaps.
    pub place: u64,
    /// Its id.
    pub id: TransactionId,
    /// The transaction.
    pub transaction: Transaction,
}

/// The places of a new store begin here: what a reorganisation returns goes before everything else.
const FIRST_PLACE: u64 = 1 << 32;

/// Waiting transactions, first come first served.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    by_place: BTreeMap<u64, Arc<Queued>>,
    by_id: BTreeSet<(TransactionId, u64)>,
}

impl Queue {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.by_place.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.by_place.is_empty()
    }

    /// All of them, the first first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Queued>> {
        self.by_place.values()
    }

    /// The first one with this id.
    pub fn get(&self, id: &TransactionId) -> Option<&Arc<Queued>> {
        self.places(id).next().and_then(|place| self.by_place.get(&place))
    }

    /// How many with this id wait.
    pub fn count(&self, id: &TransactionId) -> usize {
        self.places(id).count()
    }

    /// Where transactions with this id wait.
    fn places(&self, id: &TransactionId) -> impl Iterator<Item = u64> {
        self.by_id
            .range((*id, 0)..=(*id, u64::MAX))
            .map(|(_, place)| *place)
    }

    /// What the next block should hold beside its reward: the first ones, none twice.
    pub fn next_block(&self) -> Vec<Arc<Queued>> {
        let mut ids = HashSet::new();
        let fresh = self.iter().filter(|queued| ids.insert(queued.id));
        fresh.take(MAX_BLOCK_TRANSACTIONS - 1).cloned().collect()
    }

    fn insert(&mut self, queued: Arc<Queued>) {
        self.by_id.insert((queued.id, queued.place));
        self.by_place.insert(queued.place, queued);
    }

    fn remove(&mut self, place: u64) -> Option<Arc<Queued>> {
        let queued = self.by_place.remove(&place)?;
        self.by_id.remove(&(queued.id, place));
        Some(queued)
    }

    /// Makes a draft's changes.
    pub(super) fn apply(&mut self, changes: Changes) {
        for place in changes.removed {
            self.remove(place);
        }
        for queued in changes.added {
            self.insert(queued);
        }
    }
}

impl FromIterator<Queued> for Queue {
    fn from_iter<I: IntoIterator<Item = Queued>>(all: I) -> Self {
        let mut queue = Self::default();
        for queued in all {
            queue.insert(Arc::new(queued));
        }
        queue
    }
}

/// What a draft changes, in the end.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Places of the queue that are empty now.
    pub(super) removed: HashSet<u64>,
    /// Transactions that wait now, in ascending order of places.
    pub(super) added: Vec<Arc<Queued>>,
}

/// Changes to a queue that nobody sees yet.
#[derive(Debug)]
pub(super) struct Draft<'q> {
    base: &'q Queue,
    removed: HashSet<u64>,
    added: Queue,
}

impl<'q> Draft<'q> {
    /// No changes yet.
    pub(super) fn new(base: &'q Queue) -> Self {
        Self {
            base,
            removed: HashSet::new(),
            added: Queue::default(),
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.base.len() - self.removed.len() + self.added.len()
    }

    /// How many with this id wait.
    pub(super) fn count(&self, id: &TransactionId) -> usize {
        self.base_places(id).count() + self.added.count(id)
    }

    fn base_places(&self, id: &TransactionId) -> impl Iterator<Item = u64> {
        self.base.places(id).filter(|place| !self.removed.contains(place))
    }

    /// Puts a transaction at the end.
    pub(super) fn push_back(&mut self, id: TransactionId, transaction: Transaction) {
        let last = |queue: &Queue| queue.by_place.last_key_value().map(|(place, _)| *place);
        let last = last(self.base).max(last(&self.added));
        let place = last.map_or(FIRST_PLACE, |last| last + 1);
        self.added.insert(Arc::new(Queued {
            place,
            id,
            transaction,
        }));
    }

    /// Puts transactions, in their order, before all others.
    pub(super) fn push_front(&mut self, returned: Vec<(TransactionId, Transaction)>) {
        let first = |queue: &Queue| queue.by_place.first_key_value().map(|(place, _)| *place);
        let first = [first(self.base), first(&self.added)].into_iter().flatten().min();
        let begin = first.unwrap_or(FIRST_PLACE) - returned.len() as u64;
        for (place, (id, transaction)) in (begin..).zip(returned) {
            self.added.insert(Arc::new(Queued {
                place,
                id,
                transaction,
            }));
        }
    }

    /// Takes the first transaction with this id out; false when none waits.
    pub(super) fn take(&mut self, id: &TransactionId) -> bool {
        let place = self.base_places(id).next();
        if let Some(place) = place {
            return self.removed.insert(place);
        }
        let place = self
            .added
            .by_id
            .range((Bound::Included((*id, 0)), Bound::Included((*id, u64::MAX))))
            .next();
        match place.copied() {
            Some((_, place)) => self.added.remove(place).is_some(),
            None => false,
        }
    }

    /// What has changed.
    pub(super) fn into_changes(self) -> Changes {
        Changes {
            removed: self.removed,
            added: self.added.by_place.into_values().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(amount: u64) -> (TransactionId, Transaction) {
        let transaction = Transaction::transfer("a", "b", amount).unwrap();
        (transaction.id(), transaction)
    }

    fn amounts(queue: &Queue) -> Vec<u64> {
        queue.iter().map(|queued| queued.transaction.amount()).collect()
    }

    fn changed(queue: &Queue, change: impl FnOnce(&mut Draft<'_>)) -> Queue {
        let mut draft = Draft::new(queue);
        change(&mut draft);
        let expected = draft.len();
        let changes = draft.into_changes();
        let mut after = queue.clone();
        after.apply(changes);
        assert_eq!(after.len(), expected);
        assert_eq!(after.by_id.len(), expected);
        after
    }

    #[test]
    fn first_come_first_served() {
        let queue = changed(&Queue::default(), |draft| {
            for amount in [3, 1, 2] {
                let (id, transaction) = transfer(amount);
                draft.push_back(id, transaction);
            }
        });
        assert_eq!(amounts(&queue), [3, 1, 2]);
        let queue = changed(&queue, |draft| {
            assert!(draft.take(&transfer(1).0));
            assert!(!draft.take(&transfer(1).0), "only once");
            draft.push_front(vec![transfer(8), transfer(9)]);
            let (id, transaction) = transfer(7);
            draft.push_back(id, transaction);
            assert!(
                draft.take(&transfer(8).0),
                "what is only drafted can be taken too"
            );
        });
        assert_eq!(amounts(&queue), [9, 3, 2, 7]);
    }

    #[test]
    fn equal_transfers_wait_for_different_blocks() {
        let (id, transaction) = transfer(5);
        let queue = changed(&Queue::default(), |draft| {
            for nth in 0..3 {
                assert_eq!(draft.count(&id), nth);
                draft.push_back(id, transaction.clone());
            }
        });
        assert_eq!(queue.len(), 3);
        assert_eq!(queue.next_block().len(), 1);
        let queue = changed(&queue, |draft| assert!(draft.take(&id)));
        assert_eq!((queue.len(), queue.next_block().len()), (2, 1));
    }
}
