//! The ledger's work, done elsewhere: nobody's sockets wait for it.
//!
//! *In:* what the core wants of the ledger. *Out:* what became of it, as an event of the core, or an answer for a peer.
//!
//! | work | where |
//! |---|---|
//! | blocks to be judged | one after the other on a thread of the pool, then the ledger's writer: parents stay first |
//! | transfers to wait | a thread of the pool, for their ids; then the ledger's writer |
//! | what a peer wants of the file | a thread of the pool, so many at a time, so many bytes of answers in memory |
//! | compact blocks | a thread of the pool |
//!
//! What waits here is bounded by the core, which has so many errands at a time, and for answers by [`ANSWER_BYTES`].

use std::{
    collections::{HashMap, HashSet, VecDeque},
    num::NonZero,
    sync::{Arc, Mutex},
    time::Duration,
};

use paydirt_ledger::{
    AddError, AddMode, Added, Block, BlockHash, Identified, Ledger, MAX_BLOCK_BYTES, MAX_BLOCK_TRANSACTIONS,
    RuleError, StoreError, SubmitError, Transaction, TransactionId, Unchecked,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::{
    compact::{self, Partial, SMALL_BLOCK_BYTES},
    outbox::{MAX_KEPT, Outbox},
};
use crate::{
    core::{Errand, Event, Judgement, Peer, Rebuilt, RequestId, Wanted},
    message::{CompactBlock, MAX_BLOCKS_BYTES, MAX_PENDING_BYTES, MAX_TRANSFERS, Response},
};

/// Bytes of answers that may be in memory at a time, made and not yet taken by those who asked. Who asks beyond that is told
/// to come again.
pub const ANSWER_BYTES: usize = 64 << 20;
/// What an answer counts as before it is made.
const ANSWER_SHARE: u32 = 2 << 20;
/// How often, and how many times, it is looked whether it is known what a branch that was left leaves waiting.
const SETTLING: Duration = Duration::from_millis(50);
const SETTLING_LOOKS: usize = 200;
/// Blocks of which the transactions' ids are kept: those that all peers ask for at the same time.
const KEPT_BLOCKS: usize = 4;

/// What was done.
#[derive(Debug)]
pub(super) enum Done {
    /// For the core.
    Event(Event),
    /// For a peer, and what is held until it has it.
    Answer(Peer, RequestId, Response, Option<OwnedSemaphorePermit>),
}

/// A block and the ids of its transactions.
type WithIds = Arc<(Block<Unchecked>, Vec<TransactionId>)>;

/// Who does it.
pub(super) struct Errands {
    ledger: Arc<Ledger>,
    done: mpsc::UnboundedSender<Done>,
    judging: mpsc::UnboundedSender<(Errand, Vec<Block<Unchecked>>)>,
    reading: Arc<Semaphore>,
    room: Arc<Semaphore>,
    partial: Arc<Mutex<HashMap<Errand, Partial>>>,
    recent: Arc<Mutex<VecDeque<WithIds>>>,
    from_peers: FromPeers,
}

/// Transfers that peers sent and the ledger is just taking: they are not this node's own.
#[derive(Clone, Debug, Default)]
pub(super) struct FromPeers(Arc<Mutex<HashSet<TransactionId>>>);

const UNPOISONED: &str = "nothing panics while it is held";

impl FromPeers {
    pub(super) fn contains(&self, id: &TransactionId) -> bool {
        self.0.lock().expect(UNPOISONED).contains(id)
    }

    fn begin(&self, transfers: &[Identified]) {
        let ids = transfers.iter().map(Identified::id);
        self.0.lock().expect(UNPOISONED).extend(ids);
    }

    fn end(&self, id: &TransactionId) {
        self.0.lock().expect(UNPOISONED).remove(id);
    }
}

impl Errands {
    /// `done` hears what was done.
    pub(super) fn new(ledger: Arc<Ledger>, from_peers: FromPeers, done: mpsc::UnboundedSender<Done>) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        let (judging, to_judge) = mpsc::unbounded_channel();
        tokio::spawn(judge_in_order(Arc::clone(&ledger), to_judge, done.clone()));
        Self {
            ledger,
            done,
            judging,
            reading: Arc::new(Semaphore::new(processors + 2)),
            room: Arc::new(Semaphore::new(ANSWER_BYTES)),
            partial: Arc::default(),
            recent: Arc::default(),
            from_peers,
        }
    }

    pub(super) fn judge(&self, errand: Errand, blocks: Vec<Block<Unchecked>>) {
        let _ = self.judging.send((errand, blocks)); // it listens as long as this lives
    }

    pub(super) fn take(&self, errand: Errand, transfers: Vec<Transaction>) {
        let (ledger, done, from_peers) = (
            Arc::clone(&self.ledger),
            self.done.clone(),
            self.from_peers.clone(),
        );
        tokio::task::spawn_blocking(move || {
            let transfers: Vec<_> = transfers.into_iter().map(Identified::from).collect();
            from_peers.begin(&transfers);
            let taking = Arc::new(Taking {
                errand,
                all: Mutex::new(true),
                done,
            });
            for transfer in transfers {
                let (id, taking, from_peers) = (transfer.id(), Arc::clone(&taking), from_peers.clone());
                ledger.submit_then(transfer, move |answer| {
                    from_peers.end(&id);
                    if let Err(SubmitError::PendingFull(_) | SubmitError::PendingBytesFull(_)) = answer {
                        *taking.all.lock().expect(UNPOISONED) = false;
                    }
                });
            }
        });
    }

    pub(super) fn serve(&self, peer: Peer, id: RequestId, wanted: Wanted) {
        let done = self.done.clone();
        let Ok(permit) = Arc::clone(&self.room).try_acquire_many_owned(ANSWER_SHARE) else {
            let _ = done.send(Done::Answer(peer, id, Response::Busy, None)); // the driver listens, or has stopped
            return;
        };
        let (ledger, recent, reading) = (
            Arc::clone(&self.ledger),
            Arc::clone(&self.recent),
            Arc::clone(&self.reading),
        );
        tokio::spawn(async move {
            let turn = reading.acquire_owned().await;
            let read = tokio::task::spawn_blocking(move || {
                let _until_read = turn;
                answer(&ledger, &recent, wanted)
            });
            let response = match read.await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => {
                    tracing::error!(%error, "a peer's question cannot be answered");
                    Response::Busy
                }
                Err(_) => Response::Busy,
            };
            let _ = done.send(Done::Answer(peer, id, response, Some(permit)));
        });
    }

    pub(super) fn rebuild(&self, errand: Errand, compact: CompactBlock) {
        let (ledger, done, partial) = (
            Arc::clone(&self.ledger),
            self.done.clone(),
            Arc::clone(&self.partial),
        );
        tokio::task::spawn_blocking(move || {
            let outcome = match Partial::new(compact, &ledger).map(Partial::finish) {
                Ok((outcome, rest)) => {
                    if let Some(rest) = rest {
                        partial.lock().expect(UNPOISONED).insert(errand, rest);
                    }
                    outcome
                }
                Err(failed) => failed,
            };
            let _ = done.send(Done::Event(Event::Rebuilt { errand, outcome }));
        });
    }

    pub(super) fn fill(&self, errand: Errand, transactions: Vec<Transaction>) {
        let begun = self.partial.lock().expect(UNPOISONED).remove(&errand);
        let done = self.done.clone();
        tokio::task::spawn_blocking(move || {
            let outcome = begun.map_or(Rebuilt::Failed, |begun| begun.fill(transactions));
            let _ = done.send(Done::Event(Event::Rebuilt { errand, outcome }));
        });
    }

    /// Passes on again what waits again: the transfers of a branch that was left, which those who never had that branch know
    /// nothing of.
    pub(super) fn spread_again(&self, left: BlockHash, outbox: Outbox) {
        let ledger = Arc::clone(&self.ledger);
        tokio::spawn(async move {
            for _ in 0..SETTLING_LOOKS {
                if ledger.view().unsettled == 0 {
                    break;
                }
                tokio::time::sleep(SETTLING).await;
            }
            let read = tokio::task::spawn_blocking(move || waits_again(&ledger, left));
            match read.await {
                Ok(Ok(transfers)) => outbox.add(transfers),
                Ok(Err(error)) => tracing::error!(%error, "a branch that was left cannot be read"),
                Err(_) => {} // the panic is on stderr
            }
        });
    }

    pub(super) fn forget(&self, errand: Errand) {
        self.partial.lock().expect(UNPOISONED).remove(&errand);
    }
}

