//! Ctrl-C: the first stops the search and lets the result be printed, the second ends the process at once.

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

use paydirt::Cancel;

/// Pulls `cancel` on the first SIGINT or SIGTERM; the second ends the process with exit code 130.
pub(crate) fn on_interrupt(cancel: &Cancel) -> anyhow::Result<()> {
    for signal in [SIGINT, SIGTERM] {
        // In this order: the shutdown sees whether an earlier signal has pulled the handle.
        flag::register_conditional_shutdown(signal, 130, cancel.flag())?;
        flag::register(signal, cancel.flag())?;
    }
    Ok(())
}

/// Calls `act` on the first SIGINT or SIGTERM, on a thread of its own; the second ends the process with exit code 130.
pub(crate) fn act_on_interrupt(act: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    // A signal handler may do next to nothing, least of all lock: the thread does it.
    let interrupted = Cancel::new();
    on_interrupt(&interrupted)?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            wait_for(&interrupted);
            act();
        })?;
    Ok(())
}

#[cfg(unix)]
fn wait_for(interrupted: &Cancel) {
    // The handlers of `on_interrupt` came first, and still count the signals; one may have come in between.
    if let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])
        && !interrupted.is_cancelled()
    {
        signals.forever().next();
    }
}

#[cfg(not(unix))]
fn wait_for(interrupted: &Cancel) {
    while !interrupted.is_cancelled() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}
