//! Where a measurement's report goes: stdout, files, a picture, a results folder.
//!
//! Paths are checked before anything is measured, so that a typing error does not cost a minute's work.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use crate::{
    options::InputError,
    render::{plot::Format, table::Table, text},
    say,
    terminal::{
        exit::Exit,
        output::{self, Named},
    },
};
use paydirt::Cancel;
use paydirt_measure::{machine::Machine, warnings::Warning};

/// Where the report goes.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct ExportArgs {
    /// Print one JSON object, with every raw sample
    #[arg(long)]
    json: bool,
    /// Write a line of comma-separated values for each row; - writes them to stdout, in place of the report
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write a readable summary in Markdown; - likewise
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Draw a picture: FILE.svg or FILE.png
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Write all of these into a results folder; {date} and {cpu} in its name are filled in
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
}

/// A report that can be had in every form.
pub(crate) trait Export: Serialize {
    /// The name of its JSON schema.
    const SCHEMA: &'static str;
    /// The files' name in a results folder, without an ending.
    const NAME: &'static str;
    /// The title of a document about it.
    const TITLE: &'static str;
    /// What its picture shows.
    const PICTURE: &'static str;

    fn command(&self) -> &[String];
    fn machine(&self) -> &Machine;
    fn warnings(&self) -> &[Warning];
    /// Why its numbers must not be believed; `None` when they may.
    fn fault(&self) -> Option<String>;
    /// What was measured, in a line that begins with a letter or a digit.
    fn what(&self) -> String;
    fn table(&self) -> Table;
    /// The table for a terminal; on one that is narrower yet, its spare columns go, or it is turned.
    fn narrow_table(&self) -> Table {
        self.table()
    }
    /// Further tables, each with a line above it.
    fn more_tables(&self) -> Vec<(String, Table)> {
        Vec::new()
    }
    /// What the tables leave open.
    fn notes(&self) -> Vec<String>;
    /// For a spreadsheet: rates in hashes per second, times in seconds.
    fn figures(&self) -> Table;
    fn picture(&self, format: Format) -> anyhow::Result<Vec<u8>>;
}

impl ExportArgs {
    /// Refuses files that cannot be written, as far as that can be told beforehand.
    pub(crate) fn check(&self) -> Result<(), InputError> {
        let files = [
            ("csv", &self.csv),
            ("markdown", &self.markdown),
            ("plot", &self.plot),
        ];
        let mut on_stdout = self.json.then_some("--json");
        for (option, file) in files {
            match file {
                Some(file) if option != "plot" && is_stdout(file) => {
                    if let Some(before) = on_stdout {
                        let problem = format!("{before} goes to stdout already; give one of the two a file");
                        return Err(InputError::value(option, "-", problem));
                    }
                    on_stdout = Some(if option == "csv" { "--csv" } else { "--markdown" });
                }
                Some(file) => check_file(option, file)?,
                None => {}
            }
        }
        if let Some(file) = &self.plot {
            picture_format(file)?;
        }
        match &self.save {
            Some(directory) => check_folder(directory),
            None => Ok(()),
        }
    }

    /// Prints the report and its warnings and, unless it is faulty or was cancelled, writes the files.
    pub(crate) fn deliver<E: Export>(&self, report: &E, cancel: &Cancel) -> anyhow::Result<Exit> {
        let wanted = |file: &Option<PathBuf>| file.as_deref().is_some_and(is_stdout);
        let printed = if wanted(&self.csv) {
            output::bytes(&report.figures().to_csv())
        } else if wanted(&self.markdown) {
            output::text(&text::markdown(report, None))
        } else {
            output::result(self.json, E::SCHEMA, report, text::text)
        };
        for warning in report.warnings() {
            say(&format!("warning: {}; {}", warning.message, warning.advice));
        }
        if let Some(fault) = report.fault() {
            say(&format!("error: {fault}"));
            return Ok(Exit::Failure);
        }
        if cancel.is_cancelled() {
            return printed.map(|()| Exit::Interrupted);
        }
        // The files are written even if stdout could not be: a measurement takes its time.
        if let Some(folder) = self.write(report)? {
            say(&format!("saved in {}", folder.display()));
        }
        printed.map(|()| Exit::Done)
    }

