//! Blocks by the short ids of their transfers (after BIP 152).
//!
//! *In:* a block, or a [`CompactBlock`] and what waits here. *Out:* a [`CompactBlock`], or the block again.
//!
//! ```text
//! short id = SipHash-2-4(transaction id; key, first 8 bytes of the block's hash, little-endian) mod 2^48
//! ```
//!
//! Who has all of 1,000 transfers waiting gets 6 kB instead of 60. A wrong transfer in a place costs nothing but time: the
//! header's Merkle root says so, and the block is fetched whole.

use std::collections::HashMap;

use paydirt_ledger::{Block, BlockHash, Identified, Ledger, Transaction, TransactionId, Unchecked};
use siphasher::sip::SipHasher24;

use crate::{core::Rebuilt, message::CompactBlock};

/// Blocks that take no more bytes than this are sent whole.
pub(super) const SMALL_BLOCK_BYTES: usize = 2 << 10;
/// How many transfers are looked at while the ledger's writer waits.
const LOOKED_AT_ONCE: usize = 5_000;

/// Makes the short ids of one block.
struct ShortIds(SipHasher24);

impl ShortIds {
    fn new(key: u64, block: &BlockHash) -> Self {
        let bytes = block.to_bytes();
        let of_block = u64::from_le_bytes(bytes[..8].try_into().expect("a hash has 32 bytes"));
        Self(SipHasher24::new_with_keys(key, of_block))
    }

    fn of(&self, id: &TransactionId) -> u64 {
        self.0.hash(&id.to_bytes()) & ((1 << 48) - 1)
    }
}

/// A block without its transfers.
pub(super) fn compact(block: &Block<Unchecked>, ids: &[TransactionId], key: u64) -> CompactBlock {
    let short = ShortIds::new(key, &block.hash());
    CompactBlock {
        header: *block.header(),
        index: block.index(),
        key,
        reward: block.transactions()[0].clone(),
        short_ids: ids.iter().skip(1).map(|id| short.of(id)).collect(),
    }
}

/// A block that some transactions are missing of.
#[derive(Debug)]
pub(super) struct Partial {
    compact: CompactBlock,
    /// All but the reward, in order. Those that waited here bring their ids along, which take longer than all the rest.
    transfers: Vec<Option<Identified>>,
}

impl Partial {
    /// Puts in what waits in the ledger. It stops looking once nothing is missing: blocks are made of what came first.
    pub(super) fn new(compact: CompactBlock, ledger: &Ledger) -> Result<Self, Rebuilt> {
        let short = ShortIds::new(compact.key, &compact.header.hash());
        let mut places = HashMap::with_capacity(compact.short_ids.len());
        for (place, id) in compact.short_ids.iter().enumerate() {
            if places.insert(*id, place).is_some() {
                return Err(Rebuilt::Failed); // which of the two is which?
            }
        }
        let mut transfers = vec![None; compact.short_ids.len()];
        let mut from = 0;
        while !places.is_empty() {
            let view = ledger.view();
            let mut looked_at = 0;
            for (place, transfer) in view.pending.from_place(from).take(LOOKED_AT_ONCE) {
                if let Some(at) = places.remove(&short.of(&transfer.id())) {
                    transfers[at] = Some(transfer.clone());
                }
                from = place + 1;
                looked_at += 1;
            }
            if looked_at < LOOKED_AT_ONCE {
                break;
            }
        }
        Ok(Self { compact, transfers })
    }

    /// The block, if nothing is missing; what is, and itself, if something is.
    pub(super) fn finish(self) -> (Rebuilt, Option<Self>) {
        let missing: Vec<u16> = (1..)
            .zip(&self.transfers)
            .filter(|(_, transfer)| transfer.is_none())
            .map(|(position, _)| position)
            .collect();
        if !missing.is_empty() {
            return (Rebuilt::Missing(missing), Some(self));
        }
        let header = self.compact.header;
        let reward = Identified::from(self.compact.reward);
        let all = || std::iter::once(&reward).chain(self.transfers.iter().flatten());
        let ids: Vec<_> = all().map(Identified::id).collect();
        if !header.commits_to(&ids) {
            return (Rebuilt::Failed, None);
        }
        let transactions = all().map(|transfer| transfer.transaction().clone()).collect();
        (
            Rebuilt::Whole(Block::new(self.compact.index, header, transactions)),
            None,
        )
    }

