//! A ledger that is open.
//!
//! *In:* transactions and blocks, from any thread, and what to keep them in. *Out:* what became of each, once it is on disk, and
//! the published state. One thread, the writer, changes anything; this is the way to it and to what it publishes.

use std::{
    path::Path,
    sync::{Arc, RwLock, RwLockReadGuard, mpsc},
    thread::JoinHandle,
    time::{SystemTime, UNIX_EPOCH},
};

use paydirt::Cancel;
use rayon::prelude::*;

use crate::{
    block::{Block, Unchecked},
    header::BlockHash,
    health::Health,
    identity::Identified,
    outcome::{AddError, AddMode, Added, StoreFailed, SubmitError, Submitted, SwitchError, Switched},
    parameters::ChainParameters,
    pending::{Pending, PendingLimits},
    store::{DEFAULT_CACHE_BYTES, FileError, Snapshot, Store, StoreError},
    template::BlockTemplate,
    transaction::TransactionError,
    tree::{HeaderTree, SideLimits, Tip},
    waiting::{Bounds, Waiting},
    writer::{Command, Examined, Writer},
};

/// How many transactions may wait unless told otherwise.
pub const DEFAULT_MAX_PENDING: usize = 250_000;
/// How many bytes of them unless told otherwise: on average some 270 for each of as many as may wait, where names of ten
/// letters take 40.
pub const DEFAULT_MAX_PENDING_BYTES: usize = 64 << 20;
/// How far below the tip a heavier branch may leave the active one and still be taken up by itself, unless told otherwise:
/// as many blocks as Bitcoin makes a reward wait before it may be spent, because no honest branch was ever that deep.
pub const DEFAULT_MAX_REORGANISATION: u64 = 100;

/// Seconds since 1970.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What has just become part of a ledger, and is on disk; or that nothing will any more.
#[derive(Clone, Debug)]
pub enum Event {
    /// A block.
    Block {
        /// The block.
        block: Block<Unchecked>,
        /// Whether it is the new tip.
        active: bool,
        /// How many blocks no longer count because of it.
        dropped: usize,
    },
    /// A transaction that waits for a block.
    Transaction {
        /// The transaction.
        transfer: Identified,
        /// The block it is likely to stand in.
        index: u64,
    },
    /// The file failed: told once, on the thread that saw it.
    Failed(StoreFailed),
}

/// The latest published state.
#[derive(Clone, Debug)]
pub struct View {
    /// The tip of the active branch.
    pub tip: Tip,
    /// All blocks of the tree. A clone costs a few pointers: who walks it takes one.
    pub tree: HeaderTree,
    /// What waits for a block.
    pub pending: Pending,
    /// Blocks of the last reorganisations whose transfers `pending` does not reflect yet: all of its blocks for a moment after
    /// a large one, and those that left for as long as there is no room for what they hold.
    pub unsettled: usize,
    /// Transfers of blocks that left the active branch for which there was no room until their block was forgotten, since the
    /// ledger was opened.
    pub left_out: u64,
    /// Pulled when another block becomes the tip.
    pub(crate) tip_replaced: Cancel,
}

