//! The kernels for x86-64, and what those whose code is generated share.

pub(super) mod avx2;
pub(super) mod avx512;
pub(super) mod hybrid;
mod lanes;
pub(super) mod sha_ni;

use super::stretch::Stretch;

/// Words 4 to 15 of the last block of a Bitcoin header: its padding.
const HEADER_PADDING: [u32; 12] = [0x8000_0000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 640];

/// Whether the block that varies is an 80-byte header's last, of which word 3 alone varies.
fn is_header(stretch: &Stretch<'_>) -> bool {
    (stretch.first, stretch.words, stretch.straddles) == (3, 1, false)
        && stretch.block(0)[4..] == HEADER_PADDING
}

#[cfg(test)]
pub(super) use lanes::tests::bind as interpreted;
