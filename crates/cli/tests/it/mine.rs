//! `paydirt mine` as other programs see it: its streams, its JSON, its exit codes.

use crate::common::{assert_refused, code, json, json_all, paydirt, range, stderr, stdout};
use serde_json::json;

const GENESIS: &str = concat!(
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3",
    "888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d00000000"
);

#[test]
fn the_teaching_chains_proofs() {
    for (last_proof, proof) in [("100", 35293), ("35293", 35089), ("35089", 119_678)] {
        let output = paydirt(format!("mine --text {last_proof} --hex-zeros 4 --json"));
        assert_eq!((code(&output), stderr(&output)), (0, ""));
        let report = json(&output);
        assert_eq!(report["nonce"], json!(proof));
        assert_eq!(report["status"], "found");
        assert!(report["hash"].as_str().unwrap().starts_with("0000"));
    }
}

#[test]
fn the_first_block_of_bitcoin() {
    let args = format!("mine --header {GENESIS} --start 2083000000 --count 500000");
    let output = paydirt(&args);
    assert_eq!(code(&output), 0);
    assert!(stdout(&output).contains("nonce 2083236893"));
    assert!(stdout(&output).contains("000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"));
    let report = json(&paydirt(format!("{args} --json")));
    assert_eq!(report["nonce_text"], "1dac2b7c");
    assert_eq!(report["nonce_decimal"], "2083236893");
    assert_eq!(report["range"], range(2_083_000_000, 500_000));
}

#[test]
fn an_exhausted_range_counts_every_nonce() {
    let output = paydirt("mine --text x --bits 200 --count 100000 --json");
    assert_eq!(code(&output), 1);
    let report = json(&output);
    assert_eq!(report["status"], "exhausted");
    assert_eq!(report["hashes"], 100_000);
    assert_eq!(report["nonce"], json!(null));
}

#[test]
fn a_long_search_says_from_which_figures_its_kernel_was_chosen() {
    let long = "mine --text x --bits 200 --start 100000000 --count 20000000 --json";
    let report = json(&paydirt(long));
    assert_eq!(report["hashes"], 20_000_000);
    let kernels = paydirt::Kernel::detected();
    match report.get("chosen") {
        Some(chosen) => {
            let names = |name: &str| kernels.iter().any(|kernel| kernel.name() == name);
            let rates = chosen["rates"].as_array().unwrap();
            assert_eq!(rates[0]["kernel"], chosen["kernel"]);
            assert!(rates.len() > 1 && rates.iter().all(|rate| names(rate["kernel"].as_str().unwrap())));
        }
        None => assert!(
            kernels.len() < 4,
            "one kernel, portable and reference: nothing to choose"
        ),
    }
    for (kernel, args) in [
        ("portable", "--kernel portable"),
        ("reference", "--kernel reference"),
    ] {
        let report = json(&paydirt(format!(
            "mine --text x --bits 200 --count 100000 --json {args}"
        )));
        assert_eq!((&report["kernel"], report.get("chosen")), (&json!(kernel), None));
    }
}

#[test]
fn a_time_limit_is_kept() {
    let output = paydirt("mine --text x --bits 200 --timeout 0.2 --json");
    assert_eq!(code(&output), 4);
    let report = json(&output);
    assert_eq!(report["status"], "timeout");
    assert!(report["elapsed_s"].as_f64().unwrap() >= 0.2);
}

#[test]
fn all_solutions_come_in_order() {
    let args = "mine --text x --bits 6 --count 1000 --find all --json";
    let report = json_all(&paydirt(args));
    let solutions = report["solutions"].as_array().unwrap();
    assert!(solutions.len() > 3, "about 16 are to be expected");
    let nonces: Vec<_> = solutions.iter().map(|s| s["nonce"].as_u64().unwrap()).collect();
    assert!(nonces.is_sorted());
    assert_eq!(report["nonce"], nonces[0]);
    assert_eq!(report["hashes"], 1000);
}

