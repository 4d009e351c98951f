//! The kernels for x86-64, and what those whose code is generated share.

pub(super) mod avx2;
pub(super) mod avx512;
mod lanes;
pub(super) mod sha_ni;

#[cfg(test)]
pub(super) use lanes::tests::bind as interpreted;
