//! The one thread that changes a ledger.
//!
//! *In:* transactions and blocks from any thread. *Out:* an answer to each, after what it says is on disk.
//!
//! ```text
//! the caller's thread:  check a block's content, which needs no other block
//! loop:
//!     wait for a command; take every other that waits already          group commit: one fsync for all of them
//!     check and apply each to the tree and to a draft of the queue     nobody sees these yet
//!     commit one database transaction                                   now they outlast a crash
//!     publish the new tip and queue; tell the listeners; answer everyone
//! ```
//!
//! When the file fails, the tree may be ahead of the disk; so the writer refuses everything from then on, and what is
//! published stays at the last commit.

use std::{
    collections::VecDeque,
    sync::{
        Arc, RwLock,
        mpsc::{Receiver, Sender, channel},
    },
};

use bitcoin::BlockHash;

use crate::{
    Clock, Event, View,
    block::{Block, Unchecked},
    chain::{Chain, Change, Tip},
    queue::{Changes, Draft},
    rules::{MAX_BLOCK_TRANSACTIONS, RuleError},
    store::{Store, StoreError, WriteBatch},
    transaction::{Transaction, TransactionError, TransactionId},
};

/// The most commands of one commit: bounds how long the first waits for the last.
const MAX_BATCH: usize = 4096;

/// A transaction that waits for a block, durably.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Its id.
    pub id: TransactionId,
    /// The block it is likely to stand in: the next one, unless that is full or holds the same transfer already.
    pub index: u64,
}

/// Why a transaction does not wait.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// It is none.
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    /// Too many wait.
    #[error("{0} transactions wait already, the most this ledger takes; mine a block first")]
    QueueFull(usize),
    /// The file failed.
    #[error("{0}; nothing is stored until the ledger is opened again")]
    Store(String),
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
}

/// Why a block was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// It breaks a rule.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// Its parent is not here.
    #[error("its parent {0} is not known here; send that block first")]
    ParentUnknown(BlockHash),
    /// The file failed.
    #[error("{0}; nothing is stored until the ledger is opened again")]
    Store(String),
}

pub(super) type Reply<T> = Box<dyn FnOnce(T) + Send>;

/// What the writer can be asked.
pub(super) enum Command {
    Submit(Transaction, Reply<Result<Submitted, SubmitError>>),
    Add(Vec<Examined>, Reply<Vec<Result<Added, AddError>>>),
}

/// A block whose content was checked, and what came of it: the ids of its transactions, or the rule it breaks.
pub(super) struct Examined {
    block: Block<Unchecked>,
    ids: Result<Vec<TransactionId>, RuleError>,
}

