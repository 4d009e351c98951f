//! `paydirt chain` as other programs see it.

use std::{
    fs,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::common::{
    assert_refused, code, command, json, paydirt, paydirt_reads, signal, spawn, stderr, stdout, validate,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder with an easy ledger of `count` blocks after genesis, a minute apart.
fn ledger(count: usize) -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("ledger").display().to_string();
    let count = count.to_string();
    let output = paydirt(format!(
        "chain mine --count {count} --bits 1 --spacing 60 --data {data}"
    ));
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    (folder, data)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| {
            let value = serde_json::from_str(line).unwrap();
            validate(&value);
            value
        })
        .collect()
}

#[test]
fn mine_show_verify_stats() {
    let (_folder, data) = ledger(20);
    let mined = json(&paydirt(format!("chain mine --count 3 --data {data} --json")));
    assert_eq!(
        (&mined["status"], &mined["blocks"], &mined["length"]),
        (&json!("done"), &json!(3), &json!(24))
    );

    let verified = json(&paydirt(format!("chain verify --data {data} --json")));
    assert_eq!(
        (&verified["valid"], &verified["length"], &verified["tip"]),
        (&json!(true), &json!(24), &mined["tip"])
    );
    assert_eq!(verified["transactions"], 24);

    let shown = paydirt(format!("chain show --data {data} --json"));
    let blocks = lines(stdout(&shown));
    let indices: Vec<_> = blocks
        .iter()
        .map(|block| block["index"].as_u64().unwrap())
        .collect();
    assert_eq!(indices, (15..=24).collect::<Vec<_>>());
    for pair in blocks.windows(2) {
        assert_eq!(pair[1]["previous_hash"], pair[0]["hash"]);
    }
    let some = paydirt(format!("chain show --from 3 --limit 2 --data {data} --json"));
    assert_eq!(lines(stdout(&some)).len(), 2);
    for name in ["24", "latest", blocks[9]["hash"].as_str().unwrap()] {
        assert_eq!(
            json(&paydirt(format!("chain show {name} --data {data} --json"))),
            blocks[9]
        );
    }
    let readable = paydirt(format!("chain show 2 --data {data}"));
    assert!(
        stdout(&readable).contains("2024-01-01 00:01:00 UTC"),
        "{}",
        stdout(&readable)
    );

    let stats = json(&paydirt(format!("chain stats --data {data} --json")));
    assert_eq!(
        (&stats["length"], &stats["block_time_s"]["median"]),
        (&json!(24), &json!(60.0))
    );
    assert_eq!(stats["difficulty_bits"]["last"], 1.0);
}

#[test]
fn a_plot_in_the_terminal_and_as_a_picture() {
    let (folder, data) = ledger(50);
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (svg, png) = (file("chain.svg"), file("chain.PNG"));
    let output = paydirt(format!("chain stats --data {data} --plot {svg}"));
    assert_eq!(code(&output), 0);
    assert!(stdout(&output).contains("seconds to each block") && stdout(&output).contains('█'));
    let picture = fs::read_to_string(&svg).unwrap();
    assert!(
        picture.starts_with("<svg") && picture.contains("difficulty in bits") && picture.contains("<circle")
    );
    assert_eq!(
        code(&paydirt(format!("chain stats --data {data} --plot {png}"))),
        0
    );
    assert!(fs::read(&png).unwrap().starts_with(b"\x89PNG"));
    for (name, problem) in [
        ("chain.gif", "use .svg or .png"),
        ("none/chain.svg", "does not exist"),
    ] {
        let output = paydirt(format!("chain stats --data {data} --plot {}", file(name)));
        assert_eq!((code(&output), stdout(&output)), (2, ""));
        let stderr = stderr(&output);
        assert!(
            stderr.contains(problem) && stderr.lines().count() == 1,
            "{stderr}"
        );
    }
    // Numbers need no two blocks; a picture does, and says so.
    let (_other, data) = ledger(1);
    assert_eq!(code(&paydirt(format!("chain stats --data {data}"))), 0);
    let output = paydirt(format!("chain stats --data {data} --plot {}", file("no.svg")));
    assert_eq!(code(&output), 3);
    assert!(stderr(&output).contains("nothing to draw"));
}

