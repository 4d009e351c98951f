//! `paydirt serve` on a real socket: clients that behave, clients that do not, signals, and `kill -9`.
#![cfg(unix)]

mod clients;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use crate::{
    common::{assert_refused, code, command, json as json_of, paydirt, signal, stderr, stdout},
    server::{Server, transfer},
};
use serde_json::{Value, json};
use tempfile::TempDir;

#[test]
fn a_client_over_a_socket() {
    let server = Server::start("--memory --bits 8");
    assert_eq!(server.get("/"), (200, json!({"message": "Server is OK"})));
    let mut transfer = transfer(5);
    transfer["tag"] = json!("00c0ffee00c0ffee");
    assert_eq!(server.post("/transactions/new", &transfer).0, 201);
    assert_eq!(server.post("/transactions/new", &transfer).0, 200, "sent again");
    let (status, mined) = server.get("/mine");
    assert_eq!(
        (status, &mined["index"], &mined["transactions"][1]),
        (200, &json!(2), &transfer)
    );
    assert_eq!(mined["transactions"][2], json!(null), "it counts once");
    let (_, chain) = server.get("/chain");
    assert_eq!(chain["chain"][1]["hash"], mined["hash"]);
    let (status, stderr) = server.stop("TERM");
    assert_eq!(status, Some(0));
    for line in [
        "ledger verified",
        "listening on http://127.0.0.1:",
        "path=/mine status=200",
        "stopped",
    ] {
        assert!(stderr.contains(line), "no {line:?} in {stderr}");
    }
    assert_eq!(
        stderr.lines().filter(|line| line.contains("path=/chain")).count(),
        1,
        "one line a request"
    );
}

#[test]
fn the_ledger_is_there_again_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().display().to_string();
    let args = format!("--data {data} --bits 8");
    let server = Server::start(&args);
    server.post("/transactions/new", &transfer(1));
    let (_, mined) = server.get("/mine");
    server.post("/transactions/new", &transfer(2));
    let (_, status) = server.get("/status");
    assert_eq!(server.stop("INT").0, Some(0));
    let server = Server::start(format!("--data {data}"));
    let (_, again) = server.get("/status");
    for field in ["node_id", "length", "tip", "pending", "network"] {
        assert_eq!(again[field], status[field], "{field}");
    }
    assert_eq!(server.get("/blocks/latest").1["hash"], mined["hash"]);
    // Nobody else may have it meanwhile.
    let other = paydirt(format!("chain show --data {data}"));
    assert_eq!(code(&other), 3);
    assert!(stderr(&other).contains("in use"));
}

/// A heavier branch that a node leaves aside is taken up without it, too.
#[test]
fn a_deep_branch_is_left_aside_and_taken_up_by_hand() {
    let folder = TempDir::new().unwrap();
    let place = |name: &str| folder.path().join(name).display().to_string();
    let (ours, theirs) = (place("ours"), place("theirs"));
    for (data, count) in [(&ours, 6), (&theirs, 9)] {
        let mined = paydirt(format!(
            "chain mine --count {count} --bits 1 --spacing 60 --data {data}"
        ));
        assert_eq!(code(&mined), 0, "{}", stderr(&mined));
    }
    let exported = paydirt(format!("chain export --data {theirs}"));
    let server = Server::start(format!("--data {ours} --max-reorganisation 5"));
    for line in stdout(&exported).lines().skip(1) {
        let mut block: Value = serde_json::from_str(line).unwrap();
        block.as_object_mut().unwrap().remove("schema");
        assert_eq!(server.post("/blocks", &block).0, 201);
    }
    let (_, status) = server.get("/status");
    assert_eq!(status["length"], 7);
    let state = &status["reorganisation"];
    assert_eq!(
        (&state["max_depth"], &state["heavier"]["depth"]),
        (&json!(5), &json!(6))
    );
    server.stop("TERM");
    let args = format!("chain switch --data {ours} --json");
    let switched = json_of(&paydirt(&args));
    assert_eq!(
        (&switched["switched"], &switched["dropped"]),
        (&json!(true), &json!(6))
    );
    assert_eq!(
        (&switched["length"], &switched["tip"]),
        (&json!(10), &state["heavier"]["tip"])
    );
    let again = paydirt(&args);
    assert_eq!((code(&again), &json_of(&again)["switched"]), (1, &json!(false)));
    let light = status["tip"]["hash"].as_str().unwrap();
    assert_refused(
        format!("chain switch {light} --data {ours}"),
        &["HASH", "no more work"],
    );
    assert_refused(
        format!("chain switch 7 --data {ours}"),
        &["HASH", "64 hex digits"],
    );
    assert_refused(
        format!("chain switch {} --data {ours}", "0".repeat(64)),
        &["HASH", "not known"],
    );
}

