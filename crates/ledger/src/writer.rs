//! The one thread that changes a ledger.
//!
//! *In:* transactions and blocks from any thread. *Out:* an answer to each, after what it says is on disk.
//!
//! ```text
//! the caller's thread:  check a block's content, which needs no other block; compute the ids
//! loop:
//!     wait for a command; take every other that waits already          group commit: one fsync for all of them
//!     check and apply each to the tree and to a draft of what is pending   nobody sees these yet
//!     commit one database transaction                                       now they outlast a crash
//!     publish the new tip, tree and transfers; tell the listeners; answer everyone
//! ```
//!
//! When the file fails, the tree may be ahead of the disk; so the writer refuses everything from then on, and what is
//! published stays at the last commit.

use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Arc, RwLock,
        mpsc::{Receiver, Sender, channel},
    },
};

use crate::{
    Clock, Event, View,
    block::{Block, Checked, Unchecked},
    difficulty::DifficultyRule,
    header::BlockHash,
    pending::{Changes, Draft},
    rules::{MAX_BLOCK_TRANSACTIONS, RuleError},
    store::{Store, StoreError, WriteBatch},
    transaction::{Identified, TransactionError, TransactionId},
    tree::{Change, HeaderTree, SideError, SideLimits},
    waiting::Waiting,
};

/// The most commands of one commit: bounds how long the first waits for the last.
const MAX_BATCH: usize = 4096;

/// A transaction that is in the ledger, durably.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Its id.
    pub id: TransactionId,
    /// The block it stands in, or is likely to: the next one, unless that is full or holds the same transfer already.
    pub index: u64,
    /// Whether it was there before.
    pub standing: Standing,
}

/// What a transaction was when it was submitted. Only one with a tag is ever known: others are told apart by nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// New: it waits from now on.
    New,
    /// It waited already.
    Pending,
    /// It stood in an active block already.
    Confirmed,
}

/// The file failed, and everything that is not stored yet is refused. Clones share the reason.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}; nothing is stored until the ledger is opened again")]
pub struct StoreFailed(#[source] Arc<StoreError>);

impl PartialEq for StoreFailed {
    /// Whether it is the same failure.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for StoreFailed {}

/// Why a transaction does not wait.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// It is none.
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    /// Too many wait.
    #[error("{0} transactions wait already, the most this ledger takes; mine a block first")]
    PendingFull(usize),
    /// The file failed.
    #[error(transparent)]
    Store(#[from] StoreFailed),
}

/// What became of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// It was there already, active or not.
    Known,
    /// It is on a side branch.
    Side,
    /// It is the new tip. The count says how many blocks of another branch it replaced.
    Tip {
        /// Blocks that no longer count.
        dropped: usize,
    },
    /// Its parent is not here. It is remembered for a while, not stored, and taken in when the parent comes.
    Waiting {
        /// What it waits for.
        parent: BlockHash,
    },
}

/// What is to be done with a block whose parent is not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownParent {
    /// Refuse it: [`AddError::ParentUnknown`].
    Refuse,
    /// Let it wait: [`Added::Waiting`].
    Wait,
}

