//! The processor of a run: registers, flags and memory, and what the instructions do that move, count and compare.

use super::super::code::step::is_high;
use super::super::code::value::Value;
use super::super::image::Image;
use super::super::operands::displacement;
use super::memory::{Memory, Regions};
use super::word::{Word, size_of, width_of};
use iced_x86::{Instruction, Mnemonic, OpKind, Register};
use std::ops::Range;

/// Index of the stack pointer.
pub(super) const RSP: usize = 4;
/// Bytes that are kept for the stack of a run, and as many for what it allocates.
pub(super) const ROOM: u64 = 0x800_0000;

/// Carry, zero, sign, overflow, parity; each may be unknown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    pub(super) carry: Option<bool>,
    pub(super) zero: Option<bool>,
    pub(super) sign: Option<bool>,
    pub(super) overflow: Option<bool>,
    pub(super) parity: Option<bool>,
}

/// How a symbol was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tested {
    WithZero,
    WithOne,
    /// With something else.
    Otherwise,
}

/// The state of a run. Copied at each fork.
#[derive(Clone)]
pub(super) struct Machine {
    pub(super) registers: [Word; 16],
    pub(super) vectors: [[Word; 2]; 16],
    pub(super) flags: Flags,
    /// The symbol that the flags say something of: whether it is zero, whether it is below one, which is the same, or
    /// something else.
    pub(super) tested: Option<(Value, Tested)>,
    /// Symbols that this way has taken for zero, or not.
    pub(super) taken: Vec<(Value, bool)>,
    pub(super) memory: Memory,
    /// Where the next allocation begins, and where the last one may end.
    pub(super) heap: Range<u64>,
    /// Strings are walked downwards.
    pub(super) downwards: bool,
    /// Something was written through an address that is not known.
    pub(super) strayed: bool,
    /// The instruction looks at a character that a loop has come to: of what stands for something else it sees that it is
    /// neither the end nor what it looks for.
    pub(super) walks: bool,
}

/// What is the same for all forks of a run.
pub(super) struct Ground<'i, 'a> {
    pub(super) image: &'i Image<'a>,
    pub(super) is_64: bool,
    /// Address of the stack pointer at the start: addresses around it are offsets in the frame for the engine.
    pub(super) origin: u64,
    pub(super) regions: Regions,
    /// Addresses between which the slots of imports are. The file holds names there, the loader puts addresses
    /// (PE/COFF, "Import Address Table").
    pub(super) slots: Range<u64>,
}

/// Asks what memory holds that the run has not written.
pub(super) trait Untouched {
    /// A word there.
    fn load(&mut self, at: Value, size: usize) -> Word;
    /// What the caller of the function with which the run begins has put on the stack, so far from its return address.
    fn given(&mut self, offset: i32, size: usize) -> Word;
}

/// Where an operand is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Register(Register),
    Memory(u64, usize),
    Number(u64, usize),
    /// Somewhere in the memory that begins at an address.
    Near(u64, usize),
    /// In the block that Windows keeps for the thread.
    Thread(usize),
    /// An address that is not known.
    Nowhere(usize),
}

impl Place {
    pub(super) fn size(self) -> usize {
        match self {
            Place::Register(register) => register.size(),
            Place::Memory(_, size)
            | Place::Number(_, size)
            | Place::Near(_, size)
            | Place::Thread(size)
            | Place::Nowhere(size) => size,
        }
    }
}

impl Ground<'_, '_> {
    /// Addresses of the stack of the run and of what it allocates.
    pub(super) fn own(&self) -> Range<u64> {
        self.origin - ROOM..self.origin + ROOM
    }

    /// Memory that the program has for itself, or that is handed to it, and no variable of the image.
    pub(super) fn is_given(&self, at: u64) -> bool {
        self.own().contains(&at) || self.regions.value(at).is_some()
    }

    /// A word as the engine knows it.
    pub(super) fn value(&self, word: Word) -> Value {
        match word {
            Word::Symbol(value) => value,
            Word::Near(_) => Value::Unknown,
            word => match word.low(size_of(self.is_64)) {
                Some(address) => self.regions.value(address).unwrap_or_else(|| {
                    let offset = address.wrapping_sub(self.origin) as i64;
                    let own = offset.unsigned_abs() < ROOM;
                    i32::try_from(offset).ok().filter(|_| own).map_or(Value::Const(address), Value::Stack)
                }),
                None => Value::Unknown,
            },
        }
    }

