//! Addresses of operands, and what memory holds.

use super::super::operands::displacement;
use super::analysis::{Engine, Origin};
use super::known::Known;
use super::models::paths::{ANY_ARGUMENT, ARGUMENTS};
use super::value::{Kind, Value};
use crate::facts::{Source, Text};
use iced_x86::{Instruction, Register};

/// Stands for the call that measured a length which an object keeps.
const KEPT: u32 = 0;

impl Engine<'_, '_> {
    /// Address of the memory operand.
    pub(crate) fn address(&mut self, instruction: &Instruction) -> Value {
        if matches!(instruction.memory_segment(), Register::FS | Register::GS) {
            return Value::Unknown;
        }
        if instruction.is_ip_rel_memory_operand() {
            return Value::Const(instruction.ip_rel_memory_address());
        }
        let displacement = displacement(instruction, self.is_64());
        if let Some(row) = self.row_operand(instruction, displacement) {
            return row;
        }
        let is_64 = self.is_64();
        let base = match instruction.memory_base() {
            Register::None => Value::Const(0),
            register => self.place(register),
        };
        let at = base.plus(displacement, is_64);
        let index = match instruction.memory_index() {
            // The end of a text in a variable of the program (x86).
            Register::None if self.symbols.is_data(displacement as u64) && self.is_length(base) => {
                let variable = Value::Const(displacement as u64);
                return self.indexed(variable, variable, base, 0, 1);
            }
            Register::None => return at,
            // A multiple of a few bits is the number of a row.
            register if instruction.memory_base() == Register::None && self.is_bits(register) => {
                self.register(register)
            }
            register => self.place(register),
        };
        let scale = i64::from(instruction.memory_index_scale());
        match self.count(index) {
            Some(n) => at.plus((n as i64).wrapping_mul(scale), is_64),
            None => self.indexed(at, base, index, displacement, scale),
        }
    }

    fn is_bits(&self, register: Register) -> bool {
        matches!(self.symbols.kind_of(self.register(register)), Some(Kind::Bits(..)))
    }

    /// The value of a register that is part of an address. Numbers that are not told apart make no address.
    fn place(&self, register: Register) -> Value {
        let value = self.register(register);
        match value {
            Value::Sym(symbol, _) if matches!(self.symbols.kind(symbol), Kind::Made(_) | Kind::Bits(..)) => {
                Value::Unknown
            }
            _ => value,
        }
    }

    /// An address with an index that is not a number: the end of a string, or a base and an index that changed places.
    pub(super) fn indexed(&mut self, at: Value, base: Value, index: Value, displacement: i64, scale: i64) -> Value {
        if let Some((end, buffer, extra)) = self.length_of(index, scale)
            && let Some(distance) = distance(buffer, at)
        {
            return self.symbols.of(end).plus(distance.wrapping_add(extra), self.is_64());
        }
        if scale == 1
            && let Some((end, buffer, extra)) = self.length_of(base, 1)
            && let Some(distance) = distance(buffer, index.plus(displacement, self.is_64()))
        {
            return self.symbols.of(end).plus(distance.wrapping_add(extra), self.is_64());
        }
        if let Some(n) = self.symbols.count(base).filter(|_| base.number().is_none() && scale == 1) {
            return index.plus((n as i64).wrapping_add(displacement), self.is_64());
        }
        if let Some(end) = self.ends_of_several(base, index, scale) {
            return end.plus(displacement, self.is_64());
        }
        for (text, place, scale) in [(base, index, scale), (index, base, 1)] {
            if let Some(found) = self.found_at(text, place, scale) {
                return found.plus(displacement, self.is_64());
            }
        }
        match base {
            Value::Const(0) if scale == 1 => index.plus(displacement, self.is_64()),
            Value::Const(0) if scale == 2 && self.doubled(index) != Value::Unknown => {
                self.doubled(index).plus(displacement, self.is_64())
            }
            Value::Const(0) if displacement == 0 => self.times(index, scale),
            _ if scale == 1 && base == index && self.doubled(base) != Value::Unknown => {
                self.doubled(base).plus(displacement, self.is_64())
            }
            _ if base == index && displacement == 0 && !self.is_pointer(base) => self.times(base, scale + 1),
            // A length is added to where another text begins: somewhere in that one.
            _ if self.is_length(index) && !self.is_length(base) => self.in_memory_of(base),
            _ if self.is_length(base) && scale == 1 => self.in_memory_of(index),
            // Either may be the pointer.
            _ if self.is_parameter(base) && self.is_parameter(index) => Value::Unknown,
            _ => {
                let (base, other) = match base {
                    Value::Stack(_) => (at, index),
                    _ if self.is_pointer(base) => (base, index),
                    _ => (index, base),
                };
                match self.inside(base) {
                    Value::Unknown => self.inside(other),
                    inside => inside,
                }
            }
        }
    }

