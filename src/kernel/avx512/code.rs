//! The assembly that `build/` wrote, as one function.

use crate::kernel::lanes::context::Context;

/// Runs one piece of the assembly, and those it goes on to.
///
/// `entry`, `then` and `next` are indices of [`layout`](crate::kernel::lanes::layout): the piece to begin with, the one after a block,
/// and the one after a digest. `sums` points at 64 sums of round constant and word for
/// [`UNIFORM`](crate::kernel::lanes::layout::UNIFORM); no other piece reads it. Returns the mask of lanes that passed, the first
/// stream's in the lower half, if the last piece was a test.
///
/// # Safety
/// * The processor must have AVX-512 F and BW.
/// * The context must hold what the pieces read.
/// * The indices must be those of pieces that may follow each other.
#[allow(unsafe_code)]
#[unsafe(naked)]
pub(super) unsafe extern "sysv64" fn run(
    context: &mut Context,
    entry: usize,
    then: usize,
    next: usize,
    sums: *const u32,
) -> u32 {
    core::arch::naked_asm!(include_str!(concat!(env!("OUT_DIR"), "/avx512.s")), options(raw))
}