/// A ledger that is open. It closes when it is dropped, after everything asked of it is done.
pub struct Ledger {
    parameters: ChainParameters,
    node_id: String,
    /// Transactions of the active branch when it was opened.
    loaded_transactions: u64,
    genesis: BlockHash,
    pub(crate) store: Arc<Store>,
    view: Arc<RwLock<View>>,
    health: Arc<Health>,
    pub(crate) clock: Clock,
    max_reorganisation: u64,
    commands: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

/// How to open a ledger.
#[derive(Clone)]
pub struct Options {
    /// How many transactions may wait.
    pub max_pending: usize,
    /// How many bytes they may take in their stored form: names in UTF-8 and 20 bytes each.
    pub max_pending_bytes: usize,
    /// How far below the tip a heavier branch may leave the active one and still be taken up by itself. One that leaves it
    /// further below is taken up by [`Ledger::switch`] alone.
    pub max_reorganisation: u64,
    /// How many blocks may wait for their parent.
    pub max_waiting: Bounds,
    /// How much of the tree side branches may take.
    pub side_limits: SideLimits,
    /// What the store may keep in memory of its file, in bytes.
    pub cache_bytes: usize,
    /// What time it is.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        let clock = || {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            since.map_or(0, |since| since.as_secs())
        };
        Self {
            max_pending: DEFAULT_MAX_PENDING,
            max_pending_bytes: DEFAULT_MAX_PENDING_BYTES,
            max_reorganisation: DEFAULT_MAX_REORGANISATION,
            max_waiting: Bounds {
                blocks: 1_000,
                bytes: 32 << 20,
            },
            side_limits: SideLimits::default(),
            cache_bytes: DEFAULT_CACHE_BYTES,
            clock: Arc::new(clock),
        }
    }
}

impl Ledger {
    /// Opens the ledger in `folder`, whatever its parameters, and verifies all of it.
    ///
    /// # Errors
    /// [`StoreError`] when there is none, it is in use, or it is damaged.
    pub fn open(folder: &Path, options: Options) -> Result<Self, StoreError> {
        Self::from_store(Store::open(folder, options.cache_bytes)?, options)
    }

    /// Opens the ledger in `folder` and verifies all of it, or begins one. `parameters` are those a new ledger gets,
    /// and, if given, those an old ledger must have.
    ///
    /// # Errors
    /// [`StoreError`] when it is in use, damaged, of other parameters, or cannot be made.
    pub fn open_or_create(
        folder: &Path,
        parameters: Option<&ChainParameters>,
        options: Options,
    ) -> Result<Self, StoreError> {
        let of_new = parameters.copied().unwrap_or_default();
        let store = Store::open_or_create(folder, &of_new, options.cache_bytes)?;
        let ledger = Self::from_store(store, options)?;
        match parameters {
            Some(wanted) if !ledger.parameters.are_meant_by(wanted) => Err(StoreError::OtherParameters {
                stored: ledger.parameters.statement(),
                wanted: wanted.statement(),
            }),
            _ => Ok(ledger),
        }
    }

    /// A new ledger that lives as long as this value.
    ///
    /// # Errors
    /// [`StoreError`] when the system gives no thread.
    pub fn in_memory(parameters: &ChainParameters) -> Result<Self, StoreError> {
        Self::in_memory_with(parameters, Options::default())
    }

    /// The same, with options.
    ///
    /// # Errors
    /// [`StoreError`] when the system gives no thread.
    pub fn in_memory_with(parameters: &ChainParameters, options: Options) -> Result<Self, StoreError> {
        Self::from_store(Store::in_memory(parameters, options.cache_bytes)?, options)
    }

    pub(crate) fn from_store(store: Store, options: Options) -> Result<Self, StoreError> {
        let (store, loaded) = store.load()?;
        let health = Arc::clone(store.health());
        let store = Arc::new(store);
        let view = View {
            tip: loaded.tree.tip(),
            tree: loaded.tree.clone(),
            pending: loaded.pending,
            unsettled: loaded.unsettled.len(),
            left_out: 0,
            tip_replaced: Cancel::new(),
        };
        health.watch(&view.tip_replaced);
        let view = Arc::new(RwLock::new(view));
        let parameters = *loaded.tree.parameters();
        let genesis = loaded.tree.active_hash(1).expect("every chain has a first block");
        let writer = Writer {
            store: Arc::clone(&store),
            tree: loaded.tree,
            waiting: Waiting::new(options.max_waiting),
            view: Arc::clone(&view),
            health: Arc::clone(&health),
            unsettled: loaded.unsettled,
            left_out: 0,
            limits: PendingLimits {
                count: options.max_pending,
                bytes: options.max_pending_bytes,
            },
            side_limits: options.side_limits,
            max_depth: options.max_reorganisation,
            clock: Arc::clone(&options.clock),
        };
        let (commands, thread) = writer.start().map_err(FileError::from)?;
        Ok(Self {
            parameters,
            node_id: loaded.node_id,
            loaded_transactions: loaded.transactions,
            genesis,
            store,
            view,
            health,
            clock: options.clock,
            max_reorganisation: options.max_reorganisation,
            commands: Some(commands),
            thread: Some(thread),
        })
    }

