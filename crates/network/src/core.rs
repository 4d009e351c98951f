//! The decisions of a node among peers: a state machine without sockets, threads or clock.
mod interface;
pub use interface::*;
