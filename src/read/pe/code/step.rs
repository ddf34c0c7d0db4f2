//! What one instruction does to the state.

use super::super::openers::TEXT_FLAGS;
use super::analysis::Engine;
use super::arithmetic::is_truth;
use super::bulk::{is_vector_join, is_vector_move, vector};
use super::slot::Slot;
use super::state::{RSP, Wide};
use super::value::{Kind, Value, mask};
use iced_x86::{Instruction, Mnemonic, OpKind, Register};

/// Number of a general register, however wide.
fn general(register: Register) -> Option<usize> {
    register.is_gpr().then(|| register.full_register().number())
}

impl Engine<'_, '_> {
    /// Executes an instruction.
    pub(crate) fn step(&mut self, instruction: &Instruction, next: Option<&Instruction>) {
        use Mnemonic as M;
        let numbers = if self.is_given { self.compares(instruction) } else { None };
        let compared = numbers.or_else(|| self.found(instruction));
        if !self.is_given {
            self.note_tested(instruction);
        }
        match instruction.mnemonic() {
            M::Mov => {
                let value = self.operand(instruction, 1);
                self.assign(instruction, 0, value);
            }
            M::Movzx => {
                let value = self.operand(instruction, 1);
                self.note_loaded(instruction, value);
                self.assign(instruction, 0, value);
            }
            M::Movsxd | M::Movsx => {
                let value = self.operand(instruction, 1);
                self.note_loaded(instruction, value);
                self.assign(instruction, 0, extended(instruction, value));
            }
            M::Lea => {
                let address = self.address(instruction);
                self.assign(instruction, 0, address);
            }
            M::Push => {
                let value = self.operand(instruction, 0);
                self.push(value);
            }
            M::Pop => {
                let value = self.pop();
                self.assign(instruction, 0, value);
            }
            M::Leave => {
                if let Some(rbp) = self.state.registers.get(5).copied() {
                    self.state.registers[RSP] = rbp;
                }
                let value = self.pop();
                self.state.registers[5] = value;
            }
            M::Sub if instruction.op0_register().full_register() != Register::RSP => {
                self.note_loaded_letter(instruction);
                self.arithmetic(instruction);
            }
            M::Add
            | M::Sub
            | M::And
            | M::Or
            | M::Bts
            | M::Btr
            | M::Xor
            | M::Shl
            | M::Sal
            | M::Shr
            | M::Sar
            | M::Imul
            | M::Sbb
            | M::Neg
            | M::Not => {
                self.arithmetic(instruction);
                // What was pushed before room is made for variables and arguments is saved, not handed on.
                if instruction.mnemonic() == M::Sub && instruction.op0_register().full_register() == Register::RSP {
                    self.pushed = 0;
                }
            }
            M::Inc | M::Dec => {
                let by = if instruction.mnemonic() == M::Inc { 1 } else { -1 };
                let value = self.operand(instruction, 0).plus(by, self.is_64());
                self.assign(instruction, 0, value);
            }
            M::Xchg => {
                let (a, b) = (self.operand(instruction, 0), self.operand(instruction, 1));
                self.assign(instruction, 0, b);
                self.assign(instruction, 1, a);
            }
            M::Call => self.call(instruction, next),
            M::Jmp => self.tail_call(instruction),
            M::Test => {
                self.note_loaded_letter(instruction);
                let (flags, mask) = (self.operand(instruction, 0), self.operand(instruction, 1));
                self.note_flags(flags, mask);
            }
            // Whether a string ends in a separator.
            M::Cmp if instruction.op0_kind() == OpKind::Memory => {
                if let address @ Value::Sym(symbol, -2..=-1) = self.address(instruction)
                    && matches!(self.symbols.kind(symbol), Kind::End(..))
                {
                    self.load(address, 1);
                }
                self.note_characters(instruction);
            }
            M::Cmp if instruction.op1_kind() == OpKind::Memory => self.note_characters(instruction),
            M::Cmp => self.note_loaded_letter(instruction),
            M::Bt | M::Nop | M::Endbr64 | M::Endbr32 | M::Prefetchnta | M::Comiss | M::Comisd => {}
            M::Ucomiss | M::Ucomisd | M::Ret | M::Int3 => {}
            M::Cdq | M::Cqo => self.state.registers[2] = Value::Unknown,
            M::Cdqe | M::Cwde => {}
            M::Mul | M::Div | M::Idiv => {
                self.state.registers[0] = Value::Unknown;
                self.state.registers[2] = Value::Unknown;
            }
            M::Cpuid => {
                for register in 0..4 {
                    self.state.registers[register] = Value::Unknown;
                }
            }
            M::Stosb | M::Stosw | M::Stosd | M::Stosq => self.store_string(instruction),
            // An SSE register is stored by what is called the same.
            M::Movsb | M::Movsw | M::Movsd | M::Movsq if instruction.is_string_instruction() => {
                self.move_string(instruction);
            }
            M::Scasb | M::Scasw | M::Cmpsb | M::Lodsb => {
                for register in [6, 7] {
                    self.state.registers[register] = self.inside(self.state.registers[register]);
                }
                for register in [0, 1] {
                    self.state.registers[register] = Value::Unknown;
                }
            }
            mnemonic if is_vector_move(mnemonic) => self.vector_move(instruction),
            M::Movhps | M::Movhpd if instruction.op0_kind() == OpKind::Memory => self.forget(instruction),
            mnemonic if is_vector_join(mnemonic) => self.vector_join(instruction),
            M::Pxor | M::Xorps | M::Xorpd | M::Vpxor | M::Vxorps => self.vector_clear(instruction),
            _ if instruction.is_jcc_short_or_near() => {}
            mnemonic if is_conditional_move(mnemonic) => self.conditional_move(instruction),
            mnemonic if is_truth(mnemonic) => self.truth(instruction, next),
            _ => self.forget(instruction),
        }
        if self.is_given || compared.is_some() || self.compared.is_some() {
            self.note_compared(instruction, compared);
        }
    }

