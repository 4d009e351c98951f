//! AVX-512: 32 nonces at a time, as two interleaved streams of sixteen lanes.
//!
//! The assembly alone; [`lanes`](super::lanes) drives it.

use std::ptr;

use super::lanes::{
    Assembly, Batches, Call, Chunk,
    counts::{Counts, Operations},
    frame::Frame,
};
use crate::kernel::{
    Prepared, Scan,
    ceiling::{Ceiling, Demand, Unit},
};

include!(concat!(env!("OUT_DIR"), "/avx512.rs"));

static COUNTS: Counts = Counts {
    pieces: PIECE_OPERATIONS,
    body: BODY_OPERATIONS,
    hashes: 32,
};

static VECTORS: Unit = Unit {
    name: "512-bit vector operations, in SHA-256's mix",
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
/// The processor must have AVX-512 F and BW, as long as the result lives.
#[allow(unsafe_code)]
pub(in crate::kernel) unsafe fn bind(prepared: &Prepared) -> Option<Box<dyn Scan + '_>> {
    Batches::bind(prepared, Avx512)
}

/// Made by [`bind`] alone: where there is one, there are the instructions.
struct Avx512;

impl Assembly for Avx512 {
    #[inline(always)]
    fn call(&mut self, frame: &mut Frame, call: Call<'_>) -> u32 {
        let sums = call.sums.map_or(ptr::null(), |sums| sums.as_ptr());
        // SAFETY: `bind`'s caller vouched for the features; the driver prepares the frame for its calls.
        #[allow(unsafe_code)]
        unsafe {
            run(frame, call.entry, call.then, call.next, sums)
        }
    }

    fn scan(batches: &mut Batches<'_, Self>, chunk: Chunk<'_>) -> u64 {
        #[target_feature(enable = "avx512f,avx512bw")]
        fn enabled(batches: &mut Batches<'_, Avx512>, chunk: Chunk<'_>) -> u64 {
            batches.scan(chunk)
        }
        // SAFETY: `bind`'s caller vouched for the features.
        #[allow(unsafe_code)]
        unsafe {
            enabled(batches, chunk)
        }
    }
}

/// Runs one piece of the assembly, and those it goes on to: see [`Call`] for them, and for `sums`. Returns the mask of
/// lanes that passed, the first stream's in the lower half, if the last piece was a test.
///
/// # Safety
/// * The processor must have AVX-512 F and BW.
/// * The frame must hold what the pieces read.
/// * The indices must be those of pieces that may follow each other.
#[allow(unsafe_code)]
#[unsafe(naked)]
unsafe extern "sysv64" fn run(
    frame: &mut Frame,
    entry: usize,
    then: usize,
    next: usize,
    sums: *const u32,
) -> u32 {
    core::arch::naked_asm!(include_str!(concat!(env!("OUT_DIR"), "/avx512.s")), options(raw))
}

/// Runs the loop of the ceiling so many times, at least once.
///
/// # Safety
/// The processor must have AVX-512 F.
#[allow(unsafe_code)]
#[unsafe(naked)]
unsafe extern "sysv64" fn spin(turns: u64) {
    core::arch::naked_asm!(
        include_str!(concat!(env!("OUT_DIR"), "/avx512_ceiling.s")),
        options(raw)
    )
}
