//! The programs, run by the interpreter, against the oracle; and what is asserted of any code.

mod counts;
mod driver;
mod hybrid;
pub(crate) mod liveness;
mod merging;
mod pieces;
mod sha_ni;
mod sha_ni_program;
mod strictness;

use crate::{Program, Tuning, avx2, avx512, programs};

/// Numbers without a pattern (xorshift).
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(0x9e37_79b9_7f4a_7c15 ^ seed)
    }

    pub(crate) fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as u32
    }

    pub(crate) fn words<const N: usize>(&mut self) -> [u32; N] {
        std::array::from_fn(|_| self.next())
    }
}

/// The programs that are shipped, and some that a search may try.
pub(crate) fn tried() -> Vec<Program> {
    let mut all = programs();
    for (ahead, slack, lag) in [(2, 0.0, 0), (1, 2.0, 21), (2, 0.6, 3)] {
        let tuning = Tuning { ahead, slack, lag };
        assert_eq!(tuning.to_string().parse(), Ok(tuning));
        all.extend([avx512(tuning), avx2(tuning)]);
    }
    all
}
