//! Writes the assembly of the vector kernels.
mod block;
mod counts;
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
mod shapes;
mod target;

pub use isa::{Lane, ShaNi};
pub use program::Program;
use target::Target;

/// The programs of the vector kernels.
pub fn programs() -> Vec<Program> {
    [Target::avx512(), Target::avx2()].map(shapes::generate).into()
}

#[cfg(test)]
mod tests;
