//! What a long run tells of while it goes on.
//!
//! *In:* events, and words for people, from any thread. *Out:* with `--json`, each event as a line on stdout at once, and
//! nothing after the last; without it, nothing on stdout but the report at the end. Words go to stderr, above the
//! status line that a terminal has.
//!
//! One thread writes stdout: who has an event leaves it and goes on, however slow the reader.

use std::{
    io::{self, IsTerminal as _},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::terminal::{
    outbox::Outbox,
    output::{self, Named},
    stdout,
};

/// Where events go.
pub(crate) struct Events {
    schema: &'static str,
    json: Option<Lines>,
    /// The last event was told.
    ended: Mutex<bool>,
    status: Option<ProgressBar>,
}

struct Lines {
    outbox: Arc<Outbox>,
    /// Until the end waits for it.
    writer: Mutex<Option<JoinHandle<io::Result<()>>>>,
}

impl Events {
    /// Events of this schema; they are written only with `json`.
    pub(crate) fn new(json: bool, schema: &'static str) -> anyhow::Result<Self> {
        let json = json.then(Lines::start).transpose()?;
        let status = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {wide_msg}").expect("a template");
            ProgressBar::new_spinner().with_style(style)
        });
        Ok(Self {
            schema,
            json,
            ended: Mutex::new(false),
            status,
        })
    }

    /// Whether they are written.
    pub(crate) fn are_json(&self) -> bool {
        self.json.is_some()
    }

    /// An event.
    pub(crate) fn tell(&self, event: &impl Serialize) {
        self.send(|outbox, named| outbox.send(named), event);
    }

    /// One that may be left out where the reader is slow.
    pub(crate) fn offer(&self, event: &impl Serialize) {
        self.send(|outbox, named| outbox.offer(named), event);
    }

    fn send<T: Serialize>(&self, send: impl FnOnce(&Outbox, &Named<T>), event: T) {
        let ended = self.ended.lock().expect(NO_PANIC);
        if let (Some(lines), false) = (&self.json, *ended) {
            let schema = self.schema;
            send(
                &lines.outbox,
                &Named {
                    schema,
                    result: event,
                },
            );
        }
    }

    /// A line for people.
    pub(crate) fn say(&self, line: &str) {
        match &self.status {
            Some(status) => status.suspend(|| crate::say(line)),
            None => crate::say(line),
        }
    }

    /// What is going on now, on a terminal; false where there is none.
    pub(crate) fn show(&self, status: String) -> bool {
        if let Some(bar) = &self.status {
            bar.set_message(status);
            bar.tick();
        }
        self.status.is_some()
    }

    /// The last event, or the report for people in its place: when this returns, it is written.
    ///
    /// # Errors
    /// When stdout cannot be written to; that nobody reads it any more is none.
    pub(crate) fn end(
        &self,
        event: &impl Serialize,
        readable: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        if let Some(status) = &self.status {
            status.finish_and_clear();
        }
        self.tell(event);
        *self.ended.lock().expect(NO_PANIC) = true;
        let Some(lines) = &self.json else {
            return output::text(&readable());
        };
        lines.outbox.complete();
        let writer = lines.writer.lock().expect(NO_PANIC).take();
        match writer.map_or(Ok(Ok(())), JoinHandle::join) {
            Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(error).context("cannot write to stdout")
            }
            Ok(_) => Ok(()),
            Err(_) => anyhow::bail!("the thread that writes to stdout has panicked; please report this"),
        }
    }
}

impl Lines {
    fn start() -> anyhow::Result<Self> {
        let outbox = Arc::new(Outbox::default());
        let waiting = Arc::clone(&outbox);
        let thread = thread::Builder::new().name("events".to_owned());
        let writer = thread
            .spawn(move || waiting.write_to(stdout::lock()))
            .context("cannot start the thread that writes events")?;
        let writer = Mutex::new(Some(writer));
        Ok(Self { outbox, writer })
    }
}

const NO_PANIC: &str = "nothing panics while it is held";
