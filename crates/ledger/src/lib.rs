//! A thin ledger: what the miner finds becomes blocks, and the blocks a chain that is kept on disk.
//!
//! *In:* transactions and blocks, from anywhere. *Out:* a chain of checked blocks that outlasts any crash.
//!
//! ```text
//! transaction ──► queue ──► template  ──► (the engine mines) ──► block ──► rules ──► chain ──► store
//!                   ▲                                                        │
//!                   └──────── what a reorganisation drops returns ───────────┘
//! ```
//!
//! A [`Ledger`] may be used from any number of threads. One thread writes: nobody is told of a block
//! or a transaction before it is on disk. Readers see the published [`View`] and [`Snapshot`]s of the store.
//!
//! ```
//! use paydirt::{Cancel, Miner};
//! use paydirt_ledger::{Ledger, MiningPlan, Network, Transaction, mine_blocks};
//!
//! let ledger = Ledger::in_memory(&Network::default())?;
//! ledger.submit(Transaction::transfer("alice", "bob", 5)?)?;
//! let plan = MiningPlan { count: 1, spacing_s: None };
//! let mined = mine_blocks(&ledger, &Miner::new(), &Cancel::new(), plan, &|_| {}, &|_| {});
//! assert_eq!(mined.blocks, 1);
//! assert_eq!(ledger.snapshot()?.block(2)?.unwrap().transactions()[1].amount(), 5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod block;
mod chain;
mod difficulty;
mod merkle;
mod network;
mod outside;
mod queue;
mod record;
mod rules;
mod source;
mod store;
mod template;
mod transaction;
mod transfer;
mod writer;

use std::{
    path::Path,
    sync::{Arc, RwLock, RwLockReadGuard, mpsc},
    thread::JoinHandle,
    time::{SystemTime, UNIX_EPOCH},
};

use bitcoin::BlockHash;
pub use block::{Block, Checked, Unchecked, VERSION, engine_header, header_bytes, header_from_bytes};
pub use chain::{Chain, Change, Tip};
pub use difficulty::{Anchor, DifficultyRule, EASIEST_NBITS, asert, easiest_target};
pub use network::{DEFAULT_BITS, GENESIS_TIME_S, HALF_LIFE_BLOCKS, MAX_BITS, Network, NetworkError, REWARD};
pub use outside::{OutsideError, OutsideJobs};
pub use queue::{Queue, Queued};
pub use record::{BlockRecord, Problems, RecordError, TransactionRecord};
pub use rules::{Context, MAX_BLOCK_BYTES, MAX_BLOCK_TRANSACTIONS, MAX_FUTURE_S, MEDIAN_BLOCKS, RuleError};
pub use source::{Mined, MiningEnd, MiningError, MiningPlan, mine_blocks};
pub use store::{FILE_NAME, Snapshot, StoreError};
pub use template::{AheadOfClock, BlockJob, BlockTemplate};
pub use transaction::{
    MAX_AMOUNT, MAX_NAME_CHARS, REWARD_SENDER, Transaction, TransactionError, TransactionId,
};
pub use transfer::{BlockLines, ExportError, ImportError, Imported, export, import};
pub use writer::{AddError, Added, SubmitError, Submitted};

use paydirt::Cancel;
use rayon::prelude::*;
use store::Store;
use writer::{Command, Examined, Listener, Writer};

/// How many transactions may wait unless told otherwise.
pub const DEFAULT_MAX_QUEUED: usize = 250_000;

/// Seconds since 1970.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What has just become part of a ledger, and is on disk.
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
        /// Its id.
        id: TransactionId,
        /// The transaction.
        transaction: Transaction,
        /// The block it is likely to stand in.
        index: u64,
    },
}

/// The latest published state.
#[derive(Clone, Debug)]
pub struct View {
    /// The tip of the active branch.
    pub tip: Tip,
    /// What waits for a block.
    pub queue: Queue,
    /// Pulled when another block becomes the tip.
    tip_replaced: Cancel,
}

/// A ledger that is open. It closes when it is dropped, after everything asked of it is done.
pub struct Ledger {
    network: Network,
    node_id: String,
    /// Transactions of the active branch when it was opened.
    loaded_transactions: u64,
    genesis: BlockHash,
    store: Arc<Store>,
    view: Arc<RwLock<View>>,
    listeners: Arc<RwLock<Vec<Listener>>>,
    clock: Clock,
    commands: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

/// How to open a ledger.
#[derive(Clone)]
pub struct Options {
    /// How many transactions may wait.
    pub max_queued: usize,
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
            max_queued: DEFAULT_MAX_QUEUED,
            clock: Arc::new(clock),
        }
    }
}

impl Ledger {
    /// Opens the ledger in `folder`, whatever its network, and verifies all of it.
    ///
    /// # Errors
    /// [`StoreError`] when there is none, it is in use, or it is damaged.
    pub fn open(folder: &Path, options: Options) -> Result<Self, StoreError> {
        Self::from_store(Store::open(folder)?, options)
    }

    /// Opens the ledger in `folder` and verifies all of it, or begins one. `network` is the one a new ledger gets, and,
    /// if given, the one an old ledger must have.
    ///
    /// # Errors
    /// [`StoreError`] when it is in use, damaged, of another network, or cannot be made.
    pub fn open_or_create(
        folder: &Path,
        network: Option<&Network>,
        options: Options,
    ) -> Result<Self, StoreError> {
        let store = Store::open_or_create(folder, &network.copied().unwrap_or_default())?;
        let ledger = Self::from_store(store, options)?;
        match network {
            Some(wanted) if *wanted != ledger.network => Err(StoreError::OtherNetwork {
                stored: ledger.network.statement(),
                wanted: wanted.statement(),
            }),
            _ => Ok(ledger),
        }
    }

