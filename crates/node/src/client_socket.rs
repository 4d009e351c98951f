//! A connection that can be asked whether its client is still there.
//!
//! *In:* a socket. *Out:* the same, to be served; and a [`ClientSocket`] for the handlers of its requests.
//!
//! The server itself notices that a client goes away only once it has read everything the client sent, which it does not
//! while a request is answered. A line break too many, or another request sent ahead, and a caller who left would be
//! mined for until the block is found. (Behind more than the system holds unread, some 100 KB, nothing is seen.)

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
};

/// How often a client who has sent more than was read is looked after.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How much of an answer the system holds for a client, in bytes. It tells that there is room again when about a third of
/// it is taken: left alone it grows to megabytes, and a slow client that takes some all the time would look like one that
/// takes nothing.
const SEND_BUFFER_BYTES: usize = 128 << 10;

/// Whoever sent a request.
#[derive(Clone, Debug)]
pub(super) struct ClientSocket(Arc<TcpStream>);

impl ClientSocket {
    /// Returns when the client has gone, or has said that it sends no more: the server takes both for the same.
    pub(super) async fn gone(&self) {
        // An error of the socket means the same as its end.
        while let Ok(ready) = self.0.ready(Interest::READABLE).await {
            if ready.is_read_closed() {
                return;
            }
            // It is ready for as long as there is something unread.
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// The socket, for the server. Closed when it is dropped.
#[derive(Debug)]
pub(super) struct Connection(Arc<TcpStream>);

impl Connection {
    pub(super) fn new(stream: TcpStream) -> (Self, ClientSocket) {
        let _ = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER_BYTES); // a default is no fault
        let stream = Arc::new(stream);
        (Self(Arc::clone(&stream)), ClientSocket(stream))
    }
}

/// Whether the system has more to do first.
fn unless_blocked<T>(outcome: io::Result<T>) -> Option<io::Result<T>> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        outcome => Some(outcome),
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(context))?;
            if let Some(read) = unless_blocked(self.0.try_read(buffer.initialize_unfilled())) {
                return Poll::Ready(read.map(|read| buffer.advance(read)));
            }
        }
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
        loop {
            ready!(self.0.poll_write_ready(context))?;
            if let Some(written) = unless_blocked(self.0.try_write_vectored(bytes)) {
                return Poll::Ready(written);
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(())) // nothing is kept back
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(())) // the server drops it next
    }
}
