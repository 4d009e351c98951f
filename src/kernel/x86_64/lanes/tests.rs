//! The driver on any machine: an interpreter of the generated instructions stands in for the processor.

use std::sync::LazyLock;

use paydirt_codegen::{Program, interpret};

use super::*;
use crate::puzzle::{Goal, Puzzle, Target};

/// The kernel named avx512, without AVX-512.
pub(in crate::kernel) struct Interpreted;

static PROGRAM: LazyLock<Program> = LazyLock::new(|| {
    let mut programs = paydirt_codegen::programs().into_iter();
    programs.find(|program| program.name == "avx512").unwrap()
});

impl Assembly for Interpreted {
    fn call(&mut self, frame: &mut Frame, call: Call<'_>) -> u32 {
        let Call {
            entry,
            then,
            next,
            sums,
        } = call;
        let call = interpret::Call {
            entry,
            then,
            next,
            sums,
        };
        let mut memory: Vec<u8> = frame.as_words().flat_map(|word| word.to_le_bytes()).collect();
        let mask = PROGRAM.run(&mut memory, 0, call).unwrap();
        let values = memory.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word));
        frame
            .as_words()
            .zip(values)
            .for_each(|(word, value)| *word = value);
        mask
    }
}

pub(in crate::kernel) fn bind(prepared: &Prepared) -> Option<Box<dyn Scan + '_>> {
    Batches::bind(prepared, Interpreted)
}

#[test]
fn only_headers_roll() {
    let puzzle = Puzzle::text("abc", Goal::at_most(Target::MAX));
    let prepared = &Prepared::split(&puzzle, puzzle.nonce_space())[0];
    let kernel = bind(prepared).unwrap();
    assert!(kernel.takes(1) && !kernel.takes(BATCH));
}
