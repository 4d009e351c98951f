//! The address book: where nodes are reached, and when each is tried again.
//!
//! *In:* addresses that were given, heard of from peers, or found nearby; what came of dialling them. *Out:* which to dial now.
//!
//! Given ones are tried for good, at most [`GIVEN_WAIT`] after the last time; others ever more rarely. Where there is no room
//! for a new one, that which failed most often and never answered is forgotten. Peers can fill it with no more than a share
//! of its room each.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Address, Identity, Peer};

/// The longest wait between two tries of an address that was given.
pub const GIVEN_WAIT: Duration = Duration::from_secs(15);
/// The longest wait where a node of this chain answered once: a network that was cut finds itself again in this time.
const ANSWERED_WAIT: Duration = Duration::from_secs(120);
/// The longest wait of any other.
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// The most addresses that the book takes of one peer.
const OF_ONE_PEER: usize = 128;

/// An address as it is kept between runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookEntry {
    /// A multiaddress.
    pub address: String,
    /// Whether a node of this chain ever answered there.
    pub answered: bool,
    /// How often it did not since then.
    pub failures: u32,
}

#[derive(Clone, Debug)]
struct Entry {
    given: bool,
    answered: bool,
    failures: u32,
    next_try: Duration,
    avoided_until: Duration,
    dialling: bool,
    /// Who answered there last.
    identity: Option<Identity>,
    heard_from: Option<Peer>,
}

/// Addresses, and how often each is tried.
#[derive(Debug)]
pub(super) struct Book {
    entries: BTreeMap<Address, Entry>,
    /// Those of them that were given.
    given: Vec<Address>,
    most: usize,
}

impl Book {
    pub(super) fn new(given: &[Address], known: &[BookEntry], most: usize) -> Self {
        let mut book = Self {
            entries: BTreeMap::new(),
            given: Vec::new(),
            most,
        };
        for address in given {
            book.give(Address::clone(address));
        }
        for entry in known.iter().take(most) {
            let address = Address::from(entry.address.as_str());
            let known = book
                .entries
                .entry(address)
                .or_insert_with(|| Entry::new(false, None));
            (known.answered, known.failures) = (entry.answered, entry.failures);
        }
        book
    }

    /// What is kept between runs: not what was given, which is given again.
    pub(super) fn entries(&self) -> Vec<BookEntry> {
        let heard = self.entries.iter().filter(|(_, entry)| !entry.given);
        heard
            .map(|(address, entry)| BookEntry {
                address: address.to_string(),
                answered: entry.answered,
                failures: entry.failures,
            })
            .collect()
    }

    /// Adds an address to be tried for good.
    pub(super) fn give(&mut self, address: Address) {
        let entry = self
            .entries
            .entry(Address::clone(&address))
            .or_insert_with(|| Entry::new(true, None));
        entry.given = true;
        entry.next_try = Duration::ZERO;
        if !self.given.contains(&address) {
            self.given.push(address);
        }
    }

    /// Adds one that was heard of; false when there is no room, or it is known.
    pub(super) fn hear(&mut self, address: Address, from: Option<Peer>) -> bool {
        if self.entries.contains_key(&address) {
            return false;
        }
        if let Some(from) = from {
            let heard = self
                .entries
                .values()
                .filter(|entry| entry.heard_from == Some(from));
            if heard.count() >= OF_ONE_PEER {
                return false;
            }
        }
        if self.entries.values().filter(|entry| !entry.given).count() >= self.most {
            let useless =
                |(_, entry): &(&Address, &Entry)| !entry.given && !entry.answered && !entry.dialling;
            let worst = self
                .entries
                .iter()
                .filter(useless)
                .max_by_key(|(_, entry)| entry.failures);
            let Some(worst) = worst.filter(|(_, entry)| entry.failures > 0) else {
                return false;
            };
            let worst = Address::clone(worst.0);
            self.entries.remove(&worst);
        }
        self.entries.insert(address, Entry::new(false, from));
        true
    }

