//! Which branch has the most work, before any of its blocks is asked for.
//!
//! *In:* tips that peers tell of, and headers. *Out:* requests for headers; candidates, each checked; peers that claimed
//! what they do not have, cut off.
//!
//! A claim is a claim: it decides whom to ask first, and nothing else. What a peer's branch really has is known from its
//! headers, of which each has done the chain's work. A few peers are asked at a time, so one that is silent holds up nobody.

use std::time::Duration;

use paydirt_ledger::{BlockHash, BranchPoint, Header, RuleError};

use super::{Chain, Core, Notice, Offence, Peer, Timer, peers::Purpose};
use crate::{
    core::Action,
    message::{MAX_HEADERS, MAX_LOCATOR, Request, TipSummary},
};

impl From<&BranchPoint> for TipSummary {
    fn from(point: &BranchPoint) -> Self {
        Self {
            hash: point.hash,
            index: point.index,
            work: point.work,
        }
    }
}

/// After this time a peer whose branch left the active one too far below is asked again: either may have changed.
const LOOK_AGAIN: Duration = Duration::from_secs(600);

/// How long a peer rests whose headers are of a time to come.
const EARLY_REST: Duration = Duration::from_secs(2);

/// What came of a header.
enum Taken {
    /// It stands here.
    At(TipSummary),
    /// The one before it is not known.
    ParentUnknown,
    /// It is too early for it.
    Later,
    /// Its peer was punished for it.
    Wrong,
}

impl Core {
    /// Where a header that is known stands.
    pub(super) fn point(&self, chain: &impl Chain, hash: &BlockHash) -> Option<BranchPoint> {
        self.candidates.get(hash).copied().or_else(|| chain.point(hash))
    }

    /// A peer tells where it stands.
    pub(super) fn claimed(&mut self, chain: &impl Chain, peer: Peer, tip: TipSummary) {
        if let Some(point) = self.point(chain, &tip.hash) {
            if TipSummary::from(&point) != tip {
                self.punish(peer, Offence::FalseClaim);
                return;
            }
            self.knows(peer, tip);
        }
        if let Some(connection) = self.peers.get_mut(&peer) {
            connection.claim = Some(tip);
        }
    }

    /// The header of a peer's tip is known here.
    fn knows(&mut self, peer: Peer, tip: TipSummary) {
        if let Some(connection) = self.peers.get_mut(&peer) {
            connection.known = Some(tip);
            connection.covers = None;
        }
    }

    /// A peer tells of its new tip: most often of one that is known here.
    pub(super) fn announced(&mut self, chain: &impl Chain, peer: Peer, header: Header, claimed: TipSummary) {
        if chain.contains(&claimed.hash) {
            self.claimed(chain, peer, claimed);
            return;
        }
        // One with as much work is taken too: it is a branch that may win.
        if claimed.work >= chain.tip().work {
            if let Taken::Wrong = self.take_header(chain, peer, header) {
                return;
            }
        } else if !header.meets_target() {
            self.punish(peer, Offence::NoProofOfWork(claimed.hash));
            return;
        }
        self.claimed(chain, peer, claimed);
        // As nearly always near the tip: the block is on its way from another peer already.
        if self.bodies.target() != Some(claimed.hash) || !self.bodies.all_asked() {
            self.plan(chain);
        }
    }

