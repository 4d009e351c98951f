//! What is to be solved.
//!
//! *In:* text, hex digits, a Bitcoin header, a difficulty. *Out:* a [`Puzzle`]: message template, nonce encoding,
//! digest and goal, checked once and for all, so that nothing further down can be handed a puzzle without an answer
//! to the question "is this nonce good?".
//!
//! ```text
//! message(nonce) = prefix ‖ encoding(nonce) ‖ suffix
//! hash(nonce)    = sha256(message)  or  sha256(sha256(message))
//! solved         = number(hash) ≤ target   or   number(hash) = wanted
//! ```
//!
//! `number` reads the 32 bytes big-endian (text puzzles) or little-endian (Bitcoin headers): the puzzle's
//! [`ByteOrder`] says which, and hashes are printed the way they are read.

mod goal;
mod header;
mod hex;
mod nonce;
mod powers;
mod range;
mod rolling;
mod target;
mod template;

pub use goal::{ByteOrder, Goal, Hash};
pub use header::{HEADER_BYTES, HEADER_NONCE_OFFSET, Header};
pub use hex::HexError;
pub use nonce::{EncodingError, HexCase, NonceEncoding};
pub use range::{NonceRange, RangeError};
pub(crate) use rolling::MOST_GROUP_BITS;
pub use rolling::{RollError, VersionRolling};
pub use target::{Target, TargetError};
pub use template::{PLACEHOLDER, Template, TemplateError};

/// The hash function of a puzzle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Digest {
    /// SHA-256 (FIPS 180-4 §6.2).
    #[default]
    Sha256,
    /// SHA-256 of the 32 bytes of SHA-256: Bitcoin's double hash. It counts as one hash.
    Sha256d,
}

impl Digest {
    /// Its name on the command line and in JSON: `sha256` or `sha256d`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha256d => "sha256d",
        }
    }

    /// Hashes a whole message with the oracle (slow, and written to be read).
    pub fn hash(self, message: &[u8]) -> Hash {
        let once = paydirt_sha256::sha256(message);
        Hash::from_bytes(match self {
            Self::Sha256 => once,
            Self::Sha256d => paydirt_sha256::sha256(&once),
        })
    }
}

/// A question with a yes-or-no answer for each nonce.
///
/// # Examples
/// ```
/// use paydirt::{Goal, Puzzle, Target};
///
/// let puzzle = Puzzle::text("100", Goal::at_most(Target::from_hex_zeros(4)?));
/// assert!(puzzle.is_solved_by(35293));
/// assert!(!puzzle.is_solved_by(35292));
/// # Ok::<(), paydirt::TargetError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Puzzle {
    template: Template,
    encoding: NonceEncoding,
    digest: Digest,
    byte_order: ByteOrder,
    goal: Goal,
    rolling: Option<VersionRolling>,
}

impl Puzzle {
    /// Puts the parts together.
    pub fn new(
        template: Template,
        encoding: NonceEncoding,
        digest: Digest,
        byte_order: ByteOrder,
        goal: Goal,
    ) -> Self {
        Self {
            template,
            encoding,
            digest,
            byte_order,
            goal,
            rolling: None,
        }
    }

    /// The teaching chains' puzzle: SHA-256 over `prefix` followed by the nonce in decimal, read big-endian.
    pub fn text(prefix: impl AsRef<[u8]>, goal: Goal) -> Self {
        Self::new(
            Template::new(prefix.as_ref(), []),
            NonceEncoding::Decimal,
            Digest::Sha256,
            ByteOrder::Big,
            goal,
        )
    }

    /// A Bitcoin block header whose target is its own `nBits`: double SHA-256 over its 80 bytes, read little-endian.
    ///
    /// The nonce that stands in `header` is ignored.
    ///
    /// # Errors
    /// [`TargetError`] when `nBits` is zero, negative or overflows 256 bits.
    pub fn header(header: &Header) -> Result<Self, TargetError> {
        let target = Target::from_nbits(header.nbits())?;
        Ok(Self::header_with_goal(header, Goal::at_most(target)))
    }

    /// A Bitcoin block header with a goal other than the one its `nBits` states.
    pub fn header_with_goal(header: &Header, goal: Goal) -> Self {
        Self::new(
            header.template(),
            NonceEncoding::U32(ByteOrder::Little),
            Digest::Sha256d,
            ByteOrder::Little,
            goal,
        )
    }