    /// The end of a text that is one of a few, whose length is one of as many: each belongs to one of them.
    fn ends_of_several(&mut self, text: Value, length: Value, scale: i64) -> Option<Value> {
        let (texts, lengths) = (self.symbols.alternatives(text), self.symbols.alternatives(length));
        if texts.len() < 2 || lengths.len() < 2 {
            return None;
        }
        let mut ends = Vec::new();
        for text in texts {
            let literal = self.text(text, scale == 2).and_then(|known| known.as_lit().map(str::len));
            let end = lengths.into_iter().find_map(|length| match self.length_of(length, scale) {
                Some((end, of, 0)) if of == text => Some(Ok(end)),
                Some(_) => None,
                None => self.count(length).filter(|n| literal == Some(*n as usize)).map(Err),
            })?;
            ends.push(match end {
                Ok(end) => self.symbols.of(end),
                Err(count) => text.plus((count as i64).wrapping_mul(scale), self.is_64()),
            });
        }
        Some(self.symbols.any(ends))
    }

    /// What a search found in a text, or the end of the text: the address is that of the text and a number of characters.
    fn found_at(&mut self, text: Value, place: Value, scale: i64) -> Option<Value> {
        let Value::Sym(symbol, more) = place else { return None };
        let kind = match self.symbols.kind(symbol) {
            Kind::Index(at) => match self.symbols.kind_of(at)? {
                Kind::LastSeparator(of, _) | Kind::Extension(of, _) if of == text => {
                    return Some(at.plus(i64::from(more).wrapping_mul(scale), self.is_64()));
                }
                _ => return None,
            },
            _ if more == 0 && self.is_length_of(place, text) => Kind::End(text, scale == 2, KEPT),
            _ => return None,
        };
        Some(self.symbols.of(kind))
    }

    /// Somewhere in the memory that an address points into.
    pub(super) fn inside(&mut self, address: Value) -> Value {
        // A parameter may be a number too, but what is written there is no less unknown.
        let is_parameter = |root| matches!(self.symbols.kind_of(root), Some(Kind::Param(_)));
        match self.symbols.root(address) {
            Some(root) if self.is_pointer(address) || is_parameter(root) => self.symbols.of(Kind::Inside(root)),
            _ => Value::Unknown,
        }
    }

    /// A parameter of which nothing tells a pointer from a number.
    fn is_parameter(&self, value: Value) -> bool {
        let root = self.symbols.root(value).and_then(|root| self.symbols.kind_of(root));
        matches!(root, Some(Kind::Param(_))) && !self.is_pointer(value)
    }

    pub(super) fn is_length(&self, value: Value) -> bool {
        let Value::Sym(symbol, _) = value else { return false };
        matches!(self.symbols.kind(symbol), Kind::Length(..) | Kind::Size(..))
    }

    fn in_memory_of(&mut self, address: Value) -> Value {
        match self.symbols.root(address) {
            Some(root) => self.symbols.of(Kind::Inside(root)),
            None => Value::Unknown,
        }
    }

    /// Certainly an address, not a number that another address is indexed with.
    fn is_pointer(&self, value: Value) -> bool {
        match value {
            Value::Stack(_) => true,
            Value::Sym(symbol, _) => match self.symbols.kind(symbol) {
                Kind::End(..) | Kind::LastSeparator(..) | Kind::Extension(..) | Kind::Inside(_) => true,
                Kind::Out(_, ARGUMENTS) => true,
                _ => self.state.buffer(value).is_some(),
            },
            _ => false,
        }
    }

    /// The end of the string whose length a value is, when it is multiplied by `scale`; the string, and the bytes that
    /// are added to it.
    fn length_of(&self, value: Value, scale: i64) -> Option<(Kind, Value, i64)> {
        let Value::Sym(symbol, extra) = value else { return None };
        let (buffer, wide, site) = match self.symbols.kind(symbol) {
            Kind::Length(buffer, wide, site) if scale == if wide { 2 } else { 1 } => (buffer, wide, site),
            Kind::Size(buffer, site) if scale == 1 => (buffer, true, site),
            _ => return None,
        };
        Some((Kind::End(buffer, wide, site), buffer, i64::from(extra).wrapping_mul(scale)))
    }

