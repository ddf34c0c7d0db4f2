//! Moves of many bytes: SSE registers and string instructions, with which compilers copy literals.

use super::analysis::Engine;
use super::state::{WIDE_WORDS, Wide};
use super::value::Value;
use iced_x86::{Instruction, Mnemonic, OpKind, Register};

/// Number of an SSE register.
pub(super) fn vector(register: Register) -> Option<usize> {
    (register.is_xmm()).then(|| register.number()).filter(|n| *n < super::state::REGISTERS)
}

impl Engine<'_, '_> {
    pub(super) fn vector_clear(&mut self, instruction: &Instruction) {
        let Some(register) = vector(instruction.op0_register()) else { return };
        let same = (1..instruction.op_count()).all(|n| {
            instruction.op_kind(n) == OpKind::Register
                && instruction.op_register(n) == instruction.op_register(instruction.op_count() - 1)
        }) && (instruction.op_count() == 3 || instruction.op0_register() == instruction.op1_register());
        self.state.wide[register] = if same { Wide::Bytes([0; 16]) } else { Wide::Unknown };
    }

    /// Strings are often copied sixteen bytes at a time.
    pub(super) fn vector_move(&mut self, instruction: &Instruction) {
        let size = match instruction.mnemonic() {
            Mnemonic::Movd | Mnemonic::Movss | Mnemonic::Vmovd | Mnemonic::Vmovss => 4,
            Mnemonic::Movq | Mnemonic::Movsd | Mnemonic::Vmovq | Mnemonic::Movlps | Mnemonic::Vmovsd => 8,
            _ => 16usize,
        };
        let held = match instruction.op1_kind() {
            OpKind::Memory => {
                let address = self.address(instruction);
                self.bytes_at(address, size).map_or_else(|| self.words_at(address, size), Wide::Bytes)
            }
            OpKind::Register => match vector(instruction.op1_register()) {
                Some(register) => self.state.wide.get(register).copied().unwrap_or_default(),
                None => match self.register(instruction.op1_register()) {
                    Value::Const(c) => {
                        let mut bytes = [0; 16];
                        bytes[..8].copy_from_slice(&c.to_le_bytes());
                        Wide::Bytes(bytes)
                    }
                    value => Wide::Words([value, Value::Unknown, Value::Unknown, Value::Unknown]),
                },
            },
            _ => Wide::Unknown,
        };
        match instruction.op0_kind() {
            OpKind::Register => match vector(instruction.op0_register()) {
                Some(register) => self.state.wide[register] = held,
                None => {
                    let value = match held {
                        Wide::Bytes(b) => super::super::image::u64_at(&b, 0).map_or(Value::Unknown, Value::Const),
                        Wide::Words([first, ..]) => first,
                        Wide::Unknown => Value::Unknown,
                    };
                    self.set_register(instruction.op0_register(), value);
                }
            },
            OpKind::Memory => {
                let address = self.address(instruction);
                match held {
                    Wide::Bytes(bytes) => self.store_bytes(address, bytes.get(..size), size),
                    Wide::Words(words) => self.store_words(address, &words, size),
                    Wide::Unknown => self.store_bytes(address, None, size),
                }
            }
            _ => {}
        }
    }

    /// Halves, or the words of two halves, are put side by side: pairs of pointers that are stored at once.
    pub(super) fn vector_join(&mut self, instruction: &Instruction) {
        use Mnemonic as M;
        let Some(register) = vector(instruction.op0_register()) else { return };
        let count = instruction.op_count();
        // The newer forms have a register of their own for the result.
        let first = self.words_of(instruction, count.saturating_sub(2));
        let second = self.words_of(instruction, count.saturating_sub(1));
        let is_64 = self.is_64();
        let joined = match instruction.mnemonic() {
            M::Punpckldq | M::Vpunpckldq | M::Unpcklps if is_64 => None,
            M::Punpckldq | M::Vpunpckldq | M::Unpcklps => Some([first[0], second[0], first[1], second[1]]),
            // A half is a word on x64, and two on x86.
            _ if is_64 => Some([first[0], second[0], Value::Unknown, Value::Unknown]),
            _ => Some([first[0], first[1], second[0], second[1]]),
        };
        self.state.wide[register] = joined.map_or(Wide::Unknown, Wide::Words);
    }

