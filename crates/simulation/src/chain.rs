//! The blocks of a run, and what each node has of them.
//!
//! *In:* mined blocks. *Out:* one copy of each for all nodes, and for each node a bit a block and the branch that counts:
//! what its core sees as the ledger's chain.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    sync::Arc,
};

use paydirt_ledger::{
    Block, BlockHash, BranchPoint, ChainParameters, Header, HeaderTree, MerkleRoot, Transaction, Unchecked,
};
use paydirt_network::{core::Chain, message::TipSummary};

/// A block's number in the arena.
pub(crate) type BlockId = u32;

/// A block, once for all nodes.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) point: BranchPoint,
    pub(crate) parent: BlockId,
    pub(crate) block: Arc<Block<Unchecked>>,
}

/// The first eight bytes of a hash: nobody here chooses them.
#[derive(Clone, Copy, Debug, Default)]
struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _: usize) {} // the length of an array, which says nothing

    fn finish(&self) -> u64 {
        self.0
    }
}

/// All blocks of a run.
#[derive(Debug)]
pub(crate) struct Arena {
    pub(crate) parameters: ChainParameters,
    by_hash: HashMap<BlockHash, BlockId, BuildHasherDefault<FirstBytes>>,
    blocks: Vec<Stored>,
}

impl Arena {
    pub(crate) fn new() -> Self {
        let parameters = ChainParameters::fixed(1.0).expect("one bit is a difficulty");
        let genesis = parameters.genesis();
        let tree = HeaderTree::new(parameters, &genesis);
        let point = tree.point(&genesis.hash()).expect("genesis is there");
        let stored = Stored {
            point,
            parent: 0,
            block: Arc::new(genesis.into_unchecked()),
        };
        Self {
            parameters,
            by_hash: HashMap::from_iter([(point.hash, 0)]),
            blocks: vec![stored],
        }
    }

    pub(crate) fn get(&self, id: BlockId) -> &Stored {
        &self.blocks[id as usize]
    }

    pub(crate) fn id(&self, hash: &BlockHash) -> Option<BlockId> {
        self.by_hash.get(hash).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// The next block on `parent`, at a time in seconds since 1970; its proof of work takes two hashes.
    pub(crate) fn mine(&mut self, parent: BlockId, unix_s: u64) -> BlockId {
        let on = self.get(parent).point;
        let state = on.next_state(&self.parameters);
        let id = BlockId::try_from(self.blocks.len()).expect("runs are shorter");
        let reward = Transaction::reward("miner", state.reward, id.into()).expect("it is within its limits");
        let mut root = [0; 32];
        root[..4].copy_from_slice(&id.to_le_bytes());
        let mut header = Header {
            version: paydirt_ledger::VERSION,
            previous_hash: on.hash,
            merkle_root: MerkleRoot::from_bytes(root),
            time: u32::try_from(unix_s.max(state.earliest_time)).expect("before 2106"),
            nbits: state.nbits,
            nonce: 0,
        };
        while !header.meets_target() {
            header.nonce += 1;
        }
        let point = on
            .next(&self.parameters, header, u64::MAX)
            .expect("it was made by the rules");
        self.by_hash.insert(point.hash, id);
        self.blocks.push(Stored {
            point,
            parent,
            block: Arc::new(Block::new(point.index, header, vec![reward])),
        });
        id
    }
}

/// What a node has of the blocks.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    bits: Vec<u64>,
    /// The branch that counts: the block with index `i` at `i − 1`.
    active: Vec<BlockId>,
}

impl Held {
    pub(crate) fn new() -> Self {
        Self {
            bits: vec![1],
            active: vec![0],
        }
    }

    pub(crate) fn has(&self, id: BlockId) -> bool {
        let word = self.bits.get(id as usize / 64);
        word.is_some_and(|word| word >> (id % 64) & 1 == 1)
    }

    pub(crate) fn tip(&self) -> BlockId {
        *self.active.last().expect("genesis at least")
    }

    /// Takes a block whose parent is there; whether it is the new tip.
    pub(crate) fn add(&mut self, arena: &Arena, id: BlockId) -> bool {
        let word = id as usize / 64;
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        self.bits[word] |= 1 << (id % 64);
        let new = arena.get(id);
        if new.point.work <= arena.get(self.tip()).point.work {
            return false;
        }
        let mut branch = vec![id];
        let mut at = new.parent;
        while !self.is_active(arena, at) {
            branch.push(at);
            at = arena.get(at).parent;
        }
        self.active
            .truncate(usize::try_from(arena.get(at).point.index).expect("it fits"));
        self.active.extend(branch.into_iter().rev());
        true
    }

    fn is_active(&self, arena: &Arena, id: BlockId) -> bool {
        let place = usize::try_from(arena.get(id).point.index - 1).expect("it fits");
        self.active.get(place) == Some(&id)
    }
}

/// A node's chain, as its core sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) arena: &'a Arena,
    pub(crate) held: &'a Held,
}

impl View<'_> {
    fn stored(&self, hash: &BlockHash) -> Option<BlockId> {
        self.arena.id(hash).filter(|id| self.held.has(*id))
    }
}

impl Chain for View<'_> {
    fn parameters(&self) -> &ChainParameters {
        &self.arena.parameters
    }

    fn genesis(&self) -> BlockHash {
        self.arena.get(0).point.hash
    }

    fn tip(&self) -> TipSummary {
        TipSummary::from(&self.arena.get(self.held.tip()).point)
    }

    fn tip_header(&self) -> Header {
        self.arena.get(self.held.tip()).point.header
    }

    fn contains(&self, hash: &BlockHash) -> bool {
        self.stored(hash).is_some()
    }

    fn point(&self, hash: &BlockHash) -> Option<BranchPoint> {
        self.stored(hash).map(|id| self.arena.get(id).point)
    }

    fn locator(&self) -> Vec<BlockHash> {
        let (mut locator, mut step) = (Vec::new(), 1);
        let mut place = self.held.active.len() - 1;
        while place > 0 {
            locator.push(self.arena.get(self.held.active[place]).point.hash);
            if locator.len() >= 10 {
                step *= 2;
            }
            place = place.saturating_sub(step);
        }
        locator.push(self.genesis());
        locator
    }

    fn headers_after(&self, locator: &[BlockHash], limit: usize) -> Vec<Header> {
        let known = locator.iter().filter_map(|hash| self.stored(hash));
        let forks = known.map(|mut id| {
            while !self.held.is_active(self.arena, id) {
                id = self.arena.get(id).parent;
            }
            self.arena.get(id).point.index
        });
        let fork = usize::try_from(forks.max().unwrap_or(1)).expect("it fits");
        let after = self.held.active.iter().skip(fork).take(limit);
        after.map(|id| self.arena.get(*id).point.header).collect()
    }
}
