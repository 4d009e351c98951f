//! What a search on some processor came to: small files that the generator reads.
//!
//! *In:* a file of `tuned/`, lines of `name = value`. *Out:* the values, by name. A line that begins with `#` says for
//! whom and from what figures. `cargo run --release -p paydirt-tune` makes such a file.

use std::{collections::BTreeMap, fmt, str::FromStr};

/// The values of a file.
#[derive(Clone, Debug)]
pub struct Tuned(BTreeMap<String, String>);

/// Why a file is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TunedError(String);

impl fmt::Display for TunedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TunedError {}

impl FromStr for Tuned {
    type Err = TunedError;

    fn from_str(text: &str) -> Result<Self, TunedError> {
        let mut values = BTreeMap::new();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((name, value)) = line.split_once('=') else {
                return Err(TunedError(format!("'{line}' is not 'name = value'")));
            };
            let name = name.trim().to_owned();
            if let Some(other) = values.insert(name.clone(), value.trim().to_owned()) {
                return Err(TunedError(format!(
                    "'{name}' stands there twice, once as '{other}'"
                )));
            }
        }
        Ok(Self(values))
    }
}

impl Tuned {
    /// Takes out a value.
    ///
    /// # Errors
    /// When it is not there, or is none of the kind.
    pub fn take<T: FromStr>(&mut self, name: &str) -> Result<T, TunedError> {
        let Some(value) = self.0.remove(name) else {
            return Err(TunedError(format!("'{name}' is missing")));
        };
        (value.parse()).map_err(|_| TunedError(format!("'{name} = {value}' cannot be read")))
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// When something is.
    pub fn end(self) -> Result<(), TunedError> {
        match self.0.first_key_value() {
            None => Ok(()),
            Some((name, _)) => Err(TunedError(format!("there is nothing to be tuned by '{name}'"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file() {
        let refused = |text: &str| text.parse::<Tuned>().unwrap_err().to_string();
        assert_eq!(refused("a = 1\nb"), "'b' is not 'name = value'");
        assert_eq!(refused("a = 1\n a=2"), "'a' stands there twice, once as '1'");
        let mut tuned: Tuned = "# for whom\n\na = 7\nb = x".parse().unwrap();
        assert_eq!(tuned.take("a"), Ok(7));
        assert_eq!(
            tuned.take::<usize>("a").unwrap_err().to_string(),
            "'a' is missing"
        );
        assert_eq!(
            tuned.clone().end().unwrap_err().to_string(),
            "there is nothing to be tuned by 'b'"
        );
        assert_eq!(
            tuned.take::<bool>("b").unwrap_err().to_string(),
            "'b = x' cannot be read"
        );
        assert_eq!(tuned.end(), Ok(()));
    }
}
