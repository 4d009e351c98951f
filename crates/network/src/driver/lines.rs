//! Who is connected: one peer a key, however many connections it has.
//!
//! *In:* connections that come and go, and what identify says of them. *Out:* whether the core knows of a peer, and by which
//! number.
//!
//! ```text
//! connected ──► unknown ──(identify: the same genesis)──► a peer: the core is told
//!                  │
//!                  └─────(another genesis, or none, or no word in time)──► hung up on
//! ```

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use libp2p::{PeerId, request_response::OutboundRequestId};

use crate::core::{Address, Direction, Origin, Peer};

/// How long a node may take to say which chain it has.
const IDENTIFY_TIMEOUT: Duration = Duration::from_secs(10);
/// How many strangers are remembered, so that each is named once.
const MAX_NAMED: usize = 1_000;
/// Nodes of one address that may be connected; the core keeps fewer, and tells the others so.
const MAX_OF_ONE_ORIGIN: usize = 16;

/// How far a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody knows yet which chain it has.
    Unknown {
        /// Until when it may say so.
        until: Instant,
    },
    /// The core was told.
    Told(Peer),
    /// It will be hung up on.
    Leaving,
}

/// A node that is connected.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) standing: Standing,
    pub(super) address: Address,
    pub(super) origin: Option<Origin>,
    pub(super) direction: Direction,
    /// Addresses that were dialled and led here, of which the core was not told.
    pub(super) dialled: Vec<Address>,
    /// When it is hung up on; what it sends is not heard any more.
    pub(super) hang_up_at: Option<Instant>,
    /// How long it took to answer, if that was measured before the core knew of it.
    pub(super) latency: Option<Duration>,
    /// Answers that are on their way to it.
    pub(super) answers: usize,
    /// A farewell that it has not acknowledged yet.
    pub(super) farewell: Option<OutboundRequestId>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Lines {
    by_id: HashMap<PeerId, Line>,
    by_peer: HashMap<Peer, PeerId>,
    last: u64,
    /// Nodes of other chains that were named already.
    named: HashSet<PeerId>,
}

impl Lines {
    /// A connection, which may be one more of a node that is there.
    pub(super) fn connected(
        &mut self,
        id: PeerId,
        address: Address,
        origin: Option<Origin>,
        direction: Direction,
    ) -> &mut Line {
        self.by_id.entry(id).or_insert_with(|| Line {
            standing: Standing::Unknown {
                until: Instant::now() + IDENTIFY_TIMEOUT,
            },
            address,
            origin,
            direction,
            dialled: Vec::new(),
            hang_up_at: None,
            latency: None,
            answers: 0,
            farewell: None,
        })
    }

    pub(super) fn get_mut(&mut self, id: &PeerId) -> Option<&mut Line> {
        self.by_id.get_mut(id)
    }

    /// Whether there are so many of one address that another one is hung up on at once.
    pub(super) fn is_crowded(&self, origin: Option<Origin>) -> bool {
        let same = || self.by_id.values().filter(|line| line.origin == origin);
        origin.is_some() && same().count() >= MAX_OF_ONE_ORIGIN
    }

    /// A peer that the core knows and that is heard.
    pub(super) fn peer(&self, id: &PeerId) -> Option<Peer> {
        match self.by_id.get(id)? {
            Line {
                standing: Standing::Told(peer),
                hang_up_at: None,
                ..
            } => Some(*peer),
            _ => None,
        }
    }

    pub(super) fn id(&self, peer: Peer) -> Option<PeerId> {
        self.by_peer.get(&peer).copied()
    }

    /// Gives a line its number.
    pub(super) fn tell(&mut self, id: &PeerId) -> Option<Peer> {
        let line = self.by_id.get_mut(id)?;
        self.last += 1;
        let peer = Peer(self.last);
        line.standing = Standing::Told(peer);
        self.by_peer.insert(peer, *id);
        Some(peer)
    }

    /// The last connection of a node is gone.
    pub(super) fn lost(&mut self, id: &PeerId) -> Option<Line> {
        let line = self.by_id.remove(id)?;
        if let Standing::Told(peer) = line.standing {
            self.by_peer.remove(&peer);
        }
        Some(line)
    }

    /// When the next one is to be hung up on.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.by_id.values().filter_map(due).min()
    }

    /// Those that are to be hung up on now.
    pub(super) fn due(&self, now: Instant) -> Vec<PeerId> {
        let is_due = |line: &Line| due(line).is_some_and(|at| at <= now);
        let due = self.by_id.iter().filter(|(_, line)| is_due(line));
        due.map(|(id, _)| *id).collect()
    }

    /// Whether a node of another chain is to be named: the first time.
    pub(super) fn name(&mut self, id: PeerId) -> bool {
        if self.named.len() >= MAX_NAMED {
            self.named.clear();
        }
        self.named.insert(id)
    }
}

fn due(line: &Line) -> Option<Instant> {
    match (line.hang_up_at, line.standing) {
        (Some(at), _) => Some(at),
        (None, Standing::Unknown { until }) => Some(until),
        (None, _) => None,
    }
}
