//! Every message comes back from its bytes, and no bytes do more than be refused.

use paydirt_ledger::{Block, BlockHash, ChainParameters, Header, Tag, Transaction, Work};
use proptest::{collection::vec, prelude::*};

use super::*;

fn hashes(most: usize) -> impl Strategy<Value = Vec<BlockHash>> {
    vec(any::<[u8; 32]>().prop_map(BlockHash::from_bytes), 0..=most)
}

fn header() -> impl Strategy<Value = Header> {
    any::<([u8; 32], [u8; 32], [u8; 16])>().prop_map(|(a, b, c)| {
        let bytes: Vec<u8> = [&a[..], &b, &c].concat();
        Header::from_bytes(&bytes.try_into().expect("80 bytes"))
    })
}

fn tip() -> impl Strategy<Value = TipSummary> {
    any::<([u8; 32], u64, [u8; 32])>().prop_map(|(hash, index, work)| TipSummary {
        hash: BlockHash::from_bytes(hash),
        index,
        work: Work::from_le_bytes(&work),
    })
}

fn transfer() -> impl Strategy<Value = Transaction> {
    ("[a-zé日]{1,20}", "\\PC{1,8}", 1..=1_000_000u64, any::<u64>()).prop_map(|(from, to, amount, tag)| {
        let transfer = Transaction::transfer(from, to, amount).expect("within its limits");
        match Tag::new(tag) {
            Some(tag) => transfer.with_tag(tag).expect("a transfer"),
            None => transfer,
        }
    })
}

fn hello() -> impl Strategy<Value = Hello> {
    (any::<(u8, u8, [u8; 32])>(), tip(), vec("[a-z0-9/.]{0,60}", 0..5)).prop_map(
        |((least, most, genesis), tip, listen)| Hello {
            versions: Versions { least, most },
            genesis: BlockHash::from_bytes(genesis),
            tip,
            listen,
        },
    )
}

fn block() -> impl Strategy<Value = paydirt_ledger::Block<paydirt_ledger::Unchecked>> {
    (any::<u64>(), header(), vec(transfer(), 0..5)).prop_map(|(index, header, mut transactions)| {
        transactions.insert(0, Transaction::reward("miner", 1, 7).expect("within its limits"));
        Block::new(index, header, transactions)
    })
}

fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        hello().prop_map(Request::Hello),
        hashes(MAX_LOCATOR).prop_map(|locator| Request::Headers { locator }),
        hashes(MAX_BLOCKS).prop_map(|hashes| Request::Blocks { hashes }),
        (header(), any::<u64>(), any::<[u8; 32]>()).prop_map(|(header, index, work)| Request::Announce {
            header,
            index,
            work: Work::from_le_bytes(&work),
        }),
        any::<[u8; 32]>().prop_map(|hash| Request::Compact {
            hash: BlockHash::from_bytes(hash),
        }),
        (
            any::<[u8; 32]>(),
            proptest::collection::btree_set(any::<u16>(), 0..50)
        )
            .prop_map(|(hash, positions)| {
                Request::Transactions {
                    hash: BlockHash::from_bytes(hash),
                    positions: positions.into_iter().collect(),
                }
            }),
        any::<u64>().prop_map(|cursor| Request::Pending { cursor }),
        Just(Request::Peers),
        prop::sample::select(vec![
            Farewell::Stopping,
            Farewell::OtherGenesis,
            Farewell::OtherVersion,
            Farewell::Full,
            Farewell::Misbehaved,
            Farewell::Silent,
        ])
        .prop_map(Request::Farewell),
    ]
}

fn response() -> impl Strategy<Value = Response> {
    prop_oneof![
        hello().prop_map(Response::Hello),
        (vec(header(), 0..50), tip()).prop_map(|(headers, tip)| Response::Headers { headers, tip }),
        vec(block(), 0..4).prop_map(Response::Blocks),
        (header(), any::<(u64, u64)>(), vec(0..1u64 << 48, 0..50)).prop_map(
            |(header, (index, key), short_ids)| {
                Response::Compact(CompactBlock {
                    header,
                    index,
                    key,
                    reward: Transaction::reward("miner", 1, 0).expect("within its limits"),
                    short_ids,
                })
            }
        ),
        vec(transfer(), 0..20).prop_map(Response::Transactions),
        (vec(transfer(), 0..20), any::<u64>())
            .prop_map(|(transfers, next)| Response::Pending { transfers, next }),
        vec("[a-z0-9/.]{0,60}", 0..5).prop_map(Response::Peers),
        Just(Response::Heard),
        Just(Response::Busy),
    ]
}

