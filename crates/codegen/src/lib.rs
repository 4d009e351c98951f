//! Writes the assembly of the vector kernels.
//!
//! *In:* nothing but SHA-256's constants. *Out:* for each set of instructions a [`Program`]: assembly, the loop that
//! measures its ceiling, the counts of its operations; and the [`layout`] of its memory, for the driver.
//!
//! SHA-256 for proof of work wants code that no compiler writes: hashes merged instruction by instruction, state words
//! renamed instead of moved, and everything left out that is the same in all lanes or that the cheap test never looks
//! at. Here an instruction is a value: what it does, registers, places in memory. It becomes text in one place, and
//! [`Program::run`] runs it on any machine, so that code for a processor at hand and for one that is not are tested alike.
//!
//! ```text
//! op, operand    instructions, and what they can name        layout     where each value lies
//!   └► isa            avx512, avx2: one stream; sha_ni: lanes side by side; registers given from outside
//!        └► rounds, schedule   one round, one step
//!             └► block              what is known of a block's words
//!                  └► merge              streams of any length into one
//!                       └► shapes             which rounds are written out, how the pieces are joined   (target: for what)
//!   sha_ni (its own shape)     └► program            pieces, constants, jump table
//!                                 ├► render             as text
//!                                 ├► interpret          run
//!                                 └► counts             what it costs
//! ```
//!
//! Who builds the engine pays for this once: about 2 s of processor time to compile the crate, 0.2 s to run it (measured
//! on a Zen 3 core, unoptimised, as cargo builds what a build script needs).

mod block;
mod counts;
pub mod hybrid;
pub mod interpret;
mod isa;
pub mod layout;
pub mod merge;
pub mod op;
pub mod operand;
mod program;
mod render;
mod rounds;
mod schedule;
pub mod sha_ni;
mod shapes;
mod target;
#[cfg(test)]
mod tests;
pub mod tuned;

pub use isa::{Lane, ShaNi};
pub use program::Program;
use target::Target;
pub use target::Tuning;

/// The AVX-512 kernel's program.
///
/// # Panics
/// When no code can be made of the tuning: [`Tuning::is_possible`].
pub fn avx512(tuning: Tuning) -> Program {
    assert!(tuning.is_possible(), "no code of {tuning:?}");
    shapes::generate(Target::avx512(tuning))
}

/// The AVX2 kernel's program.
///
/// # Panics
/// As [`avx512`].
pub fn avx2(tuning: Tuning) -> Program {
    assert!(tuning.is_possible(), "no code of {tuning:?}");
    shapes::generate(Target::avx2(tuning))
}

/// The programs of the vector kernels, as they are shipped.
pub fn programs() -> Vec<Program> {
    [avx512(Tuning::avx512()), avx2(Tuning::avx2())].into()
}
