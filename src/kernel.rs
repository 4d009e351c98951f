//! The inner loop: test a range of nonces on one processor core, as fast as it can.
//!
//! *In:* a [`Work`] and a range of nonces. *Out:* the nonces whose digest's top word passes the work's cheap test, in
//! ascending order. Nothing here knows of threads, targets beyond 32 bits, or what a solution is for.
//!
//! All dispatch is in this file: `KERNELS` lists every implementation with the check for its processor features,
//! and a [`Kernel`] value can be had only through that check and a self-test against the oracle. Each implementation
//! has a file of its own and the one signature, `Scan`.

use std::{fmt, str::FromStr, sync::OnceLock, time::Duration};

use crate::{
    puzzle::{ByteOrder, Digest, Goal, NonceEncoding, NonceRange, Puzzle, Target, Template},
    work::{Run, Symbols, Work},
};

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod ceiling;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod portable;
pub(crate) mod reference;
mod roll;
#[cfg(target_arch = "x86_64")]
mod sha_ni;
#[cfg(test)]
mod tests;

/// Tests the nonces `first`, `first + 1`, … (`count` of them, at least one, all in the work's run), appends those that
/// pass to the hits in ascending order and returns how many it tested, from `first` on. That is `count`, unless the
/// hits became full: then it may stop after the batch that filled them. It always tests at least one.
///
/// # Safety
/// The processor must have the features that the implementation's `supported` checks.
type Scan = unsafe fn(work: &Work, first: u64, count: u64, hits: &mut Hits) -> u64;

/// One way to scan.
struct Implementation {
    name: &'static str,
    /// One line for people.
    about: &'static str,
    /// Nonces tested side by side: it scans multiples of this at full rate.
    lanes: u64,
    supported: fn() -> bool,
    scan: Scan,
    /// Where it can test a header under several versions at once.
    scan_midstates: Option<roll::ScanMidstates>,
    /// Filled in by the first use.
    self_test: OnceLock<bool>,
}

/// Every kernel this build holds, the fastest first, the oracle last.
static KERNELS: &[&Implementation] = &[
    #[cfg(target_arch = "x86_64")]
    &avx512::KERNEL,
    #[cfg(target_arch = "x86_64")]
    &sha_ni::KERNEL,
    #[cfg(target_arch = "x86_64")]
    &avx2::KERNEL,
    &portable::KERNEL,
    &reference::KERNEL,
];

/// The names of all kernels there are, whether or not this build and this processor have them; the fastest first.
pub const KERNEL_NAMES: [&str; 5] = ["avx512", "sha-ni", "avx2", "portable", "reference"];

/// A kernel that this processor can run and that has passed its self-test.
///
/// # Examples
/// ```
/// use paydirt::Kernel;
///
/// let kernel: Kernel = "portable".parse()?;
/// assert_eq!(kernel.name(), "portable");
/// assert!(Kernel::detected().contains(&kernel));
/// # Ok::<(), paydirt::KernelError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Kernel(&'static Implementation);

/// Why a kernel cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// No kernel has this name.
    #[error("is no kernel; use auto, {}", KERNEL_NAMES.join(", "))]
    Unknown,
    /// This build has no code for it.
    #[error("is not part of this build (it is for {0}); use auto, which takes the fastest there is")]
    NotCompiled(&'static str),
    /// The processor cannot run it.
    #[error("needs instructions this processor lacks; here there are auto, {0}")]
    NotSupported(String),
    /// It computed wrong hashes. It must not be used.
    #[error("failed its self-test on this machine and will not be used; please report this")]
    SelfTest,
}

/// What this build and this processor make of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct KernelStatus {
    /// Its name.
    pub name: &'static str,
    /// Whether this build holds it.
    pub compiled: bool,
    /// Whether this processor can run it.
    pub detected: bool,
    /// Whether it reproduced the oracle's answers just now. `None` when it cannot run.
    pub self_test: Option<bool>,
    /// Nonces it takes at a time. `None` when it is not compiled in.
    pub lanes: Option<u64>,
    /// One line for people. `None` when it is not compiled in.
    pub about: Option<&'static str>,
}

impl Kernel {
    /// Every kernel that runs here, the fastest first. There are always at least `portable` and `reference`.
    pub fn detected() -> Vec<Self> {
        KERNELS
            .iter()
            .map(|implementation| Self(implementation))
            .filter(|kernel| (kernel.0.supported)() && kernel.passes_self_test())
            .collect()
    }

    /// The kernel that is fastest on this processor, for every kind of puzzle: the first in the order of
    /// [`KERNEL_NAMES`] that runs here. `docs/kernels.md` has the measurements behind that order.
    pub fn auto() -> Self {
        KERNELS
            .iter()
            .map(|implementation| Self(implementation))
            .find(|kernel| (kernel.0.supported)() && kernel.passes_self_test())
            .expect("the reference kernel passes its test against itself")
    }

