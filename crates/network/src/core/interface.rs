//! What enters the core, and what leaves it.
//!
//! *In:* an [`Event`] and the time. *Out:* [`Action`]s, in the order in which they are to be done.
//!
//! Whoever drives a core hands it each event with the ledger's chain as it is then, carries out its actions, and wakes it
//! when it wants to be woken. It answers what it was asked, sooner or later or never: the core has its own limits of time.

use std::{fmt, sync::Arc, time::Duration};

use paydirt_ledger::{
    AddError, Added, Block, BlockHash, BranchPoint, ChainParameters, Header, Identified, Transaction,
    TransactionId, Unchecked,
};

use crate::message::{CompactBlock, Farewell, Request, Response, TipSummary};

/// A connected peer: a number that its driver gives it, never twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer(pub u64);

/// Who a peer proved to be: the text of its key's name. It keeps it when it comes again.
pub type Identity = Arc<str>;

/// Where a node is reached: a multiaddress, in text.
pub type Address = Arc<str>;

/// A request's number, its own among those of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// What is asked of the ledger, by a number of the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Errand(pub u64);

/// A message to all that came in; what becomes of it is said once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GossipId(pub u64);

/// The time of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Since the driver began; never less than before.
    pub since_start: Duration,
    /// What the clock shows, in seconds since 1970.
    pub unix_s: u64,
}

/// Who dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The other.
    Inbound,
    /// This node.
    Outbound,
}

/// The group that limits by address count: one IPv4 address, one IPv6 /64. Loopback has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(pub u128);

/// The ledger's chain at a moment. A node's is its header tree; a simulation has one of its own.
pub trait Chain {
    /// What the chain's genesis states.
    fn parameters(&self) -> &ChainParameters;
    /// The first block.
    fn genesis(&self) -> BlockHash;
    /// The end of the active branch.
    fn tip(&self) -> TipSummary;
    /// The header of the tip.
    fn tip_header(&self) -> Header;
    /// Whether a block is stored, active or not.
    fn contains(&self, hash: &BlockHash) -> bool;
    /// Where a stored block stands.
    fn point(&self, hash: &BlockHash) -> Option<BranchPoint>;
    /// Hashes of active blocks, the highest first, ever fewer, genesis last.
    fn locator(&self) -> Vec<BlockHash>;
    /// The active headers after the last block that a locator and the active branch share: at most `limit`, ascending.
    fn headers_after(&self, locator: &[BlockHash], limit: usize) -> Vec<Header>;
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A peer is connected; nothing was said yet. One that was connected already under the same identity is not told again.
    Connected {
        /// Its number from now on.
        peer: Peer,
        /// Who it proved to be.
        identity: Identity,
        /// Its address, as this node sees it; of an outbound one the address that was dialled.
        address: Address,
        /// Where it comes from; none on this machine.
        origin: Option<Origin>,
        /// Who dialled.
        direction: Direction,
    },
    /// An address was dialled, and a connected peer answers there: one that has just been told of, or that was there before.
    Dialled {
        /// As it was asked for.
        address: Address,
        /// Who answered.
        peer: Peer,
    },
    /// Nobody answers at an address; or this node itself does.
    DialFailed {
        /// As it was asked for.
        address: Address,
        /// It is this node's own.
        is_self: bool,
    },
    /// A peer is gone.
    Disconnected(Peer),
    /// A peer asks.
    Asked {
        /// Who.
        peer: Peer,
        /// By which number it is to be answered.
        id: RequestId,
        /// What.
        request: Request,
    },
    /// A peer answers.
    Answered {
        /// Who.
        peer: Peer,
        /// What it was asked.
        id: RequestId,
        /// What it says.
        response: Response,
    },
    /// A request has no answer, and will have none.
    Unanswered {
        /// Of whom it was asked.
        peer: Peer,
        /// Which.
        id: RequestId,
    },
    /// A peer sent what is no message, or is longer than its kind may be.
    Malformed {
        /// Who.
        peer: Peer,
        /// What was wrong with it.
        reason: String,
    },
    /// A peer passed on transfers, which are within their own limits.
    Gossip {
        /// By which number it is to be judged.
        id: GossipId,
        /// From whom it came last.
        peer: Peer,
        /// What is in it.
        transfers: Vec<Transaction>,
    },
    /// How long a peer takes to answer.
    Latency(Peer, Duration),
    /// This node can be reached at these addresses now.
    Listening(Vec<Address>),
    /// Nodes of this chain were found nearby.
    Discovered(Vec<Address>),
    /// The ledger has another tip, or one more block aside.
    ChainChanged,
    /// Transfers that this node's own clients have submitted wait now.
    Submitted(Vec<Identified>),
    /// [`Action::Judge`] is done: an outcome for each block.
    Judged {
        /// Which.
        errand: Errand,
        /// In the order of the blocks.
        outcomes: Vec<Judgement>,
    },
    /// [`Action::Take`] is done.
    Taken {
        /// Which.
        errand: Errand,
        /// Whether the ledger had room for all of them.
        all: bool,
    },
    /// [`Action::Rebuild`] or [`Action::Fill`] is done.
    Rebuilt {
        /// Which.
        errand: Errand,
        /// What came of it.
        outcome: Rebuilt,
    },
    /// [`Action::Serve`] is done; the answer was sent.
    Served(Peer),
    /// Time has passed.
    Woken,
}

