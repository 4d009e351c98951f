//! `GET /tree`: the last blocks as a tree, so that a page can draw it.
//!
//! *In:* how many heights. *Out:* their headers' hashes, of the active branch and of side branches. From memory alone: no
//! block is read.
//!
//! ```text
//! active:   the last N blocks
//! side:     of each branch, those with the most work first, what stands above the lowest of these,
//!           and no higher than N above the tip: a heavier branch that is not taken up may be as long as it likes
//! ```
//!
//! So an answer is bounded by N and [`MOST_SIDE_BLOCKS`], however many branches there are. A branch is there down to where
//! it leaves the others, or not at all: no block hangs in the air.

use std::{collections::HashSet, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::Uri,
    response::{IntoResponse as _, Response},
};

use crate::{
    Node,
    answers::{TreeAnswer, TreeBlock},
    openapi::shapes,
    refusal::Refusal,
};
use paydirt_ledger::{HeaderNode, HeaderTree};

/// Heights of an answer, unless it is asked for others.
const USUAL: u64 = 20;
/// The most of them.
const MOST: u64 = 100;
/// The most blocks of side branches in an answer.
const MOST_SIDE_BLOCKS: usize = 200;
/// How many branches are looked at for an answer.
const MOST_BRANCHES: usize = 1_000;

/// The last blocks as a tree: the active branch, and side branches.
#[utoipa::path(
    get, path = "/tree", operation_id = "getTree", params(shapes::Last),
    responses(
        (status = 200, description = "From memory.", body = TreeAnswer),
        (status = 400, description = "A number that is none, or out of range."),
    ),
)]
pub(super) async fn tree(State(node): State<Arc<Node>>, uri: Uri) -> Result<Response, Refusal> {
    let last = last_of(&uri)?;
    let tree = node.ledger.tree();
    Ok(Json(answer(&tree, last)).into_response())
}

fn last_of(uri: &Uri) -> Result<u64, Refusal> {
    let query = uri.query().unwrap_or("").as_bytes();
    let mut asked = form_urlencoded::parse(query).filter(|(name, _)| name == "last");
    let Some((_, text)) = asked.next() else {
        return Ok(USUAL);
    };
    if asked.next().is_some() {
        return Err(Refusal::bad("Invalid values: last is there twice"));
    }
    let number = text
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok());
    number
        .flatten()
        .filter(|number| (1..=MOST).contains(number))
        .ok_or_else(|| {
            Refusal::bad(format!(
                "Invalid values: last must be a whole number from 1 to {MOST}"
            ))
        })
}

fn answer(tree: &HeaderTree, last: u64) -> TreeAnswer {
    let length = tree.length();
    let lowest = length.saturating_sub(last) + 1;
    let (side, whole) = side_blocks(tree, lowest, length + last);
    let mut blocks: Vec<_> = tree.after(lowest - 1).map(|node| block(node, true)).collect();
    blocks.extend(side.into_iter().map(|node| block(node, false)));
    blocks.sort_by_key(|block| block.index); // the active one first: the order of equals is kept
    TreeAnswer {
        blocks,
        length,
        whole,
    }
}

/// The blocks of side branches with these indices, and whether they are all.
fn side_blocks(tree: &HeaderTree, lowest: u64, highest: u64) -> (Vec<&HeaderNode>, bool) {
    let (mut found, mut seen, mut whole) = (Vec::new(), HashSet::new(), true);
    for (place, tip) in tree.side_tips().enumerate() {
        if place == MOST_BRANCHES {
            return (found, false);
        }
        whole &= tip.index <= highest;
        let mut next = tree.ancestor(&tip.hash, tip.index.min(highest));
        let mut branch = Vec::new();
        while let Some(node) = next.filter(|node| node.index >= lowest) {
            if tree.is_active(node) || seen.contains(&node.hash) {
                break;
            }
            branch.push(node);
            next = tree.get(&node.header.previous_hash);
        }
        if found.len() + branch.len() > MOST_SIDE_BLOCKS {
            whole = false;
            continue;
        }
        seen.extend(branch.iter().map(|node| node.hash));
        found.extend(branch);
    }
    (found, whole)
}

fn block(node: &HeaderNode, active: bool) -> TreeBlock {
    TreeBlock {
        index: node.index,
        hash: node.hash.to_string(),
        previous_hash: node.header.previous_hash.to_string(),
        timestamp: node.header.time,
        active,
    }
}
