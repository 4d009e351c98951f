//! Blocks that joined the active branch, or left it, and whose transfers the queue does not reflect yet.
//!
//! *In:* what a reorganisation changes. *Out:* which blocks are still to be gone through, and from where.
//!
//! A reorganisation of a thousand blocks changes a thousand rows of the active branch, at once; what waits for a block may
//! have to change in a million places. So the queue follows a slice at a time, while others are served between the slices:
//!
//! ```text
//! first   blocks that joined: what they hold waits no longer          no block is made of the queue meanwhile
//! then    blocks that left:   what they hold waits again, in its old order, before all else, as there is room
//! ```
//!
//! What there is no room for stays where it is, in its block on the side branch, until there is: it counts against the
//! limits of what may wait like everything else, and is not lost. All of this is on disk with each slice, so that a crash
//! changes nothing of it.
//!
//! A transfer with a tag is looked up: does it wait, does the active branch hold it? So it makes no difference how often a
//! block has changed sides before it is gone through, once. Those without a tag (of old chains) are told apart by their
//! number alone, so for each block it is remembered which of them were taken out or returned.

use std::collections::{BTreeMap, HashMap};

use crate::{header::BlockHash, identity::TransactionId};

/// A block's index and hash.
pub(super) type Key = (u64, BlockHash);

/// How much of a block the queue reflects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// How many of its transactions, from the first, are before the point that was come to: one that joined is gone through
    /// from its end, so these are left; one that left from its beginning, so these are done.
    pub(super) at: u32,
    /// How many, from the first, were taken to be outside the active branch when it changed sides; [`ALL`] for all.
    pub(super) outside: u32,
    /// Where its first transaction is to wait, if it left.
    pub(super) place: u64,
}

/// More than any block has.
pub(super) const ALL: u32 = u32::MAX;

/// The blocks that are still to be gone through.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    /// Active ones.
    joined: BTreeMap<Key, Part>,
    /// Those of side branches.
    left: BTreeMap<Key, Part>,
    /// Transfers without a tag that joined and did not wait: as many of those that left do not return. In memory alone:
    /// after a crash in the middle of a reorganisation too many of such transfers wait, which nothing tells apart.
    owed: HashMap<TransactionId, usize>,
}

impl Unsettled {
    /// How many blocks.
    pub(super) fn len(&self) -> usize {
        self.joined.len() + self.left.len()
    }

    /// Whether some of them joined: what waits may then stand in the active branch already.
    pub(super) fn has_joined(&self) -> bool {
        !self.joined.is_empty()
    }

    /// Whether some of them left.
    pub(super) fn has_left(&self) -> bool {
        !self.left.is_empty()
    }

    pub(super) fn contains(&self, key: &Key) -> bool {
        self.joined.contains_key(key) || self.left.contains_key(key)
    }

    /// Takes up what a store says.
    pub(super) fn restore(&mut self, key: Key, is_active: bool, part: Part) {
        match is_active {
            true => self.joined.insert(key, part),
            false => self.left.insert(key, part),
        };
    }

    /// A block joins the active branch. Returns what is to be remembered of it.
    pub(super) fn join(&mut self, key: Key) -> Part {
        let before = self.left.remove(&key);
        let part = Part {
            at: ALL,
            outside: before.map_or(ALL, |part| part.outside.max(part.at)),
            place: 0,
        };
        self.joined.insert(key, part);
        part
    }

    /// A block leaves it; what it holds is to wait from `place` on. Returns what is to be remembered of it.
    pub(super) fn leave(&mut self, key: Key, place: u64) -> Part {
        let before = self.joined.remove(&key);
        let part = Part {
            at: 0,
            outside: before.map_or(0, |part| part.outside.min(part.at)),
            place,
        };
        self.left.insert(key, part);
        part
    }

    /// The next block to be gone through: one that joined, or else the lowest that left, if there is room for what it holds.
    pub(super) fn next(&self, has_room: bool) -> Option<(Key, Part)> {
        let joined = self.joined.first_key_value();
        let left = self.left.first_key_value().filter(|_| has_room);
        joined.or(left).map(|(key, part)| (*key, *part))
    }

    /// How much of a block the queue reflects; `None` when it reflects all.
    pub(super) fn get(&self, key: &Key) -> Option<Part> {
        self.joined.get(key).or_else(|| self.left.get(key)).copied()
    }

    /// Says how far a block was gone through; `None` when it was to its end.
    pub(super) fn set(&mut self, key: &Key, part: Option<Part>) {
        let all = match self.joined.contains_key(key) {
            true => &mut self.joined,
            false => &mut self.left,
        };
        match part {
            Some(part) => all.insert(*key, part),
            None => all.remove(key),
        };
        if self.left.is_empty() {
            self.owed.clear();
        }
    }

    /// The lowest place that is kept for a transaction.
    pub(super) fn lowest_place(&self) -> Option<u64> {
        self.left.values().map(|part| part.place).min()
    }

    /// A transfer without a tag joined that did not wait.
    pub(super) fn owe(&mut self, id: TransactionId) {
        if self.has_left() {
            *self.owed.entry(id).or_default() += 1;
        }
    }

    /// Whether one that left does not return, because another that joined did not wait.
    pub(super) fn settle_debt(&mut self, id: &TransactionId) -> bool {
        let Some(owed) = self.owed.get_mut(id) else {
            return false;
        };
        *owed -= 1;
        if *owed == 0 {
            self.owed.remove(id);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(index: u64) -> Key {
        (index, BlockHash::from_bytes([7; 32]))
    }

    #[test]
    fn what_was_done_is_remembered_when_a_block_goes_back() {
        let mut all = Unsettled::default();
        let part = |at, outside, place| Part { at, outside, place };
        assert_eq!(all.join(key(1)), part(ALL, ALL, 0));
        assert_eq!(all.leave(key(1), 5), part(0, ALL, 5), "nothing was taken out");
        assert_eq!(all.leave(key(2), 5), part(0, 0, 5));
        assert_eq!(all.join(key(2)), part(ALL, 0, 0), "nothing has returned");
        assert_eq!(all.len(), 2, "and yet both are gone through");
        // Half done.
        all.leave(key(3), 5);
        all.set(&key(3), Some(part(4, 0, 5)));
        assert_eq!(all.join(key(3)), part(ALL, 4, 0));
        all.set(&key(3), Some(part(3, 4, 0)));
        assert_eq!(all.leave(key(3), 9), part(0, 3, 9));
        assert_eq!(all.lowest_place(), Some(5));
    }

    #[test]
    fn blocks_that_joined_come_first_and_the_others_when_there_is_room() {
        let mut all = Unsettled::default();
        all.leave(key(3), 30);
        all.leave(key(2), 20);
        all.join(key(9));
        assert_eq!(all.next(false).unwrap().0, key(9));
        all.set(&key(9), None);
        assert_eq!(all.next(false), None);
        assert_eq!(all.next(true).unwrap().0, key(2));
        all.owe(TransactionId::from_bytes([1; 32]));
        assert!(all.settle_debt(&TransactionId::from_bytes([1; 32])));
        assert!(!all.settle_debt(&TransactionId::from_bytes([1; 32])));
    }
}
