//! Finished chunks, put back in ascending order.
//!
//! *In:* each chunk as a thread finishes it: where it begins, where what was tested of it ends, the solutions in it. *Out:*
//! the solutions of all chunks in ascending order, one at a time; and how far everything is done.
//!
//! ```text
//!   told and done │ due: tested without a gap │ in hand │ ahead: a run │ in hand │ ahead: a run │ not claimed
//! ────────────────┼───────────────────────────┼─────────┼──────────────┼─────────┼──────────────┼────────────►
//!            resume_at                      tested                                                       nonces
//! ```
//!
//! Chunks are claimed in ascending order and end in any. One that ends ahead of another waits here, and neighbours grow
//! together, so that there are no more runs than threads. Whoever finishes the lowest chunk tells what is due; others leave
//! theirs and mine on, until [`MOST_WAITING`] solutions wait: then they wait too. So a slow listener holds the search up
//! and memory stays bounded. *Why that cannot lock up:* the thread with the lowest chunk in hand never waits.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::ControlFlow,
    sync::{Condvar, Mutex, MutexGuard},
    time::Duration,
};

use crate::solution::Solution;

/// So many solutions may wait to be told before the threads that find them wait as well: 1 MiB of them, about.
pub(super) const MOST_WAITING: usize = 1 << 14;

/// How often a thread that waits looks at the clock and the cancel handles.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// The chunks that are finished.
pub(super) struct Order {
    state: Mutex<State>,
    /// Fewer solutions wait than before.
    room: Condvar,
}

struct State {
    point: Point,
    /// Everything below was tested.
    tested: u128,
    /// Solutions below `tested` that nobody was told of.
    due: VecDeque<Solution>,
    /// What is finished above it, by its first nonce.
    ahead: BTreeMap<u128, Run>,
    /// Solutions in `due` and `ahead`.
    waiting: usize,
    /// A thread tells what is due.
    telling: bool,
    /// The listener had enough: nothing is told any more, and the point stays where it is.
    ended: bool,
}

/// How far a search is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    /// Every nonce below was tested, and every solution below told.
    pub(super) resume_at: u128,
    /// How many were told: all of them lie below.
    pub(super) solutions: u64,
}

/// Finished chunks without a gap between them.
struct Run {
    end: u128,
    solutions: VecDeque<Solution>,
}

impl Order {
    /// Nothing is finished of a range that begins here.
    pub(super) fn from(start: u128) -> Self {
        let point = Point {
            resume_at: start,
            solutions: 0,
        };
        Self {
            state: Mutex::new(State {
                point,
                tested: start,
                due: VecDeque::new(),
                ahead: BTreeMap::new(),
                waiting: 0,
                telling: false,
                ended: false,
            }),
            room: Condvar::new(),
        }
    }

    /// How far the search is done.
    pub(super) fn point(&self) -> Point {
        self.lock().point
    }

    /// Takes in that the nonces from `first` up to `end`, which is not one of them, are tested and hold these solutions,
    /// in ascending order. Calls `tell` with each that is due, and then waits while too many are not, as long as
    /// `keep_going` says so. [`ControlFlow::Break`] is what `tell` said.
    pub(super) fn finish(
        &self,
        first: u64,
        end: u128,
        solutions: Vec<Solution>,
        mut tell: impl FnMut(&Solution) -> ControlFlow<()>,
        keep_going: impl Fn() -> bool,
    ) -> ControlFlow<()> {
        let mut state = self.lock();
        if state.ended {
            return ControlFlow::Continue(());
        }
        state.add(first.into(), end, solutions.into());
        loop {
            if !state.telling {
                state = self.tell_due(state, &mut tell)?;
            }
            if state.waiting <= MOST_WAITING || !keep_going() {
                return ControlFlow::Continue(());
            }
            state = self.room.wait_timeout(state, LOOK_EVERY).expect(NO_PANIC).0;
        }
    }

    /// Tells what is due, also what becomes due meanwhile.
    fn tell_due<'o>(
        &'o self,
        mut state: MutexGuard<'o, State>,
        tell: &mut impl FnMut(&Solution) -> ControlFlow<()>,
    ) -> ControlFlow<(), MutexGuard<'o, State>> {
        while let Some(solution) = state.due.pop_front() {
            state.telling = true;
            drop(state);
            let told = tell(&solution);
            state = self.lock();
            state.point.resume_at = u128::from(solution.nonce()) + 1;
            state.point.solutions += 1;
            state.waiting -= 1;
            if told.is_break() {
                state.end();
                self.room.notify_all();
                return ControlFlow::Break(());
            }
            if state.waiting == MOST_WAITING / 2 {
                self.room.notify_all();
            }
        }
        state.telling = false;
        if !state.ended {
            state.point.resume_at = state.tested;
        }
        ControlFlow::Continue(state)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect(NO_PANIC)
    }
}

impl State {
    fn add(&mut self, first: u128, end: u128, mut solutions: VecDeque<Solution>) {
        self.waiting += solutions.len();
        if first == self.tested {
            self.tested = end;
            self.due.append(&mut solutions);
            while let Some(run) = self.ahead.remove(&self.tested) {
                self.tested = run.end;
                self.due.extend(run.solutions);
            }
            return;
        }
        let mut end = end;
        if let Some(next) = self.ahead.remove(&end) {
            end = next.end;
            solutions.extend(next.solutions);
        }
        match self.ahead.range_mut(..first).next_back() {
            Some((_, before)) if before.end == first => {
                before.end = end;
                before.solutions.append(&mut solutions);
            }
            _ => {
                self.ahead.insert(first, Run { end, solutions });
            }
        }
    }

    fn end(&mut self) {
        self.ended = true;
        self.telling = false;
        self.due = VecDeque::new();
        self.ahead = BTreeMap::new();
        self.waiting = 0;
    }
}

const NO_PANIC: &str = "nothing panics while it is held";
