//! `getwork`: headers for the mining programs of old, and what they bring back.
//!
//! *In:* whoever asks. *Out:* a header of its own for each call, from the same jobs as `GET /work`; and a verdict on each
//! solved one.
//!
//! ```text
//! data     128 bytes: the header and SHA-256's padding, in words of 32 bits whose bytes are turned round
//! target   32 bytes, the lowest first
//! ```
//!
//! A program brings back the header and no id. The Merkle root is another one for each header handed out, so it tells which
//! it was; what was handed out for older tips is forgotten, as nothing can come of it.
//!
//! **Long poll.** Programs hash on for what they have until they hear of a new tip, for up to a minute. A call that waits is
//! answered at once if its asker has no work for the tip: a block may have come between its last answer and this call, often
//! its own.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::http::{Extensions, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Node,
    blocks::add_block,
    errands::{blocking, to_its_end},
    openapi::shapes,
    refusal::Refusal,
};
use paydirt_ledger::{
    AddError, Added, BlockHash, Header, MAX_BLOCK_BYTES, MerkleRoot, OutsideError, RuleError,
};

/// Where calls wait for a new tip.
pub(super) const LONG_POLL_PATH: &str = "/longpoll";
/// How long they wait: then there is work for the same tip, with the transfers that came meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many headers of a tip may come back, and how many addresses that have some are remembered.
const KEPT: usize = 16_384;
/// The bytes of a header with its padding.
const DATA_BYTES: usize = 128;

/// A header to mine.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RpcWork)]
pub(super) struct Work {
    /// The 80 bytes of the header and SHA-256's padding; the bytes of each 32-bit word are turned round.
    #[schema(pattern = "^[0-9a-f]{256}$")]
    data: String,
    /// The highest hash that will do, its lowest byte first.
    #[schema(value_type = shapes::Hash)]
    target: String,
}

/// What becomes of a solved header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It made a block, which is the tip.
    Accepted,
    /// It did not, for this reason.
    Rejected(&'static str),
}

/// What was handed out for the tip.
#[derive(Debug, Default)]
pub(super) struct HandedOut(Mutex<ForTip>);

#[derive(Debug, Default)]
struct ForTip {
    tip: Option<BlockHash>,
    /// The job of each header.
    jobs: HashMap<MerkleRoot, u64>,
    /// Oldest first.
    order: VecDeque<MerkleRoot>,
    /// Who has some.
    askers: HashSet<IpAddr>,
}

impl HandedOut {
    fn note(&self, header: &Header, job: u64, asker: Option<IpAddr>) {
        let mut given = self.0.lock().expect("nothing panics while it is held");
        if given.tip != Some(header.previous_hash) {
            *given = ForTip {
                tip: Some(header.previous_hash),
                ..ForTip::default()
            };
        }
        if given.order.len() >= KEPT
            && let Some(oldest) = given.order.pop_front()
        {
            given.jobs.remove(&oldest);
        }
        given.jobs.insert(header.merkle_root, job);
        given.order.push_back(header.merkle_root);
        if given.askers.len() < KEPT {
            given.askers.extend(asker);
        }
    }

    fn job(&self, header: &Header) -> Option<u64> {
        let given = self.0.lock().expect("nothing panics while it is held");
        given.jobs.get(&header.merkle_root).copied()
    }

    fn has_some(&self, asker: IpAddr, tip: BlockHash) -> bool {
        let given = self.0.lock().expect("nothing panics while it is held");
        given.tip == Some(tip) && given.askers.contains(&asker)
    }
}

/// Whoever asks through one connection.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    address: IpAddr,
    /// The tip that its last long poll was answered with.
    polled: Arc<Mutex<Option<BlockHash>>>,
}

impl Asker {
    /// One that comes from `address`.
    pub(super) fn at(address: IpAddr) -> Self {
        Self {
            address,
            polled: Arc::default(),
        }
    }
}

/// Who asks, as far as can be known.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// Without a socket there is none.
    asker: Option<Asker>,
}

impl Caller {
    pub(super) fn of(extensions: &Extensions) -> Self {
        Self {
            asker: extensions.get().cloned(),
        }
    }

    /// Whether it has work for this tip, as far as can be known: a program polls through a connection of its own, so
    /// what that was answered with last counts; and before that, what its address was given.
    fn has_work_for(&self, tip: BlockHash, given: &HandedOut) -> bool {
        let Some(asker) = &self.asker else { return true };
        let polled = *asker.polled.lock().expect("nothing panics while it is held");
        match polled {
            Some(polled) => polled == tip,
            None => given.has_some(asker.address, tip),
        }
    }

    fn is_told(&self, tip: BlockHash) {
        if let Some(asker) = &self.asker {
            *asker.polled.lock().expect("nothing panics while it is held") = Some(tip);
        }
    }
}

/// A header to mine, at once.
pub(super) async fn hand_out(node: &Arc<Node>, caller: &Caller) -> Result<Work, Refusal> {
    make(node, caller).await.map(|(work, _)| work)
}

/// A header to mine once the caller has none for the tip, or has waited long.
pub(super) async fn hand_out_for_new_tip(node: &Arc<Node>, caller: &Caller) -> Result<Work, Refusal> {
    let Ok(_place) = Arc::clone(&node.listeners).try_acquire_owned() else {
        let message = "Too many wait for a block already; half of all connections may";
        return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message).retry_after(60));
    };
    let mut tips = node.tips.subscribe();
    let new_tip = async {
        while caller.has_work_for(node.ledger.tip().hash, &node.handed_out) {
            tips.changed().await.expect("the node holds the sender");
            if caller.asker.is_none() {
                break;
            }
        }
    };
    tokio::select! {
        () = new_tip => {}
        () = tokio::time::sleep(PATIENCE) => {}
        () = node.stopping.cancelled() => return Err(Refusal::stopping()),
    }
    let (work, tip) = make(node, caller).await?;
    caller.is_told(tip);
    Ok(work)
}

