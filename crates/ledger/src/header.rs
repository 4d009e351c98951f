//! The 80 bytes that are mined, the hashes that name blocks, and the work they stand for.
//!
//! *In:* a header's fields, or its 80 bytes. *Out:* its hash, its target, and how many hashes such a block takes.
//!
//! The form is Bitcoin's, so that any Bitcoin library can read and check it; the types are the ledger's own, because
//! the libraries that have them bring a signature library, and with it a C compiler.
//!
//! ```text
//! byte  0        4               36             68     72      76     80
//!       │version │ previous hash │ Merkle root  │ time │ nBits │ nonce│     numbers little-endian
//! ```

use std::{fmt, str::FromStr};

use num_bigint::BigUint;
use sha2::{Digest as _, Sha256};

use paydirt::Target;

/// Two rounds of SHA-256: what names headers, transactions and the nodes of a Merkle tree.
pub(super) fn sha256d(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(Sha256::digest(bytes)).into()
}

/// Text that is not 64 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash has exactly 64 hex digits")]
pub struct HashError;

/// A hash that is printed as Bitcoin prints it: the last byte first, so that the zeros of a proof of work lead.
macro_rules! reversed_hash {
    ($(#[$about:meta])* $name:ident) => {
        $(#[$about])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Takes the 32 bytes as the digest puts them out.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes as the digest puts them out.
            pub const fn to_bytes(self) -> [u8; 32] {
                self.0
            }

            fn reversed(self) -> [u8; 32] {
                let mut bytes = self.0;
                bytes.reverse();
                bytes
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.reversed()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = HashError;

            fn from_str(text: &str) -> Result<Self, HashError> {
                let mut bytes = [0; 32];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| HashError)?;
                bytes.reverse();
                Ok(Self(bytes))
            }
        }
    };
}

reversed_hash! {
    /// The double SHA-256 of a block's header.
    BlockHash
}
reversed_hash! {
    /// The root of the tree by which a header commits to its transactions.
    MerkleRoot
}

/// A block's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// Bits that miners may set as they like.
    pub version: i32,
    /// The hash of the block before; zeros in genesis.
    pub previous_hash: BlockHash,
    /// What commits to the transactions.
    pub merkle_root: MerkleRoot,
    /// Seconds since 1970.
    pub time: u32,
    /// The target in compact form.
    pub nbits: u32,
    /// What was mined.
    pub nonce: u32,
}

impl Header {
    /// The 80 bytes that are hashed.
    pub fn to_bytes(&self) -> [u8; 80] {
        let mut bytes = [0; 80];
        bytes[..4].copy_from_slice(&self.version.to_le_bytes());
        bytes[4..36].copy_from_slice(&self.previous_hash.0);
        bytes[36..68].copy_from_slice(&self.merkle_root.0);
        bytes[68..72].copy_from_slice(&self.time.to_le_bytes());
        bytes[72..76].copy_from_slice(&self.nbits.to_le_bytes());
        bytes[76..].copy_from_slice(&self.nonce.to_le_bytes());
        bytes
    }

    /// The header that 80 bytes are: any are one.
    pub fn from_bytes(bytes: &[u8; 80]) -> Self {
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let hash = |at: usize| bytes[at..at + 32].try_into().expect("32 bytes");
        Self {
            version: number(0).cast_signed(),
            previous_hash: BlockHash(hash(4)),
            merkle_root: MerkleRoot(hash(36)),
            time: number(68),
            nbits: number(72),
            nonce: number(76),
        }
    }

    /// The header as the engine takes it.
    pub fn to_engine(&self) -> paydirt::Header {
        paydirt::Header::from_bytes(self.to_bytes())
    }

    /// Its hash.
    pub fn hash(&self) -> BlockHash {
        BlockHash(sha256d(&self.to_bytes()))
    }

    /// The target that its nBits state; none that any hash meets when they state no positive number of 256 bits.
    pub fn target(&self) -> Target {
        target_of(self.nbits)
    }

    /// Whether its hash, read as a little-endian number, is at most its target.
    pub fn meets_target(&self) -> bool {
        Target::from_be_bytes(self.hash().reversed()) <= self.target()
    }

    /// The work it stands for.
    pub fn work(&self) -> Work {
        Work::of(self.target())
    }
}

/// The target that nBits state; zero when they state no positive number of 256 bits.
pub(super) fn target_of(nbits: u32) -> Target {
    Target::from_nbits(nbits).unwrap_or(Target::ZERO)
}

/// How many hashes a block, or all blocks of a branch, take on average: a whole number of 256 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Work {
    high: u128,
    low: u128,
}

impl Work {
    const MOST: Self = Self {
        high: u128::MAX,
        low: u128::MAX,
    };

    /// 2^256 / (target + 1), rounded down: what Bitcoin counts for a block.
    pub fn of(target: Target) -> Self {
        let tries = (BigUint::from(1u8) << 256) / (BigUint::from_bytes_be(&target.to_be_bytes()) + 1u8);
        let halves = (u128::try_from(&tries >> 128), &tries & BigUint::from(u128::MAX));
        match halves {
            (Ok(high), low) => Self {
                high,
                low: u128::try_from(low).expect("masked to 128 bits"),
            },
            (Err(_), _) => Self::MOST, // a target of zero: 2^256
        }
    }

