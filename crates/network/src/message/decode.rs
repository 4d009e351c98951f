//! Bytes to messages.
//!
//! *In:* whatever a peer sends. *Out:* the message that they are, whole, or why they are none.

use paydirt_ledger::{Block, Transaction, TransactionError};

use super::{
    CompactBlock, Farewell, Hello, MAX_ADDRESSES, MAX_BLOCKS, MAX_HEADERS, MAX_LOCATOR, MAX_POSITIONS,
    MAX_TRANSFERS, Request, Response, Versions,
    bytes::Reader,
    encode::{TRANSFERS, request, response},
};

/// Why bytes are no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// They end early.
    #[error("it ends early")]
    Short,
    /// They go on after its end.
    #[error("{0} bytes follow its end")]
    Rest(usize),
    /// A list is longer than it may be.
    #[error("a list of {count}; at most {most} are allowed")]
    Long {
        /// How long.
        count: usize,
        /// How long it may be.
        most: usize,
    },
    /// An address is not UTF-8.
    #[error("an address is not UTF-8")]
    Text,
    /// A number stands for nothing.
    #[error("{what} {number} is not known")]
    Unknown {
        /// What it should stand for.
        what: &'static str,
        /// The number.
        number: u8,
    },
    /// Positions that do not ascend.
    #[error("positions do not ascend")]
    Order,
    /// A transaction or block is none.
    #[error("{0}")]
    Transaction(#[from] TransactionError),
}

impl Request {
    /// The version that bytes are said to be of, and the request that they are.
    ///
    /// # Errors
    /// [`DecodeError`] when they are none.
    pub fn from_bytes(bytes: &[u8]) -> Result<(u8, Self), DecodeError> {
        let mut read = Reader(bytes);
        let (version, kind) = (read.u8()?, read.u8()?);
        let request = match kind {
            request::HELLO => Self::Hello(hello(&mut read)?),
            request::HEADERS => Self::Headers {
                locator: read.list(MAX_LOCATOR, Reader::hash)?,
            },
            request::BLOCKS => Self::Blocks {
                hashes: read.list(MAX_BLOCKS, Reader::hash)?,
            },
            request::ANNOUNCE => Self::Announce {
                header: read.header()?,
                index: read.u64()?,
                work: read.work()?,
            },
            request::COMPACT => Self::Compact { hash: read.hash()? },
            request::TRANSACTIONS => Self::Transactions {
                hash: read.hash()?,
                positions: ascending(read.list(MAX_POSITIONS, Reader::u16)?)?,
            },
            request::PENDING => Self::Pending { cursor: read.u64()? },
            request::PEERS => Self::Peers,
            request::FAREWELL => Self::Farewell(farewell(read.u8()?)?),
            number => return Err(unknown("request", number)),
        };
        read.end()?;
        Ok((version, request))
    }
}

impl Response {
    /// The version that bytes are said to be of, and the response that they are.
    ///
    /// # Errors
    /// [`DecodeError`] when they are none.
    pub fn from_bytes(bytes: &[u8]) -> Result<(u8, Self), DecodeError> {
        let mut read = Reader(bytes);
        let (version, kind) = (read.u8()?, read.u8()?);
        let response = match kind {
            response::HELLO => Self::Hello(hello(&mut read)?),
            response::HEADERS => {
                let tip = read.tip()?;
                let headers = read.list(MAX_HEADERS, Reader::header)?;
                Self::Headers { headers, tip }
            }
            response::BLOCKS => Self::Blocks(read.list(MAX_BLOCKS, |read| {
                let length = read.u32()? as usize;
                Ok(Block::from_bytes(read.bytes(length)?)?)
            })?),
            response::HEARD => Self::Heard,
            response::COMPACT => Self::Compact(CompactBlock {
                header: read.header()?,
                index: read.u64()?,
                key: read.u64()?,
                reward: read.transaction()?,
                short_ids: read.list(MAX_POSITIONS, Reader::u48)?,
            }),
            response::TRANSACTIONS => Self::Transactions(read.list(MAX_POSITIONS, Reader::transaction)?),
            response::PENDING => {
                let next = read.u64()?;
                let transfers = read.list(MAX_TRANSFERS, Reader::transaction)?;
                Self::Pending { transfers, next }
            }
            response::PEERS => Self::Peers(read.list(MAX_ADDRESSES, Reader::address)?),
            response::BUSY => Self::Busy,
            number => return Err(unknown("response", number)),
        };
        read.end()?;
        Ok((version, response))
    }
}

/// The version that bytes to all are said to be of, and the transfers that they are.
///
/// # Errors
/// [`DecodeError`] when they are none.
pub fn decode_transfers(bytes: &[u8]) -> Result<(u8, Vec<Transaction>), DecodeError> {
    let mut read = Reader(bytes);
    let (version, kind) = (read.u8()?, read.u8()?);
    if kind != TRANSFERS {
        return Err(unknown("message", kind));
    }
    let transfers = read.list(MAX_TRANSFERS, Reader::transaction)?;
    read.end()?;
    Ok((version, transfers))
}

fn hello(read: &mut Reader<'_>) -> Result<Hello, DecodeError> {
    let versions = Versions {
        least: read.u8()?,
        most: read.u8()?,
    };
    Ok(Hello {
        versions,
        genesis: read.hash()?,
        tip: read.tip()?,
        listen: read.list(MAX_ADDRESSES, Reader::address)?,
    })
}

fn ascending(positions: Vec<u16>) -> Result<Vec<u16>, DecodeError> {
    match positions.is_sorted_by(|one, next| one < next) {
        true => Ok(positions),
        false => Err(DecodeError::Order),
    }
}

fn farewell(number: u8) -> Result<Farewell, DecodeError> {
    Ok(match number {
        0 => Farewell::Stopping,
        1 => Farewell::OtherGenesis,
        2 => Farewell::OtherVersion,
        3 => Farewell::Full,
        4 => Farewell::Misbehaved,
        5 => Farewell::Silent,
        number => return Err(unknown("farewell", number)),
    })
}

fn unknown(what: &'static str, number: u8) -> DecodeError {
    DecodeError::Unknown { what, number }
}