    /// The kernel of this name, one of [`KERNEL_NAMES`].
    ///
    /// # Errors
    /// [`KernelError`] when there is none, or it cannot run here.
    pub fn by_name(name: &str) -> Result<Self, KernelError> {
        let Some(implementation) = KERNELS.iter().copied().find(|k| k.name == name) else {
            return Err(if KERNEL_NAMES.contains(&name) {
                KernelError::NotCompiled("x86-64 processors")
            } else {
                KernelError::Unknown
            });
        };
        if !(implementation.supported)() {
            let here: Vec<_> = Self::detected().iter().map(|k| k.name()).collect();
            return Err(KernelError::NotSupported(here.join(", ")));
        }
        let kernel = Self(implementation);
        if !kernel.passes_self_test() {
            return Err(KernelError::SelfTest);
        }
        Ok(kernel)
    }

    /// All kernels by name, with what this build and this processor make of them.
    pub fn statuses() -> Vec<KernelStatus> {
        let status = |name| match KERNELS.iter().copied().find(|k| k.name == name) {
            None => KernelStatus {
                name,
                compiled: false,
                detected: false,
                self_test: None,
                lanes: None,
                about: None,
            },
            Some(implementation) => {
                let detected = (implementation.supported)();
                KernelStatus {
                    name,
                    compiled: true,
                    detected,
                    self_test: detected.then(|| Self(implementation).passes_self_test()),
                    lanes: Some(implementation.lanes),
                    about: Some(implementation.about),
                }
            }
        };
        KERNEL_NAMES.into_iter().map(status).collect()
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// How many nonces it tests side by side.
    pub fn lanes(self) -> u64 {
        self.0.lanes
    }

    /// Tests the nonces `first`, `first + 1`, …, `count` of them, on the calling thread. Appends those whose digest's
    /// top word passes to `hits`, in ascending order; every solution is among them, and hits need a second look
    /// ([`Solution::check`](crate::Solution::check)). Returns how many nonces were tested, from `first` on: `count`,
    /// or fewer (but at least up to the last hit) when the hits became full.
    ///
    /// # Panics
    /// When `count` is 0 or the nonces go past `u64::MAX`. Nonces outside the run that `work` was made for give
    /// meaningless hits.
    pub fn scan(self, work: &Work, first: u64, count: u64, hits: &mut Hits) -> u64 {
        assert!(count > 0, "a scan of no nonces");
        assert!(
            first.checked_add(count - 1).is_some(),
            "the scan goes past the last nonce"
        );
        // SAFETY: a Kernel is made only after `supported` has found the features its scan needs.
        #[allow(unsafe_code)]
        unsafe {
            self.0.scan_work(work, first, count, hits)
        }
    }

    /// How many hashes a second this kernel could reach on the calling thread's core if it did nothing but issue its
    /// vector operations at the rate at which the processor can issue them, none waiting for another: measured here
    /// and now, for about `time`, and divided by the operations a hash takes. Clock speeds change and cores are
    /// shared, so measure right beside the rate that is held against it.
    ///
    /// `None` for kernels without such a bound (`portable`, `reference`) and for shapes of work whose operations
    /// nobody has counted.
    pub fn ceiling_hashes_per_second(self, work: &Work, time: Duration) -> Option<f64> {
        ceiling::Probe::of(self.name())?.hashes_per_second(work, time)
    }

    fn passes_self_test(self) -> bool {
        *self.0.self_test.get_or_init(|| {
            let reference = KERNELS.last().expect("not empty");
            self_test_puzzles().iter().all(|(puzzle, range)| {
                Run::split(puzzle, *range).iter().all(|run| {
                    let count = run.range.count() as u64;
                    let hits = |implementation: &Implementation| {
                        let mut hits = Hits::all();
                        // SAFETY: the caller has checked `supported`; the reference needs no features.
                        #[allow(unsafe_code)]
                        let tested = unsafe {
                            implementation.scan_work(&run.work, run.range.start(), count, &mut hits)
                        };
                        (tested, hits.into_nonces())
                    };
                    hits(self.0) == hits(reference)
                })
            })
        })
    }
}

impl Implementation {
    /// Scans any work, one whose version is rolled too.
    ///
    /// # Safety
    /// As [`Scan`].
    #[allow(unsafe_code)]
    unsafe fn scan_work(&self, work: &Work, first: u64, count: u64, hits: &mut Hits) -> u64 {
        // SAFETY: the caller vouches for the features.
        unsafe {
            match &work.rolled {
                Some(rolled) => roll::scan(self, rolled, work, first, count, hits),
                None => (self.scan)(work, first, count, hits),
            }
        }
    }
}

/// A few small puzzles that together reach each path of a kernel: less than two hundred hashes.
fn self_test_puzzles() -> [(Puzzle, NonceRange); 4] {
    let half = Goal::at_most(Target::from_leading_zero_bits(1.0).expect("between 0 and 256"));
    let part = |puzzle: Puzzle, start, count| {
        let range = puzzle.nonce_space().part(start, count);
        (puzzle, range.expect("inside the nonce space"))
    };
    let header = Puzzle::new(
        Template::new([0x5a; 76], []),
        NonceEncoding::U32(ByteOrder::Little),
        Digest::Sha256d,
        ByteOrder::Little,
        half,
    );
    let rolled = (header.clone().roll_version(0x0001_c000)).expect("a header, and bits to roll");
    let long = Puzzle::new(
        Template::new([b'p'; 61], [b's'; 70]),
        NonceEncoding::Hex {
            width: 9,
            case: crate::puzzle::HexCase::Lower,
        },
        Digest::Sha256d,
        ByteOrder::Big,
        half,
    );
    [
        part(Puzzle::text("paydirt", half), 99_990, 45),
        part(header, 0xffff_ffd0, 0x30),
        part(rolled, (1 << 34) - 50, 71),
        part(long, 0xff8, 20),
    ]
}

impl PartialEq for Kernel {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Kernel {}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kernel({})", self.name())
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Kernel {
    type Err = KernelError;

    /// As [`Kernel::by_name`], and `auto` for [`Kernel::auto`].
    fn from_str(name: &str) -> Result<Self, KernelError> {
        match name {
            "auto" => Ok(Self::auto()),
            name => Self::by_name(name),
        }
    }
}

/// The nonces that passed a kernel's cheap test.
#[derive(Clone, Debug)]
pub struct Hits {
    nonces: Vec<u64>,
    /// A scan may end early once it has this many.
    limit: usize,
}

impl Default for Hits {
    fn default() -> Self {
        Self::all()
    }
}

impl Hits {
    /// Room for every hit.
    pub fn all() -> Self {
        Self::up_to(usize::MAX)
    }

