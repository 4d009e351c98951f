//! A Stratum pool that does what a test says, and checks shares as pools do: from what was sent, with a SHA-256 of another
//! hand.

use std::{
    collections::{HashMap, HashSet},
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// A share that was checked.
#[derive(Clone, Debug)]
pub struct Checked {
    pub job_id: String,
    pub version: u32,
    pub params: Vec<Value>,
    pub header: [u8; 80],
}

/// Where the pool listens, and what it heard.
pub struct ScriptedPool {
    pub port: u16,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Default)]
struct Heard {
    requests: Vec<Value>,
    shares: Vec<Checked>,
}

struct Job {
    extranonce1: String,
    size: usize,
    difficulty: f64,
}

/// One connection.
pub struct Peer {
    socket: TcpStream,
    lines: std::io::Lines<BufReader<TcpStream>>,
    heard: Arc<Mutex<Heard>>,
    pub mask: Option<u32>,
    pub extranonce1: String,
    pub size: usize,
    difficulty: f64,
    jobs: HashMap<String, Job>,
    seen: HashSet<Vec<u8>>,
}

/// Hard enough that a share takes some ten thousand hashes.
pub const EASY: f64 = 1e-5;

const PREVIOUS: &str = "4d16b6f85af6e2198f44ae2a6de67f78487ae5611b77c6c0440b921e00000000";
const BEFORE: &str = "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff20020862062f503253482f04";
const AFTER: &str =
    "072f736c7573682f000000000100f2052a010000001976a914d23fcdf86f7e756a64a7a9688ef9903327048ed988ac00000000";
const TIME: u32 = 0x504e_86b9;
const NBITS: u32 = 0x1c2a_c4af;

impl ScriptedPool {
    /// `script` hears which connection it is, from 0. When it returns, the connection is closed.
    pub fn start(script: impl Fn(usize, &mut Peer) -> Option<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let (hearing, script) = (Arc::clone(&heard), Arc::new(script));
        thread::spawn(move || {
            for (which, socket) in listener.incoming().enumerate() {
                let (Ok(socket), heard, script) = (socket, Arc::clone(&hearing), Arc::clone(&script)) else {
                    return;
                };
                thread::spawn(move || script(which, &mut Peer::new(socket, heard)));
            }
        });
        Self { port, heard }
    }

    pub fn url(&self) -> String {
        format!("stratum+tcp://127.0.0.1:{}", self.port)
    }

    /// What was asked, in its order.
    pub fn methods(&self) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        let methods = heard
            .requests
            .iter()
            .filter_map(|request| request["method"].as_str());
        methods.map(str::to_owned).collect()
    }

    pub fn requests(&self) -> Vec<Value> {
        self.heard.lock().unwrap().requests.clone()
    }

    pub fn shares(&self) -> Vec<Checked> {
        self.heard.lock().unwrap().shares.clone()
    }
}

impl Peer {
    fn new(socket: TcpStream, heard: Arc<Mutex<Heard>>) -> Self {
        let lines = BufReader::new(socket.try_clone().unwrap()).lines();
        Self {
            socket,
            lines,
            heard,
            mask: None,
            extranonce1: "08000002".to_owned(),
            size: 4,
            difficulty: 1.0,
            jobs: HashMap::new(),
            seen: HashSet::new(),
        }
    }

    /// The next line; `None` when there are no more.
    pub fn read(&mut self) -> Option<Value> {
        let line = self.lines.next()?.ok()?;
        let request: Value = serde_json::from_str(&line).expect("each line is JSON");
        self.heard.lock().unwrap().requests.push(request.clone());
        Some(request)
    }

    pub fn raw(&mut self, bytes: &[u8]) -> Option<()> {
        self.socket.write_all(bytes).ok()
    }

    pub fn send(&mut self, line: &Value) -> Option<()> {
        self.raw(format!("{line}\n").as_bytes())
    }

    pub fn call(&mut self, method: &str, params: Value) -> Option<()> {
        self.send(&json!({"id": null, "method": method, "params": params}))
    }

    pub fn answer(&mut self, request: &Value, result: Value, error: Value) -> Option<()> {
        self.send(&json!({"id": request["id"], "result": result, "error": error}))
    }

    /// The handshake, up to the answer to the last question.
    pub fn greet(&mut self) -> Option<()> {
        loop {
            let request = self.read()?;
            self.serve(&request)?;
            if request["method"] == "mining.extranonce.subscribe" {
                return Some(());
            }
        }
    }

    /// The handshake, and a job.
    pub fn begin(&mut self, job_id: &str) -> Option<()> {
        self.greet()?;
        self.set_difficulty(EASY)?;
        self.notify(job_id, true)
    }

    /// Answers until the connection ends.
    pub fn serve_all(&mut self) -> Option<()> {
        loop {
            let request = self.read()?;
            self.serve(&request)?;
        }
    }

