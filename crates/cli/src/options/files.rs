//! A puzzle's message from a file, or from stdin: of any length, and of any bytes.
//!
//! *In:* `--text-file`, `--template-file`. *Out:* the options given, the message among them in hex. Only a command line has
//! these: a job's sender has no business with the files of the machine that mines it.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::Args;

use crate::options::{
    InputError,
    given::Given,
    table::{Flag, Group},
};
use paydirt::PLACEHOLDER;

/// Bytes a message may have.
const MOST_BYTES: u64 = 256 << 20;

/// Files that hold a message.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Puzzle")]
pub(crate) struct FileArgs {
    /// The same as --text, from a file, all its bytes, the last line end too; - reads stdin
    #[arg(long, value_name = "FILE")]
    text_file: Option<PathBuf>,
    /// The same as --template, from a file, likewise
    #[arg(long, value_name = "FILE")]
    template_file: Option<PathBuf>,
}

impl FileArgs {
    /// The options with the message that stands in a file, if one was named.
    pub(crate) fn add_to(&self, given: Given) -> Result<Given, InputError> {
        let (name, file) = match (&self.text_file, &self.template_file) {
            (None, None) => return Ok(given),
            (Some(file), None) => ("text-file", file),
            (None, Some(file)) => ("template-file", file),
            (Some(_), Some(file)) => {
                let problem = "a second puzzle beside --text-file; give one of the two";
                return Err(InputError::value("template-file", &shown(file), problem));
            }
        };
        let refuse = |problem: String| InputError::value(name, &shown(file), problem);
        if let Some(other) = given.of(Group::Message).next() {
            let other = given.spell(other);
            return Err(refuse(format!(
                "a second puzzle beside {other}; give one of the two"
            )));
        }
        let message = read(file).map_err(|error| refuse(format!("cannot be read: {error}")))?;
        if message.len() as u64 > MOST_BYTES {
            return Err(refuse(format!(
                "longer than {MOST_BYTES} bytes; give a shorter message"
            )));
        }
        let template = match name {
            "text-file" => format!("{}{PLACEHOLDER}", hex::encode(message)),
            _ => template_hex(&message).map_err(refuse)?,
        };
        Ok(given.with(Flag::TemplateHex, &template))
    }
}

fn shown(file: &Path) -> String {
    file.to_string_lossy().into_owned()
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut message = Vec::new();
    let room = MOST_BYTES + 1;
    match file == Path::new("-") {
        true => io::stdin().lock().take(room).read_to_end(&mut message)?,
        false => File::open(file)?.take(room).read_to_end(&mut message)?,
    };
    Ok(message)
}

/// The hex of a template's bytes, around the one placeholder.
fn template_hex(template: &[u8]) -> Result<String, String> {
    let places: Vec<_> = (template.windows(PLACEHOLDER.len()).enumerate())
        .filter(|(_, part)| *part == PLACEHOLDER.as_bytes())
        .map(|(at, _)| at)
        .collect();
    match places[..] {
        [at] => {
            let (prefix, suffix) = (&template[..at], &template[at + PLACEHOLDER.len()..]);
            Ok(format!(
                "{}{PLACEHOLDER}{}",
                hex::encode(prefix),
                hex::encode(suffix)
            ))
        }
        [] => Err(format!(
            "there is no {PLACEHOLDER} in it; put it where the nonce stands"
        )),
        _ => Err(format!(
            "{PLACEHOLDER} stands {} times in it; leave one",
            places.len()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_has_one_place_for_its_nonce() {
        assert_eq!(template_hex(b"\xff{nonce}\n").unwrap(), "ff{nonce}0a");
        assert_eq!(template_hex(b"{nonce}").unwrap(), "{nonce}");
        assert!(template_hex(b"{nonc").unwrap_err().contains("no {nonce}"));
        assert!(template_hex(b"{nonce}{nonce}").unwrap_err().contains("2 times"));
    }
}
