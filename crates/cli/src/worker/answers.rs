//! What `paydirt work` answers, one object a line (`schemas/work-1.json`, and `mine-1.json` for results).

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{commands::info::Info, terminal::output::Named};
use paydirt::{NonceRange, record::MineRecord};

/// The name that whoever wrote a job gave it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub(super) enum JobId {
    /// A text.
    Text(String),
    /// A whole number from 0.
    Number(u64),
    /// A negative whole number.
    Negative(i64),
}

/// The `result` of a job: what `paydirt mine --json` prints, with the job's id.
#[derive(Debug, Serialize)]
pub(super) struct WorkResult<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a JobId,
    #[serde(flatten)]
    record: Named<MineRecord>,
}

impl<'a> WorkResult<'a> {
    /// The result `record` of the job `id`.
    pub(super) fn new(id: &'a JobId, record: MineRecord) -> Self {
        Self {
            kind: "result",
            id,
            record: Named {
                schema: MineRecord::SCHEMA,
                result: record,
            },
        }
    }
}

/// Every other answer, with `paydirt.work/1` as its schema.
pub(super) type WorkAnswer<'a> = Named<WorkAnswerKind<'a>>;

/// The kinds of answers; the name stands in the field `type`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum WorkAnswerKind<'a> {
    /// The job is in the queue and will have its result.
    Accepted {
        /// The job's id.
        id: &'a JobId,
        /// Jobs in the queue, this one included.
        queued: usize,
    },
    /// The queue is full. The job was not taken; it may be sent again.
    Busy {
        /// The job's id.
        id: &'a JobId,
        /// Jobs in the queue.
        queued: usize,
        /// What is full, and what to do.
        message: String,
    },
    /// How far a job is.
    Progress {
        /// The job's id.
        id: &'a JobId,
        /// Nonces tested so far.
        hashes: u64,
        /// Seconds since the search began.
        elapsed_s: f64,
        /// `hashes / elapsed_s`; null when that is too short to measure.
        hashes_per_second: Option<f64>,
        /// How many hashes a solution takes on average.
        expected_hashes: f64,
        /// What is being searched.
        range: NonceRange,
    },
    /// A line that could not be taken.
    Error {
        /// The job's id, if the line has one that can be read.
        id: Option<&'a JobId>,
        /// The line's number, from 1.
        line: u64,
        /// The path of the field that will not do, as in `goal.bits`; null when it is the line itself.
        field: Option<String>,
        /// The field's value, or its beginning; null without one.
        value: Option<String>,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// The answer to a ping.
    Pong {
        /// What stood in the ping.
        ping: &'a RawValue,
    },
    /// The answer to `{"info": true}`.
    Info {
        /// What `paydirt info --json` prints.
        info: Box<Named<Info>>,
        /// Mining threads of this worker.
        threads: usize,
        /// The kernel of this worker.
        kernel: &'static str,
        /// Jobs in the queue.
        queued: usize,
        /// The job that is being mined.
        running: Option<JobId>,
        /// What this worker takes.
        limits: Limits,
    },
}

impl<'a> From<WorkAnswerKind<'a>> for Named<WorkAnswerKind<'a>> {
    fn from(kind: WorkAnswerKind<'a>) -> Self {
        Self {
            schema: "paydirt.work/1",
            result: kind,
        }
    }
}

/// The limits of a worker.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Limits {
    /// Jobs that may wait.
    pub(super) queue_jobs: usize,
    /// Bytes that the waiting jobs' lines may have together.
    pub(super) queue_bytes: usize,
    /// Bytes a line may have, its end not counted.
    pub(super) line_bytes: usize,
    /// How deep arrays and objects may nest in a line.
    pub(super) nesting: usize,
    /// Bytes an id may have.
    pub(super) id_bytes: usize,
    /// The shortest interval of progress lines in seconds.
    pub(super) progress_s: f64,
    /// How many solutions a job may expect that asks for all of them.
    pub(super) expected_solutions: f64,
}