    /// What the engine says as a word.
    pub(super) fn word(&self, value: Value) -> Word {
        match value {
            Value::Unknown => Word::UNKNOWN,
            Value::Const(number) => Word::number(number),
            Value::Stack(offset) => Word::number(self.origin.wrapping_add_signed(i64::from(offset))),
            symbol => Word::Symbol(symbol),
        }
    }

    /// The word is an address of memory of the run's own: the memory that a sum with it is in.
    pub(super) fn own_memory(&self, word: Word) -> Option<u64> {
        match (word, self.value(word)) {
            (Word::Near(at), _) => Some(at),
            (word, Value::Stack(_)) => word.low(size_of(self.is_64)),
            _ => None,
        }
    }

    /// The address that a word is.
    pub(super) fn address(&mut self, word: Word) -> Option<u64> {
        match word {
            Word::Symbol(Value::Sym(symbol, offset)) => Some(self.regions.address(symbol, offset)),
            Word::Symbol(_) => None,
            word => word.low(size_of(self.is_64)),
        }
    }
}

impl Machine {
    /// A register, as wide as it is named.
    pub(super) fn register(&self, register: Register) -> Word {
        if !register.is_gpr() {
            return Word::UNKNOWN;
        }
        let word = self.registers[register.full_register().number() & 15];
        match (word, register.size()) {
            (Word::Symbol(_), size) if size >= 4 => word,
            (word, 8) => word,
            (word, 1) if is_high(register) => word.shifted(1).cut(1),
            (Word::Symbol(_), size) => Word::UNKNOWN.cut(size),
            (word, size) => word.cut(size),
        }
    }

    /// Sets a register, as wide as it is named: the upper half is cleared by a store into the lower one.
    pub(super) fn set_register(&mut self, register: Register, word: Word) {
        if !register.is_gpr() {
            return;
        }
        let number = register.full_register().number() & 15;
        match is_high(register) {
            true => self.registers[number] = self.registers[number].with(1, 1, word),
            false => self.set_low(number, register.size(), word),
        }
    }

    /// Sets the lowest bytes of a register.
    pub(super) fn set_low(&mut self, number: usize, size: usize, word: Word) {
        let place = &mut self.registers[number];
        *place = match size {
            8 => word,
            4 => word.cut(4),
            size => place.with(0, size, word),
        };
    }

    /// The address of a memory operand; `None`: it is not known.
    pub(super) fn address(&self, ground: &mut Ground<'_, '_>, instruction: &Instruction) -> Option<u64> {
        match self.place_in_memory(ground, instruction) {
            Place::Memory(at, _) => Some(at),
            _ => None,
        }
    }

    /// Where a memory operand is.
    fn place_in_memory(&self, ground: &mut Ground<'_, '_>, instruction: &Instruction) -> Place {
        let size = instruction.memory_size().size();
        if matches!(instruction.memory_segment(), Register::FS | Register::GS) {
            return Place::Thread(size);
        }
        match self.effective(ground, instruction) {
            Word::Near(at) => Place::Near(at, size),
            word => ground.address(word).map_or(Place::Nowhere(size), |at| Place::Memory(at, size)),
        }
    }

    /// Base, index and displacement of a memory operand.
    pub(super) fn effective(&self, ground: &mut Ground<'_, '_>, instruction: &Instruction) -> Word {
        if instruction.is_ip_rel_memory_operand() {
            return Word::number(instruction.ip_rel_memory_address());
        }
        let is_64 = ground.is_64;
        let displacement = displacement(instruction, is_64);
        let base = match instruction.memory_base() {
            Register::None => Word::number(0),
            register => self.register(register),
        };
        let index = match instruction.memory_index() {
            Register::None => return base.plus(displacement, is_64),
            register => self.register(register),
        };
        let scale = u64::from(instruction.memory_index_scale());
        let size = size_of(is_64);
        match (base.low(size), index.low(size)) {
            (_, Some(n)) => base.plus(displacement, is_64).plus(n.wrapping_mul(scale) as i64, is_64),
            (Some(n), None) if scale == 1 && is_offset(n, size) => {
                index.plus(displacement, is_64).plus(n as i64, is_64)
            }
            _ => {
                let memory = ground.own_memory(base).or_else(|| ground.own_memory(index));
                memory.map_or(Word::UNKNOWN, |at| Word::Near(at.wrapping_add_signed(displacement)))
            }
        }
    }

