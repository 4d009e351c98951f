//! `--resume FILE`: a search that ended before its time goes on where it was.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::common::{
    assert_refused, code, command, json, json_lines, paydirt, paydirt_reads, range, signal, spawn, stderr,
    stdout, validate,
};
use serde_json::{Value, json};

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("resume-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The file's content, valid under its schema.
#[track_caller]
fn content(file: &Path) -> Value {
    let content: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    validate(&content);
    content
}

/// A kernel that is slow enough everywhere, and how many nonces it tests in so many seconds here and now: a search of
/// that many is neither over before it can be interrupted nor longer than anybody waits.
const SLOW: &str = "--kernel reference --threads 2 --json";

fn nonces_in(seconds: f64) -> u64 {
    let result = json(&paydirt(format!(
        "mine --text rate --bits 200 --timeout 0.5 {SLOW}"
    )));
    (result["hashes_per_second"].as_f64().unwrap() * seconds) as u64
}

fn shown(file: &Path) -> String {
    format!("--resume '{}'", file.display())
}

/// What the results of two runs of one search have in common.
fn answer(result: &Value) -> Value {
    let mut answer = result.clone();
    let fields = answer.as_object_mut().unwrap();
    fields.retain(|name, _| !["elapsed_s", "hashes_per_second"].contains(&name.as_str()));
    answer
}

#[test]
fn time_limit_after_time_limit_comes_to_the_same_result() {
    let folder = folder("limits");
    let count = nonces_in(4.0);
    let search = format!("mine --text x --bits 200 --count {count} {SLOW}");
    let file = folder.join("search.json");
    let limited = format!("{search} --timeout 0.3 {}", shown(&file));
    let (mut hashes, mut elapsed) = (0, 0.0);
    for rounds in 1.. {
        let output = paydirt(&limited);
        assert_eq!(stderr(&output), "");
        let result = json(&output);
        assert!(result["elapsed_s"].as_f64().unwrap() >= elapsed + 0.3 || code(&output) == 1);
        let content = content(&file);
        if code(&output) == 1 {
            assert!(rounds > 1, "{count} hashes in 0.3 s");
            assert_eq!(content["next"], Value::Null);
            break;
        }
        assert_eq!((code(&output), &result["status"]), (4, &json!("timeout")));
        let done = result["hashes"].as_u64().unwrap();
        assert!(done > hashes, "each nonce is counted once");
        assert_eq!(content["next"], json!(done), "nothing above the point was tested");
        assert_eq!(content["elapsed_s"], result["elapsed_s"]);
        (hashes, elapsed) = (done, result["elapsed_s"].as_f64().unwrap());
        assert_eq!(result["range"], range(0, count.into()));
    }
    let again = paydirt(&limited);
    assert_eq!(code(&again), 1);
    let (result, whole) = (json(&again), json(&paydirt(&search)));
    assert_eq!(result, content(&file)["result"], "at once, and the same");
    assert_eq!(answer(&result), answer(&whole));
}

#[test]
fn what_was_found_is_found_again_at_once() {
    let folder = folder("found");
    let file = folder.join("search.json");
    for (find, more) in [("lowest", ""), ("first", ""), ("all", " --count 100000")] {
        fs::remove_file(&file).unwrap_or_default();
        let search = format!(
            "mine --text 100 --hex-zeros 4 --find {find}{more} --json {}",
            shown(&file)
        );
        let first = json_lines(&paydirt(&search));
        let again = json_lines(&paydirt(&search));
        // Solutions are told once.
        assert_eq!(again, first[first.len() - 1..], "{find}");
        assert_eq!(again[0]["nonce"], 35293);
        let words = paydirt(search.replace(" --json", ""));
        assert!(stdout(&words).starts_with("found       nonce 35293\n"));
    }
    // An interrupted shard knows that it is one.
    fs::remove_file(&file).unwrap();
    let search = format!(
        "mine --text 100 --hex-zeros 4 --count 100000 --shard 1/3 --json {}",
        shown(&file)
    );
    for _ in 0..2 {
        let result = json(&paydirt(&search));
        assert_eq!(result["shard"]["index"], 1);
    }
}

#[test]
fn all_nonces_there_are_can_be_gone_on_with() {
    let folder = folder("whole");
    let file = folder.join("search.json");
    let search = format!("mine --text x --bits 200 --timeout 0.1 --json {}", shown(&file));
    let hashes = |output| json(&output)["hashes"].as_u64().unwrap();
    let first = hashes(paydirt(&search));
    assert!(hashes(paydirt(&search)) > first);
    // The last of them, too.
    let file = folder.join("last.json");
    let search = format!(
        "mine --template '{{nonce}}' --nonce u64be --bits 0 --start 18446744073709551610 --find all --json {}",
        shown(&file)
    );
    let first = json_lines(&paydirt(&search));
    assert_eq!(first.len(), 7);
    assert_eq!(json_lines(&paydirt(&search)), first[6..]);
}

/// What is done before the end of a search that is killed at any moment, and gone on with, is the whole: no solution is
/// missing, and none is told twice once what is told again is dropped, as `resumed` says.
#[test]
fn killed_again_and_again() {
    let folder = folder("killed");
    let file = folder.join("search.json");
    let count = nonces_in(6.0);
    let search = format!("mine --text x --bits 12 --count {count} --find all {SLOW}");
    let resumed = format!("{search} {}", shown(&file));
    let mut told: Vec<u64> = Vec::new();
    let mut all_lines = String::new();
    // Each costs what was done since the file was last renewed.
    const MOST_KILLS: u32 = 3;
    let (mut kills, mut next) = (0, json!(0));
    let result = loop {
        let mut child = spawn(&resumed);
        // Somebody must read: a search waits for whoever is slow to.
        let mut stdout = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut lines = String::new();
            stdout.read_to_string(&mut lines).unwrap();
            lines
        });
        // Nobody knows how long it takes to do something: it is killed soon after it has.
        let is_to_die = kills < MOST_KILLS;
        let mut ended = !is_to_die;
        while !ended {
            std::thread::sleep(Duration::from_millis(7));
            ended = child.try_wait().unwrap().is_some();
            let now = file.exists().then(|| content(&file)["next"].clone());
            if now.is_some_and(|now| now != next) {
                break;
            }
        }
        if is_to_die && !ended {
            signal(&child, "KILL");
            kills += 1;
        }
        let code = child.wait().unwrap().code();
        let mut lines = reader.join().unwrap();
        next = content(&file)["next"].clone();
        if code.is_none() {
            // The last line may be half a line.
            lines.truncate(lines.rfind('\n').map_or(0, |end| end + 1));
        }
        all_lines.push_str(&lines);
        let mut result = None;
        for line in lines.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            validate(&line);
            let nonce = line["nonce"].as_u64();
            match line["type"].as_str().unwrap() {
                "resumed" => {
                    let from = line["next"].as_u64().unwrap();
                    assert!(from == 0 || !told.is_empty());
                    told.retain(|nonce| *nonce < from);
                    assert_eq!(line["solution_count"], told.len());
                }
                "solution" => told.push(nonce.unwrap()),
                _ => result = Some(line),
            }
        }
        if let Some(result) = result {
            assert_eq!(code, Some(0));
            break result;
        }
    };
    assert!(kills > 0);
    let whole = json_lines(&paydirt(&search));
    let (last, solutions) = whole.split_last().unwrap();
    let nonces: Vec<_> = solutions
        .iter()
        .map(|line| line["nonce"].as_u64().unwrap())
        .collect();
    assert_eq!(told, nonces);
    assert_eq!(answer(&result), answer(last));
    // A merge reads it all, one after the other, as it was written.
    let merged = json(&paydirt_reads("merge --json", &all_lines));
    assert_eq!(merged["solutions"].as_array().unwrap().len(), nonces.len());
}

