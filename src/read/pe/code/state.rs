//! What is known before an instruction: registers, memory cells, and the strings in buffers.

use super::known::Known;
use super::models::go::REGISTERS as GO_REGISTERS;
use super::strings::decode;
use super::table::Table;
use super::touched::Touched;
use super::value::{Kind, Symbols, Value};

/// Number of general registers.
pub(crate) const REGISTERS: usize = 16;
/// Index of the stack pointer, in the order of the processor's numbering.
pub(crate) const RSP: usize = 4;
/// Most memory cells that are kept.
pub(super) const MAX_CELLS: usize = 512;
/// Most buffers whose strings are kept.
pub(super) const MAX_BUFFERS: usize = 256;
/// Longest string that is not known whole.
const MAX_LENGTH: i64 = 260;

/// Stands in a tail for what is stored later: no character.
pub(super) const GAP: u8 = 1;
/// Stands in a tail for the zero that ended the text when it was measured.
pub(super) const ENDED: u8 = 2;

/// A memory cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) size: u8,
    pub(crate) value: Value,
}

/// The string in a buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Buffer {
    /// Weak: something unknown may have changed it since, or it is only associated with the object.
    pub(crate) known: Known,
    /// Bytes that were stored one by one behind the end of it.
    pub(crate) tail: Vec<u8>,
    /// Its characters are UTF-16, or not, as whoever put them there says.
    pub(crate) wide: Option<bool>,
    /// It is a string object, not the characters themselves.
    pub(crate) object: bool,
    /// What was measured of it.
    pub(crate) measured: Option<Measured>,
    /// It was put there on some ways only, and what was there before is for the caller to say. Only of variables.
    pub(crate) partial: bool,
}

/// A text up to the end that it had at a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Measured {
    /// Address of the call.
    pub(crate) site: u32,
    pub(crate) text: Known,
}

impl Buffer {
    /// The same, of characters that are so wide.
    pub(crate) fn so_wide(self, wide: impl Into<Option<bool>>) -> Self {
        Buffer { wide: wide.into(), ..self }
    }

    /// A string.
    pub(crate) fn of(known: Known) -> Self {
        Buffer { known, tail: Vec::new(), wide: None, object: false, measured: None, partial: false }
    }
}

/// What an SSE register holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wide {
    /// Nothing is known.
    #[default]
    Unknown,
    /// Constants.
    Bytes([u8; 16]),
    /// What words of the machine held: fields of an object that is moved.
    Words([Value; WIDE_WORDS]),
}

/// Most words that an SSE register holds (x86).
pub(crate) const WIDE_WORDS: usize = 4;

/// State of the machine.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) registers: [Value; REGISTERS],
    pub(crate) wide: [Wide; REGISTERS],
    pub(super) cells: Table<Cell>,
    pub(super) buffers: Table<Buffer>,
    /// Texts of callers that may have been written to.
    pub(super) touched: Vec<Touched>,
}

impl State {
    /// The state at the entry of a function: what the caller passes is parameters (x64 calling convention; on x86
    /// parameters are on the stack, and `this` or a fast argument in ecx and edx, Delphi's in eax, edx, ecx).
    pub(crate) fn at_entry(symbols: &mut Symbols, is_64: bool, is_go: bool) -> Self {
        let mut registers = [Value::Unknown; REGISTERS];
        registers[RSP] = Value::Stack(0);
        let parameters: &[(usize, u8)] =
            if is_64 { &[(1, 0), (2, 1), (8, 2), (9, 3)] } else { &[(1, PARAM_ECX), (2, PARAM_EDX), (0, PARAM_EAX)] };
        let go: Vec<(usize, u8)> = GO_REGISTERS.into_iter().zip(0..).collect();
        for (register, parameter) in if is_go && is_64 { &go } else { parameters } {
            registers[*register] = symbols.of(Kind::Param(*parameter));
        }
        State {
            registers,
            wide: [Wide::Unknown; REGISTERS],
            cells: Table::default(),
            buffers: Table::default(),
            touched: Vec::new(),
        }
    }

    /// A parameter is this number.
    pub(crate) fn give(&mut self, parameter: u8, number: u64, is_64: bool) {
        let number = Value::Const(number);
        let register = match (parameter, is_64) {
            (0, true) | (PARAM_ECX, false) => 1,
            (1, true) | (PARAM_EDX, false) => 2,
            (2, true) => 8,
            (3, true) => 9,
            (PARAM_EAX, false) => 0,
            // Behind the return address, on x64 behind the home area too.
            (n, true) => return self.store(Value::Stack(0x28 + (i32::from(n) - 4) * 8), 8, number),
            (n, false) => return self.store(Value::Stack(4 + i32::from(n) * 4), 4, number),
        };
        if let Some(place) = self.registers.get_mut(register) {
            *place = number;
        }
    }

