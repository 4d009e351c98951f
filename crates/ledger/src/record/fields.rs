//! Reading an object's fields one by one, and keeping what is wrong with each.

use std::{fmt, str::FromStr};

use serde_json::{Map, Value};

use crate::{
    identity::Tag,
    record::TransactionRecord,
    rules::MAX_BLOCK_TRANSACTIONS,
    transaction::{MAX_AMOUNT, MAX_NAME_CHARS, Transaction, TransactionError},
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
    fn invalid(problem: impl fmt::Display) -> Self {
        Self {
            missing: Vec::new(),
            invalid: vec![problem.to_string()],
        }
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

/// An object being read, and what was wrong with it so far.
pub(super) struct Fields<'v> {
    pub(super) map: &'v Map<String, Value>,
    pub(super) errors: FieldErrors,
}

impl<'v> Fields<'v> {
    pub(super) fn of(value: &'v Value) -> Result<Self, FieldErrors> {
        match value {
            Value::Object(map) => Ok(Self {
                map,
                errors: FieldErrors::default(),
            }),
            _ => Err(FieldErrors::invalid("the body must be a JSON object")),
        }
    }

    /// A field; `null` is as good as none.
    fn get(&mut self, name: &'static str) -> Option<&'v Value> {
        let found = self.map.get(name).filter(|value| !value.is_null());
        if found.is_none() {
            self.errors.missing.push(name);
        }
        found
    }

    pub(super) fn must(&mut self, problem: String) {
        self.errors.invalid.push(problem);
    }

    pub(super) fn name(&mut self, name: &'static str) -> Option<String> {
        let text = self.get(name)?.as_str();
        let fits = text.filter(|text| (1..=MAX_NAME_CHARS).contains(&text.chars().count()));
        if fits.is_none() {
            self.must(format!(
                "{name} must be a string of 1 to {MAX_NAME_CHARS} characters"
            ));
        }
        fits.map(str::to_owned)
    }

    /// The tag, which may be left out.
    pub(super) fn tag(&mut self) -> Option<Tag> {
        let value = self.map.get("tag").filter(|value| !value.is_null())?;
        let tag = value.as_str().map(str::parse);
        let tag = tag.unwrap_or(Err(TransactionError::Tag));
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
        let value = self.get(name)?;
        let number = value.as_u64().or_else(|| whole(value.as_f64()?));
        let fits = number.filter(|number| (least..=most).contains(number));
        if fits.is_none() {
            self.must(format!("{name} must be a whole number from {least} to {most}"));
        }
        fits
    }

    pub(super) fn version(&mut self) -> Option<i32> {
        let fits = self.get("version")?.as_i64().and_then(|v| i32::try_from(v).ok());
        if fits.is_none() {
            self.must("version must be a whole number of 32 bits".to_owned());
        }
        fits
    }

    pub(super) fn hex64<T: FromStr>(&mut self, name: &'static str) -> Option<T> {
        let fits = self.get(name)?.as_str().and_then(|text| text.parse().ok());
        if fits.is_none() {
            self.must(format!("{name} must be a string of 64 hex digits"));
        }
        fits
    }

    pub(super) fn bits(&mut self) -> Option<u32> {
        let text = self.get("bits")?.as_str();
        let digits = text.filter(|text| text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit()));
        let fits = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        if fits.is_none() {
            self.must("bits must be a string of 8 hex digits".to_owned());
        }
        fits
    }

    pub(super) fn transactions(&mut self) -> Option<Vec<Transaction>> {
        let Some(all) = self.get("transactions")?.as_array() else {
            self.must("transactions must be an array".to_owned());
            return None;
        };
        if all.len() > MAX_BLOCK_TRANSACTIONS {
            self.must(format!("transactions must be at most {MAX_BLOCK_TRANSACTIONS}"));
            return None;
        }
        let mut transactions = Vec::with_capacity(all.len());
        for (position, value) in all.iter().enumerate() {
            match TransactionRecord::parse(value) {
                Ok(transaction) => transactions.push(transaction),
                Err(errors) => {
                    self.must(format!("transaction {position}: {errors}"));
                    return None;
                }
            }
        }
        Some(transactions)
    }
}

/// A float that is a whole number of at most 53 bits.
fn whole(number: f64) -> Option<u64> {
    let fits = number.fract() == 0.0 && (0.0..=MAX_AMOUNT as f64).contains(&number);
    fits.then_some(number as u64)
}
