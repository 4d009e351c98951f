//! What a search for the best order may choose.

use std::{fmt, str::FromStr};

use crate::tuned::{Tuned, TunedError};

/// What differs from processor to processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Instructions of the rounds taken at a time when they are merged with a schedule.
    pub rounds_chunk: usize,
    /// Instructions of the schedule taken at a time.
    pub schedule_chunk: usize,
    /// The same where versions are rolled, whose rounds have only one block's schedule beside them.
    pub roll_rounds_chunk: usize,
    /// Instructions of that schedule.
    pub roll_schedule_chunk: usize,
    /// Messages whose rounds go side by side, 1 to 7.
    pub messages: usize,
    /// How many of the latest words are kept in registers: 8 to 10, or 16. With 16, vectors also use what the rounds leave
    /// of registers 0 to 15, and at most six messages go side by side.
    pub words_in_registers: usize,
}

impl Tuning {
    /// For processors that nobody has tuned it for: right on each, quick where upper halves matter.
    pub fn general() -> Self {
        Self::shipped(include_str!("../../tuned/hybrid.txt"))
    }

    /// For Zen 4, where upper halves do not matter and a `sha256rnds2` starts each cycle.
    pub fn zen_4() -> Self {
        Self::shipped(include_str!("../../tuned/hybrid-zen4.txt"))
    }

    fn shipped(text: &str) -> Self {
        text.parse()
            .unwrap_or_else(|error| panic!("tuned/hybrid*.txt: {error}"))
    }

    /// How many the rounds take, from register 0 on: the sums, and two for each message.
    pub(crate) fn registers_of_rounds(self) -> usize {
        1 + 2 * self.messages
    }

    /// Whether there are registers for it.
    pub fn is_possible(self) -> bool {
        let Self {
            rounds_chunk,
            schedule_chunk,
            roll_rounds_chunk,
            roll_schedule_chunk,
            messages,
            words_in_registers,
        } = self;
        let chunks = [
            rounds_chunk,
            schedule_chunk,
            roll_rounds_chunk,
            roll_schedule_chunk,
        ];
        let registers = match words_in_registers {
            16 => (1..=6).contains(&messages),
            8..=10 => (1..=7).contains(&messages),
            _ => false,
        };
        registers && !chunks.contains(&0)
    }
}

impl FromStr for Tuning {
    type Err = TunedError;

    fn from_str(text: &str) -> Result<Self, TunedError> {
        let mut tuned: Tuned = text.parse()?;
        let tuning = Self {
            rounds_chunk: tuned.take("rounds_chunk")?,
            schedule_chunk: tuned.take("schedule_chunk")?,
            roll_rounds_chunk: tuned.take("roll_rounds_chunk")?,
            roll_schedule_chunk: tuned.take("roll_schedule_chunk")?,
            messages: tuned.take("messages")?,
            words_in_registers: tuned.take("words_in_registers")?,
        };
        tuned.end()?;
        Ok(tuning)
    }
}

impl fmt::Display for Tuning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rounds_chunk,
            schedule_chunk,
            roll_rounds_chunk,
            roll_schedule_chunk,
            messages,
            words_in_registers,
        } = self;
        writeln!(f, "rounds_chunk = {rounds_chunk}")?;
        writeln!(f, "schedule_chunk = {schedule_chunk}")?;
        writeln!(f, "roll_rounds_chunk = {roll_rounds_chunk}")?;
        writeln!(f, "roll_schedule_chunk = {roll_schedule_chunk}")?;
        writeln!(f, "messages = {messages}")?;
        writeln!(f, "words_in_registers = {words_in_registers}")
    }
}
