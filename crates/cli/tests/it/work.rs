//! `paydirt work` as the programs that drive it see it: lines in, lines out, what ends it and what does not.

mod priorities;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdin, ChildStdout},
};

use crate::common::{assert_refused, complaint, json, paydirt, range, signal, spawn, validate, validate_as};
use serde_json::{Value, json};

/// A worker with both ends of its pipes.
struct Worker {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Worker {
    fn start(options: &str) -> Self {
        let mut child = spawn(format!("work {options}"));
        Self {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().expect("piped")),
            child,
        }
    }

    fn write(&mut self, line: &str) {
        let input = self.input.as_mut().expect("still open");
        input.write_all(format!("{line}\n").as_bytes()).expect("it reads");
    }

    /// Sends a request that the schema of job lines allows.
    #[track_caller]
    fn send(&mut self, request: Value) {
        validate_as("paydirt.job/1", &request);
        self.write(&request.to_string());
    }

    /// The next answer, valid under the schema it names.
    #[track_caller]
    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("UTF-8");
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}"));
        validate(&answer);
        answer
    }

    #[track_caller]
    fn expect(&mut self, kind: &str, id: Value) -> Value {
        let answer = self.answer();
        assert_eq!((&answer["type"], &answer["id"]), (&json!(kind), &id), "{answer}");
        answer
    }

    /// Ends the input and takes what is left: answers, exit code, stderr.
    fn end(mut self) -> (Vec<Value>, Option<i32>, String) {
        drop(self.input.take());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("UTF-8");
        let answers = rest.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        let answers: Vec<Value> = answers.inspect(validate).collect();
        let mut complaint = String::new();
        let mut stderr = self.child.stderr.take().expect("piped");
        stderr.read_to_string(&mut complaint).expect("UTF-8");
        (answers, self.child.wait().expect("it ends").code(), complaint)
    }
}

fn easy(id: impl Into<Value>) -> Value {
    json!({"id": id.into(), "puzzle": {"text": "x"}, "goal": {"bits": 0}})
}

/// A job that will not be solved in a lifetime.
fn endless(id: impl Into<Value>) -> Value {
    json!({"id": id.into(), "puzzle": {"text": "x"}, "goal": {"bits": 200}})
}

#[test]
fn a_result_is_what_mine_prints_with_the_id() {
    let mut worker = Worker::start("");
    worker.send(json!({"id": "teaching", "puzzle": {"text": "100"}, "goal": {"hex_zeros": 4}, "search": {"shard": "0/2"}}));
    worker.expect("accepted", json!("teaching"));
    let mut result = worker.expect("result", json!("teaching"));
    let args = "mine --text 100 --hex-zeros 4 --shard 0/2 --json";
    let mut mined = json(&paydirt(args));
    let result = result.as_object_mut().unwrap();
    result.remove("id");
    result.remove("type");
    for varying in ["elapsed_s", "hashes_per_second", "hashes"] {
        assert!(result.remove(varying).is_some());
        mined.as_object_mut().unwrap().remove(varying);
    }
    assert_eq!(Value::Object(result.clone()), mined);
    assert_eq!(mined["nonce"], 35293);
    assert_eq!(worker.end(), (vec![], Some(0), String::new()));
}

#[test]
fn every_kind_of_puzzle_and_goal() {
    let genesis = concat!(
        "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3",
        "888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d00000000"
    );
    let mut worker = Worker::start("--threads 2");
    for (puzzle, goal, search, nonce) in [
        (
            json!({"header": genesis}),
            Value::Null,
            json!({"start": 2_083_236_000, "count": "1000"}),
            2_083_236_893u64,
        ),
        (
            json!({"text": 100}),
            json!({"target": format!("0000{}", "f".repeat(60))}),
            json!({}),
            35293,
        ),
        (
            json!({"template": "100{nonce}"}),
            json!({"bits": "16"}),
            json!({"find": "first", "start": 35293}),
            35293,
        ),
        (
            json!({"template_hex": "313030{nonce}"}),
            json!({"hex-zeros": "4"}),
            json!({"timeout": 60}),
            35293,
        ),
        (
            json!({"text": "100", "nonce": "dec", "digest": "sha256", "hash_order": "be"}),
            json!({"equals": "0000c415de5ceea33c02daa85a1c218ecca1b1c9e9864ed34d183597844de8e2"}),
            json!({"count": 40_000}),
            35293,
        ),
    ] {
        let mut job = json!({"id": nonce, "puzzle": puzzle, "search": search});
        if !goal.is_null() {
            job["goal"] = goal;
        }
        worker.send(job);
        worker.expect("accepted", json!(nonce));
        let result = worker.expect("result", json!(nonce));
        assert_eq!(
            (&result["status"], &result["nonce"]),
            (&json!("found"), &json!(nonce)),
            "{result}"
        );
    }
}

