//! The 256-bit threshold, and the ways in which people write a difficulty.
//!
//! *In:* leading zero bits (whole or fractional), leading hex zeros, compact `nBits`, hex digits. *Out:* a [`Target`]:
//! the highest number that is still good enough. "N leading zero bits" means hash < 2^(256−N), so the target is the
//! highest whole number below that.
//!
//! Each way in is exact. The ways out that lose something say so in their names.

use std::fmt;

use super::{
    HexError,
    hex::{check_digits, decode_array},
    powers::two_to_one_minus,
};

/// A 256-bit threshold: a hash meets it when, read as a number, it is at most the target.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target([u8; 32]);

/// Why something is not a target.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Leading zero bits outside 0 to 256, or not a number.
    #[error("{0} is not a number of leading zero bits; give one between 0 and 256")]
    Bits(f64),
    /// More leading hex zeros than a hash has digits.
    #[error("{0} is not a number of leading hex zeros; a hash has 64 digits, so give 0 to 64")]
    HexZeros(u32),
    /// Compact bits whose mantissa is zero: no hash would do.
    #[error("nBits {0:08x} is a target of zero; give one above it, such as 1d00ffff (207fffff on regtest)")]
    NbitsZero(u32),
    /// Compact bits with the sign bit set.
    #[error("nBits {0:08x} is negative (bit 0x00800000 is set); give a positive target, such as 1d00ffff")]
    NbitsNegative(u32),
    /// Compact bits that do not fit in 256 bits.
    #[error("nBits {0:08x} overflows 256 bits; give a smaller target, such as 1d00ffff")]
    NbitsOverflow(u32),
    /// Not 1 to 64 hex digits.
    #[error(transparent)]
    Hex(#[from] HexError),
}

impl Target {
    /// Every hash meets it.
    pub const MAX: Self = Self([0xff; 32]);
    /// Only the hash of all zeros meets it.
    pub const ZERO: Self = Self([0; 32]);

    /// Takes a number of 32 bytes, most significant first.
    pub const fn from_be_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The number as 32 bytes, most significant first.
    pub const fn to_be_bytes(self) -> [u8; 32] {
        self.0
    }

    /// The target of `bits` leading zero bits: the highest whole number below 2^(256−bits).
    ///
    /// Fractions are taken exactly as the `f64` states them: 20.5 is halfway, on a log scale, between 20 and 21.
    ///
    /// # Errors
    /// [`TargetError::Bits`] outside 0 ≤ `bits` ≤ 256.
    pub fn from_leading_zero_bits(bits: f64) -> Result<Self, TargetError> {
        if !(0.0..=256.0).contains(&bits) {
            return Err(TargetError::Bits(bits));
        }
        // For whole bits 2^(256 − bits) − 1. Else 2^(256 − bits) is irrational, so the highest whole number below it is
        // its floor: the bits of 2^(1 − fraction), moved to their place.
        let top = match bits.fract() {
            0.0 => [u128::MAX; 2],
            fraction => two_to_one_minus(fraction),
        };
        Ok(Self::from_halves(shift_right(top, bits.floor() as u32)))
    }

    /// The target of `zeros` leading hex zeros: 4 · `zeros` leading zero bits.
    ///
    /// # Errors
    /// [`TargetError::HexZeros`] above 64.
    pub fn from_hex_zeros(zeros: u32) -> Result<Self, TargetError> {
        if zeros > 64 {
            return Err(TargetError::HexZeros(zeros));
        }
        Self::from_leading_zero_bits(f64::from(zeros * 4))
    }

    /// Reads Bitcoin's compact form: first byte the length in bytes, then the top three bytes, sign bit included
    /// (Bitcoin Core, `arith_uint256::SetCompact`).
    ///
    /// # Errors
    /// [`TargetError`] when it is zero, negative or overflows 256 bits: Bitcoin accepts no such header.
    pub fn from_nbits(nbits: u32) -> Result<Self, TargetError> {
        let length = (nbits >> 24) as usize;
        let mut bytes = [0; 32];
        let mut overflows = false;
        for (place, byte) in (32..).zip((nbits & 0x007f_ffff).to_be_bytes().into_iter().skip(1)) {
            match usize::checked_sub(place, length) {
                Some(place) if place < 32 => bytes[place] = byte,
                Some(_) => {} // below the point
                None => overflows |= byte != 0,
            }
        }
        if bytes == [0; 32] && !overflows {
            Err(TargetError::NbitsZero(nbits))
        } else if nbits & 0x0080_0000 != 0 {
            Err(TargetError::NbitsNegative(nbits))
        } else if overflows {
            Err(TargetError::NbitsOverflow(nbits))
        } else {
            Ok(Self(bytes))
        }
    }

