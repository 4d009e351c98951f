//! The node's part in a network: its options, and what ties `paydirt_network` to `paydirt_node`, which know nothing of each
//! other.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, Weak},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use clap::Args;
use tokio::task::JoinHandle;

use crate::options::{InputError, parse};
use paydirt_ledger::Ledger;
use paydirt_network::{
    core::{self, Notice, Reason, Sync},
    driver::{AddressError, Network, News, NodeAddress, Options},
};
use paydirt_node::{Answer, Direction, Node, Peer, Peers, PeersState, Progress};

/// Whom the node talks to, and who may talk to it.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Peers")]
pub(crate) struct PeerArgs {
    /// Let peers connect here, as in /ip4/0.0.0.0/tcp/5333 or 127.0.0.1:5333; may be given more than once [default: nowhere]
    #[arg(long, value_name = "MULTIADDR")]
    listen: Vec<String>,
    /// Connect to this node for good, as in /ip4/192.0.2.7/tcp/5333 or node.example:5333; may be given more than once
    #[arg(long, value_name = "MULTIADDR")]
    peer: Vec<String>,
    /// Find nodes nearby and be found by them: lan (mDNS)
    #[arg(long, value_name = "WHERE")]
    discover: Option<String>,
}

impl PeerArgs {
    /// What they ask for; `folder` keeps the key and the address book.
    pub(crate) fn resolve(&self) -> Result<Options, InputError> {
        let addresses = |option, texts: &[String], allowed: fn(&NodeAddress) -> bool| {
            let meaning = |text: &str| {
                let address = text.parse::<NodeAddress>().ok().filter(allowed);
                address.ok_or(AddressError)
            };
            let read = |text: &String| parse(option, text, meaning);
            texts.iter().map(read).collect::<Result<Vec<_>, _>>()
        };
        let discover_lan = match self.discover.as_deref() {
            None => false,
            Some("lan") => true,
            Some(other) => {
                let problem = "not a place to look for nodes; give lan";
                return Err(InputError::value("discover", other, problem));
            }
        };
        Ok(Options {
            listen: addresses("listen", &self.listen, |address| address.identity().is_none())?,
            peers: addresses("peer", &self.peer, |address| address.port() > 0)?,
            discover_lan,
            ..Options::default()
        })
    }
}

/// The node to be told of peers; until there is one, what it is to be told: the network begins before it.
#[derive(Clone, Debug, Default)]
pub(super) struct Told(Arc<Mutex<Listening>>);

#[derive(Debug, Default)]
struct Listening {
    node: Option<Weak<Node>>,
    before: Vec<PeerNews>,
}

/// A peer's id and address, and why it left.
type PeerNews = (String, String, Option<String>);

impl Told {
    /// All of it, from now on.
    pub(super) fn tell(&self, node: &Arc<Node>) {
        let mut listening = self.0.lock().expect("nothing panics while it is held");
        listening.node = Some(Arc::downgrade(node));
        for (id, address, left) in listening.before.drain(..) {
            node.tell_of_peer(&id, &address, left.as_deref());
        }
    }

    fn of_peer(&self, id: &str, address: &str, left: Option<&Reason>) {
        let left = left.map(ToString::to_string);
        let mut listening = self.0.lock().expect("nothing panics while it is held");
        match &listening.node {
            None => listening.before.push((id.to_owned(), address.to_owned(), left)),
            Some(node) => {
                if let Some(node) = node.upgrade() {
                    node.tell_of_peer(id, address, left.as_deref());
                }
            }
        }
    }

