//! The kernel for processors with AVX-512VL and the SHA instructions (AMD since Zen 4, Intel since Ice Lake).
//!
//! *In:* a [`Prepared`] and a range of nonces. *Out:* the hits. `sha256rnds2` computes rounds, vectors of eight nonces
//! compute the schedules that it wants, and both belong to different batches of nonces and are merged into one stream,
//! so that no unit waits for another: `crates/codegen/src/hybrid.rs` has the idea, `docs/kernels-hybrid.md` what was
//! measured. The fastest there is where a `sha256rnds2` starts each cycle (Zen 4).
//!
//! ```text
//! when another word of the message has changed: what all nonces share    stretch, frame.rs
//! for up to 2,048 nonces at a time:
//!     1. their varying words, from a table of low symbols                 fill
//!     2. the assembly, once:                                              a block's top words, or a header's
//!        or thrice, for 256 nonces: the block's digests, the blocks that follow it, the second hash
//!     3. the top words that pass
//! ```

use paydirt_sha256::INITIAL;

use super::{is_header, sha_ni::ROUNDS};
use crate::{
    kernel::{
        Hits, Prepared, Scan,
        ceiling::{Ceiling, Demand, Unit},
        prepared::TopWordTest,
        stretch::Stretch,
        symbols::{LowSymbols, MOST_LOW},
    },
    puzzle::ByteOrder,
};

mod frame;
mod versions;
mod layout {
    //! Where each value lies, as the generator of the assembly lays it out.
    #![allow(dead_code)] // some of it is the generator's
    include!(concat!(env!("OUT_DIR"), "/hybrid.rs"));
}

use frame::Frame;
use layout::*;
use versions::Versions;

/// The pieces of assembly that test a nonce.
#[derive(Clone, Copy)]
enum Pieces {
    /// This one alone leaves top words: so many periods more than batches.
    One(usize, usize),
    /// The block to digests, and the blocks that follow; then these are hashed once more, or are the end.
    Several { block: usize, second: Option<usize> },
}

impl Pieces {
    /// `None` when what is hashed after the message is not what the assembly knows.
    fn of(prepared: &Prepared, stretch: &Stretch<'_>) -> Option<Self> {
        let hashed_twice = prepared.is_hashed_twice()?;
        let big = prepared.test.order == ByteOrder::Big;
        let (first, one_block) = (stretch.first, stretch.suffix.is_empty());
        Some(match (hashed_twice, big) {
            (true, false) if one_block && is_header(stretch) => Self::One(HEADER, 3),
            (false, true) if one_block => Self::One(block_big(first), 1),
            (false, false) if one_block => Self::One(block_little(first), 1),
            _ => Self::Several {
                block: block_digest(first),
                second: hashed_twice.then_some(if big { SECOND_BIG } else { SECOND_LITTLE }),
            },
        })
    }

    /// How many words from this one on the assembly takes to vary, whether or not they do.
    fn varying_words(self, first: usize) -> usize {
        match self {
            Self::One(HEADER, _) => 1,
            _ => 2.min(16 - first),
        }
    }

    /// Nonces of a call at most: enough for the periods before the first batch is done to cost nothing.
    fn most(self) -> usize {
        match self {
            Self::One(..) => LANES * BATCHES,
            Self::Several { .. } => LANES * DIGEST_BATCHES,
        }
    }
}

/// The assembly, as it was tuned for some processor.
type Assembly = unsafe extern "sysv64" fn(frame: *mut Frame, entry: usize);

/// The kernel bound.
struct Hybrid<'p> {
    assembly: Assembly,
    stretch: Stretch<'p>,
    pieces: Pieces,
    test: TopWordTest,
    frame: Box<Frame>,
    versions: Versions,
    /// What a top word lacks.
    top_add: u32,
}

/// Binds the kernel.
///
/// # Safety
/// The processor must have AVX-512 F, VL and BW, SHA, SSE4.1 and SSSE3, as long as the result lives.
#[allow(unsafe_code)]
pub(in crate::kernel) unsafe fn bind(prepared: &Prepared) -> Option<Box<dyn Scan + '_>> {
    bind_with(prepared, if is_zen_4() { run_zen_4 } else { run })
}