#[test]
fn export_and_import() {
    let (folder, data) = ledger(12);
    let file = folder.path().join("chain.jsonl").display().to_string();
    let output = paydirt(format!("chain export {file} --data {data}"));
    assert_eq!((code(&output), stdout(&output)), (0, ""));
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(lines(&text).len(), 13);
    assert_eq!(stdout(&paydirt(format!("chain export --data {data}"))), text);

    let copy = folder.path().join("copy").display().to_string();
    let imported = json(&paydirt(format!("chain import {file} --data {copy} --json")));
    assert_eq!(
        (&imported["added"], &imported["known"], &imported["length"]),
        (&json!(12), &json!(1), &json!(13))
    );
    assert_eq!(stdout(&paydirt(format!("chain export --data {copy}"))), text);
    // Through a pipe, and again: all known.
    let imported = json(&paydirt_reads(
        format!("chain import - --data {copy} --json"),
        &text,
    ));
    assert_eq!((&imported["added"], &imported["known"]), (&json!(0), &json!(13)));
}

#[test]
fn bad_lines_are_refused_with_their_number() {
    let (folder, data) = ledger(6);
    let text = stdout(&paydirt(format!("chain export --data {data}"))).to_owned();
    let rows: Vec<_> = text.lines().collect();
    let import = |name: &str, rows: &[&str], words: &[&str]| {
        let file = folder.path().join(name).display().to_string();
        fs::write(&file, rows.join("\n")).unwrap();
        let copy = folder.path().join(format!("{name}-copy")).display().to_string();
        assert_refused(format!("chain import {file} --data {copy}"), words);
    };
    import("empty", &[], &["genesis"]);
    import("tail", &rows[1..], &["genesis"]);
    import("text", &["hello"], &["line 1", "not JSON"]);
    let forged = rows[3].replace("\"amount\":1", "\"amount\":9");
    import(
        "forged",
        &[rows[0], rows[1], rows[2], &forged],
        &["line 4", "Merkle root"],
    );
    import("gap", &[rows[0], rows[1], rows[3]], &["line 3", "parent"]);
    let sevens = rows[2].replace("\"index\":3", "\"index\":7");
    import(
        "index",
        &[rows[0], rows[1], rows[2], &sevens],
        &["line 4", "index is 7"],
    );
    // Good lines after the bad one are not in the ledger; blank ones are passed over, and counted.
    import(
        "middle",
        &[rows[0], "", rows[1], &forged, rows[2], rows[3]],
        &["line 4", "Merkle root"],
    );
    let copy = folder.path().join("middle-copy").display().to_string();
    let verified = json(&paydirt(format!("chain verify --data {copy} --json")));
    assert_eq!(verified["length"], 2);
    // Another network's blocks.
    let other = folder.path().join("other").display().to_string();
    paydirt(format!("chain mine --bits 2 --data {other}"));
    let file = folder.path().join("own").display().to_string();
    fs::write(&file, &text).unwrap();
    assert_refused(
        format!("chain import {file} --data {other}"),
        &["line 1", "another network"],
    );
}

#[test]
fn what_was_mined_is_kept_when_times_run_out() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().display().to_string();
    let args = format!("chain mine --bits 1 --data {data} --json");
    let output = paydirt(format!("{args} --count 1000 --spacing 10000000"));
    assert_eq!(code(&output), 3);
    assert!(stderr(&output).contains("smaller spacing"), "{}", stderr(&output));
    let report = json(&output);
    assert_eq!(report["status"], "failed");
    let blocks = report["blocks"].as_u64().unwrap();
    assert!((5..1000).contains(&blocks));
    let verified = json(&paydirt(format!("chain verify --data {data} --json")));
    assert_eq!(
        (&verified["length"], &verified["tip"]),
        (&json!(blocks + 1), &report["tip"])
    );
}

#[test]
fn what_is_no_ledger_is_never_made_one() {
    let (folder, data) = ledger(3);
    let file = folder.path().join("ledger").join("ledger.redb");
    let whole = fs::read(&file).unwrap();
    let mut bent = whole.clone();
    bent[0] ^= 1;
    for bytes in [&[][..], &whole[..100], &whole[..whole.len() / 2], &bent, b"hello"] {
        fs::write(&file, bytes).unwrap();
        let output = paydirt(format!("chain mine --data {data}"));
        assert_eq!((code(&output), stdout(&output)), (3, ""), "{} bytes", bytes.len());
        assert!(stderr(&output).contains("damaged"), "{}", stderr(&output));
        let output = paydirt(format!("chain verify --data {data} --json"));
        assert_eq!((code(&output), &json(&output)["valid"]), (1, &json!(false)));
        assert_eq!(fs::read(&file).unwrap(), bytes, "it is left as it was");
    }
}

