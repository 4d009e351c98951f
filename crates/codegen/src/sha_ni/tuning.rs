//! What a search for the best code may choose.

use std::{fmt, str::FromStr};

use crate::tuned::{Tuned, TunedError};

/// What differs from processor to processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Messages side by side, 1 to 3.
    pub lanes: usize,
}

impl Tuning {
    /// As it is shipped.
    pub fn shipped() -> Self {
        let text = include_str!("../../tuned/sha_ni.txt");
        text.parse()
            .unwrap_or_else(|error| panic!("tuned/sha_ni.txt: {error}"))
    }
}

impl FromStr for Tuning {
    type Err = TunedError;

    fn from_str(text: &str) -> Result<Self, TunedError> {
        let mut tuned: Tuned = text.parse()?;
        let lanes = tuned.take("lanes")?;
        tuned.end()?;
        Ok(Self { lanes })
    }
}

impl fmt::Display for Tuning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "lanes = {}", self.lanes)
    }
}
