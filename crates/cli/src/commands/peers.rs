//! `paydirt peers`: who a running node is connected with.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use clap::Args;
use serde::{Deserialize, Serialize};
use ureq::{Agent, http::Uri};

use crate::{
    options::InputError,
    render::numbers::thousands,
    terminal::{exit::Exit, output},
};

/// The name and the version of the JSON.
const SCHEMA: &str = "paydirt.peers/1";
/// Where a node is unless told otherwise.
const DEFAULT_URL: &str = "http://127.0.0.1:5000";
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// No answer is longer.
const MOST_BYTES: u64 = 4 << 20;
/// How many characters of a name are shown: the last, which differ.
const SHOWN_OF_A_NAME: usize = 8;

const EXAMPLES: &str = "\
Examples:
  paydirt peers              # of the node at http://127.0.0.1:5000
  paydirt peers http://127.0.0.1:5001
  paydirt peers --json | jq -r '.peers[].address'";

/// List the peers of a running node
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PeersArgs {
    /// The node: what paydirt serve says that it listens on [default: http://127.0.0.1:5000]
    #[arg(value_name = "URL")]
    url: Option<String>,
    /// Print one JSON object (schema paydirt.peers/1)
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// What `GET /peers` answers.
#[derive(Debug, Deserialize, Serialize)]
struct Answer {
    id: Option<String>,
    listen: Vec<String>,
    peers: Vec<Peer>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Peer {
    id: String,
    address: String,
    direction: String,
    height: u64,
    work: String,
    latency_ms: Option<f64>,
    since: u64,
    score: u32,
}

impl PeersArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let text = self.url.as_deref().unwrap_or(DEFAULT_URL);
        let url = url(text)?;
        let config = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .build();
        let asked = Agent::from(config).get(&url).call();
        let mut answered = asked.with_context(|| format!("no node answers at {text}"))?;
        let status = answered.status();
        let answer: Answer = answered
            .body_mut()
            .with_config()
            .limit(MOST_BYTES)
            .read_json()
            .with_context(|| format!("what answers at {text} (status {status}) is no paydirt node"))?;
        output::result(self.json, SCHEMA, &answer, readable)?;
        Ok(Exit::Done)
    }
}

/// Where the peers are asked for.
fn url(text: &str) -> Result<String, InputError> {
    let problem = "not the address of a node; give one such as http://127.0.0.1:5000";
    let wrong = || InputError::value("URL", text, problem);
    let base: Uri = text.parse().map_err(|_| wrong())?;
    let is_plain = base.scheme_str() == Some("http") && base.query().is_none();
    match base.authority() {
        Some(authority) if is_plain && !authority.host().is_empty() => Ok(format!(
            "http://{authority}{}/peers",
            base.path().trim_end_matches('/')
        )),
        _ => Err(wrong()),
    }
}

fn readable(answer: &Answer) -> String {
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH);
    let now_s = now_s.map_or(0, |since| since.as_secs());
    let mut text = match &answer.id {
        Some(id) => format!("node       {id}\n"),
        None => "node       it takes part in no network\n".to_owned(),
    };
    for address in &answer.listen {
        // Its name stands above.
        let place = address.split("/p2p/").next().unwrap_or(address);
        text.push_str(&format!("listens on {place}\n"));
    }
    if answer.peers.is_empty() {
        text.push_str("no peers\n");
        return text;
    }
    text.push_str(&format!(
        "\n{:8}  {:3}  {:>10}  {:>9}  {:>5}  {:>9}  address\n",
        "peer", "", "height", "latency", "score", "connected"
    ));
    for peer in &answer.peers {
        let latency = peer
            .latency_ms
            .map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1} ms"));
        text.push_str(&format!(
            "{:8}  {:3}  {:>10}  {latency:>9}  {:>5}  {:>9}  {}\n",
            end(&peer.id),
            if peer.direction == "outbound" { "out" } else { "in" },
            thousands(peer.height),
            peer.score,
            long(now_s.saturating_sub(peer.since)),
            peer.address.split("/p2p/").next().unwrap_or(&peer.address),
        ));
    }
    text
}

/// The last characters of a name.
fn end(name: &str) -> String {
    let skipped = name.chars().count().saturating_sub(SHOWN_OF_A_NAME);
    name.chars().skip(skipped).collect()
}

/// How long, in its largest unit.
fn long(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_asked_where_it_is() {
        for (text, asked) in [
            ("http://127.0.0.1:5000", "http://127.0.0.1:5000/peers"),
            ("http://node.example/", "http://node.example/peers"),
            (
                "http://node.example/paydirt/",
                "http://node.example/paydirt/peers",
            ),
        ] {
            assert_eq!(url(text).unwrap(), asked);
        }
        for text in [
            "",
            "127.0.0.1:5000",
            "https://node.example",
            "ftp://x",
            "http://",
            "http://x?y",
            "/peers",
        ] {
            assert!(url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_have_one_unit() {
        for (seconds, text) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7_200, "2 h"),
            (400_000, "4 d"),
        ] {
            assert_eq!(long(seconds), text);
        }
    }
}
