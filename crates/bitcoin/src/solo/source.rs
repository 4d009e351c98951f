//! The node as a source of jobs.
//!
//! ```text
//! fetching    network and address, then a template: at the start, every 30 s, after each verdict on a block
//! polling     a template as soon as the node has a better one (BIP 22, long polling)
//! submitting  a block as soon as it is found, again and again until there is a verdict
//! drive       mines the latest template, but waits while a block of ours waits for its verdict
//! ```
//!
//! Each of the first three is a thread that may wait for the node; the state is behind one lock, and what happens is told
//! with that lock held, so that it is told in order, and a template before its blocks.
//!
//! *Old answers:* a template that was asked for before the tip changed may be built on the old one. Each call remembers
//! how often the tip had changed when it began; if it has changed since, the answer is thrown away.
//!
//! *Nothing twice:* extra nonces go on counting from template to template, so that two with the same transactions have
//! other headers; they begin anywhere, so that two machines have too.

use std::{
    collections::VecDeque,
    hash::{BuildHasher as _, RandomState},
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use paydirt::{Cancel, Target};
use paydirt_jobs::{Job, JobSlot, JobSource, Share};

use super::{
    assembler::Assembler,
    template::{Network, Request, Said, Template, TemplateError, check_challenge},
};
use crate::{
    address::Address,
    backoff::Backoff,
    rpc::{Rpc, RpcError},
};

mod submitting;

pub use submitting::{Found, Refusal};

/// How long a call may take, at first: a node that is silent is soon told. Each silence doubles it: one may be slow.
const CALL: Duration = Duration::from_secs(4);
/// How long a call may take at most.
const LONGEST_CALL: Duration = Duration::from_secs(60);
/// How long the node may keep a long poll. After that it is asked again: the connection may be dead.
const LONG_POLL: Duration = Duration::from_secs(150);
/// A template is renewed after this time, for its time and its transactions.
const RENEW_EVERY: Duration = Duration::from_secs(30);
/// And after this time where the node does not tell of a new tip.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The least time between two calls that nothing has caused.
const LEAST_TIME: Duration = Duration::from_secs(1);
/// How often a waiting miner looks whether it was cancelled.
const CANCELLED_EVERY: Duration = Duration::from_millis(20);
/// Leading zero bits of the shares that are not blocks: they show how near one was, a few a minute.
const SHARE_BITS: f64 = 28.0;

/// What is to be mined.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Who is paid.
    pub address: Address,
    /// The bits of the version that may be rolled, if the template has no use for them; 0 for none.
    pub version_mask: u32,
    /// How many blocks; `None` for ever more.
    pub blocks: Option<u64>,
}

/// What happens, for whoever shows it.
#[derive(Debug)]
pub enum Told<'t> {
    /// There is a new template, and the call took so long, if it was not a long poll.
    Template(&'t Template, Option<Duration>),
    /// The node took a block, or did not; and the call took so long.
    Block(&'t Found, Result<(), &'t Refusal>, Option<Duration>),
    /// Something went wrong; it is tried again after a while.
    Trouble(String, Duration),
    /// Something that should be known.
    Warning(String),
}

/// Hears what happens, on any thread, one thing after the other.
pub type Tell = dyn Fn(Told<'_>) + Send + Sync;

/// Why it cannot go on, however long one waits.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The node will not answer.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// Its blocks cannot be mined.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The reward would go nowhere.
    #[error(
        "the address belongs to {chains}, and the node is on {chain}: --address wants one of the node's network"
    )]
    Address {
        /// Where the address is valid.
        chains: String,
        /// What the node says.
        chain: String,
    },
}

/// What came of it.
#[derive(Debug)]
pub struct Summary {
    /// Blocks that the node took.
    pub accepted: u64,
    /// Blocks that it did not.
    pub refused: u64,
    /// Why it ended, if not by itself.
    pub failure: Option<Failure>,
}

/// A node, mined for.
pub struct SoloSource(Arc<Shared>);

struct Shared {
    rpc: Rpc,
    plan: Plan,
    slot: JobSlot<Arc<Assembler>>,
    /// The first extra nonce that was not begun.
    extra_nonce: Arc<AtomicU64>,
    state: Mutex<State>,
    changed: Condvar,
    tell: Box<Tell>,
}

struct State {
    /// Of the node; `None` when it did not say.
    chain: Option<String>,
    /// Whether it was asked, and the address is right.
    is_checked: bool,
    current: Option<Arc<Assembler>>,
    longpollid: Option<String>,
    /// How often the tip has changed.
    tips: u64,
    fetched: Instant,
    /// When the next template is asked for.
    due: Instant,
    /// Blocks that wait for their verdict, the first of them under way.
    found: VecDeque<Found>,
    accepted: u64,
    refused: u64,
    /// There is nothing more to mine.
    is_done: bool,
    /// Nobody listens any more.
    is_closed: bool,
    failure: Option<Failure>,
}