    /// The given addresses that are to be tried now, then others in an order that `random` makes.
    pub(super) fn due(
        &self,
        now: Duration,
        connected: impl Fn(&Identity) -> bool,
        mut random: impl FnMut() -> u64,
    ) -> (Vec<Address>, Vec<Address>) {
        let due = |entry: &Entry| {
            !entry.dialling && entry.next_try <= now && !entry.identity.as_ref().is_some_and(&connected)
        };
        let due = self.entries.iter().filter(|(_, entry)| due(entry));
        let (given, heard): (Vec<_>, Vec<_>) = due.partition(|(_, entry)| entry.given);
        let mut heard: Vec<_> = heard
            .into_iter()
            .map(|(address, entry)| (!entry.answered, random(), Address::clone(address)))
            .collect();
        heard.sort_unstable();
        let given = given
            .into_iter()
            .map(|(address, _)| Address::clone(address))
            .collect();
        (given, heard.into_iter().map(|(_, _, address)| address).collect())
    }

    /// Whether a node was given, under any of its addresses.
    pub(super) fn is_given(&self, identity: &Identity) -> bool {
        self.entries
            .values()
            .any(|entry| entry.given && entry.identity.as_ref() == Some(identity))
    }

    pub(super) fn dialling(&self) -> usize {
        self.entries.values().filter(|entry| entry.dialling).count()
    }

    pub(super) fn dial(&mut self, address: &Address) {
        if let Some(entry) = self.entries.get_mut(address) {
            entry.dialling = true;
        }
    }

    /// Somebody answers there.
    pub(super) fn reached(&mut self, address: &Address, identity: &Identity) {
        if let Some(entry) = self.entries.get_mut(address) {
            entry.dialling = false;
            entry.identity = Some(Identity::clone(identity));
        }
    }

    /// It is a node of this chain.
    pub(super) fn answered(&mut self, identity: &Identity) {
        for entry in self.entries.values_mut() {
            if entry.identity.as_ref() == Some(identity) {
                (entry.answered, entry.failures) = (true, 0);
            }
        }
    }

    /// Nobody answers there, or nobody of use: it is tried again later.
    pub(super) fn failed(&mut self, address: &Address, now: Duration) {
        let Some(entry) = self.entries.get_mut(address) else {
            return;
        };
        entry.fail(now);
    }

    /// A peer was lost, or turned away.
    pub(super) fn lost(&mut self, identity: &Identity, now: Duration) {
        for entry in self.entries.values_mut() {
            if entry.identity.as_ref() == Some(identity) {
                entry.fail(now);
            }
        }
    }

    /// A node of no use: unless it was given, it is not dialled before then.
    pub(super) fn avoid(&mut self, identity: &Identity, until: Duration) {
        for entry in self.entries.values_mut() {
            if entry.identity.as_ref() == Some(identity) && !entry.given {
                entry.avoided_until = until;
            }
        }
    }

    /// It is this node's own.
    pub(super) fn is_own(&mut self, address: &Address) {
        match self.entries.get_mut(address) {
            Some(entry) if entry.given => {
                entry.dialling = false;
                entry.next_try = Duration::MAX;
            }
            _ => {
                self.entries.remove(address);
            }
        }
    }

    /// When the next one is to be tried: of those that were given, or, if there is room for others, of all.
    pub(super) fn next_try(&self, room: bool, connected: impl Fn(&Identity) -> bool) -> Option<Duration> {
        let waiting = self
            .entries
            .values()
            .filter(|entry| !entry.dialling && (room || entry.given));
        let waiting = waiting.filter(|entry| !entry.identity.as_ref().is_some_and(&connected));
        waiting.map(|entry| entry.next_try).min()
    }

    /// Addresses to tell others: of nodes that answered.
    pub(super) fn good(&self) -> impl Iterator<Item = &Address> {
        let good = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.answered && entry.failures == 0);
        good.map(|(address, _)| address)
    }
}

impl Entry {
    fn new(given: bool, heard_from: Option<Peer>) -> Self {
        Self {
            given,
            answered: false,
            failures: 0,
            next_try: Duration::ZERO,
            avoided_until: Duration::ZERO,
            dialling: false,
            identity: None,
            heard_from,
        }
    }

    fn fail(&mut self, now: Duration) {
        self.dialling = false;
        self.failures = self.failures.saturating_add(1);
        let first = if self.given { 1 } else { 30 };
        let most = match (self.given, self.answered) {
            (true, _) => GIVEN_WAIT,
            (false, true) => ANSWERED_WAIT,
            (false, false) => LONGEST_WAIT,
        };
        let wait = Duration::from_secs(first << (self.failures - 1).min(12));
        self.next_try = (now + wait.min(most)).max(self.avoided_until);
    }
}
