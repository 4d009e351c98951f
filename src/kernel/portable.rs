//! The kernel for every processor: the `sha2` crate's compression function, the midstate kept.
//!
//! `sha2` itself picks the SHA instructions at run time where there are any (x86-64, aarch64), so this is no slow
//! fallback: two compressions for a Bitcoin header where the obvious loop over the crate does three.

use sha2::block_api::compress256;

use super::{Prepared, Scan, one_by_one};

pub(super) fn bind(prepared: &Prepared) -> Option<Box<dyn Scan + '_>> {
    one_by_one::bind(prepared, compress256)
}
