//! Writing results to stdout.

use std::io::{self, Write as _};

use anyhow::Context as _;
use serde::Serialize;

pub(crate) use crate::{
    report::numbers::rate, report::numbers::rolled, report::numbers::seconds, report::numbers::thousands,
};

/// Prints one JSON object as one line.
pub(crate) fn json_line(report: &impl Serialize) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(report)?;
    line.push(b'\n');
    bytes(&line)
}

/// Prints text as it is.
pub(crate) fn text(text: &str) -> anyhow::Result<()> {
    bytes(text.as_bytes())
}

/// Prints bytes as they are. A reader that has gone away is no error, and does not change the exit code.
pub(crate) fn bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to stdout")
        }
        _ => Ok(()),
    }
}
