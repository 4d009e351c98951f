//! What to do with a pool's lines: the whole of the protocol, without a socket and without a clock.
//!
//! *In:* lines, shares, and how much time has passed since the connection stood. *Out:* [`Action`]s.
//!
//! ```text
//! configure ─► subscribe ─► authorize ─► extranonce.subscribe, suggest_difficulty      (handshake)
//! notify            work, as soon as the user is authorized; before, the latest is kept
//! set_difficulty    from the next job on; where it is higher, easier shares of this one are no longer sent
//! set_extranonce    from the next job on
//! set_version_mask  at once: the job goes on with the new mask, and shares that it forbids are stale
//! ```
//!
//! Of difficulties, pools disagree whether a change counts at once or from the next job on. The harder of the two is good
//! enough for either.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use paydirt_jobs::Job;
use serde_json::{Value, json};

use super::{
    event::{Event, FoundShare, seconds},
    message::{Extranonce, Message, Notify, parse, shown, word},
    pool::Login,
    work::Work,
};
use crate::difficulty::target;

/// So many lines without sense are not a pool's.
const MOST_BAD_LINES: u32 = 20;
/// A pool that leaves a share without an answer for so long has forgotten it.
pub(super) const FORGOTTEN: Duration = Duration::from_secs(60);
/// For how long a pool may send its miners away.
const LONGEST_WAIT_S: f64 = 300.0;

/// What is to be done.
pub enum Action {
    /// Send this line; its newline is not in it.
    Send(String),
    /// Mine this from now on.
    Mine {
        /// The job.
        job: Job<Arc<Work>>,
        /// Whether earlier ones are stale.
        clean: bool,
    },
    /// This happened.
    Tell(Event),
    /// Someone should read this.
    Say(String),
    /// Close the connection.
    Leave(Leave),
}

/// Why a connection is closed.
#[derive(Clone, Debug, PartialEq)]
pub enum Leave {
    /// The peer is gone, or is no use: another attempt may do better.
    Lost(String),
    /// The peer does not answer: others should be tried first.
    Mute(String),
    /// It refuses the user: waiting does not mend that.
    Refused(String),
    /// It sends its miners to another port of the same host, or tells them to come back.
    Moved {
        /// The port, if it names one.
        port: Option<u16>,
        /// How long to wait first.
        wait: Duration,
    },
}

/// A request that has no answer yet.
pub(super) struct Pending {
    pub(super) sent: Duration,
    pub(super) what: Request,
}

pub(super) enum Request {
    Configure,
    Subscribe,
    Authorize,
    /// Also what a silent pool is asked again, to see whether it is there.
    ExtranonceSubscribe,
    SuggestDifficulty,
    Submit(FoundShare),
}

/// One connection's state.
pub struct Client {
    pub(super) login: Arc<Login>,
    pub(super) session: u64,
    host: String,
    next_id: u64,
    pub(super) pending: BTreeMap<u64, Pending>,
    /// When the pool last said something.
    pub(super) heard: Duration,
    pub(super) latency: Option<Duration>,
    pub(super) extranonce: Option<Extranonce>,
    next_extranonce: Option<Extranonce>,
    /// Once version rolling is granted.
    pub(super) mask: Option<u32>,
    pub(super) difficulty: Option<f64>,
    pub(super) authorized: bool,
    pub(super) subscribing: bool,
    /// What the pool last wanted mined.
    notify: Option<Arc<Notify>>,
    /// It is not mined yet.
    held: bool,
    /// Whether the pool has ever answered the question whether it is there.
    pub(super) answers_probes: bool,
    bad_lines: u32,
    /// Where the next job's extra nonces begin: no connection begins again with those of the one before.
    used: Arc<AtomicU64>,
}

pub(super) type Actions = Vec<Action>;

impl Client {
    /// The state at the beginning of a connection to `host`: the `session`th. `used` is kept from one to the next.
    pub fn new(login: Arc<Login>, session: u64, host: &str, used: Arc<AtomicU64>) -> Self {
        Self {
            login,
            session,
            host: host.to_owned(),
            next_id: 1,
            pending: BTreeMap::new(),
            heard: Duration::ZERO,
            latency: None,
            extranonce: None,
            next_extranonce: None,
            mask: None,
            difficulty: None,
            authorized: false,
            subscribing: false,
            notify: None,
            held: false,
            answers_probes: false,
            bad_lines: 0,
            used,
        }
    }

