//! The assembly that `build/` wrote, as one function.

use std::ptr;

use super::{LANES, PARTS};
use crate::kernel::lanes::{context::Context, plan::Call};

/// Makes a call of the assembly for each part of the batch; returns the mask of lanes that passed, the first part's
/// lowest, if the last piece was a test.
///
/// # Safety
/// * The processor must have AVX2.
/// * The context must hold what the call's pieces read.
#[allow(unsafe_code)]
#[inline]
pub(super) unsafe fn run_parts(context: &mut Context, call: Call<'_>) -> u32 {
    let scalars = context.scalars();
    let sums = call.sums.map_or(ptr::null(), |sums| sums.as_ptr());
    let vectors = ptr::from_mut(context).cast::<[u32; LANES]>();
    (0..PARTS).fold(0, |mask, part| {
        // SAFETY: the caller vouches for the features and the context; every part of a vector has the same place in
        // each of the context's words.
        let passed = unsafe { run(vectors.add(part), call.entry, call.then, call.next, sums, scalars) };
        mask | passed << (part * LANES)
    })
}

/// Runs one piece of the assembly, and those it goes on to.
///
/// `vectors` points at this part of the context's first word. `entry`, `then` and `next` are indices of
/// [`layout`](crate::kernel::lanes::layout): the piece to begin with, the one after a block, and the one after a
/// digest. `sums` points at 64 sums of round constant and word for
/// [`UNIFORM`](crate::kernel::lanes::layout::UNIFORM); no other piece reads it. `scalars` are the context's. Returns
/// the mask of lanes that passed, if the last piece was a test.
///
/// # Safety
/// * The processor must have AVX2.
/// * The context must hold what the pieces read.
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
