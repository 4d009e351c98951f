//! `paydirt bench` as other programs see it.

use std::{fmt::Display, fs, path::PathBuf, process::Stdio};

use crate::common::{assert_refused, code, command, json, paydirt, stderr, stdout, validate};
use serde_json::{Value, json};

/// A folder of its own that is gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("paydirt-bench-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const SHORT: &str = "bench --seconds 0.02 --samples 3";

fn short(args: impl Display) -> std::process::Output {
    paydirt(format!("{SHORT} {args}"))
}

#[test]
fn sweeps_every_case_and_counts_every_hit() {
    let output = short("--kernel portable,reference --threads 1..2 --json");
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let report = json(&output);
    assert_eq!(
        (&report["status"], &report["schema"]),
        (&json!("done"), &json!("paydirt.bench/1"))
    );
    let rows = report["rows"].as_array().unwrap();
    let cases: Vec<_> = rows
        .iter()
        .map(|r| {
            (
                r["puzzle"].as_str().unwrap(),
                r["kernel"].as_str().unwrap(),
                r["threads"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected: Vec<_> = ["header", "text"]
        .iter()
        .flat_map(|p| {
            ["portable", "reference"]
                .iter()
                .flat_map(move |k| [1, 2].map(|t| (*p, *k, t)))
        })
        .collect();
    assert_eq!(cases, expected);
    for row in rows {
        let samples = row["samples"].as_array().unwrap();
        assert_eq!(samples.len(), 3);
        for sample in samples {
            assert_eq!(sample["hits"], sample["expected_hits"]);
            assert!(sample["hashes"].as_u64().unwrap() > 0);
            // Null where the system keeps no account of a thread's processor time; Linux does.
            let processor_s = sample["processor_s"].as_f64();
            assert_eq!(
                processor_s.is_some(),
                sample["hashes_per_processor_second"].is_number()
            );
            assert!(processor_s.is_some() || std::env::consts::OS != "linux");
            if let Some(processor_s) = processor_s {
                let rate = sample["hashes"].as_f64().unwrap() / processor_s;
                let told = sample["hashes_per_processor_second"].as_f64().unwrap();
                assert!((rate / told - 1.0).abs() < 1e-9);
            }
        }
        assert!(row.get("chosen").is_none(), "it was asked for");
        assert_eq!(row["ceiling"]["hashes_per_second"], Value::Null);
        // What these two are behind is what another kernel could do here, where there is another.
        let processor = &row["ceiling"]["processor"];
        let fast = paydirt::Kernel::detected().len() > 2;
        assert!(!fast || processor["share"].as_f64().unwrap() > 0.0, "{processor}");
        assert!(
            row["ceiling"]["basis"]
                .as_str()
                .unwrap()
                .contains("no operation count")
        );
    }
}

#[test]
fn the_terminals_table_fits_80_columns() {
    let output = short("--kernel all --threads 1,2");
    let table = stdout(&output)
        .lines()
        .skip_while(|line| !line.starts_with("puzzle "));
    let table: Vec<_> = table.take_while(|line| !line.is_empty()).collect();
    assert!(
        table[0].contains("per CPU s") && table[0].contains("machine"),
        "{table:?}"
    );
    assert!(table.iter().all(|line| line.chars().count() <= 80), "{table:#?}");
}

#[test]
fn auto_says_what_it_chose_from() {
    let report = json(&short("--puzzle text --threads 1 --json"));
    let row = &report["rows"][0];
    match row.get("chosen") {
        Some(chosen) => assert_eq!(
            (&chosen["kernel"], &chosen["rates"][0]["kernel"]),
            (&row["kernel"], &row["kernel"])
        ),
        None => assert!(
            paydirt::Kernel::detected().len() < 4,
            "one kernel, portable and reference"
        ),
    }
}

#[test]
fn the_hits_can_be_counted_again() {
    let report = json(&short("--puzzle header,text --threads 2 --json"));
    for row in report["rows"].as_array().unwrap() {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let (check, sample) = (&row["check"], &row["samples"][1]);
        let (template, nonce) = (text(&check["template_hex"]), text(&check["nonce"]));
        let (digest, order, bits) = (
            text(&check["digest"]),
            text(&check["hash_order"]),
            text(&check["bits"]),
        );
        let (start, count) = (
            text(&sample["ranges"][0]["start"]),
            text(&sample["ranges"][0]["count"]),
        );
        let mined = json(&paydirt(format!(
            "mine --template-hex {template} --nonce {nonce} --digest {digest} --hash-order {order} --bits {bits} --start {start} --count {count} --find all --kernel portable --json"
        )));
        assert_eq!(mined["hashes"], sample["hashes"]);
        assert_eq!(
            json!(mined["solutions"].as_array().unwrap().len()),
            sample["hits"]
        );
    }
}

#[test]
fn statistics_follow_from_the_raw_samples() {
    let report = json(&short("--puzzle text --threads 1 --json"));
    let row = &report["rows"][0];
    let mut rates: Vec<f64> = row["samples"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["hashes_per_second"].as_f64().unwrap())
        .collect();
    let first = &row["samples"][0];
    let rate = first["hashes"].as_f64().unwrap() / first["elapsed_s"].as_f64().unwrap();
    assert!((rate / rates[0] - 1.0).abs() < 1e-9);
    rates.sort_by(f64::total_cmp);
    let stats = &row["hashes_per_second"];
    assert_eq!(stats["median"], json!(rates[1]));
    assert_eq!(
        (&stats["min"], &stats["max"]),
        (&json!(rates[0]), &json!(rates[2]))
    );
    assert_eq!(row["hashes_per_second_per_thread"], json!(rates[1]));
}

#[test]
fn a_baseline_gives_changes_with_a_verdict() {
    let folder = Folder::new("baseline");
    let five = "bench --seconds 0.02 --samples 5 --threads 1 --kernel portable --json";
    let mut before = json(&paydirt(format!("{five} --puzzle text")));
    // As if it had been a million times as slow: on however busy a machine, it is faster now.
    for sample in before["rows"][0]["samples"].as_array_mut().unwrap() {
        sample["hashes_per_second"] = json!(sample["hashes_per_second"].as_f64().unwrap() / 1e6);
    }
    let file = folder.file("before.json");
    fs::write(&file, before.to_string()).unwrap();
    let report = json(&paydirt(format!("{five} --baseline {file}")));
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(
        rows[0]["change"],
        Value::Null,
        "the baseline has no header puzzle"
    );
    let change = &rows[1]["change"];
    assert_eq!(change["verdict"], "faster");
    let figure = |name: &str| change[name].as_f64().unwrap();
    assert!(figure("low_percent") <= figure("percent") && figure("percent") <= figure("high_percent"));
    assert!(figure("low_percent") > 0.0);
    assert_eq!(report["baseline"]["file"], json!(file));
    // The same through the results folder that holds it, and in words.
    fs::rename(&file, folder.file("bench.json")).unwrap();
    let folder_name = folder.0.to_str().unwrap();
    let output = short(format!(
        "--puzzle text --threads 1 --kernel portable --baseline {folder_name}"
    ));
    assert!(
        stdout(&output).contains("too few samples to say"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn files_and_pictures_are_written() {
    let folder = Folder::new("files");
    let (csv, md, png, svg) = (
        folder.file("b.csv"),
        folder.file("b.md"),
        folder.file("b.png"),
        folder.file("c.svg"),
    );
    let output = short(format!("--threads 1 --csv {csv} --markdown {md} --plot {png}"));
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let csv = fs::read_to_string(csv).unwrap();
    assert_eq!(csv.lines().count(), 3);
    assert!(csv.starts_with("puzzle,kernel,threads,samples,median,mean,standard_deviation,min,max,mad,"));
    let md = fs::read_to_string(md).unwrap();
    assert!(
        md.contains("| header |") && md.contains("](b.png)") && md.contains("paydirt bench --seconds 0.02"),
        "{md}"
    );
    assert_eq!(&fs::read(png).unwrap()[..8], b"\x89PNG\r\n\x1a\n");
    assert_eq!(code(&short(format!("--threads 1 --puzzle text --plot {svg}"))), 0);
    let svg = fs::read_to_string(svg).unwrap();
    for text in ["Hash rate by kernel and threads", "MH/s", "text: sha256 of"] {
        assert!(svg.contains(text), "{text}");
    }
}

#[test]
fn a_results_folder_is_named_and_filled() {
    let folder = Folder::new("save");
    let output = short(format!(
        "--threads 1 --save {} --json",
        folder.file("{date}-{cpu}")
    ));
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let printed = json(&output);
    let saved: Vec<_> = fs::read_dir(&folder.0)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let [results] = &saved[..] else {
        panic!("one folder, not {saved:?}")
    };
    let name = results.file_name().unwrap().to_str().unwrap();
    assert!(
        name.starts_with(&printed["machine"]["date"].as_str().unwrap()[..10]),
        "{name}"
    );
    let raw: Value = serde_json::from_str(&fs::read_to_string(results.join("bench.json")).unwrap()).unwrap();
    validate(&raw);
    assert_eq!(raw, printed);
    for file in ["bench.csv", "bench.md", "bench.svg"] {
        assert!(fs::metadata(results.join(file)).unwrap().len() > 100, "{file}");
    }
}

#[test]
fn threads_can_be_bound() {
    let report = json(&short("--threads 2 --puzzle text --pin --json"));
    assert_eq!(report["machine"]["pinned"], true);
    assert_eq!(report["rows"][0]["threads"], 2);
    assert_eq!(report["rows"][0]["pinned_threads"], 2);
    let free = json(&short("--threads 2 --puzzle text --json"));
    assert_eq!(free["machine"]["pinned"], false);
    assert_eq!(free["rows"][0]["pinned_threads"], 0);
}

/// What Linux itself says of the mining threads while they mine.
#[cfg(target_os = "linux")]
#[test]
fn bound_threads_may_run_on_one_processor_alone() {
    let mut child = command("bench --seconds 2 --samples 1 --threads 2 --puzzle text --pin")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let tasks = format!("/proc/{}/task", child.id());
    let processors = || -> Vec<String> {
        let threads = fs::read_dir(&tasks).into_iter().flatten().flatten();
        let status = threads.filter_map(|thread| fs::read_to_string(thread.path().join("status")).ok());
        let mining = status.filter(|status| status.starts_with("Name:\tminer-"));
        mining
            .filter_map(|status| {
                let line = status
                    .lines()
                    .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
                line.map(|list| list.trim().to_owned())
            })
            .collect()
    };
    let bound = |list: &String| list.bytes().all(|byte| byte.is_ascii_digit());
    // They come and go with each sample, and are bound a moment after they have come.
    let seen = loop {
        let now = processors();
        if now.len() == 2 && now.iter().all(bound) {
            break true;
        }
        if child.try_wait().unwrap().is_some() {
            break false;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    };
    let _ = child.kill();
    child.wait().unwrap();
    assert!(seen, "at no time were both threads bound to one processor each");
}

#[test]
fn bad_input_is_refused_before_anything_is_measured() {
    let folder = Folder::new("refused");
    let (text, other) = (folder.file("no.json"), folder.file("other.json"));
    fs::write(&text, "no JSON").unwrap();
    fs::write(&other, r#"{"schema":"paydirt.mine/1"}"#).unwrap();
    let missing = folder.file("missing/x.csv");
    for (args, words) in [
        ("--kernel fast", &["--kernel", "fast", "portable"][..]),
        ("--kernel portable,fast", &["--kernel", "\"fast\""]),
        ("--puzzle riddle", &["--puzzle", "riddle", "header"]),
        ("--threads 0", &["--threads", "'0'", "1,2,4"]),
        ("--threads 4..2", &["--threads", "backwards"]),
        ("--seconds 0", &["--seconds", "'0'", "0.5"]),
        ("--seconds -1", &["--seconds", "'-1'"]),
        ("--samples 0", &["--samples", "1 or more"]),
        ("--baseline /nonexistent.json", &["--baseline", "nonexistent"]),
        (
            &format!("--baseline {text}"),
            &["--baseline", "not the JSON", "paydirt bench --json"],
        ),
        (
            &format!("--baseline {other}"),
            &["--baseline", "paydirt.mine/1", "paydirt.bench/1"],
        ),
        ("--plot picture.gif", &["--plot", "picture.gif", ".svg or .png"]),
        (&format!("--csv {missing}"), &["--csv", "does not exist"]),
        (&format!("--save {text}"), &["--save", "a file"]),
    ] {
        assert_refused(format!("bench {args}"), words);
    }
}
