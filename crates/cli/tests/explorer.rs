//! The explorer page, and the page that measures a browser, in a real browser: headless Chromium, driven over WebDriver (W3C) through `chromedriver`.
//!
//! Not part of the plain test command (`test = false` in the manifest): `scripts/test-explorer.sh` installs the browser
//! and runs this. Screenshots go to `target/tmp/explorer`, to be looked at. Where `PAYDIRT_AXE` names axe-core's script
//! (`axe.min.js`), each page is held against its rules, too.
#![cfg(unix)]

#[path = "explorer/attack.rs"]
mod attack;
#[path = "explorer/browser.rs"]
mod browser;
#[path = "it/common.rs"]
mod common;
#[path = "explorer/found.rs"]
mod found;
#[path = "explorer/peers.rs"]
mod peers;
#[path = "explorer/rate.rs"]
mod rate;
#[path = "it/server.rs"]
mod server;

use std::{fs, time::Duration};

use browser::Browser;
use serde_json::json;
use server::{Server, transfer};
use tempfile::TempDir;

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

fn blocks(browser: &Browser) -> Vec<u64> {
    let indices = browser
        .run("return [...document.querySelectorAll('#blocks > li')].map(li => Number(li.dataset.index))");
    indices
        .as_array()
        .unwrap()
        .iter()
        .map(|index| index.as_u64().unwrap())
        .collect()
}

#[test]
fn blocks_come_as_they_are_mined() {
    let server = Server::start("--memory --bits 12");
    let page = format!("http://{}/explorer", server.address);
    server.until(|| server.said().contains(&page)); // its log says where
    let browser = Browser::start(1280, 900);
    browser.open(&page);
    browser.until(|b| b.text("#live") == "live" && blocks(b) == [1]);
    browser.screenshot("1-empty");

    // Blocks and transactions from elsewhere appear by themselves.
    server.post("/transactions/new", &transfer(5));
    browser.until(|b| b.text("#pending").contains("alice → bob: 5"));
    server.get("/mine");
    browser.until(|b| blocks(b) == [2, 1] && b.text("#pending").is_empty());

    // The form, the mine button, a block's transactions.
    browser.click("input[name=sender]");
    browser.keys(&format!("carol <b>{TAB}dave{TAB}12345{ENTER}"));
    browser.until(|b| b.text("#send-say") == "Transaction is scheduled to be added to Block No. 3");
    browser.until(|b| b.text("#pending").contains("carol <b> → dave: 12,345"));
    browser.screenshot("2-pending");
    browser.click("#mine");
    browser.until(|b| b.text("#mine-say").starts_with("Block 3 forged"));
    browser.until(|b| blocks(b) == [3, 2, 1]);
    browser.click("#blocks > li:first-child button");
    browser.until(|b| {
        b.text("#blocks > li:first-child .detail")
            .contains("carol <b> → dave: 12,345")
    });
    assert!(
        browser.text("#peak").contains("H/s"),
        "the chart has seen it: {}",
        browser.text("#peak")
    );
    browser.screenshot("3-block");

    // What is wrong is said.
    browser.click("input[name=amount]");
    browser.keys(&format!("many{ENTER}"));
    browser.until(|b| b.text("#send-say").contains("amount must be a whole number"));
    browser.assert_clean(&server);
}

#[test]
fn a_long_chain_has_pages() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().display().to_string();
    let mined = common::paydirt(format!(
        "chain mine --count 40 --bits 1 --spacing 60 --data {data}"
    ));
    assert_eq!(common::code(&mined), 0);
    let server = Server::start(format!("--data {data}"));
    let browser = Browser::start(1280, 900);
    browser.open(&format!("http://{}/explorer", server.address));
    browser.until(|b| blocks(b).first() == Some(&41) && blocks(b).len() == 15);
    browser.click("#older");
    browser.until(|b| blocks(b).first() == Some(&26));
    browser.click("#older");
    browser.until(|b| blocks(b) == (1..=11).rev().collect::<Vec<_>>());
    assert_eq!(
        browser.run("return document.getElementById('older').disabled"),
        true
    );
    browser.click("#newest");
    browser.until(|b| blocks(b).first() == Some(&41));

    browser.assert_clean(&server);
}

#[test]
fn mining_is_shown_and_can_be_stopped() {
    // Nobody finds a block of 100 bits.
    let server = Server::start("--memory --bits 100");
    let browser = Browser::start(1280, 900);
    browser.open(&format!("http://{}/explorer", server.address));
    browser.until(|b| b.text("#live") == "live");
    browser.click("#mine");
    browser.until(|b| b.text("#rate").contains("H/s") && b.text("#mine") == "Stop");
    // Long enough for the chart to have a shape.
    std::thread::sleep(Duration::from_secs(4));
    let expected = browser.text("#expected");
    assert!(
        expected.starts_with("A block takes ") && expected.contains("years on average"),
        "{expected}"
    );
    browser.screenshot("4-mining");
    browser.click("#mine");
    browser.until(|b| b.text("#mine-say") == "Stopped." && b.text("#rate") == "idle");
    server.until(|| server.get("/status").1["mining"]["active"] == false);
    browser.assert_clean(&server);
}