    pub(crate) fn is_64(&self) -> bool {
        self.program.image.is_64()
    }

    /// The value of a register as wide as it is named.
    pub(crate) fn register(&self, register: Register) -> Value {
        let Some(number) = general(register) else { return Value::Unknown };
        let value = self.state.registers.get(number).copied().unwrap_or(Value::Unknown);
        if let Some(Kind::Low(byte)) = self.symbols.kind_of(value) {
            let is_low = register.size() == 1 && !is_high(register);
            return if is_low { Value::Const(u64::from(byte)) } else { Value::Unknown };
        }
        if let Some(Kind::Second(low, high)) = self.symbols.kind_of(value) {
            let known = match (register.size(), low) {
                (1, _) if is_high(register) => Some(u64::from(high)),
                (1, low) => low.map(u64::from),
                (2, Some(low)) => Some(u64::from(high) << 8 | u64::from(low)),
                _ => None,
            };
            return known.map_or(Value::Unknown, Value::Const);
        }
        match (register.size(), value) {
            (8, value) => value,
            (4, Value::Const(c)) => Value::Const(c & 0xffff_ffff),
            (4, Value::Stack(_)) if self.is_64() => Value::Unknown,
            (4, value) => value,
            (2, Value::Const(c)) => Value::Const(c & 0xffff),
            (1, Value::Const(c)) if !is_high(register) => Value::Const(c & 0xff),
            (1, Value::Const(c)) => Value::Const(c >> 8 & 0xff),
            // One of a few numbers that fit into a byte.
            (1, value) if !is_high(register) && self.is_small(value) => value,
            _ => Value::Unknown,
        }
    }

    fn is_small(&self, value: Value) -> bool {
        matches!(self.symbols.kind_of(value), Some(Kind::Count(0..=0xff)))
            || matches!(self.symbols.kind_of(value), Some(Kind::Choice(_)))
                && self.symbols.alternatives(value).iter().all(|v| v.number().is_some_and(|n| n <= 0xff))
    }

    pub(crate) fn set_register(&mut self, register: Register, value: Value) {
        let Some(number) = general(register) else { return };
        let low = match register.size() {
            1 => self.with_byte(self.state.registers.get(number).copied(), is_high(register), value),
            _ => Value::Unknown,
        };
        let Some(slot) = self.state.registers.get_mut(number) else { return };
        *slot = match (register.size(), value, *slot) {
            (4, Value::Const(c), _) => Value::Const(c & 0xffff_ffff),
            (8 | 4, value, _) => value,
            (2, Value::Const(c), Value::Const(old)) => Value::Const(old & !0xffff | c & 0xffff),
            _ => low,
        };
    }

    /// A register of which one of the two lower bytes is set. On x86 compilers keep two truths in one.
    fn with_byte(&mut self, old: Option<Value>, is_second: bool, value: Value) -> Value {
        let byte = value.number().map(|number| number as u8);
        let held = old.and_then(|old| self.symbols.kind_of(old));
        let kind = match (old, held, is_second, byte) {
            (Some(Value::Const(old)), _, false, Some(byte)) => return Value::Const(old & !0xff | u64::from(byte)),
            (Some(Value::Const(old)), _, true, Some(byte)) => {
                return Value::Const(old & !0xff00 | u64::from(byte) << 8);
            }
            (_, Some(Kind::Low(low)), true, Some(byte)) => Kind::Second(Some(low), byte),
            (_, Some(Kind::Low(low)), true, None) => Kind::Low(low),
            (_, Some(Kind::Second(_, high)), false, Some(byte)) => Kind::Second(Some(byte), high),
            (_, Some(Kind::Second(_, high)), false, None) => Kind::Second(None, high),
            (_, Some(Kind::Second(low, _)), true, Some(byte)) => Kind::Second(low, byte),
            (_, Some(Kind::Second(Some(low), _)), true, None) => Kind::Low(low),
            (_, _, false, Some(byte)) => Kind::Low(byte),
            (_, _, true, Some(byte)) => Kind::Second(None, byte),
            (_, _, _, None) => return Value::Unknown,
        };
        self.symbols.of(kind)
    }