    /// Logs it and passes it on. Without a log, a warning goes to stderr: it is not about a request.
    fn hear(&self, news: &News, quiet: bool) {
        let warn = |warning: String| match quiet {
            true => eprintln!("warning: {warning}"),
            false => tracing::warn!("{warning}"),
        };
        match news {
            News::Listening(address) => tracing::info!("listening for peers on {address}"),
            News::OtherGenesis { address, genesis } => warn(format!(
                "the node at {address} has another genesis block, {genesis}: its chain has other parameters, and it is no peer"
            )),
            News::Core(Notice::Joined {
                identity,
                address,
                direction,
                version,
                newest,
            }) => {
                if newest > version {
                    tracing::info!(id = %identity, newest, "a peer speaks a newer version; {version} is used with it");
                }
                tracing::info!(id = %identity, %address, direction = direction_of(*direction).name(), "peer joined");
                self.of_peer(identity, address, None);
            }
            News::Core(Notice::Left {
                identity,
                address,
                reason,
            }) => {
                tracing::info!(id = %identity, %address, %reason, "peer left");
                self.of_peer(identity, address, Some(reason));
            }
            News::Core(Notice::TurnedAway { address, reason }) => {
                tracing::info!(%address, %reason, "not a peer");
            }
            News::Core(Notice::TooDeep { hash, depth, most }) => warn(format!(
                "the branch that ends in {hash} has more work, but leaves this node's chain {depth} blocks below the tip; \
                 more than {most} are given up by hand alone: POST /switch takes it up"
            )),
        }
    }
}

fn direction_of(direction: core::Direction) -> Direction {
    match direction {
        core::Direction::Inbound => Direction::Inbound,
        core::Direction::Outbound => Direction::Outbound,
    }
}

/// A network, as the node asks it.
#[derive(Clone, Debug)]
pub(super) struct Joined {
    network: Network,
    /// When it began, in seconds since 1970.
    began_s: u64,
}

impl Joined {
    /// Takes part with `ledger`. `quiet`: nothing is logged.
    pub(super) async fn start(
        ledger: Arc<Ledger>,
        options: Options,
        folder: Option<PathBuf>,
        told: Told,
        quiet: bool,
    ) -> anyhow::Result<(Self, JoinHandle<()>)> {
        let options = Options { folder, ..options };
        let listener = Box::new(move |news: &News| told.hear(news, quiet));
        let started = Network::start(ledger, options, listener).await;
        let (network, task) = started.context("cannot take part in a network")?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let began_s = since.map_or(0, |since| since.as_secs());
        Ok((Self { network, began_s }, task))
    }

    /// Says farewell to all peers.
    pub(super) async fn stop(&self) {
        self.network.stop().await;
    }
}

impl Peers for Joined {
    fn state(&self) -> Answer<'_, Option<PeersState>> {
        Box::pin(async {
            let state = self.network.state().await?;
            let peers = state.peers.iter().filter_map(|peer| {
                let tip = peer.tip?;
                Some(Peer {
                    id: peer.identity.to_string(),
                    address: peer.address.to_string(),
                    direction: direction_of(peer.direction),
                    height: tip.index,
                    work: tip.work,
                    latency: peer.latency,
                    since_s: self.began_s + peer.since.as_secs(),
                    score: peer.score,
                })
            });
            Some(PeersState {
                id: Some(self.network.identity().to_owned()),
                listen: state.listen.iter().map(ToString::to_string).collect(),
                peers: peers.collect(),
                progress: match state.sync.sync {
                    Sync::Alone => Progress::Alone,
                    Sync::Syncing => Progress::Syncing,
                    Sync::Synced => Progress::Synced,
                },
                best: Some((state.sync.best_index, state.sync.best_work)),
            })
        })
    }

    fn register(&self, nodes: Vec<String>) -> Answer<'_, Result<Vec<String>, String>> {
        Box::pin(async move {
            let read = |text: &String| {
                let address = text
                    .parse::<NodeAddress>()
                    .ok()
                    .filter(|address| address.port() > 0);
                address.ok_or_else(|| {
                    let shown: String = text.chars().take(80).collect();
                    format!("Invalid values: nodes: {shown:?} is {AddressError}")
                })
            };
            let addresses = nodes.iter().map(read).collect::<Result<_, _>>()?;
            let given = self
                .network
                .give(addresses)
                .await
                .map_err(|error| error.to_string())?;
            Ok(given.iter().map(ToString::to_string).collect())
        })
    }
}