    /// Puts in what was missing, in its order.
    pub(super) fn fill(mut self, transactions: Vec<Transaction>) -> Rebuilt {
        let mut missing = self.transfers.iter_mut().filter(|transfer| transfer.is_none());
        for transaction in transactions {
            match missing.next() {
                Some(place) => *place = Some(transaction.into()),
                None => return Rebuilt::Failed,
            }
        }
        match self.finish() {
            (whole, None) => whole,
            (_, Some(_)) => Rebuilt::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use paydirt::{Cancel, Miner};
    use paydirt_ledger::{ChainParameters, MiningPlan, mine_blocks};

    use super::*;

    /// A ledger where these amounts wait.
    fn waiting(amounts: impl Iterator<Item = u64>) -> Ledger {
        let ledger = Ledger::in_memory(&ChainParameters::fixed(1.0).unwrap()).unwrap();
        for amount in amounts {
            ledger.submit(transfer(amount)).unwrap();
        }
        ledger
    }

    fn transfer(amount: u64) -> Transaction {
        let tag = format!("{:016x}", amount + 1).parse().unwrap();
        let transfer = Transaction::transfer("alice", "bob", amount + 1).unwrap();
        transfer.with_tag(tag).unwrap()
    }

    /// A block of these amounts.
    fn block(amounts: impl Iterator<Item = u64>) -> Block<Unchecked> {
        let ledger = waiting(amounts);
        let plan = MiningPlan {
            count: 1,
            spacing_s: None,
        };
        mine_blocks(&ledger, &Miner::new(), &Cancel::new(), plan, &|_| {}, &|_| {});
        ledger.snapshot().unwrap().block(2).unwrap().unwrap()
    }

    fn compacted(block: &Block<Unchecked>) -> CompactBlock {
        let ids: Vec<_> = block.transactions().iter().map(Transaction::id).collect();
        compact(block, &ids, 7)
    }

    #[test]
    fn who_has_all_of_it_waiting_needs_no_more() {
        let block = block(0..100);
        let rebuilt = Partial::new(compacted(&block), &waiting(0..200))
            .unwrap()
            .finish();
        assert_eq!(rebuilt.0, Rebuilt::Whole(block));
    }

    #[test]
    fn what_is_missing_is_filled_in() {
        let block = block(0..10);
        let partial = || Partial::new(compacted(&block), &waiting((0..3).chain(5..9))).unwrap();
        let (missing, rest) = partial().finish();
        assert_eq!(missing, Rebuilt::Missing(vec![4, 5, 10]));
        let of = |positions: [usize; 3]| positions.map(|at| block.transactions()[at].clone()).to_vec();
        assert_eq!(rest.unwrap().fill(of([4, 5, 10])), Rebuilt::Whole(block.clone()));
        assert_eq!(
            partial().fill(of([5, 4, 10])),
            Rebuilt::Failed,
            "in another order"
        );
        assert_eq!(
            partial().fill(of([4, 5, 10])[..2].to_vec()),
            Rebuilt::Failed,
            "too few"
        );
        assert_eq!(
            partial().fill([of([4, 5, 10]), of([4, 5, 10])].concat()),
            Rebuilt::Failed,
            "too many"
        );
    }

    #[test]
    fn an_id_that_stands_twice_says_nothing() {
        let block = block(0..10);
        let mut compact = compacted(&block);
        compact.short_ids[3] = compact.short_ids[7];
        assert_eq!(
            Partial::new(compact, &waiting(0..10)).unwrap_err(),
            Rebuilt::Failed
        );
    }

    #[test]
    fn a_short_id_is_six_bytes_of_siphash() {
        let hash = BlockHash::from_bytes([3; 32]);
        let short = ShortIds::new(1, &hash);
        let of_block = u64::from_le_bytes([3; 8]);
        let id = transfer(5).id();
        let whole = SipHasher24::new_with_keys(1, of_block).hash(&id.to_bytes());
        assert_eq!(short.of(&id), whole % (1 << 48));
        assert_ne!(short.of(&id), ShortIds::new(2, &hash).of(&id));
    }
}
