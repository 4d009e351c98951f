//! The oracle as a kernel: SHA-256 as FIPS 180-4 states it, one nonce at a time.

use paydirt_sha256::{compress, words};

use super::{Prepared, Scan, one_by_one};

pub(super) fn bind(prepared: &Prepared) -> Option<Box<dyn Scan + '_>> {
    one_by_one::bind(prepared, |hash, blocks| {
        for block in blocks {
            compress(hash, &words(block));
        }
    })
}
