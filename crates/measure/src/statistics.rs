//! What a handful of numbers says.
//!
//! *In:* samples. *Out:* their [`Summary`]; the change between two sets with a bootstrap interval ([`change`]); and
//! whether numbers are spread evenly over 0 to 1 ([`anderson_darling`]), which is how tries are held against theory.

use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha8Rng};
use serde::{Deserialize, Serialize};

/// Resamplings behind a bootstrap interval.
const RESAMPLINGS: usize = 10_000;

/// The seed of every bootstrap: the same samples give the same interval.
const BOOTSTRAP_SEED: u64 = 0x7061_7964_6972_7421;

/// Fewer samples than this on either side, and [`change`] gives no interval: resampling a few points understates how
/// far they scatter.
pub const FEWEST_FOR_CHANGE: usize = 5;

/// The scatter of some samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// The middle one, or halfway between the middle two.
    pub median: f64,
    /// The arithmetic mean.
    pub mean: f64,
    /// The sample standard deviation (divided by n − 1); `None` for a single sample.
    pub standard_deviation: Option<f64>,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
    /// The median absolute deviation from the median, as it is (not scaled to σ).
    pub mad: f64,
}

impl Summary {
    /// Summarises; `None` without samples.
    pub fn of(samples: &[f64]) -> Option<Self> {
        let mut sorted = samples.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let count = samples.len() as f64;
        let mean = samples.iter().sum::<f64>() / count;
        let squares: f64 = samples.iter().map(|sample| (sample - mean).powi(2)).sum();
        let median = median_of_sorted(&sorted);
        let mut deviations: Vec<_> = samples.iter().map(|sample| (sample - median).abs()).collect();
        deviations.sort_unstable_by(f64::total_cmp);
        Some(Self {
            median,
            mean,
            standard_deviation: (samples.len() > 1).then(|| (squares / (count - 1.0)).sqrt()),
            min,
            max,
            mad: median_of_sorted(&deviations),
        })
    }
}

fn median_of_sorted(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        (sorted[middle - 1] + sorted[middle]) / 2.0
    }
}

/// The sample that a share `q` (0 to 1) of the samples does not exceed: the lowest such one, no interpolation. `None`
/// when there are too few samples for that share to leave anything above: p99 needs 100.
pub fn quantile(samples: &[f64], q: f64) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let rank = (q * sorted.len() as f64 - 1e-9).ceil().max(1.0) as usize;
    let enough = (1.0 - q) * sorted.len() as f64 >= 1.0 - 1e-9;
    enough.then(|| sorted.get(rank - 1).copied()).flatten()
}

/// What became of a rate. In JSON it is [`Verdict::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The whole interval lies above no change.
    #[serde(rename = "faster")]
    Faster,
    /// The whole interval lies below no change.
    #[serde(rename = "slower")]
    Slower,
    /// The interval holds no change.
    #[serde(rename = "no difference seen")]
    NoDifferenceSeen,
    /// Fewer than [`FEWEST_FOR_CHANGE`] samples on a side.
    #[serde(rename = "too few samples to say")]
    TooFewSamples,
}

impl Verdict {
    /// In words, as printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Faster => "faster",
            Self::Slower => "slower",
            Self::NoDifferenceSeen => "no difference seen",
            Self::TooFewSamples => "too few samples to say",
        }
    }
}

/// The change of a median in percent: 5 is a twentieth more.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// New median over old, less one.
    pub percent: f64,
    /// The low end of the 95 % bootstrap interval of that; `None` with too few samples.
    pub low_percent: Option<f64>,
    /// Its high end.
    pub high_percent: Option<f64>,
    /// What that means.
    pub verdict: Verdict,
}

