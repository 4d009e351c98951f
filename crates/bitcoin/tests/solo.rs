//! `solo` with a scripted node: every order of messages, slow nodes and broken ones.

use std::{
    collections::HashSet,
    net::TcpListener,
    ops::RangeInclusive,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use bitcoin_primitives::{Block, BlockUnchecked, encoding};
use paydirt::{Cancel, Kernel, Miner};
use paydirt_bitcoin::{
    rpc::{Credentials, Rpc, RpcUrl},
    solo::{Plan, SoloSource, Summary, Told},
};
use paydirt_jobs::drive;
use serde_json::json;

use node::{ADDRESS, Answer, Call, Node, Regtest, wait_until};

mod node;

fn password() -> Credentials {
    Credentials::Password {
        user: "user".to_owned(),
        password: "secret".to_owned(),
    }
}

/// What was told, a line each.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn count(&self, what: &str) -> usize {
        self.all().iter().filter(|line| line.contains(what)).count()
    }

    #[track_caller]
    fn wait_for(&self, what: &str) {
        wait_until(|| self.count(what) > 0);
    }
}

/// A run of `solo`, on threads of its own.
struct Run {
    lines: Lines,
    cancel: Cancel,
    driven: thread::JoinHandle<Summary>,
}

impl Run {
    fn start(url: &str, credentials: Credentials, blocks: Option<u64>) -> Self {
        Self::start_with(
            url,
            credentials,
            Plan {
                address: ADDRESS.parse().unwrap(),
                version_mask: 0,
                blocks,
            },
        )
    }

    fn start_with(url: &str, credentials: Credentials, plan: Plan) -> Self {
        let (lines, cancel) = (Lines::default(), Cancel::new());
        let (told, stop, url) = (lines.clone(), cancel.clone(), RpcUrl::parse(url).unwrap());
        let driven = thread::spawn(move || {
            let tell = Box::new(move |what: Told<'_>| {
                let line = match what {
                    Told::Template(template, _) => format!("template {}", template.height),
                    Told::Block(found, Ok(()), _) => format!("block {} taken", found.height),
                    Told::Block(found, Err(reason), _) => format!("block {} refused: {reason}", found.height),
                    Told::Trouble(problem, _) => format!("trouble: {problem}"),
                    Told::Warning(warning) => format!("warning: {warning}"),
                };
                told.0.lock().unwrap().push(line);
            });
            let source = SoloSource::start(Rpc::new(url, credentials), plan, tell).unwrap();
            drive(
                &Miner::with_threads(2, Kernel::auto()).unwrap(),
                &source,
                &stop,
                &|_| {},
            );
            source.finish(Duration::from_secs(2))
        });
        Self {
            lines,
            cancel,
            driven,
        }
    }

    fn end(self) -> (Summary, Vec<String>) {
        let summary = self.driven.join().unwrap();
        (summary, self.lines.all())
    }

    fn stop(self) -> (Summary, Vec<String>) {
        self.cancel.cancel();
        self.end()
    }
}

fn mine(node: &Node, blocks: u64) -> (Summary, Vec<String>) {
    Run::start(&node.url(), password(), Some(blocks)).end()
}

fn decoded(block: &str) -> Block<BlockUnchecked> {
    encoding::decode_from_slice(&hex::decode(block).unwrap()).unwrap()
}

/// A node whose calls of one method go another way, until the script says no more.
fn odd(
    chain: &Regtest,
    method: &'static str,
    script: impl Fn(usize, &Call) -> Option<Answer> + Send + Sync + 'static,
) -> Node {
    let (chain, met) = (chain.clone(), AtomicUsize::new(0));
    Node::start(move |call| {
        let is_it = call.method == method && !call.is_long_poll();
        let answer = is_it
            .then(|| script(met.fetch_add(1, Ordering::Relaxed), call))
            .flatten();
        answer.unwrap_or_else(|| chain.answer(call))
    })
}