    /// The cell at an address.
    pub(crate) fn cell(&self, address: Value) -> Option<Cell> {
        self.cells.get(address).copied()
    }

    /// Stores a value; cells that overlap it are forgotten, and text that was there before is overwritten.
    pub(crate) fn store(&mut self, address: Value, size: u8, value: Value) {
        // Something that is no text takes the place of one: another variable, in the same place of the frame.
        if size > 2 && !matches!(value, Value::Const(_)) {
            self.forget_rest(address);
        }
        self.keep_and_store(address, size, value);
        self.buffers.remove(address);
    }

    /// The same, for the pointer in a string object, whose text stays.
    pub(crate) fn keep_and_store(&mut self, address: Value, size: u8, value: Value) {
        if address == Value::Unknown {
            return;
        }
        if let Some((low, high)) = span(address, size) {
            let overlapping: Vec<(Value, Cell)> = self
                .cells
                .range(low, high)
                .filter(|(at, cell)| (**at != address || cell.size > size) && overlaps(**at, cell.size, address))
                .map(|(at, cell)| (*at, *cell))
                .collect();
            for (at, cell) in overlapping {
                self.cells.remove(at);
                for (at, cell) in remains(at, cell, address, size) {
                    self.cells.set(at, cell, MAX_CELLS);
                }
            }
        }
        self.cells.set(address, Cell { size, value }, MAX_CELLS);
    }

    /// A text that was written into the frame as numbers is overwritten: the rest of it is nothing to be read.
    fn forget_rest(&mut self, address: Value) {
        let Some(Cell { value: Value::Const(number), .. }) = self.cells.get(address).copied() else { return };
        if !matches!(address, Value::Stack(_)) || !(number as u8).is_ascii_graphic() {
            return;
        }
        let bytes = self.constant_bytes(address, MAX_LENGTH as usize);
        if let Some(length) = length_of_text(&bytes) {
            self.cells.remove_range(address.plus(1, true), address.plus(length as i64, true));
        }
    }

    /// The bytes of constant cells from an address on, up to the first gap.
    pub(crate) fn constant_bytes(&self, address: Value, limit: usize) -> Vec<u8> {
        constant_bytes(|at| self.cells.get(at).copied(), address, limit)
    }

    /// The string in the buffer at an address.
    pub(crate) fn buffer(&self, address: Value) -> Option<&Buffer> {
        self.buffers.get(address)
    }

    /// The same, to be changed.
    pub(crate) fn buffer_mut(&mut self, address: Value) -> Option<&mut Buffer> {
        self.buffers.get_mut(address)
    }

    /// Sets the string in a buffer.
    pub(crate) fn set_buffer(&mut self, address: Value, buffer: Buffer) {
        if address == Value::Unknown || address == Value::Const(0) {
            return;
        }
        // What was stored there byte by byte is covered by the string.
        self.keep_and_store(address, 1, Value::Unknown);
        self.cells.remove(address);
        if !buffer.object && !buffer.known.weak {
            let begun = buffer.known.texts().iter().map(|text| text.leading_lit().len() as i64).min().unwrap_or(0);
            let unit = if buffer.wide == Some(true) { 2 } else { 1 };
            self.cells.remove_range(address, address.plus(begun * unit + 1, true));
            self.buffers.remove_range(address.plus(1, true), address.plus(begun * unit + 1, true));
        }
        self.buffers.set(address, buffer, MAX_BUFFERS);
    }

    /// The known text in whose middle an address lies, or at whose end: where it begins, and what is before the address.
    pub(crate) fn enclosing(&self, address: Value) -> Option<(Value, String)> {
        if self.buffers.is_empty() {
            return None;
        }
        let (at, buffer) = self.buffers.range(address.plus(-MAX_LENGTH, true), address).last()?;
        let unit = if buffer.wide == Some(true) { 2 } else { 1 };
        let before = usize::try_from(distance(*at, address)? / unit).ok()?;
        let text = buffer.known.as_lit().filter(|text| !buffer.object && buffer.tail.is_empty() && text.is_ascii())?;
        Some((*at, text.get(..before)?.to_owned()))
    }

