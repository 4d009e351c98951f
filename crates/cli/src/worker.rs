//! `paydirt work`: a long-lived worker.
//!
//! *In:* JSON lines on stdin, one request each. *Out:* JSON lines on stdout, one answer each, and nothing else.
//!
//! ```text
//! stdin ──► reader ──► queue ──► miner (the main thread, and its pool) ──► answers ──► writer ──► stdout
//!             └──────────────── refusals, pongs, acceptances ────────────────┘
//! ```
//!
//! Three threads, so that nothing waits for what it need not wait for: a cancellation is read while a job runs, and a
//! job runs while a slow reader of stdout takes its time. The miner and its threads live as long as the worker. A job of a higher
//! priority interrupts the one that runs, which goes on afterwards ([`running`]).
//!
//! | what happens | what the worker does |
//! |---|---|
//! | end of input | finishes what is queued, then exits 0 |
//! | stdout is closed | drops everything and exits 0, at once and quietly |
//! | Ctrl-C, SIGTERM | ends every job with status `interrupted`, prints those results, exits 130 |
//! | stdin or stdout fails | says so on stderr, exits 3 |

mod answers;
mod job;
mod queue;
mod refusal;
mod request;
mod running;

use std::{
    io::{self, IsTerminal as _},
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use anyhow::Context as _;
use clap::Args;

use crate::{
    commands::info::{self, Info},
    options::{Flag, MachineArgs, one_or_more, parse},
    terminal::{
        exit::Exit,
        interrupt::act_on_interrupt,
        lines::{Line, Lines},
        outbox::Outbox,
        output::Named,
        reader, stdout,
    },
};
use answers::{JobId, Limits, WorkAnswer, WorkAnswerKind};
use job::Job;
use paydirt::Miner;
use queue::{Cancelled, Full, Queue};
use refusal::Refusal;
use request::{MOST_LINE_BYTES, Request};

/// How many jobs may wait unless `--queue` says otherwise.
const MOST_JOBS: usize = 65_536;

const EXAMPLES: &str = r#"Requests, one JSON object a line (schema paydirt.job/1):
  {"id": "a", "puzzle": {"text": "100"}, "goal": {"hex_zeros": 4}}
  {"id": 2, "puzzle": {"header": "0100…"}, "search": {"timeout": 60}}
  {"id": 3, "puzzle": {"text": "soon"}, "goal": {"bits": 20}, "priority": 1}
  {"cancel": "a"}
  {"ping": 1}
  {"info": true}
The fields of puzzle, goal and search are the options of `paydirt mine`, with _
or - between words; "progress": 0.5 asks for a line every half second. A job of
a higher priority (0 unless given) interrupts the one that runs.

Answers, one JSON object a line: accepted, busy, progress, error, pong, info
(schema paydirt.work/1), and for each accepted job one result: the object of
`paydirt mine --json` (schema paydirt.mine/1) with its id.

Limits: 65536 jobs and 64 MiB in the queue, 1 MiB a line, 32 levels of nesting,
256 bytes an id.

Examples:
  echo '{"id": 1, "puzzle": {"text": "100"}, "goal": {"hex_zeros": 4}}' |
    paydirt work
  paydirt work < jobs.jsonl |
    jq -c 'select(.type == "result") | {id, status, nonce}'"#;

/// Take jobs as JSON lines on stdin, answer on stdout
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WorkArgs {
    /// How many jobs may wait; beyond that a job is answered `busy` [default: 65536]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    queue: Option<String>,
    #[command(flatten)]
    machine: MachineArgs,
}

impl WorkArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let most_jobs = match &self.queue {
            None => MOST_JOBS,
            Some(text) => parse("queue", text, one_or_more)?,
        };
        let worker = Arc::new(Worker {
            miner: self.machine.miner()?,
            most_jobs,
            queue: Mutex::new(Queue::new(most_jobs)),
            changed: Condvar::new(),
            answers: Outbox::default(),
            interrupted: AtomicBool::new(false),
            unheard: AtomicBool::new(false),
            failure: Mutex::new(None),
        });
        let on_signal = Arc::clone(&worker);
        act_on_interrupt(move || {
            on_signal.interrupted.store(true, Ordering::Relaxed);
            on_signal.stop();
        })?;
        if io::stdin().is_terminal() {
            crate::say("reading jobs from the terminal, one JSON object a line; Ctrl-D ends the input");
        }
        worker.run()
    }
}

