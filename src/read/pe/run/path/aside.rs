//! Functions beside the way to the goal: which of them are left out, and what is not known any more then.

use super::super::machine::{Machine, RSP};
use super::super::word::Word;
use super::{MAX_ASIDE, MAX_FORKS, MAX_WAYS, Run, Way};
use std::rc::Rc;

impl Run<'_, '_> {
    /// Goes on behind the call of a function that is not on the way to the goal, as if nothing were known of it: of the
    /// innermost that can have changed nothing that the way knows, or else of the innermost; `false`: there is none.
    pub(super) fn give_up(&mut self, way: &mut Way) -> bool {
        let entered = way.frames.iter().enumerate().rev();
        let asides: Vec<(usize, Rc<Machine>)> =
            entered.filter_map(|(i, frame)| Some((i, frame.before.clone()?))).collect();
        let harmless = asides.iter().find(|(_, before)| self.is_harmless(before)).map(|(i, _)| *i);
        let Some(depth) = harmless.or(asides.first().map(|(i, _)| *i)) else { return false };
        way.frames.truncate(depth + 1);
        while let Some(frame) = way.frames.pop() {
            if way.frames.is_empty() {
                return false;
            }
            let Some(before) = frame.before else { continue };
            if harmless.is_some() {
                // Other ways through it say no more.
                self.ways.retain(|other| !other.frames.iter().any(|entered| entered.number == frame.number));
                (way.chose, way.aside) = (frame.chose, frame.aside);
            }
            if !self.skipped.contains(&frame.function) {
                self.skipped.push(frame.function);
            }
            way.machine = (*before).clone();
            self.skip(way, frame.function, frame.site);
            if frame.resumes {
                way.machine.registers = frame.registers;
            }
            way.at = frame.back;
            return true;
        }
        false
    }

    /// The way is in a function beside it that can be left out, and has forked there as often as it may.
    pub(super) fn is_too_wide(&mut self, way: &Way) -> bool {
        let aside = way.frames.last().is_some_and(|frame| frame.before.is_some());
        let times = way.times_at(way.at);
        let is_wide =
            aside && (self.spares || times >= MAX_FORKS || way.aside >= MAX_ASIDE || self.started >= MAX_WAYS);
        is_wide && way.frames.iter().filter_map(|frame| frame.before.as_deref()).any(|before| self.is_harmless(before))
    }

    /// A function that is about to be called is given no address of memory that the way knows, and the way has set no
    /// variable of the image: whatever it does, that stays.
    pub(super) fn is_harmless(&mut self, machine: &Machine) -> bool {
        let image = &self.program.image;
        let span = image.span(|_| true);
        let (from, to) = (image.base + u64::from(span.start), image.base + u64::from(span.end));
        if machine.memory.has_pages(from, to) {
            return false;
        }
        let mut given = self.arguments(machine, 8);
        if !self.ground.is_64 {
            // Compilers pass arguments of functions of their own in registers.
            given.extend([0, 1, 2].map(|register: usize| machine.registers[register]));
        }
        /// Bytes below the stack that functions have used which returned.
        const LEFT: u64 = 0x1_0000;
        let top = self.ground.address(machine.registers[RSP]).unwrap_or_default();
        let is_dead = |at: u64| (top.saturating_sub(LEFT)..top).contains(&at);
        given.into_iter().all(|word| match word {
            Word::Near(_) => false,
            word => self.ground.address(word).is_none_or(|at| is_dead(at) || !machine.memory.has_pages(at, at)),
        })
    }
}
