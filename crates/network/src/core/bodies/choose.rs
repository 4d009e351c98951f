//! Which branch is fetched, and which of its blocks is asked of whom.
//!
//! *In:* the ends of peers' branches, what is known of each block on the way. *Out:* requests, few of them to each peer, and
//! no more than memory has room for.

use std::collections::HashMap;

use paydirt_ledger::BlockHash;

use super::{COMPACT_WITHIN, NEAR, State, Step, Wanted};
use crate::{
    core::{
        Action, Chain, Core, Peer,
        peers::{Connection, Purpose},
    },
    message::{MAX_BLOCKS, MAX_BLOCKS_BYTES, Request, TipSummary},
};

impl Core {
    /// Chooses the branch to fetch, asks for its blocks, and gives the ledger what is here.
    pub(in crate::core) fn ask_bodies(&mut self, chain: &impl Chain) {
        if self.candidates.is_empty() && self.bodies.way.is_empty() {
            return;
        }
        self.choose_target(chain);
        self.give_to_ledger();
        self.assign(chain);
    }

    /// The branch with the most work that a peer has, if that is no less than the active one's.
    fn choose_target(&mut self, chain: &impl Chain) {
        while let Some(step) = self.bodies.way.front() {
            if !chain.contains(&step.hash) {
                break;
            }
            let hash = step.hash;
            self.candidates.remove(&hash);
            self.bodies.forget_front();
        }
        let tip = chain.tip();
        let ready = self.peers.values().filter(|peer| peer.is_ready());
        let ends = ready.filter_map(|peer| peer.known);
        let worth = |end: &TipSummary| {
            end.work >= tip.work && !chain.contains(&end.hash) && !self.unwanted.contains(&end.hash)
        };
        // Of equals the one that is being fetched, then the lower hash: the same at every node, and every run.
        let rank = |end: &TipSummary| {
            let current = self.bodies.target == Some(*end);
            (end.work, current, std::cmp::Reverse(end.hash))
        };
        let best = ends.filter(worth).max_by_key(rank);
        if best == self.bodies.target && (best.is_none() || !self.bodies.way.is_empty()) {
            return;
        }
        let Some(best) = best else {
            self.set_way(Vec::new(), None, 0);
            return;
        };
        let old = self.bodies.target();
        let extends = |hash: &BlockHash| Some(*hash) == old && !self.bodies.way.is_empty();
        let way = self
            .candidates
            .way_down(best.hash, |hash| extends(hash) || chain.contains(hash));
        let Some(mut way) = way else {
            return; // its headers were forgotten: its peer is asked for them again
        };
        way.reverse();
        let extended = way
            .first()
            .and_then(|first| self.candidates.parent(first))
            .is_some_and(|parent| extends(&parent));
        if extended {
            self.bodies.way.extend(way.into_iter().map(Step::new));
            self.bodies.target = Some(best);
        } else {
            let first_index = best.index + 1 - way.len() as u64;
            self.set_way(way, Some(best), first_index);
        }
    }

    /// Goes another way; blocks of the old one that are on it too are kept.
    pub(super) fn set_way(&mut self, hashes: Vec<BlockHash>, target: Option<TipSummary>, first_index: u64) {
        let old = std::mem::take(&mut self.bodies.way);
        let mut old: HashMap<_, _> = old.into_iter().map(|step| (step.hash, step)).collect();
        let keep = |hash| old.remove(&hash).unwrap_or_else(|| Step::new(hash));
        self.bodies.way = hashes.into_iter().map(keep).collect();
        for step in old.into_values() {
            self.bodies.account(&step.state);
            if let State::Rebuilding(_, errand) = step.state {
                self.actions.push_back(Action::Drop(errand));
            }
        }
        self.bodies.target = target;
        self.bodies.first_index = first_index;
        self.bodies.number += 1;
    }

    /// The position on the way of the last block that a peer has.
    fn covered(&mut self, chain: &impl Chain, peer: Peer) -> Option<usize> {
        let number = self.bodies.number;
        let connection = self.peers.get(&peer)?;
        let index = match connection.covers {
            Some((of, index)) if of == number => index,
            _ => {
                let index = self.last_common(chain, connection);
                if let Some(connection) = self.peers.get_mut(&peer) {
                    connection.covers = Some((number, index));
                }
                index
            }
        };
        usize::try_from(index?.checked_sub(self.bodies.first_index)?).ok()
    }

