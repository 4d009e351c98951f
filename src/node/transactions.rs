//! `/transactions/…`.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
};

use super::{
    Node,
    answers::{Found, Identified, Pending, Scheduled},
    blocking,
    body::{Input, Name, Page},
    refusal::Refusal,
};
use crate::ledger::{TransactionId, TransactionRecord};

/// How many pending transactions are shown unless told otherwise, and at most.
const PAGE: u64 = 1000;

/// `POST /transactions/new`: answered once the transaction is on disk.
pub(super) async fn new(State(node): State<Arc<Node>>, Input(value): Input) -> Result<Response, Refusal> {
    let transaction = TransactionRecord::parse_transfer(&value)?;
    let (sender, receiver) = tokio::sync::oneshot::channel();
    node.ledger.submit_then(transaction, |outcome| {
        let _ = sender.send(outcome); // the caller may have gone away
    });
    let submitted = receiver.await.map_err(|_| Refusal::stopping())??;
    let index = submitted.index;
    let answer = Scheduled {
        message: format!("Transaction is scheduled to be added to Block No. {index}"),
        index,
        id: submitted.id.to_string(),
    };
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// `GET /transactions/pending`: in the order in which they will be taken.
pub(super) async fn pending(State(node): State<Arc<Node>>, uri: Uri) -> Result<Response, Refusal> {
    let page = Page::of(&uri)?;
    let skip = usize::try_from(page.from.unwrap_or(0)).unwrap_or(usize::MAX);
    let limit = page.limit.min(PAGE) as usize;
    let (waiting, length): (Vec<_>, usize) = {
        let view = node.ledger.view();
        (
            view.queue.iter().skip(skip).take(limit).cloned().collect(),
            view.queue.len(),
        )
    };
    let identified = waiting.iter().map(|queued| Identified {
        id: queued.id.to_string(),
        transaction: &queued.transaction,
    });
    let answer = Pending {
        transactions: identified.collect(),
        length,
    };
    Ok(Json(answer).into_response())
}

/// `GET /transactions/{id}`: in the chain, or waiting.
pub(super) async fn one(State(node): State<Arc<Node>>, Name(id): Name) -> Result<Response, Refusal> {
    let parsed: Result<TransactionId, _> = id.parse();
    let id = parsed.map_err(Refusal::bad)?;
    blocking(&node, move |node| {
        // The chain first: what leaves the queue meanwhile is in the chain, and the snapshot is asked again below.
        let waiting = waiting(node, &id);
        let snapshot = node.ledger.snapshot()?;
        if let Some((blocks, index)) = snapshot.places_of(&id)? {
            let block = snapshot.block(index)?;
            let block =
                block.ok_or_else(|| Refusal::missing("The block was dropped meanwhile; ask again"))?;
            let transaction = block
                .transactions()
                .iter()
                .find(|transaction| transaction.id() == id);
            let transaction =
                transaction.ok_or_else(|| Refusal::missing("The block was dropped meanwhile; ask again"))?;
            let answer = Found {
                transaction: Identified {
                    id: id.to_string(),
                    transaction,
                },
                status: "confirmed",
                index,
                block: Some(block.hash().to_string()),
                blocks,
                waiting: waiting.map_or(0, |(_, count)| count),
            };
            return Ok(Json(answer).into_response());
        }
        let next = node.ledger.tip().next.index;
        match &waiting {
            Some((queued, count)) => {
                let answer = Found {
                    transaction: Identified {
                        id: id.to_string(),
                        transaction: &queued.transaction,
                    },
                    status: "pending",
                    index: next,
                    block: None,
                    blocks: 0,
                    waiting: *count,
                };
                Ok(Json(answer).into_response())
            }
            None => Err(Refusal::missing(format!(
                "There is no transaction {id}, in the chain or waiting"
            ))),
        }
    })
    .await
}

fn waiting(node: &Node, id: &TransactionId) -> Option<(Arc<crate::ledger::Queued>, usize)> {
    let view = node.ledger.view();
    let queued = view.queue.get(id)?;
    Some((Arc::clone(queued), view.queue.count(id)))
}
