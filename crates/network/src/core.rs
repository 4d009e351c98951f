//! The decisions of a node among peers: a state machine without sockets, threads or clock.
//!
//! *In:* [`Event`]s, each with the time and the ledger's chain as it is then. *Out:* [`Action`]s.
//!
//! ```text
//! peers      who is one, who is turned away, scores                   book     whom to dial, and when
//! headers    which branch has the most work, before any of its        bodies   blocks, from several peers, in bounded memory
//!            blocks is asked for
//! answers    what others ask                                          transfers  what waits for a block, spread and fetched
//! ```
//!
//! All honest nodes that are connected end at the branch with the most work: each tells its peers of its tip, and asks
//! whoever tells of more work than it has for the headers. A header costs its sender the chain's proof of work, a false claim
//! costs it the connection, and silence moves the question to another peer.

mod answers;
mod bodies;
mod book;
mod candidates;
mod chain;
mod headers;
mod interface;
mod peers;
mod remembered;
mod settings;
mod transfers;
mod watch;

#[cfg(test)]
mod tests;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
    time::Duration,
};

use paydirt_ledger::BlockHash;

use crate::message::{Request, Versions};
use bodies::Bodies;
use book::Book;
pub use book::{BookEntry, GIVEN_WAIT};
use candidates::Candidates;
pub use interface::*;
use peers::{Asked, Bans, Connection, Purpose};
use remembered::Remembered;
pub use settings::{Limits, Settings};
use transfers::Transfers;
pub use watch::{PeerInfo, Sync, SyncState};

/// How often what nobody needs any more is forgotten.
const CLEAN_EVERY: Duration = Duration::from_secs(60);
/// Blocks that broke a rule, or that the ledger has no room for, remembered so that nobody offers them twice.
const REFUSED: usize = 4_096;
/// Announcements that a peer may not have acknowledged yet; a later tip waits, and only the last one is told.
const UNHEARD: usize = 4;

/// What the core wants to be woken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// A peer's time for an answer is over.
    Answer(Peer, RequestId),
    /// A peer's time for its hello is over.
    Hello(Peer),
    /// A peer that was given a rest may be asked again.
    Rested,
    /// Addresses are due.
    Dial,
    /// To try one address more.
    LookFurther,
    /// To forget.
    Clean,
}

/// A node among peers.
#[derive(Debug)]
pub struct Core {
    limits: Limits,
    versions: Versions,
    random: fastrand::Rng,
    now: Now,
    actions: VecDeque<Action>,
    timers: BinaryHeap<Reverse<(Duration, Timer)>>,
    peers: BTreeMap<Peer, Connection>,
    bans: Bans,
    book: Book,
    listen: Vec<Address>,
    candidates: Candidates,
    /// Blocks that broke a rule: whoever offers what stands on them misbehaves.
    invalid: Remembered<BlockHash>,
    /// Blocks for which the ledger has no room.
    unwanted: Remembered<BlockHash>,
    bodies: Bodies,
    transfers: Transfers,
    /// When addresses are looked at next.
    dial_at: Option<Duration>,
    /// The tip that peers were told of last.
    announced: BlockHash,
    next_request: u64,
    next_errand: u64,
    stopping: bool,
    /// The ledger's file failed: nothing is fetched any more.
    halted: bool,
}

impl Core {
    /// A core that knows nobody yet.
    pub fn new(settings: Settings, chain: &impl Chain, now: Now) -> Self {
        let Settings {
            given,
            known,
            limits,
            versions,
            seed,
        } = settings;
        let mut core = Self {
            limits,
            versions,
            random: fastrand::Rng::with_seed(seed),
            now,
            actions: VecDeque::new(),
            timers: BinaryHeap::new(),
            peers: BTreeMap::new(),
            bans: Bans::default(),
            book: Book::new(&given, &known, limits.addresses),
            listen: Vec::new(),
            candidates: Candidates::default(),
            invalid: Remembered::new(REFUSED),
            unwanted: Remembered::new(REFUSED),
            bodies: Bodies::default(),
            transfers: Transfers::default(),
            dial_at: None,
            announced: chain.tip().hash,
            next_request: 0,
            next_errand: 0,
            stopping: false,
            halted: false,
        };
        core.dial_due();
        core.look_further();
        core.wake_in(CLEAN_EVERY, Timer::Clean);
        core
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Now, chain: &impl Chain, event: Event) {
        self.now = now;
        match event {
            Event::Connected {
                peer,
                identity,
                address,
                origin,
                direction,
            } => self.connected(
                chain,
                peer,
                Connection::new(identity, address, origin, direction, now.since_start),
            ),
            Event::Dialled { address, peer } => self.dialled(&address, peer),
            Event::DialFailed { address, is_self } => self.dial_failed(&address, is_self),
            Event::Disconnected(peer) => self.disconnected(chain, peer),
            Event::Asked { peer, id, request } => self.asked(chain, peer, id, request),
            Event::Answered { peer, id, response } => self.answered(chain, peer, id, response),
            Event::Unanswered { peer, id } => self.unanswered(chain, peer, id),
            Event::Malformed { peer, reason } => self.punish(peer, Offence::Malformed(reason)),
            Event::Gossip { id, peer, transfers } => self.gossip(id, peer, transfers),
            Event::Latency(peer, latency) => {
                if let Some(connection) = self.peers.get_mut(&peer) {
                    connection.latency = Some(latency);
                }
            }
            Event::Listening(addresses) => self.listen = addresses,
            Event::Discovered(addresses) => {
                for address in addresses {
                    self.book.hear(address, None);
                }
                self.dial_due();
            }
            Event::ChainChanged => self.chain_changed(chain),
            Event::Submitted(transfers) => self.actions.push_back(Action::Publish(transfers)),
            Event::Judged { errand, outcomes } => self.judged(chain, errand, outcomes),
            Event::Taken { errand, all } => self.taken(errand, all),
            Event::Rebuilt { errand, outcome } => self.rebuilt(chain, errand, outcome),
            Event::Served(peer) => {
                if let Some(connection) = self.peers.get_mut(&peer) {
                    connection.serving = connection.serving.saturating_sub(1);
                }
            }
            Event::Woken => self.woken(chain),
        }
    }

