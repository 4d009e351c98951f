//! A core before peers that do what they like: each rule by itself. How cores get along with each other is simulated, in
//! `crates/simulation`.

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

/// A peer with more: its headers are asked for, then its blocks, which go to the ledger in order; then it is told.
#[test]
fn a_longer_branch_is_fetched() {
    let other = branch(5, 7);
    let mut scene = Scene::new();
    scene.peer(1, tip_of(&other));
    let (_, id, _) = scene.asked(is_headers).expect("its headers");
    scene.answers(1, id, headers_of(&other, 0));
    let (_, id, request) = scene.asked(is_blocks).expect("its blocks");
    let Request::Blocks { hashes } = request else {
        panic!("whole, far from the tip")
    };
    assert_eq!(hashes.len(), 5);
    let blocks = (2..)
        .zip(&other.headers)
        .map(|(index, header)| block(index, *header))
        .collect();
    scene.answers(1, id, Response::Blocks(blocks));
    assert_eq!(scene.take(), 5);
    scene.event(Event::ChainChanged);
    let (_, _, told) = scene
        .asked(|request| matches!(request, Request::Announce { .. }))
        .expect("a word to the peer");
    assert!(matches!(told, Request::Announce { index: 6, .. }));
    assert_eq!(scene.core.sync(&scene.tree).sync, Sync::Synced);
}

/// Blocks come from several peers, out of order; what one does not give in time is asked of another.
#[test]
fn blocks_come_from_several_peers_and_move_from_a_silent_one() {
    let other = branch(300, 7);
    let mut scene = Scene::new();
    for peer in 1..=2 {
        scene.peer(peer, tip_of(&other));
        if let Some((peer, id, _)) = scene.asked(is_headers) {
            scene.answers(peer, id, headers_of(&other, 0));
        }
    }
    let mut by_peer = [0, 0];
    let mut requests = Vec::new();
    let mut scene_done = std::mem::take(&mut scene.done);
    scene_done.extend(std::iter::from_fn(|| scene.core.next_action()));
    // The first was asked when its headers came, the second when it said hello.
    for (peer, connection) in &scene.core.peers {
        for (id, asked) in &connection.asked {
            if let Purpose::Bodies(bodies::Wanted::Whole(hashes)) = &asked.purpose {
                by_peer[usize::try_from(peer.0 - 1).unwrap()] += hashes.len();
                requests.push((*peer, *id, hashes.clone()));
            }
        }
    }
    assert_eq!(by_peer.iter().sum::<usize>(), 300, "each once: {by_peer:?}");
    assert!(by_peer[0] > 0);
    let silent = requests[0].0;
    let honest = if silent == Peer(1) { 2 } else { 1 };
    scene.after(6);
    let moved = scene.asked(|request| matches!(request, Request::Blocks { .. }));
    assert_eq!(
        moved.map(|(peer, ..)| peer),
        Some(honest),
        "what {silent:?} did not give"
    );
}

#[test]
fn a_false_claim_is_cut_off_when_its_headers_come() {
    let other = branch(3, 7);
    let mut more = tip_of(&other);
    more.work = Work::from_le_bytes(&[0x7f; 32]);
    let mut scene = Scene::new();
    scene.peer(1, more);
    let (_, id, _) = scene.asked(is_headers).unwrap();
    let headers = other.headers.clone();
    scene.answers(1, id, Response::Headers { headers, tip: more });
    assert!(scene.hung_up_on(1));
    assert_eq!(scene.farewell(), Some(Farewell::Misbehaved));
    scene.event(Event::Disconnected(Peer(1)));
    scene.connect(2, Some(1), Direction::Inbound);
    assert!(scene.hung_up_on(2), "its address is banned");
}

#[test]
fn nothing_is_asked_for_that_has_no_work() {
    let other = branch(2, 7);
    for unknown_parent in [false, true] {
        let mut scene = Scene::new();
        scene.peer(1, Chain::tip(&scene.tree));
        let header = without_work(Header {
            previous_hash: match unknown_parent {
                true => BlockHash::from_bytes([9; 32]),
                false => scene.tree.tip().hash,
            },
            ..other.headers[0]
        });
        let work = tip_of(&other).work;
        scene.asks(
            1,
            Request::Announce {
                header,
                index: 2,
                work,
            },
        );
        assert!(scene.hung_up_on(1));
        assert!(scene.asked(is_headers).is_none() && scene.asked(is_blocks).is_none());
        assert_eq!(scene.core.candidates.len(), 0);
    }
}

