//! Mining without being asked: `paydirt serve --mine`.
//!
//! One block after the other, each in its turn among those who call `/mine`; not while a peer is known to have more work,
//! because a block on a tip that is about to be left is work for nothing.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::{Node, peers::Progress};

/// How long after a failure it tries again.
const AFTER_A_FAILURE: Duration = Duration::from_secs(1);
/// How often it is looked whether the node has caught up.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// When blocks are mined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Always.
    On,
    /// One each time this has passed: the first after that.
    Every(Duration),
}

/// Mines until the node stops, or can store nothing any more.
pub async fn keep_mining(node: Arc<Node>, pace: Pace) {
    let stopping = node.stopping.clone();
    tokio::select! {
        () = stopping.cancelled() => {}
        () = mine_on(&node, pace) => tracing::error!("mining has ended"),
    }
}

async fn mine_on(node: &Arc<Node>, pace: Pace) {
    let mut ticks = match pace {
        Pace::On => None,
        Pace::Every(time) => {
            let mut ticks = interval_at(Instant::now() + time, time);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            Some(ticks)
        }
    };
    loop {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        while node.peers_state().await.progress == Progress::Syncing {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        if let Err(refusal) = super::mine_in_turn(node).await {
            if node.ledger.failure().is_some() {
                return; // it was said when it happened
            }
            tracing::warn!(reason = refusal.message(), "a block was not mined");
            tokio::time::sleep(AFTER_A_FAILURE).await;
        }
    }
}
