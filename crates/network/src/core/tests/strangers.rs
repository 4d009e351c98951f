//! Hellos, limits, addresses, and what is passed on.

use super::*;

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
