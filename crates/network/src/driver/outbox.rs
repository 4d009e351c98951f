//! What the ledger tells its driver: heard on the writer's thread, which must not wait for anything.
//!
//! *In:* the ledger's events. *Out:* that the chain changed, and this node's own new transfers, some of them at a time.
//!
//! It holds [`MAX_KEPT`] transfers at most. Those beyond are not passed on at once; peers find them by asking for what waits.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use paydirt_ledger::{Event, Identified};
use tokio::sync::Notify;

use super::errands::FromPeers;
use crate::message::{MAX_PENDING_BYTES, MAX_TRANSFERS};

/// The most transfers that may wait to be passed on: four seconds of the most that a node takes.
pub const MAX_KEPT: usize = 20_000;

/// Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Outbox(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    transfers: Mutex<VecDeque<Identified>>,
    changed: AtomicBool,
    /// Whether there is anybody to tell of transfers.
    has_peers: AtomicBool,
    /// Told when there is something new.
    news: Notify,
}

const UNPOISONED: &str = "nothing panics while it is held";

impl Outbox {
    /// On the writer's thread.
    pub(super) fn hear(&self, event: &Event, from_peers: &FromPeers) {
        match event {
            Event::Block { .. } => {
                if !self.0.changed.swap(true, Ordering::AcqRel) {
                    self.0.news.notify_one();
                }
            }
            Event::Transaction { transfer, .. } => {
                if !self.0.has_peers.load(Ordering::Acquire) || from_peers.contains(&transfer.id()) {
                    return;
                }
                let mut transfers = self.0.transfers.lock().expect(UNPOISONED);
                if transfers.len() < MAX_KEPT {
                    transfers.push_back(transfer.clone());
                }
                if transfers.len() == 1 {
                    self.0.news.notify_one();
                }
            }
            Event::Failed(_) => {}
        }
    }

    /// Transfers that wait again, and are to be passed on like new ones.
    pub(super) fn add(&self, again: Vec<Identified>) {
        let mut transfers = self.0.transfers.lock().expect(UNPOISONED);
        let room = MAX_KEPT.saturating_sub(transfers.len());
        transfers.extend(again.into_iter().take(room));
        drop(transfers);
        self.0.news.notify_one();
    }

    /// Waits until something is there.
    pub(super) async fn news(&self) {
        self.0.news.notified().await;
    }

    /// Whether the chain has changed since this was asked last.
    pub(super) fn take_changed(&self) -> bool {
        self.0.changed.swap(false, Ordering::AcqRel)
    }

    /// Whether transfers are there.
    pub(super) fn has_transfers(&self) -> bool {
        !self.0.transfers.lock().expect(UNPOISONED).is_empty()
    }

    /// As many of them as one message to all may hold.
    pub(super) fn take_transfers(&self) -> Vec<Identified> {
        let mut transfers = self.0.transfers.lock().expect(UNPOISONED);
        let mut room = MAX_PENDING_BYTES;
        let fits = |transfer: &&Identified| {
            let left = room.checked_sub(transfer.transaction().stored_len());
            room = left.unwrap_or(0);
            left.is_some()
        };
        let count = transfers.iter().take(MAX_TRANSFERS).take_while(fits).count();
        transfers.drain(..count).collect()
    }

    /// Whether there is anybody to tell.
    pub(super) fn set_has_peers(&self, has_peers: bool) {
        self.0.has_peers.store(has_peers, Ordering::Release);
    }
}
