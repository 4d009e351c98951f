//! The inner loop: test a range of nonces on one processor core, as fast as it can.
//!
//! *In:* a puzzle, prepared once ([`Prepared`]), and ranges of its nonces. *Out:* the nonces whose digest's top word
//! passes the cheap test, in ascending order. Nothing here knows of threads, targets beyond 32 bits, or what a solution
//! is for.
//!
//! ```text
//! once a search    Prepared: the midstate, the blocks after it, the top-word test               prepared
//!                  a kernel of the table, bound to it                                           table
//! once a stretch   which words vary, rounds and schedule sums of all the others                 symbols, stretch
//! once a batch     the inner loop, in the instructions of one architecture                      x86_64/, portable, oracle
//! ```
//!
//! A [`Kernel`] is made only after a check for its processor features and a self-test against the oracle.

// Some of what kernels share serves only those of an architecture's folder.
#![cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]

use std::{fmt, str::FromStr, time::Duration};

mod ceiling;
mod hits;
mod one_by_one;
mod oracle;
mod portable;
mod prepared;
mod rolled;
mod self_test;
mod shape;
mod stretch;
mod sums;
mod symbols;
mod table;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86_64;

pub use ceiling::{KernelCeiling, UnitLoad};
pub use hits::Hits;
pub use prepared::Prepared;
pub(crate) use shape::Shape;
pub use table::KernelInfo;

use rolled::RolledScan;

/// A kernel bound to a [`Prepared`]: it has memory of its own and scans chunk after chunk.
pub(crate) trait Scan {
    /// Tests the nonces `first`, `first + 1`, … (`count` of them, at least one) under each of the midstates, which stand
    /// in for the prepared one. Those that pass are appended to the hits, by nonce, then by midstate, as `nonce * number
    /// of midstates + index of the midstate`. Returns how many nonces it tested, from `first` on. That is `count`,
    /// unless the hits became full: then it may stop after the batch that filled them. It always tests at least one.
    fn scan(&mut self, midstates: &[[u32; 8]], first: u64, count: u64, hits: &mut Hits) -> u64;

    /// Whether it can test nonces under so many midstates at once. Under one it must; those that can test them under more
    /// take 32 of them, or a multiple of 32.
    fn takes(&self, midstates: usize) -> bool {
        midstates == 1
    }

    /// How long the miner should let it scan before it looks at the clock, the stop flag and the hits: long enough to
    /// make that free, short enough to stop within a millisecond.
    fn chunk_time(&self) -> Duration {
        Duration::from_micros(400)
    }
}

/// A kernel bound to a [`Prepared`], for one thread.
///
/// # Examples
/// ```
/// use paydirt::{Goal, Hits, Kernel, NonceRange, Prepared, Puzzle, Solution, Target};
///
/// let puzzle = Puzzle::text("100", Goal::at_most(Target::from_hex_zeros(4)?));
/// let prepared = &Prepared::split(&puzzle, NonceRange::new(10_000, 90_000)?)[0];
/// let mut scanner = Kernel::auto().bind(prepared).expect("every kernel takes texts");
/// let mut hits = Hits::all();
/// assert_eq!(scanner.scan(30_000, 10_000, &mut hits), 10_000);
/// assert!(hits.nonces().iter().any(|nonce| Solution::check(&puzzle, *nonce).is_ok()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Scanner<'p> {
    prepared: &'p Prepared,
    kernel: Box<dyn Scan + 'p>,
    rolled: Option<RolledScan>,
    lanes: u64,
}

impl<'p> Scanner<'p> {
    pub(crate) fn new(prepared: &'p Prepared, kernel: Box<dyn Scan + 'p>, lanes: u64) -> Self {
        Self {
            prepared,
            kernel,
            rolled: prepared.rolled.map(RolledScan::new),
            lanes,
        }
    }

    /// Tests the nonces `first`, `first + 1`, …, `count` of them, on the calling thread. Appends those whose digest's
    /// top word passes to `hits`, in ascending order; every solution is among them, and hits need a second look
    /// ([`Solution::check`](crate::Solution::check)). Returns how many nonces were tested, from `first` on: `count`,
    /// or fewer (but at least up to the last hit) when the hits became full.
    ///
    /// # Panics
    /// When `count` is 0 or the nonces are not all in the range that was prepared.
    pub fn scan(&mut self, first: u64, count: u64, hits: &mut Hits) -> u64 {
        assert!(count > 0, "a scan of no nonces");
        let (range, end) = (self.prepared.range(), u128::from(first) + u128::from(count));
        assert!(
            range.start() <= first && end <= range.end(),
            "the scan leaves the range that was prepared"
        );
        match &mut self.rolled {
            Some(rolled) => rolled.scan(&mut *self.kernel, first, count, hits),
            None => (self.kernel).scan(std::slice::from_ref(&self.prepared.midstate), first, count, hits),
        }
    }

    pub(crate) fn lanes(&self) -> u64 {
        self.lanes
    }

