//! A transfer between two names, or a block's reward.
//!
//! *In:* a sender, a recipient, an amount, a tag. *Out:* a [`Transaction`] within its limits, and its id: the double
//! SHA-256 of its canonical JSON (RFC 8785), so that any language can compute it from what the node prints.
//!
//! ```text
//! id = sha256d( {"amount":5,"recipient":"bob","sender":"alice","tag":"00c0ffee00c0ffee"} )
//!      no spaces, names in order, UTF-8
//! ```
//!
//! The tag makes the id an identity: the same transfer sent again has the same id, a second payment of 5 from alice to
//! bob has another. Transfers of old chains have none, and it is then left out, of the JSON and so of the hash: their
//! ids are what they always were.
//!
//! A reward has no tag. It may carry an `extra_nonce`, so that a block whose 2^32 nonces are used up has another Merkle
//! root to try; zero is left out.

use serde::Serialize;

use crate::{
    header::sha256d,
    identity::{Tag, TransactionId},
};

/// The sender of a reward. No user may send in this name.
pub const REWARD_SENDER: &str = "0";
/// The most characters (Unicode scalar values) of a sender or recipient.
pub const MAX_NAME_CHARS: usize = 256;
/// The highest amount, and the highest extra nonce: 2^53 − 1, the highest whole number that every JSON reader keeps.
pub const MAX_AMOUNT: u64 = (1 << 53) - 1;

/// Why something is not a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransactionError {
    /// A name is empty or too long.
    #[error("{field} must be a string of 1 to {MAX_NAME_CHARS} characters, not {chars}")]
    Name {
        /// `sender` or `recipient`.
        field: &'static str,
        /// How many characters it has.
        chars: usize,
    },
    /// The amount is out of range.
    #[error("amount must be a whole number from 1 to {MAX_AMOUNT}, not {0}")]
    Amount(u64),
    /// A user sends in the name of the reward.
    #[error("sender \"{REWARD_SENDER}\" is the reward of a block; no one may send in that name")]
    ForgedReward,
    /// An extra nonce outside a reward, or above 2^53 − 1.
    #[error("extra_nonce {0} is out of place; only a reward has one, from 0 to {MAX_AMOUNT}")]
    ExtraNonce(u64),
    /// Not 16 hex digits, or zero.
    #[error("tag must be a string of 16 hex digits, not all of them 0")]
    Tag,
    /// A tag in a reward.
    #[error("tag {0} is out of place; only a transfer has one")]
    RewardTag(Tag),
    /// Not 64 hex digits.
    #[error("a transaction id has exactly 64 hex digits")]
    Id,
    /// Stored bytes that are not a transaction.
    #[error("the bytes end early or are not UTF-8")]
    Bytes,
}

/// A transfer, or a reward, within its limits.
///
/// # Examples
/// ```
/// use paydirt_ledger::Transaction;
///
/// let transfer = Transaction::transfer("alice", "bob", 5)?;
/// assert_eq!(transfer.canonical_json(), br#"{"amount":5,"recipient":"bob","sender":"alice"}"#);
/// let tagged = transfer.with_tag("00c0ffee00c0ffee".parse()?)?;
/// assert_eq!(
///     tagged.canonical_json(),
///     br#"{"amount":5,"recipient":"bob","sender":"alice","tag":"00c0ffee00c0ffee"}"#
/// );
/// assert!(Transaction::transfer("0", "mallory", 1_000_000).is_err());
/// # Ok::<(), paydirt_ledger::TransactionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Transaction {
    sender: String,
    recipient: String,
    amount: u64,
    #[serde(skip_serializing_if = "is_zero")]
    extra_nonce: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<Tag>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // what serde calls
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The fewest and the most bytes of a transaction's stored form: names of one byte each, and of 256 characters of four bytes.
pub(super) const MIN_STORED_BYTES: usize = 22;
pub(super) const MAX_STORED_BYTES: usize = 20 + 2 * 4 * MAX_NAME_CHARS;

