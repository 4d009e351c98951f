//! The options that several commands share, and how their values are read.

pub(crate) mod input;
pub(crate) mod ledger;
pub(crate) mod lists;
pub(crate) mod puzzle;
pub(crate) mod quantity;
pub(crate) mod search;
pub(crate) mod shard;
pub(crate) mod words;