    /// Checks a header and puts it with the others.
    fn take_header(&mut self, chain: &impl Chain, peer: Peer, header: Header) -> Taken {
        let hash = header.hash();
        if let Some(point) = self.point(chain, &hash) {
            return Taken::At(TipSummary::from(&point));
        }
        if self.invalid.contains(&hash) || self.invalid.contains(&header.previous_hash) {
            let reason = "it stands on a block that breaks a rule".to_owned();
            self.punish(peer, Offence::BrokenRule(hash, reason));
            return Taken::Wrong;
        }
        let Some(parent) = self.point(chain, &header.previous_hash) else {
            if !header.meets_target() {
                self.punish(peer, Offence::NoProofOfWork(hash));
                return Taken::Wrong;
            }
            return Taken::ParentUnknown;
        };
        match parent.next(chain.parameters(), header, self.now.unix_s) {
            Ok(point) => {
                self.candidates.insert(point);
                if let Some(connection) = self.peers.get_mut(&peer) {
                    connection.useful_at = self.now.since_start;
                }
                Taken::At(TipSummary::from(&point))
            }
            Err(RuleError::TimeTooNew { .. }) => Taken::Later,
            Err(RuleError::ProofOfWork { .. }) => {
                self.punish(peer, Offence::NoProofOfWork(hash));
                Taken::Wrong
            }
            Err(rule) => {
                self.punish(peer, Offence::BrokenRule(hash, rule.to_string()));
                Taken::Wrong
            }
        }
    }

    /// Whether a peer says that it has more work than this node's tip, on a branch whose end is not known here.
    fn promises(&self, chain: &impl Chain, peer: Peer) -> Option<TipSummary> {
        let connection = self.peers.get(&peer).filter(|peer| peer.is_ready())?;
        let claim = connection.claim?;
        let unknown = claim.work > chain.tip().work && self.point(chain, &claim.hash).is_none();
        let followed = connection.deep_until <= self.now.since_start;
        (unknown && followed).then_some(claim)
    }

    /// Asks a few of the peers that promise the most.
    pub(super) fn ask_headers(&mut self, chain: &impl Chain) {
        let headers = |purpose: &Purpose| *purpose == Purpose::Headers;
        let now = self.now.since_start;
        let tip = chain.tip();
        // Cheap where there is nothing to do, as nearly always.
        let may_promise = |claim: Option<TipSummary>| claim.is_some_and(|claim| claim.work > tip.work);
        let mut promising: Vec<_> = self
            .peers
            .iter()
            .filter(|(_, peer)| may_promise(peer.claim) && peer.rests_until <= now)
            .filter_map(|(peer, connection)| {
                let claim = self.promises(chain, *peer)?;
                let asked = connection.waiting_for(headers) > 0;
                Some((
                    !asked,
                    std::cmp::Reverse(claim.work),
                    connection.late,
                    connection.direction,
                    *peer,
                ))
            })
            .collect();
        if promising.is_empty() || self.candidates.len() + MAX_HEADERS > self.limits.headers_ahead {
            return;
        }
        promising.sort_unstable_by_key(|(unasked, work, late, direction, peer)| {
            let inbound = *direction == super::Direction::Inbound;
            (*unasked, *late, inbound, *work, *peer)
        });
        for (unasked, .., peer) in promising.into_iter().take(self.limits.header_syncs) {
            if unasked {
                let request = Request::Headers {
                    locator: self.locator(chain, peer),
                };
                if let Some(connection) = self.peers.get_mut(&peer) {
                    connection.headers_at = now;
                }
                self.ask(peer, Purpose::Headers, request, Some(self.limits.answer_time));
            }
        }
    }

    /// What is known of a peer's branch, and this node's own: the highest first.
    fn locator(&self, chain: &impl Chain, peer: Peer) -> Vec<BlockHash> {
        let known = self.peers.get(&peer).and_then(|peer| peer.known);
        let best = self.bodies.target().or(known.map(|known| known.hash));
        let known = known
            .map(|known| known.hash)
            .filter(|known| !chain.contains(known));
        let mut locator: Vec<_> = known
            .into_iter()
            .chain(best.filter(|best| !chain.contains(best)))
            .collect();
        locator.dedup();
        locator.extend(chain.locator());
        locator.truncate(MAX_LOCATOR);
        locator
    }

