//! Version rolling: the same nonces under several midstates at once.
//!
//! *In:* the work of a header, two or four midstates (one a version), nonces. *Out:* which midstate and nonce pass.
//!
//! Headers that differ only in their version (BIP 320) differ only before byte 64: their second blocks are equal, and so
//! are the message schedules of these, which are a third of the first hash's operations. Here the two streams have the
//! same sixteen nonces and a midstate each, and one schedule serves both; with four midstates, a second pass finds it in
//! memory, already summed with the round constants.

use super::code;
use crate::{
    kernel::lanes::{
        context::{At, Context, Lanes},
        layout::*,
        plan::Plan,
        symbols::LowSymbols,
    },
    kernel::roll::RolledHit,
    work::Work,
};

/// Whether [`scan_midstates`] can scan this work: an 80-byte header, hashed twice.
fn can_roll(work: &Work) -> bool {
    let pieces = Plan::new(work, &LowSymbols::of(work)).pieces();
    pieces.is_some_and(|pieces| pieces[..] == [HEADER, DIGEST, SECOND_LITTLE, TOP_LITTLE])
}

/// Tests `count` nonces from `first` on under each of the midstates and appends those that pass, by nonce, then by
/// midstate. The work's own midstate plays no part. Returns how many nonces it tested, from `first` on: `count`, unless
/// the hits reached `limit`; each was hashed once a midstate.
///
/// # Safety
/// The processor must have AVX-512 F and BW.
///
/// # Panics
/// Unless there are two or four midstates, and [`can_roll`].
#[allow(unsafe_code)]
#[target_feature(enable = "avx512f,avx512bw")]
pub(in crate::kernel) unsafe fn scan_midstates(
    work: &Work,
    midstates: &[[u32; 8]],
    first: u64,
    count: u64,
    limit: usize,
    hits: &mut Vec<RolledHit>,
) -> u64 {
    assert!(matches!(midstates.len(), 2 | 4), "two or four midstates");
    assert!(can_roll(work), "only headers share their schedule");
    const BATCH: u64 = LANES as u64;
    let symbols = LowSymbols::of(work);
    let plan = Plan::new(work, &symbols);
    let mut context = Context::new();
    let mut tested = 0;
    while tested < count {
        let nonce = first + tested;
        let low = nonce % symbols.span();
        let here = (symbols.span() - low).min(count - tested);
        let lanes = plan.prepare_midstates(&mut context, work, nonce - low, midstates);
        let mut at = 0;
        while at < here {
            lanes.fill(&mut context, &symbols, (low + at) as u32);
            let none = std::ptr::null();
            // SAFETY: the caller vouches for the features; the context was prepared for a header and all midstates,
            // and the second pass follows the first.
            let mut masks = [
                unsafe { code::run(&mut context, ROLL, RETURN, SECOND_LITTLE, none) },
                0,
            ];
            if midstates.len() == 4 {
                // SAFETY: as above.
                masks[1] = unsafe { code::run(&mut context, ROLL_AGAIN, RETURN, SECOND_LITTLE, none) };
            }
            if masks != [0, 0] {
                for lane in 0..BATCH.min(here - at) {
                    for midstate in 0..midstates.len() {
                        let bit = lane as usize + LANES * (midstate % STREAMS);
                        if masks[midstate / STREAMS] >> bit & 1 == 1 {
                            hits.push(RolledHit {
                                nonce: nonce + at + lane,
                                midstate,
                            });
                        }
                    }
                }
                if hits.len() >= limit {
                    return tested + here.min(at + BATCH);
                }
            }
            at += BATCH;
        }
        tested += here;
    }
    count
}

impl Plan {
    /// Prepares `context` for the stretch that begins with `nonce`, under each of the midstates.
    fn prepare_midstates(
        &self,
        context: &mut Context,
        work: &Work,
        nonce: u64,
        midstates: &[[u32; 8]],
    ) -> Lanes {
        let block = self.blocks(work, nonce)[0];
        for (midstate, chain) in midstates.iter().enumerate() {
            context.prepare_block(midstate, chain, &block, self.first, self.words);
            context.prepare_test(midstate, &work.test, &crate::kernel::reference::INITIAL);
        }
        for (word, value) in block.iter().enumerate() {
            context.broadcast(At { schedule: 0, word }, *value);
        }
        self.lanes(&[block, [0; 16]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Goal, Header, Puzzle, Run, Target,
        kernel::{Hits, Kernel, reference},
    };

    /// A header under several versions, each as a puzzle of its own.
    fn puzzles(bits: f64) -> Vec<Puzzle> {
        let goal = Goal::at_most(Target::from_leading_zero_bits(bits).unwrap());
        (0..4u8)
            .map(|version| {
                let mut bytes: [u8; 80] = std::array::from_fn(|i| (i as u8).wrapping_mul(37));
                bytes[2] = version;
                Puzzle::header_with_goal(&Header::from_bytes(bytes), goal)
            })
            .collect()
    }

    fn works(bits: f64) -> Vec<Work> {
        let run = |puzzle: &Puzzle| Run::split(puzzle, puzzle.nonce_space())[0].work.clone();
        puzzles(bits).iter().map(run).collect()
    }

    fn kernel() -> Option<Kernel> {
        let kernel = Kernel::by_name("avx512").ok();
        if kernel.is_none() {
            eprintln!("skipped: this processor lacks avx512");
        }
        kernel
    }

    fn scan(works: &[Work], first: u64, count: u64) -> Vec<RolledHit> {
        let midstates: Vec<_> = works.iter().map(|work| work.midstate).collect();
        let mut hits = Vec::new();
        // SAFETY: `kernel` has checked the features.
        #[allow(unsafe_code)]
        let tested = unsafe { scan_midstates(&works[0], &midstates, first, count, usize::MAX, &mut hits) };
        assert_eq!(tested, count);
        hits
    }

    #[test]
    fn agrees_with_the_oracle_under_each_midstate() {
        if kernel().is_none() {
            return;
        }
        let oracle: Kernel = "reference".parse().unwrap();
        for (bits, first, count) in [
            (0.0, 5, 40),
            (1.0, 0, 300),
            (3.0, 65_500, 100),
            (5.5, u64::from(u32::MAX) - 700, 701),
            (8.0, 1_234_567, 5_000),
        ] {
            let works = works(bits);
            for midstates in [2, 4] {
                let works = &works[..midstates];
                let mut expected = Vec::new();
                for (midstate, work) in works.iter().enumerate() {
                    let mut hits = Hits::all();
                    oracle.scan(work, first, count, &mut hits);
                    expected.extend(hits.nonces().iter().map(|nonce| RolledHit {
                        nonce: *nonce,
                        midstate,
                    }));
                }
                expected.sort();
                assert_eq!(
                    scan(works, first, count),
                    expected,
                    "{bits} bits, {midstates} midstates"
                );
            }
        }
        assert_ne!(reference::INITIAL, works(0.0)[0].midstate);
    }

    #[test]
    fn only_headers_roll() {
        let goal = Goal::at_most(Target::MAX);
        let text = Puzzle::text("abc", goal);
        assert!(!can_roll(&Run::split(&text, text.nonce_space())[0].work));
        assert!(can_roll(&works(0.0)[0]));
    }
}
