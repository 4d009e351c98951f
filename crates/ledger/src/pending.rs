//! Transactions that wait for a block.
//!
//! *In:* transactions, in the order of their arrival; blocks, which take some of them. *Out:* the ones a next block
//! should hold.
//!
//! A transfer with a tag waits once. One without may wait several times: nothing but its content tells two such payments
//! of 5 from alice to bob apart, and both count. A block holds an id only once, so the second waits for the block after.
//!
//! What others see changes only after the store has committed, all at once: a [`Draft`] collects the changes.

mod ranks;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ops::Bound,
};

use crate::{
    identity::{Identified, TransactionId},
    rules::{MAX_BLOCK_BYTES, MAX_BLOCK_TRANSACTIONS},
    transaction::MAX_STORED_BYTES,
};
use ranks::Ranks;

/// The places of a new store begin here: what a reorganisation returns goes before everything else, and keeps room for each
/// transaction that it may return.
pub(super) const FIRST_PLACE: u64 = 1 << 62;

/// What a block's reward may need of [`MAX_BLOCK_BYTES`]: a name of 256 characters, and room to spare.
const REWARD_BYTES: usize = 2048;

/// How much may wait. What a reorganisation returns counts like what is submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PendingLimits {
    /// Transactions.
    pub(super) count: usize,
    /// Bytes of them, in their stored form.
    pub(super) bytes: usize,
}

impl PendingLimits {
    /// Whether any transfer at all may wait beside so many of so many bytes.
    pub(super) fn have_room(&self, count: usize, bytes: usize) -> bool {
        count < self.count && bytes + MAX_STORED_BYTES <= self.bytes
    }
}

/// Waiting transactions, first come first served.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    /// Lower places go first; they have gaps.
    by_place: BTreeMap<u64, Identified>,
    /// Where each id waits. No entry is empty.
    by_id: HashMap<TransactionId, BTreeSet<u64>>,
    /// The first place of each id: what the next block takes from, however often one transfer waits.
    firsts: BTreeSet<u64>,
    /// Which place is the n-th.
    ranks: Ranks,
    /// What they take in their stored form.
    bytes: usize,
    /// Whether some of them may stand in the active branch already: no block is made of them until that is known.
    pub(super) held: bool,
}

impl Pending {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.by_place.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.by_place.is_empty()
    }

    /// How many bytes they take in their stored form: names in UTF-8 and 20 bytes each.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// All of them, the first first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Identified> {
        self.by_place.values()
    }

    /// All but the first `skip` of them, however many these are: it does not walk over them.
    pub fn iter_from(&self, skip: usize) -> impl Iterator<Item = &Identified> {
        let (from, skip) = match self.ranks.near(skip) {
            Some((place, skip)) => (Bound::Included(place), skip),
            None => (Bound::Excluded(u64::MAX), 0),
        };
        let rest = self.by_place.range((from, Bound::Unbounded)).skip(skip);
        rest.map(|(_, transfer)| transfer)
    }

    /// Those from a place on, each with its place: it keeps that for as long as it waits.
    pub fn from_place(&self, place: u64) -> impl Iterator<Item = (u64, &Identified)> {
        self.by_place
            .range(place..)
            .map(|(place, transfer)| (*place, transfer))
    }

    /// The first one with this id.
    pub fn get(&self, id: &TransactionId) -> Option<&Identified> {
        self.by_place.get(self.by_id.get(id)?.first()?)
    }

    /// How many with this id wait.
    pub fn count(&self, id: &TransactionId) -> usize {
        self.by_id.get(id).map_or(0, BTreeSet::len)
    }

    /// The last one's place.
    pub fn last_place(&self) -> Option<u64> {
        self.by_place.last_key_value().map(|(place, _)| *place)
    }

    fn first_place(&self) -> Option<u64> {
        self.by_place.first_key_value().map(|(place, _)| *place)
    }

    /// What the next block should hold beside its reward: the first ones, none twice, as many as fit. None for a moment
    /// after a large reorganisation, until it is known which of them the branch holds that counts now.
    pub fn next_block(&self) -> Vec<Identified> {
        if self.held {
            return Vec::new();
        }
        let mut room = MAX_BLOCK_BYTES - REWARD_BYTES;
        let fits = |next: &&Identified| {
            let left = room.checked_sub(next.transaction().stored_len());
            room = left.unwrap_or(0);
            left.is_some()
        };
        let firsts = self.firsts.iter().map(|place| &self.by_place[place]);
        firsts
            .take(MAX_BLOCK_TRANSACTIONS - 1)
            .take_while(fits)
            .cloned()
            .collect()
    }

    fn insert(&mut self, place: u64, transfer: Identified) {
        let places = self.by_id.entry(transfer.id()).or_default();
        match places.first() {
            Some(first) if *first < place => {}
            later => {
                later.map(|later| self.firsts.remove(later));
                self.firsts.insert(place);
            }
        }
        places.insert(place);
        self.ranks.add(place);
        self.bytes += transfer.transaction().stored_len();
        let before = self.by_place.insert(place, transfer);
        debug_assert!(before.is_none(), "a place is given once");
    }

    /// Empties a place; false when nothing waits there.
    fn remove(&mut self, place: u64) -> bool {
        let Some(transfer) = self.by_place.remove(&place) else {
            return false;
        };
        self.ranks.remove(place);
        let id = transfer.id();
        self.bytes -= transfer.transaction().stored_len();
        let places = self.by_id.get_mut(&id).expect("what waits is found by its id");
        places.remove(&place);
        if self.firsts.remove(&place) {
            self.firsts.extend(places.first());
        }
        if places.is_empty() {
            self.by_id.remove(&id);
        }
        true
    }

    /// Makes a draft's changes.
    pub(super) fn apply(&mut self, changes: Changes) {
        for place in changes.removed {
            self.remove(place);
        }
        for (place, transfer) in changes.added {
            self.insert(place, transfer);
        }
    }
}

