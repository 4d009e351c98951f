//! Whom to dial, and when.
//!
//! *In:* the address book, and the slots that are free. *Out:* addresses to dial. Those that were given are dialled for good;
//! beyond them as many as there are slots, and one more each minute.

use std::time::Duration;

use super::{Connection, LOOK_FURTHER_EVERY};
use crate::{
    core::{Action, Address, Core, Direction, Identity, Peer, Reason, Timer},
    message::{MAX_ADDRESSES, Response},
};

impl Core {
    pub(in crate::core) fn dialled(&mut self, address: &Address, peer: Peer) {
        let Some(connection) = self.peers.get(&peer) else {
            return;
        };
        self.book.reached(address, &connection.identity);
        if connection.version.is_some() {
            let identity = Identity::clone(&connection.identity);
            self.book.answered(&identity);
        }
        self.wake_for_dial();
    }

    pub(in crate::core) fn dial_failed(&mut self, address: &Address, is_self: bool) {
        match is_self {
            true => self.book.is_own(address),
            false => self.book.failed(address, self.now.since_start),
        }
        self.wake_for_dial();
    }

    /// Dials what is due: every address that was given, and as many others as there is room for.
    pub(in crate::core) fn dial_due(&mut self) {
        if self.stopping {
            return;
        }
        let connected = |identity: &Identity| self.peers.values().any(|peer| peer.identity == *identity);
        let random = || self.random.u64(..);
        let (given, heard) = self.book.due(self.now.since_start, connected, random);
        let outbound = self
            .peers
            .values()
            .filter(|peer| peer.direction == Direction::Outbound);
        let free = self
            .limits
            .outbound
            .saturating_sub(outbound.count() + self.book.dialling());
        for address in given.into_iter().chain(heard.into_iter().take(free)) {
            self.book.dial(&address);
            self.actions.push_back(Action::Dial(address));
        }
        self.wake_for_dial();
    }

    /// The peers that this node has chosen itself: dialled, but not given.
    fn chosen(&self) -> impl Iterator<Item = (&Peer, &Connection)> {
        let outbound = |peer: &Connection| peer.direction == Direction::Outbound && peer.leaving.is_none();
        let chosen = self.peers.iter().filter(move |(_, peer)| outbound(peer));
        chosen.filter(|(_, peer)| !self.book.is_given(&peer.identity))
    }

    /// Tries one address more than there is room for, and lets go of the chosen peer that was of use longest ago: so that
    /// halves of a network that was cut find each other again, and nobody is surrounded for good.
    pub(in crate::core) fn look_further(&mut self) {
        let now = self.now.since_start;
        let chosen: Vec<_> = self
            .chosen()
            .map(|(peer, connection)| (connection.useful_at, *peer))
            .collect();
        if chosen.len() > self.limits.outbound
            && let Some((_, peer)) = chosen.iter().min()
        {
            self.hang_up(*peer, Reason::Full);
        }
        if chosen.len() >= self.limits.outbound && self.book.dialling() == 0 {
            let connected = |identity: &Identity| self.peers.values().any(|peer| peer.identity == *identity);
            let random = || self.random.u64(..);
            let (_, heard) = self.book.due(now, connected, random);
            if let Some(address) = heard.into_iter().next() {
                self.book.dial(&address);
                self.actions.push_back(Action::Dial(address));
            }
        }
        let jitter = Duration::from_millis(self.random.u64(0..10_000));
        self.wake_in(LOOK_FURTHER_EVERY + jitter, Timer::LookFurther);
    }

    pub(super) fn wake_for_dial(&mut self) {
        let room = self.chosen().count() + self.book.dialling() < self.limits.outbound;
        let connected = |identity: &Identity| self.peers.values().any(|peer| peer.identity == *identity);
        let next_try = self.book.next_try(room, connected);
        let Some(at) = next_try.filter(|at| *at != Duration::MAX) else {
            return;
        };
        // Not at once: what is due and was not dialled waits for room.
        let at = at.max(self.now.since_start + Duration::from_secs(1));
        if self.dial_at.is_none_or(|set| at < set) {
            self.dial_at = Some(at);
            self.wake_in(at - self.now.since_start, Timer::Dial);
        }
    }

    /// A peer's answer with other nodes' addresses.
    pub(in crate::core) fn told_of_peers(&mut self, peer: Peer, addresses: Vec<String>) {
        for address in addresses {
            self.book.hear(Address::from(address), Some(peer));
        }
        self.dial_due();
    }

    /// Addresses for a peer that asks: of nodes that answered.
    pub(in crate::core) fn known_addresses(&mut self) -> Response {
        let mut good: Vec<_> = self.book.good().map(|address| address.to_string()).collect();
        self.random.shuffle(&mut good);
        good.truncate(MAX_ADDRESSES);
        Response::Peers(good)
    }
}
