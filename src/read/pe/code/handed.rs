//! What a call hands over to be called through, and what the function that receives it makes of that.

use super::super::handed::Looked;
use super::analysis::{Engine, Origin};
use super::report::{Arg, Behind, InternalCall};
use super::slot::Slot;
use super::state::{Cell, PARAM_EAX, PARAM_ECX, PARAM_EDX, distance};
use super::value::{Kind, Value};
use crate::catalog::native::{Api, Model, Object};

impl Engine<'_, '_> {
    /// Notes the arguments of a call that the callee may call through.
    pub(super) fn hand_over(&mut self, target: u32, site: u32) {
        let sought = self.program.handed.sought.get().map(|rva| self.program.image.base.wrapping_add(u64::from(rva)));
        if sought.is_none() && !self.has_objects || !self.notes() {
            return;
        }
        for n in self.parameters() {
            match self.argument(n) {
                value if sought.is_some() && value.number() == sought => self.report.handed.push((target, n)),
                value => match self.com_object(value) {
                    Some(object) => self.report.objects_handed.push((target, Slot::of(n), object)),
                    None => {
                        let looked = self.looked_up(value, Slot::of(n), site);
                        self.report.functions_handed.extend(looked.map(|looked| (target, looked)));
                        self.hand_over_fields(target, n, value, site);
                    }
                },
            }
        }
    }

    /// The function that a value is, where it was looked up by name; a null pointer beside it is not called.
    fn looked_up(&self, value: Value, slot: Slot, site: u32) -> Option<Looked> {
        let mut all = self.symbols.alternatives(value).into_iter().filter(|v| v.number() != Some(0)).map(|value| {
            let Value::Sym(symbol, 0) = value else { return None };
            match self.origins.get(&symbol) {
                Some(Origin::Function(api, via)) => Some((*api, via)),
                _ => None,
            }
        });
        let (api, via) = all.next()??;
        let is_same = all.all(|other| other.is_some_and(|(_, other)| other == via));
        is_same.then(|| Looked { slot, api, via: via.clone(), site })
    }

    /// A function that is handed over with something to be called back with it: that is a call of it.
    pub(super) fn call_back(&mut self, api: Api, site: u32) {
        let (Some(Model::Callback), [function, given, parameter]) = (api.row.model, api.row.args.as_slice()) else {
            return;
        };
        let function = self.argument(*function).number().and_then(|va| self.program.image.rva_of(va));
        let Some(target) = function.filter(|rva| self.program.wanted.borrow().contains(rva)) else { return };
        if self.notes() {
            let value = self.argument(*given);
            let arg = self.close_argument(value, self.close_any(value));
            let (args, frame) = self.with_objects(vec![(*parameter, value, arg)]);
            self.report.calls.push(InternalCall { target, site, args, bytes: Vec::new(), frame, compared: None });
        }
    }

    /// Numbers in structures whose addresses are passed.
    pub(super) fn bytes_behind(&self, passed: &[(u8, Value, Arg)]) -> Vec<Behind> {
        /// Bytes of a structure that are looked at.
        const MAX_LENGTH: i64 = 0x40;
        let mut bytes = Vec::new();
        for (n, value, _) in passed.iter().filter(|(_, value, _)| matches!(value, Value::Stack(_) | Value::Sym(..))) {
            for (at, cell) in self.state.cells_in(*value, value.plus(MAX_LENGTH, self.is_64())) {
                let (Some(offset), Some(number)) = (distance(*value, *at), cell.value.number()) else { continue };
                let stored = number.to_le_bytes().into_iter().take(usize::from(cell.size));
                bytes.extend(stored.zip(offset as i32..).map(|(byte, at)| (*n, at, byte)));
            }
        }
        bytes
    }

    /// What a call passes, with the memory that it points to; and what of that is in the frame of this function.
    pub(super) fn with_objects(&mut self, passed: Vec<(u8, Value, Arg)>) -> (Vec<(u8, Arg)>, Vec<i32>) {
        let mut frame = Vec::new();
        let mut args = Vec::new();
        for (n, value, mut arg) in passed {
            if let Value::Stack(offset) = value {
                frame.push(offset);
            }
            arg.object = self.object(value);
            arg.gap = self.gap(value);
            arg.bare = self.is_bare(value, &arg);
            args.push((n, arg));
        }
        (args, frame)
    }

