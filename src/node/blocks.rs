//! `/chain`, `/blocks/…`: blocks out, and blocks from elsewhere in.

use std::sync::Arc;

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use bitcoin::BlockHash;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};

use super::{
    Limits, Node,
    answers::Taken,
    blocking,
    body::{self, Page},
    refusal::Refusal,
};
use crate::ledger::{Added, Block, BlockRecord, Snapshot, StoreError, Unchecked};

/// How many blocks of the largest size may be in memory at the same time, sent by clients and not yet checked.
const BLOCKS_AT_ONCE: usize = 4;
/// What that room is counted in, in bytes.
const ROOM_UNIT: usize = 1024;

/// The room for blocks that clients send.
pub(super) fn block_room(limits: &Limits) -> Semaphore {
    let most = limits.block_bytes.div_ceil(ROOM_UNIT).max(1);
    Semaphore::new((most * BLOCKS_AT_ONCE).min(Semaphore::MAX_PERMITS))
}

/// About how much of a chain is in memory at a time, in bytes.
const PIECE_BYTES: usize = 64 << 10;

/// `GET /chain`: every active block, or a page of them, written as it is read.
pub(super) async fn chain(State(node): State<Arc<Node>>, uri: Uri) -> Result<Response, Refusal> {
    let page = Page::of(&uri)?;
    let (snapshot, length) = blocking(&node, |node| {
        let snapshot = node.ledger.snapshot()?;
        let length = snapshot.length()?;
        Ok((snapshot, length))
    })
    .await?;
    let from = page.from.unwrap_or(1).max(1);
    let to = from.saturating_add(page.limit).min(length + 1);
    // One piece waits while the next is read: a slow client does not make the node read ahead.
    let (pieces, stream) = mpsc::channel(1);
    tokio::spawn(write_chain(node, snapshot, from, to, length, pieces));
    let stream = futures_util::stream::unfold(Some(stream), async |stream| {
        let mut stream = stream?;
        match stream.recv().await {
            Some(Piece::Some(text)) => Some((Ok(text), Some(stream))),
            Some(Piece::Last(text)) => Some((Ok(text), None)),
            // An answer that is cut short must not look whole: an error makes the server drop the connection.
            None => Some((Err("the chain could not be sent to its end"), None)),
        }
    });
    let json = [(header::CONTENT_TYPE, "application/json")];
    Ok((json, Body::from_stream(stream)).into_response())
}

/// A part of the text of an answer.
enum Piece {
    /// There is more.
    Some(Bytes),
    /// There is no more.
    Last(Bytes),
}

/// Reads active blocks `from..to` piece by piece; ends early when the client is gone or does not take anything.
async fn write_chain(
    node: Arc<Node>,
    snapshot: Snapshot,
    from: u64,
    to: u64,
    length: u64,
    pieces: mpsc::Sender<Piece>,
) {
    let mut snapshot = Some(snapshot);
    let mut next = from;
    let mut text = b"{\"chain\":[".to_vec();
    loop {
        let read = snapshot.take().expect("put back below");
        let task = tokio::task::spawn_blocking(move || {
            let outcome = write_piece(&read, from, next, to, text);
            (read, outcome)
        });
        let Ok((read, outcome)) = task.await else {
            return; // the panic is on stderr; the client sees its answer cut short
        };
        snapshot = Some(read);
        let (mut read_text, after) = match outcome {
            Ok(read) => read,
            Err(error) => {
                tracing::error!(%error, "the store failed");
                return;
            }
        };
        next = after;
        let done = next >= to;
        if done {
            read_text.extend_from_slice(format!("],\"length\":{length}}}").as_bytes());
        }
        let piece = if done { Piece::Last } else { Piece::Some };
        let timeout = node.limits.request_timeout;
        let taken = tokio::time::timeout(timeout, pieces.send(piece(read_text.into()))).await;
        if done || !matches!(taken, Ok(Ok(()))) {
            return;
        }
        text = Vec::with_capacity(PIECE_BYTES + PIECE_BYTES / 4);
    }
}

/// Appends blocks from `next` on until there is about a piece of text, and says which comes next.
fn write_piece(
    snapshot: &Snapshot,
    from: u64,
    next: u64,
    to: u64,
    mut text: Vec<u8>,
) -> Result<(Vec<u8>, u64), StoreError> {
    let mut after = next;
    snapshot.scan(next..to, |block| {
        if after > from {
            text.push(b',');
        }
        serde_json::to_writer(&mut text, &BlockRecord::new(&block)).expect("memory takes everything");
        after += 1;
        text.len() < PIECE_BYTES
    })?;
    // The snapshot has no more although it should: end, rather than ask for ever.
    let after = if after == next { to } else { after };
    Ok((text, after))
}

