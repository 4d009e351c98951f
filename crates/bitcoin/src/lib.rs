//! Real headers: Bitcoin's software as sources of jobs.
//!
//! *In:* what a pool says (Stratum v1), or a node (getblocktemplate). *Out:* [`Job`](paydirt_jobs::Job)s for the one mining loop, and the shares that it
//! found, said in the peer's words.
//!
//! ```text
//! stratum     lines of a pool ──► client (no sockets, no clock) ──► jobs, lines, events; around it the connection
//! solo        a node's block templates ──► jobs; blocks ──► submitblock (three threads, one state)
//! rpc         JSON-RPC over HTTP, credentials
//! address     text ──► the script that pays it, and its networks
//! merkle      coinbase and branch ──► root
//! difficulty  a pool's difficulty ◄──► target
//! rate        hashes counted ──► hashes per second over 10 s, 1 min, 15 min
//! backoff     failures ──► how long to wait
//! ```

pub mod address;
pub mod backoff;
pub mod difficulty;
pub mod merkle;
pub mod rate;
pub mod rpc;
pub mod solo;
pub mod stratum;
