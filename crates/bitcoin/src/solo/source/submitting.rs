//! Blocks to the node, and its verdicts.
//!
//! *In:* blocks that were found. *Out:* for each whether the node took it, or why not. A block without a verdict is sent
//! again until there is one: it is the one thing here that cannot be had a second time.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use paydirt_jobs::Share;
use serde_json::Value;

use super::{Failure, LEAST_TIME, Shared, Told};
use crate::{
    backoff::Backoff,
    rpc::{RpcError, excerpt},
    solo::assembler::Assembler,
};

/// How long the node may take to check a block.
const SUBMIT: Duration = Duration::from_secs(30);

/// A block that was found.
#[derive(Clone, PartialEq, Eq)]
pub struct Found {
    /// Its height.
    pub height: u32,
    /// Its hash as explorers show it, last byte first.
    pub hash: String,
    /// All of it, in hex.
    pub block: String,
    workid: Option<String>,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "block {} at height {}", self.hash, self.height)
    }
}

impl Found {
    pub(super) fn new(assembler: &Assembler, share: &Share) -> Self {
        let mut hash = share.hash.to_bytes();
        hash.reverse();
        Self {
            height: assembler.template().height,
            hash: hex::encode(hash),
            block: assembler.block(share.header, share.extra_nonce),
            workid: assembler.template().workid.clone(),
        }
    }
}

/// Why the node did not take a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its own words (BIP 22), such as `high-hash` or `inconclusive`.
    Said(String),
    /// It did not answer before the end.
    Unknown,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Said(reason) => f.write_str(reason),
            Self::Unknown => f.write_str("the node did not answer before the end"),
        }
    }
}

impl Shared {
    pub(super) fn submit_blocks(&self) {
        loop {
            let found = {
                let mut state = self.state();
                loop {
                    if let Some(found) = state.found.front() {
                        break found.clone();
                    }
                    if state.is_done {
                        return;
                    }
                    state = self.changed.wait(state).expect("nothing panics while it is held");
                }
            };
            let (verdict, took) = self.submit(&found);
            let mut state = self.state();
            if state.is_closed {
                return;
            }
            state.found.pop_front();
            self.tell(&state, Told::Block(&found, verdict.as_ref().copied(), took));
            match verdict {
                Ok(()) => {
                    state.accepted += 1;
                    state.found.clear();
                    // Its height is taken: what is known and what is on its way are built on the block before it, unless a
                    // long poll was quicker than the verdict.
                    let is_behind = |current: &Arc<Assembler>| current.template().height <= found.height;
                    if state.current.as_ref().is_none_or(is_behind) {
                        self.slot.withdraw();
                        state.tips += 1;
                        state.current = None;
                        state.due = Instant::now();
                    }
                }
                Err(_) => {
                    state.refused += 1;
                    state.due = state.due.min(state.fetched + LEAST_TIME);
                }
            }
            if self.plan.blocks.is_some_and(|blocks| state.accepted >= blocks) {
                self.end(&mut state);
            }
            self.changed.notify_all();
        }
    }

    /// Submits a block until there is a verdict.
    fn submit(&self, found: &Found) -> (Result<(), Refusal>, Option<Duration>) {
        let params = match &found.workid {
            None => serde_json::json!([found.block]),
            Some(workid) => serde_json::json!([found.block, { "workid": workid }]),
        };
        let mut backoff = Backoff::default();
        // An answer was lost: the node may have the block.
        let mut may_have_it = false;
        loop {
            let is_last_try = self.state().is_done;
            let error = match self.rpc.call("submitblock", &params, SUBMIT) {
                Ok((answer, took)) => return (verdict(&answer, may_have_it), Some(took)),
                Err(error) => error,
            };
            match &error {
                RpcError::Node { message, .. } if !error.is_not_ready() && !error.is_unknown_method() => {
                    return (Err(Refusal::Said(in_words(message))), None);
                }
                RpcError::Silence(..) | RpcError::Status(..) | RpcError::Answer(..) => may_have_it = true,
                _ => {}
            }
            if error.is_lasting() || error.is_unknown_method() {
                let refusal = Refusal::Said(error.to_string());
                self.fail(Failure::Rpc(error));
                return (Err(refusal), None);
            }
            let wait = backoff.next_wait();
            self.tell(
                &self.state(),
                Told::Trouble(format!("block {}: {error}", found.hash), wait),
            );
            if is_last_try {
                return (Err(Refusal::Unknown), None);
            }
            let then = Instant::now() + wait;
            self.wait_until(|_| then);
        }
    }
}

/// What an answer to `submitblock` means (BIP 22): null, or why not.
fn verdict(answer: &Value, may_have_it: bool) -> Result<(), Refusal> {
    match answer {
        Value::Null => Ok(()),
        Value::String(reason) if reason == "duplicate" && may_have_it => Ok(()),
        Value::String(reason) => Err(Refusal::Said(in_words(reason))),
        other => Err(Refusal::Said(format!(
            "neither null nor a reason: {}",
            excerpt(&other.to_string())
        ))),
    }
}

fn in_words(reason: &str) -> String {
    match reason.trim() {
        "" => "no reason given".to_owned(),
        reason => excerpt(reason),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn verdicts() {
        let said = |reason: &str| Err(Refusal::Said(reason.to_owned()));
        assert_eq!(verdict(&json!(null), false), Ok(()));
        for reason in [
            "high-hash",
            "bad-txnmrklroot",
            "prev-blk-not-found",
            "duplicate",
            "inconclusive",
        ] {
            assert_eq!(verdict(&json!(reason), false), said(reason));
        }
        // The first answer was lost, the second says that the first block came through.
        assert_eq!(verdict(&json!("duplicate"), true), Ok(()));
        assert_eq!(
            verdict(&json!("duplicate-invalid"), true),
            said("duplicate-invalid")
        );
        assert_eq!(verdict(&json!(" "), false), said("no reason given"));
        assert_eq!(
            verdict(&json!(true), false),
            said("neither null nor a reason: true")
        );
    }
}
