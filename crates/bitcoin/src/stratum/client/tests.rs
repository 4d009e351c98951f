//! Lines in, lines and jobs out: every order that pools have been seen to use, and those that they should not.

use paydirt::{Cancel, Kernel, Miner};
use paydirt_jobs::{JobSlot, JobSource, drive};
use proptest::prelude::*;

use super::*;

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

#[test]
fn a_handshake_asks_one_thing_after_the_other() {
    let mut tried = Tried::new(Arc::new(Login {
        suggest_difficulty: Some(0.5),
        ..(*login()).clone()
    }));
    assert_eq!(tried.asked(), ["mining.configure"]);
    assert_eq!(tried.sent[0]["params"][0], json!(["version-rolling"]));
    assert_eq!(tried.sent[0]["params"][1]["version-rolling.mask"], "1fffe000");
    tried.answer(
        json!({"version-rolling": true, "version-rolling.mask": "18000000"}),
        Value::Null,
    );
    assert_eq!(tried.sent[1]["params"], json!(["paydirt/test"]));
    tried.answer(json!([[], "0a0b", 8]), Value::Null);
    assert_eq!(tried.sent[2]["params"], json!(["me", "secret"]));
    tried.answer(json!(true), Value::Null);
    assert_eq!(
        tried.asked(),
        [
            "mining.configure",
            "mining.subscribe",
            "mining.authorize",
            "mining.extranonce.subscribe",
            "mining.suggest_difficulty"
        ]
    );
    assert_eq!(tried.sent[4]["params"], json!([0.5]));
    let subscribed = Event::Subscribed {
        extranonce1: "0a0b".to_owned(),
        extranonce2_size: 8,
        version_mask: Some("18000000".to_owned()),
    };
    assert_eq!(
        tried.events,
        [
            subscribed,
            Event::Authorized {
                user: "me".to_owned()
            }
        ]
    );
}

#[test]
fn work_before_its_time_is_kept_and_the_latest_is_mined() {
    let mut tried = Tried::new(login());
    tried
        .hear(difficulty(EASY))
        .hear(notify("a", true))
        .hear(notify("b", false));
    assert!(tried.jobs.is_empty());
    tried.answer(json!({"version-rolling": false}), Value::Null);
    tried.answer(json!([[], "08000002", 4]), Value::Null);
    assert!(tried.jobs.is_empty(), "nobody is authorized");
    tried.answer(json!(true), Value::Null);
    let [(job, clean)] = &tried.jobs[..] else { panic!() };
    assert_eq!((job.origin.job_id().text(), *clean), ("b".to_owned(), true));
    let events: Vec<_> = tried
        .events
        .iter()
        .filter(|event| matches!(event, Event::Job { .. }))
        .collect();
    assert_eq!(events.len(), 1);
}

#[test]
fn a_refused_user_is_final_and_the_password_is_not_repeated() {
    for (result, error, expected) in [
        (json!(false), Value::Null, "no reason given"),
        (
            Value::Null,
            json!([24, "bad password secret", null]),
            "bad password …",
        ),
        (json!("who?"), Value::Null, "it answers \"who?\""),
    ] {
        let mut tried = Tried::new(login());
        tried
            .answer(json!({}), Value::Null)
            .answer(json!([[], "08", 4]), Value::Null);
        tried.answer(result, error);
        let expected = format!("the pool refuses user 'me': {expected}");
        assert_eq!(tried.left, Some(Leave::Refused(expected)));
    }
}

#[test]
fn a_subscription_without_sense_is_lost() {
    for result in [
        json!(true),
        json!([]),
        json!([[], "08"]),
        json!([[], "08", 1e9]),
        json!([[], "zz", 4]),
        json!(null),
    ] {
        let mut tried = Tried::new(login());
        tried
            .answer(json!({}), Value::Null)
            .answer(result.clone(), Value::Null);
        assert!(
            matches!(&tried.left, Some(Leave::Lost(why)) if why.contains("mining.subscribe")),
            "{result}"
        );
    }
}

