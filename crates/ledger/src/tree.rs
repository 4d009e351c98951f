//! The tree of all headers, and the branch of it that counts.
//!
//! *In:* checked blocks, in any order that puts parents first. *Out:* what a parent demands of its next block, and for each
//! insertion what it changed: nothing (a side branch), one block more, or a reorganisation. For readers: locators, forks,
//! ancestors, the headers after a point.
//!
//! Only headers are kept, 500 bytes or so a block; the store has the rest. The active branch is the one with the most
//! accumulated work; between equals the one that came first stays. Whoever keeps a ledger may say how far below the tip
//! a heavier branch may leave the active one and still be taken up by itself; one that leaves it further below stays aside.
//!
//! The collections are persistent: a clone costs a few pointers and shares the rest, so the writer publishes one with each
//! commit, and a reader walks its own for as long as it likes while nobody waits. Whoever syncs by headers first does so
//! on a clone: [`HeaderTree::add_header`] checks what a header alone can be checked for.

mod ancestry;
mod side;

use std::sync::Arc;

use rpds::{HashTrieMapSync, VectorSync};

use crate::{
    block::{Block, Checked},
    header::{BlockHash, Header, Work},
    outcome::AddError,
    parameters::{ChainParameters, TimeRule},
    point::{BranchPoint, RecentTimes},
    rules::{self, ParentState},
};
use ancestry::skip_index;
use side::{Newcomer, SideBlocks};
pub use side::{SideError, SideLimits};

/// A header at its place in the tree.
#[derive(Clone, Debug)]
pub struct HeaderNode {
    /// The hash of the header.
    pub hash: BlockHash,
    /// The header.
    pub header: Header,
    /// The block's index: 1 for genesis.
    pub index: u64,
    /// Of this block and all before it.
    pub work: Work,
    /// The time of its branch's first block after genesis: what ASERT counts from.
    anchor_time: u32,
    /// The latest time of its branch.
    latest_time: u32,
    /// An ancestor far below it: see `ancestry`.
    skip: BlockHash,
    /// What the block takes in the store; 0 when only its header is known.
    pub(super) stored_bytes: u64,
    /// How many blocks came before it, of any branch.
    arrival: u64,
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
    pub next: ParentState,
}

/// How many of the blocks before the tip a locator names one by one.
const LOCATOR_DENSE: usize = 10;

/// The tree of headers. Clones share it, and do not change with it.
#[derive(Clone, Debug)]
pub struct HeaderTree {
    parameters: ChainParameters,
    by_hash: HashTrieMapSync<BlockHash, Arc<HeaderNode>>,
    /// The active branch: the block with index `i` stands at `i − 1`.
    active: VectorSync<Arc<HeaderNode>>,
    side: SideBlocks,
    arrivals: u64,
}

impl HeaderTree {
    /// The tree of a chain that has nothing but its genesis block.
    pub fn new(parameters: ChainParameters, genesis: &Block<Checked>) -> Self {
        let header = *genesis.header();
        let node = Arc::new(HeaderNode {
            hash: genesis.hash(),
            header,
            index: 1,
            work: header.work(),
            anchor_time: header.time,
            latest_time: header.time,
            skip: genesis.hash(),
            stored_bytes: genesis.stored_len() as u64,
            arrival: 0,
        });
        Self {
            parameters,
            by_hash: HashTrieMapSync::new_sync().insert(node.hash, Arc::clone(&node)),
            active: VectorSync::new_sync().push_back(node),
            side: SideBlocks::default(),
            arrivals: 1,
        }
    }

    /// The chain's parameters.
    pub fn parameters(&self) -> &ChainParameters {
        &self.parameters
    }

    /// How many blocks the active branch has.
    pub fn length(&self) -> u64 {
        self.active.len() as u64
    }

    /// How many blocks the tree has, side branches among them.
    pub fn block_count(&self) -> u64 {
        self.by_hash.size() as u64
    }

    /// Whether a block is in the tree, active or not.
    pub fn contains(&self, hash: &BlockHash) -> bool {
        self.by_hash.contains_key(hash)
    }

    /// A block of the tree, active or not.
    pub fn get(&self, hash: &BlockHash) -> Option<&HeaderNode> {
        self.by_hash.get(hash).map(AsRef::as_ref)
    }

    /// The active block with this index.
    pub fn active(&self, index: u64) -> Option<&HeaderNode> {
        let place = usize::try_from(index.checked_sub(1)?).ok()?;
        self.active.get(place).map(AsRef::as_ref)
    }

    /// The hash of the active block with this index.
    pub fn active_hash(&self, index: u64) -> Option<BlockHash> {
        self.active(index).map(|node| node.hash)
    }

    /// Whether a block is on the active branch.
    pub fn is_active(&self, node: &HeaderNode) -> bool {
        self.active_hash(node.index) == Some(node.hash)
    }

    /// The last block of the active branch.
    pub fn tip_node(&self) -> &HeaderNode {
        self.active.last().expect("genesis at least")
    }

