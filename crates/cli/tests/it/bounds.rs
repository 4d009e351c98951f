//! Numbers that nobody means: every option of every command is fed with them, whatever it takes, as clap's tree lists them.
//!
//! An option that is added is found here by itself. If it cannot be tried alone, a line in [`BESIDE`] or [`BASE`] says what
//! it needs; until then the test fails.

use std::{
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use crate::common::{command, paydirt_reads, words};
use paydirt_ledger::FILE_NAME;

/// What a careless or hostile caller gives for a number.
const VALUES: [&str; 22] = [
    "",
    "0",
    "-0",
    "1",
    "-1",
    "0.5",
    "NaN",
    "nan",
    "inf",
    "-inf",
    "1e308",
    "1e-308",
    "4294967295",
    "4294967296",
    "2305843009213693951",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211455",
    "340282366920938463463374607431768211456",
    "99999999999999999999999999999999999999999999999999999999999999999999999999999999999999",
];

/// Those that no option takes for a number. (Where text is wanted, a few of all are tried.)
const NEVER: [&str; 7] = ["", "-1", "NaN", "nan", "inf", "-inf", VALUES[21]];

/// One of these every option takes that wants a number.
const GOOD: [&str; 8] = ["1", "0", "0.5", "0/1", "10", "65536", "1s", "0.1/h"];

/// How an option that wants a number calls it in its help.
const NUMBERS: [&str; 12] = [
    "N",
    "SECONDS",
    "BYTES",
    "PORT",
    "INDEX",
    "SHARE",
    "TIME",
    "[NAME=]RATE",
    "[NAME=]AMOUNT/h",
    "K",
    "I/N|auto",
    "D",
];

/// What each command is given beside the option, so that what it takes to be right ends soon.
const BASE: &[(&str, &[&str])] = &[
    ("mine", &["--text x", "--bits 1", "--count 1000", "--timeout 2"]),
    ("verify", &["--text x", "--bits 1", "7"]),
    (
        "bench",
        &[
            "--puzzle header",
            "--kernel portable",
            "--threads 1",
            "--seconds 0.01",
            "--samples 1",
        ],
    ),
    (
        "compare",
        &["--bits 1", "--samples 1", "--budget 1", "--threads 1"],
    ),
    ("hashtopolis keyspace", &["--text x", "--bits 1", "--count 1000"]),
    ("hashtopolis crack", &["--text x", "--bits 1", "--count 1000"]),
    ("merge", &["result.json"]),
    (
        "solo",
        &[
            "--rpc http://127.0.0.1:1",
            "--rpc-user me",
            "--rpc-password x",
            "--address bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
        ],
    ),
    ("pool", &["--user me", "stratum+tcp://127.0.0.1:1"]),
    ("chain show", &["--data ledger"]),
    ("chain verify", &["--data ledger"]),
    ("chain export", &["--data ledger"]),
    ("chain import", &["--data new"]),
    ("chain stats", &["--data ledger"]),
    ("chain mine", &["--data new", "--bits 1"]),
    ("serve", &["--memory", "--port 0", "--log off"]),
];

/// What an option needs, and what it cannot stand beside it.
const BESIDE: &[(&str, &str, &[&str])] = &[
    ("half-life", "--block-time 10", &[]),
    ("start", "--count 10", &["--count"]),
    ("quantile", "--within 1s", &[]),
    ("roll-version", "--header HEADER", &["--text"]),
    ("hex-zeros", "", &["--bits"]),
    ("nbits", "", &["--bits"]),
    ("target", "", &["--bits"]),
    ("equals", "", &["--bits"]),
    ("template", "", &["--text"]),
    ("template-hex", "", &["--text"]),
    ("header", "", &["--text"]),
    ("data", "", &["--memory"]),
];

/// An option, or an argument without a name, of a command.
#[derive(Clone, Debug)]
struct Place {
    command: String,
    option: Option<String>,
    name: String,
    wants_a_number: bool,
}

/// Every one that takes a value.
fn places(clap: &clap::Command, path: &str, found: &mut Vec<Place>) {
    for inner in clap.get_subcommands() {
        places(inner, format!("{path} {}", inner.get_name()).trim_start(), found);
    }
    if clap.has_subcommands() {
        return;
    }
    for argument in clap.get_arguments() {
        if !argument.get_action().takes_values() {
            continue;
        }
        let names = argument.get_value_names().unwrap_or_default();
        found.push(Place {
            command: path.to_owned(),
            option: argument.get_long().map(str::to_owned),
            name: argument
                .get_long()
                .unwrap_or(argument.get_id().as_str())
                .to_owned(),
            wants_a_number: names.iter().any(|name| NUMBERS.contains(&name.as_str())),
        });
    }
}

impl Place {
    /// The command line that gives it this value.
    fn arguments(&self, value: &str) -> Vec<String> {
        let base = BASE.iter().find(|(command, _)| *command == self.command);
        let (extra, without) = BESIDE
            .iter()
            .find(|(option, ..)| *option == self.name)
            .map_or(("", &[][..]), |(_, extra, without)| (*extra, *without));
        let stands = |part: &&&str| {
            let option = part.split(' ').next().unwrap_or_default();
            let is_this = match &self.option {
                Some(name) => option.strip_prefix("--") == Some(name),
                None => !option.starts_with("--"),
            };
            !is_this && !without.contains(&option)
        };
        let mut all = words(&self.command);
        for part in base.map_or(&[][..], |(_, parts)| parts).iter().filter(stands) {
            all.extend(words(part));
        }
        all.extend(words(&extra.replace("HEADER", &"20".repeat(80))));
        match &self.option {
            Some(name) => all.push(format!("--{name}={value}")),
            None => all.extend(["--".to_owned(), value.to_owned()]),
        }
        all
    }
}

/// Files that command lines speak of: a ledger of two blocks, and a result.
fn prepared() -> &'static [(String, Vec<u8>)] {
    static FILES: OnceLock<Vec<(String, Vec<u8>)>> = OnceLock::new();
    FILES.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bounds-ledger");
        let _ = std::fs::remove_dir_all(&folder);
        let made = command("chain mine --bits 1 --data")
            .arg(&folder)
            .output()
            .unwrap();
        assert!(made.status.success());
        let ledger = std::fs::read(folder.join(FILE_NAME)).unwrap();
        let result = command("mine --text x --bits 1 --count 10 --find first --json").output();
        vec![
            (format!("ledger/{FILE_NAME}"), ledger),
            ("result.json".to_owned(), result.unwrap().stdout),
        ]
    })
}

