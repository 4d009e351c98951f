//! Mining: one job at a time, each with all threads, until one of a higher priority comes.
//!
//! *In:* jobs from the queue. *Out:* their results, and progress lines on the way. *The idea:* what interrupts a search leaves the
//! lowest nonce not yet tested, as for `paydirt mine --resume`: the job goes back to its place in the queue with that and
//! goes on there later. Nothing is tested twice or left out, and its result is of all its parts together. Sharing the
//! threads among jobs lost: each job would take longer, an urgent one too, and what it waits for now is less than a
//! millisecond.

use std::time::Duration;

use super::{
    NO_PANIC, Worker,
    answers::{WorkAnswer, WorkAnswerKind, WorkResult},
    job::Job,
};
use crate::resume::Point;
use paydirt::{
    NonceRange, Outcome, Progress, Search, Solution, Status,
    record::{MineRecord, SolutionRecord},
};

/// What was done of a job before others interrupted it.
#[derive(Default)]
pub(super) struct SoFar {
    /// The lowest nonce not yet tested; `None` where it has not run yet.
    next: Option<u128>,
    hashes: u64,
    elapsed: Duration,
    /// Of a job for all: the solutions below `next`, in ascending order.
    solutions: Vec<Solution>,
}

impl SoFar {
    /// One more part.
    fn add(&mut self, part: Outcome) {
        self.next = Some(part.resume_at);
        self.hashes += part.hashes;
        self.elapsed += part.elapsed;
        let known = part.solutions.into_iter();
        self.solutions
            .extend(known.filter(|solution| u128::from(solution.nonce()) < part.resume_at));
    }

    /// What is left of the whole.
    fn rest(&self, whole: NonceRange) -> NonceRange {
        let rest = self
            .next
            .map(|next| whole.part(next, whole.end().saturating_sub(next)));
        rest.and_then(Result::ok).unwrap_or(whole)
    }

    /// Adds itself to the result of the last part.
    fn add_to(&self, record: &mut MineRecord, job: &Job) {
        let Some(next) = self.next else {
            return;
        };
        let point = Point {
            next,
            elapsed_s: self.elapsed.as_secs_f64(),
            solutions: self.solutions.len() as u64,
            lowest: self.solutions.first().copied(),
        };
        point.add_to(record, &job.puzzle, job.place.range);
        if let Some(all) = &mut record.solutions {
            let before = self.solutions.iter();
            let before = before.map(|solution| SolutionRecord::new(&job.puzzle, solution));
            all.splice(0..0, before);
        }
    }
}

impl Worker {
    /// The main thread's part, until no more jobs can come.
    pub(super) fn mine_all(&self) {
        let mut queue = self.queue();
        loop {
            if let Some(mut job) = queue.pop() {
                drop(queue);
                let outcome = self.search(&job);
                queue = self.queue();
                // A cancellation that came meanwhile is the reason then, and the result is wanted now.
                let interrupted = outcome.status == Status::Interrupted && job.pause.is_cancelled();
                if interrupted && !job.cancel.is_cancelled() {
                    job.so_far.add(outcome);
                    queue.put_back(job);
                    continue;
                }
                // Out of the queue first: whoever reads the result may use the id again.
                queue.finished();
                drop(queue);
                self.tell(&job, &outcome);
                queue = self.queue();
            } else if queue.is_complete() {
                return;
            } else {
                queue = self.changed.wait(queue).expect(NO_PANIC);
            }
        }
    }

    /// The result of a job that was cancelled while it waited: the search ends before it begins.
    pub(super) fn mine_cancelled(&self, job: &Job) {
        self.tell(job, &self.search(job));
    }

    fn tell(&self, job: &Job, last: &Outcome) {
        let mut record = MineRecord::new(&job.puzzle, job.find, last);
        job.so_far.add_to(&mut record, job);
        self.answers
            .send(&WorkResult::new(&job.id, job.place.report(record)));
    }

    /// Searches what is left of a job.
    fn search(&self, job: &Job) -> Outcome {
        let mut search = Search::new(&job.puzzle)
            .range(job.so_far.rest(job.place.range))
            .find(job.find)
            .cancel(&job.cancel)
            .cancel(&job.pause);
        if let Some(limit) = job.timeout {
            search = search.timeout(limit.saturating_sub(job.so_far.elapsed));
        }
        if let Some(every) = job.progress {
            search = search.on_progress(every, |progress| self.say_progress(job, progress));
        }
        self.miner.mine(&search)
    }

    fn say_progress(&self, job: &Job, progress: &Progress) {
        let elapsed_s = (job.so_far.elapsed + progress.elapsed).as_secs_f64();
        let hashes = job.so_far.hashes + progress.hashes;
        let answer = WorkAnswer::from(WorkAnswerKind::Progress {
            id: &job.id,
            hashes,
            elapsed_s,
            hashes_per_second: (elapsed_s > 0.0 && hashes > 0).then(|| hashes as f64 / elapsed_s),
            expected_hashes: job.puzzle.goal().expected_hashes(),
            range: job.place.range,
        });
        self.answers.offer(&answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::request::{Request, parse};
    use paydirt::{Find, Miner};

    fn job(search: &str) -> Job {
        let line = format!(r#"{{"id":1,"puzzle":{{"text":"x"}},"goal":{{"bits":8}},"search":{search}}}"#);
        match parse(line.as_bytes()) {
            Ok(Request::Job(job)) => *job,
            _ => panic!("a job"),
        }
    }

    /// A job in parts, each cut off where nobody knows, is the job in one piece.
    #[test]
    fn parts_make_the_whole() {
        let miner = Miner::with_threads(2, paydirt::Kernel::auto()).unwrap();
        let whole = |job: &Job, range| miner.mine(&Search::new(&job.puzzle).range(range).find(job.find));
        for (search, cuts) in [
            (
                r#"{"find":"all","start":7,"count":5000}"#,
                [0u64, 1200, 1201, 4999],
            ),
            (r#"{"find":"all","start":7,"count":50}"#, [0, 10, 20, 30]),
            (r#"{"start":7,"count":20}"#, [1, 2, 3, 19]),
        ] {
            let mut job = job(search);
            let (range, start) = (job.place.range, job.place.range.start());
            let once = MineRecord::new(&job.puzzle, job.find, &whole(&job, range));
            for cut in cuts {
                let rest = job.so_far.rest(range);
                let part = NonceRange::new(rest.start(), (start + cut - rest.start()).into()).unwrap();
                let outcome = whole(&job, part);
                assert!(
                    job.find == Find::All || outcome.solutions.is_empty(),
                    "cut before the solution"
                );
                job.so_far.add(outcome);
            }
            let last = whole(&job, job.so_far.rest(range));
            let mut record = MineRecord::new(&job.puzzle, job.find, &last);
            job.so_far.add_to(&mut record, &job);
            let answer = |record: &MineRecord| {
                let of = record.clone();
                (
                    of.status,
                    of.nonce,
                    of.hash,
                    of.message_hex,
                    of.range,
                    of.solutions,
                    of.solution_count,
                )
            };
            assert_eq!(answer(&record), answer(&once), "{search}");
            if job.find == Find::All {
                assert_eq!(record.hashes, once.hashes, "each nonce is counted once");
            }
        }
    }
}
