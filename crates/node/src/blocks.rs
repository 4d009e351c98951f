//! `/chain`, `/blocks/…`: blocks out, and blocks from elsewhere in.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, Uri},
    response::{IntoResponse as _, Response},
};

use crate::{
    Node,
    answers::{Switched, Taken},
    body::{self, Input, Page},
    errands::{blocking, to_its_end},
    openapi::{Busy, Failed, Incomplete, shapes},
    refusal::Refusal,
    streaming::{Blocks, Text, streamed},
};
use paydirt_ledger::{AddError, AddMode, Added, Block, BlockHash, BlockRecord, Snapshot, Unchecked};

/// Every block, or a page from an index on.
#[utoipa::path(
    get, path = "/chain", operation_id = "getChain", params(shapes::Page),
    responses(
        (status = 200, description = "Streamed.", body = shapes::Chain),
        (status = 400, description = "A page that is none."),
        (status = 500, response = Failed),
    ),
)]
pub(super) async fn chain(State(node): State<Arc<Node>>, uri: Uri) -> Result<Response, Refusal> {
    let page = Page::of(&uri)?;
    let branch = node.ledger.active_branch();
    let length = branch.length;
    let from = page.from.unwrap_or(1).max(1);
    let to = from.saturating_add(page.limit).min(length + 1);
    let blocks = Blocks::Active(branch, from..to.max(from));
    let text = Text::new("{\"chain\":[", blocks, &format!("],\"length\":{length}}}"));
    Ok(streamed(node, text))
}

/// One block.
#[utoipa::path(
    get, path = "/blocks/{name}", operation_id = "getBlock",
    params(("name" = String, Path, description = "An index, a hash, or latest",
        pattern = "^([0-9]{1,20}|[0-9a-fA-F]{64}|latest)$")),
    responses(
        (status = 200, description = "The block; by hash also one of a side branch.", body = shapes::Block),
        (status = 400, description = "No name of a block."),
        (status = 404, description = "Not here."),
        (status = 500, response = Failed),
    ),
)]
pub(super) async fn one(
    State(node): State<Arc<Node>>,
    body::Name(name): body::Name,
) -> Result<Response, Refusal> {
    let blocks = blocking(&node, move |node| {
        let snapshot = node.ledger.snapshot()?;
        let block = find(&snapshot, &name)?.ok_or_else(|| {
            let length = snapshot.length().unwrap_or(0);
            Refusal::missing(format!(
                "There is no block {name}; the chain has blocks 1 to {length}"
            ))
        })?;
        Ok(Blocks::One(block.index(), block.hash()))
    })
    .await?;
    Ok(streamed(node, Text::new("", blocks, "")))
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

/// The least room that a block takes of [`Node::block_room`], as a part of the largest: so many of the smallest may be on
/// their way into the ledger at a time.
const SMALLEST: usize = 256;

/// A block made elsewhere.
// What has arrived whole is done whole, whether the client waits for it or not, and until then it keeps its room.
#[utoipa::path(
    post, path = "/blocks", operation_id = "addBlock", security((), ("token" = [])), request_body = shapes::NewBlock,
    responses(
        (status = 200, description = "Known already.", body = Taken),
        (status = 201, description = "Accepted, as the tip or on a side branch.", body = Taken),
        (status = 400, description = "The rule it breaks, or what is missing."),
        Incomplete,
        (status = 409, description = "Its parent is not known here: send that one first, then this one again. Or, with `rule`, \
            it would be on a side branch that leaves the active one too far below the tip (side_branch_depth), or for which \
            there is no room (side_branch_limit)."),
        (status = 500, response = Failed),
        (status = 503, response = Busy),
    ),
)]
pub(super) async fn take(State(node): State<Arc<Node>>, request: Request) -> Result<Response, Refusal> {
    let limits = &node.limits;
    let read = body::read_with_room(
        request.into_body(),
        limits.block_bytes,
        limits.request_timeout,
        Some(&node.block_room),
    );
    let mut arrived = read.await?;
    let mut room = arrived.take_room();
    let least = (limits.block_bytes / SMALLEST).saturating_sub(arrived.length());
    node.block_room.take_more(&mut room, least)?;
    to_its_end(async move {
        let block = {
            // One at a time: it may be read for a while.
            let turn = Arc::clone(&node.block_reader).lock_owned().await;
            let read = move |_: &Node| {
                let _until_read = turn;
                Ok(BlockRecord::parse(&arrived.into_bytes())?)
            };
            blocking(&node, read).await?
        };
        let answer = add(&node, block).await;
        drop(room);
        answer
    })
    .await
}

