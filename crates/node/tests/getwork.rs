//! Mining programs of old, scripted: JSON-RPC as minerd and cpuminer-opt send it, and all that they might.

#[path = "common/description.rs"]
mod description;
#[path = "common/served.rs"]
mod served;

use std::time::Duration;

use paydirt::{Header, Kernel, Miner, Puzzle, Search};
use paydirt_ledger::ChainParameters;
use paydirt_node::{Cors, Doors, Limits, Node, app};
use serde_json::{Value, json};
use served::{Answer, Served};
use tower::ServiceExt as _;

const HEADS: [&str; 4] = [
    "Host: 127.0.0.1",
    "Authorization: Basic eDp4",
    "Content-Type: application/json",
    "User-Agent: cpuminer/2.5.1",
];
const GETWORK: &str = "{\"method\": \"getwork\", \"params\": [], \"id\":0}\r\n";

async fn start() -> Served {
    Served::start(&ChainParameters::fixed(8.0).unwrap(), (&Cors::default()).into()).await
}

async fn call(served: &Served, body: &str) -> Answer {
    served.ask("POST", "/", &HEADS, body).await
}

async fn getwork(served: &Served) -> Value {
    call(served, GETWORK).await.json()["result"].clone()
}

/// What a submission is answered with: its result, and the reason.
async fn submit(served: &Served, data: &str) -> (bool, Option<String>) {
    let body = format!("{{\"method\": \"getwork\", \"params\": [ \"{data}\" ], \"id\":1}}\r\n");
    let answer = call(served, &body).await;
    let value = answer.json();
    assert_eq!(
        (answer.status, &value["error"], &value["id"]),
        (200, &json!(null), &json!(1))
    );
    let reason = answer.header("x-reject-reason").map(str::to_owned);
    (value["result"].as_bool().expect("true or false"), reason)
}

fn rejected(reason: &str) -> (bool, Option<String>) {
    (false, Some(reason.to_owned()))
}

/// The header in a program's data.
fn header_of(data: &str) -> Header {
    let mut bytes = hex::decode(data).unwrap();
    assert_eq!(bytes.len(), 128);
    assert_eq!(
        &data[160..],
        format!("00000080{}80020000", "0".repeat(80)),
        "padded"
    );
    bytes.chunks_exact_mut(4).for_each(<[u8]>::reverse);
    Header::from_bytes(bytes[..80].try_into().unwrap())
}

fn data_of(header: &Header) -> String {
    let mut bytes = header.to_bytes();
    bytes.chunks_exact_mut(4).for_each(<[u8]>::reverse);
    hex::encode(bytes) + &format!("00000080{}80020000", "0".repeat(80))
}

