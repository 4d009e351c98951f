//! Rolled versions: one nonce at a time, a version in each lane.
//!
//! Headers that differ only in their version (BIP 320) differ only before byte 64: their second blocks are equal, and so
//! are the message schedules of these, a third of the first hash's operations.
//!
//! ```text
//! for each stretch             what differs from version to version         frame, once in millions of hashes
//!   for 16 nonces at a time    their schedules, summed with the constants   16 lanes are 16 nonces
//!     for each nonce
//!       for each 32 versions   the call                                     32 lanes are 32 versions
//! ```

use super::{
    Assembly, BATCH, Batches, Call, Chunk,
    layout::{LANES, RETURN, ROLL, SECOND_LITTLE},
};

/// The block, whose digest is hashed again.
const CALL: Call<'_> = Call {
    entry: ROLL,
    then: RETURN,
    next: SECOND_LITTLE,
    sums: None,
};

impl<A: Assembly> Batches<'_, A> {
    #[inline(always)]
    pub(super) fn scan_rolled(&mut self, chunk: Chunk<'_>) -> u64 {
        let Chunk {
            midstates,
            first,
            count,
            hits,
        } = chunk;
        let under = midstates.len() as u64;
        let mut tested = 0;
        while tested < count {
            let nonce = first + tested;
            if self.stretch.enter(midstates, nonce) {
                self.frame
                    .pack(&self.stretch, self.pieces.hashed_twice, self.test);
                self.frame.pack_versions(&self.stretch);
            }
            let span = self.stretch.low.span();
            let low = nonce % span;
            let here = (span - low).min(count - tested).min(LANES as u64);
            self.fill(low as u32);
            self.frame.sum();
            for at in 0..here {
                for batch in 0..midstates.len() / BATCH {
                    self.frame.point(at as usize, batch);
                    let mut mask = self.assembly.call(&mut self.frame, CALL);
                    while mask != 0 {
                        let version = (batch * BATCH) as u64 + u64::from(mask.trailing_zeros());
                        hits.push((nonce + at) * under + version);
                        mask &= mask - 1;
                    }
                }
                if hits.is_full() {
                    return tested + at + 1;
                }
            }
            tested += here;
        }
        count
    }
}
