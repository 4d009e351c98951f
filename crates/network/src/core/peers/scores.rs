//! What peers did wrong, and what becomes of them.

use std::time::Duration;

use super::{BANNED_AT, UNANSWERED};
use crate::core::{Core, Identity, Offence, Peer, Reason, Timer};

/// How severe an offence is.
fn severity(offence: &Offence) -> u32 {
    match offence {
        Offence::Malformed(_)
        | Offence::NoProofOfWork(_)
        | Offence::BrokenRule(..)
        | Offence::FalseClaim
        | Offence::OtherAnswer
        | Offence::OutOfTurn
        | Offence::BadTransfer(_) => BANNED_AT,
        Offence::Withheld => 25,
        Offence::Flood => 10,
    }
}

impl Core {
    /// Whether a peer may ask for something of this price now.
    pub(in crate::core) fn may_ask(&mut self, peer: Peer, price: f64) -> bool {
        let now = self.now.since_start;
        let Some(connection) = self.peers.get_mut(&peer) else {
            return false;
        };
        let may = connection.pay(price, now);
        if !may {
            self.punish(peer, Offence::Flood);
        }
        may
    }

    /// Adds an offence to a peer's score, and hangs up when that is too much.
    pub(in crate::core) fn punish(&mut self, peer: Peer, offence: Offence) {
        let now = self.now.since_start;
        let Some(connection) = self.peers.get_mut(&peer).filter(|peer| peer.leaving.is_none()) else {
            return;
        };
        connection.score = connection.score(now) + severity(&offence);
        connection.scored_at = now;
        if connection.score >= BANNED_AT {
            let (identity, origin) = (Identity::clone(&connection.identity), connection.origin);
            self.bans.ban(&identity, origin, now + self.limits.ban_time);
            self.hang_up(peer, Reason::Misbehaved(offence));
        }
    }

    /// A peer did not answer in time.
    pub(in crate::core) fn was_late(&mut self, peer: Peer) {
        let now = self.now.since_start;
        let Some(connection) = self.peers.get_mut(&peer) else {
            return;
        };
        connection.late += 1;
        let rest = Duration::from_secs(1 << connection.late.min(6));
        connection.rests_until = now + rest;
        let unanswered = connection.asked.values().filter(|asked| asked.overdue).count();
        if unanswered >= UNANSWERED || connection.is_useless() {
            let identity = Identity::clone(&connection.identity);
            self.hang_up(peer, Reason::Silent);
            self.book.avoid(&identity, now + self.limits.ban_time);
        } else {
            self.wake_in(rest, Timer::Rested);
        }
    }
}
