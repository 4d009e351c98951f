//! Whether anybody still reads stdout.

/// Waits until nobody does, which a write would notice only when there is something to write. False where that cannot be
/// known; then writes have to notice.
#[cfg(unix)]
pub(crate) fn wait_until_gone() -> bool {
    use rustix::event::{PollFd, PollFlags, poll};
    let stdout = std::io::stdout();
    loop {
        let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
        match poll(&mut watched, None) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return false,
            Ok(_) => return !watched[0].revents().contains(PollFlags::NVAL),
        }
    }
}

/// Waits for nothing: here it cannot be known.
#[cfg(not(unix))]
pub(crate) fn wait_until_gone() -> bool {
    false
}