    /// Twice a length of wide characters.
    pub(super) fn doubled(&mut self, value: Value) -> Value {
        let Value::Sym(symbol, extra) = value else { return Value::Unknown };
        match self.symbols.kind(symbol) {
            Kind::Length(buffer, true, site) => {
                self.symbols.of(Kind::Size(buffer, site)).plus(i64::from(extra) * 2, self.is_64())
            }
            _ => Value::Unknown,
        }
    }

    /// What memory holds at an address.
    pub(crate) fn load(&mut self, address: Value, size: u8) -> Value {
        if let Value::Sym(symbol, _) = address
            && let Kind::Inside(root) = self.symbols.kind(symbol)
        {
            return self.argument_in(root);
        }
        if address == Value::Unknown {
            return Value::Unknown;
        }
        self.note_looked(address);
        let address = match self.this_row(address) {
            row @ Value::Const(va) if row != address => match self.image_word(va, size) {
                Some(word) => return word,
                None => row,
            },
            address => address,
        };
        self.note_rows(address);
        if let Some(cell) = self.state.cell(address) {
            return match cell.value {
                Value::Const(c) if self.counts(address, c) => self.counted(c as usize),
                // On another way something was put there that is no number.
                Value::Const(_) if size > 2 && self.state.buffer(address).is_some_and(|buffer| !buffer.object) => {
                    self.symbols.of(Kind::Load(address))
                }
                _ if cell.size < size && !matches!(cell.value, Value::Sym(..)) => self.put_together(address, size),
                Value::Const(c) if size < 8 => Value::Const(c & ((1u64 << (u32::from(size) * 8)) - 1)),
                Value::Unknown => self.symbols.of(Kind::Load(address)),
                value => value,
            };
        }
        if let Some(argument) = self.program_argument(address) {
            return argument;
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

    /// The function looks at what a parameter points to.
    fn note_looked(&mut self, address: Value) {
        if let Value::Sym(symbol, _) = address
            && let Kind::Param(n @ 0..64) = self.symbols.kind(symbol)
        {
            self.report.looks |= 1 << n;
        }
    }

    /// A number that was stored in parts.
    fn put_together(&self, address: Value, size: u8) -> Value {
        let bytes = self.state.constant_bytes(address, usize::from(size));
        match bytes.get(..usize::from(size)).filter(|bytes| bytes.len() <= 8) {
            Some(bytes) => Value::Const(bytes.iter().rev().fold(0, |sum, b| sum << 8 | u64::from(*b))),
            None => Value::Unknown,
        }
    }

    /// The number at an address is the length of a string: before it is the pointer to its characters, and there are as many.
    fn counts(&self, address: Value, number: u64) -> bool {
        let word = if self.is_64() { 8 } else { 4 };
        let Some(held) = self.state.cell(address.plus(-word, true)).map(|cell| cell.value) else { return false };
        let is_own = held == address.plus(word, true) || self.is_given_characters(held);
        let has_length = |wide: bool| {
            let known = self.text(held, wide);
            known.as_ref().and_then(Known::as_lit).is_some_and(|text| text.is_ascii() && text.len() as u64 == number)
        };
        is_own && (has_length(false) || has_length(true))
    }

    /// One of the arguments of the program, when that is the array that an address points into.
    fn argument_in(&mut self, array: Value) -> Value {
        let Some(Kind::Out(site, ARGUMENTS)) = self.symbols.kind_of(array) else { return Value::Unknown };
        let text = Known::of(Text::from_source(Source::Arg, "command-line"));
        self.with_origin(Kind::Out(site, ANY_ARGUMENT), Origin::Text(text))
    }

    /// Number of the parameter at a frame offset: behind the return address, on x64 behind the home area too.
    pub(crate) fn stack_parameter(&self, offset: i32) -> Option<u8> {
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
        self.image_word(va, size)
    }

    /// What the file has at an address.
    fn image_word(&self, va: u64, size: u8) -> Option<Value> {
        let image = &self.program.image;
        let bytes = image.at(image.rva_of(va)?)?;
        let number = bytes.get(..usize::from(size.min(8)))?.iter().rev().fold(0u64, |sum, b| sum << 8 | u64::from(*b));
        Some(Value::Const(number))
    }
}

/// `address - buffer`, when both are in the same object: what is added to a length or taken from it is small.
fn distance(buffer: Value, address: Value) -> Option<i64> {
    match (buffer, address) {
        (Value::Stack(a), Value::Stack(b)) => Some(i64::from(b) - i64::from(a)),
        (Value::Const(a), Value::Const(b)) => Some(b.wrapping_sub(a) as i64),
        (Value::Sym(s, a), Value::Sym(t, b)) if s == t => Some(i64::from(b) - i64::from(a)),
        _ => None,
    }
    .filter(|d| (-0x100..0x1000).contains(d))
}
