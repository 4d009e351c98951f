//! Ancestors of blocks on any branch, and where their branch left the active one.
//!
//! *In:* a block of the tree. *Out:* an ancestor by its index, the last active one.
//!
//! Each block remembers one ancestor far below it, at the index that Bitcoin's skip list gives. The way to any ancestor
//! then takes some logarithm of the distance, also where no table of the active branch helps: a stranger's long side
//! branch costs no walk along it for each block.

use crate::{
    header::BlockHash,
    tree::{HeaderNode, HeaderTree},
};

/// The number without its lowest one bit.
fn without_lowest_one(number: u64) -> u64 {
    number & number.wrapping_sub(1)
}

/// The index of the ancestor that a block remembers: about half of all blocks one nearby, ever fewer one far below.
pub(super) fn skip_index(index: u64) -> u64 {
    let height = index.saturating_sub(1);
    let skip = match height {
        0..2 => 0,
        odd if odd % 2 == 1 => without_lowest_one(without_lowest_one(odd - 1)) + 1,
        even => without_lowest_one(even),
    };
    skip + 1
}

impl HeaderTree {
    /// The ancestor of a block that has this index: the block itself, if it is its own.
    pub fn ancestor(&self, hash: &BlockHash, index: u64) -> Option<&HeaderNode> {
        let mut node = self.get(hash)?;
        while node.index > index {
            if self.is_active(node) {
                return self.active(index);
            }
            let skip = skip_index(node.index);
            // The parent's own skip may lead further than this one, and not past the goal.
            let parents = skip_index(node.index - 1);
            let further = parents + 2 < skip && parents >= index;
            node = match skip == index || (skip > index && !further) {
                true => self.get(&node.skip)?,
                false => self.parent(node)?,
            };
        }
        (node.index == index).then_some(node)
    }

    /// The last active block of a block's branch.
    pub(super) fn fork_of<'t>(&'t self, node: &'t HeaderNode) -> &'t HeaderNode {
        let (mut active, mut aside) = (1, node.index);
        if self.is_active(node) {
            return node;
        }
        while aside - active > 1 {
            let middle = active + (aside - active) / 2;
            let at_middle = self.ancestor(&node.hash, middle);
            match at_middle.is_some_and(|ancestor| self.is_active(ancestor)) {
                true => active = middle,
                false => aside = middle,
            }
        }
        self.active(active).expect("genesis at least is active")
    }

    pub(super) fn parent(&self, node: &HeaderNode) -> Option<&HeaderNode> {
        self.get(&node.header.previous_hash)
    }

    /// A block and its ancestors, the highest first.
    pub(super) fn ancestry<'t>(&'t self, node: &'t HeaderNode) -> impl Iterator<Item = &'t HeaderNode> {
        std::iter::successors(Some(node), |node| self.parent(node))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From any block to any ancestor, in few steps.
    #[test]
    fn the_way_down_is_short() {
        for from in [2u64, 3, 10, 1_000, 9_999, 1 << 20, (1 << 20) + 1] {
            for to in [1, 2, from / 3, from / 2, from - 1]
                .into_iter()
                .filter(|to| (1..from).contains(to))
            {
                let (mut at, mut steps) = (from, 0);
                while at > to {
                    let (skip, parents) = (skip_index(at), skip_index(at - 1));
                    assert!(skip < at && skip >= 1);
                    let further = parents + 2 < skip && parents >= to;
                    at = if skip == to || (skip > to && !further) {
                        skip
                    } else {
                        at - 1
                    };
                    steps += 1;
                }
                assert_eq!(at, to);
                let bits = u64::BITS - from.leading_zeros();
                assert!(steps <= 5 * bits, "{from} to {to}: {steps}");
            }
        }
    }
}
