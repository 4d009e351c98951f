//! Mining, here and elsewhere, and what is told of it.

use super::*;

/// Solves work as a machine elsewhere would: with the engine, from the header alone.
fn solve(work: &Value, solved: bool) -> u32 {
    let header = paydirt::Header::from_hex(work["header"].as_str().unwrap()).unwrap();
    let puzzle = Puzzle::header(&header).unwrap();
    if !solved {
        return (0..).find(|nonce| !puzzle.is_solved_by((*nonce).into())).unwrap();
    }
    let outcome = Miner::with_threads(1, Kernel::auto())
        .unwrap()
        .mine(&Search::new(&puzzle));
    u32::try_from(outcome.solutions[0].nonce()).unwrap()
}

#[tokio::test]
async fn work_for_machines_elsewhere() {
    let test = Test::new(&ChainParameters::fixed(8.0).unwrap());
    test.post("/transactions/new", transfer(5)).await;
    let (_, first) = test.get("/work").await;
    let (_, second) = test.get("/work").await;
    assert_ne!(first["header"], second["header"], "no two search the same");
    assert_eq!((&first["index"], &first["transactions"]), (&json!(2), &json!(2)));
    let submit = |work: &Value, nonce: u32| json!({"id": work["id"], "nonce": nonce});

    let (status, answer) = test.post("/work", submit(&second, solve(&second, false))).await;
    assert_eq!((status, &answer["rule"]), (400, &json!("proof_of_work")));
    let nonce = solve(&second, true);
    let (status, answer) = test.post("/work", submit(&second, nonce)).await;
    assert_eq!(
        (status, &answer["tip"], &answer["index"]),
        (201, &json!(true), &json!(2))
    );
    assert_eq!(
        test.post("/work", submit(&second, nonce)).await.0,
        200,
        "sent again, it is known"
    );
    assert_eq!(
        test.post("/work", submit(&first, solve(&first, true))).await.0,
        409,
        "stale"
    );

    // However much was handed out since, and whatever came after it.
    for _ in 0..600 {
        test.get("/work").await;
    }
    test.get("/mine").await;
    assert_eq!(
        test.post("/work", submit(&second, nonce)).await.0,
        200,
        "still known"
    );
    assert_eq!(test.post("/work", submit(&first, 0)).await.0, 409, "still stale");

    let (_, block) = test.get("/blocks/2").await;
    assert_eq!(
        (&block["proof"], &block["hash"]),
        (&json!(nonce), &answer["hash"])
    );
    let mut found = block["transactions"][1].clone();
    assert!(found.as_object_mut().unwrap().remove("tag").is_some());
    assert_eq!(found, transfer(5));
    assert_eq!(test.get("/transactions/pending").await.1["length"], 0);

    let twice = r#"{"id":"1","nonce":1,"nonce":2}"#.to_owned();
    let (status, refused) = test
        .call("POST", "/work", Some(("application/json", twice)))
        .await;
    assert_eq!(status, 400);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("nonce is there twice"),
        "{refused}"
    );
    for (body, status) in [
        (json!({"nonce": 1}), 400),
        (json!({"id": "1"}), 400),
        (json!({"id": "zz", "nonce": 1}), 400),
        (json!({"id": first["id"], "nonce": 4_294_967_296_u64}), 400),
        (json!({"id": first["id"], "nonce": "x"}), 400),
        (json!(["1", 1]), 400),
        (json!({"id": "123", "nonce": 1}), 404),
    ] {
        assert_eq!(test.post("/work", body.clone()).await.0, status, "{body}");
    }
    // A nonce is the number that it is, however it is written.
    for (nonce, status) in [
        ("1.0", 404),
        ("10e-1", 404),
        ("0.99999999999999999999", 400),
        ("\"1\"", 400),
    ] {
        let body = format!(r#"{{"id":"123","nonce":{nonce}}}"#);
        let (got, answer) = test.call("POST", "/work", Some(("application/json", body))).await;
        assert_eq!(got, status, "{nonce}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mining_is_in_turn_with_a_limited_line() {
    let limits = Limits {
        waiting_miners: 2,
        ..Limits::default()
    };
    // 100 bits: nobody finds one.
    let test = Arc::new(Test::with(
        &ChainParameters::fixed(100.0).unwrap(),
        limits,
        &Cors::default(),
        Options::default(),
    ));
    let mine = || {
        let test = Arc::clone(&test);
        tokio::spawn(async move { test.get("/mine").await })
    };
    let callers = [mine(), mine(), mine()];
    until(|| async { test.get("/status").await.1["mining"]["waiting"] == 2 }).await;
    let request = Request::get("/mine").body(Body::empty()).unwrap();
    let response = test.raw(request).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = response.headers()[header::RETRY_AFTER]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(wait >= 1);

    // Others are served meanwhile, from disk and from memory.
    assert_eq!(test.post("/transactions/new", transfer(1)).await.0, 201);
    assert_eq!(test.get("/chain").await.0, 200);
    assert_eq!(test.get("/status").await.1["mining"]["active"], true);

    // One caller goes away: there is room in the line again, and the next begins.
    callers[0].abort();
    until(|| async { test.get("/status").await.1["mining"]["waiting"] == 1 }).await;
    for caller in callers {
        caller.abort();
    }
    until(|| async { test.get("/status").await.1["mining"]["active"] == false }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mining_begins_again_when_another_block_comes() {
    // Another block was solved beforehand. The miner may all the same be quicker, though it seldom is: then once more.
    for _ in 0..20 {
        if begins_again().await {
            return;
        }
    }
    panic!("the miner was quicker twenty times");
}

/// False when the miner was quicker.
async fn begins_again() -> bool {
    let test = Arc::new(Test::new(&ChainParameters::fixed(23.0).unwrap()));
    let (_, work) = test.get("/work").await;
    let solver = {
        let work = work.clone();
        move || solve(&work, true)
    };
    let nonce = tokio::task::spawn_blocking(solver).await.unwrap();
    let events = test
        .raw(Request::get("/events").body(Body::empty()).unwrap())
        .await;
    let caller = {
        let test = Arc::clone(&test);
        tokio::spawn(async move { test.get("/mine").await })
    };
    // It may be done before anybody looks.
    until(|| async { caller.is_finished() || test.get("/status").await.1["mining"]["active"] == true }).await;
    let (status, answer) = test
        .post("/work", json!({"id": work["id"], "nonce": nonce}))
        .await;
    let (_, mined) = caller.await.unwrap();
    if status == 409 || answer["tip"] == false {
        return false;
    }
    assert_eq!(
        (&mined["index"], &mined["previous_hash"]),
        (&json!(3), &answer["hash"]),
        "it stands on the block that came meanwhile"
    );
    test.node.stop();
    let told: Vec<_> = events_of(events)
        .await
        .into_iter()
        .filter(|(name, data)| name == "mining" && data["status"] != "mining")
        .map(|(_, data)| (data["status"].clone(), data["index"].clone()))
        .collect();
    // Found just before the other came, it was a side branch; nobody was told that it was found.
    let expected = [("started", 2), ("stopped", 2), ("started", 3), ("found", 3)];
    let expected = expected.map(|(status, index)| (json!(status), json!(index)));
    assert!(
        told == expected || told == [&expected[..1], &expected[2..]].concat(),
        "{told:?}"
    );
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_mining_and_streams() {
    let test = Arc::new(Test::new(&ChainParameters::fixed(100.0).unwrap()));
    let mine = || {
        let test = Arc::clone(&test);
        tokio::spawn(async move { test.get("/mine").await })
    };
    let events = test
        .raw(Request::get("/events").body(Body::empty()).unwrap())
        .await;
    let callers = [mine(), mine()];
    until(|| async { test.get("/status").await.1["mining"]["waiting"] == 1 }).await;
    test.node.stop();
    for caller in callers {
        assert_eq!(caller.await.unwrap().0, 503);
    }
    let told = events.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&told).contains("\"status\":\"started\""));
}

#[tokio::test]
async fn events_tell_what_happened() {
    let test = Test::new(&easy());
    let response = test
        .raw(Request::get("/events").body(Body::empty()).unwrap())
        .await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    test.post("/transactions/new", transfer(5)).await;
    test.get("/mine").await;
    test.add(&Maker::easy(&easy().genesis()).mined()).await;
    // Each answer came after its events; a stream that ends is read whole.
    test.node.stop();
    let events = events_of(response).await;
    let named = |name: &str| {
        events
            .iter()
            .filter(|(event, _)| event == name)
            .map(|(_, data)| data)
            .collect::<Vec<_>>()
    };
    let transactions = named("transaction");
    assert_eq!(transactions.len(), 1);
    assert_eq!(
        (&transactions[0]["amount"], &transactions[0]["index"]),
        (&json!(5), &json!(2))
    );
    let statuses: Vec<_> = named("mining")
        .iter()
        .map(|data| data["status"].clone())
        .collect();
    assert_eq!(
        (&statuses[0], &statuses[statuses.len() - 1]),
        (&json!("started"), &json!("found"))
    );
    let tips: Vec<_> = named("block").iter().map(|data| data["tip"].clone()).collect();
    assert_eq!(tips, [true, false]);
    assert_eq!(named("block")[0]["transaction_count"], 2);
}

/// The events of a stream that has ended: name and data.
async fn events_of(response: Response<Body>) -> Vec<(String, Value)> {
    let text = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(text.to_vec()).unwrap();
    let event = |event: &str| {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
        let (name, data) = (field("event: ")?, field("data: ")?);
        let data: Value = serde_json::from_str(data).unwrap();
        let schema = match name {
            "block" => "BlockEvent",
            "transaction" => "TransactionEvent",
            "mining" => "MiningEvent",
            "missed" => "MissedEvent",
            other => panic!("{other} is not described"),
        };
        fits(
            json!({"$ref": format!("#/components/schemas/{schema}")}),
            &data,
            name,
        );
        Some((name.to_owned(), data))
    };
    text.split("\n\n").filter_map(event).collect()
}

/// Asks again until it is so, for a minute at most.
async fn until<F: Future<Output = bool>>(so: impl Fn() -> F) {
    let asked = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(60), asked).await;
    assert!(in_time.is_ok(), "it never came to be so");
}
