//! Ctrl-C: the first stops the search and lets the result be printed, a second, later, ends the process at once.
//!
//! What follows closely on the first belongs to it: `timeout` signals its child and then the child's whole group, and so the
//! child twice. Were each counted, two or three of a hundred such runs would end without their result.

use std::time::{Duration, Instant};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    low_level,
};

use paydirt::Cancel;

/// Signals that come within this time of the first are the first.
const TOGETHER: Duration = Duration::from_millis(500);

/// The signals that ask for the end.
const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

/// Pulls `cancel` on the first SIGINT or SIGTERM; a later one ends the process with exit code 130.
pub(crate) fn on_interrupt(cancel: &Cancel) -> anyhow::Result<()> {
    let cancel = cancel.clone();
    act_on_interrupt(move || cancel.cancel())
}

/// Calls `act` on the first SIGINT or SIGTERM, on a thread of its own; a later one ends the process with exit code 130.
pub(crate) fn act_on_interrupt(act: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    // A signal handler may do next to nothing, least of all lock or tell the time: the thread does it.
    let arrivals = arrivals()?;
    let watch = move || {
        let mut act = Some(act);
        let mut first = None;
        for () in arrivals {
            let begun = *first.get_or_insert_with(Instant::now);
            match act.take() {
                Some(act) => act(),
                None if begun.elapsed() >= TOGETHER => low_level::exit(130),
                None => {}
            }
        }
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(watch)?;
    Ok(())
}

/// The signals from now on, one after the other, as they come.
#[cfg(unix)]
fn arrivals() -> anyhow::Result<impl Iterator<Item = ()> + Send + 'static> {
    let mut signals = signal_hook::iterator::Signals::new(SIGNALS)?;
    Ok(std::iter::from_fn(move || signals.forever().next().map(drop)))
}

#[cfg(not(unix))]
fn arrivals() -> anyhow::Result<impl Iterator<Item = ()> + Send + 'static> {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };
    let arrived = Arc::new(AtomicBool::new(false));
    for signal in SIGNALS {
        signal_hook::flag::register(signal, Arc::clone(&arrived))?;
    }
    Ok(std::iter::from_fn(move || {
        while !arrived.swap(false, Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(())
    }))
}
