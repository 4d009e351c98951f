//! Instructions: what each does, and what it asks of the processor.

use crate::operand::{Class, Operand, Register};

/// What an instruction does. Vector operations take each 32-bit lane by itself unless said otherwise, and clear what is
/// above their width; those of the SHA extension leave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Op {
    /// Rotates right by a constant.
    RotateRight,
    /// Shifts right by a constant.
    ShiftRight,
    /// Shifts left by a constant.
    ShiftLeft,
    /// Any function of three bits, by its truth table: bit 4x + 2y + z is the function of destination, first and second
    /// source.
    Ternary,
    /// Exclusive or.
    Xor,
    /// And.
    And,
    /// The sum.
    Add,
    /// The first source less the second.
    Subtract,
    /// The lesser, unsigned.
    Minimum,
    /// All ones where both are equal.
    Equal,
    /// A mask of the lanes where the comparison named by the constant holds; 2 is "at most", unsigned.
    Compare,
    /// The highest bit of each lane, into a general register.
    SignMask,
    /// The bytes that the second source names, within each 16.
    ShuffleBytes,
    /// The words that the constant names, two bits each, within each four.
    ShuffleWords,
    /// Words 0 of both sources, the first below, then words 1, within each 16 bytes.
    UnpackWordsLow,
    /// Words 2, then words 3.
    UnpackWordsHigh,
    /// The lower 64 bits of both sources, the first below, within each 16 bytes.
    UnpackLow,
    /// The upper ones.
    UnpackHigh,
    /// 16 bytes of memory, the second source, into the upper half of a ymm register; the lower half is the first source's.
    InsertUpper,
    /// Both sources side by side, the first above, moved right by so many bytes, within each 16.
    AlignBytes,
    /// A whole register, loaded, stored or copied; memory is aligned.
    Move,
    /// The lanes of the first source that the mask, the second, names, into memory, which need not be aligned.
    MoveMasked,
    /// 64 bits from memory into the lower half of an xmm register.
    MoveQuad,
    /// The lane that the constant names, into memory.
    ExtractWord,
    /// 64 bits from memory into both halves of an xmm register.
    BroadcastQuad,
    /// 32 bits from a general register into the lowest lane.
    MoveWord,
    /// 32 bits into every lane, from memory, a general register, or another's lowest lane.
    Broadcast,
    /// Two rounds. Destination C D G H becomes A B E F; the sources are the old A B E F, and the sums of constants and
    /// words, always in xmm0.
    Sha256Rounds,
    /// `w[t-16] + σ0(w[t-15])` of four schedule words.
    Sha256Message1,
    /// Adds `σ1(w[t-2])` to four schedule words.
    Sha256Message2,
    /// Clears all but the lower 16 bytes of vector registers 0 to 15.
    ZeroUpper,
    /// A mask of 16 from memory.
    LoadMask,
    /// Two masks of 16, the second source below.
    JoinMasks,
    /// A mask of 32 into a general register.
    MaskToWord,
    /// The address of a slot or label.
    LoadAddress,
    /// 32 bits from memory, with their sign.
    LoadSigned,
    /// Adds to a general register.
    Advance,
    /// Exchanges two general registers.
    Exchange,
    /// Takes one from a general register.
    Decrement,
    /// Goes to the label unless the last decrement gave zero.
    JumpIfNotZero,
    /// Goes to a label, or where a register says.
    Jump,
    /// Calls the label.
    Call,
    /// Returns.
    Return,
}

/// The unit of the processor that an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A vector rotate or shift.
    Rotate,
    /// A bitwise function.
    Logic,
    /// A 32-bit addition.
    Add,
    /// Any other vector operation that takes an execution slot: shuffle, compare, SHA.
    Other,
    /// Loads, stores, register moves, scalar code: they take no slot of the vector units.
    Free,
}

impl Op {
    /// The unit that it takes.
    pub const fn unit(self) -> Unit {
        match self {
            Op::RotateRight | Op::ShiftRight | Op::ShiftLeft => Unit::Rotate,
            Op::Ternary | Op::Xor | Op::And => Unit::Logic,
            Op::Add | Op::Subtract => Unit::Add,
            Op::Minimum | Op::Equal | Op::Compare | Op::SignMask => Unit::Other,
            Op::ShuffleBytes | Op::ShuffleWords | Op::AlignBytes => Unit::Other,
            Op::UnpackWordsLow | Op::UnpackWordsHigh | Op::InsertUpper => Unit::Other,
            Op::UnpackLow | Op::UnpackHigh | Op::ExtractWord => Unit::Other,
            Op::Sha256Rounds | Op::Sha256Message1 | Op::Sha256Message2 => Unit::Other,
            _ => Unit::Free,
        }
    }

    /// Whether the destination is a source too.
    pub const fn reads_destination(self) -> bool {
        matches!(
            self,
            Op::Ternary
                | Op::Sha256Rounds
                | Op::Sha256Message1
                | Op::Sha256Message2
                | Op::Advance
                | Op::Exchange
                | Op::Decrement
        )
    }

    /// The instruction with this destination and these sources.
    pub fn to<const N: usize>(self, to: impl Into<Operand>, from: [Operand; N]) -> Instruction {
        Instruction {
            op: self,
            to: Some(to.into()),
            from: sources(from),
        }
    }

    /// The instruction, without a destination.
    pub fn of<const N: usize>(self, from: [Operand; N]) -> Instruction {
        let from = sources(from);
        Instruction {
            op: self,
            to: None,
            from,
        }
    }
}

fn sources<const N: usize>(from: [Operand; N]) -> [Option<Operand>; 3] {
    std::array::from_fn(|i| from.get(i).copied())
}

/// One instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// What it does.
    pub op: Op,
    /// Where the result goes.
    pub to: Option<Operand>,
    /// What it takes, in order, but for a destination that is read.
    pub from: [Option<Operand>; 3],
}

impl Instruction {
    /// All its operands, the destination first.
    pub fn operands(&self) -> impl Iterator<Item = Operand> {
        self.to.into_iter().chain(self.from.into_iter().flatten())
    }

    /// The widest of its vector registers, if it has any.
    pub fn width(&self) -> Option<Class> {
        let vector = |operand| match operand {
            Operand::Register(Register { class, .. }) if class.bytes() >= Class::Xmm.bytes() => Some(class),
            _ => None,
        };
        self.operands()
            .filter_map(vector)
            .max_by_key(|class| class.bytes())
    }
}

/// Instructions in order.
pub type Lines = Vec<Instruction>;
