//! One file a subcommand.

pub(crate) mod bench;
pub(crate) mod chain;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod grind;
pub(crate) mod hashtopolis;
pub(crate) mod info;
pub(crate) mod man;
pub(crate) mod merge;
pub(crate) mod mine;
pub(crate) mod peers;
pub(crate) mod pool;
pub(crate) mod serve;
pub(crate) mod solo;
pub(crate) mod verify;