#[test]
fn a_broken_line_is_answered_and_the_work_goes_on() {
    let mut worker = Worker::start("");
    let mut expect_error = |line: &str, number: u64, id: Value, field: Value, words: &[&str]| {
        worker.write(line);
        let error = worker.answer();
        assert_eq!(error["type"], "error", "{error}");
        assert_eq!(
            (&error["line"], &error["id"], &error["field"]),
            (&json!(number), &id, &field),
            "{error}"
        );
        for word in words {
            assert!(
                error["message"].as_str().unwrap().contains(word),
                "{word}: {error}"
            );
        }
    };
    expect_error("{\"id\": 1", 1, json!(null), json!(null), &["not JSON", "column"]);
    expect_error("\n\nnonsense", 4, json!(null), json!(null), &["not JSON"]);
    expect_error("[]", 5, json!(null), json!(null), &["an object"]);
    let line = r#"{"id": 1, "puzzle": {"text": "x"}, "goal": {"bits": 300}}"#;
    expect_error(line, 6, json!(1), json!("goal.bits"), &["'300'", "256"]);
    let line = r#"{"id": "a", "puzzle": {"text": "x", "nonce": "u16"}, "goal": {"bits": 3}}"#;
    expect_error(line, 7, json!("a"), json!("puzzle.nonce"), &["'u16'", "u32le"]);
    let line = r#"{"id": "a", "puzzle": {"text": "x"}, "goal": {"bits": 3}, "search": {"shard": "3/3"}}"#;
    expect_error(
        line,
        8,
        json!("a"),
        json!("search.shard"),
        &["'3/3'", "0/3 to 2/3"],
    );
    let line = r#"{"id": "a", "puzzle": {"text": "x"}, "gaol": {"bits": 3}}"#;
    expect_error(line, 9, json!("a"), json!("gaol"), &["unknown", "goal"]);
    expect_error(
        r#"{"cancel": "nobody"}"#,
        10,
        json!("nobody"),
        json!("cancel"),
        &["no job"],
    );
    expect_error(&"[".repeat(10_000), 11, json!(null), json!(null), &["nests"]);
    worker.input.as_mut().unwrap().write_all(b"\xff\xfe\n").unwrap();
    assert_eq!(worker.answer()["line"], 12);
    worker.send(easy("still here"));
    worker.expect("accepted", json!("still here"));
    worker.expect("result", json!("still here"));
    assert_eq!(worker.end(), (vec![], Some(0), String::new()));
}

#[test]
fn a_line_as_long_as_allowed_is_a_job_and_one_longer_is_refused() {
    let mut worker = Worker::start("");
    let job = easy("long").to_string();
    let room = (1 << 20) - job.len();
    worker.write(&job.replace("\"x\"", &format!("\"x{}\"", "y".repeat(room))));
    worker.expect("accepted", json!("long"));
    worker.expect("result", json!("long"));
    worker.write(&job.replace("\"x\"", &format!("\"x{}\"", "y".repeat(room + 1))));
    let error = worker.answer();
    assert_eq!((&error["type"], &error["line"]), (&json!("error"), &json!(2)));
    assert!(error["message"].as_str().unwrap().contains("1048576"), "{error}");
    worker.send(json!({"ping": 1}));
    assert_eq!(worker.answer()["type"], "pong");
}