/// How the median changed from `before` to `after`, with the percentile bootstrap's 95 % interval: both sides are drawn
/// again from themselves, with replacement, 10,000 times from a fixed seed (Efron and Tibshirani, 1993, ch. 13).
/// `None` when a side is empty or the old median is not above zero.
///
/// The interval speaks of the scatter inside the two runs. What differed between them all along, such as another
/// machine or a hotter one, is in the change itself.
pub fn change(before: &[f64], after: &[f64]) -> Option<Change> {
    let old = Summary::of(before)?.median;
    let new = Summary::of(after)?.median;
    if old <= 0.0 {
        return None;
    }
    let relative = new / old - 1.0;
    if before.len().min(after.len()) < FEWEST_FOR_CHANGE {
        return Some(Change {
            percent: relative * 100.0,
            low_percent: None,
            high_percent: None,
            verdict: Verdict::TooFewSamples,
        });
    }
    let mut rng = ChaCha8Rng::seed_from_u64(BOOTSTRAP_SEED);
    let mut drawn = Vec::new();
    let mut draw = |samples: &[f64]| {
        drawn.clear();
        drawn.extend((0..samples.len()).map(|_| samples[rng.random_range(0..samples.len())]));
        drawn.sort_unstable_by(f64::total_cmp);
        median_of_sorted(&drawn)
    };
    let mut changes: Vec<f64> = (0..RESAMPLINGS)
        .map(|_| draw(after) / draw(before) - 1.0)
        .collect();
    changes.sort_unstable_by(f64::total_cmp);
    let low = changes[RESAMPLINGS / 40];
    let high = changes[RESAMPLINGS - 1 - RESAMPLINGS / 40];
    let verdict = match () {
        () if low > 0.0 => Verdict::Faster,
        () if high < 0.0 => Verdict::Slower,
        () => Verdict::NoDifferenceSeen,
    };
    Some(Change {
        percent: relative * 100.0,
        low_percent: Some(low * 100.0),
        high_percent: Some(high * 100.0),
        verdict,
    })
}

/// The smallest p-value that [`anderson_darling`] resolves; it stands for everything below.
pub const LOWEST_P_VALUE: f64 = 1e-5;

/// A goodness-of-fit test: its statistic, and the probability of one at least as large when the numbers are what they
/// should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GoodnessOfFit {
    /// The Anderson-Darling statistic A².
    pub statistic: f64,
    /// Its p-value, [`LOWEST_P_VALUE`] at least.
    pub p_value: f64,
    /// How many numbers were tested.
    pub count: usize,
}

/// Tests whether `numbers` are drawn evenly from 0 to 1, nothing estimated from them. `None` without numbers.
///
/// The p-value is Marsaglia and Marsaglia's ("Evaluating the Anderson-Darling Distribution", J. Stat. Softw. 9(2),
/// 2004) with its correction for few numbers. (The p-value that goes with normality tests, whose mean and variance are
/// estimated from the data, would be wrong here: it is far too small.)
pub fn anderson_darling(numbers: &[f64]) -> Option<GoodnessOfFit> {
    if numbers.is_empty() {
        return None;
    }
    let mut sorted: Vec<f64> = (numbers.iter())
        .map(|number| number.clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON))
        .collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let terms = sorted.iter().zip(sorted.iter().rev()).enumerate();
    let sum: f64 = terms
        .map(|(i, (low, high))| (2.0 * i as f64 + 1.0) * (low.ln() + (-high).ln_1p()))
        .sum();
    let statistic = -n - sum / n;
    let limit = limit_distribution(statistic);
    let probability = limit + finite_correction(n, limit);
    Some(GoodnessOfFit {
        statistic,
        p_value: (1.0 - probability).clamp(LOWEST_P_VALUE, 1.0),
        count: sorted.len(),
    })
}

/// P(A² < z) for infinitely many numbers (`ADinf` in the paper).
fn limit_distribution(z: f64) -> f64 {
    if z <= 0.0 {
        return 0.0;
    }
    if z < 2.0 {
        let series = polynomial(
            z,
            &[2.00012, 0.247105, -0.0649821, 0.0347962, -0.011672, 0.00168691],
        );
        return (-1.2337141 / z).exp() / z.sqrt() * series;
    }
    // Above 10 the exponent's polynomial leaves the range it was fitted in; all there is below the lowest p-value.
    let exponent = polynomial(
        z.min(10.0),
        &[1.0776, -2.30695, 0.43424, -0.082433, 0.008056, -0.0003146],
    );
    (-exponent.exp()).exp()
}

/// What to add to the limit's probability `x` when there are `n` numbers (`errfix` in the paper).
fn finite_correction(n: f64, x: f64) -> f64 {
    if x > 0.8 {
        let series = [-130.2137, 745.2337, -1705.091, 1950.646, -1116.360, 255.7844];
        return polynomial(x, &series) / n;
    }
    let edge = 0.01265 + 0.1757 / n;
    if x < edge {
        let t = x / edge;
        let t = t.sqrt() * (1.0 - t) * (49.0 * t - 102.0);
        return t * (0.0037 / (n * n) + 0.00078 / n + 0.00006) / n;
    }
    let t = (x - edge) / (0.8 - edge);
    let series = [-0.00022633, 6.54034, -14.6538, 14.458, -8.259, 1.91864];
    polynomial(t, &series) * (0.04213 + 0.01365 / n) / n
}

/// c₀ + c₁x + c₂x² + …
fn polynomial(x: f64, coefficients: &[f64]) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

#[cfg(test)]
mod tests;
