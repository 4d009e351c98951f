//! The event loop of a simulated network.
//!
//! *In:* a [`Setup`]. *Out:* a [`Report`]. Events happen in the order of their times, and those of one time in the order in
//! which they were made: nothing else decides, so a seed names a run.

mod connections;
mod ledger;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    sync::Arc,
    time::Duration,
};

use paydirt_ledger::{Added, GENESIS_TIME_S};
use paydirt_network::{
    core::{
        Action, Address, BookEntry, Core, Direction, Errand, Event, Judgement, Limits, Now, Origin, Peer,
        Rebuilt, RequestId, Settings, Wanted,
    },
    message::{CompactBlock, MAX_BLOCKS_BYTES, Request, Response, VERSIONS},
};

use crate::{
    chain::{Arena, BlockId, Held, View},
    hostile::{FORGED, Hostility},
    links::Links,
    node::{Link, Node},
    report::Report,
};

/// Seconds since 1970 when a run begins.
const BEGINS_S: u64 = GENESIS_TIME_S as u64 + 86_400;
/// What the ledger takes to judge a block, beside a microsecond for each 100 bytes.
const JUDGING_US: u64 = 500;
/// What a node takes to find a block in its file.
const READING_US: u64 = 500;
/// How long an address that nobody answers takes to fail.
const DIAL_FAILS_US: u64 = 3_000_000;
/// How often hostile nodes send what nobody asked for.
const SPAM_EVERY_US: u64 = 500_000;

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Nodes, hostile ones among them.
    pub nodes: usize,
    /// How many of them are hostile: all kinds in turn.
    pub hostile: usize,
    /// Addresses that each node begins with.
    pub addresses: usize,
    /// Seconds between blocks, on average.
    pub block_interval_s: f64,
    /// Bytes of each block.
    pub block_bytes: u64,
    /// Whether blocks go in their compact form: 6 bytes of 100, all transfers waiting at the other already.
    pub compact: bool,
    /// What links are like.
    pub links: Links,
    /// What each core keeps to.
    pub limits: Limits,
    /// What everything random comes from.
    pub seed: u64,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            nodes: 100,
            hostile: 0,
            addresses: 64,
            block_interval_s: 10.0,
            block_bytes: 10_000,
            compact: true,
            links: Links::World2019,
            limits: Limits::default(),
            seed: 0,
        }
    }
}

/// What will happen.
#[derive(Debug)]
enum What {
    Deliver {
        node: usize,
        event: Event,
    },
    /// A connection is there.
    Connect {
        from: usize,
        to: usize,
        address: Address,
    },
    Wake {
        node: usize,
    },
    Judge {
        node: usize,
        errand: Errand,
        blocks: Vec<(BlockId, bool)>,
    },
    Serve {
        node: usize,
        peer: Peer,
        id: RequestId,
        wanted: Wanted,
    },
    Mine {
        round: u64,
    },
    Spam {
        node: usize,
    },
}

/// A network of nodes.
#[derive(Debug)]
pub struct World {
    setup: Setup,
    now_us: u64,
    made: u64,
    queue: BinaryHeap<Reverse<(u64, u64, usize)>>,
    /// What the queue's numbers stand for, and which of them are free.
    events: Vec<Option<What>>,
    free: Vec<usize>,
    random: fastrand::Rng,
    arena: Arena,
    nodes: Vec<Node>,
    is_cut: bool,
    /// Which mining goes on: another number stops it.
    mining: u64,
    next_peer: u64,
    at_once: VecDeque<(usize, Event)>,
    report: Report,
}

impl World {
    /// A network whose nodes have just been started.
    pub fn new(setup: Setup) -> Self {
        let mut random = fastrand::Rng::with_seed(setup.seed);
        let count = setup.nodes;
        let arena = Arena::new();
        let nodes = (0..count)
            .map(|number| {
                let hostile = number >= count - setup.hostile;
                let kinds = Hostility::ALL;
                let mut known: Vec<_> = (0..setup.addresses).map(|_| random.usize(0..count)).collect();
                // Whoever knows hostile nodes alone is lost: each knows the next honest one.
                let honest = (count - setup.hostile).max(1);
                known.push((number + 1) % honest);
                known.sort_unstable();
                known.dedup();
                let entry = |node: usize| BookEntry {
                    address: address_of(node).to_string(),
                    answered: false,
                    failures: 0,
                };
                Node {
                    core: None,
                    began_us: 0,
                    held: Held::new(),
                    hostility: hostile.then(|| kinds[number % kinds.len()]),
                    place: setup.links.place(&mut random),
                    links: std::collections::HashMap::new(),
                    upstream_free_us: 0,
                    wakes_at_us: u64::MAX,
                    book: known
                        .into_iter()
                        .filter(|node| *node != number)
                        .map(entry)
                        .collect(),
                    side: number % 2 == 1,
                }
            })
            .collect();
        let report = Report::new(&setup);
        let mut world = Self {
            setup,
            now_us: 0,
            made: 0,
            queue: BinaryHeap::new(),
            events: Vec::new(),
            free: Vec::new(),
            random,
            arena,
            nodes,
            is_cut: false,
            mining: 0,
            next_peer: 0,
            at_once: VecDeque::new(),
            report,
        };
        for node in 0..count {
            world.start(node);
            if world.nodes[node].hostility.is_some() {
                world.later(SPAM_EVERY_US, What::Spam { node });
            }
        }
        world
    }

