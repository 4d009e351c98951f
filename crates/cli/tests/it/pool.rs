//! `paydirt pool` against a pool that does what a test says.

use std::{collections::HashSet, process::Output};

use serde_json::{Value, json};

use crate::{
    common::{assert_refused, code, paydirt, signal, spawn, stderr, stdout, validate},
    scripted_pool::{Peer, ScriptedPool},
};

/// Long enough for anything here on a busy machine.
const LIMIT: &str = "--timeout 120";

/// Its events, each valid, the last of them `end`.
#[track_caller]
fn events(output: &Output) -> Vec<Value> {
    let events: Vec<Value> = stdout(output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    events.iter().for_each(validate);
    let ends = events.iter().filter(|event| event["type"] == "end").count();
    assert_eq!(ends, 1, "{events:?}");
    assert_eq!(events.last().unwrap()["type"], "end");
    events
}

fn of<'e>(events: &'e [Value], name: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| event["type"] == name).collect()
}

/// Mines `count` shares of a pool and returns the events; nothing else may happen to them.
#[track_caller]
fn mine(pool: &ScriptedPool, count: usize, more: &str) -> Vec<Value> {
    let url = pool.url();
    let output = paydirt(format!(
        "pool {url} --user me --threads 2 --shares {count} {LIMIT} --json {more}"
    ));
    assert_eq!(code(&output), 0, "{}{}", stdout(&output), stderr(&output));
    let events = events(&output);
    let end = events.last().unwrap();
    let what = (&end["status"], &end["accepted"], &end["rejected"]);
    assert_eq!(what, (&json!("done"), &json!(count), &json!(0)), "{events:?}");
    events
}

#[test]
fn shares_are_what_a_pool_wants() {
    for (size, mask) in [
        (4, None),
        (8, None),
        (4, Some(0x1fff_e000)),
        (8, Some(0x0000_6000)),
        (4, Some(0)),
    ] {
        let pool = ScriptedPool::start(move |_, peer: &mut Peer| {
            (peer.size, peer.mask) = (size, mask);
            peer.begin("bf")?;
            peer.serve_all()
        });
        let events = mine(&pool, 12, "");
        let names: Vec<_> = events
            .iter()
            .map(|event| event["type"].as_str().unwrap())
            .collect();
        assert_eq!(
            names[..5],
            ["connected", "subscribed", "authorized", "difficulty", "job"]
        );
        assert_eq!(events[1]["extranonce2_size"], size);
        assert_eq!(
            (&events[4]["job_id"], &events[4]["clean"]),
            (&json!("bf"), &json!(true))
        );
        let shares = pool.shares();
        assert!(shares.len() >= 12);
        let headers: HashSet<_> = shares.iter().map(|share| share.header).collect();
        assert_eq!(headers.len(), shares.len());
        // Versions that stand side by side in the search are all tried.
        let versions: HashSet<_> = shares.iter().map(|share| share.version).collect();
        let rolled = mask.is_some_and(|mask| mask != 0);
        assert_eq!(versions.len() > 1, rolled, "{versions:?}");
        assert!(
            shares.iter().all(|share| share.params[3] == "504e86b9"),
            "never the clock's time"
        );
        let accepted = of(&events, "accepted");
        assert!(
            accepted
                .iter()
                .all(|event| event["share_difficulty"].as_f64() >= event["difficulty"].as_f64())
        );
    }
}

#[test]
fn the_user_is_told_in_words_too() {
    let pool = ScriptedPool::start(|_, peer| {
        peer.begin("a")?;
        peer.serve_all()
    });
    let output = paydirt(format!(
        "pool {} --user me --password secret --shares 2 {LIMIT}",
        pool.url()
    ));
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(
        stdout(&output).starts_with("done        2 shares accepted, 0 rejected, 0 stale"),
        "{}",
        stdout(&output)
    );
    assert!(stdout(&output).contains("\nwork  "));
    for word in [
        "connected to stratum+tcp://127.0.0.1:",
        "mining as me",
        "accepted",
    ] {
        assert!(stderr(&output).contains(word), "{word}: {}", stderr(&output));
    }
    assert!(!stderr(&output).contains("secret") && !stdout(&output).contains("secret"));
    assert!(
        pool.requests()
            .iter()
            .any(|request| request["params"] == json!(["me", "secret"]))
    );
}

