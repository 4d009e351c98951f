//! Files of older formats.
//!
//! *In:* a file of format 1 or 2, verified. *Out:* the same ledger in today's format.

use redb::{ReadableTable as _, WriteTransaction};

use crate::{
    block::Block,
    pending::FIRST_PLACE,
    store::{FORMAT, PLACES, StoreError, WriteBatch},
};

/// Writes what each block holds, moves the queue to where places begin today, and gives the file its new name.
pub(super) fn take_over(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.delete_table(PLACES)?;
    let mut batch = WriteBatch::open(transaction)?;
    for row in batch.blocks.iter()? {
        let (key, value) = row?;
        let (index, hash) = key.value();
        let block = Block::from_bytes(value.value()).map_err(|reason| StoreError::block(index, reason))?;
        for transaction in block.transactions() {
            batch
                .holders
                .insert((transaction.id().to_bytes(), index, hash), ())?;
        }
    }
    let queue = batch.queue.iter()?;
    let rows: Vec<_> = queue
        .map(|row| row.map(|(place, value)| (place.value(), value.value().to_vec())))
        .collect::<Result<_, _>>()?;
    for (place, value) in rows {
        batch.queue.remove(place)?;
        batch
            .queue
            .insert(FIRST_PLACE.saturating_add(place), value.as_slice())?;
    }
    batch.about.insert("format", FORMAT)?;
    Ok(())
}
