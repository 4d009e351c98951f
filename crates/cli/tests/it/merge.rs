//! Shards over machines: they tile, they merge into the one answer, and a missing one is noticed.

use std::{fmt::Display, process::Output};

use crate::common::{
    assert_complains, assert_refused, code, command, json, json_all, paydirt, paydirt_reads, range, stderr,
    stdout,
};
use serde_json::json;

/// The teaching puzzle, whose lowest solution is 35293.
const PUZZLE: &str = "mine --text 100 --hex-zeros 4 --json --count";

fn mine(count: &str, args: impl Display) -> String {
    stdout(&paydirt(format!("{PUZZLE} {count} {args}"))).to_owned()
}

fn shards(count: &str, of: u32, args: impl Display) -> Vec<String> {
    let one = |index| mine(count, format!("--shard {index}/{of} {args}"));
    (0..of).map(one).collect()
}

fn merge(results: &str, args: impl Display) -> Output {
    paydirt_reads(format!("merge --json {args}"), results)
}

#[track_caller]
fn assert_not_merged(results: &str, args: impl Display, words: &[&str]) {
    assert_complains(&merge(results, args), results, words);
}

#[test]
fn shards_merge_into_the_answer_of_the_whole() {
    let whole: serde_json::Value = serde_json::from_str(&mine("300000", "")).unwrap();
    for of in [1, 2, 3, 7, 64] {
        let mut results = shards("300000", of, "");
        results.reverse(); // the order in which they come in does not matter
        let output = merge(&results.concat(), "");
        assert_eq!((code(&output), stderr(&output)), (0, ""));
        let merged = json(&output);
        for field in [
            "status",
            "find",
            "puzzle_id",
            "nonce",
            "nonce_decimal",
            "nonce_text",
            "hash",
            "message_hex",
            "target",
            "range",
        ] {
            assert_eq!(merged[field], whole[field], "{field} of {of} shards");
        }
        assert_eq!(merged["shards"], of);
    }
}

#[test]
fn more_shards_than_nonces() {
    let merged = json(&merge(&shards("3", 8, "").concat(), ""));
    assert_eq!(
        (&merged["status"], &merged["hashes"]),
        (&json!("exhausted"), &json!(3))
    );
}

#[test]
fn all_solutions_of_all_shards() {
    let whole = json_all(&paydirt(
        "mine --text 100 --hex-zeros 4 --json --find all --count 300000",
    ));
    let merged = json(&merge(&shards("300000", 5, "--find all").concat(), ""));
    assert_eq!(merged["solutions"], whole["solutions"]);
    assert_eq!(merged["hashes"], 300_000);
}

#[test]
fn a_whole_range_without_solution() {
    let output = merge(&shards("30000", 4, "").concat(), "");
    assert_eq!(code(&output), 1);
    assert_eq!(json(&output)["status"], "exhausted");
}

#[test]
fn all_two_to_the_64_nonces() {
    let merged = json(&merge(
        &{
            let args = "mine --text 100 --hex-zeros 4 --json --find first --shard";
            let shard = |index: &str| stdout(&paydirt(format!("{args} {index}"))).to_owned();
            shard("0/2") + &shard("1/2")
        },
        "",
    ));
    assert_eq!(merged["range"], range(0, 1 << 64));
    let one = "mine --text 100 --hex-zeros 4 --json";
    assert_eq!(json(&merge(stdout(&paydirt(one)), ""))["nonce"], 35293);
}

#[test]
fn a_missing_shard_is_named() {
    let results = shards("300000", 4, "");
    let without = |missing: usize| {
        let kept = results.iter().enumerate().filter(|(index, _)| *index != missing);
        kept.map(|(_, result)| result.as_str()).collect::<String>()
    };
    assert_not_merged(&without(0), "", &["nonces 0 to 74999 are missing", "0/4"]);
    assert_not_merged(&without(2), "", &["150000 to 224999", "2/4"]);
    assert_not_merged(&without(3), "", &["225000 to 299999", "3/4"]);
    assert_not_merged("", "", &["no result"]);
}

#[test]
fn a_shard_that_is_there_twice_is_named() {
    let results = shards("300000", 4, "");
    let twice = results.concat() + &results[1];
    assert_not_merged(&twice, "", &["75000 to 149999 are in both", "stdin:2", "stdin:5"]);
}

#[test]
fn ranges_cut_by_hand() {
    let cut = |start: &str, count: &str| mine(count, format!("--start {start}"));
    let (low, high) = (cut("0", "30000"), cut("30000", "20000"));
    let merged = json(&merge(&(high.clone() + &low), ""));
    assert_eq!(
        (&merged["nonce"], &merged["range"]),
        (&json!(35293), &range(0, 50_000))
    );
    merge(&(low.clone() + &high), "--start 0 --count 50000");
    assert_not_merged(
        &(low.clone() + &high),
        "--count 60000",
        &["50000 to 59999 are missing"],
    );
    assert_not_merged(&(low.clone() + &high), "--count 40000", &["outside"]);
    assert_not_merged(
        &(low.clone() + &cut("40000", "100")),
        "",
        &["30000 to 39999 are missing"],
    );
    assert_not_merged(&(low + &cut("29999", "100")), "", &["29999 to 29999 are in both"]);
}

