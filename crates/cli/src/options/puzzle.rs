//! The puzzle that the options name.
//!
//! *In:* the options given. *Out:* a [`Puzzle`] with its goal, or the one [`InputError`] that says which will not do.

use crate::{
    options::{
        error::{InputError, printable},
        given::{Given, Problem},
        table::{Flag, Group},
        values::Value,
    },
    terminal::command_line::{self, shell_line, with_option_instead},
};
use paydirt::{ByteOrder, Digest, Goal, Hash, Header, NonceEncoding, PLACEHOLDER, Puzzle, Target, Template};

/// A command line of more bytes than this is not repeated back.
const MOST_SHOWN: usize = 500;

impl Given {
    /// The puzzle with its goal.
    pub(crate) fn puzzle(&self) -> Result<Puzzle, InputError> {
        let message = self.only_one(Group::Message, "puzzle")?;
        if let Some(other) = message.filter(|flag| *flag != Flag::Header && self.has(Flag::RollVersion)) {
            let (header, other) = (self.spell(Flag::Header), self.spell(other));
            let problem = format!("{other} has no version to roll; this needs {header}");
            return Err(self.error(Flag::RollVersion, problem));
        }
        if let Some(header) = self.header()? {
            return self.header_puzzle(&header);
        }
        let Some(message) = message else {
            return Err(self.missing(Group::Message, "puzzle"));
        };
        let template = self.parse(message, |text| match message {
            Flag::Template => Ok(Template::from_text(&text.to_string())?),
            Flag::TemplateHex => Ok(Template::from_hex(digits(&text.to_string()))?),
            _ => Ok(Template::new(text.to_string(), [])),
        })?;
        self.message_puzzle(template.expect("it is given"))
    }

    /// What to ask whoever gave a text that looks like a template; `None` where it does not.
    pub(crate) fn question(&self) -> Option<String> {
        let text = self.written(Flag::Text)?;
        let how_often = text.matches(PLACEHOLDER).count();
        (how_often > 0).then(|| {
            let (text, template) = (self.spell(Flag::Text), self.spell(Flag::Template));
            let command = with_option_instead(command_line::given(), &text, &template);
            let command = shell_line(&command);
            // What is shown as an escape would be another text when it is pasted.
            let meant = match command.len() <= MOST_SHOWN && printable(&command) == command {
                true => command,
                false => format!("{template} in the place of {text}"),
            };
            match how_often {
                1 => format!("{text} takes {PLACEHOLDER} literally; did you mean this? {meant}"),
                _ => {
                    format!("{text} takes {PLACEHOLDER} literally; {template} takes the nonce's place, once")
                }
            }
        })
    }

    /// The header, if that is the puzzle.
    pub(crate) fn header(&self) -> Result<Option<Header>, InputError> {
        let fixed = [Flag::Nonce, Flag::Digest, Flag::HashOrder];
        if self.has(Flag::Header)
            && let Some(flag) = fixed.into_iter().find(|flag| self.has(*flag))
        {
            let (header, hex) = (self.spell(Flag::Header), self.spell(Flag::TemplateHex));
            let problem = format!("{header} fixes this (u32le, sha256d, le); leave it out, or use {hex}");
            return Err(self.error(flag, problem));
        }
        self.parse(Flag::Header, |hex| {
            Ok(Header::from_hex(digits(&hex.to_string()))?)
        })
    }

    /// How the nonce stands in a message.
    pub(crate) fn encoding(&self) -> Result<NonceEncoding, InputError> {
        let encoding = self.parse(Flag::Nonce, |name| Ok(name.to_string().parse()?))?;
        Ok(encoding.unwrap_or_default())
    }

    fn message_puzzle(&self, template: Template) -> Result<Puzzle, InputError> {
        let encoding = self.encoding()?;
        let digest = self.parse(Flag::Digest, |name| match &*name.to_string() {
            "sha256" => Ok(Digest::Sha256),
            "sha256d" => Ok(Digest::Sha256d),
            _ => Err("not a digest; use sha256 or sha256d".into()),
        })?;
        let order = self.parse(Flag::HashOrder, |name| match &*name.to_string() {
            "be" => Ok(ByteOrder::Big),
            "le" => Ok(ByteOrder::Little),
            _ => Err("not a byte order; use be or le".into()),
        })?;
        let order = order.unwrap_or_default();
        let goal = self.goal(order)?;
        let goal = goal.ok_or_else(|| self.missing(Group::Goal, "goal"))?;
        Ok(Puzzle::new(
            template,
            encoding,
            digest.unwrap_or_default(),
            order,
            goal,
        ))
    }

    fn header_puzzle(&self, header: &Header) -> Result<Puzzle, InputError> {
        let puzzle = match self.goal(ByteOrder::Little)? {
            Some(goal) => Puzzle::header_with_goal(header, goal),
            None => Puzzle::header(header).map_err(|problem| {
                let bits = self.spell(Flag::Bits);
                self.error(
                    Flag::Header,
                    format!("{problem}; or give a goal such as {bits} 20"),
                )
            })?,
        };
        let rolled = self.parse(Flag::RollVersion, |mask| {
            Ok(puzzle.clone().roll_version(hex_word(mask, "1fffe000")?)?)
        })?;
        Ok(rolled.unwrap_or(puzzle))
    }

    /// The goal, if there is one.
    pub(crate) fn goal(&self, order: ByteOrder) -> Result<Option<Goal>, InputError> {
        let Some(flag) = self.only_one(Group::Goal, "goal")? else {
            return Ok(None);
        };
        self.parse(flag, |value| {
            Ok(Goal::at_most(match flag {
                Flag::HexZeros => Target::from_hex_zeros(value.whole()?)?,
                Flag::Bits => Target::from_leading_zero_bits(value.number()?)?,
                Flag::Nbits => Target::from_nbits(hex_word(value, "1d00ffff")?)?,
                Flag::Target => Target::from_hex(digits(&value.to_string()))?,
                _ => {
                    return Ok(Goal::Equals(Hash::from_display(
                        digits(&value.to_string()),
                        order,
                    )?));
                }
            }))
        })
    }
}

/// Hex digits as they are copied from elsewhere: without the blanks around them and `0x` before them.
fn digits(hex: &str) -> &str {
    let hex = hex.trim();
    let bare = hex.strip_prefix("0x").or_else(|| hex.strip_prefix("0X"));
    bare.unwrap_or(hex)
}

/// Reads 8 hex digits.
fn hex_word(value: &Value, example: &str) -> Result<u32, Problem> {
    let text = value.to_string();
    let text = digits(&text);
    let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let word = digits.then(|| u32::from_str_radix(text, 16).ok()).flatten();
    word.ok_or_else(|| format!("not 8 hex digits, as in {example}").into())
}
