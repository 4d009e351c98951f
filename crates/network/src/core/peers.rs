//! Who is a peer, who is turned away, and what each has done wrong.
//!
//! *In:* connections, hellos, offences. *Out:* peers that are ready to be asked; farewells and bans.
//!
//! Whoever dialled says hello first. Inbound peers have slots of their own, and each address few of them, so nobody can
//! crowd out those that this node has chosen, nor one address the others. An offence that no honest node commits ends the
//! connection and bans the peer, and its address unless that is this machine's; lesser ones add up, and fade.

mod dialling;
mod scores;

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use paydirt_ledger::BlockHash;

use super::{
    Action, Address, Chain, Core, Direction, Identity, Notice, Offence, Origin, Peer, Reason, RequestId,
    Timer, bodies,
};
use crate::message::{Farewell, Hello, MAX_ADDRESSES, Request, TipSummary};

/// At this score a peer is banned.
const BANNED_AT: u32 = 100;
/// A point fades in this time.
const FADES_IN: Duration = Duration::from_secs(6);
/// Bans that are remembered.
const MOST_BANS: usize = 10_000;
/// Requests that a peer may leave without an answer before it is hung up on.
const UNANSWERED: usize = 24;
/// How often one more address is tried than there is room for.
const LOOK_FURTHER_EVERY: Duration = Duration::from_secs(60);
/// So often more than in time a peer may be late before it is hung up on, and its address left alone for a while.
const LATE: u32 = 5;
/// The same of one that has given nothing yet.
const LATE_AT_FIRST: u32 = 2;
/// A peer's requests: so many points at once, and so many more a second.
const BURST: f64 = 5_000.0;
const POINTS_PER_SECOND: f64 = 2_000.0;

/// What a request was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Hello,
    Headers,
    Bodies(bodies::Wanted),
    Pending,
    Peers,
    Farewell,
}

/// A request that has no answer yet.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) purpose: Purpose,
    /// When it was asked, counted from the driver's beginning.
    pub(super) at: Duration,
    /// It has taken too long.
    pub(super) overdue: bool,
}

/// A connected peer.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) identity: Identity,
    pub(super) address: Address,
    pub(super) origin: Option<Origin>,
    pub(super) direction: Direction,
    pub(super) since: Duration,
    /// The common version, once hello was said.
    pub(super) version: Option<u8>,
    pub(super) listen: Vec<Address>,
    /// Where it says it stands.
    pub(super) claim: Option<TipSummary>,
    /// The last block of its branch of which the header is known here.
    pub(super) known: Option<TipSummary>,
    pub(super) latency: Option<Duration>,
    score: u32,
    scored_at: Duration,
    pub(super) asked: BTreeMap<RequestId, Asked>,
    /// The tip that it was told of last.
    pub(super) told: Option<BlockHash>,
    pub(super) unheard: usize,
    pub(super) announce_again: bool,
    pub(super) serving: usize,
    points: f64,
    points_at: Duration,
    /// It is not asked for anything until then.
    pub(super) rests_until: Duration,
    /// How often it did not answer in time, less the blocks that came in time since.
    pub(super) late: u32,
    /// Whether it ever gave a block that it was asked for.
    pub(super) has_given: bool,
    /// When it connected, or was the first to tell of a header.
    pub(super) useful_at: Duration,
    /// When it was asked for headers last, or sent some.
    pub(super) headers_at: Duration,
    /// Its branch leaves the active one too far below; it is not asked for headers until then.
    pub(super) deep_until: Duration,
    /// The index of the last wanted block that it has, and of which way to which end that was said.
    pub(super) covers: Option<(u64, Option<u64>)>,
    /// Why it is being hung up on.
    pub(super) leaving: Option<Reason>,
}

impl Connection {
    pub(super) fn new(
        identity: Identity,
        address: Address,
        origin: Option<Origin>,
        direction: Direction,
        since: Duration,
    ) -> Self {
        Self {
            identity,
            address,
            origin,
            direction,
            since,
            version: None,
            listen: Vec::new(),
            claim: None,
            known: None,
            latency: None,
            score: 0,
            scored_at: since,
            asked: BTreeMap::new(),
            told: None,
            unheard: 0,
            announce_again: false,
            serving: 0,
            points: BURST,
            points_at: since,
            rests_until: Duration::ZERO,
            late: 0,
            has_given: false,
            useful_at: since,
            headers_at: Duration::ZERO,
            deep_until: Duration::ZERO,
            covers: None,
            leaving: None,
        }
    }

    /// It gave a block that it was asked for.
    pub(super) fn gave(&mut self) {
        self.late = self.late.saturating_sub(1);
        self.has_given = true;
    }

    /// Whether it was late too often. Whoever never gave anything has less patience to spend.
    pub(super) fn is_useless(&self) -> bool {
        self.late >= if self.has_given { LATE } else { LATE_AT_FIRST }
    }

