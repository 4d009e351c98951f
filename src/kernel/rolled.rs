//! Scanning headers whose version is rolled, with any kernel.
//!
//! *In:* a [`RolledHeader`], a range of nonces, a kernel bound to the plain header. *Out:* what
//! [`Scanner::scan`](super::Scanner::scan) promises.
//!
//! ```text
//! for each group of 2^g versions in the range:
//!     a midstate for each of its versions                       four compressions, once a group
//!     the header nonces of the group, from the first to the last in the range:
//!         under all midstates at once                           where the kernel takes so many
//!         or a slice at a time, one midstate after the other    everywhere else
//!     the hits, as nonces of the rolled space, ascending; those outside the range dropped
//! ```
//!
//! A range may begin and end inside a header nonce's versions: the rest of them is hashed along, and not counted.

use paydirt_sha256::{BLOCK_BYTES, INITIAL, words};
use sha2::block_api::compress256;

use super::{Hits, Scan};
use crate::puzzle::{Puzzle, VersionRolling};

/// Header nonces that are scanned under one midstate before the next: enough for what changes with it to cost nothing,
/// few enough to stop soon after a hit.
const SLICE: u64 = 4096;

/// What of a nonce becomes the header's first block, and so its midstate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RolledHeader {
    /// How a nonce says version and header nonce.
    rolling: VersionRolling,
    /// The header's first 64 bytes as big-endian words; the first word is the version.
    first_block: [u32; 16],
}

impl RolledHeader {
    pub(super) fn of(puzzle: &Puzzle) -> Option<Self> {
        let rolling = puzzle.rolling()?;
        let (blocks, _) = puzzle.template().prefix().as_chunks::<BLOCK_BYTES>();
        Some(Self {
            rolling,
            first_block: words(&blocks[0]),
        })
    }

    /// How many versions' nonces alternate: they share all but their midstates.
    pub(super) fn versions_together(&self) -> u64 {
        1 << self.rolling.group_bits()
    }

    /// The midstate of the version that `nonce` stands for.
    fn midstate(&self, nonce: u64) -> [u32; 8] {
        let (version, _) = self.rolling.split(nonce);
        let mut block = self.first_block;
        block[0] = version.swap_bytes();
        let bytes = block.map(u32::to_be_bytes);
        let bytes: &[u8; 64] = bytes.as_flattened().try_into().expect("16 words of 4 bytes");
        let mut midstate = INITIAL;
        compress256(&mut midstate, std::slice::from_ref(bytes));
        midstate
    }

    /// Scans `count` nonces of the rolled space from `first` on.
    pub(super) fn scan(&self, kernel: &mut dyn Scan, first: u64, count: u64, hits: &mut Hits) -> u64 {
        let group_bits = self.rolling.group_bits();
        let in_each = 1u64 << (32 + group_bits);
        let last = first + (count - 1);
        for group in first / in_each..=last / in_each {
            let base = group * in_each;
            let header_nonce = |nonce: u64| (nonce - base).min(in_each - 1) >> group_bits;
            let end = header_nonce(last) + 1;
            let midstates: Vec<_> = (0..1 << group_bits)
                .map(|version| self.midstate(base | version))
                .collect();
            let mut next = header_nonce(first.max(base));
            while next < end {
                let mut found = Hits::up_to(hits.room().max(1));
                next += scan_group(kernel, &midstates, next, end - next, &mut found);
                let nonces = found.nonces().iter().map(|hit| base | hit);
                for nonce in nonces.filter(|nonce| (first..=last).contains(nonce)) {
                    hits.push(nonce);
                }
                if hits.is_full() && next < end {
                    return (base | next << group_bits) - first;
                }
            }
            // Here the group is done up to its last nonce, or the range's.
            if hits.is_full() {
                return last.min(base | (in_each - 1)) - first + 1;
            }
        }
        count
    }
}

/// [`Scan::scan`] for any number of midstates: all at once, or a slice under one after the other.
fn scan_group(
    kernel: &mut dyn Scan,
    midstates: &[[u32; 8]],
    first: u64,
    count: u64,
    found: &mut Hits,
) -> u64 {
    if kernel.takes(midstates.len()) {
        return kernel.scan(midstates, first, count, found);
    }
    let count = count.min(SLICE);
    let mut all = Vec::new();
    for (index, midstate) in midstates.iter().enumerate() {
        let mut hits = Hits::all();
        let tested = kernel.scan(std::slice::from_ref(midstate), first, count, &mut hits);
        debug_assert_eq!(tested, count, "there is room for all hits");
        let numbered = |nonce: &u64| nonce * midstates.len() as u64 + index as u64;
        all.extend(hits.nonces().iter().map(numbered));
    }
    all.sort_unstable();
    all.into_iter().for_each(|hit| found.push(hit));
    count
}
