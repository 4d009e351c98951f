//! Every command explains itself: help with examples, a manual page, completions; and the version names the kernels.

use crate::common::{assert_refused, code, command, json, paydirt, stderr, stdout};
use paydirt_cli::job_fields;

/// The commands that `paydirt --help` lists.
fn commands() -> Vec<String> {
    let help = paydirt("--help");
    let listed = stdout(&help)
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_has_help_with_an_example() {
    let commands = commands();
    assert!(commands.len() >= 9, "{commands:?}");
    for command in &commands {
        for help in ["--help", "-h"] {
            let output = paydirt(format!("{command} {help}"));
            assert_eq!((code(&output), stderr(&output)), (0, ""), "{command}");
            let text = stdout(&output);
            let examples = text.split("Examples:\n").nth(1);
            let examples = examples.unwrap_or_else(|| panic!("{command} {help} has no examples"));
            assert!(
                examples.contains(&format!("paydirt {command}")),
                "{command}: {examples}"
            );
        }
    }
    for action in ["keyspace", "crack"] {
        let output = paydirt(format!("hashtopolis {action} --help"));
        assert!(stdout(&output).contains(&format!("paydirt hashtopolis {action}")));
    }
}

/// Every command there is, with those below it: `chain mine`.
fn all_commands() -> Vec<String> {
    fn below(command: &clap::Command, path: &str, all: &mut Vec<String>) {
        for command in command.get_subcommands() {
            let path = format!("{path} {}", command.get_name());
            below(command, &path, all);
            all.push(path.trim_start().to_owned());
        }
    }
    let mut all = vec![String::new()];
    below(&paydirt_cli::command(), "", &mut all);
    all
}

/// On 80 columns no line is longer, and what is to be pasted stands as on a terminal of any width.
#[test]
fn help_fits_80_columns_and_its_examples_are_whole() {
    let help = |command: &str, flag: &str, columns: &str| {
        let output = command_line(command, flag)
            .env("COLUMNS", columns)
            .output()
            .unwrap();
        assert_eq!((code(&output), stderr(&output)), (0, ""), "{command}");
        stdout(&output).to_owned()
    };
    let commands = all_commands();
    assert!(
        commands.len() > 20 && commands.iter().any(|c| c == "chain mine"),
        "{commands:?}"
    );
    for command in commands {
        for flag in ["--help", "-h"] {
            let text = help(&command, flag, "80");
            for line in text.lines() {
                assert!(line.chars().count() <= 80, "{command} {flag}: {line}");
            }
            let examples = |text: &str| {
                let examples = text
                    .split_once("Examples:\n")
                    .map(|(_, examples)| examples.to_owned());
                assert!(examples.is_some() || command.is_empty(), "{command}");
                examples
            };
            assert_eq!(
                examples(&text),
                examples(&help(&command, flag, "400")),
                "{command} {flag}"
            );
        }
    }
}

fn command_line(name: &str, flag: &str) -> std::process::Command {
    command(format!("{name} {flag}"))
}

#[test]
fn every_command_has_a_manual_page() {
    assert!(stdout(&paydirt("man")).contains("paydirt"));
    for command in commands() {
        let output = paydirt(format!("man {command}"));
        assert_eq!((code(&output), stderr(&output)), (0, ""), "{command}");
        assert!(
            stdout(&output).contains(&format!("SYNOPSIS\n\\fBpaydirt {command}\\fR")),
            "{command}"
        );
        let examples = [".SH EXAMPLES\n.nf", "\nExamples:\n"];
        assert!(
            examples.iter().any(|begin| stdout(&output).contains(begin)),
            "{command}"
        );
    }
    assert!(stdout(&paydirt("man mine")).contains("hex\\-zeros"));
    assert_refused("man mien", &["COMMAND", "mien", "mine"]);
    let page = paydirt("man chain mine");
    assert!(
        stdout(&page).contains("SYNOPSIS\n\\fBpaydirt chain mine\\fR"),
        "{}",
        stdout(&page)
    );
    assert_refused("man chain mien", &["COMMAND", "mien", "chain", "verify"]);
    assert_refused("man mine deeper", &["COMMAND", "deeper", "no commands"]);
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("man1");
    let _ = std::fs::remove_dir_all(&folder); // there is none the first time
    let output = paydirt(format!("man --out {}", folder.to_str().unwrap()));
    assert_eq!((code(&output), stderr(&output)), (0, ""));
    for command in commands() {
        let page = folder.join(format!("paydirt-{command}.1"));
        assert!(page.exists(), "{}", page.display());
    }
    assert!(!folder.join("paydirt-help.1").exists());
    assert!(folder.join("paydirt.1").exists());
    assert!(folder.join("paydirt-hashtopolis-crack.1").exists());
}

#[test]
fn completions_for_every_shell_know_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = paydirt(format!("completions {shell}"));
        assert_eq!((code(&output), stderr(&output)), (0, ""), "{shell}");
        for command in commands() {
            assert!(stdout(&output).contains(&command), "{shell}: {command}");
        }
        assert!(stdout(&output).contains("hex-zeros"), "{shell}");
    }
    assert_refused("completions tcsh", &["SHELL", "tcsh", "bash", "powershell"]);
}

#[test]
fn the_version_lists_the_kernels() {
    let info = json(&paydirt("info --json"));
    let names = |state: &str| {
        let kernels = info["kernels"].as_array().unwrap().iter();
        let named = kernels.filter(|kernel| kernel[state] == true);
        named
            .map(|kernel| kernel["name"].as_str().unwrap())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let expected = format!(
        "paydirt {}\nkernels compiled: {}\nkernels detected: {}\n",
        env!("CARGO_PKG_VERSION"),
        names("compiled"),
        names("detected")
    );
    for flag in ["--version", "-V"] {
        assert_eq!(stdout(&paydirt(flag)), expected);
    }
}

/// The table of options, the schema of job lines, the README and the help of those that take them say the same.
#[test]
fn every_option_of_a_job_is_described() {
    let read = |path: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let readme = read("README.md");
    let schema: serde_json::Value = serde_json::from_str(&read("schemas/job-1.json")).unwrap();
    let output = paydirt("mine --help");
    for object in ["puzzle", "goal", "search"] {
        let fields = job_fields().filter(|(holder, _)| *holder == object);
        let mut names: Vec<_> = fields.map(|(_, name)| name.to_owned()).collect();
        for name in &names {
            assert!(readme.contains(&format!("--{name}")), "README.md lacks --{name}");
            assert!(
                stdout(&output).contains(&format!("  --{name} <")),
                "mine --help lacks --{name}"
            );
        }
        names.extend(names.clone().iter().map(|name| name.replace('-', "_")));
        names.sort();
        names.dedup();
        let described = schema["$defs"][object]["properties"].as_object().unwrap();
        let mut described: Vec<_> = described.keys().cloned().collect();
        described.sort();
        assert_eq!(described, names, "{object} in schemas/job-1.json");
    }
}
