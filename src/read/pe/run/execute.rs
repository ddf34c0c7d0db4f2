//! What one instruction changes: numbers and comparisons as the processor defines them (Intel SDM, volume 2).

use super::super::code::arithmetic::is_truth;
use super::super::code::step::is_conditional_move;
use super::machine::{Flags, Ground, Machine, Place, RSP, Tested, Untouched, is_offset, is_string};
use super::word::{Word, size_of, width_of};
use iced_x86::{Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register};

impl Machine {
    /// Executes an instruction that is no jump, call or return.
    pub(super) fn execute(
        &mut self,
        ground: &mut Ground<'_, '_>,
        files: &mut dyn Untouched,
        instruction: &Instruction,
    ) {
        use Mnemonic as M;
        let mnemonic = instruction.mnemonic();
        if self.vector(ground, files, instruction) {
            return;
        }
        if instruction.rflags_modified() != 0 {
            self.tested = None;
        }
        if is_string(mnemonic) {
            return self.string(ground, files, instruction);
        }
        let first = self.place(ground, instruction, 0);
        let size = first.size();
        match mnemonic {
            M::Mov | M::Movzx => {
                let from = self.place(ground, instruction, 1);
                let word = self.get(ground, files, from);
                self.put(first, if mnemonic == M::Movzx { word.cut(from.size()) } else { word });
            }
            M::Movsx | M::Movsxd => {
                let from = self.place(ground, instruction, 1);
                let word = self.get(ground, files, from);
                let extended = match word.low(from.size()) {
                    Some(_) if matches!(word, Word::Length { .. }) => word,
                    Some(number) => Word::of(Some(extend(number, from.size())), size),
                    None if matches!(word, Word::Symbol(_)) || word.is_part() => word,
                    None => Word::UNKNOWN.cut(size),
                };
                self.put(first, extended);
            }
            M::Lea => {
                let address = self.effective(ground, instruction);
                self.put(first, address);
            }
            M::Push => {
                let word = self.get(ground, files, first);
                self.push(ground, word);
            }
            M::Pop => {
                let word = self.pop(ground, files);
                self.put(first, word);
            }
            M::Leave => {
                self.registers[RSP] = self.registers[5];
                self.registers[5] = self.pop(ground, files);
            }
            M::Xchg => {
                let second = self.place(ground, instruction, 1);
                let (a, b) = (self.get(ground, files, first), self.get(ground, files, second));
                self.put(first, b);
                self.put(second, a);
            }
            M::Add | M::Sub | M::Cmp | M::And | M::Or | M::Xor | M::Test | M::Adc | M::Sbb => {
                self.binary(ground, files, instruction, first);
            }
            M::Inc | M::Dec => {
                let word = self.get(ground, files, first);
                let carry = self.flags.carry;
                let by = if mnemonic == M::Inc { 1i64 } else { -1 };
                let number = word.low(size);
                match by {
                    1 => self.set_sum(number, Some(1), size),
                    _ => self.set_difference(number, Some(1), size),
                }
                self.flags.carry = carry;
                self.put(first, sum(word, by, size, ground.is_64));
            }
            M::Neg | M::Not => {
                let word = self.get(ground, files, first);
                let number = word.low(size);
                if mnemonic == M::Neg {
                    self.set_difference(Some(0), number, size);
                    self.put(first, word.changed(size, u64::wrapping_neg));
                } else {
                    self.put(first, word.changed(size, |n| !n));
                }
            }
            M::Shl | M::Sal | M::Shr | M::Sar | M::Rol | M::Ror => self.shift(ground, files, instruction, first),
            M::Imul | M::Mul | M::Div | M::Idiv => self.multiply(ground, files, instruction, first),
            M::Cdq | M::Cqo => {
                let size = if mnemonic == M::Cqo { 8 } else { 4 };
                let sign = self.registers[0].low(size).map(|n| if extend(n, size) >> 63 == 1 { u64::MAX } else { 0 });
                self.registers[2] = Word::of(sign, size);
            }
            M::Cdqe if matches!(self.registers[0], Word::Length { .. }) => {}
            M::Cwde | M::Cdqe => {
                let size = if mnemonic == M::Cdqe { 4 } else { 2 };
                self.registers[0] = Word::of(self.registers[0].low(size).map(|n| extend(n, size)), size * 2);
            }
            M::Bswap => {
                let number = self.get(ground, files, first).low(size);
                let swapped =
                    number.map(|n| if size == 8 { n.swap_bytes() } else { u64::from((n as u32).swap_bytes()) });
                self.put(first, Word::of(swapped, size));
            }
            M::Bsf | M::Bsr | M::Tzcnt | M::Popcnt => {
                let from = self.place(ground, instruction, 1);
                let number = self.get(ground, files, from).low(from.size());
                let counted = number.and_then(|n| match mnemonic {
                    M::Popcnt => Some(u64::from(n.count_ones())),
                    M::Tzcnt => Some(u64::from(n.trailing_zeros()).min(from.size() as u64 * 8)),
                    _ if n == 0 => None,
                    M::Bsr => Some(63 - u64::from(n.leading_zeros())),
                    _ => Some(u64::from(n.trailing_zeros())),
                });
                // The flags of TZCNT tell of its result, those of the others of what is looked at.
                let is_zero = number.map(|n| n == 0);
                self.flags = match mnemonic {
                    M::Tzcnt => Flags { zero: counted.map(|n| n == 0), carry: is_zero, ..Flags::default() },
                    _ => Flags { zero: is_zero, ..Flags::default() },
                };
                self.put(first, Word::of(counted, size));
            }
            M::Bt | M::Bts | M::Btr => {
                let place = self.place(ground, instruction, 1);
                let (number, bit) = (self.get(ground, files, first).low(size), self.get(ground, files, place).low(1));
                let bit = bit.map(|bit| 1u64 << (bit % (size as u64 * 8)));
                self.flags.carry = number.zip(bit).map(|(n, bit)| n & bit != 0);
                if mnemonic != M::Bt {
                    let changed = |(n, bit): (u64, u64)| if mnemonic == M::Bts { n | bit } else { n & !bit };
                    self.put(first, Word::of(number.zip(bit).map(changed), size));
                }
            }
            M::Cld | M::Std => self.downwards = mnemonic == M::Std,
            M::Nop | M::Endbr64 | M::Endbr32 | M::Prefetchnta | M::Prefetcht0 | M::Pause | M::Wait => {}
            _ if instruction.is_jcc_short_or_near() => {}
            _ if is_truth(instruction.mnemonic()) => {
                let met = self.is_met(instruction).map(u64::from);
                self.put(first, Word::of(met, 1));
            }
            _ if is_conditional_move(instruction.mnemonic()) => {
                let from = self.place(ground, instruction, 1);
                let word = self.get(ground, files, from);
                let word = match self.is_met(instruction) {
                    Some(true) => word,
                    Some(false) => self.get(ground, files, first),
                    None if word == self.get(ground, files, first) => word,
                    None => Word::UNKNOWN,
                };
                self.put(first, word);
            }
            _ => self.forget(ground, instruction),
        }
    }

