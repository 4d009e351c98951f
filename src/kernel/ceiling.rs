//! How fast a puzzle could be hashed at all on this core: the processor's issue rate for the operations that a hash takes.
//!
//! *In:* a [`Prepared`]. *Out:* hashes a second that no arrangement of the same operations can exceed on this core,
//! measured here and now: clock speeds change, cores are shared. Each kernel is a way to compute the hashes; it says how
//! many operations that takes of which unit of the processor ([`Demand`]). The unit that takes longest bounds it; the
//! best of these bounds is the processor's own, whoever reaches it.
//!
//! ```text
//! vector kernels                   operations / rate of their mix in 512-bit or 256-bit registers
//! SHA instructions                 sha256rnds2 / its rate
//! rounds there, schedules in vectors     the larger of both times
//! ```
//!
//! A [`Unit`]'s rate is that of a short loop without dependencies, by the thread's processor time.

use std::time::Duration;

use super::{Kernel, Prepared};
use crate::clock::busy_time;

/// Operations between two looks at the clock.
const AT_A_TIME: u64 = 200_000;

/// A unit of the processor, or several that do the same kind of work together.
#[derive(Debug)]
pub(super) struct Unit {
    /// What its operations are, for people.
    pub(super) name: &'static str,
    /// Operations of one turn of its loop.
    pub(super) operations: u64,
    /// Runs the loop so many times, at least once. Safe to call where the kernels that name it are.
    pub(super) turns: unsafe fn(u64),
}

/// What a kernel asks of a unit.
#[derive(Debug)]
pub(super) struct Demand {
    pub(super) unit: &'static Unit,
    /// Operations a hash takes. `None` for shapes nobody has counted.
    pub(super) operations_per_hash: fn(&Prepared) -> Option<f64>,
}

/// The bound of one kernel: what it asks of each unit that could hold it up, at least one.
#[derive(Debug)]
pub(super) struct Ceiling(pub(super) &'static [Demand]);

/// How fast one kernel's way to compute a puzzle's hashes could be at most on the core at hand.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct KernelCeiling {
    /// The kernel.
    pub kernel: Kernel,
    /// Hashes a second of processor time, on one thread.
    pub hashes_per_second: f64,
    /// What it asks of each unit of the processor; the one that takes longest is what bounds it.
    pub units: Vec<UnitLoad>,
}

/// What hashing asks of a unit of the processor.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct UnitLoad {
    /// What the operations are, in words.
    pub unit: &'static str,
    /// Operations a hash takes, counted in the kernel's code.
    pub operations_per_hash: f64,
    /// Operations a second of processor time that it does when none waits for another, measured.
    pub operations_per_second: f64,
}

impl UnitLoad {
    /// How many hashes a second it could do if nothing else held it up.
    pub fn hashes_per_second(&self) -> f64 {
        self.operations_per_second / self.operations_per_hash
    }
}

impl Unit {
    /// Measured for about `time`.
    ///
    /// # Safety
    /// The processor must have the features of a kernel that names it.
    #[allow(unsafe_code)]
    unsafe fn operations_per_second(&self, time: Duration) -> f64 {
        let turns = AT_A_TIME.div_ceil(self.operations);
        let (start, mut done) = (busy_time(), 0);
        loop {
            // SAFETY: the caller vouches for the features.
            unsafe { (self.turns)(turns) };
            done += turns * self.operations;
            let elapsed = busy_time().saturating_sub(start);
            if elapsed >= time && !elapsed.is_zero() {
                return done as f64 / elapsed.as_secs_f64();
            }
        }
    }
}

