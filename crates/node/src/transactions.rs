//! `/transactions/…`.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
};

use crate::{
    Node,
    answers::{self, Found, Pending, Scheduled},
    body::{Name, Page, Text},
    errands::blocking,
    openapi::{Failed, Incomplete, shapes},
    refusal::Refusal,
};
use paydirt_ledger::{
    BlockHash, Identified, Snapshot, Standing, Transaction, TransactionId, TransactionRecord,
};

/// How many pending transactions are shown unless told otherwise, and at most.
const PAGE: u64 = 1000;
/// About how many bytes the names of a page may take: a page of long names has fewer transactions.
const PAGE_BYTES: usize = 128 << 10;

/// A transfer that is to wait for a block.
// Answered once the transaction is on disk. One that brings no tag gets one, and is a payment of its own each time; one that
// brings a tag and was sent before is known, and still there once.
#[utoipa::path(
    post, path = "/transactions/new", operation_id = "sendTransaction", security((), ("token" = [])),
    request_body(content(
        (shapes::NewTransaction = "application/json"),
        (shapes::TransactionForm = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 200, description = "It was sent before, with the same tag: it waits, or stands in a block. Nothing is changed.",
            body = Scheduled),
        (status = 201, description = "It is on disk and waits for a block.", body = Scheduled),
        (status = 400, description = "What is missing or wrong, each field named."),
        Incomplete,
        (status = 415, description = "A multipart body."),
        (status = 500, response = Failed),
        (status = 503, description = "Too many wait, and Retry-After says how long; or the ledger's file has failed (GET \
            /status says why)."),
    ),
)]
pub(super) async fn new(State(node): State<Arc<Node>>, Text(text): Text) -> Result<Response, Refusal> {
    let transfer = Identified::from(TransactionRecord::parse_transfer(&text)?.tagged());
    let tag = transfer.transaction().tag();
    let permit = node.errands.submit().await;
    let (sender, receiver) = tokio::sync::oneshot::channel();
    node.ledger.submit_then(transfer, |outcome| {
        let _ = sender.send(outcome); // the caller may have gone away
        drop(permit);
    });
    let submitted = receiver.await.map_err(|_| node.unanswered())??;
    let index = submitted.index;
    let (status, message) = match submitted.standing {
        Standing::New => (StatusCode::CREATED, "Transaction is scheduled to be added to"),
        Standing::Pending => (
            StatusCode::OK,
            "Transaction is known already, and scheduled to be added to",
        ),
        Standing::Confirmed => (StatusCode::OK, "Transaction is known already, and stands in"),
    };
    let answer = Scheduled {
        message: format!("{message} Block No. {index}"),
        index,
        id: submitted.id.to_string(),
        tag,
    };
    Ok((status, Json(answer)).into_response())
}

/// What waits for a block, first come first served.
///
/// A page has 1,000 at most, and fewer when their names are long.
#[utoipa::path(
    get, path = "/transactions/pending", operation_id = "listPending", params(shapes::Page),
    responses(
        (status = 200, description = "At most 1000 at a time, from the from-th on.", body = Pending<'static>),
        (status = 400, description = "A page that is none."),
        (status = 500, response = Failed),
    ),
)]
pub(super) async fn pending(State(node): State<Arc<Node>>, uri: Uri) -> Result<Response, Refusal> {
    let page = Page::of(&uri)?;
    let skip = usize::try_from(page.from.unwrap_or(0)).unwrap_or(usize::MAX);
    let limit = page.limit.min(PAGE) as usize;
    blocking(&node, move |node| {
        let (waiting, length): (Vec<_>, usize) = {
            let view = node.ledger.view();
            let mut room = PAGE_BYTES;
            let fits = |transfer: &&Identified| {
                let transaction = transfer.transaction();
                let bytes = transaction.sender().len() + transaction.recipient().len();
                let first = room == PAGE_BYTES;
                room = room.saturating_sub(bytes);
                first || room > 0
            };
            let page = view.pending.iter_from(skip).take(limit).take_while(fits);
            (page.cloned().collect(), view.pending.len())
        };
        let answer = Pending {
            transactions: waiting.iter().map(answers::Identified::from).collect(),
            length,
        };
        Ok(Json(answer).into_response())
    })
    .await
}

/// One transaction, in the chain or waiting.
#[utoipa::path(
    get, path = "/transactions/{id}", operation_id = "getTransaction",
    params(("id" = String, Path, description = "64 hex digits", pattern = "^[0-9a-fA-F]{64}$")),
    responses(
        (status = 200, description = "Found.", body = Found<'static>),
        (status = 400, description = "No id."),
        (status = 404, description = "Not here."),
        (status = 500, response = Failed),
    ),
)]
pub(super) async fn one(State(node): State<Arc<Node>>, Name(id): Name) -> Result<Response, Refusal> {
    let parsed: Result<TransactionId, _> = id.parse();
    let id = parsed.map_err(Refusal::bad)?;
    blocking(&node, move |node| {
        loop {
            // What waits and the chain are asked one after the other: if the tip moved meanwhile, what went from one to the
            // other may have been in neither.
            let (tip, unsettled, pending, waiting) = {
                let view = node.ledger.view();
                let pending = view.pending.get(&id).cloned();
                (view.tip.clone(), view.unsettled, pending, view.pending.count(&id))
            };
            let snapshot = node.ledger.snapshot()?;
            let same_tip = snapshot.active_hash(snapshot.length()?)? == Some(tip.hash);
            if !same_tip || snapshot.unsettled()? != unsettled {
                std::thread::yield_now(); // the view follows the file in a moment
                continue;
            }
            let confirmed = confirmed(&snapshot, &id)?;
            let returning = match (&confirmed, &pending) {
                (None, None) => snapshot.returning(&id)?,
                _ => None,
            };
            let identified = |transaction| answers::Identified {
                id: id.to_string(),
                transaction,
            };
            let waits = pending
                .as_ref()
                .map(Identified::transaction)
                .or(returning.as_ref());
            let answer = match (&confirmed, waits) {
                (Some((transaction, block, index, blocks)), _) => Found {
                    transaction: identified(transaction),
                    status: answers::Standing::Confirmed,
                    index: *index,
                    block: Some(block.to_string()),
                    blocks: *blocks,
                    waiting,
                },
                // Or will in a moment: it stood in a block that another branch has just replaced.
                (None, Some(transaction)) => Found {
                    transaction: identified(transaction),
                    status: answers::Standing::Pending,
                    index: tip.next.index,
                    block: None,
                    blocks: 0,
                    waiting: waiting.max(1),
                },
                (None, None) => {
                    let message = format!("There is no transaction {id}, in the chain or waiting");
                    return Err(Refusal::missing(message));
                }
            };
            return Ok(Json(answer).into_response());
        }
    })
    .await
}

/// A transaction of the active branch, the last block that holds it, that block's index, and how many hold it.
fn confirmed(
    snapshot: &Snapshot,
    id: &TransactionId,
) -> Result<Option<(Transaction, BlockHash, u64, u64)>, Refusal> {
    let Some((blocks, index)) = snapshot.places_of(id)? else {
        return Ok(None);
    };
    let block = snapshot.block(index)?.ok_or_else(Refusal::internal)?;
    let transaction = block.transactions().iter().find(|one| one.id() == *id);
    let transaction = transaction.ok_or_else(Refusal::internal)?;
    Ok(Some((transaction.clone(), block.hash(), index, blocks)))
}
