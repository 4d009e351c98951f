//! Nodes among their peers: processes of their own, over loopback.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::{
    common::{assert_complains, assert_refused, code, json, paydirt, stdout},
    server::{Server, transfer},
};

/// What lets peers connect.
const LISTEN: &str = "--listen /ip4/127.0.0.1/tcp/0";

/// A node in memory that listens, of a chain whose blocks cost nothing.
fn node(options: &str) -> Server {
    Server::start(format!("--memory --bits 4 {LISTEN} {options}"))
}

/// An empty folder, and the option that names it.
fn folder(name: &str) -> (PathBuf, String) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("network-{name}"));
    let _ = std::fs::remove_dir_all(&folder); // there is none the first time
    let option = format!("--data {}", folder.to_str().unwrap());
    (folder, option)
}

/// Where peers reach it, with its name.
fn address(node: &Server) -> String {
    node.until(|| !peers_of(node)["listen"].as_array().unwrap().is_empty());
    peers_of(node)["listen"][0].as_str().unwrap().to_owned()
}

fn peers_of(node: &Server) -> Value {
    node.get("/peers").1
}

/// How many it is connected with.
fn count(node: &Server) -> usize {
    peers_of(node)["peers"].as_array().unwrap().len()
}

/// The index and the hash of its tip.
fn tip(node: &Server) -> (u64, String) {
    let (_, status) = node.get("/status");
    let hash = status["tip"]["hash"].as_str().unwrap().to_owned();
    (status["length"].as_u64().unwrap(), hash)
}

fn mine(node: &Server, blocks: usize) {
    for _ in 0..blocks {
        assert_eq!(node.get("/mine").0, 200);
    }
}

/// Waits until all stand where this one stands.
#[track_caller]
fn agree_with(node: &Server, others: &[&Server]) {
    for other in others {
        other.until(|| tip(other) == tip(node));
    }
}

fn pending(node: &Server) -> u64 {
    node.get("/status").1["pending"].as_u64().unwrap()
}

/// The ids of all transfers in its chain.
fn confirmed(node: &Server) -> Vec<String> {
    let (_, chain) = node.get("/chain");
    let blocks = chain["chain"].as_array().unwrap().iter();
    let transactions = blocks.flat_map(|block| block["transactions"].as_array().unwrap());
    let tags = transactions.filter_map(|transaction| transaction["tag"].as_str());
    tags.map(str::to_owned).collect()
}

#[test]
fn two_nodes_find_each_other_and_agree() {
    let first = node("");
    mine(&first, 3);
    let second = node(&format!("--peer {}", address(&first)));
    agree_with(&first, &[&second]);
    mine(&second, 2);
    agree_with(&second, &[&first]);
    assert_eq!(tip(&first).0, 6);

    let sees = |node: &Server, direction: &str, other: &Server| {
        let seen = peers_of(node)["peers"][0].clone();
        seen["id"] == peers_of(other)["id"]
            && seen["direction"] == direction
            && seen["height"] == 6
            && seen["latency_ms"].is_number()
    };
    first.until(|| sees(&first, "inbound", &second));
    second.until(|| sees(&second, "outbound", &first));
    for node in [&first, &second] {
        node.until(|| node.get("/status").1["sync"]["state"] == "synced");
        let (_, status) = node.get("/status");
        assert_eq!(
            (&status["peers"], &status["sync"]["best_height"]),
            (&json!(1), &json!(6))
        );
        let metrics = node.text("/metrics");
        assert!(metrics.contains("paydirt_best_height 6"), "{metrics}");
        assert!(
            metrics.contains(r#"paydirt_peers_total{event="joined"} 1"#),
            "{metrics}"
        );
    }

    let url = format!("http://{}", first.address);
    let listed = json(&paydirt(format!("peers {url} --json")));
    assert_eq!(listed["peers"][0]["id"], peers_of(&second)["id"]);
    let table = paydirt(format!("peers {url}"));
    assert_eq!(code(&table), 0);
    let id = peers_of(&second)["id"].as_str().unwrap().to_owned();
    assert!(stdout(&table).contains(&id[id.len() - 8..]), "{}", stdout(&table));

    // Who stops says so.
    let (status, log) = second.stop("TERM");
    assert_eq!(status, Some(0), "{log}");
    first.until(|| count(&first) == 0);
    let (_, log) = first.stop("TERM");
    assert!(log.contains("it stops"), "{log}");
}

#[test]
fn a_block_and_a_transfer_reach_everybody_and_are_there_once() {
    let first = node("");
    let at = address(&first);
    let second = node(&format!("--peer {at}"));
    let third = node(&format!("--peer {}", address(&second)));
    let fourth = node(&format!("--peer {}", address(&third)));
    // Whoever knows one hears of the others.
    let all = [&first, &second, &third, &fourth];
    for node in all {
        node.until(|| count(node) >= 2);
    }
    for (amount, node) in (1..).zip(all) {
        for n in 0..5 {
            assert_eq!(node.post("/transactions/new", &transfer(amount * 100 + n)).0, 201);
        }
    }
    for node in all {
        node.until(|| pending(node) == 20);
    }
    mine(&fourth, 1);
    agree_with(&fourth, &all);
    for node in all {
        node.until(|| pending(node) == 0);
        let mut ids = confirmed(node);
        assert_eq!(ids.len(), 20);
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 20, "none is mined twice");
    }

    // One that comes later gets what waits.
    first.post("/transactions/new", &transfer(7));
    let fifth = node(&format!("--peer {at}"));
    fifth.until(|| pending(&fifth) == 1 && confirmed(&fifth).len() == 20);
}

