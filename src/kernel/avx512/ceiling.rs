//! The bound of this kernel: the issue rate of its mix of operations.

use super::KERNEL;
use crate::kernel::{
    ceiling::Probe,
    lanes::{
        BATCH,
        ceiling::{Counts, Operations, vector_probe},
    },
};

vector_probe!("avx512", KERNEL, BATCH);