    /// The rules it keeps.
    pub fn parameters(&self) -> &ChainParameters {
        &self.parameters
    }

    /// The hash of its first block.
    pub fn genesis_hash(&self) -> BlockHash {
        self.genesis
    }

    /// Whom its own blocks reward: 32 hex digits, made with the store and kept in it.
    pub fn node_id(&self) -> &str {
        &self.node_id
    }

    /// How many transactions stood in the active branch when it was opened.
    pub fn loaded_transactions(&self) -> u64 {
        self.loaded_transactions
    }

    /// How far below the tip a heavier branch may leave the active one and still be taken up by itself.
    pub fn max_reorganisation(&self) -> u64 {
        self.max_reorganisation
    }

    /// What time its clock shows, in seconds since 1970.
    pub fn now_s(&self) -> u64 {
        (self.clock)()
    }

    /// The latest tip, tree and pending transfers. Hold it briefly: the writer waits for it.
    pub fn view(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().expect("nothing panics while it is held")
    }

    /// The tree of headers, as it is now.
    pub fn tree(&self) -> HeaderTree {
        self.view().tree.clone()
    }

    /// The latest tip.
    pub fn tip(&self) -> Tip {
        self.view().tip.clone()
    }

    /// Why nothing is stored any more until the ledger is opened again: its file failed or is damaged. `None` while all is
    /// well.
    pub fn failure(&self) -> Option<&StoreFailed> {
        self.health.failure()
    }