impl Examined {
    pub(super) fn new(block: Block<Unchecked>) -> Self {
        let ids = block.check_content();
        Self { block, ids }
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
    pub(super) chain: Chain,
    pub(super) view: Arc<RwLock<View>>,
    pub(super) listeners: Arc<RwLock<Vec<Listener>>>,
    pub(super) max_queued: usize,
    pub(super) clock: Clock,
}

/// One commit in the making.
struct Round<'r> {
    chain: &'r mut Chain,
    draft: Draft<'r>,
    batch: WriteBatch<'r>,
    events: Vec<Event>,
    max_queued: usize,
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
        let mut failed: Option<String> = None;
        while let Ok(first) = commands.recv() {
            let mut round = vec![first];
            round.extend(commands.try_iter().take(MAX_BATCH - 1));
            if let Some(reason) = &failed {
                round.into_iter().for_each(|command| command.refuse(reason));
            } else if let Err(reason) = self.commit(round) {
                failed = Some(reason);
            }
        }
    }

    /// Carries out one round. An error is fatal; everyone has been told.
    fn commit(&mut self, commands: Vec<Command>) -> Result<(), String> {
        let mut commands = VecDeque::from(commands);
        let mut answers = Vec::with_capacity(commands.len());
        match self.write(&mut commands, &mut answers) {
            Ok(done) => {
                let mut view = self.view.write().expect("nothing panics while it is held");
                view.queue.apply(done.changes);
                if let Some(tip) = done.tip {
                    view.tip = tip;
                    std::mem::take(&mut view.tip_replaced).cancel();
                }
                drop(view);
                let listeners = self.listeners.read().expect("nothing panics while it is held");
                for event in &done.events {
                    listeners.iter().for_each(|listener| listener(event));
                }
                answers.into_iter().for_each(Answer::send);
                Ok(())
            }
            Err(error) => {
                let reason = error.to_string();
                answers.into_iter().for_each(|answer| answer.refuse(&reason));
                commands.into_iter().for_each(|command| command.refuse(&reason));
                Err(reason)
            }
        }
    }

    /// Applies the commands and commits. On an error, those not yet applied are still in `commands`.
    fn write(
        &mut self,
        commands: &mut VecDeque<Command>,
        answers: &mut Vec<Answer>,
    ) -> Result<Done, StoreError> {
        let before = self.chain.tip().hash;
        let now_s = (self.clock)();
        let transaction = self.store.begin_write()?;
        let (changes, events) = {
            let view = self.view.read().expect("nothing panics while it is held");
            let mut round = Round {
                draft: Draft::new(&view.queue),
                batch: WriteBatch::open(&transaction)?,
                chain: &mut self.chain,
                events: Vec::new(),
                max_queued: self.max_queued,
                now_s,
            };
            while let Some(command) = commands.pop_front() {
                round.apply(command, answers)?;
            }
            let changes = round.draft.into_changes();
            round.batch.change_queue(&changes)?;
            let tip = round.chain.tip().hash;
            if tip != before {
                round.batch.set_tip(tip)?;
            }
            (changes, round.events)
        };
        transaction.commit()?;
        let tip = self.chain.tip();
        Ok(Done {
            changes,
            tip: (tip.hash != before).then_some(tip),
            events,
        })
    }
}

/// A round that is on disk.
struct Done {
    changes: Changes,
    /// The new tip, if there is one.
    tip: Option<Tip>,
    events: Vec<Event>,
}