#[test]
fn an_interrupted_stream_goes_on_and_merges() {
    let folder = folder("interrupted");
    let file = folder.join("search.json");
    let count = nonces_in(4.0);
    let search = format!(
        "mine --text x --bits 10 --count {count} --find all {SLOW} {}",
        shown(&file)
    );
    let mut both = String::new();
    let mut first = paydirt(format!("{search} --timeout 0.3"));
    assert_eq!(code(&first), 4);
    both.push_str(stdout(&first));
    first = paydirt(&search);
    assert_eq!(code(&first), 0);
    both.push_str(stdout(&first));
    let lines: Vec<Value> = both
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let nonces: Vec<_> = lines
        .iter()
        .filter(|line| line["type"] == "solution")
        .map(|line| line["nonce"].as_u64().unwrap())
        .collect();
    assert!(nonces.is_sorted_by(|a, b| a < b), "none is told twice");
    let merged = json(&paydirt_reads("merge --json", &both));
    assert_eq!(merged["solutions"].as_array().unwrap().len(), nonces.len());
    assert_eq!((&merged["hashes"], &merged["shards"]), (&json!(count), &json!(1)));
}

#[test]
fn another_search_is_refused_in_one_line() {
    let folder = folder("other");
    let file = folder.join("search.json");
    let search = |changed: &str| format!("mine {changed} --timeout 0.01 {}", shown(&file));
    assert_eq!(code(&paydirt(search("--text x --bits 200"))), 4);
    let before = fs::read(&file).unwrap();
    for (changed, words) in [
        ("--text y --bits 200", "its puzzle is another"),
        ("--text x --bits 200 --nonce dec:20", "its puzzle is another"),
        ("--text x --bits 201", "its goal is another"),
        (
            "--text x --bits 200 --start 1",
            "it searches 18446744073709551616 nonces from 0, not 18446744073709551615 nonces from 1",
        ),
        ("--text x --bits 200 --shard 0/2", "it searches "),
        ("--text x --bits 200 --find all", "it is to find lowest, not all"),
    ] {
        let words = &[
            "--resume",
            "search.json",
            "of another search",
            words,
            "another file",
        ];
        assert_refused(search(changed), words);
    }
    assert_eq!(fs::read(&file).unwrap(), before, "and left as it is");
}

