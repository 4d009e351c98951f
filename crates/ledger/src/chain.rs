//! The tree of all blocks, and the branch of it that counts.
//!
//! *In:* checked blocks, in any order that puts parents first. *Out:* the context that a parent makes for its next block,
//! and for each insertion what it changed: nothing (a side branch), one block more, or a reorganisation.
//!
//! Only headers are kept, 150 bytes or so a block; the store has the rest. The active branch is the one with the most
//! accumulated work; between equals the one that came first stays.

use std::collections::HashMap;

use bitcoin::{BlockHash, CompactTarget, Work, block::Header};

use crate::{
    block::{Block, Checked},
    difficulty::{Anchor, DifficultyRule, asert, easiest_target},
    network::Network,
    rules::{Context, MEDIAN_BLOCKS},
};

/// One block of the tree.
#[derive(Clone, Debug)]
struct Node {
    hash: BlockHash,
    header: Header,
    index: u64,
    /// Of this block and all before it.
    work: Work,
    /// Where its parent stands in `Chain::nodes`; genesis has itself.
    parent: usize,
    /// The time of its branch's first block after genesis: what ASERT counts from.
    anchor_time: u32,
}

/// What an insertion changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The block is on a side branch.
    Side,
    /// The block is the new tip, and its parent was the tip.
    Extended,
    /// The block is the new tip of another branch.
    Reorganised {
        /// The blocks that no longer count, the highest first.
        dropped: Vec<BlockHash>,
        /// The blocks that count instead, the lowest first; the last is the new tip.
        connected: Vec<BlockHash>,
    },
}

/// The tip of the active branch, and what it demands of the next block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Its index, which is also the number of blocks.
    pub index: u64,
    /// Its hash.
    pub hash: BlockHash,
    /// Its header.
    pub header: Header,
    /// The work of the whole branch.
    pub work: Work,
    /// What the next block must fulfil.
    pub next: Context,
}

/// The tree of headers.
#[derive(Clone, Debug)]
pub struct Chain {
    network: Network,
    nodes: Vec<Node>,
    by_hash: HashMap<BlockHash, usize>,
    /// The active branch: the node of index `i` stands at `i − 1`.
    active: Vec<usize>,
}

impl Chain {
    /// The chain of a network that has nothing but its genesis block.
    pub fn new(network: Network, genesis: &Block<Checked>) -> Self {
        let header = *genesis.header();
        let node = Node {
            hash: genesis.hash(),
            header,
            index: 1,
            work: header.work(),
            parent: 0,
            anchor_time: header.time,
        };
        Self {
            network,
            by_hash: HashMap::from([(node.hash, 0)]),
            nodes: vec![node],
            active: vec![0],
        }
    }

    /// Its network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// How many blocks the active branch has.
    pub fn length(&self) -> u64 {
        self.active.len() as u64
    }

    /// How many blocks the tree has, side branches among them.
    pub fn block_count(&self) -> u64 {
        self.nodes.len() as u64
    }

    /// Whether a block is in the tree, active or not.
    pub fn contains(&self, hash: &BlockHash) -> bool {
        self.by_hash.contains_key(hash)
    }

    /// The index of a block of the tree.
    pub fn index_of(&self, hash: &BlockHash) -> Option<u64> {
        self.by_hash.get(hash).map(|at| self.nodes[*at].index)
    }

    /// The active block with this index.
    pub fn active_hash(&self, index: u64) -> Option<BlockHash> {
        let place = usize::try_from(index.checked_sub(1)?).ok()?;
        self.active.get(place).map(|at| self.nodes[*at].hash)
    }

    /// The tip.
    pub fn tip(&self) -> Tip {
        let at = self.tip_at();
        let node = &self.nodes[at];
        Tip {
            index: node.index,
            hash: node.hash,
            header: node.header,
            work: node.work,
            next: self.context_after(at),
        }
    }

    fn tip_at(&self) -> usize {
        self.active[self.active.len() - 1]
    }

    /// What a block with this parent must fulfil; `None` when the parent is unknown.
    pub fn context(&self, parent: &BlockHash) -> Option<Context> {
        self.by_hash.get(parent).map(|at| self.context_after(*at))
    }

