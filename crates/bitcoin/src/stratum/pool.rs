//! Pools as a source of jobs: the connection around the client.
//!
//! *In:* addresses, in the order of preference. *Out:* jobs of the pool that one is connected to; shares, sent by the thread
//! that found them.
//!
//! ```text
//! until it is over:
//!     connect to the pool; until it is lost: lines to the client, its actions done
//!     what was lost is told: its jobs are withdrawn, shares without an answer count as stale
//!     wait: a second, then twice as long each time that there was no job in between
//!     after two failures in a row, or twenty seconds of silence: the next pool, after the last the first
//! ```

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use paydirt::Cancel;
use paydirt_jobs::{Event as Mining, Fate, Job, JobSlot, JobSource, Share};

use super::{
    client::{Action, Client, Leave},
    connection::{Connection, OpenError, said},
    event::{Event, Tally, seconds},
    lines::{Line, LineBuffer},
    shares::{Submission, found},
    tls::Trust,
    url::PoolUrl,
    work::Work,
};
use crate::backoff::Backoff;

/// Failures in a row after which another pool is tried.
const TRIES: u32 = 2;
/// So many shares may wait for the pool's answer.
const MOST_UNANSWERED: usize = 1024;
/// For how long a mining thread waits for one of them.
const ANSWERING: Duration = Duration::from_secs(1);
/// How often one that waits looks whether it is over.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Who mines.
#[derive(Clone, Debug)]
pub struct Login {
    /// The name that the pool knows.
    pub user: String,
    /// Its password; most pools take any.
    pub password: String,
    /// The program, with its version.
    pub agent: String,
    /// The difficulty that would suit.
    pub suggest_difficulty: Option<f64>,
}

/// What is told while mining.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// Something happened.
    Event(Event),
    /// A line for people.
    Line(String),
}

/// What waiting does not mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// The pool does not take this user.
    #[error("{0}; --user and --password say who mines")]
    Refused(String),
    /// Nobody vouches for the pool.
    #[error("{0}")]
    Untrusted(String),
}

type Tell = Box<dyn Fn(Told) + Send + Sync>;

/// Pools, as a source of jobs.
pub struct Pool(Arc<Shared>);

struct Shared {
    pools: Vec<PoolUrl>,
    trust: Option<Trust>,
    login: Arc<Login>,
    /// So many accepted shares are wanted.
    wanted: Option<u64>,
    tell: Tell,
    slot: JobSlot<Arc<Work>>,
    state: Mutex<Option<Session>>,
    /// Answers have come, or it is over.
    answered: Condvar,
    /// Answers that the client has, and that are being counted and told.
    telling: AtomicUsize,
    tally: Mutex<Tally>,
    failure: Mutex<Option<PoolError>>,
    /// Nothing is counted or told any more.
    over: Cancel,
}

/// The connection that stands.
struct Session {
    client: Client,
    connection: Arc<Connection>,
    begun: Instant,
    /// Whether it has ever given a job.
    mined: bool,
}

impl Pool {
    /// The first of these `pools` that answers. The source ends after `wanted` accepted shares.
    pub fn new(
        pools: Vec<PoolUrl>,
        trust: Option<Trust>,
        login: Login,
        wanted: Option<u64>,
        tell: impl Fn(Told) + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Shared {
            pools,
            trust,
            login: Arc::new(login),
            wanted,
            tell: Box::new(tell),
            slot: JobSlot::default(),
            state: Mutex::default(),
            answered: Condvar::new(),
            telling: AtomicUsize::new(0),
            tally: Mutex::default(),
            failure: Mutex::default(),
            over: Cancel::new(),
        }))
    }

    /// Connects, on a thread of its own, which goes on until [`Pool::finish`]. Nobody waits for it: looking up a name
    /// may take as long as it likes.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(&self) -> std::io::Result<()> {
        let shared = Arc::clone(&self.0);
        let thread = thread::Builder::new().name("pool".to_owned());
        thread.spawn(move || shared.run()).map(drop)
    }

    /// To be told of what the mining loop tells: shares that were found too late come no other way.
    pub fn hear(&self, event: &Mining<'_, Arc<Work>>) {
        if let Mining::Share(job, share, Fate::Stale) = event {
            let share = found(&job.origin, share);
            let reason = "found after a clean job".to_owned();
            self.0.happened(Event::Stale { share, reason });
        }
    }

    /// What came of the shares so far.
    pub fn tally(&self) -> Tally {
        *self.0.tally()
    }

    /// What waiting does not mend, if that ended it.
    pub fn failure(&self) -> Option<PoolError> {
        self.0.failure.lock().expect(NO_PANIC).clone()
    }

    /// Waits for the answers to the shares that are sent, for as long as `patience`, and closes the connection. Returns
    /// what came of all shares, and how many were never answered.
    pub fn finish(&self, patience: Duration) -> (Tally, usize) {
        let shared = &*self.0;
        let begun = Instant::now();
        let mut state = shared.state();
        let unanswered =
            |state: &Option<Session>| state.as_ref().map_or(0, |session| session.client.unanswered());
        // What is answered is waited for until it is counted, too.
        let is_waiting =
            |state: &Option<Session>| unanswered(state) > 0 || shared.telling.load(Ordering::SeqCst) > 0;
        while is_waiting(&state) && begun.elapsed() < patience && !shared.has_enough() {
            let waited = shared.answered.wait_timeout(state, LOOK_EVERY);
            state = waited.expect(NO_PANIC).0;
        }
        let left = unanswered(&state);
        let tally = shared.tally();
        shared.over.cancel();
        if let Some(session) = state.take() {
            session.connection.close();
        }
        (*tally, left)
    }
}

