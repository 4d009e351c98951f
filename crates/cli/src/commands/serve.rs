//! `paydirt serve`: the node on a socket, and among its peers.

mod peers;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use clap::Args;
use tokio::{net::TcpListener, sync::oneshot};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{
    options::{
        InputError, MachineArgs,
        doors::DoorArgs,
        given_or,
        ledger::{DataArgs, NetworkArgs},
        parse, time_limit, whole_number,
    },
    terminal::{colour, exit::Exit, interrupt::act_on_interrupt},
};
use paydirt_ledger::{Ledger, Options};
use paydirt_node::{Doors, Limits, Node, Pace, app, keep_mining, server};
use peers::{Joined, PeerArgs, Told};

/// What the teaching servers listen on.
const DEFAULT_PORT: u16 = 5000;
/// Room for a few transfers of the longest names.
const MIN_PENDING_BYTES: usize = 4096;

const EXAMPLES: &str = "\
Examples:
  paydirt serve                 # http://127.0.0.1:5000, in the data directory
  PORT=8080 paydirt serve --memory --bits 20
  # Two nodes of one chain:
  paydirt serve --data a --block-time 10 --mine --listen 127.0.0.1:5333
  paydirt serve --data b --block-time 10 --port 5001 --peer 127.0.0.1:5333
  paydirt serve --data /var/lib/paydirt --block-time 10 \\
    --cors https://example.com --log json
  openssl rand -hex 32 > token; chmod 600 token
  paydirt serve --host 0.0.0.0 --allow-host node.example --token-file token

  curl localhost:5000/mine
  curl localhost:5000/transactions/new -H 'content-type: application/json' \\
       -d '{\"sender\":\"alice\",\"recipient\":\"bob\",\"amount\":5}'
  curl localhost:5000/chain
  minerd -a sha256d -o http://127.0.0.1:5000 -O x:x     # or others with getwork
  open http://localhost:5000/explorer

Ctrl-C and SIGTERM finish what is being written and exit 0; or 3, if the
ledger's file failed meanwhile: GET /status says so, with 503.";

/// Serve the ledger over HTTP
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArgs {
    /// The address to listen on [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    host: Option<String>,
    /// The port to listen on; 0 takes a free one [default: the environment's PAYDIRT_PORT or PORT, or 5000]
    #[arg(long, value_name = "PORT", allow_hyphen_values = true)]
    port: Option<String>,
    /// One log line a request on stderr: text, json or off [default: text]
    #[arg(long, value_name = "FORM")]
    log: Option<String>,
    /// Mine blocks, one after the other
    #[arg(long)]
    mine: bool,
    /// Mine a block each time these seconds have passed
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    mine_interval: Option<String>,
    #[command(flatten)]
    peers: PeerArgs,
    #[command(flatten)]
    doors: DoorArgs,
    #[command(flatten)]
    data: DataArgs,
    /// Keep the ledger in memory only; it is gone when the process ends
    #[arg(long, help_heading = "Ledger")]
    memory: bool,
    #[command(flatten)]
    network: NetworkArgs,
    #[command(flatten)]
    machine: MachineArgs,
    #[command(flatten)]
    limits: LimitArgs,
}

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Limits")]
struct LimitArgs {
    /// Bytes of a request's body [default: 65536]
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true)]
    max_body: Option<String>,
    /// Bytes of a block sent to POST /blocks [default: 16777216]
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true)]
    max_block: Option<String>,
    /// Transactions that may wait for a block [default: 250000]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    max_pending: Option<String>,
    /// Bytes these may take: names in UTF-8 and 20 bytes each [default: 67108864]
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true)]
    max_pending_bytes: Option<String>,
    /// Blocks of the chain that a heavier branch may replace by itself; a deeper one is taken up by POST /switch [default: 100]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    max_reorganisation: Option<String>,
    /// Calls of /mine that may wait for their turn [default: 16]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    max_miners: Option<String>,
    /// Connections open at a time; to let one more in, the one that has waited longest for its client is closed [default: 1024]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    max_connections: Option<String>,
    /// Connections of one address (in IPv6 of a /64), this machine's own excepted [default: a quarter of --max-connections]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    max_connections_per_address: Option<String>,
    /// Seconds a request's body may take to arrive, and a client to take the next piece of an answer [default: 30]
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    request_timeout: Option<String>,
    /// Seconds a request's head may take to arrive, and a connection may be idle [default: 10]
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    header_timeout: Option<String>,
}