/// A header with its work but of the wrong difficulty, or out of place, costs the connection; one from the future does not.
#[test]
fn headers_are_held_to_the_rules() {
    let other = branch(3, 7);
    let mut scene = Scene::new();
    scene.peer(1, tip_of(&other));
    let (_, id, _) = scene.asked(is_headers).unwrap();
    let headers = vec![other.headers[0], other.headers[2]];
    let tip = tip_of(&other);
    scene.answers(1, id, Response::Headers { headers, tip });
    assert!(scene.hung_up_on(1), "a gap");

    let mut scene = Scene::new();
    scene.peer(1, tip_of(&other));
    let (_, id, _) = scene.asked(is_headers).unwrap();
    let early = Now {
        since_start: Duration::ZERO,
        unix_s: 0,
    };
    let response = headers_of(&other, 0);
    let peer = Peer(1);
    scene
        .core
        .handle(early, &scene.tree, Event::Answered { peer, id, response });
    scene.done = std::iter::from_fn(|| scene.core.next_action()).collect();
    assert!(!scene.hung_up_on(1), "a clock may be wrong");
    scene.after(3);
    assert!(scene.asked(is_headers).is_some(), "it is asked again");
}

/// A good header with made-up transactions: the sender is cut off, and the block is asked of another peer.
#[test]
fn a_made_up_body_does_not_keep_the_block_out() {
    let other = branch(1, 7);
    let mut scene = Scene::new();
    for peer in [1, 2] {
        scene.peer(peer, Chain::tip(&scene.tree));
    }
    scene.announces(1, &other);
    let (liar, id, _) = scene.asked(is_blocks).unwrap();
    assert_eq!(liar, 1);
    scene.announces(2, &other);
    assert!(scene.asked(is_blocks).is_none(), "it is fetched once");
    scene.answers(1, id, Response::Blocks(vec![block(2, other.headers[0])]));
    let (errand, _) = scene.judged().unwrap();
    let outcomes = vec![Judgement::OtherTransactions];
    scene.event(Event::Judged { errand, outcomes });
    assert!(scene.hung_up_on(1));
    let (peer, id, request) = scene.asked(is_blocks).expect("the other one is asked");
    assert_eq!(peer, 2);
    assert!(matches!(request, Request::Blocks { .. }), "whole this time");
    scene.answers(2, id, Response::Blocks(vec![block(2, other.headers[0])]));
    assert_eq!(scene.take(), 1);
}

/// A block that breaks a rule: its sender and all that build on it are cut off, and it is never asked for again.
#[test]
fn a_block_against_the_rules_ends_its_branch() {
    let other = branch(4, 7);
    let mut scene = Scene::new();
    for peer in [1, 2] {
        scene.peer(peer, tip_of(&other));
        if let Some((peer, id, _)) = scene.asked(is_headers) {
            scene.answers(peer, id, headers_of(&other, 0));
        }
    }
    let asked = scene.core.peers.iter().find_map(|(peer, connection)| {
        let mut bodies = connection.asked.iter();
        bodies.find_map(|(id, asked)| match &asked.purpose {
            Purpose::Bodies(bodies::Wanted::Whole(_)) => Some((peer.0, *id)),
            _ => None,
        })
    });
    let (peer, id) = asked.unwrap();
    let blocks = (2..)
        .zip(&other.headers)
        .map(|(index, header)| block(index, *header))
        .collect();
    scene.answers(peer, id, Response::Blocks(blocks));
    let (errand, blocks) = scene.judged().unwrap();
    let refused = |_| Judgement::Refused(RuleError::RewardMissing.into());
    let outcomes = blocks.iter().map(refused).collect();
    scene.event(Event::Judged { errand, outcomes });
    assert!(scene.hung_up_on(1) && scene.hung_up_on(2));
    assert!(scene.core.candidates.is_empty());
    scene.event(Event::Disconnected(Peer(1)));
    scene.peer(3, Chain::tip(&scene.tree));
    let first = branch(1, 7);
    scene.announces(3, &first);
    assert!(scene.hung_up_on(3), "who offers it again too");
}

