//! Reading and writing what messages are made of.
//!
//! *In:* bytes from a peer. *Out:* numbers, hashes and lists that are not longer than they may be. Nothing is reserved by
//! what a length says: a list takes room as its items are read.

use paydirt_ledger::{BlockHash, Header, Transaction, Work};

use super::{DecodeError, MAX_ADDRESS_BYTES, TipSummary};

/// What is left of a message.
pub(super) struct Reader<'b>(pub(super) &'b [u8]);

impl<'b> Reader<'b> {
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(DecodeError::Short)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'b [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(DecodeError::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Six bytes.
    pub(super) fn u48(&mut self) -> Result<u64, DecodeError> {
        let mut bytes = [0; 8];
        bytes[..6].copy_from_slice(&self.array::<6>()?);
        Ok(u64::from_le_bytes(bytes))
    }

    pub(super) fn hash(&mut self) -> Result<BlockHash, DecodeError> {
        self.array().map(BlockHash::from_bytes)
    }

    pub(super) fn work(&mut self) -> Result<Work, DecodeError> {
        self.array().map(|bytes| Work::from_le_bytes(&bytes))
    }

    pub(super) fn header(&mut self) -> Result<Header, DecodeError> {
        self.array().map(|bytes| Header::from_bytes(&bytes))
    }

    pub(super) fn tip(&mut self) -> Result<TipSummary, DecodeError> {
        Ok(TipSummary {
            hash: self.hash()?,
            index: self.u64()?,
            work: self.work()?,
        })
    }

    pub(super) fn transaction(&mut self) -> Result<Transaction, DecodeError> {
        Ok(Transaction::read(&mut self.0)?)
    }

    /// A u16, and as many items.
    pub(super) fn list<T>(
        &mut self,
        most: usize,
        item: impl Fn(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let count = usize::from(self.u16()?);
        if count > most {
            return Err(DecodeError::Long { count, most });
        }
        (0..count).map(|_| item(self)).collect()
    }

    /// A u16, and as many bytes of UTF-8.
    pub(super) fn address(&mut self) -> Result<String, DecodeError> {
        let count = usize::from(self.u16()?);
        if count > MAX_ADDRESS_BYTES {
            let most = MAX_ADDRESS_BYTES;
            return Err(DecodeError::Long { count, most });
        }
        let text = std::str::from_utf8(self.bytes(count)?).map_err(|_| DecodeError::Text)?;
        Ok(text.to_owned())
    }

    /// That nothing is left.
    pub(super) fn end(self) -> Result<(), DecodeError> {
        match self.0 {
            [] => Ok(()),
            rest => Err(DecodeError::Rest(rest.len())),
        }
    }
}

/// The bytes of a message.
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn tip(&mut self, tip: &TipSummary) {
        self.put(&tip.hash.to_bytes());
        self.put(&tip.index.to_le_bytes());
        self.put(&tip.work.to_le_bytes());
    }

    /// A u16, and as many items.
    ///
    /// # Panics
    /// When there are more than a u16 counts: every list's limit is lower.
    pub(super) fn list<T>(&mut self, items: &[T], item: impl Fn(&mut Self, &T)) {
        let count = u16::try_from(items.len()).expect("lists have far fewer");
        self.put(&count.to_le_bytes());
        items.iter().for_each(|one| item(self, one));
    }

    pub(super) fn address(&mut self, address: &str) {
        let count = u16::try_from(address.len()).expect("addresses are short");
        self.put(&count.to_le_bytes());
        self.put(address.as_bytes());
    }
}