#[test]
fn an_unfinished_shard_decides_only_what_it_can() {
    let endless = |shard: &str| {
        let args = "mine --text 100 --hex-zeros 4 --json --start 40000 --count 1000000000000";
        stdout(&paydirt(format!("{args} --shard {shard} --timeout 0"))).to_owned()
    };
    // Nothing was found, and one part timed out before it searched anything.
    let output = merge(&(endless("0/2") + &endless("1/2")), "");
    assert_eq!(code(&output), 4);
    assert_eq!(json(&output)["status"], "timeout");
    // Above the answer, an unfinished shard cannot change it; below, it can.
    let low = mine("40000", "");
    let high = mine("100000", "--start 40000 --timeout 0");
    let output = merge(&(low + &high), "");
    assert_eq!(code(&output), 0);
    assert_eq!(json(&output)["nonce"], 35293);
    let low = mine("20000", "--timeout 0");
    let high = mine("40000", "--start 20000");
    let output = merge(&(low + &high), "");
    assert_eq!(code(&output), 4);
    assert_eq!(json(&output)["nonce"], 35293, "the best known");
}

#[test]
fn results_that_do_not_belong_together() {
    let one = mine("100", "");
    let other = "mine --text 101 --hex-zeros 4 --json --start 100 --count 100";
    let other = stdout(&paydirt(other)).to_owned();
    assert_not_merged(&(one.clone() + &other), "", &["puzzles", "stdin:1", "stdin:2"]);
    let other = mine("100", "--start 100 --find all");
    assert_not_merged(&(one + &other), "", &["--find"]);
}

#[test]
fn a_result_that_contradicts_itself_decides_nothing() {
    let good = mine("100000", "");
    merge(&good, "");
    for (from, to, words) in [
        ("\"nonce\":35293", "\"nonce\":135293", "outside its range"),
        ("3130303335323933", "3130303335323934", "message_hex: it is not"),
        ("0000ffff", "00000fff", "puzzle_id: it is not"),
        (
            "\"status\":\"found\"",
            "\"status\":\"exhausted\"",
            "run that shard again",
        ),
        (
            "\"status\":\"found\"",
            "\"status\":\"fonud\"",
            "not a whole result",
        ),
        ("paydirt.mine/1", "paydirt.mine/2", "not a result of paydirt mine"),
        ("{\"schema\"", "\"schema\"", "not JSON"),
        ("\"hashes\"", "\"hashed\"", "missing field `hashes`"),
    ] {
        assert!(good.contains(from), "{from}");
        assert_not_merged(&good.replace(from, to), "", &[words, "stdin:1"]);
    }
}

#[test]
fn files_and_the_output_of_a_worker() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut jobs = String::new();
    for index in 0..3 {
        let shard = format!("{index}/3");
        let job = json!({"id": index, "puzzle": {"text": 100}, "goal": {"hex_zeros": 4},
            "search": {"count": 300_000, "shard": shard}});
        jobs.push_str(&format!("{job}\n"));
    }
    let answers = paydirt_reads("work", jobs).stdout;
    let file = folder.join("worker.jsonl");
    std::fs::write(&file, answers).unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(json(&paydirt(format!("merge --json {file}")))["nonce"], 35293);
    let readable = paydirt(format!("merge {file}"));
    assert!(
        stdout(&readable).starts_with("found       nonce 35293\n"),
        "{}",
        stdout(&readable)
    );
    assert_refused("merge no-such-file", &["FILE 'no-such-file'", "cannot be read"]);
    assert_refused(
        format!("merge {}", folder.to_str().unwrap()),
        &["FILE", "cannot be read"],
    );
    assert_refused(format!("merge --start 5 {file}"), &["--count", "needed"]);
}

#[test]
fn auto_takes_the_place_from_the_scheduler() {
    let run = |shard: &str, variables: &[(&str, &str)]| {
        let mut command = command(format!("{PUZZLE} 1000 --shard {shard}"));
        for name in ["ID", "COUNT", "MIN", "STEP"] {
            command.env_remove(format!("SLURM_ARRAY_TASK_{name}"));
        }
        command.env_remove("JOB_COMPLETION_INDEX");
        command.envs(variables.iter().copied()).output().unwrap()
    };
    let slurm = run(
        "auto",
        &[("SLURM_ARRAY_TASK_ID", "2"), ("SLURM_ARRAY_TASK_COUNT", "4")],
    );
    assert_eq!(json(&slurm)["range"], range(500, 250));
    assert_eq!(
        json(&slurm)["shard"],
        json!({"index": 2, "of": 4, "whole": range(0, 1000)})
    );
    let pod = run("auto/4", &[("JOB_COMPLETION_INDEX", "3")]);
    assert_eq!(json(&pod)["range"], range(750, 250));
    for (shard, variables, word) in [
        ("auto", &[][..], "SLURM_ARRAY_TASK_ID"),
        ("auto", &[("JOB_COMPLETION_INDEX", "3")], "auto/N"),
        ("auto/3", &[("JOB_COMPLETION_INDEX", "3")], "3/3"),
        (
            "auto",
            &[("SLURM_ARRAY_TASK_ID", "x"), ("SLURM_ARRAY_TASK_COUNT", "4")],
            "whole number",
        ),
    ] {
        assert_complains(&run(shard, variables), shard, &[word]);
    }
}