    /// How much simulated time has passed.
    pub fn now(&self) -> Duration {
        Duration::from_micros(self.now_us)
    }

    /// Blocks mined so far.
    pub fn blocks(&self) -> usize {
        self.arena.len() - 1
    }

    /// Lets time pass.
    pub fn run_for(&mut self, time: Duration) {
        let end = self.now_us + u64::try_from(time.as_micros()).expect("runs are shorter");
        self.run_while(end, |_| true);
        self.now_us = end;
    }

    /// Mines until so many more blocks were found.
    pub fn mine(&mut self, blocks: usize) {
        let until = self.blocks() + blocks;
        self.mining += 1;
        self.next_block();
        self.run_while(u64::MAX, |world| world.blocks() < until);
        self.mining += 1;
    }

    /// Lets time pass until all honest nodes that run have the best tip of them; when that was, or `None` after `most`.
    pub fn until_agreed(&mut self, most: Duration) -> Option<Duration> {
        let (began, step) = (self.now(), Duration::from_millis(500));
        while !self.is_agreed() {
            if self.now() - began >= most {
                return None;
            }
            self.run_for(step);
        }
        Some(self.now() - began)
    }

    /// Whether all honest nodes that run have the tip with the most work of them all, or one with as much.
    pub fn is_agreed(&self) -> bool {
        let running = self
            .nodes
            .iter()
            .filter(|node| node.is_honest() && node.core.is_some());
        let works: Vec<_> = running
            .map(|node| self.arena.get(node.held.tip()).point.work)
            .collect();
        works.windows(2).all(|pair| pair[0] == pair[1])
    }

    /// Cuts the network in two halves, or joins them.
    pub fn set_cut(&mut self, is_cut: bool) {
        self.is_cut = is_cut;
        if is_cut {
            for node in 0..self.nodes.len() {
                let across: Vec<_> = self.nodes[node]
                    .links
                    .iter()
                    .map(|(peer, link)| (*peer, link.node))
                    .collect();
                let side = self.nodes[node].side;
                let across: Vec<_> = across
                    .into_iter()
                    .filter(|(_, to)| self.nodes[*to].side != side)
                    .collect();
                let mut across: Vec<_> = across.into_iter().map(|(peer, _)| peer).collect();
                across.sort_unstable();
                for peer in across {
                    self.unlink(node, peer);
                }
            }
            self.settle();
        }
    }

    /// Kills a node: it loses all but its blocks and its address book.
    pub fn kill(&mut self, node: usize) {
        let mut peers: Vec<_> = self.nodes[node].links.keys().copied().collect();
        peers.sort_unstable();
        for peer in peers {
            self.unlink(node, peer);
        }
        if let Some(core) = self.nodes[node].core.take() {
            self.nodes[node].book = core.address_book();
        }
        self.at_once.retain(|(of, _)| *of != node);
        self.settle();
    }

    /// Starts a node that is down.
    pub fn start(&mut self, node: usize) {
        let settings = Settings {
            given: Vec::new(),
            known: self.nodes[node].book.clone(),
            limits: self.setup.limits,
            versions: VERSIONS,
            seed: self.random.u64(..),
        };
        self.nodes[node].began_us = self.now_us;
        let now = self.time_of(node);
        let at = &mut self.nodes[node];
        let view = View {
            arena: &self.arena,
            held: &at.held,
        };
        let core = Core::new(settings, &view, now);
        self.nodes[node].core = Some(core);
        self.nodes[node].wakes_at_us = u64::MAX;
        self.handle(node, Event::Listening(vec![address_of(node)]));
        self.settle();
    }

