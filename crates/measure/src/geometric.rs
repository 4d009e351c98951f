//! Tries until the first success: what luck may do.
//!
//! *In:* a target. *Out:* the exact law of how many nonces must be tried, in ascending order, until one meets it: each
//! hash succeeds with the same probability p = (target + 1) / 2^256, independent of the others, so the tries follow the
//! geometric distribution, P(tries ≤ k) = 1 − (1 − p)^k, with mean 1/p.
//!
//! All of it is computed through ln(1 − p), so that it holds from p = 1 down to p = 2^−256.
//!
//! Several puzzles, one after the other, take the sum of as many such counts: k of them within n tries means at least k
//! successes among n hashes, which the binomial distribution tells exactly, and the Poisson distribution where p is small.

use statrs::{
    distribution::{ContinuousCDF as _, DiscreteCDF as _, Gamma, NegativeBinomial},
    function::{beta::beta_reg, gamma::gamma_lr},
};

use paydirt::Target;

/// Above this many expected tries, [`Tries::mean_interval`] and [`Tries::all_within`] take the limit for small p: the error
/// is about p.
const SMALL_P: f64 = 4096.0;

/// When hashes are this many times those that so many puzzles and ten more take on average, what is missing from certainty is
/// less than a float can tell; the functions themselves end at numbers far beyond.
const SURELY_ENOUGH: f64 = 20.0;

/// The law of the tries that one puzzle takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tries {
    expected: f64,
    /// ln(1 − p): minus infinity when every hash will do.
    ln_miss: f64,
}

impl Tries {
    /// The law for hashes that must meet `target`.
    pub fn until(target: Target) -> Self {
        let expected = target.expected_hashes();
        Self {
            expected,
            ln_miss: (-1.0 / expected).ln_1p(),
        }
    }

    /// The mean: 1/p.
    pub fn expected(self) -> f64 {
        self.expected
    }

    /// P(tries ≤ `count`).
    pub fn probability_within(self, count: f64) -> f64 {
        if count < 1.0 {
            return 0.0;
        }
        -(count * self.ln_miss).exp_m1()
    }

    /// The tries that a share `q` of all puzzles do not exceed (0 ≤ `q` < 1).
    pub fn quantile(self, q: f64) -> f64 {
        let exact = (-q).ln_1p() / self.ln_miss;
        // A quantile that falls on a whole number must not be rounded past it.
        (exact * (1.0 - 4.0 * f64::EPSILON)).ceil().max(1.0)
    }

    /// The tries that a share `q` of all puzzles do not exceed, were tries not whole: what [`Tries::quantile`] is rounded up
    /// from. At least 1, since one hash is the least there is.
    pub fn smooth_quantile(self, q: f64) -> f64 {
        ((-q).ln_1p() / self.ln_miss).max(1.0)
    }

    /// P(`puzzles` of these, one after the other, take `count` tries at most together).
    pub fn all_within(self, puzzles: u32, count: f64) -> f64 {
        let (count, puzzles) = (count.floor(), f64::from(puzzles));
        if count < puzzles {
            0.0
        } else if puzzles == 1.0 {
            self.probability_within(count)
        } else if self.expected <= 1.0 || count / self.expected > SURELY_ENOUGH * (puzzles + 10.0) {
            1.0
        } else if self.expected > SMALL_P {
            gamma_lr(puzzles, -count * self.ln_miss)
        } else {
            beta_reg(puzzles, count - puzzles + 1.0, 1.0 / self.expected)
        }
    }

    /// The tries that a share `q` of all such rows of `puzzles` puzzles do not exceed together (0 ≤ `q` < 1).
    pub fn quantile_of_all(self, puzzles: u32, q: f64) -> f64 {
        if puzzles == 1 {
            return self.quantile(q);
        }
        let least = f64::from(puzzles);
        let enough = |tries: f64| self.all_within(puzzles, tries) >= q;
        if enough(least) {
            return least;
        }
        let mut high = 2.0 * least * self.expected.max(1.0);
        while !enough(high) {
            high *= 2.0;
        }
        let mut low = least;
        // Halved until the two are neighbours, or as near as a float tells.
        while high - low > 1.0 && high / low > 1.0 + 1e-12 {
            let middle = (low + (high - low) / 2.0).floor();
            if middle <= low || middle >= high {
                break;
            }
            match enough(middle) {
                true => high = middle,
                false => low = middle,
            }
        }
        high
    }

    /// Where the mean of `samples` puzzles' tries lies in 95 of 100 cases, the other 5 shared equally by both sides:
    /// the sum of geometric tries follows the negative binomial distribution (in the limit of small p, the gamma
    /// distribution). `None` without samples.
    pub fn mean_interval(self, samples: usize) -> Option<(f64, f64)> {
        if samples == 0 {
            return None;
        }
        let count = samples as f64;
        if self.expected <= 1.0 {
            return Some((1.0, 1.0));
        }
        let (low, high) = if self.expected > SMALL_P {
            let sum = Gamma::new(count, 1.0 / self.expected).ok()?;
            // Tries are whole: the step that the quantile falls on.
            (sum.inverse_cdf(0.025).ceil(), sum.inverse_cdf(0.975).ceil())
        } else {
            // It counts the failures before the last success.
            let failures = NegativeBinomial::new(count, 1.0 / self.expected).ok()?;
            let at = |q| failures.inverse_cdf(q) as f64 + count;
            (at(0.025), at(0.975))
        };
        Some((low / count, high / count))
    }