/// What the ledger says of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It took it.
    Added(Added),
    /// It does not take it.
    Refused(AddError),
    /// The transactions are not those that the header commits to: the block's hash is another one's.
    OtherTransactions,
}

/// What became of a compact block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rebuilt {
    /// All of it is here.
    Whole(Block<Unchecked>),
    /// These transactions are not here: positions in the block, ascending.
    Missing(Vec<u16>),
    /// Two transfers share a short id, or what was sent does not make the block.
    Failed,
}

/// What a peer wants of the ledger's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// As [`Request::Blocks`].
    Blocks(Vec<BlockHash>),
    /// As [`Request::Compact`].
    Compact(BlockHash),
    /// As [`Request::Transactions`].
    Transactions(BlockHash, Vec<u16>),
    /// As [`Request::Pending`].
    Pending(u64),
}

/// What is to be done with a message to all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Passed on.
    Accept,
    /// Not passed on; whoever sent it did wrong.
    Reject,
    /// Not passed on.
    Ignore,
}

/// What the core wants done.
#[derive(Clone, Debug)]
pub enum Action {
    /// Connect to an address; answered by [`Event::Dialled`] or [`Event::DialFailed`].
    Dial(Address),
    /// Hang up; answered by [`Event::Disconnected`].
    Disconnect(Peer),
    /// Ask a peer; answered by [`Event::Answered`] or [`Event::Unanswered`].
    Ask {
        /// Whom.
        peer: Peer,
        /// By this number.
        id: RequestId,
        /// What.
        request: Request,
    },
    /// Answer a peer.
    Answer {
        /// Whom.
        peer: Peer,
        /// What it asked.
        id: RequestId,
        /// What it gets.
        response: Response,
    },
    /// Answer a peer with what the ledger has; answered by [`Event::Served`].
    Serve {
        /// Whom.
        peer: Peer,
        /// What it asked.
        id: RequestId,
        /// What it gets.
        wanted: Wanted,
    },
    /// Add blocks to the ledger, in this order; answered by [`Event::Judged`].
    Judge {
        /// By this number.
        errand: Errand,
        /// Parents first.
        blocks: Vec<Block<Unchecked>>,
    },
    /// Let transfers wait in the ledger; answered by [`Event::Taken`].
    Take {
        /// By this number.
        errand: Errand,
        /// Each with a tag.
        transfers: Vec<Transaction>,
    },
    /// Put a compact block together from what waits here; answered by [`Event::Rebuilt`].
    Rebuild {
        /// By this number.
        errand: Errand,
        /// What was sent.
        compact: CompactBlock,
    },
    /// Put the missing transactions into a compact block; answered by [`Event::Rebuilt`].
    Fill {
        /// The number of its [`Action::Rebuild`].
        errand: Errand,
        /// Those that were missing, in their order.
        transactions: Vec<Transaction>,
    },
    /// Forget a compact block: no [`Action::Fill`] will come.
    Drop(Errand),
    /// Tell all peers of transfers.
    Publish(Vec<Identified>),
    /// What becomes of a message to all.
    Judged(GossipId, Verdict),
    /// Keep the address book.
    SaveAddresses,
    /// Tell those who watch the node.
    Tell(Notice),
}