/// Why a block was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// It breaks a rule.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// Its parent is not here.
    #[error("its parent {0} is not known here; send that block first")]
    ParentUnknown(BlockHash),
    /// It would be on a side branch, and there is no room for it.
    #[error(transparent)]
    SideBranch(#[from] SideError),
    /// The file failed.
    #[error(transparent)]
    Store(#[from] StoreFailed),
}

pub(super) type Reply<T> = Box<dyn FnOnce(T) + Send>;

/// What the writer can be asked.
pub(super) enum Command {
    Submit(Identified, Reply<Result<Submitted, SubmitError>>),
    Add(Vec<Examined>, UnknownParent, Reply<Vec<Result<Added, AddError>>>),
}

/// A block whose content was checked, and what came of it: the ids of its transactions, or the rule it breaks.
#[derive(Debug)]
pub(super) struct Examined {
    block: Block<Unchecked>,
    hash: BlockHash,
    ids: Result<Vec<TransactionId>, RuleError>,
}

impl Examined {
    pub(super) fn new(block: Block<Unchecked>) -> Self {
        let (hash, ids) = (block.hash(), block.check_content());
        Self { block, hash, ids }
    }

    pub(super) fn block(&self) -> &Block<Unchecked> {
        &self.block
    }

    pub(super) fn hash(&self) -> BlockHash {
        self.hash
    }

    pub(super) fn parent(&self) -> BlockHash {
        self.block.header().previous_hash
    }

    pub(super) fn stored_len(&self) -> usize {
        self.block.stored_len()
    }
}

/// An answer that waits for the commit.
enum Answer {
    Submit(
        Result<Submitted, SubmitError>,
        Reply<Result<Submitted, SubmitError>>,
    ),
    Add(Vec<Result<Added, AddError>>, Reply<Vec<Result<Added, AddError>>>),
}

pub(super) type Listener = Box<dyn Fn(&Event) + Send + Sync>;

/// What the writer's thread owns.
pub(super) struct Writer {
    pub(super) store: Arc<Store>,
    pub(super) tree: HeaderTree,
    pub(super) waiting: Waiting,
    pub(super) view: Arc<RwLock<View>>,
    pub(super) listeners: Arc<RwLock<Vec<Listener>>>,
    pub(super) max_pending: usize,
    pub(super) side_limits: SideLimits,
    pub(super) clock: Clock,
}

/// One commit in the making.
struct Round<'r> {
    tree: &'r mut HeaderTree,
    waiting: &'r mut Waiting,
    draft: Draft<'r>,
    batch: WriteBatch<'r>,
    events: Vec<Event>,
    max_pending: usize,
    side_limits: SideLimits,
    now_s: u64,
}

impl Writer {
    /// Starts the thread. It ends when the sender is dropped and everything sent is answered.
    pub(super) fn start(mut self) -> std::io::Result<(Sender<Command>, std::thread::JoinHandle<()>)> {
        let (sender, commands) = channel();
        let run = move || self.run(&commands);
        let thread = std::thread::Builder::new()
            .name("ledger-writer".to_owned())
            .spawn(run)?;
        Ok((sender, thread))
    }

    fn run(&mut self, commands: &Receiver<Command>) {
        let mut failed: Option<StoreFailed> = None;
        while let Ok(first) = commands.recv() {
            let mut round = vec![first];
            round.extend(commands.try_iter().take(MAX_BATCH - 1));
            if let Some(failed) = &failed {
                round.into_iter().for_each(|command| command.refuse(failed));
            } else if let Err(error) = self.commit(round) {
                failed = Some(error);
            }
        }
    }

    /// Carries out one round. An error is fatal; everyone has been told.
    fn commit(&mut self, commands: Vec<Command>) -> Result<(), StoreFailed> {
        let mut commands = VecDeque::from(commands);
        let mut answers = Vec::with_capacity(commands.len());
        match self.write(&mut commands, &mut answers) {
            Ok((changes, events)) => {
                let tip = self.tree.tip();
                let mut view = self.view.write().expect("nothing panics while it is held");
                view.pending.apply(changes);
                view.tip = tip;
                let before = std::mem::replace(&mut view.tree, self.tree.clone());
                drop(view);
                drop(before); // what no reader shares any more
                let listeners = self.listeners.read().expect("nothing panics while it is held");
                for event in &events {
                    listeners.iter().for_each(|listener| listener(event));
                }
                answers.into_iter().for_each(Answer::send);
                Ok(())
            }
            Err(error) => {
                let failed = StoreFailed(Arc::new(error));
                answers.into_iter().for_each(|answer| answer.refuse(&failed));
                commands.into_iter().for_each(|command| command.refuse(&failed));
                Err(failed)
            }
        }
    }

