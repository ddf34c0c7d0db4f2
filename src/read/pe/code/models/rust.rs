//! Paths of Rust: a pointer and a length, turned into UTF-16 before Windows sees them.

use super::super::analysis::{Engine, Origin};
use super::super::known::Known;
use super::super::state::{PARAM_ECX, PARAM_EDX};
use super::super::value::{Kind, Value};
use crate::facts::Text;

/// Number of the first word of the vector with the characters among what a call writes, behind all arguments.
const ENCODED: u8 = 48;
/// Words of the vector, or of what says that there is none: one of them points to the characters.
const WORDS: u8 = 3;
/// Longest path, in bytes.
const MAX_PATH: u64 = 1024;

impl Engine<'_, '_> {
    /// `to_u16s` of the standard library, and what is given its result: both fill what their first argument points to.
    /// That every path takes this way is known of the library, not read from its code: what is found so is a guess.
    pub(in super::super) fn path_of_rust(&mut self, target: u32, site: u32) -> Option<Value> {
        let program = self.program;
        if program.encoders.is_empty() {
            return None;
        }
        let [out, pointer, length] = match self.is_64() || !matches!(self.argument(PARAM_ECX), Value::Stack(_)) {
            true => [0, 1, 2],
            false => [PARAM_ECX, PARAM_EDX, 0],
        }
        .map(|n| self.argument(n));
        let word = program.image.pointer_size() as u8;
        let place = |base: Value, n: u8| base.plus(i64::from(n) * i64::from(word), word == 8);
        if program.encoders.contains(&target) {
            // Others are given something else than a pointer and a length: an iterator, for one.
            let measured = self.slot(length).is_some() || length.number().is_some();
            let known = match (self.exactly(pointer, length), self.slot(pointer)) {
                (Some(text), _) => Known::weak(Text::lit(text)),
                (None, Some(slot)) if measured => Known::weak(slot.text()),
                _ => return None,
            };
            for n in 0..WORDS {
                let value = self.with_origin(Kind::Out(site, ENCODED + n), Origin::Text(known.clone()));
                self.state.store(place(out, n), word, value);
            }
            return Some(self.symbols.of(Kind::Result(site)));
        }
        // The same path in the form that Windows takes for long ones (`maybe_verbatim`).
        let held = self.state.cell(place(pointer, 1)).map(|cell| cell.value);
        let encoded = |value: Value| matches!(self.symbols.kind_of(value), Some(Kind::Out(_, n)) if (ENCODED..ENCODED + WORDS).contains(&n));
        if !matches!(pointer, Value::Stack(_)) || out == pointer || !held.is_some_and(encoded) {
            return None;
        }
        for n in 0..WORDS {
            self.state.store(place(out, n), word, held.unwrap_or(Value::Unknown));
        }
        Some(self.symbols.of(Kind::Result(site)))
    }

    /// A literal of so many bytes, which no zero ends.
    fn exactly(&self, pointer: Value, length: Value) -> Option<String> {
        let image = &self.program.image;
        let rva = image.rva_of(pointer.number()?)?;
        image.section_of(rva).filter(|section| !section.is_code() && !section.is_writable())?;
        let length = length.number().filter(|length| (1..=MAX_PATH).contains(length))?;
        let text = std::str::from_utf8(image.at(rva)?.get(..length as usize)?).ok()?;
        (!text.contains(char::is_control)).then(|| text.to_owned())
    }

    /// The text of an argument that is a literal, when the next one is its length.
    pub(in super::super) fn measured_literal(&self, n: u8, values: &[(u8, Value)]) -> Option<Text> {
        if self.program.encoders.is_empty() {
            return None;
        }
        let next = match n {
            PARAM_ECX => PARAM_EDX,
            PARAM_EDX => 0,
            n => n + 1,
        };
        let value = |n: u8| values.iter().find(|(number, _)| *number == n).map(|(_, value)| *value);
        self.exactly(value(n)?, value(next)?).map(Text::lit)
    }
}