    /// The same header, searched not only over its nonce but also over the bits of its version that are in `mask`
    /// (BIP 320 allows `0x1fffe000`); they replace the header's own. The space grows to 2^(32 + bits in the mask)
    /// nonces; [`VersionRolling`] says which version and header nonce each stands for.
    ///
    /// A kernel that can test several versions with one message schedule does; see `docs/kernels.md` for the gain.
    ///
    /// # Errors
    /// [`RollError`] when the puzzle is not a Bitcoin header or the mask is 0.
    ///
    /// # Examples
    /// ```
    /// use paydirt::{Goal, Header, Miner, Puzzle, Search, Target};
    ///
    /// let goal = Goal::at_most(Target::from_leading_zero_bits(16.0)?);
    /// let puzzle = Puzzle::header_with_goal(&Header::from_bytes([0x20; 80]), goal).roll_version(0x1fff_e000)?;
    /// let solution = Miner::new().mine(&Search::new(&puzzle)).solutions[0];
    /// let message = puzzle.message(solution.nonce());
    /// assert_eq!(message[..4], solution.version().unwrap().to_le_bytes());
    /// assert_eq!(message[76..], solution.header_nonce().unwrap().to_le_bytes());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn roll_version(self, mask: u32) -> Result<Self, RollError> {
        let rolling = Some(VersionRolling::new(&self, mask)?);
        Ok(Self { rolling, ..self })
    }

    /// What surrounds the nonce.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// How the nonce stands in the message; where the version is rolled, how the header's nonce does.
    pub fn encoding(&self) -> NonceEncoding {
        self.encoding
    }

    /// The hash function.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The order in which a hash's 32 bytes are read as a number, and printed.
    pub fn byte_order(&self) -> ByteOrder {
        self.byte_order
    }

    /// What a hash must be.
    pub fn goal(&self) -> &Goal {
        &self.goal
    }

    /// The same puzzle with another goal.
    pub fn with_goal(self, goal: Goal) -> Self {
        Self { goal, ..self }
    }

    /// How the version is rolled, if it is.
    pub fn rolling(&self) -> Option<VersionRolling> {
        self.rolling
    }

    /// Every nonce the encoding (and the rolled version) can hold: 0 up to and including the last.
    pub fn nonce_space(&self) -> NonceRange {
        match self.rolling {
            Some(rolling) => rolling.space(),
            None => self.encoding.space(),
        }
    }

    /// The nonce as it stands in the message: its digits, or the hex of its bytes when it is binary.
    ///
    /// # Panics
    /// As [`Puzzle::message`].
    pub fn nonce_text(&self, nonce: u64) -> String {
        self.encoding.display(self.written_nonce(nonce))
    }

    /// The nonce that [`Puzzle::nonce_text`] shows as `text`. `None` where it is not the text of any; or of many, as where the
    /// version is rolled, which the text leaves out.
    pub fn nonce_from_text(&self, text: &str) -> Option<u64> {
        match self.rolling {
            Some(_) => None,
            None => self.encoding.read(text),
        }
    }

    /// The part of the nonce that the encoding writes.
    fn written_nonce(&self, nonce: u64) -> u64 {
        assert!(self.nonce_space().contains(nonce), "nonce {nonce} does not fit");
        self.rolling
            .map_or(nonce, |rolling| rolling.split(nonce).1.into())
    }

    /// The message that `nonce` makes.
    ///
    /// # Panics
    /// When `nonce` is outside [`Puzzle::nonce_space`].
    pub fn message(&self, nonce: u64) -> Vec<u8> {
        let (prefix, suffix) = (self.template.prefix(), self.template.suffix());
        let mut message = Vec::with_capacity(prefix.len() + suffix.len() + 20);
        message.extend_from_slice(prefix);
        if let Some(rolling) = self.rolling {
            message[..4].copy_from_slice(&rolling.split(nonce).0.to_le_bytes());
        }
        self.encoding.write(self.written_nonce(nonce), &mut message);
        message.extend_from_slice(suffix);
        message
    }

    /// The hash of the message that `nonce` makes, by the oracle.
    ///
    /// # Panics
    /// As [`Puzzle::message`].
    pub fn hash(&self, nonce: u64) -> Hash {
        self.digest.hash(&self.message(nonce))
    }

    /// Whether `nonce` meets the goal, by the oracle.
    ///
    /// # Panics
    /// As [`Puzzle::message`].
    pub fn is_solved_by(&self, nonce: u64) -> bool {
        self.goal.is_met_by(self.hash(nonce), self.byte_order)
    }
}
