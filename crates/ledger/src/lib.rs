//! A thin ledger: what the miner finds becomes blocks, and the blocks a chain that is kept on disk.
//!
//! *In:* transactions and blocks, from anywhere. *Out:* a chain of checked blocks that outlasts any crash.
//!
//! ```text
//! transaction ──► pending ──► template ──► (the engine mines) ──► block ──► rules ──► header tree ──► store
//!                    ▲                                                          │
//!                    └───────── what a reorganisation drops returns ────────────┘
//! ```
//!
//! A [`Ledger`] may be used from any number of threads. One thread writes: nobody is told of a block
//! or a transaction before it is on disk. Readers see the published [`View`] and [`Snapshot`]s of the store.
//!
//! ```
//! use paydirt::{Cancel, Miner};
//! use paydirt_ledger::{ChainParameters, Ledger, MiningPlan, Transaction, mine_blocks};
//!
//! let ledger = Ledger::in_memory(&ChainParameters::default())?;
//! ledger.submit(Transaction::transfer("alice", "bob", 5)?)?;
//! let plan = MiningPlan { count: 1, spacing_s: None };
//! let mined = mine_blocks(&ledger, &Miner::new(), &Cancel::new(), plan, &|_| {}, &|_| {});
//! assert_eq!(mined.blocks, 1);
//! assert_eq!(ledger.snapshot()?.block(2)?.unwrap().transactions()[1].amount(), 5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod block;
mod difficulty;
mod header;
mod health;
mod history;
mod identity;
mod ledger;
mod merkle;
mod outcome;
mod outside;
mod parameters;
mod pending;
mod point;
mod reading;
mod record;
mod rules;
mod settling;
mod source;
mod store;
mod template;
mod transaction;
mod transfer;
mod tree;
mod waiting;
mod writer;

pub use block::{Block, Checked, Unchecked, VERSION};
pub use difficulty::{Anchor, DifficultyRule, EASIEST_NBITS, asert, easiest_target};
pub use header::{BlockHash, HashError, Header, MerkleRoot, Work};
pub use history::{BlockTimes, History, PastBlock};
pub use identity::{Identified, Tag, TransactionId};
pub use ledger::{
    Clock, DEFAULT_MAX_PENDING, DEFAULT_MAX_PENDING_BYTES, DEFAULT_MAX_REORGANISATION, Event, Ledger,
    Options, View,
};
pub use outcome::{
    AddError, AddMode, Added, Standing, StoreFailed, SubmitError, Submitted, SwitchError, Switched,
};
pub use outside::{OutsideError, OutsideJobs};
pub use parameters::{
    ChainParameters, DEFAULT_BITS, FIXED_MAX_AHEAD_S, GENESIS_TIME_S, HALF_LIFE_BLOCKS, MAX_AHEAD_PART,
    MAX_AHEAD_S, MAX_BITS, ParametersError, REWARD, TimeRule,
};
pub use pending::Pending;
pub use point::BranchPoint;
pub use reading::ActiveBranch;
pub use record::{BlockRecord, FieldErrors, RecordError, TransactionRecord, whole_number};
pub use rules::{MAX_BLOCK_BYTES, MAX_BLOCK_TRANSACTIONS, MEDIAN_BLOCKS, ParentState, RuleError};
pub use source::{Mined, MiningEnd, MiningError, MiningPlan, mine_blocks};
pub use store::{FILE_NAME, FileError, Snapshot, StoreError};
pub use template::{AheadOfClock, BlockJob, BlockTemplate};
pub use transaction::{MAX_AMOUNT, MAX_NAME_CHARS, REWARD_SENDER, Transaction, TransactionError};
pub use transfer::{BlockLines, ExportError, ImportError, Imported, LineError, export, import};
pub use tree::{Change, HeaderNode, HeaderTree, SideError, SideLimits, Tip};
pub use waiting::Bounds;
