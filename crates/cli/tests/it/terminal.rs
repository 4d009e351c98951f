//! What the program is like for whoever types at it: files, the environment, widths, words.

use std::{fs, path::PathBuf, process::Stdio};

use crate::common::{
    assert_complains, assert_refused, code, command, json, paydirt, paydirt_reads, stderr, stdout,
};

/// A folder of its own that is gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("paydirt-terminal-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn messages_come_from_files_and_from_stdin() {
    let folder = Folder::new("messages");
    let text = folder.file("text", b"100");
    let template = folder.file("template", b"a\xff{nonce}\n");
    let mined = json(&paydirt(format!("mine --text-file {text} --hex-zeros 4 --json")));
    assert_eq!(mined["nonce"], 35293);
    assert_eq!(
        code(&paydirt(format!("verify --text-file {text} --hex-zeros 4 35293"))),
        0
    );
    let from_stdin = json(&paydirt_reads("mine --text-file - --hex-zeros 4 --json", "100"));
    assert_eq!(from_stdin["puzzle_id"], mined["puzzle_id"]);
    // Every byte counts, those too that are no text.
    let mined = json(&paydirt(format!(
        "mine --template-file {template} --bits 4 --json"
    )));
    let by_hex = json(&paydirt("mine --template-hex '61ff{nonce}0a' --bits 4 --json"));
    assert_eq!(
        (&mined["puzzle_id"], &mined["nonce"]),
        (&by_hex["puzzle_id"], &by_hex["nonce"])
    );
    let long = json(&paydirt_reads(
        "mine --text-file - --bits 2 --json",
        vec![b'x'; 300_000],
    ));
    assert_eq!(long["status"], "found");
    for (arguments, words) in [
        (
            format!("--text-file {text} --text 1"),
            &["--text-file", "second puzzle", "--text"][..],
        ),
        (
            format!("--text-file {text} --template-file {template}"),
            &["--template-file", "second"],
        ),
        (
            format!("--template-file {text}"),
            &["--template-file", "no {nonce}"],
        ),
        (
            "--text-file /nowhere/at/all".to_owned(),
            &["--text-file", "/nowhere/at/all", "cannot be read"],
        ),
    ] {
        assert_refused(format!("mine {arguments} --bits 1"), words);
    }
}

#[test]
fn hex_may_be_as_it_was_copied() {
    let header = "0".repeat(152) + "000000ff";
    let plain = json(&paydirt(format!(
        "mine --header {header} --target {} --json",
        "f".repeat(64)
    )));
    for (header, target) in [
        (format!("0x{header}"), format!("0X{}", "f".repeat(64))),
        (format!("'  {header} '"), format!("' 0x{}'", "F".repeat(64))),
    ] {
        let copied = json(&paydirt(format!(
            "mine --header {header} --target {target} --json"
        )));
        assert_eq!(copied["puzzle_id"], plain["puzzle_id"], "{header}");
    }
    let by = |goal: &str| json(&paydirt(format!("mine --text 1 {goal} --json")))["puzzle_id"].clone();
    assert_eq!(by("--nbits 0x1f00ffff"), by("--nbits 1f00ffff"));
    assert_refused(
        "mine --text 1 --bits 1 --target 0x",
        &["--bits", "one of the two"],
    );
    assert_refused("mine --text 1 --target 0x0x1", &["--target", "hex digit"]);
}

#[test]
fn a_text_that_looks_like_a_template_is_asked_about() {
    let output = paydirt("mine --text 'a{nonce}' --bits 4 --json");
    assert_eq!(json(&output)["status"], "found");
    let question = stderr(&output);
    assert!(
        question.lines().count() == 1
            && question.ends_with("? paydirt mine --template 'a{nonce}' --bits 4 --json\n"),
        "{question}"
    );
    let long = format!("verify --text={{nonce}}{} --bits 4 1", "x".repeat(500));
    let question = paydirt(long);
    assert!(stderr(&question).ends_with("? --template in the place of --text\n"));
    // The command would be refused; or be another text, pasted as it is shown.
    let twice = paydirt("mine --text '{nonce}{nonce}' --bits 4 --json");
    assert!(stderr(&twice).ends_with("; --template takes the nonce's place, once\n"));
    let lines = paydirt("mine --text 'a\n{nonce}' --bits 4 --json");
    assert!(stderr(&lines).ends_with("? --template in the place of --text\n"));
    assert_eq!(stderr(&paydirt("mine --template 'a{nonce}' --bits 4 --json")), "");
}

#[test]
#[cfg(unix)]
fn an_argument_that_is_not_utf_8_is_named() {
    use std::os::unix::ffi::OsStrExt as _;
    let mut line = command("mine --bits 4 --text");
    let output = line
        .arg(std::ffi::OsStr::from_bytes(b"caf\xe9"))
        .output()
        .unwrap();
    assert_complains(
        &output,
        "caf\\xe9",
        &["argument 5", "'caf\\xe9'", "UTF-8", "--template-hex"],
    );
}

