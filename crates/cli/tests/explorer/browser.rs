//! Headless Chromium, driven over WebDriver (W3C) through `chromedriver`.

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::Server;

pub struct Browser {
    driver: Child,
    session: String,
    agent: ureq::Agent,
    _profile: TempDir,
}

const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

impl Browser {
    pub fn start(width: u32, height: u32) -> Self {
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
            // A name that somebody else gives this machine.
            "--host-resolver-rules=MAP evil.test 127.0.0.1",
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
    pub fn post(&self, path: &str, body: Value) -> Value {
        let (ok, value) = self.ask(path, body);
        assert!(ok, "{path}: {value}");
        value
    }

    fn ask(&self, path: &str, body: Value) -> (bool, Value) {
        let mut answer = self
            .agent
            .post(format!("{}{path}", self.session))
            .send_json(&body)
            .unwrap();
        let ok = answer.status().is_success();
        let mut value: Value = answer.body_mut().read_json().unwrap();
        (ok, value["value"].take())
    }

    pub fn open(&self, url: &str) {
        self.post("/url", json!({"url": url}));
    }

    #[track_caller]
    pub fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({"script": script, "args": []}))
    }

    #[track_caller]
    pub fn text(&self, selector: &str) -> String {
        let text = self.run(&format!(
            "return document.querySelector({selector:?})?.innerText ?? ''"
        ));
        text.as_str().unwrap().to_owned()
    }

    /// Clicks on what is there: the page may put another in its place between the look and the click.
    #[track_caller]
    pub fn click(&self, selector: &str) {
        self.until(|browser| {
            let found = browser.post("/element", json!({"using": "css selector", "value": selector}));
            let id = found[ELEMENT].as_str().unwrap();
            let (ok, value) = browser.ask(&format!("/element/{id}/click"), json!({}));
            assert!(
                ok || value["error"] == "stale element reference",
                "{selector}: {value}"
            );
            ok
        });
    }

    /// Presses keys on whatever has the focus, as a keyboard would.
    pub fn keys(&self, keys: &str) {
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

    pub fn screenshot(&self, name: &str) {
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

    /// axe-core finds nothing, and no ring around what has the focus covers a word.
    #[track_caller]
    pub fn assert_accessible(&self) {
        self.keys("\u{e004}"); // rings are for those who use the keyboard
        let found = self.run(include_str!("rings.js"));
        assert!(
            found[0].as_u64().unwrap() > 5 && found[1] == json!([]),
            "{found:#}"
        );
        let Some(axe) = std::env::var_os("PAYDIRT_AXE") else {
            println!("skipped: axe-core; PAYDIRT_AXE names its script");
            return;
        };
        let axe = fs::read_to_string(axe).expect("PAYDIRT_AXE names axe-core's script");
        self.run(&format!("{axe}; window.axe = axe"));
        let script = "axe.run(document).then(({violations}) => arguments[0](violations))";
        let violations = self.post("/execute/async", json!({"script": script, "args": []}));
        assert_eq!(violations, json!([]), "{violations:#}");
    }

    /// Looks again until it is so, for a minute at most.
    #[track_caller]
    pub fn until(&self, so: impl Fn(&Self) -> bool) {
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
    pub fn assert_clean(&self, server: &Server) {
        self.assert_clean_from(&format!("http://{}/", server.address));
    }

    /// The same of a page whose parts' addresses may begin like this.
    #[track_caller]
    pub fn assert_clean_from(&self, own: &str) {
        let urls = self.run("return performance.getEntriesByType('resource').map(entry => entry.name)");
        for url in urls.as_array().unwrap() {
            let url = url.as_str().unwrap();
            assert!(
                url.starts_with(own) || url.starts_with("data:"),
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
        // A refused transaction is an answer with status 400, which the browser reports too; a token that is missing, 401; what is
        // looked for and not there, 404.
        let refused = |message: &str| {
            ["status of 400", "status of 401", "status of 404"]
                .iter()
                .any(|status| message.contains(status))
        };
        let unexpected: Vec<_> = errors
            .iter()
            .filter(|entry| !refused(entry["message"].as_str().unwrap()))
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
