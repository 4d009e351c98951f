//! One commit in the making: each transfer and each block is checked and applied to what nobody sees yet.
//!
//! *In:* commands, in their order. *Out:* their answers, good once the commit is on disk; changes to the tree, to what is
//! pending, and to the tables of the store.

use std::collections::HashSet;

use super::{Answer, Command, Examined};
use crate::{
    Event,
    block::{Block, Checked, Unchecked},
    difficulty::DifficultyRule,
    header::BlockHash,
    identity::{Identified, TransactionId},
    outcome::{AddError, AddMode, Added, Standing, SubmitError, Submitted},
    pending::Draft,
    rules::{MAX_BLOCK_TRANSACTIONS, RuleError},
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
    pub(super) events: Vec<Event>,
    pub(super) max_pending: usize,
    pub(super) side_limits: SideLimits,
    pub(super) now_s: u64,
}

/// A stored block's transactions, with their ids.
fn identified(block: Block<Unchecked>) -> Vec<Identified> {
    block
        .into_transactions()
        .into_iter()
        .map(Identified::from)
        .collect()
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
        }
    }

    /// The outer error is the file's.
    fn submit(&mut self, transfer: Identified) -> Result<Result<Submitted, SubmitError>, StoreError> {
        let id = transfer.id();
        let (waiting, same) = (self.draft.len(), self.draft.count(&id));
        let next = self.tree.length() + 1;
        let submitted = |index, standing| Submitted { id, index, standing };
        if transfer.transaction().tag().is_some() {
            if same > 0 {
                return Ok(Ok(submitted(next, Standing::Pending)));
            }
            if let Some(index) = self.batch.place_of(&id)? {
                return Ok(Ok(submitted(index, Standing::Confirmed)));
            }
        }
        if waiting >= self.max_pending {
            return Ok(Err(SubmitError::PendingFull(self.max_pending)));
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
            Ok(Checking::Passed(block, in_the_way)) => self.insert(block, &in_the_way).map(Ok),
            Ok(Checking::Done(added)) => Ok(Ok(added)),
            Err(refused) => Ok(Err(refused)),
        }
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
        let in_the_way = self.tree.side_room(&header, stored_len, &self.side_limits)?;
        Ok(Checking::Passed(block, in_the_way))
    }

    /// Puts a checked block into the tree, in the place of others if need be.
    fn insert(&mut self, block: Block<Checked>, in_the_way: &[BlockHash]) -> Result<Added, StoreError> {
        self.forget(in_the_way)?;
        self.batch.insert_block(&block)?;
        let added = match self.tree.insert(&block) {
            Change::Side => Added::Side,
            Change::Extended => {
                self.connect(block.index(), block.hash(), block.ids().iter().copied())?;
                Added::Tip { dropped: 0 }
            }
            Change::Reorganised { dropped, connected } => {
                self.reorganise(block.index(), &dropped, &connected)?;
                self.forget(&self.tree.side_excess(&self.side_limits))?;
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

    /// Takes blocks of side branches out, the last of a branch first.
    fn forget(&mut self, blocks: &[BlockHash]) -> Result<(), StoreError> {
        for hash in blocks {
            if let Some(node) = self.tree.get(hash) {
                self.batch.remove_block(node.index, *hash)?;
                self.tree.remove_side(hash);
            }
        }
        Ok(())
    }

    fn genesis(&self) -> BlockHash {
        self.tree.active_hash(1).expect("every chain has a first block")
    }

    /// Swaps branches. What the dropped blocks held goes back to the front of what waits, unless the others hold it too.
    fn reorganise(
        &mut self,
        tip_index: u64,
        dropped: &[BlockHash],
        connected: &[BlockHash],
    ) -> Result<(), StoreError> {
        let fork = tip_index - connected.len() as u64;
        let mut returned = Vec::with_capacity(dropped.len());
        for (index, hash) in (1..=dropped.len() as u64).rev().map(|i| fork + i).zip(dropped) {
            let transactions = identified(self.batch.block(index, *hash)?);
            self.batch
                .disconnect(index, transactions.iter().map(Identified::id))?;
            returned.push(transactions);
        }
        let mut seen = HashSet::new();
        let mut returned: Vec<_> = returned.into_iter().rev().flatten().collect();
        returned.retain(|one| {
            let transaction = one.transaction();
            // One with a tag waits once, in how many blocks it stood.
            let mut again = || self.draft.count(&one.id()) > 0 || !seen.insert(one.id());
            !transaction.is_reward() && (transaction.tag().is_none() || !again())
        });
        self.draft.push_front(returned);
        for (index, hash) in (fork + 1..).zip(connected) {
            let transactions = identified(self.batch.block(index, *hash)?);
            self.connect(index, *hash, transactions.iter().map(Identified::id))?;
        }
        Ok(())
    }

    /// Makes a block part of the active branch; what it holds waits no longer.
    fn connect(
        &mut self,
        index: u64,
        hash: BlockHash,
        ids: impl Iterator<Item = TransactionId> + Clone,
    ) -> Result<(), StoreError> {
        self.batch.connect(index, hash, ids.clone())?;
        for id in ids {
            self.draft.take(&id);
        }
        Ok(())
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
    matches!(outcome, Ok(Added::Side | Added::Tip { .. }))
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
