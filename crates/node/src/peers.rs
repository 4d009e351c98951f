//! `/peers`, `/nodes/register`, `/nodes/resolve`: what the node's part in a network is.
//!
//! *In:* whatever takes part for it ([`Peers`]); this crate knows no sockets but HTTP's. *Out:* answers.
//!
//! The calls under `/nodes` are those of the teaching servers that have several nodes: there a node asks each registered
//! one for its whole chain and takes the longest. Here nodes find the branch with the most work by themselves; `register`
//! names one more to connect to, and `resolve` waits until this node has caught up and says whether that changed its chain.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};

use crate::{
    Node,
    answers::{PeerAnswer, PeersAnswer, Registered},
    body::Input,
    openapi::{Failed, Incomplete, shapes},
    refusal::Refusal,
    streaming::{Blocks, Text, streamed},
};
use paydirt_ledger::Work;
use serde::Serialize;
use utoipa::ToSchema;

/// The most nodes of one call.
const MOST_REGISTERED: usize = 64;
/// How often it is looked whether the node has caught up.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Who dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The peer.
    Inbound,
    /// This node.
    Outbound,
}

impl Direction {
    /// As it stands in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

/// How far this node is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    /// It has no peers to compare itself with.
    #[default]
    Alone,
    /// A peer has more work.
    Syncing,
    /// No peer has more work.
    Synced,
}

/// A peer that is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// What its key is called.
    pub id: String,
    /// Where it is, as this node sees it.
    pub address: String,
    /// Who dialled.
    pub direction: Direction,
    /// The index of its tip.
    pub height: u64,
    /// The work of its whole branch.
    pub work: Work,
    /// How long it takes to answer; `None` until that was measured.
    pub latency: Option<Duration>,
    /// Since when it is connected, in seconds since 1970.
    pub since_s: u64,
    /// What it has done wrong lately: 0 is nothing, at 100 it is banned.
    pub score: u32,
}

/// This node among its peers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeersState {
    /// What its own key is called; `None` if it takes part in no network.
    pub id: Option<String>,
    /// Where it listens.
    pub listen: Vec<String>,
    /// Who is connected.
    pub peers: Vec<Peer>,
    /// How far it is.
    pub progress: Progress,
    /// The highest tip of a branch with the most work that any peer has told of, and its work; its own, if there is none.
    pub best: Option<(u64, Work)>,
}

/// What is waited for.
pub type Answer<'p, T> = Pin<Box<dyn Future<Output = T> + Send + 'p>>;

/// What takes part in a network for a node.
pub trait Peers: fmt::Debug + Send + Sync {
    /// How the node stands; `None` once it takes part no more.
    fn state(&self) -> Answer<'_, Option<PeersState>>;

    /// Connects to more nodes for good. All that it was ever given, in its own words.
    ///
    /// # Errors
    /// Which of them is no address, or that they are too many, in one sentence: then none is taken.
    fn register(&self, nodes: Vec<String>) -> Answer<'_, Result<Vec<String>, String>>;
}

/// Takes part in nothing.
#[derive(Debug)]
pub(super) struct Nobody;

impl Peers for Nobody {
    fn state(&self) -> Answer<'_, Option<PeersState>> {
        Box::pin(async { None })
    }

    fn register(&self, _: Vec<String>) -> Answer<'_, Result<Vec<String>, String>> {
        Box::pin(async { Err("This node takes part in no network".to_owned()) })
    }
}

impl Node {
    /// How it stands among its peers.
    pub(super) async fn peers_state(&self) -> PeersState {
        self.peers.state().await.unwrap_or_default()
    }

    /// Tells those who listen that a peer has joined, or left for a reason.
    pub fn tell_of_peer(&self, id: &str, address: &str, left: Option<&str>) {
        self.metrics.count_peer(left.is_none());
        self.events.peer(id, address, left);
    }
}

