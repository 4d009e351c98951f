//! A core before peers that do what they like: each rule by itself. How cores get along with each other is simulated, in
//! `crates/simulation`.

mod branches;
mod strangers;

use std::{sync::Arc, time::Duration};

use paydirt_ledger::{
    Added, Block, BlockHash, ChainParameters, Header, HeaderTree, RuleError, Transaction, Unchecked, Work,
};

use super::*;
use crate::message::{Farewell, Hello, MAX_HEADERS, Request, Response, TipSummary, VERSIONS};

/// Headers with the easiest proof of work.
struct Branch {
    tree: HeaderTree,
    headers: Vec<Header>,
}

fn parameters() -> ChainParameters {
    ChainParameters::fixed(1.0).unwrap()
}

/// A branch from genesis; another `salt` makes another branch.
fn branch(length: u32, salt: i32) -> Branch {
    let genesis = parameters().genesis();
    let mut tree = HeaderTree::new(parameters(), &genesis);
    let mut headers = Vec::new();
    for _ in 0..length {
        let header = next_header(&tree, salt);
        tree.add_header(header, u64::MAX).unwrap();
        headers.push(header);
    }
    Branch { tree, headers }
}

fn next_header(tree: &HeaderTree, salt: i32) -> Header {
    let tip = tree.tip();
    let mut header = Header {
        version: salt,
        previous_hash: tip.hash,
        time: u32::try_from(tip.next.earliest_time)
            .unwrap()
            .max(tip.header.time),
        nbits: tip.next.nbits,
        nonce: 0,
        ..tip.header
    };
    while !header.meets_target() {
        header.nonce += 1;
    }
    header
}

fn without_work(mut header: Header) -> Header {
    while header.meets_target() {
        header.nonce += 1;
    }
    header
}

/// A block of a header: what is in it does not matter to the core.
fn block(index: u64, header: Header) -> Block<Unchecked> {
    Block::new(index, header, vec![Transaction::reward("miner", 1, 0).unwrap()])
}

fn now(seconds: u64) -> Now {
    Now {
        since_start: Duration::from_secs(seconds),
        unix_s: 4_000_000_000,
    }
}

/// A core, its ledger, and what it did.
struct Scene {
    core: Core,
    tree: HeaderTree,
    seconds: u64,
    done: Vec<Action>,
}

impl Scene {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        let tree = HeaderTree::new(parameters(), &parameters().genesis());
        let mut core = Core::new(settings, &tree, now(0));
        core.actions.clear();
        Self {
            core,
            tree,
            seconds: 0,
            done: Vec::new(),
        }
    }

    fn event(&mut self, event: Event) {
        self.core.handle(now(self.seconds), &self.tree, event);
        self.done = std::iter::from_fn(|| self.core.next_action()).collect();
    }

    fn after(&mut self, seconds: u64) {
        self.seconds += seconds;
        self.event(Event::Woken);
    }

    fn connect(&mut self, peer: u64, origin: Option<u128>, direction: Direction) {
        self.event(Event::Connected {
            peer: Peer(peer),
            identity: format!("identity-{peer}").into(),
            address: format!("/ip4/10.0.0.{peer}/tcp/1").into(),
            origin: origin.map(Origin),
            direction,
        });
    }

    /// An inbound peer that has said hello.
    fn peer(&mut self, peer: u64, tip: TipSummary) {
        self.connect(peer, Some(peer.into()), Direction::Inbound);
        let hello = self.hello(tip);
        self.asks(peer, Request::Hello(hello));
    }

    fn hello(&self, tip: TipSummary) -> Hello {
        Hello {
            versions: VERSIONS,
            genesis: self.tree.active_hash(1).unwrap(),
            tip,
            listen: Vec::new(),
        }
    }

    fn asks(&mut self, peer: u64, request: Request) {
        self.event(Event::Asked {
            peer: Peer(peer),
            id: RequestId(1_000_000),
            request,
        });
    }

    fn answers(&mut self, peer: u64, id: RequestId, response: Response) {
        self.event(Event::Answered {
            peer: Peer(peer),
            id,
            response,
        });
    }

    fn announces(&mut self, peer: u64, branch: &Branch) {
        let tip = branch.tree.tip();
        self.asks(
            peer,
            Request::Announce {
                header: tip.header,
                index: tip.index,
                work: tip.work,
            },
        );
    }

    /// The last request of a kind that went out, and to whom.
    fn asked(&self, is: impl Fn(&Request) -> bool) -> Option<(u64, RequestId, Request)> {
        self.done.iter().rev().find_map(|action| match action {
            Action::Ask { peer, id, request } if is(request) => Some((peer.0, *id, request.clone())),
            _ => None,
        })
    }

    fn hung_up_on(&self, peer: u64) -> bool {
        let hangs_up = |action: &Action| matches!(action, Action::Disconnect(of) if of.0 == peer);
        self.done.iter().any(hangs_up)
    }

    /// What peers are told before they are hung up on.
    fn farewell(&self) -> Option<Farewell> {
        self.asked(|request| matches!(request, Request::Farewell(_)))
            .map(|(.., request)| match request {
                Request::Farewell(farewell) => farewell,
                _ => unreachable!(),
            })
    }

    fn judged(&self) -> Option<(Errand, Vec<Block<Unchecked>>)> {
        self.done.iter().find_map(|action| match action {
            Action::Judge { errand, blocks } => Some((*errand, blocks.clone())),
            _ => None,
        })
    }

    /// The ledger takes what it was given.
    fn take(&mut self) -> usize {
        let Some((errand, blocks)) = self.judged() else {
            return 0;
        };
        for block in &blocks {
            self.tree.add_header(*block.header(), u64::MAX).unwrap();
        }
        let outcomes = vec![Judgement::Added(Added::Tip { dropped: 0 }); blocks.len()];
        self.event(Event::Judged { errand, outcomes });
        blocks.len()
    }
}

fn tip_of(branch: &Branch) -> TipSummary {
    Chain::tip(&branch.tree)
}

fn is_headers(request: &Request) -> bool {
    matches!(request, Request::Headers { .. })
}

fn is_blocks(request: &Request) -> bool {
    matches!(request, Request::Blocks { .. } | Request::Compact { .. })
}

fn headers_of(branch: &Branch, from: usize) -> Response {
    Response::Headers {
        headers: branch
            .headers
            .iter()
            .skip(from)
            .take(MAX_HEADERS)
            .copied()
            .collect(),
        tip: tip_of(branch),
    }
}
