//! A chain as JSON lines: one active block a line, genesis first. Blank lines are passed over.
//!
//! *In:* a ledger, or lines. *Out:* lines, or a ledger that holds their blocks, each checked as if it came from a stranger.
//! Genesis states the parameters, so that an export is enough to begin the same ledger elsewhere. Pending transfers
//! and side branches are not part of it.

use std::io::{self, BufRead, Read as _, Write};

use crate::{
    Ledger,
    block::{Block, Unchecked},
    outcome::{AddError, Added, StoreFailed},
    record::{BlockRecord, RecordError},
    store::StoreError,
};

/// How many blocks are read at a time: one commit.
const BATCH: usize = 500;
/// A batch ends when its lines have this many bytes.
const BATCH_BYTES: usize = 8 << 20;
/// The longest line that is read, in bytes: more than any block takes (see `MAX_BLOCK_BYTES`).
const MAX_LINE_BYTES: u64 = 16 << 20;

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Blocks that are new.
    pub added: u64,
    /// Blocks that were there already.
    pub known: u64,
}

/// Why an import stopped. The lines before are in the ledger.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// A line is not a block, or one that the ledger does not take.
    #[error("line {line}: {reason}")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it.
        #[source]
        reason: LineError,
    },
    /// The lines cannot be read.
    #[error("cannot read the lines: {0}")]
    Read(#[from] io::Error),
    /// The ledger's file failed.
    #[error(transparent)]
    Store(#[from] StoreFailed),
}

/// What is wrong with a line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// It is longer than any block.
    #[error("it is longer than {MAX_LINE_BYTES} bytes")]
    Long,
    /// It is not JSON, or not a block.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The ledger does not take its block.
    #[error("the block is refused: {0}")]
    Refused(#[source] AddError),
}

/// Writes every block of the branch that is active now, and returns how many. However long `out` takes, nobody waits for it.
///
/// # Errors
/// When the store cannot be read or `out` not written; the latter is an [`io::Error`].
pub fn export(ledger: &Ledger, mut out: impl Write) -> Result<u64, ExportError> {
    let mut written = 0;
    let mut failed = None;
    ledger.read(&ledger.active_branch(), 1..u64::MAX, |block| {
        let record = BlockRecord::new(&block).with_schema();
        let line = serde_json::to_writer(&mut out, &record).map_err(io::Error::from);
        match line.and_then(|()| out.write_all(b"\n")) {
            Ok(()) => written += 1,
            Err(error) => failed = Some(error),
        }
        failed.is_none()
    })?;
    match failed {
        Some(error) => Err(error.into()),
        None => {
            out.flush()?;
            Ok(written)
        }
    }
}

/// Why an export stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The lines cannot be written.
    #[error("cannot write the blocks")]
    Write(#[from] io::Error),
}

/// Adds the blocks of an export, and calls `progress` with what was done so far, now and then.
///
/// # Errors
/// [`ImportError`] at the first line that will not do.
pub fn import<R: BufRead>(
    ledger: &Ledger,
    lines: &mut BlockLines<R>,
    mut progress: impl FnMut(&Imported),
) -> Result<Imported, ImportError> {
    let mut done = Imported::default();
    loop {
        let mut batch = Vec::with_capacity(BATCH);
        let mut numbers = Vec::with_capacity(BATCH);
        let mut bytes = 0;
        let mut end = None;
        while batch.len() < BATCH && bytes < BATCH_BYTES && end.is_none() {
            match lines.next() {
                Ok(Some((block, length))) => {
                    bytes += length;
                    numbers.push(lines.number - 1);
                    batch.push(block);
                }
                Ok(None) => end = Some(Ok(())),
                Err(error) => end = Some(Err(error)),
            }
        }
        for (line, outcome) in numbers.into_iter().zip(ledger.add_until_refused(batch)) {
            match outcome {
                Ok(Added::Known) => done.known += 1,
                Ok(_) => done.added += 1,
                Err(AddError::Store(failed)) => return Err(failed.into()),
                Err(refused) => {
                    let reason = LineError::Refused(refused);
                    return Err(ImportError::Line { line, reason });
                }
            }
        }
        progress(&done);
        if let Some(end) = end {
            return end.map(|()| done);
        }
    }
}

/// The lines of an export, read as blocks one by one.
#[derive(Debug)]
pub struct BlockLines<R> {
    lines: R,
    /// Of the next line, from 1.
    number: u64,
    /// The next block, if it was looked at already, and the length of its line in bytes.
    peeked: Option<(Block<Unchecked>, usize)>,
}

impl<R: BufRead> BlockLines<R> {
    /// Reads from here.
    pub fn new(lines: R) -> Self {
        Self {
            lines,
            number: 1,
            peeked: None,
        }
    }

    /// The block of the next line, which stays the next; `None` at the end.
    ///
    /// # Errors
    /// [`ImportError`] when the line is not a block.
    pub fn peek(&mut self) -> Result<Option<&Block<Unchecked>>, ImportError> {
        if self.peeked.is_none() {
            self.peeked = self.read()?;
        }
        Ok(self.peeked.as_ref().map(|(block, _)| block))
    }

    fn next(&mut self) -> Result<Option<(Block<Unchecked>, usize)>, ImportError> {
        let next = match self.peeked.take() {
            Some(next) => Some(next),
            None => self.read()?,
        };
        self.number += u64::from(next.is_some());
        Ok(next)
    }

    fn read(&mut self) -> Result<Option<(Block<Unchecked>, usize)>, ImportError> {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let lines = self.lines.by_ref();
            let read = lines.take(MAX_LINE_BYTES).read_until(b'\n', &mut bytes)?;
            if read == 0 || !bytes.trim_ascii().is_empty() {
                break;
            }
            self.number += u64::from(bytes.ends_with(b"\n")); // a blank line
        }
        let line = self.number;
        let refused = |reason: LineError| ImportError::Line { line, reason };
        if bytes.is_empty() {
            return Ok(None);
        }
        if bytes.len() as u64 == MAX_LINE_BYTES && bytes.last() != Some(&b'\n') {
            return Err(refused(LineError::Long));
        }
        let block = BlockRecord::parse(&bytes).map_err(|error| refused(error.into()))?;
        Ok(Some((block, bytes.len())))
    }
}