/// What those who watch the node may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A peer has said hello, and is one from now on.
    Joined {
        /// Who.
        identity: Identity,
        /// Where.
        address: Address,
        /// Who dialled.
        direction: Direction,
        /// The version of the protocol that both speak.
        version: u8,
        /// The newest that it speaks.
        newest: u8,
    },
    /// A peer is none any more.
    Left {
        /// Who.
        identity: Identity,
        /// Where.
        address: Address,
        /// Why.
        reason: Reason,
    },
    /// Somebody was turned away before it was a peer.
    TurnedAway {
        /// Where.
        address: Address,
        /// Why.
        reason: Reason,
    },
    /// A branch has more work than the active one, but leaves it too far below its tip to be taken up without being told to.
    TooDeep {
        /// The end of the branch.
        hash: BlockHash,
        /// How far below the tip.
        depth: u64,
        /// How far it may be.
        most: u64,
    },
}

/// Why a peer is hung up on, or was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It hung up, or the line broke.
    Gone,
    /// It said so before it hung up.
    Farewell(Farewell),
    /// Its chain begins with another block.
    OtherGenesis(BlockHash),
    /// It speaks no version that this node speaks.
    OtherVersion {
        /// Its oldest.
        least: u8,
        /// Its newest.
        most: u8,
    },
    /// It was told to stay away for a while.
    Banned,
    /// There is no room for another.
    Full,
    /// It said nothing for too long.
    Silent,
    /// It broke a rule of the protocol.
    Misbehaved(Offence),
    /// This node stops.
    Stopping,
}

/// What a peer did wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offence {
    /// It sent what is no message.
    Malformed(String),
    /// A header whose hash is above its own target.
    NoProofOfWork(BlockHash),
    /// A header or block that breaks a rule.
    BrokenRule(BlockHash, String),
    /// Its branch does not have the work that it said.
    FalseClaim,
    /// It answered something else than it was asked.
    OtherAnswer,
    /// It does not give what it said it has.
    Withheld,
    /// It asked or told before it said hello, or said it twice.
    OutOfTurn,
    /// More than it may send in a while.
    Flood,
    /// It passed on what is no transfer: a reward, or one without a tag.
    BadTransfer(TransactionId),
}

impl fmt::Display for Offence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(reason) => write!(f, "it sent what is no message: {reason}"),
            Self::NoProofOfWork(hash) => write!(f, "header {hash} has no proof of work"),
            Self::BrokenRule(hash, rule) => write!(f, "block {hash}: {rule}"),
            Self::FalseClaim => f.write_str("its branch does not have the work that it claimed"),
            Self::OtherAnswer => f.write_str("it answered what it was not asked"),
            Self::Withheld => f.write_str("it does not give the blocks that it claims to have"),
            Self::OutOfTurn => f.write_str("it spoke before its hello, or said that twice"),
            Self::Flood => f.write_str("it sends more than it may"),
            Self::BadTransfer(id) => write!(f, "transaction {id} is not a transfer with a tag"),
        }
    }
}

impl fmt::Display for Farewell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopping => "it stops",
            Self::OtherGenesis => "its chain has another genesis block",
            Self::OtherVersion => "it speaks other versions of the protocol",
            Self::Full => "it has enough peers",
            Self::Misbehaved => "it says this node misbehaved",
            Self::Silent => "it says this node does not answer",
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("the connection is gone"),
            Self::Farewell(farewell) => farewell.fmt(f),
            Self::OtherGenesis(hash) => {
                write!(
                    f,
                    "its chain has another genesis block, {hash}; it has other parameters"
                )
            }
            Self::OtherVersion { least, most } => {
                write!(f, "it speaks versions {least} to {most} of the protocol only")
            }
            Self::Banned => f.write_str("it is banned for a while"),
            Self::Full => f.write_str("there is no room for another peer"),
            Self::Silent => f.write_str("it does not answer"),
            Self::Misbehaved(offence) => offence.fmt(f),
            Self::Stopping => f.write_str("this node stops"),
        }
    }
}