impl SoloSource {
    /// Begins to ask the node for templates.
    ///
    /// # Errors
    /// The operating system gives no threads.
    pub fn start(rpc: Rpc, plan: Plan, tell: Box<Tell>) -> io::Result<Self> {
        let now = Instant::now();
        let state = State {
            chain: None,
            is_checked: false,
            current: None,
            longpollid: None,
            tips: 0,
            fetched: now,
            due: now,
            found: VecDeque::new(),
            accepted: 0,
            refused: 0,
            is_done: false,
            is_closed: false,
            failure: None,
        };
        // Each such state hashes differently. Half of the space is left to count in.
        let anywhere = RandomState::new().hash_one(0) >> 1;
        let shared = Arc::new(Shared {
            rpc,
            plan,
            slot: JobSlot::default(),
            extra_nonce: Arc::new(AtomicU64::new(anywhere)),
            state: Mutex::new(state),
            changed: Condvar::new(),
            tell,
        });
        let threads: [(&str, fn(&Shared)); 3] = [
            ("solo-fetching", Shared::fetch_templates),
            ("solo-polling", Shared::poll_templates),
            ("solo-submitting", Shared::submit_blocks),
        ];
        for (name, run) in threads {
            let shared = Arc::clone(&shared);
            thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || run(&shared))?;
        }
        Ok(Self(shared))
    }

    /// Ends it: waits for verdicts, for so long at most, and says what came of it. Nothing is told after that.
    pub fn finish(self, limit: Duration) -> Summary {
        let shared = &self.0;
        let deadline = Instant::now() + limit;
        let mut state = shared.state();
        shared.end(&mut state);
        while !state.found.is_empty()
            && let Some(left) = deadline.checked_duration_since(Instant::now())
        {
            let waited = shared.changed.wait_timeout(state, left);
            state = waited.expect("nothing panics while it is held").0;
        }
        while let Some(found) = state.found.pop_front() {
            state.refused += 1;
            (shared.tell)(Told::Block(&found, Err(&Refusal::Unknown), None));
        }
        state.is_closed = true;
        Summary {
            accepted: state.accepted,
            refused: state.refused,
            failure: state.failure.take(),
        }
    }
}

impl JobSource for SoloSource {
    type Origin = Arc<Assembler>;

    fn job(&self, used_up: Option<u64>, cancel: &Cancel) -> Option<Arc<Job<Arc<Assembler>>>> {
        let shared = &self.0;
        let mut state = shared.state();
        while !state.found.is_empty() && !cancel.is_cancelled() {
            let waited = shared.changed.wait_timeout(state, CANCELLED_EVERY);
            state = waited.expect("nothing panics while it is held").0;
        }
        drop(state);
        shared.slot.wait(used_up, cancel)
    }

    fn submit(&self, job: &Job<Arc<Assembler>>, share: &Share) -> Result<(), String> {
        if share.is_block {
            let found = Found::new(&job.origin, share);
            self.0.state().found.push_back(found);
            self.0.changed.notify_all();
        }
        Ok(())
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it is held")
    }

    fn tell(&self, state: &State, told: Told<'_>) {
        if !state.is_closed {
            (self.tell)(told);
        }
    }

    /// There is nothing more to mine.
    fn end(&self, state: &mut State) {
        state.is_done = true;
        self.slot.end();
        self.changed.notify_all();
    }

    fn fail(&self, failure: Failure) {
        let mut state = self.state();
        state.failure.get_or_insert(failure);
        self.end(&mut state);
    }

    /// Waits until then, or the end.
    fn wait_until(&self, then: impl Fn(&State) -> Instant) {
        let mut state = self.state();
        while !state.is_done
            && let Some(left) = then(&state).checked_duration_since(Instant::now())
        {
            let waited = self.changed.wait_timeout(state, left);
            state = waited.expect("nothing panics while it is held").0;
        }
    }

    fn fetch_templates(&self) {
        let (mut backoff, mut limit) = (Backoff::default(), CALL);
        while !self.state().is_done {
            let begun = Instant::now();
            match self.fetch(limit) {
                Ok(()) => {
                    backoff.reset();
                    self.wait_until(|state| state.due);
                }
                Err(Problem::Lasting(failure)) => self.fail(failure),
                Err(Problem::Passing(problem)) => {
                    if begun.elapsed() >= limit {
                        limit = (limit * 2).min(LONGEST_CALL);
                    }
                    let wait = backoff.next_wait();
                    self.tell(&self.state(), Told::Trouble(problem, wait));
                    let then = Instant::now() + wait;
                    self.wait_until(|_| then);
                }
            }
        }
    }

    fn fetch(&self, limit: Duration) -> Result<(), Problem> {
        if !self.state().is_checked {
            self.check_network(limit)?;
        }
        let (chain, tips) = {
            let state = self.state();
            (state.chain.clone(), state.tips)
        };
        let request = [Request::new(chain.as_deref(), None)];
        let (said, took) = self.rpc.call("getblocktemplate", &request, limit)?;
        {
            let mut state = self.state();
            state.fetched = Instant::now();
            state.due = state.fetched + RENEW_EVERY;
        }
        self.take(said, tips, Some(took))
    }