    /// Where an operand is.
    pub(super) fn place(&self, ground: &mut Ground<'_, '_>, instruction: &Instruction, n: u32) -> Place {
        match instruction.op_kind(n) {
            OpKind::Register => Place::Register(instruction.op_register(n)),
            OpKind::Memory => self.place_in_memory(ground, instruction),
            OpKind::Immediate8
            | OpKind::Immediate16
            | OpKind::Immediate32
            | OpKind::Immediate64
            | OpKind::Immediate8to16
            | OpKind::Immediate8to32
            | OpKind::Immediate8to64
            | OpKind::Immediate32to64 => Place::Number(instruction.immediate(n), 8),
            _ => Place::Nowhere(8),
        }
    }

    /// What is at a place.
    pub(super) fn get(&self, ground: &mut Ground<'_, '_>, files: &mut dyn Untouched, place: Place) -> Word {
        match place {
            Place::Register(register) => self.register(register),
            Place::Number(number, _) => Word::number(number),
            Place::Memory(at, size) => self.seen(ground, at, size, self.load(ground, files, at, size)),
            Place::Near(_, size) | Place::Thread(size) | Place::Nowhere(size) => Word::UNKNOWN.cut(size),
        }
    }

    /// What memory holds.
    pub(super) fn load(&self, ground: &Ground<'_, '_>, files: &mut dyn Untouched, at: u64, size: usize) -> Word {
        let written = match ground.slots.contains(&at) {
            true => self.memory.written_word(at, size),
            false => self.memory.load(ground.image, at, size),
        };
        match written {
            Some(word) => word,
            None => match ground.value(Word::number(at)) {
                Value::Stack(offset) => files.given(offset, size),
                value => files.load(value, size),
            },
        }
    }

    /// Puts a word at a place.
    pub(super) fn put(&mut self, place: Place, word: Word) {
        match place {
            Place::Register(register) => self.set_register(register, word),
            Place::Memory(at, size) => self.memory.store(at, size, word),
            Place::Near(at, _) => self.memory.blur_all(at),
            Place::Nowhere(_) => self.strayed = true,
            Place::Number(..) | Place::Thread(_) => {}
        }
    }

    /// Pushes a word.
    pub(super) fn push(&mut self, ground: &mut Ground<'_, '_>, word: Word) {
        let size = size_of(ground.is_64);
        self.registers[RSP] = self.registers[RSP].plus(-(size as i64), ground.is_64);
        if let Some(at) = ground.address(self.registers[RSP]) {
            self.memory.store(at, size, word);
        }
    }

    /// Pops a word.
    pub(super) fn pop(&mut self, ground: &mut Ground<'_, '_>, files: &mut dyn Untouched) -> Word {
        let size = size_of(ground.is_64);
        let at = ground.address(self.registers[RSP]);
        let word = at.map_or(Word::UNKNOWN, |at| self.load(ground, files, at, size));
        self.registers[RSP] = self.registers[RSP].plus(size as i64, ground.is_64);
        word
    }

    /// Memory of the run's own; aligned.
    pub(super) fn allocate(&mut self, bytes: u64) -> u64 {
        /// Alignment of allocations.
        const ALIGNMENT: u64 = 16;
        let at = self.heap.start;
        let behind = at + bytes.clamp(1, ROOM / 64).next_multiple_of(ALIGNMENT) + ALIGNMENT;
        match behind <= self.heap.end {
            true => self.heap.start = behind,
            // It stands where the next one will stand too.
            false => self.strayed = true,
        }
        at
    }

    /// Something was written that may stand where something else is looked for.
    pub(super) fn is_unsure(&self) -> bool {
        self.strayed || self.memory.is_full
    }

