//! Peers: one ledger on many machines.
//!
//! *In:* a ledger, addresses. *Out:* the same ledger, which takes in what peers have, and tells them what it has.
//!
//! ```text
//!            ┌──────────────── core: decides; no sockets, no threads, no clock ────────────────┐
//! sockets ──►│ events: peers come and go, messages, what the ledger says, time                 │
//! ledger  ◄──│ actions: send, ask the ledger, dial, disconnect with a reason                   │
//!            └──────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! [`core`] is the whole of the protocol's decisions, so that thousands of nodes can be simulated in one thread, from one
//! seed, with the code that runs in a node. [`message`] is what goes over the wire. `driver`, a feature, puts the core on
//! sockets.

pub mod core;
#[cfg(feature = "driver")]
pub mod driver;
pub mod message;
