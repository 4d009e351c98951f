//! The one thread that changes a ledger.
//!
//! *In:* transactions and blocks from any thread. *Out:* an answer to each, after what it says is on disk.
//!
//! ```text
//! the caller's thread:  check a block's content, which needs no other block; compute the ids
//! loop:
//!     wait for a command; take every other that waits already          group commit: one fsync for all of them
//!     go through a slice of what a reorganisation has left to do       without waiting, as long as there is some
//!     check and apply each to the tree and to a draft of what is pending   nobody sees these yet; the rest after 20 ms
//!     commit one database transaction                                       now they outlast a crash
//!     publish the new tip, tree and transfers; tell the listeners; answer everyone
//! ```
//!
//! When the file fails, the tree may be ahead of the disk; so the writer refuses everything from then on, and what is
//! published stays at the last commit.

mod round;
mod settle;

use std::{
    collections::VecDeque,
    sync::{
        Arc, RwLock,
        mpsc::{Receiver, Sender, TryRecvError, channel},
    },
    time::{Duration, Instant},
};

use crate::{
    Clock, Event, View,
    block::{Block, Unchecked},
    header::BlockHash,
    identity::{Identified, TransactionId},
    outcome::{AddError, AddMode, Added, StoreFailed, SubmitError, Submitted, SwitchError, Switched},
    pending::{Changes, Draft, PendingLimits},
    rules::RuleError,
    settling::Unsettled,
    store::{Store, StoreError, WriteBatch},
    tree::{HeaderTree, SideLimits},
    waiting::Waiting,
};
use round::Round;

/// The most commands of one commit: bounds how long the first waits for the last.
const MAX_BATCH: usize = 4096;
/// For how long one commit takes on further commands: the rest come with the next.
const ROUND_TIME: Duration = Duration::from_millis(20);
/// For how long it goes through what a reorganisation has left to do.
const SLICE_TIME: Duration = Duration::from_millis(10);

pub(super) type Reply<T> = Box<dyn FnOnce(T) + Send>;

/// What the writer can be asked.
pub(super) enum Command {
    Submit(Identified, Reply<Result<Submitted, SubmitError>>),
    Add(Vec<Examined>, AddMode, Reply<Vec<Result<Added, AddError>>>),
    Switch(BlockHash, Reply<Result<Switched, SwitchError>>),
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
    Switch(
        Result<Switched, SwitchError>,
        Reply<Result<Switched, SwitchError>>,
    ),
}

pub(super) type Listener = Box<dyn Fn(&Event) + Send + Sync>;

/// What the writer's thread owns.
pub(super) struct Writer {
    pub(super) store: Arc<Store>,
    pub(super) tree: HeaderTree,
    pub(super) waiting: Waiting,
    pub(super) view: Arc<RwLock<View>>,
    pub(super) listeners: Arc<RwLock<Vec<Listener>>>,
    pub(super) unsettled: Unsettled,
    /// Transfers that found no room when their block went.
    pub(super) left_out: u64,
    pub(super) limits: PendingLimits,
    pub(super) side_limits: SideLimits,
    pub(super) max_depth: u64,
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
        let mut failed: Option<StoreFailed> = None;
        let mut waiting = VecDeque::new();
        loop {
            if waiting.is_empty() && (failed.is_some() || !self.has_work()) {
                match commands.recv() {
                    Ok(first) => waiting.push_back(first),
                    Err(_) => return,
                }
            }
            while waiting.len() < MAX_BATCH {
                match commands.try_recv() {
                    Ok(next) => waiting.push_back(next),
                    Err(TryRecvError::Empty) => break,
                    // What is left to do is on disk, and done when the ledger is opened again.
                    Err(TryRecvError::Disconnected) if waiting.is_empty() => return,
                    Err(TryRecvError::Disconnected) => break,
                }
            }
            if let Some(failed) = &failed {
                waiting.drain(..).for_each(|command| command.refuse(failed));
            } else if let Err(error) = self.commit(&mut waiting) {
                failed = Some(error);
            }
        }
    }

    /// Whether there is something to do that nobody waits for.
    fn has_work(&self) -> bool {
        let has_room = || {
            let view = self.view.read().expect("nothing panics while it is held");
            self.limits.have_room(view.pending.len(), view.pending.bytes())
        };
        self.unsettled.has_joined()
            || (self.unsettled.has_left() && has_room())
            || !self.tree.side_excess(&self.side_limits).is_empty()
    }

    /// Carries out one round: a slice of what is left to do, and commands, as many as its time allows. An error is fatal;
    /// everyone has been told.
    fn commit(&mut self, commands: &mut VecDeque<Command>) -> Result<(), StoreFailed> {
        let mut answers = Vec::with_capacity(commands.len());
        match self.write(commands, &mut answers) {
            Ok((changes, events)) => {
                let tip = self.tree.tip();
                let mut view = self.view.write().expect("nothing panics while it is held");
                view.pending.apply(changes);
                view.pending.held = self.unsettled.has_joined();
                view.unsettled = self.unsettled.len();
                view.left_out = self.left_out;
                if view.tip.hash != tip.hash {
                    std::mem::take(&mut view.tip_replaced).cancel();
                }
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
                commands.drain(..).for_each(|command| command.refuse(&failed));
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
        let begun = Instant::now();
        let before = self.tree.tip_node().hash;
        let transaction = self.store.begin_write()?;
        let done = {
            let view = self.view.read().expect("nothing panics while it is held");
            let mut round = Round {
                draft: Draft::new(&view.pending),
                batch: WriteBatch::open(&transaction)?,
                tree: &mut self.tree,
                waiting: &mut self.waiting,
                unsettled: &mut self.unsettled,
                left_out: &mut self.left_out,
                events: Vec::new(),
                limits: self.limits,
                side_limits: self.side_limits,
                max_depth: self.max_depth,
                now_s: (self.clock)(),
            };
            // First: what returns finds room before what is new.
            round.settle(Some(begun + SLICE_TIME))?;
            round.trim()?;
            while let Some(command) = commands.pop_front() {
                round.apply(command, answers)?;
                if begun.elapsed() > ROUND_TIME {
                    break;
                }
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
            Self::Switch(_, reply) => reply(Err(failed.clone().into())),
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
            Self::Switch(answer, reply) => reply(answer),
        }
    }

    fn refuse(self, failed: &StoreFailed) {
        match self {
            Self::Submit(_, reply) => reply(Err(failed.clone().into())),
            Self::Add(answers, reply) => reply(refused(answers.len(), failed)),
            Self::Switch(_, reply) => reply(Err(failed.clone().into())),
        }
    }
}