    /// The tip, and what it demands.
    pub fn tip(&self) -> Tip {
        let node = self.tip_node();
        Tip {
            index: node.index,
            hash: node.hash,
            header: node.header,
            work: node.work,
            next: self.state_after(node),
        }
    }

    /// The last blocks of the side branches, those with the most work first.
    pub fn side_tips(&self) -> impl Iterator<Item = &HeaderNode> {
        self.side.leaves().filter_map(|hash| self.get(hash))
    }

    /// The last block of the branch with the most work that stands on a side block; itself, if none does.
    pub(super) fn heaviest_after<'t>(&'t self, node: &'t HeaderNode) -> &'t HeaderNode {
        let stands_on = |tip: &&HeaderNode| {
            let ancestor = self.ancestor(&tip.hash, node.index);
            ancestor.is_some_and(|ancestor| ancestor.hash == node.hash)
        };
        self.side_tips().find(stands_on).unwrap_or(node)
    }

    /// Hashes of active blocks by which another node finds the last block both have: the last ten, then ever fewer, genesis
    /// at the end. The highest first.
    pub fn locator(&self) -> Vec<BlockHash> {
        let mut locator = Vec::new();
        let (mut index, mut step) = (self.length(), 1);
        while index > 1 {
            locator.extend(self.active_hash(index));
            if locator.len() >= LOCATOR_DENSE {
                step *= 2;
            }
            index = index.saturating_sub(step);
        }
        locator.extend(self.active_hash(1));
        locator
    }

    /// The highest active block that a locator leads to: one that it names, or the block where the branch of one that it
    /// names left the active branch; genesis when it names nothing that is known.
    pub fn find_fork(&self, locator: &[BlockHash]) -> &HeaderNode {
        let known = locator.iter().filter_map(|hash| self.get(hash));
        let fork = known.map(|node| self.fork_of(node)).max_by_key(|node| node.index);
        fork.unwrap_or_else(|| self.active(1).expect("genesis at least"))
    }

    /// The active blocks after the one with this index, in ascending order.
    pub fn after(&self, index: u64) -> impl Iterator<Item = &HeaderNode> {
        (index + 1..=self.length()).filter_map(|index| self.active(index))
    }

    /// What a block with this parent must fulfil; `None` when the parent is unknown.
    pub fn parent_state(&self, parent: &BlockHash) -> Option<ParentState> {
        self.get(parent).map(|parent| self.state_after(parent))
    }

    fn state_after(&self, parent: &HeaderNode) -> ParentState {
        self.point_of(parent).next_state(&self.parameters)
    }

    /// Where a block of the tree stands, by itself.
    pub fn point(&self, hash: &BlockHash) -> Option<BranchPoint> {
        self.get(hash).map(|node| self.point_of(node))
    }

    fn point_of(&self, node: &HeaderNode) -> BranchPoint {
        BranchPoint {
            hash: node.hash,
            header: node.header,
            index: node.index,
            work: node.work,
            anchor_time: node.anchor_time,
            latest_time: node.latest_time,
            recent: match self.parameters.times() {
                TimeRule::Median => RecentTimes::of(self.ancestry(node).map(|node| node.header.time)),
                TimeRule::Near { .. } => RecentTimes::default(),
            },
        }
    }

    /// Puts a block into the tree, and makes its branch the active one when it has more work.
    ///
    /// # Panics
    /// When its parent is not in the tree or it is there already: whoever checked the block knows both.
    pub fn insert(&mut self, block: &Block<Checked>) -> Change {
        self.insert_within(block, u64::MAX)
    }

    /// The same, but a branch that leaves the active one further below the tip than `max_depth` stays a side branch.
    pub(super) fn insert_within(&mut self, block: &Block<Checked>, max_depth: u64) -> Change {
        let (header, stored_bytes) = (*block.header(), block.stored_len() as u64);
        self.insert_and_choose(block.hash(), header, stored_bytes, max_depth)
    }

    /// Checks a header by every rule that needs no transactions, and puts it into the tree: for those who ask for a block
    /// only when its header is good. No change when it is there already.
    ///
    /// # Errors
    /// [`AddError::Rule`] and [`AddError::ParentUnknown`].
    pub fn add_header(&mut self, header: Header, now_s: u64) -> Result<&HeaderNode, AddError> {
        let hash = header.hash();
        if !self.contains(&hash) {
            rules::check_proof_of_work(&header)?;
            let parent = header.previous_hash;
            let state = self
                .parent_state(&parent)
                .ok_or(AddError::ParentUnknown(parent))?;
            rules::check_place(state.index, &header, &state)?;
            rules::check_clock(&header, &state, now_s)?;
            self.insert_and_choose(hash, header, 0, u64::MAX);
        }
        Ok(&self.by_hash[&hash])
    }

