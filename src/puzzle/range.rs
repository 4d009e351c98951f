//! The nonces to search: half-open, up to and including `u64::MAX`, split without gap or overlap.

#[cfg(feature = "serde")]
mod json;

/// A half-open range of nonces, start ≤ nonce < end, with end at most 2^64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(into = "json::Fields", try_from = "json::Fields"))]
pub struct NonceRange {
    start: u128,
    end: u128,
}

/// Why there is no such range, or no such part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RangeError {
    /// It would end above 2^64.
    #[error("{count} nonces from {start} end at {}, past the end of the nonce space, {end}; at most {} fit", .start.saturating_add(*.count), .end.saturating_sub(*.start))]
    PastEnd {
        /// The first nonce.
        start: u128,
        /// How many were asked for.
        count: u128,
        /// One past the last nonce there is.
        end: u128,
    },
    /// It would start outside.
    #[error("start {start} is before the first nonce, {first}")]
    StartBefore {
        /// The first nonce asked for.
        start: u128,
        /// The first nonce there is.
        first: u128,
    },
    /// It would start past the last nonce.
    #[error("start {start} is past the last nonce, {}", .end.saturating_sub(1))]
    StartPastEnd {
        /// The first nonce asked for.
        start: u128,
        /// One past the last nonce there is.
        end: u128,
    },
    /// A part that is not one of the parts.
    #[error("shard {index}/{shards} does not exist; shards of {shards} are numbered {}", shard_numbers(*.shards))]
    Shard {
        /// Which part.
        index: u32,
        /// Of how many.
        shards: u32,
    },
}

fn shard_numbers(shards: u32) -> String {
    match shards {
        0 => "from 0, and there must be at least one".to_owned(),
        1 => "0/1 only".to_owned(),
        _ => format!("0/{shards} to {}/{shards}", shards - 1),
    }
}

impl NonceRange {
    /// `count` nonces from `start`.
    ///
    /// # Errors
    /// [`RangeError::PastEnd`] when that goes past 2^64.
    pub fn new(start: u64, count: u128) -> Result<Self, RangeError> {
        Self::all().part(start.into(), count)
    }

    const fn all() -> Self {
        Self {
            start: 0,
            end: 1 << 64,
        }
    }

    /// `count` nonces from `start`, all of them inside this range.
    ///
    /// # Errors
    /// [`RangeError`] when it starts or ends outside.
    pub fn part(self, start: u128, count: u128) -> Result<Self, RangeError> {
        let end = self.end;
        self.check_start(start)?;
        if start > end || (start == end && count > 0) {
            return Err(RangeError::StartPastEnd { start, end });
        }
        if count > end - start {
            return Err(RangeError::PastEnd { start, count, end });
        }
        Ok(Self {
            start,
            end: start + count,
        })
    }

    /// From `start` to the end of this range.
    ///
    /// # Errors
    /// [`RangeError::StartPastEnd`] when `start` is not inside.
    pub fn from(self, start: u64) -> Result<Self, RangeError> {
        let start = u128::from(start);
        self.check_start(start)?;
        if start >= self.end {
            return Err(RangeError::StartPastEnd { start, end: self.end });
        }
        Ok(Self { start, ..self })
    }

    fn check_start(self, start: u128) -> Result<(), RangeError> {
        if start < self.start {
            let first = self.start;
            return Err(RangeError::StartBefore { start, first });
        }
        Ok(())
    }

    /// The first nonce. An empty range has one too, though it is not in it.
    ///
    /// An empty range at the very end of the space starts at 2^64, which no `u64` can say; it is given as `u64::MAX`.
    pub fn start(self) -> u64 {
        u64::try_from(self.start).unwrap_or(u64::MAX)
    }

    /// One past the last nonce: at most 2^64.
    pub fn end(self) -> u128 {
        self.end
    }

    /// How many nonces it holds: at most 2^64.
    pub fn count(self) -> u128 {
        self.end - self.start
    }

