//! Scanning headers whose version is rolled, on any kernel.
//!
//! *In:* a work with a [`RolledHeader`], a range of nonces, an implementation. *Out:* what [`Scan`](super::Scan)
//! promises.
//!
//! ```text
//! for each group of 2^g versions in the range:
//!     a midstate for each of its versions                       four compressions, once a group
//!     the header nonces of the group, from the first to the last in the range:
//!         under all midstates at once                           where the kernel has a ScanMidstates
//!         or a slice at a time, one midstate after the other    everywhere else
//!     the hits, as nonces of the rolled space, ascending; those outside the range dropped
//! ```
//!
//! A range may begin and end inside a header nonce's versions: the rest of them is hashed along, and not counted.

use sha2::block_api::compress256;

use super::{Hits, Implementation, reference::INITIAL};
use crate::work::{RolledHeader, Work};

/// Header nonces that are scanned under one midstate before the next: enough for what a scan prepares to cost nothing,
/// few enough to stop soon after a hit.
const SLICE: u64 = 4096;

/// A header nonce that passed the cheap test, and under which of the midstates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RolledHit {
    /// The header's nonce.
    pub(crate) nonce: u64,
    /// Index of the midstate.
    pub(crate) midstate: usize,
}

/// Tests `count` header nonces from `first` on under each of the two or four midstates, and appends those that pass,
/// by nonce, then by midstate. The work is that of an 80-byte header; its own midstate plays no part. Returns how many
/// nonces it tested, from `first` on: `count`, unless the hits reached `limit`.
///
/// # Safety
/// The processor must have the features that the implementation's `supported` checks.
pub(super) type ScanMidstates = unsafe fn(
    work: &Work,
    midstates: &[[u32; 8]],
    first: u64,
    count: u64,
    limit: usize,
    hits: &mut Vec<RolledHit>,
) -> u64;

/// Scans a work whose version is rolled; see [`Scan`](super::Scan).
///
/// # Safety
/// The processor must have the features that the implementation's `supported` checks.
#[allow(unsafe_code)]
pub(super) unsafe fn scan(
    kernel: &Implementation,
    rolled: &RolledHeader,
    work: &Work,
    first: u64,
    count: u64,
    hits: &mut Hits,
) -> u64 {
    let group_bits = rolled.rolling.group_bits();
    let last = first + (count - 1);
    let nonce_of = |group: u64, hit: RolledHit| {
        group << (32 + group_bits) | hit.nonce << group_bits | hit.midstate as u64
    };
    let mut found = Vec::new();
    for group in first >> (32 + group_bits)..=last >> (32 + group_bits) {
        let base = group << (32 + group_bits);
        let in_group = |nonce: u64| (nonce - base).min((1 << (32 + group_bits)) - 1) >> group_bits;
        let end = in_group(last) + 1;
        let midstates: Vec<_> = (0..1 << group_bits)
            .map(|version| midstate(rolled, base | version))
            .collect();
        let mut next = in_group(first.max(base));
        while next < end {
            found.clear();
            let room = hits.limit.saturating_sub(hits.nonces.len()).max(1);
            // SAFETY: the caller vouches for the features; `RolledHeader` is made for headers only.
            next += unsafe {
                match kernel.scan_midstates {
                    Some(scan) => scan(work, &midstates, next, end - next, room, &mut found),
                    None => one_by_one(kernel, work, &midstates, next, end - next, &mut found),
                }
            };
            let nonces = found.iter().map(|hit| nonce_of(group, *hit));
            for nonce in nonces.filter(|nonce| (first..=last).contains(nonce)) {
                hits.push(nonce);
            }
            if hits.is_full() && next < end {
                return (base | next << group_bits) - first;
            }
        }
        // Here the group is done up to its last nonce, or the range's.
        let group_last = last.min(base | ((1 << (32 + group_bits)) - 1));
        if hits.is_full() {
            return group_last - first + 1;
        }
    }
    count
}

/// The midstate of the version that `nonce` stands for.
fn midstate(rolled: &RolledHeader, nonce: u64) -> [u32; 8] {
    let (version, _) = rolled.rolling.split(nonce);
    let mut block = rolled.first_block;
    block[0] = version.swap_bytes();
    let bytes = block.map(u32::to_be_bytes);
    let bytes: &[u8; 64] = bytes.as_flattened().try_into().expect("16 words of 4 bytes");
    let mut midstate = INITIAL;
    compress256(&mut midstate, std::slice::from_ref(bytes));
    midstate
}

/// A slice under one midstate after the other, as a plain header each. Returns the slice's length.
///
/// # Safety
/// The processor must have the features that the implementation's `supported` checks.
#[allow(unsafe_code)]
unsafe fn one_by_one(
    kernel: &Implementation,
    work: &Work,
    midstates: &[[u32; 8]],
    first: u64,
    count: u64,
    found: &mut Vec<RolledHit>,
) -> u64 {
    let count = count.min(SLICE);
    for (index, midstate) in midstates.iter().enumerate() {
        let plain = Work {
            midstate: *midstate,
            rolled: None,
            ..work.clone()
        };
        let mut hits = Hits::all();
        // SAFETY: the caller vouches for the features.
        let tested = unsafe { (kernel.scan)(&plain, first, count, &mut hits) };
        debug_assert_eq!(tested, count, "there is room for all hits");
        found.extend(hits.nonces.iter().map(|nonce| RolledHit {
            nonce: *nonce,
            midstate: index,
        }));
    }
    found.sort_unstable();
    count
}