    /// Where each node stands, and with whom it is connected: for those who look into a run.
    pub fn describe(&self) -> String {
        let mut text = String::new();
        for (number, node) in self.nodes.iter().enumerate() {
            let mut links: Vec<_> = node.links.values().map(|link| link.node).collect();
            links.sort_unstable();
            let kind = node
                .hostility
                .map_or("honest".to_owned(), |kind| format!("{kind:?}"));
            let index = self.arena.get(node.held.tip()).point.index;
            let book = node.core.as_ref().map(Core::address_book);
            text += &format!("\n{number} {kind}: block {index}, linked with {links:?}, knows {book:?}");
        }
        text
    }

    /// Nodes, by number.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Whether a node is down.
    pub fn is_down(&self, node: usize) -> bool {
        self.nodes[node].core.is_none()
    }

    /// What happened.
    pub fn report(&self) -> Report {
        let honest = self
            .nodes
            .iter()
            .filter(|node| node.is_honest() && node.core.is_some());
        let best = honest
            .map(|node| self.arena.get(node.held.tip()).point.index)
            .max();
        let mut report = self.report.clone();
        report.chain_length = best.unwrap_or(1);
        report.simulated = self.now();
        let hostile_links = |node: &Node| {
            let hostile = node
                .links
                .values()
                .filter(|link| !self.nodes[link.node].is_honest());
            hostile.count()
        };
        let honest = self.nodes.iter().filter(|node| node.is_honest());
        report.links_to_hostile = honest.map(hostile_links).sum();
        report.links = self.nodes.iter().map(|node| node.links.len()).sum::<usize>() / 2;
        report
    }

    fn run_while(&mut self, end_us: u64, go_on: impl Fn(&Self) -> bool) {
        while go_on(self) {
            let Some(Reverse((at, _, _))) = self.queue.peek() else {
                break;
            };
            if *at > end_us {
                break;
            }
            let Some(Reverse((at, _, slot))) = self.queue.pop() else {
                break;
            };
            self.now_us = at;
            let what = self.events[slot].take().expect("each slot is used once");
            self.free.push(slot);
            self.report.events += 1;
            self.happen(what);
            self.settle();
        }
    }