    /// The sum, or the highest number there is: 2^32 blocks of 224 bits cannot be mined.
    pub(super) fn plus(self, more: Self) -> Self {
        let (low, carry) = self.low.overflowing_add(more.low);
        let high = self.high.checked_add(more.high);
        match high.and_then(|high| high.checked_add(carry.into())) {
            Some(high) => Self { high, low },
            None => Self::MOST,
        }
    }

    /// The number in 32 bytes, the lowest first.
    pub fn to_le_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&self.low.to_le_bytes());
        bytes[16..].copy_from_slice(&self.high.to_le_bytes());
        bytes
    }

    /// The work that 32 bytes say: any are some.
    pub fn from_le_bytes(bytes: &[u8; 32]) -> Self {
        let half = |at: usize| u128::from_le_bytes(bytes[at..at + 16].try_into().expect("16 bytes"));
        Self {
            high: half(16),
            low: half(0),
        }
    }

    /// Its binary logarithm.
    pub fn log2(self) -> f64 {
        (self.high as f64 * 2f64.powi(128) + self.low as f64).log2()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{identity::TransactionId, merkle};

    /// Block 100,000 of Bitcoin: four transactions, a header, a hash that everybody knows.
    #[test]
    fn a_block_of_bitcoin() {
        let ids: Vec<_> = [
            "8c14f0db3df150123e6f3dbbf30f8b955a8249b62ac1d1ff16284aefa3d06d87",
            "fff2525b8931402dd09222c50775608f75787bd2b87e56995a7bdd30f79702c4",
            "6359f0868171b1d194cbee1af2f16ea598ae8fad666d9b012c8ed2b79a236ec4",
            "e9a66845e05d5abc0ad04ec80f774a7e585c6e8db975962d069a522137b80c1d",
        ]
        .into_iter()
        .map(|id| TransactionId::from_bytes(id.parse::<MerkleRoot>().unwrap().to_bytes()))
        .collect();
        let merkle_root = merkle::root(&ids).unwrap();
        assert_eq!(
            merkle_root.to_string(),
            "f3e94742aca4b5ef85488dc37c06c3282295ffec960994b2c0d5ac2a25a95766"
        );
        let previous = "000000000002d01c1fccc21636b607dfd930d31d01c3a62104612a1719011250";
        let header = Header {
            version: 1,
            previous_hash: previous.parse().unwrap(),
            merkle_root,
            time: 1_293_623_863,
            nbits: 0x1b04_864c,
            nonce: 274_148_111,
        };
        assert_eq!(
            header.hash().to_string(),
            "000000000003ba27aa200b1cecaad478d2b00432346c3f1f3986da1afd33e506"
        );
        assert!(header.meets_target());
        assert_eq!(
            header.hash().to_bytes(),
            paydirt_sha256::sha256(&paydirt_sha256::sha256(&header.to_bytes())),
            "the oracle says the same"
        );
        let worse = Header { nonce: 0, ..header };
        assert!(!worse.meets_target());
    }

    #[test]
    fn work_as_bitcoin_counts_it() {
        // The chainwork of Bitcoin's first block, of its regtest, and of difficulty 14,484.1623612254 (block 100,000).
        let of = |nbits| Work::of(target_of(nbits));
        let small = |low| Work { high: 0, low };
        assert_eq!(of(0x1d00_ffff), small(0x1_0001_0001));
        assert_eq!(of(0x207f_ffff), small(2));
        let bits = of(0x1b04_864c).log2();
        assert!(
            (bits - (14_484.162_361_225_4_f64.log2() + 32.0)).abs() < 1e-4,
            "{bits}"
        );
        assert_eq!(Work::of(Target::MAX), small(1));
        assert_eq!(of(0), Work::MOST, "no hash meets it");
        assert_eq!(Work::of(target_of(0x0101_0000)).log2(), 255.0);
        assert_eq!(Work::MOST.plus(small(1)), Work::MOST);
        assert_eq!(
            small(u128::MAX).plus(small(1)),
            Work { high: 1, low: 0 },
            "it carries"
        );
    }

    #[test]
    fn hashes_have_64_digits() {
        for text in ["", "00", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64)] {
            assert_eq!(text.parse::<BlockHash>(), Err(HashError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_80_bytes_are_a_header(bytes: [u8; 32], more: [u8; 32], rest: [u8; 16]) {
            let all: Vec<u8> = [&bytes[..], &more, &rest].concat();
            let all: [u8; 80] = all.try_into().unwrap();
            let header = Header::from_bytes(&all);
            prop_assert_eq!(header.to_bytes(), all);
            prop_assert_eq!(header.to_engine().nbits(), header.nbits);
            prop_assert_eq!(header.hash().to_string().parse(), Ok(header.hash()));
        }

        /// Sums and order are those of whole numbers.
        #[test]
        fn work_adds_up(a: (u64, u128), b: (u64, u128)) {
            let number = |(high, low): (u64, u128)| -> BigUint { (BigUint::from(high) << 128) + low };
            let work = |(high, low): (u64, u128)| Work { high: high.into(), low };
            let sum = work(a).plus(work(b));
            prop_assert_eq!((BigUint::from(sum.high) << 128) + sum.low, number(a) + number(b));
            prop_assert_eq!(work(a).cmp(&work(b)), number(a).cmp(&number(b)));
            prop_assert_eq!(Work::from_le_bytes(&sum.to_le_bytes()), sum);
        }
    }
}
