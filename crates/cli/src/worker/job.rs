//! A job: a puzzle to be solved, and what is wanted of it.
//!
//! *In:* a job line's fields. *Out:* a [`Job`], checked as `paydirt mine` checks its options, or the [`Refusal`] that
//! says which field will not do.

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, de};

use super::{answers::JobId, refusal::Refusal, request::Written, running::SoFar};
use crate::options::{Given, InputError, Spelling, search::Place};
use paydirt::{Cancel, Find, Puzzle};

/// Bytes an id may have.
pub(super) const MOST_ID_BYTES: usize = 256;
/// The shortest interval of progress lines in seconds.
pub(super) const LEAST_PROGRESS_S: f64 = 0.01;
/// How many solutions a job may expect that asks for all: its result is one line, and is made in memory.
pub(super) const MOST_EXPECTED_SOLUTIONS: f64 = 100_000.0;
/// What a waiting job takes beside the bytes of its line.
const JOB_BYTES: usize = 512;

/// A puzzle to be solved, and what is wanted of it.
pub(super) struct Job {
    pub(super) id: JobId,
    pub(super) puzzle: Puzzle,
    pub(super) place: Place,
    pub(super) find: Find,
    pub(super) timeout: Option<Duration>,
    /// The interval of progress lines.
    pub(super) progress: Option<Duration>,
    /// Higher runs first, and interrupts what is lower.
    pub(super) priority: i64,
    /// About how many bytes of memory it takes.
    pub(super) bytes: usize,
    pub(super) cancel: Cancel,
    /// Interrupts it for one of a higher priority.
    pub(super) pause: Cancel,
    pub(super) so_far: SoFar,
}

impl Job {
    /// Reads the fields of a line of so many bytes.
    pub(super) fn new(written: Written, line_bytes: usize) -> Result<Self, Refusal> {
        let Some(id) = written.id else {
            let problem = "a job needs a name, text or a whole number, by which its answers are known";
            return Err(Refusal::field(None, "id", None, problem));
        };
        let refuse = |error: InputError| Refusal::option(&id, &error);
        let Some(puzzle) = written.puzzle else {
            let problem = "a job needs one; say what is to be hashed, as in {\"text\": \"100\"}";
            return Err(Refusal::field(Some(id), "puzzle", None, problem));
        };
        let (goal, search) = (
            written.goal.unwrap_or_default(),
            written.search.unwrap_or_default(),
        );
        let given = Given::new(Spelling::Job, [puzzle.values(), goal.values(), search.values()]);
        let puzzle = given.puzzle().map_err(refuse)?;
        let place = given.place(puzzle.nonce_space()).map_err(refuse)?;
        let find = given.find().map_err(refuse)?;
        let timeout = given.timeout().map_err(refuse)?;
        let expected = place.range.count() as f64 / puzzle.goal().expected_hashes();
        if find == Find::All && expected > MOST_EXPECTED_SOLUTIONS {
            let problem = format!(
                "about {expected:.0} solutions are to be expected and a worker takes at most {MOST_EXPECTED_SOLUTIONS}; give a smaller count or a harder goal"
            );
            return Err(Refusal::field(Some(id), "search.find", Some("all"), &problem));
        }
        let interval = |seconds: f64| {
            let long_enough = Some(seconds).filter(|seconds| *seconds >= LEAST_PROGRESS_S);
            let interval = long_enough.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            interval.ok_or_else(|| {
                let problem =
                    format!("not an interval; give seconds, at least {LEAST_PROGRESS_S}, as in 0.5");
                Refusal::field(Some(id.clone()), "progress", Some(&seconds.to_string()), &problem)
            })
        };
        let progress = written.progress.map(interval).transpose()?;
        Ok(Self {
            puzzle,
            place,
            find,
            timeout,
            progress,
            priority: written.priority.unwrap_or(0),
            bytes: line_bytes + JOB_BYTES,
            cancel: Cancel::new(),
            pause: Cancel::new(),
            so_far: SoFar::default(),
            id,
        })
    }
}

impl<'de> Deserialize<'de> for JobId {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = JobId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "text of at most {MOST_ID_BYTES} bytes or a whole number")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<JobId, E> {
                if text.len() > MOST_ID_BYTES {
                    return Err(E::invalid_length(text.len(), &self));
                }
                Ok(JobId::Text(text.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<JobId, E> {
                Ok(JobId::Number(number))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<JobId, E> {
                Ok(u64::try_from(number).map_or(JobId::Negative(number), JobId::Number))
            }
        }

        json.deserialize_any(Visitor)
    }
}