    /// [`HeaderTree::insert`] for a header that was checked.
    pub(super) fn insert_and_choose(
        &mut self,
        hash: BlockHash,
        header: Header,
        stored_bytes: u64,
        max_depth: u64,
    ) -> Change {
        let node = self.insert_node(hash, header, stored_bytes);
        if node.header.previous_hash == self.tip_node().hash {
            self.active.push_back_mut(node);
            return Change::Extended;
        }
        self.side.insert(&node);
        match node.work > self.tip_node().work && self.depth_of(&node) <= max_depth {
            true => self.reorganise(&node),
            false => Change::Side,
        }
    }

    /// How far below the tip a block's branch leaves the active one.
    pub fn depth_of(&self, node: &HeaderNode) -> u64 {
        self.length() - self.fork_of(node).index
    }

    /// The last block of the side branch with the most work, if that is more than the active branch has.
    pub fn heavier(&self) -> Option<&HeaderNode> {
        self.side_tips()
            .next()
            .filter(|tip| tip.work > self.tip_node().work)
    }

    /// Puts a header into the tree whichever branch it is on; [`HeaderTree::settle`] then says which one counts.
    pub(super) fn insert_node(
        &mut self,
        hash: BlockHash,
        header: Header,
        stored_bytes: u64,
    ) -> Arc<HeaderNode> {
        let parent = &self.by_hash[&header.previous_hash];
        let index = parent.index + 1;
        let skip = self.ancestor(&parent.hash, skip_index(index));
        let node = Arc::new(HeaderNode {
            hash,
            header,
            index,
            work: parent.work.plus(header.work()),
            anchor_time: match index {
                2 => header.time,
                _ => parent.anchor_time,
            },
            latest_time: header.time.max(parent.latest_time),
            skip: skip.expect("the way down to genesis is whole").hash,
            stored_bytes,
            arrival: self.arrivals,
        });
        assert!(!self.contains(&hash), "a block is inserted once");
        self.by_hash.insert_mut(hash, Arc::clone(&node));
        self.arrivals += 1;
        node
    }

    /// Makes the branch of a side block the active one, in steps as many as there are blocks in which the two differ.
    pub(super) fn reorganise(&mut self, tip: &HeaderNode) -> Change {
        let branch = self.ancestry(tip).take_while(|node| !self.is_active(node));
        let mut branch: Vec<_> = branch.map(|node| Arc::clone(&self.by_hash[&node.hash])).collect();
        branch.reverse();
        let fork = branch[0].index - 1;
        let mut dropped = Vec::new();
        while self.length() > fork {
            dropped.extend(self.active.last().cloned());
            self.active.drop_last_mut();
        }
        for node in &branch {
            self.side.activate(&node.hash);
            self.active.push_back_mut(Arc::clone(node));
        }
        for node in dropped.iter().rev() {
            self.side.insert(node);
        }
        Change::Reorganised {
            dropped: dropped.iter().map(|node| node.hash).collect(),
            connected: branch.iter().map(|node| node.hash).collect(),
        }
    }

    /// Makes the branch of `tip` the active one, whatever others weigh: a store says which counts. No change, and false,
    /// when there is no such block.
    pub(super) fn settle(&mut self, tip: &BlockHash) -> bool {
        let Some(tip) = self.by_hash.get(tip) else {
            return false;
        };
        let branch: Vec<_> = self.ancestry(tip).map(|node| node.hash).collect();
        self.active = branch
            .iter()
            .rev()
            .map(|hash| Arc::clone(&self.by_hash[hash]))
            .collect();
        let side = self.by_hash.values().map(AsRef::as_ref);
        self.side = SideBlocks::of(side.filter(|node| !self.is_active(node)).collect());
        true
    }

    /// Takes the last block of a side branch out.
    pub(super) fn remove_side(&mut self, hash: &BlockHash) {
        self.side.remove_leaf(hash);
        self.by_hash.remove_mut(hash);
    }

    /// Which blocks must go, in this order, so that the side branches keep to `limits`.
    pub(super) fn side_excess(&self, limits: &SideLimits) -> Vec<BlockHash> {
        self.side.excess(limits, None).unwrap_or_default()
    }

    /// Which blocks must go, in this order, for a block whose parent is in the tree: none if its branch becomes the active
    /// one, for which it may leave that at most `max_depth` below the tip.
    ///
    /// # Errors
    /// [`SideError`] when it would be on a side branch, and `limits` leave no room for it.
    pub(super) fn side_room(
        &self,
        header: &Header,
        stored_bytes: u64,
        limits: &SideLimits,
        max_depth: u64,
    ) -> Result<Vec<BlockHash>, SideError> {
        let parent = &self.by_hash[&header.previous_hash];
        let work = parent.work.plus(header.work());
        let depth = self.depth_of(parent);
        if work > self.tip_node().work && depth <= max_depth {
            return Ok(Vec::new());
        }
        if depth > limits.depth {
            let most = limits.depth;
            return Err(SideError::Depth { depth, most });
        }
        let newcomer = Newcomer {
            parent: parent.hash,
            work,
            bytes: stored_bytes,
        };
        self.side.excess(limits, Some(newcomer))
    }
}
