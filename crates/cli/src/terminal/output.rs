//! Writing results to stdout.

use std::io::{self, Write as _};

use anyhow::Context as _;
use serde::Serialize;

pub(crate) use crate::render::numbers::{counted, rate, rolled, seconds, thousands};
use crate::terminal::stdout;

/// A result and the name of its schema, in one JSON object.
#[derive(Debug, Serialize)]
pub(crate) struct Named<T> {
    /// The name and the version of the schema, as in `paydirt.mine/1`.
    pub(crate) schema: &'static str,
    /// The result itself.
    #[serde(flatten)]
    pub(crate) result: T,
}

/// For what works long before it prints: no result is worked for that cannot be printed.
pub(crate) fn check() -> anyhow::Result<()> {
    stdout::check().context("cannot write to stdout")
}

/// Prints a result: with `json` as one line that names its schema, otherwise as it is `readable`.
pub(crate) fn result<T: Serialize>(
    json: bool,
    schema: &'static str,
    result: &T,
    readable: impl FnOnce(&T) -> String,
) -> anyhow::Result<()> {
    match json {
        true => json_line(&Named { schema, result }),
        false => text(&readable(result)),
    }
}

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

/// Prints bytes as they are. A reader that has gone away is not an error, and does not change the exit code.
pub(crate) fn bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = stdout::lock();
    let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to stdout")
        }
        _ => Ok(()),
    }
}
