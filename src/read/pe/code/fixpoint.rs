//! Executes the blocks of one function until nothing new is learnt, and notes what they do.

use super::analysis::Engine;
use super::body::{Block, Body};
use super::known::Known;
use super::report::Arg;
use super::slot::Slot;
use super::state::State;
use super::table::Joined;
use super::value::{Kind, Symbols, Value};
use super::width::literal_by_looks;
use iced_x86::FlowControl;
use std::collections::BTreeSet;

/// Visits of a block after which what still changes is given up.
const WIDEN_AFTER: u8 = 4;
/// Visits of a block after which it is left alone.
const MAX_VISITS: u8 = 8;

/// A block, and how often it was executed.
#[derive(Default)]
pub(super) struct Visit {
    /// What is known before it. `None`: nothing leads to it.
    before: Option<State>,
    /// How often that changed.
    seen: u8,
    /// More is known than when it was executed last.
    stale: bool,
    /// It has something to note.
    notable: bool,
    /// What is known behind it, when it is an exit.
    after: Option<State>,
}

impl Engine<'_, '_> {
    /// Executes blocks until what is known before each does not change any more.
    pub(super) fn fixpoint(&mut self, body: &Body) -> Vec<Visit> {
        let mut visits: Vec<Visit> = Vec::new();
        visits.resize_with(body.blocks.len(), Visit::default);
        let mut work = BTreeSet::new();
        if let Some(first) = body.block_at(body.start) {
            work.insert(first);
            visits.get_mut(first).into_iter().for_each(|visit| visit.before = Some(self.state.clone()));
        }
        while let Some(at) = work.pop_first() {
            if self.program.is_out_of_budget() {
                self.report.capped = true;
                break;
            }
            let (Some(block), Some(visit)) = (body.blocks.get(at), visits.get_mut(at)) else { continue };
            let Some(state) = visit.before.clone() else { continue };
            visit.stale = false;
            self.notable = false;
            self.run(body, block, state);
            visit.notable = self.notable;
            visit.after = self.leaves(body, block).then(|| self.state.clone());
            let way = self.way(body, block);
            let leads = |next: &&usize| way.is_none_or(|way| body.blocks.get(**next).is_some_and(|b| b.start == way));
            // An entry of a table that is known is the only one.
            let entry = way.filter(|_| block.indirect).and_then(|way| body.block_at(way));
            let orphans = block.indirect.then_some(&body.orphans).into_iter().flatten();
            let open = block.next.iter().filter(leads).chain(orphans).filter(|_| entry.is_none());
            for target in entry.iter().chain(open) {
                self.lead_to(*target, &mut visits, &mut work);
            }
            if !block.handlers.is_empty() {
                self.throw();
            }
            for handler in &block.handlers {
                self.lead_to(*handler, &mut visits, &mut work);
            }
        }
        visits
    }

    /// What is known now is known before a block, if it comes this way.
    fn lead_to(&mut self, target: usize, visits: &mut [Visit], work: &mut BTreeSet<usize>) {
        let Some(visit) = visits.get_mut(target) else { return };
        let joined = match &mut visit.before {
            Some(known) if visit.seen < MAX_VISITS => self.meet(known, visit.seen >= WIDEN_AFTER),
            Some(_) => Joined::default(),
            before => {
                *before = Some(self.state.clone());
                Joined { changed: true, came: true }
            }
        };
        visit.stale |= joined.changed || joined.came;
        if joined.changed {
            visit.seen += 1;
            work.insert(target);
        }
    }

    /// The last call threw: instead of its result there are the exception and the number of its type.
    fn throw(&mut self) {
        const RAX: usize = 0;
        const RDX: usize = 2;
        for register in [RAX, RDX] {
            self.state.registers[register] = Value::Unknown;
        }
    }

    /// Notes the calls, and joins what is known at the exits. Most blocks have neither; and only those that were executed
    /// with less than what is now known have to be executed again for their state.
    pub(super) fn record(&mut self, body: &Body, visits: Vec<Visit>) {
        self.recording = true;
        for (block, visit) in body.blocks.iter().zip(visits) {
            let Some(state) = visit.before else { continue };
            let is_exit = visit.after.is_some();
            let after = match visit.after {
                Some(after) if !visit.notable && !visit.stale => Some(after),
                _ if visit.notable || visit.stale && (block.calls || is_exit) => {
                    self.run(body, block, state);
                    self.leaves(body, block).then(|| self.state.clone())
                }
                _ => None,
            };
            let Some(after) = after else { continue };
            self.state = after;
            let exit = match self.exit.take() {
                Some(mut exit) => {
                    self.meet(&mut exit, false);
                    exit
                }
                None => self.state.clone(),
            };
            self.exit = Some(exit);
        }
    }

    /// Joins the state into that of another way.
    fn meet(&mut self, known: &mut State, widen: bool) -> Joined {
        let mut symbols = std::mem::take(&mut self.symbols);
        let image = &self.program.image;
        let initial = |symbols: &Symbols, at: Value, wide: Option<bool>| match at {
            Value::Const(va) if self.is_variable(va) => {
                let rva = image.rva_of(va)?;
                let known = |arg: Arg| Known::any(arg.texts, arg.weak);
                literal_by_looks(image, rva).map(|arg| known(arg.read(wide)))
            }
            Value::Sym(..) => {
                let read = |slot: Slot| wide.map_or_else(|| slot.text(), |wide| slot.read(wide.into()));
                symbols.slot(at).map(|slot| Known::of(read(slot)))
            }
            _ => None,
        };
        let before = |symbols: &mut Symbols, at: Value| match at {
            Value::Const(va) => self.is_variable(va).then(|| symbols.of(Kind::Load(at))),
            Value::Sym(symbol, _) => {
                let outside =
                    matches!(symbols.kind(symbol), Kind::Param(_) | Kind::Load(Value::Sym(..) | Value::Const(_)));
                outside.then(|| symbols.of(Kind::Load(at)))
            }
            Value::Stack(offset) => self.stack_parameter(offset).map(|n| symbols.of(Kind::Param(n))),
            Value::Unknown => None,
        };
        let joined = known.join(&self.state, &mut symbols, widen, (&initial, &before));
        self.symbols = symbols;
        joined
    }

    /// There is something to note; `true`: now is the time.
    pub(super) fn notes(&mut self) -> bool {
        self.notable = true;
        self.recording
    }

    /// Executes a block.
    fn run(&mut self, body: &Body, block: &Block, state: State) {
        self.state = state;
        self.pushed = 0;
        self.left = false;
        self.compared = None;
        let Some(instructions) = body.instructions.get(block.instructions.clone()) else { return };
        self.program.spend(instructions.len() as u64);
        for (i, instruction) in instructions.iter().enumerate() {
            self.at = instruction.ip().wrapping_sub(self.program.image.base) as u32;
            self.step(instruction, instructions.get(i + 1));
        }
        // No table of this function is jumped through.
        let jumps = instructions.last().is_some_and(|last| last.flow_control() == FlowControl::IndirectBranch);
        if jumps && !self.left && block.next.is_empty() && body.orphans.is_empty() {
            self.leave_to_anybody(self.at);
        }
    }

    /// The block that was just executed is an exit of the function.
    fn leaves(&self, body: &Body, block: &Block) -> bool {
        let Some(last) = body.last(block) else { return false };
        self.left
            || last.flow_control() == FlowControl::Return
            || block.next.is_empty()
                && !block.indirect
                && matches!(last.flow_control(), FlowControl::UnconditionalBranch | FlowControl::IndirectBranch)
    }
}