#[test]
fn whoever_was_away_catches_up() {
    let (_folder, data) = folder("away");
    let first = node("");
    let at = address(&first);
    let start = || Server::start(format!("{data} --bits 4 {LISTEN} --peer {at}"));
    let second = start();
    mine(&first, 5);
    agree_with(&first, &[&second]);
    let name = peers_of(&second)["id"].clone();
    second.stop("KILL");
    mine(&first, 50);
    first.post("/transactions/new", &transfer(5));
    let second = start();
    assert_eq!(peers_of(&second)["id"], name, "its key is kept");
    agree_with(&first, &[&second]);
    second.until(|| pending(&second) == 1);
}

#[test]
fn a_lost_peer_is_tried_again() {
    let (_folder, data) = folder("lost");
    let second = node("");
    mine(&second, 3);
    let first = Server::start(format!("{data} --bits 4 {LISTEN}"));
    let at = address(&first);
    // Its name too: the same key at the same place.
    second.post("/nodes/register", &json!({"nodes": [at]}));
    second.until(|| count(&second) == 1);
    first.stop("KILL");
    second.until(|| count(&second) == 0);
    let place = at.split("/p2p/").next().unwrap();
    let first = Server::start(format!("{data} --bits 4 --listen {place}"));
    second.until(|| count(&second) == 1);
    agree_with(&second, &[&first]);
}

#[test]
fn a_node_of_another_chain_is_named_once_and_no_peer() {
    let first = node("");
    let at = address(&first);
    let place = at.split("/p2p/").next().unwrap();
    let other = Server::start(format!("--memory --bits 5 {LISTEN} --peer {place}"));
    for node in [&first, &other] {
        node.until(|| node.said().contains("genesis block"));
    }
    // It is tried again, and again.
    std::thread::sleep(std::time::Duration::from_secs(5));
    for node in [first, other] {
        assert_eq!(count(&node), 0);
        assert_eq!(node.get("/status").1["sync"]["state"], "alone");
        let (_, log) = node.stop("TERM");
        let lines: Vec<_> = log.lines().filter(|line| line.contains("genesis")).collect();
        assert!(lines.len() == 1 && lines[0].contains("WARN"), "{log}");
    }
}

#[test]
fn of_two_branches_the_heavier_one_counts() {
    let (first, second) = (node(""), node(""));
    for n in 1..=3 {
        first.post("/transactions/new", &transfer(n));
        mine(&first, 1);
    }
    mine(&second, 5);
    let (heavier, at) = (tip(&second), address(&second));
    let (status, answer) = first.post("/nodes/register", &json!({"nodes": [at]}));
    assert_eq!((status, &answer["total_nodes"][0]), (201, &json!(at)));
    first.until(|| tip(&first) == heavier);
    let (_, resolved) = first.get("/nodes/resolve");
    assert_eq!(resolved["message"], "Our chain is authoritative");
    assert_eq!(resolved["chain"].as_array().unwrap().len(), 6);
    // What the lighter branch held waits again, everywhere, and is mined once.
    for node in [&first, &second] {
        node.until(|| pending(node) == 3);
    }
    mine(&second, 1);
    agree_with(&second, &[&first]);
    assert_eq!(confirmed(&first).len(), 3);
}

#[test]
fn mining_goes_on_by_itself() {
    let first = node("--mine-interval 0.05");
    let second = node(&format!("--peer {}", address(&first)));
    second.until(|| tip(&second).0 > 10);
    let (_, log) = first.stop("TERM");
    assert!(log.contains("stopped"), "{log}");
    let last = tip(&second).0;
    let third = Server::start(format!("--memory --bits 12 {LISTEN} --mine"));
    third.until(|| tip(&third).0 > 5);
    assert!(last > 10);
}

#[test]
fn an_address_that_is_none_is_refused() {
    for (line, option) in [
        ("--listen 5333", "--listen"),
        ("--listen /ip4/127.0.0.1/udp/5333", "--listen"),
        ("--peer localhost", "--peer"),
        ("--peer 127.0.0.1:0", "--peer"),
        ("--peer 127.0.0.1:5333 --peer /ip4/1.2.3.4/tcp/x", "--peer"),
        ("--discover internet", "--discover"),
        ("--mine-interval 0", "--mine-interval"),
    ] {
        assert_refused(format!("serve --memory --port 0 {line}"), &[option]);
    }
    assert_refused("peers 127.0.0.1:5000", &["URL"]);
    let first = node("");
    for nodes in [
        json!(null),
        json!([]),
        json!("x"),
        json!([5]),
        json!(["nowhere"]),
        json!(["127.0.0.1:0"]),
    ] {
        let (status, answer) = first.post("/nodes/register", &json!({"nodes": nodes}));
        assert_eq!(status, 400, "{nodes}: {answer}");
    }
    let taken = address(&first);
    let taken = taken.split("/p2p/").next().unwrap();
    let output = paydirt(format!("serve --memory --port 0 --log off --listen {taken}"));
    assert_eq!(code(&output), 3);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.starts_with("error: ") && text.contains(taken) && text.lines().count() == 1,
        "{text}"
    );
}

#[test]
fn a_damaged_key_is_named() {
    let (folder, data) = folder("key");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("node.key"), "not a key").unwrap();
    let output = paydirt(format!("serve {data} --port 0 --log off"));
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(code(&output), 3, "{text}");
    assert!(text.contains("node.key") && text.lines().count() == 1, "{text}");
}

#[test]
fn who_answers_otherwise_is_no_node() {
    let output = paydirt("peers http://127.0.0.1:1");
    assert_eq!(code(&output), 3);
    assert_complains(&paydirt("peers http://"), "a place that is none", &["URL"]);
}
