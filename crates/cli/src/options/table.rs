//! The options of a puzzle, its goal and its search, each in one row.
//!
//! *In:* nothing. *Out:* what is to be known of them: clap's arguments and the fields of a job line (`paydirt.job/1`),
//! both as structures that are filled in, and both ways of writing an option, `--hex-zeros` and `goal.hex_zeros`.
//! Whoever reads an option asks for its [`Flag`].

use std::ops::Deref;

use clap::Args;
use serde::Deserialize;

use crate::options::values::{self, Value};

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

/// What is to be known of an option.
pub(crate) struct Row {
    flag: Flag,
    pub(crate) group: Group,
    /// With dashes between words.
    pub(crate) name: &'static str,
    /// The object of a job line that holds its field.
    pub(crate) object: &'static str,
    /// Its field there, with underscores between words.
    pub(crate) field: &'static str,
}

macro_rules! options {
    ($($(#[$about:meta])+ $args:ident $object:literal $heading:literal { $($group:ident {
        $($(#[$help:meta])+ $flag:ident $field:ident = $name:literal $value_name:literal $takes:literal,)+
    })+ })+) => {
        /// An option of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Flag { $($($($(#[$help])+ $flag,)+)+)+ }

        /// In the order of the flags.
        const ROWS: &[Row] = &[$($($(Row {
            flag: Flag::$flag,
            group: Group::$group,
            name: $name,
            object: $object,
            field: stringify!($field),
        },)+)+)+];

        $(
        $(#[$about])+
        #[derive(Clone, Debug, Default, Args, Deserialize)]
        #[command(next_help_heading = $heading)]
        #[serde(default, deny_unknown_fields)]
        pub(crate) struct $args { $($(
            $(#[$help])+
            #[arg(long, value_name = $value_name, allow_negative_numbers = true)]
            #[serde(alias = $name, deserialize_with = $takes)]
            $field: Option<Value>,
        )+)+ }

        impl $args {
            /// The options that are given.
            pub(crate) fn values(self) -> Vec<(Flag, Value)> {
                let fields = [$($((Flag::$flag, self.$field),)+)+];
                fields.into_iter().filter_map(|(flag, value)| Some((flag, value?))).collect()
            }
        }
        )+
    };
}

options! {
    /// What is to be hashed.
    PuzzleArgs "puzzle" "Puzzle" {
        Message {
            /// The message is PREFIX and then the nonce, in decimal and hashed with SHA-256 unless --nonce and --digest say otherwise
            Text text = "text" "PREFIX" "values::text_or_whole_number",
            /// A message with one {nonce} in it, as in 'a{nonce}b'
            Template template = "template" "TEXT" "values::text",
            /// A message in hex with one {nonce} in it, as in 'aabb{nonce}cc'
            TemplateHex template_hex = "template-hex" "HEX" "values::text",
            /// An 80-byte Bitcoin header: sha256d, nonce at byte 76, target from its own nBits unless a goal is given
            Header header = "header" "HEX" "values::text",
        }
        Puzzle {
            /// With --header: search these bits of its version too, as in 1fffe000 (BIP 320); a nonce then stands for a
            /// version and a header nonce
            RollVersion roll_version = "roll-version" "MASK" "values::text",
            /// How the nonce stands in the message: dec, dec:W, hex:W, HEX:W, u32le, u32be, u64le, u64be [default: dec]
            Nonce nonce = "nonce" "ENCODING" "values::text",
            /// sha256 or sha256d (double) [default: sha256]
            Digest digest = "digest" "DIGEST" "values::text",
            /// How the hash is read as a number and printed: be or le (as Bitcoin does) [default: be]
            HashOrder hash_order = "hash-order" "ORDER" "values::text",
        }
    }
    /// What the hash must be.
    GoalArgs "goal" "Goal (one of)" {
        Goal {
            /// The hash begins with N hex zeros (4 bits each)
            HexZeros hex_zeros = "hex-zeros" "N" "values::number_or_text",
            /// The hash has N leading zero bits, whole or fractional: hash < 2^(256-N)
            Bits bits = "bits" "N" "values::number_or_text",
            /// The hash meets a target in Bitcoin's compact form, 8 hex digits as in 1d00ffff
            Nbits nbits = "nbits" "HEX" "values::text",
            /// The hash, as a number, is at most this: up to 64 hex digits
            Target target = "target" "HEX" "values::text",
            /// The hash is exactly this: 64 hex digits
            Equals equals = "equals" "HEX" "values::text",
        }
    }
    /// Which nonces, and when to stop.
    SearchArgs "search" "Search" {
        Search {
            /// The first nonce, as in 1000, 1_000, 0x3e8, 2^10 or 1e3 [default: 0]
            Start start = "start" "N" "values::number_or_text",
            /// How many nonces, written likewise [default: to the end of the encoding's space]
            Count count = "count" "N" "values::number_or_text",
            /// Only part I of N equal parts of the range, I from 0: the parts tile it exactly; `auto` and `auto/N` take the
            /// place from a Slurm array or a Kubernetes indexed job
            Shard shard = "shard" "I/N|auto" "values::text",
            /// Stop after this time, in seconds (fractions allowed)
            Timeout timeout = "timeout" "SECONDS" "values::number_or_text",
            /// lowest (the same nonce on every machine), first (whichever comes up), or all (told in ascending
            /// order as they are confirmed) [default: lowest]
            Find find = "find" "WHICH" "values::text",
        }
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
    /// Its options, in the order of the table.
    pub(crate) fn flags(self) -> impl Iterator<Item = Flag> {
        Flag::all().filter(move |flag| flag.group == self)
    }
}

impl Deref for Flag {
    type Target = Row;

    fn deref(&self) -> &Row {
        &ROWS[*self as usize]
    }
}

impl Flag {
    /// Every option.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(|row| row.flag)
    }

    /// The option as the user writes it.
    pub(crate) fn spelled(self, spelling: Spelling) -> String {
        match spelling {
            Spelling::CommandLine => format!("--{}", self.name),
            Spelling::Job => format!("{}.{}", self.object, self.field),
        }
    }
}

/// Several options, as in "--bits, --nbits or --target".
pub(crate) fn any_of(group: Group, written: impl Fn(Flag) -> String) -> String {
    let mut names: Vec<_> = group.flags().map(written).collect();
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
