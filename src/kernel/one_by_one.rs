//! The loop of the kernels that test one nonce after the other; all they bring is a compression function.

use paydirt_sha256::BLOCK_BYTES;

use super::{Hits, Prepared, Scan};

type Block = [u8; BLOCK_BYTES];

/// A kernel whose `compress` folds blocks into a hash value.
struct OneByOne<'p, C> {
    prepared: &'p Prepared,
    /// The message after the midstate, with the last nonce tested.
    blocks: Vec<Block>,
    compress: C,
}

/// Takes every shape.
pub(super) fn bind<'p>(
    prepared: &'p Prepared,
    compress: impl Fn(&mut [u32; 8], &[Block]) + 'p,
) -> Option<Box<dyn Scan + 'p>> {
    Some(Box::new(OneByOne {
        prepared,
        blocks: prepared.blocks.iter().map(to_bytes).collect(),
        compress,
    }))
}

/// Word by word: written byte by byte, the block would keep the compression's wide loads waiting.
fn to_bytes(words: &[u32; 16]) -> Block {
    let bytes = words.map(u32::to_be_bytes);
    bytes.as_flattened().try_into().expect("16 words of 4 bytes")
}

impl<C: Fn(&mut [u32; 8], &[Block])> Scan for OneByOne<'_, C> {
    fn scan(&mut self, midstates: &[[u32; 8]], first: u64, count: u64, hits: &mut Hits) -> u64 {
        let (prepared, symbols) = (self.prepared, self.prepared.symbols);
        let place = prepared.nonce_offset..prepared.nonce_offset + prepared.nonce_bytes;
        symbols.write(first, &mut self.blocks.as_flattened_mut()[place.clone()]);
        for tested in 0..count {
            if tested > 0 {
                symbols.increment(&mut self.blocks.as_flattened_mut()[place.clone()]);
            }
            let mut hash = midstates[0];
            (self.compress)(&mut hash, &self.blocks);
            for rehash in prepared.rehashes {
                let block = to_bytes(&rehash.block(&hash));
                hash = rehash.chaining;
                (self.compress)(&mut hash, std::slice::from_ref(&block));
            }
            if prepared.test.passes(hash[prepared.test.word()]) {
                hits.push(first + tested);
                if hits.is_full() {
                    return tested + 1;
                }
            }
        }
        count
    }
}
