//! Rolling the version of a Bitcoin header: more to search than the four bytes of its nonce.
//!
//! *In:* a header's version and the mask of the bits that may be anything (BIP 320: `0x1fffe000`). *Out:* a search
//! space of 2^(32 + bits in the mask) nonces, each of them a version and a nonce of the header.
//!
//! ```text
//! bit    32+g+…        32+g                    g       0
//!        │ index >> g  │   the header's nonce  │ low g │      g = min(7, bits in the mask)
//! ```
//!
//! The `index` of a version is a number whose bits are spread over the mask, the lowest first; all other bits are the
//! header's own. Versions stand in groups of 2^g, 128 mostly, whose nonces alternate: the second blocks of such headers are
//! equal but for their midstates, so a kernel can test a whole group with one message schedule, in any short range.

use super::{ByteOrder, Digest, HEADER_NONCE_OFFSET, NonceEncoding, NonceRange, Puzzle};

/// Bits of the version index at the low end of the nonce, at most: 2^7 versions share a message schedule, and it costs
/// next to nothing.
pub(crate) const MOST_GROUP_BITS: u32 = 7;

/// Which versions a header may have, and how a nonce of the search space says version and header nonce.
///
/// # Examples
/// ```
/// use paydirt::{Header, Puzzle};
///
/// let mut bytes = [0; 80];
/// bytes[..4].copy_from_slice(&0x2000_0000u32.to_le_bytes());
/// bytes[72..76].copy_from_slice(&0x207f_ffffu32.to_le_bytes());
/// let puzzle = Puzzle::header(&Header::from_bytes(bytes))?.roll_version(0x1fff_e000)?;
/// let rolling = puzzle.rolling().expect("just asked for");
/// assert_eq!(puzzle.nonce_space().count(), 1 << (32 + 16));
/// // Nonces 0 to 127 are 128 versions with the header nonce 0.
/// assert_eq!(rolling.split(3), (0x2000_6000, 0));
/// assert_eq!(rolling.split(128), (0x2000_0000, 1));
/// assert_eq!(rolling.join(0x2000_6000, 7), 128 * 7 + 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VersionRolling {
    mask: u32,
    /// The header's own version; only the bits outside the mask count.
    base: u32,
}

/// Why the version of a puzzle cannot be rolled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RollError {
    /// The mask is zero.
    #[error("the mask has no bits to roll; give one such as 1fffe000 (BIP 320)")]
    NoBits,
    /// The puzzle is not a header.
    #[error(
        "version rolling needs a Bitcoin header: 76 bytes, a u32le nonce and nothing after it, sha256d read little-endian; make the puzzle with Puzzle::header or Puzzle::header_with_goal"
    )]
    NoHeader,
}

impl VersionRolling {
    /// The rolling of a header puzzle's version.
    pub(super) fn new(puzzle: &Puzzle, mask: u32) -> Result<Self, RollError> {
        let prefix = puzzle.template.prefix();
        let header = prefix.len() == HEADER_NONCE_OFFSET
            && puzzle.template.suffix().is_empty()
            && puzzle.encoding == NonceEncoding::U32(ByteOrder::Little)
            && puzzle.digest == Digest::Sha256d
            && puzzle.byte_order == ByteOrder::Little;
        if !header {
            return Err(RollError::NoHeader);
        }
        if mask == 0 {
            return Err(RollError::NoBits);
        }
        let base = u32::from_le_bytes(prefix[..4].try_into().expect("four of 76 bytes"));
        Ok(Self { mask, base })
    }

    /// The bits of the version that are rolled.
    pub fn mask(self) -> u32 {
        self.mask
    }

    /// Every nonce: 2^(32 + bits in the mask), at most 2^64.
    pub fn space(self) -> NonceRange {
        NonceRange::new(0, 1 << (32 + self.mask.count_ones())).expect("at most 2^64 nonces from 0")
    }

    /// How many low bits of a nonce are low bits of the version's index: 1 to 7.
    pub(crate) fn group_bits(self) -> u32 {
        self.mask.count_ones().min(MOST_GROUP_BITS)
    }

    /// The version and the header's nonce that `nonce` stands for. Bits past the end of the space say nothing.
    pub fn split(self, nonce: u64) -> (u32, u32) {
        let g = self.group_bits();
        let index = nonce >> (32 + g) << g | nonce & ((1 << g) - 1);
        let version = self.base & !self.mask | deposit(index as u32, self.mask);
        (version, (nonce >> g) as u32)
    }

    /// The nonce that stands for a version and a header's nonce; bits of `version` outside the mask say nothing.
    pub fn join(self, version: u32, header_nonce: u32) -> u64 {
        let g = self.group_bits();
        let index = u64::from(extract(version, self.mask));
        index >> g << (32 + g) | u64::from(header_nonce) << g | index & ((1 << g) - 1)
    }
}

