//! Which pieces of assembly test a nonce, and what they need once a stretch.

use super::{super::is_header, frame::GENERAL_WORDS, layout::*};
use crate::{
    kernel::{Prepared, stretch::Stretch},
    puzzle::ByteOrder,
};

/// A [`Call`](super::Call); its sums are those of a block after the varying ones.
pub(super) struct Step {
    pub(super) entry: usize,
    pub(super) then: usize,
    pub(super) next: usize,
    pub(super) suffix: Option<usize>,
}

/// The calls of a batch, and around them what no piece of assembly does.
pub(super) struct Pieces {
    pub(super) calls: Vec<Step>,
    /// Where the varying words lie in the frame, one or two.
    pub(super) varying: (usize, Option<usize>),
    /// Whether the last piece tests the top words; where it does not, the driver does.
    pub(super) tests: bool,
    pub(super) hashed_twice: bool,
}

impl Pieces {
    /// `None` where there are no pieces for what is hashed after the message.
    pub(super) fn of(prepared: &Prepared, stretch: &Stretch<'_>) -> Option<Self> {
        let hashed_twice = prepared.is_hashed_twice()?;
        let Stretch {
            first,
            words,
            straddles,
            ..
        } = *stretch;
        let big = prepared.test.order == ByteOrder::Big;
        let fused = !straddles && stretch.suffix.is_empty();
        let step = |entry, then, suffix| Step {
            entry,
            then,
            next: RETURN,
            suffix,
        };
        let entry = if is_header(stretch) {
            HEADER
        } else {
            BLOCK + 2 * first + words - 1
        };
        let then = match (hashed_twice, big) {
            (false, true) if fused => TOP_BIG,
            (false, false) if fused => TOP_LITTLE,
            _ => DIGEST,
        };
        let mut calls = vec![step(entry, then, None)];
        if straddles {
            calls.push(step(VARYING, RETURN, None));
        }
        calls.extend((0..stretch.suffix.len()).map(|block| step(UNIFORM, RETURN, Some(block))));
        if hashed_twice {
            calls.last_mut().expect("not empty").next = if big { SECOND_BIG } else { SECOND_LITTLE };
        }
        let second = match (straddles, words) {
            (true, _) => Some(GENERAL_WORDS),
            (false, 2) => Some(first + 1),
            (false, _) => None,
        };
        Some(Self {
            calls,
            varying: (first, second),
            tests: hashed_twice || fused,
            hashed_twice,
        })
    }

    /// The pieces of a batch in the order in which they run, if one call does it all.
    pub(super) fn of_one_call(&self) -> Option<Vec<usize>> {
        let [call] = &self.calls[..] else { return None };
        let top = match call.next {
            SECOND_BIG => TOP_BIG,
            SECOND_LITTLE => TOP_LITTLE,
            _ => return self.tests.then(|| vec![call.entry, call.then]),
        };
        Some(vec![call.entry, call.then, call.next, top])
    }

    /// The same under many midstates, if there are pieces for that: for an 80-byte header, hashed twice.
    pub(super) fn of_rolled(&self) -> Option<Vec<usize>> {
        let plain = [HEADER, DIGEST, SECOND_LITTLE, TOP_LITTLE];
        (self.of_one_call()? == plain).then(|| vec![ROLL, SECOND_LITTLE, TOP_LITTLE])
    }
}
