//! Since when a connection waits for its client.
//!
//! *In:* what happens on it. *Out:* a moment, or that it is the node's turn.
//!
//! ```text
//! no request yet, or none since the last answer     since then
//! a request's body is not here                      since its head came, however many bytes drip in
//! the node makes an answer, or is at it             not at all
//! the client takes nothing of what is written       since it took something
//! the answer is written                             since then
//! ```

use std::{
    pin::Pin,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Instant,
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

use crate::client_socket::ClientSocket;

/// Microseconds since the first call, and one more: 0 is no moment.
fn now() -> u64 {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGUN.elapsed().as_micros() as u64 + 1
}

/// Since when a connection waits for its client.
#[derive(Debug)]
pub(crate) struct Waiting {
    client: AtomicU64,
    blocked: AtomicU64,
}

impl Waiting {
    /// Since now.
    pub(crate) fn new() -> Self {
        Self {
            client: AtomicU64::new(now()),
            blocked: AtomicU64::new(0),
        }
    }

    /// It is the client's turn.
    pub(crate) fn for_client(&self) {
        self.client.store(now(), Relaxed);
    }

    /// It is the node's turn.
    pub(crate) fn for_node(&self) {
        self.client.store(0, Relaxed);
    }

    /// The client takes nothing.
    pub(super) fn blocked(&self) {
        if self.blocked.load(Relaxed) == 0 {
            self.blocked.store(now(), Relaxed);
        }
    }

    /// The client takes something.
    pub(super) fn unblocked(&self) {
        self.blocked.store(0, Relaxed);
    }

    /// When it began, to be compared with others; `None` while it is the node's turn.
    pub(crate) fn since(&self) -> Option<u64> {
        let moments = [self.client.load(Relaxed), self.blocked.load(Relaxed)];
        moments.into_iter().filter(|moment| *moment > 0).min()
    }
}

/// A request's body: until it is here, its connection waits for the client.
pub(crate) struct Asked {
    body: hyper::body::Incoming,
    client: ClientSocket,
}

impl Asked {
    /// The body of a request whose head has just come.
    pub(crate) fn body(body: hyper::body::Incoming, client: ClientSocket) -> Body {
        if body.is_end_stream() {
            client.waiting().for_node();
            return Body::empty();
        }
        client.waiting().for_client();
        Body::new(Self { body, client })
    }
}

impl HttpBody for Asked {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.client.waiting().for_node();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.client.waiting().for_node();
    }
}

/// An answer's body: once it is written, its connection waits for the client.
pub(crate) struct Told {
    body: Body,
    client: ClientSocket,
}

impl Told {
    /// The body of an answer that is about to be written.
    pub(crate) fn new(body: Body, client: ClientSocket) -> Self {
        client.waiting().for_node();
        Self { body, client }
    }
}

impl HttpBody for Told {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.client.waiting().for_client();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_waits_since_the_first_reason() {
        let waiting = Waiting::new();
        let begun = waiting.since().unwrap();
        waiting.for_node();
        assert_eq!(waiting.since(), None);
        waiting.blocked();
        let blocked = waiting.since().unwrap();
        assert!(blocked >= begun);
        waiting.blocked();
        assert_eq!(waiting.since(), Some(blocked), "nothing was taken meanwhile");
        waiting.unblocked();
        assert_eq!(waiting.since(), None);
        waiting.for_client();
        assert!(waiting.since().unwrap() >= blocked);
    }
}
