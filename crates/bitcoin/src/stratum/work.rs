//! A pool's job as headers.
//!
//! *In:* what `mining.notify` says, the extra nonces, mask and difficulty that hold for it. *Out:* the header for each value
//! of our extra nonce, and the [`Job`] that the mining loop takes.
//!
//! ```text
//! coinbase = coinbase1 · extranonce1 · extranonce2 · coinbase2 ──sha256d──► with the branch ──► Merkle root
//! header   = version · previous hash · Merkle root · ntime · nBits · nonce
//! ```
//!
//! *Why nothing is hashed twice:* one header is searched by all threads, each chunk of it by one; then comes the next
//! extra nonce. The next job, too, goes on with the next one: a pool that sends a job again gets no header again.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use paydirt::{ByteOrder, Goal, Hash, Header, Target};
use paydirt_jobs::Job;

use super::message::{Extranonce, JobId, Notify};
use crate::merkle::{root_of_first, sha256d};

/// By how much the time may be raised when everything else is used up: pools take more.
const TIME_SLACK_S: u32 = 600;

/// A job of a pool, and what a share of it must be told with.
#[derive(Clone, Debug)]
pub struct Work {
    /// Which connection it came by: no other takes its shares.
    pub(super) session: u64,
    pub(super) notify: Arc<Notify>,
    pub(super) extranonce: Extranonce,
    /// Where our extra nonces begin.
    pub(super) first: u64,
    /// The bits of the version that may be rolled; `None` where that was not granted.
    pub(super) mask: Option<u32>,
    pub(super) difficulty: f64,
    pub(super) target: Target,
}

impl Work {
    /// The pool's name for it.
    pub fn job_id(&self) -> &JobId {
        &self.notify.job_id
    }

    /// How many values our extra nonce has; of 2^64 and more, 2^64 − 1 are used.
    fn extra_nonces(&self) -> u64 {
        match self.extranonce.two_bytes {
            bytes @ 0..8 => 1 << (8 * bytes),
            _ => u64::MAX,
        }
    }

    /// The bytes of our extra nonce of this index.
    pub fn extranonce2(&self, index: u64) -> Vec<u8> {
        let number = self.first.wrapping_add(index).to_be_bytes();
        let bytes = self.extranonce.two_bytes;
        let mut extranonce2 = vec![0; bytes.saturating_sub(number.len())];
        extranonce2.extend_from_slice(&number[number.len().saturating_sub(bytes)..]);
        extranonce2
    }

    /// The header of this index, with nonce 0.
    pub fn header(&self, index: u64) -> Header {
        let notify = &self.notify;
        let coinbase = [
            &notify.coinbase1,
            &self.extranonce.one,
            &self.extranonce2(index),
            &notify.coinbase2,
        ];
        let coinbase = coinbase.map(Vec::as_slice).concat();
        let root = root_of_first(sha256d(&coinbase), &notify.branch);
        let mut bytes = [0; 80];
        bytes[..4].copy_from_slice(&notify.version.to_le_bytes());
        bytes[4..36].copy_from_slice(&notify.previous);
        bytes[36..68].copy_from_slice(&root);
        bytes[68..72].copy_from_slice(&notify.ntime.to_le_bytes());
        bytes[72..76].copy_from_slice(&notify.nbits.to_le_bytes());
        Header::from_bytes(bytes)
    }

    /// Whether a hash makes a block.
    pub(super) fn is_block(&self, hash: Hash) -> bool {
        let target = Target::from_nbits(self.notify.nbits);
        target.is_ok_and(|target| Goal::AtMost(target).is_met_by(hash, ByteOrder::Little))
    }

