//! What is done for a client, and may outlast it.
//!
//! *In:* work, and a client that waits for it, or does not. *Out:* the work done, so much of it at a time.
//!
//! A client that goes away takes its handler's future along, not what was begun for it: a thread that reads the disk reads to its
//! end, and the ledger's writer has what it was sent. So whatever bounds such work belongs to the work, and is given back when
//! that is done: here permits that move into it. Those who wait for one are futures again, and cost nothing once they leave.

use std::{num::NonZero, sync::Arc};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Node, refusal::Refusal};

/// How many transfers may be with the ledger's writer and not answered yet.
const SUBMITTED: usize = 4096;

/// How much is done at a time.
#[derive(Debug)]
pub(super) struct Errands {
    reads: Arc<Semaphore>,
    submits: Arc<Semaphore>,
}

/// Held for as long as the work takes.
pub(super) type Permit = OwnedSemaphorePermit;

impl Errands {
    /// As many reads as this machine can do at a time, and two more, which may wait for a disk: more threads would only
    /// take turns on the processors, with each other and with those that answer calls from memory.
    pub(super) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            reads: Arc::new(Semaphore::new(processors + 2)),
            submits: Arc::new(Semaphore::new(SUBMITTED)),
        }
    }

    /// A permit to read, in the order in which they were asked for.
    pub(super) async fn read(&self) -> Permit {
        permit(&self.reads).await
    }

    /// A permit to submit a transfer.
    pub(super) async fn submit(&self) -> Permit {
        permit(&self.submits).await
    }
}

async fn permit(of: &Arc<Semaphore>) -> Permit {
    Arc::clone(of).acquire_owned().await.expect("never closed")
}

/// Runs what reads the disk, or takes long, where it may block.
pub(super) async fn blocking<T: Send + 'static>(
    node: &Arc<Node>,
    read: impl FnOnce(&Node) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let (permit, node) = (node.errands.read().await, Arc::clone(node));
    let done = tokio::task::spawn_blocking(move || {
        let _until_done = permit;
        read(&node)
    });
    done.await.map_err(|_| Refusal::internal())?
}

/// Carries on to the end, whether the client waits for it or not.
pub(super) async fn to_its_end<T: Send + 'static>(
    errand: impl Future<Output = Result<T, Refusal>> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::spawn(errand).await.map_err(|_| Refusal::internal())?
}