impl JobSource for Pool {
    type Origin = Arc<Work>;

    fn job(&self, used_up: Option<u64>, cancel: &Cancel) -> Option<Arc<Job<Arc<Work>>>> {
        self.0.slot.wait(used_up, cancel)
    }

    fn submit(&self, job: &Job<Arc<Work>>, share: &Share) -> Result<(), String> {
        let shared = &*self.0;
        let begun = Instant::now();
        let mut state = shared.state();
        // A pool that is slower than its shares slows mining down rather than have them pile up.
        let stale = |reason: &str| {
            let (share, reason) = (found(&job.origin, share), reason.to_owned());
            shared.happened(Event::Stale { share, reason });
            Ok(())
        };
        while (state.as_ref()).is_some_and(|session| session.client.unanswered() >= MOST_UNANSWERED) {
            if begun.elapsed() > ANSWERING || job.stale.is_cancelled() || shared.over.is_cancelled() {
                drop(state);
                return stale("the pool does not answer the shares that it has");
            }
            state = shared.answered.wait_timeout(state, LOOK_EVERY).expect(NO_PANIC).0;
        }
        let Some(session) = &mut *state else {
            drop(state);
            return stale("there is no connection");
        };
        match session.client.submit(&job.origin, share, session.begun.elapsed()) {
            Submission::Send(line) => {
                if session.connection.send(&line).is_err() {
                    session.connection.close(); // whoever receives sees that, and tells
                }
                Ok(())
            }
            Submission::TooEasy => Ok(()),
            Submission::Stale(event) => {
                drop(state);
                shared.happened(event);
                Ok(())
            }
            Submission::Wrong(problem) => {
                drop(state);
                (shared.tell)(Told::Line(problem.clone()));
                Err(problem)
            }
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, Option<Session>> {
        self.state.lock().expect(NO_PANIC)
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().expect(NO_PANIC)
    }

    fn has_enough(&self) -> bool {
        let accepted = self.tally().accepted;
        self.wanted.is_some_and(|wanted| accepted >= wanted)
    }

    /// Counts and tells.
    fn happened(&self, event: Event) {
        let mut tally = self.tally();
        if self.over.is_cancelled() || self.wanted.is_some_and(|wanted| tally.accepted >= wanted) {
            return;
        }
        tally.count(&event);
        (self.tell)(Told::Event(event));
        drop(tally);
        if self.has_enough() {
            self.slot.end();
        }
    }

    fn say(&self, line: String) {
        if !self.over.is_cancelled() {
            (self.tell)(Told::Line(line));
        }
    }

    /// The thread that connects and receives.
    fn run(&self) {
        let used = Arc::new(AtomicU64::new(0));
        let (mut backoff, mut failures, mut at, mut sessions) = (Backoff::default(), 0, 0, 0);
        let mut moved_to = None;
        while !self.over.is_cancelled() {
            let url = &self.pools[at];
            sessions += 1;
            let port = moved_to.take().unwrap_or(url.port);
            let client = Client::new(Arc::clone(&self.login), sessions, &url.host, Arc::clone(&used));
            let (leave, mined) = self.connect(url, port, client);
            if self.over.is_cancelled() {
                return;
            }
            if mined {
                backoff.reset();
                failures = 0;
            }
            let (reason, least) = match leave {
                Leave::Refused(reason) => return self.fail(PoolError::Refused(reason)),
                Leave::Moved { port: to, wait } => {
                    moved_to = Some(to.unwrap_or(port));
                    ("it sends its miners away for a moment".to_owned(), wait)
                }
                Leave::Lost(reason) => {
                    failures += u32::from(!mined);
                    (reason, Duration::ZERO)
                }
                Leave::Mute(reason) => {
                    failures = TRIES;
                    (reason, Duration::ZERO)
                }
            };
            if failures >= TRIES && self.pools.len() > 1 {
                failures = 0;
                at = (at + 1) % self.pools.len();
            }
            let wait = backoff.next_wait().max(least);
            let next = PoolUrl {
                port: moved_to.unwrap_or(self.pools[at].port),
                ..self.pools[at].clone()
            };
            self.say(format!(
                "{url}: {reason}; trying {next} in {:.1} s",
                wait.as_secs_f64()
            ));
            self.happened(Event::Reconnecting {
                url: next.to_string(),
                in_s: seconds(wait),
                reason,
            });
            let until = Instant::now() + wait;
            while Instant::now() < until && !self.over.is_cancelled() {
                thread::sleep(LOOK_EVERY.min(until.saturating_duration_since(Instant::now())));
            }
        }
    }

    fn fail(&self, error: PoolError) {
        *self.failure.lock().expect(NO_PANIC) = Some(error);
        self.slot.end();
    }

    /// One connection, from its beginning to its end; and whether it gave a job.
    fn connect(&self, url: &PoolUrl, port: u16, client: Client) -> (Leave, bool) {
        let connection = match Connection::open(url, port, self.trust.as_ref(), &self.over) {
            Ok(connection) => Arc::new(connection),
            Err(OpenError::Lost(reason)) => return (Leave::Lost(reason), false),
            Err(OpenError::Untrusted(reason)) => {
                self.fail(PoolError::Untrusted(format!("{url}: {reason}")));
                self.over.cancel();
                return (Leave::Lost(reason), false);
            }
        };
        let place = PoolUrl { port, ..url.clone() };
        self.happened(Event::Connected {
            url: place.to_string(),
            address: connection.address.to_string(),
        });
        *self.state() = Some(Session {
            client,
            connection: Arc::clone(&connection),
            begun: Instant::now(),
            mined: false,
        });
        let leave = self.receive(&connection);
        connection.close();
        self.slot.withdraw();
        let Some(mut session) = self.state().take() else {
            return (leave, false); // it is over
        };
        for event in session
            .client
            .give_up("the connection was lost before its answer")
        {
            self.happened(event);
        }
        self.answered.notify_all();
        (leave, session.mined)
    }

    /// Does what the client says until it leaves.
    fn receive(&self, connection: &Connection) -> Leave {
        let mut lines = LineBuffer::default();
        let mut bytes = Vec::new();
        let mut ticked = Instant::now();
        let mut left = self.with_client(connection, Client::begin);
        loop {
            if let Some(leave) = left {
                return leave;
            }
            bytes.clear();
            if let Err(error) = connection.receive(&mut bytes) {
                return Leave::Lost(said(&error));
            }
            for line in lines.push(&bytes) {
                let leave = self.with_client(connection, |client, now| match line {
                    Line::Whole(line) => client.line(&line, now),
                    Line::TooLong => client.too_long(now),
                });
                if let Some(leave) = leave {
                    return leave;
                }
            }
            left = match ticked.elapsed() >= 5 * LOOK_EVERY {
                true => {
                    ticked = Instant::now();
                    self.with_client(connection, Client::tick)
                }
                false => None,
            };
        }
    }

    /// Asks the client what to do, and does it.
    fn with_client(
        &self,
        connection: &Connection,
        ask: impl FnOnce(&mut Client, Duration) -> Vec<Action>,
    ) -> Option<Leave> {
        let mut state = self.state();
        let Some(session) = &mut *state else {
            return Some(Leave::Lost("it is over".to_owned()));
        };
        let actions = ask(&mut session.client, session.begun.elapsed());
        let mut leave = None;
        let mut told = Vec::new();
        for action in actions {
            match action {
                Action::Send(line) => {
                    if let Err(error) = connection.send(&line) {
                        leave.get_or_insert(Leave::Lost(said(&error)));
                    }
                }
                Action::Mine { job, clean } => {
                    session.mined = true;
                    match clean {
                        true => self.slot.post_clean(job),
                        false => self.slot.post(job),
                    }
                }
                Action::Tell(event) => told.push(Told::Event(event)),
                Action::Say(line) => told.push(Told::Line(line)),
                Action::Leave(why) => {
                    leave.get_or_insert(why);
                }
            }
        }
        let latency = session.client.latency();
        self.telling.fetch_add(1, Ordering::SeqCst);
        drop(state);
        if let Some(latency) = latency {
            self.tally().latency_s = Some(seconds(latency));
        }
        for told in told {
            match told {
                Told::Event(event) => self.happened(event),
                Told::Line(line) => self.say(line),
            }
        }
        self.telling.fetch_sub(1, Ordering::SeqCst);
        self.answered.notify_all();
        leave
    }
}

const NO_PANIC: &str = "nothing panics while it is held";