#[test]
fn shards_tile_the_range_and_their_lowest_is_the_answer() {
    let mut hashes = 0;
    let mut answers = Vec::new();
    for shard in ["0/3", "1/3", "2/3"] {
        let args = format!("mine --text 100 --hex-zeros 4 --count 100000 --shard {shard} --find all --json");
        let report = json_all(&paydirt(&args));
        hashes += report["hashes"].as_u64().unwrap();
        answers.extend(report["nonce"].as_u64());
    }
    assert_eq!(hashes, 100_000);
    assert_eq!(answers.iter().min(), Some(&35293));
}

#[test]
fn every_kernel_and_thread_count_gives_the_same_answer() {
    let info = json(&paydirt("info --json"));
    for kernel in info["kernels"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|k| k["detected"] == true)
    {
        for threads in ["1", "2", "3", "8"] {
            let name = kernel["name"].as_str().unwrap();
            let args = format!("mine --text 35089 --hex-zeros 4 --json --kernel {name} --threads {threads}");
            assert_eq!(
                json(&paydirt(&args))["nonce"],
                119_678,
                "{name}, {threads} threads"
            );
        }
    }
}

#[test]
fn bad_input_is_refused_in_one_line() {
    let zeros = "0".repeat(160);
    let long = "f".repeat(65);
    for (args, words) in [
        ("--header 0100f", &["--header", "0100f", "160 hex digits"][..]),
        ("--header zz", &["--header", "zz", "not a hex digit"]),
        (&format!("--header {zeros}"), &["--header", "zero", "--bits 20"]),
        ("--template ab --bits 1", &["--template", "ab", "{nonce}"]),
        (
            "--template {nonce}{nonce} --bits 1",
            &["--template", "2 times", "exactly one"],
        ),
        (
            "--template-hex abc{nonce} --bits 1",
            &["--template-hex", "abc{nonce}", "even"],
        ),
        (
            "--template-hex xx{nonce} --bits 1",
            &["--template-hex", "xx{nonce}", "not a hex digit"],
        ),
        (
            "--text x --nbits 00000000",
            &["--nbits", "00000000", "zero", "1d00ffff"],
        ),
        ("--text x --nbits 1d80ffff", &["--nbits", "1d80ffff", "negative"]),
        ("--text x --nbits 217fffff", &["--nbits", "217fffff", "overflows"]),
        (
            &format!("--text x --target {long}"),
            &["--target", "1 to 64", "65"],
        ),
        (
            "--text x --bits 8 --hex-zeros 2",
            &["--bits", "--hex-zeros", "give one"],
        ),
        (
            &format!("--text x --header {zeros}"),
            &["--header", "--text", "give one"],
        ),
        ("--text x --bits 8 --shard 3/3", &["--shard", "3/3", "0/3 to 2/3"]),
        ("--text x --bits 8 --shard 1", &["--shard", "'1'", "I/N"]),
        (
            "--text x --bits 8 --nonce dec:2 --start 90 --count 11",
            &["--count", "11", "at most 10"],
        ),
        (
            "--text x --bits 8 --nonce u32le --start 4294967296",
            &["--start", "4294967296", "4294967295"],
        ),
        (
            "--text x --bits 8 --threads 0",
            &["--threads", "'0'", "give 1 to "],
        ),
        ("--text x --bits 8 --kernel neon", &["--kernel", "neon", "auto"]),
        ("--text x --bits 8 --nonce u16", &["--nonce", "u16", "u32le"]),
        ("--text x --bits 8 --digest md5", &["--digest", "md5", "sha256d"]),
        (
            &format!("--header {GENESIS} --digest sha256"),
            &["--digest", "sha256", "--header"],
        ),
        ("--text x --bits many", &["--bits", "many", "20.5"]),
        ("--text x", &["goal", "--hex-zeros"]),
        ("--bits 8", &["puzzle", "--text"]),
        ("--text x --bits 8 --txet y", &["--txet", "--text"]),
        ("--text x --equals ab", &["--equals", "'ab'", "64"]),
        ("--text x --bits 8 --timeout -1", &["--timeout", "-1", "seconds"]),
    ] {
        assert_refused(format!("mine --json {args}"), words);
    }
}

#[test]
fn a_kernel_this_processor_lacks_is_refused() {
    let info = json(&paydirt("info --json"));
    for kernel in info["kernels"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|k| k["detected"] == false)
    {
        let name = kernel["name"].as_str().unwrap();
        assert_refused(
            format!("mine --text x --bits 8 --kernel {name}"),
            &["--kernel", name, "auto"],
        );
    }
}

