//! How the process ends.

use std::process::ExitCode;

use paydirt::Status;

/// The documented exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: found, or done.
    Done,
    /// 1: the range holds no solution; the claimed nonce is no solution.
    NoSolution,
    /// 2: usage or bad input.
    BadInput,
    /// 3: the machine or a peer failed.
    Failure,
    /// 4: the time limit was reached.
    Timeout,
    /// 130: interrupted (128 + SIGINT).
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::NoSolution => 1,
            Exit::BadInput => 2,
            Exit::Failure => 3,
            Exit::Timeout => 4,
            Exit::Interrupted => 130,
        })
    }
}

impl From<Status> for Exit {
    fn from(status: Status) -> Self {
        match status {
            Status::Found => Self::Done,
            Status::Exhausted => Self::NoSolution,
            Status::Timeout => Self::Timeout,
            Status::Interrupted => Self::Interrupted,
        }
    }
}
