//! What happened in a run.

use std::{collections::BTreeMap, time::Duration};

use paydirt_network::core::{Notice, Offence, Reason};

use crate::{Setup, chain::BlockId};

/// How long blocks took to so many of the nodes: medians over all blocks, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// To half of them.
    pub half_s: f64,
    /// To nine of ten.
    pub ninety_s: f64,
    /// To 99 of 100.
    pub ninety_nine_s: f64,
    /// How long a block takes to a node on average.
    pub mean_s: f64,
}

/// What happened.
#[derive(Clone, Debug)]
pub struct Report {
    /// Honest nodes.
    honest: usize,
    block_interval_s: f64,
    /// When each block was found, in microseconds, and how long it took to each honest node that got it.
    found_us: BTreeMap<BlockId, u64>,
    delays_us: BTreeMap<BlockId, Vec<u64>>,
    /// Events of the run.
    pub events: u64,
    /// Messages sent, without acknowledgements.
    pub messages: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// How long it took, in the network's time.
    pub simulated: Duration,
    /// Blocks of the longest branch, genesis among them.
    pub chain_length: u64,
    /// Connections at the end.
    pub links: usize,
    /// Of these, those of honest nodes to hostile ones.
    pub links_to_hostile: usize,
    /// For what peers were hung up on, and how often.
    pub hung_up: BTreeMap<String, u64>,
}

impl Report {
    pub(crate) fn new(setup: &Setup) -> Self {
        Self {
            honest: setup.nodes - setup.hostile,
            block_interval_s: setup.block_interval_s,
            found_us: BTreeMap::new(),
            delays_us: BTreeMap::new(),
            events: 0,
            messages: 0,
            bytes: 0,
            simulated: Duration::ZERO,
            chain_length: 1,
            links: 0,
            links_to_hostile: 0,
            hung_up: BTreeMap::new(),
        }
    }

    pub(crate) fn found(&mut self, id: BlockId, now_us: u64) {
        self.found_us.insert(id, now_us);
    }

    pub(crate) fn arrived(&mut self, id: BlockId, now_us: u64, is_honest: bool) {
        if is_honest && let Some(found) = self.found_us.get(&id) {
            self.delays_us.entry(id).or_default().push(now_us - found);
        }
    }

    pub(crate) fn note(&mut self, notice: &Notice) {
        if let Notice::Left { reason, .. } | Notice::TurnedAway { reason, .. } = notice {
            let name = match reason {
                Reason::Misbehaved(offence) => match offence {
                    Offence::NoProofOfWork(_) => "no proof of work",
                    Offence::BrokenRule(..) => "a broken rule",
                    Offence::FalseClaim => "a false claim",
                    Offence::Withheld => "blocks withheld",
                    Offence::Flood => "a flood",
                    _ => "another offence",
                },
                Reason::Silent => "silence",
                Reason::Banned => "a ban",
                Reason::Full => "no room",
                _ => "it left",
            };
            *self.hung_up.entry(name.to_owned()).or_default() += 1;
        }
    }

    /// Blocks found.
    pub fn blocks(&self) -> usize {
        self.found_us.len()
    }

    /// The share of blocks that are not on the longest branch.
    pub fn stale_share(&self) -> f64 {
        1.0 - (self.chain_length - 1) as f64 / self.blocks().max(1) as f64
    }

    /// What Decker and Wattenhofer (2013, equation 4) give for it: the chance that somebody who has not heard of a block finds
    /// another one, from the times that blocks took here.
    pub fn stale_share_in_theory(&self) -> f64 {
        1.0 - (-self.spread().mean_s / self.block_interval_s).exp()
    }

    /// How long blocks took.
    pub fn spread(&self) -> Spread {
        let share = |share: f64| {
            let needed = ((self.honest as f64 * share).ceil() as usize).max(1);
            let reached = self.sorted().filter_map(|delays| delays.get(needed - 1).copied());
            median(reached.collect())
        };
        let means = self
            .sorted()
            .map(|delays| delays.iter().sum::<f64>() / delays.len() as f64);
        let means: Vec<_> = means.collect();
        Spread {
            half_s: share(0.5),
            ninety_s: share(0.9),
            ninety_nine_s: share(0.99),
            mean_s: means.iter().sum::<f64>() / means.len().max(1) as f64,
        }
    }

    /// For a picture: after how many seconds (median over blocks) each share of the nodes had a block.
    pub fn curve(&self) -> Vec<(f64, f64)> {
        let shares = (1..=100).map(|percent| f64::from(percent) / 100.0);
        let all: Vec<_> = self.sorted().collect();
        shares
            .map(|share| {
                let needed = ((self.honest as f64 * share).ceil() as usize).max(1);
                let reached = all.iter().filter_map(|delays| delays.get(needed - 1).copied());
                (median(reached.collect()), share)
            })
            .filter(|(seconds, _)| seconds.is_finite())
            .collect()
    }

    /// The seconds that each block took to the first node, the second, and so on. Blocks that lost to another before half of
    /// the nodes had them say nothing about how long a block takes.
    fn sorted(&self) -> impl Iterator<Item = Vec<f64>> {
        let spread = self
            .delays_us
            .values()
            .filter(|delays| delays.len() * 2 >= self.honest);
        spread.map(|delays| {
            let mut delays: Vec<_> = delays.iter().map(|us| *us as f64 / 1e6).collect();
            delays.sort_unstable_by(f64::total_cmp);
            delays
        })
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