/// Whether `line` is a request that `paydirt work` would take: a job (with a puzzle and a goal that make sense), a
/// cancellation, a ping or a question. Line ends are not part of it.
///
/// # Errors
/// What the worker would answer in its `error` line.
///
/// # Examples
/// ```
/// use paydirt_cli::check_job_line;
///
/// let job = r#"{"id": 1, "puzzle": {"text": "100"}, "goal": {"hex_zeros": "four"}}"#;
/// let problem = check_job_line(job.as_bytes()).unwrap_err();
/// assert!(problem.starts_with("goal.hex_zeros 'four': not a whole number"));
/// ```
pub fn check_job_line(line: &[u8]) -> Result<(), String> {
    if line.len() > MOST_LINE_BYTES {
        return Err(too_long().message);
    }
    match request::parse(line) {
        Ok(_) => Ok(()),
        Err(refusal) => Err(refusal.message),
    }
}

/// The fields of a job line that are options of `paydirt mine`: the object that holds the field (`goal`), and the
/// option's name (`hex-zeros`; in JSON `hex_zeros` is the same).
pub fn job_fields() -> impl Iterator<Item = (&'static str, &'static str)> {
    Flag::all().map(|flag| (flag.object, flag.name))
}

/// What the threads of a worker share.
struct Worker {
    miner: Miner,
    most_jobs: usize,
    queue: Mutex<Queue>,
    /// The queue has changed.
    changed: Condvar,
    answers: Outbox,
    /// A signal asked for the end.
    interrupted: AtomicBool,
    /// Nobody reads stdout any more.
    unheard: AtomicBool,
    /// What went wrong with stdin or stdout.
    failure: Mutex<Option<anyhow::Error>>,
}

impl Worker {
    /// Works until there is nothing left to do.
    fn run(self: Arc<Self>) -> anyhow::Result<Exit> {
        let writer = self.spawn("writer", Self::write)?;
        self.spawn("reader", Self::read)?; // not joined: it may wait for input that never comes
        self.spawn("listener", Self::watch_stdout)?;
        self.mine_all();
        self.answers.complete();
        if writer.join().is_err() {
            anyhow::bail!("the thread that writes to stdout has panicked; please report this");
        }
        let failure = self.failure.lock().expect(NO_PANIC).take();
        if self.unheard.load(Ordering::Relaxed) {
            return Ok(Exit::Done);
        }
        match failure {
            Some(error) => Err(error),
            None if self.interrupted.load(Ordering::Relaxed) => Ok(Exit::Interrupted),
            None => Ok(Exit::Done),
        }
    }

    fn spawn(self: &Arc<Self>, name: &str, body: fn(&Self)) -> anyhow::Result<thread::JoinHandle<()>> {
        let worker = Arc::clone(self);
        let thread = thread::Builder::new().name(name.to_owned());
        thread
            .spawn(move || body(&worker))
            .with_context(|| format!("cannot start the {name} thread"))
    }

    /// No more jobs are taken and all there are end as soon as they can.
    fn stop(&self) {
        let mut queue = self.queue();
        queue.complete();
        queue.cancel_all();
        drop(queue);
        self.changed.notify_all();
    }

    /// Nobody reads the answers: there is no reason to go on.
    fn stop_unheard(&self) {
        self.unheard.store(true, Ordering::Relaxed);
        self.answers.close();
        self.stop();
    }