    /// Turns tries into a number that is spread evenly over 0 to 1 if the tries follow this law: their distribution
    /// function, and within the step that the tries stand on, the place that `within_step` (evenly from 0 to 1) says
    /// (the randomised probability integral transform: exact also where a level takes few tries).
    pub fn to_uniform(self, tries: u64, within_step: f64) -> f64 {
        let below = self.probability_within(tries.saturating_sub(1) as f64);
        let up_to = self.probability_within(tries as f64);
        below + within_step * (up_to - below)
    }
}

/// The hardest level, in bits, whose puzzles are solved within `tries` hashes with probability `q`: the p with
/// 1 − (1 − p)^tries = q, as −log2 p. `None` when not even one hash fits. At most 256.
pub fn hardest_bits(tries: f64, q: f64) -> Option<f64> {
    let tries = tries.floor();
    if tries < 1.0 {
        return None;
    }
    let p = -((-q).ln_1p() / tries).exp_m1();
    Some((-p.log2()).clamp(0.0, 256.0))
}

/// The same for `puzzles` puzzles of an equal share of the level each: the most bits that the whole may have, so that all
/// of them are solved within `tries` hashes together with probability `q`. `None` when there are fewer hashes than puzzles.
pub fn hardest_split_bits(tries: f64, q: f64, puzzles: u32) -> Option<f64> {
    if puzzles <= 1 {
        return hardest_bits(tries, q);
    }
    let whole = f64::from(puzzles).log2();
    let in_time = |bits: f64| {
        let each = Target::from_leading_zero_bits(bits - whole).ok();
        each.is_some_and(|target| Tries::until(target).all_within(puzzles, tries) >= q)
    };
    if !in_time(whole) {
        return None;
    }
    let (mut low, mut high) = (whole, 256.0);
    if in_time(high) {
        return Some(high);
    }
    while high - low > 1e-9 {
        let middle = low + (high - low) / 2.0;
        match in_time(middle) {
            true => low = middle,
            false => high = middle,
        }
    }
    Some(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(bits: f64) -> Tries {
        Tries::until(Target::from_leading_zero_bits(bits).unwrap())
    }

    #[test]
    fn a_coin() {
        let coin = bits(1.0);
        assert_eq!(coin.expected(), 2.0);
        assert_eq!(coin.probability_within(0.0), 0.0);
        assert!((coin.probability_within(3.0) - 0.875).abs() < 1e-15);
        assert_eq!(
            [0.1, 0.5, 0.75, 0.876].map(|q| coin.quantile(q)),
            [1.0, 1.0, 2.0, 4.0]
        );
        assert_eq!(coin.to_uniform(2, 0.0), 0.5);
        assert_eq!(coin.to_uniform(2, 0.5), 0.625);
    }

    #[test]
    fn every_hash_will_do() {
        let sure = bits(0.0);
        assert_eq!((sure.expected(), sure.quantile(0.99)), (1.0, 1.0));
        assert_eq!(sure.probability_within(1.0), 1.0);
        assert_eq!(sure.to_uniform(1, 0.25), 0.25);
        assert_eq!(sure.mean_interval(7), Some((1.0, 1.0)));
    }

    #[test]
    fn the_far_end_stays_exact() {
        let far = bits(200.0);
        let expected = 200f64.exp2();
        assert!((far.quantile(0.5) / expected - 2f64.ln()).abs() < 1e-12);
        assert!((far.probability_within(expected) - (1.0 - (-1f64).exp())).abs() < 1e-12);
    }

    #[test]
    fn the_interval_of_the_mean_is_the_published_one() {
        // From scipy.stats.nbinom.ppf([0.025, 0.975], n, p) + n.
        for (level, samples, low, high) in REFERENCE_INTERVALS {
            let (l, h) = bits(level).mean_interval(samples).unwrap();
            let count = samples as f64;
            assert!(
                (l * count / low - 1.0).abs() < 1e-4,
                "{level} bits, {samples}: {} {low}",
                l * count
            );
            assert!(
                (h * count / high - 1.0).abs() < 1e-4,
                "{level} bits, {samples}: {} {high}",
                h * count
            );
        }
        assert_eq!(bits(8.0).mean_interval(0), None);
    }

    #[test]
    fn the_hardest_level_is_solved_in_time_and_a_harder_one_is_not() {
        for (tries, q) in [(1.0, 0.5), (1e6, 0.95), (5e8, 0.99), (1e30, 0.01)] {
            let level = hardest_bits(tries, q).unwrap();
            let within = |bits: f64| super::tests::bits(bits).probability_within(tries);
            assert!(within((level - 1e-9).max(0.0)) >= q, "{tries} {q}");
            assert!(within(level + 1e-6) < q, "{tries} {q}");
        }
        assert_eq!(hardest_bits(0.9, 0.5), None);
        assert_eq!(hardest_bits(1e300, 0.5), Some(256.0));
    }

    #[test]
    fn several_puzzles_take_what_the_published_functions_say() {
        // scipy 1.17: stats.binom.sf(k - 1, n, p), and stats.nbinom.ppf(q, k, p) + k.
        for (level, puzzles, count, within) in [
            (1.0, 2, 3.0, 0.5),
            (4.0, 3, 40.0, 0.460_310_99),
            (10.0, 8, 9000.0, 0.650_934_35),
            (16.0, 4, 300_000.0, 0.670_634_79),
        ] {
            let found = bits(level).all_within(puzzles, count);
            assert!(
                (found - within).abs() < 2e-5,
                "{level} {puzzles}: {found} {within}"
            );
        }
        for (level, puzzles, q, tries) in [
            (1.0, 3, 0.5, 5.0),
            (4.0, 4, 0.95, 122.0),
            (8.0, 16, 0.99, 6841.0),
            (12.0, 2, 0.99, 27_188.0),
            (16.0, 4, 0.95, 508_142.0),
            (24.0, 256, 0.99, 4_943_998_429.0),
            (24.0, 8, 0.05, 66_787_126.0),
        ] {
            let found = bits(level).quantile_of_all(puzzles, q);
            assert!(
                (found / tries - 1.0).abs() < 1e-4,
                "{level} {puzzles} {q}: {found} {tries}"
            );
        }
        assert_eq!(bits(0.0).quantile_of_all(5, 0.99), 5.0, "every hash will do");
        assert_eq!(bits(9.0).quantile_of_all(1, 0.95), bits(9.0).quantile(0.95));
        assert_eq!(bits(8.0).all_within(4, 3.0), 0.0, "fewer hashes than puzzles");
        for level in [1.0, 12.0, 13.0, 100.0] {
            for count in [1e40, 1e300, f64::INFINITY] {
                assert_eq!(bits(level).all_within(4, count), 1.0, "{level} {count}");
                assert_eq!(bits(level).all_within(65_536, count), 1.0, "{level} {count}");
            }
        }
    }

    #[test]
    fn a_split_level_is_solved_in_time_and_a_harder_one_is_not() {
        for (tries, q, puzzles) in [
            (1e6, 0.95, 4),
            (5e8, 0.99, 16),
            (2000.0, 0.5, 3),
            (1e20, 0.95, 65_536),
        ] {
            let level = hardest_split_bits(tries, q, puzzles).unwrap();
            let whole = f64::from(puzzles).log2();
            let within = |level: f64| bits(level - whole).all_within(puzzles, tries);
            assert!(
                within(level) >= q && within(level + 1e-6) < q,
                "{tries} {q} {puzzles}"
            );
            assert!(
                level > hardest_bits(tries, q).unwrap() || q == 0.5,
                "luck evens out"
            );
        }
        assert_eq!(hardest_split_bits(1e6, 0.95, 1), hardest_bits(1e6, 0.95));
        assert_eq!(hardest_split_bits(3.0, 0.95, 4), None);
    }

    const REFERENCE_INTERVALS: [(f64, usize, f64, f64); 32] = [
        (1.0, 1, 1.0, 6.0),
        (1.0, 10, 13.0, 30.0),
        (1.0, 200, 362.0, 441.0),
        (1.0, 1000, 1914.0, 2089.0),
        (4.0, 1, 1.0, 58.0),
        (4.0, 10, 79.0, 270.0),
        (4.0, 200, 2785.0, 3644.0),
        (4.0, 1000, 15055.0, 16975.0),
        (8.0, 1, 7.0, 943.0),
        (8.0, 10, 1230.0, 4370.0),
        (8.0, 200, 44363.0, 58521.0),
        (8.0, 1000, 240408.0, 272076.0),
        (12.0, 1, 104.0, 15108.0),
        (12.0, 10, 19645.0, 69976.0),
        (12.0, 200, 709608.0, 936547.0),
        (12.0, 1000, 3846064.0, 4353694.0),
        (12.5, 1, 147.0, 21367.0),
        (12.5, 10, 27780.0, 98962.0),
        (12.5, 200, 1003532.0, 1324484.0),
        (12.5, 1000, 5439143.0, 6157066.0),
        (16.0, 1, 1660.0, 241753.0),
        (16.0, 10, 314273.0, 1119666.0),
        (16.0, 200, 11353528.0, 14984972.0),
        (16.0, 1000, 61536566.0, 69659569.0),
        (20.0, 1, 26548.0, 3868069.0),
        (20.0, 10, 5028332.0, 17914711.0),
        (20.0, 200, 181656245.0, 239759762.0),
        (20.0, 1000, 984584602.0, 1114553578.0),
        (24.0, 1, 424763.0, 61889126.0),
        (24.0, 10, 80453275.0, 286635434.0),
        (24.0, 200, 2906499722.0, 3836156410.0),
        (24.0, 1000, 15753353179.0, 17832857714.0),
    ];
}
