//! What others ask, and what they answer.
//!
//! *In:* requests and responses. *Out:* answers at once where the chain's headers have them; errands for the rest; each
//! response given to whoever asked for it.

use super::{
    Action, Chain, Core, Direction, Offence, Peer, Reason, RequestId, Wanted, bodies,
    peers::{Asked, Purpose},
};
use crate::message::{MAX_HEADERS, Request, Response, TipSummary};

/// What a request costs of a peer's points.
fn price(request: &Request) -> f64 {
    match request {
        Request::Hello(_) | Request::Farewell(_) | Request::Announce { .. } => 1.0,
        Request::Compact { .. } | Request::Transactions { .. } => 2.0,
        Request::Headers { .. } | Request::Blocks { .. } | Request::Pending { .. } => 5.0,
        Request::Peers => 50.0,
    }
}

impl Core {
    /// A peer asks.
    pub(super) fn asked(&mut self, chain: &impl Chain, peer: Peer, id: RequestId, request: Request) {
        let Some(connection) = self.peers.get(&peer) else {
            return;
        };
        // Whoever was dialled may ask as soon as it has answered hello, and that answer may come later than this.
        let is_greeted = connection.version.is_some() || connection.direction == Direction::Outbound;
        // Two that dial each other at once both say hello, and may have the answer before the question.
        let have_crossed = connection.version.is_some() && connection.direction == Direction::Outbound;
        let is_leaving = connection.leaving.is_some();
        let answer = |core: &mut Self, response| {
            core.actions.push_back(Action::Answer { peer, id, response });
        };
        if is_leaving {
            return answer(self, Response::Busy);
        }
        match request {
            Request::Hello(_) | Request::Farewell(_) => {}
            _ if !is_greeted => {
                self.punish(peer, Offence::OutOfTurn);
                return answer(self, Response::Busy);
            }
            _ if !self.may_ask(peer, price(&request)) => return answer(self, Response::Busy),
            _ => {}
        }
        match request {
            Request::Hello(hello) => {
                let own = self.hello(chain, peer);
                answer(self, Response::Hello(own)); // also to those that are turned away: both sides know why
                if have_crossed {
                    self.may_ask(peer, 1.0);
                } else if self.greeted(chain, peer, hello) {
                    self.begin(chain, peer);
                }
            }
            Request::Headers { locator } => {
                let headers = chain.headers_after(&locator, MAX_HEADERS);
                let tip = chain.tip();
                answer(self, Response::Headers { headers, tip });
            }
            Request::Announce { header, index, work } => {
                answer(self, Response::Heard);
                let hash = header.hash();
                self.announced(chain, peer, header, TipSummary { hash, index, work });
            }
            Request::Blocks { hashes } => self.serve(peer, id, Wanted::Blocks(hashes)),
            Request::Compact { hash } => self.serve(peer, id, Wanted::Compact(hash)),
            Request::Transactions { hash, positions } => {
                self.serve(peer, id, Wanted::Transactions(hash, positions));
            }
            Request::Pending { cursor } => self.serve(peer, id, Wanted::Pending(cursor)),
            Request::Peers => {
                let known = self.known_addresses();
                answer(self, known);
            }
            Request::Farewell(farewell) => {
                answer(self, Response::Heard);
                if let Some(connection) = self.peers.get_mut(&peer) {
                    connection.leaving = Some(Reason::Farewell(farewell));
                }
                self.actions.push_back(Action::Disconnect(peer));
            }
        }
    }

    /// Sends for what the ledger's file has.
    fn serve(&mut self, peer: Peer, id: RequestId, wanted: Wanted) {
        let most = self.limits.serving_per_peer;
        match self.peers.get_mut(&peer).filter(|peer| peer.serving < most) {
            Some(connection) => {
                connection.serving += 1;
                self.actions.push_back(Action::Serve { peer, id, wanted });
            }
            None => {
                let response = Response::Busy;
                self.actions.push_back(Action::Answer { peer, id, response });
            }
        }
    }

    /// A peer answers.
    pub(super) fn answered(&mut self, chain: &impl Chain, peer: Peer, id: RequestId, response: Response) {
        let Some(connection) = self.peers.get_mut(&peer) else {
            return;
        };
        let Some(Asked { purpose, .. }) = connection.asked.remove(&id) else {
            self.heard(chain, peer); // announcements alone are not kept
            return;
        };
        if connection.leaving.is_some() {
            return;
        }
        match (purpose, response) {
            (Purpose::Hello, Response::Hello(hello)) => {
                // Unless its own hello came first: then nothing in it is new.
                if connection.version.is_none() && self.greeted(chain, peer, hello) {
                    self.begin(chain, peer);
                }
            }
            (Purpose::Headers, Response::Headers { headers, tip }) => {
                self.told_of_headers(chain, peer, &headers, tip);
            }
            (Purpose::Bodies(bodies::Wanted::Whole(asked)), Response::Blocks(blocks)) => {
                self.told_of_blocks(chain, peer, &asked, blocks);
            }
            (Purpose::Bodies(bodies::Wanted::Compact(hash)), Response::Compact(compact)) => {
                self.told_of_compact(chain, peer, hash, compact);
            }
            (Purpose::Bodies(bodies::Wanted::Compact(hash)), Response::Blocks(blocks)) => {
                self.told_of_blocks(chain, peer, &[hash], blocks);
            }
            (Purpose::Bodies(bodies::Wanted::Missing(hash, errand, count)), Response::Transactions(sent)) => {
                self.told_of_missing(chain, peer, (hash, errand, count), sent);
            }
            (Purpose::Pending, Response::Pending { transfers, next }) => {
                self.told_of_pending(peer, transfers, next);
            }
            (Purpose::Peers, Response::Peers(addresses)) => self.told_of_peers(peer, addresses),
            (Purpose::Farewell, _) | (Purpose::Peers, Response::Busy) => {}
            (purpose, Response::Busy) => {
                self.was_late(peer);
                self.no_answer(chain, peer, purpose);
            }
            (purpose, _) => {
                self.punish(peer, Offence::OtherAnswer);
                self.no_answer(chain, peer, purpose);
            }
        }
    }

    /// A request will have no answer.
    pub(super) fn unanswered(&mut self, chain: &impl Chain, peer: Peer, id: RequestId) {
        let Some(connection) = self.peers.get_mut(&peer) else {
            return;
        };
        let Some(Asked { purpose, overdue, .. }) = connection.asked.remove(&id) else {
            self.heard(chain, peer);
            return;
        };
        match purpose {
            Purpose::Hello => self.hang_up(peer, Reason::Silent),
            Purpose::Farewell | Purpose::Peers => {}
            purpose if !overdue => {
                self.was_late(peer);
                self.no_answer(chain, peer, purpose);
            }
            _ => {}
        }
    }

    fn no_answer(&mut self, chain: &impl Chain, peer: Peer, purpose: Purpose) {
        if purpose == Purpose::Pending {
            self.pending_done(peer);
        }
        self.let_go(peer, purpose);
        self.plan(chain);
    }

    /// A peer knows of the tip that it was told of.
    fn heard(&mut self, chain: &impl Chain, peer: Peer) {
        if let Some(connection) = self.peers.get_mut(&peer) {
            connection.unheard = connection.unheard.saturating_sub(1);
            if connection.announce_again {
                self.announce(chain, peer);
            }
        }
    }
}
