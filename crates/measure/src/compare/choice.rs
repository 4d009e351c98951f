//! Which level to choose: as hard as it can be for whoever must solve it, and what that costs the one who must not.
//!
//! *In:* a time, a share of puzzles, and rates. *Out:* for each rate the hardest level that it solves in time; one of them
//! chosen, the hardest that the weakest rate solves; and what that one takes everybody. All of it is computed.

use serde::Serialize;

use super::{Level, NamedRate, Settings, Step};
use crate::geometric::{Tries, hardest_split_bits};

/// Which levels are solved in time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Within {
    /// The time allowed in seconds.
    pub seconds: f64,
    /// The share of puzzles that must be solved in it.
    pub quantile: f64,
    /// The hardest level, in whole bits or hex zeros, that the weakest rate solves in time; `None` when there is none.
    pub chosen: Option<Chosen>,
    /// One for each rate, as they were given; for this machine's when none was.
    pub answers: Vec<Answer>,
}

/// The level that was chosen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Chosen {
    /// Its difficulty in bits, of all its puzzles together.
    pub bits: f64,
    /// The same in hex zeros, where levels are counted in those.
    pub hex_zeros: Option<u32>,
    /// Whose rate is the lowest.
    pub weakest: String,
    /// Whose rate is the highest.
    pub strongest: String,
}

/// What a rate solves in time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// Whose rate.
    pub name: String,
    /// Hashes per second.
    pub hashes_per_second: f64,
    /// The hardest level in bits; `None` when not even one hash fits into the time.
    pub bits: Option<f64>,
    /// The same in whole bits.
    pub whole_bits: Option<u32>,
    /// The same in hex zeros.
    pub hex_zeros: Option<u32>,
    /// What the chosen level takes at this rate.
    pub at_chosen: Option<AtChosen>,
}

/// What the chosen level takes at a rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AtChosen {
    /// The mean time in seconds.
    pub mean_s: f64,
    /// What the asked share of puzzles does not exceed, in seconds.
    pub quantile_s: f64,
    /// Solutions an hour.
    pub solutions_per_hour: f64,
    /// What a thousand solutions cost, in the money of the price; `None` without one.
    pub cost_of_1000: Option<f64>,
}

/// Solutions an hour of a level with so many expected tries.
pub(super) fn solutions_per_hour(expected_tries: f64, hashes_per_second: f64) -> f64 {
    3600.0 * hashes_per_second / expected_tries
}

/// What a thousand solutions cost.
pub(super) fn cost_of_1000(price_per_hour: f64, solutions_per_hour: f64) -> f64 {
    1000.0 * price_per_hour / solutions_per_hour
}

impl Within {
    pub(super) fn new(seconds: f64, quantile: f64, own_rate: Option<f64>, settings: &Settings) -> Self {
        let own = own_rate
            .filter(|_| settings.rates.is_empty())
            .map(|hashes_per_second| NamedRate {
                name: "this machine".to_owned(),
                hashes_per_second,
                source: None,
                price_per_hour: settings.own_price_per_hour,
            });
        let rates: Vec<&NamedRate> = own.iter().chain(&settings.rates).collect();
        let split = settings.split.max(1);
        let hardest =
            |rate: &NamedRate| hardest_split_bits(rate.hashes_per_second * seconds, quantile, split);
        let by_rate = |a: &&&NamedRate, b: &&&NamedRate| a.hashes_per_second.total_cmp(&b.hashes_per_second);
        let weakest = rates.iter().min_by(by_rate);
        let chosen = weakest
            .zip(rates.iter().max_by(by_rate))
            .and_then(|(weakest, strongest)| {
                let bits = hardest(weakest)? as u32;
                let step = match settings.step {
                    Step::Bit => 1,
                    Step::HexZero => 4,
                };
                let whole = bits / step * step;
                // A level of fewer bits than the split takes off is none.
                (f64::from(whole) >= f64::from(split).log2()).then(|| Chosen {
                    bits: whole.into(),
                    hex_zeros: (settings.step == Step::HexZero).then_some(whole / 4),
                    weakest: weakest.name.clone(),
                    strongest: strongest.name.clone(),
                })
            });
        let law = chosen.as_ref().and_then(|chosen| part(chosen.bits, split));
        let answers = rates.iter().map(|rate| {
            let bits = hardest(rate);
            Answer {
                name: rate.name.clone(),
                hashes_per_second: rate.hashes_per_second,
                bits,
                whole_bits: bits.map(|bits| bits as u32),
                hex_zeros: bits.map(|bits| bits as u32 / 4),
                at_chosen: law.map(|law| AtChosen::new(law, split, quantile, rate)),
            }
        });
        Self {
            seconds,
            quantile,
            answers: answers.collect(),
            chosen,
        }
    }
}

impl AtChosen {
    fn new(law: Tries, split: u32, quantile: f64, rate: &NamedRate) -> Self {
        let expected = law.expected() * f64::from(split);
        let solutions_per_hour = solutions_per_hour(expected, rate.hashes_per_second);
        Self {
            mean_s: expected / rate.hashes_per_second,
            quantile_s: law.quantile_of_all(split, quantile) / rate.hashes_per_second,
            solutions_per_hour,
            cost_of_1000: (rate.price_per_hour).map(|price| cost_of_1000(price, solutions_per_hour)),
        }
    }
}

/// The law of one of `split` puzzles that make up a level; `None` when the level has too few bits for so many.
pub(super) fn part(bits: f64, split: u32) -> Option<Tries> {
    Some(Level::from_bits(bits - f64::from(split).log2()).ok()?.tries())
}