/// Each template once, in order, and so each block, after its template. (A long poll may bring a template before the verdict
/// on the block that it is built on, also after the last.)
#[track_caller]
fn assert_in_order(lines: &[String], heights: RangeInclusive<u32>) {
    let next = heights.end() + 1;
    let expected = |kind: &str, heights: RangeInclusive<u32>, then: &str| -> Vec<String> {
        heights.map(|height| format!("{kind} {height}{then}")).collect()
    };
    let lines: Vec<_> = lines
        .iter()
        .filter(|line| **line != format!("template {next}"))
        .collect();
    let told = |kind: &str| -> Vec<String> {
        lines
            .iter()
            .filter(|line| line.starts_with(kind))
            .map(ToString::to_string)
            .collect()
    };
    let (templates, blocks) = (told("template"), told("block"));
    assert_eq!(templates, expected("template", heights.clone(), ""));
    assert_eq!(blocks, expected("block", heights, " taken"));
    assert_eq!(lines.len(), templates.len() + blocks.len(), "{lines:?}");
    let at = |line: &String| lines.iter().position(|other| *other == line);
    assert!(
        templates
            .iter()
            .zip(&blocks)
            .all(|(template, block)| at(template) < at(block))
    );
}

#[test]
fn as_many_blocks_as_wanted() {
    let chain = Regtest::new(101, json!({}));
    let node = Node::start({
        let chain = chain.clone();
        move |call| chain.answer(call)
    });
    let (summary, lines) = mine(&node, 3);
    assert_eq!(
        (summary.accepted, summary.refused, summary.failure.is_none()),
        (3, 0, true)
    );
    assert_in_order(&lines, 101..=103);
    let blocks = chain.submitted();
    assert_eq!(blocks.len(), 3);
    for (height, block) in (101u32..).zip(&blocks) {
        let block = decoded(block);
        let (header, transactions) = block.as_parts();
        assert_eq!(
            transactions[0].inputs[0].script_sig.as_bytes()[..2],
            [1, height as u8]
        );
        assert_eq!(header.time.to_u32(), 1_700_000_000 + height);
        assert_eq!(header.version.to_consensus(), 0x2000_0000);
        assert!(block.check_merkle_root() && block.check_witness_commitment().0);
    }
    let calls = node.calls("getblocktemplate");
    assert_eq!(calls[0].params[0]["rules"], json!(["segwit"]));
    assert_eq!(calls[0].authorization, "Basic dXNlcjpzZWNyZXQ=");
}

