//! Instructions as x86-64 assembly, in Intel's syntax: the only place that knows how they are written.

use std::fmt::Write as _;

use crate::{
    op::{Instruction, Op},
    operand::{Class, Label, Operand, Register, Slot},
    program::{Code, Program},
};

const GENERAL: [&str; 16] = [
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15",
];
const WORD: [&str; 8] = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"];

/// Writes text for one program.
struct Writer<'a> {
    text: String,
    /// What the names of labels begin with.
    prefix: &'a str,
    /// Whether vector instructions are those of SSE, whose destination is their first source.
    is_legacy: bool,
}

/// A kernel: code, constants and jump table.
pub fn program(program: &Program, local: &str) -> String {
    let prefix = format!("{local}paydirt_{}_", program.name);
    let mut writer = Writer {
        text: String::new(),
        prefix: &prefix,
        is_legacy: program.is_legacy,
    };
    writer.code(&program.code);
    writer.data(program);
    writer.text
}

/// Code alone.
pub fn code(code: &Code, name: &str, local: &str) -> String {
    let prefix = format!("{local}paydirt_{name}_");
    let mut writer = Writer {
        text: String::new(),
        prefix: &prefix,
        is_legacy: false,
    };
    writer.code(code);
    writer.text
}

impl Writer<'_> {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        self.text.write_fmt(line).expect("a String");
        self.text.push('\n');
    }

    fn label(&self, label: Label) -> String {
        match label {
            Label::Entry(index) => format!("{}{index}", self.prefix),
            Label::Named(name) => format!("{}{name}", self.prefix),
        }
    }

    fn code(&mut self, code: &Code) {
        for piece in &code.pieces {
            if let Some(label) = piece.label {
                let label = self.label(label);
                self.line(format_args!(".p2align 6\n{label}:"));
            }
            for instruction in piece.code() {
                self.instruction(instruction);
            }
        }
    }

    fn data(&mut self, program: &Program) {
        let (pool, table) = (self.label(Program::POOL), self.label(Program::TABLE));
        self.line(format_args!(".p2align 6\n{pool}:"));
        for byte in program.pool.pattern() {
            self.line(format_args!(".byte {byte}"));
        }
        for value in program.pool.words() {
            self.line(format_args!(".long {value:#010x}"));
        }
        self.line(format_args!("{table}:"));
        for label in program.table() {
            let label = self.label(label);
            self.line(format_args!(".long {label} - {table}"));
        }
    }

    fn instruction(&mut self, instruction: &Instruction) {
        if self.is_legacy && instruction.width().is_some() {
            return self.legacy(instruction);
        }
        if instruction.op == Op::MoveMasked {
            return self.masked(instruction);
        }
        self.operands(instruction, mnemonic(instruction), instruction.operands());
    }

    /// A store whose mask stands with its destination.
    fn masked(&mut self, instruction: &Instruction) {
        let mut operands = instruction.operands();
        let mut next = || operands.next().expect("destination, source and mask");
        let [to, from, mask] = [next(), next(), next()];
        self.push(format_args!("{} ", mnemonic(instruction)));
        self.operand(instruction, to);
        self.text.push('{');
        self.operand(instruction, mask);
        self.text.push_str("}, ");
        self.operand(instruction, from);
        self.text.push('\n');
    }

    /// A vector instruction as SSE has it: where two sources are combined, the destination must be the first, and becomes
    /// it by a move.
    fn legacy(&mut self, instruction: &Instruction) {
        let mnemonic = mnemonic(instruction);
        let mnemonic = mnemonic.strip_prefix('v').unwrap_or(mnemonic);
        let [first, second, _] = instruction.from;
        let combines = matches!(second, Some(Operand::Register(_) | Operand::Slot(_)));
        let to = instruction
            .to
            .filter(|_| combines && !instruction.op.reads_destination());
        let (Some(to), Some(first)) = (to, first) else {
            return self.operands(instruction, mnemonic, instruction.operands());
        };
        if to != first {
            assert!(second != Some(to), "the move would lose the second source");
            self.legacy(&Op::Move.to(to, [first]));
        }
        let rest = instruction.operands().skip(2);
        self.operands(instruction, mnemonic, [to].into_iter().chain(rest));
    }

    fn operands(
        &mut self,
        instruction: &Instruction,
        mnemonic: &str,
        operands: impl Iterator<Item = Operand>,
    ) {
        self.text.push_str(mnemonic);
        for (i, operand) in operands.enumerate() {
            self.text.push_str(if i == 0 { " " } else { ", " });
            self.operand(instruction, operand);
        }
        self.text.push('\n');
    }

    fn operand(&mut self, instruction: &Instruction, operand: Operand) {
        match operand {
            Operand::Register(register) => self.register(register),
            Operand::Constant(table) if instruction.op == Op::Ternary => {
                self.push(format_args!("{table:#04x}"))
            }
            Operand::Constant(value) => self.push(format_args!("{value}")),
            Operand::Label(label) if instruction.op == Op::LoadAddress => {
                let label = self.label(label);
                self.push(format_args!("[rip + {label}]"));
            }
            Operand::Label(label) => self.text.push_str(&self.label(label)),
            Operand::Slot(slot) => {
                self.text.push_str(slot_size(instruction));
                self.slot(slot);
            }
            Operand::Broadcast(slot) => {
                self.text.push_str("dword ptr ");
                self.slot(slot);
                let lanes = instruction.width().map_or(1, Class::lanes);
                self.push(format_args!("{{1to{lanes}}}"));
            }
        }
    }

    fn register(&mut self, Register { class, number }: Register) {
        match class {
            Class::General => self.text.push_str(GENERAL[usize::from(number)]),
            Class::Word => self.text.push_str(WORD[usize::from(number)]),
            Class::Mask => self.push(format_args!("k{number}")),
            Class::Xmm => self.push(format_args!("xmm{number}")),
            Class::Ymm => self.push(format_args!("ymm{number}")),
            Class::Zmm => self.push(format_args!("zmm{number}")),
        }
    }

    fn slot(&mut self, slot: Slot) {
        self.text.push('[');
        self.register(slot.base);
        if let Some(index) = slot.index {
            self.text.push_str(" + 4 * ");
            self.register(index);
        } else {
            let sign = if slot.bytes < 0 { '-' } else { '+' };
            self.push(format_args!(" {sign} {}", slot.bytes.unsigned_abs()));
        }
        self.text.push(']');
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        self.text.write_fmt(text).expect("a String");
    }
}

