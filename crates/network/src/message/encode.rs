//! Messages to bytes.

use paydirt_ledger::Transaction;

use super::{Farewell, Hello, Request, Response, bytes::Writer};

/// The number of each kind of request.
pub(super) mod request {
    pub(in super::super) const HELLO: u8 = 1;
    pub(in super::super) const HEADERS: u8 = 2;
    pub(in super::super) const BLOCKS: u8 = 3;
    pub(in super::super) const ANNOUNCE: u8 = 4;
    pub(in super::super) const COMPACT: u8 = 5;
    pub(in super::super) const TRANSACTIONS: u8 = 6;
    pub(in super::super) const PENDING: u8 = 7;
    pub(in super::super) const PEERS: u8 = 8;
    pub(in super::super) const FAREWELL: u8 = 9;
}

/// The number of each kind of response: its request's, and 128.
pub(super) mod response {
    pub(in super::super) const HELLO: u8 = 129;
    pub(in super::super) const HEADERS: u8 = 130;
    pub(in super::super) const BLOCKS: u8 = 131;
    pub(in super::super) const HEARD: u8 = 132;
    pub(in super::super) const COMPACT: u8 = 133;
    pub(in super::super) const TRANSACTIONS: u8 = 134;
    pub(in super::super) const PENDING: u8 = 135;
    pub(in super::super) const PEERS: u8 = 136;
    pub(in super::super) const BUSY: u8 = 255;
}

/// The first byte of a message to all, after its version.
pub(super) const TRANSFERS: u8 = 64;

impl Request {
    /// Its bytes, said to be of a version of the protocol.
    pub fn to_bytes(&self, version: u8) -> Vec<u8> {
        let mut out = Writer(vec![version]);
        match self {
            Self::Hello(hello) => {
                out.put(&[request::HELLO]);
                write_hello(&mut out, hello);
            }
            Self::Headers { locator } => {
                out.put(&[request::HEADERS]);
                out.list(locator, |out, hash| out.put(&hash.to_bytes()));
            }
            Self::Blocks { hashes } => {
                out.put(&[request::BLOCKS]);
                out.list(hashes, |out, hash| out.put(&hash.to_bytes()));
            }
            Self::Announce { header, index, work } => {
                out.put(&[request::ANNOUNCE]);
                out.put(&header.to_bytes());
                out.put(&index.to_le_bytes());
                out.put(&work.to_le_bytes());
            }
            Self::Compact { hash } => {
                out.put(&[request::COMPACT]);
                out.put(&hash.to_bytes());
            }
            Self::Transactions { hash, positions } => {
                out.put(&[request::TRANSACTIONS]);
                out.put(&hash.to_bytes());
                out.list(positions, |out, position| out.put(&position.to_le_bytes()));
            }
            Self::Pending { cursor } => {
                out.put(&[request::PENDING]);
                out.put(&cursor.to_le_bytes());
            }
            Self::Peers => out.put(&[request::PEERS]),
            Self::Farewell(farewell) => out.put(&[request::FAREWELL, number_of(*farewell)]),
        }
        out.0
    }
}

impl Response {
    /// Its bytes, said to be of a version of the protocol.
    pub fn to_bytes(&self, version: u8) -> Vec<u8> {
        let mut out = Writer(vec![version]);
        match self {
            Self::Hello(hello) => {
                out.put(&[response::HELLO]);
                write_hello(&mut out, hello);
            }
            Self::Headers { headers, tip } => {
                out.put(&[response::HEADERS]);
                out.tip(tip);
                out.list(headers, |out, header| out.put(&header.to_bytes()));
            }
            Self::Blocks(blocks) => {
                out.put(&[response::BLOCKS]);
                out.list(blocks, |out, block| {
                    let bytes = block.to_bytes();
                    let length = u32::try_from(bytes.len()).expect("blocks have 2 MiB");
                    out.put(&length.to_le_bytes());
                    out.put(&bytes);
                });
            }
            Self::Heard => out.put(&[response::HEARD]),
            Self::Compact(compact) => {
                out.put(&[response::COMPACT]);
                out.put(&compact.header.to_bytes());
                out.put(&compact.index.to_le_bytes());
                out.put(&compact.key.to_le_bytes());
                compact.reward.write(&mut out.0);
                out.list(&compact.short_ids, |out, id| out.put(&id.to_le_bytes()[..6]));
            }
            Self::Transactions(transactions) => {
                out.put(&[response::TRANSACTIONS]);
                write_transactions(&mut out, transactions);
            }
            Self::Pending { transfers, next } => {
                out.put(&[response::PENDING]);
                out.put(&next.to_le_bytes());
                write_transactions(&mut out, transfers);
            }
            Self::Peers(addresses) => {
                out.put(&[response::PEERS]);
                out.list(addresses, |out, address| out.address(address));
            }
            Self::Busy => out.put(&[response::BUSY]),
        }
        out.0
    }
}

/// The bytes of transfers to all, said to be of a version of the protocol.
pub fn encode_transfers<'t>(version: u8, transfers: impl IntoIterator<Item = &'t Transaction>) -> Vec<u8> {
    let mut out = Writer(vec![version, TRANSFERS]);
    let transfers: Vec<_> = transfers.into_iter().collect();
    out.list(&transfers, |out, transfer| transfer.write(&mut out.0));
    out.0
}

fn write_transactions(out: &mut Writer, transactions: &[Transaction]) {
    out.list(transactions, |out, transaction| transaction.write(&mut out.0));
}

fn write_hello(out: &mut Writer, hello: &Hello) {
    out.put(&[hello.versions.least, hello.versions.most]);
    out.put(&hello.genesis.to_bytes());
    out.tip(&hello.tip);
    out.list(&hello.listen, |out, address| out.address(address));
}

fn number_of(farewell: Farewell) -> u8 {
    match farewell {
        Farewell::Stopping => 0,
        Farewell::OtherGenesis => 1,
        Farewell::OtherVersion => 2,
        Farewell::Full => 3,
        Farewell::Misbehaved => 4,
        Farewell::Silent => 5,
    }
}