impl Round<'_> {
    fn apply(&mut self, command: Command, answers: &mut Vec<Answer>) -> Result<(), StoreError> {
        match command {
            Command::Submit(transaction, reply) => {
                let answer = self.submit(transaction);
                answers.push(Answer::Submit(answer, reply));
            }
            Command::Add(blocks, reply) => {
                let mut outcomes = Vec::with_capacity(blocks.len());
                for block in blocks {
                    match self.add(block) {
                        Ok(outcome) => outcomes.push(outcome),
                        Err(error) => {
                            answers.push(Answer::Add(outcomes, reply)); // refused like all others of this round
                            return Err(error);
                        }
                    }
                    if outcomes.last().is_some_and(Result::is_err) {
                        break;
                    }
                }
                answers.push(Answer::Add(outcomes, reply));
            }
        }
        Ok(())
    }

    fn submit(&mut self, transaction: Transaction) -> Result<Submitted, SubmitError> {
        if transaction.is_reward() {
            return Err(TransactionError::ForgedReward.into());
        }
        let waiting = self.draft.len();
        if waiting >= self.max_queued {
            return Err(SubmitError::QueueFull(self.max_queued));
        }
        let id = transaction.id();
        let full_blocks = waiting / (MAX_BLOCK_TRANSACTIONS - 1);
        let same = self.draft.count(&id);
        let index = self.chain.length() + 1 + full_blocks.max(same) as u64;
        self.draft.push_back(id, transaction.clone());
        self.events.push(Event::Transaction {
            id,
            transaction,
            index,
        });
        Ok(Submitted { id, index })
    }

    /// Checks a block and puts it where it belongs. The outer error is the file's.
    fn add(&mut self, Examined { block, ids }: Examined) -> Result<Result<Added, AddError>, StoreError> {
        // Content first: a known header with a repeated tail of transactions is no known block (CVE-2012-2459).
        let ids = match ids {
            Ok(ids) => ids,
            Err(broken) => return Ok(Err(broken.into())),
        };
        if let Some(expected) = self.chain.index_of(&block.hash()) {
            let found = block.index();
            return Ok(match found == expected {
                true => Ok(Added::Known),
                false => Err(RuleError::Index { found, expected }.into()),
            });
        }
        if block.index() == 1 {
            let (found, expected) = (block.hash(), self.genesis());
            return Ok(Err(RuleError::Genesis { found, expected }.into()));
        }
        let parent = block.header().prev_blockhash;
        let Some(context) = self.chain.context(&parent) else {
            return Ok(Err(AddError::ParentUnknown(parent)));
        };
        let block = match block.validate_rest(ids, &context, Some(self.now_s)) {
            Ok(block) => block,
            Err(broken) => return Ok(Err(broken.into())),
        };
        self.batch.insert_block(&block)?;
        let added = match self.chain.insert(&block) {
            Change::Side => Added::Side,
            Change::Extended => {
                self.connect(block.index(), block.hash(), block.ids())?;
                Added::Tip { dropped: 0 }
            }
            Change::Reorganised { dropped, connected } => {
                self.reorganise(block.index(), &dropped, &connected)?
            }
        };
        let (active, dropped) = match added {
            Added::Tip { dropped } => (true, dropped),
            Added::Side | Added::Known => (false, 0),
        };
        let block = block.into_unchecked();
        self.events.push(Event::Block {
            block,
            active,
            dropped,
        });
        Ok(Ok(added))
    }

    fn genesis(&self) -> BlockHash {
        self.chain.active_hash(1).expect("every chain has a first block")
    }

    /// Swaps branches. What the dropped blocks held goes back to the front of the queue, unless the others hold it too.
    fn reorganise(
        &mut self,
        tip_index: u64,
        dropped: &[BlockHash],
        connected: &[BlockHash],
    ) -> Result<Added, StoreError> {
        let fork = tip_index - connected.len() as u64;
        let mut returned = Vec::new();
        for (index, hash) in (1..=dropped.len() as u64).rev().map(|i| fork + i).zip(dropped) {
            let block = self.batch.block(index, *hash)?;
            let ids = ids_of(&block);
            self.batch.disconnect(index, &ids)?;
            let pairs = ids.into_iter().zip(block.transactions().iter().cloned());
            returned.splice(0..0, pairs.filter(|(_, transaction)| !transaction.is_reward()));
        }
        self.draft.push_front(returned);
        for (index, hash) in (fork + 1..).zip(connected) {
            let block = self.batch.block(index, *hash)?;
            self.connect(index, *hash, &ids_of(&block))?;
        }
        Ok(Added::Tip {
            dropped: dropped.len(),
        })
    }

    /// Makes a block part of the active branch; what it holds waits no longer.
    fn connect(&mut self, index: u64, hash: BlockHash, ids: &[TransactionId]) -> Result<(), StoreError> {
        self.batch.connect(index, hash, ids)?;
        for id in ids {
            self.draft.take(id);
        }
        Ok(())
    }
}

fn ids_of(block: &Block<Unchecked>) -> Vec<TransactionId> {
    block.transactions().iter().map(Transaction::id).collect()
}

impl Command {
    /// Answers that the file has failed.
    fn refuse(self, reason: &str) {
        match self {
            Self::Submit(_, reply) => refuse_submit(reply, reason),
            Self::Add(_, reply) => refuse_add(reply, reason),
        }
    }
}

fn refuse_submit(reply: Reply<Result<Submitted, SubmitError>>, reason: &str) {
    reply(Err(SubmitError::Store(reason.to_owned())));
}

/// Nothing of a round that failed is on disk, whatever its first blocks were told.
fn refuse_add(reply: Reply<Vec<Result<Added, AddError>>>, reason: &str) {
    reply(vec![Err(AddError::Store(reason.to_owned()))]);
}

impl Answer {
    fn send(self) {
        match self {
            Self::Submit(answer, reply) => reply(answer),
            Self::Add(answers, reply) => reply(answers),
        }
    }

    fn refuse(self, reason: &str) {
        match self {
            Self::Submit(_, reply) => refuse_submit(reply, reason),
            Self::Add(_, reply) => refuse_add(reply, reason),
        }
    }
}
