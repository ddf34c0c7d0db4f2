//! What a function of the image does to the state of its caller: by its summary.

use super::super::Map;
use super::analysis::{Engine, Origin};
use super::known::Known;
use super::models::objects::FIRST_STRING;
use super::report::{Arg, Number, Summary};
use super::slot::Slot;
use super::state::Buffer;
use super::strings::with_tail;
use super::value::{Kind, Value};
use super::writes::Writing;
use crate::catalog::native;
use std::borrow::Cow;
use std::cell::RefCell;

/// Number of the first field that a callee writes, behind all arguments.
const FIRST_FIELD: u8 = 64;
/// Behind the number of the last string object that a callee makes.
const LAST_STRING: u8 = FIRST_STRING + 32;
/// Largest character of a code page.
const CHARACTER: u64 = 0xff;

impl Engine<'_, '_> {
    /// Does to the state what a summarised callee does.
    pub(super) fn apply(&mut self, summary: &Summary, site: u32) -> Value {
        let values: Vec<(u8, Value)> = self.parameters().map(|n| (n, self.argument(n))).collect();
        let filled = {
            let known: RefCell<Map<u8, Arg>> = RefCell::default();
            let lookup = |n: u8| {
                let value = values.iter().find(|(p, _)| *p == n)?.1;
                let mut known = known.borrow_mut();
                let arg = known.entry(n).or_insert_with(|| {
                    let object = summary.mentions_behind(n).then(|| self.object(value)).flatten();
                    let mut arg = self.close_any(value);
                    if let Some(text) = self.measured_literal(n, &values) {
                        (arg.texts, arg.readings) = (vec![text], None);
                    }
                    let bare = self.is_bare(value, &arg);
                    Arg { object, bare, gap: self.gap(value), ..arg }
                });
                Some(arg.clone())
            };
            if summary.open { Cow::Owned(summary.filled(&lookup)) } else { Cow::Borrowed(summary) }
        };
        let is_object = |slot: &Slot| filled.objects.iter().any(|(at, _)| at == slot);
        let plain = filled.buffers.iter().filter(|(slot, _)| !is_object(slot));
        let buffers = plain.map(|(slot, known)| (self.pointer(*slot), known)).collect::<Vec<_>>();
        let objects: Vec<_> = filled.objects.iter().map(|(slot, kept)| (*slot, self.pointer(*slot), *kept)).collect();
        for (pointer, known) in buffers {
            self.state.set_buffer(pointer, Buffer::of(known.clone()));
        }
        for (va, known, partial) in &filled.strings {
            let at = Value::Const(*va);
            let before = self.state.buffer(at).filter(|_| *partial).cloned();
            let known = before.as_ref().map_or_else(|| known.clone(), |before| known.or(&with_tail(before, false)));
            let partial = before.map_or(*partial, |before| before.partial);
            self.state.set_buffer(at, Buffer { partial, ..Buffer::of(known) });
        }
        let size = if self.is_64() { 8 } else { 4 };
        let places = summary.cells.iter().map(|(slot, arg)| (self.pointer(*slot), arg)).collect::<Vec<_>>();
        let globals = summary.globals.iter().map(|(va, arg)| (Value::Const(*va), arg));
        let values = filled.cells.iter().map(|(_, arg)| arg).chain(filled.globals.iter().map(|(_, arg)| arg));
        for (i, ((pointer, unfilled), arg)) in places.into_iter().chain(globals).zip(values).enumerate() {
            let value = self.open(arg, Kind::Out(site, FIRST_FIELD.saturating_add(i as u8)), unfilled);
            let value = if unfilled.partial { self.beside(pointer, size, value) } else { value };
            match value {
                // How much of a text a number overwrites is not said; zero ends it.
                Value::Const(0) if self.holds_known_text(pointer) => self.state.store(pointer, 1, value),
                Value::Const(1..=CHARACTER) if self.holds_known_text(pointer) => {
                    self.state.set_buffer(pointer, Buffer::of(Known::unknown()));
                }
                _ => self.state.store(pointer, arg.bytes.filter(|_| value.number().is_some()).unwrap_or(size), value),
            }
        }
        for ((slot, object, kept), number) in objects.into_iter().zip(FIRST_STRING..LAST_STRING) {
            match filled.buffers.iter().find(|(at, known)| *at == slot && known.says()) {
                Some((_, known)) => self.put_string(object, known.clone(), kept, Kind::Out(site, number)),
                None => {
                    self.note_written(object, Writing::Something);
                    for offset in [0, i64::from(size)] {
                        self.state.store(object.plus(offset, self.program.image.is_64()), size, Value::Unknown);
                    }
                }
            }
        }
        match (&filled.result, &summary.result) {
            (Some(filled), Some(unfilled)) => {
                let result = self.open(filled, Kind::Result(site), unfilled);
                self.unfold(result, filled, unfilled, site);
                result
            }
            _ if summary.length.is_some() => match summary.length.map(|(slot, wide)| (self.pointer(slot), wide)) {
                Some((text, wide)) => self.length(text, wide, site),
                None => self.symbols.of(Kind::Result(site)),
            },
            _ => match summary.inside.map(|slot| self.pointer(slot)).and_then(|at| self.symbols.root(at)) {
                Some(root) => self.symbols.of(Kind::Inside(root)),
                None => self.symbols.of(Kind::Result(site)),
            },
        }
    }

