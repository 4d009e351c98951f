//! What every test of the binary needs: run it, read what it printed, hold that against its schema.

#![allow(dead_code)] // each test binary uses a part

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::Value;

/// The binary with the arguments of this line, stdin closed, ready to run. Words end at spaces; `'…'` quotes.
pub fn command(line: impl AsRef<str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_paydirt"));
    command.args(words(line.as_ref())).stdin(Stdio::null());
    // What whoever runs the tests has set for their own work.
    for variable in [
        "PAYDIRT_THREADS",
        "PAYDIRT_KERNEL",
        "PAYDIRT_DATA",
        "PAYDIRT_PORT",
        "COLUMNS",
    ] {
        command.env_remove(variable);
    }
    command
}

/// Runs the binary to its end: `paydirt("mine --text 100 --hex-zeros 4")`.
pub fn paydirt(line: impl AsRef<str>) -> Output {
    command(line).output().expect("the binary runs")
}

/// What a shell would make of the line, which knows single quotes and nothing else.
pub fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = None;
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            word.get_or_insert_with(String::new).push_str(part);
            continue;
        }
        for letter in part.chars() {
            match letter {
                ' ' => words.extend(word.take()),
                _ => word.get_or_insert_with(String::new).push(letter),
            }
        }
    }
    words.extend(word);
    words
}

/// Runs it to its end with this on stdin; it may end before it has read all of it.
pub fn paydirt_reads(line: impl AsRef<str>, input: impl AsRef<[u8]>) -> Output {
    let mut child = spawn(line);
    let _ = child.stdin.take().expect("piped").write_all(input.as_ref());
    child.wait_with_output().expect("it ends")
}

/// Starts it with pipes on all its streams.
pub fn spawn(line: impl AsRef<str>) -> Child {
    let mut command = command(line);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().expect("the binary runs")
}

/// All that it says on stderr, up to its end.
pub fn complaint(child: &mut Child) -> String {
    let stderr = child.stderr.take().expect("it is piped");
    std::io::read_to_string(stderr).expect("it is UTF-8")
}

/// Sends a signal: `"INT"`, `"TERM"`, `"KILL"`.
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status();
    assert!(sent.expect("kill runs").success());
}

/// Its exit code.
pub fn code(output: &Output) -> i32 {
    output.status.code().expect("it was not killed")
}

/// What it wrote to stdout.
pub fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("UTF-8")
}

/// What it wrote to stderr.
pub fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("UTF-8")
}

/// Its stdout as exactly one line of JSON, valid under the schema that it names itself.
#[track_caller]
pub fn json(output: &Output) -> Value {
    let text = stdout(output);
    assert_eq!(
        text.lines().count(),
        1,
        "one line of JSON, not: {text:?}; stderr: {}",
        stderr(output)
    );
    let value: Value = serde_json::from_str(text).expect("JSON");
    validate(&value);
    value
}

/// Its stdout as lines of JSON, each valid under the schema that it names itself.
#[track_caller]
pub fn json_lines(output: &Output) -> Vec<Value> {
    let values = stdout(output)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    values.inspect(validate).collect()
}

/// The stream of `mine --find all --json` as the one object that a worker would print: the result, with its solutions.
#[track_caller]
pub fn json_all(output: &Output) -> Value {
    let mut lines = json_lines(output);
    let mut result = lines.pop().expect("a result, at least");
    assert_eq!(result["type"], "result");
    let solutions = lines.into_iter().map(|mut line| {
        let fields = line.as_object_mut().unwrap();
        assert_eq!(fields.remove("type"), Some("solution".into()));
        fields.remove("schema");
        line
    });
    let solutions: Vec<_> = solutions.collect();
    assert_eq!(result["solution_count"], solutions.len());
    let fields = result.as_object_mut().unwrap();
    fields.remove("type");
    assert!(fields.insert("solutions".to_owned(), solutions.into()).is_none());
    validate(&result);
    result
}

/// A range as results write it: `count` nonces from `start`.
pub fn range(start: u64, count: u128) -> Value {
    let last = u128::from(start) + count.max(1) - 1;
    let end = |nonce: u128| (count > 0).then(|| nonce.to_string());
    serde_json::json!({
        "start": start,
        "count": u64::try_from(count).ok(),
        "first": end(start.into()),
        "last": end(last),
    })
}

/// Holds one JSON object against `schemas/`: "paydirt.mine/1" stands in `schemas/mine-1.json`.
#[track_caller]
pub fn validate(value: &Value) {
    let name = value["schema"].as_str().expect("each object names its schema");
    validate_as(name, value);
}

/// Holds one JSON object against the schema of this name.
#[track_caller]
pub fn validate_as(name: &str, value: &Value) {
    let validator = validator(name);
    let problems: Vec<_> = validator
        .iter_errors(value)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{name}: {problems:?} in {value}");
}

/// Whether a JSON object is valid under the schema of this name.
pub fn is_valid(name: &str, value: &Value) -> bool {
    validator(name).is_valid(value)
}

fn validator(name: &str) -> Arc<jsonschema::Validator> {
    static KNOWN: Mutex<BTreeMap<String, Arc<jsonschema::Validator>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap();
    if let Some(validator) = known.get(name) {
        return Arc::clone(validator);
    }
    let file = name
        .strip_prefix("paydirt.")
        .expect("paydirt.NAME/VERSION")
        .replace('/', "-");
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../schemas")
        .join(file + ".json");
    let schema = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let schema: Value = serde_json::from_str(&schema).expect("the schema is JSON");
    let validator = Arc::new(jsonschema::validator_for(&schema).expect("the schema is a schema"));
    known.insert(name.to_owned(), Arc::clone(&validator));
    validator
}

/// Asserts bad input: exit 2, nothing on stdout, one line on stderr that holds each of `words`.
#[track_caller]
pub fn assert_refused(line: impl AsRef<str>, words: &[&str]) {
    assert_complains(&paydirt(line.as_ref()), line.as_ref(), words);
}

/// The same of a process that has ended; `what` names it where it did not complain.
#[track_caller]
pub fn assert_complains(output: &Output, what: &str, words: &[&str]) {
    let complaint = stderr(output);
    assert_eq!(code(output), 2, "{what}: {complaint}");
    assert_eq!(stdout(output), "", "{what}");
    assert_eq!(complaint.lines().count(), 1, "{what}: {complaint}");
    for word in words {
        assert!(complaint.contains(word), "{what}: no {word:?} in {complaint:?}");
    }
}
