//! Renews the file while the search goes on.
//!
//! *In:* how far the search is, from its threads, ten times a second. *Out:* the file, every second. Bringing it to disk takes
//! milliseconds, so a thread of its own does it; and before it says that a solution was told, it waits until its line is
//! written.

use std::{
    io,
    sync::{Condvar, Mutex},
    time::Duration,
};

use super::{Point, ResumeFile};
use paydirt::record::MineRecord;

/// How often the file is renewed.
const EVERY: Duration = Duration::from_secs(1);

/// Renews the file.
pub(crate) struct Keeper {
    file: Mutex<ResumeFile>,
    known: Mutex<Known>,
    over: Condvar,
}

#[derive(Default)]
struct Known {
    /// What is not stored yet.
    point: Option<Point>,
    over: bool,
}

impl Keeper {
    /// Of this file.
    pub(crate) fn new(file: ResumeFile) -> Self {
        Self {
            file: Mutex::new(file),
            known: Mutex::default(),
            over: Condvar::new(),
        }
    }

    /// The search is as far as this.
    pub(crate) fn note(&self, point: Point) {
        let mut known = self.known.lock().expect(NO_PANIC);
        // Those who come by may overtake each other.
        if known.point.is_none_or(|before| before.next < point.next) {
            known.point = Some(point);
        }
    }

    /// The thread that stores what is noted, once `is_told` says that all solutions told so far are written, until
    /// [`Keeper::stop`].
    pub(crate) fn run(&self, is_told: impl Fn() -> bool) {
        let mut has_failed = false;
        let mut known = self.known.lock().expect(NO_PANIC);
        while !known.over {
            known = self.over.wait_timeout(known, EVERY).expect(NO_PANIC).0;
            let Some(point) = known.point.take().filter(|_| !known.over) else {
                continue;
            };
            drop(known);
            if is_told()
                && let Err(error) = self.store(&point, None)
                && !std::mem::replace(&mut has_failed, true)
            {
                crate::say(&format!(
                    "warning: the file of --resume cannot be written: {error}; the search goes on, and tries again"
                ));
            }
            known = self.known.lock().expect(NO_PANIC);
        }
    }

    /// The search has ended: [`Keeper::run`] returns.
    pub(crate) fn stop(&self) {
        self.known.lock().expect(NO_PANIC).over = true;
        self.over.notify_all();
    }

    /// Stores this now.
    pub(crate) fn store(&self, point: &Point, result: Option<&MineRecord>) -> io::Result<()> {
        self.file.lock().expect(NO_PANIC).store(point, result)
    }
}

const NO_PANIC: &str = "nothing panics while it is held";
