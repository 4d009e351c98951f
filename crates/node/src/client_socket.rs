//! A connection's socket, for the server and for those who want to know whether the client is still there.
//!
//! *In:* a socket. *Out:* the same, to be served; and a [`ClientSocket`] that the requests on it share.
//!
//! Three things that a plain socket does not do:
//!
//! **It tells a client that has gone from one that has said all it wants to say.** Both look the same: no more bytes come. So one
//! that is silent gets the beginning of its answer ahead of time, a byte now and then: every answer begins with `HTTP/1.`. Where
//! nobody is left, the system says so. (An interim `100 Continue` would do as well, and half of all programs would take it
//! for the answer; a probe without bytes is acknowledged for a minute by a system whose program has closed the socket.)
//!
//! **It closes so that the answer is read.** A socket that is closed with bytes unread resets the connection, and the reset
//! throws away what the client has not read yet: a 413 to a large body never arrived. So it says that nothing more comes, reads
//! on for a while and throws away, until the client has read its answer and closes as well.
//!
//! **It knows since when it waits for its client**, so that the one that waits longest can be given up where there is no room.

mod waiting;

use std::{
    io,
    net::Shutdown,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

pub(super) use waiting::{Asked, Told, Waiting};

/// How often a client who has sent more than was read is looked after.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How much of an answer the system holds for a client, in bytes. It tells that there is room again when about a third of
/// it is taken: left alone it grows to megabytes, and a slow client that takes some all the time would look like one that
/// takes nothing.
const SEND_BUFFER_BYTES: usize = 128 << 10;

/// What every answer begins with, in every version of HTTP that is served here.
const EVERY_ANSWER: &[u8] = b"HTTP/1.";

/// How long a silent client's answer may take before its first byte goes ahead; each next one waits twice as long, so that they
/// last for a minute.
const FIRST_AHEAD: Duration = Duration::from_millis(500);

/// How much a connection that closes still reads and throws away, in bytes.
const LINGER_BYTES: u64 = 256 << 20;
/// How long it waits for the next of them.
const LINGER_QUIET: Duration = Duration::from_secs(5);

/// What both sides of this module share.
#[derive(Debug)]
struct Shared {
    stream: TcpStream,
    /// How many bytes of the next answer have gone ahead.
    ahead: AtomicUsize,
    /// Whether the server has written all that it had.
    flushed: AtomicBool,
    waiting: Waiting,
}

/// Whoever sent a request.
#[derive(Clone, Debug)]
pub(super) struct ClientSocket(Arc<Shared>);

impl ClientSocket {
    /// Returns when the client sends no more: it has gone, or waits for its answer.
    pub(super) async fn silent(&self) {
        // An error of the socket means the same as its end.
        while let Ok(ready) = self.0.stream.ready(Interest::READABLE).await {
            if ready.is_read_closed() {
                return;
            }
            // It is ready for as long as there is something unread.
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Returns when the client has gone. To be awaited while its answer is made and none of it is written.
    pub(super) async fn gone(&self) {
        self.silent().await;
        let mut wait = FIRST_AHEAD;
        loop {
            let until = Instant::now() + wait;
            while Instant::now() < until {
                if self.is_closed().await {
                    return;
                }
                tokio::time::sleep(LOOK_EVERY.min(until - Instant::now())).await;
            }
            if self.send_ahead() {
                wait *= 2;
            }
        }
    }

    /// Whether nothing can be sent any more: the client's system has said that nobody is there.
    async fn is_closed(&self) -> bool {
        // Ready at once: to be read as well, since the client is silent.
        let ready = self.0.stream.ready(Interest::READABLE | Interest::WRITABLE).await;
        ready.map_or(true, |ready| ready.is_write_closed())
    }

    /// Sends one more byte of the next answer, unless the last one is still on its way, or they are used up.
    fn send_ahead(&self) -> bool {
        let at = self.0.ahead.load(Ordering::Relaxed);
        let Some(byte) = EVERY_ANSWER.get(at..=at) else {
            return false;
        };
        let sent = self.0.flushed.load(Ordering::Relaxed) && self.0.stream.try_write(byte).is_ok();
        self.0.ahead.fetch_add(usize::from(sent), Ordering::Relaxed);
        sent
    }

    /// Sends what fits into the system's buffer, to a client that gets nothing else.
    pub(super) async fn write_at_once(&self, bytes: &[u8]) {
        let _ = self.0.stream.writable().await; // else nothing can be written, which is no harm
        let _ = self.0.stream.try_write(bytes);
    }

    /// Since when the connection waits for its client.
    pub(super) fn waiting(&self) -> &Waiting {
        &self.0.waiting
    }
}

/// The socket, for the server. Closed when it is dropped.
#[derive(Debug)]
pub(super) struct Connection {
    shared: Arc<Shared>,
    linger_time: Duration,
    stopping: CancellationToken,
    lingering: Option<Lingering>,
}

/// A connection that closes, and reads on until then.
#[derive(Debug)]
struct Lingering {
    left_bytes: u64,
    end: Instant,
    quiet: Pin<Box<Sleep>>,
    stopping: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Connection {
    /// Serves `stream`, and reads on for `linger_time` at most after its last answer, or until `stopping`.
    pub(super) fn new(
        stream: TcpStream,
        linger_time: Duration,
        stopping: CancellationToken,
    ) -> (Self, ClientSocket) {
        let _ = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER_BYTES); // a default is no fault
        let shared = Arc::new(Shared {
            stream,
            ahead: AtomicUsize::new(0),
            flushed: AtomicBool::new(true),
            waiting: Waiting::new(),
        });
        let client = ClientSocket(Arc::clone(&shared));
        let connection = Self {
            shared,
            linger_time,
            stopping,
            lingering: None,
        };
        (connection, client)
    }

    fn poll_discard(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let lingering = self.lingering.get_or_insert_with(|| {
            // An error means that the client has gone already.
            let _ = SockRef::from(&self.shared.stream).shutdown(Shutdown::Write);
            Lingering {
                left_bytes: LINGER_BYTES,
                end: Instant::now() + self.linger_time,
                quiet: Box::pin(tokio::time::sleep(LINGER_QUIET.min(self.linger_time))),
                stopping: Box::pin(self.stopping.clone().cancelled_owned()),
            }
        });
        let mut piece = [0; 16 << 10];
        loop {
            let mut piece = ReadBuf::new(&mut piece);
            match poll_read(&self.shared, context, &mut piece) {
                Poll::Ready(Ok(())) if !piece.filled().is_empty() => {
                    let bytes = piece.filled().len() as u64;
                    let Some(left) = lingering.left_bytes.checked_sub(bytes) else {
                        return Poll::Ready(());
                    };
                    lingering.left_bytes = left;
                    let quiet_end = lingering.end.min(Instant::now() + LINGER_QUIET);
                    lingering.quiet.as_mut().reset(quiet_end);
                }
                Poll::Ready(_) => return Poll::Ready(()), // the client closed as well
                Poll::Pending => break,
            }
        }
        // What has arrived by now is read: a node that stops waits for no more.
        match lingering.quiet.as_mut().poll(context).is_ready()
            || lingering.stopping.as_mut().poll(context).is_ready()
        {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

/// Whether the system has more to do first.
fn unless_blocked<T>(outcome: io::Result<T>) -> Option<io::Result<T>> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        outcome => Some(outcome),
    }
}

fn poll_read(shared: &Shared, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
    loop {
        ready!(shared.stream.poll_read_ready(context))?;
        if let Some(read) = unless_blocked(shared.stream.try_read(buffer.initialize_unfilled())) {
            return Poll::Ready(read.map(|read| buffer.advance(read)));
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        poll_read(&self.shared, context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let shared = &self.shared;
        shared.flushed.store(false, Ordering::Relaxed);
        let ahead = shared.ahead.swap(0, Ordering::Relaxed);
        if ahead > 0 {
            // These bytes are the client's already.
            let first = bytes.iter().find(|bytes| !bytes.is_empty());
            return Poll::Ready(match first {
                Some(bytes) if bytes.starts_with(&EVERY_ANSWER[..ahead]) => Ok(ahead),
                _ => Err(io::Error::other("an answer that begins like no other")),
            });
        }
        loop {
            if shared.stream.poll_write_ready(context)?.is_pending() {
                shared.waiting.blocked();
                return Poll::Pending;
            }
            if let Some(written) = unless_blocked(shared.stream.try_write_vectored(bytes)) {
                shared.waiting.unblocked();
                return Poll::Ready(written);
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shared.flushed.store(true, Ordering::Relaxed);
        Poll::Ready(Ok(())) // nothing is kept back
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_discard(context).map(Ok)
    }
}
