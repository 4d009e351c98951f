//! One round, and one step of the message schedule, of one stream.
//!
//! The eight state words stay in eight registers; instead of moving them down by one after each round, their *names*
//! move: see [`Registers::role`].

use crate::code::Lines;
use paydirt_sha256::{BIG_SIGMA, SMALL_SIGMA};

/// A vector register, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register(pub u8);

/// The last operand of an addition.
#[derive(Clone, Debug)]
pub enum Operand {
    Register(Register),
    /// A whole vector in memory, aligned.
    Vector(String),
    /// 32 bits in memory, the same for every lane.
    Scalar(String),
}

/// The registers of one stream.
#[derive(Clone, Copy)]
pub struct Registers {
    pub state: [Register; 8],
    /// For rounds.
    pub temps: [Register; 3],
    /// For the schedule, so that it can be interleaved with rounds.
    pub schedule: [Register; 3],
    /// The last two words of the schedule: w[t] is in `recent[t % 2]`. Where registers are few, all words are taken
    /// from memory.
    pub recent: Option<[Register; 2]>,
    /// a ^ b of the last round: that of round t is in `kept[t % 2]`. A round later it is b ^ c. Only where there is no
    /// instruction for the majority.
    pub kept: Option<[Register; 2]>,
}

impl Registers {
    /// The register that holds state word `role` (0 is a, 7 is h) when round `t` begins. What was a is b a round later,
    /// and so on; the new a is made in h's register and the new e in d's.
    pub fn role(&self, role: usize, t: usize) -> Register {
        self.state[(role + 64 - t) % 8]
    }

    /// What [`Self::kept`] must hold before round `t`, where that round's b and c did not come from a round.
    pub fn keep(&self, isa: &dyn Isa, t: usize) -> Lines {
        let mut out = Lines::new();
        if let Some(kept) = self.kept {
            let [b, c] = [self.role(1, t), self.role(2, t)];
            isa.xor(&mut out, kept[(t + 1) % 2], [b, c]);
        }
        out
    }
}

/// The instructions of a processor extension, as rounds need them. `to` may be any register, unless said otherwise;
/// the others are not changed.
pub trait Isa {
    fn name(&self) -> &'static str;
    /// Bytes that a constant takes in the pool: one number, or one for each lane.
    fn constant_bytes(&self) -> usize;
    /// Operations of a full round and its schedule step: rotates, functions, additions. And how many registers there
    /// are.
    fn mix(&self) -> ([usize; 3], u8);
    fn streams(&self) -> usize;
    fn registers(&self, stream: usize) -> Registers;
    /// The exclusive or of three rotations of `x`; `to` and the temporaries are not `x`.
    fn big_sigma(&self, out: &mut Lines, to: Register, x: Register, by: [u32; 3], temps: [Register; 2]);
    /// The exclusive or of two rotations and a shift of `x`; `to` may be `x`, the temporaries not.
    fn small_sigma(&self, out: &mut Lines, to: Register, x: Register, by: [u32; 3], temps: [Register; 2]);
    /// The same of a vector in memory.
    fn small_sigma_of(&self, out: &mut Lines, to: Register, x: &Operand, by: [u32; 3], temps: [Register; 2]);
    /// `to` is none of the others.
    fn choose(&self, out: &mut Lines, to: Register, efg: [Register; 3]);
    /// `to` is none of the others. With `kept`: the first holds a ^ b already, the second b ^ c, and is lost.
    fn majority(&self, out: &mut Lines, to: Register, abc: [Register; 3], kept: Option<[Register; 2]>);
    /// A single rotation, and a single function of three (`to` is one of them): for measuring.
    fn rotate(&self, out: &mut Lines, to: Register, x: Register, by: u32);
    fn xor(&self, out: &mut Lines, to: Register, others: [Register; 2]);
    /// The first argument of a function into every lane.
    fn fill(&self, out: &mut Lines, to: Register);
    /// `temp` is where a scalar may be spread over the lanes; it may be `to` unless that is `x`.
    fn add(&self, out: &mut Lines, to: Register, x: Register, y: &Operand, temp: Register);
    fn copy(&self, out: &mut Lines, to: Register, from: Register);
    fn load(&self, out: &mut Lines, to: Register, from: &Operand);
    fn store(&self, out: &mut Lines, to: &str, from: Register);
    fn swap_bytes(&self, out: &mut Lines, x: Register, pattern: &Operand);
    /// `x -= y`, a scalar; spread over `temp`.
    fn subtract(&self, out: &mut Lines, x: Register, y: &Operand, temp: Register);
    /// Remembers the lanes of `stream` where `x <= span`, unsigned.
    fn at_most(&self, out: &mut Lines, stream: usize, x: Register, span: &Operand, temp: Register);
    /// Scalar code that returns them in `eax`.
    fn return_lanes(&self) -> &'static str;
}

/// What becomes of h and d before a round.
#[derive(Clone)]
pub enum Entry {
    /// Both vary: they are in their registers, and K (with the word, where that is uniform) is added to h.
    Varying { k: Operand },
    /// Both are uniform: only the sums h + K and d + h + K (with the word, where that is uniform) are needed.
    Uniform { h_k: Operand, d_h_k: Operand },
}

/// Which of its two results a round must deliver.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Results {
    Both,
    OnlyA,
    OnlyE,
}

/// A round: FIPS 180-4 §6.2.2, step 3.
pub struct Round {
    pub t: usize,
    pub entry: Entry,
    /// The word, where it varies.
    pub word: Option<Operand>,
    pub results: Results,
}