    /// The writer: answers to stdout.
    fn write(&self) {
        match self.answers.write_to(stdout::lock()) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.stop_unheard(),
            Err(error) => {
                self.fail(anyhow::Error::new(error).context("cannot write to stdout"));
                self.stop();
            }
        }
    }

    /// The listener.
    fn watch_stdout(&self) {
        if reader::wait_until_gone() {
            self.stop_unheard();
        }
    }

    fn fail(&self, error: anyhow::Error) {
        self.failure.lock().expect(NO_PANIC).get_or_insert(error);
    }

    /// The reader: requests from stdin.
    fn read(&self) {
        let mut lines = Lines::new(io::stdin().lock(), MOST_LINE_BYTES);
        loop {
            match lines.next() {
                Ok(Some((_, Line::Whole(line)))) if line.trim_ascii().is_empty() => {}
                Ok(Some((number, Line::Whole(line)))) => match request::parse(line) {
                    Ok(request) => self.take(number, request),
                    Err(refusal) => self.refuse(number, refusal),
                },
                Ok(Some((number, Line::TooLong))) => self.refuse(number, too_long()),
                Ok(None) => break,
                Err(error) => {
                    self.fail(anyhow::Error::new(error).context("cannot read stdin"));
                    break;
                }
            }
        }
        self.queue().complete();
        self.changed.notify_all();
    }

    fn take(&self, number: u64, request: Request) {
        match request {
            Request::Job(job) => self.accept(number, *job),
            Request::Cancel(id) => self.cancel(number, &id),
            Request::Ping(ping) => self.answer(WorkAnswerKind::Pong { ping: &ping }),
            Request::Info => self.say_info(),
        }
    }

    fn accept(&self, number: u64, job: Job) {
        let queue = self.queue();
        if queue.is_complete() {
            return; // interrupted: the process is about to end
        }
        if queue.knows(&job.id) {
            drop(queue);
            let problem = "a job of this id is still queued or running; give each job its own";
            return self.refuse(number, Refusal::field(Some(job.id), "id", None, problem));
        }
        let queued = queue.len();
        if let Err(full) = queue.room_for(&job) {
            drop(queue);
            let message = match full {
                Full::Jobs => format!("the queue is full: it takes {} jobs", self.most_jobs),
                Full::Bytes => format!("the queue is full: it takes {} bytes", queue::MOST_BYTES),
            };
            return self.answer(WorkAnswerKind::Busy {
                id: &job.id,
                queued,
                message: format!("{message}; the job was not taken, send it again after a result"),
            });
        }
        drop(queue);
        // Only this thread adds jobs, so the room stays; and the acceptance is on its way before any result can be.
        let id = &job.id;
        self.answer(WorkAnswerKind::Accepted {
            id,
            queued: queued + 1,
        });
        let mut queue = self.queue();
        if self.is_stopping() {
            job.cancel.cancel();
        }
        queue.push(job);
        drop(queue);
        self.changed.notify_all();
    }

    fn cancel(&self, number: u64, id: &JobId) {
        let cancelled = self.queue().cancel(id);
        match cancelled {
            Cancelled::Waiting(job) => self.mine_cancelled(&job),
            Cancelled::Running => {}
            Cancelled::Unknown => {
                let problem = "no job of this id is queued or running; its result may be on its way already";
                self.refuse(number, Refusal::field(Some(id.clone()), "cancel", None, problem));
            }
        }
    }

    fn say_info(&self) {
        let queue = self.queue();
        let (queued, running) = (queue.len(), queue.running().cloned());
        drop(queue);
        self.answer(WorkAnswerKind::Info {
            info: Box::new(Named {
                schema: info::SCHEMA,
                result: Info::here(),
            }),
            threads: self.miner.threads(),
            kernel: self.miner.kernel().name(),
            queued,
            running,
            limits: Limits {
                queue_jobs: self.most_jobs,
                queue_bytes: queue::MOST_BYTES,
                line_bytes: MOST_LINE_BYTES,
                nesting: request::MOST_NESTING,
                id_bytes: job::MOST_ID_BYTES,
                progress_s: job::LEAST_PROGRESS_S,
                expected_solutions: job::MOST_EXPECTED_SOLUTIONS,
            },
        });
    }

    fn refuse(&self, line: u64, refusal: Refusal) {
        self.answer(WorkAnswerKind::Error {
            id: refusal.id.as_ref(),
            line,
            field: refusal.field,
            value: refusal.value,
            message: refusal.message,
        });
    }

    fn answer(&self, kind: WorkAnswerKind<'_>) {
        self.answers.send(&WorkAnswer::from(kind));
    }

    fn is_stopping(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed) || self.unheard.load(Ordering::Relaxed)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect(NO_PANIC)
    }
}

fn too_long() -> Refusal {
    let problem = format!("is longer than {MOST_LINE_BYTES} bytes and was not read");
    Refusal::line(None, &problem)
}

const NO_PANIC: &str = "nothing panics while it is held";
