//! Each kernel's code with a tuning, and the calls that hash a shape, as the engine's drivers make them.

use std::path::Path;

use paydirt_codegen::{
    Program, Tuning, avx2 as avx2_program, avx512 as avx512_program, hybrid,
    layout::{CONTEXT_BYTES, Entry, LANES, SCALARS, STREAMS},
    sha_ni,
};

use crate::{
    Shape,
    candidate::{Arguments, Code, Memory},
    race::Runner,
};

/// Calls of vector code between two looks at the clock.
const CALLS: usize = 64;

/// The pieces of a shape: the first, the one after a block, the one after a digest.
fn pieces(shape: Shape) -> [Entry; 3] {
    let text = |first| [Entry::Block { first, words: 2 }, Entry::TopBig, Entry::Return];
    match shape {
        Shape::Header => [Entry::Header, Entry::Digest, Entry::SecondLittle],
        Shape::Roll => [Entry::Roll, Entry::Return, Entry::SecondLittle],
        Shape::Text => text(2),
        Shape::LateText => text(11),
    }
}

fn vectors(
    tuning: Tuning,
    program: &Program,
    hashes: usize,
    shape: Shape,
    folder: &Path,
    number: usize,
) -> Result<Runner<Tuning>, String> {
    let code = Code::load(
        &program.assembly(".L"),
        folder,
        &format!("{}{number}", program.name),
    )?;
    let mut memory = Memory::new(CONTEXT_BYTES);
    let [entry, then, next] = pieces(shape).map(|entry| entry.index() as u64);
    let scalars = memory.address(SCALARS.offset);
    let arguments: Arguments = [entry, then, next, 0, scalars];
    Ok(Runner {
        what: tuning,
        hashes_per_second: 0.0,
        run: Box::new(move || {
            (0..CALLS).for_each(|_| code.call(&mut memory, arguments));
            (CALLS * hashes) as u64
        }),
    })
}

/// Two streams of sixteen lanes.
pub fn avx512(tuning: Tuning, shape: Shape, folder: &Path, number: usize) -> Result<Runner<Tuning>, String> {
    let program = avx512_program(tuning);
    vectors(tuning, &program, STREAMS * LANES, shape, folder, number)
}

/// One stream of eight.
pub fn avx2(tuning: Tuning, shape: Shape, folder: &Path, number: usize) -> Result<Runner<Tuning>, String> {
    if shape == Shape::Roll {
        return Err("avx2 has no code of its own for many versions; give another shape".to_owned());
    }
    let program = avx2_program(tuning);
    vectors(tuning, &program, program.lanes, shape, folder, number)
}

/// The SHA instructions alone.
pub fn sha_ni(
    tuning: sha_ni::Tuning,
    shape: Shape,
    folder: &Path,
    number: usize,
) -> Result<Runner<sha_ni::Tuning>, String> {
    let program = sha_ni::generate(tuning);
    let code = Code::load(&program.assembly(".L"), folder, &format!("sha_ni{number}"))?;
    let batches = CALLS;
    // After what the program knows of: top words, then a row of nonces or versions, then a nonce's sums.
    let tops = sha_ni::memory::TOPS.offset;
    let row = (tops + 4 * batches * tuning.lanes).next_multiple_of(64);
    let sums = row + 64 * batches * tuning.lanes;
    let mut memory = Memory::new(sums + 256);
    memory.put(sha_ni::memory::BATCHES.offset, batches as u64);
    let [entry, then, next] = pieces(shape).map(|entry| match entry {
        Entry::Header => Entry::Block { first: 3, words: 1 },
        entry => entry,
    });
    let indices = [entry, then, next].map(|entry| entry.index() as u64);
    let [row, sums] = [row, sums].map(|at| memory.address(at));
    Ok(Runner {
        what: tuning,
        hashes_per_second: 0.0,
        run: Box::new(move || {
            code.call(&mut memory, [indices[0], indices[1], indices[2], sums, row]);
            (batches * tuning.lanes) as u64
        }),
    })
}

/// Rounds by the SHA instructions, schedules in vectors.
pub fn hybrid(
    tuning: hybrid::Tuning,
    shape: Shape,
    folder: &Path,
    number: usize,
) -> Result<Runner<hybrid::Tuning>, String> {
    let ending = hybrid::Ending::Big;
    let (entry, more) = match shape {
        Shape::Header => (hybrid::Entry::Header, 3),
        Shape::Roll => (hybrid::Entry::Roll, 2),
        Shape::Text => (hybrid::Entry::Block { first: 2, ending }, 1),
        Shape::LateText => (hybrid::Entry::Block { first: 11, ending }, 1),
    };
    let program = hybrid::generate_some("hybrid", tuning, &[entry]);
    let code = Code::load(&program.assembly(".L"), folder, &format!("hybrid{number}"))?;
    let periods = hybrid::memory::BATCHES + more;
    // After what the program knows of: a nonce's sums and a batch of versions.
    let (sums, versions) = (hybrid::memory::BYTES, hybrid::memory::BYTES + 256);
    let mut memory = Memory::new(versions + hybrid::LANES * hybrid::memory::VERSION.stride);
    memory.put(hybrid::memory::PERIODS.offset, periods as u64);
    let addresses = [sums, versions].map(|at| memory.address(at));
    Ok(Runner {
        what: tuning,
        hashes_per_second: 0.0,
        run: Box::new(move || {
            if shape == Shape::Roll {
                // The top words of the last call stand in their place.
                for batch in 0..periods {
                    let at = hybrid::memory::WORDS.offset
                        + (hybrid::memory::MARGIN + batch) * hybrid::memory::WORDS.stride;
                    memory.put(at, addresses[0]);
                    memory.put(at + 8, addresses[1]);
                }
            }
            code.call(&mut memory, [entry.index() as u64, 0, 0, 0, 0]);
            (hybrid::memory::BATCHES * hybrid::LANES) as u64
        }),
    })
}
