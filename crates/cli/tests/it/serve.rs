//! `paydirt serve` on a real socket: clients that behave, clients that do not, signals, and `kill -9`.
#![cfg(unix)]

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

/// The limits on time are real: nothing here checks the clock, but each would hang for ever without its limit.
#[test]
fn slow_and_idle_clients_are_cut() {
    let server = Server::start("--memory --bits 1 --header-timeout 0.3 --request-timeout 0.3");
    // A head that never ends.
    let mut slow = server.connect();
    slow.write_all(b"GET /status HTTP/1.1\r\nHost: localhost\r\n")
        .unwrap();
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).unwrap();
    // A connection that says nothing.
    let mut idle = server.connect();
    idle.read_to_end(&mut rest).unwrap();
    // A body that never ends.
    let mut slow = server.connect();
    slow.write_all(b"POST /transactions/new HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        .unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(server.get("/status").0, 200);
}

/// The place of a client that asks and never reads is given to the next one.
#[test]
fn clients_that_take_no_answer_are_cut() {
    let server = Server::start("--memory --bits 1 --max-connections 1 --request-timeout 0.3");
    let mut greedy = server.connect();
    // More answers than the system's buffers hold between the two of them.
    let asked = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000);
    greedy.write_all(&asked).unwrap();
    assert_eq!(server.get("/status").0, 200, "greedy is still served");
    let mut taken = Vec::new();
    let _ = greedy.read_to_end(&mut taken); // a reset is as good
    let whole = 1000 * include_str!("../../../node/src/openapi.json").len();
    assert!(taken.len() < whole, "the system took it all: ask for more");
}

/// Senders who say that they send much and take their time take no room; what they really send does.
#[test]
fn slow_senders_of_blocks_hold_up_nobody() {
    let server = Server::start("--memory --bits 1 --max-block 65536");
    let send = |bytes: usize| {
        let mut sender = server.connect();
        let head = "POST /blocks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65536\r\n\r\n";
        sender.write_all(head.as_bytes()).unwrap();
        let _ = sender.write_all(&vec![b' '; bytes]); // refused before all is sent, maybe
        sender.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
        sender
    };
    let _slow: Vec<_> = (0..32).map(|_| send(1)).collect();
    assert_eq!(server.post("/blocks", &json!({"index": 2})).0, 400);
    // There is room for four: of eight that are all but sent, some are told to come again.
    let mut large: Vec<_> = (0..8).map(|_| send(65_000)).collect();
    let mut told_to_wait = || {
        large.iter_mut().any(|sender| {
            let mut answer = [0; 12];
            sender.read_exact(&mut answer).is_ok() && answer.ends_with(b"503")
        })
    };
    for _ in 0..600 {
        if told_to_wait() {
            return;
        }
    }
    panic!("there was room for all of them");
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
fn garbage_is_answered_or_cut_and_the_node_lives() {
    let server = Server::start("--memory --bits 1");
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"\r\n\r\n\r\n",
        b"GET /status HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /transactions/new HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let mut stream = server.connect();
        stream.write_all(garbage).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer); // a reset is as good
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{garbage:?}");
    }
    let mut long = server.connect();
    let _ = long.write_all(format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(1 << 20)).as_bytes());
    let _ = long.read_to_end(&mut Vec::new());
    assert_eq!(server.get("/status").0, 200);
}

