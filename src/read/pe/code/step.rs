//! What one instruction does to the state.

use super::analysis::Engine;
use super::state::RSP;
use super::value::{Kind, Value, mask};
use iced_x86::{Instruction, Mnemonic, OpKind, Register};

/// Number of a general register, however wide.
fn general(register: Register) -> Option<usize> {
    register.is_gpr().then(|| register.full_register().number())
}

/// Number of an SSE register.
fn vector(register: Register) -> Option<usize> {
    (register.is_xmm()).then(|| register.number()).filter(|n| *n < super::state::REGISTERS)
}

impl Engine<'_, '_> {
    /// Executes an instruction.
    pub(crate) fn step(&mut self, instruction: &Instruction, next: Option<&Instruction>) {
        use Mnemonic as M;
        match instruction.mnemonic() {
            M::Mov | M::Movsxd | M::Movsx | M::Movzx => {
                let value = self.operand(instruction, 1);
                self.assign(instruction, 0, value);
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
            M::Add | M::Sub | M::And | M::Or | M::Xor | M::Shl | M::Sal | M::Shr | M::Imul => {
                self.arithmetic(instruction);
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
            M::Cmp | M::Test | M::Bt | M::Nop | M::Endbr64 | M::Endbr32 | M::Prefetchnta | M::Comiss | M::Comisd => {}
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
            M::Movsb | M::Movsw | M::Movsd | M::Movsq if instruction.op0_register() == Register::None => {
                self.move_string(instruction);
            }
            M::Scasb | M::Scasw | M::Cmpsb | M::Lodsb => {
                for register in [0, 1, 6, 7] {
                    self.state.registers[register] = Value::Unknown;
                }
            }
            mnemonic if is_vector_move(mnemonic) => self.vector_move(instruction),
            M::Pxor | M::Xorps | M::Xorpd | M::Vpxor | M::Vxorps => self.vector_clear(instruction),
            _ if instruction.is_jcc_short_or_near() => {}
            mnemonic if is_conditional_move(mnemonic) => self.conditional_move(instruction),
            _ => self.forget(instruction),
        }
    }

    pub(crate) fn is_64(&self) -> bool {
        self.program.image.is_64()
    }

    /// The value of a register as wide as it is named.
    pub(crate) fn register(&self, register: Register) -> Value {
        let Some(number) = general(register) else { return Value::Unknown };
        let value = self.state.registers.get(number).copied().unwrap_or(Value::Unknown);
        match (register.size(), value) {
            (8, value) => value,
            (4, Value::Const(c)) => Value::Const(c & 0xffff_ffff),
            (4, Value::Stack(_)) if self.is_64() => Value::Unknown,
            (4, value) => value,
            (2, Value::Const(c)) => Value::Const(c & 0xffff),
            (1, Value::Const(c)) if !is_high(register) => Value::Const(c & 0xff),
            _ => Value::Unknown,
        }
    }

    fn set_register(&mut self, register: Register, value: Value) {
        let Some(number) = general(register) else { return };
        let Some(slot) = self.state.registers.get_mut(number) else { return };
        *slot = match (register.size(), value, *slot) {
            (4, Value::Const(c), _) => Value::Const(c & 0xffff_ffff),
            (8 | 4, value, _) => value,
            (2, Value::Const(c), Value::Const(old)) => Value::Const(old & !0xffff | c & 0xffff),
            (1, Value::Const(c), Value::Const(old)) if !is_high(register) => Value::Const(old & !0xff | c & 0xff),
            _ => Value::Unknown,
        };
    }

    /// Address of the memory operand.
    pub(crate) fn address(&mut self, instruction: &Instruction) -> Value {
        if matches!(instruction.memory_segment(), Register::FS | Register::GS) {
            return Value::Unknown;
        }
        if instruction.is_ip_rel_memory_operand() {
            return Value::Const(instruction.ip_rel_memory_address());
        }
        let displacement = if self.is_64() {
            instruction.memory_displacement64() as i64
        } else {
            i64::from(instruction.memory_displacement32() as i32)
        };
        let is_64 = self.is_64();
        let base = match instruction.memory_base() {
            Register::None => Value::Const(0),
            register => self.register(register),
        };
        let at = base.plus(displacement, is_64);
        let index = match instruction.memory_index() {
            Register::None => return at,
            register => self.register(register),
        };
        let scale = i64::from(instruction.memory_index_scale());
        match index {
            Value::Const(n) => at.plus((n as i64).wrapping_mul(scale), is_64),
            _ => self.indexed(at, base, index, displacement, scale),
        }
    }

    /// An address with an index that is not a number: the end of a string, or a base and an index that changed places.
    fn indexed(&mut self, at: Value, base: Value, index: Value, displacement: i64, scale: i64) -> Value {
        if let Value::Sym(symbol, extra) = index
            && let Kind::Length(buffer) = self.symbols.kind(symbol)
            && let Some(distance) = distance(buffer, at)
        {
            let end = self.symbols.of(Kind::End(buffer));
            return end.plus(distance.wrapping_add(i64::from(extra).wrapping_mul(scale)), self.is_64());
        }
        if let Value::Sym(symbol, extra) = base
            && let Kind::Length(buffer) = self.symbols.kind(symbol)
            && scale == 1
            && let Some(distance) = distance(buffer, index.plus(displacement, self.is_64()))
        {
            let end = self.symbols.of(Kind::End(buffer));
            return end.plus(distance.wrapping_add(i64::from(extra)), self.is_64());
        }
        match base {
            Value::Const(0) if scale == 1 => index.plus(displacement, self.is_64()),
            _ => Value::Unknown,
        }
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

    /// What memory holds at an address.
    pub(crate) fn load(&mut self, address: Value, size: u8) -> Value {
        if address == Value::Unknown {
            return Value::Unknown;
        }
        if let Some(cell) = self.state.cell(address) {
            return match cell.value {
                _ if cell.size < size && !matches!(cell.value, Value::Sym(..)) => Value::Unknown,
                Value::Const(c) if size < 8 => Value::Const(c & ((1u64 << (u32::from(size) * 8)) - 1)),
                Value::Unknown => self.symbols.of(Kind::Load(address)),
                value => value,
            };
        }
        if let Value::Stack(offset) = address
            && let Some(parameter) = self.stack_parameter(offset)
        {
            return self.symbols.of(Kind::Param(parameter));
        }
        if let Value::Const(va) = address
            && let Some(value) = self.image_value(va, size)
        {
            return value;
        }
        self.symbols.of(Kind::Load(address))
    }

    /// Number of the parameter at a frame offset: behind the return address, on x64 behind the home area too.
    fn stack_parameter(&self, offset: i32) -> Option<u8> {
        let (first, size, number) = if self.is_64() { (0x28, 8, 4) } else { (4, 4, 0) };
        let behind = offset.checked_sub(first)?;
        (behind >= 0 && behind % size == 0 && behind / size < 16).then(|| (behind / size) as u8 + number)
    }

    /// What the image holds at an address: the import behind a slot, or a constant of a section that is not written.
    fn image_value(&mut self, va: u64, size: u8) -> Option<Value> {
        let image = &self.program.image;
        let rva = image.rva_of(va)?;
        if let Some(import) = self.program.linkage.slots.get(&rva) {
            return Some(self.symbols.of(Kind::Import(*import as u32)));
        }
        let section = image.section_of(rva)?;
        if section.is_writable() {
            return None;
        }
        let bytes = image.at(rva)?;
        let number =
            bytes.get(..usize::from(size.min(8)))?.iter().rev().fold(0u64, |sum, b| sum << 8 | u64::from(*b));
        Some(Value::Const(number))
    }

    pub(crate) fn push(&mut self, value: Value) {
        let size = if self.is_64() { 8 } else { 4 };
        let top = self.state.registers[RSP].plus(-i64::from(size), self.is_64());
        self.state.registers[RSP] = top;
        self.state.store(top, size, value);
    }

    fn pop(&mut self) -> Value {
        let size = if self.is_64() { 8 } else { 4 };
        let top = self.state.registers[RSP];
        let value = self.load(top, size);
        self.state.registers[RSP] = top.plus(i64::from(size), self.is_64());
        value
    }

    fn arithmetic(&mut self, instruction: &Instruction) {
        use Mnemonic as M;
        let is_64 = self.is_64();
        let same = instruction.op_count() == 2
            && instruction.op1_kind() == OpKind::Register
            && instruction.op0_kind() == OpKind::Register
            && instruction.op0_register() == instruction.op1_register();
        let (a, b) = if instruction.op_count() == 3 {
            (self.operand(instruction, 1), self.operand(instruction, 2))
        } else if instruction.op_count() == 2 {
            (self.operand(instruction, 0), self.operand(instruction, 1))
        } else {
            return self.forget(instruction);
        };
        let value = match (instruction.mnemonic(), a, b) {
            (M::Xor | M::Sub, _, _) if same => Value::Const(0),
            (M::Add, a, Value::Const(n)) => a.plus(signed(n, is_64), is_64),
            (M::Add, Value::Const(n), b) => b.plus(signed(n, is_64), is_64),
            (M::Add, a, b) => {
                let sum = self.indexed(a, a, b, 0, 1);
                if sum == Value::Unknown { self.indexed(b, b, a, 0, 1) } else { sum }
            }
            (M::Sub, a, Value::Const(n)) => a.plus(signed(n, is_64).wrapping_neg(), is_64),
            // Aligning a frame: the distance to the parameters is lost, the layout above stays.
            (M::And, Value::Stack(offset), Value::Const(n)) if signed(n, is_64) < 0 => {
                Value::Stack(offset & (signed(n, is_64) as i32))
            }
            (M::And, _, Value::Const(0)) => Value::Const(0),
            (M::And, Value::Const(x), Value::Const(y)) => Value::Const(x & y),
            (M::Or, _, Value::Const(n)) if signed(n, is_64) == -1 => Value::Const(mask(u64::MAX, is_64)),
            (M::Or, Value::Const(x), Value::Const(y)) => Value::Const(x | y),
            (M::Xor, Value::Const(x), Value::Const(y)) => Value::Const(x ^ y),
            (M::Shl | M::Sal, Value::Const(x), Value::Const(y)) => Value::Const(mask(x << (y & 63), is_64)),
            (M::Shr, Value::Const(x), Value::Const(y)) => Value::Const(x >> (y & 63)),
            (M::Imul, Value::Const(x), Value::Const(y)) => Value::Const(mask(x.wrapping_mul(y), is_64)),
            // The length of a wide string in bytes.
            (M::Add | M::Shl, a, _) if matches!(self.symbols.kind_of(a), Some(Kind::Length(_))) && same => a,
            _ => Value::Unknown,
        };
        self.assign(instruction, 0, value);
    }

    /// Both outcomes are possible. A string object's pointer is loaded only when the string is long.
    fn conditional_move(&mut self, instruction: &Instruction) {
        let (old, new) = (self.operand(instruction, 0), self.operand(instruction, 1));
        let joined = self.symbols.join(old, new);
        self.assign(instruction, 0, joined);
    }

    /// Anything else: what it writes is not known.
    fn forget(&mut self, instruction: &Instruction) {
        if instruction.op_count() > 0 {
            if let Some(register) = vector(instruction.op0_register()) {
                self.state.wide[register] = None;
                return;
            }
            self.assign(instruction, 0, Value::Unknown);
        }
    }

    fn vector_clear(&mut self, instruction: &Instruction) {
        let Some(register) = vector(instruction.op0_register()) else { return };
        let same = (1..instruction.op_count()).all(|n| {
            instruction.op_kind(n) == OpKind::Register
                && instruction.op_register(n) == instruction.op_register(instruction.op_count() - 1)
        }) && (instruction.op_count() == 3 || instruction.op0_register() == instruction.op1_register());
        self.state.wide[register] = same.then_some([0; 16]);
    }

    /// Strings are often copied sixteen bytes at a time.
    fn vector_move(&mut self, instruction: &Instruction) {
        let size = match instruction.mnemonic() {
            Mnemonic::Movd | Mnemonic::Movss | Mnemonic::Vmovd | Mnemonic::Vmovss => 4,
            Mnemonic::Movq | Mnemonic::Movsd | Mnemonic::Vmovq | Mnemonic::Movlps | Mnemonic::Vmovsd => 8,
            _ => 16usize,
        };
        let bytes = match instruction.op1_kind() {
            OpKind::Memory => {
                let address = self.address(instruction);
                self.bytes_at(address, size)
            }
            OpKind::Register => match vector(instruction.op1_register()) {
                Some(register) => self.state.wide.get(register).copied().flatten(),
                None => self.register(instruction.op1_register()).number().map(|c| {
                    let mut bytes = [0; 16];
                    bytes[..8].copy_from_slice(&c.to_le_bytes());
                    bytes
                }),
            },
            _ => None,
        };
        match instruction.op0_kind() {
            OpKind::Register => match vector(instruction.op0_register()) {
                Some(register) => self.state.wide[register] = bytes,
                None => {
                    let value = bytes.and_then(|b| super::super::image::u64_at(&b, 0)).map_or(Value::Unknown, Value::Const);
                    self.set_register(instruction.op0_register(), value);
                }
            },
            OpKind::Memory => {
                let address = self.address(instruction);
                self.store_bytes(address, bytes.as_ref().and_then(|b| b.get(..size)), size);
            }
            _ => {}
        }
    }

    /// Constant bytes at an address.
    fn bytes_at(&self, address: Value, size: usize) -> super::state::Wide {
        let mut bytes = [0; 16];
        let found = match address {
            Value::Const(va) => {
                let rva = self.program.image.rva_of(va)?;
                if self.program.image.section_of(rva)?.is_writable() {
                    return None;
                }
                self.program.image.at(rva)?.get(..size)?.to_vec()
            }
            _ => self.state.constant_bytes(address, size),
        };
        bytes.get_mut(..size)?.copy_from_slice(found.get(..size)?);
        Some(bytes)
    }

    /// Stores constant bytes, or nothing known.
    pub(crate) fn store_bytes(&mut self, address: Value, bytes: Option<&[u8]>, size: usize) {
        let Some(bytes) = bytes else {
            for i in (0..size).step_by(8) {
                let at = address.plus(i as i64, self.is_64());
                self.state.store(at, 8, Value::Unknown);
            }
            return;
        };
        for (i, chunk) in bytes.chunks(8).enumerate() {
            let number = chunk.iter().rev().fold(0u64, |sum, b| sum << 8 | u64::from(*b));
            let at = address.plus(i as i64 * 8, self.is_64());
            self.store(at, chunk.len() as u8, Value::Const(number));
        }
    }

    fn store_string(&mut self, instruction: &Instruction) {
        let (to, count) = (self.state.registers[7], self.state.registers[1]);
        let size = instruction.memory_size().size().clamp(1, 8) as u8;
        let value = self.state.registers[0];
        self.store(to, size, value);
        let moved = if instruction.has_rep_prefix() || instruction.has_repne_prefix() {
            self.state.registers[1] = Value::Const(0);
            count.number().map(|n| (n as i64).wrapping_mul(i64::from(size)))
        } else {
            Some(i64::from(size))
        };
        self.state.registers[7] = moved.map_or(Value::Unknown, |n| to.plus(n, self.is_64()));
    }

    fn move_string(&mut self, instruction: &Instruction) {
        let (from, to) = (self.state.registers[6], self.state.registers[7]);
        let size = instruction.memory_size().size().clamp(1, 8) as i64;
        let count = if instruction.has_rep_prefix() {
            let count = self.state.registers[1].number().map(|n| (n as i64).wrapping_mul(size));
            self.state.registers[1] = Value::Const(0);
            count
        } else {
            Some(size)
        };
        if let Some(n) = count.filter(|n| (0..=super::super::image::MAX_STRING as i64).contains(n)) {
            self.copy_bytes(to, from, n as usize);
        }
        let after = |value: Value, is_64| count.map_or(Value::Unknown, |n| value.plus(n, is_64));
        let is_64 = self.is_64();
        self.state.registers[6] = after(from, is_64);
        self.state.registers[7] = after(to, is_64);
    }
}

fn is_high(register: Register) -> bool {
    matches!(register, Register::AH | Register::BH | Register::CH | Register::DH)
}

fn signed(n: u64, is_64: bool) -> i64 {
    if is_64 { n as i64 } else { i64::from(n as u32 as i32) }
}

/// `address - buffer`, when both are in the same object.
fn distance(buffer: Value, address: Value) -> Option<i64> {
    match (buffer, address) {
        (Value::Stack(a), Value::Stack(b)) => Some(i64::from(b) - i64::from(a)),
        (Value::Const(a), Value::Const(b)) => Some(b.wrapping_sub(a) as i64),
        (Value::Sym(s, a), Value::Sym(t, b)) if s == t => Some(i64::from(b) - i64::from(a)),
        _ => None,
    }
    .filter(|d| (0..0x1000).contains(d))
}

fn is_vector_move(mnemonic: Mnemonic) -> bool {
    use Mnemonic as M;
    matches!(
        mnemonic,
        M::Movups
            | M::Movaps
            | M::Movdqu
            | M::Movdqa
            | M::Movupd
            | M::Movapd
            | M::Movq
            | M::Movd
            | M::Movss
            | M::Movsd
            | M::Movlps
            | M::Vmovups
            | M::Vmovaps
            | M::Vmovdqu
            | M::Vmovdqa
            | M::Vmovq
            | M::Vmovd
            | M::Vmovss
            | M::Vmovsd
    )
}

fn is_conditional_move(mnemonic: Mnemonic) -> bool {
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
