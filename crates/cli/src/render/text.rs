//! Measurements for people: text for a terminal, Markdown, and rows of comma-separated values.

mod bench;
mod compare;

use crate::{
    render::{
        export::Export,
        wrap::{wrapped, wrapped_under},
    },
    terminal::{command_line::shell_line, width},
};
use paydirt_measure::{machine::Machine, warnings::Warning};

/// The machine block, a line for each label.
fn machine_lines(machine: &Machine, line: impl Fn(&str, &str) -> String) -> String {
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

/// For a terminal, as wide as it is.
pub(super) fn text(report: &impl Export) -> String {
    text_within(report, width::columns())
}

fn text_within(report: &impl Export, most: Option<usize>) -> String {
    let line = |line: &str| format!("{}\n", wrapped(line, most));
    let notes: String = report.notes().iter().map(|note| line(note)).collect();
    let more: String = (report.more_tables().iter())
        .map(|(title, table)| format!("{}\n{}\n", line(title), table.to_text(most)))
        .collect();
    format!(
        "{}\n{}\n{}\n{more}{notes}",
        machine_lines(report.machine(), |label, value| format!(
            "{}\n",
            wrapped_under(&format!("{label:<11} {value}"), 12, most)
        )),
        line(&report.what()),
        report.narrow_table().to_text(most),
    )
}

/// As a Markdown document, with a link to `picture`, a file beside it.
pub(super) fn markdown<E: Export>(report: &E, picture: Option<&str>) -> String {
    let machine = report.machine();
    let what = report.what();
    let (initial, rest) = what.split_at(1);
    let mut text = format!(
        "# {}: {}, {}\n\n```sh\n{}\n```\n\n{}\n{}{rest}.\n\n{}\n",
        E::TITLE,
        machine.processor(),
        machine.day(),
        shell_line(report.command()),
        machine_lines(machine, |label, value| format!("- {label}: {value}\n")),
        initial.to_uppercase(),
        report.table().to_markdown(),
    );
    for (title, table) in report.more_tables() {
        let (initial, rest) = title.split_at(1);
        text += &format!("{}{rest}:\n\n{}\n", initial.to_uppercase(), table.to_markdown());
    }
    text.extend(report.notes().iter().map(|note| format!("- {note}\n")));
    if !report.warnings().is_empty() {
        text += "\nWarnings:\n\n";
    }
    let warning = |w: &Warning| format!("- **{}**: {}; {}.\n", w.kind.name(), w.message, w.advice);
    text.extend(report.warnings().iter().map(warning));
    if let Some(picture) = picture {
        text += &format!("\n![{}]({picture})\n", E::PICTURE);
    }
    text
}

/// A figure that a spreadsheet can read; empty when there is none.
fn cell(figure: Option<f64>) -> String {
    figure.map(|figure| figure.to_string()).unwrap_or_default()
}
