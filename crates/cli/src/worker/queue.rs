//! The jobs that wait, and the one that runs.
//!
//! *In:* jobs, cancellations, the end of the input. *Out:* the next job: the highest priority first, and among equals
//! the one that came first. One of a higher priority than that which runs interrupts it; that one then comes back to its place.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use super::{answers::JobId, job::Job};
use paydirt::Cancel;

/// Bytes that the waiting jobs may take together, as [`Job::bytes`] counts them.
pub(super) const MOST_BYTES: usize = 64 << 20;

/// Where a job stands: priority, then order of arrival.
type Place = (Reverse<i64>, u64);

/// Jobs in the order in which they will run.
pub(super) struct Queue {
    most_jobs: usize,
    waiting: BTreeMap<Place, Job>,
    places: HashMap<JobId, Place>,
    bytes: usize,
    arrivals: u64,
    running: Option<Running>,
    /// No more jobs will come.
    complete: bool,
}

/// The job that runs.
struct Running {
    id: JobId,
    cancel: Cancel,
    pause: Cancel,
    place: Place,
}

/// What a cancellation met.
pub(super) enum Cancelled {
    /// The job was waiting; here it is, out of the queue.
    Waiting(Box<Job>),
    /// The job is running and was told to stop: its result will come.
    Running,
    /// No such job is known.
    Unknown,
}

/// Why a job cannot wait here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// There are as many jobs as may be.
    Jobs,
    /// The jobs are as large as may be.
    Bytes,
}

impl Queue {
    /// An empty queue for so many jobs.
    pub(super) fn new(most_jobs: usize) -> Self {
        Self {
            most_jobs,
            waiting: BTreeMap::new(),
            places: HashMap::new(),
            bytes: 0,
            arrivals: 0,
            running: None,
            complete: false,
        }
    }

    /// How many jobs wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The job that is running.
    pub(super) fn running(&self) -> Option<&JobId> {
        self.running.as_ref().map(|running| &running.id)
    }

    /// Whether a job of this name waits or runs.
    pub(super) fn knows(&self, id: &JobId) -> bool {
        self.places.contains_key(id) || self.running() == Some(id)
    }

    /// Whether there is room for `job`. A queue without jobs always has room for one.
    pub(super) fn room_for(&self, job: &Job) -> Result<(), Full> {
        if self.waiting.len() >= self.most_jobs {
            Err(Full::Jobs)
        } else if self.bytes + job.bytes > MOST_BYTES && !self.waiting.is_empty() {
            Err(Full::Bytes)
        } else {
            Ok(())
        }
    }

    /// Takes a job in, and interrupts the one that runs if that is of a lower priority.
    pub(super) fn push(&mut self, job: Job) {
        let place = (Reverse(job.priority), self.arrivals);
        self.arrivals += 1;
        if let Some(running) = self.running.as_ref().filter(|running| running.place.0 > place.0) {
            running.pause.cancel();
        }
        self.insert(place, job);
    }

    /// Takes the job that ran back to its place: it was interrupted.
    pub(super) fn put_back(&mut self, mut job: Job) {
        let running = self.running.take().expect("it was running");
        job.pause = Cancel::new();
        self.insert(running.place, job);
    }

    fn insert(&mut self, place: Place, job: Job) {
        self.bytes += job.bytes;
        self.places.insert(job.id.clone(), place);
        self.waiting.insert(place, job);
    }

    /// Takes out the next job, which runs from now on.
    pub(super) fn pop(&mut self) -> Option<Job> {
        let (place, job) = self.waiting.pop_first()?;
        self.bytes -= job.bytes;
        self.places.remove(&job.id);
        self.running = Some(Running {
            id: job.id.clone(),
            cancel: job.cancel.clone(),
            pause: job.pause.clone(),
            place,
        });
        Some(job)
    }

    /// The job that ran has ended.
    pub(super) fn finished(&mut self) {
        self.running = None;
    }

    /// Cancels one job.
    pub(super) fn cancel(&mut self, id: &JobId) -> Cancelled {
        if let Some(place) = self.places.remove(id) {
            let job = self.waiting.remove(&place).expect("places and jobs agree");
            self.bytes -= job.bytes;
            job.cancel.cancel();
            return Cancelled::Waiting(Box::new(job));
        }
        match &self.running {
            Some(running) if running.id == *id => {
                running.cancel.cancel();
                Cancelled::Running
            }
            _ => Cancelled::Unknown,
        }
    }