    fn later(&mut self, wait_us: u64, what: What) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.events[slot] = Some(what);
                slot
            }
            None => {
                self.events.push(Some(what));
                self.events.len() - 1
            }
        };
        self.made += 1;
        self.queue.push(Reverse((self.now_us + wait_us, self.made, slot)));
    }

    fn happen(&mut self, what: What) {
        match what {
            What::Deliver { node, event } => self.handle(node, event),
            What::Connect { from, to, address } => self.connect(from, to, address),
            What::Wake { node } => {
                if self.nodes[node].wakes_at_us <= self.now_us {
                    self.nodes[node].wakes_at_us = u64::MAX;
                    self.handle(node, Event::Woken);
                }
            }
            What::Judge { node, errand, blocks } => self.judge(node, errand, &blocks),
            What::Serve {
                node,
                peer,
                id,
                wanted,
            } => self.serve(node, peer, id, wanted),
            What::Mine { round } => {
                if round == self.mining {
                    self.find_block();
                    self.next_block();
                }
            }
            What::Spam { node } => self.spam(node),
        }
    }

    fn time_of(&self, node: usize) -> Now {
        let since_start = Duration::from_micros(self.now_us - self.nodes[node].began_us);
        Now {
            since_start,
            unix_s: BEGINS_S + self.now_us / 1_000_000,
        }
    }

    /// Events that take no time.
    fn settle(&mut self) {
        while let Some((node, event)) = self.at_once.pop_front() {
            self.handle(node, event);
        }
    }

    fn handle(&mut self, number: usize, event: Event) {
        if let Event::Answered { peer, .. } | Event::Asked { peer, .. } = &event
            && !self.nodes[number].links.contains_key(peer)
        {
            return; // the connection was lost meanwhile
        }
        if let Event::Disconnected(peer) = &event {
            self.nodes[number].links.remove(peer);
        }
        let now = self.time_of(number);
        let node = &mut self.nodes[number];
        let Some(core) = &mut node.core else { return };
        let view = View {
            arena: &self.arena,
            held: &node.held,
        };
        core.handle(now, &view, event);
        while let Some(action) = self.nodes[number].core.as_mut().and_then(Core::next_action) {
            self.act(number, action);
        }
        let node = &mut self.nodes[number];
        if let Some(at) = node.core.as_ref().and_then(Core::wake_at) {
            let at = node.began_us + u64::try_from(at.as_micros()).expect("runs are shorter");
            if at < node.wakes_at_us {
                node.wakes_at_us = at;
                let wait = at.saturating_sub(self.now_us);
                self.later(wait, What::Wake { node: number });
            }
        }
    }

    fn act(&mut self, node: usize, action: Action) {
        let hostility = self.nodes[node].hostility;
        match action {
            Action::Dial(address) => self.dial(node, address),
            Action::Disconnect(peer) => self.unlink(node, peer),
            Action::Ask { peer, id, request } => {
                let request = match hostility {
                    Some(hostility) => hostility.request(request),
                    None => Some(request),
                };
                if let Some(request) = request {
                    let bytes = bytes_of_request(&request);
                    self.send(node, peer, bytes, |peer| Event::Asked { peer, id, request });
                }
            }
            Action::Answer { peer, id, response } => self.answer(node, peer, id, response),
            Action::Serve { peer, id, wanted } => {
                self.later(
                    READING_US,
                    What::Serve {
                        node,
                        peer,
                        id,
                        wanted,
                    },
                );
            }
            Action::Judge { errand, blocks } => {
                let bytes = self.setup.block_bytes * blocks.len() as u64;
                let known = |hash| self.arena.id(&hash).expect("only mined blocks have headers");
                let blocks: Vec<_> = blocks
                    .iter()
                    .map(|block| (known(block.hash()), block.transactions()[0].recipient() == FORGED))
                    .collect();
                let wait = JUDGING_US * blocks.len() as u64 + bytes / 100;
                self.later(wait, What::Judge { node, errand, blocks });
            }
            Action::Take { errand, .. } => self.at_once.push_back((node, Event::Taken { errand, all: true })),
            Action::Rebuild { errand, compact } => {
                let outcome = match self.arena.id(&compact.header.hash()) {
                    Some(id) => Rebuilt::Whole(Block::clone(&self.arena.get(id).block)),
                    None => Rebuilt::Failed,
                };
                self.at_once.push_back((node, Event::Rebuilt { errand, outcome }));
            }
            Action::Tell(notice) => self.report.note(&notice),
            Action::Fill { .. }
            | Action::Drop(_)
            | Action::Publish(_)
            | Action::Judged(..)
            | Action::SaveAddresses => {}
        }
    }

    fn next_block(&mut self) {
        let wait_s = -(1.0 - self.random.f64()).ln() * self.setup.block_interval_s;
        let round = self.mining;
        self.later((wait_s * 1e6) as u64, What::Mine { round });
    }

    fn find_block(&mut self) {
        let able: Vec<_> = (0..self.nodes.len())
            .filter(|node| self.nodes[*node].is_honest() && self.nodes[*node].core.is_some())
            .collect();
        let Some(miner) = self.random.choice(able) else {
            return;
        };
        let parent = self.nodes[miner].held.tip();
        let id = self.arena.mine(parent, BEGINS_S + self.now_us / 1_000_000);
        self.nodes[miner].held.add(&self.arena, id);
        self.report.found(id, self.now_us);
        self.report.arrived(id, self.now_us, true);
        self.handle(miner, Event::ChainChanged);
    }

    fn spam(&mut self, node: usize) {
        let Some(hostility) = self.nodes[node].hostility else {
            return;
        };
        let tip = self.arena.get(self.nodes[node].held.tip()).point.header;
        let mut peers: Vec<_> = self.nodes[node].links.keys().copied().collect();
        peers.sort_unstable();
        for peer in peers {
            for (place, request) in hostility.spam(tip).into_iter().enumerate() {
                let id = RequestId(u64::MAX - place as u64);
                let bytes = bytes_of_request(&request);
                self.send(node, peer, bytes, |peer| Event::Asked { peer, id, request });
            }
        }
        self.later(SPAM_EVERY_US, What::Spam { node });
    }
}

type Block = paydirt_ledger::Block<paydirt_ledger::Unchecked>;

fn address_of(node: usize) -> Address {
    Arc::from(format!("n{node}"))
}

/// With what libp2p's stream and TCP add.
fn bytes_of_request(request: &Request) -> u64 {
    60 + match request {
        Request::Hello(_) => 200,
        Request::Headers { locator } => 32 * locator.len() as u64,
        Request::Blocks { hashes } => 32 * hashes.len() as u64,
        Request::Announce { .. } => 122,
        Request::Transactions { positions, .. } => 34 + 2 * positions.len() as u64,
        Request::Compact { .. } => 34,
        Request::Pending { .. } | Request::Peers | Request::Farewell(_) => 10,
    }
}
