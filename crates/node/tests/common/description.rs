//! Answers, held against the node's description of itself.

#![allow(dead_code)] // each test binary uses a part

use serde_json::{Value, json};

/// Holds an answer against what `GET /openapi.json` says of it.
pub fn described(method: &str, path: &str, status: u16, value: &Value) {
    let api: Value = serde_json::from_str(paydirt_node::description()).unwrap();
    let parts: Vec<_> = path.split('?').next().unwrap().split('/').collect();
    let is_at = |pattern: &str| {
        let pattern: Vec<_> = pattern.split('/').collect();
        pattern.len() == parts.len()
            && pattern
                .iter()
                .zip(&parts)
                .all(|(p, part)| p.starts_with('{') || p == part)
    };
    let paths = api["paths"].as_object().unwrap();
    // Exact paths before patterns.
    let found = paths
        .keys()
        .filter(|key| is_at(key))
        .min_by_key(|key| key.contains('{'));
    let operation = found.map(|key| &paths[key][method.to_ascii_lowercase()]);
    let schema = match operation {
        Some(operation) if !operation.is_null() => {
            let answer = &operation["responses"][status.to_string()];
            assert!(
                !answer.is_null(),
                "{method} {path} is not said to answer {status}: {value}"
            );
            let answer = match answer["$ref"].as_str() {
                Some(shared) => api.pointer(shared.trim_start_matches('#')).unwrap(),
                None => answer,
            };
            answer["content"]["application/json"]["schema"].clone()
        }
        _ => json!({"$ref": "#/components/schemas/Message"}),
    };
    fits(schema, value, &format!("{method} {path} {status}"));
}

/// Holds a value against a schema of the description.
pub fn fits(mut schema: Value, value: &Value, what: &str) {
    let api: Value = serde_json::from_str(paydirt_node::description()).unwrap();
    schema["components"] = api["components"].clone();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<_> = validator
        .iter_errors(value)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{what}: {problems:?} in {value}");
}
