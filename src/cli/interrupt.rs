//! Ctrl-C: the first stops the search and lets the result be printed, the second ends the process at once.

use crate::miner::Cancel;

/// Pulls `cancel` on the first SIGINT or SIGTERM.
pub(super) fn on_interrupt(cancel: &Cancel) -> anyhow::Result<()> {
    let cancel = cancel.clone();
    ctrlc::set_handler(move || {
        if cancel.is_cancelled() {
            std::process::exit(130);
        }
        cancel.cancel();
    })?;
    Ok(())
}