/// Says that all were answered when the last answer drops it.
struct Taking {
    errand: Errand,
    all: Mutex<bool>,
    done: mpsc::UnboundedSender<Done>,
}

impl Drop for Taking {
    fn drop(&mut self) {
        let all = *self.all.lock().expect(UNPOISONED);
        let errand = self.errand;
        let _ = self.done.send(Done::Event(Event::Taken { errand, all }));
    }
}

/// Hands blocks to the ledger in the order in which they came; the next ones are looked at while it writes.
async fn judge_in_order(
    ledger: Arc<Ledger>,
    mut to_judge: mpsc::UnboundedReceiver<(Errand, Vec<Block<Unchecked>>)>,
    done: mpsc::UnboundedSender<Done>,
) {
    while let Some((errand, blocks)) = to_judge.recv().await {
        let (ledger, done) = (Arc::clone(&ledger), done.clone());
        let handed_over = tokio::task::spawn_blocking(move || {
            let altered: Vec<_> = blocks.iter().map(is_altered).collect();
            ledger.add_then(blocks, AddMode::Each, move |outcomes| {
                let outcomes = outcomes.into_iter().zip(altered).map(judgement).collect();
                let _ = done.send(Done::Event(Event::Judged { errand, outcomes }));
            });
        });
        if handed_over.await.is_err() {
            break; // the ledger is gone
        }
    }
}