    /// From the last request to its answer.
    pub fn latency(&self) -> Option<Duration> {
        self.latency
    }

    pub(super) fn request(&mut self, now: Duration, what: Request, method: &str, params: Value) -> Action {
        let id = self.next_id;
        self.next_id += 1;
        self.pending.insert(id, Pending { sent: now, what });
        Action::Send(json!({"id": id, "method": method, "params": params}).to_string())
    }

    /// A line of the pool.
    pub fn line(&mut self, line: &[u8], now: Duration) -> Actions {
        self.heard = now;
        if line.trim_ascii().is_empty() {
            return Vec::new();
        }
        let done = match parse(line) {
            Ok(Message::Call { id, method, params }) => self.call(id, &method, &params),
            Ok(Message::Answer { id, result }) => self.answer(id, result, now),
            Err(problem) => Err(problem),
        };
        done.unwrap_or_else(|problem| self.bad(&problem))
    }

    /// A line that was longer than any message.
    pub fn too_long(&mut self, now: Duration) -> Actions {
        self.heard = now;
        self.bad("longer than 1 MiB")
    }

    fn bad(&mut self, problem: &str) -> Actions {
        self.bad_lines += 1;
        let mut actions = vec![Action::Say(format!(
            "the pool sent a line that makes no sense, which is left out: {}",
            shown(problem)
        ))];
        if self.bad_lines == MOST_BAD_LINES {
            let reason = format!("{MOST_BAD_LINES} lines made no sense; this may be no Stratum v1 pool");
            actions.push(Action::Leave(Leave::Lost(reason)));
        }
        actions
    }

    fn call(&mut self, id: Value, method: &str, params: &[Value]) -> Result<Actions, String> {
        let answer = |result: Value| {
            let line = json!({"id": id, "result": result, "error": null});
            Ok(vec![Action::Send(line.to_string())])
        };
        match method {
            "mining.notify" => Ok(self.notified(Notify::parse(params)?)),
            "mining.set_difficulty" => self.set_difficulty(params),
            "mining.set_extranonce" => {
                self.next_extranonce = Some(Extranonce::parse(params)?);
                Ok(Vec::new())
            }
            "mining.set_version_mask" => self.set_mask(params),
            "mining.ping" | "client.ping" => answer("pong".into()),
            "client.get_version" | "mining.get_version" => answer(self.login.agent.clone().into()),
            "client.show_message" | "mining.show_message" => {
                let text = params.first().and_then(Value::as_str);
                let text = text.ok_or_else(|| format!("{method} without a text"))?;
                Ok(vec![Action::Say(format!("the pool says: {}", shown(text)))])
            }
            "client.reconnect" | "mining.reconnect" => self.reconnect(params),
            _ if id.is_null() => Ok(Vec::new()),
            _ => {
                let line = json!({"id": id, "result": null, "error": [20, "unknown method", null]});
                Ok(vec![Action::Send(line.to_string())])
            }
        }
    }

    fn answer(&mut self, id: u64, result: Result<Value, String>, now: Duration) -> Result<Actions, String> {
        let Some(Pending { sent, what }) = self.pending.remove(&id) else {
            return Ok(Vec::new()); // too late, or to nobody's question
        };
        let latency = now.saturating_sub(sent);
        self.latency = Some(latency);
        let latency_s = seconds(latency);
        match what {
            Request::Configure => Ok(self.configured(result, now)),
            Request::Subscribe => self.subscribed(result, now),
            Request::Authorize => Ok(self.authorize_answered(result, now)),
            Request::ExtranonceSubscribe => {
                self.answers_probes = true;
                Ok(Vec::new())
            }
            Request::SuggestDifficulty => Ok(Vec::new()),
            Request::Submit(share) => {
                let event = match result {
                    Ok(Value::Bool(true)) => Event::Accepted { share, latency_s },
                    Ok(other) => Event::Rejected {
                        share,
                        reason: format!("the pool answers {}", shown(&other.to_string())),
                        latency_s,
                    },
                    Err(reason) => Event::Rejected {
                        share,
                        reason,
                        latency_s,
                    },
                };
                Ok(vec![Action::Tell(event)])
            }
        }
    }

    fn notified(&mut self, mut notify: Notify) -> Actions {
        // What was never mined leaves behind that everything before it is stale.
        notify.clean |= self.held && self.notify.as_ref().is_some_and(|held| held.clean);
        self.notify = Some(Arc::new(notify));
        self.held = true;
        self.mine_held()
    }