#[test]
fn what_is_asked_and_in_which_order() {
    let pool = ScriptedPool::start(|_, peer| {
        peer.begin("a")?;
        peer.serve_all()
    });
    mine(&pool, 1, "--suggest-difficulty 0.25");
    let methods = pool.methods();
    assert_eq!(
        methods[..5],
        [
            "mining.configure",
            "mining.subscribe",
            "mining.authorize",
            "mining.extranonce.subscribe",
            "mining.suggest_difficulty"
        ]
    );
    assert_eq!(pool.requests()[4]["params"], json!([0.25]));
}

#[test]
fn a_refused_user_is_the_end() {
    for (result, error, reason) in [
        (json!(false), Value::Null, "no reason given"),
        (
            Value::Null,
            json!([24, "Unauthorized worker", null]),
            "Unauthorized worker",
        ),
    ] {
        let pool = ScriptedPool::start(move |_, peer| {
            loop {
                let request = peer.read()?;
                match request["method"] == "mining.authorize" {
                    true => peer.answer(&request, result.clone(), error.clone())?,
                    false => peer.serve(&request)?,
                }
            }
        });
        let output = paydirt(format!(
            "pool {} --user me --password hush-hush {LIMIT} --json",
            pool.url()
        ));
        assert_eq!(code(&output), 3);
        let events = events(&output);
        assert_eq!(events.last().unwrap()["status"], "failed");
        for text in [
            stderr(&output),
            events.last().unwrap()["reason"].as_str().unwrap(),
        ] {
            assert!(text.contains(reason) && !text.contains("hush"), "{text}");
        }
    }
}

#[test]
fn refused_shares_have_their_reason() {
    let pool = ScriptedPool::start(|_, peer| {
        peer.begin("a")?;
        let mut refusals = [
            (json!(null), json!([21, "Job not found", null])),
            (json!(false), Value::Null),
            (
                json!(false),
                json!({"code": 23, "message": "Low difficulty share"}),
            ),
        ]
        .into_iter();
        loop {
            let request = peer.read()?;
            match (request["method"] == "mining.submit")
                .then(|| refusals.next())
                .flatten()
            {
                Some((result, error)) => peer.answer(&request, result, error)?,
                None => peer.serve(&request)?,
            }
        }
    });
    let output = paydirt(format!("pool {} --user me --shares 1 {LIMIT} --json", pool.url()));
    let events = events(&output);
    let rejected = of(&events, "rejected");
    let reasons: Vec<_> = rejected
        .iter()
        .map(|event| event["reason"].as_str().unwrap())
        .collect();
    assert_eq!(
        reasons,
        ["Job not found", "no reason given", "Low difficulty share"]
    );
    assert_eq!(
        (code(&output), &events.last().unwrap()["rejected"]),
        (0, &json!(3))
    );
}

/// Whatever a peer does, the next connection is as good as the first.
#[test]
fn broken_peers_are_survived() {
    let pool = ScriptedPool::start(|which, peer| {
        match which {
            0 => return None, // closes at once
            1 => {
                // Half a line in the middle of a job, and the end.
                peer.begin("half")?;
                peer.serve_shares(1)?;
                return peer.raw(b"{\"id\": null, \"method\": \"mining.no");
            }
            _ => {}
        }
        peer.greet()?;
        peer.raw(b"\n\nHTTP/1.1 200 OK\r\n{}\n[]\n{\"id\": {}}\n{\"method\": 5}\n\x00\xff\n")?;
        peer.raw(&vec![b'x'; 10 << 20])?;
        peer.raw(b"\n{\"id\": null, \"method\": \"mining.notify\", \"params\": [1, 2, 3]}\n")?;
        peer.call("mining.set_extranonce", json!(["00", u64::MAX]))?;
        peer.call("mining.set_difficulty", json!([0]))?;
        peer.call("mining.set_difficulty", json!([-1]))?;
        peer.raw(b"{\"id\": null, \"method\": \"mining.set_difficulty\", \"params\": [NaN]}\n")?;
        peer.call("mining.set_difficulty", json!([1e300]))?;
        peer.call("mining.unheard_of", json!({"not": "a list"}))?;
        // One line in three pieces.
        peer.set_difficulty(crate::scripted_pool::EASY)?;
        for piece in [
            &b"{\"id\": 77, \"met"[..],
            b"hod\": \"mining.pi",
            b"ng\", \"params\": []}\n",
        ] {
            peer.raw(piece)?;
            std::thread::sleep(std::time::Duration::from_millis(30));
        }
        peer.notify("good", true)?;
        peer.serve_all()
    });
    let output = paydirt(format!("pool {} --user me --shares 3 {LIMIT} --json", pool.url()));
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let events = events(&output);
    assert_eq!(
        (of(&events, "connected").len(), of(&events, "reconnecting").len()),
        (3, 2)
    );
    let complaints = stderr(&output);
    assert!(complaints.lines().all(|line| line.len() < 400), "{complaints}");
    assert_eq!(complaints.matches("makes no sense").count(), 13, "{complaints}");
    let pongs = pool
        .requests()
        .into_iter()
        .filter(|line| line["result"] == "pong");
    assert_eq!(pongs.map(|pong| pong["id"].clone()).collect::<Vec<_>>(), [77]);
}

