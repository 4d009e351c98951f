//! What a share is told with.
//!
//! *In:* a share of a job, as the mining loop found it. *Out:* the line to send, or why there is none. Before it is sent it is
//! put together once more from what the line says, as the pool will do it, and hashed.

use std::time::Duration;

use paydirt::{ByteOrder, Goal, Hash};
use paydirt_jobs::Share;
use serde_json::Value;

use super::{
    client::{Action, Client, Pending, Request},
    event::{Event, FoundShare},
    message::shown,
    work::Work,
};
use crate::{
    difficulty::{self, target},
    merkle::sha256d,
};

/// What becomes of a share.
#[derive(Debug, PartialEq)]
pub enum Submission {
    /// Send this line.
    Send(String),
    /// It is easier than what the pool asks for by now.
    TooEasy,
    /// It is of no use any more.
    Stale(Event),
    /// It does not make the header that was mined. This cannot happen.
    Wrong(String),
}

impl Client {
    /// How many shares have no answer yet.
    pub fn unanswered(&self) -> usize {
        let is_share = |pending: &&Pending| matches!(pending.what, Request::Submit(_));
        self.pending.values().filter(is_share).count()
    }

    /// A share was found: what to send for it.
    pub fn submit(&mut self, work: &Work, share: &Share, now: Duration) -> Submission {
        let found = found(work, share);
        let stale = |reason: &str| {
            let reason = reason.to_owned();
            let share = found.clone();
            Submission::Stale(Event::Stale { share, reason })
        };
        if work.session != self.session {
            return stale("the connection that it belongs to is gone");
        }
        let bytes = share.header.to_bytes();
        let version = share.header.version();
        let (time, nonce) = (&bytes[68..72], share.header.nonce());
        let time = u32::from_le_bytes(time.try_into().expect("four bytes"));
        let bits = self.mask.map(|mask| version & mask);
        // As the pool puts it together: its own version, and under the mask our bits.
        let job_version = work.notify.version;
        let theirs = job_version & !self.mask.unwrap_or(0) | bits.unwrap_or(0);
        if theirs != version {
            return stale("the version mask has changed");
        }
        // Once more, from what will be sent.
        let mut again = work.header(share.extra_nonce).to_bytes();
        again[..4].copy_from_slice(&theirs.to_le_bytes());
        again[68..72].copy_from_slice(&time.to_le_bytes());
        again[76..].copy_from_slice(&nonce.to_le_bytes());
        let hash = Hash::from_bytes(sha256d(&again));
        if again != bytes
            || hash != share.hash
            || !Goal::AtMost(work.target).is_met_by(hash, ByteOrder::Little)
        {
            let problem = format!(
                "a share does not make the header that was mined, and is not sent: {}",
                found.hash
            );
            return Submission::Wrong(problem);
        }
        let wanted = self.difficulty.and_then(target).unwrap_or(work.target);
        if !Goal::AtMost(wanted).is_met_by(hash, ByteOrder::Little) {
            return Submission::TooEasy;
        }
        let mut params = vec![
            Value::from(&*self.login.user),
            work.notify.job_id.0.clone(),
            hex::encode(work.extranonce2(share.extra_nonce)).into(),
            format!("{time:08x}").into(),
            format!("{nonce:08x}").into(),
        ];
        params.extend(bits.map(|bits| Value::from(format!("{bits:08x}"))));
        match self.request(now, Request::Submit(found), "mining.submit", params.into()) {
            Action::Send(line) => Submission::Send(line),
            _ => unreachable!("a request is a line"),
        }
    }

    /// The shares that will have no answer.
    pub fn give_up(&mut self, reason: &str) -> Vec<Event> {
        let pending = std::mem::take(&mut self.pending);
        let shares = pending.into_values().filter_map(|pending| match pending.what {
            Request::Submit(share) => Some(share),
            _ => None,
        });
        shares
            .map(|share| Event::Stale {
                share,
                reason: reason.to_owned(),
            })
            .collect()
    }
}

/// A share as it is told of.
pub(super) fn found(work: &Work, share: &Share) -> FoundShare {
    FoundShare {
        job_id: shown(&work.notify.job_id.text()),
        share_difficulty: difficulty::of_hash(share.hash),
        difficulty: work.difficulty,
        hash: share.hash.display(ByteOrder::Little),
        block: work.is_block(share.hash),
    }
}