#[test]
fn it_works_without_a_mouse_and_on_a_phone() {
    let server = Server::start("--memory --bits 12");
    let browser = Browser::start(360, 740);
    browser.open(&format!("http://{}/explorer", server.address));
    browser.until(|b| b.text("#live") == "live" && blocks(b) == [1]);
    let focused = |b: &Browser| {
        b.run(
            "const e = document.activeElement; return e.id || e.name || e.className || e.type || e.localName",
        )
        .as_str()
        .unwrap()
        .to_owned()
    };
    let mut order = Vec::new();
    while order.last().is_none_or(|last| last != "amount") {
        browser.keys(TAB);
        order.push(focused(&browser));
        assert!(order.len() < 20, "{order:?}");
    }
    // The blocks stand before all else but the search.
    assert_eq!(order[..5], ["skip", "q", "submit", "block", "mine"]);
    // Shift-tab goes back to the block, which Enter opens.
    let back = |times: usize| {
        for _ in 0..times {
            browser.post(
                "/actions",
                json!({"actions": [{"type": "key", "id": "keyboard", "actions": [
                    {"type": "keyDown", "value": "\u{e008}"}, {"type": "keyDown", "value": TAB},
                    {"type": "keyUp", "value": TAB}, {"type": "keyUp", "value": "\u{e008}"}]}]}),
            );
        }
    };
    back(order.len() - 4);
    assert_eq!(focused(&browser), "block");
    browser.keys(ENTER);
    browser.until(|b| b.text("#blocks .detail").contains("Merkle root"));
    // What a block holds comes after it: its hash, its links, its one transaction; then the button that mines.
    let mut after = Vec::new();
    while after.last().is_none_or(|last| last != "mine") {
        browser.keys(TAB);
        after.push(focused(&browser));
        assert!(after.len() < 20, "{after:?}");
    }
    assert_eq!(after, ["copy", "copy", "copy", "a", "id mono", "mine"]);
    browser.keys(ENTER);
    browser.until(|b| blocks(b) == [2, 1]);
    // The hash's zeros are seen.
    let shown = "const hash = document.querySelector('#blocks .hash'), style = getComputedStyle(hash);\
                 return [hash.scrollLeft, style.direction, style.textOverflow]";
    assert_eq!(browser.run(shown), json!([0, "ltr", "ellipsis"]));
    let above = "const top = id => document.getElementById(id).getBoundingClientRect().top;\
                 return top('blocks-title') < top('mine-title')";
    assert_eq!(browser.run(above), true);
    // Nothing is wider than the phone, nothing that is pressed smaller than a finger.
    let wide = browser.run("return document.documentElement.scrollWidth");
    assert!(wide.as_u64().unwrap() <= 360, "{wide}");
    let small = browser.run(
        "return [...document.querySelectorAll('button, input')].filter(e => e.checkVisibility()).filter(e => e.getBoundingClientRect().height < 40).map(e => e.outerHTML)",
    );
    assert_eq!(small, json!([]));
    // Every field and button has a name for those who cannot see it.
    let nameless = browser.run(
        "return [...document.querySelectorAll('button, input')].filter(e => e.checkVisibility()).filter(e => !(e.innerText || e.getAttribute('aria-label') || e.labels?.[0]?.innerText)).length",
    );
    assert_eq!(nameless, 0);
    browser.assert_accessible();
    browser.screenshot("5-phone");
    browser.run("window.scrollTo(0, document.body.scrollHeight)");
    browser.screenshot("6-phone-below");
    browser.assert_clean(&server);
}

/// What was sent in somebody's name does not look like what a block pays, whatever the name.
#[test]
fn a_sender_named_reward_looks_like_a_sender() {
    let server = Server::start("--memory --bits 8");
    for sender in ["reward", "block reward", "0 "] {
        server.post(
            "/transactions/new",
            &json!({"sender": sender, "recipient": "bob", "amount": 1}),
        );
    }
    server.get("/mine");
    let browser = Browser::start(1280, 900);
    browser.open(&format!("http://{}/explorer", server.address));
    browser.until(|b| blocks(b) == [2, 1]);
    browser.click("#blocks > li:first-child button");
    let labels = "return [...document.querySelectorAll('#blocks > li:first-child .transfer')]\
                  .map(li => [li.matches('.reward'), li.querySelector('.kind') !== null, li.querySelectorAll('bdi').length])";
    browser.until(|b| b.run(labels).as_array().unwrap().len() == 4);
    assert_eq!(
        browser.run(labels),
        json!([
            [true, true, 1],
            [false, false, 2],
            [false, false, 2],
            [false, false, 2]
        ])
    );
    browser.screenshot("7-reward");
    browser.assert_clean(&server);
}

/// The page asks for the token that the node wants, and says so when it is not the right one.
#[test]
fn the_token_is_given_in_the_page() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "correct-horse-battery\n").unwrap();
    let server = Server::start(format!("--memory --bits 8 --token-file {}", file.display()));
    let browser = Browser::start(1280, 900);
    browser.open(&format!("http://{}/explorer", server.address));
    browser.until(|b| b.text("#live") == "live" && blocks(b) == [1]);
    browser.click("#mine");
    browser.until(|b| b.text("#mine-say") == "The node wants its token");
    let give = |token: &str| {
        browser.click("input[name=token]");
        browser.keys(&format!("{token}{ENTER}"));
    };
    give("two words");
    browser.until(|b| b.text("#token-say").starts_with("A token is one word"));
    give("wrong");
    browser.until(|b| b.text("#token-say").starts_with("It goes with"));
    browser.click("#mine");
    browser.until(|b| b.text("#mine-say") == "The node does not take this token");
    give("correct-horse-battery");
    browser.click("#mine");
    browser.until(|b| b.text("#mine-say").starts_with("Block 2 forged"));
    browser.click("input[name=sender]");
    browser.keys(&format!("carol{TAB}dave{TAB}5{ENTER}"));
    browser.until(|b| b.text("#pending").contains("carol → dave: 5"));
    browser.screenshot("8-token");
    browser.assert_clean(&server);
    let (_, stderr) = server.stop("TERM");
    assert!(!stderr.contains("horse"), "no secret is logged");
}
