//! The active branch, to be read for as long as a reader likes.
//!
//! *In:* a ledger, whenever; [`ActiveBranch`], which says what the reader began with. *Out:* its blocks in order, a page at
//! a time, however the ledger goes on meanwhile.
//!
//! An open read transaction keeps every page that was in use when it began, and all that came since: one slow reader let
//! 36 MB of blocks grow to a file of 2.3 GB in 23 s. So a reader keeps the tip's hash and nothing else:
//!
//! ```text
//! page:  the tree as it is now ─► the hashes of the branch that ends in the reader's tip
//!        one read transaction  ─► their blocks, into memory; the transaction ends before anybody sees them
//! ```
//!
//! When another branch becomes the active one, the reader goes on along the branch that it began with: the blocks that were
//! left are kept as a side branch, found by their hashes. Only if they are forgotten meanwhile (side branches are bounded)
//! it ends, with [`StoreError::Superseded`]. So nobody ever gets blocks of two branches as one chain.

use std::ops::Range;

use crate::{
    Ledger,
    block::{Block, Unchecked},
    header::BlockHash,
    store::StoreError,
    tree::HeaderTree,
};

/// How many bytes of stored blocks are read at a time by those who name no number.
const PAGE_BYTES: usize = 1 << 20;
/// The most blocks of a page: as many small ones.
const PAGE_BLOCKS: u64 = 1024;

/// The branch that was active at one moment, from genesis to its tip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveBranch {
    /// Its tip.
    pub tip: BlockHash,
    /// The tip's index, which is the number of its blocks.
    pub length: u64,
}

impl ActiveBranch {
    /// The hashes of its blocks with these indices, not beyond its end; `None` when the tree has forgotten it.
    fn hashes(&self, tree: &HeaderTree, indices: Range<u64>) -> Option<Vec<BlockHash>> {
        let last = indices.end.checked_sub(1)?;
        let mut node = tree.ancestor(&self.tip, last)?;
        let mut hashes = vec![node.hash];
        while node.index > indices.start {
            node = match tree.is_active(node) {
                true => tree.active(node.index - 1)?,
                false => tree.get(&node.header.previous_hash)?,
            };
            hashes.push(node.hash);
        }
        hashes.reverse();
        Some(hashes)
    }
}

impl Ledger {
    /// The branch that is active now.
    pub fn active_branch(&self) -> ActiveBranch {
        let view = self.view();
        ActiveBranch {
            tip: view.tip.hash,
            length: view.tip.index,
        }
    }

    /// Blocks of a branch from index `from` on, in ascending order: as many as have `bytes` bytes in their stored form,
    /// at least one, none beyond the branch's end. The file is not held open for them: whoever takes
    /// long over a page keeps nobody from anything.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] when the branch is not stored any more; others when the file fails or is damaged.
    pub fn page(
        &self,
        branch: &ActiveBranch,
        from: u64,
        bytes: usize,
    ) -> Result<Vec<Block<Unchecked>>, StoreError> {
        let from = from.max(1);
        let end = from.saturating_add(PAGE_BLOCKS).min(branch.length + 1);
        if from >= end {
            return Ok(Vec::new());
        }
        let hashes = branch.hashes(&self.tree(), from..end);
        let hashes = hashes.ok_or(StoreError::Superseded { index: from })?;
        let snapshot = self.snapshot()?;
        let (mut blocks, mut read) = (Vec::new(), 0);
        for (index, hash) in (from..end).zip(hashes) {
            match snapshot.block_at(index, hash)? {
                Some(block) => {
                    read += block.stored_len();
                    blocks.push(block);
                }
                None if blocks.is_empty() => return Err(StoreError::Superseded { index }),
                None => break, // whoever wants more is told
            }
            if read >= bytes {
                break;
            }
        }
        Ok(blocks)
    }

    /// Shows `visit` the blocks of a branch with these indices, in ascending order, until it has seen enough (false). It may
    /// take as long as it likes over each.
    ///
    /// # Errors
    /// [`StoreError`], as [`Ledger::page`].
    pub fn read(
        &self,
        branch: &ActiveBranch,
        indices: Range<u64>,
        mut visit: impl FnMut(Block<Unchecked>) -> bool,
    ) -> Result<(), StoreError> {
        let mut next = indices.start.max(1);
        while next < indices.end {
            let page = self.page(branch, next, PAGE_BYTES)?;
            if page.is_empty() {
                break;
            }
            for block in page {
                if next >= indices.end || !visit(block) {
                    return Ok(());
                }
                next += 1;
            }
        }
        Ok(())
    }
}
