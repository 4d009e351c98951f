//! The options that several commands share, and how their values are read.
//!
//! *In:* a command line, or a job line's JSON. *Out:* the engine's types, or an [`InputError`].
//!
//! `table` has a row for each option of a puzzle, its goal and its search; `given` holds those that came in by either
//! door; `puzzle` and `search` give them their meaning. Other options are clap's structures, their values taken as text.

pub(crate) mod classes;
pub(crate) mod doors;
mod environment;
mod error;
mod files;
pub(crate) mod given;
pub(crate) mod ledger;
pub(crate) mod machine;
pub(crate) mod measurement;
mod puzzle;
pub(crate) mod search;
mod shard;
pub(crate) mod table;
mod values;

pub(crate) use environment::given_or;
pub(crate) use error::{InputError, Name, parse, printable, sentence, shown};
pub(crate) use files::FileArgs;
pub(crate) use given::Given;
pub(crate) use machine::{MachineArgs, kernel_names};
pub(crate) use table::{Flag, GoalArgs, PuzzleArgs, SearchArgs, Spelling};
pub(crate) use values::{NumberError, count, number, one_or_more, time_limit, whole_number};
