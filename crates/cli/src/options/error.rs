//! Bad input, said in one line: which option, which value, what is wrong with it and the way out.

use std::fmt;

use crate::options::table::{Flag, Spelling};

/// How much of an offending value is repeated back: of a longer one its beginning and its end, where the name of a
/// file and the number of its line stand.
const SHOWN_CHARS: usize = 64;

/// What bad input was given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// An option of the table, in the spelling of whoever gave it.
    Flag(Flag, Spelling),
    /// Another option, without its dashes; or, in capitals, what stands so in a command's usage.
    Other(&'static str),
}

/// An option whose value will not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InputError {
    pub(crate) name: Name,
    /// The value, if there is one.
    pub(crate) value: Option<String>,
    /// What is wrong with it, and what would be right.
    pub(crate) problem: String,
}

impl From<&'static str> for Name {
    fn from(name: &'static str) -> Self {
        Self::Other(name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag, spelling) => f.write_str(&flag.spelled(*spelling)),
            Self::Other(name) if name.starts_with(char::is_uppercase) => f.write_str(name),
            Self::Other(name) => write!(f, "--{name}"),
        }
    }
}

impl InputError {
    /// What is called `name` has a value that will not do.
    pub(crate) fn value(name: impl Into<Name>, value: &str, problem: impl fmt::Display) -> Self {
        Self {
            value: Some(value.to_owned()),
            ..Self::option(name, problem)
        }
    }

    /// What is called `name` is missing, or should not be there.
    pub(crate) fn option(name: impl Into<Name>, problem: impl fmt::Display) -> Self {
        Self {
            name: name.into(),
            value: None,
            problem: problem.to_string(),
        }
    }
}

/// Gives the text of an option its meaning.
pub(crate) fn parse<T, E: fmt::Display>(
    name: &'static str,
    text: &str,
    meaning: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, InputError> {
    meaning(text).map_err(|problem| InputError::value(name, text, problem))
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&sentence(self.name, self.value.as_deref(), &self.problem))
    }
}

impl std::error::Error for InputError {}

/// The line that says what is wrong with what is called `name`: "--bits 'x': not a number; …".
pub(crate) fn sentence(name: impl fmt::Display, value: Option<&str>, problem: &str) -> String {
    match value {
        Some(value) => format!("{name} '{}': {problem}", shown(value)),
        None => format!("{name}: {problem}"),
    }
}

/// An offending value on one line, without its middle if it is long.
pub(crate) fn shown(value: &str) -> String {
    let length = value.chars().count();
    if length <= SHOWN_CHARS {
        return value.escape_debug().to_string();
    }
    let head: String = value.chars().take(SHOWN_CHARS / 2).collect();
    let tail: String = value.chars().skip(length - SHOWN_CHARS / 2).collect();
    format!("{}…{}", head.escape_debug(), tail.escape_debug())
}

/// The text on one line, with its control characters and what else is not to be seen written out.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let escaped = character.escape_debug();
        // Quotes and backslashes may stand as they are.
        match escaped.len() > 1 && !matches!(character, '\'' | '"' | '\\') {
            true => shown.extend(escaped),
            false => shown.push(character),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::whole_number;

    #[test]
    fn what_moves_a_terminal_is_written_out() {
        let name = "a\u{1b}[31mb\r\n\u{9b}2J\u{202e}c 'ü' \"é\" \\ 日本";
        let shown = printable(name);
        assert_eq!(shown, "a\\u{1b}[31mb\\r\\n\\u{9b}2J\\u{202e}c 'ü' \"é\" \\ 日本");
    }

    #[test]
    fn says_what_is_wrong_in_one_line() {
        let line = |text| parse("count", text, whole_number::<u64>).unwrap_err().to_string();
        assert!(line("-1").starts_with("--count '-1': not a whole number"));
        assert!(line("99999999999999999999").ends_with("the most is 18446744073709551615"));
        assert!(line("").starts_with("--count '': not a"));
        assert!(line("a\nb").contains("'a\\nb'"), "stays one line");
        let long = line(&"z".repeat(5000));
        assert!(long.len() < 200 && long.contains("z…z"));
        let path = format!("/{}/search.json:7", "deep/".repeat(30));
        assert!(
            shown(&path).ends_with("/search.json:7"),
            "a file is told by the end of its path"
        );
        assert_eq!(
            InputError::option("SHELL", "give one").to_string(),
            "SHELL: give one"
        );
    }
}
