//! The oracle as a kernel: SHA-256 as FIPS 180-4 states it, one nonce at a time.

use std::sync::OnceLock;

pub(crate) use paydirt_sha256::*;

use super::{Hits, Implementation, one_by_one};
use crate::{puzzle::Digest, work::Work};

pub(super) static KERNEL: Implementation = Implementation {
    name: "reference",
    about: "the oracle: FIPS 180-4 to the letter",
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
        for block in blocks {
            compress(&mut hash, &words(block));
        }
        if work.digest == Digest::Sha256d {
            let block = second_block(&hash);
            hash = INITIAL;
            compress(&mut hash, &block);
        }
        hash
    })
}
