//! The options of a puzzle, its goal and its search, each in one row.
//!
//! *In:* nothing. *Out:* what is to be known of them: clap's arguments, the fields of a job line (`paydirt.job/1`),
//! and both ways of writing an option, `--hex-zeros` and `goal.hex_zeros`. Whoever reads an option asks for its
//! [`Flag`]; a row that is added here is an option of every command that takes its group, and of the worker.

use std::fmt;

use clap::{Arg, Command};

use crate::options::values::Takes;

/// Which options belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// A puzzle's message: one of these.
    Message,
    /// How the message is made and hashed.
    Puzzle,
    /// What the hash must be: one of these.
    Goal,
    /// Which nonces, and when to stop.
    Search,
}

/// What stands in an option's row.
struct Row {
    flag: Flag,
    group: Group,
    /// With dashes between words.
    name: &'static str,
    value_name: &'static str,
    /// What its JSON field may hold; a command line holds text.
    takes: Takes,
    help: &'static str,
}

macro_rules! options {
    ($($group:ident { $($(#[doc = $help:literal])+ $flag:ident = $name:literal $value_name:literal $takes:ident,)+ })+) => {
        /// An option of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Flag { $($($(#[doc = $help])+ $flag,)+)+ }

        const ROWS: &[Row] = &[$($(Row {
            flag: Flag::$flag,
            group: Group::$group,
            name: $name,
            value_name: $value_name,
            takes: Takes::$takes,
            help: concat!($($help),+),
        },)+)+];
    };
}

options! {
    Message {
        /// PREFIX followed by the nonce: unless changed below, SHA-256 over PREFIX and the nonce in decimal
        Text = "text" "PREFIX" TextOrWholeNumber,
        /// A message with one {nonce} in it, as in 'a{nonce}b'
        Template = "template" "TEXT" Text,
        /// A message in hex with one {nonce} in it, as in 'aabb{nonce}cc'
        TemplateHex = "template-hex" "HEX" Text,
        /// An 80-byte Bitcoin header: sha256d, nonce at byte 76, target from its own nBits unless a goal is given
        Header = "header" "HEX" Text,
    }
    Puzzle {
        /// With --header: search these bits of its version too, as in 1fffe000 (BIP 320); a nonce then stands for a
        /// version and a header nonce
        RollVersion = "roll-version" "MASK" Text,
        /// How the nonce stands in the message: dec, dec:W, hex:W, HEX:W, u32le, u32be, u64le, u64be [default: dec]
        Nonce = "nonce" "ENCODING" Text,
        /// sha256 or sha256d (double) [default: sha256]
        Digest = "digest" "DIGEST" Text,
        /// How the hash is read as a number and printed: be or le (as Bitcoin does) [default: be]
        HashOrder = "hash-order" "ORDER" Text,
    }
    Goal {
        /// The hash begins with N hex zeros (4 bits each)
        HexZeros = "hex-zeros" "N" Number,
        /// The hash has N leading zero bits, whole or fractional: hash < 2^(256-N)
        Bits = "bits" "N" Number,
        /// The hash meets a target in Bitcoin's compact form, 8 hex digits as in 1d00ffff
        Nbits = "nbits" "HEX" Text,
        /// The hash, as a number, is at most this: up to 64 hex digits
        Target = "target" "HEX" Text,
        /// The hash is exactly this: 64 hex digits
        Equals = "equals" "HEX" Text,
    }
    Search {
        /// The first nonce [default: 0]
        Start = "start" "N" Number,
        /// How many nonces [default: to the end of the encoding's space]
        Count = "count" "N" Number,
        /// Only part I of N equal parts of the range, I from 0: the parts tile it exactly; `auto` and `auto/N` take the
        /// place from a Slurm array or a Kubernetes indexed job
        Shard = "shard" "I/N|auto" Text,
        /// Stop after this time, in seconds (fractions allowed)
        Timeout = "timeout" "SECONDS" Number,
        /// lowest (the same nonce on every machine), first (whichever comes up), or all (56 bytes each are
        /// kept in memory) [default: lowest]
        Find = "find" "WHICH" Text,
    }
}

/// How an option is written where it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// `--hex-zeros`
    CommandLine,
    /// `goal.hex_zeros`
    Job,
}

impl Group {
    /// The object of a job line that holds its fields.
    pub(crate) const fn object(self) -> &'static str {
        match self {
            Self::Message | Self::Puzzle => "puzzle",
            Self::Goal => "goal",
            Self::Search => "search",
        }
    }

    const fn heading(self) -> &'static str {
        match self {
            Self::Message | Self::Puzzle => "Puzzle",
            Self::Goal => "Goal (one of)",
            Self::Search => "Search",
        }
    }

    /// Its options, in the order of the table.
    pub(crate) fn flags(self) -> impl Iterator<Item = Flag> {
        let rows = ROWS.iter().filter(move |row| row.group == self);
        rows.map(|row| row.flag)
    }
}

impl Flag {
    /// Every option.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(|row| row.flag)
    }

    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// The name, with dashes between words.
    pub(crate) fn name(self) -> &'static str {
        self.row().name
    }

    pub(crate) fn group(self) -> Group {
        self.row().group
    }

    /// What the JSON field may hold.
    pub(crate) fn takes(self) -> Takes {
        self.row().takes
    }

    /// The name of the JSON field.
    pub(crate) fn field(self) -> String {
        self.name().replace('-', "_")
    }

    /// The option as the user writes it.
    pub(crate) fn spelled(self, spelling: Spelling) -> String {
        match spelling {
            Spelling::CommandLine => format!("--{}", self.name()),
            Spelling::Job => format!("{}.{}", self.group().object(), self.field()),
        }
    }
}

/// Adds the options of these groups to a command.
pub(crate) fn add_arguments(command: Command, groups: &[Group]) -> Command {
    let rows = ROWS.iter().filter(|row| groups.contains(&row.group));
    command.args(rows.map(|row| {
        Arg::new(row.name)
            .long(row.name)
            .value_name(row.value_name)
            .help(row.help.trim())
            .help_heading(row.group.heading())
            .allow_negative_numbers(true)
    }))
}

/// Several options, as in "--bits, --nbits or --target".
pub(crate) fn any_of(
    flags: impl Iterator<Item = Flag>,
    written: impl Fn(Flag) -> String,
) -> impl fmt::Display {
    let mut names: Vec<_> = flags.map(written).collect();
    let last = names.pop().unwrap_or_default();
    format!("{} or {last}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_its_flags_own() {
        for (at, row) in ROWS.iter().enumerate() {
            assert_eq!(row.flag as usize, at, "{}", row.name);
        }
        assert_eq!(Flag::HexZeros.spelled(Spelling::CommandLine), "--hex-zeros");
        assert_eq!(Flag::HexZeros.spelled(Spelling::Job), "goal.hex_zeros");
        assert_eq!(Flag::RollVersion.spelled(Spelling::Job), "puzzle.roll_version");
    }
}