proptest! {
    #[test]
    fn requests_come_back(request in request(), version: u8) {
        let bytes = request.to_bytes(version);
        prop_assert!(bytes.len() <= MAX_REQUEST_BYTES);
        prop_assert_eq!(Request::from_bytes(&bytes), Ok((version, request)));
        for end in 0..bytes.len() {
            prop_assert!(Request::from_bytes(&bytes[..end]).is_err(), "cut off at {}", end);
        }
        let more = [&bytes[..], &[0]].concat();
        prop_assert!(Request::from_bytes(&more).is_err());
    }

    #[test]
    fn responses_come_back(response in response(), version: u8) {
        let bytes = response.to_bytes(version);
        prop_assert!(bytes.len() <= MAX_RESPONSE_BYTES);
        prop_assert_eq!(Response::from_bytes(&bytes), Ok((version, response)));
        for end in 0..bytes.len() {
            prop_assert!(Response::from_bytes(&bytes[..end]).is_err(), "cut off at {}", end);
        }
    }

    #[test]
    fn transfers_come_back(transfers in vec(transfer(), 0..30), version: u8) {
        let bytes = encode_transfers(version, &transfers);
        prop_assert_eq!(decode_transfers(&bytes), Ok((version, transfers)));
    }

    /// What bytes are, if they are a message, is what makes the same bytes.
    #[test]
    fn any_bytes_are_one_message_or_none(kind in prop::sample::select((0..=255u8).collect::<Vec<_>>()), rest: Vec<u8>) {
        let bytes = [&[1, kind][..], &rest].concat();
        if let Ok((version, request)) = Request::from_bytes(&bytes) {
            prop_assert_eq!(request.to_bytes(version), bytes.clone());
        }
        if let Ok((version, response)) = Response::from_bytes(&bytes) {
            prop_assert_eq!(response.to_bytes(version), bytes);
        }
    }
}

/// A list that says it is longer than it may be is refused before anything of it is read.
#[test]
fn lists_have_limits() {
    let count = |count: usize| u16::try_from(count).unwrap().to_le_bytes();
    let locator = [&[1, 2][..], &count(MAX_LOCATOR + 1), &[0; 32 * (MAX_LOCATOR + 1)]].concat();
    let (count_, most) = (MAX_LOCATOR + 1, MAX_LOCATOR);
    assert_eq!(
        Request::from_bytes(&locator),
        Err(DecodeError::Long { count: count_, most })
    );
    let blocks = [&[1, 3][..], &count(MAX_BLOCKS + 1)].concat();
    assert!(matches!(
        Request::from_bytes(&blocks),
        Err(DecodeError::Long { .. })
    ));
    let positions = [&[1, 6][..], &[0; 32], &count(2), &count(5), &count(5)].concat();
    assert_eq!(Request::from_bytes(&positions), Err(DecodeError::Order));
}

/// The largest of each kind fits into what its kind may have.
#[test]
fn the_largest_messages_fit() {
    let longest = "\u{1f600}".repeat(256);
    let transfer = Transaction::transfer(longest.clone(), longest, 1).unwrap();
    let transfer_bytes = transfer.stored_len();
    let most = paydirt_ledger::MAX_BLOCK_BYTES + MAX_BLOCKS_BYTES + MAX_BLOCKS * 100;
    assert!(most < MAX_RESPONSE_BYTES);
    let page = MAX_PENDING_BYTES / transfer_bytes + 1;
    let bytes = encode_transfers(1, &vec![transfer; page]);
    assert!(bytes.len() <= MAX_GOSSIP_BYTES, "{}", bytes.len());
    let genesis = ChainParameters::default().genesis();
    let hello = Hello {
        versions: VERSIONS,
        genesis: genesis.hash(),
        tip: TipSummary {
            hash: genesis.hash(),
            index: 1,
            work: genesis.header().work(),
        },
        listen: vec!["x".repeat(MAX_ADDRESS_BYTES); MAX_ADDRESSES],
    };
    assert!(Request::Hello(hello).to_bytes(1).len() <= MAX_REQUEST_BYTES);
    let positions = (0..10_000).collect();
    let hash = genesis.hash();
    assert!(Request::Transactions { hash, positions }.to_bytes(1).len() <= MAX_REQUEST_BYTES);
}
