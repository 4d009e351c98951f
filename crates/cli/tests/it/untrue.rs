//! Shards that are not true: each field of each kind of result is changed in turn, and either the merge says which shard
//! and which field, or nothing of the answer changes.

use serde_json::{Map, Value, json};

use crate::common::{assert_complains, code, json as one_json, json_all, paydirt, paydirt_reads, stdout};

/// Every kind of search, in three shards.
const SEARCHES: [&str; 6] = [
    "--text 100 --hex-zeros 4 --count 120000",
    "--text 100 --hex-zeros 3 --count 30000 --find all",
    "--template 'a{nonce}b' --nonce hex:6 --digest sha256d --hash-order le --bits 10.5 --start 77 --count 9000 --find all",
    "--template-hex '00ff{nonce}' --nonce u64be --bits 9 --count 3000 --find first",
    "--text 100 --equals 0000d4d9ceed5b50ae6ee1a32a2e7c2ddbcb1d22a0e92bc4b0d2c0b5f45f3d1f --count 999",
    "--header 0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c --roll-version 00e00000 --bits 9 --count 6000 --find all",
];

fn shards(search: &str) -> Vec<Value> {
    let shard = |index| {
        let output = paydirt(format!("mine {search} --threads 2 --json --shard {index}/3"));
        match search.contains("--find all") {
            true => json_all(&output),
            false => one_json(&output),
        }
    };
    (0..3).map(shard).collect()
}

fn lines(shards: &[Value]) -> String {
    shards.iter().map(|shard| format!("{shard}\n")).collect()
}

/// What a merge says, the times apart: they are nobody's answer.
fn answer(shards: &[Value]) -> Value {
    let output = paydirt_reads("merge --json", lines(shards));
    let mut answer = one_json(&output);
    let fields = answer.as_object_mut().unwrap();
    fields.retain(|name, _| !name.ends_with("elapsed_s"));
    answer
}

/// The paths of a value and of all that is in it, as JSON pointers.
fn paths(value: &Value, path: &str, paths_of: &mut Vec<String>) {
    let mut inside = |name: &str, value: &Value| {
        let path = format!("{path}/{name}");
        paths_of.push(path.clone());
        paths(value, &path, paths_of);
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| inside(name, value)),
        // One of the first and one of the last stand for all.
        Value::Array(values) => {
            let ends = [0, 1, values.len().saturating_sub(1)];
            for (at, value) in values.iter().enumerate().filter(|(at, _)| ends.contains(at)) {
                inside(&at.to_string(), value);
            }
        }
        _ => {}
    }
}

/// What may come in a value's place.
fn instead(value: &Value) -> Vec<Value> {
    let mut others = vec![
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(-1),
        json!(0.5),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!("0"),
        json!("found"),
        json!("0".repeat(64)),
        json!("f".repeat(64)),
        json!("f".repeat(63)),
        json!("g".repeat(64)),
        json!("é\n\"'\u{202e}"),
        json!([]),
        json!({}),
    ];
    match value {
        Value::Number(number) => {
            if let Some(number) = number.as_u64() {
                others.extend([
                    json!(number + 1),
                    json!(number.saturating_sub(1)),
                    json!(number / 2),
                    json!(number * 2),
                ]);
            } else if let Some(number) = number.as_f64() {
                others.extend([json!(number * 1.000_001), json!(number + 1.0)]);
            }
        }
        Value::String(text) => {
            for (at, letter) in text.char_indices().step_by(text.len() / 4 + 1) {
                let other = if letter == '0' { '1' } else { '0' };
                others.push(json!(format!(
                    "{}{other}{}",
                    &text[..at],
                    &text[at + letter.len_utf8()..]
                )));
            }
            others.push(json!(format!("{text}0")));
            others.extend(text.get(1..).map(|rest| json!(rest)));
            for word in [
                "found",
                "exhausted",
                "timeout",
                "interrupted",
                "lowest",
                "first",
                "all",
                "be",
                "le",
            ] {
                others.push(json!(word));
            }
            for word in [
                "sha256", "sha256d", "dec", "dec:6", "hex:6", "u32le", "u64le", "u64be", "00600000",
            ] {
                others.push(json!(word));
            }
        }
        Value::Array(values) if !values.is_empty() => {
            let mut changed = |change: &dyn Fn(&mut Vec<Value>)| {
                let mut values = values.clone();
                change(&mut values);
                others.push(Value::Array(values));
            };
            changed(&|values| values.truncate(values.len() - 1));
            changed(&|values| drop(values.remove(0)));
            changed(&|values| values.push(values[0].clone()));
            changed(&|values| values.insert(0, values[0].clone()));
            changed(&|values| values.reverse());
        }
        _ => {}
    }
    others.retain(|other| other != value);
    others
}

