//! The node and its ledger's file: answers that nobody takes leave it small, and damage is said, not served.

#[path = "../../ledger/tests/common/blocks.rs"]
mod blocks;

use std::{fs, path::Path, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{Request, Response},
};
use blocks::{Maker, branch, easy, transfer};
use http_body_util::BodyExt as _;
use paydirt::{Kernel, Miner};
use paydirt_ledger::{Block, BlockRecord, FILE_NAME, Ledger, Options, Transaction, Unchecked};
use paydirt_node::{Cors, Limits, Node, app};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

fn node(folder: &Path, options: Options) -> (Arc<Node>, Router) {
    let ledger = Ledger::open_or_create(folder, Some(&easy()), options).unwrap();
    let miner = Miner::with_threads(1, Kernel::auto()).unwrap();
    let node = Node::new(ledger, miner, Limits::default());
    let app = app(Arc::clone(&node), &Cors::default());
    (node, app)
}

async fn ask(app: &Router, method: &str, path: &str, body: &str) -> Response<Body> {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/json");
    let request = request.body(Body::from(body.to_owned())).unwrap();
    app.clone().oneshot(request).await.unwrap()
}

async fn get(app: &Router, path: &str) -> (u16, String) {
    text(ask(app, "GET", path, "").await).await
}

async fn text(response: Response<Body>) -> (u16, String) {
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn record(block: &Block<Unchecked>) -> Value {
    serde_json::to_value(BlockRecord::new(block)).unwrap()
}

/// Clients that ask for much and take nothing, on every route that streams, while the ledger goes on: the file stays
/// small, and each still gets what it asked for, of one branch, though another has taken over since.
#[tokio::test]
async fn answers_that_nobody_takes_leave_the_file_small() {
    let folder = TempDir::new().unwrap();
    let (node, app) = node(folder.path(), Options::default());
    let ledger = node.ledger();
    let mut trunk = Vec::new();
    let mut parent = easy().genesis().into_unchecked();
    for number in 0..12u64 {
        let mut maker = Maker::easy(&parent);
        for n in 0..100 {
            let name = format!("{number} {n} {}", "x".repeat(200));
            maker = maker.with(Transaction::transfer(name, "y".repeat(200), n + 1).unwrap());
        }
        parent = maker.mined();
        trunk.push(parent.clone());
    }
    for outcome in ledger.add_all(trunk.clone()) {
        outcome.unwrap();
    }
    let genesis = easy().genesis().into_unchecked();
    let all: Vec<_> = std::iter::once(&genesis).chain(&trunk).map(record).collect();
    let length = || fs::metadata(folder.path().join(FILE_NAME)).unwrap().len();
    let before = length();

    let mut slow = Vec::new();
    for _ in 0..4 {
        slow.push((
            ask(&app, "GET", "/chain", "").await,
            json!({"chain": all, "length": 13}),
        ));
        let page = json!({"chain": all[1..11], "length": 13});
        slow.push((ask(&app, "GET", "/chain?from=2&limit=10", "").await, page));
    }
    let listener = ask(&app, "GET", "/events", "").await;
    for amount in 1..=300 {
        ledger.submit(transfer(amount).tagged()).unwrap();
    }
    // Another branch from block 4 on takes over.
    for block in branch(&trunk[2], "another", 10) {
        ledger.add(block).unwrap();
    }
    assert_eq!(ledger.tip().index, 14);
    let after = length();
    eprintln!(
        "{before} bytes before, {after} after 310 commits beside {} slow answers",
        slow.len() + 1
    );
    assert!(after <= 2 * before, "{before} bytes became {after}");
    drop(listener);
    for (response, expected) in slow {
        let (status, text) = text(response).await;
        assert_eq!((status, json_of(&text)), (200, expected));
    }
    let (_, now) = get(&app, "/chain").await;
    assert_eq!(json_of(&now)["length"], 14);
}

/// A bit of a stored block flips under the running node.
#[tokio::test]
async fn damage_is_said_and_not_served() {
    let folder = TempDir::new().unwrap();
    // No cache: every read is one of the file.
    let options = Options {
        cache_bytes: 0,
        ..Options::default()
    };
    let (node, app) = node(folder.path(), options);
    let trunk = branch(&easy().genesis(), "a", 30);
    for outcome in node.ledger().add_all(trunk.clone()) {
        outcome.unwrap();
    }
    assert_eq!(get(&app, "/blocks/8").await.0, 200);
    let (status, body) = get(&app, "/status").await;
    assert_eq!((status, json_of(&body).get("message")), (200, None));
    assert!(
        get(&app, "/metrics")
            .await
            .1
            .contains("\npaydirt_store_failed 0\n")
    );

    let file = folder.path().join(FILE_NAME);
    let mut bytes = fs::read(&file).unwrap();
    let header = trunk[6].header().to_bytes();
    let places: Vec<_> = (0..bytes.len() - 80)
        .filter(|at| bytes[*at..at + 80] == header)
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at + 70] ^= 4;
    }
    fs::write(&file, bytes).unwrap();

    let (status, body) = get(&app, "/blocks/8").await;
    assert_eq!(status, 500);
    assert!(
        body.contains("damaged at block 8") && body.contains("its hash is"),
        "{body}"
    );
    let chain = ask(&app, "GET", "/chain", "").await.into_body().collect().await;
    assert!(chain.is_err(), "an answer that would hold it is cut");
    let (status, body) = get(&app, "/status").await;
    let message = json_of(&body)["message"].to_string();
    assert_eq!(status, 503);
    assert!(
        message.contains("damaged at block 8") && message.contains("opened again"),
        "{body}"
    );
    assert_eq!(json_of(&body)["length"], 31, "and all the rest");
    assert!(
        get(&app, "/metrics")
            .await
            .1
            .contains("\npaydirt_store_failed 1\n")
    );
    let transfer = json!({"sender": "a", "recipient": "b", "amount": 1}).to_string();
    let next = record(&Maker::easy(&trunk[29]).mined()).to_string();
    for (method, path, body) in [
        ("GET", "/mine", ""),
        ("POST", "/mine", ""),
        ("GET", "/work", ""),
        ("POST", "/transactions/new", &transfer),
        ("POST", "/blocks", &next),
    ] {
        let (status, answer) = text(ask(&app, method, path, body).await).await;
        assert_eq!(status, 503, "{method} {path}: {answer}");
        assert!(answer.contains("damaged at block 8"), "{method} {path}: {answer}");
    }
    // What is as it was is still given.
    let (status, body) = get(&app, "/blocks/9").await;
    assert_eq!((status, json_of(&body)), (200, record(&trunk[7])));
    assert!(node.ledger().failure().is_some());
}
