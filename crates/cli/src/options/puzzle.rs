//! The options that name a puzzle and its goal, the same wherever a puzzle is named.
//!
//! *In:* texts. *Out:* a [`Puzzle`], or the one [`InputError`] that says which text will not do.
//!
//! Options on the command line and fields of a job line are the same structures: clap fills them in, or serde does,
//! and one set of parsers gives them their meaning.

use clap::Args;
use serde::Deserialize;

use crate::options::{
    input::{InputError, number, parse, whole_number},
    words::{number_or_text, text, text_or_whole_number},
};
use paydirt::{ByteOrder, Digest, Goal, Hash, Header, NonceEncoding, Puzzle, Target, Template};

/// What is to be hashed.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[command(next_help_heading = "Puzzle")]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PuzzleArgs {
    /// PREFIX followed by the nonce: unless changed below, SHA-256 over PREFIX and the nonce in decimal
    #[arg(long, value_name = "PREFIX", allow_negative_numbers = true)]
    #[serde(deserialize_with = "text_or_whole_number")]
    pub(crate) text: Option<String>,
    /// A message with one {nonce} in it, as in 'a{nonce}b'
    #[arg(long, value_name = "TEXT", allow_negative_numbers = true)]
    #[serde(deserialize_with = "text")]
    pub(crate) template: Option<String>,
    /// A message in hex with one {nonce} in it, as in 'aabb{nonce}cc'
    #[arg(long, value_name = "HEX")]
    #[serde(deserialize_with = "text", alias = "template-hex")]
    pub(crate) template_hex: Option<String>,
    /// An 80-byte Bitcoin header: sha256d, nonce at byte 76, target from its own nBits unless a goal is given
    #[arg(long, value_name = "HEX")]
    #[serde(deserialize_with = "text")]
    pub(crate) header: Option<String>,
    /// With --header: search these bits of its version too, as in 1fffe000 (BIP 320); a nonce then stands for a version
    /// and a header nonce
    #[arg(long, value_name = "MASK")]
    #[serde(deserialize_with = "text", alias = "roll-version")]
    pub(crate) roll_version: Option<String>,
    /// How the nonce stands in the message: dec, dec:W, hex:W, HEX:W, u32le, u32be, u64le, u64be [default: dec]
    #[arg(long, value_name = "ENCODING")]
    #[serde(deserialize_with = "text")]
    pub(crate) nonce: Option<String>,
    /// sha256 or sha256d (double) [default: sha256]
    #[arg(long, value_name = "DIGEST")]
    #[serde(deserialize_with = "text")]
    pub(crate) digest: Option<String>,
    /// How the hash is read as a number and printed: be or le (as Bitcoin does) [default: be]
    #[arg(long, value_name = "ORDER")]
    #[serde(deserialize_with = "text", alias = "hash-order")]
    pub(crate) hash_order: Option<String>,
}

/// What the hash must be: one of these.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[command(next_help_heading = "Goal (one of)")]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GoalArgs {
    /// The hash begins with N hex zeros (4 bits each)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[serde(deserialize_with = "number_or_text", alias = "hex-zeros")]
    pub(crate) hex_zeros: Option<String>,
    /// The hash has N leading zero bits, whole or fractional: hash < 2^(256-N)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[serde(deserialize_with = "number_or_text")]
    pub(crate) bits: Option<String>,
    /// The hash meets a target in Bitcoin's compact form, 8 hex digits as in 1d00ffff
    #[arg(long, value_name = "HEX")]
    #[serde(deserialize_with = "text")]
    pub(crate) nbits: Option<String>,
    /// The hash, as a number, is at most this: up to 64 hex digits
    #[arg(long, value_name = "HEX")]
    #[serde(deserialize_with = "text")]
    pub(crate) target: Option<String>,
    /// The hash is exactly this: 64 hex digits
    #[arg(long, value_name = "HEX")]
    #[serde(deserialize_with = "text")]
    pub(crate) equals: Option<String>,
}

impl PuzzleArgs {
    /// The puzzle with its goal.
    pub(crate) fn resolve(&self, goal: &GoalArgs) -> Result<Puzzle, InputError> {
        let named = [
            ("text", &self.text),
            ("template", &self.template),
            ("template-hex", &self.template_hex),
            ("header", &self.header),
        ];
        let named = only_one(&named, "names a second puzzle")?;
        if let (Some((option, _)), Some(mask)) = (named, &self.roll_version)
            && option != "header"
        {
            let problem = format!("needs --header; --{option} has no version to roll");
            return Err(InputError::value("roll-version", mask, problem));
        }
        match named {
            None => Err(InputError::option(
                "text",
                "or another puzzle is needed: --text, --template, --template-hex or --header",
            )),
            Some(("header", header)) => self.header_puzzle(header, goal),
            Some(("text", prefix)) => self.message_puzzle(Template::new(prefix, []), goal),
            Some(("template", text)) => {
                self.message_puzzle(parse("template", text, Template::from_text)?, goal)
            }
            Some((option, hex)) => self.message_puzzle(parse(option, hex, Template::from_hex)?, goal),
        }
    }