    /// Whether hello was said, and it is not being hung up on.
    pub(super) fn is_ready(&self) -> bool {
        self.version.is_some() && self.leaving.is_none()
    }

    /// Whether it says that it has more work than `tip`, and is believed.
    pub(super) fn promises_more_than(&self, tip: TipSummary, now: Duration) -> bool {
        self.deep_until <= now && self.claim.is_some_and(|claim| claim.work > tip.work)
    }

    pub(super) fn score(&self, now: Duration) -> u32 {
        let faded = now.saturating_sub(self.scored_at).as_secs() / FADES_IN.as_secs();
        self.score
            .saturating_sub(u32::try_from(faded).unwrap_or(u32::MAX))
    }

    /// How many requests of a kind have no answer and are not overdue.
    pub(super) fn waiting_for(&self, kind: impl Fn(&Purpose) -> bool) -> usize {
        let waiting = self.asked.values().filter(|asked| !asked.overdue);
        waiting.filter(|asked| kind(&asked.purpose)).count()
    }

    /// Whether it may still answer with a block that it was asked for.
    pub(super) fn may_give(&self, hash: &BlockHash) -> bool {
        let mut waiting = self.asked.values().filter(|asked| !asked.overdue);
        waiting.any(|asked| match &asked.purpose {
            Purpose::Bodies(wanted) => wanted.holds(hash),
            _ => false,
        })
    }

    /// Takes points for a request; false when it has none left.
    fn pay(&mut self, price: f64, now: Duration) -> bool {
        let more = now.saturating_sub(self.points_at).as_secs_f64() * POINTS_PER_SECOND;
        self.points = (self.points + more).min(BURST);
        self.points_at = now;
        let affordable = self.points >= price;
        if affordable {
            self.points -= price;
        }
        affordable
    }
}

/// Who stays away, and until when.
#[derive(Debug, Default)]
pub(super) struct Bans {
    identities: HashMap<Identity, Duration>,
    origins: HashMap<Origin, Duration>,
}

impl Bans {
    fn ban(&mut self, identity: &Identity, origin: Option<Origin>, until: Duration) {
        if self.identities.len() < MOST_BANS {
            self.identities.insert(Identity::clone(identity), until);
        }
        if let Some(origin) = origin
            && self.origins.len() < MOST_BANS
        {
            self.origins.insert(origin, until);
        }
    }

    pub(super) fn holds(&self, identity: &Identity, origin: Option<Origin>, now: Duration) -> bool {
        let of_identity = self.identities.get(identity);
        let of_origin = origin.and_then(|origin| self.origins.get(&origin));
        of_identity.into_iter().chain(of_origin).any(|until| *until > now)
    }

    pub(super) fn forget(&mut self, now: Duration) {
        self.identities.retain(|_, until| *until > now);
        self.origins.retain(|_, until| *until > now);
    }
}

impl Core {
    pub(super) fn connected(&mut self, chain: &impl Chain, peer: Peer, connection: Connection) {
        let now = self.now.since_start;
        let refusal = match connection.direction {
            _ if self.stopping => Some(Reason::Stopping),
            _ if self.bans.holds(&connection.identity, connection.origin, now) => Some(Reason::Banned),
            Direction::Inbound => self.no_room_for(&connection),
            Direction::Outbound => None,
        };
        let dialled = connection.direction == Direction::Outbound;
        self.peers.insert(peer, connection);
        if let Some(reason) = refusal {
            self.hang_up(peer, reason);
            return;
        }
        self.wake_in(self.limits.answer_time, Timer::Hello(peer));
        if dialled {
            let hello = self.hello(chain, peer);
            self.ask(peer, Purpose::Hello, Request::Hello(hello), None);
        }
    }

    /// Why an inbound peer finds no room. One of an address with more than its share makes room for one of another.
    fn no_room_for(&mut self, newcomer: &Connection) -> Option<Reason> {
        let inbound = || {
            let peers = self.peers.iter();
            peers.filter(|(_, peer)| peer.direction == Direction::Inbound && peer.leaving.is_none())
        };
        let of = |origin: Option<Origin>| inbound().filter(|(_, peer)| peer.origin == origin).count();
        if newcomer.origin.is_some() && of(newcomer.origin) >= self.limits.inbound_per_origin {
            return Some(Reason::Full);
        }
        if inbound().count() < self.limits.inbound {
            return None;
        }
        let crowded = inbound().max_by_key(|(_, peer)| (of(peer.origin), peer.since))?;
        let (victim, origin) = (*crowded.0, crowded.1.origin);
        if origin == newcomer.origin || of(origin) <= of(newcomer.origin) + 1 {
            return Some(Reason::Full);
        }
        self.hang_up(victim, Reason::Full);
        None
    }

