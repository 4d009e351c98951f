//! The bound of this kernel: the issue rate of its mix of operations.

use super::{KERNEL, LANES};
use crate::kernel::{
    ceiling::Probe,
    lanes::ceiling::{Counts, Operations, vector_probe},
};

vector_probe!("avx2", KERNEL, LANES);
