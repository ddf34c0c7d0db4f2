//! What a call hands over to be called through, and what the function that receives it makes of that.

use super::analysis::{Engine, Origin};
use super::state::{PARAM_EAX, PARAM_ECX, PARAM_EDX};
use super::value::{Kind, Value};
use crate::catalog::native::Object;

impl Engine<'_, '_> {
    /// Notes the arguments of a call that the callee may call through.
    pub(super) fn hand_over(&mut self, target: u32) {
        let sought = self.program.handed.sought.get().map(|rva| self.program.image.base.wrapping_add(u64::from(rva)));
        if sought.is_none() && !self.has_objects || !self.notes() {
            return;
        }
        for n in self.parameters() {
            match self.argument(n) {
                value if sought.is_some() && value.number() == sought => self.report.handed.push((target, n)),
                value => {
                    self.report.objects_handed.extend(self.com_object(value).map(|object| (target, n, object)));
                }
            }
        }
    }

    /// Puts what this function is known to be given in the place of its parameters.
    pub(super) fn receive(&mut self) {
        if let Some((function, parameter, va)) = self.program.handed.function.get()
            && function == self.start
        {
            self.set_parameter(parameter, Value::Const(va));
        }
        let given = self.program.handed.objects.borrow().get(&self.start).cloned().unwrap_or_default();
        for (parameter, object) in given {
            self.with_origin(Kind::Param(parameter), Origin::Object(object));
        }
    }

    fn set_parameter(&mut self, parameter: u8, value: Value) {
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
            match self.origins.get(&symbol) {
                Some(Origin::Object(object)) => Some(*object),
                _ => None,
            }
        });
        let first = objects.next()??;
        objects.all(|other| other == Some(first)).then_some(first)
    }
}
