//! The kernel for every processor: the `sha2` crate's compression function, the midstate kept.
//!
//! `sha2` itself picks the SHA instructions at run time where there are any (x86-64, aarch64), so this is no slow
//! fallback: two compressions for a Bitcoin header where the obvious loop over the crate does three.

use std::sync::OnceLock;

use sha2::block_api::compress256;

use super::{
    Hits, Implementation, one_by_one,
    reference::{INITIAL, second_block},
};
use crate::{puzzle::Digest, work::Work};

pub(super) static KERNEL: Implementation = Implementation {
    name: "portable",
    about: "the sha2 crate, one nonce at a time, midstate kept",
    lanes: 1,
    supported: || true,
    scan,
    scan_midstates: None,
    self_test: OnceLock::new(),
};

/// Tests nonces one by one. See [`Kernel::scan`](super::Kernel::scan).
fn scan(work: &Work, first: u64, count: u64, hits: &mut Hits) -> u64 {
    one_by_one(work, first, count, hits, |blocks| {
        let mut hash = work.midstate;
        compress256(&mut hash, blocks);
        if work.digest == Digest::Sha256d {
            let block = second_block(&hash).map(u32::to_be_bytes);
            hash = INITIAL;
            let bytes: &[u8; 64] = block.as_flattened().try_into().expect("16 words of 4 bytes");
            compress256(&mut hash, std::slice::from_ref(bytes));
        }
        hash
    })
}
