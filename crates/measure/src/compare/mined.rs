//! What was mined of a level, and the rate that this tells.
//!
//! *In:* solved puzzles with their times, on the wall and of the processor. *Out:* rates of both kinds, and the share of the
//! processor that the threads got, where the puzzles are long enough to tell.

use std::fmt;

use serde::{Serialize, Serializer};

use super::Level;

/// A level tells the rate when its puzzles take this long on average: starting and stopping is next to nothing then.
const TELLING_MEAN_S: f64 = 1e-3;
/// … and all of them together this long.
const TELLING_TOTAL_S: f64 = 0.02;

/// What starting and stopping a puzzle's threads may take, in which they use no processor.
const START_AND_STOP_S: f64 = 1e-3;
/// A level tells whether its threads were kept waiting when they asked for this much processor time, in seconds.
const ASKED_ENOUGH_S: f64 = 0.1;

/// A solved puzzle.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(into = "SampleRecord")]
pub struct Sample {
    /// Its lowest nonce; the tries are one more.
    pub nonce: u64,
    /// Hashes computed: the tries, and what other threads were ahead of them.
    pub hashes: u64,
    /// Wall time in seconds.
    pub elapsed_s: f64,
    /// Processor time of all threads together in seconds; `None` where the system does not tell.
    pub processor_s: Option<f64>,
}

/// A sample in JSON.
#[derive(Serialize)]
struct SampleRecord {
    nonce: u64,
    nonce_decimal: String,
    hashes: u64,
    elapsed_s: f64,
    processor_s: Option<f64>,
}

impl From<Sample> for SampleRecord {
    fn from(sample: Sample) -> Self {
        Self {
            nonce: sample.nonce,
            nonce_decimal: sample.nonce.to_string(),
            hashes: sample.hashes,
            elapsed_s: sample.elapsed_s,
            processor_s: sample.processor_s,
        }
    }
}

impl Sample {
    /// Nonces up to and including the lowest that solves the puzzle.
    pub fn tries(&self) -> u64 {
        self.nonce.saturating_add(1)
    }
}

/// A level and what was measured of it.
#[derive(Clone, Debug)]
pub(super) struct MinedLevel {
    pub(super) level: Level,
    /// Its puzzles; empty when there was no time for them.
    pub(super) samples: Vec<Sample>,
}

impl MinedLevel {
    pub(super) fn is_measured(&self) -> bool {
        !self.samples.is_empty()
    }

    /// The time of all puzzles in seconds.
    pub(super) fn elapsed_s(&self) -> f64 {
        self.samples.iter().map(|sample| sample.elapsed_s).sum()
    }

    /// The hashes of all puzzles.
    pub(super) fn hashes(&self) -> u64 {
        self.samples.iter().map(|sample| sample.hashes).sum()
    }

    /// The processor time of all puzzles in seconds; `None` when it is not known.
    pub(super) fn processor_s(&self) -> Option<f64> {
        self.samples.iter().map(|sample| sample.processor_s).sum()
    }

    /// Hashes per second on the wall; `None` when it was not measured, or too short to measure.
    pub(super) fn hashes_per_second(&self) -> Option<f64> {
        self.effort().hashes_per_second()
    }

    /// Hashes per second of processor time.
    pub(super) fn hashes_per_processor_second(&self) -> Option<f64> {
        self.effort().hashes_per_processor_second()
    }

    pub(super) fn effort(&self) -> Effort {
        Effort {
            hashes: self.hashes(),
            elapsed_s: self.elapsed_s(),
            processor_s: self.processor_s().filter(|_| self.is_measured()),
        }
    }

    /// How much processor time the threads asked for and how much they got, in seconds, if that can be told: `workers`
    /// processors all the while, apart from starting and stopping.
    pub(super) fn asked_and_got_s(&self, workers: f64) -> Option<(f64, f64)> {
        let idle_s = START_AND_STOP_S * self.samples.len() as f64;
        let asked_s = workers * (self.elapsed_s() - idle_s);
        let got_s = self.effort().processor_s?;
        (asked_s >= ASKED_ENOUGH_S && self.elapsed_s() >= 10.0 * idle_s).then_some((asked_s, got_s))
    }

    /// The share of the processor time they asked for that the threads got, 1 at most.
    pub(super) fn processor_share(&self, workers: f64) -> Option<f64> {
        let (asked_s, got_s) = self.asked_and_got_s(workers)?;
        Some((got_s / asked_s).min(1.0))
    }

    pub(super) fn tells_the_rate(&self, workers: f64) -> bool {
        // Waiting for a processor makes no level longer.
        let busy_s = self.effort().processor_s.map(|time| time / workers);
        let length_s = busy_s.unwrap_or(self.elapsed_s());
        length_s >= TELLING_TOTAL_S && length_s >= TELLING_MEAN_S * self.samples.len() as f64
    }
}

/// Hashes, and what they took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Effort {
    pub(super) hashes: u64,
    pub(super) elapsed_s: f64,
    pub(super) processor_s: Option<f64>,
}

impl Effort {
    pub(super) fn hashes_per_second(&self) -> Option<f64> {
        (self.elapsed_s > 0.0).then(|| self.hashes as f64 / self.elapsed_s)
    }

    pub(super) fn hashes_per_processor_second(&self) -> Option<f64> {
        let processor_s = self.processor_s.filter(|time| *time > 0.0)?;
        Some(self.hashes as f64 / processor_s)
    }

    /// The rate with `workers` processors; on the wall where the system does not tell processor time.
    pub(super) fn rate(&self, workers: f64, basis: RateBasis) -> Option<Rate> {
        let wall = self.hashes_per_second()?;
        let each = self.hashes_per_processor_second();
        Some(Rate {
            hashes_per_second: each.map_or(wall, |each| each * workers),
            hashes_per_processor_second: each,
            wall_hashes_per_second: wall,
            basis,
        })
    }
}

/// The rate that expected times are computed with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rate {
    /// Hashes per second that this machine does when nothing else wants its processors.
    pub hashes_per_second: f64,
    /// Hashes per second of processor time, of one thread; `None` where the system does not tell that time: the rate is
    /// then what it was on the wall.
    pub hashes_per_processor_second: Option<f64>,
    /// Hashes per second of the time on the wall, starting, stopping and whatever else ran included.
    pub wall_hashes_per_second: f64,
    /// How it was measured.
    pub basis: RateBasis,
}

/// How a rate was measured. In JSON it is a sentence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RateBasis {
    /// At this level, the hardest one that tells it.
    Level {
        /// The level's bits.
        bits: f64,
    },
    /// By itself, the levels being too easy to tell.
    Calibration,
}

impl fmt::Display for RateBasis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Level { bits } => write!(f, "measured at {bits} bits, the hardest level that tells it"),
            Self::Calibration => f.write_str("measured by itself for a tenth of a second"),
        }
    }
}

impl Serialize for RateBasis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