    /// Is the condition of this jump, move or `set` met?
    pub(super) fn is_met(&self, instruction: &Instruction) -> Option<bool> {
        use iced_x86::ConditionCode as C;
        let Flags { carry, zero, sign, overflow, parity } = self.flags;
        let less = || Some(sign? != overflow?);
        let either = |a: Option<bool>, b: Option<bool>| match (a, b) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        };
        let not = |flag: Option<bool>| flag.map(|set| !set);
        match instruction.condition_code() {
            C::o => overflow,
            C::no => not(overflow),
            C::b => carry,
            C::ae => not(carry),
            C::e => zero,
            C::ne => not(zero),
            C::be => either(carry, zero),
            C::a => not(either(carry, zero)),
            C::s => sign,
            C::ns => not(sign),
            C::p => parity,
            C::np => not(parity),
            C::l => less(),
            C::ge => not(less()),
            C::le => either(less(), zero),
            C::g => not(either(less(), zero)),
            C::None => None,
        }
    }

    /// Takes the condition of an instruction for met or not: what asks for the same again gets the same answer.
    pub(super) fn assume(&mut self, instruction: &Instruction, met: bool) {
        use iced_x86::ConditionCode as C;
        let is_zero = match (self.tested, instruction.condition_code()) {
            (Some((value, Tested::WithZero)), C::e) | (Some((value, Tested::WithOne)), C::b | C::None) => {
                Some((value, met))
            }
            (Some((value, Tested::WithZero)), C::ne) | (Some((value, Tested::WithOne)), C::ae) => Some((value, !met)),
            _ => None,
        };
        self.taken.extend(is_zero);
        let flags = &mut self.flags;
        match instruction.condition_code() {
            C::o | C::no => flags.overflow = Some(met == (instruction.condition_code() == C::o)),
            C::b | C::ae => flags.carry = Some(met == (instruction.condition_code() == C::b)),
            C::e | C::ne => flags.zero = Some(met == (instruction.condition_code() == C::e)),
            C::s | C::ns => flags.sign = Some(met == (instruction.condition_code() == C::s)),
            C::p | C::np => flags.parity = Some(met == (instruction.condition_code() == C::p)),
            C::be | C::a => {
                // Not above may be below or equal.
                let below = met == (instruction.condition_code() == C::be);
                if !below || flags.zero == Some(false) {
                    (flags.carry, flags.zero) = (Some(below), Some(false));
                }
            }
            C::l | C::ge => {
                let less = met == (instruction.condition_code() == C::l);
                (flags.sign, flags.overflow) = (Some(less), Some(false));
            }
            C::le | C::g => {
                let less = met == (instruction.condition_code() == C::le);
                if !less || flags.zero == Some(false) {
                    (flags.sign, flags.overflow, flags.zero) = (Some(less), Some(false), Some(false));
                }
            }
            C::None => flags.carry = Some(met),
        }
    }

    /// The flags of a result that is compared with zero.
    pub(super) fn set_result(&mut self, result: Option<u64>, size: usize) {
        let result = result.map(|result| result & width_of(size));
        self.flags.zero = result.map(|result| result == 0);
        self.flags.sign = result.map(|result| result >> (size.clamp(1, 8) * 8 - 1) & 1 == 1);
        self.flags.parity = result.map(|result| (result as u8).count_ones().is_multiple_of(2));
    }

    /// The flags of a difference.
    pub(super) fn set_difference(&mut self, a: Option<u64>, b: Option<u64>, size: usize) {
        let (Some(a), Some(b)) = (a, b) else {
            self.flags = Flags::default();
            return;
        };
        let (a, b) = (a & width_of(size), b & width_of(size));
        let result = a.wrapping_sub(b) & width_of(size);
        self.set_result(Some(result), size);
        let top = size.clamp(1, 8) * 8 - 1;
        self.flags.carry = Some(a < b);
        self.flags.overflow = Some(((a ^ b) & (a ^ result)) >> top & 1 == 1);
    }

    /// The flags of a sum.
    pub(super) fn set_sum(&mut self, a: Option<u64>, b: Option<u64>, size: usize) {
        let (Some(a), Some(b)) = (a, b) else {
            self.flags = Flags::default();
            return;
        };
        let (a, b) = (a & width_of(size), b & width_of(size));
        let result = a.wrapping_add(b) & width_of(size);
        self.set_result(Some(result), size);
        let top = size.clamp(1, 8) * 8 - 1;
        self.flags.carry = Some(result < a);
        self.flags.overflow = Some((!(a ^ b) & (a ^ result)) >> top & 1 == 1);
    }
}

/// A number that may be the distance of a field from the start of an object, not an address.
pub(super) fn is_offset(number: u64, size: usize) -> bool {
    /// Bytes of the largest object.
    const MAX_OBJECT: i64 = 0x10_0000;
    let unused = 64 - 8 * size.clamp(1, 8) as u32;
    ((number << unused) as i64 >> unused).abs() <= MAX_OBJECT
}

/// It walks along memory.
pub(super) fn is_string(mnemonic: Mnemonic) -> bool {
    use Mnemonic as M;
    matches!(
        mnemonic,
        M::Movsb
            | M::Movsw
            | M::Movsd
            | M::Movsq
            | M::Stosb
            | M::Stosw
            | M::Stosd
            | M::Stosq
            | M::Scasb
            | M::Scasw
            | M::Cmpsb
            | M::Cmpsw
            | M::Lodsb
            | M::Lodsw
            | M::Lodsd
            | M::Lodsq
    )
}
