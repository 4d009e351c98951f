//! What is to be mined, and what comes of it.

use std::ops::Range;

use paydirt::{Cancel, Hash, Header, NonceRange, Target};

/// A header to mine and what may be rolled in it.
pub struct Job<T> {
    /// Its number: no two jobs of a source have the same.
    pub id: u64,
    /// What the source made it from.
    pub origin: T,
    /// The header for each extra nonce, asked for when its turn comes; its own nonce is ignored.
    pub header: Box<dyn Fn(u64) -> Header + Send + Sync>,
    /// The extra nonces there are.
    pub extra_nonces: Range<u64>,
    /// The bits of the version that may be anything (BIP 320: `0x1fffe000`); 0 for none.
    pub version_mask: u32,
    /// By how many seconds the header's time may be raised.
    pub time_slack_s: u32,
    /// The nonces to try of each header, versions among them (see [`paydirt::VersionRolling`]); `None` for all. What
    /// lies outside the nonce space is left out.
    pub nonces: Option<NonceRange>,
    /// What a share's hash must meet.
    pub share_target: Target,
    /// What a block's hash must meet.
    pub block_target: Target,
    /// Pulled when another job is to be mined instead. Shares of this one count as long as it is not stale.
    pub replaced: Cancel,
    /// Pulled when the source would refuse its shares.
    pub stale: Cancel,
}

impl<T> Job<T> {
    /// A job with these extra nonces and nothing else rolled; `target` is both targets.
    pub fn new(
        id: u64,
        origin: T,
        target: Target,
        extra_nonces: Range<u64>,
        header: impl Fn(u64) -> Header + Send + Sync + 'static,
    ) -> Self {
        Self {
            id,
            origin,
            header: Box::new(header),
            extra_nonces,
            version_mask: 0,
            time_slack_s: 0,
            nonces: None,
            share_target: target,
            block_target: target,
            replaced: Cancel::new(),
            stale: Cancel::new(),
        }
    }
}

/// A header that meets its job's share target; the oracle has confirmed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The header, with the version, time and nonce that were found.
    pub header: Header,
    /// The extra nonce it was made with.
    pub extra_nonce: u64,
    /// The header's hash.
    pub hash: Hash,
    /// Whether it meets the block target too.
    pub is_block: bool,
}
