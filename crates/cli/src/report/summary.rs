//! Measurements for people: text for a terminal, Markdown, and rows of comma-separated values.

mod bench;
mod compare;

use crate::report::{MachineReport, WarningReport};

/// The machine block as aligned lines.
fn machine_text(machine: &MachineReport) -> String {
    let lines = machine
        .lines()
        .into_iter()
        .map(|(label, value)| format!("{label:<11} {value}\n"));
    lines.collect()
}

/// The machine block as a Markdown list.
fn machine_markdown(machine: &MachineReport) -> String {
    let lines = machine
        .lines()
        .into_iter()
        .map(|(label, value)| format!("- {label}: {value}\n"));
    lines.collect()
}

/// Each doubt and what to do about it, a line each.
pub fn warning_lines(warnings: &[WarningReport]) -> Vec<String> {
    let line = |warning: &WarningReport| format!("warning: {}; {}", warning.message, warning.advice);
    warnings.iter().map(line).collect()
}

fn warnings_markdown(warnings: &[WarningReport]) -> String {
    let lines = warnings
        .iter()
        .map(|w| format!("- **{}**: {}; {}.\n", w.kind, w.message, w.advice));
    match lines.collect::<String>() {
        none if none.is_empty() => none,
        some => format!("\nWarnings:\n\n{some}"),
    }
}

/// The command line, as a shell takes it.
pub fn shell_line(command: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,@%+".contains(c);
    let quoted = command.iter().map(|word| {
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

fn opening(title: &str, command: &[String], machine: &MachineReport) -> String {
    format!(
        "# {title}: {}, {}\n\n```sh\n{}\n```\n\n{}",
        machine.cpu_model.as_deref().unwrap_or(&machine.architecture),
        machine.day(),
        shell_line(command),
        machine_markdown(machine),
    )
}

/// A figure that a spreadsheet can read; empty when there is none.
fn cell(figure: Option<f64>) -> String {
    figure.map(|figure| figure.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_given_again() {
        let command = ["paydirt", "bench", "--save", "results/{date}-{cpu}", "", "it's"].map(str::to_owned);
        assert_eq!(
            shell_line(&command),
            r"paydirt bench --save 'results/{date}-{cpu}' '' 'it'\''s'"
        );
    }
}