    /// The value of an operand.
    pub(crate) fn operand(&mut self, instruction: &Instruction, n: u32) -> Value {
        match instruction.op_kind(n) {
            OpKind::Register => self.register(instruction.op_register(n)),
            OpKind::Memory => {
                let address = self.address(instruction);
                let size = instruction.memory_size().size().min(16) as u8;
                self.load(address, size)
            }
            OpKind::Immediate8
            | OpKind::Immediate16
            | OpKind::Immediate32
            | OpKind::Immediate64
            | OpKind::Immediate8to16
            | OpKind::Immediate8to32
            | OpKind::Immediate8to64
            | OpKind::Immediate32to64 => Value::Const(mask(instruction.immediate(n), self.is_64())),
            _ => Value::Unknown,
        }
    }

    pub(crate) fn assign(&mut self, instruction: &Instruction, n: u32, value: Value) {
        match instruction.op_kind(n) {
            OpKind::Register => self.set_register(instruction.op_register(n), value),
            OpKind::Memory => {
                let address = self.address(instruction);
                let size = instruction.memory_size().size().clamp(1, 16) as u8;
                self.store(address, size, value);
            }
            _ => {}
        }
    }

    pub(crate) fn push(&mut self, value: Value) {
        let size = if self.is_64() { 8 } else { 4 };
        let top = self.state.registers[RSP].plus(-i64::from(size), self.is_64());
        self.state.registers[RSP] = top;
        self.state.store(top, size, value);
        self.pushed = self.pushed.saturating_add(1);
    }

    fn pop(&mut self) -> Value {
        let size = if self.is_64() { 8 } else { 4 };
        let top = self.state.registers[RSP];
        let value = self.load(top, size);
        self.state.registers[RSP] = top.plus(i64::from(size), self.is_64());
        value
    }

    /// Remembers the parameter that holds the flags of `_open`.
    pub(super) fn note_flags(&mut self, flags: Value, mask: Value) {
        let flags = match (flags, mask) {
            (flags, Value::Const(TEXT_FLAGS)) | (Value::Const(TEXT_FLAGS), flags) => flags,
            _ => return,
        };
        if let Some(slot) = self.slot(flags).filter(Slot::is_plain) {
            self.report.flags = Some(slot);
        }
    }

    /// Both outcomes are possible. A string object's pointer is loaded only when the string is long.
    fn conditional_move(&mut self, instruction: &Instruction) {
        let (old, new) = (self.operand(instruction, 0), self.operand(instruction, 1));
        let value = match self.is_met(instruction) {
            Some(true) => new,
            Some(false) => old,
            None => self.symbols.join(old, new),
        };
        self.assign(instruction, 0, value);
    }

    /// Anything else: what it writes is not known.
    pub(super) fn forget(&mut self, instruction: &Instruction) {
        if instruction.op_count() > 0 {
            if let Some(register) = vector(instruction.op0_register()) {
                self.state.wide[register] = Wide::Unknown;
                return;
            }
            self.assign(instruction, 0, Value::Unknown);
        }
    }
}

/// A number with its sign carried into the upper bits.
fn extended(instruction: &Instruction, value: Value) -> Value {
    let size = match instruction.op1_kind() {
        OpKind::Memory => instruction.memory_size().size(),
        _ => instruction.op1_register().size(),
    };
    let unused = 64 - 8 * size.clamp(1, 8) as u32;
    match value {
        Value::Const(c) => Value::Const(((c << unused) as i64 >> unused) as u64),
        value => value,
    }
}

pub(crate) fn is_high(register: Register) -> bool {
    matches!(register, Register::AH | Register::BH | Register::CH | Register::DH)
}

/// `cmove` and its family.
pub(crate) fn is_conditional_move(mnemonic: Mnemonic) -> bool {
    use Mnemonic as M;
    matches!(
        mnemonic,
        M::Cmova
            | M::Cmovae
            | M::Cmovb
            | M::Cmovbe
            | M::Cmove
            | M::Cmovg
            | M::Cmovge
            | M::Cmovl
            | M::Cmovle
            | M::Cmovne
            | M::Cmovno
            | M::Cmovnp
            | M::Cmovns
            | M::Cmovo
            | M::Cmovp
            | M::Cmovs
    )
}
