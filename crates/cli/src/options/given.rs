//! The options of the table that were given, by whichever door they came in.
//!
//! *In:* the structures that clap or serde filled in. *Out:* [`Given`]: each option's value as it was written, and how
//! its errors are to spell it. `puzzle` and `search` ask it for the engine's types.

use std::{collections::BTreeMap, fmt};

use crate::options::{
    error::{InputError, Name},
    table::{Flag, Group, Spelling, any_of},
    values::Value,
};

/// Options and their values.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    spelling: Spelling,
    values: BTreeMap<Flag, Value>,
}

/// Why a value will not do: an error of the engine, or words.
pub(crate) type Problem = Box<dyn std::error::Error>;

impl Given {
    /// These options; errors will spell them like this.
    pub(crate) fn new(spelling: Spelling, values: impl IntoIterator<Item = Vec<(Flag, Value)>>) -> Self {
        let values = values.into_iter().flatten().collect();
        Self { spelling, values }
    }

    /// The same with another option, as text.
    pub(crate) fn with(mut self, flag: Flag, text: &str) -> Self {
        self.values.insert(flag, Value::from(text.to_owned()));
        self
    }

    /// Whether an option is given.
    pub(crate) fn has(&self, flag: Flag) -> bool {
        self.values.contains_key(&flag)
    }

    /// An option's value as it was written.
    pub(crate) fn written(&self, flag: Flag) -> Option<String> {
        self.values.get(&flag).map(Value::to_string)
    }

    /// The options of a group that are given.
    pub(crate) fn of(&self, group: Group) -> impl Iterator<Item = Flag> {
        group.flags().filter(|flag| self.has(*flag))
    }

    /// The one option of a group that is given; an error when there are two.
    pub(crate) fn only_one(&self, group: Group, what: &str) -> Result<Option<Flag>, InputError> {
        let mut given = self.of(group);
        match (given.next(), given.next()) {
            (Some(before), Some(flag)) => {
                let before = self.spell(before);
                Err(self.error(
                    flag,
                    format!("a second {what} beside {before}; give one of the two"),
                ))
            }
            (first, _) => Ok(first),
        }
    }

    /// None of a group is given, though one is needed.
    pub(crate) fn missing(&self, group: Group, what: &str) -> InputError {
        let flags = any_of(group, |flag| self.spell(flag));
        let first = group.flags().next().expect("no group is empty");
        self.error(first, format!("a {what} is needed; give {flags}"))
    }

    /// Gives an option its meaning, if it is given.
    pub(crate) fn parse<T>(
        &self,
        flag: Flag,
        meaning: impl FnOnce(&Value) -> Result<T, Problem>,
    ) -> Result<Option<T>, InputError> {
        let value = self.values.get(&flag).map(meaning).transpose();
        value.map_err(|problem| self.error(flag, problem))
    }

    /// An option will not do.
    pub(crate) fn error(&self, flag: Flag, problem: impl fmt::Display) -> InputError {
        InputError {
            value: self.written(flag),
            ..InputError::option(Name::Flag(flag, self.spelling), problem)
        }
    }

    /// An option in the spelling of whoever gave it.
    pub(crate) fn spell(&self, flag: Flag) -> String {
        flag.spelled(self.spelling)
    }
}
