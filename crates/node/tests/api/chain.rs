//! Blocks: found, paged, taken from elsewhere or refused, on branches.

use super::*;

#[tokio::test]
async fn blocks_are_found_and_paged() {
    let test = Test::new(&easy());
    for block in branch(&easy().genesis(), "a", 9) {
        test.add(&block).await;
    }
    let (_, whole) = test.get("/chain").await;
    let all = whole["chain"].as_array().unwrap();
    assert_eq!(all.len(), 10);
    for (query, first, count) in [
        ("?from=1", 1, 10),
        ("?from=0&limit=2", 1, 2),
        ("?from=4&limit=3", 4, 3),
        ("?from=10", 10, 1),
        ("?limit=0", 1, 0),
        ("?from=11", 1, 0),
        ("?from=9&limit=18446744073709551615", 9, 2),
        ("?from=99999999999999999999", 1, 0),
    ] {
        let (status, page) = test.get(&format!("/chain{query}")).await;
        assert_eq!((status, &page["length"]), (200, &json!(10)), "{query}");
        let expected: Vec<_> = all.iter().skip(first - 1).take(count).collect();
        assert_eq!(
            page["chain"].as_array().unwrap().iter().collect::<Vec<_>>(),
            expected,
            "{query}"
        );
    }
    for block in all {
        assert_eq!(&test.get(&format!("/blocks/{}", block["index"])).await.1, block);
        assert_eq!(
            &test
                .get(&format!("/blocks/{}", block["hash"].as_str().unwrap()))
                .await
                .1,
            block
        );
    }
    assert_eq!(&test.get("/blocks/latest").await.1, &all[9]);
}

/// A piece of an answer may end anywhere in a block.
#[tokio::test]
async fn large_blocks_come_whole() {
    let test = Test::new(&easy());
    let mut maker = Maker::easy(&easy().genesis());
    for n in 0..900u64 {
        let name = "\"".repeat(1 + n as usize % 256);
        maker = maker.with(Transaction::transfer(name, format!("bob {n}"), n + 1).unwrap());
    }
    let large = maker.mined();
    assert!(record(&large).to_string().len() > 3 << 16, "several pieces");
    let (status, answer) = test.add(&large).await;
    assert_eq!(status, 201, "{answer}");
    let small = Maker::easy(&large).mined();
    assert_eq!(test.add(&small).await.0, 201);
    for name in ["2".to_owned(), large.hash().to_string()] {
        assert_eq!(test.get(&format!("/blocks/{name}")).await.1, record(&large));
    }
    let genesis = record(&easy().genesis().into_unchecked());
    let all = [genesis, record(&large), record(&small)];
    let (_, chain) = test.get("/chain").await;
    assert_eq!(chain, json!({"chain": all, "length": 3}));
    let (_, page) = test.get("/chain?from=2&limit=1").await;
    assert_eq!(page, json!({"chain": [all[1]], "length": 3}));
    assert_eq!(test.get("/chain?from=9").await.1["chain"], json!([]));
}

/// A client that takes the beginning of a long chain and then nothing is cut, and can tell.
#[tokio::test(start_paused = true)]
async fn a_chain_that_nobody_takes_is_cut_short() {
    let test = Test::new(&easy());
    for outcome in test.node.ledger().add_all(branch(&easy().genesis(), "a", 2000)) {
        outcome.unwrap();
    }
    let ask = || test.raw(Request::get("/chain").body(Body::empty()).unwrap());
    let whole = ask().await.into_body().collect().await.unwrap().to_bytes();
    assert!(whole.ends_with(b"],\"length\":2001}"));

    let mut body = ask().await.into_body();
    let mut taken = body.frame().await.unwrap().unwrap().into_data().unwrap().len();
    assert!(
        taken < whole.len() / 4,
        "it comes in pieces: {taken} of {} bytes",
        whole.len()
    );
    // The clock is the test's: it moves on when nothing else does.
    tokio::time::sleep(Limits::default().request_timeout * 2).await;
    let end = loop {
        match body.frame().await {
            Some(Ok(frame)) => taken += frame.into_data().unwrap().len(),
            other => break other,
        }
    };
    assert!(matches!(end, Some(Err(_))), "the end is an error");
    assert!(
        taken < whole.len() / 2,
        "nothing was read ahead: {taken} of {} bytes",
        whole.len()
    );
}

