//! What the kernels of generated assembly share: all but the instructions.
//!
//! *In:* a [`Prepared`], an [`Assembly`]. *Out:* the nonces whose top word passes.
//!
//! The hashing itself is assembly that `crates/codegen` writes for each set of instructions (its modules explain the
//! shape; `docs/kernels.md` has the figures and what lost); these modules prepare what it finds in memory:
//!
//! ```text
//! once a search    the pieces of assembly to run                    pieces
//! once a stretch   its words and sums, where the assembly looks     frame
//! once a batch     the varying words, from a table of low symbols   here
//!                  the call                                         the kernel's own file
//! ```
//!
//! A batch is always [`BATCH`] nonces under one midstate, or one under so many (a header's whose version is rolled:
//! [`rolled`]); a kernel with shorter vectors takes its parts one after the other.

use super::super::{
    Hits, Prepared, Scan,
    prepared::TopWordTest,
    stretch::Stretch,
    symbols::{LowSymbols, MOST_LOW},
};

pub(super) mod counts;
pub(super) mod frame;
pub(super) mod layout {
    //! Where each value lies, as the generator of the assembly lays it out.
    #![allow(dead_code)] // some of it is the generator's
    include!(concat!(env!("OUT_DIR"), "/layout.rs"));
}
mod pieces;
mod rolled;
#[cfg(test)]
pub(super) mod tests;

use frame::Frame;
use layout::{LANES, STREAMS, VERSION_BATCHES};
use pieces::Pieces;

/// Nonces of a batch under one midstate; midstates of one with one nonce.
pub(super) const BATCH: usize = STREAMS * LANES;

/// One call of the assembly: `entry`, `then` and `next` are indices of [`layout`], the piece to begin with, the one after
/// a block, and the one after a digest.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) entry: usize,
    pub(super) then: usize,
    pub(super) next: usize,
    /// Sums of round constant and word, for [`layout::UNIFORM`]; no other piece reads them.
    pub(super) sums: Option<&'a [u32; 64]>,
}

/// What is to be scanned: the arguments of [`Scan::scan`].
pub(super) struct Chunk<'a> {
    midstates: &'a [[u32; 8]],
    first: u64,
    count: u64,
    hits: &'a mut Hits,
}

/// One set of instructions' assembly, or what stands in for it in a test.
pub(super) trait Assembly: Sized {
    /// Makes one call. Returns the mask of the lanes that passed, the first stream's lowest, if the last piece was a
    /// test.
    fn call(&mut self, frame: &mut Frame, call: Call<'_>) -> u32;

    /// [`Batches::scan`], compiled for the kernel's instructions.
    fn scan(batches: &mut Batches<'_, Self>, chunk: Chunk<'_>) -> u64 {
        batches.scan(chunk)
    }
}

/// A kernel bound: the driver of its assembly.
pub(super) struct Batches<'p, A> {
    assembly: A,
    stretch: Stretch<'p>,
    pieces: Pieces,
    /// Whether there are pieces for it under many midstates.
    rolls: bool,
    test: TopWordTest,
    frame: Box<Frame>,
}

impl<'p, A: Assembly + 'p> Batches<'p, A> {
    /// `None` when what is hashed after the message is not what the assembly knows.
    pub(super) fn bind(prepared: &'p Prepared, assembly: A) -> Option<Box<dyn Scan + 'p>> {
        let stretch = Stretch::new(prepared, LowSymbols::of(prepared, MOST_LOW));
        let pieces = Pieces::of(prepared, &stretch)?;
        Some(Box::new(Self {
            assembly,
            rolls: pieces.of_rolled().is_some(),
            pieces,
            stretch,
            test: prepared.test,
            frame: Box::new(Frame::new()),
        }))
    }
}

impl<A: Assembly> Scan for Batches<'_, A> {
    fn scan(&mut self, midstates: &[[u32; 8]], first: u64, count: u64, hits: &mut Hits) -> u64 {
        let chunk = Chunk {
            midstates,
            first,
            count,
            hits,
        };
        A::scan(self, chunk)
    }

    fn takes(&self, midstates: usize) -> bool {
        midstates == 1
            || self.rolls
                && midstates.is_multiple_of(BATCH)
                && (1..=VERSION_BATCHES).contains(&(midstates / BATCH))
    }
}

impl<A: Assembly> Batches<'_, A> {
    /// Inlined into each kernel's scan, so that its loops become that kernel's vector instructions.
    #[inline(always)]
    pub(super) fn scan(&mut self, chunk: Chunk<'_>) -> u64 {
        if chunk.midstates.len() > 1 {
            return self.scan_rolled(chunk);
        }
        let Chunk {
            midstates,
            first,
            count,
            hits,
        } = chunk;
        let batch = BATCH as u64;
        let mut tested = 0;
        while tested < count {
            let nonce = first + tested;
            if self.stretch.enter(midstates, nonce) {
                self.frame
                    .pack(&self.stretch, self.pieces.hashed_twice, self.test);
            }
            let low = nonce % self.stretch.low.span();
            let here = (self.stretch.low.span() - low).min(count - tested);
            let mut at = 0;
            while at < here {
                self.fill((low + at) as u32);
                let mut mask = self.test_batch();
                if mask != 0 {
                    if here - at < batch {
                        mask &= (1 << (here - at)) - 1;
                    }
                    while mask != 0 {
                        hits.push(nonce + at + u64::from(mask.trailing_zeros()));
                        mask &= mask - 1;
                    }
                    if hits.is_full() {
                        return tested + here.min(at + batch);
                    }
                }
                at += batch;
            }
            tested += here;
        }
        count
    }

    /// Writes the varying words of the batch that begins at `low`.
    #[inline(always)]
    fn fill(&mut self, low: u32) {
        let (shift, uniform) = (self.stretch.low.shift(), self.stretch.uniform);
        let places = self.pieces.varying;
        for stream in 0..STREAMS {
            let symbols: [u32; LANES] = self.stretch.low.vector(low + (stream * LANES) as u32);
            match places {
                (only, None) => {
                    self.frame.word(only)[stream] = symbols.map(|symbol| symbol << shift | uniform[0]);
                }
                (before, Some(last)) => {
                    // Two varying words: the shift is not zero.
                    let upper = symbols.map(|symbol| symbol >> (32 - shift) | uniform[0]);
                    self.frame.word(before)[stream] = upper;
                    self.frame.word(last)[stream] = symbols.map(|symbol| symbol << shift | uniform[1]);
                }
            }
        }
    }

    /// The mask of the batch's nonces that pass.
    #[inline(always)]
    fn test_batch(&mut self) -> u32 {
        let mut mask = 0;
        for step in &self.pieces.calls {
            let sums = step.suffix.map(|block| &self.stretch.suffix[block]);
            let call = Call {
                entry: step.entry,
                then: step.then,
                next: step.next,
                sums,
            };
            mask = self.assembly.call(&mut self.frame, call);
        }
        if self.pieces.tests {
            mask
        } else {
            self.frame.passing(self.test)
        }
    }
}