/// `GET /blocks/{name}`: by index, by hash, or `latest`.
pub(super) async fn one(
    State(node): State<Arc<Node>>,
    body::Name(name): body::Name,
) -> Result<Response, Refusal> {
    blocking(&node, move |node| {
        let snapshot = node.ledger.snapshot()?;
        let block = find(&snapshot, &name)?.ok_or_else(|| {
            let length = snapshot.length().unwrap_or(0);
            Refusal::missing(format!(
                "There is no block {name}; the chain has blocks 1 to {length}"
            ))
        })?;
        Ok(Json(BlockRecord::new(&block)).into_response())
    })
    .await
}

fn find(snapshot: &Snapshot, name: &str) -> Result<Option<Block<Unchecked>>, Refusal> {
    if name == "latest" {
        return Ok(snapshot.block(snapshot.length()?)?);
    }
    if name.len() == 64 {
        if let Ok(hash) = name.parse::<BlockHash>() {
            return Ok(snapshot.block_by_hash(&hash)?);
        }
    } else if !name.is_empty() && name.len() <= 20 && name.bytes().all(|byte| byte.is_ascii_digit()) {
        return match name.parse() {
            Ok(index) => Ok(snapshot.block(index)?),
            Err(_) => Ok(None),
        };
    }
    let shown: String = name.chars().take(80).collect();
    Err(Refusal::bad(format!(
        "A block is named by its index, by the 64 hex digits of its hash, or as latest; not {shown:?}"
    )))
}

/// `POST /blocks`: a block made elsewhere.
pub(super) async fn take(State(node): State<Arc<Node>>, request: Request) -> Result<Response, Refusal> {
    let block = {
        let body = request.into_body();
        let limits = &node.limits;
        let _room = room_for(&node, body::declared_bytes(&body)).await?;
        let bytes = body::read(body, limits.block_bytes, limits.request_timeout).await?;
        blocking(&node, move |_| Ok(BlockRecord::parse(&body::json(&bytes)?)?)).await?
    };
    add(&node, block).await
}

/// Waits until a block of so many bytes may be read into memory; one that does not say how many may be the largest.
async fn room_for(node: &Node, bytes: Option<u64>) -> Result<SemaphorePermit<'_>, Refusal> {
    let most = node.limits.block_bytes;
    let bytes = bytes.map_or(most, |bytes| usize::try_from(bytes).unwrap_or(most).min(most));
    let wanted = u32::try_from(bytes.div_ceil(ROOM_UNIT).max(1)).unwrap_or(u32::MAX);
    let room = tokio::select! {
        room = tokio::time::timeout(node.limits.request_timeout, node.block_room.acquire_many(wanted)) => room,
        () = node.stopping.cancelled() => return Err(Refusal::stopping()),
    };
    let full = |_| {
        let message = "Other blocks are being read; send this one again";
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message).retry_after(1)
    };
    Ok(room.map_err(full)?.expect("never closed"))
}

/// Gives a block to the ledger and says what became of it.
pub(super) async fn add(node: &Arc<Node>, block: Block<Unchecked>) -> Result<Response, Refusal> {
    let (index, hash) = (block.index(), block.hash());
    let added = add_block(node, block).await?;
    let answer = |message, tip, dropped| {
        Json(Taken {
            message,
            index,
            hash: hash.to_string(),
            tip,
            dropped,
        })
    };
    Ok(match added {
        Added::Known => {
            let is_tip = node.ledger.tip().hash == hash;
            (StatusCode::OK, answer("The block is known already", is_tip, 0)).into_response()
        }
        Added::Side => {
            let message = "The block is accepted, on a side branch";
            (StatusCode::CREATED, answer(message, false, 0)).into_response()
        }
        Added::Tip { dropped } => {
            let message = "The block is accepted and is the new tip";
            (StatusCode::CREATED, answer(message, true, dropped)).into_response()
        }
    })
}

/// Gives a block to the ledger.
pub(super) async fn add_block(node: &Arc<Node>, block: Block<Unchecked>) -> Result<Added, Refusal> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    blocking(node, move |node| {
        // Checks the block's content first, which takes a while.
        node.ledger.add_then(vec![block], |mut outcomes| {
            let _ = sender.send(outcomes.pop()); // the caller may have gone away
        });
        Ok(())
    })
    .await?;
    let outcome = receiver.await.ok().flatten();
    let outcome = outcome.ok_or_else(Refusal::stopping)?;
    Ok(outcome?)
}