    fn context_after(&self, parent: usize) -> Context {
        let node = &self.nodes[parent];
        Context {
            index: node.index + 1,
            previous_hash: node.hash,
            nbits: self.nbits_after(parent),
            median_time: self.median_time(parent),
            reward: self.network.reward(),
        }
    }

    fn nbits_after(&self, parent: usize) -> CompactTarget {
        let node = &self.nodes[parent];
        match self.network.rule() {
            DifficultyRule::Asert {
                block_time_s,
                half_life_s,
            } if node.index > 1 => {
                let anchor = Anchor {
                    height: 2,
                    parent_time: i64::from(node.anchor_time) - i64::from(block_time_s),
                    nbits: self.network.nbits(),
                };
                let time = node.header.time.into();
                asert(
                    &anchor,
                    node.index,
                    time,
                    block_time_s,
                    half_life_s,
                    easiest_target(),
                )
            }
            _ => self.network.nbits(),
        }
    }

    fn is_active(&self, at: usize) -> bool {
        self.active.get((self.nodes[at].index - 1) as usize) == Some(&at)
    }

    /// The median of the times of the last 11 blocks up to and including `at`, or of as many as there are.
    fn median_time(&self, mut at: usize) -> u32 {
        let mut times = [0; MEDIAN_BLOCKS];
        let mut count = 0;
        while count < MEDIAN_BLOCKS {
            times[count] = self.nodes[at].header.time;
            count += 1;
            if self.nodes[at].index == 1 {
                break;
            }
            at = self.nodes[at].parent;
        }
        let times = &mut times[..count];
        times.sort_unstable();
        times[count / 2]
    }

    /// Puts a block into the tree, and makes its branch the active one when it has more work.
    ///
    /// # Panics
    /// When its parent is not in the tree or it is there already: whoever checked the block knows both.
    pub fn insert(&mut self, block: &Block<Checked>) -> Change {
        self.insert_header(block.index(), block.hash(), *block.header())
    }

    /// [`Chain::insert`] for a block whose transactions were checked and are not at hand.
    pub(super) fn insert_header(&mut self, index: u64, hash: BlockHash, header: Header) -> Change {
        let parent = self.by_hash[&header.prev_blockhash];
        let at = self.nodes.len();
        let node = Node {
            hash,
            header,
            index,
            work: add(self.nodes[parent].work, header.work()),
            parent,
            anchor_time: if index == 2 {
                header.time
            } else {
                self.nodes[parent].anchor_time
            },
        };
        let heavier = node.work > self.nodes[self.tip_at()].work;
        let known = self.by_hash.insert(node.hash, at);
        assert!(known.is_none(), "a block is inserted once");
        self.nodes.push(node);
        match heavier {
            false => Change::Side,
            true if parent == self.tip_at() => {
                self.active.push(at);
                Change::Extended
            }
            true => self.reorganise(at),
        }
    }

    fn reorganise(&mut self, tip: usize) -> Change {
        let mut branch = Vec::new();
        let mut at = tip;
        while !self.is_active(at) {
            branch.push(at);
            at = self.nodes[at].parent;
        }
        branch.reverse();
        let fork = self.nodes[at].index as usize;
        let dropped = self.active.split_off(fork);
        self.active.extend_from_slice(&branch);
        let hash = |at: &usize| self.nodes[*at].hash;
        Change::Reorganised {
            dropped: dropped.iter().rev().map(hash).collect(),
            connected: branch.iter().map(hash).collect(),
        }
    }

    /// Makes the branch of `tip` the active one if it has as much work as the heaviest: how a store says which of
    /// several equals came first. False when it is unknown or lighter.
    pub(super) fn prefer(&mut self, tip: &BlockHash) -> bool {
        let Some(at) = self.by_hash.get(tip).copied() else {
            return false;
        };
        if at == self.tip_at() {
            return true;
        }
        let equal = self.nodes[at].work == self.nodes[self.tip_at()].work;
        if equal {
            self.reorganise(at);
        }
        equal
    }
}

/// Accumulates work, and stops at 2^256 − 1 rather than overflow: 2^32 blocks of 224 bits are not to be had.
fn add(sum: Work, more: Work) -> Work {
    let highest = Work::from_be_bytes([0xff; 32]);
    if more > highest - sum { highest } else { sum + more }
}