impl FromIterator<(u64, Identified)> for Pending {
    fn from_iter<I: IntoIterator<Item = (u64, Identified)>>(all: I) -> Self {
        let mut pending = Self::default();
        for (place, transfer) in all {
            pending.insert(place, transfer);
        }
        pending
    }
}

/// What a draft changes, in the end.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Places that are empty now.
    pub(super) removed: HashSet<u64>,
    /// Transactions that wait now, in ascending order of their places.
    pub(super) added: Vec<(u64, Identified)>,
}

/// Changes that nobody sees yet.
#[derive(Debug)]
pub(super) struct Draft<'p> {
    base: &'p Pending,
    removed: HashSet<u64>,
    /// How many of `removed` had each id: always the first ones that wait in `base`.
    removed_of: HashMap<TransactionId, usize>,
    removed_bytes: usize,
    added: Pending,
}

impl<'p> Draft<'p> {
    /// No changes yet.
    pub(super) fn new(base: &'p Pending) -> Self {
        Self {
            base,
            removed: HashSet::new(),
            removed_of: HashMap::new(),
            removed_bytes: 0,
            added: Pending::default(),
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.base.len() - self.removed.len() + self.added.len()
    }

    /// How many bytes they take in their stored form.
    pub(super) fn bytes(&self) -> usize {
        self.base.bytes - self.removed_bytes + self.added.bytes
    }

    /// How many with this id wait.
    pub(super) fn count(&self, id: &TransactionId) -> usize {
        let removed = self.removed_of.get(id).copied().unwrap_or(0);
        self.base.count(id) - removed + self.added.count(id)
    }

    /// Puts a transaction at the end.
    pub(super) fn push_back(&mut self, transfer: Identified) {
        let last = self.base.last_place().max(self.added.last_place());
        let place = last.map_or(FIRST_PLACE, |last| FIRST_PLACE.max(last + 1));
        self.added.insert(place, transfer);
    }

    /// A place before which none waits, nor ever will unless it is put there.
    pub(super) fn first_place(&self) -> u64 {
        let first = [
            self.base.first_place(),
            self.added.first_place(),
            Some(FIRST_PLACE),
        ];
        first.into_iter().flatten().min().unwrap_or(FIRST_PLACE)
    }

    /// Puts a transaction in a place where none waits.
    pub(super) fn put(&mut self, place: u64, transfer: Identified) {
        self.added.insert(place, transfer);
    }

    /// Takes one transaction with this id out; false when none waits. Those with one id are alike: which one goes
    /// makes no difference to anybody.
    pub(super) fn take(&mut self, id: &TransactionId) -> bool {
        let removed = self.removed_of.get(id).copied().unwrap_or(0);
        let waiting = self.base.by_id.get(id);
        if let Some(place) = waiting.and_then(|places| places.iter().nth(removed)) {
            self.removed_of.insert(*id, removed + 1);
            self.removed_bytes += self.base.by_place[place].transaction().stored_len();
            return self.removed.insert(*place);
        }
        let place = self
            .added
            .by_id
            .get(id)
            .and_then(|places| places.first().copied());
        place.is_some_and(|place| self.added.remove(place))
    }

    /// What has changed.
    pub(super) fn into_changes(self) -> Changes {
        Changes {
            removed: self.removed,
            added: self.added.by_place.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Transaction;

    fn transfer(amount: u64) -> Identified {
        Transaction::transfer("a", "b", amount).unwrap().into()
    }

    fn amounts(pending: &Pending) -> Vec<u64> {
        pending
            .iter()
            .map(|transfer| transfer.transaction().amount())
            .collect()
    }

    fn push_front(draft: &mut Draft<'_>, returned: Vec<Identified>) {
        let begin = draft.first_place() - returned.len() as u64;
        for (place, transfer) in (begin..).zip(returned) {
            draft.put(place, transfer);
        }
    }

    fn changed(pending: &Pending, change: impl FnOnce(&mut Draft<'_>)) -> Pending {
        let mut draft = Draft::new(pending);
        change(&mut draft);
        let (expected, bytes) = (draft.len(), draft.bytes());
        let changes = draft.into_changes();
        let mut after = pending.clone();
        after.apply(changes);
        assert_eq!((after.len(), after.bytes()), (expected, bytes));
        let lengths = after.iter().map(|transfer| transfer.transaction().stored_len());
        assert_eq!(bytes, lengths.sum::<usize>());
        assert_eq!(after.by_id.values().map(BTreeSet::len).sum::<usize>(), expected);
        let firsts = after.by_id.values().map(|places| *places.first().unwrap());
        assert_eq!(after.firsts, firsts.collect());
        for skip in [0, 1, 2, expected / 2, expected, expected + 1] {
            let rest: Vec<_> = after.iter().skip(skip).collect();
            assert_eq!(after.iter_from(skip).collect::<Vec<_>>(), rest, "{skip}");
        }
        after
    }

    #[test]
    fn first_come_first_served() {
        let pending = changed(&Pending::default(), |draft| {
            for amount in [3, 1, 2] {
                draft.push_back(transfer(amount));
            }
        });
        assert_eq!(amounts(&pending), [3, 1, 2]);
        let pending = changed(&pending, |draft| {
            assert!(draft.take(&transfer(1).id()));
            assert!(!draft.take(&transfer(1).id()), "only once");
            push_front(draft, vec![transfer(8), transfer(9)]);
            draft.push_back(transfer(7));
            assert!(
                draft.take(&transfer(8).id()),
                "what is only drafted can be taken too"
            );
        });
        assert_eq!(amounts(&pending), [9, 3, 2, 7]);
    }

    #[test]
    fn equal_transfers_wait_for_different_blocks() {
        let id = transfer(5).id();
        let pending = changed(&Pending::default(), |draft| {
            for nth in 0..3 {
                assert_eq!(draft.count(&id), nth);
                draft.push_back(transfer(5));
            }
        });
        assert_eq!(pending.len(), 3);
        assert_eq!(pending.next_block().len(), 1);
        let pending = changed(&pending, |draft| assert!(draft.take(&id)));
        assert_eq!((pending.len(), pending.next_block().len()), (2, 1));
        let pending = changed(&pending, |draft| {
            push_front(draft, vec![transfer(5)]);
            assert_eq!(draft.count(&id), 3);
            for left in (0..3).rev() {
                assert!(draft.take(&id));
                assert_eq!(draft.count(&id), left);
            }
            assert!(!draft.take(&id));
        });
        assert!(pending.is_empty() && pending.next_block().is_empty());
    }

    #[test]
    fn a_block_takes_what_fits() {
        let long = "n".repeat(256);
        let pending = changed(&Pending::default(), |draft| {
            for amount in 1..=MAX_BLOCK_TRANSACTIONS as u64 {
                draft.push_back(Transaction::transfer(&*long, &*long, amount).unwrap().into());
            }
        });
        let next = pending.next_block();
        let bytes: usize = next.iter().map(|next| next.transaction().stored_len()).sum();
        assert!(bytes <= MAX_BLOCK_BYTES - REWARD_BYTES);
        assert!(bytes + next[0].transaction().stored_len() > MAX_BLOCK_BYTES - REWARD_BYTES);
        let reward = Transaction::reward("\u{1f600}".repeat(256), 1, 1).unwrap();
        assert!(reward.stored_len() <= REWARD_BYTES);

        let pending = changed(&Pending::default(), |draft| {
            for amount in 1..=MAX_BLOCK_TRANSACTIONS as u64 {
                draft.push_back(transfer(amount));
            }
        });
        assert_eq!(pending.next_block().len(), MAX_BLOCK_TRANSACTIONS - 1);
    }
}
