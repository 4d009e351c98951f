//! What the processor's SHA unit can do at all, to hold the kernel's rate against.
//!
//! *In:* nothing. *Out:* [`Ceiling`]: how many `sha256rnds2` a second, alone and together with the instructions of
//! the message schedule, from chains that wait for nothing but the unit.
//!
//! The bound of the kernel is `rnds2` a second over the kernel's [`Operations`]. The mixed rate says whether the
//! schedule's instructions compete with it. On an Intel server core (2024; `sha256rnds2` one in 3.0 cycles, latency 4;
//! `sha256msg1` one in 4.0, `sha256msg2` one in 2.0) they do not: two `sha256rnds2` with one of each other take
//! 6.1 cycles, so `sha256rnds2` is the bound that holds, within 2 %.
//! The rates go up and down with clock and neighbours: measure next to what is compared, in turn, and take medians.

use std::{
    arch::x86_64::{
        __m128i, _mm_set1_epi32, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32,
    },
    hint::black_box,
    time::Instant,
};

use super::{KERNEL, plan::Operations};

/// Rates of the SHA unit, measured just now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ceiling {
    /// `sha256rnds2` a second, nothing else going on.
    pub(crate) rnds2_per_second: f64,
    /// `sha256rnds2` a second when every second one is joined by one `sha256msg1` and one `sha256msg2`: at least as
    /// many as in the kernel.
    pub(crate) mixed_rnds2_per_second: f64,
}

impl Ceiling {
    /// Measures for about a millisecond. `None` where the processor lacks the instructions.
    pub(crate) fn measure() -> Option<Self> {
        // SAFETY: `supported` has found SHA.
        (KERNEL.supported)().then(|| unsafe {
            Self {
                rnds2_per_second: rounds_alone(ROUNDS),
                mixed_rnds2_per_second: rounds_mixed(ROUNDS),
            }
        })
    }

    /// The most hashes a second that a kernel with these counts can reach, by `sha256rnds2` alone.
    pub(crate) fn hashes_per_second(&self, operations: Operations) -> f64 {
        self.rnds2_per_second / f64::from(operations.rnds2)
    }
}

/// Loops of a measurement, eight `sha256rnds2` each: half a millisecond at 2 to 3 cycles and 4 GHz.
const ROUNDS: u64 = 80_000;
const CHAINS: usize = 8;

/// # Safety
/// The processor must have SHA.
#[target_feature(enable = "sha,sse2")]
unsafe fn rounds_alone(loops: u64) -> f64 {
    let (constant, mut chains) = black_box((_mm_set1_epi32(7), [_mm_set1_epi32(1); CHAINS]));
    let begin = Instant::now();
    for _ in 0..loops {
        for chain in &mut chains {
            *chain = _mm_sha256rnds2_epu32(*chain, constant, constant);
        }
    }
    black_box(chains);
    (loops * CHAINS as u64) as f64 / begin.elapsed().as_secs_f64()
}

/// # Safety
/// The processor must have SHA.
#[target_feature(enable = "sha,sse2")]
unsafe fn rounds_mixed(loops: u64) -> f64 {
    let one = _mm_set1_epi32(1);
    let (constant, mut chains, mut first, mut second): (__m128i, [_; CHAINS / 2], [_; 3], [_; 3]) =
        black_box((_mm_set1_epi32(7), [one; _], [one; _], [one; _]));
    let begin = Instant::now();
    // Three times four sha256rnds2 with two of each other: each chain of the others is met twice.
    for _ in 0..loops * CHAINS as u64 / 12 {
        for at in 0..3 {
            chains[0] = _mm_sha256rnds2_epu32(chains[0], constant, constant);
            first[at] = _mm_sha256msg1_epu32(first[at], constant);
            chains[1] = _mm_sha256rnds2_epu32(chains[1], constant, constant);
            second[at] = _mm_sha256msg2_epu32(second[at], constant);
            chains[2] = _mm_sha256rnds2_epu32(chains[2], constant, constant);
            let at = (at + 1) % 3;
            first[at] = _mm_sha256msg1_epu32(first[at], constant);
            chains[3] = _mm_sha256rnds2_epu32(chains[3], constant, constant);
            second[at] = _mm_sha256msg2_epu32(second[at], constant);
        }
    }
    black_box((chains, first, second));
    (loops * CHAINS as u64 / 12 * 12) as f64 / begin.elapsed().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_a_processor() {
        let Some(ceiling) = Ceiling::measure() else {
            return eprintln!("skipped: this processor lacks SHA");
        };
        for rate in [ceiling.rnds2_per_second, ceiling.mixed_rnds2_per_second] {
            assert!((1e6..1e11).contains(&rate), "{ceiling:?}");
        }
        let header = ceiling.hashes_per_second(Operations::HEADER);
        assert_eq!(header, ceiling.rnds2_per_second / 60.0);
    }
}
