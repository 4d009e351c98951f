//! Clients that are slow, idle, half closed, gone, or send what nobody asked for.

use super::*;

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
    let whole = 1000 * server.get("/openapi.json").1.to_string().len();
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
        // Where many newcomers were let in at once, an idle connection gave way too: who kept one asks again.
        let answer = (0..3).find_map(|_| server.try_get("/status"));
        assert_eq!(answer.expect("an answer").0, 200);
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
