//! Scanning headers whose version is rolled, with any kernel.
//!
//! *In:* a [`RolledHeader`], a range of nonces, a kernel bound to the plain header. *Out:* what
//! [`Scanner::scan`](super::Scanner::scan) promises.
//!
//! ```text
//! for each group of 2^g versions in the range:
//!     a midstate for each of its versions, when first needed    a compression each, once in 2^(32 + g) nonces
//!     the header nonces of the group, from the first to the last in the range:
//!         under all midstates at once                           where the kernel takes so many
//!         or a slice at a time, one midstate after the other    everywhere else
//!     the hits, as nonces of the rolled space, ascending
//! ```
//!
//! A range may begin and end inside a header nonce's versions. Under all midstates the rest of them is hashed along, and
//! neither counted nor told; a range inside a single header nonce takes no more than whole batches of versions.

use std::ops::Range;

use paydirt_sha256::{BLOCK_BYTES, INITIAL, words};
use sha2::block_api::compress256;

use super::{Hits, Scan};
use crate::puzzle::{MOST_GROUP_BITS, Puzzle, VersionRolling};

/// Versions that kernels test side by side, or multiples of it.
const BATCH: usize = 32;
/// Nonces that are scanned under one midstate after the other before the next, all versions together: enough for what
/// changes with a midstate to cost little, few enough to stop soon after a hit.
const SLICE: u64 = 1 << 14;

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

    /// How many versions there are to a header nonce.
    pub(super) fn versions(&self) -> usize {
        1 << self.rolling.group_bits()
    }

    /// Whether there are enough of them to test them side by side.
    pub(super) fn fills_batches(&self) -> bool {
        self.versions() >= BATCH
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
}

/// A rolled header, and the midstates of the group of versions that was scanned last.
pub(super) struct RolledScan {
    header: RolledHeader,
    midstates: Vec<[u32; 8]>,
    /// Which of them are made, a bit each.
    made: u128,
    /// The first nonce of their group.
    base: u64,
}

const _: () = assert!(1 << MOST_GROUP_BITS <= u128::BITS);

/// Nonces of a group, counted from its first: from one to another, both inside.
#[derive(Clone, Copy)]
struct Part {
    from: u64,
    to: u64,
}

impl RolledScan {
    pub(super) fn new(header: RolledHeader) -> Self {
        Self {
            midstates: vec![[0; 8]; header.versions()],
            header,
            made: 0,
            base: 0,
        }
    }

    /// Scans `count` nonces of the rolled space from `first` on.
    pub(super) fn scan(&mut self, kernel: &mut dyn Scan, first: u64, count: u64, hits: &mut Hits) -> u64 {
        let in_each = 1u64 << (32 + self.header.rolling.group_bits());
        let last = first + (count - 1);
        for group in first / in_each..=last / in_each {
            let base = group * in_each;
            if base != self.base {
                (self.base, self.made) = (base, 0);
            }
            let part = Part {
                from: first.max(base) - base,
                to: (last - base).min(in_each - 1),
            };
            let versions = self.versions(part);
            let tested = match kernel.takes(versions.len()) {
                true => self.scan_together(kernel, versions, part, hits),
                false => self.scan_in_turn(kernel, part, hits),
            };
            if hits.is_full() {
                return (base + part.from - first) + tested;
            }
        }
        count
    }

    /// The version's number in its group, and the header's nonce.
    fn split(&self, nonce: u64) -> (usize, u64) {
        let versions = self.midstates.len() as u64;
        ((nonce % versions) as usize, nonce / versions)
    }

    /// The versions of a part, in whole batches: all, unless it is inside a single header nonce.
    fn versions(&self, part: Part) -> Range<usize> {
        let ((low, first), (high, last)) = (self.split(part.from), self.split(part.to));
        if first < last {
            return 0..self.midstates.len();
        }
        low / BATCH * BATCH..((high / BATCH + 1) * BATCH).min(self.midstates.len())
    }

    /// The midstates of these versions.
    fn midstates(&mut self, versions: Range<usize>) -> &[[u32; 8]] {
        for version in versions.clone() {
            if self.made >> version & 1 == 0 {
                self.made |= 1 << version;
                self.midstates[version] = self.header.midstate(self.base | version as u64);
            }
        }
        &self.midstates[versions]
    }

    /// Scans a part under all midstates at once. Returns how many of its nonces were tested.
    fn scan_together(
        &mut self,
        kernel: &mut dyn Scan,
        versions: Range<usize>,
        part: Part,
        hits: &mut Hits,
    ) -> u64 {
        let (base, in_each) = (self.base, self.midstates.len() as u64);
        let ((_, mut next), (_, last)) = (self.split(part.from), self.split(part.to));
        let (first_version, under) = (versions.start as u64, versions.len() as u64);
        let midstates = self.midstates(versions);
        while next <= last {
            let mut found = Hits::up_to(hits.room().max(1));
            next += kernel.scan(midstates, next, last - next + 1, &mut found);
            let nonces = found
                .nonces()
                .iter()
                .map(|hit| hit / under * in_each + first_version + hit % under);
            for nonce in nonces.filter(|nonce| (part.from..=part.to).contains(nonce)) {
                hits.push(base | nonce);
            }
            if hits.is_full() && next <= last {
                return next * in_each - part.from;
            }
        }
        part.to - part.from + 1
    }

    /// Scans a part slice by slice, each under one midstate after the other.
    fn scan_in_turn(&mut self, kernel: &mut dyn Scan, part: Part, hits: &mut Hits) -> u64 {
        let (base, in_each) = (self.base, self.midstates.len());
        let mut next = part.from;
        loop {
            let end = part.to.min(next | (SLICE - 1));
            let ((low, first), (high, last)) = (self.split(next), self.split(end));
            let mut all = Vec::new();
            for version in 0..in_each {
                let from = first + u64::from(version < low);
                let to = last + u64::from(version <= high);
                if from < to {
                    let mut found = Hits::all();
                    let midstate = self.midstates(version..version + 1);
                    let tested = kernel.scan(midstate, from, to - from, &mut found);
                    debug_assert_eq!(tested, to - from, "there is room for all hits");
                    let nonce = |hit: &u64| base | (hit * in_each as u64 + version as u64);
                    all.extend(found.nonces().iter().map(nonce));
                }
            }
            all.sort_unstable();
            all.into_iter().for_each(|hit| hits.push(hit));
            if end == part.to || hits.is_full() {
                return end - part.from + 1;
            }
            next = end + 1;
        }
    }
}
