//! The one task that owns the swarm and the core.
//!
//! *In:* libp2p's events, what the ledger says, what was done for it, commands. *Out:* the core's actions, carried out.

mod actions;
mod swarming;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::StreamExt as _;
use libp2p::{
    PeerId, Swarm, gossipsub,
    request_response::{InboundRequestId, OutboundRequestId, ResponseChannel},
};
use paydirt_ledger::{BlockHash, Ledger};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::{
    Command, Listener, MAX_GIVEN, News, NodeAddress, State,
    behaviour::{Behaviour, Names},
    codec::Versioned,
    dialling::{Dials, LookedUp},
    errands::{Done, Errands},
    lines::Lines,
    outbox::Outbox,
};
use crate::{
    core::{Address, Core, Event, GossipId, Now, Peer, RequestId},
    message::Response,
};

/// How long transfers are collected before peers are told of them.
const COLLECT: Duration = Duration::from_millis(20);
/// How long a farewell may take, and an answer before it.
const FAREWELL: Duration = Duration::from_millis(300);
/// How long all of them may take when the node stops.
const LAST_WORDS: Duration = Duration::from_millis(700);

/// What time it is for the core.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    began: Instant,
    ledger: Arc<Ledger>,
}

impl Clock {
    pub(super) fn new(ledger: Arc<Ledger>) -> Self {
        let began = Instant::now();
        Self { began, ledger }
    }

    pub(super) fn now(&self) -> Now {
        Now {
            since_start: self.began.elapsed(),
            unix_s: self.ledger.now_s(),
        }
    }
}

/// A peer's question that is not answered yet.
struct Question {
    peer: PeerId,
    /// The same, as the core knows it.
    of: Peer,
    id: InboundRequestId,
    channel: ResponseChannel<Versioned<Response>>,
}

/// An answer that is on its way.
struct Sent {
    /// Of what the ledger has: the core is told when it was sent.
    served: Option<Peer>,
    /// Room for it in memory.
    _room: Option<OwnedSemaphorePermit>,
}

/// The task.
pub(super) struct Task {
    swarm: Swarm<Behaviour>,
    core: Core,
    clock: Clock,
    ledger: Arc<Ledger>,
    errands: Errands,
    outbox: Outbox,
    names: Names,
    folder: Option<PathBuf>,
    listener: Listener,
    lines: Lines,
    dials: Dials,
    looked_up: (mpsc::UnboundedSender<LookedUp>, mpsc::UnboundedReceiver<LookedUp>),
    listening: Vec<Address>,
    /// What this node has asked.
    asked: HashMap<OutboundRequestId, (Peer, RequestId)>,
    /// What it was asked.
    questions: HashMap<RequestId, Question>,
    numbers: HashMap<InboundRequestId, RequestId>,
    sent: HashMap<InboundRequestId, Sent>,
    gossip: HashMap<GossipId, (gossipsub::MessageId, PeerId)>,
    last_question: u64,
    last_gossip: u64,
    /// Whether the address book is being written.
    saving: Arc<tokio::sync::Mutex<()>>,
    /// Events that came up while the core's actions were carried out.
    events: VecDeque<Event>,
    acting: bool,
    /// Addresses that were given to this node by hand.
    given: HashSet<Address>,
    /// Those of them where nobody answered the last time.
    silent: HashSet<Address>,
    /// The tip that was looked at last.
    tip: BlockHash,
}

impl Task {
    #[allow(clippy::too_many_arguments)] // the parts of one thing, put together once
    pub(super) fn new(
        swarm: Swarm<Behaviour>,
        core: Core,
        clock: Clock,
        ledger: Arc<Ledger>,
        errands: Errands,
        outbox: Outbox,
        names: Names,
        folder: Option<PathBuf>,
        listener: Listener,
        given: HashSet<Address>,
    ) -> Self {
        let tip = ledger.tree().tip_node().hash;
        Self {
            swarm,
            core,
            clock,
            ledger,
            errands,
            outbox,
            names,
            folder,
            listener,
            lines: Lines::default(),
            dials: Dials::default(),
            looked_up: mpsc::unbounded_channel(),
            listening: Vec::new(),
            asked: HashMap::new(),
            questions: HashMap::new(),
            numbers: HashMap::new(),
            sent: HashMap::new(),
            gossip: HashMap::new(),
            last_question: 0,
            last_gossip: 0,
            saving: Arc::default(),
            events: VecDeque::new(),
            acting: false,
            given,
            silent: HashSet::new(),
            tip,
        }
    }

