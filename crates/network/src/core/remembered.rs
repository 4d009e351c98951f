//! A set that forgets its oldest.

use std::{
    collections::{HashSet, VecDeque},
    hash::Hash,
};

/// The last so many of what was put in.
#[derive(Debug)]
pub(super) struct Remembered<T> {
    most: usize,
    known: HashSet<T>,
    order: VecDeque<T>,
}

impl<T: Copy + Eq + Hash> Remembered<T> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            known: HashSet::new(),
            order: VecDeque::new(),
        }
    }

    pub(super) fn contains(&self, one: &T) -> bool {
        self.known.contains(one)
    }

    pub(super) fn insert(&mut self, one: T) {
        if !self.known.insert(one) {
            return;
        }
        self.order.push_back(one);
        while self.order.len() > self.most {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }
}
