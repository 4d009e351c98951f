//! Blocks whose parent is not here yet.
//!
//! *In:* blocks whose content was checked. *Out:* the same, once their parent has come; the oldest are forgotten when there
//! are too many.
//!
//! They wait in memory alone: nobody is told that they are stored. Each has done the work that its own header states, and
//! where the difficulty is fixed that is the chain's: filling the room costs as much as mining so many blocks.

use std::collections::{BTreeMap, HashMap};

use crate::{header::BlockHash, writer::Examined};

/// A number of blocks, and of the bytes they take in their stored form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Blocks.
    pub blocks: usize,
    /// Bytes.
    pub bytes: usize,
}

/// The blocks that wait.
#[derive(Debug)]
pub(super) struct Waiting {
    bounds: Bounds,
    /// In the order in which they came.
    blocks: BTreeMap<u64, Examined>,
    /// Where the children of a block wait. No entry is empty.
    by_parent: HashMap<BlockHash, Vec<u64>>,
    next: u64,
    bytes: usize,
}

impl Waiting {
    /// None yet.
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            blocks: BTreeMap::new(),
            by_parent: HashMap::new(),
            next: 0,
            bytes: 0,
        }
    }

    /// Keeps a block, unless it waits already or is larger than all that may wait.
    pub(super) fn put(&mut self, block: Examined) {
        let (parent, hash) = (block.parent(), block.hash());
        let mut siblings = self.by_parent.get(&parent).into_iter().flatten();
        let bytes = block.stored_len();
        if bytes > self.bounds.bytes || siblings.any(|number| self.blocks[number].hash() == hash) {
            return;
        }
        self.by_parent.entry(parent).or_default().push(self.next);
        self.blocks.insert(self.next, block);
        self.next += 1;
        self.bytes += bytes;
        while self.blocks.len() > self.bounds.blocks || self.bytes > self.bounds.bytes {
            let Some((number, oldest)) = self.blocks.pop_first() else {
                break;
            };
            self.bytes -= oldest.stored_len();
            let parent = oldest.parent();
            let siblings = self
                .by_parent
                .get_mut(&parent)
                .expect("what waits is found by its parent");
            siblings.retain(|sibling| *sibling != number);
            if siblings.is_empty() {
                self.by_parent.remove(&parent);
            }
        }
    }

    /// Gives out the blocks that waited for this one, in the order in which they came.
    pub(super) fn children_of(&mut self, parent: &BlockHash) -> Vec<Examined> {
        let numbers = self.by_parent.remove(parent).unwrap_or_default();
        let children: Vec<_> = numbers
            .iter()
            .filter_map(|number| self.blocks.remove(number))
            .collect();
        self.bytes -= children.iter().map(Examined::stored_len).sum::<usize>();
        children
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Block, ChainParameters, header::Header};

    /// A block that nobody has mined: this room does not look.
    fn block(parent: u8, nonce: u32) -> Examined {
        let genesis = ChainParameters::fixed(1.0).unwrap().genesis();
        let header = Header {
            previous_hash: BlockHash::from_bytes([parent; 32]),
            nonce,
            ..*genesis.header()
        };
        Examined::new(Block::new(2, header, genesis.transactions().to_vec()))
    }

    fn nonces(children: Vec<Examined>) -> Vec<u32> {
        children
            .iter()
            .map(|child| child.block().header().nonce)
            .collect()
    }

    #[test]
    fn they_come_back_by_their_parent_once() {
        let bounds = Bounds {
            blocks: 100,
            bytes: 1 << 20,
        };
        let mut waiting = Waiting::new(bounds);
        for (parent, nonce) in [(1, 10), (2, 20), (1, 11), (1, 10)] {
            waiting.put(block(parent, nonce));
        }
        let children =
            |waiting: &mut Waiting, parent| nonces(waiting.children_of(&BlockHash::from_bytes([parent; 32])));
        assert_eq!(children(&mut waiting, 1), [10, 11], "none twice");
        assert!(children(&mut waiting, 1).is_empty());
        assert_eq!(children(&mut waiting, 2), [20]);
        assert_eq!(
            (waiting.bytes, waiting.blocks.len(), waiting.by_parent.len()),
            (0, 0, 0)
        );
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let one = block(0, 0).stored_len();
        for (blocks, bytes) in [(3, 1 << 20), (100, 3 * one + one / 2)] {
            let mut waiting = Waiting::new(Bounds { blocks, bytes });
            for nonce in 0..10 {
                waiting.put(block(1, nonce));
                assert!(waiting.blocks.len() <= 3 && waiting.bytes <= bytes);
            }
            assert_eq!(
                nonces(waiting.children_of(&BlockHash::from_bytes([1; 32]))),
                [7, 8, 9]
            );
        }
        let mut none = Waiting::new(Bounds {
            blocks: 100,
            bytes: one - 1,
        });
        none.put(block(1, 1));
        assert!(none.blocks.is_empty(), "one that is too large for all the room");
    }
}
