//! Measurements for people: text for a terminal, Markdown, and rows of comma-separated values.

mod bench;
mod compare;

use paydirt_measure::{machine::Machine, warnings::Warning};

/// The machine block, a line for each label.
fn machine_lines(machine: &Machine, line: fn(&str, &str) -> String) -> String {
    let mut cores = format!(
        "{} logical processors, {} cores",
        machine.logical_processors, machine.physical_cores
    );
    match &machine.affinity {
        Some(numbers) if numbers.len() <= 16 => {
            let numbers: Vec<_> = numbers.iter().map(usize::to_string).collect();
            cores += &format!(", affinity {}", numbers.join(" "));
        }
        Some(numbers) => cores += &format!(", affinity {} processors", numbers.len()),
        None => {}
    }
    match machine.quota_processors {
        Some(quota) => cores += &format!(", cgroup quota {quota:.2} processors"),
        None => cores += ", no cgroup quota",
    }
    if machine.pinned {
        cores += ", threads pinned";
    }
    if let Some(load) = machine.load_average {
        cores += &format!(", load average {load:.2} beforehand");
    }
    let unknown = format!("unknown {}", machine.architecture);
    let program = format!(
        "paydirt {}, kernel {}, {}",
        machine.program_version, machine.kernel, machine.rustc
    );
    [
        ("processor", machine.cpu_model.as_deref().unwrap_or(&unknown)),
        ("features", &machine.cpu_features.join(" ")),
        ("cores", &cores),
        ("system", &machine.operating_system),
        ("program", &program),
        ("date", &machine.date),
    ]
    .map(|(label, value)| line(label, value))
    .concat()
}

/// The machine block as aligned lines.
fn machine_text(machine: &Machine) -> String {
    machine_lines(machine, |label, value| format!("{label:<11} {value}\n"))
}

fn warnings_markdown(warnings: &[Warning]) -> String {
    let lines = warnings
        .iter()
        .map(|w| format!("- **{}**: {}; {}.\n", w.kind.name(), w.message, w.advice));
    match lines.collect::<String>() {
        none if none.is_empty() => none,
        some => format!("\nWarnings:\n\n{some}"),
    }
}

/// The command line, as a shell takes it.
fn shell_line(command: &[String]) -> String {
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

fn opening(title: &str, command: &[String], machine: &Machine) -> String {
    format!(
        "# {title}: {}, {}\n\n```sh\n{}\n```\n\n{}",
        machine.processor(),
        machine.day(),
        shell_line(command),
        machine_lines(machine, |label, value| format!("- {label}: {value}\n")),
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