/// Clean jobs without end, and then one that is left to be mined.
#[test]
fn a_storm_of_clean_jobs() {
    let pool = ScriptedPool::start(|_, peer| {
        peer.begin("first")?;
        for job in 0..500 {
            peer.notify(&format!("{job}"), true)?;
        }
        peer.serve_all()
    });
    let output = paydirt(format!("pool {} --user me --shares 5 {LIMIT} --json", pool.url()));
    assert_eq!(code(&output), 0);
    let events = events(&output);
    assert_eq!(of(&events, "job").len(), 501);
    assert!(pool.shares().iter().any(|share| share.job_id == "499"));
}

#[test]
fn masks_and_extranonces_change() {
    let pool = ScriptedPool::start(|_, peer| {
        peer.mask = Some(0x1fff_e000);
        peer.begin("a")?;
        peer.serve_shares(3)?;
        // What is on its way was mined under the old one: the pool would refuse it, so it is not counted here.
        peer.set_mask(0x00c0_0000)?;
        peer.notify("b", true)?;
        let mut after = 0;
        while after < 8 {
            let request = peer.read()?;
            after += u32::from(request["params"][1] == "b");
            peer.serve(&request)?;
        }
        (peer.extranonce1, peer.size) = ("ffeeddccbbaa".to_owned(), 8);
        peer.call("mining.set_extranonce", json!([peer.extranonce1, peer.size]))?;
        peer.notify("c", true)?;
        peer.serve_all()
    });
    let output = paydirt(format!(
        "pool {} --user me --shares 25 {LIMIT} --json",
        pool.url()
    ));
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let shares = pool.shares();
    let of_b: HashSet<_> = shares
        .iter()
        .filter(|share| share.job_id == "b")
        .map(|share| share.version)
        .collect();
    assert!(
        of_b.len() > 1 && of_b.iter().all(|version| version & !0x00c0_0000 == 0x2000_0000),
        "{of_b:x?}"
    );
    assert!(
        shares
            .iter()
            .any(|share| share.job_id == "c" && share.params[2].as_str().unwrap().len() == 16)
    );
    assert!(shares.iter().all(|share| share.params.len() == 6));
}

#[test]
fn a_pool_may_send_its_miners_to_another_port_of_its_host() {
    let second = ScriptedPool::start(|_, peer| {
        peer.begin("there")?;
        peer.serve_all()
    });
    let port = second.port;
    let first = ScriptedPool::start(move |_, peer| {
        peer.begin("here")?;
        peer.call("client.show_message", json!(["we move\u{7}"]))?;
        // The same machine, but not the same text.
        peer.call("client.reconnect", json!(["localhost", port, 0]))?;
        peer.serve_shares(2)?;
        peer.call("client.reconnect", json!(["127.0.0.1", port, 0]))?;
        peer.serve_all()
    });
    let url = first.url();
    let output = paydirt(format!("pool {url} --user me --shares 20 {LIMIT} --json"));
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(
        stderr(&output).contains("the pool says: we move\\u{7}\n"),
        "{}",
        stderr(&output)
    );
    assert!(
        stderr(&output).contains("another host, localhost"),
        "{}",
        stderr(&output)
    );
    assert!(second.shares().len() > 10);
    assert!(first.shares().len() >= 2);
}

