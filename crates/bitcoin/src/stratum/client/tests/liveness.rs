//! Pools that are silent, talk nonsense, ask, or send one elsewhere.

use super::*;

#[test]
fn reconnects_go_to_the_same_host_only() {
    let left = |params: Value| {
        let mut tried = Tried::greeted(None, 4);
        tried.hear(json!({"id": null, "method": "client.reconnect", "params": params}));
        assert_eq!(tried.left.is_none(), tried.said.len() == 1);
        tried.left
    };
    let moved = |port: Option<u16>, wait: u64| {
        let wait = Duration::from_secs(wait);
        Some(Leave::Moved { port, wait })
    };
    assert_eq!(left(json!([])), moved(None, 0));
    assert_eq!(left(Value::Null), moved(None, 0));
    assert_eq!(left(json!(["", null, 5])), moved(None, 5));
    assert_eq!(left(json!(["pool.example.org", 4444, 7])), moved(Some(4444), 7));
    assert_eq!(
        left(json!(["pool.example.org", "4444", "7"])),
        moved(Some(4444), 7)
    );
    assert_eq!(
        left(json!(["pool.example.org", 4444, 1e300])),
        moved(Some(4444), 300)
    );
    assert_eq!(left(json!(["pool.example.org", 4444, -1])), moved(Some(4444), 0));
    for refused in [
        json!(["POOL.example.org", 4444, 0]),
        json!(["pool.example.org.", 4444, 0]),
        json!(["evil.example.org", 3333, 0]),
        json!([7, 3333, 0]),
        json!(["pool.example.org", 0, 0]),
        json!(["pool.example.org", 65536, 0]),
        json!(["pool.example.org", "x", 0]),
    ] {
        assert_eq!(left(refused.clone()), None, "{refused}");
    }
}

#[test]
fn calls_are_answered() {
    let mut tried = Tried::greeted(None, 4);
    tried.hear(json!({"id": 9, "method": "mining.ping", "params": []}));
    assert_eq!(
        tried.sent.last().unwrap(),
        &json!({"id": 9, "result": "pong", "error": null})
    );
    tried.hear(json!({"id": "x", "method": "client.get_version"}));
    assert_eq!(
        tried.sent.last().unwrap(),
        &json!({"id": "x", "result": "paydirt/test", "error": null})
    );
    tried.hear(json!({"id": 10, "method": "mining.dance", "params": []}));
    assert_eq!(tried.sent.last().unwrap()["error"][0], 20);
    let sent = tried.sent.len();
    tried.hear(json!({"id": null, "method": "mining.dance", "params": []}));
    assert_eq!(tried.sent.len(), sent);
    tried.hear(json!({"id": null, "method": "client.show_message", "params": ["hello\n\u{1b}[31m"]}));
    assert_eq!(tried.said, ["the pool says: hello\\n\\u{1b}[31m"]);
}

#[test]
fn too_many_lines_without_sense_are_no_pool() {
    let mut tried = Tried::greeted(None, 4);
    for count in 1..=20 {
        assert_eq!(tried.left, None);
        let line: &[u8] = if count % 2 == 0 {
            b"HTTP/1.1 400 Bad Request"
        } else {
            b"{\"id\": {}}"
        };
        let actions = tried.client.line(line, tried.now);
        tried.take(actions);
        assert_eq!(tried.said.len(), count);
    }
    assert!(matches!(tried.left, Some(Leave::Lost(_))));
    let mut tried = Tried::greeted(None, 4);
    let actions = tried.client.too_long(tried.now);
    tried.take(actions);
    assert!(tried.said[0].contains("1 MiB") && tried.left.is_none());
}

#[test]
fn a_mute_pool_is_dead_after_twenty_seconds() {
    // Never a word: what it does not know is not waited for, but nothing else comes either.
    let mut tried = Tried::new(login());
    tried.wait(4.9);
    assert_eq!(tried.asked(), ["mining.configure"]);
    tried.wait(0.2);
    assert_eq!(tried.asked(), ["mining.configure", "mining.subscribe"]);
    tried.wait(14.8);
    assert_eq!(tried.left, None);
    tried.wait(0.2);
    assert!(matches!(tried.left, Some(Leave::Mute(_))));
    // It talks, but not to the point.
    let mut tried = Tried::new(login());
    for _ in 0..26 {
        tried.wait(1.0).hear(notify("a", true));
    }
    assert!(matches!(tried.left, Some(Leave::Mute(_))));
}

#[test]
fn a_silent_pool_is_asked_whether_it_is_there() {
    let mut tried = Tried::greeted(None, 4);
    tried.answer(json!(false), Value::Null); // to mining.extranonce.subscribe
    tried.wait(9.9);
    let before = tried.sent.len();
    tried.wait(0.2);
    assert_eq!(tried.asked()[before..], ["mining.extranonce.subscribe"]);
    tried.answer(Value::Null, json!([20, "unknown", null]));
    tried.wait(10.1);
    assert_eq!(tried.sent.len(), before + 2);
    tried.wait(9.8);
    assert_eq!(tried.left, None);
    tried.wait(0.3);
    assert!(matches!(tried.left, Some(Leave::Mute(_))), "{:?}", tried.left);
    // One that never answers that may be silent for longer, unless it owes something else.
    let mut tried = Tried::greeted(None, 4);
    tried.wait(119.0);
    assert_eq!(tried.left, None);
    tried.hear(difficulty(EASY)).hear(notify("a", true));
    tried.mine();
    tried.wait(19.0);
    assert_eq!(tried.left, None);
    tried.wait(1.1);
    assert!(matches!(tried.left, Some(Leave::Mute(_))));
    assert_eq!(tried.client.give_up("gone").len(), 1);
}