/// Spreads the low bits of `bits` over those of `mask`, the lowest first; what does not fit is dropped.
fn deposit(mut bits: u32, mut mask: u32) -> u32 {
    let mut spread = 0;
    while mask != 0 {
        let lowest = mask & mask.wrapping_neg();
        if bits & 1 == 1 {
            spread |= lowest;
        }
        bits >>= 1;
        mask ^= lowest;
    }
    spread
}

/// Gathers the bits of `spread` under `mask`: the inverse of [`deposit`].
fn extract(spread: u32, mut mask: u32) -> u32 {
    let (mut bits, mut at) = (0, 0);
    while mask != 0 {
        let lowest = mask & mask.wrapping_neg();
        bits |= u32::from(spread & lowest != 0) << at;
        at += 1;
        mask ^= lowest;
    }
    bits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::puzzle::{Goal, Header, Target, Template};

    fn header(version: u32) -> Puzzle {
        let mut bytes = [7; 80];
        bytes[..4].copy_from_slice(&version.to_le_bytes());
        Puzzle::header_with_goal(&Header::from_bytes(bytes), Goal::at_most(Target::MAX))
    }

    fn rolling(version: u32, mask: u32) -> VersionRolling {
        header(version).roll_version(mask).unwrap().rolling().unwrap()
    }

    #[test]
    fn the_space_grows_with_the_mask() {
        for (mask, bits) in [(0x2000, 33), (0x6000, 34), (0x1fff_e000, 48), (u32::MAX, 64)] {
            assert_eq!(
                header(1).roll_version(mask).unwrap().nonce_space().count(),
                1 << bits
            );
        }
    }

    #[test]
    fn nonces_go_through_a_group_of_versions_first() {
        let eight = rolling(0xf000_0001, 0x8000_7f00);
        let versions = |nonces: [u64; 4]| nonces.map(|nonce| eight.split(nonce));
        assert_eq!(
            versions([0, 1, 2, 127]),
            [
                (0x7000_0001, 0),
                (0x7000_0101, 0),
                (0x7000_0201, 0),
                (0x7000_7f01, 0)
            ]
        );
        assert_eq!(eight.split(128), (0x7000_0001, 1));
        assert_eq!(eight.split((1 << 39) - 1), (0x7000_7f01, u32::MAX));
        assert_eq!(eight.split(1 << 39), (0xf000_0001, 0));
        assert_eq!(eight.split((1 << 40) - 1), (0xf000_7f01, u32::MAX));
        let one = rolling(0, 1 << 20);
        assert_eq!((one.split(4), one.split(5)), ((0, 2), (1 << 20, 2)));
        let two = rolling(1, 0x6000_0000);
        assert_eq!((two.split(7), two.split(8)), ((0x6000_0001, 1), (1, 2)));
    }

    #[test]
    fn the_message_carries_the_version() {
        let plain = header(0x2000_0004);
        let rolled = plain.clone().roll_version(0x1fff_e000).unwrap();
        let nonce = rolled.rolling().unwrap().join(0x2abc_6004, 0x0102_0304);
        let message = rolled.message(nonce);
        assert_eq!(message[..4], 0x2abc_6004u32.to_le_bytes());
        assert_eq!(message[4..76], plain.message(0)[4..76]);
        assert_eq!(message[76..], [4, 3, 2, 1]);
        assert_eq!(rolled.nonce_text(nonce), "04030201");
    }

    #[test]
    fn only_headers_with_something_to_roll() {
        assert_eq!(header(1).roll_version(0), Err(RollError::NoBits));
        let goal = Goal::at_most(Target::MAX);
        let le = NonceEncoding::U32(ByteOrder::Little);
        let other = |prefix: usize, suffix: usize, encoding, digest| {
            let template = Template::new(vec![0; prefix], vec![0; suffix]);
            Puzzle::new(template, encoding, digest, ByteOrder::Little, goal).roll_version(1)
        };
        assert!(other(76, 0, le, Digest::Sha256d).is_ok());
        for refused in [
            other(75, 0, le, Digest::Sha256d),
            other(76, 1, le, Digest::Sha256d),
            other(76, 0, NonceEncoding::U32(ByteOrder::Big), Digest::Sha256d),
            other(76, 0, le, Digest::Sha256),
            Puzzle::text("x", goal).roll_version(1),
        ] {
            assert_eq!(refused, Err(RollError::NoHeader));
        }
    }

    proptest! {
        #[test]
        fn a_nonce_is_a_version_and_a_header_nonce(version: u32, mask in 1u32.., nonce: u64) {
            let rolling = rolling(version, mask);
            let nonce = nonce & (rolling.space().end() - 1) as u64;
            let (rolled, header_nonce) = rolling.split(nonce);
            prop_assert_eq!(rolled & !mask, version & !mask);
            prop_assert_eq!(rolling.join(rolled, header_nonce), nonce);
        }
    }
}
