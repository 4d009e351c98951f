//! Reading an object's fields one by one, and keeping what is wrong with each.

use std::{fmt, str::FromStr};

use crate::{
    identity::Tag,
    record::json::{Slots, Written},
    transaction::{MAX_NAME_CHARS, Transaction, TransactionError},
};

/// Everything that is wrong with an object's fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors {
    /// Names of fields that are not there.
    pub missing: Vec<&'static str>,
    /// What is wrong with fields that are.
    pub invalid: Vec<String>,
}

impl FieldErrors {
    pub(super) fn invalid(problem: impl fmt::Display) -> Self {
        Self {
            missing: Vec::new(),
            invalid: vec![problem.to_string()],
        }
    }

    /// What is read is no object.
    pub(super) fn no_object() -> Self {
        Self::invalid("the body must be a JSON object")
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.invalid.is_empty()
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.missing.is_empty() {
            write!(f, "Missing values: {}", self.missing.join(", "))?;
        }
        if !self.invalid.is_empty() {
            let between = if self.missing.is_empty() { "" } else { "; " };
            write!(f, "{between}Invalid values: {}", self.invalid.join(", "))?;
        }
        Ok(())
    }
}

impl std::error::Error for FieldErrors {}

/// An object that was read, and what is wrong with its fields so far.
pub(super) struct Fields<'t, const N: usize> {
    slots: Slots<'t, N>,
    pub(super) errors: FieldErrors,
}

impl<'t, const N: usize> Fields<'t, N> {
    pub(super) fn new(slots: Slots<'t, N>) -> Self {
        Self {
            slots,
            errors: FieldErrors::default(),
        }
    }

    /// Whether the field is there, be it `null`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.slots.has(name)
    }

    /// A field; `null` is as good as none.
    fn get(&mut self, name: &'static str) -> Option<Written<'t>> {
        let found = self.slots.get(name);
        if found.is_none() {
            self.errors.missing.push(name);
        }
        found
    }

    pub(super) fn must(&mut self, problem: String) {
        self.errors.invalid.push(problem);
    }

    pub(super) fn name(&mut self, name: &'static str) -> Option<String> {
        let text = self.get(name)?.text(MAX_NAME_CHARS);
        let fits = text.filter(|text| !text.is_empty());
        if fits.is_none() {
            self.must(format!(
                "{name} must be a string of 1 to {MAX_NAME_CHARS} characters"
            ));
        }
        fits.map(Into::into)
    }

    /// The tag, which may be left out.
    pub(super) fn tag(&mut self) -> Option<Tag> {
        let tag = self.slots.get("tag")?.text(16);
        let tag = tag.map_or(Err(TransactionError::Tag), |text| text.parse());
        tag.map_err(|error| self.must(error.to_string())).ok()
    }

    /// The transaction that these make, if nothing was wrong so far.
    pub(super) fn transaction(
        self,
        sender: Option<String>,
        recipient: Option<String>,
        amount: Option<u64>,
        extra_nonce: Option<u64>,
        tag: Option<Tag>,
    ) -> Result<Transaction, FieldErrors> {
        let (Some(sender), Some(recipient), Some(amount), Some(extra_nonce), true) =
            (sender, recipient, amount, extra_nonce, self.errors.is_empty())
        else {
            return Err(self.errors);
        };
        let made = Transaction::from_parts(sender, recipient, amount, extra_nonce);
        let made = made.and_then(|made| match tag {
            Some(tag) => made.with_tag(tag),
            None => Ok(made),
        });
        made.map_err(FieldErrors::invalid)
    }

    pub(super) fn number(&mut self, name: &'static str, least: u64, most: u64) -> Option<u64> {
        let number = self
            .get(name)?
            .whole()
            .and_then(|number| u64::try_from(number).ok());
        let fits = number.filter(|number| (least..=most).contains(number));
        if fits.is_none() {
            self.must(format!("{name} must be a whole number from {least} to {most}"));
        }
        fits
    }

    pub(super) fn version(&mut self) -> Option<i32> {
        let number = self.get("version")?.whole();
        let fits = number.and_then(|number| i32::try_from(number).ok());
        if fits.is_none() {
            self.must("version must be a whole number of 32 bits".to_owned());
        }
        fits
    }

    pub(super) fn hex64<T: FromStr>(&mut self, name: &'static str) -> Option<T> {
        let text = self.get(name)?.text(64);
        let fits = text.and_then(|text| text.parse().ok());
        if fits.is_none() {
            self.must(format!("{name} must be a string of 64 hex digits"));
        }
        fits
    }

    pub(super) fn bits(&mut self) -> Option<u32> {
        let text = self.get("bits")?.text(8);
        let digits = text.filter(|text| text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit()));
        let fits = digits.and_then(|digits| u32::from_str_radix(&digits, 16).ok());
        if fits.is_none() {
            self.must("bits must be a string of 8 hex digits".to_owned());
        }
        fits
    }
}