    /// Applies the commands and commits. On an error, those not yet applied are still in `commands`.
    fn write(
        &mut self,
        commands: &mut VecDeque<Command>,
        answers: &mut Vec<Answer>,
    ) -> Result<(Changes, Vec<Event>), StoreError> {
        let before = self.tree.tip_node().hash;
        let transaction = self.store.begin_write()?;
        let done = {
            let view = self.view.read().expect("nothing panics while it is held");
            let mut round = Round {
                draft: Draft::new(&view.pending),
                batch: WriteBatch::open(&transaction)?,
                tree: &mut self.tree,
                waiting: &mut self.waiting,
                events: Vec::new(),
                max_pending: self.max_pending,
                side_limits: self.side_limits,
                now_s: (self.clock)(),
            };
            while let Some(command) = commands.pop_front() {
                round.apply(command, answers)?;
            }
            let changes = round.draft.into_changes();
            round.batch.change_pending(&changes)?;
            let tip = round.tree.tip_node().hash;
            if tip != before {
                round.batch.set_tip(tip)?;
            }
            (changes, round.events)
        };
        transaction.commit()?;
        Ok(done)
    }
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
    fn apply(&mut self, command: Command, answers: &mut Vec<Answer>) -> Result<(), StoreError> {
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
            Command::Add(blocks, unknown_parent, reply) => {
                let mut outcomes = vec![Ok(Added::Known); blocks.len()];
                let mut done = Ok(());
                for (block, outcome) in blocks.into_iter().zip(&mut outcomes) {
                    (*outcome, done) = apart(self.add(block, unknown_parent), Ok(Added::Known));
                    if done.is_err() {
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
    fn add(
        &mut self,
        block: Examined,
        unknown_parent: UnknownParent,
    ) -> Result<Result<Added, AddError>, StoreError> {
        let mut arrived = vec![block.hash];
        let outcome = self.take(block, unknown_parent)?;
        if !is_new(&outcome) {
            return Ok(outcome);
        }
        while let Some(parent) = arrived.pop() {
            for child in self.waiting.children_of(&parent) {
                let hash = child.hash;
                // Nobody asks what became of it: if it is refused, it is forgotten.
                if is_new(&self.take(child, UnknownParent::Refuse)?) {
                    arrived.push(hash);
                }
            }
        }
        Ok(outcome)
    }

    /// Checks a block and puts it where it belongs.
    fn take(
        &mut self,
        block: Examined,
        unknown_parent: UnknownParent,
    ) -> Result<Result<Added, AddError>, StoreError> {
        match self.check(block, unknown_parent) {
            Ok(Checking::Passed(block, in_the_way)) => self.insert(block, &in_the_way).map(Ok),
            Ok(Checking::Done(added)) => Ok(Ok(added)),
            Err(refused) => Ok(Err(refused)),
        }
    }

    fn check(&mut self, examined: Examined, unknown_parent: UnknownParent) -> Result<Checking, AddError> {
        // Content first: a known header with a repeated tail of transactions is no known block (CVE-2012-2459).
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
            if unknown_parent == UnknownParent::Refuse {
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

impl Command {
    /// Answers that the file has failed.
    fn refuse(self, failed: &StoreFailed) {
        match self {
            Self::Submit(_, reply) => reply(Err(failed.clone().into())),
            Self::Add(blocks, _, reply) => reply(refused(blocks.len(), failed)),
        }
    }
}

/// Nothing of a round that failed is on disk, whatever its first blocks were told.
fn refused(count: usize, failed: &StoreFailed) -> Vec<Result<Added, AddError>> {
    vec![Err(failed.clone().into()); count]
}

impl Answer {
    fn send(self) {
        match self {
            Self::Submit(answer, reply) => reply(answer),
            Self::Add(answers, reply) => reply(answers),
        }
    }

    fn refuse(self, failed: &StoreFailed) {
        match self {
            Self::Submit(_, reply) => reply(Err(failed.clone().into())),
            Self::Add(answers, reply) => reply(refused(answers.len(), failed)),
        }
    }
}
