//! `paydirt solo` from outside, with a scripted node: events, exit codes, and that nothing secret is ever shown.

use std::{
    io::{BufRead as _, BufReader},
    process::{Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::common::{assert_refused, code, command, paydirt, signal, stderr, stdout, validate};
use node::{ADDRESS, Answer, Node, Regtest};

#[path = "../../../bitcoin/tests/node/mod.rs"]
mod node;

const SECRET: &str = "Wa5serfall";

fn behaving(chain: &Regtest) -> Node {
    let chain = chain.clone();
    Node::start(move |call| chain.answer(call))
}

/// Nothing meets such a target.
fn endless() -> Regtest {
    Regtest::new(101, json!({ "bits": "03000001", "target": null }))
}

fn line(node: &Node, more: &str) -> String {
    format!(
        "solo --rpc {} --rpc-user me --rpc-password {SECRET} --address {ADDRESS} {more}",
        node.url()
    )
}

/// The events, each valid under its schema, the last of them `end`.
#[track_caller]
fn events(output: &Output) -> Vec<Value> {
    let events: Vec<Value> = stdout(output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    events.iter().for_each(|event| validate(event));
    let ends = events.iter().filter(|event| event["type"] == "end").count();
    assert!(ends == 1 && events.last().unwrap()["type"] == "end", "{events:?}");
    events
}

#[track_caller]
fn no_secrets(output: &Output) {
    for text in [stdout(output), stderr(output)] {
        assert!(!text.contains(SECRET) && !text.contains("V2E1c2"), "{text}");
    }
}

#[test]
fn blocks_are_events() {
    let chain = Regtest::new(101, json!({})).refuse(&["high-hash"]);
    let output = paydirt(line(&behaving(&chain), "--blocks 2 --json"));
    assert_eq!((code(&output), stderr(&output)), (0, ""));
    let events = events(&output);
    // A block's verdict and the template above it come by different calls: whichever is told first.
    let of = |wanted: &str, name: &str| -> Vec<(Value, Value)> {
        (events.iter())
            .filter(|event| event["type"] == wanted)
            .map(|event| (event["height"].clone(), event[name].clone()))
            .collect()
    };
    let pair = |height: u32, value: Value| (json!(height), value);
    assert_eq!(
        of("block", "accepted"),
        [
            pair(101, json!(false)),
            pair(101, json!(true)),
            pair(102, json!(true))
        ]
    );
    assert_eq!(
        of("block", "reason"),
        [
            pair(101, json!("high-hash")),
            pair(101, json!(null)),
            pair(102, json!(null))
        ]
    );
    let templates = of("template", "height");
    assert_eq!((&templates[0].0, &templates[1].0), (&json!(101), &json!(102)));
    let end = events.last().unwrap();
    assert_eq!((&end["status"], &end["rejected"]), (&json!("done"), &json!(1)));
    // The hash as explorers show it, which meets the target.
    let hash = of("block", "hash")[1].1.as_str().unwrap().to_owned();
    assert!(hash.len() == 64 && *hash < *"7fffff01", "{hash}");
    no_secrets(&output);
}

#[test]
fn without_json_the_end_is_a_summary() {
    let chain = Regtest::new(101, json!({})).refuse(&["inconclusive"]);
    let output = paydirt(line(&behaving(&chain), "--blocks 1"));
    assert_eq!(code(&output), 0);
    assert!(
        stdout(&output).starts_with("done        1 blocks accepted, 1 refused\n"),
        "{}",
        stdout(&output)
    );
    for words in [
        "height 101: 0 transactions",
        "block 101 refused (inconclusive): ",
        "block 101 accepted: ",
    ] {
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
    no_secrets(&output);
}

#[test]
fn what_cannot_be_is_refused_in_one_line() {
    let with = |rpc: &str, more: &str| format!("solo --rpc {rpc} --address {ADDRESS} {more}");
    let known = "--rpc-user me --rpc-password x";
    for (line, words) in [
        (with("http://h:1", ""), &["--rpc-cookie"][..]),
        (
            with("http://h:1", "--rpc-user me"),
            &["--rpc-user", "--rpc-password"],
        ),
        (
            with("http://h:1", "--rpc-password x"),
            &["--rpc-password", "--rpc-user"],
        ),
        (
            with("http://h:1", &format!("{known} --rpc-cookie f")),
            &["--rpc", "twice"],
        ),
        (
            with(&format!("http://me:{SECRET}@h:1"), known),
            &["--rpc", "twice"],
        ),
        (
            with(&format!("http://me:{SECRET}@h:99999"), ""),
            &["--rpc 'http://h:99999'", "8332"],
        ),
        (
            with(&format!("https://me:{SECRET}@h"), ""),
            &["--rpc 'https://h'", "plain http"],
        ),
        (with("127.0.0.1:8332", known), &["--rpc", "not a URL"]),
        (with("http://", known), &["--rpc"]),
        (
            with("http://h:1", &format!("{known} --blocks 0")),
            &["--blocks '0'"],
        ),
        (
            with("http://h:1", &format!("{known} --timeout 0")),
            &["--timeout '0'"],
        ),
        (
            with("http://h:1", &format!("{known} --timeout -1")),
            &["--timeout '-1'"],
        ),
        (
            with("http://h:1", &format!("{known} --roll-version 20000000")),
            &["--roll-version", "1fffe000"],
        ),
        (
            with("http://h:1", &format!("{known} --roll-version 1")),
            &["--roll-version"],
        ),
        (
            with("http://h:1", &format!("{known} --threads 0")),
            &["--threads '0'"],
        ),
        (
            format!("solo --rpc http://h:1 {known} --address bc1qnothing"),
            &["--address 'bc1qnothing'", "not an address"],
        ),
        (
            format!("solo --rpc http://h:1 {known} --address ''"),
            &["--address ''"],
        ),
        ("solo --rpc http://h:1".to_owned(), &["--address"]),
    ] {
        assert_refused(&line, words);
        assert!(!stderr(&paydirt(&line)).contains(SECRET), "{line}");
    }
}

#[test]
fn what_waiting_does_not_mend_is_exit_3() {
    let refusing = Node::start(|_| Answer::Http(401, Vec::new()));
    let other = Node::start(|_| Answer::Result(json!({ "chain": "main" })));
    for (line, words) in [
        (line(&refusing, "--json"), "401"),
        (line(&other, "--json"), "the node is on main"),
        (
            format!(
                "solo --rpc {} --rpc-cookie /nowhere/.cookie --address {ADDRESS} --json",
                refusing.url()
            ),
            "/nowhere/.cookie",
        ),
    ] {
        let output = paydirt(&line);
        assert_eq!(code(&output), 3, "{}", stderr(&output));
        assert!(
            stderr(&output).starts_with("error: ") && stderr(&output).contains(words),
            "{}",
            stderr(&output)
        );
        let events = events(&output);
        assert_eq!((events.len(), &events[0]["status"]), (1, &json!("failed")));
        assert!(events[0]["reason"].as_str().unwrap().contains(words));
        no_secrets(&output);
    }
}

#[test]
fn a_node_that_is_not_there_is_tried_until_the_time_is_up() {
    let output = paydirt(format!(
        "solo --rpc http://me:{SECRET}@127.0.0.1:1 --address {ADDRESS} --timeout 3 --json"
    ));
    assert_eq!(code(&output), 4, "{}", stderr(&output));
    assert_eq!(events(&output)[0]["status"], "timeout");
    let lines: Vec<_> = stderr(&output).lines().collect();
    let (last, lines) = lines.split_last().unwrap();
    assert!(lines.len() >= 2, "{lines:?}");
    assert_eq!(*last, "there was no template from http://127.0.0.1:1/");
    for line in lines {
        assert!(
            line.starts_with("no answer to getblockchaininfo from http://127.0.0.1:1/: "),
            "{line}"
        );
        assert!(line.contains("; trying again in "), "{line}");
    }
    no_secrets(&output);
    // And a mute one.
    let mute = Node::start(|_| Answer::Silence(Duration::from_secs(600)));
    let output = paydirt(line(&mute, "--timeout 1.5 --json"));
    assert_eq!(
        (code(&output), &events(&output)[0]["status"]),
        (4, &json!("timeout"))
    );
}

#[test]
fn ctrl_c_ends_it_whatever_the_node_does() {
    let mute = Node::start(|_| Answer::Silence(Duration::from_secs(600)));
    let mining = behaving(&endless());
    for (node, method) in [(&mute, "getblockchaininfo"), (&mining, "getblocktemplate")] {
        let mut command = command(line(node, "--json"));
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        node::wait_until(|| !node.calls(method).is_empty());
        thread::sleep(Duration::from_millis(200));
        signal(&child, "INT");
        let interrupted = Instant::now();
        let output = child.wait_with_output().unwrap();
        assert_eq!(code(&output), 130, "{}", stderr(&output));
        assert!(interrupted.elapsed() < Duration::from_secs(20));
        let events = events(&output);
        assert_eq!(events.last().unwrap()["status"], "interrupted");
        no_secrets(&output);
    }
}

#[test]
fn the_rate_is_told_every_ten_seconds() {
    let node = behaving(&endless());
    let mut command = command(line(
        &node,
        "--timeout 60 --json --threads 1 --roll-version 1fffe000",
    ));
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let rate = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let rate = rate.into_iter().find(|event| event["type"] == "rate").unwrap();
    validate(&rate);
    assert!(rate["hashes_per_second"].as_f64().unwrap() > 0.0);
    assert_eq!(rate["hashes_per_second_1min"], Value::Null);
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
