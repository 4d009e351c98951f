//! A node on a socket.
//!
//! *In:* a listener, the app, limits. *Out:* answers, until it is told to stop: then no more connections are taken, and
//! those that are open may finish what they are at.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_io_timeout::TimeoutStream;

use crate::{Limits, client_socket::Connection, getwork::Asker};

/// How much of a request's head, and of an answer that waits to be sent, is kept for a connection. An answer's next piece
/// is asked for when this is sent: a slow client must manage that within the request timeout.
const BUFFER_BYTES: usize = 64 << 10;
/// How long connections have to finish once the node stops: less than the ten seconds after which supervisors kill.
const GRACE: Duration = Duration::from_secs(5);

/// Serves until `stop` is ready and the open connections are done, or five seconds after. A connection that fails
/// is its own affair.
pub async fn serve(listener: TcpListener, app: Router, limits: Limits, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let room = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        // Its own would panic while the clock shows a time before 1970: the app states the date, if there is one.
        .auto_date_header(false)
        .max_buf_size(BUFFER_BYTES);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            () = &mut stop => break,
        };
        let (stream, peer, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly: it gets better when connections end.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true); // slower answers are the worst that can happen
        // A client that takes nothing of an answer must not keep its place, and the answer its memory, for ever.
        let (connection, client) = Connection::new(stream);
        let mut connection = TimeoutStream::new(connection);
        connection.set_write_timeout(Some(limits.request_timeout));
        let app = app
            .clone()
            .layer(Extension(client))
            .layer(Extension(Asker::at(peer.ip())));
        let service = TowerToHyperService::new(app);
        let connection = http.serve_connection(TokioIo::new(Box::pin(connection)), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%peer, %error, "connection");
            }
            drop(place);
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(GRACE) => tracing::warn!("some connections did not end and are cut"),
    }
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(room).acquire_owned().await.expect("never closed");
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}
