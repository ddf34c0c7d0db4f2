//! Which folder relative names are below, in a program that changes its current folder.
//!
//! The folder belongs to the whole process: what the program does before a call decides. From a call its function is walked
//! through, and then those who call that, up to where the program begins. Where each way there changes the folder last by
//! the same call, it is what that call says; where none changes it, it is what it was when the program began. Whatever may
//! be called by its address may run at any time, and leaves it open.

use super::code::body::Body;
use super::code::report::Event;
use super::program::Program;
use super::{Map, Set};
use crate::catalog::native::Model;
use crate::facts::{Hole, Part, Text};
use iced_x86::{FlowControl, Instruction, OpKind};
use std::cell::RefCell;

/// Most functions that may change the folder, themselves or by what they call.
const MAX_CHANGERS: usize = 1_024;
/// Deepest chain of functions that are looked into, and of callers.
const MAX_DEPTH: usize = 8;
/// Most calls of one function.
const MAX_CALLERS: usize = 32;

/// What has become of the current folder, seen from where a function is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Now {
    /// Nothing.
    AsBefore,
    /// It was changed last by the first of these calls, which the others lead to.
    Changed(Vec<u32>),
    /// One or the other, or that was not followed.
    Open,
}

/// What is known of the folder that a relative name is below.
pub(super) enum Below {
    /// The one that the program began in.
    First,
    /// This one, by the call that changed it.
    Folder(Text, u32),
    /// That is not known. The first call that changes it.
    Open(u32),
}

/// See the module.
pub(super) struct Folders<'p, 'a> {
    program: &'p Program<'a>,
    /// Calls that change the folder.
    changes: Vec<&'p Event>,
    /// Functions that may change it.
    changers: Set<u32>,
    /// Functions in which it is changed by something that is not told of.
    lost: Set<u32>,
    /// Something that is called by its address may change it.
    at_any_time: bool,
    /// What is left of it when a function returns; `None`: it is being looked into.
    left: RefCell<Map<u32, Option<Now>>>,
    /// What has become of it when a function is entered, by that and how far it is from where it was asked.
    entered: RefCell<Map<(u32, usize), Now>>,
}

impl<'p, 'a> Folders<'p, 'a> {
    /// `None`: the program changes it nowhere.
    pub(super) fn of(program: &'p Program<'a>, events: &'p [Event]) -> Option<Self> {
        let changes: Vec<&Event> = events.iter().filter(|e| e.api.row.model == Some(Model::ChangeFolder)).collect();
        changes.first()?;
        // A dialog leaves the folder of what was chosen, unless it is told not to.
        let model = |import: usize| program.apis.get(import).copied().flatten().and_then(|api| api.row.model);
        let mut uses: Map<u32, usize> = Map::default();
        let mut lost = Set::default();
        for (at, import) in program.uses_of_imports() {
            let Some(function) = program.functions.function_of(at) else { continue };
            match model(import) {
                Some(Model::ChangeFolder) => *uses.entry(function).or_default() += 1,
                Some(Model::FileDialog) => drop(lost.insert(function)),
                _ => {}
            }
        }
        let sites: Set<u32> = changes.iter().map(|change| change.site).collect();
        for (function, uses) in &uses {
            let told = sites.iter().filter(|site| program.functions.function_of(**site) == Some(*function)).count();
            if told < *uses && !program.references.thunks.contains_key(function) {
                lost.insert(*function);
            }
        }
        let mut changers: Set<u32> = uses.keys().chain(&lost).copied().collect();
        let mut next = changers.clone();
        while !next.is_empty() && changers.len() <= MAX_CHANGERS {
            let callers = program.callers(&next).into_values().flatten();
            next = callers.filter(|caller| changers.insert(*caller)).collect();
        }
        let entered = program.entered();
        let by_address = |function: &u32| *function != program.image.entry && entered.contains(function);
        let at_any_time = changers.len() > MAX_CHANGERS || changers.iter().any(by_address);
        Some(Folders {
            program,
            changes,
            changers,
            lost,
            at_any_time,
            left: RefCell::default(),
            entered: RefCell::default(),
        })
    }

    /// What a relative name of a call is below.
    pub(super) fn below(&self, event: &Event) -> Below {
        let first = self.changes.first().map(|change| change.site).unwrap_or_default();
        if self.at_any_time {
            return Below::Open(first);
        }
        match self.before(event) {
            (Now::AsBefore, _) => Below::First,
            (Now::Changed(by), within) => {
                let calls = [by, within].concat();
                match (self.folder_of(&calls), calls.first()) {
                    (Some(folder), Some(site)) => Below::Folder(folder, *site),
                    _ => Below::Open(first),
                }
            }
            (Now::Open, _) => Below::Open(first),
        }
    }

    /// What a call has changed the folder to that was reached by these: a place of its own.
    fn folder_of(&self, calls: &[u32]) -> Option<Text> {
        let (site, through) = calls.split_first()?;
        let is_it = |change: &&&Event| {
            change.site == *site && change.through.iter().zip(through).all(|(known, call)| known == call)
        };
        let mut texts = self.changes.iter().filter(is_it).map(|change| match change.args.first() {
            Some(folder) if !folder.weak => match &*folder.texts {
                [text] => Some(text),
                _ => None,
            },
            _ => None,
        });
        let text = texts.next()??;
        let begins = match text.parts().first() {
            Some(Part::Lit(literal)) => literal.get(1..3) == Some(":\\") || literal.starts_with("\\\\"),
            Some(Part::Hole(Hole::Folder(_))) => true,
            _ => false,
        };
        (begins && !text.has_unknown() && texts.all(|other| other == Some(text))).then(|| text.clone())
    }