fn bind_with(prepared: &Prepared, assembly: Assembly) -> Option<Box<dyn Scan + '_>> {
    let stretch = stretch(prepared);
    Some(Box::new(Hybrid {
        assembly,
        pieces: Pieces::of(prepared, &stretch)?,
        test: prepared.test,
        frame: Frame::new(),
        versions: Versions::new(),
        top_add: 0,
        stretch,
    }))
}

/// As many low symbols as do not stand in two blocks.
fn stretch(prepared: &Prepared) -> Stretch<'_> {
    let stretches = [MOST_LOW, 100, 1].map(|least| Stretch::new(prepared, LowSymbols::of(prepared, least)));
    let mut whole = stretches.into_iter().filter(|stretch| !stretch.straddles);
    whole.next().expect("one symbol is in one block")
}

impl Scan for Hybrid<'_> {
    fn scan(&mut self, midstates: &[[u32; 8]], first: u64, count: u64, hits: &mut Hits) -> u64 {
        #[target_feature(enable = "avx512f,avx512vl,avx512bw")]
        fn enabled(
            kernel: &mut Hybrid<'_>,
            midstates: &[[u32; 8]],
            first: u64,
            count: u64,
            hits: &mut Hits,
        ) -> u64 {
            match midstates.len() {
                1 => kernel.scan_nonces(midstates, first, count, hits),
                _ => kernel.scan_versions(midstates, first, count, hits),
            }
        }
        // SAFETY: `bind`'s caller vouched for the features.
        #[allow(unsafe_code)]
        unsafe {
            enabled(self, midstates, first, count, hits)
        }
    }

    fn takes(&self, midstates: usize) -> bool {
        let batches = midstates.is_multiple_of(LANES) && (1..=versions::MOST).contains(&midstates);
        midstates == 1 || batches && matches!(self.pieces, Pieces::One(HEADER, _))
    }
}

