//! Bad input, said in one line: which option, which value, the way out.

use std::fmt;

/// How much of an offending value is repeated back.
const SHOWN_CHARS: usize = 48;

/// An option whose value will not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InputError {
    /// The option's name without dashes.
    pub(crate) option: &'static str,
    /// Its value, if it has one.
    pub(crate) value: Option<String>,
    /// What is wrong with it, and what would be right.
    pub(crate) problem: String,
}

impl InputError {
    /// The option `option` has a value that will not do.
    pub(crate) fn value(option: &'static str, value: &str, problem: impl fmt::Display) -> Self {
        Self {
            option,
            value: Some(value.to_owned()),
            problem: problem.to_string(),
        }
    }

    /// The option `option` is missing, or should not be there.
    pub(crate) fn option(option: &'static str, problem: impl fmt::Display) -> Self {
        Self {
            option,
            value: None,
            problem: problem.to_string(),
        }
    }
}

/// Gives the text of an option its meaning.
pub(crate) fn parse<T, E: fmt::Display>(
    option: &'static str,
    text: &str,
    meaning: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, InputError> {
    meaning(text).map_err(|problem| InputError::value(option, text, problem))
}

/// Reads a whole number of an unsigned type, digits only.
pub(crate) fn whole_number<T: TryFrom<u128>>(text: &str) -> Result<T, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        return Err("is no whole number; give decimal digits only, as in 1000".to_owned());
    }
    let most = u128::MAX >> (128 - 8 * size_of::<T>());
    let number = text
        .parse::<u128>()
        .ok()
        .and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| format!("is too large; the most is {most}"))
}

/// Reads a number that may have a fraction.
pub(crate) fn number(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err("is no number; give digits with at most one point, as in 20.5".to_owned()),
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dashes = if self.option.starts_with(char::is_uppercase) {
            ""
        } else {
            "--"
        }; // NONCE, SHELL: no option
        let name = format!("{dashes}{}", self.option);
        f.write_str(&sentence(&name, self.value.as_deref(), &self.problem))
    }
}

/// The line that says what is wrong with what is called `name`: "--bits 'x' is no number; …".
pub(crate) fn sentence(name: &str, value: Option<&str>, problem: &str) -> String {
    let value = value.map_or(String::new(), |value| format!(" '{}'", shown(value)));
    // Problems that begin with a verb speak of the value: "--bits 'x' is no number".
    let verb = ["is ", "has ", "needs ", "or "]
        .iter()
        .any(|verb| problem.starts_with(verb));
    format!("{name}{value}{}{problem}", if verb { " " } else { ": " })
}

/// The beginning of an offending value, on one line.
pub(crate) fn shown(value: &str) -> String {
    let shown: String = value.chars().take(SHOWN_CHARS).collect();
    let cut = if shown.len() < value.len() { "…" } else { "" };
    format!("{}{cut}", shown.escape_debug())
}

impl std::error::Error for InputError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_a_sentence() {
        let line = |text| parse("count", text, whole_number::<u64>).unwrap_err().to_string();
        assert!(line("-1").starts_with("--count '-1' is no whole number"));
        assert!(line("99999999999999999999").ends_with("the most is 18446744073709551615"));
        assert!(line("").starts_with("--count '' is no"));
        assert!(line("a\nb").contains("'a\\nb'"), "stays one line");
        let long = line(&"z".repeat(5000));
        assert!(long.len() < 200 && long.contains("z…'"));
        assert_eq!(
            InputError::value("threads", "0", "0 threads: give 1").to_string(),
            "--threads '0': 0 threads: give 1"
        );
    }

    #[test]
    fn numbers_are_finite() {
        for bad in ["", "nan", "inf", "1.2.3", "0x10"] {
            assert!(number(bad).is_err(), "{bad}");
        }
        assert_eq!(number("20.5"), Ok(20.5));
    }
}