    /// A symbol that this way has taken for zero.
    fn taken_for_zero(&self, word: Word) -> Option<u64> {
        matches!(word, Word::Symbol(value) if self.taken.contains(&(value, true))).then_some(0)
    }

    fn binary(
        &mut self,
        ground: &mut Ground<'_, '_>,
        files: &mut dyn Untouched,
        instruction: &Instruction,
        first: Place,
    ) {
        use Mnemonic as M;
        let size = first.size();
        let second = self.place(ground, instruction, 1);
        let (left, right) = (self.get(ground, files, first), self.get(ground, files, second));
        let mnemonic = instruction.mnemonic();
        let same = matches!((first, second), (Place::Register(a), Place::Register(b)) if a == b);
        // What is not known of a text does not end it there.
        let asks_for_end = left.is_part()
            && (matches!(mnemonic, M::Test | M::And | M::Or) && same
                || mnemonic == M::Cmp && right.low(size) == Some(0));
        let a = if asks_for_end { Some(1) } else { left.low(size).or_else(|| self.taken_for_zero(left)) };
        let b = if asks_for_end && same { a } else { right.low(size) };
        let carry = match mnemonic {
            M::Adc | M::Sbb => self.flags.carry.map(u64::from),
            _ => Some(0),
        };
        let word = match mnemonic {
            M::Add | M::Adc => {
                let b = b.zip(carry).map(|(b, carry)| b.wrapping_add(carry));
                self.set_sum(a, b, size);
                match (left, right, a, b) {
                    (Word::Symbol(_), _, _, Some(b)) if is_offset(b, size) => {
                        sum(left, extend(b, size) as i64, size, ground.is_64)
                    }
                    (_, Word::Symbol(_), Some(a), _) if is_offset(a, size) => {
                        sum(right, extend(a, size) as i64, size, ground.is_64)
                    }
                    _ if a.is_none() || b.is_none() => near(ground, left, right, size),
                    _ if mnemonic == M::Add => left
                        .longer(right, size)
                        .unwrap_or_else(|| Word::of(a.zip(b).map(|(a, b)| a.wrapping_add(b)), size)),
                    _ => Word::of(a.zip(b).map(|(a, b)| a.wrapping_add(b)), size),
                }
            }
            M::Sub | M::Cmp | M::Sbb => {
                let (a, b) = match distance(left, right).filter(|_| mnemonic != M::Sbb) {
                    _ if same && mnemonic == M::Sbb => (carry.map(u64::wrapping_neg), Some(0)),
                    _ if same => (Some(0), Some(0)),
                    Some(between) => (Some(between as u64), Some(0)),
                    None => (a, b.zip(carry).map(|(b, carry)| b.wrapping_add(carry))),
                };
                let old = self.flags.carry;
                self.set_difference(a, b, size);
                // A number in a register may be that of a letter, as loops count them up to the end of the text.
                let is_open = match (second, right) {
                    (Place::Number(..), _) => b.is_some_and(|b| left.may_be(b)),
                    (_, Word::Length { .. }) => !same && matches!(left, Word::Length { .. }),
                    _ => false,
                };
                if is_open {
                    self.flags = Flags::default();
                }
                // The difference with itself keeps the carry that it is made of; that of two places behind the same symbol is
                // below zero where the first stands before the second.
                match distance(left, right) {
                    _ if same && mnemonic == M::Sbb => self.flags.carry = old,
                    Some(between) if !same => self.flags.carry = Some(between < 0),
                    _ => {}
                }
                let between = a.zip(b).and_then(|(a, b)| self.length_between(ground, left, right, a.wrapping_sub(b)));
                match (left, b) {
                    (Word::Symbol(_), Some(b)) if a.is_none() => {
                        sum(left, (extend(b, size) as i64).wrapping_neg(), size, ground.is_64)
                    }
                    (Word::Length { .. }, Some(b)) if mnemonic == M::Sub && size >= 4 => {
                        left.plus((extend(b, size) as i64).wrapping_neg(), ground.is_64).cut(size)
                    }
                    // What has counted down, from a number that it was below.
                    (Word::Bits { .. }, _) if mnemonic == M::Sub && right.counts_down(size) => {
                        right.changed(size, |right| a.unwrap_or_default().wrapping_sub(right))
                    }
                    _ if mnemonic == M::Sub && between.is_some() => between.unwrap_or(Word::UNKNOWN),
                    _ if a.is_some() && b.is_none() => near(ground, left, Word::UNKNOWN, size),
                    _ => Word::of(a.zip(b).map(|(a, b)| a.wrapping_sub(b)), size),
                }
            }
            _ => {
                let result = match mnemonic {
                    M::Xor if same => Some(0),
                    M::Xor => a.zip(b).map(|(a, b)| a ^ b),
                    M::Or if a == Some(width_of(size)) || b.map(|b| b & width_of(size)) == Some(width_of(size)) => {
                        Some(width_of(size))
                    }
                    M::Or => a.zip(b).map(|(a, b)| a | b),
                    _ if a == Some(0) || b == Some(0) => Some(0),
                    _ => a.zip(b).map(|(a, b)| a & b),
                };
                self.set_result(result, size);
                (self.flags.carry, self.flags.overflow) = (Some(false), Some(false));
                let (left_known, right_known) = (left, right);
                match (mnemonic, result) {
                    _ if asks_for_end => left,
                    (M::And | M::Or, None) => bitwise(mnemonic == M::And, left_known, right_known, size),
                    // A pointer that is tested with itself.
                    (_, result) => Word::of(result, size),
                }
            }
        };
        if !matches!(mnemonic, M::Cmp | M::Test) {
            return self.put(first, word);
        }
        let Word::Symbol(value) = left else { return };
        let tested = match (mnemonic, b) {
            (M::Test, _) if same => Tested::WithZero,
            (M::Cmp, Some(0)) => Tested::WithZero,
            (M::Cmp, Some(1)) => Tested::WithOne,
            (_, Some(_)) => Tested::Otherwise,
            _ => return,
        };
        self.tested = Some((value, tested));
        if self.taken.contains(&(value, false)) {
            match tested {
                Tested::WithZero => self.flags.zero = Some(false),
                Tested::WithOne => self.flags.carry = Some(false),
                Tested::Otherwise => {}
            }
        }
    }

