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
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, Type},
    },
};

use crate::{
    Node,
    answers::Identified,
    client_socket::ClientSocket,
    openapi::{Busy, shapes},
    refusal::Refusal,
};
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

// The transactions are left out: a slow listener would keep a thousand full blocks in memory.
/// A block is on disk.
#[derive(Serialize, ToSchema)]
#[schema(as = BlockEvent)]
pub(super) struct BlockData<'b> {
    #[serde(flatten)]
    #[schema(value_type = shapes::BlockHead, inline)]
    block: BlockRecord<'b>,
    /// Its reward among them; GET /blocks/{hash} has them all.
    #[schema(minimum = 1, maximum = 10_000)]
    transaction_count: usize,
    /// Whether it is the new tip.
    tip: bool,
    /// Blocks that no longer count because of it.
    dropped: usize,
}

/// A transaction is on disk and waits for a block.
#[derive(Serialize, ToSchema)]
#[schema(as = TransactionEvent)]
pub(super) struct TransactionData<'t> {
    #[serde(flatten)]
    #[schema(value_type = shapes::IdentifiedTransfer, inline)]
    transfer: Identified<'t>,
    /// The block it is likely to stand in.
    #[schema(minimum = 2)]
    index: u64,
}

/// How far /mine is with a block. `found` comes after the block is on disk.
#[derive(Serialize, ToSchema)]
#[schema(as = MiningEvent)]
pub(super) struct MiningData {
    status: MiningStage,
    #[schema(minimum = 2)]
    index: u64,
    hashes: u64,
    #[schema(minimum = 0)]
    elapsed_s: f64,
    #[schema(required, minimum = 0)]
    hashes_per_second: Option<f64>,
}

/// What has become of the search for a block.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum MiningStage {
    Started,
    Mining,
    Found,
    Stopped,
}

/// A peer has come or gone.
#[derive(Serialize, ToSchema)]
#[schema(as = PeerEvent)]
pub(super) struct PeerData<'p> {
    status: PeerStage,
    id: &'p str,
    address: &'p str,
    /// Why it left.
    #[schema(required)]
    reason: Option<&'p str>,
}

/// What a peer has done.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum PeerStage {
    Joined,
    Left,
}

/// Whatever happens.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum Data<'e> {
    Block(BlockData<'e>),
    Transaction(TransactionData<'e>),
    Mining(MiningData),
    Peer(PeerData<'e>),
    Missed(shapes::MissedEvent),
}

/// The text that holds it.
struct DataText;

impl PartialSchema for DataText {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("Each event's data."))
            .content_media_type("application/json")
            .content_schema(Some(Data::schema()))
            .into()
    }
}

impl ToSchema for DataText {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Data::schemas(schemas);
    }
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
    pub(super) fn mining(&self, status: MiningStage, index: u64, effort: Effort) {
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
            status: match left {
                Some(_) => PeerStage::Left,
                None => PeerStage::Joined,
            },
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

/// What happens, as it happens.
///
/// Server-sent events: `block` (BlockEvent), `transaction` (TransactionEvent), `mining` (MiningEvent), `peer` (PeerEvent), `missed`
/// (MissedEvent). Half of the connections may listen.
#[utoipa::path(
    get, path = "/events", operation_id = "listen",
    responses(
        (status = 200, description = "A stream without end.", body = inline(DataText), content_type = "text/event-stream"),
        (status = 503, response = Busy),
    ),
)]
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
