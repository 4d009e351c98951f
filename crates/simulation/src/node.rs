//! A simulated node: a core, what it has, and its links.

use std::collections::HashMap;

use paydirt_network::core::{BookEntry, Core, Peer};

use crate::{chain::Held, hostile::Hostility, links::Place};

/// Where a link leads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) node: usize,
    /// Under which number the other knows this one.
    pub(crate) peer: Peer,
    /// When the last message that was sent over it arrives.
    pub(crate) arrives_us: u64,
}

#[derive(Debug)]
pub(crate) struct Node {
    /// None while it is down.
    pub(crate) core: Option<Core>,
    /// When the core that runs now began, in microseconds.
    pub(crate) began_us: u64,
    pub(crate) held: Held,
    pub(crate) hostility: Option<Hostility>,
    pub(crate) place: Place,
    pub(crate) links: HashMap<Peer, Link>,
    /// Its upstream is busy until then.
    pub(crate) upstream_free_us: u64,
    /// When its core will be woken.
    pub(crate) wakes_at_us: u64,
    /// What it remembers of others while it is down.
    pub(crate) book: Vec<BookEntry>,
    /// On which side it is when the network is cut.
    pub(crate) side: bool,
}

impl Node {
    pub(crate) fn is_honest(&self) -> bool {
        self.hostility.is_none()
    }
}