/// Two hundred megabytes without a newline: refused as soon as they are too long, and never held.
#[cfg(target_os = "linux")]
#[test]
fn an_endless_line_takes_no_memory() {
    let mut worker = Worker::start("");
    let part = vec![b'['; 1 << 20];
    for _ in 0..200 {
        worker.input.as_mut().unwrap().write_all(&part).unwrap();
    }
    assert_eq!(worker.answer()["type"], "error");
    let status = std::fs::read_to_string(format!("/proc/{}/status", worker.child.id())).unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let peak_kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak_kib < 60_000, "{peak_kib} KiB");
    worker.write("");
    worker.send(json!({"ping": 1}));
    assert_eq!(worker.answer()["type"], "pong");
}

#[test]
fn pings_come_back_as_they_were_written() {
    let mut worker = Worker::start("");
    worker.write(r#"{"ping": {"number": 1.50, "deep": [null, "ä"]}}"#);
    let mut line = String::new();
    worker.output.read_line(&mut line).unwrap();
    assert_eq!(
        line,
        "{\"schema\":\"paydirt.work/1\",\"type\":\"pong\",\"ping\":{\"number\": 1.50, \"deep\": [null, \"ä\"]}}\n"
    );
}

#[test]
fn info_says_what_the_worker_is() {
    let mut worker = Worker::start("--threads 3 --kernel portable --queue 5");
    worker.send(json!({"info": true}));
    let info = worker.answer();
    assert_eq!(
        (&info["threads"], &info["kernel"]),
        (&json!(3), &json!("portable"))
    );
    assert_eq!((&info["queued"], &info["running"]), (&json!(0), &json!(null)));
    assert_eq!(info["limits"]["queue_jobs"], 5);
    assert_eq!(info["limits"]["line_bytes"], 1 << 20);
    validate(&info["info"]);
}

#[test]
fn cancels_are_heard_while_a_job_runs() {
    let mut worker = Worker::start("");
    worker.send(endless("running"));
    worker.expect("accepted", json!("running"));
    worker.send(easy(2));
    worker.expect("accepted", json!(2));
    worker.send(easy(3));
    worker.expect("accepted", json!(3));
    worker.send(json!({"cancel": 2}));
    let result = worker.expect("result", json!(2));
    assert_eq!(
        (&result["status"], &result["hashes"]),
        (&json!("interrupted"), &json!(0)),
        "it never ran"
    );
    worker.send(json!({"cancel": "running"}));
    let result = worker.expect("result", json!("running"));
    assert_eq!(result["status"], "interrupted");
    worker.expect("result", json!(3));
    worker.send(easy("running"));
    worker.expect("accepted", json!("running"));
    worker.expect("result", json!("running"));
    assert_eq!(worker.end(), (vec![], Some(0), String::new()));
}

#[test]
fn an_id_is_one_job_at_a_time() {
    let mut worker = Worker::start("");
    worker.send(endless(1));
    worker.expect("accepted", json!(1));
    worker.send(easy(1));
    let error = worker.answer();
    assert_eq!((&error["type"], &error["field"]), (&json!("error"), &json!("id")));
    worker.send(json!({"cancel": 1}));
    worker.expect("result", json!(1));
}

#[test]
fn progress_comes_on_request() {
    let mut worker = Worker::start("");
    let mut job = endless("slow");
    job["progress"] = json!(0.05);
    job["search"] = json!({"count": 1u64 << 40});
    worker.send(job);
    worker.expect("accepted", json!("slow"));
    let first = worker.expect("progress", json!("slow"));
    let second = worker.expect("progress", json!("slow"));
    assert!(first["elapsed_s"].as_f64().unwrap() >= 0.05);
    assert!(second["hashes"].as_u64().unwrap() > first["hashes"].as_u64().unwrap());
    assert_eq!(first["range"], range(0, 1 << 40));
    worker.send(json!({"cancel": "slow"}));
    while worker.answer()["type"] == "progress" {}
}

#[test]
fn a_full_queue_answers_busy_and_loses_nothing() {
    let mut worker = Worker::start("--queue 3");
    let mut first = endless("first");
    first["progress"] = json!(0.01);
    worker.send(first);
    worker.expect("accepted", json!("first"));
    worker.expect("progress", json!("first"));
    for id in 0..6 {
        worker.send(easy(id));
    }
    worker.send(json!({"cancel": "first"}));
    let (answers, code, _) = worker.end();
    assert_eq!(code, Some(0));
    let of_kind = |kind: &str| -> Vec<_> {
        let wanted = answers.iter().filter(|answer| answer["type"] == kind);
        wanted.map(|answer| answer["id"].clone()).collect()
    };
    assert_eq!(of_kind("accepted"), [0, 1, 2]);
    assert_eq!(of_kind("busy"), [3, 4, 5]);
    assert_eq!(of_kind("result"), [json!("first"), json!(0), json!(1), json!(2)]);
}

#[test]
fn the_end_of_input_finishes_what_is_queued() {
    let mut worker = Worker::start("");
    for id in 0..2000 {
        worker.send(json!({"id": id, "puzzle": {"text": id}, "goal": {"bits": 4}}));
    }
    let (answers, code, complaint) = worker.end();
    assert_eq!((code, complaint.as_str()), (Some(0), ""));
    let results: Vec<_> = answers
        .iter()
        .filter(|answer| answer["type"] == "result")
        .collect();
    assert_eq!(results.len(), 2000);
    for (id, result) in results.iter().enumerate() {
        assert_eq!((&result["id"], &result["status"]), (&json!(id), &json!("found")));
    }
    assert_eq!(answers.len(), 4000);
}

#[test]
fn the_last_line_needs_no_newline() {
    let mut worker = Worker::start("");
    worker
        .input
        .as_mut()
        .unwrap()
        .write_all(easy(1).to_string().as_bytes())
        .unwrap();
    let (answers, code, _) = worker.end();
    assert_eq!((answers.len(), code), (2, Some(0)));
}

#[test]
fn bad_options_are_refused() {
    assert_refused("work --queue 0", &["--queue", "'0'", "1 or more"]);
    assert_refused("work --threads none", &["--threads", "none"]);
}

#[test]
fn the_schema_refuses_what_the_worker_refuses() {
    for line in [
        json!({"id": 1}),
        json!({"id": [], "puzzle": {"text": "x"}}),
        json!({"id": 1, "puzzle": {"txet": "x"}}),
        json!({"id": 1, "puzzle": {"text": "x"}, "progress": 0}),
        json!({"id": 1, "puzzle": {"text": "x"}, "goal": {"nbits": 20_000_000}}),
        json!({"cancel": 1, "ping": 2}),
        json!({"info": false}),
    ] {
        assert!(!crate::common::is_valid("paydirt.job/1", &line), "{line}");
        paydirt_cli::check_job_line(line.to_string().as_bytes()).unwrap_err();
    }
}

#[cfg(unix)]
mod unix {
    use super::*;

    #[test]
    fn a_closed_stdout_stops_it_quietly_even_while_it_mines() {
        let mut worker = Worker::start("");
        worker.send(endless(1));
        worker.expect("accepted", json!(1));
        let Worker {
            mut child,
            input,
            output,
        } = worker;
        drop(output);
        let code = child.wait().unwrap().code();
        let complaint = complaint(&mut child);
        assert_eq!((code, complaint.as_str()), (Some(0), ""));
        drop(input); // open until now: it was not the end of input
    }

    fn interrupt(name: &str) {
        let mut worker = Worker::start("");
        worker.send(endless("running"));
        worker.send(endless("waiting"));
        worker.expect("accepted", json!("running"));
        worker.expect("accepted", json!("waiting"));
        signal(&worker.child, name);
        for id in ["running", "waiting"] {
            assert_eq!(worker.expect("result", json!(id))["status"], "interrupted");
        }
        assert_eq!(worker.child.wait().unwrap().code(), Some(130));
        assert_eq!(worker.end(), (vec![], Some(130), String::new()));
    }

    #[test]
    fn ctrl_c_ends_every_job_with_its_result() {
        interrupt("INT");
    }

    #[test]
    fn a_polite_kill_does_too() {
        interrupt("TERM");
    }
}