    fn message_puzzle(&self, template: Template, goal: &GoalArgs) -> Result<Puzzle, InputError> {
        let encoding = match &self.nonce {
            Some(name) => parse("nonce", name, str::parse::<NonceEncoding>)?,
            None => NonceEncoding::default(),
        };
        let digest = match &self.digest {
            Some(name) => parse("digest", name, |name| match name {
                "sha256" => Ok(Digest::Sha256),
                "sha256d" => Ok(Digest::Sha256d),
                _ => Err("is no digest; use sha256 or sha256d"),
            })?,
            None => Digest::default(),
        };
        let order = match &self.hash_order {
            Some(name) => parse("hash-order", name, |name| match name {
                "be" => Ok(ByteOrder::Big),
                "le" => Ok(ByteOrder::Little),
                _ => Err("is no byte order; use be or le"),
            })?,
            None => ByteOrder::default(),
        };
        let goal = goal.resolve(order)?.ok_or_else(|| {
            InputError::option(
                "hex-zeros",
                "or another goal is needed: --hex-zeros, --bits, --nbits, --target or --equals",
            )
        })?;
        Ok(Puzzle::new(template, encoding, digest, order, goal))
    }

    fn header_puzzle(&self, hex: &str, goal: &GoalArgs) -> Result<Puzzle, InputError> {
        let fixed = [
            ("nonce", &self.nonce),
            ("digest", &self.digest),
            ("hash-order", &self.hash_order),
        ];
        if let Some((option, value)) = fixed.iter().find_map(|(o, v)| Some((*o, v.as_ref()?))) {
            let problem = "is fixed by --header (u32le, sha256d, le); leave it out, or use --template-hex";
            return Err(InputError::value(option, value, problem));
        }
        let header = parse("header", hex, Header::from_hex)?;
        let puzzle = match goal.resolve(ByteOrder::Little)? {
            Some(goal) => Puzzle::header_with_goal(&header, goal),
            None => Puzzle::header(&header).map_err(|problem| {
                let problem = format!("{problem}; or give a goal such as --bits 20");
                InputError::value("header", hex, problem)
            })?,
        };
        match &self.roll_version {
            Some(mask) => parse("roll-version", mask, |mask| {
                let bits = hex_word(mask, "1fffe000")?;
                puzzle.roll_version(bits).map_err(|problem| problem.to_string())
            }),
            None => Ok(puzzle),
        }
    }
}

impl GoalArgs {
    /// The goal, if there is one.
    pub(crate) fn resolve(&self, order: ByteOrder) -> Result<Option<Goal>, InputError> {
        let named = [
            ("hex-zeros", &self.hex_zeros),
            ("bits", &self.bits),
            ("nbits", &self.nbits),
            ("target", &self.target),
            ("equals", &self.equals),
        ];
        let Some((option, text)) = only_one(&named, "is a second goal")? else {
            return Ok(None);
        };
        let to_text = |problem: paydirt::TargetError| problem.to_string();
        let target = match option {
            "hex-zeros" => parse(option, text, |text| {
                Target::from_hex_zeros(whole_number(text)?).map_err(to_text)
            }),
            "bits" => parse(option, text, |text| {
                Target::from_leading_zero_bits(number(text)?).map_err(to_text)
            }),
            "nbits" => parse(option, text, |text| {
                Target::from_nbits(hex_word(text, "1d00ffff")?).map_err(to_text)
            }),
            "target" => parse(option, text, Target::from_hex),
            _ => {
                let hash = parse(option, text, |text| Hash::from_display(text, order))?;
                return Ok(Some(Goal::Equals(hash)));
            }
        };
        target.map(|target| Some(Goal::at_most(target)))
    }
}

/// Reads 8 hex digits.
fn hex_word(text: &str, example: &str) -> Result<u32, String> {
    let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits
        .then(|| u32::from_str_radix(text, 16).ok())
        .flatten()
        .ok_or_else(|| format!("is not 8 hex digits, as in {example}"))
}

/// The one option that is given; an error when there are two.
fn only_one<'a>(
    options: &[(&'static str, &'a Option<String>)],
    clash: &str,
) -> Result<Option<(&'static str, &'a str)>, InputError> {
    let mut given = options
        .iter()
        .filter_map(|(option, value)| Some((*option, value.as_deref()?)));
    let first = given.next();
    match (first, given.next()) {
        (Some((before, _)), Some((option, value))) => Err(InputError::value(
            option,
            value,
            format!("{clash} beside --{before}; give one of the two"),
        )),
        _ => Ok(first),
    }
}
