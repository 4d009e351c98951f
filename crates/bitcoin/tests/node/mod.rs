//! A node that does what its script says: HTTP/1.1 on a socket, one thread a connection.
//!
//! [`Regtest`] is a script which behaves: a chain of heights, templates, long polling; it takes every block.

#![allow(dead_code)] // each test binary uses a part

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// `bcrt1`, version 0, of the generator's key (BIP 173).
pub const ADDRESS: &str = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
/// How long a test waits for something that should come at once.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A call as it came.
#[derive(Clone, Debug)]
pub struct Call {
    /// The header that says who calls.
    pub authorization: String,
    /// The method.
    pub method: String,
    /// Its parameters.
    pub params: Value,
}

impl Call {
    /// Whether its answer should wait for a new template.
    pub fn is_long_poll(&self) -> bool {
        self.params[0]["longpollid"].is_string()
    }
}

/// What comes back.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A result.
    Result(Value),
    /// An error with its number.
    Error(i64, &'static str),
    /// Any status with any body.
    Http(u16, Vec<u8>),
    /// These bytes and the end of the connection.
    Bytes(Vec<u8>),
    /// Nothing for so long, and then the end of the connection.
    Silence(Duration),
}

/// The node.
pub struct Node {
    /// Where it is, as `127.0.0.1:port`.
    pub address: String,
    calls: Arc<Mutex<Vec<Call>>>,
    is_over: Arc<AtomicBool>,
}

impl Node {
    /// A node that answers what the script says.
    pub fn start(script: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").unwrap(), script)
    }

    /// The same on a socket that is there.
    pub fn listen(listener: TcpListener, script: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Self {
        let address = listener.local_addr().unwrap().to_string();
        let (calls, is_over) = (Arc::<Mutex<Vec<Call>>>::default(), Arc::<AtomicBool>::default());
        let (seen, over, script) = (Arc::clone(&calls), Arc::clone(&is_over), Arc::new(script));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return; // and the port is free
                }
                let (seen, script) = (Arc::clone(&seen), Arc::clone(&script));
                thread::spawn(move || serve(stream.unwrap(), &seen, &*script));
            }
        });
        Self {
            address,
            calls,
            is_over,
        }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The calls of a method so far.
    pub fn calls(&self, method: &str) -> Vec<Call> {
        let calls = self.calls.lock().unwrap();
        calls
            .iter()
            .filter(|call| call.method == method)
            .cloned()
            .collect()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(&self.address); // it looks up
    }
}

fn serve(stream: TcpStream, seen: &Mutex<Vec<Call>>, script: &dyn Fn(&Call) -> Answer) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut length, mut authorization) = (0, String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            match line.trim_end() {
                "" => break,
                _ => continue,
            }
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => authorization = value.to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let request: Value = serde_json::from_slice(&body).unwrap();
    let call = Call {
        authorization,
        method: request["method"].as_str().unwrap().to_owned(),
        params: request["params"].clone(),
    };
    seen.lock().unwrap().push(call.clone());
    let (status, body) = match script(&call) {
        Answer::Result(result) => (
            200,
            json!({ "result": result, "error": null, "id": request["id"] }),
        ),
        Answer::Error(code, message) => {
            let error = json!({ "code": code, "message": message });
            (
                if code == -32601 { 404 } else { 500 },
                json!({ "result": null, "error": error, "id": request["id"] }),
            )
        }
        Answer::Http(status, body) => return send(stream, status, &body),
        Answer::Bytes(bytes) => {
            let _ = (&stream).write_all(&bytes);
            return;
        }
        Answer::Silence(time) => return thread::sleep(time),
    };
    send(stream, status, body.to_string().as_bytes());
}

fn send(mut stream: TcpStream, status: u16, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body)); // the other side may be gone
}

/// A chain that grows by what is submitted.
#[derive(Clone)]
pub struct Regtest(Arc<(Mutex<State>, Condvar)>);

