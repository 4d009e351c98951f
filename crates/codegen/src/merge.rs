//! Merging streams of instructions into one.
//!
//! *In:* streams that share nothing that one of them writes, each with how far apart its instructions stand. *Out:* one
//! list, the order within each stream kept.
//!
//! Each stream moves along a line; whichever is furthest back goes next. Streams of unlike length keep pace where the
//! length of each is one; streams that should stay a fixed number of instructions apart have a unit of one instruction
//! and a lag. What is best depends on the processor, and is to be searched for: a prototype that merged SHA instructions with
//! a schedule in vectors ran at 44 to 54.6 MH/s on a Zen 4 core, by these parameters alone.

use crate::op::{Instruction, Lines, Unit};

/// A stream to be merged.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Its instructions.
    pub lines: Lines,
    /// Where it starts: how far it stays behind one that starts at zero.
    pub lag: f64,
    /// How many of its instructions make one unit of the way. Half as many: it comes half as fast.
    pub unit: f64,
    /// How many instructions are taken at a time.
    pub chunk: usize,
}

impl Stream {
    /// Its length is one unit: merged with others of the same kind, all end together.
    pub fn paced(lines: Lines) -> Self {
        let unit = lines.len() as f64;
        Self {
            lines,
            lag: 0.0,
            unit,
            chunk: 1,
        }
    }

    /// The same, some instructions at a time, the middles of these chunks in step with those of other streams.
    pub fn chunked(lines: Lines, chunk: usize) -> Self {
        let chunks = lines.len().div_ceil(chunk) as f64;
        Self {
            lines,
            lag: 0.5 / chunks,
            unit: chunks * chunk as f64,
            chunk,
        }
    }

    /// An instruction is a unit, the start so many instructions behind.
    pub fn lagging(lines: Lines, lag: usize) -> Self {
        Self {
            lines,
            lag: lag as f64,
            unit: 1.0,
            chunk: 1,
        }
    }

    /// Where it stands when `taken` instructions are taken.
    fn position(&self, taken: usize) -> f64 {
        self.lag + taken as f64 / self.unit
    }
}

/// Merges the streams; of those equally far back the first goes first.
///
/// With a `slack`, those no further apart than that are equally far, and among them one is chosen whose next
/// instruction makes rotates, which some processors can start only one of a cycle, come as evenly as they can.
pub fn merge(streams: &[Stream], slack: Option<f64>) -> Lines {
    let order = order(streams, slack);
    let merged = take(streams, &order);
    #[cfg(test)]
    crate::tests::liveness::assert_merged(streams, &merged, &order);
    merged
}

/// The same where results are of no interest, and streams may overwrite each other's.
pub(crate) fn mix(streams: &[Stream]) -> Lines {
    take(streams, &order(streams, Some(0.0)))
}

/// Takes the next instruction of each of these streams.
fn take(streams: &[Stream], order: &[usize]) -> Lines {
    let mut left: Vec<_> = streams.iter().map(|stream| stream.lines.iter()).collect();
    order
        .iter()
        .filter_map(|which| left[*which].next())
        .copied()
        .collect()
}

/// The number of the stream of each instruction.
fn order(streams: &[Stream], slack: Option<f64>) -> Vec<usize> {
    let is_rotate = |line: &Instruction| line.op.unit() == Unit::Rotate;
    let all = || streams.iter().flat_map(|stream| &stream.lines);
    let total = all().count();
    let share = all().filter(|line| is_rotate(line)).count() as f64 / total as f64;
    // By how much more rotates there were than their share.
    let mut debt = 0.0;
    let mut taken = vec![0; streams.len()];
    let mut order = Vec::with_capacity(total);
    while order.len() < total {
        // The furthest back; and of those whose next instruction is of the kind that is wanted.
        let (mut back, mut wanted) = (None, None);
        let mut front = f64::NEG_INFINITY;
        for (i, stream) in streams.iter().enumerate() {
            let Some(next) = stream.lines.get(taken[i]) else {
                continue;
            };
            let position = stream.position(taken[i]);
            front = front.max(position);
            let is_before = |other: Option<(usize, f64)>| other.is_none_or(|(_, other)| position < other);
            if is_before(back) {
                back = Some((i, position));
            }
            if is_rotate(next) == (debt <= 0.0) && is_before(wanted) {
                wanted = Some((i, position));
            }
        }
        let (back, position) = back.expect("not all are taken");
        let which = match (slack, wanted) {
            (Some(slack), Some((wanted, _))) if front - position <= slack => wanted,
            _ => back,
        };
        let rest = &streams[which].lines[taken[which]..];
        let chunk = &rest[..rest.len().min(streams[which].chunk)];
        for line in chunk {
            debt += f64::from(u8::from(is_rotate(line))) - share;
            order.push(which);
        }
        taken[which] += chunk.len();
    }
    order
}

/// Merges two lists so that both make progress evenly (one may be ahead of the other by `slack` of its length) and so do
/// rotates.
pub fn spread(host: Lines, guest: Lines, slack: f64) -> Lines {
    merge(&[Stream::paced(host), Stream::paced(guest)], Some(slack))
}

/// Alternates streams instruction by instruction, each `lag` instructions behind the one before.
pub fn interleave(streams: Vec<Lines>, lag: usize) -> Lines {
    let lagging = |(i, lines)| Stream::lagging(lines, i * lag);
    let streams: Vec<_> = streams.into_iter().enumerate().map(lagging).collect();
    merge(&streams, None)
}
