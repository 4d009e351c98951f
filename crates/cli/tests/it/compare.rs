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
        for form in ["nonce", "nonce_decimal"] {
            assert_eq!(mined[form], sample[form], "{prefix}");
        }
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
    assert_eq!(report["within"]["chosen"]["bits"], 18.0);
    assert_eq!(report["within"]["chosen"]["weakest"], "phone");
    assert_eq!(report["within"]["chosen"]["strongest"], "1.5GH/s");
    // A mean of 2^18 tries at 1.5 billion a second.
    let strongest = &report["within"]["answers"][1]["at_chosen"];
    let an_hour = strongest["solutions_per_hour"].as_f64().unwrap();
    assert!((an_hour / (1.5e9 * 3600.0 / 18f64.exp2()) - 1.0).abs() < 1e-9);
    assert_eq!(strongest["cost_of_1000"], Value::Null);
    let own = compare("--bits 8 --samples 2 --within 1s --quantile 0.5");
    assert_eq!(own["within"]["answers"][0]["name"], "this machine");
    let slow = compare("--bits 8 --samples 2 --within 1ms --rate 1H/s");
    assert_eq!(slow["within"]["answers"][0]["bits"], Value::Null);
    assert_eq!(slow["within"]["chosen"], Value::Null);
}

#[test]
fn rates_have_names_sources_and_prices() {
    let args = "--bits 20 --samples 1 --budget 0 --rate python --rate farm=10*gpu --price 0.50/h";
    let report = compare(args);
    let rates = &report["rates"];
    assert_eq!(rates[0]["name"], "python");
    assert!(
        rates[0]["source"].as_str().unwrap().contains("results/"),
        "{rates}"
    );
    assert!(
        rates[1]["source"].as_str().unwrap().contains("https://"),
        "{rates}"
    );
    assert_eq!(rates[1]["hashes_per_second"], 219_755_000_000f64);
    // Without a name it is the strongest's.
    assert_eq!(
        (&rates[0]["price_per_hour"], &rates[1]["price_per_hour"]),
        (&Value::Null, &json!(0.5))
    );
    let at = &report["levels"][0]["at_rates"][1];
    let an_hour = 219_755e6 * 3600.0 / 20f64.exp2();
    assert!((at["solutions_per_hour"].as_f64().unwrap() / an_hour - 1.0).abs() < 1e-9);
    assert!((at["cost_of_1000"].as_f64().unwrap() / (500.0 / an_hour) - 1.0).abs() < 1e-9);
    assert_eq!(report["levels"][0]["cost_of_1000"], Value::Null);
    let own = compare("--bits 8 --samples 2 --price 24/d");
    assert_eq!(own["price_per_hour"], 1.0);
    let level = &own["levels"][0];
    let [an_hour, cost] = ["solutions_per_hour", "cost_of_1000"].map(|name| level[name].as_f64().unwrap());
    assert!((an_hour * cost / 1000.0 - 1.0).abs() < 1e-9, "{level}");
    let rate = own["rate"]["hashes_per_second"].as_f64().unwrap();
    assert!((an_hour / (rate * 3600.0 / 256.0) - 1.0).abs() < 1e-9, "{own}");
}

#[test]
fn puzzles_in_parts_take_less_luck() {
    let report = compare("--bits 2,20 --samples 1 --budget 0 --split 16 --rate phone=2MH/s --within 2s");
    assert_eq!(
        report["levels"][0]["split"],
        Value::Null,
        "2 bits are too few for 16 puzzles"
    );
    let level = &report["levels"][1];
    let split = &level["split"];
    assert_eq!((&split["puzzles"], &split["bits"]), (&json!(16), &json!(16.0)));
    // Sixteen exponential times are a gamma distribution: its 99 % lies at 26.7 / 16 of its mean.
    let means = split["p99_in_means"].as_f64().unwrap();
    assert!((means - 1.6715).abs() < 1e-3, "{means}");
    let at = &level["at_rates"][0];
    let [p99, split_p99] = ["p99_s", "split_p99_s"].map(|name| at[name].as_f64().unwrap());
    assert!((p99 / split_p99 - 4.605 / 1.6715).abs() < 1e-2, "{at}");
    let whole = compare("--bits 20 --samples 1 --budget 0 --rate phone=2MH/s --within 2s");
    let bits = |report: &Value| report["within"]["answers"][0]["bits"].as_f64().unwrap();
    assert!(
        bits(&report) > bits(&whole) + 0.5,
        "{} {}",
        bits(&report),
        bits(&whole)
    );
}

