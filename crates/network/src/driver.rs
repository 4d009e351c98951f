//! The core, driven over libp2p.
//!
//! *In:* a ledger, addresses, a folder for the node's key. *Out:* a [`Network`]: the ledger keeps up with its peers' until it is
//! stopped.
//!
//! ```text
//!              ┌────────── one task: the swarm and the core ──────────┐
//! sockets ◄───►│ libp2p's events ──► the core's events ──► its actions │──► errands: the ledger's work, on other threads
//!              └───▲──────────────────────────────▲───────────────────┘            │
//!                  │ what the ledger says         └────── what was done ───────────┘
//!                  └── (outbox)
//! ```
//!
//! The task never reads a file and never waits for the ledger: a peer's question costs the other peers nothing but its turn.
//! What is queued is bounded: requests by the core's limits and by 32 substreams a connection, answers by [`ANSWER_BYTES`] in
//! all, own transfers by [`MAX_KEPT`].

mod address;
mod behaviour;
mod book;
mod codec;
mod compact;
mod dialling;
mod errands;
mod key;
mod lines;
mod outbox;
mod task;

use std::{fmt, io, path::PathBuf, sync::Arc};

use paydirt_ledger::{BlockHash, Ledger};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

pub use address::{AddressError, NodeAddress};
pub use behaviour::SwarmError;
pub use book::BOOK_FILE;
pub use errands::ANSWER_BYTES;
pub use key::{KEY_FILE, KeyError};
pub use outbox::MAX_KEPT;

use crate::core::{Address, Core, Limits, Notice, PeerInfo, Settings, SyncState};
use behaviour::Names;
use errands::{Errands, FromPeers};
use outbox::Outbox;
use task::Task;

/// How many questions may wait for the task: those who ask beyond that wait for their turn to ask.
const COMMANDS: usize = 64;
/// The most addresses that a node is given by hand.
const MAX_GIVEN: usize = 1_000;

/// How a node takes part.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where to listen; nowhere, if none is given.
    pub listen: Vec<NodeAddress>,
    /// Whom to be connected to for good.
    pub peers: Vec<NodeAddress>,
    /// Whether to look for nodes in the local network, and to be found there.
    pub discover_lan: bool,
    /// Where the key and the address book are kept; in memory, if nowhere.
    pub folder: Option<PathBuf>,
    /// How much a node has to do with others.
    pub limits: Limits,
}

/// What those who watch a node may want to know, as it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// It listens at one more address.
    Listening(Address),
    /// Somebody has another chain; told once of each node.
    OtherGenesis {
        /// Where it was met.
        address: Address,
        /// Its first block, which names its parameters.
        genesis: BlockHash,
    },
    /// What the core says.
    Core(Notice),
}

/// Who hears of it, on the network's task: it should return quickly.
pub type Listener = Box<dyn Fn(&News) + Send + 'static>;

/// Why a node does not take part.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The swarm.
    #[error(transparent)]
    Swarm(#[from] SwarmError),
    /// An address to listen on.
    #[error("cannot listen for peers on {0}; --listen names another address")]
    Listen(NodeAddress, #[source] io::Error),
}

/// Why an address is not connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GiveError {
    /// There would be too many.
    #[error("a node is given {MAX_GIVEN} addresses at most")]
    TooMany,
    /// It has stopped.
    #[error("the node is stopping")]
    Stopped,
}

/// How a node stands among its peers.
#[derive(Clone, Debug)]
pub struct State {
    /// Where it listens, with its name.
    pub listen: Vec<Address>,
    /// Its peers.
    pub peers: Vec<PeerInfo>,
    /// How far it is.
    pub sync: SyncState,
}

/// What the task is asked.
enum Command {
    State(oneshot::Sender<State>),
    Give(Vec<NodeAddress>, oneshot::Sender<Option<Vec<Address>>>),
    Stop,
}

