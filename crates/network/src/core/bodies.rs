//! Blocks, asked of several peers at once, in bounded memory.
//!
//! *In:* the branch with the most work among those whose headers are known, blocks as they come. *Out:* requests; blocks to be
//! judged, in order.
//!
//! ```text
//! way:   [judging][judging][here][asked of A][asked of A][here][asked of B][wanted][wanted] … target
//!         └─ the ledger has them    └── taken out of order, given to the ledger in order ──┘
//! ```
//!
//! A request that takes too long is asked of another peer as well; whichever answers first is taken. Near the tip a block is
//! asked for in its compact form, which leaves out what waits here already.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use paydirt_ledger::{AddError, Block, BlockHash, RuleError, Transaction, Unchecked};

use super::{
    Action, Chain, Core, Errand, Judgement, Offence, Peer, Rebuilt, RequestId, Timer,
    peers::{Connection, Purpose},
};
use crate::message::{CompactBlock, MAX_BLOCKS, MAX_BLOCKS_BYTES, Request, TipSummary};

/// The most blocks, and bytes of them, that the ledger is given at a time.
const BATCH_BLOCKS: usize = 512;
const BATCH_BYTES: usize = 8 << 20;
/// Nothing further along the way than this is ever asked for: see [`Limits::blocks_ahead`](super::Limits).
const NEAR: usize = 1 << 14;
/// So near the target, blocks are asked for in their compact form.
const COMPACT_WITHIN: usize = 2;

/// What a request for blocks asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// These, whole.
    Whole(Vec<BlockHash>),
    /// This one, in its compact form.
    Compact(BlockHash),
    /// Transactions of one that is being put together.
    Missing(BlockHash, Errand, usize),
}

/// What is known of a block that is wanted.
#[derive(Clone, Debug)]
enum State {
    Wanted,
    /// A peer was asked.
    Asked(Peer),
    /// It is put together from what waits here and what its peer sends.
    Rebuilding(Peer, Errand),
    Here(Box<Block<Unchecked>>, Source),
    /// The ledger has it.
    Judging,
}

/// Who gave a block, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Source {
    peer: Peer,
    /// Put together here, so that it may be wrong by nobody's fault.
    rebuilt: bool,
}

#[derive(Clone, Debug)]
struct Step {
    hash: BlockHash,
    state: State,
    /// Its compact form did not do.
    whole: bool,
    /// Who was asked last and was too slow, or had it not.
    failed: Option<Peer>,
}

impl Step {
    fn new(hash: BlockHash) -> Self {
        Self {
            hash,
            state: State::Wanted,
            whole: false,
            failed: None,
        }
    }
}

/// The way from what is stored to the target.
#[derive(Debug, Default)]
pub(super) struct Bodies {
    /// Ascending.
    way: VecDeque<Step>,
    /// The index of the first.
    first_index: u64,
    target: Option<TipSummary>,
    /// Which way this is: another number when it is another one.
    number: u64,
    buffered_bytes: usize,
    judging: Option<(Errand, Vec<(BlockHash, Source)>)>,
    /// What blocks took lately, in bytes.
    usual_bytes: usize,
}

impl Bodies {
    /// The end of the branch that is being fetched.
    pub(super) fn target(&self) -> Option<BlockHash> {
        self.target.map(|target| target.hash)
    }

    /// Whether only few blocks are missing, and none of them is still to be asked for.
    pub(super) fn all_asked(&self) -> bool {
        let few = self.way.len() <= 4;
        few && self.way.iter().all(|step| !matches!(step.state, State::Wanted))
    }

    /// Whether the ledger has blocks that it has not judged yet.
    pub(super) fn is_judging(&self) -> bool {
        self.judging.is_some()
    }

    pub(super) fn target_tip(&self) -> Option<TipSummary> {
        self.target
    }

    /// How many blocks are missing.
    pub(super) fn missing(&self) -> usize {
        self.way.len()
    }

    /// A block that was asked for, which stands near the beginning.
    fn step(&mut self, hash: &BlockHash) -> Option<&mut Step> {
        let near = self.way.iter_mut().take(NEAR);
        near.into_iter().find(|step| step.hash == *hash)
    }

    fn forget_front(&mut self) {
        if let Some(step) = self.way.pop_front() {
            self.first_index += 1;
            self.account(&step.state);
        }
    }

    /// A state is left: what was buffered for it is not any more.
    fn account(&mut self, state: &State) {
        if let State::Here(block, _) = state {
            self.buffered_bytes -= block.stored_len();
        }
    }

    fn put(&mut self, hash: &BlockHash, block: Block<Unchecked>, source: Source) {
        let bytes = block.stored_len();
        let Some(step) = self.step(hash) else {
            return;
        };
        if matches!(step.state, State::Here(..) | State::Judging) {
            return;
        }
        step.state = State::Here(Box::new(block), source);
        self.buffered_bytes += bytes;
        self.usual_bytes = (self.usual_bytes * 7 + bytes) / 8;
    }

    /// A block is wanted once more.
    fn want(&mut self, hash: &BlockHash, failed: Option<Peer>) {
        let Some(step) = self.step(hash) else {
            return;
        };
        let state = std::mem::replace(&mut step.state, State::Wanted);
        step.failed = failed.or(step.failed);
        self.account(&state);
    }
}

impl Core {
    /// Chooses the branch to fetch, asks for its blocks, and gives the ledger what is here.
    pub(super) fn ask_bodies(&mut self, chain: &impl Chain) {
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
    fn set_way(&mut self, hashes: Vec<BlockHash>, target: Option<TipSummary>, first_index: u64) {
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

    /// Gives the ledger the blocks that follow what it has.
    fn give_to_ledger(&mut self) {
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
            let failed = self.bodies.way[position].failed;
            let able = free
                .iter()
                .enumerate()
                .filter(|(_, (.., last))| *last >= position);
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
        let within = self.limits.block_time * (1 << self.peers[&peer].late.min(3));
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

    /// Blocks as they were asked for: the first of them, at least one.
    pub(super) fn told_of_blocks(
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
                connection.late = 0;
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
    pub(super) fn told_of_compact(
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
            connection.late = 0;
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
    pub(super) fn told_of_missing(
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
    pub(super) fn rebuilt(&mut self, chain: &impl Chain, errand: Errand, outcome: Rebuilt) {
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
    pub(super) fn bodies_failed(&mut self, peer: Peer, wanted: &Wanted) {
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

    /// The ledger has judged what it was given.
    pub(super) fn judged(&mut self, chain: &impl Chain, errand: Errand, outcomes: Vec<Judgement>) {
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

    /// A purpose whose peer is gone.
    pub(super) fn let_go(&mut self, peer: Peer, purpose: Purpose) {
        if let Purpose::Bodies(wanted) = purpose {
            self.bodies_failed(peer, &wanted);
        }
    }

    /// The request of a peer for which it is not to be asked again soon.
    pub(super) fn overdue(&mut self, chain: &impl Chain, peer: Peer, id: RequestId) {
        let Some(connection) = self.peers.get_mut(&peer) else {
            return;
        };
        let Some(asked) = connection.asked.get_mut(&id).filter(|asked| !asked.overdue) else {
            return;
        };
        asked.overdue = true;
        let purpose = asked.purpose.clone();
        self.was_late(peer);
        self.let_go(peer, purpose);
        self.plan(chain);
    }
}