impl Round {
    /// ```text
    /// h' = h + K + w + Σ1(e) + Ch(e, f, g)      e = d + h'      a = h' + Σ0(a) + Maj(a, b, c)
    /// ```
    /// K, w and Ch are added first: the path from one e to the next is a rotation, an exclusive or and two additions.
    pub fn emit(&self, isa: &dyn Isa, r: &Registers) -> Lines {
        let [a, b, c, d, e, f, g, h] = std::array::from_fn(|role| r.role(role, self.t));
        let [t0, t1, t2] = r.temps;
        let mut out = Lines::new();
        match &self.entry {
            Entry::Varying { k } => {
                isa.add(&mut out, h, h, k, t0);
                isa.big_sigma(&mut out, t0, e, BIG_SIGMA[1], [t1, t2]);
                isa.choose(&mut out, t1, [e, f, g]);
                if let Some(word) = &self.word {
                    isa.add(&mut out, h, h, word, t2);
                }
                isa.add(&mut out, h, h, &Operand::Register(t1), t2);
                isa.add(&mut out, h, h, &Operand::Register(t0), t2);
                if self.results != Results::OnlyA {
                    isa.add(&mut out, d, d, &Operand::Register(h), t2);
                }
            }
            Entry::Uniform { h_k, d_h_k } => {
                isa.big_sigma(&mut out, t0, e, BIG_SIGMA[1], [t1, t2]);
                isa.choose(&mut out, t1, [e, f, g]);
                if let Some(word) = &self.word {
                    isa.add(&mut out, t1, t1, word, t2);
                }
                isa.add(&mut out, t0, t0, &Operand::Register(t1), t2);
                isa.add(&mut out, d, t0, d_h_k, d);
                isa.add(&mut out, h, t0, h_k, h);
            }
        }
        if self.results != Results::OnlyE {
            let kept = r.kept.map(|kept| [kept[self.t % 2], kept[(self.t + 1) % 2]]);
            if let Some([now, _]) = kept {
                isa.xor(&mut out, now, [a, b]);
            }
            isa.big_sigma(&mut out, t0, a, BIG_SIGMA[0], [t1, t2]);
            isa.majority(&mut out, t1, [a, b, c], kept);
            isa.add(&mut out, h, h, &Operand::Register(t1), t2);
            isa.add(&mut out, h, h, &Operand::Register(t0), t2);
        }
        out
    }
}

/// A step of the schedule: FIPS 180-4 §6.2.2, step 1. Each source is there if it varies; the rest is in `sum`.
pub struct Step {
    pub t: usize,
    /// Read only where there is no `recent`.
    pub two_back: Option<Operand>,
    pub seven_back: Option<Operand>,
    pub fifteen_back: Option<Operand>,
    pub sixteen_back: Option<Operand>,
    /// The uniform terms, where they are not zero.
    pub sum: Option<Operand>,
    /// Where it is stored, if it is needed again.
    pub store: Option<String>,
}

impl Step {
    pub fn emit(&self, isa: &dyn Isa, r: &Registers) -> Lines {
        match r.recent {
            Some(recent) => self.emit_in_registers(isa, r.schedule, recent[self.t % 2]),
            None => self.emit_in_memory(isa, r.schedule),
        }
    }

    /// With w[t-2] in `w`, where the new word is wanted.
    fn emit_in_registers(&self, isa: &dyn Isa, [x, y, z]: [Register; 3], w: Register) -> Lines {
        let mut out = Lines::new();
        // Where the sum stands so far; it ends up in w.
        let mut sum = None;
        if let Some(source) = &self.fifteen_back {
            isa.load(&mut out, x, source);
            isa.small_sigma(&mut out, x, x, SMALL_SIGMA[0], [y, z]);
            sum = Some(x);
        }
        let mut terms: Vec<&Operand> = Vec::new();
        terms.extend(&self.sixteen_back);
        terms.extend(&self.seven_back);
        terms.extend(&self.sum);
        if self.two_back.is_some() {
            for term in terms.drain(..) {
                match sum {
                    Some(so_far) => isa.add(&mut out, x, so_far, term, y),
                    None => isa.load(&mut out, x, term),
                }
                sum = Some(x);
            }
            // Its temporaries: x holds the sum, so the third is one of two.
            isa.small_sigma(&mut out, w, w, SMALL_SIGMA[1], [y, z]);
            if sum.is_some() {
                isa.add(&mut out, w, w, &Operand::Register(x), y);
            }
        } else {
            let last = terms.len().wrapping_sub(1);
            for (i, term) in terms.into_iter().enumerate() {
                let to = if i == last { w } else { x };
                match sum {
                    Some(so_far) => isa.add(&mut out, to, so_far, term, y),
                    None => isa.load(&mut out, to, term),
                }
                sum = Some(to);
            }
            if sum == Some(x) {
                isa.copy(&mut out, w, x);
            }
        }
        if let Some(address) = &self.store {
            isa.store(&mut out, address, w);
        }
        out
    }

    /// All words are taken from memory, and the new one goes there.
    fn emit_in_memory(&self, isa: &dyn Isa, [x, y, z]: [Register; 3]) -> Lines {
        let mut out = Lines::new();
        // Whether x holds a sum so far.
        let mut begun = false;
        if let Some(source) = &self.fifteen_back {
            isa.small_sigma_of(&mut out, x, source, SMALL_SIGMA[0], [y, z]);
            begun = true;
        }
        for term in [&self.sixteen_back, &self.seven_back, &self.sum]
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
        if let Some(source) = &self.two_back {
            w = y;
            isa.small_sigma_of(&mut out, y, source, SMALL_SIGMA[1], [z, z]);
            if begun {
                isa.add(&mut out, y, y, &Operand::Register(x), z);
            }
        }
        if let Some(address) = &self.store {
            isa.store(&mut out, address, w);
        }
        out
    }
}