    /// Writes the files that were asked for; returns the results folder if there is one.
    fn write<E: Export>(&self, report: &E) -> anyhow::Result<Option<PathBuf>> {
        if let Some(file) = self.csv.as_ref().filter(|file| !is_stdout(file)) {
            write(file, &report.figures().to_csv())?;
        }
        if let Some(file) = &self.plot {
            write(file, &report.picture(picture_format(file)?)?)?;
        }
        if let Some(file) = self.markdown.as_ref().filter(|file| !is_stdout(file)) {
            let picture = self.plot.as_ref().and_then(|plot| beside(plot, file));
            write(file, text::markdown(report, picture.as_deref()).as_bytes())?;
        }
        let Some(directory) = &self.save else {
            return Ok(None);
        };
        let directory = fill_in(directory, report.machine());
        fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
        let file = |ending: &str| format!("{}.{ending}", E::NAME);
        let mut json = serde_json::to_vec(&Named {
            schema: E::SCHEMA,
            result: report,
        })?;
        json.push(b'\n');
        write(&directory.join(file("json")), &json)?;
        write(&directory.join(file("csv")), &report.figures().to_csv())?;
        write(&directory.join(file("svg")), &report.picture(Format::Svg)?)?;
        write(
            &directory.join(file("md")),
            text::markdown(report, Some(&file("svg"))).as_bytes(),
        )?;
        Ok(Some(directory))
    }
}

/// Whether this stands for stdout.
fn is_stdout(file: &Path) -> bool {
    file == Path::new("-")
}

/// Refuses a results folder that cannot be made, or not be written to. Its name may still have places to fill in, so that the
/// lowest folder above it that is there is tried, with a file that is gone at once.
fn check_folder(directory: &Path) -> Result<(), InputError> {
    let refuse = |problem: String| InputError::value("save", &directory.to_string_lossy(), problem);
    let there = directory.ancestors().find(|folder| folder.exists());
    let there = there.unwrap_or(Path::new("."));
    if !there.is_dir() {
        return Err(refuse(match there == directory {
            true => "this is a file; give a directory, new or old".to_owned(),
            false => format!("{} is a file; give a directory, new or old", there.display()),
        }));
    }
    let trial = there.join(format!(".paydirt-{}", std::process::id()));
    fs::File::create_new(&trial)
        .and_then(|_| fs::remove_file(&trial))
        .map_err(|error| {
            refuse(format!(
                "nothing can be written to {} ({error}); give another",
                there.display()
            ))
        })
}

/// Refuses a file that cannot be written, as far as that can be told beforehand.
pub(crate) fn check_file(option: &'static str, file: &Path) -> Result<(), InputError> {
    let refuse = |problem: &str| InputError::value(option, &file.to_string_lossy(), problem);
    if file.is_dir() {
        return Err(refuse("this is a directory; give a file"));
    }
    if file.file_name().is_none() {
        return Err(refuse("not the name of a file; give one"));
    }
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() && !parent.is_dir() => {
            Err(refuse("its directory does not exist; create that first"))
        }
        _ => Ok(()),
    }
}

/// The kind of picture that a file's ending names.
pub(crate) fn picture_format(file: &Path) -> Result<Format, InputError> {
    let ending = file
        .extension()
        .map(|ending| ending.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some("svg") => Ok(Format::Svg),
        Some("png") => Ok(Format::Png),
        _ => Err(InputError::value(
            "plot",
            &file.to_string_lossy(),
            "not a picture by its ending; use .svg or .png",
        )),
    }
}

/// The picture's name as a link in the Markdown file, when both are in one directory.
fn beside(picture: &Path, markdown: &Path) -> Option<String> {
    let same = picture.parent() == markdown.parent();
    same.then(|| picture.file_name())
        .flatten()
        .map(|name| name.to_string_lossy().into_owned())
}

fn fill_in(directory: &Path, machine: &Machine) -> PathBuf {
    let text = directory.to_string_lossy();
    if !text.contains('{') {
        return directory.to_owned();
    }
    text.replace("{date}", machine.day())
        .replace("{cpu}", &slug(machine.processor()))
        .into()
}

/// A processor's name as part of a folder's name: lower case, nothing but letters, digits and dashes.
fn slug(processor: &str) -> String {
    let name = processor.to_lowercase().replace("(r)", " ").replace("(tm)", " ");
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    match words.join("-") {
        slug if slug.is_empty() => "unknown".to_owned(),
        slug => slug,
    }
}

/// Writes a file whole.
pub(crate) fn write(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_processors_become_names_of_folders() {
        for (model, name) in [
            ("Intel(R) Xeon(R) Processor", "intel-xeon-processor"),
            ("AMD EPYC 9R45 96-Core", "amd-epyc-9r45-96-core"),
            ("Ä/..", "unknown"),
            ("x86_64", "x86-64"),
        ] {
            assert_eq!(slug(model), name);
        }
    }
}