    /// Until it is told to stop.
    pub(super) async fn run(
        mut self,
        mut was_done: mpsc::UnboundedReceiver<Done>,
        mut commands: mpsc::Receiver<Command>,
    ) {
        let outbox = self.outbox.clone();
        let mut publish_at: Option<Instant> = None;
        self.tell(Event::Woken);
        loop {
            let wake = self.core.wake_at().map(|at| self.clock.began + at);
            tokio::select! {
                event = self.swarm.select_next_some() => self.swarm_event(event),
                Some(done) = was_done.recv() => self.done(done),
                Some(found) = self.looked_up.1.recv() => self.found(found),
                () = outbox.news() => {
                    if outbox.take_changed() {
                        self.look_at_tip();
                        self.tell(Event::ChainChanged);
                    }
                    if outbox.has_transfers() && publish_at.is_none() {
                        publish_at = Some(Instant::now() + COLLECT);
                    }
                }
                () = until(publish_at) => {
                    let transfers = outbox.take_transfers();
                    publish_at = outbox.has_transfers().then(Instant::now);
                    if !transfers.is_empty() {
                        self.tell(Event::Submitted(transfers));
                    }
                }
                () = until(wake) => self.tell(Event::Woken),
                () = until(self.lines.next_due()) => self.hang_up_on_the_due(),
                command = commands.recv() => match command {
                    Some(Command::State(answer)) => {
                        let _ = answer.send(self.state()); // who asked may have gone
                    }
                    Some(Command::Give(addresses, answer)) => {
                        let _ = answer.send(self.give(addresses));
                    }
                    Some(Command::Stop) | None => break,
                },
            }
        }
        self.farewell(&mut was_done).await;
    }

    /// Lets the core take in an event, and does what it wants done; what comes up meanwhile is taken in after that.
    fn tell(&mut self, event: Event) {
        self.events.push_back(event);
        if self.acting {
            return;
        }
        self.acting = true;
        while let Some(event) = self.events.pop_front() {
            let chain = self.ledger.tree();
            self.core.handle(self.clock.now(), &chain, event);
            self.act();
        }
        self.acting = false;
    }

    /// Whether another branch counts now than before.
    fn look_at_tip(&mut self) {
        let tree = self.ledger.tree();
        let before = std::mem::replace(&mut self.tip, tree.tip_node().hash);
        if tree.get(&before).is_some_and(|node| !tree.is_active(node)) {
            self.errands.spread_again(before, self.outbox.clone());
        }
    }

    fn news(&self, news: News) {
        (self.listener)(&news);
    }

    fn state(&self) -> State {
        State {
            listen: self.listening.clone(),
            peers: self.core.peers(),
            sync: self.core.sync(&self.ledger.tree()),
        }
    }

    /// Connects to these for good; nothing, if they would be too many. All that were given.
    fn give(&mut self, addresses: Vec<NodeAddress>) -> Option<Vec<Address>> {
        let addresses: Vec<_> = addresses.iter().map(NodeAddress::to_address).collect();
        let all: HashSet<_> = self.given.iter().chain(&addresses).cloned().collect();
        if all.len() > MAX_GIVEN {
            return None;
        }
        self.given = all;
        for address in addresses {
            self.core.give(self.clock.now(), address);
        }
        self.tell(Event::Woken);
        let mut given: Vec<_> = self.given.iter().cloned().collect();
        given.sort_unstable();
        Some(given)
    }

    /// Says farewell, and waits until it was heard, for so long.
    async fn farewell(&mut self, was_done: &mut mpsc::UnboundedReceiver<Done>) {
        self.core.stop();
        self.tell(Event::Woken);
        let saved = tokio::spawn(self.save_addresses());
        let last = Instant::now() + LAST_WORDS;
        while self.swarm.connected_peers().next().is_some() {
            tokio::select! {
                event = self.swarm.select_next_some() => self.swarm_event(event),
                Some(done) = was_done.recv() => drop(done),
                () = until(self.lines.next_due()) => self.hang_up_on_the_due(),
                () = until(Some(last)) => break,
            }
        }
        let _ = saved.await; // what went wrong was said
    }

    /// Hangs up on those that had time enough.
    fn hang_up_on_the_due(&mut self) {
        for id in self.lines.due(Instant::now()) {
            if let Some(line) = self.lines.get_mut(&id) {
                // Once; should it not be gone then, it is hung up on again in a while.
                line.hang_up_at = Some(Instant::now() + FAREWELL);
            }
            let _ = self.swarm.disconnect_peer_id(id); // it may have gone by itself
        }
    }
}

/// Waits until then; for ever, if never.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
