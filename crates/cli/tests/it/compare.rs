//! `paydirt compare` as other programs see it.

use std::{fmt::Display, fs};

use crate::common::{assert_refused, code, json, paydirt, stderr, stdout};
use serde_json::{Value, json};

fn compare(args: impl Display) -> Value {
    let output = paydirt(format!("compare --json {args}"));
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    json(&output)
}

#[test]
fn levels_are_measured_and_the_tries_fit() {
    let report = compare("--bits 4..10:1.5 --samples 100");
    assert_eq!(report["status"], "done");
    let levels = report["levels"].as_array().unwrap();
    let bits: Vec<f64> = levels
        .iter()
        .map(|level| level["bits"].as_f64().unwrap())
        .collect();
    assert_eq!(bits, [4.0, 5.5, 7.0, 8.5, 10.0]);
    for level in levels {
        let samples = level["samples"].as_array().unwrap();
        assert_eq!(samples.len(), 100);
        let tries: f64 = samples.iter().map(|s| s["nonce"].as_f64().unwrap() + 1.0).sum();
        assert!((level["tries"]["mean"].as_f64().unwrap() - tries / 100.0).abs() < 1e-9);
        let expected = level["bits"].as_f64().unwrap().exp2();
        assert!((level["expected_tries"].as_f64().unwrap() / expected - 1.0).abs() < 1e-9);
        assert_eq!(level["measured"], true);
    }
    assert_eq!(report["fit"]["puzzles"], 500);
    assert_eq!(report["fit"]["fits"], true);
}

#[test]
fn puzzles_can_be_mined_again() {
    let report = compare("--bits 9.5 --samples 3 --seed 77");
    for (index, sample) in report["levels"][0]["samples"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        let prefix = format!("compare/77/9.5/{index}/");
        let mined = json(&paydirt(format!("mine --text {prefix} --bits 9.5 --json")));
        assert_eq!(mined["nonce"], sample["nonce"], "{prefix}");
    }
}

#[test]
fn the_same_seed_gives_the_same_luck_whatever_the_machine_does() {
    let luck = |args: &str| {
        let report = compare(format!("--bits 6,8 --samples 20 {args}"));
        (report["fit"].clone(), report["levels"][1]["tries"].clone())
    };
    let one = luck("--threads 1 --kernel portable");
    assert_eq!(one, luck("--threads 3 --kernel reference"));
    assert_ne!(one, luck("--seed 2"));
}

#[test]
fn hex_zeros_are_four_bits_each() {
    let zeros = compare("--hex-zeros 1..2 --samples 5");
    let bits = compare("--bits 4,8 --samples 5");
    let nonces = |report: &Value| -> Vec<Value> {
        let levels = report["levels"].as_array().unwrap().iter();
        levels
            .flat_map(|l| l["samples"].as_array().unwrap())
            .map(|s| s["nonce"].clone())
            .collect()
    };
    assert_eq!(nonces(&zeros), nonces(&bits));
}

#[test]
fn what_does_not_fit_the_budget_is_computed_and_says_so() {
    let report = compare("--bits 6,60,256 --samples 10 --budget 5");
    let levels = report["levels"].as_array().unwrap();
    assert_eq!(
        levels
            .iter()
            .map(|l| l["measured"].as_bool().unwrap())
            .collect::<Vec<_>>(),
        [true, false, false]
    );
    assert_eq!(levels[1]["tries"], Value::Null);
    assert_eq!(levels[1]["time_s"], Value::Null);
    let rate = report["rate"]["hashes_per_second"].as_f64().unwrap();
    let mean = levels[1]["expected_time_s"]["mean"].as_f64().unwrap();
    assert!((mean * rate / 60f64.exp2() - 1.0).abs() < 1e-9);
    let text = paydirt("compare --bits 6,60 --samples 10 --budget 0");
    assert_eq!(code(&text), 0);
    assert!(
        stdout(&text).contains("computed: 2 of 2 levels did not fit"),
        "{}",
        stdout(&text)
    );
}

