//! Every command explains itself: help with examples, a manual page, completions; and the version names the kernels.

use crate::common::{assert_refused, code, json, paydirt, stderr, stdout};

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