/// Who looks at a block that is ahead of the clock is told so, in 80 columns too; a block of the past has no such thing.
#[test]
fn a_block_ahead_of_the_clock_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display();
    // An hour and a half ahead, which so long a half-life lets be; the test takes no half of one.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let spacing = now + 5_400 - u64::from(paydirt_ledger::GENESIS_TIME_S);
    let mined = paydirt(format!(
        "chain mine --bits 1 --block-time 600 --half-life 4000000000 --spacing {spacing} --data {data}"
    ));
    assert_eq!((code(&mined), stderr(&mined)), (0, ""));
    let show = |more: &str| format!("chain show {more} --data {data}");
    let blocks = lines(stdout(&paydirt(show("--json"))));
    assert_eq!(blocks[0].get("ahead_of_clock_s"), None);
    let ahead = blocks[1]["ahead_of_clock_s"].as_u64().unwrap();
    assert!((3_600..=5_400).contains(&ahead), "{ahead}");
    let latest = json(&paydirt(show("latest --json")));
    assert!(latest["ahead_of_clock_s"].is_u64());
    let words = "1 h ahead of the clock";
    let latest = paydirt(show("latest"));
    let line = stdout(&latest)
        .lines()
        .find(|line| line.starts_with("time"))
        .unwrap()
        .to_owned();
    assert!(line.ends_with(&format!("), {words}")), "{line}");
    // On the block's first line where its hash is below, else below.
    for (columns, at, before) in [("80", 4, "      1"), ("120", 3, "        ")] {
        let output = command(show("")).env("COLUMNS", columns).output().unwrap();
        let lines: Vec<_> = stdout(&output).lines().collect();
        assert!(lines.iter().all(|line| line.len() <= columns.parse().unwrap()));
        assert!(lines[at].ends_with(&format!("{before}  {words}")), "{lines:#?}");
        assert_eq!(stdout(&output).matches("ahead").count(), 1, "{lines:#?}");
    }
    // What it adds is passed over where blocks are read.
    let copy = folder.path().join("copy");
    let file = folder.path().join("blocks.jsonl");
    fs::write(&file, stdout(&paydirt(show("--json")))).unwrap();
    let import = paydirt(format!(
        "chain import {} --data {}",
        file.display(),
        copy.display()
    ));
    assert_eq!(code(&import), 0, "{}", stderr(&import));
}

#[test]
fn damage_is_found_and_named() {
    let (folder, data) = ledger(40);
    let file = folder.path().join("ledger").join("ledger.redb");
    let block = json(&paydirt(format!("chain show 30 --data {data} --json")));
    let mut root = hex::decode(block["merkle_root"].as_str().unwrap()).unwrap();
    root.reverse();
    let mut previous = hex::decode(block["previous_hash"].as_str().unwrap()).unwrap();
    previous.reverse();
    // With the version before them it is the block's own header, and not where its only transaction, whose id is the
    // root, is looked up.
    let version = block["version"].as_u64().unwrap() as u32;
    let needle = [version.to_le_bytes().to_vec(), previous, root].concat();
    let mut bytes = fs::read(&file).unwrap();
    let places: Vec<_> = (0..bytes.len() - needle.len())
        .filter(|at| bytes[*at..][..needle.len()] == needle[..])
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at + 44] ^= 1;
    }
    fs::write(&file, bytes).unwrap();
    let output = paydirt(format!("chain verify --data {data} --json"));
    assert_eq!(code(&output), 1);
    let report = json(&output);
    assert_eq!(
        (&report["valid"], &report["damaged_index"]),
        (&json!(false), &json!(30))
    );
    let output = paydirt(format!("chain show --data {data}"));
    assert_eq!((code(&output), stdout(&output)), (3, ""));
    assert!(
        stderr(&output).contains("block 30") && stderr(&output).lines().count() == 1,
        "{}",
        stderr(&output)
    );
}

