//! Hash values and states as the SHA instructions hold them.

use paydirt_sha256::round;

use crate::kernel::stretch::Start;

/// Four words, the first in the lowest lane.
pub(super) type Quad = [u32; 4];

/// The hash value or state as the SHA instructions hold it: F E B A and H G D C, from the lowest lane up.
pub(super) const fn halves([a, b, c, d, e, f, g, h]: [u32; 8]) -> [Quad; 2] {
    [[f, e, b, a], [h, g, d, c]]
}

/// What differs from version to version of a rolled header, as the assembly finds it.
#[derive(Clone, Copy, Default)]
#[repr(C, align(64))]
pub(super) struct Version {
    /// The state after the nonce's round, but for what constant and word add to a and e.
    start: [Quad; 2],
    midstate: [Quad; 2],
}

impl Version {
    pub(super) fn of(start: &Start) -> Self {
        let mut state = start.state;
        round(&mut state, 0);
        Self {
            start: halves(state),
            midstate: halves(start.chaining),
        }
    }
}
