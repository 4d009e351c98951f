//! Which branch is fetched, and what becomes of what breaks a rule.

use super::*;

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
