//! Ends of strings that the program measured, and what it writes there.
//!
//! A length says where a string ended when it was measured. What is written behind that end continues the text that was
//! measured, however much was put there since; once the string was replaced, nothing is known of where such an end lies.

use super::analysis::Engine;
use super::cuts::without_last;
use super::edits::Behind;
use super::known::Known;
use super::state::{Buffer, Measured, distance};
use super::strings::{decode, with_tail};
use super::value::{Kind, Value};
use crate::facts::Text;

impl Engine<'_, '_> {
    /// The length of a string as it is now. What was stored behind its end belongs to it.
    pub(super) fn measured(&mut self, text: Value, wide: bool, site: u32) -> Value {
        if let Some(buffer) = self.state.buffer(text).filter(|buffer| !buffer.object) {
            let known = with_tail(buffer, wide);
            let measured = Some(Measured { site, text: known.clone() });
            let partial = buffer.partial;
            self.state.set_buffer(text, Buffer { measured, partial, ..Buffer::of(known).so_wide(wide) });
        }
        self.symbols.of(Kind::Length(text, wide, site))
    }

    /// The text up to an end. `None`: the string is another one since it was measured.
    fn up_to_end(&self, buffer: Value, wide: bool, site: u32) -> Option<Known> {
        match self.state.buffer(buffer) {
            None => Some(self.text_or_unknown(buffer, wide)),
            Some(Buffer { measured: Some(measured), .. }) if measured.site == site => Some(measured.text.clone()),
            Some(_) => None,
        }
    }

    /// Puts a text at a distance from an end; `false`: it is not known where that is.
    pub(super) fn fill_end(&mut self, (buffer, wide, site): (Value, bool, u32), offset: i32, known: &Known) -> bool {
        let Some(base) = self.up_to_end(buffer, wide, site) else { return false };
        let unit = if wide { 2 } else { 1 };
        let head = match usize::try_from(offset) {
            Ok(0) => base.clone(),
            // Behind what was stored there, character by character.
            Ok(behind) => {
                let tail = self.state.buffer(buffer).filter(|b| b.known == base && b.tail.len() >= behind);
                let tail = tail.and_then(|b| {
                    let tail = [b.tail.get(..behind).unwrap_or_default(), &[0; 2]].concat();
                    decode(&tail, wide)
                });
                base.then(&tail.map_or_else(Known::unknown, |tail| Known::of(Text::lit(tail))))
            }
            Err(_) => base.map(|text| without_last(text, offset.unsigned_abs() as usize / unit)),
        };
        let measured = (offset >= 0).then_some(Measured { site, text: base });
        self.state.set_buffer(buffer, Buffer { measured, ..Buffer::of(head.then(known)).so_wide(wide) });
        true
    }

    /// A number is stored in the middle of a text that was put together before.
    pub(super) fn edit_inside(&mut self, address: Value, size: u8, value: Value) {
        let is_inside = |at: &Value| *at != address || size <= 2 && self.is_given_characters(address);
        let Some(at) = self.state.containing(address).filter(is_inside) else { return };
        let Some((buffer, behind)) = self.state.buffer(at).zip(distance(at, address)) else { return };
        let unit = if buffer.wide == Some(true) { 2u8 } else { 1 };
        let Some(text) = buffer.known.as_lit().filter(|text| !buffer.object && text.is_ascii()) else { return };
        let Ok(behind) = usize::try_from(behind / i64::from(unit)) else { return };
        let Some((head, rest)) = text.split_at_checked(behind) else { return };
        let changed = match value {
            Value::Const(0) if size == unit => Some(Text::lit(head)),
            // At the end it makes the text longer, and what ends it then follows.
            Value::Const(n @ 0x20..=0x7e) if size == unit => {
                Some(Text::lit(format!("{head}{}{}", n as u8 as char, rest.get(1..).unwrap_or_default())))
            }
            _ if size == unit && rest.is_empty() => Some(Text::lit(head).concat(&Text::unknown())),
            _ if rest.is_empty() => return,
            _ => None,
        };
        match changed {
            Some(changed) => {
                let known = Known::of(changed).guessed(buffer.known.weak);
                let wide = buffer.wide;
                self.state.set_buffer(at, Buffer::of(known).so_wide(wide));
            }
            None => self.blur(at),
        }
    }

    /// Stores a number at a distance from an end; `false`: what the string is then is not known.
    pub(super) fn store_end(
        &mut self,
        (buffer, wide, site): (Value, bool, u32),
        offset: i32,
        size: u8,
        number: u64,
    ) -> bool {
        let bytes = number.to_le_bytes();
        let bytes = bytes.get(..usize::from(size.min(8))).unwrap_or_default();
        let Ok(behind) = usize::try_from(offset) else {
            // What ends the string before its end.
            let Some(text) = decode(bytes, wide) else { return false };
            return self.fill_end((buffer, wide, site), offset, &Known::of(Text::lit(text)));
        };
        let Some(base) = self.up_to_end(buffer, wide, site) else { return false };
        if self.state.buffer(buffer).is_none_or(|b| b.known != base) {
            // Over a text that was put there before: only what ends the string says where that ends now.
            if self.state.buffer(buffer).is_some() && !(behind == 0 && decode(bytes, wide).is_some()) {
                return false;
            }
            let measured = Some(Measured { site, text: base.clone() });
            self.state.set_buffer(buffer, Buffer { measured, ..Buffer::of(base).so_wide(wide) });
        }
        self.edit_tail((buffer, wide), behind, size, number, Behind::End);
        true
    }
}