    /// A new ledger that lives as long as this value.
    ///
    /// # Errors
    /// [`StoreError`] when the system gives no thread.
    pub fn in_memory(network: &Network) -> Result<Self, StoreError> {
        Self::in_memory_with(network, Options::default())
    }

    /// The same, with options.
    ///
    /// # Errors
    /// [`StoreError`] when the system gives no thread.
    pub fn in_memory_with(network: &Network, options: Options) -> Result<Self, StoreError> {
        Self::from_store(Store::in_memory(network)?, options)
    }

    fn from_store(store: Store, options: Options) -> Result<Self, StoreError> {
        let loaded = store.load()?;
        let store = Arc::new(store);
        let view = View {
            tip: loaded.chain.tip(),
            queue: loaded.queue,
            tip_replaced: Cancel::new(),
        };
        let view = Arc::new(RwLock::new(view));
        let listeners = Arc::default();
        let network = *loaded.chain.network();
        let genesis = loaded
            .chain
            .active_hash(1)
            .expect("every chain has a first block");
        let writer = Writer {
            store: Arc::clone(&store),
            chain: loaded.chain,
            view: Arc::clone(&view),
            listeners: Arc::clone(&listeners),
            max_queued: options.max_queued,
            clock: Arc::clone(&options.clock),
        };
        let started = writer.start();
        let (commands, thread) = started.map_err(|error| StoreError::File(error.to_string()))?;
        Ok(Self {
            network,
            node_id: loaded.node_id,
            loaded_transactions: loaded.transactions,
            genesis,
            store,
            view,
            listeners,
            clock: options.clock,
            commands: Some(commands),
            thread: Some(thread),
        })
    }

    /// The rules it keeps.
    pub fn network(&self) -> &Network {
        &self.network
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

    /// What time its clock shows, in seconds since 1970.
    pub fn now_s(&self) -> u64 {
        (self.clock)()
    }

    /// The latest tip and queue. Hold it briefly: the writer waits for it.
    pub fn view(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().expect("nothing panics while it is held")
    }

    /// The latest tip.
    pub fn tip(&self) -> Tip {
        self.view().tip.clone()
    }

    /// The stored blocks at this moment.
    ///
    /// # Errors
    /// [`StoreError`] when the file fails.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.store.snapshot()
    }

    /// Calls `listener` after each change, on the writer's thread: it should return quickly.
    pub fn listen(&self, listener: impl Fn(&Event) + Send + Sync + 'static) {
        let mut listeners = self.listeners.write().expect("nothing panics while it is held");
        listeners.push(Box::new(listener));
    }

    /// The next block, for this node's reward.
    pub fn block_template(&self) -> BlockTemplate {
        let (tip, waiting, stale) = {
            let view = self.view();
            (
                view.tip.clone(),
                view.queue.next_block(),
                view.tip_replaced.clone(),
            )
        };
        let mut template =
            BlockTemplate::new(&tip, self.node_id.clone(), waiting).expect("the node's id is a name");
        template.stale = stale;
        template
    }

    /// Queues a transaction; returns when it is on disk.
    ///
    /// # Errors
    /// [`SubmitError`] for a reward, a full queue, or a file that failed.
    pub fn submit(&self, transaction: Transaction) -> Result<Submitted, SubmitError> {
        wait(|reply| self.submit_then(transaction, reply))
    }

    /// Queues a transaction, and calls `reply` on the writer's thread when it is on disk.
    pub fn submit_then(
        &self,
        transaction: Transaction,
        reply: impl FnOnce(Result<Submitted, SubmitError>) + Send + 'static,
    ) {
        self.send(Command::Submit(transaction, Box::new(reply)));
    }

    /// Adds a block; returns when it is on disk.
    ///
    /// # Errors
    /// [`AddError`] when it breaks a rule, its parent is unknown, or the file failed.
    pub fn add(&self, block: Block<Unchecked>) -> Result<Added, AddError> {
        let outcome = self.add_all(vec![block]).pop();
        outcome.expect("one outcome a block")
    }

    /// Adds blocks, parents first, with one commit for all; returns when they are on disk. It ends with the first one
    /// that is refused: those after it are not tried, and have no outcome.
    pub fn add_all(&self, blocks: Vec<Block<Unchecked>>) -> Vec<Result<Added, AddError>> {
        wait(|reply| self.add_then(blocks, reply))
    }

    /// [`Ledger::add_all`], which calls `reply` on the writer's thread when the blocks are on disk. What can be checked
    /// of them without others is checked before it returns, on this thread and rayon's.
    pub fn add_then(
        &self,
        blocks: Vec<Block<Unchecked>>,
        reply: impl FnOnce(Vec<Result<Added, AddError>>) + Send + 'static,
    ) {
        let examined = blocks.into_par_iter().map(Examined::new).collect();
        self.send(Command::Add(examined, Box::new(reply)));
    }

    fn send(&self, command: Command) {
        let commands = self.commands.as_ref().expect("taken only by drop");
        assert!(
            commands.send(command).is_ok(),
            "the writer lives as long as the ledger"
        );
    }
}

/// Waits for the answer that `ask` has sent to its argument.
fn wait<T: Send + 'static>(ask: impl FnOnce(Box<dyn FnOnce(T) + Send>)) -> T {
    let (sender, receiver) = mpsc::sync_channel(1);
    ask(Box::new(move |answer| {
        let _ = sender.send(answer); // the receiver waits below
    }));
    receiver.recv().expect("the writer answers everything")
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
            .field("network", &self.network)
            .field("node_id", &self.node_id)
            .field("tip", &self.tip().hash)
            .finish_non_exhaustive()
    }
}
