//! One place on a branch, by itself: a header and what its branch has added up to.
//!
//! *In:* a place, and the header of the block after it. *Out:* the next place, or the rule that the header breaks.
//!
//! All that the rules ask of a header's ancestors is in its [`BranchPoint`], so that whoever syncs by headers first can
//! check a branch of which nothing is in the tree, with some 250 bytes a header and no walk along it.

use crate::{
    difficulty::{Anchor, DifficultyRule, asert, easiest_target},
    header::{BlockHash, Header, Work},
    parameters::{ChainParameters, TimeRule},
    rules::{self, MEDIAN_BLOCKS, ParentState, RuleError},
};

/// A header and what its branch has added up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BranchPoint {
    /// The hash of the header.
    pub hash: BlockHash,
    /// The header.
    pub header: Header,
    /// The block's index: 1 for genesis.
    pub index: u64,
    /// Of this block and all before it.
    pub work: Work,
    /// The time of the branch's first block after genesis: what ASERT counts from.
    pub(super) anchor_time: u32,
    /// The latest time of the branch.
    pub(super) latest_time: u32,
    /// The times of the last blocks, where the rule about times needs them.
    pub(super) recent: RecentTimes,
}

/// The times of a branch's last [`MEDIAN_BLOCKS`] blocks, or of as many as there are; none where nobody asks for their
/// median.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RecentTimes {
    times: [u32; MEDIAN_BLOCKS],
    count: u8,
}

impl RecentTimes {
    /// These, the latest block's first.
    pub(super) fn of(times: impl Iterator<Item = u32>) -> Self {
        let mut recent = Self::default();
        for time in times.take(MEDIAN_BLOCKS) {
            recent.times[usize::from(recent.count)] = time;
            recent.count += 1;
        }
        recent
    }

    fn and(self, time: u32) -> Self {
        let before = self.times.into_iter().take(self.count.into());
        Self::of(std::iter::once(time).chain(before))
    }

    fn median(mut self) -> u32 {
        let times = &mut self.times[..self.count.into()];
        times.sort_unstable();
        times[times.len() / 2]
    }
}

impl BranchPoint {
    /// What the block after it must fulfil.
    pub fn next_state(&self, parameters: &ChainParameters) -> ParentState {
        let times = parameters.times();
        ParentState {
            index: self.index + 1,
            previous_hash: self.hash,
            nbits: self.next_nbits(parameters),
            earliest_time: match times {
                TimeRule::Near { max_ahead_s } => self.latest_time.saturating_sub(max_ahead_s).into(),
                TimeRule::Median => u64::from(self.recent.median()) + 1,
            },
            max_ahead_s: times.max_ahead_s(),
            reward: parameters.reward(),
        }
    }

    fn next_nbits(&self, parameters: &ChainParameters) -> u32 {
        match parameters.rule() {
            DifficultyRule::Asert {
                block_time_s,
                half_life_s,
            } if self.index > 1 => {
                let anchor = Anchor {
                    height: 2,
                    parent_time: i64::from(self.anchor_time) - i64::from(block_time_s),
                    nbits: parameters.nbits(),
                };
                let time = self.header.time.into();
                asert(
                    &anchor,
                    self.index,
                    time,
                    block_time_s,
                    half_life_s,
                    easiest_target(),
                )
            }
            _ => parameters.nbits(),
        }
    }

    /// The place of the next block, whose header is checked by every rule that needs no transactions; its proof of work
    /// first.
    ///
    /// # Errors
    /// The first [`RuleError`] that the header breaks. [`RuleError::TimeTooNew`] alone may pass with time.
    pub fn next(&self, parameters: &ChainParameters, header: Header, now_s: u64) -> Result<Self, RuleError> {
        rules::check_proof_of_work(&header)?;
        let state = self.next_state(parameters);
        rules::check_place(state.index, &header, &state)?;
        rules::check_clock(&header, &state, now_s)?;
        Ok(self.after(parameters, header, header.hash()))
    }

    /// The place of the next block, whose header was checked.
    fn after(&self, parameters: &ChainParameters, header: Header, hash: BlockHash) -> Self {
        Self {
            hash,
            header,
            index: self.index + 1,
            work: self.work.plus(header.work()),
            anchor_time: match self.index {
                1 => header.time,
                _ => self.anchor_time,
            },
            latest_time: header.time.max(self.latest_time),
            recent: match parameters.times() {
                TimeRule::Median => self.recent.and(header.time),
                TimeRule::Near { .. } => self.recent,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChainParameters, tree::HeaderTree};

    /// Headers with the easiest proof of work, each on the last; every third time is far from the others.
    fn branch(parameters: &ChainParameters, length: u32) -> (HeaderTree, Vec<Header>) {
        let genesis = parameters.genesis();
        let mut tree = HeaderTree::new(*parameters, &genesis);
        let mut headers = Vec::new();
        let mut time = genesis.header().time;
        for number in 0..length {
            let tip = tree.tip();
            time += if number % 3 == 0 { 40 } else { 3 };
            let time = time.max(u32::try_from(tip.next.earliest_time).unwrap());
            let mut header = Header {
                previous_hash: tip.hash,
                time,
                nbits: tip.next.nbits,
                nonce: 0,
                ..*genesis.header()
            };
            while !header.meets_target() {
                header.nonce += 1;
            }
            tree.add_header(header, u64::MAX).unwrap();
            headers.push(header);
        }
        (tree, headers)
    }

    /// The chain of points demands of each header what the tree does.
    #[test]
    fn a_point_knows_what_the_tree_knows() {
        for parameters in [
            ChainParameters::fixed(1.0).unwrap(),
            ChainParameters::asert(1.0, 10, 600).unwrap(),
        ] {
            let (tree, headers) = branch(&parameters, 40);
            let mut point = tree.point(&tree.active_hash(1).unwrap()).unwrap();
            for header in headers {
                assert_eq!(
                    Some(point.next_state(&parameters)),
                    tree.parent_state(&point.hash)
                );
                point = point.next(&parameters, header, u64::MAX).unwrap();
                assert_eq!(Some(point), tree.point(&point.hash));
            }
            assert_eq!(point.work, tree.tip().work);
        }
    }

    #[test]
    fn a_header_without_its_work_or_out_of_place_is_refused() {
        let parameters = ChainParameters::fixed(1.0).unwrap();
        let (tree, headers) = branch(&parameters, 3);
        let point = tree.point(&headers[0].hash()).unwrap();
        let good = headers[1];
        let reason = |header| point.next(&parameters, header, u64::MAX).unwrap_err().name();
        let mut idle = good;
        while idle.meets_target() {
            idle.nonce += 1;
        }
        assert_eq!(reason(idle), "proof_of_work");
        assert_eq!(reason(headers[2]), "previous_hash");
        let far = point.next(&parameters, good, 0).unwrap_err();
        assert_eq!(far.name(), "time_too_new");
    }
}
