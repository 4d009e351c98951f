//! What happens at a pool, for whoever shows it.

use std::time::Duration;

use serde::Serialize;

/// Something that happened. As JSON its name is in `type`, and its values have these names.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A connection to a pool stands.
    Connected {
        /// The pool.
        url: String,
        /// The address that its name stands for.
        address: String,
    },
    /// The pool will send jobs.
    Subscribed {
        /// Its part of the extra nonce, in hex.
        extranonce1: String,
        /// Bytes of ours.
        extranonce2_size: usize,
        /// The bits of the version that may be rolled, in hex; `None` where it does not grant that.
        version_mask: Option<String>,
    },
    /// The pool takes this user's shares.
    Authorized {
        /// Who.
        user: String,
    },
    /// Shares must have this difficulty, from the next job on.
    Difficulty {
        /// How many times harder than Bitcoin's easiest target.
        difficulty: f64,
    },
    /// There is another job.
    Job {
        /// The pool's name for it.
        job_id: String,
        /// Whether shares of earlier ones are worth nothing.
        clean: bool,
        /// What its shares must have.
        difficulty: f64,
        /// The bits of the version that are rolled, in hex.
        version_mask: Option<String>,
    },
    /// The pool took a share.
    Accepted {
        /// Which.
        #[serde(flatten)]
        share: FoundShare,
        /// From its being sent to the answer, in seconds.
        latency_s: f64,
    },
    /// The pool did not.
    Rejected {
        /// Which.
        #[serde(flatten)]
        share: FoundShare,
        /// What the pool says.
        reason: String,
        /// From its being sent to the answer, in seconds.
        latency_s: f64,
    },
    /// A share was found too late, or its answer never came.
    Stale {
        /// Which.
        #[serde(flatten)]
        share: FoundShare,
        /// What it missed.
        reason: String,
    },
    /// There is no connection: another is tried.
    Reconnecting {
        /// Where.
        url: String,
        /// In how many seconds.
        in_s: f64,
        /// What became of the last.
        reason: String,
    },
}

/// A share that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FoundShare {
    /// The pool's name for its job.
    pub job_id: String,
    /// The highest difficulty that it would have been good enough for.
    pub share_difficulty: f64,
    /// What its job asks for.
    pub difficulty: f64,
    /// The header's hash, as explorers show it.
    pub hash: String,
    /// Whether it makes a block.
    pub block: bool,
}

/// What came of the shares so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Tally {
    /// Shares that the pool took.
    pub accepted: u64,
    /// Shares that it did not.
    pub rejected: u64,
    /// Shares found too late, or never answered.
    pub stale: u64,
    /// The highest difficulty of a share that the pool took.
    pub best_difficulty: Option<f64>,
    /// From the last request to its answer, in seconds.
    pub latency_s: Option<f64>,
}

impl Tally {
    /// Counts what happened.
    pub fn count(&mut self, event: &Event) {
        match event {
            Event::Accepted { share, .. } => {
                self.accepted += 1;
                let best = self.best_difficulty.unwrap_or(0.0);
                self.best_difficulty = Some(best.max(share.share_difficulty));
            }
            Event::Rejected { .. } => self.rejected += 1,
            Event::Stale { .. } => self.stale += 1,
            _ => {}
        }
    }
}

/// Seconds to a millionth.
pub(super) fn seconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e6
}
