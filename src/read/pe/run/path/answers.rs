//! Conditions that somebody else decides: what a function of Windows answered, or what a caller gives. Both sides are then
//! ways that the program takes, where other conditions may have one that it never does.

use super::super::super::code::call::Target;
use super::super::super::code::value::{Kind, Value};
use super::super::texts;
use super::super::word::Word;
use super::code::leads_to;
use super::{Run, Way};
use crate::catalog::native::{Api, Model};
use iced_x86::Instruction;
use std::rc::Rc;

/// Arguments of a function of which only the signature is known that are looked at.
const MAX_PLAIN: usize = 4;

/// What a way took for the answer, and where it asked.
#[derive(Clone, Copy)]
pub(super) struct Answer {
    pub(super) at: u64,
    of: Value,
    met: bool,
}

/// Who decides a condition.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Decides {
    /// A function of Windows, whose result this is.
    Windows(Value),
    /// The caller of the function with which the run begins, who gives this.
    Caller(Value),
    /// That is not known.
    Nobody,
}

/// What it answers is the state of the machine, and not something about what it is given.
fn asks_machine(api: Api) -> bool {
    let opens = matches!(api.row.model, Some(Model::RegOpen | Model::RegCreate | Model::RegConnect));
    opens || api.row.opens.is_some() || api.row.is_sink()
}

impl Run<'_, '_> {
    /// Remembers that a call has given something that only the machine says.
    pub(super) fn answered(&mut self, target: &Target, api: Option<Api>, arguments: &[Word], result: Word) {
        let (Target::Import(_), Word::Symbol(value)) = (target, result) else { return };
        let given = |word: &Word| match self.ground.value(*word) {
            Value::Const(number) => number > 0xffff,
            Value::Unknown => false,
            Value::Stack(_) | Value::Sym(..) => true,
        };
        let asks = api.map_or_else(|| !arguments.iter().take(MAX_PLAIN).any(given), asks_machine);
        if asks && !self.answers.contains(&value) {
            self.answers.push(value);
        }
    }

    /// The way asks for something that need not be set, of which it did not ask before: it may be set, or not.
    pub(super) fn asks_first(&mut self, way: &mut Way, given: Word, api: Option<Api>) -> bool {
        let wide = api.is_some_and(|api| api.wide);
        let at = self.ground.address(given);
        let read = at.and_then(|at| texts::read(&self.marks, &way.machine.memory, self.ground.image, at, wide, None));
        let Some(text) = read.filter(|read| read.whole && !read.text.has_unknown()).map(|read| read.text) else {
            return false;
        };
        let is_first = !way.asked.contains(&text);
        Rc::make_mut(&mut way.asked).push(text);
        is_first
    }

    /// Who decides the condition that the way is at.
    pub(super) fn decided_by(&self, way: &Way) -> Decides {
        let Some((value, _)) = way.machine.tested else { return Decides::Nobody };
        // What was asked for elsewhere has been answered, if in other words.
        if way.answers.iter().any(|answer| answer.of == value && answer.at != way.at) {
            return Decides::Nobody;
        }
        match self.engine.symbols.kind_of(value) {
            _ if self.answers.contains(&value) => Decides::Windows(value),
            Some(Kind::Param(_)) if !way.supposed || way.answers.iter().any(|answer| answer.of == value) => {
                Decides::Caller(value)
            }
            _ => Decides::Nobody,
        }
    }

    /// What the way took for the answer when it was here before. Where one side comes back and the other does not, the way
    /// would go round for ever.
    pub(super) fn as_before(&mut self, way: &Way, who: Decides, jump: Option<&Instruction>) -> Option<bool> {
        let before = way.answers.iter().find(|answer| answer.at == way.at).filter(|_| who != Decides::Nobody)?.met;
        jump.is_none_or(|jump| self.is_even(way, jump)).then_some(before)
    }

    /// Both sides of a jump lead back to it, or neither does.
    fn is_even(&mut self, way: &Way, jump: &Instruction) -> bool {
        if let Some(known) = self.even.get(&jump.ip()) {
            return *known;
        }
        let Some(frame) = way.frames.last() else { return false };
        let code = self.code_of(frame.function, way.frames.len() - 1, frame.before.is_some());
        let base = self.program.image.base;
        let leads = leads_to(&code.body, jump.ip());
        let comes_back = |to: u64| code.body.block_at(to.wrapping_sub(base) as u32).and_then(|block| leads.get(block));
        let (next, target) = (comes_back(jump.next_ip()), comes_back(jump.near_branch_target()));
        let even = next.is_some() && next == target;
        self.even.insert(jump.ip(), even);
        even
    }
}

impl Way {
    /// The way takes a condition for met, or not.
    pub(super) fn choose(&mut self, who: Decides, met: bool) {
        match who {
            Decides::Windows(of) | Decides::Caller(of) => {
                self.supposed |= matches!(who, Decides::Caller(_));
                let at = self.at;
                let answers = Rc::make_mut(&mut self.answers);
                answers.retain(|answer| answer.at != at);
                answers.push(Answer { at, of, met });
            }
            Decides::Nobody => self.chose = true,
        }
    }
}
