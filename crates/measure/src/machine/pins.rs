//! Threads bound to processors.

use std::sync::atomic::{AtomicUsize, Ordering};

use core_affinity::CoreId;

use paydirt::Miner;

/// The processors this process may use, in the order in which threads are bound to them.
#[derive(Clone, Debug)]
pub struct Pins(Vec<CoreId>);

impl Pins {
    /// Those this process may use now; `None` where the operating system does not say.
    pub fn allowed() -> Option<Self> {
        core_affinity::get_core_ids()
            .filter(|ids| !ids.is_empty())
            .map(Self)
    }

    /// Their numbers.
    pub fn processors(&self) -> Vec<usize> {
        self.0.iter().map(|id| id.id).collect()
    }

    /// Binds each thread of `miner` to a processor, going around when there are more threads. Returns how many were bound:
    /// the operating system may refuse.
    pub fn bind(&self, miner: &Miner) -> usize {
        let bound = AtomicUsize::new(0);
        miner.on_each_thread(|index| {
            if core_affinity::set_for_current(self.0[index % self.0.len()]) {
                bound.fetch_add(1, Ordering::Relaxed);
            }
        });
        bound.into_inner()
    }

    /// A processor that no machine has: every system refuses it.
    #[cfg(test)]
    pub(crate) fn impossible() -> Self {
        Self(vec![CoreId { id: 1023 }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use paydirt::Kernel;

    #[test]
    fn a_refusal_is_not_counted() {
        let miner = Miner::with_threads(2, Kernel::auto()).unwrap();
        assert_eq!(Pins::impossible().bind(&miner), 0);
    }

    /// What Linux itself says of each thread.
    #[cfg(target_os = "linux")]
    #[test]
    fn each_thread_may_run_on_its_processor_alone() {
        use std::{fs, sync::Mutex};
        let pins = Pins::allowed().expect("Linux says which processors there are");
        let processors = pins.processors();
        let miner = Miner::with_threads(3, Kernel::auto()).unwrap();
        assert_eq!(pins.bind(&miner), 3);
        let seen = Mutex::new(Vec::new());
        miner.on_each_thread(|index| {
            let status = fs::read_to_string("/proc/thread-self/status").unwrap();
            let allowed = status
                .lines()
                .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
            seen.lock()
                .unwrap()
                .push((index, allowed.unwrap().trim().to_owned()));
        });
        let mut seen = seen.into_inner().unwrap();
        seen.sort_unstable();
        let expected = |index: usize| (index, processors[index % processors.len()].to_string());
        assert_eq!(seen, (0..3).map(expected).collect::<Vec<_>>());
    }
}