#[test]
fn what_is_no_such_file_is_refused_and_left_alone() {
    let folder = folder("damaged");
    let file = folder.join("search.json");
    let search = format!("mine --text x --bits 200 --timeout 0.01 {}", shown(&file));
    assert_eq!(code(&paydirt(&search)), 4);
    let good = fs::read_to_string(&file).unwrap();
    let refused = |text: &[u8], words: &[&str]| {
        fs::write(&file, text).unwrap();
        assert_refused(&search, words);
        assert_eq!(fs::read(&file).unwrap(), text);
    };
    // Cut off anywhere, or a letter changed.
    for at in (41..good.len() - 2).step_by(41) {
        refused(&good.as_bytes()[..at], &["is damaged", "delete it"]);
        let mut other = good.clone().into_bytes();
        other[at] = if other[at] == b'0' { b'1' } else { b'0' };
        refused(&other, &["is damaged"]);
    }
    refused(
        good.replace("\"next\":", "\"next\": ").as_bytes(),
        &["is damaged"],
    );
    let newer = good.replace("paydirt.resume/1", "paydirt.resume/2");
    refused(newer.as_bytes(), &["a newer version (paydirt.resume/2)"]);
    refused(
        b"{\"schema\":\"paydirt.resume/12\",\"more\":1}",
        &["a newer version"],
    );
    for foreign in [
        &b""[..],
        b"export PATH\n",
        b"{}",
        b"{\"schema\":\"paydirt.mine/1\"}",
        b"\xff\xfe",
    ] {
        refused(foreign, &["is not a file of --resume", "give another name"]);
    }
    let beside = |place: &str| format!("mine --text x --bits 8 --resume '{place}'");
    assert_refused(beside(folder.to_str().unwrap()), &["is not a file"]);
    assert_refused(beside("/dev/null"), &["is not a file"]);
    assert_refused(beside(""), &["--resume", "a value is required"]);
    let nowhere = folder.join("none/search.json");
    assert_refused(
        beside(nowhere.to_str().unwrap()),
        &["cannot be written", "No such file"],
    );
}

