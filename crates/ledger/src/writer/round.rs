//! One commit in the making: each transfer and each block is checked and applied to what nobody sees yet.
//!
//! *In:* commands, in their order. *Out:* their answers, good once the commit is on disk; changes to the tree, to what is
//! pending, and to the tables of the store.

use super::{Answer, Command, Examined};
use crate::{
    Event,
    block::{Block, Checked},
    difficulty::DifficultyRule,
    header::BlockHash,
    identity::Identified,
    outcome::{AddError, AddMode, Added, Standing, SubmitError, Submitted, SwitchError, Switched},
    pending::{Draft, PendingLimits},
    rules::{MAX_BLOCK_TRANSACTIONS, RuleError},
    settling::Unsettled,
    store::{StoreError, WriteBatch},
    tree::{Change, HeaderTree, SideLimits},
    waiting::Waiting,
};

/// One commit in the making.
pub(super) struct Round<'r> {
    pub(super) tree: &'r mut HeaderTree,
    pub(super) waiting: &'r mut Waiting,
    pub(super) draft: Draft<'r>,
    pub(super) batch: WriteBatch<'r>,
    pub(super) unsettled: &'r mut Unsettled,
    /// Transfers that found no room when their block went.
    pub(super) left_out: &'r mut u64,
    pub(super) events: Vec<Event>,
    pub(super) limits: PendingLimits,
    pub(super) side_limits: SideLimits,
    pub(super) max_depth: u64,
    pub(super) now_s: u64,
}