/// Gives a block to the ledger and says what became of it.
pub(super) async fn add(node: &Arc<Node>, block: Block<Unchecked>) -> Result<Response, Refusal> {
    let (index, hash) = (block.index(), block.hash());
    let added = add_block(node, block).await??;
    let answer = |message: Cow<'static, str>, tip, dropped| {
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
            (
                StatusCode::OK,
                answer("The block is known already".into(), is_tip, 0),
            )
                .into_response()
        }
        Added::Side => {
            let message = "The block is accepted, on a side branch";
            (StatusCode::CREATED, answer(message.into(), false, 0)).into_response()
        }
        Added::Heavier { depth, most } => {
            let message = format!(
                "The block is accepted, on a branch that has more work than the active one, but leaves it {depth} blocks \
                 below the tip; more than {most} are given up by hand alone: POST /switch takes it up"
            );
            (StatusCode::CREATED, answer(message.into(), false, 0)).into_response()
        }
        Added::Tip { dropped } => {
            let message = "The block is accepted and is the new tip";
            (StatusCode::CREATED, answer(message.into(), true, dropped)).into_response()
        }
        // Not asked for: whoever brings blocks is told that one is missing, and brings it.
        Added::Waiting { parent } => return Err(AddError::ParentUnknown(parent).into()),
    })
}

/// Takes up a heavier branch that leaves the active one too far below the tip to be taken up by itself.
///
/// GET /status says which, under reorganisation. What stands on the named block is taken up too.
#[utoipa::path(
    post, path = "/switch", operation_id = "switchBranch", security((), ("token" = [])), request_body = shapes::NewTip,
    responses(
        (status = 200, description = "It counts now, or did before (dropped is 0 then).", body = Switched),
        (status = 400, description = "What is missing or wrong."),
        (status = 404, description = "There is no such block."),
        Incomplete,
        (status = 409, description = "The branch has no more work than the active one."),
        (status = 415, description = "A multipart body."),
        (status = 500, response = Failed),
        (status = 503, response = Busy),
    ),
)]
pub(super) async fn switch(State(node): State<Arc<Node>>, Input(value): Input) -> Result<Response, Refusal> {
    let Some(tip) = value["tip"].as_str() else {
        let message =
            "Missing values: tip, the hash of the branch's last block; GET /status says which is heavier";
        return Err(Refusal::bad(message));
    };
    let hash = tip.parse();
    let hash: BlockHash = hash.map_err(|error| Refusal::bad(format!("Invalid values: tip: {error}")))?;
    let (sender, receiver) = tokio::sync::oneshot::channel();
    node.ledger.switch_then(hash, |outcome| {
        let _ = sender.send(outcome); // the caller may have gone away
    });
    let switched = receiver.await.map_err(|_| Refusal::stopping())??;
    let answer = Switched {
        message: match switched.dropped {
            0 => "The branch is the active one",
            _ => "The branch is taken up",
        },
        index: switched.index,
        hash: switched.hash.to_string(),
        dropped: switched.dropped,
    };
    Ok(Json(answer).into_response())
}

/// Gives a block to the ledger.
pub(super) async fn add_block(
    node: &Arc<Node>,
    block: Block<Unchecked>,
) -> Result<Result<Added, AddError>, Refusal> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    blocking(node, move |node| {
        // Checks the block's content first, which takes a while.
        node.ledger.add_then(vec![block], AddMode::Each, |mut outcomes| {
            let _ = sender.send(outcomes.pop()); // the caller may have gone away
        });
        Ok(())
    })
    .await?;
    let outcome = receiver.await.ok().flatten();
    outcome.ok_or_else(|| node.unanswered())
}
