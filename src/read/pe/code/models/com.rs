//! Objects of COM: what is made by its class, and called through a table of functions.

use super::super::analysis::{Engine, Origin};
use super::super::state::Buffer;
use super::super::value::{Kind, Symbol, Value};
use super::super::writes::Writing;
use crate::catalog::native::{Api, Object, com};

impl Engine<'_, '_> {
    /// `CoCreateInstance`: class, interface, out.
    pub(super) fn create_object(&mut self, api: Api, site: u32) -> Value {
        let (class, interface) = (self.model_argument(api, 0), self.model_argument(api, 1));
        let interface = self.guid_at(interface).and_then(|guid| com::interface(&guid)).unwrap_or_default();
        let class = match self.guid_at(class) {
            Some(guid) => com::class(&guid),
            // A class template is told the class by its caller, and knows the interface.
            None => com::class_behind(interface),
        };
        let object = Object { class: class.unwrap_or_default(), interface };
        let out = self.model_argument(api, 2);
        self.give_object(object, out, site, api.row.args.get(2).copied().unwrap_or_default());
        self.symbols.of(Kind::Result(site))
    }

    fn give_object(&mut self, object: Object, out: Value, site: u32, argument: u8) {
        let value = self.with_origin(Kind::Out(site, argument), Origin::Object(object));
        let size = if self.is_64() { 8 } else { 4 };
        self.state.store(out, size, value);
    }

    /// The object and the place in its table, when a pointer to a function was loaded from there.
    pub(crate) fn method_of(&self, symbol: Symbol) -> Option<(Object, u32)> {
        let Kind::Load(Value::Sym(table, offset)) = self.symbols.kind(symbol) else { return None };
        let Kind::Load(Value::Sym(object, 0)) = self.symbols.kind(table) else { return None };
        let object = self.com_object(Value::Sym(object, 0))?;
        let size = if self.is_64() { 8 } else { 4 };
        let offset = u32::try_from(offset).ok().filter(|offset| offset.is_multiple_of(size))?;
        Some((object, offset / size))
    }

    /// A method of which no more is known than that it hands out another object, or the same one as another interface.
    pub(crate) fn call_method(&mut self, object: Object, place: u32, site: u32) {
        /// Arguments that a method may change.
        const MAX_CHANGED: u8 = 4;
        let given = if place == 0 {
            let interface = self.argument(1);
            let interface = self.guid_at(interface).and_then(|guid| com::interface(&guid));
            Some((2, Object { interface: interface.unwrap_or_default(), ..object }))
        } else {
            com::gives(object, place).map(|(argument, interface)| (argument, Object { interface, ..object }))
        };
        let out = given.map(|(argument, _)| argument);
        (0..MAX_CHANGED).filter(|n| Some(*n) != out).for_each(|n| self.taint_argument(n, site));
        let whose = object;
        if let Some((argument, object)) = given {
            let out = self.argument(argument);
            self.note_written(out, Writing::Field);
            self.give_object(object, out, site, argument);
            if let Some(named) = com::named(whose, place) {
                let name = self.argument(named);
                let name = self.text_or_unknown(name, true);
                // The object is its name, as one of a framework is.
                self.state.set_buffer(
                    self.symbols.of(Kind::Out(site, argument)),
                    Buffer { object: true, ..Buffer::of(name) },
                );
            }
        }
    }

    /// The identifier that a value points to.
    pub(super) fn guid_at(&self, value: Value) -> Option<[u8; 16]> {
        match value {
            Value::Const(va) => {
                let rva = self.program.image.rva_of(va)?;
                self.program.image.at(rva)?.get(..16)?.try_into().ok()
            }
            _ => self.state.constant_bytes(value, 16).get(..16)?.try_into().ok(),
        }
    }
}
