//! What goes first, and what interrupts what.

use serde_json::json;

use super::{Worker, easy, endless};
use crate::common::{json_all, paydirt, range};

#[test]
fn priority_goes_first_and_equals_keep_their_order() {
    let mut worker = Worker::start("");
    // With `progress` the first job says when it runs, so that the others are sure to wait.
    let mut first = endless("first");
    first["progress"] = json!(0.01);
    first["priority"] = json!(3);
    worker.send(first);
    worker.expect("accepted", json!("first"));
    worker.expect("progress", json!("first"));
    let jobs = [("a", 0), ("b", -5), ("c", 3), ("d", 0), ("e", 3)];
    for (id, priority) in jobs {
        let mut job = easy(id);
        job["priority"] = json!(priority);
        worker.send(job);
    }
    worker.send(json!({"cancel": "first"}));
    let (answers, code, _) = worker.end();
    let results = answers.iter().filter(|answer| answer["type"] == "result");
    let order: Vec<_> = results.map(|result| result["id"].as_str().unwrap()).collect();
    assert_eq!((order, code), (vec!["first", "c", "e", "a", "d", "b"], Some(0)));
}

/// A job without end would hold an urgent one up for ever.
#[test]
fn a_higher_priority_does_not_wait_for_a_hard_job() {
    let mut worker = Worker::start("--threads 2");
    let mut hard = endless("hard");
    hard["progress"] = json!(0.01);
    worker.send(hard);
    worker.expect("accepted", json!("hard"));
    let mut hashes = 0;
    for urgent in 0..5 {
        let running = worker.expect("progress", json!("hard"));
        let so_far = running["hashes"].as_u64().unwrap();
        assert!(
            so_far > hashes,
            "it went on where it was: {so_far} after {hashes}"
        );
        hashes = so_far;
        let mut job = easy(urgent);
        job["priority"] = json!(1);
        worker.send(job);
        let mut result = worker.answer();
        while result["type"] != "result" {
            assert!(
                ["progress", "accepted"].contains(&result["type"].as_str().unwrap()),
                "{result}"
            );
            result = worker.answer();
        }
        assert_eq!(
            (&result["id"], &result["status"]),
            (&json!(urgent), &json!("found"))
        );
    }
    worker.send(json!({"cancel": "hard"}));
    let (answers, code, _) = worker.end();
    let last = answers.last().unwrap();
    assert_eq!(
        (&last["type"], &last["status"], code),
        (&json!("result"), &json!("interrupted"), Some(0))
    );
    assert!(last["hashes"].as_u64().unwrap() >= hashes && last["range"] == range(0, 1 << 64));
}

/// Interrupted as often as may be, it gives what it would have given alone.
#[test]
fn an_interrupted_job_loses_nothing_and_tests_nothing_twice() {
    let puzzle = json!({"text": "interrupted"});
    let (bits, count) = (20, 30_000_000);
    let mut worker = Worker::start("--threads 2 --kernel portable");
    worker.send(json!({
        "id": "all", "puzzle": puzzle, "goal": {"bits": bits}, "search": {"count": count, "find": "all"},
        "progress": 0.01,
    }));
    let (mut urgent, mut times) = (0, 0);
    let result = loop {
        let answer = worker.answer();
        match (answer["type"].as_str().unwrap(), answer["id"].as_str()) {
            ("result", Some("all")) => break answer,
            ("progress", Some("all")) => {
                times += 1;
                urgent += 1;
                let mut job = easy(urgent);
                job["priority"] = json!(9);
                worker.send(job);
            }
            _ => {}
        }
    };
    assert!(times > 1, "it was interrupted");
    let alone = json_all(&paydirt(format!(
        "mine --text interrupted --bits {bits} --count {count} --find all --json"
    )));
    for field in [
        "status",
        "nonce",
        "hash",
        "message_hex",
        "hashes",
        "range",
        "solutions",
        "solution_count",
    ] {
        assert_eq!(result[field], alone[field], "{field}");
    }
    assert_eq!(result["hashes"], count);
}