impl LimitArgs {
    fn resolve(&self) -> Result<Limits, InputError> {
        let usual = Limits::default();
        let connections = at_least("max-connections", &self.max_connections, 1, usual.connections)?;
        let per_address = &self.max_connections_per_address;
        Ok(Limits {
            body_bytes: at_least("max-body", &self.max_body, 1, usual.body_bytes)?,
            block_bytes: at_least("max-block", &self.max_block, 1, usual.block_bytes)?,
            waiting_miners: at_least("max-miners", &self.max_miners, 0, usual.waiting_miners)?,
            connections,
            connections_per_address: at_least(
                "max-connections-per-address",
                per_address,
                1,
                (connections / 4).max(1),
            )?,
            request_timeout: duration("request-timeout", &self.request_timeout, usual.request_timeout)?,
            header_timeout: duration("header-timeout", &self.header_timeout, usual.header_timeout)?,
        })
    }

    /// What the ledger takes.
    fn ledger(&self) -> Result<Options, InputError> {
        let usual = Options::default();
        let bytes = &self.max_pending_bytes;
        let depth = self.max_reorganisation.as_deref();
        Ok(Options {
            max_pending: at_least("max-pending", &self.max_pending, 1, usual.max_pending)?,
            max_pending_bytes: at_least(
                "max-pending-bytes",
                bytes,
                MIN_PENDING_BYTES,
                usual.max_pending_bytes,
            )?,
            max_reorganisation: depth.map_or(Ok(usual.max_reorganisation), |text| {
                parse("max-reorganisation", text, whole_number)
            })?,
            ..usual
        })
    }
}

/// No limit is higher: what is derived from it must fit the machine's numbers too.
const MOST: usize = u32::MAX as usize;

fn at_least(
    option: &'static str,
    text: &Option<String>,
    least: usize,
    usual: usize,
) -> Result<usize, InputError> {
    let enough = |text: &str| match whole_number::<usize>(text)? {
        few if few < least => Err(format!("too few; give {least} or more")),
        many if many > MOST => Err(format!("too many; give {MOST} at most")),
        number => Ok(number),
    };
    text.as_deref()
        .map_or(Ok(usual), |text| parse(option, text, enough))
}

fn duration(option: &'static str, text: &Option<String>, usual: Duration) -> Result<Duration, InputError> {
    text.as_deref()
        .map_or(Ok(usual), |text| parse(option, text, time_limit))
}