/// Whether a block whose transactions break a rule at first sight has those that its header commits to: if not, the rule was
/// broken by whoever sent it, and its hash is still another block's. Of all others the ledger finds that out itself.
fn is_altered(block: &Block<Unchecked>) -> bool {
    let transactions = block.transactions();
    let bytes: usize = transactions.iter().map(Transaction::stored_len).sum();
    let looks_good = (1..=MAX_BLOCK_TRANSACTIONS).contains(&transactions.len())
        && bytes <= MAX_BLOCK_BYTES
        && transactions[0].is_reward()
        && !transactions[1..].iter().any(Transaction::is_reward);
    !looks_good && !block.is_whole()
}

fn judgement((outcome, altered): (Result<Added, AddError>, bool)) -> Judgement {
    match outcome {
        Ok(added) => Judgement::Added(added),
        // The index is none of what the hash is made of, either.
        Err(AddError::Rule(
            RuleError::MerkleRoot { .. } | RuleError::RepeatedTransaction { .. } | RuleError::Index { .. },
        )) => Judgement::OtherTransactions,
        Err(AddError::Rule(_)) if altered => Judgement::OtherTransactions,
        Err(error) => Judgement::Refused(error),
    }
}

/// What a peer wants, out of the ledger's file or of what waits.
fn answer(
    ledger: &Ledger,
    recent: &Mutex<VecDeque<WithIds>>,
    wanted: Wanted,
) -> Result<Response, StoreError> {
    Ok(match wanted {
        Wanted::Blocks(hashes) => {
            let snapshot = ledger.snapshot()?;
            let (mut blocks, mut bytes) = (Vec::new(), 0);
            for hash in hashes {
                let Some(block) = snapshot.block_by_hash(&hash)? else {
                    break;
                };
                bytes += block.stored_len();
                if bytes > MAX_BLOCKS_BYTES && !blocks.is_empty() {
                    break;
                }
                blocks.push(block);
            }
            Response::Blocks(blocks)
        }
        Wanted::Compact(hash) => match with_ids(ledger, recent, hash)? {
            None => Response::Blocks(Vec::new()),
            Some(known) if known.0.stored_len() <= SMALL_BLOCK_BYTES => {
                Response::Blocks(vec![known.0.clone()])
            }
            Some(known) => Response::Compact(compact::compact(&known.0, &known.1, random())),
        },
        Wanted::Transactions(hash, positions) => {
            let known = with_ids(ledger, recent, hash)?;
            let of = |known: &WithIds| -> Option<Vec<Transaction>> {
                let transactions = known.0.transactions();
                let at = |position: &u16| transactions.get(usize::from(*position)).cloned();
                positions.iter().map(at).collect()
            };
            Response::Transactions(known.as_ref().and_then(of).unwrap_or_default())
        }
        Wanted::Pending(cursor) => pending(ledger, cursor),
    })
}

