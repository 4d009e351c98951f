//! Threads bound to processors.

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

    /// Binds each of a miner's threads to a processor, and returns how many of them the operating system has bound.
    pub fn pin_miner(&self, miner: &Miner) -> usize {
        let bound = miner.on_each_thread(|index| self.pin_current(index));
        bound.into_iter().filter(|bound| *bound).count()
    }

    /// Binds the calling thread, the `index`-th of its kind, to a processor; the threads go around. False when the
    /// operating system refuses.
    pub fn pin_current(&self, index: usize) -> bool {
        core_affinity::set_for_current(self.0[index % self.0.len()])
    }
}
