//! Where a measurement's report goes besides stdout: files, a picture, a results folder.
//!
//! Paths are looked at before anything is measured, so that a minute's work is not lost to a slip of the pen.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use crate::options::input::InputError;
use crate::report::{MachineReport, plot::Format};

/// Where the report goes.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct ExportArgs {
    /// Print one JSON object, with every raw sample
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a line of comma-separated values for each row
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write a readable summary in Markdown
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Draw a picture: FILE.svg or FILE.png
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Write all of these into a results folder; {date} and {cpu} in its name are filled in
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
}

/// A report in every form.
pub(crate) trait Export: Serialize {
    /// The files' name in a results folder, without an ending.
    const NAME: &'static str;

    fn machine(&self) -> &MachineReport;
    fn csv(&self) -> Vec<u8>;
    /// With a link to `picture`, a file beside it.
    fn markdown(&self, picture: Option<&str>) -> String;
    fn plot(&self, format: Format) -> anyhow::Result<Vec<u8>>;
}

impl ExportArgs {
    /// Refuses files that cannot be written, as far as that can be told beforehand.
    pub(crate) fn check(&self) -> Result<(), InputError> {
        let files = [
            ("csv", &self.csv),
            ("markdown", &self.markdown),
            ("plot", &self.plot),
        ];
        for (option, file) in files {
            if let Some(file) = file {
                check_file(option, file)?;
            }
        }
        if let Some(file) = &self.plot {
            picture_format(file)?;
        }
        if let Some(directory) = &self.save
            && directory.exists()
            && !directory.is_dir()
        {
            let problem = "is a file; give a directory, new or old";
            return Err(InputError::value("save", &directory.to_string_lossy(), problem));
        }
        Ok(())
    }

    /// Writes the files that were asked for; returns the results folder if there is one.
    pub(crate) fn write<E: Export>(&self, report: &E) -> anyhow::Result<Option<PathBuf>> {
        if let Some(file) = &self.csv {
            write(file, &report.csv())?;
        }
        if let Some(file) = &self.plot {
            write(file, &report.plot(picture_format(file)?)?)?;
        }
        if let Some(file) = &self.markdown {
            let picture = self.plot.as_ref().and_then(|plot| beside(plot, file));
            write(file, report.markdown(picture.as_deref()).as_bytes())?;
        }
        let Some(directory) = &self.save else {
            return Ok(None);
        };
        let directory = fill_in(directory, report.machine());
        fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
        let file = |ending: &str| format!("{}.{ending}", E::NAME);
        let mut json = serde_json::to_vec(report)?;
        json.push(b'\n');
        write(&directory.join(file("json")), &json)?;
        write(&directory.join(file("csv")), &report.csv())?;
        write(&directory.join(file("svg")), &report.plot(Format::Svg)?)?;
        write(
            &directory.join(file("md")),
            report.markdown(Some(&file("svg"))).as_bytes(),
        )?;
        Ok(Some(directory))
    }
}

/// Refuses a file that cannot be written, as far as that can be told beforehand.
pub(crate) fn check_file(option: &'static str, file: &Path) -> Result<(), InputError> {
    let refuse = |problem: &str| InputError::value(option, &file.to_string_lossy(), problem);
    if file.is_dir() {
        return Err(refuse("is a directory; give a file"));
    }
    if file.file_name().is_none() {
        return Err(refuse("is no file name"));
    }
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() && !parent.is_dir() => {
            Err(refuse("is in a directory that does not exist; create that first"))
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
            "has an ending that is no picture's; use .svg or .png",
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

fn fill_in(directory: &Path, machine: &MachineReport) -> PathBuf {
    let text = directory.to_string_lossy();
    if !text.contains('{') {
        return directory.to_owned();
    }
    text.replace("{date}", machine.day())
        .replace("{cpu}", &machine.cpu_slug())
        .into()
}

/// Writes a file whole.
pub(crate) fn write(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))
}

/// The command line, as it can be given again.
pub(crate) fn command_line() -> Vec<String> {
    let given = std::env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned());
    std::iter::once("paydirt".to_owned()).chain(given).collect()
}
