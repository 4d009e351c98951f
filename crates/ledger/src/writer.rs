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
//! When the file fails, here or before a reader's eyes, the tree may be ahead of the disk, or the disk is not what was
//! written; so the writer refuses everything from then on, and what is published stays at the last commit.

mod round;

use std::{
    collections::VecDeque,
    sync::{
        Arc, RwLock,
        mpsc::{Receiver, Sender, channel},
    },
};

use crate::{
    Clock, Event, View,
    block::{Block, Unchecked},
    header::BlockHash,
    health::Health,
    identity::{Identified, TransactionId},
    outcome::{AddError, AddMode, Added, StoreFailed, SubmitError, Submitted},
    pending::{Changes, Draft},
    rules::RuleError,
    store::{Store, StoreError, WriteBatch, caught},
    tree::{HeaderTree, SideLimits},
    waiting::Waiting,
};
use round::Round;

/// The most commands of one commit: bounds how long the first waits for the last.
const MAX_BATCH: usize = 4096;

pub(super) type Reply<T> = Box<dyn FnOnce(T) + Send>;

/// What the writer can be asked.
pub(super) enum Command {
    Submit(Identified, Reply<Result<Submitted, SubmitError>>),
    Add(Vec<Examined>, AddMode, Reply<Vec<Result<Added, AddError>>>),
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
    pub(super) health: Arc<Health>,
    pub(super) max_pending: usize,
    pub(super) side_limits: SideLimits,
    pub(super) clock: Clock,
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
        while let Ok(first) = commands.recv() {
            let mut round = vec![first];
            round.extend(commands.try_iter().take(MAX_BATCH - 1));
            match self.health.failure() {
                Some(failed) => round.into_iter().for_each(|command| command.refuse(failed)),
                None => self.commit(round),
            }
        }
    }

    /// Carries out one round, and answers everyone in it.
    fn commit(&mut self, commands: Vec<Command>) {
        let mut commands = VecDeque::from(commands);
        let mut answers = Vec::with_capacity(commands.len());
        match caught(|| self.write(&mut commands, &mut answers)) {
            Ok((changes, events)) => {
                let tip = self.tree.tip();
                let mut view = self.view.write().expect("nothing panics while it is held");
                view.pending.apply(changes);
                if view.tip.hash != tip.hash {
                    std::mem::take(&mut view.tip_replaced).cancel();
                    self.health.watch(&view.tip_replaced);
                }
                view.tip = tip;
                let before = std::mem::replace(&mut view.tree, self.tree.clone());
                drop(view);
                drop(before); // what no reader shares any more
                events.iter().for_each(|event| self.health.tell(event));
                answers.into_iter().for_each(Answer::send);
            }
            Err(error) => {
                let failed = self.health.fail(error);
                answers.into_iter().for_each(|answer| answer.refuse(&failed));
                commands.into_iter().for_each(|command| command.refuse(&failed));
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