impl Transaction {
    /// A transfer by a user, without a tag.
    ///
    /// # Errors
    /// [`TransactionError`] for names and amounts outside their limits, and for the reward's sender.
    pub fn transfer(
        sender: impl Into<String>,
        recipient: impl Into<String>,
        amount: u64,
    ) -> Result<Self, TransactionError> {
        let transfer = Self::from_parts(sender.into(), recipient.into(), amount, 0)?;
        if transfer.is_reward() {
            return Err(TransactionError::ForgedReward);
        }
        Ok(transfer)
    }

    /// The reward of a block.
    ///
    /// # Errors
    /// [`TransactionError`] for a recipient, amount or extra nonce outside its limits.
    pub fn reward(
        recipient: impl Into<String>,
        amount: u64,
        extra_nonce: u64,
    ) -> Result<Self, TransactionError> {
        Self::from_parts(REWARD_SENDER.to_owned(), recipient.into(), amount, extra_nonce)
    }

    /// A transfer or a reward, as it stands in a block.
    ///
    /// # Errors
    /// [`TransactionError`] for anything outside its limits.
    pub fn from_parts(
        sender: String,
        recipient: String,
        amount: u64,
        extra_nonce: u64,
    ) -> Result<Self, TransactionError> {
        check_name("sender", &sender)?;
        check_name("recipient", &recipient)?;
        if !(1..=MAX_AMOUNT).contains(&amount) {
            return Err(TransactionError::Amount(amount));
        }
        if extra_nonce > MAX_AMOUNT || (extra_nonce > 0 && sender != REWARD_SENDER) {
            return Err(TransactionError::ExtraNonce(extra_nonce));
        }
        Ok(Self {
            sender,
            recipient,
            amount,
            extra_nonce,
            tag: None,
        })
    }

    /// The same transfer with a tag.
    ///
    /// # Errors
    /// [`TransactionError::RewardTag`] for a reward.
    pub fn with_tag(self, tag: Tag) -> Result<Self, TransactionError> {
        match self.is_reward() {
            true => Err(TransactionError::RewardTag(tag)),
            false => Ok(Self {
                tag: Some(tag),
                ..self
            }),
        }
    }

    /// The same, with a random tag if it is a transfer that has none: a payment of its own.
    pub fn tagged(self) -> Self {
        let tag = self.tag.or_else(|| (!self.is_reward()).then(Tag::random));
        Self { tag, ..self }
    }

    /// Who gives.
    pub fn sender(&self) -> &str {
        &self.sender
    }

    /// Who gets.
    pub fn recipient(&self) -> &str {
        &self.recipient
    }

    /// How much: 1 to [`MAX_AMOUNT`].
    pub fn amount(&self) -> u64 {
        self.amount
    }

    /// What makes this reward's hash another one; 0 for transfers.
    pub fn extra_nonce(&self) -> u64 {
        self.extra_nonce
    }

    /// What tells this transfer from others of the same names and amount; transfers of old chains have none.
    pub fn tag(&self) -> Option<Tag> {
        self.tag
    }

    /// Whether it is a block's reward.
    pub fn is_reward(&self) -> bool {
        self.sender == REWARD_SENDER
    }

