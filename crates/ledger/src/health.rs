//! Whether the ledger's file has failed.
//!
//! *In:* the first error of its file, from the writer or from any reader: a full disk, a page that is not what was written.
//! *Out:* the same reason for everybody who asks from then on; mining stops, listeners are told once.
//!
//! A file that failed once is not written again: memory may be ahead of it, or it is damaged. What can still be read and
//! is what its hash says may be read.

use std::sync::{Arc, Mutex, OnceLock, RwLock};

use crate::{Event, outcome::StoreFailed, store::StoreError, writer::Listener};
use paydirt::Cancel;

/// What everybody who uses the file shares.
#[derive(Default)]
pub(super) struct Health {
    failure: OnceLock<StoreFailed>,
    /// Stops what is mined on the tip.
    mining: Mutex<Cancel>,
    listeners: RwLock<Vec<Listener>>,
}

impl Health {
    /// Why nothing is stored any more; `None` while all is well.
    pub(super) fn failure(&self) -> Option<&StoreFailed> {
        self.failure.get()
    }

    /// The file failed. If it had before, that is the reason that stays.
    pub(super) fn fail(&self, error: StoreError) -> StoreFailed {
        let mut first = false;
        let failure = self.failure.get_or_init(|| {
            first = true;
            StoreFailed(Arc::new(error))
        });
        if first {
            self.mining.lock().expect(UNPOISONED).cancel();
            self.tell(&Event::Failed(failure.clone()));
        }
        failure.clone()
    }

    /// Passes on what a reader got, and notes an error that is the file's.
    pub(super) fn noting<T>(&self, read: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error) = &read
            && let Some(failure) = error.of_the_file()
        {
            self.fail(failure);
        }
        read
    }

    /// What is mined from now on, to be stopped when the file fails.
    pub(super) fn watch(&self, mining: &Cancel) {
        *self.mining.lock().expect(UNPOISONED) = mining.clone();
        if self.failure().is_some() {
            mining.cancel();
        }
    }

    pub(super) fn listen(&self, listener: Listener) {
        self.listeners.write().expect(UNPOISONED).push(listener);
    }

    /// Tells everyone who listens.
    pub(super) fn tell(&self, event: &Event) {
        let listeners = self.listeners.read().expect(UNPOISONED);
        listeners.iter().for_each(|listener| listener(event));
    }
}

const UNPOISONED: &str = "nothing panics while it is held";

impl std::fmt::Debug for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let failure = self.failure();
        f.debug_struct("Health")
            .field("failure", &failure)
            .finish_non_exhaustive()
    }
}