impl Hybrid<'_> {
    /// Inlined into what has the kernel's features, so that its loops become vector instructions.
    #[inline(always)]
    fn scan_nonces(&mut self, midstates: &[[u32; 8]], first: u64, count: u64, hits: &mut Hits) -> u64 {
        let mut tested = 0;
        while tested < count {
            let nonce = first + tested;
            if self.stretch.enter(midstates, nonce) {
                self.frame
                    .pack(&self.stretch, self.pieces.varying_words(self.stretch.first));
                self.top_add = self.top_add();
            }
            let low = nonce % self.stretch.low.span();
            let here = (self.stretch.low.span() - low).min(count - tested);
            let here = here.min(self.pieces.most() as u64) as usize;
            let batches = here.div_ceil(LANES);
            self.fill(low as u32, batches);
            self.hash(batches);
            self.keep_passing(nonce, here, hits);
            tested += here as u64;
            if hits.is_full() {
                break;
            }
        }
        tested
    }

    /// The same under many midstates.
    #[inline(always)]
    fn scan_versions(&mut self, midstates: &[[u32; 8]], first: u64, count: u64, hits: &mut Hits) -> u64 {
        let under = midstates.len();
        let at_a_time = self.pieces.most() / under;
        let mut nonces = [0; BATCHES];
        let mut tested = 0;
        while tested < count {
            let nonce = first + tested;
            if self.stretch.enter(midstates, nonce) {
                self.versions.pack(&self.stretch);
                self.top_add = INITIAL[self.test.word()];
            }
            let low = &self.stretch.low;
            let at = nonce % low.span();
            let here = (low.span() - at).min(count - tested).min(at_a_time as u64) as usize;
            for (i, word) in nonces[..here].iter_mut().enumerate() {
                let [symbols] = low.vector(at as u32 + i as u32);
                *word = symbols << low.shift() | self.stretch.uniform[0];
            }
            self.versions.sum(self.stretch.block(0), &nonces[..here]);
            let batches = here * under / LANES;
            let mut last = [0; 2];
            for (batch, addresses) in self.versions.addresses().enumerate() {
                self.frame.point(batch, addresses);
                last = addresses;
            }
            // Two periods go past the last batch: what they read must be there.
            (batches..batches + 2).for_each(|batch| self.frame.point(batch, last));
            self.run(ROLL, batches + 2);
            self.keep_passing(nonce * under as u64, here * under, hits);
            tested += here as u64;
            if hits.is_full() {
                break;
            }
        }
        tested
    }

    /// What a top word lacks: the chaining value's word, but where it has been added.
    fn top_add(&self) -> u32 {
        let word = self.test.word();
        match self.pieces {
            Pieces::One(HEADER, _) | Pieces::Several { second: Some(_), .. } => INITIAL[word],
            Pieces::One(..) => self.stretch.starts[0].chaining[word],
            Pieces::Several { second: None, .. } => 0,
        }
    }

    /// Writes the varying words of the batches that begin at `low`.
    #[inline(always)]
    fn fill(&mut self, low: u32, batches: usize) {
        let Stretch {
            low: symbols,
            uniform,
            words,
            first,
            ..
        } = &self.stretch;
        let shift = symbols.shift();
        // Where one word varies, the next is the same for all nonces.
        let next = self.stretch.block(0).get(first + 1).copied().unwrap_or(0);
        for (batch, to) in (0..).zip(self.frame.words(batches)) {
            let symbols: [u32; LANES] = symbols.vector(low + batch * LANES as u32);
            *to = match words {
                1 => [symbols.map(|symbol| symbol << shift | uniform[0]), [next; LANES]],
                // Two varying words: the shift is not zero.
                _ => [
                    symbols.map(|symbol| symbol >> (32 - shift) | uniform[0]),
                    symbols.map(|symbol| symbol << shift | uniform[1]),
                ],
            };
        }
    }

    /// Hashes so many batches.
    fn hash(&mut self, batches: usize) {
        match self.pieces {
            Pieces::One(entry, more) => self.run(entry, batches + more),
            Pieces::Several { block, second } => {
                self.run(block, batches + 1);
                for i in 0..self.stretch.suffix.len() {
                    self.frame.uniform = self.stretch.suffix[i];
                    self.run(UNIFORM, batches + 1);
                }
                if let Some(second) = second {
                    self.run(second, batches + 1);
                }
            }
        }
    }

    fn run(&mut self, entry: usize, periods: usize) {
        self.frame.periods = periods as u64;
        // SAFETY: `bind`'s caller vouched for the features; the frame is arranged for this piece, and has room for so many
        // periods: `Pieces::most` is what they are made from.
        #[allow(unsafe_code)]
        unsafe {
            (self.assembly)(&raw mut *self.frame, entry);
        }
    }

    /// Appends the nonces that pass, of `count` from `first` on.
    #[inline(always)]
    fn keep_passing(&mut self, first: u64, count: usize, hits: &mut Hits) {
        let (test, add) = (self.test, self.top_add);
        let digests = matches!(self.pieces, Pieces::Several { second: None, .. });
        for batch in 0..count.div_ceil(LANES) {
            let tops = if digests {
                self.frame.tops_of_digests(batch, test.order)
            } else {
                self.frame.tops(batch)
            };
            let tops = tops.map(|top| top.wrapping_add(add));
            if tops.iter().fold(false, |any, top| any | test.passes(*top)) {
                let passing = (tops.iter().enumerate()).filter(|(_, top)| test.passes(**top));
                for (i, _) in passing.filter(|(i, _)| batch * LANES + i < count) {
                    hits.push(first + (batch * LANES + i) as u64);
                }
            }
        }
    }
}

/// The vectors' operations. Eight hashes' schedules are in a vector, so that those of the rounds come on top.
static VECTORS: Unit = Unit {
    name: "256-bit vector operations, in SHA-256's mix",
    operations: CEILING_OPERATIONS,
    // SAFETY: the caller vouches for the features; the loop touches only registers.
    #[allow(unsafe_code)]
    turns: |turns| unsafe { spin(turns) },
};

/// The bound of this kernel: the larger of what its rounds and its schedules take.
pub(in crate::kernel) const CEILING: Ceiling = Ceiling(&[
    Demand {
        unit: &ROUNDS,
        operations_per_hash: |prepared| per_hash(prepared, 0),
    },
    Demand {
        unit: &VECTORS,
        operations_per_hash: |prepared| per_hash(prepared, 1),
    },
]);