    fn last_common(&self, chain: &impl Chain, connection: &Connection) -> Option<u64> {
        let on_way = |hash: &BlockHash, index: u64| {
            let place = index.checked_sub(self.bodies.first_index)?;
            let step = self.bodies.way.get(usize::try_from(place).ok()?)?;
            (step.hash == *hash).then_some(index)
        };
        let known = connection.known?;
        let (mut hash, mut index) = (known.hash, known.index);
        loop {
            if on_way(&hash, index).is_some() {
                return Some(index);
            }
            if chain.contains(&hash) {
                return None;
            }
            hash = self.candidates.parent(&hash)?;
            index -= 1;
        }
    }

    /// Asks peers for what is wanted, as far as memory allows.
    fn assign(&mut self, chain: &impl Chain) {
        let Some(target) = self.bodies.target else { return };
        // A branch is fetched when its headers are all here, unless they come too slowly.
        if self.bodies.way.len() > COMPACT_WITHIN && self.more_headers_coming(chain, target) {
            return;
        }
        let ready: Vec<_> = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.is_ready() && peer.known.is_some())
            .map(|(peer, _)| *peer)
            .collect();
        let mut free: Vec<(Peer, usize, usize)> = Vec::new();
        let mut total = 0;
        for peer in ready {
            let busy = self.peers[&peer].waiting_for(|purpose| matches!(purpose, Purpose::Bodies(_)));
            total += busy;
            let rests = self.peers[&peer].rests_until > self.now.since_start;
            if busy < self.limits.requests_per_peer
                && !rests
                && let Some(last) = self.covered(chain, peer)
            {
                free.push((peer, busy, last));
            }
        }
        let most = self.limits.blocks_ahead.min(NEAR).min(self.bodies.way.len());
        let mut position = 0;
        while position < most && !free.is_empty() {
            if !matches!(self.bodies.way[position].state, State::Wanted) {
                position += 1;
                continue;
            }
            let expected = (total + 1) * MAX_BLOCKS_BYTES + self.bodies.buffered_bytes;
            if position > 0 && (total >= self.limits.requests || expected > self.limits.buffered_bytes) {
                break;
            }
            let (failed, hash) = (self.bodies.way[position].failed, self.bodies.way[position].hash);
            // Whoever is slow with it is not asked twice at a time.
            let is_slow = |peer: &Peer| failed == Some(*peer) && self.peers[peer].may_give(&hash);
            let able = free
                .iter()
                .enumerate()
                .filter(|(_, (peer, _, last))| *last >= position && !is_slow(peer));
            let chosen = able.min_by_key(|(_, (peer, busy, _))| {
                let connection = &self.peers[peer];
                (
                    failed == Some(*peer),
                    *busy,
                    connection.late,
                    connection.latency,
                    *peer,
                )
            });
            let Some((place, (peer, _, last))) = chosen.map(|(place, chosen)| (place, *chosen)) else {
                position += 1;
                continue;
            };
            self.ask_for(peer, position, last);
            total += 1;
            free[place].1 += 1;
            if free[place].1 >= self.limits.requests_per_peer {
                free.swap_remove(place);
            }
        }
    }

    /// Asks a peer for the wanted blocks from a position on, not beyond the last that it has.
    fn ask_for(&mut self, peer: Peer, position: usize, last: usize) {
        let near = self.bodies.way.len() - position <= COMPACT_WITHIN;
        let step = &mut self.bodies.way[position];
        // Near the tip who tells of a block first is asked first, and may be anybody.
        let time = match (near, self.peers[&peer].has_given) {
            (true, true) => self.limits.tip_time,
            (true, false) => self.limits.tip_time / 2,
            (false, _) => self.limits.block_time,
        };
        let within = time * (1 << self.peers[&peer].late.min(3));
        if near && !step.whole {
            step.state = State::Asked(peer);
            let hash = step.hash;
            let purpose = Purpose::Bodies(Wanted::Compact(hash));
            self.ask(peer, purpose, Request::Compact { hash }, Some(within));
            return;
        }
        let usual = self.bodies.usual_bytes.max(256);
        let most = (MAX_BLOCKS_BYTES / usual).clamp(1, MAX_BLOCKS);
        let wanted = self.bodies.way.range_mut(position..=last);
        let wanted = wanted
            .take_while(|step| matches!(step.state, State::Wanted))
            .take(most);
        let mut hashes = Vec::new();
        for step in wanted {
            step.state = State::Asked(peer);
            hashes.push(step.hash);
        }
        let purpose = Purpose::Bodies(Wanted::Whole(hashes.clone()));
        self.ask(peer, purpose, Request::Blocks { hashes }, Some(within));
    }
}