    /// A peer answers with headers.
    pub(super) fn told_of_headers(
        &mut self,
        chain: &impl Chain,
        peer: Peer,
        headers: &[Header],
        tip: TipSummary,
    ) {
        let (mut last, mut too_early) = (None, false);
        for header in headers {
            if last.is_some_and(|last: TipSummary| last.hash != header.previous_hash) {
                self.punish(peer, Offence::OtherAnswer);
                return;
            }
            match self.take_header(chain, peer, *header) {
                Taken::At(point) => {
                    if last.is_none() && self.is_too_deep(chain, peer, &point, tip) {
                        return;
                    }
                    last = Some(point);
                }
                Taken::Later => {
                    too_early = true;
                    break;
                }
                Taken::ParentUnknown => {
                    self.punish(peer, Offence::OtherAnswer);
                    return;
                }
                Taken::Wrong => return,
            }
        }
        if too_early {
            // This node's clock is behind, or the peer's ahead: nobody is blamed, and it is asked again later.
            if let Some(connection) = self.peers.get_mut(&peer) {
                connection.rests_until = self.now.since_start + EARLY_REST;
            }
            self.wake_in(EARLY_REST, Timer::Rested);
        }
        let complete = headers.len() < MAX_HEADERS && !too_early;
        let end = last.or_else(|| self.point(chain, &tip.hash).as_ref().map(TipSummary::from));
        let Some(end) = end else {
            if !too_early {
                self.punish(peer, Offence::FalseClaim);
            }
            return;
        };
        let honest = match complete {
            true => end == tip,
            false => end.work <= tip.work && end.index <= tip.index,
        };
        if !honest {
            self.punish(peer, Offence::FalseClaim);
            return;
        }
        self.knows(peer, end);
        if let Some(connection) = self.peers.get_mut(&peer) {
            connection.claim = Some(tip);
            connection.headers_at = self.now.since_start;
        }
        self.learn_ends(chain);
        self.plan(chain);
    }

    /// A branch that leaves the active one too far below its tip is not looked at: the ledger would not take it.
    fn is_too_deep(&mut self, chain: &impl Chain, peer: Peer, first: &TipSummary, tip: TipSummary) -> bool {
        let depth = (chain.tip().index + 1).saturating_sub(first.index);
        let most = self.limits.fork_depth;
        if depth <= most {
            return false;
        }
        self.candidates.remove(&first.hash);
        let until = self.now.since_start + LOOK_AGAIN;
        if let Some(connection) = self.peers.get_mut(&peer) {
            let told = connection.deep_until > Duration::ZERO;
            connection.claim = Some(tip);
            connection.deep_until = until;
            if !told {
                let hash = tip.hash;
                self.actions
                    .push_back(Action::Tell(Notice::TooDeep { hash, depth, most }));
            }
        }
        true
    }

    /// Headers that came from one peer may be what others told of.
    fn learn_ends(&mut self, chain: &impl Chain) {
        let ends: Vec<_> = self
            .peers
            .iter()
            .filter(|(_, peer)| {
                peer.claim
                    .is_some_and(|claim| peer.known.map(|known| known.hash) != Some(claim.hash))
            })
            .filter_map(|(peer, connection)| Some((*peer, connection.claim?)))
            .collect();
        for (peer, claim) in ends {
            if self.point(chain, &claim.hash).is_some() {
                self.claimed(chain, peer, claim);
            }
        }
    }

    /// Whether headers are on their way of a branch that has more work than `than`, and came along well until now.
    pub(super) fn more_headers_coming(&self, chain: &impl Chain, than: TipSummary) -> bool {
        /// Whoever takes longer holds up nobody.
        const WELL: Duration = Duration::from_secs(3);
        let now = self.now.since_start;
        self.peers.iter().any(|(peer, connection)| {
            connection.waiting_for(|purpose| *purpose == Purpose::Headers) > 0
                && now.saturating_sub(connection.headers_at) < WELL
                && self
                    .promises(chain, *peer)
                    .is_some_and(|claim| claim.work > than.work)
        })
    }
}