/// The data with a nonce that solves it, or with one that does not.
fn mined(work: &Value, solved: bool) -> String {
    let header = header_of(work["data"].as_str().unwrap());
    let puzzle = Puzzle::header(&header).unwrap();
    let nonce = match solved {
        false => (0..).find(|nonce| !puzzle.is_solved_by((*nonce).into())).unwrap(),
        true => {
            let miner = Miner::with_threads(1, Kernel::auto()).unwrap();
            u32::try_from(miner.mine(&Search::new(&puzzle)).solutions[0].nonce()).unwrap()
        }
    };
    data_of(&header.with_nonce(nonce))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mining_program_fills_the_ledger() {
    let served = start().await;
    // It asks for what it likes better first.
    let wanted = "{\"method\": \"getblocktemplate\", \"params\": [{\"capabilities\": [\"coinbasetxn\"], \"rules\": \
                  [\"segwit\"]}], \"id\":0}\r\n";
    let answer = call(&served, wanted).await;
    let value = answer.json();
    assert_eq!(
        (answer.status, &value["result"], &value["id"]),
        (404, &json!(null), &json!(0))
    );
    assert!(value["error"].is_string(), "a code would end it: {value}");

    let transfer = r#"{"sender":"alice","recipient":"bob","amount":5}"#;
    served.ask("POST", "/transactions/new", &HEADS, transfer).await;
    let answer = call(&served, GETWORK).await;
    assert_eq!(answer.header("x-long-polling"), Some("/longpoll"));
    let work = answer.json()["result"].clone();
    let tip = served.node.ledger().tip();
    let header = header_of(work["data"].as_str().unwrap());
    assert_eq!(header.to_bytes()[4..36], tip.hash.to_bytes(), "on top of the tip");
    let mut target = tip.next.target().to_be_bytes();
    target.reverse();
    assert_eq!(work["target"], hex::encode(target));

    let (first, second) = (getwork(&served).await, getwork(&served).await);
    assert_ne!(first["data"], second["data"], "no two search the same");
    assert_eq!(
        submit(&served, &mined(&first, false)).await,
        rejected("high-hash")
    );
    let solved = mined(&first, true);
    assert_eq!(submit(&served, &solved).await, (true, None));
    let latest = served
        .node
        .ledger()
        .snapshot()
        .unwrap()
        .block(2)
        .unwrap()
        .unwrap();
    assert_eq!(latest.transactions()[1].amount(), 5);
    assert_eq!(latest.header().to_bytes(), header_of(&solved).to_bytes());
    assert_eq!(submit(&served, &solved).await, rejected("duplicate"));
    assert_eq!(
        submit(&served, &mined(&second, true)).await,
        rejected("stale"),
        "a valid block on an old tip"
    );
    assert_eq!(submit(&served, &mined(&second, false)).await, rejected("stale"));

    // Each on top of the last: 80 bytes, capital letters and a padding that was lost do as well.
    for (index, form) in [
        mined as fn(&Value, bool) -> String,
        |work, solved| mined(work, solved).to_uppercase(),
        |work, solved| mined(work, solved)[..160].to_owned(),
        |work, solved| mined(work, solved)[..160].to_owned() + &"0".repeat(96),
    ]
    .into_iter()
    .enumerate()
    {
        let work = getwork(&served).await;
        assert_eq!(submit(&served, &form(&work, true)).await, (true, None));
        assert_eq!(served.node.ledger().tip().index, 3 + index as u64);
    }
    // Beside others: what GET /work and /mine make counts for it too.
    let old = getwork(&served).await;
    served.ask("GET", "/mine", &HEADS, "").await;
    assert_eq!(submit(&served, &mined(&old, true)).await, rejected("stale"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_handed_out_is_not_taken() {
    let served = start().await;
    let work = getwork(&served).await;
    let header = header_of(work["data"].as_str().unwrap());
    let altered = |change: fn(&mut [u8; 80])| {
        let mut bytes = header.to_bytes();
        change(&mut bytes);
        data_of(&Header::from_bytes(bytes))
    };
    for (change, reason) in [
        ((|bytes| bytes[0] ^= 1) as fn(&mut [u8; 80]), "unknown-work"), // version
        (|bytes| bytes[4] ^= 1, "stale"),                               // the block before
        (|bytes| bytes[36] ^= 1, "unknown-work"),                       // Merkle root
        (|bytes| bytes[68] ^= 1, "unknown-work"),                       // time
        (|bytes| bytes[72] ^= 1, "unknown-work"),                       // difficulty
    ] {
        let easy = json!({"data": altered(change)});
        assert_eq!(submit(&served, &mined(&easy, true)).await, rejected(reason));
    }
    let data = work["data"].as_str().unwrap();
    for bad in [
        "",
        "00",
        "zz",
        &data[..158],
        &data[..254],
        &format!("{data}00"),
        "\\u0000",
        "\\ud800",
        &"0".repeat(60_000),
    ] {
        assert_eq!(submit(&served, bad).await, rejected("malformed"), "{bad:.20}");
    }
    assert_eq!(served.node.ledger().tip().index, 1);
    assert_eq!(
        submit(&served, &mined(&work, true)).await,
        (true, None),
        "what was, still is"
    );
    // Another node's work is unknown to this one.
    let other = start().await;
    assert_eq!(
        submit(&other, &mined(&getwork(&start().await).await, true)).await,
        rejected("unknown-work")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_id_comes_back_as_it_was() {
    let served = start().await;
    for id in [
        "0",
        "-1",
        "1.50",
        "18446744073709551616123",
        "\"x\"",
        "null",
        "true",
        "[1, {\"a\":2}]",
        "\"\\u00e9\"",
    ] {
        for (method, status) in [("getwork", 200), ("getinfo", 404)] {
            let answer = call(
                &served,
                &format!("{{\"id\":{id},\"method\":\"{method}\",\"jsonrpc\":\"2.0\"}}"),
            )
            .await;
            assert_eq!(answer.status, status);
            assert!(
                answer.text.ends_with(&format!(",\"id\":{id}}}")),
                "{id}: {}",
                answer.text
            );
        }
    }
    let answer = call(&served, r#"{"method":"getwork"}"#).await;
    assert!(
        answer.text.ends_with(",\"error\":null,\"id\":null}"),
        "{}",
        answer.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_call_gets_the_greeting_and_bad_calls_a_reason() {
    let served = start().await;
    let greeting = json!({"message": "Server is OK"});
    for body in [
        "",
        "hello",
        "{}",
        "[]",
        "null",
        "7",
        "{\"sender\":\"a\"}",
        "{\"a\":",
        "[1,2",
        "method",
        "sender=a&amount=1",
    ] {
        let answer = call(&served, body).await;
        assert_eq!((answer.status, answer.json()), (200, greeting.clone()), "{body}");
    }
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let answer = served.ask(method, "/", &HEADS, GETWORK).await;
        assert_eq!(
            (answer.status, answer.json()),
            (200, greeting.clone()),
            "{method}"
        );
    }
    for (body, status) in [
        ("{\"method\":\"getwork\",\"params\":[", 400),
        ("{\"method\":\"getwork\"} x", 400),
        ("{\"method\":\"getwork\",\"method\":\"getwork\"}", 400),
        ("{\"method\":7}", 400),
        ("{\"method\":[\"getwork\"]}", 400),
        ("{\"method\":\"getwork\",\"params\":{}}", 400),
        ("{\"method\":\"getwork\",\"params\":\"00\"}", 400),
        ("{\"method\":\"getwork\",\"params\":[1]}", 400),
        ("{\"method\":\"getwork\",\"params\":[null]}", 400),
        ("{\"method\":\"getwork\",\"params\":[\"00\",\"00\"]}", 400),
        ("[{\"method\":\"getwork\"}]", 400),
        ("{\"method\":\"GetWork\"}", 404),
        ("{\"method\":\"\"}", 404),
        ("{\"method\":\"submitblock\",\"params\":[\"00\"]}", 404),
        ("{\"method\":\"getwork\",\"params\":null}", 200),
    ] {
        for path in ["/", "/longpoll"] {
            if path == "/longpoll" && status == 200 {
                continue; // it would wait
            }
            let answer = served.ask("POST", path, &HEADS, body).await;
            assert_eq!(answer.status, status, "{body}: {}", answer.text);
            assert_eq!(
                answer.json()["error"].is_string(),
                status != 200,
                "{}",
                answer.text
            );
        }
    }
    assert_eq!(served.ask("POST", "/longpoll", &HEADS, "hello").await.status, 400);
    assert_eq!(served.ask("GET", "/longpoll", &HEADS, "").await.status, 405);
    let large = format!("{{\"method\":\"getwork\",\"id\":\"{}\"}}", "x".repeat(70_000));
    assert_eq!(call(&served, &large).await.status, 413);
    // Nesting takes no stack: nobody looks into an id.
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let mut connection = served.connect().await;
    let body = format!("{{\"method\":\"getwork\",\"id\":{deep}}}");
    connection.send("POST", "/", &HEADS, &body).await;
    assert!(
        connection
            .answer(false)
            .await
            .text
            .ends_with(&format!("{deep}}}"))
    );
}

/// Whether an answer comes soon, without one that is late being lost.
async fn soon(answer: &mut tokio::task::JoinHandle<Answer>) -> bool {
    tokio::time::timeout(Duration::from_millis(300), answer)
        .await
        .is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_is_answered_by_the_next_block() {
    let served = start().await;
    let old = getwork(&served).await;
    let mut polling = served.connect().await;
    polling.send("POST", "/longpoll", &HEADS, GETWORK).await;
    let mut waiting = tokio::spawn(async move { (polling.answer(false).await, polling) });
    assert!(
        tokio::time::timeout(Duration::from_millis(300), &mut waiting)
            .await
            .is_err(),
        "it has the tip's work"
    );
    assert_eq!(submit(&served, &mined(&old, true)).await, (true, None));
    let (answer, mut polling) = waiting.await.unwrap();
    let pushed = answer.json()["result"].clone();
    assert_eq!(answer.header("x-long-polling"), Some("/longpoll"));
    let on_top = served.node.ledger().tip().hash.to_bytes();
    assert_eq!(
        header_of(pushed["data"].as_str().unwrap()).to_bytes()[4..36],
        on_top
    );

    // A block that came between an answer and the next call is not missed.
    assert_eq!(submit(&served, &mined(&pushed, true)).await, (true, None));
    let again = polling.ask("POST", "/longpoll", &HEADS, GETWORK).await.json()["result"].clone();
    let on_top = served.node.ledger().tip().hash.to_bytes();
    assert_eq!(
        header_of(again["data"].as_str().unwrap()).to_bytes()[4..36],
        on_top
    );
    // Nor one that came before the first: whose address has only older work gets the tip's at once.
    assert_eq!(submit(&served, &mined(&again, true)).await, (true, None));
    let first = served.ask("POST", "/longpoll", &HEADS, GETWORK).await;
    assert_eq!(first.status, 200);

    // A submission does not wait, and a node that stops lets go.
    let body = format!(
        "{{\"method\":\"getwork\",\"params\":[\"{}\"]}}",
        mined(&again, true)
    );
    let known = polling.ask("POST", "/longpoll", &HEADS, &body).await;
    assert_eq!(known.json()["result"], json!(false));
    getwork(&served).await;
    let mut late = served.connect().await;
    let mut late = tokio::spawn(async move { late.ask("POST", "/longpoll", &HEADS, GETWORK).await });
    assert!(!soon(&mut late).await);
    served.node.stop();
    let answer = late.await.unwrap();
    assert_eq!((answer.status, answer.json()["error"].is_string()), (503, true));
}

/// A program that leaves gives its place back; who waits long gets work for the same tip, with what came meanwhile.
#[tokio::test(start_paused = true)]
async fn waiting_has_bounds() {
    let limits = Limits {
        connections: 2,
        ..Limits::default()
    };
    let network = ChainParameters::fixed(8.0).unwrap();
    let ledger = paydirt_ledger::Ledger::in_memory(&network).unwrap();
    let node = Node::new(ledger, Miner::with_threads(1, Kernel::auto()).unwrap(), limits);
    let app = app(node, Doors::default());
    let poll = || {
        let request = axum::http::Request::post("/longpoll");
        let request = request.body(axum::body::Body::from(GETWORK)).unwrap();
        tokio::spawn(app.clone().oneshot(request))
    };
    let first = poll();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        poll().await.unwrap().unwrap().status(),
        503,
        "half of two connections may wait"
    );
    first.abort();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let second = poll();
    // The clock is the test's: it moves on when nothing else does.
    assert_eq!(second.await.unwrap().unwrap().status(), 200);
}
