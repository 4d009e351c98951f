//! What is mined and how it is sent: difficulties, masks, extra nonces, refusals.

use super::*;

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