#[test]
fn shares_say_what_the_pool_needs() {
    for (size, mask) in [
        (4, None),
        (8, None),
        (0, None),
        (4, Some("1fffe000")),
        (8, Some("00006000")),
        (4, Some("00000000")),
    ] {
        let mut tried = Tried::greeted(mask, size);
        tried.hear(difficulty(EASY)).hear(notify("bf", true));
        assert_eq!(
            tried.jobs[0].0.version_mask,
            mask.map_or(0, |mask| word(mask).unwrap())
        );
        let (submission, share) = tried.mine();
        assert!(matches!(submission, Submission::Send(_)));
        let sent = tried.sent.last().unwrap();
        let params = sent["params"].as_array().unwrap();
        assert_eq!(
            (&sent["method"], params.len()),
            (&json!("mining.submit"), 5 + usize::from(mask.is_some()))
        );
        assert_eq!(params[..2], [json!("me"), json!("bf")]);
        assert_eq!(params[2].as_str().unwrap().len(), 2 * size as usize);
        assert_eq!(params[3], "504e86b9", "never the clock's time");
        assert_eq!(params[4], format!("{:08x}", share.header.nonce()));
        if let Some(mask) = mask {
            let bits = word(params[5].as_str().unwrap()).unwrap();
            assert_eq!(params[5].as_str().unwrap().len(), 8);
            assert_eq!(bits & !word(mask).unwrap(), 0);
            assert_eq!(0x2000_0000 & !word(mask).unwrap() | bits, share.header.version());
        }
        tried.answer(json!(true), Value::Null);
        assert!(matches!(tried.events.last(), Some(Event::Accepted { .. })));
        assert_eq!(tried.client.unanswered(), 0);
    }
}

#[test]
fn job_ids_go_back_as_they_came() {
    for id in [json!("a b"), json!(17), json!("17"), json!("")] {
        let mut tried = Tried::greeted(None, 4);
        tried.hear(difficulty(EASY)).hear(notify(id.clone(), true));
        tried.mine();
        assert_eq!(tried.sent.last().unwrap()["params"][1], id);
    }
}

#[test]
fn refusals_have_a_reason() {
    for (result, error, expected) in [
        (Value::Null, json!([21, "Job not found", null]), "Job not found"),
        (json!(false), Value::Null, "no reason given"),
        (json!("nope"), Value::Null, "the pool answers \"nope\""),
    ] {
        let mut tried = Tried::greeted(None, 4);
        tried.hear(difficulty(EASY)).hear(notify("a", true));
        tried.mine();
        tried.answer(result, error);
        assert!(matches!(tried.events.last(), Some(Event::Rejected { reason, .. }) if reason == expected));
    }
}

/// A lower difficulty waits for the next job, a higher one keeps back what is too easy for it.
#[test]
fn difficulties_count_from_the_next_job_on_at_the_latest() {
    let mut tried = Tried::greeted(None, 4);
    tried
        .hear(difficulty(EASY))
        .hear(notify("a", true))
        .hear(difficulty(1e12));
    assert_eq!(tried.jobs.len(), 1);
    assert_eq!(tried.mine().0, Submission::TooEasy);
    tried.hear(notify("b", false)).hear(difficulty(EASY));
    assert_eq!(tried.jobs[0].0.share_target, target(1e12).unwrap());
    tried.hear(notify("c", false));
    assert_eq!(tried.jobs[1].0.share_target, target(EASY).unwrap());
    assert!(matches!(tried.mine().0, Submission::Send(_)));
    // None was said yet: the first counts for what is mined already.
    let mut tried = Tried::greeted(None, 4);
    tried.hear(notify("a", true)).hear(difficulty(EASY));
    assert_eq!(tried.jobs[0].0.share_target, target(1.0).unwrap());
    assert_eq!(tried.jobs[1].0.share_target, target(EASY).unwrap());
    assert!(!tried.jobs[1].1, "what was found before still counts");
}