    /// Anything else: what it writes is not known.
    pub(super) fn forget(&mut self, ground: &mut Ground<'_, '_>, instruction: &Instruction) {
        let mut factory = InstructionInfoFactory::new();
        let info = factory.info(instruction);
        let writes = |access| {
            matches!(access, OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite)
        };
        for used in info.used_registers().iter().filter(|used| writes(used.access())) {
            let register = used.register();
            if register.is_gpr() && register.full_register() != Register::RSP {
                self.set_register(register, Word::UNKNOWN);
            } else if let Some(number) = vector_number(register) {
                self.vectors[number] = [Word::UNKNOWN; 2];
            }
        }
        // What is pushed that is not known.
        let pushed = i64::from(instruction.stack_pointer_increment());
        if pushed != 0 {
            self.registers[RSP] = self.registers[RSP].plus(pushed, ground.is_64);
            if let Some(top) = ground.address(self.registers[RSP]).filter(|_| pushed < 0) {
                self.memory.blur(top, pushed.unsigned_abs());
            }
        }
        let stores = info.used_memory().iter().any(|used| writes(used.access()));
        if stores && (0..instruction.op_count()).any(|n| instruction.op_kind(n) == OpKind::Memory) {
            let size = instruction.memory_size().size() as u64;
            if let Some(at) = self.address(ground, instruction) {
                self.memory.blur(at, size.min(64));
            }
        }
        if instruction.rflags_modified() != 0 {
            self.flags = Flags::default();
        }
    }
}

