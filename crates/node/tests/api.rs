//! The node in process: every call, every refusal, held against its own description.

#[path = "../../ledger/tests/common/blocks.rs"]
mod blocks;
#[path = "common/description.rs"]
mod description;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode, header},
};
use blocks::{Maker, branch, easy, nowhere};
use description::{OPENAPI, described, fits};
use http_body_util::BodyExt as _;
use paydirt::{Kernel, Miner, Puzzle, Search};
use paydirt_ledger::{
    Block, BlockRecord, ChainParameters, Ledger, Options, SideLimits, Transaction, TransactionRecord,
    Unchecked,
};
use paydirt_node::{Cors, Limits, Node, Origin, app};
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

/// What the clients of both teaching servers do, in their order.
#[tokio::test]
async fn the_teaching_servers_clients_work() {
    let test = Test::new(&ChainParameters::default());
    assert_eq!(test.get("/").await, (200, json!({"message": "Server is OK"})));
    let (status, scheduled) = test.post("/transactions/new", transfer(5)).await;
    assert_eq!(status, 201);
    assert_eq!(
        scheduled["message"],
        "Transaction is scheduled to be added to Block No. 2"
    );
    assert_eq!(scheduled["index"], 2);

    let (status, mined) = test.get("/mine").await;
    assert_eq!(status, 200);
    assert_eq!(mined["message"], "The new block has been forged");
    assert_eq!(mined["index"], 2);
    let node_id = test.node.ledger().node_id();
    let reward = json!({"sender": "0", "recipient": node_id, "amount": 1});
    let mut sent = transfer(5);
    sent["tag"] = scheduled["tag"].clone();
    assert_eq!(mined["transactions"], json!([reward, sent]));
    assert!(
        mined["hash"].as_str().unwrap().starts_with("0000"),
        "four hex zeros"
    );

    let (status, chain) = test.get("/chain").await;
    assert_eq!((status, &chain["length"]), (200, &json!(2)));
    let blocks = chain["chain"].as_array().unwrap();
    assert_eq!(blocks.len(), 2);
    assert_eq!(blocks[1]["previous_hash"], blocks[0]["hash"]);
    for field in [
        "index",
        "proof",
        "transactions",
        "previous_hash",
        "hash",
        "timestamp",
        "merkle_root",
        "bits",
    ] {
        assert_eq!(blocks[1][field], mined[field], "{field}");
    }
    let (_, again) = test.call("POST", "/mine", None).await;
    assert_eq!(
        (&again["index"], &again["previous_hash"]),
        (&json!(3), &mined["hash"])
    );
    assert_eq!(again["transactions"], json!([reward]));
}

#[tokio::test]
async fn json_and_forms_are_taken_whatever_they_are_called() {
    let test = Test::new(&easy());
    let json = transfer(1).to_string();
    for (kind, body) in [
        ("application/json", json.clone()),
        ("application/json; charset=utf-8", json.clone()),
        ("text/plain", json.clone()),
        ("application/x-www-form-urlencoded", json),
        (
            "application/x-www-form-urlencoded",
            "sender=alice&recipient=bob&amount=1".to_owned(),
        ),
        (
            "application/x-www-form-urlencoded; charset=UTF-8",
            "amount=1&sender=alice&recipient=bob".to_owned(),
        ),
    ] {
        let (status, answer) = test.call("POST", "/transactions/new", Some((kind, body))).await;
        assert_eq!(status, 201, "{kind}: {answer}");
        let (_, found) = test
            .get(&format!("/transactions/{}", answer["id"].as_str().unwrap()))
            .await;
        assert_eq!(found["amount"], 1, "{kind}");
    }
    let odd = "sender=a%26b&recipient=%C3%A9+1&amount=7".to_owned();
    let (_, answer) = test
        .call(
            "POST",
            "/transactions/new",
            Some(("application/x-www-form-urlencoded", odd)),
        )
        .await;
    let (_, found) = test
        .get(&format!("/transactions/{}", answer["id"].as_str().unwrap()))
        .await;
    assert_eq!(
        (&found["sender"], &found["recipient"]),
        (&json!("a&b"), &json!("é 1"))
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_transaction_is_said() {
    let test = Test::new(&easy());
    for (body, says) in [
        (
            json!({"sender": "a", "recipient": "b"}).to_string(),
            "Missing values: amount",
        ),
        (
            json!({"amount": 1}).to_string(),
            "Missing values: sender, recipient",
        ),
        ("{}".to_owned(), "Missing values: sender, recipient, amount"),
        (
            json!({"sender": "0", "recipient": "me", "amount": 1}).to_string(),
            "reward",
        ),
        (
            json!({"sender": "a", "recipient": "b", "amount": "many"}).to_string(),
            "amount must be a whole number",
        ),
        (
            json!({"sender": "a", "recipient": "b", "amount": -1}).to_string(),
            "amount must be a whole number",
        ),
        (
            json!({"sender": "", "recipient": "b", "amount": 1}).to_string(),
            "sender must be a string",
        ),
        (
            json!({"sender": ["a"], "recipient": "b", "amount": 1}).to_string(),
            "sender must be a string",
        ),
        (
            json!({"sender": "a", "recipient": "b".repeat(257), "amount": 1}).to_string(),
            "recipient must be a string",
        ),
        (
            r#"{"sender":"a","recipient":"b","amount":4.9999999999999999999}"#.to_owned(),
            "amount must be a whole number",
        ),
        (
            r#"{"sender":"a","recipient":"b","amount":1e400}"#.to_owned(),
            "amount must be a whole number",
        ),
        (
            r#"{"sender":"a","recipient":"b","amount":1,"amount":2}"#.to_owned(),
            "amount is there twice",
        ),
        (
            json!({"sender": "a", "recipient": "b", "amount": 1, "memo": "x"}).to_string(),
            "memo is no field of a transfer",
        ),
        ("[1]".to_owned(), "must be a JSON object"),
        ("null".to_owned(), "must be a JSON object"),
        ("{\"sender\":".to_owned(), "not JSON"),
        (String::new(), "not JSON"),
        (
            "{\"sender\":\"\\ud800\",\"recipient\":\"b\",\"amount\":1}".to_owned(),
            "not JSON",
        ),
        (
            format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)),
            "not JSON",
        ),
    ] {
        let (status, answer) = test
            .call(
                "POST",
                "/transactions/new",
                Some(("application/json", body.clone())),
            )
            .await;
        assert_eq!(status, 400, "{body:.80}");
        assert!(
            answer["message"].as_str().unwrap().contains(says),
            "{body:.80}: {answer}"
        );
    }
    let form = "sender=a&recipient=b&amount=lots".to_owned();
    let (status, _) = test
        .call(
            "POST",
            "/transactions/new",
            Some(("application/x-www-form-urlencoded", form)),
        )
        .await;
    assert_eq!(status, 400);
    assert_eq!(
        test.get("/transactions/pending").await.1,
        json!({"transactions": [], "length": 0})
    );
}

