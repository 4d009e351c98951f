//! Which of the places that are taken is the n-th.
//!
//! *In:* places as they are taken and left. *Out:* where the n-th is, without walking over those before it: for pages from the middle of
//! a long queue.
//!
//! ```text
//! counts of the taken places, by place >> 24, by place >> 16 and by place >> 8: each level is walked within one count of the
//! level above, 256 steps at most, and so are the places themselves
//! ```
//!
//! A million waiting transfers have 4,000 counts. A tree with a count in each node would be a map of our own.

use std::collections::BTreeMap;

const SHIFTS: [u32; 3] = [24, 16, 8];

/// How many places are taken, by their first bits.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranks([BTreeMap<u64, usize>; SHIFTS.len()]);

impl Ranks {
    /// A place is taken that was not.
    pub(super) fn add(&mut self, place: u64) {
        for (counts, shift) in self.0.iter_mut().zip(SHIFTS) {
            *counts.entry(place >> shift).or_default() += 1;
        }
    }

    /// A place is left that was taken.
    pub(super) fn remove(&mut self, place: u64) {
        for (counts, shift) in self.0.iter_mut().zip(SHIFTS) {
            let count = counts.get_mut(&(place >> shift)).expect("what is left was taken");
            *count -= 1;
            if *count == 0 {
                counts.remove(&(place >> shift));
            }
        }
    }

    /// A place before the n-th that is taken (from 0), or it, and how many taken ones are between: 255 at most. `None` when fewer
    /// are taken.
    pub(super) fn near(&self, mut n: usize) -> Option<(u64, usize)> {
        let (mut first, mut last) = (0, u64::MAX);
        for counts in &self.0 {
            let mut within = counts.range(first..=last);
            let found = within.find(|(_, count)| {
                let here = n < **count;
                n -= if here { 0 } else { **count };
                here
            });
            let prefix = *found?.0;
            (first, last) = (prefix << 8, (prefix << 8) | 0xff);
        }
        Some((first, n))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_nth_is_the_nth() {
        let mut ranks = Ranks::default();
        let mut taken = BTreeSet::new();
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for round in 0..3000_u64 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            // Close together mostly, some far apart.
            let place = (1 << 62) + random % [700, 70_000, 1 << 40][(round % 3) as usize];
            match taken.insert(place) {
                true => ranks.add(place),
                false => {
                    taken.remove(&place);
                    ranks.remove(place);
                }
            }
        }
        for (n, place) in taken.iter().enumerate() {
            let (near, between) = ranks.near(n).unwrap();
            assert!(between < 256);
            assert_eq!(taken.range(near..).nth(between), Some(place));
        }
        assert_eq!(ranks.near(taken.len()), None);
        taken.iter().for_each(|place| ranks.remove(*place));
        assert_eq!(ranks.near(0), None);
        assert!(ranks.0.iter().all(BTreeMap::is_empty));
    }
}