impl Round<'_> {
    /// Carries out a command. When the file fails, its answer is among the others: it is refused like them, whatever stands
    /// in it.
    pub(super) fn apply(&mut self, command: Command, answers: &mut Vec<Answer>) -> Result<(), StoreError> {
        match command {
            Command::Submit(transfer, reply) => {
                let unknown = Submitted {
                    id: transfer.id(),
                    index: 0,
                    standing: Standing::New,
                };
                let (answer, done) = apart(self.submit(transfer), Ok(unknown));
                answers.push(Answer::Submit(answer, reply));
                done
            }
            Command::Add(blocks, mode, reply) => {
                let mut outcomes = vec![Ok(Added::Known); blocks.len()];
                let mut done = Ok(());
                for (at, block) in blocks.into_iter().enumerate() {
                    (outcomes[at], done) = apart(self.add(block, mode), Ok(Added::Known));
                    if done.is_err() {
                        break;
                    }
                    if mode == AddMode::UntilRefused && outcomes[at].is_err() {
                        outcomes.truncate(at + 1);
                        break;
                    }
                }
                answers.push(Answer::Add(outcomes, reply));
                done
            }
            Command::Switch(hash, reply) => {
                let unknown = Err(SwitchError::Unknown(hash));
                let (answer, done) = apart(self.switch(&hash), unknown);
                answers.push(Answer::Switch(answer, reply));
                done
            }
        }
    }

    /// The outer error is the file's.
    fn submit(&mut self, transfer: Identified) -> Result<Result<Submitted, SubmitError>, StoreError> {
        let id = transfer.id();
        let (waiting, same) = (self.draft.len(), self.draft.count(&id));
        let next = self.tree.length() + 1;
        let submitted = |index, standing| Submitted { id, index, standing };
        if transfer.transaction().tag().is_some() {
            // What waits may stand in blocks that have just joined: then it is no longer what waits that says so.
            if same > 0 && !self.unsettled.has_joined() {
                return Ok(Ok(submitted(next, Standing::Pending)));
            }
            if let Some(block) = self.batch.place_of(&id)? {
                // It is told that it stands there: should that block leave, it must return.
                self.settle_whole(block)?;
                return Ok(Ok(submitted(block.0, Standing::Confirmed)));
            }
            if same == 0 && self.unsettled.has_left() {
                let is_unsettled = |index, hash| self.unsettled.contains(&(index, hash));
                if let Some(block) = self.batch.holder_among(&id, is_unsettled)? {
                    self.settle_whole(block)?;
                }
            }
            if self.draft.count(&id) > 0 {
                return Ok(Ok(submitted(next, Standing::Pending)));
            }
        }
        if self.draft.len() >= self.limits.count {
            return Ok(Err(SubmitError::PendingFull(self.limits.count)));
        }
        if self.draft.bytes() + transfer.transaction().stored_len() > self.limits.bytes {
            return Ok(Err(SubmitError::PendingBytesFull(self.limits.bytes)));
        }
        let full_blocks = waiting / (MAX_BLOCK_TRANSACTIONS - 1);
        let index = next + full_blocks.max(same) as u64;
        self.draft.push_back(transfer.clone());
        self.events.push(Event::Transaction { transfer, index });
        Ok(Ok(submitted(index, Standing::New)))
    }

    /// Takes a block, and then those that waited for it. The outer error is the file's.
    fn add(&mut self, block: Examined, mode: AddMode) -> Result<Result<Added, AddError>, StoreError> {
        let mut arrived = vec![block.hash];
        let outcome = self.take(block, mode)?;
        if !is_new(&outcome) {
            return Ok(outcome);
        }
        while let Some(parent) = arrived.pop() {
            for child in self.waiting.children_of(&parent) {
                let hash = child.hash;
                // Nobody asks what became of it: if it is refused, it is forgotten.
                if is_new(&self.take(child, AddMode::Each)?) {
                    arrived.push(hash);
                }
            }
        }
        Ok(outcome)
    }

    /// Checks a block and puts it where it belongs.
    fn take(&mut self, block: Examined, mode: AddMode) -> Result<Result<Added, AddError>, StoreError> {
        match self.check(block, mode) {
            Ok(Checking::Passed(block, in_the_way)) => match self.repeats(&block)? {
                Some(rule) => Ok(Err(rule.into())),
                None => self.insert(block, &in_the_way).map(Ok),
            },
            Ok(Checking::Done(added)) => Ok(Ok(added)),
            Err(refused) => Ok(Err(refused)),
        }
    }

    /// A transfer that a block pays once more, if there is one: it has a tag, and stands in a block before it.
    fn repeats(&self, block: &Block<Checked>) -> Result<Option<RuleError>, StoreError> {
        let parent = block.header().previous_hash;
        let is_before = |index, hash| {
            let ancestor = self.tree.ancestor(&parent, index);
            ancestor.is_some_and(|ancestor| ancestor.hash == hash)
        };
        for (transaction, id) in block.transactions().iter().zip(block.ids()) {
            if transaction.tag().is_some()
                && let Some((index, _)) = self.batch.holder_among(id, is_before)?
            {
                return Ok(Some(RuleError::RepeatedTransfer { id: *id, index }));
            }
        }
        Ok(None)
    }

    fn check(&mut self, examined: Examined, mode: AddMode) -> Result<Checking, AddError> {
        // Content first: a known header with a repeated tail of transactions is not a known block (CVE-2012-2459).
        let ids = examined.ids.clone()?;
        let block = examined.block();
        let (header, found) = (*block.header(), block.index());
        if let Some(known) = self.tree.get(&examined.hash) {
            let expected = known.index;
            return match found == expected {
                true => Ok(Checking::Done(Added::Known)),
                false => Err(RuleError::Index { found, expected }.into()),
            };
        }
        if found == 1 {
            let (found, expected) = (examined.hash, self.genesis());
            return Err(RuleError::Genesis { found, expected }.into());
        }
        let parent = header.previous_hash;
        let Some(state) = self.tree.parent_state(&parent) else {
            if mode != AddMode::EachOrWait {
                return Err(AddError::ParentUnknown(parent));
            }
            let parameters = self.tree.parameters();
            let (found, expected) = (header.nbits, parameters.nbits());
            if parameters.rule() == DifficultyRule::Fixed && found != expected {
                return Err(RuleError::Difficulty { found, expected }.into());
            }
            self.waiting.put(examined);
            return Ok(Checking::Done(Added::Waiting { parent }));
        };
        let stored_len = examined.stored_len() as u64;
        let block = examined.block.validate_rest(ids, &state, Some(self.now_s))?;
        let in_the_way = self
            .tree
            .side_room(&header, stored_len, &self.side_limits, self.max_depth)?;
        Ok(Checking::Passed(block, in_the_way))
    }

    /// Puts a checked block into the tree, in the place of others if need be.
    fn insert(&mut self, block: Block<Checked>, in_the_way: &[BlockHash]) -> Result<Added, StoreError> {
        for hash in in_the_way {
            self.forget(hash)?;
        }
        self.batch.insert_block(&block)?;
        let added = match self.tree.insert_within(&block, self.max_depth) {
            Change::Side => match self.tree.get(&block.hash()) {
                Some(node) if node.work > self.tree.tip_node().work => {
                    let depth = self.tree.depth_of(node);
                    let most = self.max_depth;
                    Added::Heavier { depth, most }
                }
                _ => Added::Side,
            },
            Change::Extended => {
                self.batch.activate(block.index(), block.hash())?;
                for (transaction, id) in block.transactions().iter().zip(block.ids()) {
                    self.take_out(*id, transaction.tag());
                }
                Added::Tip { dropped: 0 }
            }
            Change::Reorganised { dropped, connected } => {
                self.reorganise(block.index(), &dropped, &connected)?;
                self.trim()?;
                Added::Tip {
                    dropped: dropped.len(),
                }
            }
        };
        let (active, dropped) = match added {
            Added::Tip { dropped } => (true, dropped),
            _ => (false, 0),
        };
        let block = block.into_unchecked();
        self.events.push(Event::Block {
            block,
            active,
            dropped,
        });
        Ok(added)
    }

    /// Takes up the branch of a block, however deep it leaves the active one, and what stands on it.
    fn switch(&mut self, hash: &BlockHash) -> Result<Result<Switched, SwitchError>, StoreError> {
        let Some(node) = self.tree.get(hash) else {
            return Ok(Err(SwitchError::Unknown(*hash)));
        };
        let (is_active, work, tip_work) = (self.tree.is_active(node), node.work, self.tree.tip_node().work);
        if !is_active && work <= tip_work {
            return Ok(Err(SwitchError::Lighter(*hash)));
        }
        let mut dropped = Vec::new();
        if !is_active {
            let end = self.tree.heaviest_after(node).clone();
            if let Change::Reorganised {
                dropped: gone,
                connected,
            } = self.tree.reorganise(&end)
            {
                self.reorganise(end.index, &gone, &connected)?;
                dropped = gone;
            }
        }
        self.trim()?;
        let tip = self.tree.tip_node();
        let (index, hash, dropped) = (tip.index, tip.hash, dropped.len());
        if !is_active {
            let (block, active) = (self.batch.block(index, hash)?, true);
            self.events.push(Event::Block {
                block,
                active,
                dropped,
            });
        }
        Ok(Ok(Switched { index, hash, dropped }))
    }

    fn genesis(&self) -> BlockHash {
        self.tree.active_hash(1).expect("every chain has a first block")
    }
}

/// What the check of a block came to.
enum Checking {
    /// It may be stored, if these blocks of side branches go.
    Passed(Block<Checked>, Vec<BlockHash>),
    /// There is nothing to store.
    Done(Added),
}

/// Whether a block is in the tree since now.
fn is_new(outcome: &Result<Added, AddError>) -> bool {
    matches!(
        outcome,
        Ok(Added::Side | Added::Heavier { .. } | Added::Tip { .. })
    )
}

/// Takes an answer and the file's error apart.
fn apart<T, E>(
    outcome: Result<Result<T, E>, StoreError>,
    unknown: Result<T, E>,
) -> (Result<T, E>, Result<(), StoreError>) {
    match outcome {
        Ok(answer) => (answer, Ok(())),
        Err(error) => (unknown, Err(error)),
    }
}
