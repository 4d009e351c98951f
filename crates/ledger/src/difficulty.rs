//! How hard the next block must be.
//!
//! *In:* a chain's rule and a block's ancestors. *Out:* the `nBits` that the next header must carry.
//!
//! Two rules: a fixed level, or ASERT, which aims at a block time. ASERT ("absolutely scheduled exponentially rising
//! targets", Bitcoin Cash's aserti3-2d, specification 2020-11-15) compares the time since an anchor block with the
//! time its schedule allows, and doubles the target for each half-life the chain is late:
//!
//! ```text
//! target = anchor target · 2^((time since the anchor's parent − block time · (blocks since the anchor + 1)) / half-life)
//! ```
//!
//! It needs no history, cannot be swung by a burst of hash rate, and its integer form has published test vectors, which
//! `tests/data/asert` holds.
//!
//! The anchor is the block after genesis, taken to be exactly on time: genesis is as old as the format itself,
//! so a schedule that began with it would find every new chain years late.

use num_bigint::{BigInt, Sign};

use crate::header::target_of;
use paydirt::Target;

/// The easiest target of any chain, one bit: 2^255 rounded down to what nBits can say (Bitcoin's regtest).
pub const EASIEST_NBITS: u32 = 0x207f_ffff;

/// How a chain's difficulty moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DifficultyRule {
    /// Every block is as hard as the first.
    Fixed,
    /// ASERT.
    Asert {
        /// The time a block is to take, in seconds.
        block_time_s: u32,
        /// The difficulty halves for every so many seconds that the chain is late.
        half_life_s: u32,
    },
}

/// The block that ASERT counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Its height (any numbering, the same as the other height's).
    pub height: u64,
    /// Its parent's time, in seconds since 1970.
    pub parent_time: i64,
    /// Its difficulty.
    pub nbits: u32,
}

/// The difficulty of the block after the one at `height` with `time`, by aserti3-2d.
///
/// `easiest` is the highest target allowed. Heights below the anchor's count as blocks before it.
///
/// # Panics
/// When `half_life_s` is 0.
pub fn asert(
    anchor: &Anchor,
    height: u64,
    time: i64,
    block_time_s: u32,
    half_life_s: u32,
    easiest: Target,
) -> u32 {
    // i128: the published vectors cross 2^63.
    let late = i128::from(time) - i128::from(anchor.parent_time);
    let blocks = i128::from(height) - i128::from(anchor.height) + 1;
    let ahead = late - i128::from(block_time_s) * blocks;
    // A fixed-point number with 16 bits after the point, rounded towards zero as the C++ original does.
    let exponent = ahead * 65536 / i128::from(half_life_s);
    let shifts = exponent >> 16;
    let fraction = (exponent & 0xffff) as u64;
    // 2^fraction by a cubic, in 16-bit fixed point: 1 + (0.695502049 f + 0.2262698 f² + 0.0782318 f³).
    let cubic = 195_766_423_245_049 * u128::from(fraction)
        + 971_821_376 * u128::from(fraction).pow(2)
        + 5_127 * u128::from(fraction).pow(3)
        + (1 << 47);
    let factor = 65536 + (cubic >> 48);

    let easiest_number = number(easiest);
    let raised = number(target_of(anchor.nbits)) * factor;
    let next = match shifts - 16 {
        // 2^256 · 2^17 is past any target whatever the rest is, and nothing is left after as many shifts down.
        up if up > 273 => easiest_number.clone(),
        up if up >= 0 => raised << (up as usize),
        down if down < -300 => BigInt::ZERO,
        down => raised >> (down.unsigned_abs() as usize),
    };
    let next = next.clamp(BigInt::from(1), easiest_number);
    let (_, digits) = next.to_bytes_be();
    let mut bytes = [0; 32];
    bytes[32 - digits.len()..].copy_from_slice(&digits);
    Target::from_be_bytes(bytes).to_nbits_lossy()
}

fn number(target: Target) -> BigInt {
    BigInt::from_bytes_be(Sign::Plus, &target.to_be_bytes())
}

/// The easiest target of any chain.
pub fn easiest_target() -> Target {
    target_of(EASIEST_NBITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bitcoin Cash's parameters, and all twelve published runs.
    #[test]
    fn the_published_vectors() {
        let easiest = target_of(0x1d00_ffff);
        let mut checked = 0;
        for run in 1..=12 {
            let path = format!("{}/tests/data/asert/run{run:02}", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(&path).unwrap();
            let field = |names: [&str; 2]| {
                let line = text
                    .lines()
                    .find(|line| names.iter().any(|name| line.contains(name)));
                line.and_then(|line| line.rsplit(": ").next())
                    .unwrap()
                    .trim()
                    .to_owned()
            };
            let hex = |text: &str| u32::from_str_radix(text.trim_start_matches("0x"), 16).unwrap();
            let anchor = Anchor {
                height: field(["anchor height"; 2]).parse().unwrap(),
                parent_time: field(["anchor ancestor time", "anchor parent time"])
                    .parse()
                    .unwrap(),
                nbits: hex(&field(["anchor nBits"; 2])),
            };
            let iterations: usize = field(["iterations:"; 2]).parse().unwrap();
            let rows = text
                .lines()
                .filter(|line| !line.starts_with('#') && !line.is_empty());
            let mut of_run = 0;
            for row in rows {
                let columns: Vec<_> = row.split(' ').collect();
                let [_, height, time, nbits] = columns[..] else {
                    panic!("{path}: {row}")
                };
                let (height, time) = (height.parse().unwrap(), time.parse().unwrap());
                let next = asert(&anchor, height, time, 600, 2 * 24 * 3600, easiest);
                assert_eq!(next, hex(nbits), "run {run}: {row}");
                of_run += 1;
            }
            assert_eq!(of_run, iterations, "run {run} is whole");
            checked += of_run;
        }
        assert_eq!(checked, 14_000);
    }

    #[test]
    fn extremes_are_clamped() {
        let anchor = Anchor {
            height: 2,
            parent_time: 0,
            nbits: 0x1f00_ffff,
        };
        let at = |height, time| asert(&anchor, height, time, 1, 1, easiest_target());
        assert_eq!(at(2, i64::MAX), EASIEST_NBITS);
        assert_eq!(at(u64::MAX, i64::MIN), 0x0101_0000, "a target of one");
        assert_eq!(at(2, 1), 0x1f00_ffff, "on time");
        assert_eq!(at(2, 2), 0x1f01_fffe, "a half-life late: twice the target");
    }
}
