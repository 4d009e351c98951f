//! How a connection begins, and how it is seen that it is over.
//!
//! *In:* the answers to what is asked at the beginning; the time. *Out:* what to ask next, and when to give up.
//!
//! Requests go one after the other: pools that look only at the first line of a packet exist. One that does not know
//! `mining.configure` may keep silent about it, so that is not waited for as long as the rest.
//!
//! *When a pool counts as dead:* it owes an answer and has said nothing for 20 seconds. One that is silent and owes none is
//! asked something after 10, `mining.extranonce.subscribe` once more, if it has ever answered that; one that does not
//! answer it may be silent for two minutes.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    client::{Action, Actions, Client, FORGOTTEN, Leave, Pending, Request},
    event::Event,
    message::{Extranonce, shown, word},
};

/// The bits of the version that are asked for: those of BIP 320. Others would make blocks that nobody takes.
pub(super) const ROLLED: u32 = 0x1fff_e000;

/// How long to wait for an answer to `mining.configure`.
const CONFIGURE: Duration = Duration::from_secs(5);
/// For how long a pool may be silent that owes an answer.
const MUTE: Duration = Duration::from_secs(20);
/// After which silence it is asked whether it is there, and for how long at least it has to answer.
const PROBE: Duration = Duration::from_secs(10);
/// For how long one may be silent that does not answer that.
const SILENT: Duration = Duration::from_secs(120);

impl Client {
    /// The connection stands.
    pub fn begin(&mut self, now: Duration) -> Actions {
        self.heard = now;
        let mask = format!("{ROLLED:08x}");
        let options = json!({"version-rolling.mask": mask, "version-rolling.min-bit-count": 2});
        let params = json!([["version-rolling"], options]);
        vec![self.request(now, Request::Configure, "mining.configure", params)]
    }

    pub(super) fn configured(&mut self, result: Result<Value, String>, now: Duration) -> Actions {
        let mut actions = Vec::new();
        // An error means: no extension is known.
        if let Ok(result) = &result
            && result.get("version-rolling") == Some(&Value::Bool(true))
        {
            match result
                .get("version-rolling.mask")
                .and_then(Value::as_str)
                .and_then(word)
            {
                Some(mask) => actions.extend(self.roll(mask)),
                None => actions.push(Action::Say(
                    "the pool grants version rolling without a mask; the version stays as it is".to_owned(),
                )),
            }
        }
        actions.extend(self.subscribe(now));
        actions
    }

    fn subscribe(&mut self, now: Duration) -> Option<Action> {
        if std::mem::replace(&mut self.subscribing, true) {
            return None;
        }
        let params = json!([self.login.agent]);
        Some(self.request(now, Request::Subscribe, "mining.subscribe", params))
    }

    pub(super) fn subscribed(
        &mut self,
        result: Result<Value, String>,
        now: Duration,
    ) -> Result<Actions, String> {
        let lost = |reason: String| Ok(vec![Action::Leave(Leave::Lost(reason))]);
        let extranonce = match result {
            Err(reason) => return lost(format!("it refuses mining.subscribe: {reason}")),
            Ok(Value::Array(parts)) => Extranonce::parse(parts.get(1..).unwrap_or_default()),
            Ok(_) => Err("it is not a list".to_owned()),
        };
        let extranonce = match extranonce {
            Ok(extranonce) => extranonce,
            Err(problem) => {
                return lost(format!(
                    "its answer to mining.subscribe makes no sense: {problem}"
                ));
            }
        };
        let event = Event::Subscribed {
            extranonce1: hex::encode(&extranonce.one),
            extranonce2_size: extranonce.two_bytes,
            version_mask: self.mask.map(|mask| format!("{mask:08x}")),
        };
        self.extranonce = Some(extranonce);
        let params = json!([self.login.user, self.login.password]);
        let authorize = self.request(now, Request::Authorize, "mining.authorize", params);
        Ok(vec![Action::Tell(event), authorize])
    }

    pub(super) fn authorize_answered(&mut self, result: Result<Value, String>, now: Duration) -> Actions {
        let user = self.login.user.clone();
        let reason = match result {
            Ok(Value::Bool(true)) => None,
            Ok(other) => Some(format!("it answers {}", shown(&other.to_string()))),
            Err(reason) => Some(reason),
        };
        if let Some(reason) = reason {
            // It may have repeated what it was given.
            let reason = match self.login.password.len() {
                0..4 => reason,
                _ => reason.replace(&self.login.password, "…"),
            };
            let refused = format!("the pool refuses user '{}': {reason}", shown(&user));
            return vec![Action::Leave(Leave::Refused(refused))];
        }
        self.authorized = true;
        let mut actions = vec![Action::Tell(Event::Authorized { user })];
        let (what, method) = (Request::ExtranonceSubscribe, "mining.extranonce.subscribe");
        actions.push(self.request(now, what, method, json!([])));
        if let Some(difficulty) = self.login.suggest_difficulty {
            let (what, method) = (Request::SuggestDifficulty, "mining.suggest_difficulty");
            actions.push(self.request(now, what, method, json!([difficulty])));
        }
        actions.extend(self.mine_held());
        actions
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Duration) -> Actions {
        let silence = now.saturating_sub(self.heard);
        let since = |pending: &Pending| now.saturating_sub(pending.sent);
        let oldest = |counts: fn(&Request) -> bool| {
            let counted = self.pending.values().filter(|pending| counts(&pending.what));
            counted.map(since).max()
        };
        let mute = |reason: String| vec![Action::Leave(Leave::Mute(reason))];
        let greeting = oldest(|what| matches!(what, Request::Subscribe | Request::Authorize));
        if greeting.is_some_and(|waited| waited >= MUTE) {
            return mute("no answer to our greeting for 20 s".to_owned());
        }
        let probing = self.answers_probes;
        let owed = |what: &Request| {
            matches!(
                what,
                Request::Configure | Request::Subscribe | Request::Authorize | Request::Submit(_)
            )
        };
        let owed =
            oldest(owed).max(oldest(|what| matches!(what, Request::ExtranonceSubscribe)).filter(|_| probing));
        if silence >= SILENT || silence >= MUTE && owed.is_some_and(|waited| waited >= PROBE) {
            return mute(format!("not a word for {} s", silence.as_secs()));
        }
        let mut actions = Vec::new();
        let configuring = oldest(|what| matches!(what, Request::Configure));
        if configuring.is_some_and(|waited| waited >= CONFIGURE) {
            actions.extend(self.subscribe(now));
        }
        if probing && owed.is_none() && silence >= PROBE {
            let (what, method) = (Request::ExtranonceSubscribe, "mining.extranonce.subscribe");
            actions.push(self.request(now, what, method, json!([])));
        }
        let forgotten = |pending: &Pending| {
            matches!(pending.what, Request::Submit(_)) && now.saturating_sub(pending.sent) >= FORGOTTEN
        };
        let late = self.pending.iter().filter(|(_, pending)| forgotten(pending));
        let late: Vec<_> = late.map(|(id, _)| *id).collect();
        for pending in late.iter().filter_map(|id| self.pending.remove(id)) {
            if let Request::Submit(share) = pending.what {
                let reason = "the pool has not answered it for a minute".to_owned();
                actions.push(Action::Tell(Event::Stale { share, reason }));
            }
        }
        actions
    }
}