    /// A byte is set so often from an address on. Its first character is set already.
    pub(crate) fn overwrite(&mut self, address: Value, bytes: i64, byte: Value) {
        let (from, to) = (address.plus(1, true), address.plus(bytes, true));
        if from >= to {
            return;
        }
        self.buffers.remove_range(from, to);
        let held: Vec<Value> = self.cells.range(from, to).map(|(at, _)| *at).collect();
        for at in held {
            if let Some(cell) = self.cells.get_mut(at) {
                cell.value = if byte == Value::Const(0) { byte } else { Value::Unknown };
            }
        }
    }

    /// The start of the buffer whose string an address points into.
    pub(crate) fn containing(&self, address: Value) -> Option<Value> {
        if self.buffers.is_empty() {
            return None;
        }
        if self.buffers.get(address).is_some() {
            return Some(address);
        }
        let from = address.plus(-MAX_LENGTH, true);
        let (at, buffer) = self.buffers.range(from, address).last()?;
        let unit = if buffer.wide == Some(true) { 2 } else { 1 };
        let length =
            buffer.known.texts().iter().map(|t| t.as_lit().map_or(MAX_LENGTH, |lit| lit.len() as i64 * unit)).max()?;
        (!buffer.object && distance(*at, address)? <= length).then_some(*at)
    }

    /// There may be texts: in buffers, or as numbers in the frame.
    pub(crate) fn holds_texts(&self) -> bool {
        !(self.buffers.is_empty() && self.cells.is_empty())
    }

    /// All buffers.
    pub(crate) fn buffers(&self) -> impl Iterator<Item = (&Value, &Buffer)> {
        self.buffers.iter()
    }

    /// All cells.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (&Value, &Cell)> {
        self.cells.iter()
    }

    /// The cells that are others than in a state that this one was made from.
    pub(crate) fn cells_changed(&self, before: &State) -> Vec<(Value, Cell)> {
        if self.cells.is_shared(&before.cells) {
            return Vec::new();
        }
        let changed = |(at, cell): &(&Value, &Cell)| before.cells.get(**at) != Some(*cell);
        self.cells.iter().filter(changed).map(|(at, cell)| (*at, *cell)).collect()
    }

    /// The same, of buffers.
    pub(crate) fn buffers_changed(&self, before: &State) -> Vec<(Value, Buffer)> {
        if self.buffers.is_shared(&before.buffers) {
            return Vec::new();
        }
        let changed = |(at, buffer): &(&Value, &Buffer)| before.buffers.get(**at) != Some(*buffer);
        self.buffers.iter().filter(changed).map(|(at, buffer)| (*at, buffer.clone())).collect()
    }

    /// The cells from an address up to another.
    pub(crate) fn cells_in(&self, from: Value, to: Value) -> impl Iterator<Item = (&Value, &Cell)> {
        self.cells.range(from, to)
    }

    /// The buffers from an address up to another.
    pub(crate) fn buffers_in(&self, from: Value, to: Value) -> impl Iterator<Item = (&Value, &Buffer)> {
        self.buffers.range(from, to)
    }

    /// Something unknown may write through this pointer.
    pub(crate) fn taint(&mut self, address: Value, written: Value) {
        self.forget_rest(address);
        if let Some(at) = self.containing(address)
            && let Some(buffer) = self.buffers.get_mut(at)
        {
            let begun = buffer.known.texts().iter().map(|text| text.leading_lit().len() as i64).min().unwrap_or(0);
            // What was only believed of an object still is. Of a text that is overwritten nothing is left.
            match distance(at, address) {
                Some(behind) if behind <= begun && !buffer.object && !buffer.known.weak => {
                    *buffer = Buffer::of(Known::unknown());
                }
                _ => buffer.known.weak = true,
            }
        }
        if let Some(cell) = self.cells.get_mut(address) {
            cell.value = written;
        } else if matches!(address, Value::Stack(_)) {
            let size = self.room_beside(address);
            self.keep_and_store(address, size, written);
        }
    }

    /// Bytes of a variable that a call fills: what another call has filled beside it is a variable of its own, and so is what
    /// the program has put an address of its frame into.
    fn room_beside(&mut self, address: Value) -> u8 {
        const WHOLE: u8 = 8;
        const HALF: u8 = 4;
        let is_given = |cell: &Cell| matches!(cell.value, Value::Sym(..));
        if let Some(before) = self.cells.get_mut(address.plus(-i64::from(HALF), true))
            && is_given(before)
            && before.size == WHOLE
        {
            before.size = HALF;
        }
        let beside = self.cells.get(address.plus(i64::from(HALF), true));
        let is_own = |cell: &Cell| is_given(cell) || matches!(cell.value, Value::Stack(_));
        if beside.is_some_and(is_own) { HALF } else { WHOLE }
    }

    /// A function that was given this address may fill more than its first word: what was cleared beside it is not known
    /// to be zero any more.
    pub(crate) fn forget_zeros(&mut self, address: Value, bytes: i64) {
        let to = address.plus(bytes, true);
        let is_zero = |cell: &Cell| cell.value == Value::Const(0);
        let zeros: Vec<Value> = self
            .cells
            .range(address, to)
            .filter(|(at, cell)| **at > address && is_zero(cell))
            .map(|(at, _)| *at)
            .collect();
        for at in zeros {
            if let Some(cell) = self.cells.get_mut(at) {
                cell.value = Value::Unknown;
            }
        }
    }
}

