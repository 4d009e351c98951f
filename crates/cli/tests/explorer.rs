//! The explorer page in a real browser: headless Chromium, driven over WebDriver (W3C) through `chromedriver`.
//!
//! Not part of the plain test command (`test = false` in the manifest): `scripts/test-explorer.sh` installs the browser
//! and runs this. Screenshots go to `target/tmp/explorer`, to be looked at.
#![cfg(unix)]

#[path = "it/common.rs"]
mod common;
#[path = "it/server.rs"]
mod server;

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use server::{Server, transfer};
use tempfile::TempDir;

struct Browser {
    driver: Child,
    session: String,
    agent: ureq::Agent,
    _profile: TempDir,
}

const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

impl Browser {
    fn start(width: u32, height: u32) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed: scripts/test-explorer.sh does that");
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        let agent: ureq::Agent = config.into();
        let base = format!("http://127.0.0.1:{port}");
        while agent.get(format!("{base}/status")).call().is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        let profile = TempDir::new().unwrap();
        let args = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--force-device-scale-factor=1",
            &format!("--user-data-dir={}", profile.path().display()),
            &format!("--window-size={width},{height}"),
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": args}}}});
        let mut answer = agent.post(format!("{base}/session")).send_json(&wanted).unwrap();
        let answer: Value = answer.body_mut().read_json().unwrap();
        let id = answer["value"]["sessionId"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"));
        let browser = Self {
            driver,
            session: format!("{base}/session/{id}"),
            agent,
            _profile: profile,
        };
        // A headless window is smaller inside than asked for, and has a least width: the page is told its size.
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        browser.post(
            "/goog/cdp/execute",
            json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics}),
        );
        browser
    }

    #[track_caller]
    fn post(&self, path: &str, body: Value) -> Value {
        let mut answer = self
            .agent
            .post(format!("{}{path}", self.session))
            .send_json(&body)
            .unwrap();
        let ok = answer.status().is_success();
        let mut value: Value = answer.body_mut().read_json().unwrap();
        assert!(ok, "{path} {body}: {value}");
        value["value"].take()
    }

    fn open(&self, url: &str) {
        self.post("/url", json!({"url": url}));
    }

    #[track_caller]
    fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({"script": script, "args": []}))
    }

    #[track_caller]
    fn text(&self, selector: &str) -> String {
        let text = self.run(&format!(
            "return document.querySelector({selector:?})?.innerText ?? ''"
        ));
        text.as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn click(&self, selector: &str) {
        let found = self.post("/element", json!({"using": "css selector", "value": selector}));
        let id = found[ELEMENT].as_str().unwrap();
        self.post(&format!("/element/{id}/click"), json!({}));
    }

    /// Presses keys on whatever has the focus, as a keyboard would.
    fn keys(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                [
                    json!({"type": "keyDown", "value": key}),
                    json!({"type": "keyUp", "value": key}),
                ]
            })
            .collect();
        self.post(
            "/actions",
            json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]}),
        );
    }

    fn screenshot(&self, name: &str) {
        let mut answer = self
            .agent
            .get(format!("{}/screenshot", self.session))
            .call()
            .unwrap();
        let limit = 64 << 20;
        let value: Value = answer.body_mut().with_config().limit(limit).read_json().unwrap();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("explorer");
        fs::create_dir_all(&folder).unwrap();
        let png = BASE64_STANDARD.decode(value["value"].as_str().unwrap()).unwrap();
        assert!(png.starts_with(b"\x89PNG"));
        let path = folder.join(format!("{name}.png"));
        fs::File::create(&path).unwrap().write_all(&png).unwrap();
        println!("{}", path.display());
    }

    /// Looks again until it is so, for a minute at most.
    #[track_caller]
    fn until(&self, so: impl Fn(&Self) -> bool) {
        for _ in 0..3000 {
            if so(self) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it never came to be so");
    }

    /// Nothing may have gone wrong in the page, nor have come from elsewhere.
    #[track_caller]
    fn assert_clean(&self, server: &Server) {
        let urls = self.run("return performance.getEntriesByType('resource').map(entry => entry.name)");
        for url in urls.as_array().unwrap() {
            let url = url.as_str().unwrap();
            let own = format!("http://{}/", server.address);
            assert!(
                url.starts_with(&own) || url.starts_with("data:"),
                "{url} is from elsewhere"
            );
        }
        let mut answer = self
            .agent
            .post(format!("{}/se/log", self.session))
            .send_json(json!({"type": "browser"}))
            .unwrap();
        let log: Value = answer.body_mut().read_json().unwrap();
        let errors: Vec<_> = log["value"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|entry| entry["level"] == "SEVERE")
            .collect();
        // A refused transaction is an answer with status 400, which the browser reports too.
        let unexpected: Vec<_> = errors
            .iter()
            .filter(|entry| !entry["message"].as_str().unwrap().contains("status of 400"))
            .collect();
        assert!(unexpected.is_empty(), "{unexpected:?}");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

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
    let browser = Browser::start(1280, 900);
    browser.open(&format!("http://{}/explorer", server.address));
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
        b.run("const e = document.activeElement; return e.id || e.name || e.className || e.type")
            .as_str()
            .unwrap()
            .to_owned()
    };
    let mut order = Vec::new();
    for _ in 0..7 {
        browser.keys(TAB);
        order.push(focused(&browser));
    }
    assert_eq!(
        order,
        ["skip", "mine", "sender", "recipient", "amount", "main", "block"]
    );
    // Enter opens the block; shift-tab goes back to the mine button and mines.
    browser.keys(ENTER);
    browser.until(|b| b.text("#blocks .detail").contains("Merkle root"));
    for _ in 0..5 {
        browser.run("return 0");
        browser.post(
            "/actions",
            json!({"actions": [{"type": "key", "id": "keyboard", "actions": [
                {"type": "keyDown", "value": "\u{e008}"}, {"type": "keyDown", "value": TAB},
                {"type": "keyUp", "value": TAB}, {"type": "keyUp", "value": "\u{e008}"}]}]}),
        );
    }
    assert_eq!(focused(&browser), "mine");
    browser.keys(ENTER);
    browser.until(|b| blocks(b) == [2, 1]);
    // Nothing is wider than the phone, nothing that is pressed smaller than a finger.
    let wide = browser.run("return document.documentElement.scrollWidth");
    assert!(wide.as_u64().unwrap() <= 360, "{wide}");
    let small = browser.run(
        "return [...document.querySelectorAll('button, input')].filter(e => e.getBoundingClientRect().height < 40).map(e => e.outerHTML)",
    );
    assert_eq!(small, json!([]));
    // Every field and button has a name for those who cannot see it.
    let nameless = browser.run(
        "return [...document.querySelectorAll('button, input')].filter(e => !(e.innerText || e.labels?.[0]?.innerText)).length",
    );
    assert_eq!(nameless, 0);
    browser.screenshot("5-phone");
    browser.run("window.scrollTo(0, document.body.scrollHeight)");
    browser.screenshot("6-phone-below");
    browser.assert_clean(&server);
}