#[test]
fn bad_input_is_refused_in_one_line() {
    let (folder, data) = ledger(2);
    let none = folder.path().join("none").display().to_string();
    for look in ["show", "verify", "export", "stats"] {
        assert_refused(format!("chain {look} --data {none}"), &["--data", "no ledger"]);
    }
    assert!(!folder.path().join("none").exists(), "nothing is made by looking");
    for (args, words) in [
        ("chain show 99", &["BLOCK", "99", "1 to 3"][..]),
        ("chain show x", &["BLOCK", "x"]),
        ("chain show --from x", &["--from"]),
        ("chain show 1 --limit 2", &["--limit"]),
        ("chain mine --count 0", &["--count"]),
        ("chain mine --spacing 0", &["--spacing"]),
        ("chain mine --bits 0", &["--bits", "1 to 224"]),
        ("chain mine --bits 7", &["network"]),
        ("chain mine --half-life 7", &["--half-life", "--block-time"]),
        ("chain mine --block-time 0", &["--block-time"]),
        ("chain import", &["FILE"]),
    ] {
        assert_refused(format!("{args} --data {data}"), words);
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let (_folder, data) = ledger(2000);
    let script = format!(
        "{} chain export --data {data} | head -1",
        env!("CARGO_BIN_EXE_paydirt")
    );
    let output = Command::new("bash")
        .args(["-o", "pipefail", "-c", &script])
        .output()
        .unwrap();
    assert_eq!((code(&output), stderr(&output)), (0, ""));
    assert_eq!(stdout(&output).lines().count(), 1);
}

#[cfg(unix)]
#[test]
fn an_interrupt_keeps_what_was_mined() {
    let (_folder, data) = ledger(1);
    let child = spawn(format!("chain mine --count 1000000000 --data {data} --json"));
    std::thread::sleep(std::time::Duration::from_millis(700));
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 130, "{}", stderr(&output));
    let report = json(&output);
    assert_eq!(report["status"], "interrupted");
    let verified = json(&paydirt(format!("chain verify --data {data} --json")));
    assert_eq!(
        (&verified["length"], &verified["tip"]),
        (&report["length"], &report["tip"])
    );
}

#[test]
fn asert_networks_are_made_and_kept() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().display().to_string();
    let args = format!("chain mine --bits 4 --block-time 10 --half-life 100 --data {data}");
    // Blocks a second apart are ten times too fast: the difficulty rises.
    let output = paydirt(format!("{args} --count 60 --spacing 1 --json"));
    json(&output);
    let stats = json(&paydirt(format!("chain stats --data {data} --json")));
    let next = stats["difficulty_bits"]["next"].as_f64().unwrap();
    // 59 blocks after the anchor, each 9 s early: 531 s are 5.3 half-lives.
    assert!((next - 9.31).abs() < 0.02, "{next}");
    assert!(stats["network"].as_str().unwrap().contains("\"half_life_s\":100"));
}

/// What cannot be looked at is not said to hold no ledger.
#[test]
fn a_folder_that_cannot_be_looked_at_is_not_missing() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let below = folder.path().join("file").join("below").display().to_string();
    let long = folder.path().join("x".repeat(300)).display().to_string();
    for data in [below, long] {
        for command in ["show", "verify", "stats", "import -"] {
            let output = paydirt(format!("chain {command} --data {data}"));
            let said = stderr(&output);
            assert_eq!(code(&output), 3, "{command}: {said}");
            assert!(
                said.contains("the ledger's file failed: /") && said.contains("(os error"),
                "{command}: {said}"
            );
            assert!(!said.contains("no ledger"), "{command}: {said}");
        }
    }
}

#[test]
fn a_database_of_another_program_is_named() {
    let folder = TempDir::new().unwrap();
    let database = redb::Database::create(folder.path().join("ledger.redb")).unwrap();
    let write = database.begin_write().unwrap();
    let table = redb::TableDefinition::<u64, u64>::new("theirs");
    write.open_table(table).unwrap().insert(1, 2).unwrap();
    write.commit().unwrap();
    drop(database);
    let data = folder.path().display().to_string();
    for command in ["show", "verify", "mine"] {
        assert_refused(
            format!("chain {command} --data {data}"),
            &["--data", "another program"],
        );
    }
}

/// Names of files do not reach the terminal as they are.
#[test]
fn escape_codes_in_names_are_written_out() {
    let folder = TempDir::new().unwrap();
    let (_ledger, data) = ledger(1);
    let name = "a\u{1b}[31mred\u{9b}2J";
    let path = folder.path().join(name).display().to_string();
    for line in [
        format!("chain import '{path}' --data {data}"),
        format!("chain export '{path}/x' --data {data}"),
        format!("chain show --data '{path}'"),
        format!("chain export '{path}' --data {data}"), // this one writes it, and says where
    ] {
        let output = paydirt(&line);
        let said = stderr(&output);
        assert!(said.contains("a\\u{1b}[31mred\\u{9b}2J"), "{said}");
        assert!(!said.trim_end().contains(char::is_control), "{said:?}");
    }
}