/// What keys the short ids of one answer.
fn random() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0)
}

/// A block and the ids of its transactions; those of the last few are kept.
fn with_ids(
    ledger: &Ledger,
    recent: &Mutex<VecDeque<WithIds>>,
    hash: BlockHash,
) -> Result<Option<WithIds>, StoreError> {
    let kept = {
        let recent = recent.lock().expect(UNPOISONED);
        recent.iter().find(|kept| kept.0.hash() == hash).cloned()
    };
    if let Some(kept) = kept {
        return Ok(Some(kept));
    }
    let Some(block) = ledger.snapshot()?.block_by_hash(&hash)? else {
        return Ok(None);
    };
    let ids = block.transactions().iter().map(Transaction::id).collect();
    let known = Arc::new((block, ids));
    let mut recent = recent.lock().expect(UNPOISONED);
    recent.push_back(Arc::clone(&known));
    if recent.len() > KEPT_BLOCKS {
        recent.pop_front();
    }
    Ok(Some(known))
}

/// The transfers that wait of the blocks from this one down to the active branch.
fn waits_again(ledger: &Ledger, left: BlockHash) -> Result<Vec<Identified>, StoreError> {
    let (tree, snapshot) = (ledger.tree(), ledger.snapshot()?);
    let mut again = Vec::new();
    let mut node = tree.get(&left);
    while let Some(dropped) = node.filter(|node| !tree.is_active(node)) {
        if again.len() >= MAX_KEPT {
            break;
        }
        let block = snapshot.block_by_hash(&dropped.hash)?;
        let transactions = block.iter().flat_map(|block| block.transactions());
        let ids: Vec<_> = transactions
            .filter(|one| one.tag().is_some())
            .map(Transaction::id)
            .collect();
        let view = ledger.view();
        again.extend(ids.iter().filter_map(|id| view.pending.get(id).cloned()));
        node = tree.get(&dropped.header.previous_hash);
    }
    Ok(again)
}

/// A page of what waits; its cursor is a place in the line, which stays while those before it leave.
fn pending(ledger: &Ledger, cursor: u64) -> Response {
    let (mut transfers, mut bytes, mut next) = (Vec::new(), 0, 0);
    let view = ledger.view();
    for (place, transfer) in view.pending.from_place(cursor) {
        let transaction = transfer.transaction();
        bytes += transaction.stored_len();
        if transfers.len() == MAX_TRANSFERS || bytes > MAX_PENDING_BYTES {
            next = place;
            break;
        }
        if transaction.tag().is_some() {
            transfers.push(transaction.clone()); // others are told apart by nothing, and stay here
        }
    }
    Response::Pending { transfers, next }
}
