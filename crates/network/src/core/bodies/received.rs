//! Blocks as they come, whole or compact, or do not.
//!
//! *In:* answers, and requests that have none. *Out:* blocks that are here; blocks that are wanted once more, of another peer.

use std::time::Duration;

use paydirt_ledger::{Block, BlockHash, Transaction, Unchecked};

use super::{NEAR, Source, State, Step, Wanted};
use crate::{
    core::{Action, Chain, Core, Errand, Offence, Peer, Rebuilt, RequestId, Timer, peers::Purpose},
    message::{CompactBlock, Request},
};

impl Core {
    /// Blocks as they were asked for: the first of them, at least one.
    pub(in crate::core) fn told_of_blocks(
        &mut self,
        chain: &impl Chain,
        peer: Peer,
        asked: &[BlockHash],
        blocks: Vec<Block<Unchecked>>,
    ) {
        let in_order = blocks
            .iter()
            .zip(asked)
            .all(|(block, hash)| block.hash() == *hash);
        if blocks.len() > asked.len() || !in_order {
            self.punish(peer, Offence::OtherAnswer);
        } else if blocks.is_empty() {
            self.withheld(chain, peer);
        } else {
            let source = Source { peer, rebuilt: false };
            if let Some(connection) = self.peers.get_mut(&peer) {
                connection.gave();
            }
            for block in blocks {
                let hash = block.hash();
                self.bodies.put(&hash, block, source);
            }
        }
        self.want_again(peer, asked);
        self.plan(chain);
    }

    /// A peer does not have the block that it said it has: it may have left that branch, or never had it.
    fn withheld(&mut self, chain: &impl Chain, peer: Peer) {
        self.punish(peer, Offence::Withheld);
        if let Some(connection) = self.peers.get_mut(&peer) {
            connection.known = None;
            connection.covers = None;
            connection.claim = connection.claim.filter(|claim| claim.work > chain.tip().work);
            connection.rests_until = self.now.since_start + Duration::from_secs(1);
            self.wake_in(Duration::from_secs(1), Timer::Rested);
        }
    }

    /// What a peer was asked for and did not give.
    fn want_again(&mut self, peer: Peer, hashes: &[BlockHash]) {
        for hash in hashes {
            if let Some(step) = self.bodies.step(hash)
                && matches!(step.state, State::Asked(of) if of == peer)
            {
                self.bodies.want(hash, Some(peer));
            }
        }
    }

    /// A block in its compact form.
    pub(in crate::core) fn told_of_compact(
        &mut self,
        chain: &impl Chain,
        peer: Peer,
        hash: BlockHash,
        compact: CompactBlock,
    ) {
        if compact.header.hash() != hash {
            self.punish(peer, Offence::OtherAnswer);
            self.want_again(peer, &[hash]);
            self.plan(chain);
            return;
        }
        if let Some(connection) = self.peers.get_mut(&peer) {
            connection.gave();
        }
        let wanted = |step: &&mut Step| matches!(step.state, State::Asked(_) | State::Wanted);
        let errand = Errand(self.next_errand + 1);
        if let Some(step) = self.bodies.step(&hash).filter(wanted) {
            step.state = State::Rebuilding(peer, errand);
            self.next_errand += 1;
            self.actions.push_back(Action::Rebuild { errand, compact });
        }
    }

    /// The transactions that a compact block lacked.
    pub(in crate::core) fn told_of_missing(
        &mut self,
        chain: &impl Chain,
        peer: Peer,
        (hash, errand, count): (BlockHash, Errand, usize),
        transactions: Vec<Transaction>,
    ) {
        let is_this = |step: &Step| matches!(step.state, State::Rebuilding(_, of) if of == errand);
        let wanted = self.bodies.step(&hash).is_some_and(|step| is_this(step));
        if transactions.len() == count && wanted {
            self.actions.push_back(Action::Fill { errand, transactions });
            return;
        }
        if transactions.is_empty() {
            self.withheld(chain, peer);
        } else if transactions.len() != count {
            self.punish(peer, Offence::OtherAnswer);
        }
        if wanted {
            self.give_up_rebuilding(&hash, errand);
        }
        self.plan(chain);
    }

    fn give_up_rebuilding(&mut self, hash: &BlockHash, errand: Errand) {
        self.actions.push_back(Action::Drop(errand));
        if let Some(step) = self.bodies.step(hash) {
            step.whole = true;
        }
        self.bodies.want(hash, None);
    }

    /// What became of a compact block.
    pub(in crate::core) fn rebuilt(&mut self, chain: &impl Chain, errand: Errand, outcome: Rebuilt) {
        let mut near = self.bodies.way.iter().take(NEAR);
        let found = near.find_map(|step| match step.state {
            State::Rebuilding(peer, of) if of == errand => Some((step.hash, peer)),
            _ => None,
        });
        let Some((hash, peer)) = found else {
            self.actions.push_back(Action::Drop(errand)); // nobody waits for it any more
            return;
        };
        match outcome {
            Rebuilt::Whole(block) if block.hash() == hash => {
                self.bodies.put(&hash, block, Source { peer, rebuilt: true });
            }
            Rebuilt::Missing(positions) if self.peers.contains_key(&peer) => {
                let wanted = Wanted::Missing(hash, errand, positions.len());
                let request = Request::Transactions { hash, positions };
                self.ask(
                    peer,
                    Purpose::Bodies(wanted),
                    request,
                    Some(self.limits.block_time),
                );
            }
            _ => self.give_up_rebuilding(&hash, errand),
        }
        self.plan(chain);
    }

    /// A request for blocks is overdue, or will have no answer: others are asked.
    pub(in crate::core) fn bodies_failed(&mut self, peer: Peer, wanted: &Wanted) {
        match wanted {
            Wanted::Whole(hashes) => self.want_again(peer, hashes),
            Wanted::Compact(hash) => self.want_again(peer, &[*hash]),
            Wanted::Missing(hash, errand, _) => {
                let is_this = |step: &Step| matches!(step.state, State::Rebuilding(_, of) if of == *errand);
                if self.bodies.step(hash).is_some_and(|step| is_this(step)) {
                    self.give_up_rebuilding(hash, *errand);
                    self.bodies.want(hash, Some(peer));
                }
            }
        }
    }

    /// A purpose whose peer is gone.
    pub(in crate::core) fn let_go(&mut self, peer: Peer, purpose: Purpose) {
        if let Purpose::Bodies(wanted) = purpose {
            self.bodies_failed(peer, &wanted);
        }
    }

    /// The request of a peer for which it is not to be asked again soon.
    pub(in crate::core) fn overdue(&mut self, chain: &impl Chain, peer: Peer, id: RequestId) {
        let Some(connection) = self.peers.get_mut(&peer) else {
            return;
        };
        let patience = self.limits.block_time * (1 << connection.late.min(3));
        let Some(asked) = connection.asked.get_mut(&id).filter(|asked| !asked.overdue) else {
            return;
        };
        let (purpose, age) = (asked.purpose.clone(), self.now.since_start - asked.at);
        if matches!(purpose, Purpose::Bodies(_)) && age < patience {
            // Others are asked as well, and nothing is held against it yet: the block may be large, its line slow.
            self.wake_in(patience - age, Timer::Answer(peer, id));
        } else {
            asked.overdue = true;
            self.was_late(peer);
        }
        self.let_go(peer, purpose);
        self.plan(chain);
    }
}