    pub(crate) fn chunk_time(&self) -> Duration {
        self.kernel.chunk_time()
    }
}

impl fmt::Debug for Scanner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (f.debug_struct("Scanner").field("prepared", self.prepared)).finish_non_exhaustive()
    }
}

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
pub struct Kernel(&'static KernelInfo);

/// Why a kernel is unavailable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// No kernel has this name.
    #[error("there is no such kernel; use auto, {}", names().join(", "))]
    Unknown,
    /// This build has no code for it.
    #[error(
        "this kernel is not part of this build (it is for {0} processors); use auto, which takes the fastest there is"
    )]
    NotCompiled(&'static str),
    /// The processor cannot run it.
    #[error("this kernel needs instructions that this processor lacks; use auto, {0}")]
    NotSupported(String),
    /// It computed wrong hashes. It must not be used.
    #[error("this kernel failed its self-test on this machine and will not be used; please report this")]
    SelfTest,
}

fn names() -> Vec<&'static str> {
    Kernel::all().iter().map(|kernel| kernel.name).collect()
}

impl Kernel {
    /// Every kernel there is, whether or not this build and this processor have it; on most processors, the fastest first.
    pub fn all() -> &'static [KernelInfo] {
        table::all()
    }

    /// Every kernel that runs here, the likeliest to be the fastest first. There are always at least `portable` and `reference`.
    pub fn detected() -> Vec<Self> {
        Self::that_run().collect()
    }

    /// The kernel that is likely to be the fastest here, before anything was measured: the first of [`Kernel::detected`].
    /// A [`Miner`](crate::Miner) that is given no kernel begins with it, and measures.
    pub fn auto() -> Self {
        let fastest = Self::that_run().next();
        fastest.expect("the reference kernel passes its test against itself")
    }

    /// Those that could be the fastest here, the likeliest first: what is written for this processor's
    /// instructions, or where there is nothing of the kind, what runs on any. None was tested yet: see
    /// [`KernelInfo::passed`].
    pub(crate) fn candidates() -> Vec<&'static KernelInfo> {
        let mut candidates = table::likeliest_first();
        candidates.retain(|kernel| kernel.is_detected() && kernel.architecture != "any");
        match candidates.is_empty() {
            true => vec![Self::auto().0],
            false => candidates,
        }
    }

    fn that_run() -> impl Iterator<Item = Self> {
        table::likeliest_first()
            .into_iter()
            .filter(|kernel| kernel.self_test() == Some(true))
            .map(Self)
    }

    /// The kernel of this name, one of [`Kernel::all`].
    ///
    /// # Errors
    /// [`KernelError`] when there is none, or it cannot run here.
    pub fn by_name(name: &str) -> Result<Self, KernelError> {
        let kernel = Self::all().iter().find(|kernel| kernel.name == name);
        let kernel = kernel.ok_or(KernelError::Unknown)?;
        match kernel.self_test() {
            Some(true) => Ok(Self(kernel)),
            Some(false) => Err(KernelError::SelfTest),
            None if kernel.is_compiled() => {
                let here: Vec<_> = Self::that_run().map(Self::name).collect();
                Err(KernelError::NotSupported(here.join(", ")))
            }
            None => Err(KernelError::NotCompiled(kernel.architecture)),
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// How many nonces it tests side by side.
    pub fn lanes(self) -> u64 {
        self.0.lanes
    }

    /// Binds it to what was prepared, for one thread; `None` when it does not do such messages. `portable` and
    /// `reference` do all.
    pub fn bind(self, prepared: &Prepared) -> Option<Scanner<'_>> {
        // SAFETY: a Kernel is made only of one whose `supported` is true.
        #[allow(unsafe_code)]
        let bound = unsafe { (self.code().bind)(prepared) }?;
        Some(Scanner::new(prepared, bound, self.lanes()))
    }

    /// How many hashes a second this kernel could reach on the calling thread's core if it did nothing but issue its
    /// operations at the rate at which the processor can issue them, none waiting for another: measured here and now,
    /// for about `time` a unit of the processor, and divided by the operations a hash takes. Clock speeds change and cores
    /// are shared, so measure right beside the rate that is held against it.
    ///
    /// `None` for kernels without such a bound (`portable`, `reference`) and for shapes of messages whose operations
    /// nobody has counted.
    pub fn ceiling_hashes_per_second(self, prepared: &Prepared, time: Duration) -> Option<f64> {
        let own = ceiling::measure(&[self], prepared, time);
        own.first().map(|ceiling| ceiling.hashes_per_second)
    }

    /// The same of every kernel that runs here and has such a bound, each unit measured once. The highest is that of the
    /// processor: the most that any known way to compute these hashes could reach on this core.
    pub fn ceilings(prepared: &Prepared, time: Duration) -> Vec<KernelCeiling> {
        ceiling::measure(&Self::detected(), prepared, time)
    }

    fn code(self) -> &'static table::Code {
        (self.0.code.as_ref()).expect("a Kernel is made only of one that is compiled in")
    }
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