#[test]
fn what_is_no_difficulty_changes_nothing() {
    let mut tried = Tried::greeted(None, 4);
    tried.hear(difficulty(2.0));
    for bad in [
        json!(0),
        json!(-1),
        json!("NaN"),
        json!("5"),
        Value::Null,
        json!([1]),
        json!({}),
    ] {
        tried.hear(difficulty(bad));
    }
    tried.hear(json!({"method": "mining.set_difficulty"}));
    let actions = tried
        .client
        .line(br#"{"method":"mining.set_difficulty","params":[NaN]}"#, tried.now);
    tried.take(actions);
    assert_eq!(tried.said.len(), 9, "{:?}", tried.said);
    tried.hear(notify("a", true));
    assert_eq!(tried.jobs[0].0.share_target, target(2.0).unwrap());
    tried.hear(difficulty(1e300)).hear(notify("b", true));
    assert_eq!(tried.jobs[1].0.share_target, paydirt::Target::ZERO);
}

#[test]
fn a_new_mask_counts_at_once() {
    let mut tried = Tried::greeted(Some("1fffe000"), 4);
    tried.hear(difficulty(EASY)).hear(notify("a", true));
    let mask = |mask: &str| json!({"method": "mining.set_version_mask", "params": [mask]});
    let (old, old_share) = mine_one(tried.jobs.pop().unwrap().0);
    let rolled = share_with_version(&old, &old_share, 0x3000_0000);
    tried.hear(mask("00006000"));
    let [(job, clean)] = &tried.jobs[..] else { panic!() };
    assert_eq!((job.version_mask, clean), (0x6000, &false));
    // Bits that are no longer granted make a share worthless; one without them still counts.
    assert!(matches!(
        tried.client.submit(&old, &rolled, tried.now),
        Submission::Stale(_)
    ));
    let plain = share_with_version(&old, &old_share, 0x2000_0000);
    assert!(matches!(
        tried.client.submit(&old, &plain, tried.now),
        Submission::Send(_)
    ));
    tried.mine();
    assert_eq!(tried.sent.last().unwrap()["params"].as_array().unwrap().len(), 6);
    // Bits outside what was asked for are never rolled, and no mask is taken from a pool that granted nothing.
    tried.hear(mask("ffffffff"));
    assert_eq!(tried.jobs[0].0.version_mask, 0x1fff_e000);
    tried
        .hear(mask("xyz"))
        .hear(json!({"method": "mining.set_version_mask", "params": []}));
    assert_eq!((tried.said.len(), tried.jobs.len()), (2, 1));
    let mut plain = Tried::greeted(None, 4);
    plain
        .hear(difficulty(EASY))
        .hear(mask("1fffe000"))
        .hear(notify("a", true));
    assert_eq!(plain.jobs[0].0.version_mask, 0);
    plain.mine();
    assert_eq!(plain.sent.last().unwrap()["params"].as_array().unwrap().len(), 5);
}

/// The share, as it would be with another version.
fn share_with_version(work: &Work, share: &Share, version: u32) -> Share {
    let mut bytes = share.header.to_bytes();
    bytes[..4].copy_from_slice(&version.to_le_bytes());
    let hash = paydirt::Hash::from_bytes(sha256d(&bytes));
    assert!(
        Goal::AtMost(work.target).is_met_by(hash, ByteOrder::Little),
        "so easy that every hash will do"
    );
    let header = paydirt::Header::from_bytes(bytes);
    Share {
        header,
        hash,
        ..*share
    }
}

#[test]
fn a_share_that_is_not_what_was_mined_is_not_sent() {
    let mut tried = Tried::greeted(None, 4);
    tried.hear(difficulty(EASY)).hear(notify("a", true));
    let (work, share) = mine_one(tried.jobs.pop().unwrap().0);
    let other = Share {
        extra_nonce: share.extra_nonce + 1,
        ..share
    };
    assert!(matches!(
        tried.client.submit(&work, &other, tried.now),
        Submission::Wrong(_)
    ));
    let mut elsewhere = Client::new(login(), 2, "pool.example.org", Arc::default());
    assert!(matches!(
        elsewhere.submit(&work, &share, tried.now),
        Submission::Stale(_)
    ));
}

#[test]
fn a_new_extranonce_counts_from_the_next_job_on() {
    let mut tried = Tried::greeted(None, 4);
    tried.hear(difficulty(EASY)).hear(notify("a", true));
    tried.hear(json!({"id": null, "method": "mining.set_extranonce", "params": ["ffff", 8]}));
    assert_eq!(tried.jobs.len(), 1);
    tried.mine();
    assert_eq!(tried.sent.last().unwrap()["params"][2].as_str().unwrap().len(), 8);
    tried.hear(notify("b", false));
    let (job, _) = &tried.jobs[0];
    assert_eq!(
        (&*job.origin.extranonce.one, job.origin.extranonce.two_bytes),
        (&[0xff, 0xff][..], 8)
    );
    tried.hear(json!({"method": "mining.set_extranonce", "params": ["ffff", -1]}));
    assert_eq!(tried.said.len(), 1);
}

/// The same job again, whatever the reason, goes on behind the extra nonces that were begun.
#[test]
fn no_header_is_begun_twice() {
    let mut tried = Tried::greeted(Some("1fffe000"), 4);
    tried.hear(difficulty(EASY));
    let mut headers = std::collections::HashSet::new();
    for _ in 0..5 {
        tried.hear(notify("a", false));
        let (job, _) = tried.jobs.pop().unwrap();
        for index in 0..3 {
            assert!(headers.insert((job.header)(index)));
        }
    }
}

#[test]
fn reconnects_go_to_the_same_host_only() {
    let left = |params: Value| {
        let mut tried = Tried::greeted(None, 4);
        tried.hear(json!({"id": null, "method": "client.reconnect", "params": params}));
        assert_eq!(tried.left.is_none(), tried.said.len() == 1);
        tried.left
    };
    let moved = |port: Option<u16>, wait: u64| {
        let wait = Duration::from_secs(wait);
        Some(Leave::Moved { port, wait })
    };
    assert_eq!(left(json!([])), moved(None, 0));
    assert_eq!(left(Value::Null), moved(None, 0));
    assert_eq!(left(json!(["", null, 5])), moved(None, 5));
    assert_eq!(left(json!(["pool.example.org", 4444, 7])), moved(Some(4444), 7));
    assert_eq!(
        left(json!(["pool.example.org", "4444", "7"])),
        moved(Some(4444), 7)
    );
    assert_eq!(
        left(json!(["pool.example.org", 4444, 1e300])),
        moved(Some(4444), 300)
    );
    assert_eq!(left(json!(["pool.example.org", 4444, -1])), moved(Some(4444), 0));
    for refused in [
        json!(["POOL.example.org", 4444, 0]),
        json!(["pool.example.org.", 4444, 0]),
        json!(["evil.example.org", 3333, 0]),
        json!([7, 3333, 0]),
        json!(["pool.example.org", 0, 0]),
        json!(["pool.example.org", 65536, 0]),
        json!(["pool.example.org", "x", 0]),
    ] {
        assert_eq!(left(refused.clone()), None, "{refused}");
    }
}

#[test]
fn calls_are_answered() {
    let mut tried = Tried::greeted(None, 4);
    tried.hear(json!({"id": 9, "method": "mining.ping", "params": []}));
    assert_eq!(
        tried.sent.last().unwrap(),
        &json!({"id": 9, "result": "pong", "error": null})
    );
    tried.hear(json!({"id": "x", "method": "client.get_version"}));
    assert_eq!(
        tried.sent.last().unwrap(),
        &json!({"id": "x", "result": "paydirt/test", "error": null})
    );
    tried.hear(json!({"id": 10, "method": "mining.dance", "params": []}));
    assert_eq!(tried.sent.last().unwrap()["error"][0], 20);
    let sent = tried.sent.len();
    tried.hear(json!({"id": null, "method": "mining.dance", "params": []}));
    assert_eq!(tried.sent.len(), sent);
    tried.hear(json!({"id": null, "method": "client.show_message", "params": ["hello\n\u{1b}[31m"]}));
    assert_eq!(tried.said, ["the pool says: hello\\n\\u{1b}[31m"]);
}

#[test]
fn too_many_lines_without_sense_are_no_pool() {
    let mut tried = Tried::greeted(None, 4);
    for count in 1..=20 {
        assert_eq!(tried.left, None);
        let line: &[u8] = if count % 2 == 0 {
            b"HTTP/1.1 400 Bad Request"
        } else {
            b"{\"id\": {}}"
        };
        let actions = tried.client.line(line, tried.now);
        tried.take(actions);
        assert_eq!(tried.said.len(), count);
    }
    assert!(matches!(tried.left, Some(Leave::Lost(_))));
    let mut tried = Tried::greeted(None, 4);
    let actions = tried.client.too_long(tried.now);
    tried.take(actions);
    assert!(tried.said[0].contains("1 MiB") && tried.left.is_none());
}

#[test]
fn a_mute_pool_is_dead_after_twenty_seconds() {
    // Never a word: what it does not know is not waited for, but nothing else comes either.
    let mut tried = Tried::new(login());
    tried.wait(4.9);
    assert_eq!(tried.asked(), ["mining.configure"]);
    tried.wait(0.2);
    assert_eq!(tried.asked(), ["mining.configure", "mining.subscribe"]);
    tried.wait(14.8);
    assert_eq!(tried.left, None);
    tried.wait(0.2);
    assert!(matches!(tried.left, Some(Leave::Mute(_))));
    // It talks, but not to the point.
    let mut tried = Tried::new(login());
    for _ in 0..26 {
        tried.wait(1.0).hear(notify("a", true));
    }
    assert!(matches!(tried.left, Some(Leave::Mute(_))));
}

#[test]
fn a_silent_pool_is_asked_whether_it_is_there() {
    let mut tried = Tried::greeted(None, 4);
    tried.answer(json!(false), Value::Null); // to mining.extranonce.subscribe
    tried.wait(9.9);
    let before = tried.sent.len();
    tried.wait(0.2);
    assert_eq!(tried.asked()[before..], ["mining.extranonce.subscribe"]);
    tried.answer(Value::Null, json!([20, "unknown", null]));
    tried.wait(10.1);
    assert_eq!(tried.sent.len(), before + 2);
    tried.wait(9.8);
    assert_eq!(tried.left, None);
    tried.wait(0.3);
    assert!(matches!(tried.left, Some(Leave::Mute(_))), "{:?}", tried.left);
    // One that never answers that may be silent for longer, unless it owes something else.
    let mut tried = Tried::greeted(None, 4);
    tried.wait(119.0);
    assert_eq!(tried.left, None);
    tried.hear(difficulty(EASY)).hear(notify("a", true));
    tried.mine();
    tried.wait(19.0);
    assert_eq!(tried.left, None);
    tried.wait(1.1);
    assert!(matches!(tried.left, Some(Leave::Mute(_))));
    assert_eq!(tried.client.give_up("gone").len(), 1);
}

#[test]
fn a_share_that_is_forgotten_is_stale() {
    let mut tried = Tried::greeted(None, 4);
    tried.hear(difficulty(EASY)).hear(notify("a", true));
    tried.mine();
    for _ in 0..61 {
        tried.wait(1.0).hear(json!({"id": null, "method": "mining.ping"}));
    }
    assert!(matches!(tried.events.last(), Some(Event::Stale { .. })));
    assert_eq!((tried.client.unanswered(), &tried.left), (0, &None));
}

#[test]
fn a_clean_storm_is_mined_to_the_last() {
    let mut tried = Tried::greeted(Some("1fffe000"), 4);
    tried.hear(difficulty(EASY));
    for count in 0..1_000 {
        tried.hear(notify(format!("{count}"), true));
    }
    assert_eq!(tried.jobs.len(), 1_000);
    let (submission, _) = tried.mine();
    assert!(matches!(submission, Submission::Send(_)));
    assert_eq!(tried.sent.last().unwrap()["params"][1], "999");
}

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