#[test]
fn the_connection_that_waits_longest_for_its_client_gives_way() {
    let server = Server::start("--memory --bits 100 --max-connections 3");
    let ask = |path: &str| {
        let mut stream = server.connect();
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
            .unwrap();
        stream
    };
    let mut events = ask("/events");
    let mut head = [0; 12];
    events.read_exact(&mut head).unwrap();
    // Nothing, half a head, half a body, an answer that is not read: the first of them goes first.
    let mut silent = server.connect();
    let mut slow = server.connect();
    slow.write_all(b"POST /transactions/new HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
        .unwrap();
    let mut next = ask("/status");
    assert_eq!(silent.read(&mut [0; 1]).unwrap_or(0), 0, "it is cut");
    next.read_exact(&mut head).unwrap();
    assert!(head.ends_with(b"200"));
    let mut last = ask("/status");
    assert_eq!(slow.read(&mut [0; 1]).unwrap_or(0), 0, "it is cut");
    last.read_exact(&mut head).unwrap();
    // The node is at work for both: a newcomer waits, and has its turn when one of them ends.
    drop((next, last));
    let mine = [ask("/mine"), ask("/mine")].map(|caller| {
        // Who says no more is looked after once the node is at work: the first byte of its answer comes ahead.
        caller.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(caller.peek(&mut [0; 1]).unwrap(), 1);
        caller
    });
    let mut early = ask("/status");
    early.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(
        early.read(&mut [0; 1]).is_err(),
        "it is not served while all three are at work"
    );
    drop(early);
    let mut waits = ask("/status");
    drop(mine);
    waits.read_exact(&mut head).unwrap();
    assert!(head.ends_with(b"200"));
    drop(events);
}

/// 1,100 connections that say nothing, and as many that ask slowly: others are served at once.
#[test]
fn slow_clients_shut_nobody_out() {
    let server = Server::start("--memory --bits 1 --max-connections 100 --log off");
    let mut slow = Vec::new();
    for n in 0..300 {
        let mut stream = server.connect();
        let sent: &[u8] = match n % 3 {
            0 => b"",
            1 => b"GET /status HTTP/1.1\r\nHost: loc",
            _ => b"POST /blocks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n{",
        };
        let _ = stream.write_all(sent); // cut already, maybe
        slow.push(stream);
        assert_eq!(server.get("/status").0, 200);
    }
}

/// Whoever has said all it wants to say gets its answer, however long that takes.
#[test]
fn a_client_that_says_no_more_gets_its_answer() {
    let server = Server::start("--memory --bits 20");
    server.post("/transactions/new", &transfer(1));
    let half_closed = |request: &str| {
        let mut stream = server.connect();
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        stream
    };
    let ask = |request: &str| {
        let mut answer = String::new();
        half_closed(request).read_to_string(&mut answer).unwrap();
        answer
    };
    for path in [
        "/status",
        "/",
        "/chain",
        "/blocks/1",
        "/transactions/pending",
        "/metrics",
        "/explorer",
        "/work",
    ] {
        for version in ["1.1", "1.0"] {
            let answer = ask(&format!("GET {path} HTTP/{version}\r\nHost: localhost\r\n\r\n"));
            assert!(
                answer.starts_with(&format!("HTTP/{version} 200")),
                "{path}: {answer}"
            );
        }
    }
    let answer = ask("GET /mine HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with('}'),
        "{answer}"
    );
    let body = transfer(2).to_string();
    let answer = ask(&format!(
        "POST /transactions/new HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let two = "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2);
    assert_eq!(
        ask(&two).matches("HTTP/1.1 200").count(),
        2,
        "one after the other"
    );
    let mut events = half_closed("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut head = [0; 12];
    events.read_exact(&mut head).unwrap();
    server.post("/transactions/new", &transfer(3));
    let mut events = BufReader::new(events);
    let mut line = String::new();
    while !line.starts_with("event: transaction") {
        line.clear();
        assert!(events.read_line(&mut line).unwrap() > 0, "it ended");
    }
}

/// An answer whose first bytes went ahead, to see whether its client is there, is whole.
#[test]
fn an_answer_that_takes_long_comes_whole_to_a_client_that_says_no_more() {
    let server = Server::start("--memory --bits 100");
    let mut callers: Vec<_> = (0..2)
        .map(|_| {
            let mut caller = server.connect();
            caller
                .write_all(b"GET /mine HTTP/1.1\r\nHost: localhost\r\n\r\n")
                .unwrap();
            caller.shutdown(std::net::Shutdown::Write).unwrap();
            caller
        })
        .collect();
    let mut ahead = [0; 1];
    callers[0].peek(&mut ahead).unwrap();
    assert_eq!(&ahead, b"H", "it is looked after");
    // Its second byte comes a second later, if it comes before the signal.
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(server.stop("TERM").0, Some(0));
    for caller in &mut callers {
        let mut answer = String::new();
        caller.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"),
            "{answer}"
        );
        assert!(answer.ends_with('}'), "{answer}");
    }
}

/// A client that sends all of its body before it reads gets the refusal, on every route.
#[test]
fn a_body_that_is_too_large_is_answered_readably() {
    let server = Server::start("--memory --bits 1 --max-block 100000 --log off");
    let body = vec![b' '; 5_000_000];
    let ask = |method: &str, path: &str, chunked: bool| {
        let mut stream = server.connect();
        let length = match chunked {
            true => "Transfer-Encoding: chunked".to_owned(),
            false => format!("Content-Length: {}", body.len()),
        };
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        if chunked {
            stream
                .write_all(format!("{:x}\r\n", body.len()).as_bytes())
                .unwrap();
        }
        stream.write_all(&body).expect("all of it is taken");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("no reset");
        answer
    };
    for _ in 0..5 {
        for (method, path, status) in [
            ("POST", "/transactions/new", "413"),
            ("POST", "/blocks", "413"),
            ("POST", "/work", "413"),
            ("POST", "/mine", "413"),
            ("GET", "/mine", "413"),
            ("GET", "/status", "200"),
            ("POST", "/chain", "405"),
            ("POST", "/nothing", "404"),
        ] {
            for chunked in [false, true] {
                let answer = ask(method, path, chunked);
                assert!(
                    answer.starts_with(&format!("HTTP/1.1 {status} ")),
                    "{method} {path}: {answer:.100}"
                );
            }
        }
    }
    // A head that is no head, or too long, is answered readably as well.
    let mut stream = server.connect();
    stream
        .write_all(format!("GET /{} HTTP/1.1\r\n", "a".repeat(5_000_000)).as_bytes())
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("no reset");
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer:.100}");
    assert_eq!(server.get("/status").0, 200);
}

#[test]
fn a_caller_that_goes_away_stops_its_mining() {
    let server = Server::start("--memory --bits 100");
    let mut caller = server.connect();
    caller
        .write_all(b"GET /mine HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mining = || server.get("/status").1["mining"]["active"].clone();
    server.until(|| mining() == true);
    drop(caller);
    server.until(|| mining() == false);
    let (_, stderr) = server.stop("TERM");
    assert!(stderr.contains("path=/mine status=499"), "{stderr}");
}

/// What a client has sent beyond its request does not hide that it goes away.
#[test]
fn a_caller_who_sent_too_much_and_goes_away_stops_its_mining() {
    let server = Server::start("--memory --bits 100 --max-miners 1");
    let mining = || server.get("/status").1["mining"].clone();
    for more in ["\r\n", "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n"] {
        let call = || {
            let mut caller = server.connect();
            caller
                .write_all(format!("GET /mine HTTP/1.1\r\nHost: localhost\r\n\r\n{more}").as_bytes())
                .unwrap();
            caller
        };
        let (first, second) = (call(), call());
        server.until(|| mining()["waiting"] == 1);
        drop(second);
        server.until(|| mining()["waiting"] == 0 && mining()["active"] == true);
        drop(first);
        server.until(|| mining()["active"] == false);
    }
}

/// Clients send the body of a POST after its head, in a packet of its own.
#[test]
fn a_caller_with_a_body_that_goes_away_stops_its_mining() {
    let server = Server::start("--memory --bits 100");
    let mut caller = server.connect();
    caller
        .write_all(b"POST /mine HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n")
        .unwrap();
    std::thread::sleep(Duration::from_millis(50));
    caller.write_all(b"{}").unwrap();
    let mining = || server.get("/status").1["mining"]["active"].clone();
    server.until(|| mining() == true);
    drop(caller);
    server.until(|| mining() == false);
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

/// Two requests on one connection, as keep-alive clients send them.
#[test]
fn connections_are_kept_alive() {
    let server = Server::start("--memory --bits 1");
    let mut stream: TcpStream = server.connect();
    for _ in 0..2 {
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .unwrap();
        let mut answer = vec![0; 512];
        let length = stream.read(&mut answer).unwrap();
        assert!(String::from_utf8_lossy(&answer[..length]).starts_with("HTTP/1.1 200"));
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