    /// Puts what this function is known to be given in the place of its parameters.
    pub(super) fn receive(&mut self) {
        self.receive_settings();
        if let Some((function, parameter, va)) = self.program.handed.function.get()
            && function == self.start
        {
            self.set_parameter(parameter, Value::Const(va));
        }
        let given = self.program.handed.objects.borrow().get(&self.start).cloned().unwrap_or_default();
        let given = given.into_iter().map(|(slot, object)| (slot, Origin::Object(object)));
        let looked = self.program.looked_up_for(self.start);
        let looked = looked.into_iter().map(|looked| (looked.slot, Origin::Function(looked.api, looked.via)));
        for (slot, origin) in given.chain(looked) {
            let [first, rest @ ..] = slot.offsets() else { continue };
            let mut kind = Kind::Param(slot.param);
            let mut offset = *first;
            for next in rest {
                kind = Kind::Load(self.symbols.of(kind).plus(i64::from(offset), self.is_64()));
                offset = *next;
            }
            if offset == 0 {
                self.with_origin(kind, origin);
            }
        }
    }

    /// Objects of COM, and functions that were looked up, that are kept in an object whose address is given.
    fn hand_over_fields(&mut self, target: u32, parameter: u8, value: Value, site: u32) {
        /// Bytes of an object that are looked at.
        const MAX_LENGTH: i64 = 0x100;
        /// Most of them that are kept in one.
        const MAX_KEPT: usize = 8;
        if !self.has_objects || !matches!(value, Value::Stack(_) | Value::Sym(..)) {
            return;
        }
        let end = value.plus(MAX_LENGTH, self.is_64());
        let kept = |(at, cell): (&Value, &Cell)| {
            let offset = i32::try_from(distance(value, *at)?).ok()?;
            let slot = Slot::of(parameter).plus(offset).behind()?;
            let (object, looked) = (self.com_object(cell.value), self.looked_up(cell.value, slot, site));
            (object.is_some() || looked.is_some()).then_some((slot, object, looked))
        };
        let kept: Vec<_> = self.state.cells_in(value, end).filter_map(kept).take(MAX_KEPT).collect();
        for (slot, object, looked) in kept {
            self.report.objects_handed.extend(object.map(|object| (target, slot, object)));
            self.report.functions_handed.extend(looked.map(|looked| (target, looked)));
        }
    }

    pub(super) fn set_parameter(&mut self, parameter: u8, value: Value) {
        let register = match (self.is_64(), parameter) {
            (true, 0) | (false, PARAM_ECX) => Some(1),
            (true, 1) | (false, PARAM_EDX) => Some(2),
            (true, 2) => Some(8),
            (true, 3) => Some(9),
            (false, PARAM_EAX) => Some(0),
            _ => None,
        };
        match register.and_then(|register| self.state.registers.get_mut(register)) {
            Some(register) => *register = value,
            None => {
                let (first, size, number) = if self.is_64() { (0x28, 8, 4) } else { (4, 4, 0) };
                let at = first + i32::from(parameter.saturating_sub(number)) * size;
                self.state.store(Value::Stack(at), size as u8, value);
            }
        }
    }

    /// The object of COM that a value is; a null pointer beside it does not matter.
    pub(crate) fn com_object(&self, value: Value) -> Option<Object> {
        let mut objects = self.symbols.alternatives(value).into_iter().filter(|v| v.number().is_none()).map(|value| {
            let Value::Sym(symbol, 0) = value else { return None };
            match (self.origins.get(&symbol), self.symbols.kind(symbol)) {
                (Some(Origin::Object(object)), _) => Some(*object),
                (None, Kind::Load(Value::Const(va))) => self.program.global(va, self.depth)?.com,
                _ => None,
            }
        });
        let first = objects.next()??;
        objects.all(|other| other == Some(first)).then_some(first)
    }
}