    /// Room for `limit` hits: a scan that has found so many may stop (and may find some more on the way).
    pub fn up_to(limit: usize) -> Self {
        Self {
            nonces: Vec::new(),
            limit,
        }
    }

    /// The nonces so far, ascending within a scan.
    pub fn nonces(&self) -> &[u64] {
        &self.nonces
    }

    /// The nonces.
    pub fn into_nonces(self) -> Vec<u64> {
        self.nonces
    }

    /// Forgets the nonces, keeps the limit.
    pub fn clear(&mut self) {
        self.nonces.clear();
    }

    pub(crate) fn push(&mut self, nonce: u64) {
        self.nonces.push(nonce);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.nonces.len() >= self.limit
    }
}

/// The loop of the kernels that test one nonce after the other: `hash` turns the padded blocks into a hash value.
#[inline]
fn one_by_one(
    work: &Work,
    first: u64,
    count: u64,
    hits: &mut Hits,
    hash: impl Fn(&[[u8; reference::BLOCK_BYTES]]) -> [u32; 8],
) -> u64 {
    let mut blocks: Vec<[u8; reference::BLOCK_BYTES]> = work
        .blocks
        .iter()
        .map(|words| std::array::from_fn(|i| words[i / 4].to_be_bytes()[i % 4]))
        .collect();
    let nonce_at = work.nonce_offset..work.nonce_offset + work.nonce_bytes;
    work.write_nonce(first, &mut blocks.as_flattened_mut()[nonce_at.clone()]);
    for tested in 0..count {
        if tested > 0 {
            increment(work.symbols, &mut blocks.as_flattened_mut()[nonce_at.clone()]);
        }
        if work.test.passes(&hash(&blocks)) {
            hits.push(first + tested);
            if hits.is_full() {
                return tested + 1;
            }
        }
    }
    count
}

/// Adds one to a nonce in place: cheaper than writing it anew.
fn increment(symbols: Symbols, nonce: &mut [u8]) {
    use crate::puzzle::HexCase;
    /// Steps one symbol; true when it wrapped around to the first.
    fn step(byte: &mut u8, last: u8, jump: Option<u8>) -> bool {
        let wrapped = *byte == last;
        *byte = match (*byte, jump) {
            _ if wrapped => b'0',
            (b'9', Some(letter)) => letter,
            (digit, _) => digit + 1,
        };
        wrapped
    }
    match symbols {
        Symbols::Decimal => nonce.iter_mut().rev().all(|byte| step(byte, b'9', None)),
        Symbols::Hex(HexCase::Lower) => (nonce.iter_mut().rev()).all(|byte| step(byte, b'f', Some(b'a'))),
        Symbols::Hex(HexCase::Upper) => (nonce.iter_mut().rev()).all(|byte| step(byte, b'F', Some(b'A'))),
        Symbols::Binary(order) => {
            let mut carry = |byte: &mut u8| {
                *byte = byte.wrapping_add(1);
                *byte == 0
            };
            match order {
                ByteOrder::Little => nonce.iter_mut().all(&mut carry),
                ByteOrder::Big => nonce.iter_mut().rev().all(&mut carry),
            }
        }
    };
}
