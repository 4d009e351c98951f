//! The kernel for processors with the SHA instructions (Intel since Goldmont and Ice Lake, AMD since Zen).
//!
//! *In:* a [`Work`] and a range of nonces. *Out:* the hits. `sha256rnds2` computes two rounds, but each pair waits for
//! the pair before it: one message at a time leaves the unit idle for a quarter (Intel) to a half (AMD) of the time.
//! This kernel hashes [`LANES`] messages side by side, which fills it, and then spares the unit what it can:
//!
//! ```text
//! for each stretch (nonces that differ in one word of the message, or two):    stretch.rs
//!     1. rounds and schedule words that do not depend on it, in scalar code
//!     for each row (their last two symbols run from 00 to 99, to ff …):        rows.rs
//!         2. the part of the word that the row shares
//!         for LANES nonces at a time:                                          rounds.rs
//!             3. word = the row's part ^ table[last two symbols]
//!             4. the other rounds; for sha256d the second hash, without what does not reach its top word
//! ```
//!
//! `rounds.rs` holds the ideas that save instructions, and what was measured.

#![allow(unsafe_code)]
use std::sync::OnceLock;

use super::{Hits, Implementation};
use crate::{
    puzzle::{ByteOrder, Digest},
    work::Work,
};

pub(super) mod ceiling;
mod plan;
mod rounds;
mod rows;
mod stretch;

/// Messages side by side.
const LANES: usize = 2;

pub(super) static KERNEL: Implementation = Implementation {
    name: "sha-ni",
    about: "the SHA instructions, two nonces side by side",
    lanes: LANES as u64,
    supported: || {
        is_x86_feature_detected!("sha")
            && is_x86_feature_detected!("sse4.1")
            && is_x86_feature_detected!("ssse3")
    },
    scan,
    scan_midstates: None,
    self_test: OnceLock::new(),
};

/// See [`Scan`](super::Scan).
///
/// # Safety
/// The processor must have SHA, SSE4.1 and SSSE3.
#[target_feature(enable = "sha,sse4.1,ssse3")]
unsafe fn scan(work: &Work, first: u64, count: u64, hits: &mut Hits) -> u64 {
    let mut rows = rows::Rows::new(work);
    let hash_row = if work.blocks.len() == 1
        && work.digest == Digest::Sha256d
        && work.test.order == ByteOrder::Little
        && (rows.word(), rows.words()) == (3, 1)
    {
        rounds::header_row
    } else {
        rounds::ROWS[rows.words() - 1][rows.word()]
    };
    let mut tested = 0;
    while tested < count {
        let nonce = first + tested;
        let (stretch, row) = rows.enter(nonce);
        let in_row = (row.left).min(usize::try_from(count - tested).unwrap_or(usize::MAX));
        // SAFETY: the caller vouches for SHA, SSE4.1 and SSSE3.
        tested += unsafe { hash_row(stretch, &row, in_row, nonce, hits) } as u64;
        if hits.is_full() {
            break;
        }
    }
    tested
}
