//! Ctrl-C: the first stops the search and lets the result be printed, the second ends the process at once.

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

use crate::miner::Cancel;

/// Pulls `cancel` on the first SIGINT or SIGTERM; the second ends the process with exit code 130.
pub(super) fn on_interrupt(cancel: &Cancel) -> anyhow::Result<()> {
    for signal in [SIGINT, SIGTERM] {
        // In this order: the shutdown sees whether an earlier signal has pulled the handle.
        flag::register_conditional_shutdown(signal, 130, cancel.flag())?;
        flag::register(signal, cancel.flag())?;
    }
    Ok(())
}