/// Bytes up to the end of a text of either width.
fn length_of_text(bytes: &[u8]) -> Option<usize> {
    /// Shortest text, in bytes: less may be any number.
    const MIN_TEXT: usize = 4;
    let narrow = decode(bytes, false).map(|text| text.len());
    let wide = decode(bytes, true).filter(|text| text.is_ascii());
    let length = narrow.max(wide.map(|text| text.len() * 2))?;
    (length >= MIN_TEXT).then_some(length)
}

/// On x86: `this` or the first fast argument.
pub(crate) const PARAM_ECX: u8 = 32;
/// On x86: the second fast argument.
pub(crate) const PARAM_EDX: u8 = 33;
/// On x86: the first argument of Delphi's convention.
pub(crate) const PARAM_EAX: u8 = 34;

/// The bytes of constant cells from an address on, up to the first gap.
pub(super) fn constant_bytes(cell: impl Fn(Value) -> Option<Cell>, address: Value, limit: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut at = address;
    while bytes.len() < limit {
        let Some(Cell { size, value: Value::Const(c) }) = cell(at) else { break };
        bytes.extend_from_slice(c.to_le_bytes().get(..usize::from(size.min(8))).unwrap_or_default());
        at = at.plus(i64::from(size), true);
    }
    bytes
}

/// Addresses whose cells could overlap `size` bytes at `address`.
fn span(address: Value, size: u8) -> Option<(Value, Value)> {
    Some(match address {
        Value::Stack(o) => (Value::Stack(o.saturating_sub(15)), Value::Stack(o.saturating_add(i32::from(size)))),
        Value::Sym(s, o) => (Value::Sym(s, o.saturating_sub(15)), Value::Sym(s, o.saturating_add(i32::from(size)))),
        Value::Const(c) => (Value::Const(c.saturating_sub(15)), Value::Const(c.saturating_add(u64::from(size)))),
        Value::Unknown => return None,
    })
}

/// What is left of a number at `at` when `size` bytes at `address` are overwritten: the last move of a copied string
/// often begins inside the one before.
fn remains(at: Value, cell: Cell, address: Value, size: u8) -> impl Iterator<Item = (Value, Cell)> {
    let before = distance(at, address).filter(|before| (0..i64::from(cell.size)).contains(before));
    let behind = distance(address.plus(i64::from(size), true), at.plus(i64::from(cell.size), true));
    let number = cell.value.number().filter(|_| cell.size <= 8);
    let part = move |skip: i64, length: Option<i64>| {
        let length = length.and_then(|n| u8::try_from(n).ok()).filter(|n| (1..=cell.size).contains(n))?;
        let value = Value::Const(number? >> (skip * 8) & (u64::MAX >> (64 - u32::from(length) * 8)));
        Some((at.plus(skip, true), Cell { size: length, value }))
    };
    let first = part(0, before);
    let last = behind.and_then(|n| part(i64::from(cell.size) - n.clamp(0, i64::from(cell.size)), Some(n)));
    first.into_iter().chain(last)
}

/// `to - from`, when both are in the same object.
pub(super) fn distance(from: Value, to: Value) -> Option<i64> {
    match (from, to) {
        (Value::Stack(a), Value::Stack(b)) => Some(i64::from(b) - i64::from(a)),
        (Value::Sym(s, a), Value::Sym(t, b)) if s == t => Some(i64::from(b) - i64::from(a)),
        (Value::Const(a), Value::Const(b)) => Some(b.wrapping_sub(a) as i64),
        _ => None,
    }
}

/// A cell of `size` bytes at `at` reaches `address`, or starts behind it.
fn overlaps(at: Value, size: u8, address: Value) -> bool {
    match (at, address) {
        (Value::Stack(a), Value::Stack(b)) | (Value::Sym(_, a), Value::Sym(_, b)) => {
            a >= b || a.saturating_add(i32::from(size)) > b
        }
        (Value::Const(a), Value::Const(b)) => a >= b || a.saturating_add(u64::from(size)) > b,
        _ => false,
    }
}
