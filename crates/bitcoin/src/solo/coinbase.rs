//! The first transaction of a block: it makes the reward.
//!
//! *In:* a template and the script to pay. *Out:* a [`Coinbase`], its bytes with and without witness, with a hole for the
//! extra nonce.
//!
//! ```text
//! input:    the height (BIP 34) │ extra nonce, 8 bytes │ what the node wants in it │ /paydirt/
//! outputs:  the whole value to the script │ the witness commitment (BIP 141), value 0
//! witness:  the reserved value, 32 zeros: if there is a commitment
//! ```

use bitcoin_primitives::{
    Amount, OutPoint, ScriptPubKeyBuf, ScriptSigBuf, Sequence, Transaction, TransactionVersion, TxIn, TxOut,
    Witness, absolute, encoding,
    script::{Builder, PushBytes},
};

use super::template::Template;
use crate::merkle::{self, Bytes32, sha256d};

/// Bytes of an extra nonce.
pub(super) const EXTRA_NONCE_BYTES: usize = 8;
/// The most bytes of a coinbase's script (consensus).
const MOST_SCRIPT_BYTES: usize = 100;
/// Who has made it, unless there is no room.
const TAG: &[u8; 9] = b"/paydirt/";
/// What a script that commits to the witnesses begins with (BIP 141).
const COMMITMENT: [u8; 6] = [0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed];

/// Why there is no coinbase.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoinbaseError {
    /// More than there is.
    #[error("the template's coinbasevalue, {0} satoshi, is more than there will ever be")]
    Value(u64),
    /// What the node wants in it does not fit.
    #[error("the template's coinbaseaux has {0} bytes; a coinbase has no room for them")]
    Aux(usize),
}

/// A coinbase whose extra nonce can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Coinbase {
    /// Without witness: what its id is the hash of.
    stripped: Vec<u8>,
    /// As it stands in the block.
    whole: Vec<u8>,
    /// Where the extra nonce stands in `stripped`; in `whole`, two bytes later, if there is a witness.
    at: usize,
}

impl Coinbase {
    pub(super) fn new(template: &Template, script: &ScriptPubKeyBuf) -> Result<Self, CoinbaseError> {
        let height = script_number(template.height);
        let lead = Builder::new().push_slice(<&PushBytes>::try_from(&height[..]).expect("at most 5 bytes"));
        let lead_bytes = lead.as_script().as_bytes().len() + 1; // and the length of what is pushed
        let input = lead.push_slice_non_minimal([0; EXTRA_NONCE_BYTES]).into_script();
        let mut input: Vec<u8> = ScriptSigBuf::into_bytes(input);
        input.extend(&template.aux);
        if input.len() > MOST_SCRIPT_BYTES {
            return Err(CoinbaseError::Aux(template.aux.len()));
        }
        if input.len() + 1 + TAG.len() <= MOST_SCRIPT_BYTES {
            input.push(TAG.len() as u8);
            input.extend(TAG);
        }
        // Version, marker of the inputs, their one outpoint, the length of the script: it is below 253.
        let at = 4 + 1 + OutPoint::SIZE + 1 + lead_bytes;

        let amount = Amount::from_sat(template.value).map_err(|_| CoinbaseError::Value(template.value))?;
        let mut outputs = vec![TxOut {
            amount,
            script_pubkey: script.clone(),
        }];
        let commitment = match &template.commitment {
            Some(commitment) => Some(commitment.clone()),
            None => template.is_segwit.then(|| commitment(template)),
        };
        let mut witness = Witness::new();
        if let Some(commitment) = commitment {
            outputs.push(TxOut {
                amount: Amount::ZERO,
                script_pubkey: ScriptPubKeyBuf::from_bytes(commitment),
            });
            witness.push([0; 32]);
        }
        let with = |witness: Witness| Transaction {
            version: TransactionVersion::TWO,
            lock_time: absolute::LockTime::ZERO,
            inputs: vec![TxIn {
                previous_output: OutPoint::COINBASE_PREVOUT,
                script_sig: ScriptSigBuf::from_bytes(input.clone()),
                sequence: Sequence::MAX,
                witness,
            }],
            outputs: outputs.clone(),
        };
        Ok(Self {
            stripped: encoding::encode_to_vec(&with(Witness::new())),
            whole: encoding::encode_to_vec(&with(witness)),
            at,
        })
    }

    /// Its id with this extra nonce.
    pub(super) fn id(&self, extra_nonce: u64) -> Bytes32 {
        let mut bytes = self.stripped.clone();
        bytes[self.at..][..EXTRA_NONCE_BYTES].copy_from_slice(&extra_nonce.to_le_bytes());
        sha256d(&bytes)
    }

    /// Its bytes in a block.
    pub(super) fn whole(&self, extra_nonce: u64) -> Vec<u8> {
        let mut bytes = self.whole.clone();
        let marker_and_flag = if self.whole.len() > self.stripped.len() {
            2
        } else {
            0
        };
        bytes[self.at + marker_and_flag..][..EXTRA_NONCE_BYTES].copy_from_slice(&extra_nonce.to_le_bytes());
        bytes
    }
}

/// A number as scripts hold it: the least bytes, lowest first, with room for the sign.
fn script_number(number: u32) -> Vec<u8> {
    let mut bytes = u64::from(number).to_le_bytes().to_vec();
    while let [.., before, 0] = bytes[..] {
        if before >= 0x80 {
            return bytes;
        }
        bytes.pop();
    }
    bytes.retain(|_| number != 0);
    bytes
}

/// The script that commits to the witnesses: their Merkle root, the coinbase's leaf being zeros, and the reserved value.
fn commitment(template: &Template) -> Vec<u8> {
    let others: Vec<_> = template
        .transactions
        .iter()
        .map(|transaction| transaction.wtxid)
        .collect();
    let root = merkle::root_of_first([0; 32], &merkle::branch_of_first(&others));
    let hash = sha256d([root, [0; 32]].as_flattened());
    [&COMMITMENT[..], &hash].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Bitcoin Core's `CScript() << height` has it.
    #[test]
    fn heights() {
        let pushed = |height| {
            let number = script_number(height);
            let script = Builder::new().push_slice(<&PushBytes>::try_from(&number[..]).unwrap());
            hex::encode(ScriptSigBuf::into_bytes(script.into_script()))
        };
        for (height, expected) in [
            (0, "00"),
            (1, "51"),
            (16, "60"),
            (17, "0111"),
            (127, "017f"),
            (128, "028000"),
            (255, "02ff00"),
            (256, "020001"),
            (32_767, "02ff7f"),
            (32_768, "03008000"),
            (227_836, "03fc7903"),
            (8_388_608, "0400008000"),
            (u32::MAX, "05ffffffff00"),
        ] {
            assert_eq!(pushed(height), expected, "{height}");
        }
    }
}
