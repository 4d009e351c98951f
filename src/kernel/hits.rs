//! The nonces that passed a kernel's cheap test.

/// What scans append to.
#[derive(Clone, Debug)]
pub struct Hits {
    nonces: Vec<u64>,
    /// A scan may end early once there are this many.
    limit: usize,
}

impl Hits {
    /// Room for every hit.
    pub fn all() -> Self {
        Self::up_to(usize::MAX)
    }

    /// Room for `limit` hits: a scan that has found so many may stop (and may find some more on the way).
    pub fn up_to(limit: usize) -> Self {
        Self {
            nonces: Vec::new(),
            limit,
        }
    }

    /// The nonces so far, ascending within a scan.
    pub fn nonces(&self) -> &[u64] {
        &self.nonces
    }

    /// The nonces.
    pub fn into_nonces(self) -> Vec<u64> {
        self.nonces
    }

    /// Forgets the nonces, keeps the limit.
    pub fn clear(&mut self) {
        self.nonces.clear();
    }

    pub(crate) fn push(&mut self, nonce: u64) {
        self.nonces.push(nonce);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.room() == 0
    }

    /// How many more there is room for.
    pub(crate) fn room(&self) -> usize {
        self.limit.saturating_sub(self.nonces.len())
    }
}
