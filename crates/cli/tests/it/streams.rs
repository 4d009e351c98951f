//! `mine --find all`: solutions as they are confirmed, at the reader's pace.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
    time::Duration,
};

use crate::common::{
    assert_complains, code, command, complaint, json, json_all, json_lines, paydirt, paydirt_reads, signal,
    spawn, stderr, stdout, validate,
};
use serde_json::{Value, json};

/// Every nonce is a solution, and there are more than anybody wants.
const EASY: &str = "mine --text x --bits 0 --find all";

#[test]
fn lines_come_before_the_result_and_say_the_same_in_words() {
    let search = "mine --text x --bits 6 --count 3000 --start 5 --find all";
    let output = paydirt(format!("{search} --json"));
    let lines = json_lines(&output);
    let (result, solutions) = lines.split_last().unwrap();
    assert_eq!(
        (&result["schema"], &result["type"]),
        (&json!("paydirt.mine/1"), &json!("result"))
    );
    assert_eq!(result.get("solutions"), None);
    assert_eq!(result["nonce"], solutions[0]["nonce"]);
    let words = paydirt(search);
    assert_eq!((code(&words), stderr(&words)), (0, ""));
    let shown = |line: &Value| {
        let (hash, nonce) = (line["hash"].as_str().unwrap(), &line["nonce"]);
        format!("solution    {hash} {nonce}\n")
    };
    let told: String = solutions.iter().map(shown).collect();
    let rest = stdout(&words).strip_prefix(&told).unwrap();
    let first = format!(
        "found       nonce {}\nsolutions   {}\n",
        result["nonce"],
        solutions.len()
    );
    assert!(rest.starts_with(&first), "{rest}");
}

#[test]
fn a_range_without_solutions_has_a_result_only() {
    let output = paydirt("mine --text x --bits 200 --count 3000 --find all --json");
    assert_eq!(code(&output), 1);
    let result = json_all(&output);
    assert_eq!(
        (&result["status"], &result["solution_count"]),
        (&json!("exhausted"), &json!(0))
    );
    let output = paydirt("mine --text x --bits 200 --count 3000 --find all");
    assert!(stdout(&output).starts_with("exhausted   no solution\nsolutions   0\n"));
}

/// Without end: so they are not collected. The first lines come, and ascend.
#[test]
fn an_interrupt_ends_it_with_a_result_of_all_that_was_told() {
    let mut child = spawn(format!("{EASY} --json"));
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    for expected in 0..50_000 {
        line.clear();
        output.read_line(&mut line).unwrap();
        let solution: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(solution["nonce"], expected);
    }
    signal(&child, "INT");
    let mut last = 49_999;
    let result = loop {
        line.clear();
        output.read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        if told["type"] == "result" {
            break told;
        }
        last += 1;
        assert_eq!(told["nonce"], last);
    };
    validate(&result);
    assert_eq!(result["status"], "interrupted");
    assert_eq!(result["solution_count"], last + 1);
    assert_eq!(result["hashes"], last + 1, "every nonce is one");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

/// While nobody reads, the search rests: what it holds is bounded, whatever the time.
#[cfg(target_os = "linux")]
#[test]
fn a_slow_reader_holds_the_search_and_not_its_solutions() {
    let mut child = spawn(EASY);
    let stat = format!("/proc/{}/stat", child.id());
    let ticks = || -> u64 {
        let stat = std::fs::read_to_string(&stat).unwrap();
        let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    // Once everything is full, it takes no time of a processor any more, but to look whether it should end.
    let mut before = ticks();
    loop {
        std::thread::sleep(Duration::from_millis(500));
        let now = ticks();
        if now <= before + 10 && now > 0 {
            break;
        }
        before = now;
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kib < 100 << 10, "{kib} KiB");
    drop(child.stdout.take());
    let complaint = complaint(&mut child);
    assert_eq!((child.wait().unwrap().code(), &*complaint), (Some(0), ""));
}

/// Whether or not there is something to write: a reader that has enough ends the search, quietly.
#[test]
fn a_reader_that_goes_away_ends_it() {
    for (search, lines) in [(EASY, 3), ("mine --text x --bits 200 --find all --json", 0)] {
        let mut child = spawn(search);
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        for _ in 0..lines {
            assert!(output.read_line(&mut line).unwrap() > 0);
        }
        drop(output);
        let complaint = complaint(&mut child);
        assert_eq!(
            (child.wait().unwrap().code(), &*complaint),
            (Some(0), ""),
            "{search}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_it_with_a_failure() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command(EASY)
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(code(&output), 3);
    assert!(
        stderr(&output).starts_with("error: cannot write to stdout: ")
            && stderr(&output).lines().count() == 1
    );
}

/// Streams of shards merge as their results do; one that was cut off, or belongs to nothing, is refused by its line.
#[test]
fn streams_are_merged() {
    let search = "mine --text 100 --hex-zeros 3 --count 30000 --find all --json";
    let whole = json_all(&paydirt(search));
    let shards: Vec<String> = (0..3)
        .map(|shard| stdout(&paydirt(format!("{search} --shard {shard}/3"))).to_owned())
        .collect();
    let merge = |streams: &str| paydirt_reads("merge --json", streams);
    let merged = json(&merge(&shards.concat()));
    assert_eq!(merged["solutions"], whole["solutions"]);
    let without = |at: usize| {
        let lines = shards[0].lines().enumerate().filter(|(line, _)| *line != at);
        let lines: String = lines.map(|(_, line)| format!("{line}\n")).collect();
        lines + &shards[1] + &shards[2]
    };
    let last = shards[0].lines().count() - 1;
    assert_complains(&merge(&without(0)), "first", &["nonce: it is not the lowest"]);
    assert_complains(
        &merge(&without(1)),
        "second",
        &["solution_count: it is not the number"],
    );
    // Then they would be the next shard's.
    assert_complains(
        &merge(&without(last)),
        "result",
        &["solutions[0].nonce: it is outside its range"],
    );
    let cut = shards[0].lines().next().unwrap();
    assert_complains(&merge(cut), "cut off", &["stdin:1", "its result is missing"]);
    let lowest = stdout(&paydirt("mine --text 100 --hex-zeros 3 --json")).to_owned();
    let other = format!("{cut}\n{lowest}");
    assert_complains(&merge(&other), "other", &["stdin:2", "no result of --find all"]);
}
