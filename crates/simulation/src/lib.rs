//! A network of thousands of nodes in one thread.
//!
//! *In:* a [`Setup`] and its seed. *Out:* what happened: when each node had each block, how many blocks were in vain, who was
//! cut off. The same seed makes the same run.
//!
//! ```text
//! events by their time ──► a node's sync core, the one that runs in a node ──► its actions ──► events, later
//!                          a ledger that judges blocks by their names alone        latency, bandwidth
//! ```
//!
//! Headers are real, with the easiest proof of work, and each core checks them. Blocks are judged at once after a time that
//! stands for it, and their size is a number; so a thousand nodes take a thousand blocks in less than a minute.

mod chain;
mod hostile;
mod links;
mod node;
mod report;
mod scenario;
mod world;

pub use hostile::Hostility;
pub use links::Links;
pub use report::{Report, Spread};
pub use scenario::{Check, random_world};
pub use world::{Setup, World};
