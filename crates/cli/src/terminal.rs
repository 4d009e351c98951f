//! Streams, signals and exit codes.

pub(crate) mod colour;
pub(crate) mod command_line;
pub(crate) mod events;
pub(crate) mod exit;
pub(crate) mod interrupt;
pub(crate) mod lines;
pub(crate) mod outbox;
pub(crate) mod output;
pub(crate) mod progress;
pub(crate) mod reader;
pub(crate) mod stdout;
pub(crate) mod width;