#[tokio::test]
async fn too_much_is_refused() {
    let limits = Limits {
        body_bytes: 1000,
        block_bytes: 2000,
        ..Limits::default()
    };
    let options = Options {
        max_pending: 2,
        ..Options::default()
    };
    let test = Test::with(&easy(), limits, &Cors::default(), options);
    let large = json!({"sender": "a".repeat(2000), "recipient": "b", "amount": 1});
    assert_eq!(test.post("/transactions/new", large.clone()).await.0, 413);
    assert_eq!(test.post("/work", large.clone()).await.0, 413);
    assert_eq!(test.post("/blocks", large).await.0, 413);
    assert_eq!(test.post("/transactions/new", transfer(1)).await.0, 201);
    assert_eq!(test.post("/transactions/new", transfer(2)).await.0, 201);
    let full = Request::post("/transactions/new")
        .body(Body::from(transfer(3).to_string()))
        .unwrap();
    let response = test.raw(full).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key(header::RETRY_AFTER));

    let options = Options {
        max_pending_bytes: 60,
        ..Options::default()
    };
    let test = Test::with(&easy(), limits, &Cors::default(), options);
    assert_eq!(test.post("/transactions/new", transfer(1)).await.0, 201);
    assert_eq!(test.post("/transactions/new", transfer(2)).await.0, 201);
    let (status, refused) = test.post("/transactions/new", transfer(3)).await;
    assert_eq!(status, 503);
    assert!(
        refused["message"].as_str().unwrap().contains("60 bytes"),
        "{refused}"
    );
    assert_eq!(test.get("/status").await.1["pending_bytes"], 56);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_given_up() {
    let test = Test::new(&easy());
    let never = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let request = Request::post("/transactions/new").body(never).unwrap();
    assert_eq!(test.raw(request).await.status(), StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_json_too() {
    let test = Test::new(&easy());
    for path in ["/nothing", "/blocks/1/2", "/chain/", "/%ff", "/transactions"] {
        let (status, answer) = test.get(path).await;
        assert_eq!(status, 404, "{path}");
        assert!(answer["message"].is_string());
    }
    for (method, path) in [
        ("POST", "/chain"),
        ("DELETE", "/chain"),
        ("GET", "/transactions/new"),
        ("PUT", "/mine"),
        ("GET", "/blocks"),
        ("DELETE", "/work"),
        ("POST", "/events"),
        ("PATCH", "/status"),
    ] {
        let response = test
            .raw(
                Request::builder()
                    .method(method)
                    .uri(path)
                    .body(Body::empty())
                    .unwrap(),
            )
            .await;
        assert_eq!(
            response.status(),
            StatusCode::METHOD_NOT_ALLOWED,
            "{method} {path}"
        );
        assert!(response.headers().contains_key(header::ALLOW), "{method} {path}");
        assert_eq!(test.call(method, path, None).await.0, 405);
    }
    for path in [
        "/blocks/x",
        "/blocks/-1",
        "/blocks/%00",
        "/blocks/1e3",
        "/transactions/12",
        "/transactions/%ff",
        "/chain?from=x",
        "/chain?limit=-1",
        "/transactions/pending?from=1.5",
    ] {
        assert_eq!(test.get(path).await.0, 400, "{path}");
    }
    for path in [
        "/blocks/0",
        "/blocks/2",
        "/blocks/18446744073709551616",
        "/blocks/99999999999999999999",
    ] {
        assert_eq!(test.get(path).await.0, 404, "{path}");
    }
    let nowhere = nowhere().to_string();
    assert_eq!(test.get(&format!("/blocks/{nowhere}")).await.0, 404);
    assert_eq!(test.get(&format!("/transactions/{nowhere}")).await.0, 404);
}

#[tokio::test]
async fn blocks_are_found_and_paged() {
    let test = Test::new(&easy());
    for block in branch(&easy().genesis(), "a", 9) {
        test.add(&block).await;
    }
    let (_, whole) = test.get("/chain").await;
    let all = whole["chain"].as_array().unwrap();
    assert_eq!(all.len(), 10);
    for (query, first, count) in [
        ("?from=1", 1, 10),
        ("?from=0&limit=2", 1, 2),
        ("?from=4&limit=3", 4, 3),
        ("?from=10", 10, 1),
        ("?limit=0", 1, 0),
        ("?from=11", 1, 0),
        ("?from=9&limit=18446744073709551615", 9, 2),
        ("?from=99999999999999999999", 1, 0),
    ] {
        let (status, page) = test.get(&format!("/chain{query}")).await;
        assert_eq!((status, &page["length"]), (200, &json!(10)), "{query}");
        let expected: Vec<_> = all.iter().skip(first - 1).take(count).collect();
        assert_eq!(
            page["chain"].as_array().unwrap().iter().collect::<Vec<_>>(),
            expected,
            "{query}"
        );
    }
    for block in all {
        assert_eq!(&test.get(&format!("/blocks/{}", block["index"])).await.1, block);
        assert_eq!(
            &test
                .get(&format!("/blocks/{}", block["hash"].as_str().unwrap()))
                .await
                .1,
            block
        );
    }
    assert_eq!(&test.get("/blocks/latest").await.1, &all[9]);
}

/// A piece of an answer may end anywhere in a block.
#[tokio::test]
async fn large_blocks_come_whole() {
    let test = Test::new(&easy());
    let mut maker = Maker::easy(&easy().genesis());
    for n in 0..900u64 {
        let name = "\"".repeat(1 + n as usize % 256);
        maker = maker.with(Transaction::transfer(name, format!("bob {n}"), n + 1).unwrap());
    }
    let large = maker.mined();
    assert!(record(&large).to_string().len() > 3 << 16, "several pieces");
    let (status, answer) = test.add(&large).await;
    assert_eq!(status, 201, "{answer}");
    let small = Maker::easy(&large).mined();
    assert_eq!(test.add(&small).await.0, 201);
    for name in ["2".to_owned(), large.hash().to_string()] {
        assert_eq!(test.get(&format!("/blocks/{name}")).await.1, record(&large));
    }
    let genesis = record(&easy().genesis().into_unchecked());
    let all = [genesis, record(&large), record(&small)];
    let (_, chain) = test.get("/chain").await;
    assert_eq!(chain, json!({"chain": all, "length": 3}));
    let (_, page) = test.get("/chain?from=2&limit=1").await;
    assert_eq!(page, json!({"chain": [all[1]], "length": 3}));
    assert_eq!(test.get("/chain?from=9").await.1["chain"], json!([]));
}

#[tokio::test]
async fn bodies_that_are_neither_json_nor_a_form() {
    let test = Test::new(&easy());
    let form = "application/x-www-form-urlencoded";
    for (kind, body, status, words) in [
        (form, "sender=%ff&recipient=%ef%bf%bd&amount=5", 400, "UTF-8"),
        (form, "sender=a&recipient=b&amount=%2B5", 400, "whole number"),
        (
            form,
            "sender=a&recipient=b&amount=4.9999999999999999999",
            400,
            "whole number",
        ),
        (form, "sender=a&recipient=b&amount=5.0", 400, "whole number"),
        (
            form,
            "sender=a&recipient=b&amount=5&memo=x",
            400,
            "memo is no field",
        ),
        (
            form,
            "sender=a&recipient=b&amount=5&amount=6",
            400,
            "amount is there twice",
        ),
        (form, "garbage{", 400, "neither JSON nor a form"),
        ("multipart/form-data; boundary=x", "--x--", 415, "Multipart"),
        ("application/xml", "<a/>", 400, "not JSON"),
    ] {
        let (got, answer) = test
            .call("POST", "/transactions/new", Some((kind, body.to_owned())))
            .await;
        let message = answer["message"].as_str().unwrap();
        assert!(
            got == status && message.contains(words),
            "{body}: {got} {message}"
        );
    }
    let body = "sender=%ef%bf%bd&recipient=b&amount=5".to_owned();
    let (status, _) = test.call("POST", "/transactions/new", Some((form, body))).await;
    assert_eq!(status, 201, "the sign itself is a character like others");
}

/// A client that takes the beginning of a long chain and then nothing is cut, and can tell.
#[tokio::test(start_paused = true)]
async fn a_chain_that_nobody_takes_is_cut_short() {
    let test = Test::new(&easy());
    for outcome in test.node.ledger().add_all(branch(&easy().genesis(), "a", 2000)) {
        outcome.unwrap();
    }
    let ask = || test.raw(Request::get("/chain").body(Body::empty()).unwrap());
    let whole = ask().await.into_body().collect().await.unwrap().to_bytes();
    assert!(whole.ends_with(b"],\"length\":2001}"));

    let mut body = ask().await.into_body();
    let mut taken = body.frame().await.unwrap().unwrap().into_data().unwrap().len();
    assert!(
        taken < whole.len() / 4,
        "it comes in pieces: {taken} of {} bytes",
        whole.len()
    );
    // The clock is the test's: it moves on when nothing else does.
    tokio::time::sleep(Limits::default().request_timeout * 2).await;
    let end = loop {
        match body.frame().await {
            Some(Ok(frame)) => taken += frame.into_data().unwrap().len(),
            other => break other,
        }
    };
    assert!(matches!(end, Some(Err(_))), "the end is an error");
    assert!(
        taken < whole.len() / 2,
        "nothing was read ahead: {taken} of {} bytes",
        whole.len()
    );
}

#[tokio::test]
async fn transactions_are_found_while_they_wait_and_after() {
    let test = Test::new(&easy());
    let ids: Vec<String> = {
        let mut ids = Vec::new();
        for amount in [3, 1, 2] {
            let (_, answer) = test.post("/transactions/new", transfer(amount)).await;
            ids.push(answer["id"].as_str().unwrap().to_owned());
        }
        ids
    };
    let (_, pending) = test.get("/transactions/pending").await;
    let mut first = pending["transactions"][0].clone();
    let id = first.as_object_mut().unwrap().remove("id");
    let parsed = TransactionRecord::parse_transfer(first.to_string().as_bytes()).unwrap();
    assert!(parsed.tag().is_some(), "the node gave it one");
    assert_eq!(
        (id, parsed.id().to_string()),
        (Some(json!(ids[0])), ids[0].clone())
    );
    let amounts: Vec<_> = pending["transactions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["amount"].clone())
        .collect();
    assert_eq!(
        (amounts, &pending["length"]),
        (vec![json!(3), json!(1), json!(2)], &json!(3))
    );
    let (_, page) = test.get("/transactions/pending?from=1&limit=1").await;
    assert_eq!(
        (&page["transactions"][0]["id"], &page["length"]),
        (&json!(ids[1]), &json!(3))
    );
    let (_, found) = test.get(&format!("/transactions/{}", ids[0])).await;
    assert_eq!(
        (&found["status"], &found["index"], &found["block"]),
        (&json!("pending"), &json!(2), &json!(null))
    );
    let (_, mined) = test.get("/mine").await;
    let (_, found) = test.get(&format!("/transactions/{}", ids[0])).await;
    assert_eq!(
        (&found["status"], &found["index"], &found["block"]),
        (&json!("confirmed"), &json!(2), &mined["hash"])
    );
    assert_eq!((&found["blocks"], &found["waiting"]), (&json!(1), &json!(0)));
    // The same again is another payment.
    let (status, again) = test.post("/transactions/new", transfer(3)).await;
    assert_eq!((status, &again["index"]), (201, &json!(3)));
    assert_ne!(again["id"], json!(ids[0]));
    test.get("/mine").await;
    let again = again["id"].as_str().unwrap();
    let (_, found) = test.get(&format!("/transactions/{again}")).await;
    assert_eq!((&found["blocks"], &found["index"]), (&json!(1), &json!(3)));
}

#[tokio::test]
async fn a_transfer_with_a_tag_counts_once() {
    let test = Test::new(&easy());
    let tagged = |tag| json!({"sender": "alice", "recipient": "bob", "amount": 5, "tag": tag});
    let (status, first) = test.post("/transactions/new", tagged("00c0ffee00c0ffee")).await;
    assert_eq!((status, &first["tag"]), (201, &json!("00c0ffee00c0ffee")));
    // printf '%s' JSON | openssl sha256 -binary | openssl sha256
    assert_eq!(
        first["id"],
        "451f066d37631d76535b3edaa9e1ada2ed346afea57fbff1579a7fa5cc36f197"
    );
    let again = |status, answer: &Value, message: &str| {
        assert_eq!(
            (status, &answer["id"], &answer["index"]),
            (200, &first["id"], &json!(2))
        );
        assert_eq!(answer["message"], message);
    };
    let (status, answer) = test.post("/transactions/new", tagged("00C0FFEE00C0FFEE")).await;
    again(
        status,
        &answer,
        "Transaction is known already, and scheduled to be added to Block No. 2",
    );
    let (status, other) = test.post("/transactions/new", tagged("ffffffffffffffff")).await;
    assert_eq!(status, 201, "a second payment");
    assert_ne!(other["id"], first["id"]);
    let form = "sender=alice&recipient=bob&amount=5&tag=0000000000000007";
    let kind = "application/x-www-form-urlencoded";
    for status in [201, 200] {
        let (found, answer) = test
            .call("POST", "/transactions/new", Some((kind, form.to_owned())))
            .await;
        assert_eq!((found, &answer["tag"]), (status, &json!("0000000000000007")));
    }
    let (_, mined) = test.get("/mine").await;
    assert_eq!(mined["transactions"].as_array().unwrap().len(), 4);
    let (status, answer) = test.post("/transactions/new", tagged("00c0ffee00c0ffee")).await;
    again(
        status,
        &answer,
        "Transaction is known already, and stands in Block No. 2",
    );
    let (_, pending) = test.get("/transactions/pending").await;
    assert_eq!(pending["length"], 0);
    // What is no tag: a number loses digits, a short one may be a slip.
    for tag in [
        json!(7),
        json!("7"),
        json!("0000000000000000"),
        json!("00c0ffee00c0ffeg"),
        json!([]),
    ] {
        let (status, refused) = test
            .post(
                "/transactions/new",
                json!({"sender": "a", "amount": 1, "tag": tag}),
            )
            .await;
        assert_eq!(status, 400);
        assert_eq!(
            refused["message"],
            "Missing values: recipient; Invalid values: tag must be a string of 16 hex digits, not all of them 0"
        );
    }
    let (_, first) = test.post("/transactions/new", tagged_null()).await;
    let (_, second) = test.post("/transactions/new", tagged_null()).await;
    assert_ne!(first["id"], second["id"], "null is as good as none");
}

fn tagged_null() -> Value {
    json!({"sender": "alice", "recipient": "bob", "amount": 5, "tag": null})
}

#[tokio::test]
async fn side_branches_have_limits() {
    let options = Options {
        side_limits: SideLimits {
            depth: 2,
            blocks: 2,
            bytes: 1 << 20,
        },
        ..Options::default()
    };
    let test = Test::with(&easy(), Limits::default(), &Cors::default(), options);
    let genesis = easy().genesis();
    let active = branch(&genesis, "a", 3);
    for block in &active {
        assert_eq!(test.add(block).await.0, 201);
    }
    let deep = branch(&genesis, "deep", 1);
    let (status, refused) = test.add(&deep[0]).await;
    assert_eq!((status, &refused["rule"]), (409, &json!("side_branch_depth")));
    assert_eq!(
        refused["message"],
        "The block is refused: its branch leaves the active one 3 blocks below the tip; the limit is 2"
    );
    for (name, status) in [("b", 201), ("c", 201), ("d", 409)] {
        let side = branch(&active[0], name, 1);
        let (found, answer) = test.add(&side[0]).await;
        assert_eq!(found, status, "{name}");
        assert_eq!(answer["rule"] == "side_branch_limit", status == 409, "{answer}");
    }
}

#[tokio::test]
async fn a_deep_branch_is_taken_up_by_hand() {
    let options = Options {
        max_reorganisation: 2,
        ..Options::default()
    };
    let test = Test::with(&easy(), Limits::default(), &Cors::default(), options);
    let genesis = easy().genesis();
    let (active, rival) = (branch(&genesis, "a", 3), branch(&genesis, "b", 5));
    for block in active.iter().chain(&rival[..3]) {
        assert_eq!(test.add(block).await.0, 201);
    }
    let state = async || test.get("/status").await.1["reorganisation"].clone();
    assert_eq!(
        state().await,
        json!({"max_depth": 2, "heavier": null, "unsettled_blocks": 0, "left_out": 0})
    );
    for block in &rival[3..] {
        let (status, answer) = test.add(block).await;
        assert_eq!((status, &answer["tip"]), (201, &json!(false)));
        let message = answer["message"].as_str().unwrap();
        assert!(
            message.contains("3 blocks below the tip") && message.contains("POST /switch"),
            "{message}"
        );
    }
    let heavier = state().await["heavier"].clone();
    let tip = rival[4].hash().to_string();
    assert_eq!(
        (&heavier["tip"], &heavier["index"], &heavier["depth"]),
        (&json!(tip), &json!(6), &json!(3))
    );
    let switch = async |body: Value| test.post("/switch", body).await;
    for (body, status, words) in [
        (json!({}), 400, "Missing values: tip"),
        (json!({"tip": 7}), 400, "tip"),
        (json!({"tip": "7"}), 400, "64 hex digits"),
        (json!({"tip": nowhere().to_string()}), 404, "is not known here"),
        (json!({"tip": rival[1].hash().to_string()}), 409, "no more work"),
    ] {
        let (found, answer) = switch(body).await;
        assert_eq!(found, status, "{answer}");
        assert!(answer["message"].as_str().unwrap().contains(words), "{answer}");
    }
    let (status, answer) = switch(json!({"tip": tip})).await;
    assert_eq!(
        (status, answer),
        (
            200,
            json!({"message": "The branch is taken up", "index": 6, "hash": tip, "dropped": 3})
        )
    );
    assert_eq!(test.get("/status").await.1["tip"]["hash"], json!(tip));
    assert_eq!(state().await["heavier"], json!(null));
    let (status, answer) = switch(json!({"tip": tip})).await;
    assert_eq!(
        (status, &answer["dropped"]),
        (200, &json!(0)),
        "it counts already"
    );
}

/// Three blocks from the future once made every `/mine` a 503.
#[tokio::test]
async fn blocks_from_the_future_hold_no_miner_up() {
    let test = Test::new(&easy());
    let stamped = |parent: &Block<Unchecked>, ahead_s: u64| {
        let mut maker = Maker::easy(parent);
        maker.header.time = u32::try_from(test.node.ledger().now_s() + ahead_s).unwrap();
        maker.mined()
    };
    let mut parent = easy().genesis().into_unchecked();
    let (status, refused) = test.add(&stamped(&parent, 7_200)).await;
    assert_eq!((status, &refused["rule"]), (400, &json!("time_too_new")));
    for _ in 0..3 {
        parent = stamped(&parent, 55);
        assert_eq!(test.add(&parent).await.0, 201);
    }
    for _ in 0..3 {
        let begun = test.node.ledger().now_s();
        let (status, mined) = test.get("/mine").await;
        assert_eq!(status, 200, "{mined}");
        let time = mined["timestamp"].as_u64().unwrap();
        assert!(
            (begun..=test.node.ledger().now_s()).contains(&time),
            "it has the clock's time"
        );
    }
    assert_eq!(test.get("/status").await.1["network"]["max_ahead_s"], 60);
}

#[tokio::test]
async fn blocks_from_elsewhere() {
    let test = Test::new(&easy());
    let genesis = easy().genesis();
    let a = branch(&genesis, "a", 2);
    let b = branch(&genesis, "b", 3);
    let (status, answer) = test.add(&a[0]).await;
    assert_eq!(
        (status, &answer["tip"], &answer["index"]),
        (201, &json!(true), &json!(2))
    );
    assert_eq!(answer["hash"], json!(a[0].hash().to_string()));
    assert_eq!(test.add(&a[0]).await.0, 200);
    assert_eq!(test.add(&a[1]).await.0, 201);
    let (status, answer) = test.add(&b[0]).await;
    assert_eq!((status, &answer["tip"]), (201, &json!(false)), "a side branch");
    assert_eq!(test.add(&b[2]).await.0, 409, "its parent is unknown");
    test.add(&b[1]).await;
    let (status, answer) = test.add(&b[2]).await;
    assert_eq!(
        (status, &answer["tip"], &answer["dropped"]),
        (201, &json!(true), &json!(2))
    );
    let (status, answer) = test.add(&a[1]).await;
    assert_eq!((status, &answer["tip"]), (200, &json!(false)));
    assert_eq!(test.get("/blocks/latest").await.1, record(&b[2]));
    assert_eq!(
        test.get(&format!("/blocks/{}", a[0].hash())).await.1,
        record(&a[0]),
        "kept"
    );
    assert_eq!(test.get("/status").await.1["length"], 4);
}

#[tokio::test]
async fn a_block_that_breaks_a_rule_is_told_which() {
    let test = Test::new(&easy());
    let good = Maker::easy(&easy().genesis())
        .with(Transaction::transfer("a", "b", 1).unwrap())
        .with(Transaction::transfer("a", "b", 2).unwrap());
    let value = record(&good.clone().mined());
    let with = |field: &str, to: Value| {
        let mut changed = value.clone();
        changed.as_object_mut().unwrap().remove("hash");
        changed[field] = to;
        changed
    };
    let mut repeated = value.clone();
    let tail = repeated["transactions"][2].clone();
    repeated["transactions"].as_array_mut().unwrap().push(tail);
    let rule = |broken: Block<Unchecked>| record(&broken);
    let mut late = good.clone();
    late.header.time = u32::MAX;
    let mut rich = good.clone();
    rich.transactions[0] = Transaction::reward("me", 50, 0).unwrap();
    for (body, name) in [
        (repeated, "repeated_transaction"),
        (rule(good.clone().not_mined()), "proof_of_work"),
        (rule(late.mined()), "time_too_new"),
        (rule(rich.mined()), "reward_amount"),
        (with("index", json!(3)), "index"),
    ] {
        let (status, answer) = test.post("/blocks", body).await;
        assert_eq!((status, &answer["rule"]), (400, &json!(name)), "{answer}");
    }
    for (text, says) in [
        (
            value
                .to_string()
                .replacen("\"proof\"", "\"proof\":1,\"proof\"", 1),
            "proof is there twice",
        ),
        (
            value
                .to_string()
                .replacen("\"amount\":1", "\"amount\":0.99999999999999999999", 1),
            "amount must be a whole number",
        ),
    ] {
        let (status, refused) = test
            .call("POST", "/blocks", Some(("application/json", text)))
            .await;
        assert!(
            status == 400 && refused["message"].as_str().unwrap().contains(says),
            "{refused}"
        );
    }
    let (status, answer) = test.post("/blocks", json!({"index": 2})).await;
    assert_eq!(status, 400);
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .starts_with("Missing values: timestamp"),
        "{answer}"
    );
    // A header that is known, with another index or other transactions, is not a known block.
    assert_eq!(test.post("/blocks", value.clone()).await.0, 201);
    for (body, name) in [
        (with("index", json!(7)), "index"),
        (
            with("transactions", json!([value["transactions"][0]])),
            "merkle_root",
        ),
        (
            record(&ChainParameters::fixed(2.0).unwrap().genesis().into_unchecked()),
            "genesis",
        ),
    ] {
        let (status, answer) = test.post("/blocks", body).await;
        assert_eq!((status, &answer["rule"]), (400, &json!(name)), "{answer}");
    }
    let mut lying = value.clone();
    lying["hash"] = json!("00".repeat(32));
    assert_eq!(test.post("/blocks", lying).await.1["rule"], "hash");
    assert_eq!(test.post("/blocks", value).await.0, 200);
}

/// Solves work as a machine elsewhere would: with the engine, from the header alone.
fn solve(work: &Value, solved: bool) -> u32 {
    let header = paydirt::Header::from_hex(work["header"].as_str().unwrap()).unwrap();
    let puzzle = Puzzle::header(&header).unwrap();
    if !solved {
        return (0..).find(|nonce| !puzzle.is_solved_by((*nonce).into())).unwrap();
    }
    let outcome = Miner::with_threads(1, Kernel::auto())
        .unwrap()
        .mine(&Search::new(&puzzle));
    u32::try_from(outcome.solutions[0].nonce()).unwrap()
}

#[tokio::test]
async fn work_for_machines_elsewhere() {
    let test = Test::new(&ChainParameters::fixed(8.0).unwrap());
    test.post("/transactions/new", transfer(5)).await;
    let (_, first) = test.get("/work").await;
    let (_, second) = test.get("/work").await;
    assert_ne!(first["header"], second["header"], "no two search the same");
    assert_eq!((&first["index"], &first["transactions"]), (&json!(2), &json!(2)));
    let submit = |work: &Value, nonce: u32| json!({"id": work["id"], "nonce": nonce});

    let (status, answer) = test.post("/work", submit(&second, solve(&second, false))).await;
    assert_eq!((status, &answer["rule"]), (400, &json!("proof_of_work")));
    let nonce = solve(&second, true);
    let (status, answer) = test.post("/work", submit(&second, nonce)).await;
    assert_eq!(
        (status, &answer["tip"], &answer["index"]),
        (201, &json!(true), &json!(2))
    );
    assert_eq!(
        test.post("/work", submit(&second, nonce)).await.0,
        200,
        "sent again, it is known"
    );
    assert_eq!(
        test.post("/work", submit(&first, solve(&first, true))).await.0,
        409,
        "stale"
    );

    // However much was handed out since, and whatever came after it.
    for _ in 0..600 {
        test.get("/work").await;
    }
    test.get("/mine").await;
    assert_eq!(
        test.post("/work", submit(&second, nonce)).await.0,
        200,
        "still known"
    );
    assert_eq!(test.post("/work", submit(&first, 0)).await.0, 409, "still stale");

    let (_, block) = test.get("/blocks/2").await;
    assert_eq!(
        (&block["proof"], &block["hash"]),
        (&json!(nonce), &answer["hash"])
    );
    let mut found = block["transactions"][1].clone();
    assert!(found.as_object_mut().unwrap().remove("tag").is_some());
    assert_eq!(found, transfer(5));
    assert_eq!(test.get("/transactions/pending").await.1["length"], 0);

    let twice = r#"{"id":"1","nonce":1,"nonce":2}"#.to_owned();
    let (status, refused) = test
        .call("POST", "/work", Some(("application/json", twice)))
        .await;
    assert_eq!(status, 400);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("nonce is there twice"),
        "{refused}"
    );
    for (body, status) in [
        (json!({"nonce": 1}), 400),
        (json!({"id": "1"}), 400),
        (json!({"id": "zz", "nonce": 1}), 400),
        (json!({"id": first["id"], "nonce": 4_294_967_296_u64}), 400),
        (json!({"id": first["id"], "nonce": "x"}), 400),
        (json!({"id": "123", "nonce": 1}), 404),
    ] {
        assert_eq!(test.post("/work", body.clone()).await.0, status, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mining_is_in_turn_with_a_limited_line() {
    let limits = Limits {
        waiting_miners: 2,
        ..Limits::default()
    };
    // 100 bits: nobody finds one.
    let test = Arc::new(Test::with(
        &ChainParameters::fixed(100.0).unwrap(),
        limits,
        &Cors::default(),
        Options::default(),
    ));
    let mine = || {
        let test = Arc::clone(&test);
        tokio::spawn(async move { test.get("/mine").await })
    };
    let callers = [mine(), mine(), mine()];
    until(|| async { test.get("/status").await.1["mining"]["waiting"] == 2 }).await;
    let request = Request::get("/mine").body(Body::empty()).unwrap();
    let response = test.raw(request).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = response.headers()[header::RETRY_AFTER]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(wait >= 1);

    // Others are served meanwhile, from disk and from memory.
    assert_eq!(test.post("/transactions/new", transfer(1)).await.0, 201);
    assert_eq!(test.get("/chain").await.0, 200);
    assert_eq!(test.get("/status").await.1["mining"]["active"], true);

    // One caller goes away: there is room in the line again, and the next begins.
    callers[0].abort();
    until(|| async { test.get("/status").await.1["mining"]["waiting"] == 1 }).await;
    for caller in callers {
        caller.abort();
    }
    until(|| async { test.get("/status").await.1["mining"]["active"] == false }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mining_begins_again_when_another_block_comes() {
    // Another block was solved beforehand. The miner may all the same be quicker, though it seldom is: then once more.
    for _ in 0..20 {
        if begins_again().await {
            return;
        }
    }
    panic!("the miner was quicker twenty times");
}

/// False when the miner was quicker.
async fn begins_again() -> bool {
    let test = Arc::new(Test::new(&ChainParameters::fixed(23.0).unwrap()));
    let (_, work) = test.get("/work").await;
    let solver = {
        let work = work.clone();
        move || solve(&work, true)
    };
    let nonce = tokio::task::spawn_blocking(solver).await.unwrap();
    let events = test
        .raw(Request::get("/events").body(Body::empty()).unwrap())
        .await;
    let caller = {
        let test = Arc::clone(&test);
        tokio::spawn(async move { test.get("/mine").await })
    };
    // It may be done before anybody looks.
    until(|| async { caller.is_finished() || test.get("/status").await.1["mining"]["active"] == true }).await;
    let (status, answer) = test
        .post("/work", json!({"id": work["id"], "nonce": nonce}))
        .await;
    let (_, mined) = caller.await.unwrap();
    if status == 409 || answer["tip"] == false {
        return false;
    }
    assert_eq!(
        (&mined["index"], &mined["previous_hash"]),
        (&json!(3), &answer["hash"]),
        "it stands on the block that came meanwhile"
    );
    test.node.stop();
    let told: Vec<_> = events_of(events)
        .await
        .into_iter()
        .filter(|(name, data)| name == "mining" && data["status"] != "mining")
        .map(|(_, data)| (data["status"].clone(), data["index"].clone()))
        .collect();
    // Found just before the other came, it was a side branch; nobody was told that it was found.
    let expected = [("started", 2), ("stopped", 2), ("started", 3), ("found", 3)];
    let expected = expected.map(|(status, index)| (json!(status), json!(index)));
    assert!(
        told == expected || told == [&expected[..1], &expected[2..]].concat(),
        "{told:?}"
    );
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_mining_and_streams() {
    let test = Arc::new(Test::new(&ChainParameters::fixed(100.0).unwrap()));
    let mine = || {
        let test = Arc::clone(&test);
        tokio::spawn(async move { test.get("/mine").await })
    };
    let events = test
        .raw(Request::get("/events").body(Body::empty()).unwrap())
        .await;
    let callers = [mine(), mine()];
    until(|| async { test.get("/status").await.1["mining"]["waiting"] == 1 }).await;
    test.node.stop();
    for caller in callers {
        assert_eq!(caller.await.unwrap().0, 503);
    }
    let told = events.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&told).contains("\"status\":\"started\""));
}

#[tokio::test]
async fn events_tell_what_happened() {
    let test = Test::new(&easy());
    let response = test
        .raw(Request::get("/events").body(Body::empty()).unwrap())
        .await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    test.post("/transactions/new", transfer(5)).await;
    test.get("/mine").await;
    test.add(&Maker::easy(&easy().genesis()).mined()).await;
    // Each answer came after its events; a stream that ends is read whole.
    test.node.stop();
    let events = events_of(response).await;
    let named = |name: &str| {
        events
            .iter()
            .filter(|(event, _)| event == name)
            .map(|(_, data)| data)
            .collect::<Vec<_>>()
    };
    let transactions = named("transaction");
    assert_eq!(transactions.len(), 1);
    assert_eq!(
        (&transactions[0]["amount"], &transactions[0]["index"]),
        (&json!(5), &json!(2))
    );
    let statuses: Vec<_> = named("mining")
        .iter()
        .map(|data| data["status"].clone())
        .collect();
    assert_eq!(
        (&statuses[0], &statuses[statuses.len() - 1]),
        (&json!("started"), &json!("found"))
    );
    let tips: Vec<_> = named("block").iter().map(|data| data["tip"].clone()).collect();
    assert_eq!(tips, [true, false]);
    assert_eq!(named("block")[0]["transaction_count"], 2);
}

/// The events of a stream that has ended: name and data.
async fn events_of(response: Response<Body>) -> Vec<(String, Value)> {
    let text = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(text.to_vec()).unwrap();
    let event = |event: &str| {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
        let (name, data) = (field("event: ")?, field("data: ")?);
        let data: Value = serde_json::from_str(data).unwrap();
        let schema = match name {
            "block" => "BlockEvent",
            "transaction" => "TransactionEvent",
            "mining" => "MiningEvent",
            "missed" => "MissedEvent",
            other => panic!("{other} is not described"),
        };
        fits(
            json!({"$ref": format!("#/components/schemas/{schema}")}),
            &data,
            name,
        );
        Some((name.to_owned(), data))
    };
    text.split("\n\n").filter_map(event).collect()
}

#[tokio::test]
async fn listeners_leave_connections_to_others() {
    let limits = Limits {
        connections: 4,
        ..Limits::default()
    };
    let test = Test::with(&easy(), limits, &Cors::default(), Options::default());
    let listen = || test.raw(Request::get("/events").body(Body::empty()).unwrap());
    let (first, second) = (listen().await, listen().await);
    assert_eq!(second.status(), StatusCode::OK);
    assert_eq!(listen().await.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(first);
    assert_eq!(listen().await.status(), StatusCode::OK);
}

#[tokio::test]
async fn metrics_count() {
    let test = Test::new(&easy());
    test.post("/transactions/new", transfer(1)).await;
    test.get("/mine").await;
    test.get("/made/up/by/a/client").await;
    let response = test
        .raw(Request::get("/metrics").body(Body::empty()).unwrap())
        .await;
    let text = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(text.to_vec()).unwrap();
    for line in [
        "paydirt_chain_length 2",
        "paydirt_pending_transactions 0",
        "paydirt_pending_bytes 0",
        "paydirt_unsettled_blocks 0",
        "paydirt_transactions_total 1",
        "paydirt_blocks_total{branch=\"active\"} 1",
        "paydirt_http_requests_total{method=\"GET\",path=\"/mine\",status=\"200\"} 1",
        "paydirt_http_requests_total{method=\"GET\",path=\"unknown\",status=\"404\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line} in {text}");
    }
}

#[tokio::test]
async fn cors_is_for_pages_of_this_machine_unless_told_otherwise() {
    let answers = async |cors: &Cors, origin: &str| {
        let test = Test::with(&easy(), Limits::default(), cors, Options::default());
        let request = Request::get("/status")
            .header(header::ORIGIN, origin)
            .body(Body::empty())
            .unwrap();
        let response = test.raw(request).await;
        assert_eq!(response.status(), StatusCode::OK);
        let allowed = response
            .headers()
            .get(header::ACCESS_CONTROL_ALLOW_ORIGIN)
            .cloned();
        allowed.map(|allowed| allowed.to_str().unwrap().to_owned())
    };
    let local = "http://localhost:3000";
    let other = "https://example.com";
    assert_eq!(answers(&Cors::Localhost, local).await.as_deref(), Some(local));
    assert_eq!(answers(&Cors::Localhost, other).await, None);
    assert_eq!(answers(&Cors::Nobody, local).await, None);
    assert_eq!(answers(&Cors::Anybody, other).await.as_deref(), Some(other));
    let listed = Cors::Origins(vec![Origin::new(other).unwrap()]);
    assert_eq!(answers(&listed, other).await.as_deref(), Some(other));
    assert_eq!(answers(&listed, local).await, None);
    // What a browser asks before it posts JSON.
    let test = Test::new(&easy());
    let ask = Request::builder()
        .method("OPTIONS")
        .uri("/transactions/new")
        .header(header::ORIGIN, local)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "content-type")
        .body(Body::empty())
        .unwrap();
    let response = test.raw(ask).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers()[header::ACCESS_CONTROL_ALLOW_HEADERS],
        "content-type"
    );
    assert_eq!(
        response.headers()[header::ACCESS_CONTROL_ALLOW_CREDENTIALS],
        "true"
    );
}

#[tokio::test]
async fn every_described_call_is_there_and_no_other_and_the_page_is_self_contained() {
    let test = Test::new(&easy());
    let (_, posted) = test.post("/transactions/new", transfer(5)).await;
    let id = posted["id"].as_str().unwrap();
    let api: Value = serde_json::from_str(OPENAPI).unwrap();
    for (path, operations) in api["paths"].as_object().unwrap() {
        let path = path.replace("{name}", "1").replace("{id}", id);
        for method in ["get", "post", "put", "patch", "delete"] {
            let request = Request::builder()
                .method(method.to_uppercase().as_str())
                .uri(&path);
            let status = test.raw(request.body(Body::empty()).unwrap()).await.status();
            assert_ne!(status, StatusCode::NOT_FOUND, "{method} {path}");
            // The greeting answers whatever it is asked.
            let described = operations.get(method).is_some() || path == "/";
            assert_eq!(
                status != StatusCode::METHOD_NOT_ALLOWED,
                described,
                "{method} {path}"
            );
        }
    }
    let page = test
        .raw(Request::get("/explorer").body(Body::empty()).unwrap())
        .await;
    assert!(
        page.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap()
            .contains("default-src 'none'")
    );
    let html = page.into_body().collect().await.unwrap().to_bytes();
    let html = String::from_utf8(html.to_vec()).unwrap();
    for outside in ["src=\"http", "href=\"http", "@import", "url(http", "//cdn"] {
        assert!(!html.contains(outside), "{outside}");
    }
}

/// Asks again until it is so, for a minute at most.
async fn until<F: Future<Output = bool>>(so: impl Fn() -> F) {
    let asked = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(60), asked).await;
    assert!(in_time.is_ok(), "it never came to be so");
}
