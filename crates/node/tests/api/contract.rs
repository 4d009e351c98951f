//! What the description says, apart from the answers that are held against it.

use super::*;

/// What clients rely on, each call and each part on a line.
const CONTRACT: &str = include_str!("contract.txt");

/// The description is written from the structures, and a field that is renamed there is renamed here: so what it says is
/// written down, and changes where it is meant to.
#[test]
fn the_description_is_the_one_that_is_written_down() {
    let api: Value = serde_json::from_str(openapi()).unwrap();
    let mut text = String::new();
    for part in ["openapi", "info", "servers", "security"] {
        text += &format!("{part} {}\n", api[part]);
    }
    for place in ["/paths", "/components"] {
        for (name, parts) in api.pointer(place).unwrap().as_object().unwrap() {
            for (part, said) in parts.as_object().unwrap() {
                text += &format!("{name} {part} {said}\n");
            }
        }
    }
    if text != CONTRACT {
        let now = concat!(env!("CARGO_TARGET_TMPDIR"), "/contract.txt");
        std::fs::write(now, text).unwrap();
        let written = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/contract.txt");
        panic!(
            "the description has changed: `diff {written} {now}`; if it is meant to, copy the second over the first"
        );
    }
}

/// What generators of clients need of the description: a name for each call, and no part that nothing refers to.
#[test]
fn the_description_names_each_call_and_uses_each_part() {
    let api: Value = serde_json::from_str(openapi()).unwrap();
    let operations = api["paths"].as_object().unwrap().values();
    let operations = operations.flat_map(|methods| methods.as_object().unwrap().values());
    let names: Vec<_> = operations
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    let unique: std::collections::HashSet<_> = names.iter().collect();
    assert_eq!(unique.len(), names.len(), "{names:?}");
    for kind in ["schemas", "responses"] {
        for name in api["components"][kind].as_object().unwrap().keys() {
            let reference = format!("\"#/components/{kind}/{name}\"");
            assert!(openapi().contains(&reference), "nothing refers to {reference}");
        }
    }
    for place in ["servers", "security"] {
        assert!(api[place].is_array(), "{place}");
    }
}
