//! Transfers: what is taken, what is refused and why, what waits.

use super::*;

/// What the clients of both teaching servers do, in their order.
#[tokio::test]
async fn the_teaching_servers_clients_work() {
    let test = Test::new(&ChainParameters::default());
    assert_eq!(test.get("/").await, (200, json!({"message": "Server is OK"})));
    let (status, scheduled) = test.post("/transactions/new", transfer(5)).await;
    assert_eq!(status, 201);
    assert_eq!(
        scheduled["message"],
        "Transaction is scheduled to be added to Block No. 2"
    );
    assert_eq!(scheduled["index"], 2);

    let (status, mined) = test.get("/mine").await;
    assert_eq!(status, 200);
    assert_eq!(mined["message"], "The new block has been forged");
    assert_eq!(mined["index"], 2);
    let node_id = test.node.ledger().node_id();
    let reward = json!({"sender": "0", "recipient": node_id, "amount": 1});
    let mut sent = transfer(5);
    sent["tag"] = scheduled["tag"].clone();
    assert_eq!(mined["transactions"], json!([reward, sent]));
    assert!(
        mined["hash"].as_str().unwrap().starts_with("0000"),
        "four hex zeros"
    );

    let (status, chain) = test.get("/chain").await;
    assert_eq!((status, &chain["length"]), (200, &json!(2)));
    let blocks = chain["chain"].as_array().unwrap();
    assert_eq!(blocks.len(), 2);
    assert_eq!(blocks[1]["previous_hash"], blocks[0]["hash"]);
    for field in [
        "index",
        "proof",
        "transactions",
        "previous_hash",
        "hash",
        "timestamp",
        "merkle_root",
        "bits",
    ] {
        assert_eq!(blocks[1][field], mined[field], "{field}");
    }
    let (_, again) = test.call("POST", "/mine", None).await;
    assert_eq!(
        (&again["index"], &again["previous_hash"]),
        (&json!(3), &mined["hash"])
    );
    assert_eq!(again["transactions"], json!([reward]));
}

#[tokio::test]
async fn json_and_forms_are_taken_whatever_they_are_called() {
    let test = Test::new(&easy());
    let json = transfer(1).to_string();
    for (kind, body) in [
        ("application/json", json.clone()),
        ("application/json; charset=utf-8", json.clone()),
        ("text/plain", json.clone()),
        ("application/x-www-form-urlencoded", json),
        (
            "application/x-www-form-urlencoded",
            "sender=alice&recipient=bob&amount=1".to_owned(),
        ),
        (
            "application/x-www-form-urlencoded; charset=UTF-8",
            "amount=1&sender=alice&recipient=bob".to_owned(),
        ),
    ] {
        let (status, answer) = test.call("POST", "/transactions/new", Some((kind, body))).await;
        assert_eq!(status, 201, "{kind}: {answer}");
        let (_, found) = test
            .get(&format!("/transactions/{}", answer["id"].as_str().unwrap()))
            .await;
        assert_eq!(found["amount"], 1, "{kind}");
    }
    let odd = "sender=a%26b&recipient=%C3%A9+1&amount=7".to_owned();
    let (_, answer) = test
        .call(
            "POST",
            "/transactions/new",
            Some(("application/x-www-form-urlencoded", odd)),
        )
        .await;
    let (_, found) = test
        .get(&format!("/transactions/{}", answer["id"].as_str().unwrap()))
        .await;
    assert_eq!(
        (&found["sender"], &found["recipient"]),
        (&json!("a&b"), &json!("é 1"))
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_transaction_is_said() {
    let test = Test::new(&easy());
    for (body, says) in [
        (
            json!({"sender": "a", "recipient": "b"}).to_string(),
            "Missing values: amount",
        ),
        (
            json!({"amount": 1}).to_string(),
            "Missing values: sender, recipient",
        ),
        ("{}".to_owned(), "Missing values: sender, recipient, amount"),
        (
            json!({"sender": "0", "recipient": "me", "amount": 1}).to_string(),
            "reward",
        ),
        (
            json!({"sender": "a", "recipient": "b", "amount": "many"}).to_string(),
            "amount must be a whole number",
        ),
        (
            json!({"sender": "a", "recipient": "b", "amount": -1}).to_string(),
            "amount must be a whole number",
        ),
        (
            json!({"sender": "", "recipient": "b", "amount": 1}).to_string(),
            "sender must be a string",
        ),
        (
            json!({"sender": ["a"], "recipient": "b", "amount": 1}).to_string(),
            "sender must be a string",
        ),
        (
            json!({"sender": "a", "recipient": "b".repeat(257), "amount": 1}).to_string(),
            "recipient must be a string",
        ),
        (
            r#"{"sender":"a","recipient":"b","amount":4.9999999999999999999}"#.to_owned(),
            "amount must be a whole number",
        ),
        (
            r#"{"sender":"a","recipient":"b","amount":1e400}"#.to_owned(),
            "amount must be a whole number",
        ),
        (
            r#"{"sender":"a","recipient":"b","amount":1,"amount":2}"#.to_owned(),
            "amount is there twice",
        ),
        (
            json!({"sender": "a", "recipient": "b", "amount": 1, "memo": "x"}).to_string(),
            "memo is no field of a transfer",
        ),
        ("[1]".to_owned(), "must be a JSON object"),
        ("null".to_owned(), "must be a JSON object"),
        ("{\"sender\":".to_owned(), "not JSON"),
        (String::new(), "not JSON"),
        (
            "{\"sender\":\"\\ud800\",\"recipient\":\"b\",\"amount\":1}".to_owned(),
            "not JSON",
        ),
        (
            format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)),
            "not JSON",
        ),
    ] {
        let (status, answer) = test
            .call(
                "POST",
                "/transactions/new",
                Some(("application/json", body.clone())),
            )
            .await;
        assert_eq!(status, 400, "{body:.80}");
        assert!(
            answer["message"].as_str().unwrap().contains(says),
            "{body:.80}: {answer}"
        );
    }
    let form = "sender=a&recipient=b&amount=lots".to_owned();
    let (status, _) = test
        .call(
            "POST",
            "/transactions/new",
            Some(("application/x-www-form-urlencoded", form)),
        )
        .await;
    assert_eq!(status, 400);
    assert_eq!(
        test.get("/transactions/pending").await.1,
        json!({"transactions": [], "length": 0})
    );
}

