//! Blocks before the ledger, and what it says of them.
//!
//! *In:* blocks that follow what is stored. *Out:* batches for the ledger; branches that are followed no more, and whoever
//! sent what breaks a rule punished. A good header whose block came with other transactions is still wanted: what a peer
//! makes up must not keep the real block out.

use std::time::Duration;

use paydirt_ledger::{AddError, BlockHash, RuleError};

use super::{BATCH_BLOCKS, BATCH_BYTES, State};
use crate::core::{Action, Chain, Core, Errand, Judgement, Offence, Peer, Timer};

impl Core {
    /// Gives the ledger the blocks that follow what it has.
    pub(super) fn give_to_ledger(&mut self) {
        if self.bodies.judging.is_some() {
            return;
        }
        let (mut blocks, mut sources, mut bytes) = (Vec::new(), Vec::new(), 0);
        for step in &mut self.bodies.way {
            let State::Here(block, _) = &step.state else { break };
            bytes += block.stored_len();
            if blocks.len() >= BATCH_BLOCKS || (bytes > BATCH_BYTES && !blocks.is_empty()) {
                break;
            }
            let here = std::mem::replace(&mut step.state, State::Judging);
            let State::Here(block, source) = here else {
                unreachable!("it was just looked at")
            };
            self.bodies.buffered_bytes -= block.stored_len();
            sources.push((step.hash, source));
            blocks.push(*block);
        }
        if !blocks.is_empty() {
            let errand = self.errand();
            self.bodies.judging = Some((errand, sources));
            self.actions.push_back(Action::Judge { errand, blocks });
        }
    }

    /// The ledger has judged what it was given.
    pub(in crate::core) fn judged(&mut self, chain: &impl Chain, errand: Errand, outcomes: Vec<Judgement>) {
        let Some((_, sources)) = self.bodies.judging.take_if(|(of, _)| *of == errand) else {
            return;
        };
        for ((hash, source), outcome) in sources.into_iter().zip(outcomes) {
            match outcome {
                Judgement::Added(_) => self.candidates.remove(&hash),
                Judgement::OtherTransactions => {
                    if let Some(step) = self.bodies.step(&hash) {
                        step.whole = true;
                    }
                    self.bodies.want(&hash, Some(source.peer));
                    if !source.rebuilt {
                        let reason = "its transactions are not those of its header".to_owned();
                        self.punish(source.peer, Offence::BrokenRule(hash, reason));
                    }
                }
                Judgement::Refused(AddError::Rule(RuleError::TimeTooNew { .. })) => {
                    self.bodies.want(&hash, None);
                    self.rest_all(&hash, source.peer);
                }
                Judgement::Refused(AddError::Rule(rule)) => self.refuse(hash, source.peer, &rule),
                Judgement::Refused(AddError::SideBranch(_)) => self.leave_branch(hash),
                // Nothing can be stored until the ledger is opened again.
                Judgement::Refused(AddError::Store(_)) => self.halted = true,
                // One before it was refused: nothing is to be said of it.
                Judgement::Refused(_) => self.bodies.want(&hash, None),
            }
        }
        self.plan(chain);
    }

    /// The ledger's clock is behind the core's: a moment later it is not.
    fn rest_all(&mut self, hash: &BlockHash, peer: Peer) {
        if let Some(connection) = self.peers.get_mut(&peer) {
            connection.rests_until = self.now.since_start + Duration::from_secs(1);
        }
        if let Some(step) = self.bodies.step(hash) {
            step.whole = true;
        }
        self.wake_in(Duration::from_secs(1), Timer::Rested);
    }

    /// A block breaks a rule: so does all that stands on it, and whoever has that.
    fn refuse(&mut self, hash: BlockHash, peer: Peer, rule: &RuleError) {
        self.invalid.insert(hash);
        let gone = self.candidates.remove_branch(&hash);
        self.punish(peer, Offence::BrokenRule(hash, rule.to_string()));
        let followers: Vec<_> = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.known.is_some_and(|known| gone.contains(&known.hash)))
            .map(|(peer, _)| *peer)
            .collect();
        for follower in followers {
            let reason = "its branch has a block that breaks a rule".to_owned();
            self.punish(follower, Offence::BrokenRule(hash, reason));
        }
        self.set_way(Vec::new(), None, 0);
    }

    /// The ledger has no room for a branch: it is not followed, and nobody is blamed.
    fn leave_branch(&mut self, hash: BlockHash) {
        let gone = self.candidates.remove_branch(&hash);
        for gone in gone {
            self.unwanted.insert(gone);
        }
        for connection in self.peers.values_mut() {
            if connection
                .known
                .is_some_and(|known| self.unwanted.contains(&known.hash))
            {
                connection.known = None;
            }
        }
        self.set_way(Vec::new(), None, 0);
    }
}
