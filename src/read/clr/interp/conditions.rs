//! Conditions on parameters: what a method does for one caller, it need not do for another.

use super::{Expr, Id, Instruction, Joins, Machine};
use crate::read::clr::state::{Condition, either, meet};
use cildec::{OpCode, Operand};

/// Conditions of one call that are kept.
const MAX_CONDITIONS: usize = 4;

/// The parameters that a method changes or gives away by their addresses: they need not be what they were.
pub(super) fn changed(instructions: &[Instruction]) -> Vec<u16> {
    let changed = instructions.iter().filter_map(|i| match (i.opcode.canonical(), &i.operand) {
        (OpCode::Starg | OpCode::Ldarga, Operand::Var(n)) => Some(*n),
        _ => None,
    });
    changed.collect()
}

impl Machine<'_, '_> {
    /// A branch by a condition: both ways know what it is on them.
    pub(super) fn branch(&mut self, i: &Instruction, condition: Id, joins: &mut Joins) {
        let Some((param, is)) = self.condition(condition) else { return joins.jump(i, &self.frame, self.arena) };
        let is_taken = is == (i.opcode.canonical() == OpCode::Brtrue);
        let outer = self.frame.when.len();
        self.frame.when.push((param, is_taken));
        joins.jump(i, &self.frame, self.arena);
        self.frame.when.truncate(outer);
        self.frame.when.push((param, !is_taken));
    }

    /// The parameter that decides, and whether not being zero makes the condition true.
    fn condition(&self, id: Id) -> Option<Condition> {
        match self.arena.get(id) {
            Expr::Param(_, index) if !self.changed.contains(index) => Some((id, true)),
            Expr::Choice(param, ids) => match [self.arena.get(ids[0]), self.arena.get(ids[1])] {
                [Expr::Int(0), Expr::Int(other)] if *other != 0 => Some((*param, false)),
                [Expr::Int(other), Expr::Int(0)] if *other != 0 => Some((*param, true)),
                _ => None,
            },
            _ => None,
        }
    }

    /// `ceq`: a parameter beside zero is its negation (ECMA-335 III.3.21 has no other way to say it).
    pub(super) fn compare(&mut self) {
        let (right, left) = (self.pop(), self.pop());
        let result = match [self.arena.get(left), self.arena.get(right)] {
            [Expr::Int(a), Expr::Int(b)] => self.arena.int((a == b).into()),
            [_, Expr::Int(0)] => match self.condition(left) {
                Some((param, is)) => {
                    let [no, yes] = [0, 1].map(|n| self.arena.int(n));
                    if is { self.arena.choice(param, no, yes) } else { self.arena.choice(param, yes, no) }
                }
                None => Id::UNKNOWN,
            },
            _ => Id::UNKNOWN,
        };
        self.push(result);
    }

    /// The method returns this.
    pub(super) fn give(&mut self, value: Id) {
        self.body.result = Some(match self.body.result {
            Some(other) => {
                let apart = meet(&mut self.returned, &self.frame.when);
                either(self.arena, apart, other, value)
            }
            None => {
                self.returned.clone_from(&self.frame.when);
                value
            }
        });
    }

    /// What is so of the parameters here.
    pub(super) fn when(&self) -> Box<[Condition]> {
        let when = &self.frame.when;
        when[when.len().saturating_sub(MAX_CONDITIONS)..].into()
    }
}