/// How many bytes of memory a slot of this instruction is.
fn slot_size(instruction: &Instruction) -> &'static str {
    match (instruction.op, instruction.width()) {
        (Op::LoadAddress, _) => "",
        (Op::Broadcast | Op::LoadSigned | Op::ExtractWord, _) => "dword ptr ",
        (Op::MoveQuad | Op::BroadcastQuad, _) => "qword ptr ",
        (Op::InsertUpper, _) => "xmmword ptr ",
        (Op::LoadMask, _) => "word ptr ",
        (Op::Move, None) => "qword ptr ",
        (_, Some(Class::Zmm)) => "zmmword ptr ",
        (_, Some(Class::Ymm)) => "ymmword ptr ",
        _ => "xmmword ptr ",
    }
}

/// Whether it needs AVX-512's encoding, which has mnemonics of its own for moves and bitwise functions.
fn is_extended(instruction: &Instruction) -> bool {
    let extended = |operand| match operand {
        Operand::Register(Register { class, number }) => {
            class == Class::Zmm || (matches!(class, Class::Xmm | Class::Ymm) && number >= 16)
        }
        Operand::Broadcast(_) => true,
        _ => false,
    };
    instruction.operands().any(extended)
}

fn mnemonic(instruction: &Instruction) -> &'static str {
    match instruction.op {
        Op::RotateRight => "vprord",
        Op::ShiftRight => "vpsrld",
        Op::ShiftLeft => "vpslld",
        Op::Ternary => "vpternlogd",
        Op::Xor if is_extended(instruction) => "vpxord",
        Op::Xor => "vpxor",
        Op::And if is_extended(instruction) => "vpandd",
        Op::And => "vpand",
        Op::Add => "vpaddd",
        Op::Subtract => "vpsubd",
        Op::Minimum => "vpminud",
        Op::Equal => "vpcmpeqd",
        Op::Compare => "vpcmpud",
        Op::SignMask => "vmovmskps",
        Op::ShuffleBytes => "vpshufb",
        Op::ShuffleWords => "vpshufd",
        Op::InsertUpper if is_extended(instruction) => "vinserti32x4",
        Op::InsertUpper => "vinserti128",
        Op::AlignBytes => "vpalignr",
        Op::UnpackWordsLow => "vpunpckldq",
        Op::UnpackWordsHigh => "vpunpckhdq",
        Op::UnpackLow => "vpunpcklqdq",
        Op::UnpackHigh => "vpunpckhqdq",
        Op::Move if instruction.width().is_none() => "mov",
        Op::Move if is_extended(instruction) => "vmovdqa64",
        Op::Move => "vmovdqa",
        Op::MoveMasked => "vmovdqu32",
        Op::LoadMask => "kmovw",
        Op::MoveQuad => "vmovq",
        Op::BroadcastQuad => "vmovddup",
        Op::ExtractWord => "vpextrd",
        Op::MoveWord => "vmovd",
        Op::Broadcast => "vpbroadcastd",
        Op::Sha256Rounds => "sha256rnds2",
        Op::Sha256Message1 => "sha256msg1",
        Op::Sha256Message2 => "sha256msg2",
        Op::ZeroUpper => "vzeroupper",
        Op::JoinMasks => "kunpckwd",
        Op::MaskToWord => "kmovd",
        Op::LoadAddress => "lea",
        Op::LoadSigned => "movsxd",
        Op::Advance => "add",
        Op::Exchange => "xchg",
        Op::Decrement => "dec",
        Op::JumpIfNotZero => "jnz",
        Op::Jump => "jmp",
        Op::Call => "call",
        Op::Return => "ret",
    }
}
