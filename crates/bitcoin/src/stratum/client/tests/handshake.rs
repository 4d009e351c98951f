//! What is asked first, what a pool may answer, and when.

use super::*;

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

/// What it does not know it may keep silent about for ever.
#[test]
fn a_pool_that_knows_no_configuring_is_no_mute_one() {
    let mut tried = Tried::new(login());
    tried.wait(5.0);
    tried
        .answer(json!([[], "08", 4]), Value::Null)
        .answer(json!(true), Value::Null);
    tried.wait(60.0);
    assert_eq!(tried.left, None);
    // It comes to it after all: the job goes on with what it grants.
    tried.hear(difficulty(EASY)).hear(notify("a", true));
    tried.hear(json!({"id": 1, "result": {"version-rolling": true, "version-rolling.mask": "1fffe000"}}));
    assert_eq!(tried.jobs[1].0.version_mask, 0x1fff_e000);
    tried.mine();
    assert_eq!(tried.sent.last().unwrap()["params"].as_array().unwrap().len(), 6);
    assert_eq!(
        tried
            .asked()
            .iter()
            .filter(|method| **method == "mining.subscribe")
            .count(),
        1
    );
}
