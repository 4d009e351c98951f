//! What an instruction can name: registers, places in memory, numbers, labels.

/// What kind of register, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// 64 bits, for addresses.
    General,
    /// The lower 32 bits of a general register.
    Word,
    /// A mask of up to 64 lanes.
    Mask,
    /// 4 lanes of 32 bits.
    Xmm,
    /// 8 lanes: an xmm register is its lower half.
    Ymm,
    /// 16 lanes: a ymm register is its lower half.
    Zmm,
}

impl Class {
    /// Bytes of a register.
    pub const fn bytes(self) -> usize {
        match self {
            Class::Word => 4,
            Class::General | Class::Mask => 8,
            Class::Xmm => 16,
            Class::Ymm => 32,
            Class::Zmm => 64,
        }
    }

    /// Lanes of 32 bits.
    pub const fn lanes(self) -> usize {
        self.bytes() / 4
    }
}

/// A register. General ones are numbered as the processor does: see [`RAX`] and those after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register {
    /// Its kind.
    pub class: Class,
    /// Its number within the kind.
    pub number: u8,
}

impl Register {
    /// Register `number` of this class.
    pub const fn new(class: Class, number: u8) -> Self {
        Self { class, number }
    }
}

const fn general(number: u8) -> Register {
    Register::new(Class::General, number)
}

/// The index of the piece to begin with becomes its address here.
pub const RAX: Register = general(0);
/// Points at a word of a schedule.
pub const RCX: Register = general(1);
/// Points at a round constant, or at sums of round constant and word.
pub const RDX: Register = general(2);
/// The second argument.
pub const RSI: Register = general(6);
/// The first argument: the context.
pub const RDI: Register = general(7);
/// Points at the scalars.
pub const R8: Register = general(8);
/// Points at the pool.
pub const R9: Register = general(9);
/// The piece after a block.
pub const R10: Register = general(10);
/// The piece after a digest.
pub const R11: Register = general(11);
/// The result.
pub const EAX: Register = Register::new(Class::Word, 0);
/// The first argument as a number.
pub const EDI: Register = Register::new(Class::Word, 7);

/// A place in memory, as an instruction names it: so many bytes from where a register points. A
/// [`layout`](crate::layout) says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The register.
    pub base: Register,
    /// Four times this register is added.
    pub index: Option<Register>,
    /// The distance.
    pub bytes: i32,
}

impl Slot {
    /// So many bytes from where `base` points.
    pub const fn at(base: Register, bytes: i32) -> Self {
        let index = None;
        Self { base, index, bytes }
    }
}

/// Where a piece of code, or a table, begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Label {
    /// A piece that the jump table names, by its index there.
    Entry(usize),
    /// Any other.
    Named(&'static str),
}

/// One operand of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A register.
    Register(Register),
    /// As many bytes in memory as the instruction works on.
    Slot(Slot),
    /// 32 bits in memory, the same for every lane.
    Broadcast(Slot),
    /// A number in the instruction.
    Constant(u32),
    /// The address of a label.
    Label(Label),
}

impl From<Register> for Operand {
    fn from(register: Register) -> Self {
        Operand::Register(register)
    }
}

impl From<Slot> for Operand {
    fn from(slot: Slot) -> Self {
        Operand::Slot(slot)
    }
}

impl From<u32> for Operand {
    fn from(value: u32) -> Self {
        Operand::Constant(value)
    }
}

impl From<Label> for Operand {
    fn from(label: Label) -> Self {
        Operand::Label(label)
    }
}