#[tokio::test]
async fn bodies_that_are_neither_json_nor_a_form() {
    let test = Test::new(&easy());
    let form = "application/x-www-form-urlencoded";
    for (kind, body, status, words) in [
        (form, "sender=%ff&recipient=%ef%bf%bd&amount=5", 400, "UTF-8"),
        (form, "sender=a&recipient=b&amount=%2B5", 400, "whole number"),
        (
            form,
            "sender=a&recipient=b&amount=4.9999999999999999999",
            400,
            "whole number",
        ),
        (form, "sender=a&recipient=b&amount=5.0", 400, "whole number"),
        (
            form,
            "sender=a&recipient=b&amount=5&memo=x",
            400,
            "memo is no field",
        ),
        (
            form,
            "sender=a&recipient=b&amount=5&amount=6",
            400,
            "amount is there twice",
        ),
        (form, "=1&=2", 400, "values: \"\" is there twice"),
        (
            form,
            "%0a%e2%80%ae=1&%0a%e2%80%ae=2",
            400,
            "values: \\n\\u{202e} is",
        ),
        (form, "garbage{", 400, "neither JSON nor a form"),
        ("multipart/form-data; boundary=x", "--x--", 415, "Multipart"),
        ("application/xml", "<a/>", 400, "not JSON"),
    ] {
        let (got, answer) = test
            .call("POST", "/transactions/new", Some((kind, body.to_owned())))
            .await;
        let message = answer["message"].as_str().unwrap();
        assert!(
            got == status && message.contains(words),
            "{body}: {got} {message}"
        );
    }
    let body = "sender=%ef%bf%bd&recipient=b&amount=5".to_owned();
    let (status, _) = test.call("POST", "/transactions/new", Some((form, body))).await;
    assert_eq!(status, 201, "the sign itself is a character like others");
}

