//! Stack, variables and objects at a point of a method, and how they meet where control flow joins.

use super::value::{Arena, Expr, Id};
use cildec::{ExceptionHandler, HandlerKind, Instruction, OpCode, Operand};
use std::collections::HashMap;

/// Loops of one method whose variables are told apart.
const MAX_LOOPS: usize = 512;
/// Slots that are copied for pending joins of one method, in all.
const MAX_COPIES: usize = 4 << 20;

/// Everything that an instruction can see.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    pub(super) stack: Vec<Id>,
    pub(super) locals: Vec<Id>,
    pub(super) args: Vec<Id>,
    /// What the arrays and builders of this method hold, by object.
    pub(super) objects: Vec<(Id, Id)>,
    /// Parameters that are not zero on every way to here, or zero, the outermost condition first.
    pub(super) when: Vec<Condition>,
}

/// A parameter, and whether it is not zero.
pub(super) type Condition = (Id, bool);

/// What tells two ways apart that begin alike: the last condition, whether it holds on the first. Afterwards the first
/// has what both have in common.
pub(super) fn meet(when: &mut Vec<Condition>, other: &[Condition]) -> Option<Condition> {
    let common = when.iter().zip(other).take_while(|(a, b)| a == b).count();
    let rest = (&when[common..], &other[common..]);
    let apart = match rest {
        ([(a, is)], [(b, other)]) if a == b && is != other => Some((*a, *is)),
        _ => None,
    };
    when.truncate(common);
    apart
}

impl Frame {
    /// What an array or builder holds now.
    pub(super) fn content(&self, object: Id) -> Option<Id> {
        self.objects.iter().find(|(id, _)| *id == object).map(|(_, content)| *content)
    }

    /// Changes what it holds.
    pub(super) fn set_content(&mut self, object: Id, content: Id) {
        match self.objects.iter_mut().find(|(id, _)| *id == object) {
            Some(slot) => slot.1 = content,
            None => self.objects.push((object, content)),
        }
    }

    fn merge(&mut self, other: &Frame, arena: &mut Arena) {
        let apart = meet(&mut self.when, &other.when);
        let mut join = |a: Id, b: Id| either(arena, apart, a, b);
        merge_slots(&mut self.stack, &other.stack, &mut join);
        merge_slots(&mut self.locals, &other.locals, &mut join);
        merge_slots(&mut self.args, &other.args, &mut join);
        for (object, content) in &other.objects {
            match self.objects.iter_mut().find(|(id, _)| id == object) {
                Some(slot) => slot.1 = join(slot.1, *content),
                None => self.objects.push((*object, *content)),
            }
        }
    }

    fn size(&self) -> usize {
        self.stack.len() + self.locals.len() + self.args.len() + self.objects.len()
    }
}

fn merge_slots(own: &mut Vec<Id>, other: &[Id], join: &mut impl FnMut(Id, Id) -> Id) {
    own.truncate(other.len());
    for (a, b) in own.iter_mut().zip(other) {
        *a = join(*a, *b);
    }
}

/// One of two values, by what tells their ways apart.
pub(super) fn either(arena: &mut Arena, apart: Option<Condition>, a: Id, b: Id) -> Id {
    match apart {
        Some((condition, true)) => arena.choice(condition, a, b),
        Some((condition, false)) => arena.choice(condition, b, a),
        None => arena.either(a, b),
    }
}

/// Points of a method that are reached other than from the instruction before.
pub(super) struct Joins {
    pending: HashMap<u32, Frame>,
    /// Head and end of each loop.
    loops: Vec<(u32, u32)>,
    /// Offset and number of each assignment to a variable, and of each to an argument.
    assigned: [Vec<(u32, u16)>; 2],
    /// Offsets at which handlers start, the protected range, and whether an exception is on the stack.
    handlers: Vec<(u32, u32, u32, bool)>,
    copied: usize,
}

