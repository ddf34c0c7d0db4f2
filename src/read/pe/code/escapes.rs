//! Texts whose address is kept somewhere else: in a structure, in a variable of the program, or with Windows, which hands
//! it to a function of the image. Whoever gets it from there may write them.

use super::analysis::Engine;
use super::known::Known;
use super::state::{Buffer, Cell};
use super::value::Value;
use super::writes::Written;

/// Bytes of a structure whose pointers are followed.
const STRUCTURE: i64 = 128;
/// Most arguments of a function of Windows that may be a procedure, or what it is called with.
const MAX_ARGUMENTS: u8 = 8;
/// Most parameters of such a procedure that may be the one.
const MAX_PARAMETERS: u8 = 4;

/// A number may be the size of a structure that it stands in, and not that of a buffer beside it.
pub(crate) fn is_structure(size: u64) -> bool {
    (12..=160).contains(&size) && size.is_multiple_of(4) && !size.is_power_of_two()
}

impl Engine<'_, '_> {
    /// A function outside the image is given one of it, which may be called with what else is given.
    pub(super) fn give_context(&mut self, parameters: u32) {
        let parameters = u8::try_from(parameters).unwrap_or(MAX_ARGUMENTS).min(MAX_ARGUMENTS);
        if self.is_go() || parameters < 2 || !self.state.holds_texts() {
            return;
        }
        let image = &self.program.image;
        let procedure = |value: Value| {
            let rva = image.rva_of(value.number()?)?;
            let is_code = image.section_of(rva).is_some_and(|section| section.is_code());
            (is_code && self.program.functions.is_start(rva)).then_some(rva)
        };
        let given: Vec<Value> = (0..parameters).map(|n| self.held_argument(n)).collect();
        let Some(procedure) = given.iter().find_map(|value| procedure(*value)) else { return };
        for value in given {
            let writes =
                |engine: &Self, of: fn(u8) -> u8| (0..MAX_PARAMETERS).any(|n| engine.may_write(procedure, of(n)));
            if self.may_hold_text(value) && self.holds_known_text(value) && writes(self, |n| n) {
                self.lose_text(value);
            }
            let behind = self.kept_in(value);
            if !behind.is_empty() && (writes(self, Written::behind) || writes(self, Written::first)) {
                behind.into_iter().for_each(|text| self.lose_text(text));
            }
        }
    }

    /// An argument of a call, if it is known; nothing is learnt of the function by asking.
    fn held_argument(&self, n: u8) -> Value {
        let register = match (self.is_64(), n) {
            (true, 0) => Some(1),
            (true, 1) => Some(2),
            (true, 2) => Some(8),
            (true, 3) => Some(9),
            _ => None,
        };
        if let Some(register) = register {
            return self.state.registers.get(register).copied().unwrap_or(Value::Unknown);
        }
        let size = if self.is_64() { 8 } else { 4 };
        let at = self.state.registers[super::state::RSP].plus(i64::from(n) * size, self.is_64());
        self.state.cell(at).map_or(Value::Unknown, |cell| cell.value)
    }

    /// Texts whose addresses are fields of what a pointer leads to.
    pub(super) fn kept_in(&self, pointer: Value) -> Vec<Value> {
        self.kept_within(pointer, STRUCTURE)
    }

    /// The same, of the first field.
    pub(super) fn kept_first(&self, pointer: Value) -> Vec<Value> {
        self.kept_within(pointer, 1)
    }

    /// The same, of an argument of a call.
    pub(super) fn kept_in_structure_of(&self, n: u8) -> Vec<Value> {
        match self.held_argument(n) {
            pointer @ (Value::Stack(_) | Value::Sym(..)) => self.kept_in_structure(pointer),
            _ => Vec::new(),
        }
    }

    /// The same, of a structure that begins with its size, as many of Windows do.
    pub(super) fn kept_in_structure(&self, pointer: Value) -> Vec<Value> {
        let size = self.state.cell(pointer).and_then(|cell| cell.value.number()).filter(|size| is_structure(*size));
        size.map_or_else(Vec::new, |size| self.kept_within(pointer, size as i64))
    }

    fn kept_within(&self, pointer: Value, bytes: i64) -> Vec<Value> {
        if matches!(pointer, Value::Unknown | Value::Const(0..0x1_0000)) || !self.state.holds_texts() {
            return Vec::new();
        }
        let fields = self.state.cells_in(pointer, pointer.plus(bytes, true)).map(|(_, cell)| cell.value);
        fields.filter(|value| *value != pointer && self.may_hold_text(*value)).collect()
    }

    /// Asked before what the text is.
    fn may_hold_text(&self, pointer: Value) -> bool {
        let is_number = |cell: Cell| matches!(cell.value, Value::Const(_));
        match pointer {
            Value::Unknown => false,
            Value::Stack(_) => self.state.buffer(pointer).is_some() || self.state.cell(pointer).is_some_and(is_number),
            _ => self.state.buffer(pointer).is_some(),
        }
    }

    /// A function of the image may write a text whose address a variable of the program holds. `None`: it is not known
    /// which function.
    pub(super) fn lose_escaped(&mut self, target: Option<u32>) {
        if !self.state.holds_texts() {
            return;
        }
        let variables = self.state.cells_in(Value::Const(0), Value::Const(u64::MAX)).map(|(_, cell)| cell.value);
        let frame = |value: &Value| matches!(value, Value::Stack(_));
        let texts: Vec<Value> = variables.filter(frame).filter(|value| self.holds_known_text(*value)).collect();
        if texts.is_empty() || target.is_some_and(|target| !self.may_write(target, Written::VARIABLE)) {
            return;
        }
        texts.into_iter().for_each(|text| self.lose_text(text));
    }

    /// Something of which nothing is known may write the texts whose addresses stand in what it is given.
    pub(super) fn lose_within_arguments(&mut self) {
        if self.state.holds_texts() {
            let within: Vec<Value> = (0..MAX_PARAMETERS).flat_map(|n| self.kept_in(self.held_argument(n))).collect();
            within.into_iter().for_each(|text| self.lose_text(text));
        }
    }

    /// Something may write to a variable of the program that holds a text. Few characters are more often a number.
    pub(super) fn lose_variable_text(&mut self, variable: Value) {
        const MIN_TEXT: usize = 3;
        let is_text = |known: Known| known.says() && known.as_lit().is_none_or(|text| text.len() >= MIN_TEXT);
        if [false, true].iter().any(|wide| self.text(variable, *wide).is_some_and(is_text)) {
            self.lose_text(variable);
        }
    }

    pub(super) fn lose_text(&mut self, pointer: Value) {
        match pointer {
            _ if !self.holds_known_text(pointer) => {}
            Value::Sym(..) => self.lose(pointer),
            _ => self.state.set_buffer(pointer, Buffer::of(Known::unknown())),
        }
    }
}
