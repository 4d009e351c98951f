//! A place for the current job, for sources that are told of their jobs.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::Duration,
};

use paydirt::Cancel;

use crate::Job;

/// How often a waiting miner looks whether it was cancelled: a signal handler cannot wake it.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// One thread (or a task: nothing here waits but [`JobSlot::wait`]) posts jobs, another one mines the latest.
pub struct JobSlot<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    current: Option<Arc<Job<T>>>,
    posted: u64,
    /// Of every job since the last clean one.
    stale: Cancel,
    ended: bool,
}

impl<T> Default for JobSlot<T> {
    fn default() -> Self {
        let state = State {
            current: None,
            posted: 0,
            stale: Cancel::new(),
            ended: false,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }
}

impl<T> JobSlot<T> {
    /// The job to mine from now on, numbered and given its handles here. Shares of earlier ones still count.
    pub fn post(&self, job: Job<T>) {
        self.change(|state| {
            state.posted += 1;
            state.current = Some(Arc::new(Job {
                id: state.posted,
                replaced: Cancel::new(),
                stale: state.stale.clone(),
                ..job
            }));
        });
    }

    /// Every job there was is stale, and there is none to mine until the next is posted: the peer they came from is gone.
    pub fn withdraw(&self) {
        self.change(|state| std::mem::take(&mut state.stale).cancel());
    }

    /// The same, with the job that takes their place.
    pub fn post_clean(&self, job: Job<T>) {
        self.withdraw();
        self.post(job);
    }

    /// There is nothing more to mine.
    pub fn end(&self) {
        self.change(|state| state.ended = true);
    }

    fn change(&self, change: impl FnOnce(&mut State<T>)) {
        let mut state = self.lock();
        let before = state.current.take();
        change(&mut state);
        if let Some(before) = before {
            before.replaced.cancel();
        }
        self.changed.notify_all();
    }

    /// Waits for a job other than `used_up`; `None` when there are no more, or when `cancel` is pulled.
    pub fn wait(&self, used_up: Option<u64>, cancel: &Cancel) -> Option<Arc<Job<T>>> {
        let mut state = self.lock();
        while !state.ended && !cancel.is_cancelled() {
            if let Some(job) = state.current.as_ref().filter(|job| Some(job.id) != used_up) {
                return Some(Arc::clone(job));
            }
            let waited = self.changed.wait_timeout(state, LOOK_EVERY);
            state = waited.expect("nothing panics while it is held").0;
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().expect("nothing panics while it is held")
    }
}