/// Runs it in a folder of its own; what still runs after a while (a node, an endless search) is interrupted.
fn run(arguments: &[String], patience: Duration) -> Output {
    static FOLDERS: AtomicUsize = AtomicUsize::new(0);
    let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("bounds-{number}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    for (name, content) in prepared() {
        if arguments
            .iter()
            .any(|argument| argument == name.split('/').next().unwrap())
        {
            let file = folder.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, content).unwrap();
        }
    }
    let files = ["out", "err"].map(|name| folder.join(name));
    let [out, err] = files.each_ref().map(|file| std::fs::File::create(file).unwrap());
    let mut child = Command::new(env!("CARGO_BIN_EXE_paydirt"))
        .args(arguments)
        .env_remove("PORT")
        .current_dir(&folder)
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let mut interrupts = 0;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        let waited = begun.elapsed();
        assert!(
            waited < patience * 2 + Duration::from_secs(60),
            "{arguments:?} does not end"
        );
        if waited > patience && interrupts == 0 {
            crate::common::signal(&child, "INT");
            interrupts += 1;
        }
        std::thread::sleep(Duration::from_millis(3));
    };
    let [stdout, stderr] = files.map(|file| std::fs::read(file).unwrap());
    let _ = std::fs::remove_dir_all(&folder);
    Output {
        status,
        stdout,
        stderr,
    }
}

