//! Which pieces of assembly test a nonce of a work, and what they need once a stretch.

use super::{
    context::{At, Context, Lanes, VaryingWord},
    layout::*,
    symbols::LowSymbols,
};
use crate::{
    kernel::reference::{self, INITIAL, K},
    puzzle::{ByteOrder, Digest},
    work::Work,
};

/// One call of the assembly: `entry`, `then` and `next` are indices of [`layout`](super::layout), the piece to begin
/// with, the one after a block, and the one after a digest.
#[derive(Clone, Copy)]
pub(in crate::kernel) struct Call<'a> {
    pub(in crate::kernel) entry: usize,
    pub(in crate::kernel) then: usize,
    pub(in crate::kernel) next: usize,
    /// Sums of round constant and word, for [`UNIFORM`].
    pub(in crate::kernel) sums: Option<&'a [u32; 64]>,
}

/// A call; its sums are those of one of the plan's uniform blocks.
struct Step {
    entry: usize,
    then: usize,
    next: usize,
    sums: Option<usize>,
}

/// The work's shape.
pub(in crate::kernel) struct Plan {
    /// The block with the first of the changing bytes.
    block: usize,
    /// The first varying word in it, and how many there are in it, one or two.
    pub(in crate::kernel) first: usize,
    pub(in crate::kernel) words: usize,
    /// The last changing byte is in the next block.
    straddles: bool,
    /// The changing bytes, from the beginning of the first block.
    changing: std::ops::RangeInclusive<usize>,
    /// By how many bits the low symbols are shifted into the last varying word.
    shift: u32,
    calls: Vec<Step>,
    /// Symbols that do not change within a stretch reach into the first block after the varying ones.
    nonce_goes_on: bool,
    /// For each block after the varying ones: round constants plus words.
    uniform: Vec<[u32; 64]>,
    /// Where no piece of assembly does it, the top words of the digest are tested here.
    test: Option<crate::work::TopWordTest>,
}

/// Words 4 to 15 of the last block of a Bitcoin header: its padding.
const HEADER_PADDING: [u32; 12] = [0x8000_0000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 640];

/// Round constants plus words of a block.
fn sums(block: &[u32; 16]) -> [u32; 64] {
    let schedule = reference::schedule(block);
    std::array::from_fn(|t| K[t].wrapping_add(schedule[t]))
}

impl Plan {
    pub(in crate::kernel) fn new(work: &Work, symbols: &LowSymbols) -> Self {
        let (first_word, last_word) = (symbols.first_byte() / 4, symbols.last_byte() / 4);
        let (block, last_block) = (first_word / 16, last_word / 16);
        let straddles = block != last_block;
        let first = first_word % 16;
        let words = if straddles { 1 } else { last_word - first_word + 1 };
        let uniform: Vec<_> = work.blocks[last_block + 1..].iter().map(sums).collect();
        let big = work.test.order == ByteOrder::Big;
        let fused = !straddles && uniform.is_empty();
        let header = first == 3 && words == 1 && work.blocks[block][4..] == HEADER_PADDING;
        let entry = if header && !straddles {
            HEADER
        } else {
            BLOCK + 2 * first + words - 1
        };
        let then = match work.digest {
            Digest::Sha256 if fused && big => TOP_BIG,
            Digest::Sha256 if fused => TOP_LITTLE,
            _ => DIGEST,
        };
        let mut calls = vec![Step {
            entry,
            then,
            next: RETURN,
            sums: None,
        }];
        if straddles {
            calls.push(Step {
                entry: VARYING,
                then: RETURN,
                next: RETURN,
                sums: None,
            });
        }
        for block in 0..uniform.len() {
            calls.push(Step {
                entry: UNIFORM,
                then: RETURN,
                next: RETURN,
                sums: Some(block),
            });
        }
        if work.digest == Digest::Sha256d {
            calls.last_mut().expect("not empty").next = if big { SECOND_BIG } else { SECOND_LITTLE };
        }
        Self {
            block,
            first,
            words,
            straddles,
            changing: symbols.first_byte()..=symbols.last_byte(),
            shift: 8 * (3 - symbols.last_byte() as u32 % 4),
            calls,
            nonce_goes_on: work.nonce_offset + work.nonce_bytes > 64 * (last_block + 1),
            uniform,
            test: (work.digest == Digest::Sha256 && !fused).then_some(work.test),
        }
    }

