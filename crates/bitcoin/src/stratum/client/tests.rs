//! Lines in, lines and jobs out: every order that pools have been seen to use, and those that they should not.

mod handshake;
mod liveness;
mod shares;

use paydirt::{ByteOrder, Cancel, Goal, Kernel, Miner};
use paydirt_jobs::{JobSlot, JobSource, Share, drive};
use proptest::prelude::*;

use super::*;
use crate::{merkle::sha256d, stratum::shares::Submission};

fn login() -> Arc<Login> {
    Arc::new(Login {
        user: "me".to_owned(),
        password: "secret".to_owned(),
        agent: "paydirt/test".to_owned(),
        suggest_difficulty: None,
    })
}

/// A client and what came of it.
struct Tried {
    client: Client,
    now: Duration,
    sent: Vec<Value>,
    jobs: Vec<(Job<Arc<Work>>, bool)>,
    events: Vec<Event>,
    said: Vec<String>,
    left: Option<Leave>,
}

impl Tried {
    fn new(login: Arc<Login>) -> Self {
        let client = Client::new(login, 1, "pool.example.org", Arc::default());
        let mut tried = Self {
            client,
            now: Duration::ZERO,
            sent: vec![],
            jobs: vec![],
            events: vec![],
            said: vec![],
            left: None,
        };
        let actions = tried.client.begin(Duration::ZERO);
        tried.take(actions);
        tried
    }

    fn take(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Send(line) => self.sent.push(serde_json::from_str(&line).unwrap()),
                Action::Mine { job, clean } => self.jobs.push((job, clean)),
                Action::Tell(event) => self.events.push(event),
                Action::Say(line) => self.said.push(line),
                Action::Leave(leave) => {
                    self.left.get_or_insert(leave);
                }
            }
        }
    }

    fn hear(&mut self, line: Value) -> &mut Self {
        let actions = self.client.line(line.to_string().as_bytes(), self.now);
        self.take(actions);
        self
    }

    /// Answers the last request.
    fn answer(&mut self, result: Value, error: Value) -> &mut Self {
        let id = self.sent.last().unwrap()["id"].clone();
        self.hear(json!({"id": id, "result": result, "error": error}))
    }

    fn wait(&mut self, seconds: f64) -> &mut Self {
        self.now += Duration::from_secs_f64(seconds);
        let actions = self.client.tick(self.now);
        self.take(actions);
        self
    }

    fn asked(&self) -> Vec<&str> {
        let methods = self.sent.iter().filter_map(|sent| sent["method"].as_str());
        methods.collect()
    }

    /// After the handshake, with this mask or none.
    fn greeted(mask: Option<&str>, size: u64) -> Self {
        let mut tried = Self::new(login());
        match mask {
            Some(mask) => tried.answer(
                json!({"version-rolling": true, "version-rolling.mask": mask}),
                Value::Null,
            ),
            None => tried.answer(Value::Null, json!([20, "unknown", null])),
        };
        tried.answer(json!([[["mining.notify", "1"]], "08000002", size]), Value::Null);
        tried.answer(json!(true), Value::Null);
        tried
    }

    /// A share of the last job, as the mining loop finds one, at difficulties at which every hash is one.
    fn mine(&mut self) -> (Submission, Share) {
        let (job, _) = self.jobs.pop().unwrap();
        let found = mine_one(job);
        let (work, share) = found;
        let submission = self.client.submit(&work, &share, self.now);
        if let Submission::Send(line) = &submission {
            self.sent.push(serde_json::from_str(line).unwrap());
        }
        (submission, share)
    }
}

/// The first share that the loop finds.
fn mine_one(job: Job<Arc<Work>>) -> (Arc<Work>, Share) {
    struct One(JobSlot<Arc<Work>>, std::sync::Mutex<Option<(Arc<Work>, Share)>>);
    impl JobSource for One {
        type Origin = Arc<Work>;
        fn job(&self, used_up: Option<u64>, cancel: &Cancel) -> Option<Arc<Job<Arc<Work>>>> {
            self.0.wait(used_up, cancel)
        }
        fn submit(&self, job: &Job<Arc<Work>>, share: &Share) -> Result<(), String> {
            self.1
                .lock()
                .unwrap()
                .get_or_insert((Arc::clone(&job.origin), *share));
            self.0.end();
            Ok(())
        }
    }
    let source = One(JobSlot::default(), std::sync::Mutex::default());
    source.0.post(job);
    let miner = Miner::with_threads(1, Kernel::by_name("portable").unwrap()).unwrap();
    drive(&miner, &source, &Cancel::new(), &|_| {});
    source.1.into_inner().unwrap().unwrap()
}

fn notify(job_id: impl Into<Value>, clean: bool) -> Value {
    let params = json!([
        job_id.into(),
        "4d16b6f85af6e2198f44ae2a6de67f78487ae5611b77c6c0440b921e00000000",
        "01000000",
        "ffffffff",
        ["11".repeat(32)],
        "20000000",
        "1c2ac4af",
        "504e86b9",
        clean
    ]);
    json!({"id": null, "method": "mining.notify", "params": params})
}

fn difficulty(difficulty: impl Into<Value>) -> Value {
    json!({"id": null, "method": "mining.set_difficulty", "params": [difficulty.into()]})
}

/// Every hash will do.
const EASY: f64 = 1e-12;

proptest! {
    /// Whatever comes, in whatever order: nothing panics, and jobs can be mined.
    #[test]
    fn any_order_of_any_lines(picks in proptest::collection::vec((0usize..20, any::<i16>()), 0..60)) {
        let mut tried = Tried::new(login());
        for (pick, number) in picks {
            let line = match pick {
                0 => notify("a", number % 2 == 0),
                1 => difficulty(f64::from(number)),
                2 => json!({"method": "mining.set_extranonce", "params": ["00", number]}),
                3 => json!({"method": "mining.set_version_mask", "params": [format!("{number:08x}")]}),
                4 => json!({"method": "client.reconnect", "params": []}),
                5 => json!({"id": number, "method": "mining.ping"}),
                6 => json!({"id": number, "result": [[], "00", number]}),
                7 => json!({"method": "mining.notify", "params": vec![number; 9]}),
                8..12 => json!({"id": (number % 8).abs(), "result": true}),
                12 => json!({"id": (number % 8).abs(), "result": [[], "00", (number % 12).abs()]}),
                13 => json!({"id": 1, "result": {"version-rolling": true, "version-rolling.mask": "1fffe000"}}),
                14 => json!(number),
                _ => {
                    tried.wait(f64::from(number).abs() / 1000.0);
                    continue;
                }
            };
            tried.hear(line);
        }
        for (job, _) in &tried.jobs {
            (job.header)(0);
            (job.header)(u64::MAX);
        }
    }
}
