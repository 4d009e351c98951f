//! Streams that whoever starts the program has closed: a result that goes nowhere is a failure, words that do are none.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Output, Stdio},
};

use crate::common::{code, command, json, paydirt, stderr, stdout};

/// The program under a shell that redirects its streams, as in `redirected("info", ">&-")`.
fn redirected(line: &str, redirections: &str) -> Command {
    let inner = command(line);
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(format!("exec \"$0\" \"$@\" {redirections}"))
        .arg(inner.get_program())
        .args(inner.get_args());
    for (name, _) in inner.get_envs() {
        shell.env_remove(name);
    }
    shell
}

fn run(line: &str, redirections: &str) -> Output {
    redirected(line, redirections).output().unwrap()
}

const COMPLAINT: &str = "error: cannot write to stdout: it is closed\n";

#[test]
fn a_closed_stdout_is_a_failure_whatever_would_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display();
    let mined = paydirt(format!("chain mine --data {data}"));
    assert_eq!((code(&mined), stderr(&mined)), (0, ""));
    let lines = [
        "--help",
        "--version",
        "mine --help",
        "mine --text 100 --hex-zeros 4",
        "mine --text 100 --hex-zeros 4 --json",
        "mine --text 100 --hex-zeros 3 --count 9000 --find all",
        "mine --text 100 --hex-zeros 3 --count 9000 --find all --json",
        "mine --text 100 --bits 200 --count 10",
        "mine --text 100 --bits 200", // without end, if it began
        "verify --text 100 --hex-zeros 4 35293",
        "verify --text 100 --hex-zeros 4 35293 --json",
        "info",
        "info --json",
        "man",
        "man chain mine",
        "completions bash",
        "hashtopolis keyspace --text 100 --hex-zeros 4",
        &format!("chain show --data {data}"),
        &format!("chain show --data {data} --json"),
        &format!("chain show latest --data {data}"),
        &format!("chain verify --data {data}"),
        &format!("chain stats --data {data}"),
        &format!("chain export --data {data}"),
        &format!("chain mine --data {data}"),
    ];
    for line in lines {
        let output = run(line, "</dev/null >&-");
        assert_eq!((code(&output), stderr(&output)), (3, COMPLAINT), "{line}");
    }
    for line in [
        "bench --threads 1 --kernel reference --puzzle text --samples 1 --csv -",
        "compare --bits 4 --samples 2 --json",
    ] {
        let output = run(line, "</dev/null >&-");
        assert!(
            code(&output) == 3 && stderr(&output).ends_with(COMPLAINT),
            "{line}: {}",
            stderr(&output)
        );
    }
    let job = "'{\"id\":1,\"puzzle\":{\"text\":\"100\"},\"goal\":{\"hex_zeros\":4}}'";
    let script = format!("echo {job} | \"$0\" work >&-");
    let output = Command::new("sh")
        .args(["-c", &script])
        .arg(command("").get_program())
        .output()
        .unwrap();
    assert_eq!((code(&output), stderr(&output)), (3, COMPLAINT));
}

#[test]
fn what_writes_nothing_there_does_not_miss_it() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().display();
    let output = run(&format!("man --out {pages}"), ">&-");
    assert_eq!((code(&output), stderr(&output)), (0, ""));
    let output = run("mine --text 100", ">&-");
    assert_eq!(code(&output), 2, "{}", stderr(&output));
}

/// A measurement takes its time: what goes to files is there all the same.
#[test]
fn files_are_written_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("times.csv");
    let line = format!("compare --bits 4 --samples 2 --csv {}", file.display());
    let output = run(&line, ">&-");
    assert!(code(&output) == 3 && stderr(&output).ends_with(COMPLAINT));
    assert!(std::fs::read_to_string(file).unwrap().lines().count() > 1);
}

#[test]
fn stdout_that_leads_nowhere_on_purpose_is_none() {
    for line in ["mine --text 100 --hex-zeros 4", "info --json", "--version"] {
        let output = run(line, ">/dev/null");
        assert_eq!((code(&output), stderr(&output)), (0, ""), "{line}");
        let output = command(line).stdout(Stdio::null()).output().unwrap();
        assert_eq!(code(&output), 0, "{line}");
    }
}

/// What is opened later does not land in the place of a stderr that was closed.
#[cfg(target_os = "linux")]
#[test]
fn no_file_becomes_stderr() {
    let mut worker = redirected("work", "2>&-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut jobs = worker.stdin.take().unwrap();
    jobs.write_all(b"{\"ping\": 1}\n").unwrap();
    // Its answer says that it runs: the shell before it has the same number.
    let mut answer = String::new();
    let mut answers = BufReader::new(worker.stdout.take().unwrap());
    answers.read_line(&mut answer).unwrap();
    assert!(answer.contains("pong"), "{answer}");
    let place = std::fs::read_link(format!("/proc/{}/fd/2", worker.id())).unwrap();
    assert_eq!(place.to_str(), Some("/dev/null"));
    drop(jobs);
    assert_eq!(worker.wait().unwrap().code(), Some(0));
}

/// Other streams may be closed.
#[test]
fn stderr_and_stdin_may_be_closed() {
    let search = "mine --text 100 --hex-zeros 4 --json";
    let nonce = &json(&paydirt(search))["nonce"];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("search.json");
    let search = format!("{search} --resume {}", file.display());
    // It says on stderr that the search is over already, the second time.
    for _ in 0..2 {
        let output = run(&search, "2>&- <&-");
        assert_eq!(code(&output), 0);
        assert_eq!(json(&output)["nonce"], *nonce);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with('{') && text.ends_with("}\n") && text.lines().count() == 1);
    }
    let output = run("mine --text 100", "2>&-");
    assert_eq!((code(&output), stdout(&output)), (2, ""));
    assert_eq!(code(&run("info", ">&- 2>&- <&-")), 3);
}
