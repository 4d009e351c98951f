//! Streams, signals and exit codes.

pub(crate) mod exit;
pub(crate) mod interrupt;
pub(crate) mod lines;
pub(crate) mod output;
pub(crate) mod progress;
