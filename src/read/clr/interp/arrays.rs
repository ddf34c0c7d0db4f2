//! Arrays whose elements are set one by one (`newarr`, `stelem`; ECMA-335 III.4.20, III.4.26).

use super::super::value::{Expr, Id};
use super::Machine;
use cildec::Instruction;

/// Elements of an array that are followed.
const MAX_ELEMENTS: i64 = 64;

impl Machine<'_, '_> {
    pub(super) fn new_array(&mut self, i: &Instruction) {
        let length = self.pop();
        let elements = match self.arena.get(length) {
            Expr::Int(n @ 0..=MAX_ELEMENTS) => vec![Id::NULL; *n as usize],
            _ => return self.push(Id::UNKNOWN),
        };
        let content = self.arena.add(Expr::Array(elements.into()));
        self.push_object(i.offset, content);
    }

    pub(super) fn store_element(&mut self) {
        let value = self.pop();
        let index = self.pop();
        let array = self.pop();
        let value = self.settle(value);
        let Some(content) = self.frame.content(array) else { return };
        let Expr::Int(index) = *self.arena.get(index) else { return };
        if let Some(content) = self.arena.with_element(content, index, value) {
            self.frame.set_content(array, content);
        }
    }
}
