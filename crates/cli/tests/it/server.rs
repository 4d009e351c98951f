//! A server in a process of its own, and a client that remembers what it was told.

#![allow(dead_code)] // each test binary uses a part

use std::{
    collections::HashSet,
    io::{BufRead as _, BufReader, Read as _},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

use serde_json::{Value, json};

use crate::common::{self, command};

pub struct Server {
    child: Child,
    pub address: SocketAddr,
    log: Option<JoinHandle<()>>,
    said: Arc<Mutex<String>>,
    agent: ureq::Agent,
}

pub fn transfer(amount: u64) -> Value {
    json!({"sender": "alice", "recipient": "bob", "amount": amount})
}

impl Server {
    pub fn start(options: impl AsRef<str>) -> Self {
        Self::start_with(options.as_ref(), &[])
    }

    /// Starts it on a free port (unless PORT is among `env`) and waits until it listens.
    pub fn start_with(options: &str, env: &[(&str, &str)]) -> Self {
        let quiet = options.contains("--log off");
        let port = env
            .iter()
            .find(|(name, _)| *name == "PORT")
            .map(|(_, port)| port.parse::<u16>().unwrap());
        let port = match (port, quiet) {
            (Some(port), _) => port,
            // A quiet server does not say which port it took.
            (None, true) => std::net::TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port(),
            (None, false) => 0,
        };
        Self::spawn(command(format!("serve {options}")), port, quiet)
    }

    /// Starts it where no file may have more than so many kilobytes: further on, the disk is full.
    pub fn start_on_a_small_disk(options: &str, kilobytes: u32) -> Self {
        let line = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", kilobytes * 2);
        let paydirt = command(format!("serve {options}"));
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(line)
            .arg(paydirt.get_program())
            .args(paydirt.get_args());
        Self::spawn(command, 0, false)
    }

    fn spawn(mut command: Command, port: u16, quiet: bool) -> Self {
        command.env("PORT", port.to_string()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let (sender, receiver) = mpsc::channel();
        let said = Arc::<Mutex<String>>::default();
        let saying = Arc::clone(&said);
        let log = std::thread::spawn(move || {
            let mut reader = BufReader::new(stderr);
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap_or(0) > 0 {
                if let Some((_, rest)) = line.split_once("listening on http://") {
                    let end = rest
                        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':')
                        .unwrap_or(rest.len());
                    let _ = sender.send(rest[..end].trim_end_matches(':').parse().unwrap());
                }
                saying.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        let address = match quiet {
            true => SocketAddr::from(([127, 0, 0, 1], port)),
            false => receiver.recv().expect("it says where it listens"),
        };
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        let mut server = Self {
            child,
            address,
            log: Some(log),
            said,
            agent: config.into(),
        };
        while quiet && TcpStream::connect(address).is_err() {
            assert!(server.child.try_wait().unwrap().is_none(), "it has ended");
            std::thread::sleep(Duration::from_millis(2));
        }
        server
    }

    pub fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn try_get(&self, path: &str) -> Option<(u16, Value)> {
        let mut answer = self.agent.get(self.url(path)).call().ok()?;
        let status = answer.status().as_u16();
        let mut text = String::new();
        answer.body_mut().as_reader().read_to_string(&mut text).ok()?;
        Some((status, serde_json::from_str(&text).ok()?))
    }

    /// What is answered, whatever it is.
    pub fn text(&self, path: &str) -> String {
        let mut answer = self.agent.get(self.url(path)).call().unwrap();
        answer.body_mut().read_to_string().unwrap()
    }

    pub fn get(&self, path: &str) -> (u16, Value) {
        self.try_get(path).expect("an answer")
    }

    pub fn try_post(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        let mut answer = self.agent.post(self.url(path)).send_json(body).ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.body_mut().read_json().ok()?))
    }

    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.try_post(path, body).expect("an answer")
    }

    /// Asks again until it is so, for a minute at most.
    #[track_caller]
    pub fn until(&self, so: impl Fn() -> bool) {
        for _ in 0..12_000 {
            if so() {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("it never came to be so");
    }

    /// Sends a signal, waits for the end; the exit code and everything on stderr.
    pub fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        common::signal(&self.child, signal);
        let status = self.child.wait().unwrap();
        self.log.take().unwrap().join().unwrap();
        (status.code(), self.said())
    }

    /// What stands on stderr so far.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a server has acknowledged: it must never be without it again.
#[derive(Debug, Default)]
pub struct Acknowledged {
    pub transactions: HashSet<String>,
    pub blocks: HashSet<String>,
}

impl Acknowledged {
    /// Sends transactions and mines on several connections; meanwhile, after `wait`, the server is killed (SIGKILL).
    pub fn load_and_kill(&mut self, server: &Server, round: u32, wait: Duration) {
        let number = AtomicU64::new(0);
        let told = Mutex::new((Vec::new(), Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    loop {
                        let n = number.fetch_add(1, Ordering::Relaxed);
                        let body =
                            json!({"sender": format!("round {round}"), "recipient": "bob", "amount": n + 1});
                        let Some((status, answer)) = server.try_post("/transactions/new", &body) else {
                            break; // it is dead
                        };
                        assert_eq!(status, 201, "{answer}");
                        let id = answer["id"].as_str().unwrap().to_owned();
                        told.lock().unwrap().0.push(id);
                    }
                });
            }
            scope.spawn(|| {
                while let Some((status, answer)) = server.try_get("/mine") {
                    assert_eq!(status, 200, "{answer}");
                    let hash = answer["hash"].as_str().unwrap().to_owned();
                    told.lock().unwrap().1.push(hash);
                }
            });
            std::thread::sleep(wait);
            common::signal(&server.child, "KILL");
        });
        let (transactions, blocks) = told.into_inner().unwrap();
        self.transactions.extend(transactions);
        self.blocks.extend(blocks);
    }

    /// Asserts that all of it is there.
    pub fn check(&self, server: &Server, round: u32) {
        let (_, chain) = server.get("/chain");
        let chain = chain["chain"].as_array().unwrap();
        let hashes: HashSet<_> = chain
            .iter()
            .map(|block| block["hash"].as_str().unwrap())
            .collect();
        for block in &self.blocks {
            assert!(
                hashes.contains(block.as_str()),
                "round {round}: block {block} is gone"
            );
        }
        let mut there = HashSet::new();
        for block in chain {
            for transaction in block["transactions"].as_array().unwrap() {
                let parsed =
                    paydirt_ledger::TransactionRecord::parse(transaction.to_string().as_bytes()).unwrap();
                there.insert(parsed.id().to_string());
            }
        }
        let mut from = 0;
        loop {
            let (_, page) = server.get(&format!("/transactions/pending?from={from}"));
            let waiting = page["transactions"].as_array().unwrap();
            there.extend(waiting.iter().map(|t| t["id"].as_str().unwrap().to_owned()));
            from += waiting.len();
            if waiting.is_empty() {
                break;
            }
        }
        for id in &self.transactions {
            assert!(there.contains(id), "round {round}: transaction {id} is gone");
        }
    }
}
