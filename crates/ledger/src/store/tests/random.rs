//! Numbers that look random and come again with their seed: a run that fails says which it was.

/// SplitMix64.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `0..count`.
    pub(super) fn below(&mut self, count: usize) -> usize {
        (self.next() % count.max(1) as u64) as usize
    }

    /// True once in `times`.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// How many runs, and from which seed on: few in `cargo test`, many in `scripts/store-faults.sh`.
pub(super) fn seeds(usual: u64) -> std::ops::Range<u64> {
    let of = |name| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse().expect("a whole number"))
    };
    let first = of("PAYDIRT_FAULT_SEED").unwrap_or(0);
    first..first + of("PAYDIRT_FAULT_RUNS").unwrap_or(usual)
}

/// Runs each seed; a failure names its own, and how to see it again.
pub(super) fn each_seed(test: &str, usual: u64, run: impl Fn(u64)) -> u64 {
    let seeds = seeds(usual);
    let count = seeds.end - seeds.start;
    for seed in seeds {
        if std::env::var_os("PAYDIRT_FAULT_RUNS").is_some() {
            eprintln!("{test} seed {seed}"); // also if the process ends with it
        }
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(seed))).is_err() {
            panic!(
                "seed {seed} failed; again: PAYDIRT_FAULT_SEED={seed} PAYDIRT_FAULT_RUNS=1 cargo test -p paydirt-ledger {test}"
            );
        }
    }
    count
}