    /// The next thing to be done, if there is any.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When it wants [`Event::Woken`], counted from the driver's beginning.
    pub fn wake_at(&self) -> Option<Duration> {
        self.timers.peek().map(|Reverse((at, _))| *at)
    }

    /// Adds an address to be connected to for good.
    pub fn give(&mut self, now: Now, address: Address) {
        self.now = now;
        self.book.give(address);
        self.dial_due();
    }

    /// Says farewell to all peers; nothing else is done from then on.
    pub fn stop(&mut self) {
        self.stopping = true;
        let all: Vec<_> = self.peers.keys().copied().collect();
        for peer in all {
            self.hang_up(peer, Reason::Stopping);
        }
    }

    fn woken(&mut self, chain: &impl Chain) {
        while let Some(Reverse((at, timer))) = self.timers.peek().copied() {
            if at > self.now.since_start {
                break;
            }
            self.timers.pop();
            match timer {
                Timer::Answer(peer, id) => self.overdue(chain, peer, id),
                Timer::Hello(peer) => self.no_hello(peer),
                Timer::Rested => self.plan(chain),
                Timer::Dial => {
                    self.dial_at = None;
                    self.dial_due();
                }
                Timer::LookFurther => self.look_further(),
                Timer::Clean => self.clean(chain),
            }
        }
    }

    fn clean(&mut self, chain: &impl Chain) {
        let ends: Vec<_> = self.peers.values().filter_map(|peer| peer.known).collect();
        self.candidates.keep(ends.iter().map(|tip| tip.hash), chain);
        self.bans.forget(self.now.since_start);
        self.plan(chain);
        self.actions.push_back(Action::SaveAddresses);
        self.wake_in(CLEAN_EVERY, Timer::Clean);
    }

    /// The ledger has another tip, or one more block aside.
    fn chain_changed(&mut self, chain: &impl Chain) {
        if !self.bodies.is_judging() {
            self.plan(chain); // otherwise when the ledger has judged
        }
        let tip = chain.tip();
        if tip.hash != self.announced {
            self.announced = tip.hash;
            let all: Vec<_> = self.peers.keys().copied().collect();
            for peer in all {
                self.announce(chain, peer);
            }
        }
    }

    /// Tells a peer of the tip; later, if it has not yet heard of the last ones.
    fn announce(&mut self, chain: &impl Chain, peer: Peer) {
        let Some(connection) = self.peers.get_mut(&peer).filter(|peer| peer.is_ready()) else {
            return;
        };
        if connection.unheard >= UNHEARD {
            connection.announce_again = true;
            return;
        }
        connection.unheard += 1;
        connection.announce_again = false;
        let tip = chain.tip();
        connection.told = Some(tip.hash);
        let request = Request::Announce {
            header: chain.tip_header(),
            index: tip.index,
            work: tip.work,
        };
        let id = self.request_id();
        self.actions.push_back(Action::Ask { peer, id, request });
    }

    /// Everything that may be due after something changed: headers, then blocks.
    fn plan(&mut self, chain: &impl Chain) {
        if self.stopping || self.halted {
            return;
        }
        self.ask_headers(chain);
        self.ask_bodies(chain);
    }

    /// Asks a peer; `within` is how long it may take until its answer is overdue.
    fn ask(&mut self, peer: Peer, purpose: Purpose, request: Request, within: Option<Duration>) -> RequestId {
        let id = self.request_id();
        if let Some(connection) = self.peers.get_mut(&peer) {
            let asked = Asked {
                purpose,
                at: self.now.since_start,
                overdue: false,
            };
            connection.asked.insert(id, asked);
            self.actions.push_back(Action::Ask { peer, id, request });
            if let Some(within) = within {
                self.wake_in(within, Timer::Answer(peer, id));
            }
        }
        id
    }

    fn request_id(&mut self) -> RequestId {
        self.next_request += 1;
        RequestId(self.next_request)
    }

    fn errand(&mut self) -> Errand {
        self.next_errand += 1;
        Errand(self.next_errand)
    }

    fn wake_in(&mut self, wait: Duration, timer: Timer) {
        self.timers.push(Reverse((self.now.since_start + wait, timer)));
    }
}
