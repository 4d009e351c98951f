//! What is looked for, how it is written, and how the page bears a node that goes away.

use paydirt_ledger::{Block, BlockRecord, ChainParameters, Header, MerkleRoot, Transaction};
use serde_json::json;

use crate::{ENTER, blocks, browser::Browser, server::Server};

fn search(browser: &Browser, text: &str) {
    browser.run("document.getElementById('q').value = ''");
    browser.click("#q");
    browser.keys(&format!("{text}{ENTER}"));
}

#[test]
fn blocks_transactions_and_names_are_found() {
    let server = Server::start("--memory --bits 8");
    let pay = |sender: &str, recipient: &str, amount: u64| {
        let body = json!({"sender": sender, "recipient": recipient, "amount": amount});
        server.post("/transactions/new", &body).1["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let id = pay("alice", "zoë \"7\"", 5);
    server.get("/mine");
    server.get("/mine");
    let other = pay("7", "alice", 9);
    let browser = Browser::start(1280, 900);
    browser.open(&format!("http://{}/explorer", server.address));
    browser.until(|b| blocks(b) == [3, 2, 1]);
    let found = |title: &str, text: &str| {
        browser.until(|b| b.text("#found-title") == title && b.text("#found").contains(text));
        assert_eq!(browser.run("return document.activeElement.id"), "found-title");
    };
    let (_, block) = server.get("/blocks/2");
    let hash = block["hash"].as_str().unwrap();
    search(&browser, "2");
    found("Block 2", hash);
    assert_eq!(browser.run("return location.hash"), "#block/2");
    // Its transactions' ids are those that the node gives.
    let ids = "return [...document.querySelectorAll('#found-body .id')].map(id => id.title)";
    assert_eq!(browser.run(ids)[1], json!(id));
    for half in ["Previous block", "Next block"] {
        assert!(browser.text("#found").contains(half));
    }
    search(&browser, &id);
    found("Transaction", "in block 2 of 3");
    browser.assert_accessible();
    browser.screenshot("11-transaction");
    search(&browser, &hash.to_uppercase());
    found("Block 2", "alice → zoë \"7\": 5");
    search(&browser, &other);
    found("Transaction", "waits for a block");
    search(&browser, "alice");
    found(
        "Transactions of alice",
        "2 transactions, in the whole chain and what waits.",
    );
    assert!(browser.text("#found-body").contains("block 2"));
    search(&browser, "\"7\"");
    found("Transactions of 7", "1 transaction");
    search(&browser, "99");
    found(
        "Nothing found",
        "There is no block 99; the chain has blocks 1 to 3",
    );
    search(&browser, &"0".repeat(64));
    found("Nothing found", "There is no transaction");
    // A link from elsewhere, an address that is none, and back.
    browser.open("about:blank");
    browser.open(&format!("http://{}/explorer#block/3", server.address));
    found("Block 3", "block reward");
    browser.run("location.hash = '#name/%ff'");
    found("Nothing found", "UTF-8");
    browser.run("history.back()");
    found("Block 3", "block reward");
    browser.click("#close");
    browser.until(|b| b.text("#found-title").is_empty());
    assert_eq!(browser.run("return location.hash"), "");

    // A button puts the hash on the clipboard.
    browser.click("#blocks > li:last-child .block");
    browser.click("#blocks > li:last-child .copy");
    browser.until(|b| b.text("#blocks > li:last-child .copy") == "Copied");
    browser.click("#q");
    browser.post(
        "/actions",
        json!({"actions": [{"type": "key", "id": "keyboard", "actions": [
            {"type": "keyDown", "value": "\u{e009}"}, {"type": "keyDown", "value": "v"},
            {"type": "keyUp", "value": "v"}, {"type": "keyUp", "value": "\u{e009}"}]}]}),
    );
    let genesis = server.get("/blocks/1").1["hash"].clone();
    assert_eq!(browser.run("return document.getElementById('q').value"), genesis);
    browser.assert_clean(&server);
}

/// A name can neither turn the rest of the line around nor hide in it.
#[test]
fn names_are_shown_for_what_they_are() {
    let server = Server::start("--memory --bits 8");
    for (sender, recipient) in [
        ("\u{202e}ecila", "bob"),
        ("al\u{200b}ice", "b\u{a0}b"),
        ("עברית", "محمد"),
        ("❤\u{fe0f}", "a  b"),
        ("\u{7}bell", "\u{e0041}tag"),
    ] {
        let body = json!({"sender": sender, "recipient": recipient, "amount": 5});
        assert_eq!(server.post("/transactions/new", &body).0, 201);
    }
    let browser = Browser::start(1280, 900);
    browser.open(&format!("http://{}/explorer", server.address));
    let names = "return [...document.querySelectorAll('#pending bdi')].map(name => name.textContent)";
    let expected = [
        "\\u{202e}ecila",
        "bob",
        "al\\u{200b}ice",
        "b\\u{a0}b",
        "עברית",
        "محمد",
        "❤\u{fe0f}",
        "a  b",
        "\\u{7}bell",
        "\\u{e0041}tag",
    ];
    browser.until(|b| b.run(names) == json!(expected));
    // Sender, arrow, recipient, amount: from left to right, whatever the names are.
    let order = "return [...document.querySelectorAll('#pending li')].map(li => {\
                 const [sender, recipient] = li.querySelectorAll('bdi'), amount = li.querySelector('b');\
                 return [sender, recipient, amount].map(e => e.getBoundingClientRect().left)})";
    for line in browser.run(order).as_array().unwrap() {
        let at: Vec<f64> = line
            .as_array()
            .unwrap()
            .iter()
            .map(|left| left.as_f64().unwrap())
            .collect();
        assert!(at[0] < at[1] && at[1] < at[2], "{at:?}");
    }
    browser.run("document.getElementById('pending').scrollIntoView({block: 'center'})");
    browser.screenshot("12-names");
    browser.assert_clean(&server);
}

#[test]
fn a_block_ahead_of_the_clock_says_so() {
    let server = Server::start("--memory --bits 4");
    let parameters = ChainParameters::fixed(4.0).unwrap();
    let genesis = parameters.genesis();
    let reward = Transaction::reward("somebody", 1, 0).unwrap();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let mut header = Header {
        version: 1,
        previous_hash: genesis.hash(),
        merkle_root: MerkleRoot::from_bytes(reward.id().to_bytes()),
        time: u32::try_from(now.as_secs()).unwrap() + 55,
        nbits: parameters.nbits(),
        nonce: 0,
    };
    while !header.meets_target() {
        header.nonce += 1;
    }
    let block = Block::new(2, header, vec![reward]);
    let (status, answer) = server.post(
        "/blocks",
        &serde_json::to_value(BlockRecord::new(&block)).unwrap(),
    );
    assert_eq!(status, 201, "{answer}");
    let browser = Browser::start(1280, 900);
    browser.open(&format!("http://{}/explorer#block/2", server.address));
    let said = "return [...document.querySelectorAll('time.ahead')].map(time => time.textContent)";
    browser.until(|b| {
        b.run(said)
            .as_array()
            .unwrap()
            .iter()
            .any(|text| text.as_str().unwrap().ends_with(" s ahead of the clock"))
    });
    assert!(
        browser.text("#blocks > li:last-child").contains("ago"),
        "genesis is of the past"
    );
    browser.screenshot("13-ahead");
    browser.assert_clean(&server);
}

#[test]
fn a_node_that_comes_back_is_seen() {
    let first = Server::start("--memory --bits 8");
    let browser = Browser::start(1280, 900);
    browser.open(&format!("http://{}/explorer", first.address));
    browser.until(|b| b.text("#live") == "live" && blocks(b) == [1]);
    let port = first.address.port().to_string();
    first.stop("KILL");
    browser.click("#mine");
    browser.until(|b| {
        b.text("#mine-say") == "The node does not answer" && b.text("#live") == "the node does not answer"
    });
    let again = Server::start_with("--memory --bits 8", &[("PORT", &port)]);
    again.get("/mine");
    browser.until(|b| b.text("#live") == "live" && blocks(b) == [2, 1] && b.text("#mine-say").is_empty());
}