    /// Prepares `context` for the stretch that begins with `nonce`.
    pub(in crate::kernel) fn prepare(&mut self, context: &mut Context, work: &Work, nonce: u64) -> Lanes {
        let blocks = self.blocks(work, nonce);
        let mut chain = work.midstate;
        for block in &blocks[..self.block] {
            reference::compress(&mut chain, block);
        }
        context.prepare_block(0, &chain, &blocks[self.block], self.first, self.words);
        if self.nonce_goes_on {
            self.uniform[0] = sums(&blocks[self.block + 1]);
        }
        let added = match work.digest {
            Digest::Sha256 => chain,
            Digest::Sha256d => INITIAL,
        };
        context.prepare_test(0, &work.test, &added);

        if self.straddles {
            for (word, value) in blocks[self.block + 1].iter().enumerate().skip(1) {
                context.broadcast(At { schedule: 2, word }, *value);
            }
        }
        self.lanes(&blocks)
    }

    /// How the low symbols become the varying words of these blocks.
    pub(in crate::kernel) fn lanes(&self, blocks: &[[u32; 16]; 2]) -> Lanes {
        let varying = |word: usize| VaryingWord {
            at: At { schedule: 0, word },
            uniform: blocks[self.block][word],
        };
        let (last, before) = if self.straddles {
            let last = VaryingWord {
                at: At { schedule: 2, word: 0 },
                uniform: blocks[self.block + 1][0],
            };
            (last, Some(varying(15)))
        } else {
            let last = varying(self.first + self.words - 1);
            (last, (self.words == 2).then(|| varying(self.first)))
        };
        Lanes {
            shift: self.shift,
            last,
            before,
        }
    }

    /// The pieces of assembly of a batch in the order in which they run, if one call does it all.
    pub(in crate::kernel) fn pieces(&self) -> Option<Vec<usize>> {
        let [call] = &self.calls[..] else { return None };
        let top = match call.next {
            SECOND_BIG => TOP_BIG,
            SECOND_LITTLE => TOP_LITTLE,
            _ => return (self.test.is_none()).then(|| vec![call.entry, call.then]),
        };
        Some(vec![call.entry, call.then, call.next, top])
    }

    /// The blocks that the nonce may reach into, with its symbols, but zeros where they change.
    pub(in crate::kernel) fn blocks(&self, work: &Work, nonce: u64) -> [[u32; 16]; 2] {
        let mut blocks = [[0; 16]; 2];
        let touched = work.blocks.len().min(2);
        blocks[..touched].copy_from_slice(&work.blocks[..touched]);
        let mut symbols = [0; 20];
        let symbols = &mut symbols[..work.nonce_bytes];
        work.write_nonce(nonce, symbols);
        for (i, symbol) in (work.nonce_offset..).zip(symbols) {
            if !self.changing.contains(&i) {
                blocks.as_flattened_mut()[i / 4] |= u32::from(*symbol) << (8 * (3 - i % 4));
            }
        }
        blocks
    }

    /// Tests the batch whose varying words are in `context`, by `run`, which makes one call: the mask of lanes that
    /// pass.
    #[inline(always)]
    pub(in crate::kernel) fn run(
        &self,
        context: &mut Context,
        run: impl Fn(&mut Context, Call<'_>) -> u32,
    ) -> u32 {
        let mut mask = 0;
        for step in &self.calls {
            let call = Call {
                entry: step.entry,
                then: step.then,
                next: step.next,
                sums: step.sums.map(|block| &self.uniform[block]),
            };
            mask = run(context, call);
        }
        match &self.test {
            None => mask,
            Some(test) => context.passing(test),
        }
    }
}