/// Every way in which one field of a result may be wrong.
fn changes(shard: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    paths(shard, "", &mut all);
    let mut changed = Vec::new();
    for path in all {
        let value = shard.pointer(&path).expect("it was just found");
        for other in instead(value) {
            let mut shard = shard.clone();
            *shard.pointer_mut(&path).unwrap() = other.clone();
            changed.push((format!("{path} = {other}"), shard));
        }
        if value.is_null() {
            continue; // left out is the same
        }
        let (parent, name) = path.rsplit_once('/').unwrap();
        let mut shard = shard.clone();
        if let Some(fields) = shard.pointer_mut(parent).and_then(Value::as_object_mut) {
            let mut without: Map<_, _> = fields.clone();
            without.remove(name);
            *fields = without;
            changed.push((format!("{path} left out"), shard));
        }
    }
    changed
}

#[test]
fn every_field_changed_in_turn() {
    let (mut refused, mut harmless) = (0, Vec::new());
    for search in SEARCHES {
        let shards = shards(search);
        let right = answer(&shards);
        for at in 0..shards.len() {
            for (change, shard) in changes(&shards[at]) {
                let mut shards = shards.clone();
                shards[at] = shard;
                match paydirt_cli::check_results(lines(&shards).as_bytes()) {
                    Err(problem) => {
                        refused += 1;
                        let place = format!("stdin:{}", at + 1);
                        assert!(problem.contains(&place), "{search}: {change}: {problem}");
                        assert!(
                            !problem.contains('\n') && problem.len() < 500,
                            "{change}: {problem}"
                        );
                    }
                    Ok(()) => {
                        assert_eq!(answer(&shards), right, "{search}: shard {at}: {change}");
                        harmless.push(change);
                    }
                }
            }
        }
    }
    assert!(refused > 10_000, "{refused}");
    // Nothing follows from these, or, left out, others say the same.
    for change in harmless {
        let known = [
            // Another spelling of the same number.
            "/goal/target = \"0",
            "/threads",
            "/kernel",
            "/shard",
            "/hashes_per_second",
            "/version",
            "/header_nonce",
            "/puzzle/roll_version",
        ];
        // Older results lack it.
        let is_old = change.contains("nonce_decimal") || change.starts_with("/range/count");
        let is_left_out = change.ends_with(" = null") || change.ends_with(" left out");
        let is_known = known.iter().any(|field| change.starts_with(field));
        assert!(is_known || (is_old && is_left_out), "{change}");
    }
}

#[track_caller]
fn refused(shards: &[Value], words: &[&str]) {
    let output = paydirt_reads("merge --json", lines(shards));
    assert_complains(&output, &lines(shards), words);
}

