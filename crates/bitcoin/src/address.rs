//! Where a block's reward goes: a Bitcoin address.
//!
//! *In:* its text, Base58Check, Bech32 (BIP 173) or Bech32m (BIP 350). *Out:* the script that pays it, and which chains it
//! is of. The three test networks share their addresses, and regtest shares the Base58 ones.

use std::str::FromStr;

use bech32::{Fe32, segwit};
use bitcoin_primitives::ScriptPubKeyBuf;

/// The chains as a node names them, by the part of an address that says so.
const BECH32: [(&str, &[&str]); 3] = [
    ("bc", &["main"]),
    ("tb", &["test", "testnet4", "signet"]),
    ("bcrt", &["regtest"]),
];
const MAIN: &[&str] = &["main"];
const NOT_MAIN: &[&str] = &["test", "testnet4", "signet", "regtest"];

/// An address of Bitcoin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    script: ScriptPubKeyBuf,
    chains: &'static [&'static str],
}

/// Why a text is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Bech32 of another kind of coin.
    #[error("an address of something else than Bitcoin: it begins with {0}1, not with bc1, tb1 or bcrt1")]
    Prefix(String),
    /// Not what its prefix promises.
    #[error("not an address: {0}")]
    Bech32(String),
    /// Neither.
    #[error("not an address: it begins with none of bc1, tb1 and bcrt1, and is not Base58Check ({0})")]
    Base58(String),
    /// A version or a length that no address has.
    #[error("not an address of Bitcoin: version {version}, {bytes} bytes")]
    Version {
        /// The first byte.
        version: u8,
        /// How many bytes follow it.
        bytes: usize,
    },
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let prefix = text
            .rsplit_once('1')
            .map(|(prefix, _)| prefix.to_ascii_lowercase());
        let known = prefix
            .as_deref()
            .and_then(|prefix| BECH32.iter().find(|(known, _)| *known == prefix));
        if let Some((_, chains)) = known {
            let (_, version, program) =
                segwit::decode(text).map_err(|error| AddressError::Bech32(reason(&error)))?;
            return Ok(Self {
                script: witness(version, &program),
                chains,
            });
        }
        if let Ok((other, ..)) = segwit::decode(text) {
            return Err(AddressError::Prefix(other.to_lowercase()));
        }
        let bytes = base58ck::decode_check(text).map_err(|error| AddressError::Base58(reason(&error)))?;
        let (version, hash) = bytes.split_first().unwrap_or((&0, &[]));
        let odd = AddressError::Version {
            version: *version,
            bytes: hash.len(),
        };
        let hash: [u8; 20] = hash.try_into().map_err(|_| odd.clone())?;
        let (script, chains) = match version {
            0x00 => (key_hash(hash), MAIN),
            0x05 => (script_hash(hash), MAIN),
            0x6f => (key_hash(hash), NOT_MAIN),
            0xc4 => (script_hash(hash), NOT_MAIN),
            _ => return Err(odd),
        };
        Ok(Self { script, chains })
    }
}

impl Address {
    /// The script of an output that pays it.
    pub fn script(&self) -> &ScriptPubKeyBuf {
        &self.script
    }

    /// Whether a chain, as `getblockchaininfo` names it, has it.
    pub fn is_of(&self, chain: &str) -> bool {
        self.chains.contains(&chain)
    }

    /// The chains that have it.
    pub fn chains(&self) -> String {
        self.chains.join(", ")
    }
}

/// An error and what is behind it.
fn reason(error: &(impl std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(behind) = source {
        text = format!("{text}: {behind}");
        source = behind.source();
    }
    text
}

/// A version, and a program that is pushed.
fn witness(version: Fe32, program: &[u8]) -> ScriptPubKeyBuf {
    let opcode = match version.to_u8() {
        0 => 0x00,
        number => 0x50 + number, // OP_1 to OP_16
    };
    let length = u8::try_from(program.len()).expect("at most 40 bytes");
    ScriptPubKeyBuf::from_bytes([&[opcode, length], program].concat())
}

/// `OP_DUP OP_HASH160 hash OP_EQUALVERIFY OP_CHECKSIG`
fn key_hash(hash: [u8; 20]) -> ScriptPubKeyBuf {
    ScriptPubKeyBuf::from_bytes([&[0x76, 0xa9, 20][..], &hash, &[0x88, 0xac]].concat())
}

/// `OP_HASH160 hash OP_EQUAL`
fn script_hash(hash: [u8; 20]) -> ScriptPubKeyBuf {
    ScriptPubKeyBuf::from_bytes([&[0xa9, 20][..], &hash, &[0x87]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> String {
        hex::encode(text.parse::<Address>().unwrap().script().as_bytes())
    }

    /// From BIP 173, BIP 350, the wiki and Bitcoin Core's own vectors (`key_io_valid.json`).
    #[test]
    fn published_addresses() {
        for (address, expected) in [
            (
                "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
                "76a91477bff20c60e522dfaa3350c39b030a5d004e839a88ac",
            ),
            (
                "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
                "a914b472a266d0bd89c13706a4132ccfb16f7c3b9fcb87",
            ),
            (
                "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
                "0014751e76e8199196d454941c45d1b3a323f1433bd6",
            ),
            (
                "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
                "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
            ),
            (
                "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
                "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
            ),
            ("bc1sw50qgdz25j", "6002751e"),
            (
                "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
                "0014751e76e8199196d454941c45d1b3a323f1433bd6",
            ),
        ] {
            assert_eq!(script(address), expected, "{address}");
        }
    }

    #[test]
    fn chains() {
        let of = |address: &str| address.parse::<Address>().unwrap().chains();
        assert_eq!(of("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"), "main");
        assert_eq!(
            of("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"),
            "test, testnet4, signet, regtest"
        );
        assert_eq!(
            of("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"),
            "test, testnet4, signet"
        );
        assert_eq!(of("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"), "regtest");
    }

    #[test]
    fn what_is_not_an_address() {
        for bad in [
            "",
            "1",
            "x",
            "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
            // Version 0 with the checksum of version 1, and the other way round (BIP 350).
            "bc1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
            // Mixed case, and a program of 16 bytes for version 0 (BIP 173).
            "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sL5k7",
            "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
            "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9",
            // Litecoin's Base58.
            "LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc1",
            "é1qqqq",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
        let problem = "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"
            .parse::<Address>()
            .unwrap_err();
        assert!(problem.to_string().contains("begins with ltc1"), "{problem}");
    }
}
