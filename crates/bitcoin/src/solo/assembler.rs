//! From a template to headers, and from a header that was found to its block.
//!
//! *In:* a template, the script to pay. *Out:* a header for each extra nonce; the whole block in hex. *The idea:* of the
//! other transactions only their branch is kept and their digits, strung together once; an extra nonce costs a dozen
//! hashes, a block a copy.

use std::sync::Arc;

use bitcoin_primitives::{
    ScriptPubKeyBuf,
    encoding::{CompactSizeEncoder, Encoder as _},
};
use paydirt::{Cancel, HEADER_BYTES, Header, Target};
use paydirt_jobs::Job;

use super::{
    coinbase::{Coinbase, CoinbaseError},
    template::Template,
};
use crate::merkle::{Bytes32, branch_of_first, root_of_first};

/// Why a template cannot be assembled.
pub type AssembleError = CoinbaseError;

/// A template with its coinbase.
#[derive(Debug, PartialEq)]
pub struct Assembler {
    template: Template,
    coinbase: Coinbase,
    branch: Vec<Bytes32>,
    /// All but the coinbase, in hex.
    transactions: String,
}

impl Assembler {
    /// Blocks of `template` which pay `script`.
    ///
    /// # Errors
    /// [`AssembleError`]: there is no room for what the node wants, or its numbers cannot be.
    pub fn new(template: Template, script: &ScriptPubKeyBuf) -> Result<Self, AssembleError> {
        let ids: Vec<_> = template
            .transactions
            .iter()
            .map(|transaction| transaction.txid)
            .collect();
        Ok(Self {
            coinbase: Coinbase::new(&template, script)?,
            branch: branch_of_first(&ids),
            transactions: template
                .transactions
                .iter()
                .map(|transaction| transaction.data.as_str())
                .collect(),
            template,
        })
    }

    /// What it is made from.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// The header with this extra nonce; its own nonce is 0.
    pub fn header(&self, extra_nonce: u64) -> Header {
        let template = &self.template;
        let root = root_of_first(self.coinbase.id(extra_nonce), &self.branch);
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(&template.version.to_le_bytes());
        bytes[4..36].copy_from_slice(&template.previous);
        bytes[36..68].copy_from_slice(&root);
        bytes[68..72].copy_from_slice(&template.time.to_le_bytes());
        bytes[72..76].copy_from_slice(&template.nbits.to_le_bytes());
        Header::from_bytes(bytes)
    }

    /// The block with this header, which was made with that extra nonce, in hex.
    pub fn block(&self, header: Header, extra_nonce: u64) -> String {
        let count = CompactSizeEncoder::new(self.template.transactions.len() + 1);
        let coinbase = self.coinbase.whole(extra_nonce);
        let head = [&header.to_bytes()[..], count.current_chunk(), &coinbase].concat();
        hex::encode(head) + &self.transactions
    }

    /// Which bits of the version may be rolled: those of `mask` that mean nothing to the node.
    pub fn version_mask(&self, mask: u32) -> u32 {
        match self.template.nonces {
            // A nonce of the search stands for a version too, and the node's range is one of header nonces.
            Some(range) if range.count() < 1 << 32 => 0,
            _ => mask & !self.template.version & !self.template.version_taken,
        }
    }

    /// The job of mining it, with extra nonces from `first` on; `used` hears of each that is begun.
    pub(super) fn job(
        self: Arc<Self>,
        mask: u32,
        first: u64,
        share_target: Target,
        used: impl Fn(u64) + Send + Sync + 'static,
    ) -> Job<Arc<Self>> {
        let (template, version_mask) = (&self.template, self.version_mask(mask));
        let (time_slack_s, block_target) = (template.time_slack_s, template.target);
        let nonces = template.nonces.filter(|_| version_mask == 0);
        let headers = Arc::clone(&self);
        Job {
            id: 0, // numbered where it is posted
            origin: self,
            header: Box::new(move |extra_nonce| {
                used(extra_nonce);
                headers.header(extra_nonce)
            }),
            extra_nonces: first..u64::MAX,
            version_mask,
            time_slack_s,
            nonces,
            share_target: share_target.max(block_target),
            block_target,
            replaced: Cancel::new(),
            stale: Cancel::new(),
        }
    }
}

#[cfg(test)]
mod tests;