    /// Reads up to 64 hex digits, most significant first; fewer stand for a small number.
    ///
    /// # Errors
    /// [`TargetError::Hex`] for no digits, more than 64, or anything that is not a hex digit.
    pub fn from_hex(text: &str) -> Result<Self, TargetError> {
        check_digits(text)?;
        let needs = "a target has 1 to 64";
        match text.len() {
            1..=64 => Ok(Self(decode_array(&format!("{text:0>64}"), needs)?)),
            found => Err(HexError::Length { needs, found }.into()),
        }
    }

    /// The compact form nearest from below: all but the top 23 or so bits are lost
    /// (Bitcoin Core, `arith_uint256::GetCompact`).
    pub fn to_nbits_lossy(self) -> u32 {
        let zeros = self.0.iter().take_while(|byte| **byte == 0).count();
        let mut length = 32 - zeros;
        let byte = |at: usize| u32::from(self.0.get(at).copied().unwrap_or(0));
        let mut mantissa = byte(zeros) << 16 | byte(zeros + 1) << 8 | byte(zeros + 2);
        if mantissa & 0x0080_0000 != 0 {
            mantissa >>= 8;
            length += 1;
        }
        (length as u32) << 24 | mantissa
    }

    /// How many hashes a solution takes on average: 2^256 / (target + 1).
    pub fn expected_hashes(self) -> f64 {
        self.difficulty_bits().exp2()
    }

    /// The difficulty in bits: 256 − log2(target + 1), rounded to an `f64`. N leading zero bits are exactly N.
    pub fn difficulty_bits(self) -> f64 {
        let [high, low] = self.halves();
        let (low, carry) = low.overflowing_add(1);
        let (high, carry) = high.overflowing_add(carry.into());
        if carry {
            return 0.0; // every hash will do
        }
        let zeros = match high {
            0 => 128 + low.leading_zeros(),
            _ => high.leading_zeros(),
        };
        // The top 64 bits decide an f64; for a power of two they are exactly 2^63, whose log2 is exact.
        let shift = 192u32.saturating_sub(zeros);
        let [_, top] = shift_right([high, low], shift);
        256.0 - ((top as f64).log2() + f64::from(shift))
    }

    /// The target's 64 lower-case hex digits, most significant first.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }

    fn halves(self) -> [u128; 2] {
        let (high, low) = self.0.split_at(16);
        [high, low].map(|half| u128::from_be_bytes(half.try_into().expect("16 of 32 bytes")))
    }

    fn from_halves(halves: [u128; 2]) -> Self {
        let bytes = halves.map(u128::to_be_bytes);
        Self(bytes.as_flattened().try_into().expect("two times 16 bytes"))
    }
}