    /// Begins with the work that is there, if everything that it takes is.
    pub(super) fn mine_held(&mut self) -> Actions {
        let Some(notify) = self.notify.clone().filter(|_| self.held && self.authorized) else {
            return Vec::new();
        };
        if self.extranonce.is_none() && self.next_extranonce.is_none() {
            return Vec::new();
        }
        self.extranonce = self.next_extranonce.take().or(self.extranonce.take());
        self.held = false;
        let clean = notify.clean;
        let event = Event::Job {
            job_id: shown(&notify.job_id.text()),
            clean,
            difficulty: self.difficulty.unwrap_or(1.0),
            version_mask: self.mask.map(|mask| format!("{mask:08x}")),
        };
        let mut actions = self.mine(clean);
        actions.push(Action::Tell(event));
        actions
    }

    /// The pool's job under what holds now.
    fn mine(&mut self, clean: bool) -> Actions {
        let (Some(notify), Some(extranonce), false) = (&self.notify, &self.extranonce, self.held) else {
            return Vec::new();
        };
        let difficulty = self.difficulty.unwrap_or(1.0);
        let work = Work {
            session: self.session,
            notify: Arc::clone(notify),
            extranonce: extranonce.clone(),
            first: self.used.load(Ordering::Relaxed),
            mask: self.mask,
            difficulty,
            target: target(difficulty).expect("none else is kept"),
        };
        let job = work.job(Arc::clone(&self.used));
        vec![Action::Mine { job, clean }]
    }

    fn set_difficulty(&mut self, params: &[Value]) -> Result<Actions, String> {
        let difficulty = params.first().and_then(Value::as_f64);
        let difficulty = difficulty.filter(|difficulty| target(*difficulty).is_some());
        let difficulty =
            difficulty.ok_or("mining.set_difficulty without a number above 0; the difficulty stays")?;
        let is_first = self.difficulty.replace(difficulty).is_none();
        let mut actions = vec![Action::Tell(Event::Difficulty { difficulty })];
        if is_first {
            // What the job has so far was nothing that the pool has said.
            actions.extend(self.mine(false));
        }
        Ok(actions)
    }

    fn set_mask(&mut self, params: &[Value]) -> Result<Actions, String> {
        let mask = params.first().and_then(Value::as_str).and_then(word);
        let mask = mask.ok_or("mining.set_version_mask without a mask of 8 hex digits; the mask stays")?;
        match self.mask {
            None => Ok(Vec::new()), // nothing was granted
            Some(_) => Ok(self.roll(mask)),
        }
    }

    /// Bits of the version are granted, or other ones than before: they count at once.
    pub(super) fn roll(&mut self, mask: u32) -> Actions {
        let mask = Some(mask & super::handshake::ROLLED);
        if self.mask == mask {
            return Vec::new();
        }
        self.mask = mask;
        self.mine(false)
    }

    fn reconnect(&self, params: &[Value]) -> Result<Actions, String> {
        let given = |at: usize| params.get(at).filter(|value| !value.is_null() && *value != "");
        let host = given(0).map(|host| {
            host.as_str()
                .ok_or("client.reconnect to a host that is not a text")
        });
        let host = host.transpose()?;
        if let Some(host) = host.filter(|host| *host != self.host && *host != format!("[{}]", self.host)) {
            return Ok(vec![Action::Say(format!(
                "the pool wants its miners at another host, {}: it stays {}",
                shown(host),
                self.host
            ))]);
        }
        let port = given(1).map(|port| {
            let number = port.as_u64().or_else(|| port.as_str()?.parse().ok());
            let port = number.and_then(|number| u16::try_from(number).ok());
            (port.filter(|port| *port > 0)).ok_or("client.reconnect to a port that is not 1 to 65535")
        });
        let wait_s = given(2).and_then(|wait| wait.as_f64().or_else(|| wait.as_str()?.parse().ok()));
        let wait_s = wait_s
            .filter(|wait| *wait > 0.0)
            .unwrap_or(0.0)
            .min(LONGEST_WAIT_S);
        Ok(vec![Action::Leave(Leave::Moved {
            port: port.transpose()?,
            wait: Duration::from_secs_f64(wait_s),
        })])
    }
}

#[cfg(test)]
mod tests;
