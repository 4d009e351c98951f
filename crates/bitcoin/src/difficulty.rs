//! What pools call difficulty: how many times harder than Bitcoin's easiest target a share is to find.
//!
//! *In:* a difficulty, whole or fractional. *Out:* the highest number that is not easier: ⌊T / difficulty⌋ for Bitcoin's
//! `T = 0xffff · 2^208`, exactly, taking the `f64` at its word. Pools count in floating point; a target rounded down is
//! never too easy for them.

use paydirt::{ByteOrder, Hash, Target};

/// The factor of 2^208 in the target of difficulty 1.
const EASIEST: u64 = 0xffff;
/// By how many bits it is shifted.
const SHIFT: i32 = 208;

/// The target of a difficulty; `None` unless it is a number above 0.
pub fn target(difficulty: f64) -> Option<Target> {
    if !(difficulty.is_finite() && difficulty > 0.0) {
        return None;
    }
    // difficulty = mantissa · 2^exponent, so the target is EASIEST · 2^shift / mantissa.
    let bits = difficulty.to_bits();
    let (mantissa, exponent) = match (bits >> 52) as i32 {
        0 => (bits, -1074),
        biased => (bits & ((1 << 52) - 1) | 1 << 52, biased - 1075),
    };
    let shift = SHIFT - exponent;
    if shift < 0 {
        return Some(Target::ZERO); // the mantissa of such a number has 53 bits
    }
    // As one divides by hand, bit by bit: those of EASIEST, then as many zeros.
    let (mut rest, mut quotient) = (0, [0u128; 2]);
    for at in (0..16 + shift).rev() {
        let bit = if at >= shift {
            EASIEST >> (at - shift) & 1
        } else {
            0
        };
        rest = rest << 1 | bit;
        let fits = rest >= mantissa;
        rest -= if fits { mantissa } else { 0 };
        let [high, low] = quotient;
        if high >> 127 == 1 {
            return Some(Target::MAX);
        }
        quotient = [high << 1 | low >> 127, low << 1 | u128::from(fits)];
    }
    let bytes = quotient.map(u128::to_be_bytes);
    Some(Target::from_be_bytes(
        bytes.as_flattened().try_into().expect("two times 16 bytes"),
    ))
}

/// The highest difficulty that a header's hash is good enough for, rounded.
pub fn of_hash(hash: Hash) -> f64 {
    of_target(Target::from_be_bytes(hash.number(ByteOrder::Little)))
}

/// The difficulty of a target, rounded.
pub fn of_target(target: Target) -> f64 {
    target.expected_hashes() * EASIEST as f64 * f64::exp2((SHIFT - 256).into())
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;
    use proptest::prelude::*;

    use super::*;

    fn hex(difficulty: f64) -> String {
        target(difficulty).unwrap().to_hex()
    }

    #[test]
    fn known_targets() {
        assert_eq!(hex(1.0), format!("00000000ffff{}", "0".repeat(52)));
        assert_eq!(hex(2.0), format!("000000007fff8{}", "0".repeat(51)));
        assert_eq!(hex(0.5), format!("00000001fffe{}", "0".repeat(52)));
        // Block 100,000: nBits 1b04864c is difficulty 14484.162361225399.
        let of_block = Target::from_nbits(0x1b04_864c).unwrap();
        assert!((of_target(of_block) - 14_484.162_361_225_399).abs() < 1e-9);
        assert!(hex(14_484.162_361_225_399).starts_with("000000000004864b"));
        // floor(0xffff · 2^208 / 3), by an independent calculation.
        assert_eq!(hex(3.0), format!("0000000055550{}", "0".repeat(51)));
        assert_eq!(hex(1e-3).len(), 64);
    }

    #[test]
    fn what_is_no_difficulty() {
        for bad in [0.0, -0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(target(bad), None, "{bad}");
        }
        assert_eq!(target(1e300), Some(Target::ZERO));
        assert_eq!(target(f64::MAX), Some(Target::ZERO));
        assert_eq!(target(f64::from_bits(1)), Some(Target::MAX));
        assert_eq!(target(1e-12), Some(Target::MAX));
    }

    proptest! {
        #[test]
        fn exact_as_whole_numbers_divide(mantissa in 1u64 << 52..1 << 53, exponent in -120i32..220) {
            let difficulty = mantissa as f64 * f64::exp2(exponent.into());
            let numerator = BigUint::from(EASIEST) << (SHIFT as usize + 120);
            let expected = numerator / (BigUint::from(mantissa) << (exponent + 120) as usize);
            let most = BigUint::from_bytes_be(&[0xff; 32]);
            let found = BigUint::from_bytes_be(&target(difficulty).unwrap().to_be_bytes());
            prop_assert_eq!(found, expected.min(most));
        }

        #[test]
        fn a_target_has_its_difficulty(difficulty in 1e-8..1e18f64) {
            let back = of_target(target(difficulty).unwrap());
            prop_assert!((back / difficulty - 1.0).abs() < 1e-12, "{} and {}", back, difficulty);
        }
    }
}
