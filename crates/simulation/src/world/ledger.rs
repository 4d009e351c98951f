//! What stands for a node's ledger: it reads blocks, and judges them by their names.

use super::*;

impl World {
    pub(super) fn serve(&mut self, node: usize, peer: Peer, id: RequestId, wanted: Wanted) {
        if self.nodes[node].core.is_none() {
            return;
        }
        let stored = |hash| self.arena.id(&hash).filter(|id| self.nodes[node].held.has(*id));
        let whole = |id| Block::clone(&self.arena.get(id).block);
        let response = match wanted {
            Wanted::Blocks(hashes) => {
                let most = (MAX_BLOCKS_BYTES as u64 / self.setup.block_bytes).max(1);
                let most = usize::try_from(most).expect("it fits");
                let found = hashes.into_iter().map_while(stored).take(most);
                Response::Blocks(found.map(whole).collect())
            }
            Wanted::Compact(hash) => match stored(hash) {
                Some(id) if self.setup.compact => {
                    let block = &self.arena.get(id).block;
                    Response::Compact(CompactBlock {
                        header: *block.header(),
                        index: block.index(),
                        key: 0,
                        reward: block.transactions()[0].clone(),
                        short_ids: Vec::new(),
                    })
                }
                found => Response::Blocks(found.map(whole).into_iter().collect()),
            },
            Wanted::Transactions(..) => Response::Transactions(Vec::new()),
            Wanted::Pending(_) => Response::Pending {
                transfers: Vec::new(),
                next: 0,
            },
        };
        self.answer(node, peer, id, response);
        self.handle(node, Event::Served(peer));
    }

    pub(super) fn judge(&mut self, node: usize, errand: Errand, blocks: &[(BlockId, bool)]) {
        if self.nodes[node].core.is_none() {
            return;
        }
        let mut outcomes = Vec::new();
        let mut refused = false;
        for (id, is_forged) in blocks {
            if *is_forged || refused {
                refused = true;
                outcomes.push(Judgement::OtherTransactions);
                continue;
            }
            let parent = self.arena.get(*id).parent;
            assert!(
                self.nodes[node].held.has(parent),
                "blocks are judged after their parents"
            );
            let held = &mut self.nodes[node].held;
            outcomes.push(Judgement::Added(match held.has(*id) {
                true => Added::Known,
                false => match held.add(&self.arena, *id) {
                    true => Added::Tip { dropped: 0 },
                    false => Added::Side,
                },
            }));
            let is_honest = self.nodes[node].is_honest();
            self.report.arrived(*id, self.now_us, is_honest);
        }
        self.handle(node, Event::ChainChanged);
        self.handle(node, Event::Judged { errand, outcomes });
    }
}
