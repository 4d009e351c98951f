//! The token that calls which change state must bring.
//!
//! *In:* a secret. *Out:* whether a request brings it. The secret itself is not kept, only its hash, which is compared in the
//! same time whatever is brought: neither its content nor its length shows in how long that takes.

use std::fmt;

use axum::http::{HeaderMap, header};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Credentials;

/// The most characters a token may have: its header must fit into a request's head.
const MOST: usize = 1024;

/// What calls that change state or cost work must bring.
#[derive(Clone)]
pub struct Token {
    hash: [u8; 32],
    length: usize,
}

/// Text that is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadToken {
    /// It is empty.
    Empty,
    /// It has more than 1024 characters.
    TooLong,
    /// Not all of its characters are visible ASCII: a header carries no others.
    Unseen,
}

impl fmt::Display for BadToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it is empty; put a secret there, as from openssl rand -hex 32",
            Self::TooLong => "the token is longer than 1024 characters",
            Self::Unseen => {
                "the token must be one line of letters, digits and signs of ASCII, without spaces; take one from \
                 openssl rand -hex 32"
            }
        })
    }
}

impl std::error::Error for BadToken {}

impl Token {
    /// A token of 1 to 1024 visible ASCII characters.
    ///
    /// # Errors
    /// [`BadToken`].
    pub fn new(text: &str) -> Result<Self, BadToken> {
        match text.as_bytes() {
            [] => Err(BadToken::Empty),
            text if text.len() > MOST => Err(BadToken::TooLong),
            text if !text.iter().all(u8::is_ascii_graphic) => Err(BadToken::Unseen),
            text => Ok(Self {
                hash: Sha256::digest(text).into(),
                length: text.len(),
            }),
        }
    }

    /// How many characters it has: few can be guessed.
    pub fn length(&self) -> usize {
        self.length
    }

    fn is(&self, given: &[u8]) -> bool {
        let given: [u8; 32] = Sha256::digest(given).into();
        given.ct_eq(&self.hash).into()
    }

    /// Whether a request brings it, once.
    pub(super) fn is_brought(&self, headers: &HeaderMap, credentials: Credentials) -> bool {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (given.next(), given.next()) else {
            return false;
        };
        let Some((scheme, value)) = value.to_str().ok().and_then(|value| value.split_once(' ')) else {
            return false;
        };
        let value = value.trim_matches(' ');
        if scheme.eq_ignore_ascii_case("bearer") {
            return self.is(value.as_bytes());
        }
        let basic = credentials == Credentials::BearerOrBasic && scheme.eq_ignore_ascii_case("basic");
        let pair = basic.then(|| BASE64_STANDARD.decode(value).ok()).flatten();
        // RFC 7617: the user ends at the first colon, the password may have others.
        let password = pair.as_deref().and_then(|pair| {
            let colon = pair.iter().position(|byte| *byte == b':')?;
            Some(&pair[colon + 1..])
        });
        password.is_some_and(|password| self.is(password))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
