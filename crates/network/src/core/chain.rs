//! The ledger's header tree, as the core looks at it.

use paydirt_ledger::{BlockHash, BranchPoint, ChainParameters, Header, HeaderTree};

use super::Chain;
use crate::message::TipSummary;

impl Chain for HeaderTree {
    fn parameters(&self) -> &ChainParameters {
        HeaderTree::parameters(self)
    }

    fn genesis(&self) -> BlockHash {
        self.active_hash(1).expect("every chain has a first block")
    }

    fn tip(&self) -> TipSummary {
        let node = self.tip_node();
        TipSummary {
            hash: node.hash,
            index: node.index,
            work: node.work,
        }
    }

    fn tip_header(&self) -> Header {
        self.tip_node().header
    }

    fn contains(&self, hash: &BlockHash) -> bool {
        HeaderTree::contains(self, hash)
    }

    fn point(&self, hash: &BlockHash) -> Option<BranchPoint> {
        HeaderTree::point(self, hash)
    }

    fn locator(&self) -> Vec<BlockHash> {
        HeaderTree::locator(self)
    }

    fn headers_after(&self, locator: &[BlockHash], limit: usize) -> Vec<Header> {
        let fork = self.find_fork(locator).index;
        self.after(fork).take(limit).map(|node| node.header).collect()
    }
}
