//! The node in process: every call, every refusal, held against its own description.

#[path = "../../../ledger/tests/common/blocks.rs"]
mod blocks;
mod chain;
mod contract;
#[path = "../common/description.rs"]
mod description;
mod limits;
mod mining;
mod peers;
mod transfers;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode, header},
};
use blocks::{Maker, branch, easy, nowhere};
use description::{described, fits};
use http_body_util::BodyExt as _;
use paydirt::{Kernel, Miner, Puzzle, Search};
use paydirt_ledger::{
    Block, BlockRecord, ChainParameters, Ledger, Options, SideLimits, Transaction, TransactionRecord,
    Unchecked,
};
use paydirt_node::{Cors, Limits, Node, Origin, app, description as openapi};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// A node, and what it says of itself.
struct Test {
    node: Arc<Node>,
    app: Router,
}

impl Test {
    fn new(network: &ChainParameters) -> Self {
        Self::with(network, Limits::default(), &Cors::default(), Options::default())
    }

    fn with(network: &ChainParameters, limits: Limits, cors: &Cors, options: Options) -> Self {
        let ledger = Ledger::in_memory_with(network, options).unwrap();
        let miner = Miner::with_threads(2, Kernel::auto()).unwrap();
        let node = Node::new(ledger, miner, limits);
        let app = app(Arc::clone(&node), cors);
        Self { node, app }
    }

    async fn raw(&self, request: Request<Body>) -> Response<Body> {
        self.app.clone().oneshot(request).await.unwrap()
    }

    /// Status and JSON, which must be what the description says.
    async fn call(&self, method: &str, path: &str, body: Option<(&str, String)>) -> (u16, Value) {
        let mut request = Request::builder().method(method).uri(path);
        let content = body.map_or(Body::empty(), |(kind, text)| {
            request = std::mem::take(&mut request).header(header::CONTENT_TYPE, kind);
            Body::from(text)
        });
        let response = self.raw(request.body(content).unwrap()).await;
        let status = response.status().as_u16();
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "application/json",
            "{method} {path}"
        );
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let value: Value = serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        described(method, path, status, &value);
        (status, value)
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.call("GET", path, None).await
    }

    async fn post(&self, path: &str, value: Value) -> (u16, Value) {
        self.call("POST", path, Some(("application/json", value.to_string())))
            .await
    }

    async fn add(&self, block: &Block<Unchecked>) -> (u16, Value) {
        self.post("/blocks", record(block)).await
    }
}

fn record(block: &Block<Unchecked>) -> Value {
    serde_json::to_value(BlockRecord::new(block)).unwrap()
}

fn transfer(amount: u64) -> Value {
    json!({"sender": "alice", "recipient": "bob", "amount": amount})
}
