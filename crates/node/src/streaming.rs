//! Answers that hold blocks, written as they are read.
//!
//! *In:* a branch as it was when the request came, and which of its blocks. *Out:* an answer's body, piece by piece.
//!
//! However long the chain and however large its blocks, a slow client costs a few pieces of memory: a piece ends also in
//! the middle of a block, which is read again for the next unless it is among the few that all answers keep ([`Recent`]). And it costs no room on the disk: the file is read for a moment
//! for each piece, and free between them. When another branch becomes the active one meanwhile, the answer goes on
//! along the one that it began with, or is cut if that is forgotten.

use std::{
    collections::VecDeque,
    ops::Range,
    sync::{Arc, Mutex},
};

use axum::{
    body::{Body, Bytes},
    http::header,
    response::{IntoResponse as _, Response},
};
use tokio::sync::mpsc;

use crate::Node;
use paydirt_ledger::{ActiveBranch, Block, BlockHash, BlockRecord, Ledger, StoreError, Unchecked};

/// About how many bytes a piece has.
const PIECE_BYTES: usize = 64 << 10;
/// How many bytes of stored blocks are read at a time: their JSON is several times as long.
const PAGE_BYTES: usize = PIECE_BYTES / 4;

/// How many blocks are kept for the next piece of whatever answer wants it.
const RECENT_BLOCKS: usize = 8;

/// Large blocks in which pieces ended lately. To read and check one takes far longer than to write a piece.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<VecDeque<Arc<Block<Unchecked>>>>);

impl Recent {
    fn get(&self, hash: &BlockHash) -> Option<Arc<Block<Unchecked>>> {
        let blocks = self.0.lock().expect("nothing panics while it is held");
        blocks.iter().find(|block| block.hash() == *hash).cloned()
    }

    fn keep(&self, block: Arc<Block<Unchecked>>) {
        let mut blocks = self.0.lock().expect("nothing panics while it is held");
        if !blocks.iter().any(|other| other.hash() == block.hash()) {
            if blocks.len() == RECENT_BLOCKS {
                blocks.pop_front();
            }
            blocks.push_back(block);
        }
    }
}

/// Which blocks an answer holds.
pub(super) enum Blocks {
    /// Those of a branch with these indices.
    Active(ActiveBranch, Range<u64>),
    /// One, on any branch.
    One(u64, BlockHash),
}

/// An answer that is being written.
pub(super) struct Text {
    /// What stands before the blocks and is not written yet.
    before: String,
    /// Those that are not written to their end.
    blocks: Blocks,
    /// How many transactions of the first of them are written.
    transactions: usize,
    /// The first of them, if the last piece ended in it.
    open: Option<BlockHash>,
    /// Whether a block is written already, so that a comma stands before the next.
    comma: bool,
    after: String,
}

enum Piece {
    Some(Bytes),
    Last(Bytes),
}

impl Text {
    pub(super) fn new(before: &str, blocks: Blocks, after: &str) -> Self {
        Self {
            before: before.to_owned(),
            blocks,
            transactions: 0,
            open: None,
            comma: false,
            after: after.to_owned(),
        }
    }