/// Runs it and checks what holds for every command line; its exit code.
fn tried(arguments: &[String]) -> i32 {
    let mut output = run(arguments, Duration::from_secs(1));
    if output.status.code().is_none() {
        // On a busy machine the interrupt may have come before anyone listened.
        output = run(arguments, Duration::from_secs(20));
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
    let code = output.status.code();
    let code = code.unwrap_or_else(|| panic!("{arguments:?}: {:?}: {stderr}", output.status));
    assert!(
        [0, 1, 2, 3, 4, 130].contains(&code),
        "{arguments:?}: {code}: {stderr}"
    );
    if code == 2 {
        assert_eq!(stdout, "", "{arguments:?}");
        assert!(
            stderr.starts_with("error: ") && stderr.lines().count() == 1,
            "{arguments:?}: {stderr}"
        );
    }
    if code == 3 {
        let last = stderr.lines().last().unwrap_or_default();
        assert!(last.starts_with("error: "), "{arguments:?}: {stderr}");
    }
    code
}

#[test]
fn no_option_of_any_command_panics_or_hangs() {
    let mut places_found = Vec::new();
    let mut clap = paydirt_cli::command();
    clap.build();
    places(&clap, "", &mut places_found);
    places_found.retain(|place| !place.command.starts_with("help"));
    let numbers = places_found.iter().filter(|place| place.wants_a_number).count();
    assert!(
        places_found.len() > 100 && numbers > 50,
        "{} {numbers}",
        places_found.len()
    );
    let left = Mutex::new(places_found.into_iter());
    // Most of them wait: for a node to be interrupted, for a time limit.
    std::thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| {
                while let Some(place) = { left.lock().unwrap().next() } {
                    let some = [0, 1, 4, 6, 10, 19];
                    let values = VALUES.iter().enumerate();
                    for (_, value) in values.filter(|(at, _)| place.wants_a_number || some.contains(at)) {
                        let arguments = place.arguments(value);
                        let code = tried(&arguments);
                        // Times and rates in units may be as large as a float.
                        let is_long =
                            *value == VALUES[21] && ["rate", "within"].contains(&place.name.as_str());
                        let never = place.wants_a_number && NEVER.contains(value) && !is_long;
                        assert!(!never || code == 2, "{arguments:?} is taken");
                    }
                    let taken = |value: &str| tried(&place.arguments(value)) != 2;
                    assert!(
                        !place.wants_a_number || GOOD.iter().any(|value| taken(value)),
                        "no value is taken by {place:?}; say in BASE or BESIDE what it needs"
                    );
                }
            });
        }
    });
}

/// The same in a worker's lines, as numbers and as text.
#[test]
fn no_field_of_a_job_does() {
    let base = |object: &str| match object {
        "puzzle" => r#""text":"x""#,
        "goal" => r#""bits":1"#,
        _ => r#""count":1000"#,
    };
    let objects = ["puzzle", "goal", "search"];
    let mut lines = String::new();
    let mut sent = 0;
    let fields =
        paydirt_cli::job_fields().chain([("", "priority"), ("", "progress"), ("", "id"), ("", "cancel")]);
    for (at, (object, field)) in fields.enumerate() {
        for (number, value) in VALUES.iter().enumerate() {
            let is_json = serde_json::from_str::<f64>(value).is_ok();
            for value in [Some(format!("{value:?}")), is_json.then(|| (*value).to_owned())]
                .into_iter()
                .flatten()
            {
                let of = |name: &str| {
                    let is_this = name == object;
                    let alone =
                        is_this && ["goal", "count"].contains(&if name == "goal" { name } else { field });
                    let rest = if alone { "" } else { base(name) };
                    let comma = if is_this && !alone { "," } else { "" };
                    let this = if is_this {
                        format!("{comma}\"{field}\":{value}")
                    } else {
                        String::new()
                    };
                    format!("\"{name}\":{{{rest}{this}}}")
                };
                let top = if object.is_empty() && field != "id" {
                    format!("\"{field}\":{value},")
                } else {
                    String::new()
                };
                let id = if field == "id" {
                    value.clone()
                } else {
                    format!("\"{at}-{number}-{sent}\"")
                };
                let objects = objects.map(of).join(",");
                lines.push_str(&format!("{{{top}\"id\":{id},{objects}}}\n"));
                sent += 1;
            }
        }
    }
    let output = paydirt_reads("work --threads 2", &lines);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*stderr), (Some(0), ""));
    let answers = String::from_utf8(output.stdout).unwrap();
    let ends = answers
        .lines()
        .filter(|line| !line.contains("\"type\":\"accepted\"") && !line.contains("\"type\":\"progress\""));
    assert_eq!(ends.count(), sent, "one result or one error for each line");
}
