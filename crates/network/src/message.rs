//! What peers say to each other, and its bytes.
//!
//! *In:* a [`Request`] or a [`Response`]. *Out:* its bytes; and back, or why they are none.
//!
//! ```text
//! byte 0        1      2 …
//!      │version │ kind │ what the kind says; numbers little-endian, hashes as the digest puts them out
//! ```
//!
//! Each message is one libp2p substream's: a request one way, a response the other. Its length is bounded by its kind
//! before anything of it is read ([`MAX_REQUEST_BYTES`], [`MAX_RESPONSE_BYTES`]), and every list in it by its own limit.
//! `docs/network.md` has the tables.

mod bytes;
mod decode;
mod encode;
#[cfg(test)]
mod tests;

pub use decode::{DecodeError, decode_transfers};
pub use encode::encode_transfers;

use paydirt_ledger::{Block, BlockHash, Header, Transaction, Unchecked, Work};

/// The versions of the protocol that this program speaks.
pub const VERSIONS: Versions = Versions { least: 1, most: 1 };

/// The most headers of one [`Response::Headers`].
pub const MAX_HEADERS: usize = 2_000;
/// The most hashes of a locator: ten, then a halving of ever more blocks each.
pub const MAX_LOCATOR: usize = 80;
/// The most blocks that are asked for at once.
pub const MAX_BLOCKS: usize = 128;
/// Blocks beyond this many bytes in all are left out of an answer, but never the first.
pub const MAX_BLOCKS_BYTES: usize = 1 << 20;
/// The most transfers of a block that are asked for one by one.
pub const MAX_POSITIONS: usize = 10_000;
/// Transfers beyond this many bytes in all are left out of a page of those that wait, or of one message to all.
pub const MAX_PENDING_BYTES: usize = 256 << 10;
/// The most transfers of a page of those that wait, or of one message to all.
pub const MAX_TRANSFERS: usize = 5_000;
/// The most addresses of a peer, and of an answer.
pub const MAX_ADDRESSES: usize = 64;
/// The most bytes of an address.
pub const MAX_ADDRESS_BYTES: usize = 256;

/// The most bytes of a request.
pub const MAX_REQUEST_BYTES: usize = 64 << 10;
/// The most bytes of a response: a page of blocks, and the largest block beside it.
pub const MAX_RESPONSE_BYTES: usize = 4 << 20;
/// The most bytes of one message to all.
pub const MAX_GOSSIP_BYTES: usize = MAX_PENDING_BYTES + 4096;

/// Versions of the protocol, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The oldest.
    pub least: u8,
    /// The newest.
    pub most: u8,
}

impl Versions {
    /// The newest that both speak.
    pub fn common(self, other: Self) -> Option<u8> {
        let newest = self.most.min(other.most);
        (newest >= self.least.max(other.least)).then_some(newest)
    }
}

/// The end of a branch, as its node tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TipSummary {
    /// Its last block.
    pub hash: BlockHash,
    /// That block's index: 1 for genesis.
    pub index: u64,
    /// Of the whole branch.
    pub work: Work,
}

/// What each side says first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The versions it speaks.
    pub versions: Versions,
    /// The first block of its chain, which names the chain's parameters.
    pub genesis: BlockHash,
    /// Where it stands.
    pub tip: TipSummary,
    /// Where others reach it: multiaddresses.
    pub listen: Vec<String>,
}

/// What one peer asks or tells another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The first message of whoever dialled; answered by [`Response::Hello`].
    Hello(Hello),
    /// The headers after the last block of the locator that the other's branch has; answered by [`Response::Headers`].
    Headers {
        /// Hashes of a branch, the highest first.
        locator: Vec<BlockHash>,
    },
    /// Blocks by their hashes; answered by [`Response::Blocks`].
    Blocks {
        /// At most [`MAX_BLOCKS`].
        hashes: Vec<BlockHash>,
    },
    /// The block that has just become the sender's tip; answered by [`Response::Heard`].
    Announce {
        /// Its header.
        header: Header,
        /// Its index.
        index: u64,
        /// Of its whole branch.
        work: Work,
    },
    /// A block without what the other has waiting; answered by [`Response::Compact`], or [`Response::Blocks`] when it is
    /// small.
    Compact {
        /// Which block.
        hash: BlockHash,
    },
    /// Transactions of a block; answered by [`Response::Transactions`].
    Transactions {
        /// Which block.
        hash: BlockHash,
        /// Where they stand in it, ascending: 0 is the reward.
        positions: Vec<u16>,
    },
    /// A page of the transfers that wait; answered by [`Response::Pending`].
    Pending {
        /// Where it begins: 0, then what the page before says.
        cursor: u64,
    },
    /// Other nodes' addresses; answered by [`Response::Peers`].
    Peers,
    /// Why the sender is about to hang up; answered by [`Response::Heard`].
    Farewell(Farewell),
}

/// Why a node hangs up, as it tells the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// It stops.
    Stopping,
    /// The other's chain begins with another block.
    OtherGenesis,
    /// They speak no common version.
    OtherVersion,
    /// It has enough peers.
    Full,
    /// The other broke a rule of the protocol.
    Misbehaved,
    /// The other did not answer.
    Silent,
}

/// What a peer answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// To [`Request::Hello`].
    Hello(Hello),
    /// To [`Request::Headers`].
    Headers {
        /// In ascending order, without gaps, from the block after the fork: at most [`MAX_HEADERS`].
        headers: Vec<Header>,
        /// Where the branch ends.
        tip: TipSummary,
    },
    /// To [`Request::Blocks`]: the first of those that were asked for, in their order, as many as have
    /// [`MAX_BLOCKS_BYTES`], at least one; none if the first is not there.
    Blocks(Vec<Block<Unchecked>>),
    /// To [`Request::Compact`].
    Compact(CompactBlock),
    /// To [`Request::Transactions`]: all of them, in their order; none if the block is not there.
    Transactions(Vec<Transaction>),
    /// To [`Request::Pending`].
    Pending {
        /// At most [`MAX_TRANSFERS`] of at most [`MAX_PENDING_BYTES`].
        transfers: Vec<Transaction>,
        /// Where the next page begins; 0 after the last.
        next: u64,
    },
    /// To [`Request::Peers`]: at most [`MAX_ADDRESSES`].
    Peers(Vec<String>),
    /// To what asks for nothing.
    Heard,
    /// Not now: too many requests at a time.
    Busy,
}

/// A block by the short ids of its transfers (after BIP 152): who has most of them waiting asks for the rest alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompactBlock {
    /// Its header.
    pub header: Header,
    /// Its index.
    pub index: u64,
    /// What keys the short ids: the sender's choice, so that nobody can prepare two transfers that share one.
    pub key: u64,
    /// Its first transaction, which nobody can have waiting.
    pub reward: Transaction,
    /// One for each transaction after the reward: 48 bits.
    pub short_ids: Vec<u64>,
}