#[test]
fn logs_as_json() {
    let server = Server::start("--memory --bits 1 --log json");
    server.get("/status");
    server.get("/nothing");
    let (_, stderr) = server.stop("TERM");
    let lines: Vec<Value> = stderr
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let requests: Vec<_> = lines.iter().filter(|line| line["message"] == "request").collect();
    assert_eq!(requests.len(), 2);
    assert_eq!(
        (&requests[0]["path"], &requests[0]["status"]),
        (&json!("/status"), &json!(200))
    );
    assert_eq!(
        (&requests[1]["status"], requests[1]["elapsed_ms"].is_number()),
        (&json!(404), true)
    );
}

#[test]
fn the_port_comes_from_the_environment_unless_named() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let server = Server::start_with("--memory --bits 1", &[("PORT", &free.to_string())]);
    assert_eq!(server.address.port(), free);
    let refused = |args: &str, port: &str| {
        let output = command(format!("serve --memory {args}"))
            .env("PORT", port)
            .output()
            .unwrap();
        let line = stderr(&output).to_owned();
        assert_eq!((line.lines().count(), stdout(&output)), (1, ""), "{line}");
        (output.status.code(), line)
    };
    let (code, line) = refused("", "http");
    assert!(code == Some(2) && line.contains("PORT 'http'"), "{line}");
    let (code, line) = refused("", &free.to_string());
    assert!(code == Some(3) && line.contains(&free.to_string()), "{line}");
    for (args, word) in [
        ("--port 65536", "--port"),
        ("--host example.com", "--host"),
        ("--cors example.com", "--cors"),
        ("--log xml", "--log"),
        ("--bits 500", "--bits"),
        ("--max-body 0", "--max-body"),
        ("--request-timeout 0", "--request-timeout"),
        ("--data /tmp/x", "--data"),
        ("--threads 0", "--threads"),
    ] {
        let (code, line) = refused(args, "0");
        assert!(code == Some(2) && line.contains(word), "{args:?}: {line}");
    }
}

