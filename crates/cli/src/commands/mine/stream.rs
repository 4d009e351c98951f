//! The solutions of a search for all, as they are confirmed.
//!
//! *In:* each solution, in ascending order, on a mining thread. *Out:* its line on stdout: with `--json` an object of the
//! schema `paydirt.mine-stream/1`. One thread writes; [`ROOM`] bytes may wait for a slow reader, and then the search does. When
//! nobody reads any more, the search ends at once.

use std::{
    io::{self, Write},
    sync::Arc,
    thread::{self, JoinHandle},
};

use anyhow::Context as _;
use serde::Serialize;

use crate::{
    resume::Point,
    terminal::{
        outbox::Outbox,
        output::{Named, rolled},
        progress::SearchBar,
        reader, stdout,
    },
};
use paydirt::{Cancel, Puzzle, Solution, record::SolutionRecord};

/// How many bytes may wait to be written.
const ROOM: usize = 1 << 20;

const SCHEMA: &str = "paydirt.mine-stream/1";

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line {
    /// The search goes on where an earlier run left it.
    Resumed {
        next: u64,
        next_decimal: String,
        solution_count: u64,
    },
    Solution(SolutionRecord),
}

/// Lines on their way to stdout.
pub(super) struct Stream {
    json: bool,
    outbox: Arc<Outbox>,
    writer: JoinHandle<io::Result<()>>,
}

impl Stream {
    /// Begins to write; `cancel` is pulled when nobody reads any more, or nothing can be written.
    pub(super) fn start(json: bool, bar: Option<Arc<SearchBar>>, cancel: &Cancel) -> anyhow::Result<Self> {
        let outbox = Arc::new(Outbox::with_room(ROOM));
        let (lines, ended) = (Arc::clone(&outbox), cancel.clone());
        let write = move || {
            let written = lines.write_to(AboveBar(bar));
            if written.is_err() {
                ended.cancel();
            }
            written
        };
        let (gone, ended) = (Arc::clone(&outbox), cancel.clone());
        let watch = move || {
            if reader::wait_until_gone() {
                gone.close();
                ended.cancel();
            }
        };
        let spawn = |name: &str| thread::Builder::new().name(name.to_owned());
        let context = "cannot start the threads that look after stdout";
        let writer = spawn("writer").spawn(write).context(context)?;
        spawn("listener").spawn(watch).context(context)?;
        Ok(Self { json, outbox, writer })
    }

    /// Says where an earlier run left it. With `--json` only: people are told on stderr.
    pub(super) fn resume(&self, point: &Point) {
        if let (true, Ok(next)) = (self.json, u64::try_from(point.next)) {
            self.send(Line::Resumed {
                next,
                next_decimal: next.to_string(),
                solution_count: point.solutions,
            });
        }
    }

    /// A solution. Waits while too many lines do.
    pub(super) fn tell(&self, puzzle: &Puzzle, solution: &Solution) {
        let record = SolutionRecord::new(puzzle, solution);
        if self.json {
            return self.send(Line::Solution(record));
        }
        let mut line = format!("{:<12}{} {}", "solution", record.hash, record.nonce);
        if let (Some(version), Some(header_nonce)) = (record.version, record.header_nonce) {
            line.push_str(&format!(" ({})", rolled(version, header_nonce)));
        }
        line.push('\n');
        self.outbox.send_bytes(line.as_bytes());
    }

    fn send(&self, result: Line) {
        let schema = SCHEMA;
        self.outbox.send(&Named { schema, result });
    }

    /// Waits until all that was told is written; false where nobody takes it.
    pub(super) fn is_told(&self) -> bool {
        self.outbox.is_written()
    }

    /// Whether nobody takes any more.
    pub(super) fn is_closed(&self) -> bool {
        self.outbox.is_closed()
    }

    /// All is told.
    ///
    /// # Errors
    /// When stdout cannot be written to; that nobody reads it any more is none.
    pub(super) fn end(self) -> anyhow::Result<()> {
        self.outbox.complete();
        match self.writer.join() {
            Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(error).context("cannot write to stdout")
            }
            Ok(_) => Ok(()),
            Err(_) => anyhow::bail!("the thread that writes to stdout has panicked; please report this"),
        }
    }
}

/// Stdout, and on a terminal the bar below what is written.
struct AboveBar(Option<Arc<SearchBar>>);

impl Write for AboveBar {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let write = || {
            let mut stdout = stdout::lock();
            stdout.write_all(lines)?;
            stdout.flush()
        };
        match &self.0 {
            Some(bar) => bar.above(write)?,
            None => write()?,
        }
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