    /// The first nonce and the last, both in it. `None` where it holds none.
    pub fn ends(self) -> Option<(u64, u64)> {
        let last = self.end.checked_sub(1).filter(|last| *last >= self.start)?;
        Some((u64::try_from(self.start).ok()?, u64::try_from(last).ok()?))
    }

    /// Whether it holds none.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether it holds `nonce`.
    pub fn contains(self, nonce: u64) -> bool {
        (self.start..self.end).contains(&nonce.into())
    }

    /// Part `index` of `shards` contiguous parts that tile this range, sizes differing by one at most.
    ///
    /// # Errors
    /// [`RangeError::Shard`] unless `index` < `shards`.
    pub fn shard(self, index: u32, shards: u32) -> Result<Self, RangeError> {
        if index >= shards {
            return Err(RangeError::Shard { index, shards });
        }
        // count ≤ 2^64 and index < 2^32, so nothing overflows 128 bits.
        let edge = |i: u32| self.start + self.count() * u128::from(i) / u128::from(shards);
        Ok(Self {
            start: edge(index),
            end: edge(index + 1),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reaches_the_last_nonce() {
        let all = NonceRange::new(0, 1 << 64).unwrap();
        assert!(all.contains(u64::MAX));
        let last = NonceRange::new(u64::MAX, 1).unwrap();
        assert!(last.contains(u64::MAX) && last.count() == 1);
        assert_eq!(all.ends(), Some((0, u64::MAX)));
        assert_eq!(last.ends(), Some((u64::MAX, u64::MAX)));
        assert_eq!(NonceRange::new(5, 0).unwrap().ends(), None);
        assert_eq!(all.shard(0, 1).unwrap().part(1 << 64, 0).unwrap().ends(), None);
        assert!(NonceRange::new(u64::MAX, 2).is_err());
        assert!(NonceRange::new(5, 0).unwrap().is_empty());
    }

    #[test]
    fn errors_say_the_way_out() {
        let space = NonceRange::new(0, 100).unwrap();
        assert_eq!(
            space.part(99, 2).unwrap_err().to_string(),
            "2 nonces from 99 end at 101, past the end of the nonce space, 100; at most 1 fit"
        );
        assert_eq!(
            space.from(100).unwrap_err().to_string(),
            "start 100 is past the last nonce, 99"
        );
        assert_eq!(
            space.shard(3, 3).unwrap_err().to_string(),
            "shard 3/3 does not exist; shards of 3 are numbered 0/3 to 2/3"
        );
        assert!(space.shard(0, 0).is_err());
        let huge = space.part(1, u128::MAX).unwrap_err().to_string();
        assert!(huge.ends_with("at most 99 fit"), "{huge}");
        assert!(
            NonceRange::new(0, 0)
                .unwrap()
                .from(0)
                .unwrap_err()
                .to_string()
                .contains("past the last nonce")
        );
    }

    #[test]
    fn a_part_is_inside_the_whole() {
        let range = NonceRange::new(100, 100).unwrap();
        assert_eq!(range.part(100, 100), Ok(range));
        assert_eq!(range.from(150), range.part(150, 50));
        let before = Err(RangeError::StartBefore {
            start: 50,
            first: 100,
        });
        assert_eq!(range.part(50, 60), before);
        assert_eq!(range.from(50), before);
    }

    proptest! {
        #[test]
        fn shards_tile(start: u64, count: u64, shards in 1u32..200) {
            let count = u128::from(count).min((1 << 64) - u128::from(start));
            let range = NonceRange::new(start, count).unwrap();
            let mut next = range.start;
            for index in 0..shards {
                let shard = range.shard(index, shards).unwrap();
                prop_assert_eq!(shard.start, next);
                prop_assert!(shard.count().abs_diff(count / u128::from(shards)) <= 1);
                next = shard.end;
            }
            prop_assert_eq!(next, range.end);
        }
    }
}