#[test]
fn another_genesis_is_turned_away_and_both_know_why() {
    let mut scene = Scene::new();
    scene.connect(1, Some(1), Direction::Inbound);
    let hello = Hello {
        genesis: BlockHash::from_bytes([5; 32]),
        ..scene.hello(Chain::tip(&scene.tree))
    };
    scene.asks(1, Request::Hello(hello));
    let answers = |action: &Action| {
        matches!(
            action,
            Action::Answer {
                response: Response::Hello(_),
                ..
            }
        )
    };
    assert!(scene.done.iter().any(answers), "it learns this chain's genesis");
    assert_eq!(scene.farewell(), Some(Farewell::OtherGenesis));
    assert!(scene.core.peers().is_empty(), "it is no peer");
    scene.event(Event::Disconnected(Peer(1)));
    let told = |action: &Action| matches!(action, Action::Tell(Notice::TurnedAway { reason, .. }) if reason.to_string().contains("genesis"));
    assert!(scene.done.iter().any(told));
}

/// Of two versions the newest that both speak is used, and who watches is told; with none in common both say so.
#[test]
fn versions_meet_at_the_newest_that_both_speak() {
    let mut scene = Scene::new();
    scene.connect(1, Some(1), Direction::Inbound);
    let newer = Versions { least: 1, most: 9 };
    let hello = Hello {
        versions: newer,
        ..scene.hello(Chain::tip(&scene.tree))
    };
    scene.asks(1, Request::Hello(hello));
    let told = |action: &Action| {
        matches!(
            action,
            Action::Tell(Notice::Joined {
                version: 1,
                newest: 9,
                ..
            })
        )
    };
    assert!(scene.done.iter().any(told));
    assert_eq!(scene.core.version_with(Peer(1)), 1);
    scene.connect(2, Some(2), Direction::Inbound);
    let hello = Hello {
        versions: Versions { least: 8, most: 9 },
        ..scene.hello(Chain::tip(&scene.tree))
    };
    scene.asks(2, Request::Hello(hello));
    assert_eq!(scene.farewell(), Some(Farewell::OtherVersion));
}

#[test]
fn who_speaks_out_of_turn_or_floods_is_cut_off() {
    let mut scene = Scene::new();
    scene.connect(1, Some(1), Direction::Inbound);
    scene.asks(1, Request::Peers);
    assert!(scene.hung_up_on(1), "before hello");
    scene.peer(2, Chain::tip(&scene.tree));
    let hello = scene.hello(Chain::tip(&scene.tree));
    scene.asks(2, Request::Hello(hello));
    assert!(scene.hung_up_on(2), "hello twice");
    scene.peer(3, Chain::tip(&scene.tree));
    let mut requests = 0;
    while !scene.hung_up_on(3) {
        scene.asks(3, Request::Headers { locator: Vec::new() });
        requests += 1;
        assert!(requests < 5_000, "nobody may ask for ever");
    }
    assert!(requests > 500, "a burst is allowed");
    scene.connect(4, Some(4), Direction::Inbound);
    scene.after(11);
    assert!(scene.hung_up_on(4), "it said nothing");
}

/// On this machine strangers and friends share an address: none is limited or banned by it.
#[test]
fn addresses_have_their_share_and_loopback_has_none() {
    let mut scene = Scene::new();
    for peer in 0..8 {
        scene.connect(peer, Some(1), Direction::Inbound);
        assert!(!scene.hung_up_on(peer));
    }
    scene.connect(8, Some(1), Direction::Inbound);
    assert!(scene.hung_up_on(8), "the ninth of an address");
    for peer in 100..140 {
        scene.connect(peer, None, Direction::Inbound);
        assert!(!scene.hung_up_on(peer), "loopback");
    }
    scene.asks(100, Request::Peers);
    assert!(scene.hung_up_on(100));
    scene.connect(200, None, Direction::Inbound);
    assert!(!scene.hung_up_on(200), "its neighbour is not banned with it");
}

/// When all slots are taken, an address that has many gives one to an address that has none; outbound slots are others.
#[test]
fn nobody_crowds_out_others() {
    let limits = Limits {
        inbound: 10,
        ..Limits::default()
    };
    let mut scene = Scene::with(Settings {
        limits,
        ..Settings::default()
    });
    for peer in 0..8 {
        scene.connect(peer, Some(1), Direction::Inbound);
    }
    scene.connect(8, Some(2), Direction::Inbound);
    scene.connect(9, Some(3), Direction::Inbound);
    scene.connect(10, Some(4), Direction::Inbound);
    assert!(!scene.hung_up_on(10));
    assert!((0..8).any(|peer| scene.hung_up_on(peer)), "one of the crowd goes");
    scene.connect(11, Some(1), Direction::Inbound);
    assert!(scene.hung_up_on(11), "the crowd gets no other's place");
    scene.connect(12, Some(1), Direction::Outbound);
    assert!(!scene.hung_up_on(12));
}

