//! How long messages take.
//!
//! *In:* two nodes and a message's bytes. *Out:* when it arrives.
//!
//! The regions, the share of nodes in each, the delays between them and their upstream bandwidths are those that SimBlock
//! took of Bitcoin's network in 2019 (Aoki, Otsuki, Kaneko, Banno, Shudo: "SimBlock: A Blockchain Network Simulator", 2019,
//! arXiv:1901.09777, and its `NetworkConfiguration`). Each delay varies by a tenth.

/// One-way delays in milliseconds: North America, Europe, South America, Asia and the Pacific, Japan, Australia.
const DELAY_MS: [[u64; 6]; 6] = [
    [32, 124, 184, 198, 151, 189],
    [124, 11, 227, 237, 252, 294],
    [184, 227, 88, 325, 301, 322],
    [198, 237, 325, 85, 58, 198],
    [151, 252, 301, 58, 12, 126],
    [189, 294, 322, 198, 126, 16],
];
/// Upstream bits a second.
const UPSTREAM: [u64; 6] = [
    19_200_000, 20_700_000, 5_800_000, 15_700_000, 10_200_000, 11_300_000,
];
/// Between two regions, at most.
const BETWEEN_REGIONS: u64 = 6_000_000;
/// The share of the nodes.
const SHARE: [f64; 6] = [0.3316, 0.4998, 0.0090, 0.1177, 0.0224, 0.0195];

/// What the links are like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Links {
    /// Bitcoin's of 2019.
    World2019,
    /// All alike.
    Even {
        /// One way, in milliseconds.
        delay_ms: u64,
        /// Upstream bits a second.
        upstream: u64,
    },
}

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(usize);

impl Links {
    /// Some place, as the shares are.
    pub(crate) fn place(self, random: &mut fastrand::Rng) -> Place {
        let mut left = random.f64();
        for (region, share) in SHARE.iter().enumerate() {
            left -= share;
            if left < 0.0 {
                return Place(region);
            }
        }
        Place(0)
    }

    /// Microseconds from one place to another.
    pub(crate) fn delay_us(self, from: Place, to: Place, random: &mut fastrand::Rng) -> u64 {
        let delay_ms = match self {
            Self::World2019 => DELAY_MS[from.0][to.0],
            Self::Even { delay_ms, .. } => delay_ms,
        };
        delay_ms * random.u64(900..=1100)
    }

    /// Microseconds until a message's last byte has left a node.
    pub(crate) fn sending_us(self, from: Place, to: Place, bytes: u64) -> u64 {
        let bits = match self {
            Self::World2019 if from == to => UPSTREAM[from.0],
            Self::World2019 => UPSTREAM[from.0].min(BETWEEN_REGIONS),
            Self::Even { upstream, .. } => upstream,
        };
        bytes * 8 * 1_000_000 / bits
    }
}
