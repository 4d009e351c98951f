//! Writes the assembly of the vector kernels.
//!
//! *In:* nothing but SHA-256's constants. *Out:* for each set of instructions a [`Program`]: assembly text, the loop
//! that measures its ceiling, and the counts of its operations.
//!
//! SHA-256 for proof of work wants code that no compiler writes: two hashes interleaved instruction by instruction,
//! state words renamed instead of moved, and everything left out that is the same in all lanes or that the cheap test
//! never looks at. It is written by the modules here, as text, into `$OUT_DIR`, where `src/kernel` includes it. The
//! crate has no build dependencies and asks nothing of the machine it is built on.
//!
//! ```text
//! shapes, roll    which rounds are written out, and how the pieces are joined
//!   └► block          what varies in a block
//!        └► rounds         one round, one schedule step
//!             └► avx512, avx2   their instructions
//!                  └► code           text, interleaved, counted by class
//! counts          what it all costs, for the ceiling
//! layout     where each value lies in memory (the same file as in src)
//! ```

mod avx2;
mod avx512;
mod block;
mod code;
mod counts;
#[allow(missing_docs)]
pub mod layout;
mod roll;
mod rounds;
mod shapes;

pub use shapes::Program;

/// The programs of the vector kernels, by the kernels' names.
pub fn programs() -> Vec<(&'static str, Program)> {
    let isas: [&dyn rounds::Isa; 2] = [&avx512::Avx512, &avx2::Avx2];
    isas.map(|isa| (isa.name(), shapes::generate(isa))).into()
}
