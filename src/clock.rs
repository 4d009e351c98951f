//! The clock of a thread that may be kept waiting.
//!
//! *In:* the operating system's accounts. *Out:* the time that a thread has had of a processor: it stands still while
//! another program has that processor, so that a busy machine spoils no comparison.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

/// The calling thread's processor time since some moment in the past; `None` where the system does not tell.
pub(crate) fn thread_time() -> Option<Duration> {
    #[cfg(any(
        target_os = "linux",
        target_os = "android",
        target_os = "freebsd",
        target_vendor = "apple"
    ))]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        time.try_into().ok()
    }
    #[cfg(not(any(
        target_os = "linux",
        target_os = "android",
        target_os = "freebsd",
        target_vendor = "apple"
    )))]
    None
}

/// The same; where the system does not tell, the time on the wall.
pub(crate) fn busy_time() -> Duration {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    thread_time().unwrap_or_else(|| ORIGIN.get_or_init(Instant::now).elapsed())
}

/// What a thread uses from now on.
pub(crate) struct Account(Option<Duration>);

impl Account {
    pub(crate) fn open() -> Self {
        Self(thread_time())
    }

    /// What it used, on the thread that opened it.
    pub(crate) fn close(self) -> Option<Duration> {
        let (before, after) = self.0.zip(thread_time())?;
        Some(after.saturating_sub(before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_runs_backwards() {
        let times: Vec<_> = (0..1000).map(|_| busy_time()).collect();
        assert!(times.is_sorted());
    }
}