#[tokio::test]
async fn transactions_are_found_while_they_wait_and_after() {
    let test = Test::new(&easy());
    let ids: Vec<String> = {
        let mut ids = Vec::new();
        for amount in [3, 1, 2] {
            let (_, answer) = test.post("/transactions/new", transfer(amount)).await;
            ids.push(answer["id"].as_str().unwrap().to_owned());
        }
        ids
    };
    let (_, pending) = test.get("/transactions/pending").await;
    let mut first = pending["transactions"][0].clone();
    let id = first.as_object_mut().unwrap().remove("id");
    let parsed = TransactionRecord::parse_transfer(first.to_string().as_bytes()).unwrap();
    assert!(parsed.tag().is_some(), "the node gave it one");
    assert_eq!(
        (id, parsed.id().to_string()),
        (Some(json!(ids[0])), ids[0].clone())
    );
    let amounts: Vec<_> = pending["transactions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["amount"].clone())
        .collect();
    assert_eq!(
        (amounts, &pending["length"]),
        (vec![json!(3), json!(1), json!(2)], &json!(3))
    );
    let (_, page) = test.get("/transactions/pending?from=1&limit=1").await;
    assert_eq!(
        (&page["transactions"][0]["id"], &page["length"]),
        (&json!(ids[1]), &json!(3))
    );
    let (_, found) = test.get(&format!("/transactions/{}", ids[0])).await;
    assert_eq!(
        (&found["status"], &found["index"], &found["block"]),
        (&json!("pending"), &json!(2), &json!(null))
    );
    let (_, mined) = test.get("/mine").await;
    let (_, found) = test.get(&format!("/transactions/{}", ids[0])).await;
    assert_eq!(
        (&found["status"], &found["index"], &found["block"]),
        (&json!("confirmed"), &json!(2), &mined["hash"])
    );
    assert_eq!((&found["blocks"], &found["waiting"]), (&json!(1), &json!(0)));
    // The same again is another payment.
    let (status, again) = test.post("/transactions/new", transfer(3)).await;
    assert_eq!((status, &again["index"]), (201, &json!(3)));
    assert_ne!(again["id"], json!(ids[0]));
    test.get("/mine").await;
    let again = again["id"].as_str().unwrap();
    let (_, found) = test.get(&format!("/transactions/{again}")).await;
    assert_eq!((&found["blocks"], &found["index"]), (&json!(1), &json!(3)));
}

#[tokio::test]
async fn a_transfer_with_a_tag_counts_once() {
    let test = Test::new(&easy());
    let tagged = |tag| json!({"sender": "alice", "recipient": "bob", "amount": 5, "tag": tag});
    let (status, first) = test.post("/transactions/new", tagged("00c0ffee00c0ffee")).await;
    assert_eq!((status, &first["tag"]), (201, &json!("00c0ffee00c0ffee")));
    // printf '%s' JSON | openssl sha256 -binary | openssl sha256
    assert_eq!(
        first["id"],
        "451f066d37631d76535b3edaa9e1ada2ed346afea57fbff1579a7fa5cc36f197"
    );
    let again = |status, answer: &Value, message: &str| {
        assert_eq!(
            (status, &answer["id"], &answer["index"]),
            (200, &first["id"], &json!(2))
        );
        assert_eq!(answer["message"], message);
    };
    let (status, answer) = test.post("/transactions/new", tagged("00C0FFEE00C0FFEE")).await;
    again(
        status,
        &answer,
        "Transaction is known already, and scheduled to be added to Block No. 2",
    );
    let (status, other) = test.post("/transactions/new", tagged("ffffffffffffffff")).await;
    assert_eq!(status, 201, "a second payment");
    assert_ne!(other["id"], first["id"]);
    let form = "sender=alice&recipient=bob&amount=5&tag=0000000000000007";
    let kind = "application/x-www-form-urlencoded";
    for status in [201, 200] {
        let (found, answer) = test
            .call("POST", "/transactions/new", Some((kind, form.to_owned())))
            .await;
        assert_eq!((found, &answer["tag"]), (status, &json!("0000000000000007")));
    }
    let (_, mined) = test.get("/mine").await;
    assert_eq!(mined["transactions"].as_array().unwrap().len(), 4);
    let (status, answer) = test.post("/transactions/new", tagged("00c0ffee00c0ffee")).await;
    again(
        status,
        &answer,
        "Transaction is known already, and stands in Block No. 2",
    );
    let (_, pending) = test.get("/transactions/pending").await;
    assert_eq!(pending["length"], 0);
    // What is no tag: a number loses digits, a short one may be a slip.
    for tag in [
        json!(7),
        json!("7"),
        json!("0000000000000000"),
        json!("00c0ffee00c0ffeg"),
        json!([]),
    ] {
        let (status, refused) = test
            .post(
                "/transactions/new",
                json!({"sender": "a", "amount": 1, "tag": tag}),
            )
            .await;
        assert_eq!(status, 400);
        assert_eq!(
            refused["message"],
            "Missing values: recipient; Invalid values: tag must be a string of 16 hex digits, not all of them 0"
        );
    }
    let (_, first) = test.post("/transactions/new", tagged_null()).await;
    let (_, second) = test.post("/transactions/new", tagged_null()).await;
    assert_ne!(first["id"], second["id"], "null is as good as none");
}

fn tagged_null() -> Value {
    json!({"sender": "alice", "recipient": "bob", "amount": 5, "tag": null})
}
