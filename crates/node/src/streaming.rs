//! Answers that hold blocks, written as they are read.
//!
//! *In:* a branch as it was when the request came, and which of its blocks. *Out:* an answer's body, piece by piece.
//!
//! However long the chain and however large its blocks, a slow client costs a few pieces of memory: a piece ends also in
//! the middle of a block, which is read again for the next. And it costs no room on the disk: the file is read for a moment
//! for each piece, and free between them. When another branch becomes the active one meanwhile, the answer goes on
//! along the one that it began with, or is cut if that is forgotten.

use std::{ops::Range, sync::Arc};

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
            comma: false,
            after: after.to_owned(),
        }
    }

    /// Writes about [`PIECE_BYTES`] more.
    fn piece(&mut self, ledger: &Ledger) -> Result<Piece, StoreError> {
        let mut text = std::mem::take(&mut self.before).into_bytes();
        let (transactions, comma) = (&mut self.transactions, &mut self.comma);
        let mut full = false;
        match &mut self.blocks {
            Blocks::Active(branch, indices) => {
                while !full && !indices.is_empty() {
                    let page = ledger.page(branch, indices.start, PAGE_BYTES)?;
                    let wanted = (indices.end - indices.start).min(page.len() as u64);
                    for block in &page[..wanted as usize] {
                        let whole = write_block(&mut text, block, transactions, comma);
                        indices.start += u64::from(whole);
                        full = !whole || text.len() >= PIECE_BYTES;
                        if full {
                            break;
                        }
                    }
                }
            }
            Blocks::One(index, hash) => {
                let block = ledger.snapshot()?.block_by_hash(hash)?;
                let block = block.ok_or(StoreError::Superseded { index: *index })?;
                full = !write_block(&mut text, &block, transactions, comma);
            }
        }
        if full {
            return Ok(Piece::Some(text.into()));
        }
        text.extend_from_slice(self.after.as_bytes());
        Ok(Piece::Last(text.into()))
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
            let piece = text.piece(&reader.ledger);
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
