//! 2 to a power with a fraction, exact to the last of 256 bits.
//!
//! *In:* a fraction, as an `f64` states it. *Out:* 2^(1 − fraction), computed with 320 bits: 256 for the answer and 64
//! against rounding.
//!
//! With the binary digits 0.b₁b₂…b_k of an exponent: 2^(0.b₁b₂…b_k) = √(2^b₁ · 2^(0.b₂…b_k)), so one square root a
//! digit, from the last digit to the first, starting with 2^0. A root halves the error of what it is taken of and adds
//! less than one unit in the last place, so the answer is at most two units too low.

/// Bits of the fixed-point number; the first of them is the whole 1.
const BITS: usize = 320;
/// Limbs of 64 bits.
const LIMBS: usize = BITS / 64;

/// A fixed-point number, most significant limb first: so such arrays compare as the numbers do.
type Fixed = [u64; LIMBS];
/// A limb more, for what a square root leaves over.
type Wide = [u64; LIMBS + 1];

/// 2^(1 − `fraction`) for 0 < `fraction` < 1, times 2^255, rounded down: the high and the low half.
pub(super) fn two_to_one_minus(fraction: f64) -> [u128; 2] {
    // The digits of 1 − fraction are the fraction's inverted, but for the last, which stays 1. Digits further down than
    // the answer's own could not be seen in it.
    let mut digits = Vec::new();
    let mut rest = fraction;
    while rest > 0.0 && digits.len() < BITS {
        rest *= 2.0; // exact, as is the subtraction
        let digit = rest >= 1.0;
        rest -= f64::from(u8::from(digit));
        digits.push(!digit || rest == 0.0);
    }
    let mut one = [0; LIMBS];
    one[0] = 1 << 63;
    let [a, b, c, d, _] = digits
        .iter()
        .rev()
        .fold(one, |power, digit| root(power, *digit))
        .map(u128::from);
    [a << 64 | b, c << 64 | d]
}

/// √`power`, or √(2 · `power`), rounded down: bit by bit, as one takes a root by hand.
fn root(power: Fixed, doubled: bool) -> Fixed {
    // As whole numbers: the root of power · 2^319, or of power · 2^320.
    let shift = BITS - 1 + usize::from(doubled);
    let bit = |at: usize| match at.checked_sub(shift) {
        Some(at) if at < BITS => power[LIMBS - 1 - at / 64] >> (at % 64) & 1,
        _ => 0,
    };
    let (mut root, mut rest): (Wide, Wide) = ([0; LIMBS + 1], [0; LIMBS + 1]);
    for at in (0..BITS).rev() {
        rest = append(rest, 2, bit(2 * at + 1) << 1 | bit(2 * at));
        let subtrahend = append(root, 2, 1);
        let fits = subtrahend <= rest;
        if fits {
            rest = subtract(rest, subtrahend);
        }
        root = append(root, 1, fits.into());
    }
    *root.last_chunk().expect("a limb less")
}

/// `number` with `count` more bits at its low end.
fn append(mut number: Wide, count: u32, bits: u64) -> Wide {
    for at in 0..LIMBS {
        number[at] = number[at] << count | number[at + 1] >> (64 - count);
    }
    number[LIMBS] = number[LIMBS] << count | bits;
    number
}

fn subtract(mut from: Wide, number: Wide) -> Wide {
    let mut borrow = false;
    for (limb, less) in from.iter_mut().zip(number).rev() {
        let (difference, below) = limb.overflowing_sub(less);
        let (difference, further_below) = difference.overflowing_sub(borrow.into());
        (*limb, borrow) = (difference, below || further_below);
    }
    from
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;
    use proptest::prelude::*;

    use super::*;

    /// The same by another library's square roots, with 512 bits.
    fn expected(fraction: f64) -> BigUint {
        let one = BigUint::from(1u8) << 512;
        // 1 − fraction in units of 2^−1100, which every f64 is a multiple of.
        let bits = fraction.to_bits();
        let exponent = (bits >> 52).max(1);
        let mantissa = bits & ((1 << 52) - 1) | u64::from(bits >> 52 > 0) << 52;
        let rest: BigUint = (BigUint::from(1u8) << 1100) - (BigUint::from(mantissa) << (exponent + 25));
        let digits = (0..1100).map(|at| rest.bit(at));
        let root = |power: BigUint, digit: bool| (power << (512 + u32::from(digit))).sqrt();
        digits.fold(one, root) >> (512 - 255)
    }

    fn assert_exact(fraction: f64) {
        let [high, low] = two_to_one_minus(fraction);
        let found = BigUint::from(high) << 128 | BigUint::from(low);
        assert_eq!(found, expected(fraction), "{fraction:e}");
    }

    #[test]
    fn exact_at_the_edges() {
        for fraction in [0.5, 0.25, 0.75, f64::EPSILON, 1.0 - f64::EPSILON / 2.0] {
            assert_exact(fraction);
        }
        // Too small to be seen in 256 bits, yet never rounded to 2.
        for fraction in [f64::from_bits(1), f64::MIN_POSITIVE, 1e-90] {
            assert_eq!(two_to_one_minus(fraction), [u128::MAX; 2], "{fraction:e}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn exact_to_the_last_bit(fraction in 1e-9..1.0f64) {
            assert_exact(fraction);
        }
    }
}