/// A header to mine, and the tip it stands on.
async fn make(node: &Arc<Node>, caller: &Caller) -> Result<(Work, BlockHash), Refusal> {
    let job = blocking(node, |node| Ok(node.outside.hand_out(&node.ledger)?)).await?;
    let header = Header::from_bytes(&(job.header)(job.id).to_bytes());
    let asker = caller.asker.as_ref().map(|asker| asker.address);
    node.handed_out.note(&header, job.id, asker);
    let mut target = job.origin.target().to_be_bytes();
    target.reverse();
    let work = Work {
        data: hex::encode(to_data(&header)),
        target: hex::encode(target),
    };
    Ok((work, header.previous_hash))
}

/// What becomes of a header that is brought back. Its reasons are those of Bitcoin's nodes and pools.
pub(super) async fn submit(node: &Arc<Node>, data: &str) -> Result<Verdict, Refusal> {
    let Some(header) = from_data(data) else {
        return Ok(Verdict::Rejected("malformed"));
    };
    if node.ledger.tree().contains(&header.hash()) {
        return Ok(Verdict::Rejected("duplicate"));
    }
    if header.previous_hash != node.ledger.tip().hash {
        return Ok(Verdict::Rejected("stale"));
    }
    let Some(id) = node.handed_out.job(&header) else {
        return Ok(Verdict::Rejected("unknown-work"));
    };
    // The block is made of what is here: it takes room for as long as it is on its way.
    let room = node
        .block_room
        .take(MAX_BLOCK_BYTES.min(node.limits.block_bytes))?;
    let node = Arc::clone(node);
    to_its_end(async move {
        let verdict = add(&node, id, header).await;
        drop(room);
        verdict
    })
    .await
}

/// What becomes of a header that job `id` may have been solved with.
async fn add(node: &Arc<Node>, id: u64, header: Header) -> Result<Verdict, Refusal> {
    let block = blocking(node, move |node| {
        match node.outside.take_back(&node.ledger, id, header.nonce) {
            Ok(block) => Ok(Ok(block)),
            Err(OutsideError::Stale) => Ok(Err("stale")),
            Err(OutsideError::Unknown(_)) => Ok(Err("unknown-work")),
            Err(OutsideError::Rule(RuleError::ProofOfWork { hash, .. })) if hash == header.hash() => {
                Ok(Err("high-hash"))
            }
            Err(OutsideError::Rule(_)) => Ok(Err("unknown-work")), // it is not what was handed out
            Err(OutsideError::Store(error)) => Err(error.into()),
        }
    });
    let block = match block.await? {
        // Nothing but the nonce is the miner's to choose.
        Ok(block) if *block.header() == header => block,
        Ok(_) => return Ok(Verdict::Rejected("unknown-work")),
        Err(reason) => return Ok(Verdict::Rejected(reason)),
    };
    match add_block(node, block).await? {
        Ok(Added::Tip { .. }) => Ok(Verdict::Accepted),
        Ok(Added::Known) => Ok(Verdict::Rejected("duplicate")),
        // Another block was a moment quicker.
        Ok(Added::Side | Added::Heavier { .. } | Added::Waiting { .. }) | Err(AddError::SideBranch(_)) => {
            Ok(Verdict::Rejected("stale"))
        }
        Err(AddError::Rule(broken)) => Ok(Verdict::Rejected(match broken.name() {
            "proof_of_work" => "high-hash",
            other => other,
        })),
        Err(error) => Err(error.into()),
    }
}

/// A header with SHA-256's padding (FIPS 180-4 §5.1.1), each word's bytes turned round.
fn to_data(header: &Header) -> [u8; DATA_BYTES] {
    let mut data = [0; DATA_BYTES];
    data[..80].copy_from_slice(&header.to_bytes());
    data[80] = 0x80;
    data[DATA_BYTES - 8..].copy_from_slice(&640_u64.to_be_bytes());
    turn_words(&mut data);
    data
}

/// The header that a program brings back, with its padding or without.
fn from_data(text: &str) -> Option<Header> {
    let mut data = hex::decode(text).ok()?;
    if data.len() != DATA_BYTES && data.len() != 80 {
        return None;
    }
    turn_words(&mut data);
    let header = data.first_chunk::<80>()?;
    Some(Header::from_bytes(header))
}

fn turn_words(data: &mut [u8]) {
    data.chunks_exact_mut(4).for_each(<[u8]>::reverse);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bitcoin's first block as getwork gave it, in the byte orders that programs know.
    #[test]
    fn the_data_is_what_programs_want() {
        let header = "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e\
                      67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c";
        let mut bytes = [0; 80];
        hex::decode_to_slice(header, &mut bytes).unwrap();
        let header = Header::from_bytes(&bytes);
        let data = hex::encode(to_data(&header));
        let expected = [
            "00000001",
            &"0".repeat(64),
            "fdeda33bb2127b7a3e2cc77a618f7667c31bc87f32518a88aab89f3a4a5e1e4b",
            "495fab291d00ffff7c2bac1d",
            "00000080",
            &"0".repeat(80),
            "80020000",
        ];
        assert_eq!(data, expected.concat());
        assert_eq!(from_data(&data), Some(header));
        assert_eq!(from_data(&data[..160].to_uppercase()), Some(header));
        for bad in [
            "",
            "00",
            &data[..158],
            &data[..254],
            &format!("{data}00"),
            &data.replace('f', "g"),
        ] {
            assert_eq!(from_data(bad), None, "{bad}");
        }
    }
}
