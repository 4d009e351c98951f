//! Headers whose blocks are not here.
//!
//! *In:* headers, each after one that is known. *Out:* where they stand, and the way from a branch's end down to what is
//! stored. Each was checked by every rule that needs no transactions, so each has cost its sender the chain's proof of work.

use std::collections::{HashMap, HashSet};

use paydirt_ledger::{BlockHash, BranchPoint};

use super::interface::Chain;

/// Headers whose blocks are not here.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    points: HashMap<BlockHash, BranchPoint>,
}

impl Candidates {
    pub(super) fn len(&self) -> usize {
        self.points.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    pub(super) fn get(&self, hash: &BlockHash) -> Option<&BranchPoint> {
        self.points.get(hash)
    }

    pub(super) fn insert(&mut self, point: BranchPoint) {
        self.points.insert(point.hash, point);
    }

    pub(super) fn remove(&mut self, hash: &BlockHash) {
        self.points.remove(hash);
    }

    /// A block's parent, if that is one of them too.
    pub(super) fn parent(&self, hash: &BlockHash) -> Option<BlockHash> {
        self.points.get(hash).map(|point| point.header.previous_hash)
    }

    /// The hashes from `end` down to the last before `stop` says so, the highest first; `None` when the way is broken.
    pub(super) fn way_down(
        &self,
        end: BlockHash,
        stop: impl Fn(&BlockHash) -> bool,
    ) -> Option<Vec<BlockHash>> {
        let mut way = Vec::new();
        let mut at = end;
        while !stop(&at) {
            way.push(at);
            at = self.parent(&at)?;
        }
        Some(way)
    }

    /// Forgets what is stored by now, and all that none of these branches' ends needs.
    pub(super) fn keep(&mut self, ends: impl Iterator<Item = BlockHash>, chain: &impl Chain) {
        let mut needed = HashSet::new();
        for end in ends {
            let mut at = end;
            while self.points.contains_key(&at) && !chain.contains(&at) && needed.insert(at) {
                match self.parent(&at) {
                    Some(parent) => at = parent,
                    None => break,
                }
            }
        }
        self.points.retain(|hash, _| needed.contains(hash));
        self.points.shrink_to_fit();
    }

    /// Takes out a header and all that stand on it; their hashes.
    pub(super) fn remove_branch(&mut self, root: &BlockHash) -> HashSet<BlockHash> {
        let mut gone = HashSet::from([*root]);
        let mut by_index: Vec<_> = self
            .points
            .values()
            .map(|point| (point.index, point.hash))
            .collect();
        by_index.sort_unstable_by_key(|(index, _)| *index);
        for (_, hash) in by_index {
            let parent = self.points[&hash].header.previous_hash;
            if gone.contains(&parent) {
                gone.insert(hash);
            }
        }
        self.points.retain(|hash, _| !gone.contains(hash));
        gone
    }
}