    /// What an SSE register or memory holds, word by word.
    fn words_of(&mut self, instruction: &Instruction, n: u32) -> [Value; WIDE_WORDS] {
        let word = self.program.image.pointer_size() as usize;
        let held = match instruction.op_kind(n) {
            OpKind::Register => vector(instruction.op_register(n)).and_then(|n| self.state.wide.get(n).copied()),
            OpKind::Memory => {
                let (address, size) = (self.address(instruction), instruction.memory_size().size().min(16));
                Some(self.bytes_at(address, size).map_or_else(|| self.words_at(address, size), Wide::Bytes))
            }
            _ => None,
        };
        match held.unwrap_or_default() {
            Wide::Words(words) => words,
            Wide::Bytes(bytes) => {
                let mut words = [Value::Unknown; WIDE_WORDS];
                for (held, chunk) in words.iter_mut().zip(bytes.chunks(word)) {
                    *held = Value::Const(chunk.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
                }
                words
            }
            Wide::Unknown => [Value::Unknown; WIDE_WORDS],
        }
    }

    /// What the words at an address hold, where something of it is known: objects are moved in this way, too.
    fn words_at(&mut self, address: Value, size: usize) -> Wide {
        let word = self.program.image.pointer_size() as usize;
        let places = (0..(size / word).min(WIDE_WORDS)).map(|i| address.plus((i * word) as i64, self.is_64()));
        let places: Vec<Value> = places.collect();
        let holds = |at: &Value| self.state.cell(*at).is_some_and(|cell| cell.value != Value::Unknown);
        if self.slot(address).is_none() && !places.iter().any(holds) {
            return Wide::Unknown;
        }
        let mut words = [Value::Unknown; WIDE_WORDS];
        for (held, at) in words.iter_mut().zip(places) {
            *held = self.load(at, word as u8);
        }
        Wide::Words(words)
    }

    fn store_words(&mut self, address: Value, words: &[Value], size: usize) {
        let word = self.program.image.pointer_size() as usize;
        for (i, value) in words.iter().take(size / word).enumerate() {
            self.store(address.plus((i * word) as i64, self.is_64()), word as u8, *value);
        }
    }

    /// Constant bytes at an address.
    pub(super) fn bytes_at(&self, address: Value, size: usize) -> Option<[u8; 16]> {
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
            let word = self.program.image.pointer_size() as usize;
            for i in (0..size).step_by(word) {
                let at = address.plus(i as i64, self.is_64());
                self.store(at, word.min(size) as u8, Value::Unknown);
            }
            return;
        };
        for (i, chunk) in bytes.chunks(8).enumerate() {
            let number = chunk.iter().rev().fold(0u64, |sum, b| sum << 8 | u64::from(*b));
            let at = address.plus(i as i64 * 8, self.is_64());
            self.store(at, chunk.len() as u8, Value::Const(number));
        }
    }

    pub(super) fn store_string(&mut self, instruction: &Instruction) {
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

    pub(super) fn move_string(&mut self, instruction: &Instruction) {
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
        } else {
            self.blur(to);
        }
        let after = |value: Value, is_64| count.map_or(Value::Unknown, |n| value.plus(n, is_64));
        let is_64 = self.is_64();
        self.state.registers[6] = after(from, is_64);
        self.state.registers[7] = after(to, is_64);
    }
}

/// Puts what two SSE registers hold side by side.
pub(super) fn is_vector_join(mnemonic: Mnemonic) -> bool {
    use Mnemonic as M;
    matches!(
        mnemonic,
        M::Punpcklqdq
            | M::Vpunpcklqdq
            | M::Punpckldq
            | M::Vpunpckldq
            | M::Unpcklpd
            | M::Unpcklps
            | M::Movlhps
            | M::Movhps
            | M::Movhpd
    )
}

/// Moves bytes of or to an SSE register.
pub(super) fn is_vector_move(mnemonic: Mnemonic) -> bool {
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