#[test]
fn refused_blocks_are_told_with_the_nodes_words_and_mining_goes_on() {
    let reasons = [
        "high-hash",
        "bad-txnmrklroot",
        "prev-blk-not-found",
        "duplicate",
        "inconclusive",
        "",
    ];
    let chain = Regtest::new(101, json!({})).refuse(&reasons);
    let node = odd(&chain, "", |_, _| None);
    let begun = Instant::now();
    let (summary, lines) = mine(&node, 1);
    assert_eq!((summary.accepted, summary.refused), (1, 6));
    for reason in &reasons[..5] {
        assert!(
            lines.contains(&format!("block 101 refused: {reason}")),
            "{lines:?}"
        );
    }
    assert!(lines.contains(&"block 101 refused: no reason given".to_owned()));
    assert_eq!(lines.last().unwrap(), "block 101 taken");
    // Seven different blocks, and no pause between them.
    assert_eq!(chain.submitted().iter().collect::<HashSet<_>>().len(), 7);
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn an_answer_of_another_type_is_a_refusal_and_an_error_too() {
    let chain = Regtest::new(101, json!({}));
    let node = odd(&chain, "submitblock", |met, _| match met {
        0 => Some(Answer::Result(json!({ "ok": true }))),
        1 => Some(Answer::Error(-22, "Block decode failed")),
        2 => Some(Answer::Result(json!(true))),
        _ => None,
    });
    let (summary, lines) = mine(&node, 1);
    assert_eq!((summary.accepted, summary.refused), (1, 3));
    assert!(
        lines.contains(&"block 101 refused: neither null nor a reason: {\"ok\":true}".to_owned()),
        "{lines:?}"
    );
    assert!(
        lines.contains(&"block 101 refused: Block decode failed".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn a_block_whose_answer_is_lost_is_sent_again() {
    let chain = Regtest::new(101, json!({}));
    let node = odd(&chain, "submitblock", {
        let chain = chain.clone();
        move |met, call| match met {
            // It comes through, and the answer does not.
            0 => {
                chain.answer(call);
                Some(Answer::Bytes(
                    b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"resu".to_vec(),
                ))
            }
            1 => Some(Answer::Result(json!("duplicate"))),
            _ => None,
        }
    });
    let (summary, lines) = mine(&node, 1);
    assert_eq!((summary.accepted, summary.refused), (1, 0), "{lines:?}");
    let sent = node.calls("submitblock");
    assert!(sent.len() == 2 && sent[0].params == sent[1].params);
    assert!(
        lines.iter().any(|line| line.starts_with("trouble: block ")),
        "{lines:?}"
    );
}

/// Half answers, wrong types, 10 MiB, 500, silence: one line each, and then it goes on.
#[test]
fn broken_answers_are_got_over() {
    let chain = Regtest::new(101, json!({}));
    let broken = [
        Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{\"result\":".to_vec()),
        Answer::Bytes(b"what?\n".to_vec()),
        Answer::Bytes(Vec::new()),
    ];
    for answer in broken {
        let node = odd(&chain, "getblockchaininfo", move |met, _| {
            (met == 0).then(|| answer.clone())
        });
        let (summary, lines) = mine(&node, 1);
        assert_eq!(summary.accepted, 1);
        assert!(lines[0].starts_with("trouble: "), "{lines:?}");
    }
    let broken = [
        (Answer::Http(200, vec![b'x'; 10 << 20]), "expected value"),
        (Answer::Http(500, b"<html>oh</html>".to_vec()), "HTTP status 500"),
        (Answer::Http(302, Vec::new()), "HTTP status 302"),
        (Answer::Http(200, vec![0xff; 100]), "expected value"),
        (Answer::Result(json!(null)), "null"),
        (Answer::Result(json!([1, "x"])), "expected"),
        (
            Answer::Result(node::template(101, &json!({ "height": "x".repeat(10 << 20) }))),
            "height: invalid type",
        ),
        (
            Answer::Result(node::template(101, &json!({ "bits": "xyz" }))),
            "bits",
        ),
        (Answer::Silence(Duration::from_secs(600)), "none within 4.0 s"),
        (Answer::Error(-28, "Loading block index…"), "Loading block index"),
        (Answer::Error(-10, "is in initial sync"), "initial sync"),
    ];
    for (answer, named) in broken {
        let node = odd(&chain, "getblocktemplate", move |met, _| {
            (met == 0).then(|| answer.clone())
        });
        let (summary, lines) = mine(&node, 1);
        assert_eq!(summary.accepted, 1, "{named}");
        assert!(
            lines[0].starts_with("trouble: ") && lines[0].contains(named),
            "{named}: {lines:?}"
        );
        assert!(lines[0].len() < 500);
    }
}

/// A node that is not there when it begins, and goes away in between.
#[test]
fn a_node_that_is_down_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let chain = Regtest::new(
        101,
        json!({ "bits": "03000001", "target": null, "longpollid": null }),
    );
    let run = Run::start(&format!("http://{address}"), password(), None);
    run.lines.wait_for("Connection refused");
    let serve = |chain: &Regtest| {
        let chain = chain.clone();
        Node::listen(TcpListener::bind(address).unwrap(), move |call| {
            chain.answer(call)
        })
    };
    let node = serve(&chain);
    run.lines.wait_for("template 101");
    drop(node);
    let before = run.lines.count("trouble");
    wait_until(|| run.lines.count("trouble") > before);
    chain.change(json!({ "longpollid": null }));
    let _node = serve(&chain);
    run.lines.wait_for("taken");
    let (summary, _) = run.stop();
    assert!(summary.accepted >= 1 && summary.failure.is_none());
}

#[test]
fn a_new_tip_is_mined_at_once() {
    // Nothing meets such a target: only long polling moves it along.
    let chain = Regtest::new(101, json!({ "bits": "03000001", "target": null }));
    let node = odd(&chain, "", |_, _| None);
    let run = Run::start(&node.url(), password(), None);
    for height in 101..104 {
        let id = json!(height.to_string());
        run.lines.wait_for(&format!("template {height}"));
        wait_until(|| {
            node.calls("getblocktemplate")
                .iter()
                .any(|call| call.params[0]["longpollid"] == id)
        });
        let asked = node.calls("getblocktemplate").len();
        chain.grow();
        run.lines.wait_for(&format!("template {}", height + 1));
        // The answer of the long poll is what is mined: nothing else was asked.
        assert!(node.calls("getblocktemplate").len() <= asked + 1);
    }
    let (summary, _) = run.stop();
    assert_eq!((summary.accepted, summary.refused), (0, 0));
}

#[test]
fn a_node_without_long_polling_is_asked_again() {
    let chain = Regtest::new(
        101,
        json!({ "bits": "03000001", "target": null, "longpollid": null }),
    );
    let node = odd(&chain, "", |_, _| None);
    let run = Run::start(&node.url(), password(), None);
    run.lines.wait_for("template 101");
    chain.grow();
    run.lines.wait_for("template 102");
    assert!(
        node.calls("getblocktemplate")
            .iter()
            .all(|call| !call.is_long_poll())
    );
    run.stop();
}

/// The long poll often brings the next template before the verdict on the block it is built on.
#[test]
fn a_template_that_is_quicker_than_the_verdict_is_mined() {
    let chain = Regtest::new(101, json!(null));
    let script = chain.clone();
    let node = Node::start(move |call| {
        let answer = script.answer(call);
        if call.method == "submitblock" {
            thread::sleep(Duration::from_millis(300));
        }
        answer
    });
    let (summary, lines) = mine(&node, 3);
    assert_eq!((summary.accepted, summary.refused), (3, 0));
    assert_in_order(&lines, 101..=103);
    let asked = node.calls("getblocktemplate");
    assert_eq!(asked.iter().filter(|call| !call.is_long_poll()).count(), 1);
}

/// One that answers long polls at once is not asked without end.
#[test]
fn a_long_poll_that_does_not_wait_is_not_repeated_at_once() {
    let node = Node::start(|call| match call.method.as_str() {
        "getblocktemplate" => Answer::Result(node::template(
            101,
            &json!({ "bits": "03000001", "target": null }),
        )),
        _ => Answer::Result(json!({ "chain": "regtest" })),
    });
    let run = Run::start(&node.url(), password(), None);
    wait_until(|| {
        node.calls("getblocktemplate")
            .iter()
            .filter(|call| call.is_long_poll())
            .count()
            >= 3
    });
    let (_, lines) = run.stop();
    // Three calls, a second apart each; and the same template is not told twice.
    assert!(node.calls("getblocktemplate").len() < 20);
    assert_eq!(lines, ["template 101"]);
}

#[test]
fn wrong_credentials_end_it_at_once() {
    let node = Node::start(|_| Answer::Http(401, Vec::new()));
    let (summary, lines) = mine(&node, 1);
    let failure = summary.failure.unwrap().to_string();
    assert!(
        failure.contains("401") && failure.contains("--rpc-user"),
        "{failure}"
    );
    assert!(!failure.contains("secret") && lines.is_empty());
    assert_eq!(node.calls("getblockchaininfo").len(), 1);
    let node = Node::start(|_| Answer::Http(403, Vec::new()));
    assert!(mine(&node, 1).0.failure.unwrap().to_string().contains("403"));
}

fn cookie_file(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    folder.join(format!("{name}-{}.cookie", std::process::id()))
}

#[test]
fn a_cookie_is_read_again_when_the_node_refuses_it() {
    let path = cookie_file("renewed");
    std::fs::write(&path, "__cookie__:first\n").unwrap();
    let valid = Arc::new(Mutex::new("Basic X19jb29raWVfXzpmaXJzdA==")); // __cookie__:first
    let chain = Regtest::new(101, json!({}));
    let node = Node::start({
        let (valid, chain, path) = (Arc::clone(&valid), chain.clone(), path.clone());
        move |call| {
            if call.authorization != *valid.lock().unwrap() {
                return Answer::Http(401, Vec::new());
            }
            let answer = chain.answer(call);
            if call.method == "submitblock" && chain.submitted().len() == 1 {
                // The node is started again.
                std::fs::write(&path, "__cookie__:second").unwrap();
                *valid.lock().unwrap() = "Basic X19jb29raWVfXzpzZWNvbmQ=";
            }
            answer
        }
    });
    let run = Run::start(&node.url(), Credentials::Cookie(path.clone()), Some(2));
    let (summary, lines) = run.end();
    assert_eq!(summary.accepted, 2, "{lines:?}");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_cookie_that_is_not_there_or_wrong_ends_it() {
    let missing = cookie_file("missing");
    let node = Node::start(|_| Answer::Http(401, Vec::new()));
    let failure = |path: &PathBuf| {
        let run = Run::start(&node.url(), Credentials::Cookie(path.clone()), Some(1));
        run.end().0.failure.unwrap().to_string()
    };
    let problem = failure(&missing);
    assert!(
        problem.contains("missing") && problem.contains("No such file"),
        "{problem}"
    );
    assert_eq!(node.calls("getblockchaininfo").len(), 0);
    let other = cookie_file("other");
    std::fs::write(&other, "__cookie__:secret").unwrap();
    let problem = failure(&other);
    assert!(
        problem.contains("401") && problem.contains("another node") && !problem.contains("secret"),
        "{problem}"
    );
    std::fs::write(&other, "no cookie").unwrap();
    assert!(failure(&other).contains("no cookie"));
    std::fs::remove_file(other).unwrap();
}

#[test]
fn the_address_must_be_of_the_nodes_network() {
    for (chain, address, is_right) in [
        ("regtest", ADDRESS, true),
        ("signet", ADDRESS, false),
        ("main", ADDRESS, false),
        ("signet", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", true),
        ("main", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", false),
        ("regtest", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", true),
        ("main", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", true),
        ("test", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", false),
    ] {
        let script = Regtest::new(101, json!({}));
        let node = odd(&script, "getblockchaininfo", move |_, _| {
            Some(Answer::Result(json!({ "chain": chain })))
        });
        let plan = Plan {
            address: address.parse().unwrap(),
            version_mask: 0,
            blocks: Some(1),
        };
        let (summary, _) = Run::start_with(&node.url(), password(), plan).end();
        assert_eq!(
            (summary.accepted == 1, summary.failure.is_none()),
            (is_right, is_right),
            "{chain} {address}"
        );
        let calls = node.calls("getblocktemplate");
        assert_eq!(calls.is_empty(), !is_right);
        if let (Some(call), "signet") = (calls.first(), chain) {
            assert_eq!(call.params[0]["rules"], json!(["segwit", "signet"]));
        }
    }
}

#[test]
fn a_node_that_does_not_say_its_network_is_believed() {
    let chain = Regtest::new(101, json!({}));
    let node = odd(&chain, "getblockchaininfo", |_, _| {
        Some(Answer::Error(-32601, "Method not found"))
    });
    let (summary, lines) = mine(&node, 1);
    assert_eq!(summary.accepted, 1);
    assert!(lines[0].starts_with("warning: "), "{lines:?}");
    assert_eq!(node.calls("getmininginfo").len(), 1);
}

#[test]
fn a_signet_with_signers_ends_it() {
    let chain = Regtest::new(101, json!({}));
    let signed = json!({ "chain": "regtest", "signet_challenge": "512103ad" });
    let node = odd(&chain, "getblockchaininfo", move |_, _| {
        Some(Answer::Result(signed.clone()))
    });
    let failure = mine(&node, 1).0.failure.unwrap().to_string();
    assert!(
        failure.contains("512103ad") && failure.contains("grind"),
        "{failure}"
    );
    // Or the template says so.
    let node = odd(&chain, "getblocktemplate", |_, _| {
        Some(Answer::Result(node::template(
            101,
            &json!({ "signet_challenge": "512103ad" }),
        )))
    });
    assert!(mine(&node, 1).0.failure.is_some());
    let node = odd(&chain, "getblocktemplate", |_, _| {
        Some(Answer::Error(-32601, "Method not found"))
    });
    assert!(mine(&node, 1).0.failure.is_some());
}

#[test]
fn what_is_found_is_submitted_before_the_end() {
    let chain = Regtest::new(101, json!({}));
    let cancel = Arc::new(Mutex::new(Cancel::new()));
    let pulled = Arc::clone(&cancel);
    let node = odd(&chain, "submitblock", {
        let chain = chain.clone();
        move |_, call| {
            pulled.lock().unwrap().cancel();
            thread::sleep(Duration::from_millis(300)); // the node takes its time
            Some(chain.answer(call))
        }
    });
    let run = Run::start(&node.url(), password(), None);
    *cancel.lock().unwrap() = run.cancel.clone();
    let (summary, lines) = run.end();
    assert_eq!(summary.accepted, 1, "{lines:?}");
    assert_eq!(lines.last().unwrap(), "block 101 taken");
}

#[test]
fn a_mute_node_does_not_hold_up_the_end() {
    let chain = Regtest::new(101, json!({}));
    let node = odd(&chain, "submitblock", |_, _| {
        Some(Answer::Silence(Duration::from_secs(600)))
    });
    let run = Run::start(&node.url(), password(), None);
    wait_until(|| !node.calls("submitblock").is_empty());
    let (summary, lines) = run.stop();
    assert_eq!((summary.accepted, summary.refused), (0, 1));
    assert_eq!(
        lines.last().unwrap(),
        "block 101 refused: the node did not answer before the end"
    );
}

#[test]
fn rolled_versions_keep_to_the_mask() {
    let chain = Regtest::new(
        101,
        json!({ "version": 0x2000_2000u32, "bits": "1f7fffff", "target": null }),
    );
    let node = odd(&chain, "", |_, _| None);
    let plan = Plan {
        address: ADDRESS.parse().unwrap(),
        version_mask: 0x1fff_e000,
        blocks: Some(8),
    };
    let (summary, _) = Run::start_with(&node.url(), password(), plan).end();
    assert_eq!(summary.accepted, 8);
    let versions: HashSet<_> = (chain.submitted().iter())
        .map(|block| decoded(block).as_parts().0.version.to_consensus())
        .collect();
    assert!(
        versions
            .iter()
            .all(|version| version & !0x1fff_c000 == 0x2000_2000),
        "{versions:x?}"
    );
    assert!(versions.len() > 1, "{versions:x?}");
}

/// A template that says so gets its workid back (BIP 22).
#[test]
fn a_workid_is_sent_back() {
    let chain = Regtest::new(101, json!({ "workid": "w7" }));
    let node = odd(&chain, "", |_, _| None);
    mine(&node, 1);
    assert_eq!(node.calls("submitblock")[0].params[1], json!({ "workid": "w7" }));
}