impl Joins {
    /// Looks for loops and handlers.
    pub(super) fn new(instructions: &[Instruction], handlers: &[ExceptionHandler]) -> Self {
        let mut joins = Joins {
            pending: HashMap::new(),
            loops: Vec::new(),
            assigned: Default::default(),
            handlers: Vec::new(),
            copied: 0,
        };
        for i in instructions {
            for target in i.operand.branch_targets() {
                if *target <= i.offset && joins.loops.len() < MAX_LOOPS {
                    joins.loops.push((*target, i.offset));
                }
            }
            match (i.opcode.canonical(), &i.operand) {
                (OpCode::Stloc | OpCode::Ldloca, Operand::Var(n)) => joins.assigned[0].push((i.offset, *n)),
                (OpCode::Starg | OpCode::Ldarga, Operand::Var(n)) => joins.assigned[1].push((i.offset, *n)),
                _ => {}
            }
        }
        joins.loops.sort_unstable();
        for h in handlers {
            let with_exception = !matches!(h.kind, HandlerKind::Finally | HandlerKind::Fault);
            joins.handlers.push((h.handler_offset, h.try_offset, h.try_end(), with_exception));
            if let HandlerKind::Filter { filter_offset } = h.kind {
                joins.handlers.push((filter_offset, h.try_offset, h.try_end(), true));
            }
        }
        joins.handlers.sort_unstable();
        joins
    }

    /// Joins what arrives at an instruction. Afterwards `live` says whether anything does.
    pub(super) fn enter(&mut self, offset: u32, frame: &mut Frame, live: &mut bool, arena: &mut Arena) {
        let handler = self.handlers.iter().find(|(start, ..)| *start == offset).copied();
        if let Some((_, from, to, with_exception)) = handler {
            // Anything the protected code assigned may have been assigned or not.
            if let Some(arrived) = self.pending.remove(&offset) {
                *frame = arrived;
            }
            frame.stack.clear();
            frame.when.clear();
            self.forget(from, to, frame, arena);
            if with_exception {
                frame.stack.push(Id::UNKNOWN);
            }
            *live = true;
            return;
        }
        if let Some(arrived) = self.pending.remove(&offset) {
            if *live {
                frame.merge(&arrived, arena);
            } else {
                *frame = arrived;
            }
            *live = true;
        }
        let first = self.loops.partition_point(|(head, _)| *head < offset);
        let heads = self.loops.iter().skip(first).take_while(|(head, _)| *head == offset);
        let Some(end) = heads.map(|(_, end)| *end).max() else { return };
        if !*live {
            // ECMA-335 III.1.7.5: here the stack is empty.
            frame.stack.clear();
            frame.when.clear();
            *live = true;
        }
        self.forget(offset, end, frame, arena);
    }

    /// Variables and arguments assigned in a range may hold what they hold now or something else.
    fn forget(&self, from: u32, to: u32, frame: &mut Frame, arena: &mut Arena) {
        for (assigned, slots) in self.assigned.iter().zip([&mut frame.locals, &mut frame.args]) {
            let first = assigned.partition_point(|(at, _)| *at < from);
            for (_, number) in assigned.iter().skip(first).take_while(|(at, _)| *at <= to) {
                let Some(slot) = slots.get_mut(usize::from(*number)) else { continue };
                *slot = match arena.get(*slot) {
                    Expr::Null | Expr::Unknown => Id::UNKNOWN,
                    Expr::Phi(ids) if ids.contains(&Id::UNKNOWN) => *slot,
                    _ => arena.either(*slot, Id::UNKNOWN),
                };
            }
        }
    }

    /// Remembers the state for the targets of a jump forwards.
    pub(super) fn jump(&mut self, i: &Instruction, frame: &Frame, arena: &mut Arena) {
        for target in i.operand.branch_targets() {
            if *target <= i.offset {
                continue;
            }
            match self.pending.get_mut(target) {
                Some(arrived) => arrived.merge(frame, arena),
                None => {
                    self.copied += frame.size();
                    if self.copied < MAX_COPIES {
                        self.pending.insert(*target, frame.clone());
                    }
                }
            }
        }
    }
}