/// Whoever reads the log may go away, or never read at all.
#[test]
fn a_log_that_nobody_reads_holds_nothing_up() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for reads in [true, false] {
        let mut child = command(format!("serve --memory --bits 1 --port {}", port.port()))
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("listening") {
            line.clear();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended");
        }
        let kept = (!reads).then_some(stderr); // or closed: each further line fails
        for _ in 0..3000 {
            let mut stream = TcpStream::connect(port).unwrap();
            stream
                .write_all(b"GET /made/up HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                .unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        }
        signal(&child, "TERM");
        assert_eq!(child.wait().unwrap().code(), Some(0));
        drop(kept);
    }
}

#[test]
fn a_signal_ends_mining_and_streams_in_order() {
    let server = Server::start("--memory --bits 100");
    let mut caller = server.connect();
    caller
        .write_all(b"GET /mine HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut events = server.connect();
    events
        .write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut head = String::new();
    BufReader::new(events.try_clone().unwrap())
        .read_line(&mut head)
        .unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    server.until(|| server.get("/status").1["mining"]["active"] == true);
    let (status, _) = server.stop("TERM");
    assert_eq!(status, Some(0));
    let mut answer = String::new();
    caller.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
}

/// Kill −9 at any moment: what was acknowledged is there, and the ledger opens. `PAYDIRT_KILLS` says how often.
#[test]
fn nothing_acknowledged_is_lost_by_kill_9() {
    let kills: u32 = std::env::var("PAYDIRT_KILLS").map_or(8, |text| text.parse().unwrap());
    let folder = TempDir::new().unwrap();
    let data = folder.path().display().to_string();
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ u64::from(std::process::id()));
    let mut acknowledged = crate::server::Acknowledged::default();
    for round in 0..kills {
        let server = Server::start(format!("--data {data} --bits 8 --max-pending 1000000 --log off"));
        // What the last rounds were told is still so.
        acknowledged.check(&server, round);
        let wait = Duration::from_micros(random.next() % 400_000);
        acknowledged.load_and_kill(&server, round, wait);
    }
    let server = Server::start(format!("--data {data} --log off"));
    acknowledged.check(&server, kills);
    assert_eq!(server.stop("TERM").0, Some(0));
    let verified = paydirt(format!("chain verify --data {data} --json"));
    assert_eq!(code(&verified), 0, "{}", stdout(&verified));
    println!(
        "{kills} kills: {} transactions and {} blocks acknowledged, none lost",
        acknowledged.transactions.len(),
        acknowledged.blocks.len()
    );
    assert!(!acknowledged.transactions.is_empty() && !acknowledged.blocks.is_empty());
}

/// Kill −9 while a ledger is begun: the next start begins it, or finds it whole.
#[test]
fn a_ledger_that_was_never_finished_is_begun_again() {
    let mut random = Random(0x2545_f491_4f6c_dd1d ^ u64::from(std::process::id()));
    for round in 0..20 {
        let folder = TempDir::new().unwrap();
        let data = folder.path().display().to_string();
        let mut child = command(format!("serve --data {data} --bits 8 --log off --port 0"))
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(random.next() % 25_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let mined = paydirt(format!("chain mine --data {data} --bits 8"));
        assert_eq!(code(&mined), 0, "round {round}: {}", stderr(&mined));
    }
}

/// xorshift64: the moments differ from run to run, and nothing else is random.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// A disk that is full while the node runs: it says so wherever it is asked, does no work for nothing, and its end says so
/// too. What was acknowledged is there.
#[test]
fn a_full_disk_is_said_and_ends_with_3() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("ledger").display().to_string();
    let server = Server::start_on_a_small_disk(&format!("--bits 1 --data {data}"), 300);
    assert_eq!(server.get("/status").0, 200);
    let mut stored = 0;
    let refused = loop {
        let mut transfer = transfer(stored + 1);
        transfer["sender"] = json!("x".repeat(250));
        match server.post("/transactions/new", &transfer) {
            (201, _) => stored += 1,
            other => break other,
        }
        assert!(stored < 10_000, "300 kB hold no more");
    };
    assert!(stored > 20, "{stored}");
    for (status, answer) in [
        refused,
        server.get("/status"),
        server.get("/mine"),
        server.post("/mine", &json!({})),
        server.get("/work"),
        server.post("/transactions/new", &transfer(1)),
    ] {
        let message = answer["message"].as_str().unwrap();
        assert_eq!(status, 503, "{answer}");
        assert!(
            message.contains("file failed") && message.contains("opened again"),
            "{message}"
        );
    }
    let (_, status) = server.get("/status");
    assert_eq!(
        (&status["length"], &status["pending"]),
        (&json!(1), &json!(stored))
    );
    assert_eq!(server.get("/chain").0, 200, "what can be read is read");
    let (code, log) = server.stop("TERM");
    assert_eq!(code, Some(3), "{log}");
    let said = log
        .lines()
        .filter(|line| line.contains("ERROR") && line.contains("the store failed"));
    assert_eq!(said.count(), 1, "{log}");
    assert!(
        log.lines()
            .last()
            .unwrap()
            .starts_with("error: the ledger's file failed"),
        "{log}"
    );

    let server = Server::start(format!("--data {data}"));
    let (status, answer) = server.get("/status");
    assert_eq!((status, &answer["pending"]), (200, &json!(stored)));
    assert_eq!(server.stop("TERM").0, Some(0));
}