/// The ceilings of these kernels, of those that have one; each unit is measured once, for about `time`.
pub(super) fn measure(kernels: &[Kernel], prepared: &Prepared, time: Duration) -> Vec<KernelCeiling> {
    let mut rates: Vec<(&Unit, f64)> = Vec::new();
    let mut ceilings = Vec::new();
    for kernel in kernels {
        let demands = kernel
            .code()
            .ceiling
            .as_ref()
            .map_or(&[][..], |ceiling| ceiling.0);
        let counted = demands
            .iter()
            .map(|demand| Some((demand.unit, (demand.operations_per_hash)(prepared)?)));
        // Of what is counted in part only, nobody knows the bound.
        let Some(counted) = counted
            .collect::<Option<Vec<_>>>()
            .filter(|counted| !counted.is_empty())
        else {
            continue;
        };
        let load = |(unit, operations_per_hash): (&'static Unit, f64)| {
            let known = rates.iter().find(|(other, _)| std::ptr::eq(*other, unit));
            let operations_per_second = known.map(|(_, rate)| *rate).unwrap_or_else(|| {
                // SAFETY: a Kernel is made only of one whose `supported` is true, and it names this unit.
                #[allow(unsafe_code)]
                let rate = unsafe { unit.operations_per_second(time) };
                rates.push((unit, rate));
                rate
            });
            UnitLoad {
                unit: unit.name,
                operations_per_hash,
                operations_per_second,
            }
        };
        let units: Vec<_> = counted.into_iter().map(load).collect();
        ceilings.push(KernelCeiling {
            kernel: *kernel,
            hashes_per_second: units
                .iter()
                .map(UnitLoad::hashes_per_second)
                .fold(f64::INFINITY, f64::min),
            units,
        });
    }
    ceilings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{KernelInfo, table::kernel};
    use crate::{Goal, Puzzle, Target};

    static ONE: Unit = Unit {
        name: "ones",
        operations: 100_000,
        turns: |turns| assert!((0..turns * 100).map(std::hint::black_box).max().is_some()),
    };
    static OTHER: Unit = Unit {
        name: "others",
        ..ONE
    };

    /// One that asks the same of both units but for a factor, and one that nobody has counted to the end.
    static MIXED: &[KernelInfo] = &[
        kernel! {
            name: "mixed",
            about: "",
            lanes: 1,
            bind: crate::kernel::portable::bind,
            ceiling: Some(Ceiling(&[
                Demand { unit: &ONE, operations_per_hash: |_| Some(1.0) },
                Demand { unit: &OTHER, operations_per_hash: |_| Some(1e6) },
            ])),
        },
        kernel! {
            name: "uncounted",
            about: "",
            lanes: 1,
            bind: crate::kernel::portable::bind,
            ceiling: Some(Ceiling(&[
                Demand { unit: &ONE, operations_per_hash: |_| Some(1.0) },
                Demand { unit: &OTHER, operations_per_hash: |_| None },
            ])),
        },
        kernel! {
            name: "simple",
            about: "",
            lanes: 1,
            bind: crate::kernel::portable::bind,
            ceiling: Some(Ceiling(&[Demand { unit: &ONE, operations_per_hash: |_| Some(4.0) }])),
        },
    ];

    #[test]
    fn the_slowest_unit_is_the_bound_and_each_is_measured_once() {
        let puzzle = Puzzle::text("x", Goal::at_most(Target::ZERO));
        let prepared = &Prepared::split(&puzzle, puzzle.nonce_space())[0];
        let kernels: Vec<_> = MIXED.iter().map(Kernel).collect();
        let all = measure(&kernels, prepared, Duration::from_micros(100));
        let names: Vec<_> = all.iter().map(|ceiling| ceiling.kernel.name()).collect();
        assert_eq!(names, ["mixed", "simple"]);
        let (mixed, simple) = (&all[0], &all[1]);
        assert_eq!(
            mixed.hashes_per_second,
            mixed.units[1].operations_per_second / 1e6
        );
        assert_eq!(
            mixed.units[0].operations_per_second,
            simple.units[0].operations_per_second
        );
        assert_eq!(
            simple.hashes_per_second,
            simple.units[0].operations_per_second / 4.0
        );
    }
}
