//! Fields that a method assigns more than once, as `path += name` does: what a field holds is known from one assignment to
//! the next as long as nothing else can have come between, and a value that nobody can have seen is none that the field has.

use super::super::value::{Expr, Id};
use super::{Machine, Store};
use crate::catalog::dotnet::catalog;
use cildec::{ExceptionHandler, Instruction, OpCode};
use std::collections::HashSet;

/// Expressions within one another that a field is looked for in.
const MAX_WITHIN: u32 = 6;

/// A field that was assigned on the way to an instruction.
struct Known {
    token: u32,
    object: Option<Id>,
    value: Id,
    /// Index of the store.
    store: usize,
    /// Times that it was loaded since.
    loads: usize,
    /// Each way from there leads here.
    is_certain: bool,
}

/// What fields of the receiver, and static ones, were assigned since control flow last joined.
pub(super) struct Assigned {
    known: Vec<Known>,
    /// Where control flow joins.
    joins: HashSet<u32>,
    /// Stores of values that were overwritten before anything saw them.
    overwritten: Vec<usize>,
}

impl Assigned {
    pub(super) fn new(instructions: &[Instruction], handlers: &[ExceptionHandler]) -> Self {
        let mut joins: HashSet<u32> =
            instructions.iter().flat_map(|i| i.operand.branch_targets().iter().copied()).collect();
        joins.extend(handlers.iter().flat_map(|h| [h.try_offset, h.handler_offset, h.try_end()]));
        Assigned { known: Vec::new(), joins, overwritten: Vec::new() }
    }

    /// Comes to an instruction.
    pub(super) fn enter(&mut self, offset: u32) {
        if self.joins.contains(&offset) {
            self.known.clear();
        }
    }

    /// Has done with an instruction.
    pub(super) fn leave(&mut self, i: &Instruction) {
        if !i.operand.branch_targets().is_empty() {
            self.known.iter_mut().for_each(|known| known.is_certain = false);
        }
    }

    /// Loads a field or its address.
    pub(super) fn load(&mut self, i: &Instruction, token: u32) {
        match i.opcode.canonical() {
            OpCode::Ldflda | OpCode::Ldsflda => self.known.retain(|known| known.token != token),
            _ => self.known.iter_mut().filter(|known| known.token == token).for_each(|known| known.loads += 1),
        }
    }

    /// Drops the stores of values that were overwritten.
    pub(super) fn drop_overwritten(&self, stores: &mut Vec<Store>) {
        let mut index = 0;
        stores.retain(|_| {
            index += 1;
            !self.overwritten.contains(&(index - 1))
        });
    }
}

impl Machine<'_, '_> {
    /// The value that a field is assigned, with what the field held before in its place.
    pub(super) fn overwrite(&mut self, token: u32, object: Option<Id>, value: Id) -> Id {
        let is_own = object.is_none_or(|object| {
            self.unit.method(self.rid).is_some_and(|m| m.has_this)
                && matches!(self.arena.get(object), Expr::Param(rid, 0) if *rid == self.rid)
        });
        let place = self.assigned.known.iter().position(|known| known.token == token && known.object == object);
        let before = place.map(|place| self.assigned.known.swap_remove(place));
        // Another name of the same object.
        self.assigned.known.retain(|known| known.token != token);
        if !is_own {
            return value;
        }
        let mut value = value;
        if let Some(before) = before {
            let field = self.arena.add(Expr::Field(token, object));
            let mut found = 0;
            value = self.put_in_place(value, field, before.value, MAX_WITHIN, &mut found);
            if before.is_certain && found == before.loads {
                self.assigned.overwritten.push(before.store);
            }
        }
        let store = self.body.stores.len();
        self.assigned.known.push(Known { token, object, value, store, loads: 0, is_certain: true });
        value
    }

    /// Anything of the application may run, and see what is there or change it.
    pub(super) fn calls_out(&mut self, token: u32) {
        let reference = self.unit.member_ref(token);
        let only_gives =
            reference.is_some_and(|r| r.rows.is_some_and(|rows| catalog().value(rows, &r.signature).is_some()));
        if !only_gives {
            self.assigned.known.clear();
        }
    }

    fn put_in_place(&mut self, id: Id, field: Id, value: Id, left: u32, found: &mut usize) -> Id {
        if id == field {
            *found += 1;
            return value;
        }
        let Some(left) = left.checked_sub(1) else { return id };
        let expr = self.arena.get(id).clone();
        let mut all = |machine: &mut Self, ids: &[Id]| -> Box<[Id]> {
            ids.iter().map(|id| machine.put_in_place(*id, field, value, left, found)).collect()
        };
        let replaced = match &expr {
            Expr::Concat(parts) => Expr::Concat(all(self, parts)),
            Expr::Array(parts) => Expr::Array(all(self, parts)),
            Expr::Call(token, args) => Expr::Call(*token, all(self, args)),
            _ => return id,
        };
        if replaced == expr { id } else { self.arena.add(replaced) }
    }
}