/// Whatever is computed is a number that JSON can hold, at the ends of what is taken as well.
#[test]
fn extremes_are_numbers() {
    for rate in ["1e-9H/s", "1e40"] {
        for price in ["1e-20/h", "1e20/h"] {
            for rest in [
                "--within 1e300y --split 65536",
                "--within 1ns --split 3",
                "--within 1e300y",
            ] {
                compare(format!(
                    "--bits 0,1,17,255,256 --samples 1 --budget 0 --rate {rate} --price {price} {rest}"
                ));
            }
        }
    }
}

#[test]
fn hex_zeros_are_shown_and_chosen() {
    let report = compare("--hex-zeros 1..2 --samples 2 --rate phone=2MH/s --within 500ms");
    assert_eq!(report["levels"][1]["hex_zeros"], 2);
    assert_eq!(report["within"]["chosen"]["hex_zeros"], 4);
    assert_eq!(report["within"]["chosen"]["bits"], 16.0);
    let text = paydirt("compare --hex-zeros 1..2 --samples 2");
    assert!(stdout(&text).contains("bits  zeros"), "{}", stdout(&text));
    let bits = compare("--bits 4 --samples 2");
    assert_eq!(bits["levels"][0]["hex_zeros"], Value::Null);
}

#[test]
fn the_rate_is_by_processor_time_where_the_system_tells_it() {
    let report = compare("--bits 14 --samples 100 --threads 2");
    let rate = &report["rate"];
    let each = rate["hashes_per_processor_second"].as_f64();
    if cfg!(target_os = "linux") {
        let workers = report["machine"]["logical_processors"].as_f64().unwrap().min(2.0);
        let quota = report["machine"]["quota_processors"].as_f64().unwrap_or(workers);
        let expected = each.unwrap() * workers.min(quota);
        assert!((rate["hashes_per_second"].as_f64().unwrap() / expected - 1.0).abs() < 1e-9);
        let samples = report["levels"][0]["samples"].as_array().unwrap();
        assert!(samples.iter().all(|sample| sample["processor_s"].is_f64()));
    }
}

/// No table is wider than a terminal of 80 columns, whatever is asked for, as long as names are short.
#[test]
fn every_table_fits_80_columns() {
    let rates = "--rate browser-js --rate gpu --rate asic --price gpu=0.40/h --price asic=1/d";
    for levels in ["--bits 0..4,20.5,64,256", "--hex-zeros 1,2,16,64"] {
        let asked = format!("compare {levels} --samples 100 --budget 1 {rates} --within 2s --split 4");
        let output = crate::common::command(asked)
            .env("COLUMNS", "80")
            .output()
            .unwrap();
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let text = stdout(&output);
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}\n{text}");
        }
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for title in [
            "others, computed",
            "as 4 puzzles",
            "prices, computed",
            "the hardest",
        ] {
            assert!(words.contains(title), "{title}: {text}");
        }
    }
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
            .contains(",\"a,b p50_s\",\"a,b p95_s\",\"a,b p99_s\",")
    );
    assert!(String::from_utf8(md).unwrap().contains("](c.png)"));
    assert!(png.starts_with(b"\x89PNG"));
    crate::common::validate(&serde_json::from_slice(&raw).unwrap());
    let svg = String::from_utf8(svg).unwrap();
    for text in [
        "Time to solve a puzzle",
        "leading zero bits",
        "mean, computed: a,b (1.00 MH/s)",
    ] {
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
        ("--rate pythons", &["--rate", "pythons", "browser-js"]),
        ("--rate 2*", &["--rate", "2*"]),
        ("--price 0.10", &["--price", "0.10", "0.10/h"]),
        ("--price gpu=1/h", &["--price", "gpu=1/h", "give that rate"]),
        (
            "--rate gpu --price cpu=1/h",
            &["--price", "cpu=1/h", "use one of gpu"],
        ),
        (
            "--rate gpu --price 1/h --price gpu=2/h",
            &["--price", "a second price"],
        ),
        ("--split 0", &["--split", "1 or more"]),
        ("--split 65537", &["--split", "65536 at most"]),
        ("--split 1.5", &["--split", "whole"]),
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
