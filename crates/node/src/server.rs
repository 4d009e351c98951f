//! A node on a socket.
//!
//! *In:* a listener, the app, limits. *Out:* answers, until it is told to stop: then no more connections are taken, and
//! those that are open may finish what they are at.

use std::{convert::Infallible, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use axum::{Router, extract::Request, response::Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{io::AsyncWrite as _, net::TcpListener, sync::Semaphore};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;

use crate::{
    Limits,
    client_socket::{Asked, ClientSocket, Connection, Told},
    getwork::Asker,
    places::{NoPlace, Place, Places},
};

/// How much of a request's head, and of an answer that waits to be sent, is kept for a connection. An answer's next piece
/// is asked for when this is sent: a slow client must manage that within the request timeout.
const BUFFER_BYTES: usize = 64 << 10;
/// How long connections have to finish once the node stops: less than the ten seconds after which supervisors kill.
const GRACE: Duration = Duration::from_secs(5);
/// How often a newcomer for whom there is no place looks whether somebody may give one up by now.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How many newcomers at a time are told why they are refused; others are just cut.
const TOLD_AT_ONCE: usize = 64;
/// How long one has to read it.
const TELLING: Duration = Duration::from_secs(1);

/// What one who has too many connections is told.
const TOO_MANY: &str =
    r#"{"message":"Too many connections from your address; end some, or send calls one after the other"}"#;

/// Serves until `stop` is ready and the open connections are done, or five seconds after. A connection that fails
/// is its own affair.
pub async fn serve(listener: TcpListener, app: Router, limits: Limits, stop: impl Future<Output = ()>) {
    let stopping = CancellationToken::new();
    let _stop_others = stopping.clone().drop_guard(); // who drops this future stops it all
    let graceful = GracefulShutdown::new();
    let accepting = accept(&listener, app, limits, &stopping, &graceful);
    tokio::select! {
        never = accepting => match never {},
        () = stop => {}
    }
    drop(listener);
    stopping.cancel();
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(GRACE) => tracing::warn!("some connections did not end and are cut"),
    }
}

/// Takes connections and serves each in a task of its own.
async fn accept(
    listener: &TcpListener,
    app: Router,
    limits: Limits,
    stopping: &CancellationToken,
    graceful: &GracefulShutdown,
) -> Infallible {
    let places = Places::new(limits.connections, limits.connections_per_address);
    let telling = Arc::new(Semaphore::new(TOLD_AT_ONCE));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .half_close(true) // whether the client has gone is found out here
        .header_read_timeout(limits.header_timeout)
        // Its own would panic while the clock shows a time before 1970: the app states the date, if there is one.
        .auto_date_header(false)
        .max_buf_size(BUFFER_BYTES);
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly: it gets better when connections end.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true); // slower answers are the worst that can happen
        let (connection, client) = Connection::new(stream, limits.request_timeout, stopping.clone());
        let Some(place) = place(&places, peer, &client).await else {
            if let Ok(turn) = Arc::clone(&telling).try_acquire_owned() {
                tokio::spawn(async move {
                    let _ = tokio::time::timeout(TELLING, refuse(connection, client)).await; // or it has heard nothing
                    drop(turn);
                });
            }
            continue;
        };
        // A client that takes nothing of an answer must not keep its place, and the answer its memory, for ever.
        let mut connection = TimeoutStream::new(connection);
        connection.set_write_timeout(Some(limits.request_timeout));
        let app = app.clone();
        let asker = Asker::at(peer.ip());
        let service = service_fn(move |request| answer(app.clone(), client.clone(), asker.clone(), request));
        let connection = http.serve_connection(TokioIo::new(Box::pin(connection)), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let given_up = place.give_way.clone().cancelled_owned();
            tokio::select! {
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(%peer, %error, "connection");
                },
                () = given_up => tracing::debug!(%peer, "connection given up for another"),
            }
            drop(place);
        });
    }
}

/// A place for a newcomer, who waits for one while the node is at work for all others; `None` when its address has too many.
async fn place(places: &Arc<Places>, peer: SocketAddr, client: &ClientSocket) -> Option<Place> {
    loop {
        match places.take(peer.ip(), client) {
            Ok(place) => return Some(place),
            Err(NoPlace::AddressFull) => return None,
            Err(NoPlace::Full) => {
                // Somebody ends, or waits for his client by now.
                let _ = tokio::time::timeout(LOOK_EVERY, places.left.notified()).await;
            }
        }
    }
}

/// Tells a newcomer that it has too many connections.
async fn refuse(mut connection: Connection, client: ClientSocket) {
    let answer = format!(
        "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         retry-after: 1\r\nconnection: close\r\n\r\n{TOO_MANY}",
        TOO_MANY.len()
    );
    client.write_at_once(answer.as_bytes()).await;
    let closed = std::future::poll_fn(|context| Pin::new(&mut connection).poll_shutdown(context));
    let _ = closed.await; // it is closed either way
}

/// One request: answered, unless its client goes away before.
async fn answer(
    mut app: Router,
    client: ClientSocket,
    asker: Asker,
    request: Request<Incoming>,
) -> Result<Response<Told>, Gone> {
    let mut request = request.map(|body| Asked::body(body, client.clone()));
    request.extensions_mut().insert(client.clone());
    request.extensions_mut().insert(asker);
    tokio::select! {
        biased; // most are answered at once
        answered = app.call(request) => {
            let Ok(response) = answered;
            Ok(response.map(|body| Told::new(body, client)))
        }
        () = client.gone() => Err(Gone),
    }
}

/// Nobody is left to be answered.
#[derive(Debug)]
struct Gone;

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the client has gone")
    }
}

impl std::error::Error for Gone {}
