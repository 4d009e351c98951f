//! The reorganisations of a round: the active branch changes at once, what waits for a block a slice at a time.
//!
//! *In:* the blocks that left and joined; what is unsettled from before. *Out:* rows of the store, and the draft of what
//! waits, for one slice more. `settling` says why it is right.

use std::time::Instant;

use super::round::Round;
use crate::{
    header::BlockHash,
    identity::{Identified, Tag, TransactionId},
    settling::{Key, Part},
    store::StoreError,
    transaction::MIN_STORED_BYTES,
};

/// How many transactions one slice goes through: some 10 ms of work. A reorganisation whose blocks hold no more is done
/// whole, in the round that makes it.
pub(super) const SLICE: usize = 1_000;
/// How many of them are gone through before a slice looks at the clock.
const CHUNK: usize = 200;

impl Round<'_> {
    /// Swaps branches. `dropped` begins with the highest block, `connected` with the lowest.
    pub(super) fn reorganise(
        &mut self,
        tip_index: u64,
        dropped: &[BlockHash],
        connected: &[BlockHash],
    ) -> Result<(), StoreError> {
        let fork = tip_index - connected.len() as u64;
        let kept = self.unsettled.lowest_place().unwrap_or(u64::MAX);
        let mut place = self.draft.first_place().min(kept);
        for (index, hash) in (fork + 1..=fork + dropped.len() as u64).rev().zip(dropped) {
            // Room for as many transactions as it may have, before those of the block above it.
            let bytes = self.tree.get(hash).map_or(0, |node| node.stored_bytes);
            place = place.saturating_sub(bytes / MIN_STORED_BYTES as u64 + 1);
            self.batch.deactivate(index)?;
            let part = self.unsettled.leave((index, *hash), place);
            self.batch.set_unsettled((index, *hash), Some(part))?;
        }
        for (index, hash) in (fork + 1..).zip(connected) {
            self.batch.activate(index, *hash)?;
            let part = self.unsettled.join((index, *hash));
            self.batch.set_unsettled((index, *hash), Some(part))?;
        }
        self.settle(None)
    }

    /// Goes through a slice of what is unsettled; on a busy machine, a part of one.
    pub(super) fn settle(&mut self, until: Option<Instant>) -> Result<(), StoreError> {
        let mut budget = SLICE;
        while let Some((key, part)) = self.unsettled.next(self.has_room()) {
            let gone_through = self.settle_block(key, part, budget.min(CHUNK))?;
            budget = budget.saturating_sub(gone_through.max(1));
            if budget == 0 || until.is_some_and(|until| Instant::now() >= until) {
                break;
            }
        }
        Ok(())
    }

    /// Whether any transfer at all may wait in addition.
    fn has_room(&self) -> bool {
        self.limits.have_room(self.draft.len(), self.draft.bytes())
    }

    /// Goes through a block for whose transfers somebody asks. Those it left may find no room.
    pub(super) fn settle_whole(&mut self, key: Key) -> Result<(), StoreError> {
        match self.unsettled.get(&key) {
            Some(part) => self.settle_block(key, part, usize::MAX).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Goes through up to `budget` transactions of a block, and returns through how many.
    fn settle_block(&mut self, key: Key, part: Part, budget: usize) -> Result<usize, StoreError> {
        let (index, hash) = key;
        let mut transactions = self.batch.block(index, hash)?.into_transactions();
        let all = transactions.len();
        let (begun, outside) = ((part.at as usize).min(all), part.outside as usize);
        let is_active = self.tree.active_hash(index) == Some(hash);
        let (at, end) = match is_active {
            true => {
                let at = begun.saturating_sub(budget);
                let left = (at..begun).zip(transactions.drain(at..begun));
                for (nth, transaction) in left.rev() {
                    // One without a tag that had not returned is not taken out again.
                    if transaction.tag().is_some() || nth < outside {
                        self.take_out(transaction.id(), transaction.tag());
                    }
                }
                (at, 0)
            }
            false => {
                let until = begun.saturating_add(budget).min(all);
                let mut at = begun;
                for transaction in transactions.drain(begun..until) {
                    let place = part.place + at as u64;
                    if !self.put_back(place, transaction.into(), at < outside)? {
                        break;
                    }
                    at += 1;
                }
                (at, all)
            }
        };
        let part = (at != end).then_some(Part {
            at: u32::try_from(at).expect("a block has 10,000 at most"),
            ..part
        });
        self.unsettled.set(&key, part);
        self.batch.set_unsettled(key, part)?;
        Ok(at.abs_diff(begun))
    }

    /// A transaction joined the active branch: it waits no longer.
    pub(super) fn take_out(&mut self, id: TransactionId, tag: Option<Tag>) {
        if !self.draft.take(&id) && tag.is_none() {
            self.unsettled.owe(id);
        }
    }

    /// A transaction left the active branch: it waits again, unless it does already or the branch holds it elsewhere. False
    /// when there is no room. One that was not taken out when it joined (`is_outside`) may wait since before.
    fn put_back(&mut self, place: u64, left: Identified, is_outside: bool) -> Result<bool, StoreError> {
        let (id, transaction) = (left.id(), left.transaction());
        let stays = match transaction.tag() {
            _ if transaction.is_reward() => true,
            Some(_) => self.draft.count(&id) > 0 || self.batch.place_of(&id)?.is_some(),
            None if is_outside => self.draft.count(&id) > 0,
            None => self.unsettled.settle_debt(&id),
        };
        if stays {
            return Ok(true);
        }
        let bytes = self.draft.bytes() + transaction.stored_len();
        let fits = self.draft.len() < self.limits.count && bytes <= self.limits.bytes;
        if fits {
            self.draft.put(place, left);
        }
        Ok(fits)
    }

    /// Takes the lightest side branches out as long as they are beyond the limits, about a slice of them.
    pub(super) fn trim(&mut self) -> Result<(), StoreError> {
        let mut gone = 0;
        for hash in self.tree.side_excess(&self.side_limits) {
            if gone >= SLICE * MIN_STORED_BYTES {
                break;
            }
            gone += self.forget(&hash)?;
        }
        Ok(())
    }

    /// Takes the last block of a side branch out, and returns how many bytes it had.
    pub(super) fn forget(&mut self, hash: &BlockHash) -> Result<usize, StoreError> {
        let Some(node) = self.tree.get(hash) else {
            return Ok(0);
        };
        let (key, bytes) = ((node.index, *hash), node.stored_bytes);
        self.settle_whole(key)?;
        if let Some(part) = self.unsettled.get(&key) {
            // There was no room for them, and now there is no block either.
            let all = self.batch.block(key.0, key.1)?.transactions().len();
            *self.left_out += (all as u64).saturating_sub(part.at.into());
            self.unsettled.set(&key, None);
        }
        self.batch.remove_block(key.0, key.1)?;
        self.tree.remove_side(hash);
        Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
    }
}
