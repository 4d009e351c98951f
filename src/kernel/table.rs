//! Every kernel there is, one row each.
//!
//! *In:* this build's architecture. *Out:* names, what they need, how to bind them to a search. Help texts, tests and
//! `paydirt info` take what they say of kernels from here. A row exists on every build; its code only where the
//! architecture is the build's.

use std::sync::OnceLock;

use super::{Kernel, Prepared, Scan, ceiling::Ceiling, oracle, portable, self_test};

/// A row: of a kernel for one architecture and what it needs there, or for any.
macro_rules! kernel {
    (name: $name:literal, about: $about:literal, x86_64: $features:tt, $($code:tt)+) => {
        kernel!(@row $name, $about, "x86-64", $features, target_arch = "x86_64", is_x86_feature_detected, $($code)+)
    };
    (name: $name:literal, about: $about:literal, $($code:tt)+) => {
        kernel!(@row $name, $about, "any", [], all(), unreachable, $($code)+)
    };
    (
        @row $name:literal, $about:literal, $architecture:literal, [$($feature:tt),*], $built:meta, $detected:ident,
        lanes: $lanes:literal, bind: $bind:expr, ceiling: $ceiling:expr $(, leads: $leads:expr)? $(,)?
    ) => {
        KernelInfo {
            name: $name,
            about: $about,
            architecture: $architecture,
            features: &[$($feature),*],
            lanes: $lanes,
            #[cfg($built)]
            code: Some($crate::kernel::table::Code {
                supported: || true $(&& $detected!($feature))*,
                bind: $bind,
                ceiling: $ceiling,
                leads: [$($leads,)? || false][0],
            }),
            #[cfg(not($built))]
            code: None,
            self_test: {
                static PASSED: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
                &PASSED
            },
        }
    };
}
#[cfg(test)]
pub(super) use kernel;

/// The kernels, the likeliest to be the fastest first, the oracle last; one that `leads` on the processor at hand goes before
/// them all. `auto` begins with the first, and measures: `docs/kernels.md`.
static KERNELS: &[KernelInfo] = &[
    kernel! {
        name: "avx512",
        about: "AVX-512, two interleaved streams of 16 lanes",
        x86_64: ["avx512f", "avx512bw"],
        lanes: 32,
        bind: super::x86_64::avx512::bind,
        ceiling: Some(super::x86_64::avx512::CEILING),
    },
    kernel! {
        name: "hybrid",
        about: "schedules in vectors of 8, rounds by the SHA instructions",
        x86_64: ["avx512f", "avx512vl", "avx512bw", "sha", "sse4.1", "ssse3"],
        lanes: 8,
        bind: super::x86_64::hybrid::bind,
        ceiling: Some(super::x86_64::hybrid::CEILING),
        leads: super::x86_64::hybrid::is_made_for_this_processor,
    },
    kernel! {
        name: "sha-ni",
        about: "the SHA instructions, three nonces side by side",
        x86_64: ["sha", "sse4.1", "ssse3"],
        lanes: 3,
        bind: super::x86_64::sha_ni::bind,
        ceiling: Some(super::x86_64::sha_ni::CEILING),
    },
    kernel! {
        name: "avx2",
        about: "AVX2, batches of 32 nonces, 8 lanes at a time",
        x86_64: ["avx2"],
        lanes: 32,
        bind: super::x86_64::avx2::bind,
        ceiling: Some(super::x86_64::avx2::CEILING),
    },
    kernel! {
        name: "portable",
        about: "the sha2 crate, one nonce at a time, midstate kept",
        lanes: 1,
        bind: portable::bind,
        ceiling: None,
    },
    kernel! {
        name: "reference",
        about: "the oracle: FIPS 180-4 to the letter",
        lanes: 1,
        bind: oracle::bind,
        ceiling: None,
    },
];

/// A kernel, whether or not this build and this processor have it.
#[derive(Debug)]
#[non_exhaustive]
pub struct KernelInfo {
    /// Its name.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// The processors it is for, such as `x86-64`; `any`.
    pub architecture: &'static str,
    /// What such a processor must have, as the compiler calls it.
    pub features: &'static [&'static str],
    /// Nonces tested side by side: it scans multiples of this at full rate.
    pub lanes: u64,
    pub(super) code: Option<Code>,
    pub(super) self_test: &'static OnceLock<bool>,
}

impl KernelInfo {
    /// Whether this build holds it.
    pub fn is_compiled(&self) -> bool {
        self.code.is_some()
    }

    /// Whether this processor can run it.
    pub fn is_detected(&self) -> bool {
        self.code.as_ref().is_some_and(|code| (code.supported)())
    }

    /// Whether it reproduced the oracle's answers before its first use. `None` when it cannot run.
    pub fn self_test(&'static self) -> Option<bool> {
        let run = || self_test::passes(Kernel(self));
        self.is_detected().then(|| *self.self_test.get_or_init(run))
    }
}

impl KernelInfo {
    /// It, once it has passed its self-test; `None` when it cannot run or did not pass.
    pub(crate) fn passed(&'static self) -> Option<Kernel> {
        (self.self_test() == Some(true)).then_some(Kernel(self))
    }
}

/// The rows, the likeliest to be the fastest on this processor first.
pub(super) fn likeliest_first() -> Vec<&'static KernelInfo> {
    let mut rows: Vec<_> = KERNELS.iter().collect();
    rows.sort_by_key(|row| !row.code.as_ref().is_some_and(|code| (code.leads)()));
    rows
}

/// The whole table.
pub(super) fn all() -> &'static [KernelInfo] {
    KERNELS
}

/// The kernel that all others are held against.
pub(super) fn oracle() -> Kernel {
    Kernel(KERNELS.last().expect("the table is not empty"))
}

/// What a build for the kernel's architecture has of it.
#[derive(Debug)]
pub(super) struct Code {
    /// Whether this processor can run it.
    pub(super) supported: fn() -> bool,
    /// Binds it; `None` when it does not do such a shape. Safe to call where `supported` is true.
    pub(super) bind: for<'p> unsafe fn(&'p Prepared) -> Option<Box<dyn Scan + 'p>>,
    /// Where an honest bound is known.
    pub(super) ceiling: Option<Ceiling>,
    /// Whether it is known to be the fastest on the very processor at hand, wherever it stands in the table.
    pub(super) leads: fn() -> bool,
}