    /// As the mining loop takes it. `used` is where the next job's extra nonces may begin.
    pub(super) fn job(self, used: Arc<AtomicU64>) -> Job<Arc<Self>> {
        let work = Arc::new(self);
        let making = Arc::clone(&work);
        let header = move |index| {
            used.store(
                making.first.wrapping_add(index).wrapping_add(1),
                Ordering::Relaxed,
            );
            making.header(index)
        };
        Job {
            version_mask: work.mask.unwrap_or(0),
            time_slack_s: TIME_SLACK_S,
            // The pool says what comes after a block: the loop need not stop at one.
            block_target: Target::ZERO,
            ..Job::new(0, Arc::clone(&work), work.target, 0..work.extra_nonces(), header)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn work(params: serde_json::Value, one: &str, two_bytes: usize) -> Work {
        Work {
            session: 0,
            notify: Arc::new(Notify::parse(params.as_array().unwrap()).unwrap()),
            extranonce: Extranonce {
                one: hex::decode(one).unwrap(),
                two_bytes,
            },
            first: 0,
            mask: None,
            difficulty: 1.0,
            target: Target::MAX,
        }
    }

    /// Words as a pool sends them: the bytes of each swapped.
    fn swapped(shown: &str) -> String {
        let mut bytes = hex::decode(shown).unwrap();
        bytes.reverse();
        bytes.chunks_exact_mut(4).for_each(<[u8]>::reverse);
        hex::encode(bytes)
    }

    /// Block 100,000, as a pool would have told of it: its coinbase's "0602" is the extra nonce, a byte each.
    #[test]
    fn a_real_block() {
        let reversed = |shown: &str| {
            let mut bytes = hex::decode(shown).unwrap();
            bytes.reverse();
            hex::encode(bytes)
        };
        let ids = [
            "fff2525b8931402dd09222c50775608f75787bd2b87e56995a7bdd30f79702c4",
            "6359f0868171b1d194cbee1af2f16ea598ae8fad666d9b012c8ed2b79a236ec4",
            "e9a66845e05d5abc0ad04ec80f774a7e585c6e8db975962d069a522137b80c1d",
        ];
        let leaves = ids.map(|id| hex::decode(reversed(id)).unwrap().try_into().unwrap());
        let branch: Vec<_> = crate::merkle::branch_of_first(&leaves)
            .iter()
            .map(hex::encode)
            .collect();
        let work = work(
            json!([
                "100000",
                swapped("000000000002d01c1fccc21636b607dfd930d31d01c3a62104612a1719011250"),
                "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff08044c86041b02",
                concat!(
                    "ffffffff0100f2052a010000004341041b0e8c2567c12536aa13357b79a073dc4444acb83c4ec7a0e2f99dd7457516c5817242da79",
                    "6924ca4e99947d087fedf9ce467cb9f7c6287078f801df276fdf84ac00000000"
                ),
                branch,
                "00000001",
                "1b04864c",
                "4d1b2237",
                true
            ]),
            "06",
            1,
        );
        let header = work.header(2).with_nonce(274_148_111);
        let hash = sha256d(&header.to_bytes());
        assert_eq!(
            reversed(&hex::encode(hash)),
            "000000000003ba27aa200b1cecaad478d2b00432346c3f1f3986da1afd33e506"
        );
        assert_eq!(work.extra_nonces(), 256);
    }

    /// The example of the protocol's first documentation (slush's pool), share and all.
    #[test]
    fn the_documentations_example() {
        let mut work = work(
            json!([
                "bf",
                "4d16b6f85af6e2198f44ae2a6de67f78487ae5611b77c6c0440b921e00000000",
                concat!(
                    "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff20020862062f50",
                    "3253482f04b8864e5008"
                ),
                "072f736c7573682f000000000100f2052a010000001976a914d23fcdf86f7e756a64a7a9688ef9903327048ed988ac00000000",
                [],
                "00000002",
                "1c2ac4af",
                "504e86b9",
                false
            ]),
            "08000002",
            4,
        );
        work.first = 1;
        assert_eq!(work.extranonce2(0), [0, 0, 0, 1]);
        let mut header = work.header(0).to_bytes();
        assert_eq!(hex::encode(&header[..8]), "02000000f8b6164d");
        // ["slush.miner1", "bf", "00000001", "504e86ed", "b2957c02"]
        header[68..72].copy_from_slice(&0x504e_86edu32.to_le_bytes());
        header[76..].copy_from_slice(&0xb295_7c02u32.to_le_bytes());
        let hash = Hash::from_bytes(sha256d(&header));
        assert_eq!(
            hash.display(ByteOrder::Little),
            "000000002076870fe65a2b6eeed84fa892c0db924f1482243a6247d931dcab32"
        );
        let difficulty = crate::difficulty::of_hash(hash);
        assert!((7.88..7.89).contains(&difficulty), "{difficulty}");
    }

    #[test]
    fn extra_nonces_of_every_length() {
        for bytes in 0..=12 {
            let mut work = work(
                json!(["a", "00".repeat(32), "", "", [], "1", "1d00ffff", "1", false]),
                "",
                bytes,
            );
            work.first = 0x0102_0304_0506_0708;
            let extranonce2 = work.extranonce2(1);
            assert_eq!(extranonce2.len(), bytes);
            assert!(
                [0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 9].ends_with(&extranonce2),
                "{extranonce2:?}"
            );
            let values = if bytes >= 8 { u64::MAX } else { 1 << (8 * bytes) };
            assert_eq!(work.extra_nonces(), values);
        }
    }

    proptest! {
        /// Wherever they begin, no two indices give the same extra nonce.
        #[test]
        fn extra_nonces_are_all_different(first: u64, bytes in 1usize..10, a in 0u64..256, b in 0u64..256) {
            let mut work = work(json!(["a", "00".repeat(32), "", "", [], "1", "1d00ffff", "1", false]), "", bytes);
            work.first = first;
            prop_assert_eq!(work.extranonce2(a) == work.extranonce2(b), a == b);
        }
    }
}