#[test]
fn the_environment_stands_for_options_of_the_machine() {
    let mine = |variables: &[(&str, &str)], options: &str| {
        let mut line = command(format!("mine --text 1 --bits 4 --json {options}"));
        line.envs(variables.iter().copied()).output().unwrap()
    };
    let both = [("PAYDIRT_THREADS", "3"), ("PAYDIRT_KERNEL", "portable")];
    let of = |variables: &[(&str, &str)], options: &str| {
        let mined = json(&mine(variables, options));
        (mined["threads"].clone(), mined["kernel"].clone())
    };
    assert_eq!(of(&both, ""), (3.into(), "portable".into()));
    assert_eq!(
        of(&both, "--threads 2 --kernel reference"),
        (2.into(), "reference".into())
    );
    let usual = of(&[], "").0;
    assert_eq!(of(&[("PAYDIRT_THREADS", "")], "").0, usual, "empty is not set");
    for (name, value) in [("PAYDIRT_THREADS", "many"), ("PAYDIRT_KERNEL", "cuda")] {
        assert_complains(&mine(&[(name, value)], ""), name, &[&format!("{name} '{value}'")]);
    }
    let folder = Folder::new("environment");
    let chain = |action: &str| {
        let mut line = command(format!("chain {action}"));
        line.env("PAYDIRT_DATA", folder.0.join("ledger"))
            .output()
            .unwrap()
    };
    assert_complains(&chain("show"), "show", &["PAYDIRT_DATA '"]);
    assert_eq!(code(&chain("mine --bits 1")), 0);
    assert!(folder.0.join("ledger").is_dir() && code(&chain("show")) == 0);
    let port = command("serve --memory")
        .env("PAYDIRT_PORT", "http")
        .env("PORT", "0")
        .output()
        .unwrap();
    assert_complains(&port, "serve", &["PAYDIRT_PORT 'http'"]);
    // A folder that is set for all commands does not keep a node from memory.
    let both = command("serve --memory --bits 999")
        .env("PAYDIRT_DATA", &folder.0)
        .output()
        .unwrap();
    assert_complains(&both, "serve", &["--bits '999'"]);
    let header = "0".repeat(160);
    let grind = command(format!("grind {header}"))
        .env("PAYDIRT_THREADS", "many")
        .output()
        .unwrap();
    assert_complains(&grind, "grind", &["PAYDIRT_THREADS"]);
}

#[test]
fn one_is_told_as_one() {
    let output = paydirt("mine --text 1 --target ff --count 1");
    assert!(stdout(&output).contains("  1 hash in "), "{}", stdout(&output));
    let output = paydirt("mine --text 1 --target ff --count 2");
    assert!(stdout(&output).contains("  2 hashes in "), "{}", stdout(&output));
}

#[test]
fn a_report_gives_way_to_what_is_wanted_on_stdout() {
    let short = "--seconds 0.02 --samples 2 --kernel portable --threads 1 --puzzle text";
    let csv = paydirt(format!("bench {short} --csv -"));
    assert!(
        stdout(&csv).starts_with("puzzle,kernel,threads,"),
        "{}",
        stdout(&csv)
    );
    assert_eq!(stdout(&csv).lines().count(), 2);
    let markdown = paydirt("compare --bits 4 --samples 2 --markdown -");
    assert!(
        stdout(&markdown).starts_with("# Difficulty levels"),
        "{}",
        stdout(&markdown)
    );
    for (options, words) in [
        ("--csv - --json", ["--csv '-'", "--json"]),
        ("--csv - --markdown -", ["--markdown '-'", "--csv"]),
        ("--plot -", ["--plot '-'", ".svg"]),
    ] {
        assert_refused(format!("bench {short} {options}"), &words);
    }
    assert!(!std::path::Path::new("-").exists());
}

#[test]
fn a_folder_that_cannot_be_is_known_beforehand() {
    let folder = Folder::new("save");
    let file = folder.file("file", b"");
    for name in [file.clone(), format!("{file}/{{date}}")] {
        assert_refused(format!("bench --save {name}"), &["--save", "is a file"]);
    }
    #[cfg(target_os = "linux")]
    assert_refused(
        "bench --save /proc/results/{date}",
        &["--save", "/proc", "give another"],
    );
    let entries = || fs::read_dir(&folder.0).unwrap().count();
    let (before, new) = (entries(), folder.0.join("new/{date}"));
    assert_refused(
        format!("bench --save {} --samples 0", new.display()),
        &["--samples"],
    );
    assert_eq!(entries(), before, "nothing is left of the trial");
}

#[test]
fn a_time_without_a_unit_is_asked_for_one() {
    assert_refused(
        "compare --bits 4 --within 500",
        &["--within '500'", "500ms", "500s"],
    );
    assert_refused(
        "compare --bits 4 --within x",
        &["--within 'x'", "not a length of time"],
    );
}

#[test]
fn tables_are_as_wide_as_the_terminal() {
    let lines = |columns: &str, arguments: &str| {
        let output = command(arguments)
            .env("COLUMNS", columns)
            .stderr(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(code(&output), 0);
        stdout(&output).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let bench = "bench --seconds 0.02 --samples 2 --kernel portable --threads 1";
    for columns in [40, 60, 80] {
        let table = lines(&columns.to_string(), bench);
        let long: Vec<_> = table
            .iter()
            .filter(|line| line.chars().count() > columns)
            .collect();
        assert!(long.is_empty(), "{columns}: {long:#?}");
    }
    let left_out = |columns| {
        lines(columns, bench)
            .iter()
            .any(|line| line.starts_with("left out"))
    };
    assert!(left_out("60") && !left_out("200"));
    for line in lines("80", "info") {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let folder = Folder::new("tables");
    let data = folder.0.join("ledger").to_str().unwrap().to_owned();
    assert_eq!(
        code(&paydirt(format!("chain mine --count 2 --bits 1 --data {data}"))),
        0
    );
    let show = format!("chain show --data {data}");
    let (narrow, wide) = (lines("80", &show), lines("120", &show));
    assert_eq!((narrow.len(), wide.len()), (8, 4));
    assert!(narrow.iter().all(|line| line.len() <= 80));
    let words = |lines: &[String]| {
        lines
            .join(" ")
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(words(&narrow), words(&wide), "the same, with the hash below");
}
