//! What a driver must know, as Rust: where each value lies in memory, and what each piece takes.

use super::{Ending, Entry, LANES, memory};
use crate::{counts, op::Op, operand::Label, program::Program};

/// What a batch takes: `sha256rnds2`, and other operations of vectors.
pub(crate) fn costs(program: &Program, entry: usize) -> [u32; 2] {
    let lines =
        (program.code.find(Label::Entry(entry))).map_or(&[][..], |piece| program.code.pieces[piece].code());
    let rounds = lines.iter().filter(|line| line.op == Op::Sha256Rounds).count() as u32;
    let all: counts::Operations = lines.iter().map(counts::Operations::of).sum();
    [rounds, all.rotates + all.logic + all.adds + all.others - rounds]
}

/// What a driver must know, as Rust: where each value lies in memory, and what each piece takes. What they mean is said
/// in [`memory`] and at [`Entry`].
pub fn constants(program: &Program) -> String {
    let costs: Vec<_> = (0..Entry::COUNT).map(|entry| costs(program, entry)).collect();
    let turn = counts::of_ceiling(program);
    let mut text = format!(
        "/// `sha256rnds2` and other vector operations of each piece, for a batch.\n\
         pub const PIECES: [[u32; 2]; {}] = {costs:?};\n\
         /// Vector operations of one turn of the loop that measures them.\n\
         pub const CEILING_OPERATIONS: u64 = {};\n",
        costs.len(),
        turn.rotates + turn.logic + turn.adds + turn.others
    );
    for (name, value) in [
        ("LANES", LANES),
        ("BUFFER_BYTES", memory::BUFFER_BYTES),
        ("KW", memory::KW.offset),
        ("TERMS", memory::TERMS.offset),
        ("CHAIN", memory::CHAIN.offset),
        ("START", memory::START.offset),
        ("CHAINING", memory::CHAINING.offset),
        ("RING", memory::RING.offset),
        ("UNIFORM_SUMS", memory::UNIFORM.offset),
        ("PERIODS", memory::PERIODS.offset),
        ("WORDS", memory::WORDS.offset),
        ("BATCHES", memory::BATCHES),
        ("MARGIN", memory::MARGIN),
        ("DIGESTS", memory::DIGESTS.offset),
        ("DIGEST_BATCHES", memory::DIGEST_BATCHES),
        ("BYTES", memory::BYTES),
        ("HEADER", Entry::Header.index()),
        ("ROLL", Entry::Roll.index()),
        ("UNIFORM", Entry::Uniform.index()),
        ("SECOND_BIG", Entry::SecondBig.index()),
        ("SECOND_LITTLE", Entry::SecondLittle.index()),
    ] {
        text += &format!("pub const {name}: usize = {value};\n");
    }
    for (name, ending) in [
        ("block_big", Ending::Big),
        ("block_little", Ending::Little),
        ("block_digest", Ending::Digest),
    ] {
        let [zero, one] = [0, 1].map(|first| Entry::Block { first, ending }.index());
        text += &format!(
            "/// The piece of the block in which word `first` and the next vary.\n\
             pub const fn {name}(first: usize) -> usize {{ {zero} + {} * first }}\n",
            one - zero
        );
    }
    text
}