    /// Writes about [`PIECE_BYTES`] more.
    fn piece(&mut self, ledger: &Ledger, recent: &Recent) -> Result<Piece, StoreError> {
        let mut text = std::mem::take(&mut self.before).into_bytes();
        let mut kept = self.open.take().and_then(|hash| recent.get(&hash));
        while text.len() < PIECE_BYTES {
            let blocks: Vec<_> = match (kept.take(), &mut self.blocks) {
                (Some(block), _) => vec![block],
                (None, Blocks::Active(_, indices)) if indices.is_empty() => return Ok(self.last(text)),
                (None, Blocks::Active(branch, indices)) => {
                    let page = ledger.page(branch, indices.start, PAGE_BYTES)?;
                    let wanted = (indices.end - indices.start).min(page.len() as u64);
                    page.into_iter().take(wanted as usize).map(Arc::new).collect()
                }
                (None, Blocks::One(index, hash)) => {
                    let block = match recent.get(hash) {
                        Some(block) => Some(block),
                        None => ledger.snapshot()?.block_by_hash(hash)?.map(Arc::new),
                    };
                    vec![block.ok_or(StoreError::Superseded { index: *index })?]
                }
            };
            for block in blocks {
                if !write_block(&mut text, &block, &mut self.transactions, &mut self.comma) {
                    self.open = Some(block.hash());
                    recent.keep(block);
                    return Ok(Piece::Some(text.into()));
                }
                match &mut self.blocks {
                    Blocks::Active(_, indices) => indices.start += 1,
                    Blocks::One(..) => return Ok(self.last(text)),
                }
                if text.len() >= PIECE_BYTES {
                    break;
                }
            }
        }
        Ok(Piece::Some(text.into()))
    }

    fn last(&self, mut text: Vec<u8>) -> Piece {
        text.extend_from_slice(self.after.as_bytes());
        Piece::Last(text.into())
    }
}

/// Goes on with a block, of which so many transactions are written already. True when it is written to its end, false when
/// the piece was full before.
fn write_block(text: &mut Vec<u8>, block: &Block<Unchecked>, written: &mut usize, comma: &mut bool) -> bool {
    let (before, after) = BlockRecord::around_transactions(block);
    if *written == 0 {
        if std::mem::replace(comma, true) {
            text.push(b',');
        }
        text.extend_from_slice(before.as_bytes());
    }
    for transaction in &block.transactions()[*written..] {
        if *written > 0 {
            // Between transactions only: the first follows what stands before it.
            if text.len() >= PIECE_BYTES {
                return false;
            }
            text.push(b',');
        }
        serde_json::to_writer(&mut *text, transaction).expect("memory takes everything");
        *written += 1;
    }
    text.extend_from_slice(after.as_bytes());
    *written = 0;
    true
}

/// An answer with this text, read and written while the client takes it.
pub(super) fn streamed(node: Arc<Node>, text: Text) -> Response {
    // One piece waits while the next is read: a slow client does not make the node read ahead.
    let (pieces, stream) = mpsc::channel(1);
    tokio::spawn(write_pieces(node, text, pieces));
    let stream = futures_util::stream::unfold(Some(stream), async |stream| {
        let mut stream = stream?;
        match stream.recv().await {
            Some(Piece::Some(text)) => Some((Ok(text), Some(stream))),
            Some(Piece::Last(text)) => Some((Ok(text), None)),
            // An answer that is cut short must not look whole: an error makes the server drop the connection.
            None => Some((Err("the blocks could not be sent to their end"), None)),
        }
    });
    let json = [(header::CONTENT_TYPE, "application/json")];
    (json, Body::from_stream(stream)).into_response()
}

/// Ends early when the client is gone or does not take anything.
async fn write_pieces(node: Arc<Node>, mut text: Text, pieces: mpsc::Sender<Piece>) {
    loop {
        // Not more at a time than the processors can: many readers of long chains would take turns with everybody else.
        let permit = node.errands.read().await;
        let reader = Arc::clone(&node);
        let task = tokio::task::spawn_blocking(move || {
            let _until_read = permit;
            let piece = text.piece(&reader.ledger, &reader.recent);
            (text, piece)
        });
        let Ok((rest, piece)) = task.await else {
            return; // the panic is on stderr; the client sees its answer cut short
        };
        text = rest;
        let piece = match piece {
            Ok(piece) => piece,
            Err(error @ StoreError::Superseded { .. }) => {
                tracing::info!(%error, "an answer is cut short");
                return;
            }
            Err(error) => {
                tracing::error!(%error, "the store failed");
                return;
            }
        };
        let done = matches!(piece, Piece::Last(_));
        let taken = tokio::time::timeout(node.limits.request_timeout, pieces.send(piece)).await;
        if done || !matches!(taken, Ok(Ok(()))) {
            return;
        }
    }
}