#[test]
fn the_field_is_named() {
    let all = shards("--text 100 --hex-zeros 2 --count 3000 --find all");
    let change = |path: &str, value: Value| {
        let mut all = all.clone();
        *all[1].pointer_mut(path).unwrap() = value;
        all
    };
    let without = |name: &str| {
        let mut all = all.clone();
        all[1].as_object_mut().unwrap().remove(name);
        all
    };
    let solutions = all[1]["solutions"].as_array().unwrap();
    assert!(solutions.len() > 3, "{}", solutions.len());
    refused(&without("solutions"), &["stdin:2: solutions: missing"]);
    refused(&without("solution_count"), &["stdin:2: solution_count: missing"]);
    refused(&without("goal"), &["stdin:2: goal: missing"]);
    refused(
        &change("/solutions", json!(solutions[..2])),
        &["stdin:2: solution_count: it is not"],
    );
    refused(
        &change("/solutions", json!(solutions[1..])),
        &["stdin:2: nonce: it is not the lowest"],
    );
    refused(
        &change("/solution_count", json!(2)),
        &["stdin:2: solution_count: it is not"],
    );
    refused(&change("/hash", json!("no hash")), &["stdin:2: hash: not a hash"]);
    refused(
        &change("/solutions/2/hash", json!("")),
        &["stdin:2: solutions[2].hash: not a hash"],
    );
    refused(
        &change("/solutions/2/hash", json!("0".repeat(64))),
        &["stdin:2: solutions[2].hash: nonce ", " hashes to 00"],
    );
    let next = solutions[2]["nonce"].as_u64().unwrap() + 1;
    refused(
        &change("/solutions/2/nonce", json!(next)),
        &["stdin:2: solutions[2].nonce: nonce ", "above the target"],
    );
    refused(
        &change("/solutions/2/nonce", json!(5)),
        &["stdin:2: solutions[2].nonce: it is outside its range"],
    );
    refused(&change("/status", json!("exhausted")), &["stdin:2: status: "]);
    refused(&change("/hashes", json!(999)), &["stdin:2: hashes: "]);
    refused(&change("/target", json!("f".repeat(64))), &["stdin:2: target: "]);
    refused(
        &change("/difficulty_bits", json!(9)),
        &["stdin:2: difficulty_bits: "],
    );
    refused(
        &change("/puzzle/template_hex", json!("313031{nonce}")),
        &["stdin:2: puzzle_id: "],
    );
    refused(
        &change("/puzzle/nonce", json!("decimal")),
        &["stdin:2: puzzle.nonce: "],
    );
    refused(
        &change("/goal/target", json!("x")),
        &["stdin:2: goal.target: 'x'"],
    );
    let mut salted = all.clone();
    salted[1]["puzzle"]["salt\n"] = json!(1);
    refused(&salted, &["stdin:2", "puzzle", "unknown field `salt\\n`"]);
}

/// A nonce is the lowest of its shard only if all below it were tested.
#[test]
fn a_lowest_that_nobody_can_know() {
    let mut lowest = shards(SEARCHES[0]);
    assert_eq!(lowest[0]["nonce"], 35_293);
    lowest[0]["hashes"] = json!(35_293);
    lowest[0]["hashes_per_second"] = json!(null);
    refused(&lowest, &["stdin:1: hashes: it tested too few nonces to know"]);
    lowest[0]["hashes"] = json!(35_294);
    assert_eq!(answer(&lowest)["nonce"], 35_293);
}

#[test]
fn a_field_that_is_there_twice() {
    let shards = shards(SEARCHES[0]);
    let twice = lines(&shards).replacen("{", "{\"nonce\":1,", 1);
    assert_complains(
        &paydirt_reads("merge", &twice),
        &twice,
        &["stdin:1", "duplicate field `nonce`"],
    );
}

/// One shard that says the puzzle is enough: the others' names are the same.
#[test]
fn results_without_the_puzzle() {
    let mut shards = shards(SEARCHES[1]);
    let right = answer(&shards);
    for at in [0, 2] {
        for field in ["puzzle", "goal", "solution_count"] {
            shards[at].as_object_mut().unwrap().remove(field);
        }
    }
    assert_eq!(answer(&shards), right);
    shards[0]["solutions"][1]["hash"] = json!("0".repeat(64));
    refused(&shards, &["stdin:1: solutions[1].hash"]);
    for field in ["puzzle", "goal"] {
        shards[1].as_object_mut().unwrap().remove(field);
    }
    refused(&shards, &["stdin:1: puzzle: missing"]);
}

/// What a result says of its puzzle is a job's spelling of it.
#[test]
fn a_result_is_a_job_again() {
    let result = &shards(SEARCHES[2])[0];
    let job = json!({"id": 1, "puzzle": result["puzzle"], "goal": result["goal"],
        "search": {"find": "all", "start": result["range"]["start"], "count": result["range"]["count"]}});
    let output = paydirt_reads("work", format!("{job}\n"));
    assert_eq!(code(&output), 0);
    let again: Value = serde_json::from_str(stdout(&output).lines().last().unwrap()).unwrap();
    assert_eq!(again["solutions"], result["solutions"]);
    assert_eq!(again["puzzle_id"], result["puzzle_id"]);
}
