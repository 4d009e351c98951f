//! The blocks that do not count, within limits.
//!
//! *In:* blocks of side branches. *Out:* which of them must go when they are too many, or that a new one is not taken.
//!
//! The lightest branches go first, from their ends, and only for a block with more work than they have: whoever would push
//! an honest branch out must do more work than it. Between equals the one that came first stays, as in fork choice.

use std::{cmp::Reverse, collections::HashMap};

use rpds::{HashTrieMapSync, RedBlackTreeSetSync};

use crate::{
    header::{BlockHash, Work},
    tree::HeaderNode,
};

/// How much of the tree side branches may take, in memory and on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SideLimits {
    /// How far below the tip one may leave the active branch.
    pub depth: u64,
    /// Blocks of all of them.
    pub blocks: usize,
    /// Bytes of all of them, in their stored form.
    pub bytes: u64,
}

impl Default for SideLimits {
    fn default() -> Self {
        Self {
            depth: 2_000,
            blocks: 10_000,
            bytes: 256 << 20,
        }
    }
}

/// Why a block is not kept on a side branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SideError {
    /// It leaves the active branch too far below.
    #[error("its branch leaves the active one {depth} blocks below the tip; the limit is {most}")]
    Depth {
        /// How far below the tip.
        depth: u64,
        /// How far it may be.
        most: u64,
    },
    /// There is no room for it.
    #[error(
        "side branches may hold {blocks} blocks and {bytes} bytes, and those that fill them have no less work than its own"
    )]
    Full {
        /// Blocks that all side branches may have.
        blocks: usize,
        /// Bytes that these may take.
        bytes: u64,
    },
}

impl SideError {
    /// A short name for programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Depth { .. } => "side_branch_depth",
            Self::Full { .. } => "side_branch_limit",
        }
    }
}

/// In this order they go: least work first, and among equals the one that came last.
type Rank = (Work, Reverse<u64>, BlockHash);

/// A block that does not count.
#[derive(Clone, Copy, Debug)]
struct SideBlock {
    parent: BlockHash,
    rank: Rank,
    /// In its stored form.
    bytes: u64,
}

/// A block that would join them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Newcomer {
    pub(super) parent: BlockHash,
    /// Of its whole branch.
    pub(super) work: Work,
    /// In its stored form.
    pub(super) bytes: u64,
}

/// All blocks that do not count. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct SideBlocks {
    blocks: HashTrieMapSync<BlockHash, SideBlock>,
    /// How many of them name a block, active or not, as their parent. No entry is 0.
    children: HashTrieMapSync<BlockHash, usize>,
    /// Those without children.
    leaves: RedBlackTreeSetSync<Rank>,
    bytes: u64,
}

impl SideBlocks {
    /// These.
    pub(super) fn of(mut nodes: Vec<&HeaderNode>) -> Self {
        nodes.sort_unstable_by_key(|node| node.index); // parents first
        let mut all = Self::default();
        nodes.into_iter().for_each(|node| all.insert(node));
        all
    }

    /// The last blocks of the branches, those with the most work first.
    pub(super) fn leaves(&self) -> impl Iterator<Item = &BlockHash> {
        self.leaves.iter().rev().map(|(_, _, hash)| hash)
    }

    /// How many of them name this block as their parent.
    fn children_of(&self, hash: &BlockHash) -> usize {
        self.children.get(hash).copied().unwrap_or(0)
    }

    /// A child of one of them, or of an active block; others may name it already.
    pub(super) fn insert(&mut self, node: &HeaderNode) {
        let parent = node.header.previous_hash;
        let rank = (node.work, Reverse(node.arrival), node.hash);
        self.children.insert_mut(parent, self.children_of(&parent) + 1);
        if let Some(parent) = self.blocks.get(&parent) {
            self.leaves.remove_mut(&parent.rank);
        }
        if self.children_of(&node.hash) == 0 {
            self.leaves.insert_mut(rank);
        }
        self.bytes += node.stored_bytes;
        let block = SideBlock {
            parent,
            rank,
            bytes: node.stored_bytes,
        };
        self.blocks.insert_mut(node.hash, block);
    }

    /// Takes out one that becomes active, as its parent is.
    pub(super) fn activate(&mut self, hash: &BlockHash) {
        let Some(block) = self.blocks.get(hash).copied() else {
            return;
        };
        self.blocks.remove_mut(hash);
        self.leaves.remove_mut(&block.rank);
        self.bytes -= block.bytes;
        match self.children_of(&block.parent) {
            0 | 1 => self.children.remove_mut(&block.parent),
            several => {
                self.children.insert_mut(block.parent, several - 1);
                false
            }
        };
    }

    /// Takes one without children out.
    pub(super) fn remove_leaf(&mut self, hash: &BlockHash) {
        let Some(SideBlock { parent, .. }) = self.blocks.get(hash).copied() else {
            return;
        };
        self.activate(hash);
        if let (0, Some(parent)) = (self.children_of(&parent), self.blocks.get(&parent)) {
            self.leaves.insert_mut(parent.rank);
        }
    }

    /// Which blocks must go, in this order, so that what is left keeps to `limits` together with a newcomer.
    ///
    /// # Errors
    /// [`SideError::Full`] when they would have to be as heavy as the newcomer, or its own ancestors.
    pub(super) fn excess(
        &self,
        limits: &SideLimits,
        newcomer: Option<Newcomer>,
    ) -> Result<Vec<BlockHash>, SideError> {
        let mut blocks = self.blocks.size() + usize::from(newcomer.is_some());
        let mut bytes = self.bytes + newcomer.map_or(0, |newcomer| newcomer.bytes);
        let mut gone = Vec::new();
        // How many children are left of blocks that lost some.
        let mut left: HashMap<BlockHash, usize> = HashMap::new();
        let fits = |blocks: usize, bytes: u64| blocks <= limits.blocks && bytes <= limits.bytes;
        for (_, _, leaf) in self.leaves.iter() {
            if fits(blocks, bytes) {
                return Ok(gone);
            }
            let mut next = *leaf;
            // Down from the end of a branch, each block is lighter than all other ends.
            while !fits(blocks, bytes) {
                let Some(block) = self.blocks.get(&next) else {
                    break;
                };
                if newcomer.is_some_and(|newcomer| newcomer.parent == next) {
                    break;
                }
                if newcomer.is_some_and(|newcomer| newcomer.work <= block.rank.0) {
                    return Err(SideError::full(limits));
                }
                blocks -= 1;
                bytes -= block.bytes;
                gone.push(next);
                let siblings = left
                    .entry(block.parent)
                    .or_insert(self.children_of(&block.parent));
                *siblings = siblings.saturating_sub(1);
                if *siblings > 0 {
                    break;
                }
                next = block.parent;
            }
        }
        match fits(blocks, bytes) {
            true => Ok(gone),
            false => Err(SideError::full(limits)),
        }
    }
}

impl SideError {
    fn full(limits: &SideLimits) -> Self {
        Self::Full {
            blocks: limits.blocks,
            bytes: limits.bytes,
        }
    }
}
