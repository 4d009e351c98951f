//! What every test of the binary needs: run it, read what it printed, hold that against its schema.

#![allow(dead_code)] // each test binary uses a part

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::Value;

/// The binary with these arguments, stdin closed, ready to run.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_paydirt"));
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
pub fn paydirt(args: &[&str]) -> Output {
    command(args).output().expect("the binary runs")
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
pub fn assert_refused(args: &[&str], words: &[&str]) {
    let output = paydirt(args);
    let line = stderr(&output);
    assert_eq!(code(&output), 2, "{args:?}: {line}");
    assert_eq!(stdout(&output), "", "{args:?}");
    assert_eq!(line.lines().count(), 1, "{args:?}: {line}");
    for word in words {
        assert!(line.contains(word), "{args:?}: no {word:?} in {line:?}");
    }
}
