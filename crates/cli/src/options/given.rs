//! The options of the table that were given, by whichever door they came in.
//!
//! *In:* a command line's arguments, or an object of a job line. *Out:* [`Given`]: each option's value as it was
//! written, and how its errors are to spell it.

use std::{collections::BTreeMap, fmt};

use clap::{ArgMatches, Args, Command, FromArgMatches};
use serde::{
    Deserializer,
    de::{self, Error as _},
};

use crate::options::{
    error::{InputError, Name},
    table::{Flag, Group, Spelling, add_arguments, any_of},
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
    /// No options yet; errors will spell them like this.
    pub(crate) fn none(spelling: Spelling) -> Self {
        let values = BTreeMap::new();
        Self { spelling, values }
    }

    /// Those of these groups on a command line.
    fn on_command_line(matches: &ArgMatches, groups: &[Group]) -> Self {
        let mut given = Self::none(Spelling::CommandLine);
        for flag in groups.iter().flat_map(|group| group.flags()) {
            if let Some(text) = matches.get_one::<String>(flag.name()) {
                given.insert(flag, text);
            }
        }
        given
    }

    /// Those in the fields of one object of a job line.
    pub(crate) fn in_object<'de, D: Deserializer<'de>>(
        object: &'static str,
        json: D,
    ) -> Result<Self, D::Error> {
        json.deserialize_map(Object(object))
    }

    /// Gives an option as text.
    pub(crate) fn insert(&mut self, flag: Flag, text: impl Into<String>) {
        self.values.insert(flag, Value::Text(text.into()));
    }

    /// Adds the options of `other`.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.values.extend(other.values);
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
        let flags = any_of(group.flags(), |flag| self.spell(flag));
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

    /// Gives an option that is text its meaning, if it is given.
    pub(crate) fn parse_text<T, E: fmt::Display>(
        &self,
        flag: Flag,
        meaning: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, InputError> {
        let value = self.written(flag).map(|text| meaning(&text)).transpose();
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

/// Reads the fields of the object of this name.
struct Object(&'static str);

impl<'de> de::Visitor<'de> for Object {
    type Value = Given;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut fields: A) -> Result<Given, A::Error> {
        let known = || Flag::all().filter(|flag| flag.group().object() == self.0);
        let mut values = BTreeMap::new();
        while let Some(name) = fields.next_key::<String>()? {
            let Some(flag) = known().find(|flag| name == flag.name() || name == flag.field()) else {
                let known: Vec<_> = known().map(|flag| format!("`{}`", flag.field())).collect();
                let known = known.join(", ");
                return Err(A::Error::custom(format_args!(
                    "unknown field `{name}`, expected one of {known}"
                )));
            };
            if values
                .insert(flag, fields.next_value_seed(flag.takes())?)
                .is_some()
            {
                return Err(A::Error::custom(format_args!(
                    "duplicate field `{}`",
                    flag.field()
                )));
            }
        }
        let values = values
            .into_iter()
            .filter_map(|(flag, value)| Some((flag, value?)));
        Ok(Given {
            spelling: Spelling::Job,
            values: values.collect(),
        })
    }
}

/// A part of the table as arguments that a command can flatten into its own.
macro_rules! arguments {
    ($(#[$doc:meta] $name:ident: $($group:ident),+;)+) => {$(
        #[$doc]
        #[derive(Clone, Debug)]
        pub(crate) struct $name(pub(crate) Given);

        impl Args for $name {
            fn augment_args(command: Command) -> Command {
                add_arguments(command, &[$(Group::$group),+])
            }

            fn augment_args_for_update(command: Command) -> Command {
                Self::augment_args(command)
            }
        }

        impl FromArgMatches for $name {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                Ok(Self(Given::on_command_line(matches, &[$(Group::$group),+])))
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                *self = Self::from_arg_matches(matches)?;
                Ok(())
            }
        }
    )+};
}

arguments! {
    /// What is to be hashed, and what the hash must be.
    PuzzleArgs: Message, Puzzle, Goal;
    /// Which nonces, and when to stop.
    SearchArgs: Search;
}
