//! What waits for a block: spread to all, and fetched by those who were away.
//!
//! *In:* transfers that peers pass on, and pages of what they have waiting. *Out:* the same, for the ledger; and for each
//! message whether it goes on.
//!
//! A transfer has its identity from its tag, so one that comes twice waits once, and is mined once. One without a tag would
//! be another payment at each node: nobody passes on such, and whoever does misbehaves. A node asks each new peer, one at a
//! time, for what it has waiting.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use paydirt_ledger::Transaction;

use super::{Action, Core, Errand, GossipId, Offence, Peer, Verdict, peers::Purpose};
use crate::message::Request;

/// Messages that the ledger has not judged yet: further ones are not passed on.
const MOST_ERRANDS: usize = 256;
/// Pages of one peer: as much as a ledger lets wait, and to spare.
const MOST_PAGES: usize = 2_000;
/// Peers that wait to be asked for what they have waiting.
const MOST_QUEUED: usize = 256;

/// What waits, on its way here.
#[derive(Debug, Default)]
pub(super) struct Transfers {
    /// Messages to all that the ledger has.
    judging: HashMap<Errand, GossipId>,
    /// Who is to be asked for pages.
    queue: VecDeque<Peer>,
    /// Who is being asked, and for how many pages by now.
    asking: Option<(Peer, usize)>,
    /// A page that the ledger has, and where the next one begins.
    page: Option<(Errand, u64)>,
}

impl Core {
    /// A peer passes transfers on.
    pub(super) fn gossip(&mut self, id: GossipId, peer: Peer, transfers: Vec<Transaction>) {
        if let Some(offence) = wrong(&transfers) {
            self.punish(peer, offence);
            self.actions.push_back(Action::Judged(id, Verdict::Reject));
            return;
        }
        let price = 1.0 + transfers.len() as f64 / 16.0;
        let full = self.transfers.judging.len() >= MOST_ERRANDS;
        if full || transfers.is_empty() || self.halted || !self.may_ask(peer, price) {
            self.actions.push_back(Action::Judged(id, Verdict::Ignore));
            return;
        }
        let errand = self.errand();
        self.transfers.judging.insert(errand, id);
        self.actions.push_back(Action::Take { errand, transfers });
    }

    /// The ledger has what it was given.
    pub(super) fn taken(&mut self, errand: Errand, all: bool) {
        if let Some(id) = self.transfers.judging.remove(&errand) {
            let verdict = if all { Verdict::Accept } else { Verdict::Ignore };
            self.actions.push_back(Action::Judged(id, verdict));
        }
        if let Some((_, next)) = self.transfers.page.take_if(|(of, _)| *of == errand) {
            let pages = self.transfers.asking.map(|(_, pages)| pages);
            match (all && next > 0, self.transfers.asking) {
                (true, Some((peer, _))) if pages < Some(MOST_PAGES) => self.ask_page(peer, next),
                (_, Some((peer, _))) => self.pending_done(peer),
                (_, None) => {}
            }
        }
    }

    /// A new peer: what it has waiting is wanted.
    pub(super) fn want_pending(&mut self, peer: Peer) {
        if self.transfers.queue.len() < MOST_QUEUED {
            self.transfers.queue.push_back(peer);
        }
        self.next_pending();
    }

    fn next_pending(&mut self) {
        while self.transfers.asking.is_none() {
            let Some(peer) = self.transfers.queue.pop_front() else {
                break;
            };
            if self
                .peers
                .get(&peer)
                .is_some_and(super::peers::Connection::is_ready)
            {
                self.transfers.asking = Some((peer, 0));
                self.ask_page(peer, 0);
            }
        }
    }

    fn ask_page(&mut self, peer: Peer, cursor: u64) {
        /// A page is small; whoever takes longer is left alone.
        const WITHIN: Duration = Duration::from_secs(10);
        if let Some((_, pages)) = &mut self.transfers.asking {
            *pages += 1;
        }
        self.ask(peer, Purpose::Pending, Request::Pending { cursor }, Some(WITHIN));
    }

    /// A page of what a peer has waiting.
    pub(super) fn told_of_pending(&mut self, peer: Peer, transfers: Vec<Transaction>, next: u64) {
        if self.transfers.asking.is_none_or(|(asked, _)| asked != peer) {
            return; // too late
        }
        // Old ledgers have transfers without a tag waiting: those stay where they are.
        let tagged: Vec<_> = transfers
            .into_iter()
            .filter(|transfer| transfer.tag().is_some())
            .collect();
        match tagged.is_empty() {
            true if next == 0 => self.pending_done(peer),
            true => self.ask_page(peer, next),
            false => {
                let errand = self.errand();
                self.transfers.page = Some((errand, next));
                self.actions.push_back(Action::Take {
                    errand,
                    transfers: tagged,
                });
            }
        }
    }

    /// A peer has no more, or does not answer: the next one is asked.
    pub(super) fn pending_done(&mut self, peer: Peer) {
        if self
            .transfers
            .asking
            .take_if(|(asked, _)| *asked == peer)
            .is_some()
        {
            self.transfers.page = None;
        }
        self.next_pending();
    }
}

/// What is wrong with transfers that are to go to all.
fn wrong(transfers: &[Transaction]) -> Option<Offence> {
    let bad = transfers
        .iter()
        .find(|transfer| transfer.is_reward() || transfer.tag().is_none());
    bad.map(|transfer| Offence::BadTransfer(transfer.id()))
}
