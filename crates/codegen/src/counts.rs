//! What the code costs: the loop that measures the processor's issue rate, and the counts of operations.

use crate::{
    code::{Lines, Operations, Piece, spread},
    layout::LABELS,
    rounds::{Isa, Operand, Register},
    shapes::label,
};

/// Sixteen rounds with their schedule, no operation waiting for another: `rdi` times.
///
/// Results go to three quarters of the registers in turn, sources are others that nothing writes. Classes are spread
/// evenly.
pub fn ceiling(isa: &dyn Isa, operations: &mut Operations) -> String {
    let mut mix: Vec<Lines> = vec![Lines::new(), Lines::new(), Lines::new()];
    let ([rotates, functions, additions], registers) = isa.mix();
    let sources = registers / 4;
    let targets = registers - sources;
    let mut next = 0;
    let mut to = || {
        next = (next + 1) % targets;
        Register(next)
    };
    let source = |i: usize| Register(targets + (i % usize::from(sources)) as u8);
    for i in 0..16 {
        for j in 0..rotates {
            isa.rotate(&mut mix[0], to(), source(i + j), 1 + j as u32);
        }
        for j in 0..functions {
            isa.xor(&mut mix[1], to(), [source(i + j), source(i + j + 1)]);
        }
        for j in 0..additions {
            isa.add(
                &mut mix[2],
                to(),
                source(i + j),
                &Operand::Register(source(i + j + 3)),
                source(0),
            );
        }
    }
    let [rotates, logic, adds] = <[Lines; 3]>::try_from(mix).expect("three");
    let label = label(isa, "ceiling");
    let mut piece = Piece::new(&label);
    piece.push(vec![spread(rotates, spread(adds, logic, 0.0), 0.0)]);
    piece.scalar("");
    *operations = piece.operations;
    piece.scalar(&format!("dec rdi\njnz {label}\nvzeroupper\nret"));
    // Defined sources, whatever ran before.
    let mut start = Lines::new();
    for i in 0..usize::from(sources) {
        isa.fill(&mut start, source(i));
    }
    let start: String = start.into_iter().map(|line| line.text + "\n").collect();
    start + &piece.text
}

/// The operation counts as Rust constants.
pub fn tables(body: &Operations, ceiling: &Operations, pieces: &[Operations; LABELS]) -> String {
    let show = |o: &Operations| {
        format!(
            "Operations {{ rotates: {}, logic: {}, adds: {}, others: {}, instructions: {} }}",
            o.rotates, o.logic, o.adds, o.others, o.instructions
        )
    };
    let pieces: Vec<_> = pieces.iter().map(show).collect();
    format!(
        "const BODY_OPERATIONS: Operations = {};\nconst CEILING_OPERATIONS: Operations = {};\nconst PIECE_OPERATIONS: [Operations; {LABELS}] = [{}];\n",
        show(body),
        show(ceiling),
        pieces.join(", ")
    )
}