    /// The bytes that are hashed: canonical JSON (RFC 8785).
    pub fn canonical_json(&self) -> Vec<u8> {
        /// Its fields in the order of their names. serde_json escapes what RFC 8785 wants escaped, in its way.
        #[derive(Serialize)]
        struct Canonical<'t> {
            amount: u64,
            #[serde(skip_serializing_if = "is_zero")]
            extra_nonce: u64,
            recipient: &'t str,
            sender: &'t str,
            #[serde(skip_serializing_if = "Option::is_none")]
            tag: Option<Tag>,
        }
        let canonical = Canonical {
            amount: self.amount,
            extra_nonce: self.extra_nonce,
            recipient: &self.recipient,
            sender: &self.sender,
            tag: self.tag,
        };
        serde_json::to_vec(&canonical).expect("strings and whole numbers have a JSON form")
    }

    /// The double SHA-256 of [`Transaction::canonical_json`].
    pub fn id(&self) -> TransactionId {
        TransactionId::from_bytes(sha256d(&self.canonical_json()))
    }

    /// How many bytes [`Transaction::write`] appends.
    pub fn stored_len(&self) -> usize {
        20 + self.sender.len() + self.recipient.len()
    }

    /// Appends the stored form: both names with their lengths in bytes (u16), amount, and a reward's extra nonce or a
    /// transfer's tag (u64, 0 for none); little-endian.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        for name in [&self.sender, &self.recipient] {
            let length = u16::try_from(name.len()).expect("256 characters are at most 1024 bytes");
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(name.as_bytes());
        }
        bytes.extend_from_slice(&self.amount.to_le_bytes());
        let last = self.tag.map_or(self.extra_nonce, Tag::to_u64);
        bytes.extend_from_slice(&last.to_le_bytes());
    }

    /// Reads the stored form off the front of `bytes`.
    ///
    /// # Errors
    /// [`TransactionError`] when they do not begin with one.
    pub fn read(bytes: &mut &[u8]) -> Result<Self, TransactionError> {
        let mut name = || {
            let length = u16::from_le_bytes(take(bytes)?);
            let (name, rest) = bytes
                .split_at_checked(length.into())
                .ok_or(TransactionError::Bytes)?;
            *bytes = rest;
            String::from_utf8(name.to_vec()).map_err(|_| TransactionError::Bytes)
        };
        let (sender, recipient) = (name()?, name()?);
        let amount = u64::from_le_bytes(take(bytes)?);
        let last = u64::from_le_bytes(take(bytes)?);
        if sender == REWARD_SENDER {
            return Self::from_parts(sender, recipient, amount, last);
        }
        let transfer = Self::from_parts(sender, recipient, amount, 0)?;
        match Tag::new(last) {
            Some(tag) => transfer.with_tag(tag),
            None => Ok(transfer),
        }
    }
}

/// Takes `N` bytes off the front of `bytes`.
pub(super) fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], TransactionError> {
    let (taken, rest) = bytes.split_first_chunk().ok_or(TransactionError::Bytes)?;
    *bytes = rest;
    Ok(*taken)
}

