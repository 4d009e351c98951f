//! Two nodes side by side: what happens at one is seen at the other.

use serde_json::{Value, json};

use crate::{blocks, browser::Browser, server::Server};

fn peer(browser: &Browser) -> Value {
    browser.run(
        "const row = document.querySelector('#peer-rows tr');\
         return row && {id: row.dataset.id, text: row.innerText, height: row.children[1].innerText}",
    )
}

#[test]
fn what_is_mined_at_one_node_is_seen_at_the_other() {
    let first = Server::start("--memory --bits 8 --listen /ip4/127.0.0.1/tcp/0");
    first.until(|| first.get("/peers").1["listen"][0].is_string());
    let at = first.get("/peers").1["listen"][0].as_str().unwrap().to_owned();
    let here = Browser::start(1280, 900);
    here.open(&format!("http://{}/explorer", first.address));
    here.until(|b| b.text("#sync") == "no peers" && b.text("#peers-note") == "Nobody is connected.");

    let second = Server::start(format!("--memory --bits 8 --peer {at}"));
    let there = Browser::start(1280, 900);
    there.open(&format!("http://{}/explorer", second.address));
    for (browser, other, direction) in [(&here, &second, "inbound"), (&there, &first, "outbound")] {
        browser.until(|b| peer(b)["id"] == other.get("/peers").1["id"]);
        let text = peer(browser)["text"].as_str().unwrap().to_owned();
        assert!(
            text.contains(direction) && text.contains("/ip4/127.0.0.1/tcp/"),
            "{text}"
        );
        browser
            .until(|b| b.text("#sync") == "up to date" && peer(b)["text"].as_str().unwrap().contains(" ms"));
    }

    // Mined on one page: the block, and the height of the peer, on the other.
    for height in [2, 3] {
        here.click("#mine");
        here.until(|b| b.text("#mine-say").starts_with(&format!("Block {height} forged")));
        there.until(|b| blocks(b)[0] == height && peer(b)["height"] == height.to_string());
        here.until(|b| peer(b)["height"] == height.to_string());
    }
    there.until(|b| b.text("#sync-line").contains("block 3"));
    there.assert_accessible();
    there.screenshot("9-peers");

    second.stop("TERM");
    here.until(|b| b.text("#sync") == "no peers" && peer(b).is_null());
    here.assert_clean(&first);
}

#[test]
fn side_branches_are_drawn_and_told() {
    let [first, second] = ["", ""].map(|_| Server::start("--memory --bits 4"));
    for (server, count) in [(&first, 5), (&second, 2)] {
        for _ in 0..count {
            assert_eq!(server.get("/mine").0, 200);
        }
    }
    let browser = Browser::start(1280, 900);
    browser.open(&format!("http://{}/explorer", first.address));
    let drawn =
        "return ['.node', '.node.aside'].map(kind => document.querySelectorAll(`#tree ${kind}`).length)";
    browser.until(|b| b.run(drawn) == json!([6, 0]));
    for index in [2, 3] {
        let (_, block) = second.get(&format!("/blocks/{index}"));
        assert_eq!(first.post("/blocks", &block).1["tip"], false);
    }
    browser.until(|b| b.run(drawn) == json!([8, 2]));
    let (_, side) = second.get("/blocks/latest");
    let hash = side["hash"].as_str().unwrap();
    let title = browser.run("return document.getElementById('tree-title').textContent");
    assert_eq!(
        title,
        "The last blocks as a tree. Active branch: blocks 1 to 6; 1 side branch."
    );
    browser.click("summary");
    let words = browser.text("#branches");
    assert!(
        words.contains(&format!(
            "Side branch of 2 blocks, leaves it after block 1, ends with block 3, {}",
            &hash[..12]
        )),
        "{words}"
    );
    browser.assert_accessible();
    // Its last block, by the list's link and by the picture.
    for way in ["#branches li:last-child a", "#tree .node.aside:last-of-type"] {
        browser.run("location.hash = ''");
        browser.until(|b| b.text("#found-title").is_empty());
        match way.starts_with("#tree") {
            true => browser.run(&format!(
                "[...document.querySelectorAll('#tree .node.aside')].find(node => node.dataset.hash === '{hash}')\
                 .dispatchEvent(new MouseEvent('click', {{bubbles: true}}))"
            )),
            false => {
                browser.click(way);
                Value::Null
            }
        };
        browser
            .until(|b| b.text("#found-title") == "Block 3" && b.text("#found").contains("it does not count"));
        assert!(browser.text("#found").contains(hash));
    }
    browser.screenshot("10-branches");
    browser.assert_clean(&first);
}