struct State {
    height: u32,
    /// What is said of the next blocks instead of null.
    verdicts: Vec<Value>,
    submitted: Vec<String>,
    template: Value,
}

impl Regtest {
    /// A chain whose next block has this height; fields of `template` come instead of the usual ones.
    pub fn new(height: u32, template: Value) -> Self {
        let state = State {
            height,
            verdicts: Vec::new(),
            submitted: Vec::new(),
            template,
        };
        Self(Arc::new((Mutex::new(state), Condvar::new())))
    }

    /// What it will say of the next blocks, the first one first; after that it takes them.
    pub fn refuse(self, verdicts: &[&str]) -> Self {
        self.0.0.lock().unwrap().verdicts = verdicts.iter().rev().map(|verdict| json!(verdict)).collect();
        self
    }

    /// Somebody else finds a block.
    pub fn grow(&self) {
        self.0.0.lock().unwrap().height += 1;
        self.0.1.notify_all();
    }

    /// Other fields in the next templates.
    pub fn change(&self, template: Value) {
        self.0.0.lock().unwrap().template = template;
    }

    /// The blocks that were submitted, in hex.
    pub fn submitted(&self) -> Vec<String> {
        self.0.0.lock().unwrap().submitted.clone()
    }

    /// Waits for so many of them.
    pub fn wait_for(&self, blocks: usize) -> Vec<String> {
        wait_until(|| self.submitted().len() >= blocks);
        self.submitted()
    }

    /// The answer of a node that behaves.
    pub fn answer(&self, call: &Call) -> Answer {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap();
        match call.method.as_str() {
            "getblockchaininfo" => Answer::Result(json!({ "chain": "regtest", "blocks": state.height - 1 })),
            "getblocktemplate" => {
                while call.params[0]["longpollid"].as_str() == Some(&state.height.to_string()) {
                    state = changed.wait(state).unwrap();
                }
                Answer::Result(template(state.height, &state.template))
            }
            "submitblock" => {
                state.submitted.push(call.params[0].as_str().unwrap().to_owned());
                let verdict = state.verdicts.pop().unwrap_or_default();
                if verdict.is_null() {
                    state.height += 1;
                    changed.notify_all();
                }
                Answer::Result(verdict)
            }
            _ => Answer::Error(-32601, "Method not found"),
        }
    }
}

/// A template as Bitcoin Core gives it on regtest; fields of `changes` come instead, those that are null are left out.
pub fn template(height: u32, changes: &Value) -> Value {
    let mut template = json!({
        "capabilities": ["proposal"],
        "version": 0x2000_0000,
        "rules": ["csv", "!segwit", "taproot"],
        "vbavailable": {},
        "vbrequired": 0,
        "previousblockhash": format!("{:064x}", height - 1),
        "transactions": [],
        "coinbaseaux": {},
        "coinbasevalue": 5_000_000_000u64,
        "longpollid": height.to_string(),
        "target": format!("7fffff{}", "0".repeat(58)),
        "mintime": 1_700_000_000,
        "mutable": ["time", "transactions", "prevblock"],
        "noncerange": "00000000ffffffff",
        "sigoplimit": 80_000,
        "sizelimit": 4_000_000,
        "weightlimit": 4_000_000,
        "curtime": 1_700_000_000u32.saturating_add(height),
        "bits": "207fffff",
        "height": height,
        // Of a block without other transactions.
        "default_witness_commitment": "6a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf9",
    });
    for (field, value) in changes.as_object().into_iter().flatten() {
        match value {
            Value::Null => template.as_object_mut().unwrap().remove(field),
            value => template
                .as_object_mut()
                .unwrap()
                .insert(field.clone(), value.clone()),
        };
    }
    template
}

/// Waits until it is so.
#[track_caller]
pub fn wait_until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it takes too long");
        thread::sleep(Duration::from_millis(5));
    }
}
