//! What a peer sends: a message that makes the same bytes again, or none; whatever it is, a core takes it.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use paydirt_ledger::{ChainParameters, HeaderTree};
use paydirt_network::{
    core::{Chain, Core, Direction, Event, GossipId, Now, Origin, Peer, RequestId, Settings},
    message::{Hello, Request, Response, VERSIONS, decode_transfers, encode_transfers},
};

/// The time of the n-th event.
fn at(number: u64) -> Now {
    Now {
        since_start: Duration::from_millis(number * 100),
        unix_s: 1_800_000_000 + number,
    }
}

fuzz_target!(|bytes: &[u8]| {
    let parameters = ChainParameters::fixed(1.0).expect("one bit");
    let tree = HeaderTree::new(parameters, &parameters.genesis());
    let mut core = Core::new(Settings::default(), &tree, at(0));
    let peer = Peer(1);
    let connected = Event::Connected {
        peer,
        identity: "fuzz".into(),
        address: "fuzz".into(),
        origin: Some(Origin(1)),
        direction: Direction::Inbound,
    };
    core.handle(at(1), &tree, connected);
    let hello = Hello {
        versions: VERSIONS,
        genesis: tree.active_hash(1).expect("genesis"),
        tip: Chain::tip(&tree),
        listen: Vec::new(),
    };
    let id = RequestId(1);
    core.handle(at(2), &tree, Event::Asked { peer, id, request: Request::Hello(hello) });
    // Messages one after another, each after its length.
    let (mut rest, mut number) = (bytes, 3);
    while let Some((length, more)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*length)).min(more.len());
        let (message, after) = more.split_at(length);
        rest = after;
        number += 1;
        if let Ok((version, request)) = Request::from_bytes(message) {
            assert_eq!(request.to_bytes(version), message);
            core.handle(at(number), &tree, Event::Asked { peer, id: RequestId(number), request });
        }
        if let Ok((version, response)) = Response::from_bytes(message) {
            assert_eq!(response.to_bytes(version), message);
            // As the answer to any of what the core has asked.
            for asked in 0..8 {
                let (id, response) = (RequestId(asked), response.clone());
                core.handle(at(number), &tree, Event::Answered { peer, id, response });
            }
        }
        if let Ok((version, transfers)) = decode_transfers(message) {
            assert_eq!(encode_transfers(version, &transfers), message);
            core.handle(at(number), &tree, Event::Gossip { id: GossipId(number), peer, transfers });
        }
        while core.next_action().is_some() {}
    }
    core.handle(at(number + 1_000), &tree, Event::Woken);
    let _ = (core.peers(), core.sync(&tree), core.address_book());
});