/// Number of a vector register.
pub(super) fn vector_number(register: Register) -> Option<usize> {
    (register.is_xmm() || register.is_ymm()).then(|| register.number() & 15)
}

/// A number with its sign carried into the upper bits.
pub(super) fn extend(number: u64, size: usize) -> u64 {
    let unused = 64 - 8 * size.clamp(1, 8) as u32;
    ((number << unused) as i64 >> unused) as u64
}

fn sum(word: Word, by: i64, size: usize, is_64: bool) -> Word {
    match word {
        Word::Symbol(_) if size >= size_of(is_64) => word.plus(by, is_64),
        Word::Length { .. } if size >= 4 => word.plus(by, is_64),
        word => Word::of(word.low(size).map(|n| n.wrapping_add(by as u64)), size),
    }
}

/// A sum of an address and something that is not known: somewhere in that memory.
fn near(ground: &mut Ground<'_, '_>, left: Word, right: Word, size: usize) -> Word {
    let memory = ground.own_memory(left).or_else(|| ground.own_memory(right)).filter(|_| size >= size_of(ground.is_64));
    memory.map_or(Word::UNKNOWN.cut(size), Word::Near)
}

/// How far two addresses behind the same symbol are apart.
fn distance(left: Word, right: Word) -> Option<i64> {
    use super::super::code::value::Value;
    match (left, right) {
        (Word::Symbol(Value::Sym(a, from)), Word::Symbol(Value::Sym(b, to))) if a == b => {
            Some(i64::from(from) - i64::from(to))
        }
        _ => None,
    }
}

/// Bytes that the other operand decides alone: those that are cleared or set.
fn bitwise(and: bool, left: Word, right: Word, size: usize) -> Word {
    let (Word::Bits { bits: a, known: ka }, Word::Bits { bits: b, known: kb }) = (left, right) else {
        return Word::UNKNOWN.cut(size);
    };
    let (mut bits, mut known) = (0u64, 0u8);
    for i in 0..size.min(8) {
        let (a, b) = ((a >> (i * 8)) as u8, (b >> (i * 8)) as u8);
        let (ka, kb) = (ka >> i & 1 == 1, kb >> i & 1 == 1);
        let decided = if and { 0 } else { u8::MAX };
        let byte = match (ka, kb) {
            (true, true) => Some(if and { a & b } else { a | b }),
            (true, false) if a == decided => Some(decided),
            (false, true) if b == decided => Some(decided),
            _ => None,
        };
        if let Some(byte) = byte {
            (bits, known) = (bits | u64::from(byte) << (i * 8), known | 1 << i);
        }
    }
    Word::Bits { bits, known }.cut(size)
}

/// What it writes depends on a condition, or on a carry.
pub(super) fn is_conditional(instruction: &Instruction) -> bool {
    is_truth(instruction.mnemonic())
        || is_conditional_move(instruction.mnemonic())
        || matches!(instruction.mnemonic(), Mnemonic::Adc | Mnemonic::Sbb)
}