    /// A value, or what memory held before: a callee stores it on some ways only. What was never put there is not read.
    fn beside(&mut self, pointer: Value, size: u8, value: Value) -> Value {
        let is_bare = self.state.cell(pointer).is_none() && matches!(pointer, Value::Stack(..0));
        if is_bare {
            return value;
        }
        let before = self.load(pointer, size);
        self.symbols.join(value, before)
    }

    /// What a callee put into the object that it returns.
    fn unfold(&mut self, result: Value, filled: &Arg, unfilled: &Arg, site: u32) {
        /// Number of the first field of it, behind those of parameters.
        const FIRST_RETURNED: u8 = 160;
        /// Most fields of it.
        const MAX_FIELDS: u8 = 32;
        let (Some(object), Some(unfilled)) = (&filled.object, &unfilled.object) else { return };
        let (is_64, size) = (self.is_64(), if self.is_64() { 8 } else { 4 });
        let fields = object.fields.iter().zip(&unfilled.fields).zip(FIRST_RETURNED..FIRST_RETURNED + MAX_FIELDS);
        for (((offset, arg), (_, unfilled)), number) in fields {
            let value = self.open(arg, Kind::Out(site, number), unfilled);
            self.state.store(result.plus(i64::from(*offset), is_64), size, value);
        }
        for (offset, known) in &object.strings {
            self.state.set_buffer(result.plus(i64::from(*offset), is_64), Buffer::of(known.clone()));
        }
    }

    /// A callee stores something there of which nothing is known.
    pub(super) fn lose_places(&mut self, places: &[Value]) {
        for place in places {
            if let Some(cell) = self.state.cell(*place).filter(|cell| cell.value != Value::Unknown) {
                self.state.store(*place, cell.size, Value::Unknown);
            }
        }
    }

    /// The address of a place that a callee speaks of.
    pub(super) fn pointer(&mut self, slot: Slot) -> Value {
        let is_64 = self.is_64();
        let mut at = self.argument(slot.param);
        for (i, offset) in slot.offsets().iter().enumerate() {
            if i > 0 {
                at = self.load(at, if is_64 { 8 } else { 4 });
            }
            at = at.plus(i64::from(*offset), is_64);
        }
        at
    }

    /// A closed argument as a value of this function.
    fn open(&mut self, arg: &Arg, kind: Kind, unfilled: &Arg) -> Value {
        if let Number::Param(slot) = unfilled.number {
            return self.pointer(slot);
        }
        if let Some(name) = &arg.function
            && let Some(api) = native::find_by_name(name.rsplit('!').next().unwrap_or_default())
        {
            return self.with_origin(kind, Origin::Function(api, name.clone()));
        }
        if let Some(object) = arg.com {
            let value = self.with_origin(kind, Origin::Object(object));
            // What it is connected to is its name.
            if !arg.texts.is_empty() {
                let name = Known::any(arg.texts.iter().cloned(), arg.weak);
                self.state.set_buffer(value, Buffer { object: true, ..Buffer::of(name) });
            }
            return value;
        }
        if arg.arguments.is_some() {
            return self.arguments_at(kind);
        }
        if let Some(handle) = &arg.handle {
            return self.with_origin(kind, Origin::Handle(handle.clone()));
        }
        if let Some(number) = arg.number.only() {
            return Value::Const(number);
        }
        // Which of a few literals it is: each is still an address, that whoever reads it reads.
        let addresses = arg.number.all();
        if !addresses.is_empty() && addresses.iter().all(|va| self.program.image.rva_of(*va).is_some()) {
            return self.symbols.any(addresses.iter().map(|va| Value::Const(*va)));
        }
        if !arg.texts.is_empty() {
            let known = Known::any(arg.texts.iter().cloned(), arg.weak);
            return self.with_origin(kind, Origin::Text(known));
        }
        self.symbols.of(kind)
    }
}