    /// What becomes of the folder before a call, and the calls that lead to where it is changed.
    fn before(&self, event: &Event) -> (Now, Vec<u32>) {
        let calls: Vec<u32> = [event.site].into_iter().chain(event.through.iter().copied()).collect();
        for (n, call) in calls.iter().enumerate() {
            match self.at(*call) {
                Now::AsBefore => {}
                now => return (now, calls.get(n + 1..).unwrap_or_default().to_vec()),
            }
        }
        let outermost = self.program.functions.function_of(event.done_at());
        (outermost.map_or(Now::Open, |function| self.above(function, 0)), Vec::new())
    }

    /// What becomes of it before a function is entered. Many ways lead through the same callers: each is asked once.
    fn above(&self, function: u32, depth: usize) -> Now {
        if let Some(known) = self.entered.borrow().get(&(function, depth)) {
            return known.clone();
        }
        let now = self.by_callers(function, depth);
        self.entered.borrow_mut().insert((function, depth), now.clone());
        now
    }

    fn by_callers(&self, function: u32, depth: usize) -> Now {
        let program = self.program;
        let calls: Vec<u32> = program.references.calls_to(function).collect();
        let is_entered = program.entered().contains(&function);
        match is_entered {
            true if function == program.image.entry && calls.is_empty() => return Now::AsBefore,
            true => return Now::Open,
            false if calls.is_empty() || calls.len() > MAX_CALLERS || depth >= MAX_DEPTH => return Now::Open,
            false => {}
        }
        let before = |call: &u32| match self.at(*call) {
            Now::AsBefore => match program.functions.function_of(*call) {
                Some(caller) if caller != function => self.above(caller, depth + 1),
                _ => Now::Open,
            },
            // Which calls lead on from there differs from caller to caller.
            now => now,
        };
        calls.iter().map(before).reduce(join).unwrap_or(Now::Open)
    }

    /// What becomes of it in a function before an instruction.
    fn at(&self, place: u32) -> Now {
        let Some(function) = self.program.functions.function_of(place) else { return Now::Open };
        if !self.changers.contains(&function) {
            return Now::AsBefore;
        }
        self.walk(function, Some(place))
    }

    /// What is left of it when a function returns.
    fn after(&self, function: u32) -> Now {
        if !self.changers.contains(&function) {
            return Now::AsBefore;
        }
        if let Some(known) = self.left.borrow().get(&function) {
            return known.clone().unwrap_or(Now::Open);
        }
        if self.left.borrow().values().filter(|known| known.is_none()).count() >= MAX_DEPTH {
            return Now::Open;
        }
        self.left.borrow_mut().insert(function, None);
        let now = self.walk(function, None);
        self.left.borrow_mut().insert(function, Some(now.clone()));
        now
    }

    /// Walks through all ways of a function, up to a place in it, or to where it returns.
    fn walk(&self, function: u32, place: Option<u32>) -> Now {
        let body = self.program.body(function);
        if body.capped || self.lost.contains(&function) || body.blocks.iter().any(|block| block.indirect) {
            return Now::Open;
        }
        let mut states: Vec<Option<Now>> = vec![None; body.blocks.len()];
        let Some(first) = body.block_at(body.start) else { return Now::Open };
        states[first] = Some(Now::AsBefore);
        let (mut work, mut found) = (vec![first], None);
        let meet = |found: &mut Option<Now>, now: &Now| {
            *found = Some(found.take().map_or_else(|| now.clone(), |found| join(found, now.clone())));
        };
        while let Some(at) = work.pop() {
            let (Some(block), Some(Some(mut now))) = (body.blocks.get(at), states.get(at).cloned()) else { continue };
            for instruction in body.instructions.get(block.instructions.clone()).unwrap_or_default() {
                let rva = instruction.ip().wrapping_sub(self.program.image.base) as u32;
                if place.is_some_and(|place| (rva..rva + instruction.len() as u32).contains(&place)) {
                    meet(&mut found, &now);
                }
                now = self.step(&body, instruction, rva, now);
                self.program.spend(1);
            }
            let ends = block.next.is_empty();
            if ends && place.is_none() {
                meet(&mut found, &now);
            }
            for next in block.next.iter().chain(&block.handlers) {
                let Some(state) = states.get_mut(*next) else { continue };
                let joined = state.clone().map_or_else(|| now.clone(), |state| join(state, now.clone()));
                if state.as_ref() != Some(&joined) {
                    *state = Some(joined);
                    work.push(*next);
                }
            }
        }
        found.unwrap_or(Now::Open)
    }

    /// What an instruction makes of it.
    fn step(&self, body: &Body, instruction: &Instruction, rva: u32, now: Now) -> Now {
        if self.changes.iter().any(|change| change.site == rva) {
            return Now::Changed(vec![rva]);
        }
        let flow = instruction.flow_control();
        let leaves =
            [FlowControl::Call, FlowControl::UnconditionalBranch, FlowControl::ConditionalBranch].contains(&flow);
        if !leaves || !matches!(instruction.op0_kind(), OpKind::NearBranch32 | OpKind::NearBranch64) {
            return now;
        }
        let target = self
            .program
            .image
            .beyond_jumps(self.program.image.rva_of(instruction.near_branch_target()).unwrap_or_default());
        if target == body.start || !self.program.functions.is_start(target) {
            return now;
        }
        match self.after(target) {
            Now::AsBefore => now,
            // Where the jump is not taken nothing has changed.
            _ if flow == FlowControl::ConditionalBranch => Now::Open,
            Now::Changed(mut by) => {
                by.push(rva);
                Now::Changed(by)
            }
            Now::Open => Now::Open,
        }
    }
}

fn join(a: Now, b: Now) -> Now {
    if a == b { a } else { Now::Open }
}