/// The file with this content, with its checksum.
fn signed(content: &Value) -> String {
    use sha2::{Digest as _, Sha256};
    let mut text = content.to_string();
    text.pop();
    let sum = hex::encode(Sha256::digest(&text));
    format!("{text},\"sha256\":\"{sum}\"}}\n")
}

/// Some languages' numbers do not hold a nonce: its digits stand beside it. A file of before is read without them.
#[test]
fn digits_stand_beside_numbers_and_may_be_missing() {
    let folder = folder("digits");
    let file = folder.join("search.json");
    let search = format!(
        "mine --text 100 --hex-zeros 4 --find all --count 100000 --json {}",
        shown(&file)
    );
    assert_eq!(code(&paydirt(&search)), 0);
    let over = content(&file);
    assert_eq!(
        (&over["next_decimal"], &over["nonce_decimal"]),
        (&Value::Null, &json!("35293"))
    );
    // Half of it is done.
    let mut half = over.clone();
    let fields = half.as_object_mut().unwrap();
    fields.remove("sha256");
    for (name, value) in [
        ("next", json!(50_000)),
        ("next_decimal", json!("50000")),
        ("solution_count", json!(1)),
        ("result", Value::Null),
    ] {
        fields.insert(name.to_owned(), value);
    }
    let mut old = half.clone();
    old.as_object_mut()
        .unwrap()
        .retain(|name, _| !name.ends_with("_decimal"));
    for before in [&half, &old] {
        fs::write(&file, signed(before)).unwrap();
        validate(&content(&file));
        let lines = json_lines(&paydirt(&search));
        assert_eq!(
            (&lines[0]["next"], &lines[0]["next_decimal"]),
            (&json!(50_000), &json!("50000"))
        );
        assert_eq!(lines.last().unwrap()["nonce"], 35293);
        assert_eq!(content(&file)["nonce_decimal"], over["nonce_decimal"]);
    }
    for (name, wrong) in [
        ("next_decimal", json!("50001")),
        ("next_decimal", json!("050000")),
        ("nonce_decimal", json!("35292")),
    ] {
        let mut untrue = half.clone();
        untrue[name] = wrong;
        fs::write(&file, signed(&untrue)).unwrap();
        assert_refused(&search, &["is damaged"]);
    }
}

/// Two processes of one search would each undo what the other notes.
#[test]
fn a_file_in_use_is_refused() {
    let folder = folder("used");
    let file = folder.join("search.json");
    let search = format!("mine --text x --bits 200 --json {}", shown(&file));
    let mut child = spawn(&search);
    while !file.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_refused(&search, &["in use by another process"]);
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(code(&paydirt(format!("{search} --timeout 0.01"))), 4);
}

/// The words for people say where it goes on, on stderr.
#[test]
fn people_are_told_where_it_goes_on() {
    let folder = folder("words");
    let search = format!(
        "mine --text x --bits 200 --timeout 0.05 {}",
        shown(&folder.join("search.json"))
    );
    assert_eq!(stderr(&paydirt(&search)), "");
    let output = paydirt(&search);
    assert!(stderr(&output).starts_with("going on at nonce ") && stderr(&output).lines().count() == 1);
    assert!(stdout(&output).starts_with("timeout     no solution\n"));
}

/// A link stays one: what it leads to is renewed.
#[cfg(unix)]
#[test]
fn a_link_is_followed() {
    let folder = folder("link");
    let (file, link) = (folder.join("search.json"), folder.join("link"));
    let limit = "--timeout 0.01";
    let search = |place: &Path| format!("mine --text x --bits 200 {limit} {}", shown(place));
    assert_eq!(code(&paydirt(search(&file))), 4);
    let before = content(&file)["next"].clone();
    std::os::unix::fs::symlink("search.json", &link).unwrap();
    assert_eq!(code(&paydirt(search(&link))), 4);
    assert!(link.is_symlink());
    assert_ne!(content(&file)["next"], before);
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["link", "search.json"], "nothing is left beside it");
    // A bare name stands for a file in the folder where it runs.
    let output = command("mine --text x --bits 200 --timeout 0.01 --resume search.json")
        .current_dir(&folder)
        .output();
    assert_eq!(code(&output.unwrap()), 4);
}
