//! AVX2: eight lanes, for processors with neither AVX-512 nor the SHA instructions (Intel from Haswell to Comet Lake).
//!
//! The assembly alone; [`lanes`](super::lanes) drives it. A batch and its memory are those of AVX-512: the assembly takes
//! a batch's vectors as [`PARTS`] parts of eight lanes, one after the other.

use std::ptr;

use super::lanes::{
    Assembly, BATCH, Batches, Call, Chunk,
    counts::{Counts, Operations},
    frame::Frame,
    layout::SCALARS,
};
use crate::kernel::{
    Prepared, Scan,
    ceiling::{Ceiling, Demand, Unit},
};

include!(concat!(env!("OUT_DIR"), "/avx2.rs"));

/// Lanes of a vector.
const LANES: usize = 8;
/// Parts of a batch.
const PARTS: usize = BATCH / LANES;

static COUNTS: Counts = Counts {
    pieces: PIECE_OPERATIONS,
    body: BODY_OPERATIONS,
    hashes: LANES as u32,
};

static VECTORS: Unit = Unit {
    name: "256-bit vector operations without rotates, in SHA-256's mix",
    operations: CEILING_OPERATIONS.total(),
    // SAFETY: the caller vouches for the features; the loop touches only registers.
    #[allow(unsafe_code)]
    turns: |turns| unsafe { spin(turns) },
};

pub(in crate::kernel) const CEILING: Ceiling = Ceiling(&[Demand {
    unit: &VECTORS,
    operations_per_hash: |prepared| COUNTS.operations_per_hash(prepared),
}]);

/// # Safety
/// The processor must have AVX2, as long as the result lives.
#[allow(unsafe_code)]
pub(in crate::kernel) unsafe fn bind(prepared: &Prepared) -> Option<Box<dyn Scan + '_>> {
    Batches::bind(prepared, Avx2)
}

/// Made by [`bind`] alone: where there is one, there are the instructions.
struct Avx2;

impl Assembly for Avx2 {
    #[inline(always)]
    fn call(&mut self, frame: &mut Frame, call: Call<'_>) -> u32 {
        let sums = call.sums.map_or(ptr::null(), |sums| sums.as_ptr());
        let frame = ptr::from_mut(frame).cast::<u8>();
        (0..PARTS).fold(0, |mask, part| {
            // SAFETY: `bind`'s caller vouched for the features; the driver prepares the frame for its calls, and every
            // part of a vector has the same place in each of the frame's words.
            #[allow(unsafe_code)]
            let passed = unsafe {
                let (vectors, scalars) = (frame.add(part * LANES * 4), frame.add(SCALARS));
                run(
                    vectors.cast(),
                    call.entry,
                    call.then,
                    call.next,
                    sums,
                    scalars.cast(),
                )
            };
            mask | passed << (part * LANES)
        })
    }

    fn scan(batches: &mut Batches<'_, Self>, chunk: Chunk<'_>) -> u64 {
        #[target_feature(enable = "avx2")]
        fn enabled(batches: &mut Batches<'_, Avx2>, chunk: Chunk<'_>) -> u64 {
            batches.scan(chunk)
        }
        // SAFETY: `bind`'s caller vouched for the features.
        #[allow(unsafe_code)]
        unsafe {
            enabled(batches, chunk)
        }
    }
}

/// Runs one piece of the assembly, and those it goes on to: see [`Call`] for them, and for `sums`. `vectors` points at
/// this part of the frame's first word, `scalars` at the frame's. Returns the mask of lanes that passed, if the last
/// piece was a test.
///
/// # Safety
/// * The processor must have AVX2.
/// * The frame must hold what the pieces read.
/// * The indices must be those of pieces that may follow each other.
#[allow(unsafe_code)]
#[unsafe(naked)]
unsafe extern "sysv64" fn run(
    vectors: *mut [u32; LANES],
    entry: usize,
    then: usize,
    next: usize,
    sums: *const u32,
    scalars: *const u32,
) -> u32 {
    core::arch::naked_asm!(include_str!(concat!(env!("OUT_DIR"), "/avx2.s")), options(raw))
}

/// Runs the loop of the ceiling so many times, at least once.
///
/// # Safety
/// The processor must have AVX2.
#[allow(unsafe_code)]
#[unsafe(naked)]
unsafe extern "sysv64" fn spin(turns: u64) {
    core::arch::naked_asm!(
        include_str!(concat!(env!("OUT_DIR"), "/avx2_ceiling.s")),
        options(raw)
    )
}