    /// Cancels all jobs; those that wait stay in the queue and end as soon as they run.
    pub(super) fn cancel_all(&self) {
        let waiting = self.waiting.values().map(|job| &job.cancel);
        let running = self.running.iter().map(|running| &running.cancel);
        waiting.chain(running).for_each(Cancel::cancel);
    }

    /// No more jobs will come.
    pub(super) fn complete(&mut self) {
        self.complete = true;
    }

    /// Whether no more jobs will come.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::request::{Request, parse};

    fn job(id: &str, priority: i64) -> Job {
        let line = format!(
            r#"{{"id": "{id}", "puzzle": {{"text": "x"}}, "goal": {{"bits": 1}}, "priority": {priority}}}"#
        );
        match parse(line.as_bytes()) {
            Ok(Request::Job(job)) => *job,
            _ => panic!("a job"),
        }
    }

    fn order(queue: &mut Queue) -> Vec<JobId> {
        std::iter::from_fn(|| queue.pop()).map(|job| job.id).collect()
    }

    fn ids(names: &[&str]) -> Vec<JobId> {
        names.iter().map(|name| JobId::Text((*name).to_owned())).collect()
    }

    #[test]
    fn in_the_order_given_unless_one_has_priority() {
        let mut queue = Queue::new(10);
        for (id, priority) in [("a", 0), ("b", -1), ("c", 5), ("d", 0), ("e", 5)] {
            queue.push(job(id, priority));
        }
        assert_eq!(order(&mut queue), ids(&["c", "e", "a", "d", "b"]));
    }

    #[test]
    fn a_higher_priority_interrupts_and_the_job_comes_back_to_its_place() {
        let mut queue = Queue::new(10);
        for id in ["a", "b"] {
            queue.push(job(id, 0));
        }
        let a = queue.pop().unwrap();
        for (id, priority) in [("c", 0), ("d", -1)] {
            queue.push(job(id, priority));
            assert!(!a.pause.is_cancelled(), "{id} waits for its turn");
        }
        queue.push(job("e", 1));
        assert!(a.pause.is_cancelled() && !a.cancel.is_cancelled());
        assert!(queue.knows(&a.id));
        queue.put_back(a);
        assert_eq!(queue.running(), None);
        let e = queue.pop().unwrap();
        assert!(!e.pause.is_cancelled());
        queue.finished();
        let again = queue.pop().unwrap();
        assert!(!again.pause.is_cancelled(), "it may run again");
        queue.put_back(again);
        // Cancelled while it waits, it is handed out at once.
        assert!(matches!(
            queue.cancel(&JobId::Text("b".to_owned())),
            Cancelled::Waiting(_)
        ));
        assert_eq!(order(&mut queue), ids(&["a", "c", "d"]));
        assert_eq!(queue.bytes, 0);
    }

    #[test]
    fn a_cancelled_job_leaves_its_place() {
        let mut queue = Queue::new(2);
        queue.push(job("a", 0));
        queue.push(job("b", 0));
        assert_eq!(queue.room_for(&job("c", 0)), Err(Full::Jobs));
        let a = JobId::Text("a".to_owned());
        assert!(matches!(queue.cancel(&a), Cancelled::Waiting(job) if job.cancel.is_cancelled()));
        assert!(matches!(queue.cancel(&a), Cancelled::Unknown));
        assert!(!queue.knows(&a));
        assert_eq!(queue.room_for(&job("c", 0)), Ok(()));
        let running = queue.pop().unwrap();
        assert!(matches!(queue.cancel(&running.id), Cancelled::Running));
        assert!(running.cancel.is_cancelled());
        queue.finished();
        assert!(matches!(queue.cancel(&running.id), Cancelled::Unknown));
        assert_eq!(queue.bytes, 0);
    }

    #[test]
    fn large_jobs_fill_it_too() {
        let mut queue = Queue::new(10);
        let large = |id| Job {
            bytes: MOST_BYTES,
            ..job(id, 0)
        };
        assert_eq!(queue.room_for(&large("a")), Ok(()));
        queue.push(large("a"));
        assert_eq!(queue.room_for(&large("b")), Err(Full::Bytes));
    }
}
