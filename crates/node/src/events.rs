//! `GET /events`: what happens, as it happens (server-sent events, WHATWG HTML §9.2).
//!
//! ```text
//! event: block         data: a block as /blocks gives it, but for its transactions: their number instead; "tip", "dropped"
//! event: transaction   data: {"id","sender","recipient","amount","tag","index"}
//! event: mining        data: {"status":"started|mining|found|stopped","index","hashes","elapsed_s","hashes_per_second"}
//! event: peer          data: {"status":"joined|left","id","address","reason"}: why it left
//! event: missed        data: {"events":n}: the client was too slow for so many
//! ```

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{
        IntoResponse as _, Response,
        sse::{self, KeepAlive, Sse},
    },
};
use serde::Serialize;
use tokio::sync::broadcast::{self, error::RecvError};

use crate::{Node, answers::Identified, client_socket::ClientSocket, refusal::Refusal};
use paydirt_jobs::Effort;
use paydirt_ledger::{BlockRecord, Event};

/// How many events a slow client may be behind.
const KEPT: usize = 1024;
/// How often a quiet stream shows that it is alive.
const ALIVE_EVERY: Duration = Duration::from_secs(15);
/// How soon it does so when its client sends no more, and may have gone: each time after twice as long.
const ALIVE_SOON: Duration = Duration::from_millis(250);

/// Something that happened, in words.
#[derive(Clone, Debug)]
struct Told {
    name: &'static str,
    data: Arc<str>,
}

/// Everyone who listens.
#[derive(Clone, Debug)]
pub(super) struct Events(broadcast::Sender<Told>);

/// The transactions are left out: a slow listener would keep a thousand full blocks in memory.
#[derive(Serialize)]
struct BlockData<'b> {
    #[serde(flatten)]
    block: BlockRecord<'b>,
    transaction_count: usize,
    tip: bool,
    dropped: usize,
}

#[derive(Serialize)]
struct TransactionData<'t> {
    #[serde(flatten)]
    transfer: Identified<'t>,
    index: u64,
}

#[derive(Serialize)]
struct MiningData {
    status: &'static str,
    index: u64,
    hashes: u64,
    elapsed_s: f64,
    hashes_per_second: Option<f64>,
}

#[derive(Serialize)]
struct PeerData<'p> {
    status: &'static str,
    id: &'p str,
    address: &'p str,
    reason: Option<&'p str>,
}

impl Events {
    pub(super) fn new() -> Self {
        Self(broadcast::channel(KEPT).0)
    }

    /// Tells of a change of the ledger.
    pub(super) fn publish(&self, event: &Event) {
        match event {
            Event::Block {
                block,
                active,
                dropped,
            } => self.tell("block", || BlockData {
                block: BlockRecord::new(block).without_transactions(),
                transaction_count: block.transactions().len(),
                tip: *active,
                dropped: *dropped,
            }),
            Event::Transaction { transfer, index } => self.tell("transaction", || TransactionData {
                transfer: transfer.into(),
                index: *index,
            }),
            Event::Failed(_) => {} // `/status` and the log say it
        }
    }

    /// Tells how far mining is.
    pub(super) fn mining(&self, status: &'static str, index: u64, effort: Effort) {
        self.tell("mining", || MiningData {
            status,
            index,
            hashes: effort.hashes,
            elapsed_s: effort.elapsed.as_secs_f64(),
            hashes_per_second: effort.hashes_per_second(),
        });
    }

    /// Tells that a peer has joined, or why it has left.
    pub(super) fn peer(&self, id: &str, address: &str, left: Option<&str>) {
        self.tell("peer", || PeerData {
            status: if left.is_some() { "left" } else { "joined" },
            id,
            address,
            reason: left,
        });
    }

    fn tell<T: Serialize>(&self, name: &'static str, data: impl FnOnce() -> T) {
        if self.0.receiver_count() == 0 {
            return;
        }
        let data = serde_json::to_string(&data()).expect("plain structures have a JSON form");
        let _ = self.0.send(Told {
            name,
            data: data.into(),
        }); // the last listener may just have left
    }
}

/// `GET /events`.
pub(super) async fn stream(
    State(node): State<Arc<Node>>,
    client: Option<Extension<ClientSocket>>,
) -> Result<Response, Refusal> {
    let Ok(place) = Arc::clone(&node.listeners).try_acquire_owned() else {
        let message = "Too many listen already; half of all connections may";
        return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message).retry_after(60));
    };
    let told = node.events.0.subscribe();
    let stopping = node.stopping.clone();
    let client = client.map(|Extension(client)| client);
    let state = (told, stopping, place, client, ALIVE_SOON);
    let stream =
        futures_util::stream::unfold(state, async |(mut told, stopping, place, client, mut soon)| {
            let next = tokio::select! {
                biased; // what has happened is told before the stream ends
                next = told.recv() => Some(next),
                () = stopping.cancelled() => return None,
                () = silent_for(client.as_ref(), soon) => None,
            };
            let event = match next {
                Some(Ok(Told { name, data })) => sse::Event::default().event(name).data(data),
                Some(Err(RecvError::Lagged(events))) => sse::Event::default()
                    .event("missed")
                    .data(format!("{{\"events\":{events}}}")),
                Some(Err(RecvError::Closed)) => return None,
                None => {
                    soon = (soon * 2).min(ALIVE_EVERY);
                    sse::Event::default().comment("")
                }
            };
            Some((Ok::<_, Infallible>(event), (told, stopping, place, client, soon)))
        });
    let stream = Sse::new(stream).keep_alive(KeepAlive::new().interval(ALIVE_EVERY));
    Ok(stream.into_response())
}

/// Returns so long after the client has said that it sends no more: if it has gone, the next that is sent to it will tell.
async fn silent_for(client: Option<&ClientSocket>, time: Duration) {
    match client {
        Some(client) => client.silent().await,
        None => std::future::pending().await, // no socket: who leaves drops the stream
    }
    tokio::time::sleep(time).await;
}