/// Who is connected.
#[utoipa::path(
    get, path = "/peers", operation_id = "listPeers",
    responses((status = 200, description = "From memory.", body = PeersAnswer<'static>)),
)]
pub(super) async fn list(State(node): State<Arc<Node>>) -> Response {
    let state = node.peers_state().await;
    let peers = state.peers.iter().map(|peer| PeerAnswer {
        id: &peer.id,
        address: &peer.address,
        direction: peer.direction,
        height: peer.height,
        work: hex::encode(reversed(peer.work)),
        latency_ms: peer.latency.map(|latency| latency.as_secs_f64() * 1000.0),
        since: peer.since_s,
        score: peer.score,
    });
    let answer = PeersAnswer {
        id: state.id.as_deref(),
        listen: &state.listen,
        peers: peers.collect(),
    };
    Json(answer).into_response()
}

/// The highest byte first, as numbers are written.
fn reversed(work: Work) -> [u8; 32] {
    let mut bytes = work.to_le_bytes();
    bytes.reverse();
    bytes
}

/// Connects to more nodes, for good.
///
/// What paydirt serve --peer does when it starts. The call is that of the teaching servers; the addresses are those of
/// --listen, not of HTTP.
#[utoipa::path(
    post, path = "/nodes/register", operation_id = "registerNodes", security((), ("token" = [])),
    request_body = shapes::NewNodes,
    responses(
        (status = 201, description = "They are tried from now on.", body = Registered),
        (status = 400, description = "What is missing or wrong: then none is taken."),
        Incomplete,
        (status = 415, description = "A multipart body."),
    ),
)]
pub(super) async fn register(
    State(node): State<Arc<Node>>,
    Input(value): Input,
) -> Result<Response, Refusal> {
    let missing = || {
        let message = "Missing values: nodes, a list of addresses such as \"127.0.0.1:5333\" or \
                       \"/ip4/127.0.0.1/tcp/5333\", each that of another node's --listen";
        Refusal::bad(message)
    };
    let nodes = value["nodes"]
        .as_array()
        .filter(|nodes| !nodes.is_empty())
        .ok_or_else(missing)?;
    if nodes.len() > MOST_REGISTERED {
        let message = format!("Too many nodes at a time; send {MOST_REGISTERED} at most");
        return Err(Refusal::bad(message));
    }
    let texts = nodes
        .iter()
        .map(|node| node.as_str().map(|text| host_of(text).to_owned()));
    let texts: Option<Vec<_>> = texts.collect();
    let total = node.peers.register(texts.ok_or_else(missing)?).await;
    let answer = Registered {
        message: "New nodes have been added",
        total_nodes: total.map_err(Refusal::bad)?,
    };
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// The teaching servers take URLs; of one they use the host and the port.
fn host_of(text: &str) -> &str {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    rest.map_or(text, |rest| rest.split('/').next().unwrap_or(rest))
}

/// Waits until the node has caught up with its peers.
///
/// For as long as a request may take. The nodes agree by themselves on the branch with the most work; the call is that of
/// the teaching servers, and says whether the chain changed meanwhile.
#[utoipa::path(
    get, path = "/nodes/resolve", operation_id = "resolveNodes",
    responses(
        (status = 200, description = "Streamed.", body = shapes::Resolved),
        (status = 500, response = Failed),
    ),
)]
pub(super) async fn resolve(State(node): State<Arc<Node>>) -> Response {
    let before = node.ledger.tip().hash;
    let caught_up = async {
        while node.peers_state().await.progress == Progress::Syncing {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::select! {
        () = caught_up => {}
        () = tokio::time::sleep(node.limits.request_timeout) => {}
        () = node.stopping.cancelled() => {}
    }
    let branch = node.ledger.active_branch();
    let length = branch.length;
    let begin = match branch.tip == before {
        true => r#"{"message":"Our chain is authoritative","chain":["#,
        false => r#"{"message":"Our chain was replaced","new_chain":["#,
    };
    let blocks = Blocks::Active(branch, 1..length + 1);
    streamed(
        node,
        Text::new(begin, blocks, &format!("],\"length\":{length}}}")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_url_the_host_and_the_port_count() {
        for (text, host) in [
            ("127.0.0.1:5333", "127.0.0.1:5333"),
            ("http://127.0.0.1:5333", "127.0.0.1:5333"),
            ("http://node.example:5333/", "node.example:5333"),
            ("https://node.example:5333/chain", "node.example:5333"),
            ("/ip4/127.0.0.1/tcp/5333", "/ip4/127.0.0.1/tcp/5333"),
        ] {
            assert_eq!(host_of(text), host);
        }
    }
}