/// A number of 256 bits, its high half first, divided by 2^`by` and rounded down.
fn shift_right([high, low]: [u128; 2], by: u32) -> [u128; 2] {
    let down = |half: u128, by: u32| half.checked_shr(by).unwrap_or(0);
    let from_high = match by {
        0..=128 => high.checked_shl(128 - by).unwrap_or(0),
        _ => down(high, by - 128),
    };
    [down(high, by), down(low, by) | from_high]
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.to_hex())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_bits_are_one_below_a_power_of_two() {
        assert_eq!(Target::from_leading_zero_bits(0.0), Ok(Target::MAX));
        assert_eq!(Target::from_leading_zero_bits(256.0), Ok(Target::ZERO));
        assert_eq!(
            Target::from_leading_zero_bits(16.0).unwrap().to_hex(),
            format!("0000{}", "f".repeat(60))
        );
        assert_eq!(Target::from_hex_zeros(4), Target::from_leading_zero_bits(16.0));
    }

    /// Figures from an independent calculation with 400 decimal digits: floor(2^(256−N)).
    #[test]
    fn fractional_bits_are_exact() {
        for (bits, expected) in [
            (
                0.5,
                "b504f333f9de6484597d89b3754abe9f1d6f60ba893ba84ced17ac8583339915",
            ),
            (
                20.5,
                "00000b504f333f9de6484597d89b3754abe9f1d6f60ba893ba84ced17ac85833",
            ),
            (
                20.25,
                "00000d744fccad69d6af439a68bb9902d3fde1d733af522058b16b5c13ada0e7",
            ),
        ] {
            let target = Target::from_leading_zero_bits(bits).unwrap();
            assert_eq!(target.to_hex(), expected, "{bits} bits");
            assert_eq!(target.difficulty_bits(), bits);
        }
    }

    #[test]
    fn nbits_as_bitcoin_core_reads_them() {
        let hex = |nbits| Target::from_nbits(nbits).map(Target::to_hex);
        assert_eq!(
            hex(0x1d00_ffff).unwrap(),
            format!("00000000ffff{}", "0".repeat(52))
        );
        assert_eq!(hex(0x207f_ffff).unwrap(), format!("7fffff{}", "0".repeat(58)));
        assert_eq!(hex(0x0312_3456).unwrap(), format!("{:0>64}", "123456"));
        assert_eq!(hex(0x0112_3456).unwrap(), format!("{:0>64}", "12"));
        assert_eq!(
            hex(0x2200_00ff).unwrap(),
            format!("ff{}", "0".repeat(62)),
            "fits although its length byte is 34"
        );
        for zero in [
            0,
            0x0100_3456,
            0x0080_0000,
            0x2000_0000,
            0x01fe_dcba & 0x0180_0000,
        ] {
            assert_eq!(hex(zero), Err(TargetError::NbitsZero(zero)), "{zero:08x}");
        }
        assert_eq!(hex(0x0492_3456), Err(TargetError::NbitsNegative(0x0492_3456)));
        for over in [0x2101_0000, 0x2200_0100, 0xff12_3456] {
            assert_eq!(hex(over), Err(TargetError::NbitsOverflow(over)), "{over:08x}");
        }
    }

    #[test]
    fn hex_says_what_is_wrong() {
        assert_eq!(Target::from_hex("ff").unwrap().to_hex(), format!("{:0>64}", "ff"));
        let problem = |text: &str| Target::from_hex(text).unwrap_err().to_string();
        assert_eq!(problem(""), "a target has 1 to 64 hex digits, not 0");
        assert!(problem("0g").starts_with("'g' at position 1 "));
        assert_eq!(
            problem(&"0".repeat(65)),
            "a target has 1 to 64 hex digits, not 65"
        );
        assert!(problem("é").starts_with("'é' at position 0 "));
    }

    #[test]
    fn bits_outside_are_refused() {
        for bits in [-0.1, 256.1, f64::NAN, f64::INFINITY] {
            assert!(Target::from_leading_zero_bits(bits).is_err(), "{bits}");
        }
        assert!(Target::from_hex_zeros(65).is_err());
    }

    #[test]
    fn a_fraction_too_small_to_see_is_still_a_fraction() {
        let least = f64::from_bits(1);
        assert_eq!(Target::from_leading_zero_bits(least), Ok(Target::MAX));
    }

    proptest! {
        #[test]
        fn bits_survive_the_round_trip(bits in 0.0..=200.0f64) {
            let target = Target::from_leading_zero_bits(bits).unwrap();
            prop_assert!((target.difficulty_bits() - bits).abs() < 1e-12);
        }

        #[test]
        fn more_bits_are_never_easier(a in 0.0..=256.0f64, b in 0.0..=256.0f64) {
            let (low, high) = if a < b { (a, b) } else { (b, a) };
            let target = |bits| Target::from_leading_zero_bits(bits).unwrap();
            prop_assert!(target(high) <= target(low));
        }

        #[test]
        fn compact_form_is_the_nearest_from_below(bytes: [u8; 32]) {
            let target = Target::from_be_bytes(bytes);
            prop_assume!(target != Target::ZERO);
            let nearest = Target::from_nbits(target.to_nbits_lossy()).unwrap();
            prop_assert!(nearest <= target);
            prop_assert_eq!(nearest.to_nbits_lossy(), target.to_nbits_lossy());
        }
    }
}