    /// The stored blocks at this moment, to be looked at quickly; [`Ledger::read`] is for everything else.
    ///
    /// # Errors
    /// [`StoreError`] when the file fails.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.store.snapshot()
    }

    /// Calls `listener` after each change, on the writer's thread: it should return quickly. Of a failure it hears on the
    /// thread that saw it.
    pub fn listen(&self, listener: impl Fn(&Event) + Send + Sync + 'static) {
        self.health.listen(Box::new(listener));
    }

    /// The next block, for this node's reward.
    pub fn block_template(&self) -> BlockTemplate {
        let (tip, waiting, stale) = {
            let view = self.view();
            let waiting = view.pending.next_block();
            (view.tip.clone(), waiting, view.tip_replaced.clone())
        };
        let mut template =
            BlockTemplate::new(&tip, self.node_id.clone(), waiting).expect("the node's id is a name");
        template.stale = stale;
        template
    }

    /// Lets a transfer wait for a block; returns when it is on disk. One with a tag waits once: sent again it is answered
    /// as known. One without is another payment each time; [`Transaction::tagged`](crate::Transaction::tagged) gives it a tag.
    ///
    /// # Errors
    /// [`SubmitError`] for a reward, too many that wait, or a file that failed.
    pub fn submit(&self, transfer: impl Into<Identified>) -> Result<Submitted, SubmitError> {
        let answer = wait(|reply| self.submit_then(transfer, reply));
        answer.unwrap_or_else(|| Err(self.unanswered().into()))
    }

    /// [`Ledger::submit`], which calls `reply` on the writer's thread when the transfer is on disk. Its id is computed on
    /// this one.
    pub fn submit_then(
        &self,
        transfer: impl Into<Identified>,
        reply: impl FnOnce(Result<Submitted, SubmitError>) + Send + 'static,
    ) {
        let transfer = transfer.into();
        match transfer.transaction().is_reward() {
            true => reply(Err(TransactionError::ForgedReward.into())),
            false => self.send(Command::Submit(transfer, Box::new(reply))),
        }
    }

    /// Adds a block; returns when it is on disk.
    ///
    /// # Errors
    /// [`AddError`] when it breaks a rule, its parent is unknown, side branches have no room for it, or the file failed.
    pub fn add(&self, block: Block<Unchecked>) -> Result<Added, AddError> {
        let outcome = self.add_all(vec![block]).pop();
        outcome.expect("one outcome a block")
    }

    /// Adds blocks, parents first, with one commit for all; returns when they are on disk. Each has an outcome, in their
    /// order; one that is refused does not hold up the others.
    pub fn add_all(&self, blocks: Vec<Block<Unchecked>>) -> Vec<Result<Added, AddError>> {
        self.add_and_wait(blocks, AddMode::Each)
    }

    /// Adds blocks up to the first that is refused, whose outcome is the last; none after it is taken.
    pub fn add_until_refused(&self, blocks: Vec<Block<Unchecked>>) -> Vec<Result<Added, AddError>> {
        self.add_and_wait(blocks, AddMode::UntilRefused)
    }

    fn add_and_wait(&self, blocks: Vec<Block<Unchecked>>, mode: AddMode) -> Vec<Result<Added, AddError>> {
        let count = blocks.len();
        let outcomes = wait(|reply| self.add_then(blocks, mode, reply));
        outcomes.unwrap_or_else(|| vec![Err(self.unanswered().into()); count])
    }

    /// Why a command has no answer: the database panicked over its own file while the command was carried out.
    fn unanswered(&self) -> StoreFailed {
        let reason = "the database cannot be written".to_owned();
        self.health.fail(StoreError::Damaged(reason))
    }

    /// [`Ledger::add_all`], as `mode` says, which calls `reply` on the writer's thread when the blocks are on disk. What can be checked
    /// of them without others is checked before it returns, on this thread and rayon's.
    pub fn add_then(
        &self,
        blocks: Vec<Block<Unchecked>>,
        mode: AddMode,
        reply: impl FnOnce(Vec<Result<Added, AddError>>) + Send + 'static,
    ) {
        let examined = blocks.into_par_iter().map(Examined::new).collect();
        self.send(Command::Add(examined, mode, Box::new(reply)));
    }

    /// Takes up the branch of a block, which has more work than the active one, however far below the tip it leaves that; and
    /// what stands on it. Returns when that is on disk.
    ///
    /// # Errors
    /// [`SwitchError`] when the block is unknown, its branch is not heavier, or the file failed.
    pub fn switch(&self, hash: BlockHash) -> Result<Switched, SwitchError> {
        let answer = wait(|reply| self.switch_then(hash, reply));
        answer.unwrap_or_else(|| Err(self.unanswered().into()))
    }

    /// [`Ledger::switch`], which calls `reply` on the writer's thread when it is done.
    pub fn switch_then(
        &self,
        hash: BlockHash,
        reply: impl FnOnce(Result<Switched, SwitchError>) + Send + 'static,
    ) {
        self.send(Command::Switch(hash, Box::new(reply)));
    }

    fn send(&self, command: Command) {
        let commands = self.commands.as_ref().expect("taken only by drop");
        assert!(
            commands.send(command).is_ok(),
            "the writer lives as long as the ledger"
        );
    }
}

/// Waits for the answer that `ask` has sent to its argument; `None` when that was dropped.
fn wait<T: Send + 'static>(ask: impl FnOnce(Box<dyn FnOnce(T) + Send>)) -> Option<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    ask(Box::new(move |answer| {
        let _ = sender.send(answer); // the receiver waits below
    }));
    receiver.recv().ok()
}

impl Drop for Ledger {
    fn drop(&mut self) {
        drop(self.commands.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // it has nothing left to say
        }
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger")
            .field("parameters", &self.parameters)
            .field("node_id", &self.node_id)
            .field("tip", &self.tip().hash)
            .finish_non_exhaustive()
    }
}