    /// This node's own, for a peer.
    pub(super) fn hello(&mut self, chain: &impl Chain, peer: Peer) -> Hello {
        if let Some(connection) = self.peers.get_mut(&peer) {
            connection.told = Some(chain.tip().hash);
        }
        Hello {
            versions: self.versions,
            genesis: chain.genesis(),
            tip: chain.tip(),
            listen: self
                .listen
                .iter()
                .take(MAX_ADDRESSES)
                .map(|address| address.to_string())
                .collect(),
        }
    }

    /// What each side does with the other's hello.
    pub(super) fn greeted(&mut self, chain: &impl Chain, peer: Peer, hello: Hello) -> bool {
        let Some(connection) = self.peers.get_mut(&peer) else {
            return false;
        };
        if connection.version.is_some() {
            self.punish(peer, Offence::OutOfTurn);
            return false;
        }
        if hello.genesis != chain.genesis() {
            self.hang_up(peer, Reason::OtherGenesis(hello.genesis));
            return false;
        }
        let Some(version) = self.versions.common(hello.versions) else {
            let (least, most) = (hello.versions.least, hello.versions.most);
            self.hang_up(peer, Reason::OtherVersion { least, most });
            return false;
        };
        connection.version = Some(version);
        connection.listen = hello
            .listen
            .iter()
            .map(|address| Address::from(address.as_str()))
            .collect();
        let notice = Notice::Joined {
            identity: Identity::clone(&connection.identity),
            address: Address::clone(&connection.address),
            direction: connection.direction,
            version,
            newest: hello.versions.most,
        };
        let (identity, outbound) = (
            Identity::clone(&connection.identity),
            connection.direction == Direction::Outbound,
        );
        let heard = connection.listen.clone();
        self.book.answered(&identity);
        for address in heard {
            if self.book.hear(Address::clone(&address), Some(peer)) {
                self.book.reached(&address, &identity);
                self.book.answered(&identity);
            }
        }
        self.actions.push_back(Action::Tell(notice));
        if outbound {
            self.ask(peer, Purpose::Peers, Request::Peers, None);
        }
        self.claimed(chain, peer, hello.tip);
        true
    }

    /// What comes after the greeting: what each wants of the other.
    pub(super) fn begin(&mut self, chain: &impl Chain, peer: Peer) {
        self.want_pending(peer);
        let told = self.peers.get(&peer).and_then(|peer| peer.told);
        if told != Some(chain.tip().hash) {
            self.announce(chain, peer);
        }
        self.plan(chain);
    }

    pub(super) fn no_hello(&mut self, peer: Peer) {
        if self
            .peers
            .get(&peer)
            .is_some_and(|peer| peer.version.is_none() && peer.leaving.is_none())
        {
            self.hang_up(peer, Reason::Silent);
        }
    }

    /// Tells a peer why, and hangs up.
    pub(super) fn hang_up(&mut self, peer: Peer, reason: Reason) {
        let Some(connection) = self.peers.get_mut(&peer).filter(|peer| peer.leaving.is_none()) else {
            return;
        };
        let farewell = match &reason {
            Reason::Stopping => Some(Farewell::Stopping),
            Reason::OtherGenesis(_) => Some(Farewell::OtherGenesis),
            Reason::OtherVersion { .. } => Some(Farewell::OtherVersion),
            Reason::Full => Some(Farewell::Full),
            Reason::Banned | Reason::Misbehaved(_) => Some(Farewell::Misbehaved),
            Reason::Silent => Some(Farewell::Silent),
            Reason::Gone | Reason::Farewell(_) => None,
        };
        connection.leaving = Some(reason);
        if let Some(farewell) = farewell {
            self.ask(peer, Purpose::Farewell, Request::Farewell(farewell), None);
        }
        self.actions.push_back(Action::Disconnect(peer));
    }

    pub(super) fn disconnected(&mut self, chain: &impl Chain, peer: Peer) {
        let Some(connection) = self.peers.remove(&peer) else {
            return;
        };
        let reason = connection.leaving.clone().unwrap_or(Reason::Gone);
        let (identity, address) = (connection.identity, connection.address);
        if matches!(reason, Reason::Banned | Reason::Misbehaved(_)) {
            let until = self.now.since_start + self.limits.ban_time;
            self.book.avoid(&identity, until);
        }
        self.book.lost(&identity, self.now.since_start);
        for (_, asked) in connection.asked {
            self.let_go(peer, asked.purpose);
        }
        let notice = match connection.version {
            Some(_) => Notice::Left {
                identity,
                address,
                reason,
            },
            None => Notice::TurnedAway { address, reason },
        };
        self.actions.push_back(Action::Tell(notice));
        self.wake_for_dial();
        self.plan(chain);
    }
}