#[test]
fn rates_of_others_and_the_hardest_level_in_time() {
    let args = "--bits 8 --samples 2 --rate phone=2MH/s --rate 1.5GH/s --within 500ms";
    let report = compare(args);
    let at = &report["levels"][0]["at_rates"];
    assert_eq!(
        (&at[0]["name"], &at[1]["name"]),
        (&json!("phone"), &json!("1.5GH/s"))
    );
    // 1 − (1 − 2^−8)^k ≥ 0.5 from k = 178 on.
    assert!((at[0]["p50_s"].as_f64().unwrap() - 178.0 / 2e6).abs() < 1e-12);
    let answer = &report["within"]["answers"][0];
    // A million tries, 95 %: p = 1 − 0.05^(10^−6), which is 18.35 bits.
    assert!(
        (answer["bits"].as_f64().unwrap() - 18.348_6).abs() < 1e-3,
        "{answer}"
    );
    assert_eq!(
        (&answer["whole_bits"], &answer["hex_zeros"]),
        (&json!(18), &json!(4))
    );
    let own = compare("--bits 8 --samples 2 --within 1s --quantile 0.5");
    assert_eq!(own["within"]["answers"][0]["name"], "this machine");
    let slow = compare("--bits 8 --samples 2 --within 1ms --rate 1H/s");
    assert_eq!(slow["within"]["answers"][0]["bits"], Value::Null);
}

#[test]
fn files_and_pictures_are_written() {
    let folder = std::env::temp_dir().join(format!("paydirt-compare-{}", std::process::id()));
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    fs::create_dir_all(&folder).unwrap();
    let output = paydirt(format!(
        "compare --bits 4..8 --samples 10 --rate a,b=1MH/s --csv {} --markdown {} --plot {} --save {}",
        file("c.csv"),
        file("c.md"),
        file("c.png"),
        file("saved")
    ));
    let read = |name: &str| fs::read(folder.join(name)).unwrap_or_default();
    let (csv, md, png) = (read("c.csv"), read("c.md"), read("c.png"));
    let (raw, svg) = (read("saved/compare.json"), read("saved/compare.svg"));
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let csv = String::from_utf8(csv).unwrap();
    assert_eq!(csv.lines().count(), 6);
    assert!(
        csv.lines()
            .next()
            .unwrap()
            .ends_with("\"a,b p50_s\",\"a,b p99_s\"")
    );
    assert!(String::from_utf8(md).unwrap().contains("](c.png)"));
    assert!(png.starts_with(b"\x89PNG"));
    crate::common::validate(&serde_json::from_slice(&raw).unwrap());
    let svg = String::from_utf8(svg).unwrap();
    for text in ["Time to solve a puzzle", "leading zero bits", "a,b (1.00 MH/s)"] {
        assert!(svg.contains(text), "{text}");
    }
}

#[test]
fn bad_input_is_refused_in_one_line() {
    for (args, words) in [
        ("--bits 12..8", &["--bits", "backwards"][..]),
        ("--bits 8..257", &["--bits", "257", "between 0 and 256"]),
        ("--bits x", &["--bits", "12..24:0.5"]),
        ("--hex-zeros 1.5", &["--hex-zeros", "whole"]),
        ("--hex-zeros 65", &["--hex-zeros", "64"]),
        (
            "--bits 8 --hex-zeros 2",
            &["--hex-zeros", "--bits", "one of the two"],
        ),
        ("--samples 0", &["--samples", "1 or more"]),
        ("--budget -1", &["--budget", "-1", "60"]),
        ("--rate fast", &["--rate", "fast", "1.5GH/s"]),
        ("--rate a=1 --rate a=2", &["--rate", "a=2", "its own"]),
        ("--within soon", &["--within", "soon", "500ms"]),
        ("--within 1s --quantile 1", &["--quantile", "between 0 and 1"]),
        ("--quantile 0.5", &["--quantile", "--within"]),
        ("--seed one", &["--seed", "one", "digits"]),
        ("--plot x.jpg", &["--plot", ".svg or .png"]),
        ("--threads 0", &["--threads", "0"]),
    ] {
        assert_refused(format!("compare {args}"), words);
    }
}