#[test]
fn pools_that_are_down_are_tried_again_and_then_the_fallbacks_in_order() {
    let nobody = |_: &()| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!(
            "stratum+tcp://127.0.0.1:{}",
            listener.local_addr().unwrap().port()
        )
    };
    let (down, down_too) = (nobody(&()), nobody(&()));
    let up = ScriptedPool::start(|_, peer| {
        peer.begin("a")?;
        peer.serve_all()
    });
    let output = paydirt(format!(
        "pool {down} --fallback {down_too} --fallback {} --user me --shares 1 {LIMIT} --json",
        up.url()
    ));
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let events = events(&output);
    let tried: Vec<_> = of(&events, "reconnecting")
        .iter()
        .map(|event| event["url"].as_str().unwrap())
        .collect();
    assert_eq!(tried, [&down, &down_too, &down_too, &up.url()]);
    assert_eq!(
        stderr(&output).matches("cannot connect").count(),
        4,
        "a line each time"
    );
    let output = paydirt(format!("pool {down} --user me --timeout 0.5 --json"));
    assert_eq!(code(&output), 4);
    let end = self::events(&output).pop().unwrap();
    assert_eq!((&end["status"], &end["hashes"]), (&json!("timeout"), &json!(0)));
}

#[test]
fn a_signal_ends_it_in_order() {
    for name in ["INT", "TERM"] {
        let pool = ScriptedPool::start(|_, peer| {
            peer.begin("a")?;
            peer.serve_all()
        });
        let child = spawn(format!("pool {} --user me --json", pool.url()));
        while pool.shares().len() < 3 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(code(&output), 130);
        let events = events(&output);
        let end = events.last().unwrap();
        assert_eq!(end["status"], "interrupted");
        assert_eq!(end["accepted"], of(&events, "accepted").len());
        // What was found was sent, and its answer waited for.
        assert_eq!(end["unanswered"], 0, "{end}");
        assert_eq!(end["accepted"], pool.shares().len(), "{end}");
    }
}

#[test]
fn rates_come_every_ten_seconds() {
    let pool = ScriptedPool::start(|_, peer| {
        peer.begin("a")?;
        peer.serve_all()
    });
    let output = paydirt(format!(
        "pool {} --user me --threads 1 --timeout 22 --json",
        pool.url()
    ));
    assert_eq!(code(&output), 4);
    let events = events(&output);
    let rates = of(&events, "rate");
    assert!(!rates.is_empty());
    for rate in rates {
        assert!(rate["hashes_per_second"].as_f64().unwrap() > 1000.0, "{rate}");
        assert_eq!(
            (&rate["hashes_per_second_1min"], &rate["hashes_per_second_15min"]),
            (&Value::Null, &Value::Null)
        );
    }
}

#[test]
fn bad_input_is_refused() {
    let url = "stratum+tcp://127.0.0.1:1";
    for (args, words) in [
        ("pool".to_owned(), &["<URL>"][..]),
        (format!("pool {url}"), &["--user"]),
        (format!("pool {url} --user ''"), &["--user"]),
        (
            "pool http://127.0.0.1:1 --user me".to_owned(),
            &["URL", "stratum+tcp://"],
        ),
        (
            "pool stratum+tcp://127.0.0.1 --user me".to_owned(),
            &["URL", "port"],
        ),
        (
            format!("pool {url} --user me --fallback nonsense"),
            &["--fallback", "stratum+tcp://"],
        ),
        (format!("pool {url} --user me --shares 0"), &["--shares", "'0'"]),
        (
            format!("pool {url} --user me --shares 1.5"),
            &["--shares", "'1.5'"],
        ),
        (
            format!("pool {url} --user me --timeout -1"),
            &["--timeout", "'-1'"],
        ),
        (
            format!("pool {url} --user me --suggest-difficulty 0"),
            &["--suggest-difficulty", "'0'"],
        ),
        (
            format!("pool {url} --user me --suggest-difficulty nan"),
            &["--suggest-difficulty"],
        ),
        (format!("pool {url} --user me --threads 0"), &["--threads"]),
        (format!("pool {url} --user me --kernel gpu"), &["--kernel", "gpu"]),
        (
            format!("pool {url} --user me --certificate /nowhere"),
            &["--certificate", "stratum+ssl"],
        ),
        (
            "pool stratum+ssl://127.0.0.1:1 --user me --certificate /nowhere".to_owned(),
            &["--certificate '/nowhere'", "read"],
        ),
    ] {
        assert_refused(args, words);
    }
    let output = paydirt("pool stratum+tcp://me:hunter2@127.0.0.1:1 --user me");
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("--password") && !stderr(&output).contains("hunter2"));
}