/// A given address is tried again for good, at least every 15 seconds.
#[test]
fn a_given_address_is_tried_for_good() {
    let given: Address = Arc::from("/ip4/10.0.0.1/tcp/1");
    let mut scene = Scene::with(Settings {
        given: vec![Address::clone(&given)],
        ..Settings::default()
    });
    let dials = |scene: &Scene| {
        scene
            .done
            .iter()
            .filter(|action| matches!(action, Action::Dial(_)))
            .count()
    };
    for _ in 0..50 {
        scene.event(Event::DialFailed {
            address: Address::clone(&given),
            is_self: false,
        });
        let mut waited = 0;
        while dials(&scene) == 0 {
            scene.after(1);
            waited += 1;
            assert!(waited <= 16);
        }
    }
}

/// Heard addresses have room, and each peer a share of it; those that never answer are forgotten.
#[test]
fn the_address_book_is_bounded() {
    let mut scene = Scene::new();
    scene.peer(1, Chain::tip(&scene.tree));
    for from in 1..=20u64 {
        let addresses = (0..200).map(|n| format!("/ip4/10.{from}.0.{n}/tcp/1")).collect();
        scene.core.told_of_peers(Peer(from), addresses);
    }
    let known = scene.core.address_book().len();
    assert!(known <= 1_000 && known > 500, "{known}");
}

/// A message to all with what is no transfer is not passed on, and its sender goes.
#[test]
fn only_tagged_transfers_are_passed_on() {
    let mut scene = Scene::new();
    for peer in 1..=3 {
        scene.peer(peer, Chain::tip(&scene.tree));
    }
    let gossip = |scene: &mut Scene, peer, transfers| {
        let id = GossipId(peer);
        let peer = Peer(peer);
        scene.event(Event::Gossip { id, peer, transfers });
    };
    let plain = Transaction::transfer("alice", "bob", 5).unwrap();
    gossip(&mut scene, 1, vec![plain.clone().tagged()]);
    let errand = scene.done.iter().find_map(|action| match action {
        Action::Take { errand, .. } => Some(*errand),
        _ => None,
    });
    scene.event(Event::Taken {
        errand: errand.unwrap(),
        all: true,
    });
    assert!(matches!(
        scene.done[..],
        [Action::Judged(GossipId(1), Verdict::Accept)]
    ));
    gossip(&mut scene, 2, vec![plain]);
    assert!(scene.hung_up_on(2));
    gossip(&mut scene, 3, vec![Transaction::reward("mallory", 5, 0).unwrap()]);
    assert!(scene.hung_up_on(3));
}

/// A tip that a peer has not heard of yet is told once, however many came meanwhile.
#[test]
fn announcements_do_not_pile_up() {
    let mut scene = Scene::new();
    scene.peer(1, Chain::tip(&scene.tree));
    let mut told = Vec::new();
    for _ in 0..50 {
        let header = next_header(&scene.tree, 1);
        scene.tree.add_header(header, u64::MAX).unwrap();
        scene.event(Event::ChainChanged);
        told.extend(scene.asked(|request| matches!(request, Request::Announce { .. })));
    }
    assert_eq!(told.len(), UNHEARD);
    scene.answers(1, told[0].1, Response::Heard);
    let last = scene.asked(|request| matches!(request, Request::Announce { index: 51, .. }));
    assert!(last.is_some(), "the last one is told when there is room");
}

#[test]
fn two_that_dial_each_other_at_once_are_peers() {
    for question_first in [true, false] {
        let mut scene = Scene::new();
        scene.connect(1, None, Direction::Outbound);
        let is_hello = |action: &Action| match action {
            Action::Ask {
                id,
                request: Request::Hello(_),
                ..
            } => Some(*id),
            _ => None,
        };
        let id = scene
            .done
            .iter()
            .find_map(is_hello)
            .expect("whoever dials says hello");
        let hello = scene.hello(Chain::tip(&scene.tree));
        for question in [question_first, !question_first] {
            match question {
                true => scene.asks(1, Request::Hello(hello.clone())),
                false => scene.event(Event::Answered {
                    peer: Peer(1),
                    id,
                    response: Response::Hello(hello.clone()),
                }),
            }
        }
        let peers = scene.core.peers();
        assert_eq!(
            (peers.len(), peers[0].score),
            (1, 0),
            "the question first: {question_first}"
        );
    }
}
