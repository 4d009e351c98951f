//! Any request to the node, in process: each is answered in time, never with 500, and what is refused says why in JSON.
//!
//! ```text
//! METHOD PATH?QUERY
//! name: value          headers, up to an empty line
//!
//! body                 the rest
//! ```

#![no_main]

use std::{cell::RefCell, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{Method, Request, header},
};
use http_body_util::BodyExt as _;
use libfuzzer_sys::fuzz_target;
use paydirt::{Kernel, Miner};
use paydirt_ledger::{ChainParameters, Ledger, Options};
use paydirt_node::{Cors, Limits, Node, app};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// After so many requests the ledger is a new one.
const REQUESTS: usize = 2_000;
/// Far more than any answer takes.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of an answer that are looked at.
const LOOKED_AT: usize = 1 << 20;

struct Server {
    runtime: Runtime,
    app: Router,
    answered: usize,
}

impl Server {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let network = ChainParameters::fixed(1.0).expect("an easy chain");
        let app = {
            let _inside = runtime.enter();
            let ledger = Ledger::in_memory_with(&network, Options::default()).expect("a ledger");
            let miner = Miner::with_threads(1, Kernel::auto()).expect("a thread");
            let limits = Limits {
                request_timeout: Duration::from_secs(1),
                ..Limits::default()
            };
            app(Node::new(ledger, miner, limits), &Cors::default())
        };
        Self {
            runtime,
            app,
            answered: 0,
        }
    }

    fn answer(&mut self, request: Request<Body>) {
        self.answered += 1;
        let is_head = request.method() == Method::HEAD;
        let app = self.app.clone();
        let answered = async move {
            let (head, mut body) = app
                .oneshot(request)
                .await
                .expect("routers do not fail")
                .into_parts();
            assert_ne!(head.status.as_u16(), 500);
            let kind = head.headers.get(header::CONTENT_TYPE);
            if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
                return; // it never ends
            }
            let mut bytes = Vec::new();
            while let Some(frame) = body.frame().await {
                let Ok(frame) = frame else {
                    return; // an answer that was cut short
                };
                bytes.extend(frame.into_data().unwrap_or(Bytes::new()));
                if bytes.len() > LOOKED_AT {
                    return;
                }
            }
            let is_refused = head.status.is_client_error() || head.status.is_server_error();
            if is_refused && !is_head {
                let value: serde_json::Value = serde_json::from_slice(&bytes).expect("a refusal is JSON");
                // In JSON-RPC's form it stands in an object of its own.
                let why = value["message"].as_str().or(value["error"]["message"].as_str());
                assert!(why.is_some_and(|why| !why.is_empty()), "{value}");
            }
        };
        self.runtime.block_on(async {
            let in_time = tokio::time::timeout(PATIENCE, answered).await;
            in_time.expect("every request is answered in time");
        });
    }
}

thread_local! {
    static SERVER: RefCell<Option<Server>> = const { RefCell::new(None) };
}

fn request(bytes: &[u8]) -> Option<Request<Body>> {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let first = lines.next()?;
    let mut words = first.splitn(2, |byte| *byte == b' ');
    let mut request = Request::builder().method(words.next()?).uri(words.next()?);
    let mut rest = lines.next().unwrap_or_default();
    let mut has_host = false;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        has_host |= line[..colon].eq_ignore_ascii_case(b"host");
        request = request.header(&line[..colon], line[colon + 1..].trim_ascii());
    }
    if !has_host {
        request = request.header(header::HOST, "localhost");
    }
    request.body(Body::from(rest.to_vec())).ok()
}

fuzz_target!(|bytes: &[u8]| {
    let Some(request) = request(bytes) else {
        return;
    };
    SERVER.with_borrow_mut(|server| {
        if server.as_ref().is_some_and(|server| server.answered >= REQUESTS) {
            *server = None;
        }
        server.get_or_insert_with(Server::new).answer(request);
    });
});
