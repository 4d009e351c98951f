//! Asking the node: for its network, for templates now and then, and for a better one as soon as there is one.

use std::time::{Duration, Instant};

use super::{Failure, LEAST_TIME, RENEW_EVERY, Shared, Told};
use crate::{
    backoff::Backoff,
    rpc::RpcError,
    solo::template::{Network, Request, TemplateError, check_challenge},
};

/// How long a call may take, at first: a node that is silent is soon told. Each silence doubles it: one may be slow.
const CALL: Duration = Duration::from_secs(4);
/// How long a call may take at most.
const LONGEST_CALL: Duration = Duration::from_secs(60);
/// How long the node may keep a long poll. After that it is asked again: the connection may be dead.
const LONG_POLL: Duration = Duration::from_secs(150);

impl Shared {
    pub(super) fn fetch_templates(&self) {
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

    pub(super) fn poll_templates(&self) {
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
}

/// Why there is no template.
pub(super) enum Problem {
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
