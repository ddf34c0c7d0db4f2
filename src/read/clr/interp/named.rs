//! Numbers that are shown by name.

use super::Machine;
use crate::read::clr::unit::{TYPE_DEF, TYPE_REF, row, table};
use crate::read::clr::value::{Expr, Id};

/// Types whose values are shown as the numbers that they are.
const NUMBERS: [&str; 10] = [
    "System.SByte",
    "System.Byte",
    "System.Int16",
    "System.UInt16",
    "System.Int32",
    "System.UInt32",
    "System.Int64",
    "System.UInt64",
    "System.IntPtr",
    "System.UIntPtr",
];

impl Machine<'_, '_> {
    /// Is this a type of numbers that are shown by name: a boolean, or an enumeration as far as can be told?
    pub(super) fn is_named(&self, token: u32) -> bool {
        let index = (row(token) as usize).wrapping_sub(1);
        match table(token) {
            TYPE_DEF => self.unit.types.get(index).is_some_and(|info| &*info.base == "System.Enum"),
            TYPE_REF => !NUMBERS.contains(&self.unit.type_name(token)),
            _ => false,
        }
    }

    /// The value as what its type calls it.
    pub(super) fn named(&mut self, value: Id, is_boolean: bool) -> Id {
        let value = self.settle(value);
        match self.arena.get(value) {
            Expr::Int(_) | Expr::Phi(_) | Expr::Choice(..) | Expr::Param(..) | Expr::Field(..) | Expr::Element(..) => {
                self.arena.add(Expr::Named(value, is_boolean))
            }
            _ => value,
        }
    }
}