impl ServeArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let host = self.host.as_deref().unwrap_or("127.0.0.1");
        let host: IpAddr = parse("host", host, |host| {
            let host = if host == "localhost" { "127.0.0.1" } else { host };
            host.parse()
                .map_err(|_| "not an IP address; give one such as 127.0.0.1, 0.0.0.0 or ::1")
        })?;
        let port = self.port()?;
        let doors = self.doors.resolve(host)?;
        let limits = self.limits.resolve()?;
        let options = self.limits.ledger()?;
        let peers = self.peers.resolve()?;
        let pace = self.pace()?;
        let network = self.network.resolve()?;
        if let (true, Some(folder)) = (self.memory, &self.data.data) {
            let folder = folder.display().to_string();
            return Err(InputError::value(
                "data",
                &folder,
                "--memory has no use for a folder; give one of the two",
            )
            .into());
        }
        let _log = self.start_log()?;
        for warning in self.doors.warnings(host, &doors) {
            match self.log.as_deref() {
                Some("off") => eprintln!("warning: {warning}"), // it is not about a request
                _ => tracing::warn!("{warning}"),
            }
        }
        let miner = self.machine.miner()?;

        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("node")
            .build()
            .context("cannot start the node's threads")?;
        runtime.block_on(async {
            // Signals first: one that comes while a long chain is verified must end the process in order too.
            let (stop, stopped) = oneshot::channel();
            act_on_interrupt(move || {
                let _ = stop.send(()); // the node may have failed to start
            })?;
            let address = (host, port);
            let listener = TcpListener::bind(address).await;
            let listener = listener
                .with_context(|| format!("cannot listen on {host} port {port}; --port names another"))?;
            let data = self.data.clone();
            let memory = self.memory;
            let opened = tokio::task::spawn_blocking(move || match memory {
                true => Ledger::in_memory_with(&network.unwrap_or_default(), options).map_err(Into::into),
                false => {
                    let ledger = Ledger::open_or_create(&data.folder()?, network.as_ref(), options);
                    ledger.map_err(|error| data.explain(error))
                }
            });
            let ledger = opened.await.context("the ledger could not be opened")??;
            let folder = match memory {
                true => None,
                false => Some(self.data.folder()?),
            };
            let place = folder
                .as_ref()
                .map_or_else(|| "memory".to_owned(), |folder| folder.display().to_string());
            tracing::info!(data = place, "ledger verified");
            let (ledger, told) = (Arc::new(ledger), Told::default());
            let quiet = self.log.as_deref() == Some("off");
            let joining = Joined::start(Arc::clone(&ledger), peers, folder, told.clone(), quiet);
            let (joined, network) = joining.await?;
            let node = Node::with_peers(ledger, miner, limits, Box::new(joined.clone()));
            told.tell(&node);
            if let Some(pace) = pace {
                tokio::spawn(keep_mining(Arc::clone(&node), pace));
            }
            let stopping = async {
                let _ = stopped.await; // the sender waits for the signal, or is gone with its thread
                tracing::info!("stopping");
                node.stop();
                joined.stop().await;
            };
            serve(&node, limits, doors, listener, stopping).await?;
            let _ = network.await; // it has said farewell, or it panicked, which is on stderr
            tracing::info!("stopped");
            match node.ledger().failure() {
                Some(failure) => Err(anyhow::Error::from(failure.clone())),
                None => Ok(()),
            }
        })?;
        // Everyone has gone: the ledger is closed, and everything asked of it is on disk.
        drop(runtime);
        Ok(Exit::Done)
    }

    /// When blocks are mined by themselves.
    fn pace(&self) -> Result<Option<Pace>, InputError> {
        match &self.mine_interval {
            Some(text) => Ok(Some(Pace::Every(parse("mine-interval", text, time_limit)?))),
            None => Ok(self.mine.then_some(Pace::On)),
        }
    }

    fn port(&self) -> Result<u16, InputError> {
        let meaning =
            |text: &str| whole_number(text).map_err(|_| "not a port; give a number from 0 to 65535");
        let given = given_or("port", self.port.as_deref(), "PAYDIRT_PORT");
        // Set to nothing is not set, as for the Express server.
        match given.or_else(|| given_or("port", None, "PORT")) {
            Some((given, text)) => parse(given, &text, meaning),
            None => Ok(DEFAULT_PORT),
        }
    }

    /// Logs go to stderr: stdout is for results, and a node has none. A thread of its own writes them: a log that
    /// nobody reads, or a full disk, loses lines and holds nothing up. They are written until the guard is dropped.
    fn start_log(&self) -> Result<WorkerGuard, InputError> {
        let (writer, guard) = tracing_appender::non_blocking(io::stderr());
        let log = tracing_subscriber::fmt().with_writer(writer).with_target(false);
        // This program's own words: what libraries report of a stranger's connection is nobody's business.
        let own = Targets::new()
            .with_default(LevelFilter::ERROR)
            .with_target("paydirt", LevelFilter::INFO);
        match self.log.as_deref() {
            None | Some("text") => {
                let colours = colour::is_wanted(&io::stderr());
                log.with_ansi(colours).finish().with(own).init();
            }
            Some("json") => log.json().flatten_event(true).finish().with(own).init(),
            Some("off") => {}
            Some(other) => {
                return Err(InputError::value(
                    "log",
                    other,
                    "not a form of log; give text, json or off",
                ));
            }
        }
        Ok(guard)
    }
}

/// Where a browser on this machine finds it.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

async fn serve(
    node: &Arc<Node>,
    limits: Limits,
    doors: Doors,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let ledger = node.ledger();
    let tip = ledger.tip();
    let waiting = ledger.view().pending.len();
    let address = listener.local_addr().context("the listener has no address")?;
    tracing::info!(
        blocks = tip.index,
        tip = %tip.hash,
        waiting,
        network = %ledger.parameters().statement(),
        node_id = ledger.node_id(),
        "the ledger"
    );
    tracing::info!(%address, "listening on http://{address}");
    tracing::info!("the explorer: http://{}/explorer", reachable(address));
    server::serve(listener, app(Arc::clone(node), doors), limits, stop).await;
    Ok(())
}