#[tokio::test]
async fn side_branches_have_limits() {
    let options = Options {
        side_limits: SideLimits {
            depth: 2,
            blocks: 2,
            bytes: 1 << 20,
        },
        ..Options::default()
    };
    let test = Test::with(&easy(), Limits::default(), &Cors::default(), options);
    let genesis = easy().genesis();
    let active = branch(&genesis, "a", 3);
    for block in &active {
        assert_eq!(test.add(block).await.0, 201);
    }
    let deep = branch(&genesis, "deep", 1);
    let (status, refused) = test.add(&deep[0]).await;
    assert_eq!((status, &refused["rule"]), (409, &json!("side_branch_depth")));
    assert_eq!(
        refused["message"],
        "The block is refused: its branch leaves the active one 3 blocks below the tip; the limit is 2"
    );
    for (name, status) in [("b", 201), ("c", 201), ("d", 409)] {
        let side = branch(&active[0], name, 1);
        let (found, answer) = test.add(&side[0]).await;
        assert_eq!(found, status, "{name}");
        assert_eq!(answer["rule"] == "side_branch_limit", status == 409, "{answer}");
    }
}

/// Hashes of a tree's blocks, active or not.
fn hashes(tree: &Value, active: bool) -> Vec<String> {
    let blocks = tree["blocks"].as_array().unwrap().iter();
    let blocks = blocks.filter(|block| block["active"] == active);
    blocks
        .map(|block| block["hash"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_tree_shows_side_branches() {
    let options = Options {
        max_reorganisation: 2,
        ..Options::default()
    };
    let test = Test::with(&easy(), Limits::default(), &Cors::default(), options);
    let genesis = easy().genesis();
    let tree = async |query: &str| test.get(&format!("/tree{query}")).await.1;
    let alone = tree("").await;
    assert_eq!((&alone["length"], &alone["whole"]), (&json!(1), &json!(true)));
    assert_eq!(hashes(&alone, true), [genesis.hash().to_string()]);

    let active = branch(&genesis, "a", 9);
    let fork = branch(&active[5], "fork", 2);
    let fork_of_fork = branch(&fork[0], "fork of fork", 1);
    let low = branch(&genesis, "low", 2);
    for block in active.iter().chain(&fork).chain(&fork_of_fork).chain(&low) {
        assert_eq!(test.add(block).await.0, 201);
    }
    let told = tree("?last=4").await;
    assert_eq!((&told["length"], &told["whole"]), (&json!(10), &json!(true)));
    let of = |blocks: &[Block<Unchecked>]| {
        blocks
            .iter()
            .map(|block| block.hash().to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(hashes(&told, true), of(&active[5..]), "indices 7 to 10");
    let mut side = of(&[fork.clone(), fork_of_fork].concat());
    let mut found = hashes(&told, false);
    side.sort();
    found.sort();
    assert_eq!(found, side);
    let first = &told["blocks"][0];
    assert_eq!(first["previous_hash"], json!(active[4].hash().to_string()));
    assert_eq!(first["timestamp"], json!(active[5].header().time));
    assert_eq!(hashes(&tree("").await, false).len(), 5, "all of them");

    // A heavier branch that is not taken up, however long it is.
    for block in branch(&active[5], "long", 9) {
        assert_eq!(test.add(&block).await.0, 201);
    }
    let told = tree("?last=4").await;
    assert_eq!((&told["length"], &told["whole"]), (&json!(10), &json!(false)));
    let most = told["blocks"].as_array().unwrap().last().unwrap()["index"].clone();
    assert_eq!((most, hashes(&told, false).len()), (json!(14), 3 + 7));
    for (query, says) in [
        ("?last=0", "from 1 to 100"),
        ("?last=101", "from 1 to 100"),
        ("?last=-1", "from 1 to 100"),
        ("?last=+5", "from 1 to 100"),
        ("?last=", "from 1 to 100"),
        ("?last=99999999999999999999", "from 1 to 100"),
        ("?last=4&last=4", "twice"),
    ] {
        let (status, refused) = test.get(&format!("/tree{query}")).await;
        assert_eq!(status, 400, "{query}");
        assert!(
            refused["message"].as_str().unwrap().contains(says),
            "{query}: {refused}"
        );
    }
    assert_eq!(hashes(&tree("?last=100&other=1").await, true).len(), 10);
}

/// However many branches there are.
#[tokio::test]
async fn the_tree_has_a_bound() {
    let test = Test::new(&easy());
    let genesis = easy().genesis();
    for block in branch(&genesis, "a", 3) {
        assert_eq!(test.add(&block).await.0, 201);
    }
    for n in 0..110 {
        for outcome in test
            .node
            .ledger()
            .add_all(branch(&genesis, &format!("side {n}"), 2))
        {
            outcome.unwrap();
        }
    }
    let (_, told) = test.get("/tree?last=100").await;
    assert_eq!((&told["whole"], hashes(&told, false).len()), (&json!(false), 200));
    let known: Vec<_> = told["blocks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| &block["hash"])
        .collect();
    for block in &told["blocks"].as_array().unwrap()[1..] {
        assert!(
            known.contains(&&block["previous_hash"]),
            "{block} hangs in the air"
        );
    }
}

#[tokio::test]
async fn a_deep_branch_is_taken_up_by_hand() {
    let options = Options {
        max_reorganisation: 2,
        ..Options::default()
    };
    let test = Test::with(&easy(), Limits::default(), &Cors::default(), options);
    let genesis = easy().genesis();
    let (active, rival) = (branch(&genesis, "a", 3), branch(&genesis, "b", 5));
    for block in active.iter().chain(&rival[..3]) {
        assert_eq!(test.add(block).await.0, 201);
    }
    let state = async || test.get("/status").await.1["reorganisation"].clone();
    assert_eq!(
        state().await,
        json!({"max_depth": 2, "heavier": null, "unsettled_blocks": 0, "left_out": 0})
    );
    for block in &rival[3..] {
        let (status, answer) = test.add(block).await;
        assert_eq!((status, &answer["tip"]), (201, &json!(false)));
        let message = answer["message"].as_str().unwrap();
        assert!(
            message.contains("3 blocks below the tip") && message.contains("POST /switch"),
            "{message}"
        );
    }
    let heavier = state().await["heavier"].clone();
    let tip = rival[4].hash().to_string();
    assert_eq!(
        (&heavier["tip"], &heavier["index"], &heavier["depth"]),
        (&json!(tip), &json!(6), &json!(3))
    );
    let switch = async |body: Value| test.post("/switch", body).await;
    for (body, status, words) in [
        (json!({}), 400, "Missing values: tip"),
        (json!({"tip": 7}), 400, "tip"),
        (json!({"tip": "7"}), 400, "64 hex digits"),
        (json!({"tip": nowhere().to_string()}), 404, "is not known here"),
        (json!({"tip": rival[1].hash().to_string()}), 409, "no more work"),
    ] {
        let (found, answer) = switch(body).await;
        assert_eq!(found, status, "{answer}");
        assert!(answer["message"].as_str().unwrap().contains(words), "{answer}");
    }
    let (status, answer) = switch(json!({"tip": tip})).await;
    assert_eq!(
        (status, answer),
        (
            200,
            json!({"message": "The branch is taken up", "index": 6, "hash": tip, "dropped": 3})
        )
    );
    assert_eq!(test.get("/status").await.1["tip"]["hash"], json!(tip));
    assert_eq!(state().await["heavier"], json!(null));
    let (status, answer) = switch(json!({"tip": tip})).await;
    assert_eq!(
        (status, &answer["dropped"]),
        (200, &json!(0)),
        "it counts already"
    );
}

/// Three blocks from the future once made every `/mine` a 503.
#[tokio::test]
async fn blocks_from_the_future_hold_no_miner_up() {
    let test = Test::new(&easy());
    let stamped = |parent: &Block<Unchecked>, ahead_s: u64| {
        let mut maker = Maker::easy(parent);
        maker.header.time = u32::try_from(test.node.ledger().now_s() + ahead_s).unwrap();
        maker.mined()
    };
    let mut parent = easy().genesis().into_unchecked();
    let (status, refused) = test.add(&stamped(&parent, 7_200)).await;
    assert_eq!((status, &refused["rule"]), (400, &json!("time_too_new")));
    for _ in 0..3 {
        parent = stamped(&parent, 55);
        assert_eq!(test.add(&parent).await.0, 201);
    }
    for _ in 0..3 {
        let begun = test.node.ledger().now_s();
        let (status, mined) = test.get("/mine").await;
        assert_eq!(status, 200, "{mined}");
        let time = mined["timestamp"].as_u64().unwrap();
        assert!(
            (begun..=test.node.ledger().now_s()).contains(&time),
            "it has the clock's time"
        );
    }
    assert_eq!(test.get("/status").await.1["network"]["max_ahead_s"], 60);
}

#[tokio::test]
async fn blocks_from_elsewhere() {
    let test = Test::new(&easy());
    let genesis = easy().genesis();
    let a = branch(&genesis, "a", 2);
    let b = branch(&genesis, "b", 3);
    let (status, answer) = test.add(&a[0]).await;
    assert_eq!(
        (status, &answer["tip"], &answer["index"]),
        (201, &json!(true), &json!(2))
    );
    assert_eq!(answer["hash"], json!(a[0].hash().to_string()));
    assert_eq!(test.add(&a[0]).await.0, 200);
    assert_eq!(test.add(&a[1]).await.0, 201);
    let (status, answer) = test.add(&b[0]).await;
    assert_eq!((status, &answer["tip"]), (201, &json!(false)), "a side branch");
    assert_eq!(test.add(&b[2]).await.0, 409, "its parent is unknown");
    test.add(&b[1]).await;
    let (status, answer) = test.add(&b[2]).await;
    assert_eq!(
        (status, &answer["tip"], &answer["dropped"]),
        (201, &json!(true), &json!(2))
    );
    let (status, answer) = test.add(&a[1]).await;
    assert_eq!((status, &answer["tip"]), (200, &json!(false)));
    assert_eq!(test.get("/blocks/latest").await.1, record(&b[2]));
    assert_eq!(
        test.get(&format!("/blocks/{}", a[0].hash())).await.1,
        record(&a[0]),
        "kept"
    );
    assert_eq!(test.get("/status").await.1["length"], 4);
}

#[tokio::test]
async fn a_block_that_breaks_a_rule_is_told_which() {
    let test = Test::new(&easy());
    let good = Maker::easy(&easy().genesis())
        .with(Transaction::transfer("a", "b", 1).unwrap())
        .with(Transaction::transfer("a", "b", 2).unwrap());
    let value = record(&good.clone().mined());
    let with = |field: &str, to: Value| {
        let mut changed = value.clone();
        changed.as_object_mut().unwrap().remove("hash");
        changed[field] = to;
        changed
    };
    let mut repeated = value.clone();
    let tail = repeated["transactions"][2].clone();
    repeated["transactions"].as_array_mut().unwrap().push(tail);
    let rule = |broken: Block<Unchecked>| record(&broken);
    let mut late = good.clone();
    late.header.time = u32::MAX;
    let mut rich = good.clone();
    rich.transactions[0] = Transaction::reward("me", 50, 0).unwrap();
    for (body, name) in [
        (repeated, "repeated_transaction"),
        (rule(good.clone().not_mined()), "proof_of_work"),
        (rule(late.mined()), "time_too_new"),
        (rule(rich.mined()), "reward_amount"),
        (with("index", json!(3)), "index"),
    ] {
        let (status, answer) = test.post("/blocks", body).await;
        assert_eq!((status, &answer["rule"]), (400, &json!(name)), "{answer}");
    }
    for (text, says) in [
        (
            value
                .to_string()
                .replacen("\"proof\"", "\"proof\":1,\"proof\"", 1),
            "proof is there twice",
        ),
        (
            value
                .to_string()
                .replacen("\"amount\":1", "\"amount\":0.99999999999999999999", 1),
            "amount must be a whole number",
        ),
    ] {
        let (status, refused) = test
            .call("POST", "/blocks", Some(("application/json", text)))
            .await;
        assert!(
            status == 400 && refused["message"].as_str().unwrap().contains(says),
            "{refused}"
        );
    }
    let (status, answer) = test.post("/blocks", json!({"index": 2})).await;
    assert_eq!(status, 400);
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .starts_with("Missing values: timestamp"),
        "{answer}"
    );
    // A header that is known, with another index or other transactions, is not a known block.
    assert_eq!(test.post("/blocks", value.clone()).await.0, 201);
    for (body, name) in [
        (with("index", json!(7)), "index"),
        (
            with("transactions", json!([value["transactions"][0]])),
            "merkle_root",
        ),
        (
            record(&ChainParameters::fixed(2.0).unwrap().genesis().into_unchecked()),
            "genesis",
        ),
    ] {
        let (status, answer) = test.post("/blocks", body).await;
        assert_eq!((status, &answer["rule"]), (400, &json!(name)), "{answer}");
    }
    let mut lying = value.clone();
    lying["hash"] = json!("00".repeat(32));
    assert_eq!(test.post("/blocks", lying).await.1["rule"], "hash");
    assert_eq!(test.post("/blocks", value).await.0, 200);
}
