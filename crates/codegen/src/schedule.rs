//! One step of the message schedule of one stream whose words lie in lanes.

use crate::{
    isa::Emitter,
    op::{Lines, Op},
    operand::{Operand, Register, Slot},
};
use paydirt_sha256::SMALL_SIGMA;

/// A step of the schedule: FIPS 180-4 §6.2.2, step 1. Each source is there if it varies; the rest is in `sum`.
pub struct Step {
    pub t: usize,
    /// Read from memory only by streams that keep no words in registers.
    pub two_back: Option<Operand>,
    pub seven_back: Option<Operand>,
    pub fifteen_back: Option<Operand>,
    pub sixteen_back: Option<Operand>,
    /// The uniform terms, where they are not zero.
    pub sum: Option<Operand>,
    pub store: Slot,
    /// Whether a later step reads the word from memory.
    pub needed_again: bool,
}

/// Instruction sets whose rotations want a register: words that are needed soon stay in registers.
pub trait InRegisters: Emitter {
    /// The exclusive or of two rotations and a shift of `x`; `to` may be `x`, the temporaries not.
    fn small_sigma(&self, out: &mut Lines, to: Register, x: Register, by: [u32; 3], temps: [Register; 2]);
}

/// Instruction sets with few registers: all words are taken from memory, where loading is free.
pub trait InMemory: Emitter {
    /// The exclusive or of two rotations and a shift of a vector in memory.
    fn small_sigma(&self, out: &mut Lines, to: Register, x: Operand, by: [u32; 3], temp: Register);
}

impl Step {
    /// With w[t-2] in `w`, where the new word is wanted.
    pub fn in_registers(&self, isa: &dyn InRegisters, w: Register) -> Lines {
        let [x, y, z] = isa.file().schedule;
        let mut out = Lines::new();
        // Where the sum stands so far; it ends up in w.
        let mut sum = None;
        if let Some(source) = self.fifteen_back {
            isa.load(&mut out, x, source);
            isa.small_sigma(&mut out, x, x, SMALL_SIGMA[0], [y, z]);
            sum = Some(x);
        }
        let terms = [self.sixteen_back, self.seven_back, self.sum]
            .into_iter()
            .flatten();
        let last = terms.clone().count().wrapping_sub(1);
        for (i, term) in terms.enumerate() {
            let to = if self.two_back.is_none() && i == last {
                w
            } else {
                x
            };
            match sum {
                Some(so_far) => isa.add(&mut out, to, so_far, term, y),
                None => isa.load(&mut out, to, term),
            }
            sum = Some(to);
        }
        if self.two_back.is_some() {
            // Its temporaries: x holds the sum, so the third is one of two.
            isa.small_sigma(&mut out, w, w, SMALL_SIGMA[1], [y, z]);
            if sum.is_some() {
                isa.add(&mut out, w, w, x.into(), y);
            }
        } else if sum == Some(x) {
            isa.load(&mut out, w, x.into());
        }
        if self.needed_again {
            out.push(Op::Move.to(self.store, [w.into()]));
        }
        out
    }

    /// All words are taken from memory, and the new one goes there.
    pub fn in_memory(&self, isa: &dyn InMemory) -> Lines {
        let [x, y, z] = isa.file().schedule;
        let mut out = Lines::new();
        // Whether x holds a sum so far.
        let mut begun = false;
        if let Some(source) = self.fifteen_back {
            isa.small_sigma(&mut out, x, source, SMALL_SIGMA[0], y);
            begun = true;
        }
        for term in [self.sixteen_back, self.seven_back, self.sum]
            .into_iter()
            .flatten()
        {
            match begun {
                true => isa.add(&mut out, x, x, term, y),
                false => isa.load(&mut out, x, term),
            }
            begun = true;
        }
        let mut w = x;
        if let Some(source) = self.two_back {
            w = y;
            isa.small_sigma(&mut out, y, source, SMALL_SIGMA[1], z);
            if begun {
                isa.add(&mut out, y, y, x.into(), z);
            }
        }
        out.push(Op::Move.to(self.store, [w.into()]));
        out
    }
}