/// A node's part in the network. Clones share it.
#[derive(Clone)]
pub struct Network {
    identity: Arc<str>,
    commands: mpsc::Sender<Command>,
}

impl Network {
    /// Takes part with `ledger`, within a tokio runtime, until [`Network::stop`] or the end of the runtime. The task ends
    /// after that.
    ///
    /// # Errors
    /// [`NetworkError`] when the key is damaged, or an address cannot be listened on.
    pub async fn start(
        ledger: Arc<Ledger>,
        options: Options,
        listener: Listener,
    ) -> Result<(Self, JoinHandle<()>), NetworkError> {
        let key = key::key(options.folder.as_deref())?;
        let id = key.public().to_peer_id();
        let names = Names::of(&ledger.genesis_hash());
        let mut swarm = behaviour::swarm(key, &names, options.discover_lan)?;
        for address in &options.listen {
            let failed = |error| NetworkError::Listen(address.clone(), error);
            let places = address.resolve().await.map_err(failed)?;
            if places.is_empty() {
                return Err(failed(io::Error::other("the name has no address")));
            }
            for place in places {
                // libp2p shares a port with whoever of the same user listens there already, and each would get some of the peers.
                drop(std::net::TcpListener::bind(place).map_err(failed)?);
                let listening = swarm.listen_on(address::tcp(place));
                listening.map_err(|error| failed(reason(error)))?;
            }
        }
        let given: Vec<_> = options.peers.iter().map(NodeAddress::to_address).collect();
        let settings = Settings {
            given: given.clone(),
            known: book::read(options.folder.as_deref()),
            limits: options.limits,
            seed: random(),
            ..Settings::default()
        };
        let (from_peers, outbox) = (FromPeers::default(), Outbox::default());
        ledger.listen({
            let (from_peers, outbox) = (from_peers.clone(), outbox.clone());
            move |event| outbox.hear(event, &from_peers)
        });
        let (done, was_done) = mpsc::unbounded_channel();
        let errands = Errands::new(Arc::clone(&ledger), from_peers, done);
        let (commands, asked) = mpsc::channel(COMMANDS);
        let clock = task::Clock::new(Arc::clone(&ledger));
        let core = Core::new(settings, &ledger.tree(), clock.now());
        let task = Task::new(
            swarm,
            core,
            clock,
            ledger,
            errands,
            outbox,
            names,
            options.folder,
            listener,
            given.into_iter().collect(),
        );
        let task = tokio::spawn(task.run(was_done, asked));
        let network = Self {
            identity: id.to_string().into(),
            commands,
        };
        Ok((network, task))
    }

    /// The node's name: what its key's public half is called.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// How it stands; `None` once it has stopped.
    pub async fn state(&self) -> Option<State> {
        let (answer, answered) = oneshot::channel();
        self.commands.send(Command::State(answer)).await.ok()?;
        answered.await.ok()
    }

    /// Connects to these for good, too. All that were ever given, this node's own options among them.
    ///
    /// # Errors
    /// [`GiveError`] when there would be too many, or it takes part no more: then none is taken.
    pub async fn give(&self, addresses: Vec<NodeAddress>) -> Result<Vec<Address>, GiveError> {
        let (answer, answered) = oneshot::channel();
        let sent = self.commands.send(Command::Give(addresses, answer)).await;
        sent.map_err(|_| GiveError::Stopped)?;
        let given = answered.await.map_err(|_| GiveError::Stopped)?;
        given.ok_or(GiveError::TooMany)
    }

    /// Says farewell to all peers; its task ends within a second.
    pub async fn stop(&self) {
        let _ = self.commands.send(Command::Stop).await; // it may have stopped
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// Why an address cannot be listened on, as the system says it.
fn reason(error: libp2p::TransportError<io::Error>) -> io::Error {
    match error {
        libp2p::TransportError::Other(error) => error,
        other => io::Error::other(other.to_string()),
    }
}

/// What the standard library seeds its hash tables with.
fn random() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0)
}
