//! A node on a socket of this machine, and a client that says exactly what it is told to.

#![allow(dead_code)] // each test binary uses a part

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use paydirt::{Kernel, Miner};
use paydirt_ledger::{ChainParameters, Ledger};
use paydirt_node::{Doors, Limits, Node, app, server};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::description::described;

pub struct Served {
    pub node: Arc<Node>,
    pub address: SocketAddr,
}

pub struct Answer {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub text: String,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

impl Served {
    pub async fn start(network: &ChainParameters, doors: Doors) -> Self {
        let ledger = Ledger::in_memory(network).unwrap();
        let miner = Miner::with_threads(2, Kernel::auto()).unwrap();
        let node = Node::new(ledger, miner, Limits::default());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = app(Arc::clone(&node), doors);
        tokio::spawn(server::serve(
            listener,
            app,
            Limits::default(),
            std::future::pending(),
        ));
        Self { node, address }
    }

    pub async fn connect(&self) -> Connection {
        Connection(BufReader::new(TcpStream::connect(self.address).await.unwrap()))
    }

    /// One call through a connection of its own: headers as lines, the body as it is.
    pub async fn ask(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        self.connect().await.ask(method, path, headers, body).await
    }
}

pub struct Connection(BufReader<TcpStream>);

impl Connection {
    pub async fn send(&mut self, method: &str, path: &str, headers: &[&str], body: &str) {
        let mut request = format!("{method} {path} HTTP/1.1\r\nContent-Length: {}\r\n", body.len());
        for header in headers {
            request += header;
            request += "\r\n";
        }
        request += "\r\n";
        request += body;
        self.0.write_all(request.as_bytes()).await.unwrap();
    }

    /// The answer to a call, held against the node's description if it is JSON.
    pub async fn ask(&mut self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        self.send(method, path, headers, body).await;
        let answer = self.answer(method == "HEAD").await;
        if answer.header("content-type") == Some("application/json") && !answer.text.is_empty() {
            described(method, path, answer.status, &answer.json());
        }
        answer
    }

    /// The next answer of the connection.
    pub async fn answer(&mut self, head_only: bool) -> Answer {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            let length = self.0.read_line(&mut line).await.unwrap();
            assert!(length > 0, "the connection ended: {head:?}");
            match line.trim_end() {
                "" => break,
                line => head.push(line.to_owned()),
            }
        }
        let status = head[0].split(' ').nth(1).unwrap().parse().unwrap();
        let pairs = head[1..].iter().map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), value.to_owned())
        });
        let headers: HashMap<_, _> = pairs.collect();
        let length = match headers.get("content-length") {
            Some(length) if !head_only => length.parse().unwrap(),
            _ => 0,
        };
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        let text = String::from_utf8(body).unwrap();
        Answer {
            status,
            headers,
            text,
        }
    }
}
