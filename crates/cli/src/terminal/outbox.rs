//! The way out: answers of several threads, each a line of its own on stdout.
//!
//! *In:* answers or events, from the threads that read and those that mine. *Out:* their lines, written by one thread as
//! soon as it can. Whoever has an answer leaves it here and goes on, so a reader of stdout that is slow, or that
//! writes all its jobs before it reads, holds up neither mining nor the reading of stdin. What waits is bounded: at
//! [`MOST_BYTES`], or where the outbox was given less room, whoever has an answer waits too, and progress lines are left
//! out long before.

use std::{
    io::{self, Write},
    sync::{Condvar, Mutex, MutexGuard},
};

use serde::Serialize;

/// How many bytes may wait to be written.
const MOST_BYTES: usize = 64 << 20;
/// Above this many waiting bytes progress lines are left out.
const MOST_BYTES_FOR_PROGRESS: usize = 1 << 20;

/// Lines on their way to stdout.
pub(crate) struct Outbox {
    most_bytes: usize,
    pending: Mutex<Pending>,
    /// Something was added, or the end was reached.
    added: Condvar,
    /// Something was taken.
    taken: Condvar,
}

#[derive(Default)]
struct Pending {
    lines: Vec<u8>,
    /// No more will come.
    complete: bool,
    /// Nobody takes lines any more: they are dropped.
    closed: bool,
    /// Bytes that were added in all, and bytes that were written.
    added: u64,
    written: u64,
}

impl Default for Outbox {
    fn default() -> Self {
        Self::with_room(MOST_BYTES)
    }
}

impl Outbox {
    /// Where so many bytes may wait, and a line more.
    pub(crate) fn with_room(most_bytes: usize) -> Self {
        Self {
            most_bytes,
            pending: Mutex::default(),
            added: Condvar::new(),
            taken: Condvar::new(),
        }
    }

    /// Leaves an answer to be written.
    pub(crate) fn send(&self, answer: &impl Serialize) {
        self.send_bytes(&json_line(answer));
    }

    /// Leaves whole lines to be written, as they are.
    pub(crate) fn send_bytes(&self, lines: &[u8]) {
        let mut pending = self.lock();
        while pending.lines.len() >= self.most_bytes && !pending.closed {
            pending = self.taken.wait(pending).expect(NO_PANIC);
        }
        self.add(pending, lines);
    }

    /// Waits until all that was sent before is written; false where it will never be.
    pub(crate) fn is_written(&self) -> bool {
        let mut pending = self.lock();
        let sent = pending.added;
        while pending.written < sent && !pending.closed {
            pending = self.taken.wait(pending).expect(NO_PANIC);
        }
        pending.written >= sent
    }

    /// Whether nobody takes lines any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Leaves an answer that may be left out when the reader is slow.
    pub(crate) fn offer(&self, answer: &impl Serialize) {
        let line = json_line(answer);
        let pending = self.lock();
        if pending.lines.len() <= MOST_BYTES_FOR_PROGRESS {
            self.add(pending, &line);
        }
    }

    fn add(&self, mut pending: MutexGuard<'_, Pending>, line: &[u8]) {
        if !pending.closed {
            pending.lines.extend_from_slice(line);
            pending.added += line.len() as u64;
            drop(pending);
            self.added.notify_one();
        }
    }

    /// No more answers will come: [`Outbox::write_to`] ends when all are written.
    pub(crate) fn complete(&self) {
        self.lock().complete = true;
        self.added.notify_one();
    }

    /// Nobody reads any more: drops what waits and all that comes.
    pub(crate) fn close(&self) {
        let mut pending = self.lock();
        pending.closed = true;
        pending.lines = Vec::new();
        drop(pending);
        self.added.notify_all();
        self.taken.notify_all();
    }

    /// Writes answers, flushing whenever none is left, until they are complete or closed.
    ///
    /// # Errors
    /// What the output says; then nothing is waited for any more.
    pub(crate) fn write_to(&self, mut output: impl Write) -> io::Result<()> {
        let mut lines = Vec::new();
        loop {
            let mut pending = self.lock();
            while pending.lines.is_empty() {
                if pending.complete || pending.closed {
                    return Ok(());
                }
                pending = self.added.wait(pending).expect(NO_PANIC);
            }
            lines.clear();
            lines.shrink_to(MOST_BYTES_FOR_PROGRESS);
            std::mem::swap(&mut lines, &mut pending.lines);
            drop(pending);
            self.taken.notify_all();
            if let Err(error) = output.write_all(&lines).and_then(|()| output.flush()) {
                self.close();
                return Err(error);
            }
            self.lock().written += lines.len() as u64;
            self.taken.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().expect(NO_PANIC)
    }
}

const NO_PANIC: &str = "nothing panics while it is held";

fn json_line(answer: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(answer).expect("answers have text for keys and can be written");
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_and_in_order() {
        let answers = Outbox::default();
        let mut written = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| answers.write_to(&mut written).unwrap());
            for number in 0..1000 {
                answers.send(&number);
            }
            answers.complete();
        });
        let expected: String = (0..1000).map(|number| format!("{number}\n")).collect();
        assert_eq!(written, expected.as_bytes());
    }

    #[test]
    fn a_slow_reader_misses_progress_and_nothing_else() {
        let answers = Outbox::default();
        let long = "x".repeat(MOST_BYTES_FOR_PROGRESS);
        answers.send(&long);
        answers.offer(&"progress");
        answers.send(&"result");
        answers.complete();
        let mut written = Vec::new();
        answers.write_to(&mut written).unwrap();
        assert_eq!(written, format!("\"{long}\"\n\"result\"\n").as_bytes());
    }

    #[test]
    fn a_full_pipe_holds_the_sender_up_and_a_closed_one_lets_it_go() {
        let answers = Outbox::default();
        let half = "x".repeat(MOST_BYTES / 2);
        std::thread::scope(|scope| {
            let sender = scope.spawn(|| (0..4).for_each(|_| answers.send(&half)));
            // However long this takes, the sender cannot have ended: a third half does not fit.
            while answers.lock().lines.len() < MOST_BYTES {
                std::thread::yield_now();
            }
            assert!(!sender.is_finished());
            answers.close();
            sender.join().unwrap();
        });
        assert!(answers.lock().lines.is_empty());
    }

    #[test]
    fn what_was_sent_is_known_to_be_written() {
        let answers = Outbox::with_room(10);
        let mut written = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| answers.write_to(&mut written).unwrap());
            answers.send_bytes(b"one\n");
            assert!(answers.is_written());
            answers.send_bytes(b"a line longer than the room\n");
            assert!(answers.is_written());
            answers.complete();
        });
        assert_eq!(written, b"one\na line longer than the room\n");
        assert!(answers.is_written() && !answers.is_closed());
        answers.send_bytes(b"more\n");
        answers.close();
        assert!(answers.is_closed() && !answers.is_written());
    }

    struct Broken;

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_broken_pipe_ends_the_writing() {
        let answers = Outbox::default();
        answers.send(&1);
        let error = answers.write_to(Broken).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        answers.send(&2);
        assert!(answers.lock().lines.is_empty());
    }
}