/// What a hash takes of one of both.
fn per_hash(prepared: &Prepared, unit: usize) -> Option<f64> {
    let stretch = stretch(prepared);
    let of = |piece: usize| f64::from(PIECES[piece][unit]) / LANES as f64;
    let rolled = (prepared.rolled.as_ref()).is_some_and(|header| header.fills_batches());
    Some(match Pieces::of(prepared, &stretch)? {
        Pieces::One(HEADER, _) if rolled => of(ROLL),
        Pieces::One(piece, _) => of(piece),
        Pieces::Several { block, second } => {
            of(block) + of(UNIFORM) * stretch.suffix.len() as f64 + second.map_or(0.0, of)
        }
    })
}

/// Runs the loop of the ceiling so many times, at least once.
///
/// # Safety
/// The processor must have AVX-512 F and VL.
#[allow(unsafe_code)]
#[unsafe(naked)]
unsafe extern "sysv64" fn spin(turns: u64) {
    core::arch::naked_asm!(
        include_str!(concat!(env!("OUT_DIR"), "/hybrid_ceiling.s")),
        options(raw)
    )
}

/// Whether it is the fastest here before anything was measured: on Zen 4, 1.1 to 1.5 times what `avx512` does.
pub(in crate::kernel) fn is_made_for_this_processor() -> bool {
    is_zen_4()
}

/// Whether this is a processor of AMD's families with Zen 4 cores: there upper halves of registers do not matter, and a
/// `sha256rnds2` starts each cycle (AMD's revision guides name families and models).
fn is_zen_4() -> bool {
    use std::arch::x86_64::__cpuid;
    let vendor = __cpuid(0);
    let signature = __cpuid(1).eax;
    let family = (signature >> 8 & 0xf) + (signature >> 20 & 0xff);
    let model = signature >> 4 & 0xf | signature >> 12 & 0xf0;
    let is_amd = [vendor.ebx, vendor.edx, vendor.ecx]
        .map(u32::to_le_bytes)
        .as_flattened()
        == b"AuthenticAMD";
    is_amd && family == 0x19 && matches!(model, 0x10..=0x1f | 0x60..=0x7f | 0xa0..=0xaf)
}

/// Runs one piece of the assembly: `entry` is an index of [`layout`].
///
/// # Safety
/// * The processor must have AVX-512 F and VL, SHA, SSE4.1 and SSSE3.
/// * The frame must hold what the piece reads, and no more periods than its batches and margins allow.
#[allow(unsafe_code)]
#[unsafe(naked)]
unsafe extern "sysv64" fn run(frame: *mut Frame, entry: usize) {
    core::arch::naked_asm!(include_str!(concat!(env!("OUT_DIR"), "/hybrid.s")), options(raw))
}

/// The same, as it was tuned for Zen 4.
///
/// # Safety
/// As for [`run`].
#[allow(unsafe_code)]
#[unsafe(naked)]
unsafe extern "sysv64" fn run_zen_4(frame: *mut Frame, entry: usize) {
    core::arch::naked_asm!(
        include_str!(concat!(env!("OUT_DIR"), "/hybrid_zen4.s")),
        options(raw)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Kernel, Scanner, self_test};

    /// The one that this processor does not get is right here, too.
    #[test]
    fn both_tunings_are_right() {
        let kernel = Kernel::all().iter().find(|kernel| kernel.name == "hybrid");
        if !kernel.expect("it is in the table").is_detected() {
            eprintln!("skipped: this processor lacks what hybrid needs");
            return;
        }
        for assembly in [run as Assembly, run_zen_4] {
            for (puzzle, range) in self_test::puzzles() {
                for prepared in &Prepared::split(&puzzle, range) {
                    let scan = |mut scanner: Scanner<'_>| {
                        let (range, mut hits) = (prepared.range(), Hits::all());
                        scanner.scan(range.start(), range.count() as u64, &mut hits);
                        hits.into_nonces()
                    };
                    let bound = bind_with(prepared, assembly).expect("it does each of these");
                    let oracle = Kernel::by_name("reference").unwrap().bind(prepared).unwrap();
                    let found = scan(Scanner::new(prepared, bound, LANES as u64));
                    assert_eq!(found, scan(oracle), "{puzzle:?}");
                }
            }
        }
    }
}