    /// Asks which chain the node is on, and whether the address is of that one.
    fn check_network(&self, limit: Duration) -> Result<(), Problem> {
        let mut network = None;
        for method in ["getblockchaininfo", "getmininginfo"] {
            match self.rpc.call::<Network>(method, &[(); 0], limit) {
                Ok((said, _)) => {
                    network = Some(said);
                    break;
                }
                Err(error) if error.is_unknown_method() || matches!(error, RpcError::Forbidden(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut state = self.state();
        match network {
            None => {
                let warning = "the node does not say which network it is on; the address is used unchecked";
                self.tell(&state, Told::Warning(warning.to_owned()));
            }
            Some(Network {
                chain,
                signet_challenge,
            }) => {
                check_challenge(signet_challenge.as_deref())?;
                let address = &self.plan.address;
                if !address.is_of(&chain) {
                    let (chains, chain) = (address.chains(), crate::rpc::excerpt(&chain));
                    return Err(Problem::Lasting(Failure::Address { chains, chain }));
                }
                state.chain = Some(chain);
            }
        }
        state.is_checked = true;
        Ok(())
    }

    fn poll_templates(&self) {
        let mut backoff = Backoff::default();
        loop {
            let (id, chain, tips) = {
                let mut state = self.state();
                while !state.is_done && state.longpollid.is_none() {
                    state = self.changed.wait(state).expect("nothing panics while it is held");
                }
                if state.is_done {
                    return;
                }
                (state.longpollid.clone(), state.chain.clone(), state.tips)
            };
            let begun = Instant::now();
            let request = [Request::new(chain.as_deref(), id.as_deref())];
            let then = match self.rpc.call("getblocktemplate", &request, LONG_POLL) {
                Ok((said, _)) => {
                    backoff.reset();
                    // What is wrong with it, the next one that is fetched will show.
                    if self.take(said, tips, None).is_err() {
                        self.hurry();
                    }
                    // A node that does not wait for something new is not asked without end.
                    let is_new = self.state().longpollid != id;
                    begun + if is_new { Duration::ZERO } else { LEAST_TIME }
                }
                Err(error) if error.is_lasting() => return self.fail(error.into()),
                Err(RpcError::Silence(..)) if begun.elapsed() >= LONG_POLL => begun,
                Err(_) => {
                    self.hurry();
                    Instant::now() + backoff.next_wait()
                }
            };
            self.wait_until(|_| then);
        }
    }

    /// A template is wanted now.
    fn hurry(&self) {
        let mut state = self.state();
        state.due = state.due.min(state.fetched + LEAST_TIME);
        self.changed.notify_all();
    }

    /// Mines a template from now on, unless the tip has changed since it was asked for.
    fn take(&self, said: Said, tips: u64, took: Option<Duration>) -> Result<(), Problem> {
        let mut template = Template::check(said)?;
        let longpollid = template.longpollid.take();
        let assembler = Assembler::new(template, self.plan.address.script());
        let assembler = Arc::new(assembler.map_err(|error| Problem::Passing(error.to_string()))?);
        let template = assembler.template();

        let mut state = self.state();
        if state.is_done {
            return Ok(());
        }
        let current = state.current.clone();
        let tip = current.as_ref().map(|current| current.template().previous);
        if state.tips != tips {
            if tip != Some(template.previous) {
                state.due = Instant::now();
                self.changed.notify_all();
            }
            return Ok(());
        }
        if longpollid.is_none() {
            state.due = state.due.min(state.fetched + LOOK_EVERY);
        }
        state.longpollid = longpollid;
        self.changed.notify_all();
        if current.is_some_and(|current| current == assembler) {
            return Ok(());
        }
        self.tell(&state, Told::Template(template, took));
        let (first, used) = (
            self.extra_nonce.load(Ordering::Relaxed),
            Arc::clone(&self.extra_nonce),
        );
        let begun = move |extra_nonce: u64| {
            used.fetch_max(extra_nonce + 1, Ordering::Relaxed);
        };
        let shares = Target::from_leading_zero_bits(SHARE_BITS).expect("at most 256");
        let job = Arc::clone(&assembler).job(self.plan.version_mask, first, shares, begun);
        match tip == Some(template.previous) {
            true => self.slot.post(job),
            false => {
                state.tips += 1;
                self.slot.post_clean(job);
            }
        }
        state.current = Some(assembler);
        Ok(())
    }
}

/// Why there is no template.
enum Problem {
    /// Waiting may mend it.
    Passing(String),
    /// It will not.
    Lasting(Failure),
}

impl From<RpcError> for Problem {
    fn from(error: RpcError) -> Self {
        // There is nothing to wait for where there are no templates at all.
        match error.is_lasting() || error.is_unknown_method() {
            true => Self::Lasting(error.into()),
            false => Self::Passing(error.to_string()),
        }
    }
}

impl From<TemplateError> for Problem {
    fn from(error: TemplateError) -> Self {
        match error.is_lasting() {
            true => Self::Lasting(error.into()),
            false => Self::Passing(error.to_string()),
        }
    }
}
