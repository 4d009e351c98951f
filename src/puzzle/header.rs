//! The 80 bytes of a Bitcoin block header.
//!
//! ```text
//! byte  0        4               36             68     72      76     80
//!       │version │ previous hash │ Merkle root  │ time │ nBits │ nonce│     numbers little-endian
//! ```

use super::{HexError, Template, hex::decode_array};

/// Length of a block header in bytes.
pub const HEADER_BYTES: usize = 80;
/// Where its nonce stands, in bytes from its beginning.
pub const HEADER_NONCE_OFFSET: usize = 76;

/// A Bitcoin block header, as its 80 serialised bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header([u8; HEADER_BYTES]);

impl Header {
    /// Takes the serialised bytes.
    pub const fn from_bytes(bytes: [u8; HEADER_BYTES]) -> Self {
        Self(bytes)
    }

    /// Reads 160 hex digits, in either case.
    ///
    /// # Errors
    /// [`HexError`] for anything else.
    pub fn from_hex(text: &str) -> Result<Self, HexError> {
        decode_array(text, "a block header is 80 bytes, 160").map(Self)
    }

    /// The serialised bytes.
    pub const fn to_bytes(self) -> [u8; HEADER_BYTES] {
        self.0
    }

    /// The version as it stands at byte 0.
    pub fn version(&self) -> u32 {
        u32::from_le_bytes(self.0[..4].try_into().expect("four bytes"))
    }

    /// The difficulty in compact form, as it stands at byte 72.
    pub fn nbits(&self) -> u32 {
        u32::from_le_bytes(self.0[72..76].try_into().expect("four bytes"))
    }

    /// The nonce as it stands at byte 76.
    pub fn nonce(&self) -> u32 {
        u32::from_le_bytes(self.0[HEADER_NONCE_OFFSET..].try_into().expect("four bytes"))
    }

    /// The same header with another nonce.
    pub fn with_nonce(mut self, nonce: u32) -> Self {
        self.0[HEADER_NONCE_OFFSET..].copy_from_slice(&nonce.to_le_bytes());
        self
    }

    /// The bytes around the nonce.
    pub fn template(&self) -> Template {
        Template::new(&self.0[..HEADER_NONCE_OFFSET], [])
    }
}
