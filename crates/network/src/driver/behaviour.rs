//! What libp2p does for a node, set up: who speaks what, and within which limits.
//!
//! *In:* a key, the hash of genesis. *Out:* a [`Swarm`].
//!
//! | part | what for |
//! |---|---|
//! | identify | whether the other's chain begins with the same block, before anything else is said |
//! | request-response | everything that is asked of one peer |
//! | gossipsub | transfers, each passed on after it was judged |
//! | ping | latency, and lines that are dead |
//! | mDNS | nodes nearby, if wanted |
//! | connection limits | strangers that have not even said hello |

use std::time::Duration;

use libp2p::{
    Swarm, SwarmBuilder, connection_limits,
    connection_limits::ConnectionLimits,
    gossipsub, identify,
    identity::Keypair,
    mdns, noise, ping, request_response,
    request_response::ProtocolSupport,
    swarm::{NetworkBehaviour, behaviour::toggle::Toggle},
    tcp, yamux,
};
use paydirt_ledger::BlockHash;
use sha2::{Digest as _, Sha256};

use super::codec::Codec;
use crate::message::MAX_GOSSIP_BYTES;

/// Until a request has no answer, and a response is not taken. The core gives up sooner.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Requests of both directions at a time on one connection; the core asks a peer less than half of that.
pub(super) const MAX_STREAMS: usize = 32;
/// Substreams of one connection, those of gossip, ping and identify among them. Each may have 256 KiB that nobody has read yet.
const MAX_SUBSTREAMS: usize = 64;
/// How often peers are asked whether they are there.
const PING_EVERY: Duration = Duration::from_secs(10);
/// How long they may take to say so.
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a handshake may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Handshakes at a time of those who come.
const MAX_INCOMING: u32 = 64;
/// And of those who are dialled.
const MAX_OUTGOING: u32 = 64;
/// Connections at a time that others made: more than the core keeps, so that it can say farewell.
const MAX_INBOUND: u32 = 96;
/// Connections with one peer: two that dial each other at once have two for a while.
const MAX_PER_PEER: u32 = 4;

/// A chain's names on the wire.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// What identify says; the same for all of one chain.
    pub(super) chain: String,
    pub(super) sync: String,
    pub(super) transfers: gossipsub::IdentTopic,
}

/// What every chain's name begins with.
const FAMILY: &str = "/paydirt/";

impl Names {
    pub(super) fn of(genesis: &BlockHash) -> Self {
        Self {
            chain: format!("{FAMILY}{genesis}"),
            sync: format!("{FAMILY}{genesis}/sync/1"),
            transfers: gossipsub::IdentTopic::new(format!("{FAMILY}{genesis}/transfers/1")),
        }
    }

    /// The genesis in another's name; `None` if it is no node of this kind at all.
    pub(super) fn genesis(chain: &str) -> Option<BlockHash> {
        chain.strip_prefix(FAMILY)?.parse().ok()
    }
}

/// All that runs over a connection.
#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    // First: what is refused should not reach the others.
    limits: connection_limits::Behaviour,
    pub(super) identify: identify::Behaviour,
    pub(super) sync: request_response::Behaviour<Codec>,
    pub(super) gossip: gossipsub::Behaviour,
    ping: ping::Behaviour,
    mdns: Toggle<mdns::tokio::Behaviour>,
}

/// Why there is no swarm.
#[derive(Debug, thiserror::Error)]
pub enum SwarmError {
    /// No handshake can be made of the key.
    #[error("the node's key makes no handshake")]
    Noise(#[from] noise::Error),
    /// Nodes nearby cannot be looked for.
    #[error("cannot look for nodes nearby; leave --discover out")]
    Mdns(#[source] std::io::Error),
}

/// Sets it up. Nothing listens yet.
///
/// # Errors
/// [`SwarmError`] when the system gives no socket for mDNS.
pub(super) fn swarm(key: Keypair, names: &Names, discover_lan: bool) -> Result<Swarm<Behaviour>, SwarmError> {
    let identity = key.public().to_peer_id();
    let mdns = match discover_lan {
        true => {
            Some(mdns::tokio::Behaviour::new(mdns::Config::default(), identity).map_err(SwarmError::Mdns)?)
        }
        false => None,
    };
    let limits = ConnectionLimits::default()
        .with_max_pending_incoming(Some(MAX_INCOMING))
        .with_max_pending_outgoing(Some(MAX_OUTGOING))
        .with_max_established_incoming(Some(MAX_INBOUND))
        .with_max_established_per_peer(Some(MAX_PER_PEER));
    let sync = request_response::Config::default()
        .with_request_timeout(REQUEST_TIMEOUT)
        .with_max_concurrent_streams(MAX_STREAMS);
    let identify = identify::Config::new(names.chain.clone(), key.public())
        .with_agent_version(concat!("paydirt/", env!("CARGO_PKG_VERSION")).to_owned())
        .with_hide_listen_addrs(true)
        .with_cache_size(0);
    let behaviour = Behaviour {
        limits: connection_limits::Behaviour::new(limits),
        identify: identify::Behaviour::new(identify),
        sync: request_response::Behaviour::with_codec(
            Codec,
            [(names.sync.clone(), ProtocolSupport::Full)],
            sync,
        ),
        gossip: gossip(names),
        ping: ping::Behaviour::new(
            ping::Config::new()
                .with_interval(PING_EVERY)
                .with_timeout(PING_TIMEOUT),
        ),
        mdns: mdns.into(),
    };
    let built = SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            noise::Config::new,
            multiplexing,
        )?
        .with_behaviour(|_| behaviour);
    let swarm = match built {
        Ok(builder) => builder
            .with_swarm_config(|config| {
                config
                    .with_idle_connection_timeout(Duration::MAX)
                    .with_max_negotiating_inbound_streams(MAX_STREAMS)
            })
            .with_connection_timeout(CONNECT_TIMEOUT)
            .build(),
        Err(never) => match never {},
    };
    Ok(swarm)
}

fn multiplexing() -> yamux::Config {
    let mut config = yamux::Config::default();
    config.set_max_num_streams(MAX_SUBSTREAMS);
    config
}

/// Messages to all say nothing of who sent them first, and are known by what is in them.
fn gossip(names: &Names) -> gossipsub::Behaviour {
    let config = gossipsub::ConfigBuilder::default()
        .validate_messages()
        .validation_mode(gossipsub::ValidationMode::Anonymous)
        .message_id_fn(|message| gossipsub::MessageId::new(&Sha256::digest(&message.data)))
        .max_transmit_size(MAX_GOSSIP_BYTES)
        .build()
        .expect("the settings agree with each other");
    let mut gossip = gossipsub::Behaviour::new(gossipsub::MessageAuthenticity::Anonymous, config)
        .expect("without names there is nothing to sign");
    gossip
        .subscribe(&names.transfers)
        .expect("nothing filters topics");
    gossip
}