    /// Answers until so many good shares have come.
    pub fn serve_shares(&mut self, count: usize) -> Option<()> {
        let mut good = 0;
        while good < count {
            let request = self.read()?;
            good += usize::from(request["method"] == "mining.submit");
            self.serve(&request)?;
        }
        Some(())
    }

    /// The usual answer to a request.
    pub fn serve(&mut self, request: &Value) -> Option<()> {
        let (result, error) = match request["method"].as_str().unwrap_or("") {
            "mining.configure" => match self.mask {
                Some(mask) => (
                    json!({"version-rolling": true, "version-rolling.mask": format!("{mask:08x}")}),
                    Value::Null,
                ),
                None => (Value::Null, json!([20, "unknown method", null])),
            },
            "mining.subscribe" => (
                json!([[["mining.notify", "1"]], self.extranonce1, self.size]),
                Value::Null,
            ),
            "mining.submit" => match self.check(request["params"].as_array().unwrap()) {
                Ok(()) => (json!(true), Value::Null),
                Err(problem) => (Value::Null, json!([20, problem, null])),
            },
            "" => return Some(()), // an answer
            _ => (json!(true), Value::Null),
        };
        self.answer(request, result, error)
    }

    pub fn set_difficulty(&mut self, difficulty: f64) -> Option<()> {
        self.difficulty = difficulty;
        self.call("mining.set_difficulty", json!([difficulty]))
    }

    pub fn set_mask(&mut self, mask: u32) -> Option<()> {
        self.mask = Some(mask);
        self.call("mining.set_version_mask", json!([format!("{mask:08x}")]))
    }

    pub fn notify(&mut self, job_id: &str, clean: bool) -> Option<()> {
        if clean {
            self.jobs.clear();
        }
        let job = Job {
            extranonce1: self.extranonce1.clone(),
            size: self.size,
            difficulty: self.difficulty,
        };
        self.jobs.insert(job_id.to_owned(), job);
        let branch = [hex::encode([7; 32])];
        let nbits = format!("{NBITS:08x}");
        let params = json!([
            job_id,
            PREVIOUS,
            BEFORE,
            AFTER,
            branch,
            "20000000",
            nbits,
            format!("{TIME:08x}"),
            clean
        ]);
        self.call("mining.notify", params)
    }

    /// As a pool checks a share, with no more than what it was sent.
    fn check(&mut self, params: &[Value]) -> Result<(), String> {
        let text = |at: usize| params[at].as_str().unwrap();
        let wanted = 5 + usize::from(self.mask.is_some());
        if params.len() != wanted {
            return Err(format!("{} parameters, not {wanted}", params.len()));
        }
        let job = self.jobs.get(text(1)).ok_or("no such job")?;
        if text(2).len() != 2 * job.size {
            return Err("an extranonce2 of another length".to_owned());
        }
        let number = |text: &str| -> Result<u32, String> {
            assert_eq!(text.len(), 8, "{text}");
            u32::from_str_radix(text, 16).map_err(|_| format!("{text} is no number"))
        };
        let mut version = 0x2000_0000;
        if let Some(mask) = self.mask {
            let bits = number(text(5))?;
            if bits & !mask != 0 {
                return Err("bits outside the mask".to_owned());
            }
            version = version & !mask | bits;
        }
        let coinbase = hex::decode([BEFORE, &job.extranonce1, text(2), AFTER].concat()).unwrap();
        let root = sha256d(&[&sha256d(&coinbase)[..], &[7; 32]].concat());
        let mut header = [0; 80];
        header[..4].copy_from_slice(&version.to_le_bytes());
        let previous = hex::decode(PREVIOUS).unwrap();
        for (word, bytes) in header[4..36].chunks_exact_mut(4).zip(previous.chunks_exact(4)) {
            word.copy_from_slice(bytes);
            word.reverse();
        }
        header[36..68].copy_from_slice(&root);
        header[68..72].copy_from_slice(&number(text(3))?.to_le_bytes());
        header[72..76].copy_from_slice(&NBITS.to_le_bytes());
        header[76..].copy_from_slice(&number(text(4))?.to_le_bytes());
        if !self.seen.insert(header.to_vec()) {
            return Err("a share for the second time".to_owned());
        }
        let mut hash = sha256d(&header);
        hash.reverse();
        // The top 128 bits are enough to tell in floating point.
        let top = u128::from_be_bytes(hash[..16].try_into().unwrap()) as f64;
        let easiest = 65535.0 * 2f64.powi(208 - 128);
        if top > easiest / job.difficulty * (1.0 + 1e-9) {
            return Err("low difficulty".to_owned());
        }
        self.heard.lock().unwrap().shares.push(Checked {
            job_id: text(1).to_owned(),
            version,
            params: params.to_vec(),
            header,
        });
        Ok(())
    }
}

fn sha256d(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(Sha256::digest(bytes)).to_vec()
}