fn check_name(field: &'static str, name: &str) -> Result<(), TransactionError> {
    let chars = name.chars().count();
    if (1..=MAX_NAME_CHARS).contains(&chars) {
        Ok(())
    } else {
        Err(TransactionError::Name { field, chars })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_are_what_any_language_computes() {
        // printf '%s' JSON | openssl sha256 -binary | openssl sha256
        let transfer = Transaction::transfer("alice", "bob", 5).unwrap();
        assert_eq!(
            transfer.canonical_json(),
            br#"{"amount":5,"recipient":"bob","sender":"alice"}"#
        );
        assert_eq!(
            transfer.id().to_string(),
            "26a96ff18b2abba4d9df7cc4174d80ff1894716f601b45928b25adb545e1e919"
        );
        let odd = Transaction::transfer("é\u{1}\"\\\u{20ac}", "\u{1f600}", MAX_AMOUNT).unwrap();
        assert_eq!(
            String::from_utf8(odd.canonical_json()).unwrap(),
            "{\"amount\":9007199254740991,\"recipient\":\"\u{1f600}\",\"sender\":\"é\\u0001\\\"\\\\€\"}"
        );
    }

    #[test]
    fn limits_are_inclusive_and_count_characters() {
        let longest = "\u{1f600}".repeat(MAX_NAME_CHARS);
        assert!(Transaction::transfer(longest.clone(), "b", 1).is_ok());
        for (sender, recipient, amount) in [
            ("", "b", 1),
            ("a", "", 1),
            (format!("{longest}x").as_str(), "b", 1),
            ("a", "b", 0),
            ("a", "b", MAX_AMOUNT + 1),
            (REWARD_SENDER, "b", 1),
        ] {
            assert!(
                Transaction::transfer(sender, recipient, amount).is_err(),
                "{sender:.9} {recipient} {amount}"
            );
        }
        assert!(Transaction::from_parts("a".into(), "b".into(), 1, 1).is_err());
        assert!(Transaction::reward("n", 1, MAX_AMOUNT + 1).is_err());
    }

    #[test]
    fn a_rewards_extra_nonce_is_left_out_when_zero() {
        let reward = Transaction::reward("n", 1, 0).unwrap();
        assert_eq!(
            reward.canonical_json(),
            br#"{"amount":1,"recipient":"n","sender":"0"}"#
        );
        let next = Transaction::reward("n", 1, 7).unwrap();
        assert_eq!(
            next.canonical_json(),
            br#"{"amount":1,"extra_nonce":7,"recipient":"n","sender":"0"}"#
        );
        assert_ne!(reward.id(), next.id());
    }

    #[test]
    fn a_tag_makes_another_transfer() {
        let transfer = || Transaction::transfer("alice", "bob", 5).unwrap();
        let tag: Tag = "00C0ffee00c0ffee".parse().unwrap();
        assert_eq!(
            (tag.to_u64(), tag.to_string()),
            (0x00c0_ffee_00c0_ffee, "00c0ffee00c0ffee".to_owned())
        );
        let tagged = transfer().with_tag(tag).unwrap();
        assert_eq!(
            tagged.canonical_json(),
            br#"{"amount":5,"recipient":"bob","sender":"alice","tag":"00c0ffee00c0ffee"}"#
        );
        let other = transfer().with_tag(Tag::new(u64::MAX).unwrap()).unwrap();
        let ids = [transfer().id(), tagged.id(), other.id()];
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
        assert_eq!(tagged.clone().tagged(), tagged, "it keeps the one it has");
        assert_ne!(transfer().tagged(), transfer().tagged());
        let reward = Transaction::reward("n", 1, 0).unwrap();
        assert_eq!(reward.clone().tagged(), reward);
        assert_eq!(reward.with_tag(tag), Err(TransactionError::RewardTag(tag)));
        for text in [
            "",
            "7",
            "0000000000000000",
            "00c0ffee00c0ffe",
            "00c0ffee00c0ffeef",
            "0x00c0ffee00c0ff",
        ] {
            assert_eq!(text.parse::<Tag>(), Err(TransactionError::Tag), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_stored_form_comes_back(
            sender in ".{1,256}",
            recipient in ".{1,256}",
            amount in 1..=MAX_AMOUNT,
            tag: u64,
        ) {
            let mut transaction = Transaction::from_parts(sender, recipient, amount, 0).unwrap();
            if let (Some(tag), false) = (Tag::new(tag), transaction.is_reward()) {
                transaction = transaction.with_tag(tag).unwrap();
            }
            let mut bytes = Vec::new();
            transaction.write(&mut bytes);
            prop_assert_eq!(transaction.stored_len(), bytes.len());
            let mut rest = &bytes[..];
            prop_assert_eq!(Transaction::read(&mut rest).unwrap(), transaction);
            prop_assert!(rest.is_empty());
            prop_assert!(Transaction::read(&mut &bytes[..bytes.len() - 1]).is_err());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = Transaction::read(&mut &bytes[..]);
        }

        /// The form is the one that another implementation of RFC 8785 gives.
        #[test]
        fn canonical_json_is_canonical(sender in ".{1,64}", recipient in ".{1,64}", amount in 1..=MAX_AMOUNT, tag: u64) {
            let mut transaction = Transaction::from_parts(sender, recipient, amount, 0).unwrap();
            if let (Some(tag), false) = (Tag::new(tag), transaction.is_reward()) {
                transaction = transaction.with_tag(tag).unwrap();
            }
            let other = serde_json_canonicalizer::to_vec(&transaction).unwrap();
            prop_assert_eq!(transaction.canonical_json(), other);
        }

        /// Canonical JSON is JSON: a reader gets back what went in.
        #[test]
        fn canonical_json_is_json(sender in ".{1,64}", recipient in ".{1,64}", amount in 1..=MAX_AMOUNT) {
            let transaction = Transaction::from_parts(sender.clone(), recipient.clone(), amount, 0).unwrap();
            let value: serde_json::Value = serde_json::from_slice(&transaction.canonical_json()).unwrap();
            prop_assert_eq!(value, serde_json::json!({"sender": sender, "recipient": recipient, "amount": amount}));
        }
    }
}
