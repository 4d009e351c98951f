//! Stdout, where there is one.
//!
//! *In:* bytes. *Out:* the same on stdout, or an error where whoever started the program had closed it, as in `paydirt … >&-`.
//!
//! Before `main`, Rust's runtime puts `/dev/null` in the place of each stream that is closed, lest the next file that is
//! opened lands there. A result written to it would be lost and nobody told. So that place is looked at earlier still,
//! among what the loader runs before the runtime begins.

use std::{
    io::{self, Write},
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether the program was started without it.
static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

// "unsafe" is the macro's word for what runs before `main`, where the standard library promises little: this asks the system
// for one descriptor's flags and writes one number.
#[cfg(unix)]
ctor::declarative::ctor! {
    #[ctor(unsafe)]
    fn look() {
        let flags = rustix::io::fcntl_getfd(rustix::stdio::stdout());
        WAS_CLOSED.store(flags == Err(rustix::io::Errno::BADF), Ordering::Relaxed);
    }
}

/// Stdout, for this thread alone. All that the program writes there goes through this.
pub(crate) fn lock() -> Stdout {
    Stdout(io::stdout().lock())
}

/// Whether anything can be written there, as far as is known before trying.
pub(crate) fn check() -> io::Result<()> {
    match WAS_CLOSED.load(Ordering::Relaxed) {
        true => Err(io::Error::other("it is closed")),
        false => Ok(()),
    }
}

/// Stdout, held.
pub(crate) struct Stdout(io::StdoutLock<'static>);

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        check()?;
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
