//! Stratum v1: mining for a pool.
//!
//! *In:* the pools' addresses, who mines. *Out:* a [`JobSource`](paydirt_jobs::JobSource) of the first pool that answers,
//! and [`Event`]s. *The idea:* what is to be done with a line is decided where there is no socket and no clock.
//!
//! ```text
//! socket ──► lines ──► message ──► client ──┬─► lines to send ──► socket
//!                                           ├─► work ──► a job, in the slot that the mining loop waits at
//!                                           └─► events
//! ```
//!
//! One thread reads; the mining thread that has a share writes it. Plain threads and blocking sockets do this: there is
//! one connection, and a share that had to wake another thread before it was written would take longer, for the
//! mining threads have every processor.
//!
//! Followed: the protocol as pools document it, BIP 310 (`mining.configure`), BIP 320 (which version bits).

mod client;
mod connection;
mod event;
mod handshake;
mod lines;
mod message;
mod pool;
mod tls;
mod url;
mod work;

pub use client::{Action, Client, Leave, Submission};
pub use event::{Event, FoundShare, Tally};
pub use lines::{Line, LineBuffer, MOST_LINE_BYTES};
pub use message::JobId;
pub use pool::{Login, Pool, PoolError, Told};
pub use tls::{Trust, TrustError};
pub use url::{PoolUrl, UrlError};
pub use work::Work;