#[cfg(unix)]
mod unix {
    use std::{io::Read as _, process::Stdio, time::Duration};

    use crate::common::{command, complaint, signal, spawn, validate};

    /// A puzzle that will not be solved in a lifetime.
    const ENDLESS: &str = "mine --text x --bits 200 --json";

    fn interrupt(name: &str) {
        let mut child = spawn(ENDLESS);
        // Its handler stands before it mines; half a second is ample even on a busy machine, and if it were not, the
        // signal would kill the process and the test would fail, not pass.
        std::thread::sleep(Duration::from_millis(500));
        signal(&child, name);
        let mut line = String::new();
        child.stdout.take().unwrap().read_to_string(&mut line).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130));
        let report: serde_json::Value = serde_json::from_str(&line).unwrap();
        validate(&report);
        assert_eq!(report["status"], "interrupted");
        assert!(report["hashes"].as_u64().unwrap() > 0);
    }

    #[test]
    fn ctrl_c_still_prints_the_result() {
        interrupt("INT");
    }

    #[test]
    fn a_polite_kill_still_prints_the_result() {
        interrupt("TERM");
    }

    /// `timeout` signals a process and then its group; a terminal and a service manager may do the like. The second of two
    /// signals that come together does not keep the result back.
    #[test]
    fn signals_that_come_together_are_one() {
        for signals in [
            "-TERM $1; kill -TERM $1",
            "-INT $1; kill -TERM $1",
            "-TERM $1; kill -INT $1; kill -TERM $1",
        ] {
            let mut child = spawn(ENDLESS);
            std::thread::sleep(Duration::from_millis(500));
            let script = format!("kill {signals}");
            let sent = std::process::Command::new("sh")
                .args(["-c", &script, "sh", &child.id().to_string()])
                .status();
            // The last may find it gone already.
            assert!(sent.unwrap().code().is_some());
            let mut line = String::new();
            child.stdout.take().unwrap().read_to_string(&mut line).unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(130), "{signals}");
            let report: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert_eq!(report["status"], "interrupted", "{signals}");
        }
    }

    /// Nobody reads its long result: it waits, and only a second signal ends it.
    #[test]
    fn a_second_signal_well_after_the_first_ends_it_at_once() {
        let mut child = spawn("mine --text x --bits 0 --count 100000 --find all --json");
        std::thread::sleep(Duration::from_secs(3));
        signal(&child, "INT");
        std::thread::sleep(Duration::from_secs(1));
        assert!(child.try_wait().unwrap().is_none(), "it waits for its reader");
        signal(&child, "INT");
        let since = std::time::Instant::now();
        while child.try_wait().unwrap().is_none() {
            assert!(since.elapsed() < Duration::from_secs(30), "it did not end");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(child.wait().unwrap().code(), Some(130));
    }

    /// A reader that goes away changes neither the exit code nor what stderr says: nothing.
    #[test]
    fn a_closed_pipe_is_no_error() {
        for (args, code) in [
            ("mine --text 100 --hex-zeros 4", 0),
            ("mine --text x --bits 200 --count 10", 1),
            ("mine --text x --bits 200 --timeout 0.01 --json", 4),
            ("verify --text 100 --hex-zeros 4 35292", 1),
            ("--help", 0),
        ] {
            let mut child = spawn(args);
            drop(child.stdout.take());
            let complaint = complaint(&mut child);
            assert_eq!(
                (child.wait().unwrap().code(), complaint.as_str()),
                (Some(code), ""),
                "{args:?}"
            );
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_a_failure_said_in_one_line() {
        for args in ["mine --text 100 --hex-zeros 4", "--help"] {
            let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
            let output = command(args)
                .stdout(full)
                .stderr(Stdio::piped())
                .output()
                .unwrap();
            assert_eq!(super::code(&output), 3, "{args:?}");
            let line = super::stderr(&output);
            assert!(
                line.starts_with("error: cannot write to stdout: ") && line.lines().count() == 1,
                "{line}"
            );
        }
    }
}
